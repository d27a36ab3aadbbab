"""What a schedule will do, counted by day, compared with walking through all of it."""

import pytest

from sched_emulator.core import preview
from sched_emulator.core.instants import from_text, to_text
from sched_emulator.core.preview import Day, Timed
from sched_emulator.core.schedule import load_zone, parse
from sched_emulator.core.work import at_once


def timed(expression: str, zone: str = "UTC", dst: str = "vixie") -> Timed:
    return Timed(parse(expression), load_zone(zone), dst)


def days(expression: str, zone: str, begin: str, count: int, dst: str = "vixie") -> list[Day]:
    asked = timed(expression, zone, dst)
    return at_once(preview.days(asked, asked.first_ms(from_text(begin)), count))


def test_the_days_around_both_changes_of_the_clocks() -> None:
    assert days("0,30 * * * *", "Europe/Berlin", "2026-03-28T12:00Z", 3) == [
        Day("2026-03-28", 48, 0),
        Day("2026-03-29", 46, 3600),
        Day("2026-03-30", 48, 0),
    ]
    assert days("0,30 * * * *", "Europe/Berlin", "2026-10-24T12:00Z", 3) == [
        Day("2026-10-24", 48, 0),
        Day("2026-10-25", 50, -3600),
        Day("2026-10-26", 48, 0),
    ]


def test_a_fixed_time_that_is_skipped_or_repeated_fires_once_by_debians_rules() -> None:
    for begin, literally in (("2026-03-29T12:00Z", 0), ("2026-10-25T12:00Z", 2)):
        assert days("30 2 * * *", "Europe/Berlin", begin, 1)[0].fires == 1
        assert days("30 2 * * *", "Europe/Berlin", begin, 1, "literal")[0].fires == literally


@pytest.mark.parametrize(
    ("zone", "begin"),
    [
        ("Europe/Berlin", "2026-01-01"),
        ("America/Havana", "2026-01-01"),  # the clocks change at midnight
        ("America/Asuncion", "2020-01-01"),
        ("Pacific/Apia", "2011-06-01"),  # a day that never was
        ("Australia/Lord_Howe", "2026-01-01"),  # half an hour
        ("UTC", "2026-01-01"),
    ],
)
@pytest.mark.parametrize("expression", ["17 * * * *", "30 2 * * *", "0 0 * * 1", "59 23 1,29 * *"])
def test_the_days_hold_all_fires_of_a_year_and_each_fire_its_day(zone: str, begin: str, expression: str) -> None:
    asked = timed(expression, zone)
    first_ms = asked.first_ms(from_text(begin))
    year = at_once(preview.days(asked, first_ms, 366))
    last_ms = asked.first_ms(from_text(f"{year[-1].date}T09:30Z"))
    fires = at_once(preview.fires_between(asked, first_ms, last_ms, 10**6))
    assert sum(day.fires for day in year[:-1]) == len(fires)
    assert len({day.date for day in year}) == 366


def test_the_day_of_an_instant_begins_at_its_midnight_in_the_zone() -> None:
    for zone, at, begin in (
        ("Europe/Berlin", "2026-03-29T12:00Z", "2026-03-28T23:00:00.000Z"),
        ("Europe/Berlin", "2026-03-29T00:30Z", "2026-03-28T23:00:00.000Z"),
        ("America/Havana", "2026-03-08T05:10Z", "2026-03-08T05:00:00.000Z"),
        ("America/Havana", "2026-11-01T05:30Z", "2026-11-01T04:00:00.000Z"),
        ("UTC", "2026-01-01T00:00Z", "2026-01-01T00:00:00.000Z"),
    ):
        assert to_text(timed("0 0 * * *", zone).first_ms(from_text(at))) == begin


def test_days_and_fires_end_with_the_year_9999() -> None:
    assert [day.date for day in days("0 0 * * *", "UTC", "9999-12-27", 10)] == [
        "9999-12-27",
        "9999-12-28",
        "9999-12-29",
    ]


def test_where_several_schedules_meet() -> None:
    three = [timed("0 3 * * *"), timed("0 */3 * * *"), timed("30 3 1 * *")]
    begin, end = from_text("2026-01-01"), from_text("2026-01-03")
    met, complete = at_once(preview.meetings(three, begin, end, most=10, most_fires=1000))
    assert ([(to_text(at), who) for at, who in met], complete) == (
        [("2026-01-01T03:00:00.000Z", [0, 1]), ("2026-01-02T03:00:00.000Z", [0, 1])],
        True,
    )
    assert at_once(preview.meetings(three, begin, end, most=1, most_fires=1000))[1] is False
    assert at_once(preview.meetings(three, begin, end, most=10, most_fires=1)) == ([], False)
    assert at_once(preview.meetings([], begin, end, most=10, most_fires=3)) == ([], True)


def test_meetings_end_where_they_are_asked_to_whether_something_fires_there_or_not() -> None:
    begin, end = from_text("2026-01-01"), from_text("2026-01-02T00:00:01Z")
    two = [timed("0 9 * * *", "UTC"), timed("0 */9 * * *", "UTC")]
    met = at_once(preview.meetings(two, begin, end, most=10, most_fires=1000))
    assert met == ([(from_text("2026-01-01T09:00:00Z"), [0, 1])], True)


def test_a_day_is_drawn_by_its_part_of_the_fullest() -> None:
    assert [preview.level(fires, 100) for fires in (0, 1, 25, 26, 50, 99, 100)] == [0, 1, 1, 2, 2, 4, 4]


def test_a_year_of_every_second_is_counted_in_short_pieces() -> None:
    asked = timed("* * * * * *", "Europe/Berlin")
    pieces = preview.days(asked, asked.first_ms(from_text("2026-01-01")), 366)
    count = sum(1 for _ in pieces)
    assert count == 366 + sum(hours * 3600 // preview.FIRES_A_PIECE for hours in (23, 25))
