"""Time zones as stretches of constant offset, read from the `tzdata` package so that all machines agree.

`zoneinfo` answers the offset of an instant; stepping through schedules also has to know how long that offset holds, and
what it was before. So the zone files (RFC 9636) are read here: the changes they list, and the rule at their end, which
holds from there for ever. All instants here are whole seconds since 1970; nothing here knows about schedules.
"""

import re
import struct
from bisect import bisect_right
from calendar import isleap, monthrange
from datetime import date, timedelta, timezone
from functools import cache
from importlib.resources import files
from typing import NamedTuple

from .instants import EPOCH

DAY = 86_400
CYCLE = 146_097 * DAY  # 400 years: whole weeks, after which calendar and rules repeat
EPOCH_ORDINAL = EPOCH.toordinal()
DAWN, FOREVER = -(2**40), 2**40  # well before year 1 and well after year 9999

_HEADER = struct.Struct(">20x6l")
_OFFSET = r"[+-]?\d+(?::\d+){0,2}"
_FOOTER = re.compile(
    rf"(?:<[^>]+>|[A-Za-z]+)(?P<standard>{_OFFSET})"
    rf"(?:(?:<[^>]+>|[A-Za-z]+)(?P<summer>{_OFFSET})?,(?P<begin>[^,]+),(?P<end>[^,]+))?"
)


class ScheduleError(ValueError):
    """An expression or zone that cannot be: one sentence that names the field, what came and what was expected."""


class Segment(NamedTuple):
    """A stretch [start, end) of one offset from UTC; `before` is the offset that held until `start`."""

    start: int
    end: int
    offset: int
    before: int


