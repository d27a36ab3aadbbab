"""Between which values constants lie: as far as the traffic comes out the same."""

from collections.abc import Callable, Mapping

from sched_emulator.spec import assumptions

from .explain import Explained, replayed
from .fields import LATE_MS
from .parts import Part
from .verdicts import Bounds, roundest
from .worlds import behaviours

UNSEEN = ("limits.", "page.", "cron.jitter_seconds")  # constants that are not looked for by replays
JITTER = "cron.jitter_seconds"


def hidden(explained: Explained) -> list[str]:
    """Return the constants that a part asked for and that may have made a difference, the last asked first."""
    asked = [name for name in explained.asked if name not in behaviours() and not name.startswith(UNSEEN)]
    return asked[::-1]


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
            if explained.constants[name] == constants[name] or name in bounds_of or explained.ambiguous:
                continue
            value = int(explained.constants[name])
            entry = assumptions.catalogue()[name]

            def holds(tried: int, part: Part = part, explained: Explained = explained, name: str = name) -> bool:
                again = replayed(part, {**explained.constants, name: tried}, {}, freedom=explained.freedom)
                return not again.finding or again.steps >= explained.steps

            low = _edge(holds, value, entry.minimum or 0)
            high = _edge(holds, value, entry.maximum or 10**9)
            bounds = Bounds(name, low, high, value)
            if low is not None and high is not None:
                bounds.value = roundest(low, high)
            bounds_of[name] = bounds


def _edge(holds: Callable[[int], bool], value: int, end: int) -> int | None:
    """Return the last value towards an end that still explains all; None when the end itself does."""
    if holds(end):
        return None
    good, bad = value, end
    while abs(good - bad) > 1:
        middle = (good + bad) // 2
        good, bad = (middle, bad) if holds(middle) else (good, middle)
    return good
