"""A schedule before it runs: how often it fires on each day, what a change of the clocks does, where several meet.

Days are those of the schedule's zone. Most of a year is counted, not walked through: on a day without a change of the
clocks a schedule fires as often as on any other that matches. All of it is long work.
"""

from collections.abc import Generator, Iterator, Sequence
from heapq import heapify, heapreplace
from itertools import islice
from typing import NamedTuple

from .instants import LAST_MS, to_text
from .schedule import Schedule, next_fire_ms
from .zones import DAY, Zone

FIRES_A_PIECE = 500
LEVELS = 4  # of a day that has fires, from the least to the most


class Day(NamedTuple):
    """A day: `fires` of the schedule, and by how many seconds the clocks are set in it (0: not at all)."""

    date: str
    fires: int
    shift_seconds: int


class Timed(NamedTuple):
    """A schedule in its zone; `dst` is the answer to `cron.dst`."""

    schedule: Schedule
    zone: Zone
    dst: str

    def after(self, after_ms: int) -> int | None:
        """Return the first fire later than an instant; None when there is none any more."""
        return next_fire_ms(self.schedule, self.zone, after_ms, dst=self.dst)

    def between(self, from_ms: int, until_ms: int) -> Iterator[int]:
        """Yield the fires from an instant on and before another."""
        fire_ms = self.after(from_ms - 1)
        while fire_ms is not None and fire_ms < until_ms:
            yield fire_ms
            fire_ms = self.after(fire_ms)

    def first_ms(self, from_ms: int) -> int:
        """Return when the day of an instant begins."""
        segment = self.zone.segment(from_ms // 1000)
        local = (from_ms // 1000 + segment.offset) // DAY * DAY
        start = local - segment.offset
        if start < segment.start:  # the clocks have been set since, or in the night before
            start = min(local - segment.before, segment.start)
        return 1000 * start


def days(timed: Timed, first_ms: int, count: int) -> Generator[None, None, list[Day]]:
    """Return the days from the one that begins at `first_ms` on (long work); fewer where the year 9999 ends."""
    zone, start = timed.zone, first_ms // 1000
    found: list[Day] = []
    local = (start + zone.segment(start).offset) // DAY * DAY
    while len(found) < count and (start + 2 * DAY) * 1000 < LAST_MS:
        end = _end(zone, start, local + DAY)
        shift = zone.segment(end - 1).offset - zone.segment(start - 1).offset
        if end - start == DAY and not shift:
            fires = timed.schedule.fires_on(local // DAY)
        else:
            fires = len((yield from fires_between(timed, 1000 * start, 1000 * end, end - start)))
        found.append(Day(to_text(1000 * local)[:10], fires, shift))
        start, local = end, local + DAY
        yield
    return found


def fires_between(timed: Timed, from_ms: int, until_ms: int, most: int) -> Generator[None, None, list[int]]:
    """Return the fires from an instant on and before another, at most so many (long work)."""
    fires: list[int] = []
    for fire_ms in islice(timed.between(from_ms, until_ms), most):
        fires.append(fire_ms)
        if not len(fires) % FIRES_A_PIECE:
            yield
    return fires


def meetings(
    schedules: Sequence[Timed], from_ms: int, until_ms: int, *, most: int, most_fires: int
) -> Generator[None, None, tuple[list[tuple[int, list[int]]], bool]]:
    """Return at which instants several of the schedules fire, and which ones (long work).

    The second value is false when it ended before `until_ms`, after `most` meetings or having looked at `most_fires`.
    """
    heads = [
        (fire_ms, number)
        for number, timed in enumerate(schedules)
        if (fire_ms := timed.after(from_ms - 1)) is not None and fire_ms < until_ms
    ]
    heapify(heads)
    met: list[tuple[int, list[int]]] = []
    seen = 0
    while heads:
        instant, together = heads[0][0], []
        if instant >= until_ms:
            break
        while heads[0][0] == instant:
            number = heads[0][1]
            together.append(number)
            following = schedules[number].after(instant)
            heapreplace(heads, (until_ms if following is None else following, number))
            seen += 1
            if not seen % FIRES_A_PIECE:
                yield
        if len(together) > 1:
            met.append((instant, together))
        if len(met) >= most or seen >= most_fires:
            return met, False
    return met, True


def level(fires: int, most: int) -> int:
    """Return how dark a day is drawn, from 0 (no fires) to `LEVELS`."""
    return -(-LEVELS * fires // most) if fires else 0


def _end(zone: Zone, start: int, local_end: int) -> int:
    """Return when a day ends that begins at `start`: when local time has passed `local_end` for good."""
    segment = zone.segment(start)
    end = local_end - segment.offset
    while end >= segment.end:
        segment = zone.segment(segment.end)
        end = max(segment.start, local_end - segment.offset)
    return end