class Zone:
    """A time zone: `segment` says which offset holds and for how long."""

    __slots__ = ("_memo", "_next_year", "_offsets", "_rule", "_rule_from", "_starts", "name", "settled")

    def __init__(self, name: str, first_offset: int, changes: list[tuple[int, int]], rule: "Rule | None") -> None:
        self.name = name
        self._starts = [DAWN]
        self._offsets = [first_offset]
        self._rule = rule
        self._add(changes)
        self._rule_from = changes[-1][0] if changes else DAWN
        last_year = self._next_year = _year(self._rule_from)
        #: From here on offsets repeat every 400 years: nothing but the rule speaks.
        self.settled = (date(last_year + 2, 1, 1).toordinal() - EPOCH_ORDINAL) * DAY
        if rule is None:
            self._starts.append(FOREVER)
        self._memo = Segment(DAWN, DAWN, 0, 0)

    def segment(self, at: int) -> Segment:
        """Return the stretch that holds the instant `at`."""
        if not self._memo[0] <= at < self._memo[1]:
            self._memo = self._find(at)
        return self._memo

    def _find(self, at: int) -> Segment:
        shift = 0
        if self._rule is not None:
            shift = max((at - self.settled) // CYCLE, 0) * CYCLE
            at -= shift
            while self._starts[-1] <= at:
                self._add([change for change in self._rule.changes(self._next_year) if change[0] > self._rule_from])
                self._next_year += 1
        index = bisect_right(self._starts, at)
        offset = self._offsets[index - 1]
        before = self._offsets[index - 2] if index > 1 else offset
        return Segment(self._starts[index - 1] + shift, self._starts[index] + shift, offset, before)

    def _add(self, changes: list[tuple[int, int]]) -> None:
        for start, offset in changes:
            if start > self._starts[-1] and offset != self._offsets[-1]:
                self._starts.append(start)
                self._offsets.append(offset)


class RuleDay(NamedTuple):
    """When in a year a rule changes the offset: `Mm.w.d`, `Jn` or `n`, and the seconds of local time after midnight."""

    kind: str
    numbers: tuple[int, ...]
    time: int

    def second(self, year: int) -> int:
        """Return the local second, as if local time were UTC."""
        first = date(year, 1, 1).toordinal()
        if self.kind == "M":
            month, week, weekday = self.numbers
            first_weekday, length = monthrange(year, month)
            day = 1 + (weekday - 1 - first_weekday) % 7 + 7 * (week - 1)
            ordinal = date(year, month, day if day <= length else day - 7).toordinal()
        elif self.kind == "J":  # 29 February is never counted
            ordinal = first + self.numbers[0] - 1 + (isleap(year) and self.numbers[0] > 59)
        else:
            ordinal = first + self.numbers[0]
        return (ordinal - EPOCH_ORDINAL) * DAY + self.time


class Rule(NamedTuple):
    """The rule by which summer time comes and goes every year."""

    standard: int
    summer: int
    begin: RuleDay
    end: RuleDay

    def changes(self, year: int) -> list[tuple[int, int]]:
        """Return the changes of one year in order: when, and the offset from then on."""
        begin = self.begin.second(year) - self.standard
        end = self.end.second(year) - self.summer
        return sorted([(begin, self.summer), (end, self.standard)])


@cache
def load_zone(name: str) -> Zone:
    """Return the zone of exactly that IANA name. ScheduleError when there is none."""
    known = _zone_names_by_folded().get(name.casefold())
    if known != name:
        expected = f"'{known}'" if known else "an IANA name such as 'Europe/Berlin' or 'UTC'"
        raise ScheduleError(f"time zone: '{shown(name)}' does not exist: expected {expected}")
    return read_zone(name, files("tzdata").joinpath("zoneinfo", *name.split("/")).read_bytes())


def zone_names() -> list[str]:
    """Return the names of all zones, in order."""
    return sorted(_zone_names_by_folded().values())


def read_zone(name: str, data: bytes) -> Zone:
    """Return the zone that a zone file of version 2 or later describes."""
    utc_marks, standard_marks, leaps, times, kinds, letters = _HEADER.unpack_from(data)
    # The first block is for programs that know 32 bits only.
    start = _HEADER.size + 5 * times + 6 * kinds + letters + 8 * leaps + standard_marks + utc_marks
    _, _, _, times, kinds, _ = _HEADER.unpack_from(data, start)
    start += _HEADER.size
    instants = struct.unpack_from(f">{times}q", data, start)
    indices = data[start + 8 * times : start + 9 * times]
    offsets = [offset for offset, _, _ in struct.iter_unpack(">lBB", data[start + 9 * times :][: 6 * kinds])]
    changes = [(instant, offsets[index]) for instant, index in zip(instants, indices, strict=True)]
    footer = data.rstrip(b"\n").rpartition(b"\n")[2].decode("ascii")
    return Zone(name, offsets[0], changes, _rule(footer))


def local_text(zone: Zone, instant_ms: int) -> str:
    """Return the local time of an instant in the zone as ISO-8601 with its offset."""
    offset = timezone(timedelta(seconds=zone.segment(instant_ms // 1000).offset))
    return (EPOCH + timedelta(milliseconds=instant_ms)).astimezone(offset).isoformat(timespec="seconds")


def shown(text: str, limit: int = 40) -> str:
    """Return a text as an error may show it: shortened, and with nothing in it that a terminal would obey."""
    cut = text if len(text) <= limit else text[:limit] + "…"
    return "".join(sign if sign.isprintable() else ascii(sign)[1:-1] for sign in cut)


@cache
def _zone_names_by_folded() -> dict[str, str]:
    names = files("tzdata").joinpath("zones").read_text("ascii").split()
    return {name.casefold(): name for name in names}


def _rule(footer: str) -> Rule | None:
    match = _FOOTER.fullmatch(footer)
    assert match is not None, footer
    if match["begin"] is None:
        return None
    standard = -_seconds(match["standard"])
    summer = -_seconds(match["summer"]) if match["summer"] else standard + 3600
    return Rule(standard, summer, _rule_day(match["begin"]), _rule_day(match["end"]))


def _rule_day(text: str) -> RuleDay:
    day, _, time = text.partition("/")
    kind = day[0] if day[0] in "MJ" else ""
    numbers = tuple(int(number) for number in day.removeprefix(kind).split("."))
    return RuleDay(kind, numbers, _seconds(time or "2"))


def _seconds(text: str) -> int:
    hours, minutes, seconds = (*text.lstrip("+-").split(":"), "0", "0")[:3]
    size = int(hours) * 3600 + int(minutes) * 60 + int(seconds)
    return -size if text.startswith("-") else size


def _year(at: int) -> int:
    return date.fromordinal(max(at // DAY + EPOCH_ORDINAL, 1)).year
