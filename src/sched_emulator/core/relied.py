"""Which open questions a session relied on, proved by replaying it under the other answers.

The log is replayed under the answers in force, and under each other answer of each behaviour that the session asked
about. The first answer, delivery or due event that comes out differently is the proof. What real receivers answered is
in the log, so a delivery that the log does not have is a difference too.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import zip_longest
from typing import Any, Literal, NamedTuple

from . import snapshot
from .errors import SchedulingError
from .replay import apply
from .sandbox import Answer, Command, Sandbox
from .timeline import Entry


class Sight(NamedTuple):
    """Something that a user can see: `form` says what `seen` is, `operation` and `seq` where it belongs."""

    form: Literal["answer", "delivery", "event"]
    operation: str
    seq: int
    seen: Any


class Reliance(NamedTuple):
    """A behaviour that the session relied on: under `other`, `would_be` would have come in place of `was`."""

    assumption_id: str
    answer: str
    other: str
    was: Sight | None
    would_be: Sight | None


def relied(sandbox: Sandbox, alternatives: Mapping[str, Sequence[str]]) -> list[Reliance]:
    """Return what a sandbox's session relied on; `alternatives` holds all answers of each behaviour, by its id."""
    log = tuple(sandbox.log)
    in_force = list(_sights(Sandbox(snapshot.unseal(sandbox.base)), log))
    found = []
    for name in [name for name in sandbox.answers.asked if name in alternatives]:
        answer = str(sandbox.answers.values[name])
        for other in alternatives[name]:
            difference = (
                None if other == answer else _first_difference(in_force, _replayed(sandbox.base, log, name, other))
            )
            if difference is not None:
                found.append(Reliance(name, answer, other, *difference))
    return found


def _replayed(base: bytes, log: Iterable[Command], name: str, other: str) -> Iterator[Sight]:
    """Replay a log with one question answered otherwise, from beginning to end."""
    state = snapshot.unseal(base)
    state.answers[name] = other
    return _sights(Sandbox(state), (_without(command, name) for command in log))


def _without(command: Command, name: str) -> Command:
    if command.method != "set_assumptions" or name not in command.arguments["changes"]:
        return command
    changes = {key: value for key, value in command.arguments["changes"].items() if key != name}
    return Command(command.method, {"changes": changes})


def _first_difference(
    in_force: Iterable[Sight], under_other: Iterable[Sight]
) -> tuple[Sight | None, Sight | None] | None:
    for was, would_be in zip_longest(in_force, under_other):
        if was != would_be:
            return was, would_be
    return None


def _sights(sandbox: Sandbox, log: Iterable[Command]) -> Iterator[Sight]:
    """Replay a log and yield all that a user could have seen, in order."""
    for command in log:
        delivered, scheduled = sandbox.journal.seq, sandbox.timeline.next_seq
        result = apply(sandbox, command)
        if command.method == "call":
            yield Sight("answer", command.arguments["operation_id"], sandbox.journal.seq + 1, _plain(result))
        if command.method in {"poll", "settle"}:
            yield from _new_deliveries(sandbox, delivered)
        for entry in sandbox.timeline.scheduled_since(scheduled):
            yield _event(sandbox, entry)
    for entry in sandbox.timeline.due(len(sandbox.timeline.entries)):
        yield _event(sandbox, entry)


def _plain(result: Any) -> Any:
    if isinstance(result, SchedulingError):
        return {"error": {"code": result.code, "message": result.message}}
    assert isinstance(result, Answer)
    return result.result


def _new_deliveries(sandbox: Sandbox, after_seq: int) -> Iterator[Sight]:
    for seq in range(after_seq + 1, sandbox.journal.seq + 1):
        entry = sandbox.journal.delivery(seq)
        if entry is not None:
            seen = (entry.at_ms, entry.kind, entry.url, entry.headers, entry.body, entry.attempt)
            yield Sight("delivery", entry.kind, seq, seen)


def _event(sandbox: Sandbox, entry: Entry) -> Sight:
    return Sight("event", entry.kind, sandbox.journal.seq, (entry.due_ms, entry.kind, entry.subject))
