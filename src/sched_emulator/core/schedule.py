"""Cron expressions: what they may say, and when they fire next.

A schedule in a zone is a set of instants; the next fire is the smallest one after the start, whatever was asked before.
- Literally, the set holds every instant whose local time matches. So it does by Debian's rules (`vixie`) when a time
  field begins with `*`.
- A schedule of fixed times fires, by Debian's rules, once when local time is repeated (the first time), and what a
  gap swallows fires at the first instant after it. A gap of three hours or more is days that never were.

The grammar is checked here, field by field, so that an error can say what is wrong; croniter turns fields into values.
"""

import re
from array import array
from bisect import bisect_left
from calendar import monthrange
from collections.abc import Sequence
from datetime import date
from functools import lru_cache
from itertools import product
from typing import NamedTuple

from croniter import croniter

from .instants import LAST_MS
from .zones import CYCLE, DAY, EPOCH_ORDINAL, ScheduleError, Zone, load_zone, local_text, shown, zone_names

__all__ = ["Schedule", "ScheduleError", "Zone", "load_zone", "local_text", "next_fire_ms", "parse", "zone_names"]

MAX_CHARS = 1000  # every value of every field, written out, is about half of it
NEVER_WAS = 3 * 3600  # seconds; a gap this long is no change of the clocks, but days that never were
LAST = LAST_MS // 1000
FIRST_DAY, LAST_DAY = 1 - EPOCH_ORDINAL, date.max.toordinal() - EPOCH_ORDINAL
NEVER = 2**25  # a day after everything


class Field(NamedTuple):
    """A field of an expression: its values, and the names that stand for some of them."""

    name: str
    low: int
    high: int
    names: tuple[str, ...] = ()


MONTH_NAMES = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
WEEKDAY_NAMES = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
SECOND = Field("second", 0, 59)
MINUTE = Field("minute", 0, 59)
HOUR = Field("hour", 0, 23)
DAY_OF_MONTH = Field("day of month", 1, 31)
MONTH = Field("month", 1, 12, MONTH_NAMES)
DAY_OF_WEEK = Field("day of week", 0, 7, WEEKDAY_NAMES)
FIVE = (MINUTE, HOUR, DAY_OF_MONTH, MONTH, DAY_OF_WEEK)
SIX = {"first": (SECOND, *FIVE), "last": (*FIVE, SECOND)}
CRONITER = (*FIVE, SECOND)  # the order in which croniter reads six fields

_ITEM = re.compile(r"(?:\*|([A-Za-z0-9]+)(?:-([A-Za-z0-9]+))?)(?:/([0-9]+))?")
_LONGEST = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


class Schedule:
    """A parsed expression. What it remembers only saves work: it never changes an answer."""

    __slots__ = ("_and", "_days", "_memo", "_minutes", "_month_days", "_months", "_seconds", "_weekdays", "fixed_time")

    def __init__(self, values: dict[Field, frozenset[int]], *, days_and_weekdays: bool, fixed_time: bool) -> None:
        self._seconds = sorted(values[SECOND])
        self._minutes = array("h", sorted(60 * hour + minute for hour, minute in product(values[HOUR], values[MINUTE])))
        self._days = values[DAY_OF_MONTH]
        self._months = values[MONTH]
        self._weekdays = frozenset(weekday % 7 for weekday in values[DAY_OF_WEEK])
        self._and = days_and_weekdays
        self.fixed_time = fixed_time
        self._memo = (0, -1)  # the day asked for, and the matching day found from there
        self._month_days: dict[tuple[int, int], list[int]] = {}

    def next_local(self, local: int) -> int:
        """Return the first local second at or after `local` whose fields match (as if local time were UTC)."""
        day, second = divmod(local, DAY)
        found = self._next_day(day)
        if found == day:
            minute, second = divmod(second, 60)
            minutes = self._minutes
            index = bisect_left(minutes, minute)
            if index < len(minutes) and minutes[index] == minute:
                position = bisect_left(self._seconds, second)
                if position < len(self._seconds):
                    return day * DAY + minute * 60 + self._seconds[position]
                index += 1
            if index < len(minutes):
                return day * DAY + minutes[index] * 60 + self._seconds[0]
            found = self._next_day(day + 1)
        return found * DAY + self._minutes[0] * 60 + self._seconds[0]

    def fires_on(self, day: int) -> int:
        """Return how many local seconds of a day match; it is counted from 1970."""
        return len(self._minutes) * len(self._seconds) if self._next_day(day) == day else 0

    def _next_day(self, day: int) -> int:
        first, found = self._memo
        if not first <= day <= found:
            found = self._find_day(max(day, FIRST_DAY))
            self._memo = (day, found)
        return found

    def _find_day(self, day: int) -> int:
        if day > LAST_DAY:
            return NEVER
        start = date.fromordinal(day + EPOCH_ORDINAL)
        wanted = start.day
        for month_number in range(start.year * 12 + start.month - 1, 12 * 10_000):
            year, month = month_number // 12, month_number % 12 + 1
            if month in self._months:
                for day_of_month in self._days_of_month(year, month):
                    if day_of_month >= wanted:
                        return date(year, month, day_of_month).toordinal() - EPOCH_ORDINAL
            wanted = 1
        return NEVER

    def _days_of_month(self, year: int, month: int) -> list[int]:
        shape = first_weekday, length = monthrange(year, month)
        days = self._month_days.get(shape)
        if days is None:
            days = [day for day in range(1, length + 1) if self._matches(day, (first_weekday + day) % 7)]
            self._month_days[shape] = days
        return days

    def _matches(self, day: int, weekday: int) -> bool:
        if self._and:
            return day in self._days and weekday in self._weekdays
        return day in self._days or weekday in self._weekdays


