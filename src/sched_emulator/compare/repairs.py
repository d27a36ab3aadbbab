"""Other values of constants, with which a replay leads further: one at a time, and two where one alone does not do.

Values are those that the traffic suggests: durations that end between two exchanges, numbers that were answered.
"""

from collections.abc import Iterator
from itertools import islice, pairwise
from typing import NamedTuple

from sched_emulator.spec import assumptions

from .explain import Explained, replayed
from .parts import Part
from .verdicts import ROUND
from .worlds import Box, behaviours

UNSEEN = ("limits.", "page.", "cron.jitter_seconds")  # constants that are not looked for by replays
MONOTONE = ("queue.max_messages", "idempotency.")  # constants that do more, the greater they are
PROBES = 4  # values of the others that are tried for making a difference, where an answer is to be refuted
SHOWN = {  # the constants that results show, by the field
    "max_retries": ("queue.max_retries", 1),
    "visibility_timeout_default_ms": ("queue.visibility_timeout_seconds", 1000),
    "retention_days": ("run.retention_days", 1),
}
MOST_REPAIRS = 4  # constants of one part that are not the default
MOST_WAYS = 3  # constants of which either may explain a difference, that are followed
MOST_VALUES = 40
MOST_PAIRS = 20  # values of one constant from which those of a second are tried
DAYS = (1, 2, 3, 4, 5, 7, 10, 14, 15, 20, 21, 28)
DAY_MS = 86_400_000


def hidden(explained: Explained) -> list[str]:
    """Return the constants that a part asked for and that may have made a difference, the last asked first."""
    asked = [name for name in explained.asked if name not in behaviours() and not name.startswith(UNSEEN)]
    return asked[::-1]


def length(part: Part, found: Explained) -> tuple[int, int]:
    """Return how far a replay led: to a difference, to a bound that refutes nothing, to the end."""
    if found.finding:
        return found.steps, found.reached
    return (len(part.items), found.steps) if found.ended else (len(part.items) + 1, 0)


def repaired(part: Part, found: Explained, box: Box) -> Explained:
    """Return a replay with another value of a constant where that leads further; at most a few of them."""
    part.tried = 0
    return _Repair(part, box, len(part.items), all_ways=True).led_on(found)


def paired(part: Part, found: Explained, box: Box) -> Explained:
    """Return a replay with other values of two constants at one exchange, where they explain all that follows."""
    tried, part.tried = part.tried, 0
    repair = _Repair(part, box, len(part.items), all_ways=True)
    led = (repair.led_on(way, MOST_REPAIRS - 2) for way in repair.pairs(found))
    whole = next((each for each in led if length(part, each) > (len(part.items), len(part.items))), found)
    part.tried = tried
    return whole


def saved(part: Part, found: Explained, box: Box, enough: int, fixed: str = "") -> bool:
    """Whether a replay leads as far as is enough, once all constants but one are left free."""
    found = _Repair(part, box, enough, fixed=fixed).led_on(found)
    return not found.finding or found.steps >= enough


