"""The control operations that read a sandbox: clock, timeline, journal, scripts, assumptions, account."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from msgspec import Raw, to_builtins

from sched_emulator.core import globs, urls
from sched_emulator.core.encoding import decode, encode_bytes
from sched_emulator.core.instants import to_text
from sched_emulator.core.journal import Journal
from sched_emulator.core.records import DeliveryEntry, Exchange, Fault, RequestEntry, Target
from sched_emulator.core.store import Store
from sched_emulator.spec import assumptions

from . import secrets
from .asked import Asked, Json, Performed
from .binding import Binding
from .driver import Driver
from .sandboxes import timed
from .turns import Work

TIMELINE_SHOWN = 100
Kept = TypeVar("Kept", RequestEntry, DeliveryEntry)


def get_clock(driver: Driver) -> Json:
    """Return the sandbox's clock, and what an advance under way waits for."""
    store = driver.sandbox.store
    next_ms = store.timeline.next_event_ms()
    clock: Json = {
        "now": to_text(store.now_ms),
        "mode": store.mode,
        "speed": store.speed,
        "next_event_at": None if next_ms is None else to_text(next_ms),
    }
    behind = driver.behind_seconds()
    if behind is not None:
        clock["behind_seconds"] = round(behind, 3)
    waiting_for = driver.waiting_for()
    if waiting_for is not None:
        clock["advancing"] = secrets.hidden(waiting_for)
    return clock


def list_timeline(store: Store, limit: int = TIMELINE_SHOWN) -> Work[Json]:
    """Return what is due next (long work)."""
    items = []
    for entry in (yield from store.timeline.listing(limit)):
        item = {"at": to_text(entry.due_ms), "kind": entry.kind, "subject": entry.subject}
        named = store.crons.get(entry.subject) or store.tasks.get(entry.subject)
        if named is not None and named.name is not None:
            item["name"] = named.name
        items.append(item)
    return {"items": items}


def list_requests(binding: Binding, journal: Journal, since: int = 0, operation: str | None = None) -> Work[Json]:
    """Return the requests kept at this moment, newest last (long work).

    `operation` is a glob; InvalidRequest when no operation fits it.
    """
    if operation is not None:
        globs.refuse_unmet(operation, binding.operations)

    def view(entry: RequestEntry) -> Json | None:
        return request_view(binding, entry) if operation is None or _is_of(entry.exchange, operation) else None

    return _log(journal.requests, journal.dropped_requests, since, view)


def list_deliveries(journal: Journal, since: int = 0, url: str | None = None) -> Work[Json]:
    """Return the delivery attempts kept at this moment, newest last; `url` is a glob (long work)."""

    def view(entry: DeliveryEntry) -> Json | None:
        return delivery_view(entry) if url is None or urls.fits(url, entry.url) else None

    return _log(journal.deliveries, journal.dropped_deliveries, since, view)


def catalogue() -> Json:
    """Return every open question, and what may be answered."""
    items = [
        {
            "id": item.id,
            "kind": item.kind,
            "question": item.question,
            "answers": dict(item.answers),
            "possible": item.possible,
            "default": item.default,
            "why": item.why,
        }
        for item in assumptions.catalogue().values()
    ]
    return {"items": items}


def get_snapshot(asked: Asked) -> bytes:
    """Return the whole state; ClockBusy while something is under way, which a snapshot could not hold."""
    asked.driver.refuse_if_busy()
    with timed("saving"):
        return asked.sandbox.snapshot()


def target_view(target: Target) -> Json:
    """Return a scripted receiver as the control API shows it."""
    return to_builtins(target)  # type: ignore[no-any-return]


def fault_view(fault: Fault) -> Json:
    """Return a fault as the control API shows it."""
    view: Json = to_builtins(fault)
    return {"operation": "*", "used": 0} | {name: value for name, value in view.items() if value is not None}


def list_unused(store: Store) -> Json:
    """Return the scripts, faults and routes of the sandbox that nothing has met; those that `serve` has given aside."""
    own = store.settings.routes
    items = [{"kind": "target", **target_view(target)} for target in store.targets if not target.used]
    items += [{"kind": "fault", **fault_view(fault)} for fault in store.faults if not fault.used]
    items += [
        {"kind": "route", "from": source, "to": destination, "used": 0}
        for source, destination in store.routes.items()
        if source not in store.routes_used and own.get(source) != destination
    ]
    return {"items": items}