@lru_cache(maxsize=1024)
def parse(expression: str, *, seconds_position: str = "first") -> Schedule:
    """Return the schedule of an expression. `seconds_position` says where a sixth field stands: `first` or `last`.

    ScheduleError says which field is wrong, also when every field is right and no day matches.
    """
    texts = _split(expression, SIX[seconds_position])
    plain = " ".join(_plain(field, texts[field]) for field in CRONITER)
    values = {
        field: frozenset(range(field.low, field.high + 1)) if "*" in found else frozenset(found)
        for field, found in zip(CRONITER, croniter.expand(plain)[0], strict=True)
    }
    days_and_weekdays = texts[DAY_OF_MONTH].startswith("*") or texts[DAY_OF_WEEK].startswith("*")
    longest = max(_LONGEST[month - 1] for month in values[MONTH])
    if days_and_weekdays and min(values[DAY_OF_MONTH]) > longest:
        why = f"never occurs in month {shown(texts[MONTH])}"
        raise _refusal(DAY_OF_MONTH, texts[DAY_OF_MONTH], why, f"a day up to {longest}")
    fixed_time = not any(texts[field].startswith("*") for field in (SECOND, MINUTE, HOUR))
    return Schedule(values, days_and_weekdays=days_and_weekdays, fixed_time=fixed_time)


def next_fire_ms(schedule: Schedule, zone: Zone, after_ms: int, *, dst: str = "vixie") -> int | None:
    """Return the first fire strictly later than `after_ms`, a whole second; None when the year 9999 ends before.

    `dst` says how skipped and repeated local times count: `vixie` or `literal`.
    """
    by_clock = schedule.fixed_time and dst == "vixie"
    at = after_ms // 1000 + 1
    give_up = min(max(at, zone.settled) + CYCLE, LAST)
    while at <= give_up:
        start, end, offset, before = zone.segment(at)
        local = at + offset
        if by_clock:
            if at == start and offset - before < NEVER_WAS and schedule.next_local(start + before) < start + offset:
                return start * 1000
            local = max(local, start + before)  # earlier local times were there before the clocks went back
        fire = schedule.next_local(local) - offset
        if fire < end:
            return fire * 1000 if fire <= LAST else None
        # Walk into the next segment, or jump over those in which no local time can match, whatever their offsets.
        at = end if end - at < 2 * DAY else max(end, fire - 2 * DAY)
    return None


def _split(expression: str, six: Sequence[Field]) -> dict[Field, str]:
    if len(expression) > MAX_CHARS:
        raise ScheduleError(
            f"cron expression: '{shown(expression)}' has {len(expression)} characters: expected at most {MAX_CHARS}"
        )
    words = [word for word in re.split(r"[ \t]+", expression) if word]
    fields = {5: FIVE, 6: six}.get(len(words))
    if fields is None:
        kind = "is a macro" if expression.startswith("@") else f"has {len(words)} field{'s' * (len(words) != 1)}"
        five = ", ".join(field.name for field in FIVE)
        place = "first" if six[0] is SECOND else "last"
        raise ScheduleError(
            f"cron expression: '{shown(expression)}' {kind}: expected 5 fields ({five}) or 6 with the second {place}"
        )
    return {SECOND: "0"} | dict(zip(fields, words, strict=True))


def _plain(field: Field, text: str) -> str:
    """Return a field in the forms that every croniter reads as cron does; ScheduleError when it says anything else."""
    return ",".join(_plain_item(field, item, text) for item in text.split(","))


def _plain_item(field: Field, item: str, text: str) -> str:
    match = _ITEM.fullmatch(item)
    if match is None:
        raise _not_understood(field, item or text)
    first, last, step = match.groups()
    if step is not None and int(step) == 0:
        raise _refusal(field, item, "has a step of 0", "at least 1")
    if first is None:
        return item
    low = _value(field, first, item)
    high = low if step is None else field.high
    if last is not None:
        high = _value(field, last, item)
    if low > high:
        hint = " (sun is 0, and 7 is Sunday as well)" if field is DAY_OF_WEEK else ""
        raise _refusal(field, item, "runs backwards", f"a-b with a <= b{hint}")
    if field is DAY_OF_WEEK and high == 7:  # Sunday's other number, of which croniter's versions make different things
        return ",".join(str(day % 7) for day in range(low, 8, int(step or 1)))
    return str(low) if low == high else f"{low}-{high}/{step or 1}"


def _value(field: Field, word: str, item: str) -> int:
    if word.lower() in field.names:
        return field.low + field.names.index(word.lower())
    if not word.isdigit():
        raise _not_understood(field, item)
    if not field.low <= int(word) <= field.high:
        raise _refusal(field, item, "is out of range", f"{field.low} to {field.high}")
    return int(word)


def _not_understood(field: Field, came: str) -> ScheduleError:
    names = f" or {field.names[0]} to {field.names[-1]}" if field.names else ""
    expected = f"{field.low} to {field.high}{names}, written like 5, 1-5, 1-5/2, * or */2, joined by commas"
    return _refusal(field, came, "is not understood", expected)


def _refusal(field: Field, came: str, why: str, expected: str) -> ScheduleError:
    return ScheduleError(f"{field.name}: '{shown(came)}' {why}: expected {expected}")
