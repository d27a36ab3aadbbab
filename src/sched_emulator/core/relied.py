"""Which open questions a session relied on, proved by replaying it under the other answers.

The log is replayed under the answers in force, and under each other answer of each behaviour that the session asked
about. The first answer, delivery or due event that comes out differently is the proof: what an operation answered, what
was sent, and which events happened, were called off, or are due after a command. What real receivers answered is in the
log, so a delivery that the log does not have is a difference too.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import zip_longest
from typing import Any, Literal, NamedTuple

from . import snapshot
from .errors import SchedulingError
from .records import State
from .replay import apply
from .sandbox import Answer, Command, Sandbox
from .timeline import HOUSEKEEPING, Entry, Timeline


class Sight(NamedTuple):
    """Something that a user can see: `form` says what `seen` is, `operation` and `seq` where it belongs."""

    form: Literal["answer", "delivery", "event"]
    operation: str
    seq: int
    seen: Any


class Reliance(NamedTuple):
    """A behaviour that the session relied on: under `other`, `would_be` would have come in place of `was`.

    `answer` is the one in force at that moment, or the last one before it that was not `other`.
    """

    assumption_id: str
    answer: str
    other: str
    was: Sight | None
    would_be: Sight | None


def relied(sandbox: Sandbox, alternatives: Mapping[str, Sequence[str]]) -> list[Reliance]:
    """Return what a sandbox's session relied on; `alternatives` holds all answers of each behaviour, by its id."""
    log = tuple(sandbox.log)
    beginning = snapshot.unseal(sandbox.base)
    in_force = list(_sights(Sandbox(snapshot.unseal(sandbox.base)), log))
    found = []
    for name in [name for name in sandbox.store.answers.asked if name in alternatives]:
        answers = _answers_in_turn(beginning, log, name)
        for other in alternatives[name]:
            if set(answers) == {other}:
                continue
            difference = _first_difference(in_force, _replayed(sandbox.base, log, name, other))
            if difference is not None:
                number, was, would_be = difference
                answer = next(given for given in reversed(answers[: number + 2]) if given != other)
                found.append(Reliance(name, answer, other, was, would_be))
    return found


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


def _replayed(base: bytes, log: Iterable[Command], name: str, other: str) -> Iterator[tuple[int, Sight]]:
    """Replay a log with one question answered otherwise, from beginning to end."""
    sandbox = Sandbox(snapshot.unseal(base))
    sandbox.set_assumptions({name: other})
    return _sights(sandbox, (_without(command, name) for command in log))


def _without(command: Command, name: str) -> Command:
    if command.method != "set_assumptions" or name not in command.arguments["changes"]:
        return command
    changes = {key: value for key, value in command.arguments["changes"].items() if key != name}
    return Command(command.method, {"changes": changes})


def _first_difference(
    in_force: Iterable[tuple[int, Sight]], under_other: Iterable[tuple[int, Sight]]
) -> tuple[int, Sight | None, Sight | None] | None:
    """Return the first two sights that are not the same, and the number of the command that showed them."""
    for was, would_be in zip_longest(in_force, under_other):
        if was is None or would_be is None or was[1] != would_be[1]:
            number = min(shown[0] for shown in (was, would_be) if shown is not None)
            return number, was and was[1], would_be and would_be[1]
    return None


def _sights(sandbox: Sandbox, log: Iterable[Command]) -> Iterator[tuple[int, Sight]]:
    """Replay a log and yield all that a user could have seen, in order, with the number of the command."""
    number = -1
    watched = _Watched(sandbox.store.timeline)
    sandbox.store.timeline = watched
    for number, command in enumerate(log):
        delivered, scheduled = sandbox.store.journal.seq, sandbox.store.timeline.next_seq
        result = apply(sandbox, command)
        if command.method == "call":
            operation = command.arguments["operation_id"]
            yield number, Sight("answer", operation, sandbox.store.journal.seq + 1, _plain(result))
        if command.method in {"poll", "settle"}:
            for delivery in _new_deliveries(sandbox, delivered):
                yield number, delivery
        for entry in [*watched.left(before=scheduled), *watched.scheduled_since(scheduled)]:
            yield number, _event(sandbox, entry)
    for entry in sandbox.store.timeline.due(len(sandbox.store.timeline.entries)):
        yield number + 1, _event(sandbox, entry)


class _Watched(Timeline):
    """A timeline that remembers which events left it."""

    def __init__(self, timeline: Timeline) -> None:
        super().__init__(timeline.listed(), timeline.next_seq)
        self._happened: list[Entry] = []
        self._called_off: list[Entry] = []

    def cancel(self, seq: int | None) -> None:
        """Remove an entry, and remember it."""
        entry = None if seq is None else self.entries.get(seq)
        if entry is not None and entry.kind not in HOUSEKEEPING:
            self._called_off.append(entry)
        super().cancel(seq)

    def pop_due(self, until_ms: int | None) -> Entry | None:
        """Remove the entry that happens next, and remember it."""
        entry = super().pop_due(until_ms)
        if entry is not None and entry.kind not in HOUSEKEEPING:
            self._happened.append(entry)
        return entry

    def left(self, *, before: int) -> list[Entry]:
        """Return, once, what happened and what was called off; not what came and was called off in one command."""
        found = [*self._happened, *(entry for entry in self._called_off if entry.seq < before)]
        self._happened.clear()
        self._called_off.clear()
        return found


def _plain(result: Any) -> Any:
    if isinstance(result, SchedulingError):
        return {"error": {"code": result.code, "message": result.message}}
    assert isinstance(result, Answer)
    return result.result


def _new_deliveries(sandbox: Sandbox, after_seq: int) -> Iterator[Sight]:
    for seq in range(after_seq + 1, sandbox.store.journal.seq + 1):
        entry = sandbox.store.journal.delivery(seq)
        if entry is not None:
            seen = (entry.at_ms, entry.kind, entry.url, entry.headers, entry.body, entry.attempt)
            yield Sight("delivery", entry.kind, seq, seen)


def _event(sandbox: Sandbox, entry: Entry) -> Sight:
    return Sight("event", entry.kind, sandbox.store.journal.seq, (entry.due_ms, entry.kind, entry.subject))