class _Repair(NamedTuple):
    """The search for a replay that leads so far as is enough. `fixed` is a constant that stays as it is.

    `all_ways`: try each constant that leads furthest, and note where there are several.
    """

    part: Part
    box: Box
    enough: int
    all_ways: bool = False
    fixed: str = ""

    def led_on(self, found: Explained, repairs: int = MOST_REPAIRS) -> Explained:
        """Return a replay that leads as far as is enough, or as far as other values of constants lead."""
        if self._enough(found) or not repairs:
            return found
        shown = self._shown(found)
        if shown is not None:
            return self.led_on(shown, repairs - 1)
        ways = self._ways(found)
        furthest = max((length(self.part, way) for way in ways.values()), default=(0, 0))
        best = {name: way for name, way in ways.items() if length(self.part, way) == furthest}
        for way in list(best.values())[: MOST_WAYS if self.all_ways else 1]:
            led = self.led_on(way, repairs - 1)
            if len(best) > 1:
                led.ambiguous |= best.keys()
            if length(self.part, led) > length(self.part, found):
                found = led
            if self._enough(found):
                break
        return found

    def pairs(self, found: Explained) -> Iterator[Explained]:
        """Yield replays that lead further under values of two constants, of which neither does so alone."""
        for other in islice(self._otherwise(found), MOST_PAIRS):
            for name in hidden(other):
                if other.constants[name] == found.constants.get(name) and self._matters(other, name):
                    way = self._best(other, name)
                    if not way.ended and length(self.part, way) > length(self.part, found):
                        yield way

    def _otherwise(self, found: Explained) -> Iterator[Explained]:
        """Yield replays that lead as far, to other differences, each under another value of one constant."""
        seen = {found.all_differences}
        for name in hidden(found):
            for value in self._suggested(found, name):
                tried = self._with(found, name, value)
                if tried.finding and tried.steps == found.steps and tried.all_differences not in seen:
                    seen.add(tried.all_differences)
                    yield tried

    def _ways(self, found: Explained) -> dict[str, Explained]:
        """Return the replays that lead further, each under the best value of one constant; the first that is enough."""
        ways: dict[str, Explained] = {}
        for name in hidden(found):
            if name == self.fixed:
                continue
            if (self.all_ways and not name.startswith(MONOTONE)) or self._matters(found, name):
                way = self._best(found, name)
                if length(self.part, way) > length(self.part, found):
                    ways[name] = way
                if not self.all_ways and self._enough(way):
                    break
        return ways

    def _shown(self, found: Explained) -> Explained | None:
        """Return the replay under the value of a constant that a result shows, where that is what differs."""
        assert found.difference is not None
        name, unit = SHOWN.get(found.difference.field.rpartition(".")[2], ("", 1))
        came = found.difference.came
        if (
            name not in found.asked
            or name == self.fixed
            or not isinstance(came, int)
            or found.difference.expected != found.constants[name] * unit
        ):
            return None
        return self._with(found, name, came // unit)

    def _enough(self, found: Explained) -> bool:
        return not found.finding or found.steps >= self.enough

    def _best(self, found: Explained, name: str) -> Explained:
        """Return the replay under that value of a constant that leads furthest; the first that is enough."""
        best = found
        for value in self._suggested(found, name):
            tried = self._with(found, name, value)
            if self._enough(tried) and not (self.all_ways and tried.ended):
                return tried
            if length(self.part, tried) > length(self.part, best):
                best = tried
        return best

    def _matters(self, found: Explained, name: str) -> bool:
        """Whether the least, the greatest or a likely value of a constant makes anything else of a difference."""
        entry = assumptions.catalogue()[name]
        values = [entry.minimum or 0, entry.maximum or 10**9]
        if not name.startswith(MONOTONE):
            values += self._suggested(found, name)[:PROBES]
        tried = (self._with(found, name, value) for value in values)
        return any(
            (each.steps, each.all_differences, each.ended) != (found.steps, found.all_differences, found.ended)
            for each in tried
        )

    def _with(self, found: Explained, name: str, value: int) -> Explained:
        constants = {**found.constants, name: value}
        like = (found, found.asked[name])
        return replayed(self.part, constants, self.box, freedom=found.freedom, like=like)

    def _suggested(self, found: Explained, name: str) -> list[int]:
        """Return values of a constant that might explain a difference: the most likely first."""
        if name.endswith("_days"):
            suggested: Iterator[int] = _days(self.part, found)
        else:
            suggested = _seconds(self.part, found) if name.endswith("_seconds") else _counts(found)
        values = dict.fromkeys(suggested)
        entry = assumptions.catalogue()[name]
        least, most = entry.minimum or 0, entry.maximum or 10**9
        likely = (value for value in values if least <= value <= most and value != found.constants[name])
        return list(islice(likely, MOST_VALUES))


def _counts(found: Explained) -> Iterator[int]:
    assert found.item is not None
    assert found.difference is not None
    if isinstance(found.difference.came, int) and not isinstance(found.difference.came, bool):
        yield found.difference.came
    if isinstance(found.item.result, dict) and isinstance(found.item.result.get("messages"), list):
        yield len(found.item.result["messages"])
    yield from range(6)
    yield 10


def _days(part: Part, found: Explained) -> Iterator[int]:
    """Yield days that end before the exchange that differs, the longest first, and 0."""
    assert found.item is not None
    elapsed = (found.item.high_ms - part.items[0].low_ms) // DAY_MS
    yield from (value for value in reversed(DAYS) if value <= elapsed)
    yield 0


def _seconds(part: Part, found: Explained) -> Iterator[int]:
    """Yield durations that end between an earlier exchange and the one that differs: round ones first."""
    item, difference = found.item, found.difference
    assert item is not None
    assert difference is not None
    if isinstance(difference.came, int) and not isinstance(difference.came, bool):
        yield difference.came // 1000
    times_ms = [came.at_ms for came in part.came]
    gaps_ms = [later - earlier for earlier, later in pairwise(times_ms)]
    yield from (round(gap_ms / 1000) for gap_ms in sorted(set(gaps_ms))[:8])
    for other in reversed([other for other in part.items if other.high_ms <= item.low_ms][-4:]):
        elapsed = (item.low_ms - other.high_ms) // 1000
        yield from (value for value in reversed(ROUND) if elapsed // 2 <= value <= elapsed)
        yield elapsed
        yield elapsed + 1
    yield from ROUND
