"""The control operations that read a sandbox: clock, timeline, journal, scripts, assumptions, account."""

from collections.abc import Awaitable, Callable, Iterable
from functools import cache
from typing import Any

from msgspec import UNSET, to_builtins

from sched_emulator import spec
from sched_emulator.core import globs
from sched_emulator.core.instants import to_text
from sched_emulator.core.records import DeliveryEntry, Fault, RequestEntry, Target
from sched_emulator.core.relied import Reliance, Sight, relied
from sched_emulator.spec import assumptions

from .hosted import Hosted

Json = dict[str, Any]
TIMELINE_SHOWN = 100


async def get_clock(hosted: Hosted, _body: Json, _query: Json) -> Json:
    """Return the sandbox's clock, and what an advance under way waits for."""
    sandbox = hosted.sandbox
    next_ms = sandbox.store.timeline.next_event_ms()
    clock: Json = {
        "now": to_text(sandbox.store.now_ms),
        "mode": sandbox.store.mode,
        "speed": sandbox.store.speed,
        "next_event_at": None if next_ms is None else to_text(next_ms),
    }
    waiting_for = hosted.driver.waiting_for()
    if waiting_for is not None:
        clock["advancing"] = waiting_for
    return clock


async def list_timeline(hosted: Hosted, _body: Json, query: Json) -> Json:
    """Return what is due next."""
    sandbox = hosted.sandbox
    items = []
    for entry in sandbox.store.timeline.due(query.get("limit", TIMELINE_SHOWN)):
        item = {"at": to_text(entry.due_ms), "kind": entry.kind, "subject": entry.subject}
        named = sandbox.store.crons.get(entry.subject) or sandbox.store.tasks.get(entry.subject)
        if named is not None and named.name is not None:
            item["name"] = named.name
        items.append(item)
    return {"items": items}


async def list_requests(hosted: Hosted, _body: Json, query: Json) -> Json:
    """Return the requests still kept, newest last."""
    journal, glob = hosted.sandbox.store.journal, query.get("operation")
    found = (entry for entry in journal.requests if entry.seq > query.get("since", 0))
    if glob is not None:
        found = (entry for entry in found if entry.operation and globs.names_operation(glob, entry.operation))
    items = [_request(entry) for entry in found]
    return _log(items, journal.requests, journal.dropped_requests)


async def list_deliveries(hosted: Hosted, _body: Json, query: Json) -> Json:
    """Return the delivery attempts still kept, newest last."""
    journal, glob = hosted.sandbox.store.journal, query.get("url")
    found = (entry for entry in journal.deliveries if entry.seq > query.get("since", 0))
    items = [_delivery(entry) for entry in found if glob is None or globs.matches(glob, entry.url)]
    return _log(items, journal.deliveries, journal.dropped_deliveries)


async def list_targets(hosted: Hosted, _body: Json, _query: Json) -> Json:
    """Return the scripted receivers."""
    return {"items": [target_view(target) for target in hosted.sandbox.store.targets]}


async def list_faults(hosted: Hosted, _body: Json, _query: Json) -> Json:
    """Return the faults in force."""
    return {"items": [fault_view(fault) for fault in hosted.sandbox.store.faults]}


async def get_routes(hosted: Hosted, _body: Json, _query: Json) -> Json:
    """Return the routes in force."""
    return dict(hosted.sandbox.store.routes)


async def get_assumptions(hosted: Hosted, _body: Json, _query: Json) -> Json:
    """Return every answer in force."""
    return dict(hosted.sandbox.store.answers.values)


async def get_account(hosted: Hosted, _body: Json, _query: Json) -> Json:
    """Return the account's balance."""
    return {"balance_usd": hosted.sandbox.store.balance_usd}


async def get_relied(hosted: Hosted, _body: Json, _query: Json) -> Json:
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


def target_view(target: Target) -> Json:
    """Return a scripted receiver as the control API shows it."""
    return to_builtins(target)  # type: ignore[no-any-return]


def fault_view(fault: Fault) -> Json:
    """Return a fault as the control API shows it."""
    view: Json = to_builtins(fault)
    return {"operation": "*", "used": 0} | {name: value for name, value in view.items() if value is not None}


def _request(entry: RequestEntry) -> Json:
    view: Json = {"seq": entry.seq, "at": to_text(entry.at_ms)}
    if entry.operation is not None:
        view["operation"] = entry.operation
    view |= {"method": entry.method, "path": entry.path}
    if entry.body is not UNSET:
        view["body"] = entry.body
    view |= {"status": entry.status, "response": entry.response, "ignored": entry.ignored}
    if entry.replayed_from is not None:
        view["replayed_from"] = entry.replayed_from
    if entry.note is not None:
        view["note"] = entry.note
    return view


def _delivery(entry: DeliveryEntry) -> Json:
    view = {
        "seq": entry.seq,
        "at": to_text(entry.at_ms),
        "kind": entry.kind,
        "url": entry.url,
        "routed_to": entry.routed_to,
        "headers": entry.headers,
        "body": entry.body,
        "attempt": entry.attempt,
        "run_id": entry.run_id,
        "message_id": entry.message_id,
        "outcome": entry.outcome,
        "status": entry.status,
        "error": entry.error,
        "duration_seconds": None if entry.duration_ms is None else entry.duration_ms / 1000,
        "response_headers": entry.response_headers or None,
        "response_body": entry.response_body,
        "note": entry.note,
    }
    return {name: value for name, value in view.items() if value is not None or name == "body"}


def _log(items: list[Json], kept: Iterable[RequestEntry | DeliveryEntry], dropped: int) -> Json:
    first = next(iter(kept), None)
    return {"items": items, "first_seq": 0 if first is None else first.seq, "dropped": dropped}


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


OPERATIONS: dict[str, Callable[[Hosted, Json, Json], Awaitable[Json]]] = {
    "clock.get": get_clock,
    "timeline.list": list_timeline,
    "requests.list": list_requests,
    "deliveries.list": list_deliveries,
    "targets.list": list_targets,
    "faults.list": list_faults,
    "routes.get": get_routes,
    "assumptions.get": get_assumptions,
    "account.get": get_account,
    "relied": get_relied,
}