def _and_not_kept(note: str | None, what: str, weight: int) -> str:
    said = f"{what} are not kept: with {weight} bytes they are too long for --keep"
    return said if note is None else f"{note}; {said}"


def _is_of(exchange: Exchange, glob: str) -> bool:
    return exchange.operation is not None and globs.names_operation(glob, exchange.operation)


def request_view(binding: Binding, entry: RequestEntry) -> Json:
    """Return a request as the journal shows it."""
    exchange = entry.exchange
    view: Json = {"seq": entry.seq, "at": to_text(entry.at_ms)}
    if exchange.operation is not None:
        view["operation"] = exchange.operation
    view |= {"method": exchange.method, "path": secrets.in_url(exchange.path)}
    if exchange.body is not None and exchange.operation is not None:
        view["body"] = binding.operations[exchange.operation].hide_secrets(decode(exchange.body))
    view |= {
        "status": exchange.status,
        "response": secrets.hidden(decode(exchange.response)),
        "ignored": exchange.ignored,
    }
    if exchange.replayed_from is not None:
        view["replayed_from"] = exchange.replayed_from
    if entry.note is not None:
        view["note"] = entry.note
    if exchange.not_kept_bytes:
        view["note"] = _and_not_kept(entry.note, "body and answer", exchange.not_kept_bytes)
    return view


def delivery_view(entry: DeliveryEntry) -> Json:
    """Return a delivery attempt as the journal shows it."""
    view: dict[str, Any] = {
        "seq": entry.seq,
        "at": to_text(entry.at_ms),
        "kind": entry.kind,
        "url": secrets.in_url(entry.url),
        "routed_to": entry.routed_to and secrets.in_url(entry.routed_to),
        "headers": secrets.in_headers(entry.headers),
        "body": entry.body,
        "attempt": entry.attempt,
        "run_id": entry.run_id,
        "message_id": entry.message_id,
        "outcome": entry.outcome,
        "status": entry.status,
        "error": entry.error,
        "duration_seconds": None if entry.duration_ms is None else entry.duration_ms / 1000,
        "response_headers": secrets.in_headers(entry.response_headers) or None,
        "response_body": entry.response_body,
        "note": entry.note,
    }
    if entry.not_kept_bytes:
        view["note"] = _and_not_kept(entry.note, "headers and body", entry.not_kept_bytes)
    return {name: value for name, value in view.items() if value is not None or name == "body"}


def _log(kept: Iterable[Kept], dropped: int, since: int, view: Callable[[Kept], Json | None]) -> Work[Json]:
    """Return entries as a journal is read. Each is encoded at once, so that the end of all is no long piece."""
    entries = tuple(kept)
    items = []
    for entry in entries:
        if entry.seq <= since:
            continue
        shown = view(entry)
        if shown is not None:
            items.append(Raw(encode_bytes(shown)))
        yield
    return {"items": items, "first_seq": entries[0].seq if entries else 0, "dropped": dropped}


OPERATIONS: Mapping[str, Callable[[Asked], Performed]] = {
    "clock.get": lambda asked: get_clock(asked.driver),
    "timeline.list": lambda asked: list_timeline(asked.store, **asked.query),
    "requests.list": lambda asked: list_requests(asked.hosted.binding, asked.store.journal, **asked.query),
    "deliveries.list": lambda asked: list_deliveries(asked.store.journal, **asked.query),
    "targets.list": lambda asked: {"items": [target_view(target) for target in asked.store.targets]},
    "faults.list": lambda asked: {"items": [fault_view(fault) for fault in asked.store.faults]},
    "unused.list": lambda asked: list_unused(asked.store),
    "routes.get": lambda asked: dict(asked.store.routes),
    "assumptions.get": lambda asked: dict(asked.store.answers.values),
    "account.get": lambda asked: {"balance_usd": asked.store.balance_usd},
    "snapshot.get": get_snapshot,
}
