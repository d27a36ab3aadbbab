"""What a session relied on, as the control API tells it: open questions with their proofs, and those about shape."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from sched_emulator import spec
from sched_emulator.core.instants import to_text
from sched_emulator.core.relied import Due, Reliance, Reply, Sent, Sight, asked_by, relied
from sched_emulator.core.timeline import EVENT_WORDS
from sched_emulator.spec import assumptions

from . import secrets
from .asked import Json
from .http_errors import AlreadyAsked
from .sandboxes import Hosted
from .turns import Work


def get_relied(hosted: Hosted) -> Work[Json]:
    """Return the assumptions that the session so far relied on, each with its proof (long work).

    AlreadyAsked while another client waits for the same: each takes the session's whole log again.
    """
    with _proving(hosted):
        return (yield from _get_relied(hosted))


def _get_relied(hosted: Hosted) -> Work[Json]:
    catalogue = assumptions.catalogue()
    alternatives = {
        name: list(assumption.answers) for name, assumption in catalogue.items() if assumption.kind == "behaviour"
    }
    complete = hosted.sandbox.log_complete
    found = yield from relied(hosted.sandbox, alternatives)
    told = [
        entry.exchange for entry in hosted.sandbox.store.journal.requests
    ]  # which may have dropped what the log has
    told += [command.arguments["exchange"] for command in hosted.sandbox.log if command.method == "record"]
    operations = {exchange.operation for exchange in told}
    shapes = {shape for operation in operations - {None} for shape in _shapes_of(operation)}
    return {
        "items": [_reliance(hosted, item) for item in found],
        "shapes": sorted(shapes),
        "complete": complete,
    }


def get_asked(hosted: Hosted, seq: int) -> Work[Json]:
    """Return the open questions that the request with that number met (long work). AlreadyAsked as above.

    Those of behaviours and constants it asked; on those of shape the description of its operation depends.
    """
    with _proving(hosted):
        asked = yield from asked_by(hosted.sandbox, seq)
    if asked is None:
        return {"seq": seq, "items": [], "complete": False}
    exchange, answers = asked
    shapes = sorted(_shapes_of(exchange.operation)) if exchange.operation is not None else []
    shapes += ["http.unknown_fields"] if exchange.ignored else []
    met = answers | {name: hosted.sandbox.store.answers.values[name] for name in shapes}
    items = [{"id": name, "kind": _kind(name), "question": _question(name), "answer": met[name]} for name in met]
    return {"seq": seq, "items": items, "complete": True}


@contextmanager
def _proving(hosted: Hosted) -> Iterator[None]:
    if hosted.proving:
        raise AlreadyAsked
    hosted.proving = True
    try:
        yield
    finally:
        hosted.proving = False


def _kind(name: str) -> str:
    return assumptions.catalogue()[name].kind


def _question(name: str) -> str:
    return assumptions.catalogue()[name].question


@cache
def _shapes_of(operation_id: str) -> frozenset[str]:
    """Return the questions about shape that the spec's description of an operation depends on."""
    document = spec.load("scheduling")
    definitions = (item for path in document["paths"].values() for item in path.values() if isinstance(item, dict))
    definition = next(item for item in definitions if item.get("operationId") == operation_id)
    found: set[str] = set()
    _collect_questions(document, definition, found, set())
    return frozenset(found)


def _collect_questions(document: Json, node: Any, found: set[str], seen: set[str]) -> None:
    if isinstance(node, list):
        for item in node:
            _collect_questions(document, item, found, seen)
    if not isinstance(node, dict):
        return
    found.update(node.get("x-when", ()))
    reference = node.get("$ref")
    if isinstance(reference, str) and reference not in seen:
        seen.add(reference)
        _collect_questions(document, spec.deref(document, {"$ref": reference}), found, seen)
    for value in node.values():
        _collect_questions(document, value, found, seen)


def _reliance(hosted: Hosted, item: Reliance) -> Json:
    shown = item.was or item.would_be
    assert shown is not None
    return {
        "id": item.assumption_id,
        "answer": item.answer,
        "question": _question(item.assumption_id),
        "other": item.other,
        "seq": shown.seq,
        "operation": shown.operation,
        "was": _sight(hosted, item.was),
        "would_be": _sight(hosted, item.would_be),
        "forms": {"was": _form(item.was), "would_be": _form(item.would_be)},
    }


def _form(sight: Sight | None) -> str | None:
    """Return as what something that a user could see is shown."""
    return None if sight is None else {Reply: "answer", Sent: "delivery", Due: "event"}[type(sight)]


def _sight(hosted: Hosted, sight: Sight | None) -> Any:
    match sight:
        case None:
            return None
        case Due():
            words = EVENT_WORDS[sight.operation].format(sight.subject)
            return {"at": to_text(sight.at_ms), "kind": sight.operation, "subject": sight.subject, "words": words}
        case Sent():
            about = {"at": to_text(sight.at_ms), "kind": sight.operation, "url": secrets.in_url(sight.url)}
            return {**about, "headers": secrets.in_headers(sight.headers), "body": sight.body, "attempt": sight.attempt}
        case Reply(code=None):
            return secrets.hidden(hosted.binding.operations[sight.operation].render(sight.result))
        case Reply():
            return {"error": {"code": sight.code, "message": sight.message}}
