"""Schedules against judges: naive sets, cronsim wherever it is right, and local time walked second by second."""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from functools import cache
from importlib.resources import files
from itertools import takewhile
from typing import NamedTuple
from zoneinfo import ZoneInfo

import pytest
from cronsim import CronSim
from hypothesis import assume, given
from hypothesis import strategies as st

from sched_emulator.core.instants import from_text
from sched_emulator.core.schedule import load_zone, next_fire_ms, parse
from sched_emulator.core.zones import DAY, Segment
from tests.soak import examples

HOUR = 3600
ZONES = (
    "America/New_York",
    "Europe/Berlin",
    "Australia/Lord_Howe",
    "Africa/Casablanca",
    "America/Sao_Paulo",
    "Pacific/Apia",
    "Asia/Kathmandu",
)
RANGES = {"second": (0, 59), "minute": (0, 59), "hour": (0, 23), "day": (1, 31), "month": (1, 12), "weekday": (0, 7)}
LAYOUTS: dict[str, tuple[str, int, Callable[[datetime], int]]] = {
    # an expression with one free field, the seconds in which each of its values comes once, and which one it is
    "second": ("{} 0 0 1 1 *", 60, lambda at: at.second),
    "minute": ("{} 0 1 1 *", HOUR, lambda at: at.minute),
    "hour": ("0 {} 1 1 *", DAY, lambda at: at.hour),
    "day": ("0 0 {} 1 *", 31 * DAY, lambda at: at.day),
    "month": ("0 0 1 {} *", 365 * DAY, lambda at: at.month),
    "weekday": ("0 0 * * {}", 7 * DAY, lambda at: at.isoweekday() % 7),
}


def fires(expression: str, zone: str, after_ms: int, dst: str = "vixie") -> Iterator[int]:
    schedule, place = parse(expression), load_zone(zone)
    at = next_fire_ms(schedule, place, after_ms, dst=dst)
    while at is not None:
        yield at
        at = next_fire_ms(schedule, place, at, dst=dst)


def naive(text: str, low: int, high: int) -> set[int]:
    found: set[int] = set()
    for item in text.split(","):
        body, _, step = item.partition("/")
        first, _, last = f"{low}-{high}".partition("-") if body == "*" else body.partition("-")
        end = int(last) if last else high if step else int(first)
        found |= set(range(int(first), end + 1, int(step or 1)))
    return found


def fields(low: int, high: int) -> st.SearchStrategy[str]:
    number = st.integers(low, high).map(str)
    pair = st.lists(st.integers(low, high), min_size=2, max_size=2, unique=True).map(
        lambda ends: f"{min(ends)}-{max(ends)}"
    )
    stepped = st.tuples(st.one_of(number, pair), st.integers(1, 40)).map(lambda parts: f"{parts[0]}/{parts[1]}")
    starred = st.one_of(st.just("*"), st.integers(1, 70).map(lambda step: f"*/{step}"))
    items = st.lists(st.one_of(number, pair, stepped), min_size=1, max_size=4).map(",".join)
    return st.one_of(starred, items, st.tuples(starred, items).map(",".join))


