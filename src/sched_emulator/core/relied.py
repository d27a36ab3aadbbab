"""Which open questions a session relied on, proved by replaying it under the other answers.

The log is replayed under the answers in force, and under each other answer of each behaviour that the session asked
about. The first answer, delivery or due event that comes out differently is the proof: what an operation answered, what
was sent, and which events happened, were called off, or are due after a command. What real receivers answered is in the
log, so a delivery that the log does not have is a difference too.
"""

from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from msgspec import Struct

from . import snapshot
from .errors import SchedulingError
from .kept import Command
from .records import Exchange, State
from .replay import apply
from .sandbox import Answer, Sandbox
from .timeline import HOUSEKEEPING, Entry, Kind, Timeline

LET_GO_A_PIECE = 1000


class Reply(Struct, frozen=True, gc=False):
    """What an operation answered: its canonical result, or code and message of the error."""

    operation: str
    seq: int
    result: Any = None
    code: str | None = None
    message: str | None = None


class Sent(Struct, frozen=True, gc=False):
    """A delivery attempt that was made; `operation` is its kind."""

    operation: str
    seq: int
    at_ms: int
    url: str
    headers: dict[str, str]
    body: Any
    attempt: int


class Due(Struct, frozen=True, gc=False):
    """An event that happened, was called off, or is due; `operation` is its kind."""

    operation: Kind
    seq: int
    at_ms: int
    subject: str


Sight = Reply | Sent | Due  # something that a user can see; `seq` says after which journal entry
Seen = tuple[int, Sight]  # with the number of the command that showed it


class Reliance(NamedTuple):
    """A behaviour that the session relied on: under `other`, `would_be` would have come in place of `was`.

    `answer` is the one in force at that moment, or the last one before it that was not `other`.
    """

    assumption_id: str
    answer: str
    other: str
    was: Sight | None
    would_be: Sight | None


def relied(sandbox: Sandbox, alternatives: Mapping[str, Sequence[str]]) -> Generator[None, None, list[Reliance]]:
    """Return what a sandbox's session relied on; `alternatives` holds all answers of each behaviour, by its id.

    Long work: it yields after each command that it replays, and within long ones.
    """
    log, base = sandbox.commands(), sandbox.base
    if not base:
        return []
    asked = [name for name in sandbox.store.answers.asked if name in alternatives]
    beginning = snapshot.unseal(base)
    in_force: list[Seen] = []
    for seen in _sights(_again(sandbox, base), log):
        if seen is None:
            yield
        else:
            in_force.append(seen)
    found = []
    for name in asked:
        answers = _answers_in_turn(beginning, log, name)
        for other in alternatives[name]:
            if set(answers) == {other}:
                continue
            difference = yield from _first_difference(in_force, _replayed(_again(sandbox, base), log, name, other))
            if difference is not None:
                number, was, would_be = difference
                answer = next(given for given in reversed(answers[: number + 2]) if given != other)
                found.append(Reliance(name, answer, other, was, would_be))
    while in_force:  # to let all of it go at once would be one long piece
        del in_force[-LET_GO_A_PIECE:]
        yield
    return found


class Asked(NamedTuple):
    """What a request asked the core, behaviours and constants in order, with the answers it got."""

    exchange: Exchange
    answers: dict[str, str | int]


def asked_by(sandbox: Sandbox, seq: int) -> Generator[None, None, Asked | None]:
    """Return what the request with that number in the journal asked; None when the log has no such request.

    Nothing of it is kept while requests are answered: the log is replayed up to this one, which is long work.
    """
    if not sandbox.base:
        return None
    log, again = sandbox.commands(), _again(sandbox, sandbox.base)
    asked: dict[str, str | int] = {}
    for command in log:
        if command.method == "poll":
            yield from again.polling(**command.arguments)
        else:
            again.store.answers.take_asked()
            apply(again, command)
        answers = again.store.answers
        if command.method == "call":
            asked = {name: answers.values[name] for name in answers.take_asked()}
        elif command.method == "record":
            if again.store.journal.seq == seq:
                return Asked(command.arguments["exchange"], asked)
            asked = {}
        yield
    return None


def _again(sandbox: Sandbox, base: bytes) -> Sandbox:
    """Return a sandbox as the session's began, under the same bounds."""
    return Sandbox(
        snapshot.unseal(base), salt=sandbox.salt, keep_bytes=sandbox.keep_bytes, keep_entries=sandbox.keep_entries
    )


def _answers_in_turn(beginning: State, log: Iterable[Command], name: str) -> list[str]:
    """Return the answer in force at the beginning and after each command."""
    answers = [str(beginning.answers[name])]
    for command in log:
        answer = answers[-1]
        if command.method == "set_assumptions" and name in command.arguments["changes"]:
            changed = command.arguments["changes"][name]
            answer = str(beginning.settings.answers[name] if changed is None else changed)
        answers.append(answer)
    return answers


