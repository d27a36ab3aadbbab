"""A state that a target may be in, held so that who goes on from it first pays nothing for it.

Nearly every exchange leads to one state alone: the sandbox goes on as it is. Who comes second gets it made again, from
the document that is written every few exchanges. So an exchange costs the same, however much there is in the sandbox.
"""

from collections.abc import Callable
from functools import cache
from typing import NamedTuple

import msgspec

from sched_emulator.core import snapshot
from sched_emulator.core.beginning import Beginning
from sched_emulator.core.records import Settings, State
from sched_emulator.core.sandbox import Sandbox
from sched_emulator.core.store import fresh

from .fields import Matching

NEXT = 8  # events of which a world knows the instants
EVERY = 16  # exchanges, of which the state is written down


class Standing(NamedTuple):
    """A sandbox, the target's ids bound to its own, and the numbers of the deliveries that are accounted for."""

    sandbox: Sandbox
    matching: Matching
    taken: set[int]


class _Written(NamedTuple):
    document: bytes
    matching: Matching
    taken: frozenset[int]

    def woken(self) -> Standing:
        state = snapshot.unseal(self.document)
        sandbox = Sandbox(state, keep_bytes=1000, keep_entries=1, beginning=_origin())
        return Standing(sandbox, self.matching.copy(), set(self.taken))


class Held:
    """A state: as it stands until somebody goes on from it, afterwards as it is made again.

    `again` makes it of the state that came `before` it; `since` is how many exchanges ago one was written down.
    """

    __slots__ = ("_again", "_before", "_standing", "_written", "since")

    def __init__(
        self, standing: Standing, before: "Held | None" = None, again: Callable[[Standing], object] | None = None
    ) -> None:
        self._standing: Standing | None = standing
        self._written: _Written | None = None
        self._before, self._again = before, again
        self.since: int = 0 if before is None else before.since + 1
        if before is None or self.since >= EVERY:
            self._write(standing)

    def standing(self) -> Standing:
        """Return the state, for the caller alone."""
        standing, self._standing = self._standing, None
        if standing is None:
            standing = self.made()
            self._write(standing)  # who asks twice asks a third time
        return standing

    def look(self) -> Standing:
        """Return the state, to be read alone."""
        if self._standing is None:
            self._standing = self.made()
        return self._standing

    def keep(self) -> None:
        """Write the state down: several will go on from it."""
        if self._standing is not None:
            self._write(self._standing)

    def made(self) -> Standing:
        """Return the state made again, whether somebody has it or not."""
        if self._written is not None:
            return self._written.woken()
        assert self._before is not None
        assert self._again is not None
        standing = self._before.made()
        self._again(standing)
        return standing

    def _write(self, standing: Standing) -> None:
        if self._written is None:
            taken = frozenset(standing.taken)
            self._written = _Written(_document(standing.sandbox.store.state()), standing.matching.copy(), taken)
            self._before = self._again = None
            self.since = 0


def next_due(standing: Standing) -> tuple[int, ...]:
    """Return the instants of the next few events."""
    return tuple(entry.due_ms for entry in standing.sandbox.store.timeline.due(NEXT))


def fresh_at(now_ms: int, width_ms: int) -> Standing:
    """Return the state in which nothing has happened yet."""
    sandbox = Sandbox(_new(now_ms), keep_bytes=1000, keep_entries=1, beginning=_origin())
    return Standing(sandbox, Matching(width_ms), set())


def _new(now_ms: int) -> State:
    settings = Settings(
        seed=1,
        start_ms=now_ms,
        mode="frozen",
        speed=1.0,
        answers={},
        routes={},
        deliver="all",
        uncovered="capture",
        strict_urls=False,
    )
    return fresh(settings)


@cache
def _origin() -> Beginning:
    return Beginning(_new(0))


def _document(state: State) -> bytes:
    """Return the document of a state, without the answers and the journal."""
    bare = msgspec.structs.replace(state, answers={}, settings=msgspec.structs.replace(state.settings, answers={}))
    bare.requests, bare.delivered = [], []
    return snapshot.seal(bare)
