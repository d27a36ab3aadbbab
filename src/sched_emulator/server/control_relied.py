"""What a session relied on, as the control API tells it: open questions with their proofs, and those about shape."""

from functools import cache
from typing import Any

from sched_emulator import spec
from sched_emulator.core.instants import to_text
from sched_emulator.core.relied import Reliance, Sight, relied
from sched_emulator.spec import assumptions

from .asked import Json
from .sandboxes import Hosted


async def get_relied(hosted: Hosted) -> Json:
    """Return the assumptions that the session relied on, each with its proof."""
    catalogue = assumptions.catalogue()
    alternatives = {
        name: list(assumption.answers) for name, assumption in catalogue.items() if assumption.kind == "behaviour"
    }
    operations = {entry.operation for entry in hosted.sandbox.store.journal.requests if entry.operation is not None}
    shapes = {shape for operation in operations for shape in _shapes_of(operation)}
    return {
        "items": [_reliance(hosted, item) for item in relied(hosted.sandbox, alternatives)],
        "shapes": sorted(shapes),
        "complete": hosted.sandbox.log_complete,
    }


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
        "question": assumptions.catalogue()[item.assumption_id].question,
        "other": item.other,
        "seq": shown.seq,
        "operation": shown.operation,
        "was": _sight(hosted, item.was),
        "would_be": _sight(hosted, item.would_be),
    }


def _sight(hosted: Hosted, sight: Sight | None) -> Any:
    if sight is None:
        return None
    if sight.form == "answer":
        refused = sight.seen.keys() == {"error"} and isinstance(sight.seen["error"], dict)
        if refused:
            return sight.seen
        return hosted.binding.operations[sight.operation].render(sight.seen)
    if sight.form == "event":
        due_ms, kind, subject = sight.seen
        return {"at": to_text(due_ms), "kind": kind, "subject": subject}
    at_ms, kind, url, headers, body, attempt = sight.seen
    return {"at": to_text(at_ms), "kind": kind, "url": url, "headers": headers, "body": body, "attempt": attempt}