def values_that_fire(field: str, text: str) -> set[int]:
    template, period, value = LAYOUTS[field]
    start = from_text("2026-01-01T00:00:00Z")
    found = takewhile(lambda at: at < start + period * 1000, fires(template.format(text), "UTC", start - 1))
    return {value(datetime.fromtimestamp(at // 1000, UTC)) for at in found}


@pytest.mark.parametrize("field", LAYOUTS)
@examples(60)
@given(data=st.data())
def test_a_field_means_what_its_items_say(field: str, data: st.DataObject) -> None:
    low, high = RANGES[field]
    text = data.draw(fields(low, high))
    expected = naive(text, low, high)
    assert values_that_fire(field, text) == ({day % 7 for day in expected} if field == "weekday" else expected)


def test_every_range_and_step_of_the_week_means_what_it_says() -> None:
    ranges = [f"{low}-{high}" for low in range(8) for high in range(low, 8)]
    stepped = [f"{text}/{step}" for text in [*ranges, "*", *"01234567"] for step in range(1, 9)]
    for text in [*"01234567", *ranges, *stepped]:
        assert values_that_fire("weekday", text) == {day % 7 for day in naive(text, 0, 7)}, text


# ---- cronsim


@cache
def zone_by_zoneinfo(name: str) -> ZoneInfo:
    with files("tzdata").joinpath("zoneinfo", *name.split("/")).open("rb") as file:
        return ZoneInfo.from_file(file, key=name)


@cache
def changes(name: str) -> list[Segment]:
    """Return the segments of a zone from 1900 to 2100 that a change of offset begins."""
    zone = load_zone(name)
    found = [zone.segment(from_text("1900-01-01T00:00:00Z") // 1000)]
    while found[-1].end < from_text("2100-01-01T00:00:00Z") // 1000:
        found.append(zone.segment(found[-1].end))
    return found[1:]


def cronsim_errs(name: str, expression: str, start: int, last: int) -> bool:
    """Tell whether cronsim 2.8 errs between a start and the later of both answers.

    Fixed times (5 fields, neither minute nor hour begins with a star):
    - started in the second pass of repeated local time, it answers an instant of the first pass, before its start;
    - it lets a gap of three hours or more fire at its end, as if it were a change of the clocks;
    - where a gap ends inside a minute (changes from local mean time), it fires at the next full minute, not at the end.
    Stars, which it follows by stepping an hour of real time at a time:
    - after a change by less or more than whole hours the steps no longer begin at the full hour, so it loses minutes
      (also from a start up to an hour after the change, since it first goes back to the full hour);
    - when the gap holds midnight, it takes that midnight for one that was.
    """
    minute, hour, *_ = expression.split()
    fixed = not minute.startswith("*") and not hour.startswith("*")
    if fixed and datetime.fromtimestamp(start, UTC).astimezone(zone_by_zoneinfo(name)).fold == 1:
        return True
    for change in changes(name):
        shift = change.offset - change.before
        gap_start, gap_end = change.start + change.before, change.start + change.offset
        if fixed and start < change.start <= last and (shift >= 3 * HOUR or (shift > 0 and gap_end % 60 > 0)):
            return True
        holds_midnight = -(-gap_start // DAY) * DAY < gap_end
        if not fixed and start - 2 * HOUR < change.start <= last and (shift % HOUR > 0 or holds_midnight):
            return True
    return False


def occurs(expression: str) -> bool:
    _, _, day, month, _ = expression.split()
    return min(naive(day, 1, 31)) <= 29 or not naive(month, 1, 12).isdisjoint({1, 3, 5, 7, 8, 10, 12})


hours = st.one_of(
    fields(0, 23), st.sampled_from(["*", "*/2", "*/3", "0", "1", "2", "3", "0,1", "1,2", "2,3", "1-3", "2/1"])
)
minutes = st.one_of(fields(0, 59), st.sampled_from(["*", "*/10", "0", "30", "15,45", "59", "1,31"]))
days = st.one_of(st.just("*"), fields(1, 31))
weekdays = st.one_of(st.just("*"), fields(0, 7))
months = st.one_of(st.just("*"), st.just("*"), fields(1, 12))
distances = st.one_of(st.integers(-2 * HOUR, 2 * HOUR), st.integers(-4 * DAY, 4 * DAY), st.integers(DAY, 400 * DAY))


@pytest.mark.parametrize("name", ZONES)
@examples(60)
@given(data=st.data(), expression=st.tuples(minutes, hours, days, months, weekdays).map(" ".join).filter(occurs))
def test_the_next_fire_is_the_one_of_cronsim_wherever_that_is_right(
    name: str, data: st.DataObject, expression: str
) -> None:
    starts = st.tuples(st.sampled_from(changes(name)), distances).map(lambda drawn: drawn[0].start + drawn[1])
    compared = 0
    for start in data.draw(st.lists(starts, min_size=4, max_size=4)):
        found = next_fire_ms(parse(expression), load_zone(name), start * 1000 + 999)
        assert found is not None
        judge = CronSim(expression, datetime.fromtimestamp(start, UTC).astimezone(zone_by_zoneinfo(name)))
        expected = int(next(judge).timestamp())
        if not cronsim_errs(name, expression, start, max(found // 1000, expected)):
            compared += 1
            assert found == expected * 1000
    assume(compared)


# ---- local time, second by second

CHANGES = [
    ("America/New_York", "2026-03-08T07:00:00Z"),
    ("America/New_York", "2026-11-01T06:00:00Z"),
    ("Europe/Berlin", "2026-10-25T01:00:00Z"),
    ("Australia/Lord_Howe", "2025-10-04T15:30:00Z"),
    ("Australia/Lord_Howe", "2026-04-04T15:00:00Z"),
    ("Africa/Casablanca", "2025-02-23T02:00:00Z"),
    ("America/Sao_Paulo", "2018-11-04T03:00:00Z"),
    ("America/Sao_Paulo", "2018-02-18T02:00:00Z"),
    ("Pacific/Apia", "2011-12-30T10:00:00Z"),
    ("Asia/Kathmandu", "1985-12-31T18:30:00Z"),
    ("Asia/Kathmandu", "1919-12-31T18:18:44Z"),
]


class Reading(NamedTuple):
    """What a clock on the wall shows, or would have shown, and the instant at which that fires."""

    at: int
    second: int
    minute: int
    hour: int
    day: int


def reading(wall: int, at: int) -> Reading:
    return Reading(at, wall % 60, wall // 60 % 60, wall // HOUR % 24, wall // DAY)


@cache
def readings(name: str, change: int, *, fixed: bool) -> list[Reading]:
    """Return every second around a change; for fixed times each reading once, and at a gap's end those it skips."""
    zone, found, seen = zone_by_zoneinfo(name), [], set[int]()
    latest = None
    for at in range(change - 2 * HOUR, change + 3 * HOUR):
        wall = int(datetime.fromtimestamp(at, UTC).astimezone(zone).replace(tzinfo=UTC).timestamp())
        if fixed and latest is not None and 1 < wall - latest <= 3 * HOUR:
            found += [reading(skipped, at) for skipped in range(latest + 1, wall)]
        if not fixed or wall not in seen:
            found.append(reading(wall, at))
        seen.add(wall)
        latest = wall
    return found


def by_brute_force(expression: str, name: str, change: int, dst: str) -> list[int]:
    texts = dict(zip(RANGES, expression.split(), strict=True))
    seconds, minutes, hours, days, months, weekdays = (naive(texts[field], *RANGES[field]) for field in RANGES)
    fixed = dst == "vixie" and not any(texts[field].startswith("*") for field in ("second", "minute", "hour"))

    @cache
    def day_matches(day: int) -> bool:
        on = date.fromordinal(day + date(1970, 1, 1).toordinal())
        each = on.day in days, not weekdays.isdisjoint({on.isoweekday() % 7, on.isoweekday()})
        both = texts["day"].startswith("*") or texts["weekday"].startswith("*")
        return on.month in months and (all(each) if both else any(each))

    return sorted(
        {
            at * 1000
            for at, second, minute, hour, day in readings(name, change, fixed=fixed)
            if second in seconds and minute in minutes and hour in hours and day_matches(day)
        }
    )


seconds = st.sampled_from(["0", "30", "59", "0,31", "5/25", "*/20", "*/45", "40-50/9"])


@pytest.mark.parametrize(("name", "change"), CHANGES)
@examples(20)
@given(expression=st.tuples(seconds, minutes, hours, days, st.just("*"), weekdays).map(" ".join))
def test_around_a_change_every_fire_is_the_one_of_brute_force(name: str, change: str, expression: str) -> None:
    """With six fields, under both answers to what skipped and repeated local times mean."""
    middle = from_text(change) // 1000
    start, end = (middle - 2 * HOUR) * 1000, (middle + 3 * HOUR) * 1000
    for dst in ("vixie", "literal"):
        found = takewhile(lambda at: at < end, fires(expression, name, start - 1, dst))
        assert list(found) == by_brute_force(expression, name, middle, dst)


# ---- what is remembered

QUERIES = st.tuples(
    st.sampled_from(["* * * * *", "30 1,2 * * *", "0 0 13 * 5", "*/7 */5 * * * *", "0 0 29 2 *", "15 */6 */2 * 1-5"]),
    st.sampled_from(ZONES),
    st.one_of(
        st.integers(from_text("1900-01-01T00:00:00Z"), from_text("2600-01-01T00:00:00Z")),
        st.integers(from_text("2026-03-01T00:00:00Z"), from_text("2026-03-31T00:00:00Z")),
    ),
    st.sampled_from(["vixie", "literal"]),
)


@examples(60)
@given(st.lists(QUERIES, min_size=2, max_size=12))
def test_what_was_asked_before_never_changes_an_answer(queries: list[tuple[str, str, int, str]]) -> None:
    def answer(query: tuple[str, str, int, str]) -> int | None:
        expression, zone, after_ms, dst = query
        return next_fire_ms(parse(expression), load_zone(zone), after_ms, dst=dst)

    together = [answer(query) for query in queries]
    for query, remembered in zip(queries, together, strict=True):
        parse.cache_clear()
        load_zone.cache_clear()
        assert answer(query) == remembered