def _replayed(sandbox: Sandbox, log: Iterable[Command], name: str, other: str) -> Iterator[Seen | None]:
    """Replay a log in a sandbox as it began, with one question answered otherwise from beginning to end."""
    sandbox.set_assumptions({name: other})
    return _sights(sandbox, (_without(command, name) for command in log))


def _without(command: Command, name: str) -> Command:
    if command.method != "set_assumptions" or name not in command.arguments["changes"]:
        return command
    changes = {key: value for key, value in command.arguments["changes"].items() if key != name}
    return Command(command.method, {"changes": changes})


def _first_difference(
    in_force: Iterable[Seen], under_other: Iterable[Seen | None]
) -> Generator[None, None, tuple[int, Sight | None, Sight | None] | None]:
    """Return the first two sights that are not the same, and the number of the command that showed them."""
    expected = iter(in_force)
    for would_be in under_other:
        if would_be is None:
            yield
            continue
        was = next(expected, None)
        if was is None:
            return would_be[0], None, would_be[1]
        if was[1] != would_be[1]:
            return min(was[0], would_be[0]), was[1], would_be[1]
    missed = next(expected, None)
    return None if missed is None else (missed[0], missed[1], None)


def _sights(sandbox: Sandbox, log: Iterable[Command]) -> Iterator[Seen | None]:
    """Replay a log and yield all that a user could have seen, in order; None after each command."""
    number = -1
    store = sandbox.store
    watched = store.timeline = _Watched(store.timeline)
    for number, command in enumerate(log):
        delivered, scheduled = store.journal.seq, watched.next_seq
        if command.method == "poll":
            yield from sandbox.polling(**command.arguments)
        else:
            result = apply(sandbox, command)
        if command.method == "call":
            yield number, _reply(command.arguments["operation_id"], store.journal.seq + 1, result)
        if command.method in {"poll", "settle"}:
            for delivery in _new_deliveries(sandbox, delivered):
                yield number, delivery
        for entry in watched.left(before=scheduled):
            yield number, _event(sandbox, entry)
        yield None
    for entry in watched.due():
        yield number + 1, _event(sandbox, entry)


class _Watched(Timeline):
    """A timeline that remembers which events came to it and left it."""

    def __init__(self, timeline: Timeline) -> None:
        super().__init__(timeline.listed(), timeline.next_seq)
        self._scheduled: list[Entry] = []
        self._happened: list[Entry] = []
        self._called_off: list[Entry] = []

    def schedule(self, due_ms: int, kind: Kind, subject: str, *, queue: str | None = None) -> int:
        """Add an entry, and remember it."""
        seq = super().schedule(due_ms, kind, subject, queue=queue)
        if kind not in HOUSEKEEPING:
            self._scheduled.append(Entry(due_ms, seq, kind, subject, queue))
        return seq

    def cancel(self, seq: int | None, *, queue: str | None = None) -> None:
        """Remove an entry, and remember it."""
        entry = self.get(seq, queue=queue)
        if entry is not None and entry.kind not in HOUSEKEEPING:
            self._called_off.append(entry)
        super().cancel(seq, queue=queue)

    def close(self, queue: str) -> list[Any]:
        """Remove the lane of a queue, and remember what stood in it."""
        entries, *others = super().close(queue) or [{}]
        self._called_off.extend(entries.values())
        return [entries, *others]

    def pop_due(self, until_ms: int | None) -> Entry | None:
        """Remove the entry that happens next, and remember it."""
        entry = super().pop_due(until_ms)
        if entry is not None and entry.kind not in HOUSEKEEPING:
            self._happened.append(entry)
        return entry

    def left(self, *, before: int) -> list[Entry]:
        """Return, once, what happened, what was called off, and what was scheduled and is still to come.

        What came and was called off in one command, from the number `before` on, nobody saw.
        """
        called_off = (entry for entry in self._called_off if entry.seq < before)
        coming = (entry for entry in self._scheduled if self.get(entry.seq, queue=entry.queue) is not None)
        found = [*self._happened, *called_off, *coming]
        for remembered in (self._scheduled, self._happened, self._called_off):
            remembered.clear()
        return found


def _reply(operation: str, seq: int, result: Any) -> Reply:
    if isinstance(result, SchedulingError):
        return Reply(operation, seq, code=result.code, message=result.message)
    assert isinstance(result, Answer)
    return Reply(operation, seq, result.result)


def _new_deliveries(sandbox: Sandbox, after_seq: int) -> Iterator[Sent]:
    for seq in range(after_seq + 1, sandbox.store.journal.seq + 1):
        entry = sandbox.store.journal.delivery(seq)
        if entry is not None:
            yield Sent(entry.kind, seq, entry.at_ms, entry.url, entry.headers, entry.body, entry.attempt)


def _event(sandbox: Sandbox, entry: Entry) -> Due:
    return Due(entry.kind, sandbox.store.journal.seq, entry.due_ms, entry.subject)
