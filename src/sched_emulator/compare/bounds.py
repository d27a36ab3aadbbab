"""Between which values constants lie: as far as the traffic comes out the same."""

from collections.abc import Mapping
from typing import NamedTuple

from sched_emulator.spec import assumptions

from .explain import Explained, replayed
from .fields import LATE_MS
from .parts import Part
from .repairs import hidden, saved
from .verdicts import Bounds, roundest

JITTER = "cron.jitter_seconds"


class _Bounded(NamedTuple):
    """A constant of a part, with the value that explains what came."""

    part: Part
    explained: Explained
    name: str

    def bounds(self) -> Bounds:
        """Return between which values it lies."""
        entry, value = assumptions.catalogue()[self.name], int(self.explained.constants[self.name])
        low, high = self._edge(value, entry.minimum or 0), self._edge(value, entry.maximum or 10**9)
        return Bounds(self.name, low, high, value if low is None or high is None else roundest(low, high))

    def _edge(self, value: int, end: int) -> int | None:
        """Return the last value towards an end that still explains all.

        None when the end itself does, or would if another constant were another.
        """
        self.part.tried = 0
        if saved(self.part, self._under(end), {}, self.explained.steps, fixed=self.name):
            return None
        good, bad = value, end
        while abs(good - bad) > 1:
            middle = (good + bad) // 2
            again = self._under(middle)
            holds = not again.finding or again.steps >= self.explained.steps
            good, bad = (middle, bad) if holds else (good, middle)
        return good

    def _under(self, value: int) -> Explained:
        constants = {**self.explained.constants, self.name: value}
        return replayed(self.part, constants, {}, freedom=self.explained.freedom)


def bound(
    parts: list[tuple[Part, Explained]], bounds_of: dict[str, Bounds], constants: Mapping[str, str | int]
) -> None:
    """Find, for each constant that is not as expected, between which values it lies."""
    late_ms = max((explained.late_ms for _, explained in parts), default=0)
    if late_ms > LATE_MS:
        seconds = (late_ms - LATE_MS) // 1000 + 1
        bounds_of[JITTER] = Bounds(JITTER, seconds, None, seconds)
    for part, explained in parts:
        for name in hidden(explained):
            if explained.constants[name] != constants[name] and name not in bounds_of and not explained.ambiguous:
                bounds_of[name] = _Bounded(part, explained, name).bounds()
