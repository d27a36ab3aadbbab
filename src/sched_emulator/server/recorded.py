"""What a recording of an emulator's own says: its exchanges, deliveries and commands, as entries and as they came.

Pure: who records tells what happened, who replays tells what comes out, and both are compared. The instants are those
of the sandbox's clock. An exchange stands where it was performed, so that it is the command of its call, too.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from sched_emulator.core.encoding import decode, encode, encode_bytes, exact_number
from sched_emulator.core.errors import SchedulingError
from sched_emulator.core.records import DeliveryEntry, Fault, Outcome, RequestEntry, State, Target
from sched_emulator.core.snapshot import seal
from sched_emulator.recording.lines import Delivery, Facts, LeftOut

from .exchange import CONSTANT_HEADERS, Answered, Received
from .loading import read_snapshot

EXCHANGES = frozenset({"call", "record"})  # the commands that an exchange stands for
FORGET = "forget"  # what a server does with a sandbox, no command of its own
DROPPED = "the connection was dropped: a fault asked for it"
NOT_KEPT = "it is too long to be kept in the journal"

_STATE_LIKE: Mapping[str, tuple[str, msgspec.json.Decoder[Any]]] = {
    "settle": ("outcome", msgspec.json.Decoder(Outcome, float_hook=exact_number)),
    "add_target": ("target", msgspec.json.Decoder(Target, float_hook=exact_number)),
    "add_fault": ("fault", msgspec.json.Decoder(Fault, float_hook=exact_number)),
}
COMMANDS = frozenset(
    ("poll", "set_now", "set_clock", "set_assumptions", "set_balance", "set_routes", "clear_targets", "clear_faults")
) | {*_STATE_LIKE, "reset", "restore", FORGET}


def exchange(entry: RequestEntry, received: Received, answered: Answered, refused: bool) -> Facts:  # noqa: FBT001 - once
    """Tell of an exchange as it was journaled; `refused` before an operation could take it."""
    exchange = entry.exchange
    journal: dict[str, Any] = {"seq": entry.seq, "operation": exchange.operation}
    if refused:
        journal["refused"] = True
    if exchange.ignored:
        journal["ignored"] = exchange.ignored
    if exchange.replayed_from is not None:
        journal["replayed_from"] = exchange.replayed_from
    if entry.note is not None:
        journal["note"] = entry.note
    if exchange.not_kept_bytes:
        journal["not_kept_bytes"] = exchange.not_kept_bytes
    return _facts(received, answered, entry.at_ms, journal)


def without_sandbox(received: Received, answered: Answered, now_ms: int) -> Facts:
    """Tell of an exchange that concerned no sandbox."""
    return _facts(received, answered, now_ms, None)


def delivery(entry: DeliveryEntry) -> Delivery:
    """Return a delivery attempt that has ended."""
    said = msgspec.to_builtins(entry)
    journal = {name: said[name] for name in said if name not in {"at_ms", "url", "headers", "body", "attempt"}}
    return Delivery(
        at_ms=entry.at_ms,
        url=entry.url,
        headers=tuple(entry.headers.items()),
        body=LeftOut(NOT_KEPT) if entry.not_kept_bytes else encode(entry.body),
        attempt=entry.attempt,
        status=entry.status,
        error=entry.error,
        journal=journal,
    )


def arguments(command: str, given: Mapping[str, Any]) -> str:
    """Return the arguments of a command as JSON."""
    return seal(given["state"]).decode() if command == "restore" else encode(given)


def arguments_in(command: str, said: Any) -> dict[str, Any]:
    """Return the arguments of a command from a recording. ValueError when they are none of it."""
    try:
        if command == "restore":
            return {"state": state_in(said)}
        found: dict[str, Any] = decode(encode_bytes(said))
        if command in _STATE_LIKE:
            name, decoder = _STATE_LIKE[command]
            found[name] = decoder.decode(encode_bytes(found[name]))
    except (KeyError, TypeError, msgspec.MsgspecError, SchedulingError, RecursionError) as error:
        raise ValueError(f"the arguments of {command} are none of this version: {error}") from None
    return found


def state_in(said: Any) -> State:
    """Return the state of a snapshot in a recording; SchedulingError when it is none."""
    return read_snapshot(encode_bytes(said), may_be_changed=True)


def _facts(received: Received, answered: Answered, now_ms: int, journal: Mapping[str, Any] | None) -> Facts:
    answer: tuple[int | None, Mapping[str, str], str, str | None]
    if answered.drop:
        answer = None, {}, "", DROPPED
    else:
        content = "" if received.method == "HEAD" else answered.content.decode()
        answer = answered.status, {**CONSTANT_HEADERS, **answered.headers}, content, None
    headers, arrived_ms = tuple(received.headers.items()), now_ms + answered.latency_ms
    return now_ms, arrived_ms, received.method, received.target, headers, _text(received.raw), *answer, journal


def _text(raw: bytes) -> str | bytes:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw
