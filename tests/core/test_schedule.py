"""Schedules: values written down by hand, and what is refused. `test_schedule_oracles.py` has the judges."""

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sched_emulator.core.instants import LAST_MS, from_text, to_text
from sched_emulator.core.schedule import ScheduleError, load_zone, next_fire_ms, parse
from tests.soak import examples


def fires(expression: str, zone: str, after_ms: int, dst: str = "vixie", position: str = "first") -> Iterator[int]:
    schedule, place = parse(expression, seconds_position=position), load_zone(zone)
    at = next_fire_ms(schedule, place, after_ms, dst=dst)
    while at is not None:
        yield at
        at = next_fire_ms(schedule, place, at, dst=dst)


def upcoming(
    expression: str, zone: str, after: str, count: int, dst: str = "vixie", position: str = "first"
) -> list[str]:
    found = zip(range(count), fires(expression, zone, from_text(after), dst, position), strict=False)
    return [to_text(at).replace(":00.000Z", "Z").replace(".000Z", "Z") for _, at in found]


# ---- written down by hand


@pytest.mark.parametrize(
    ("expression", "after", "expected"),
    [
        ("* * * * *", "2026-01-01T00:00:00Z", ["2026-01-01T00:01Z", "2026-01-01T00:02Z"]),
        ("* * * * *", "2025-12-31T23:59:59.999Z", ["2026-01-01T00:00Z", "2026-01-01T00:01Z"]),
        ("*/15 9-10 * * MON-fri", "2026-01-02T10:40:00Z", ["2026-01-02T10:45Z", "2026-01-05T09:00Z"]),
        ("0 0 1 jan,Jul *", "2026-01-01T00:00:00Z", ["2026-07-01T00:00Z", "2027-01-01T00:00Z"]),
        ("5/20 0 * * *", "2026-01-01T00:00:00Z", ["2026-01-01T00:05Z", "2026-01-01T00:25Z", "2026-01-01T00:45Z"]),
        ("*/100 */100 * * *", "2026-01-01T00:00:00Z", ["2026-01-02T00:00Z", "2026-01-03T00:00Z"]),
        ("10-20/50 5/70 * * *", "2026-01-01T00:00:00Z", ["2026-01-01T05:10Z", "2026-01-02T05:10Z"]),
        ("0 0 * * 0", "2026-01-01T00:00:00Z", ["2026-01-04T00:00Z", "2026-01-11T00:00Z"]),
        ("0 0 * * 7", "2026-01-01T00:00:00Z", ["2026-01-04T00:00Z", "2026-01-11T00:00Z"]),
        ("0 0 * * 5/2", "2026-01-01T00:00:00Z", ["2026-01-02T00:00Z", "2026-01-04T00:00Z", "2026-01-09T00:00Z"]),
        (" 0\t0  1-1 03-03 * ", "2026-01-01T00:00:00Z", ["2026-03-01T00:00Z", "2027-03-01T00:00Z"]),
        ("0 0 29 2 *", "2096-02-29T00:00:00Z", ["2104-02-29T00:00Z", "2108-02-29T00:00Z"]),
        ("0 0 29 2 */7", "2026-01-01T00:00:00Z", ["2032-02-29T00:00Z", "2060-02-29T00:00Z", "2088-02-29T00:00Z"]),
        ("0 0 29 2 */7", "2088-02-29T00:00:00Z", ["2128-02-29T00:00Z"]),
    ],
)
def test_the_next_fires_in_utc(expression: str, after: str, expected: list[str]) -> None:
    assert upcoming(expression, "UTC", after, len(expected)) == expected


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("0 0 13 * 5", ["2026-01-02T00:00Z", "2026-01-09T00:00Z", "2026-01-13T00:00Z", "2026-01-16T00:00Z"]),
        ("0 0 */13 * 5", ["2026-02-27T00:00Z", "2026-03-27T00:00Z", "2026-05-01T00:00Z"]),
        ("0 0 13 * */5", ["2026-02-13T00:00Z", "2026-03-13T00:00Z", "2026-09-13T00:00Z"]),
        ("0 0 *,13 * 5", ["2026-01-02T00:00Z", "2026-01-09T00:00Z", "2026-01-16T00:00Z"]),
        ("0 0 13,* * 5", ["2026-01-02T00:00Z", "2026-01-03T00:00Z", "2026-01-04T00:00Z"]),
        ("0 0 31 2 1", ["2026-02-02T00:00Z", "2026-02-09T00:00Z"]),
    ],
)
def test_a_day_field_that_begins_with_a_star_is_anded_else_either_matches(expression: str, expected: list[str]) -> None:
    assert upcoming(expression, "UTC", "2026-01-01T00:00:00Z", len(expected)) == expected


def test_the_sixth_field_is_the_second_first_or_last() -> None:
    after = "2026-01-01T00:00:00Z"
    assert upcoming("1 2 3 4 5 6", "UTC", after, 1) == ["2026-05-02T03:02:01Z"]  # a Saturday in May
    assert upcoming("1 2 3 4 5 6", "UTC", after, 1, position="last") == ["2026-04-03T02:01:06Z"]  # a Friday in April
    assert upcoming("*/20 * * * * *", "UTC", after, 3) == [
        "2026-01-01T00:00:20Z",
        "2026-01-01T00:00:40Z",
        "2026-01-01T00:01Z",
    ]
    assert upcoming("* * * * * 50-59/8", "UTC", after, 3, position="last") == [
        "2026-01-01T00:00:50Z",
        "2026-01-01T00:00:58Z",
        "2026-01-01T00:01:50Z",
    ]


@pytest.mark.parametrize(
    ("zone", "expression", "after", "vixie", "literal"),
    [
        # New York: 02:00 becomes 03:00 at 07:00Z on 8 March, 02:00 becomes 01:00 at 06:00Z on 1 November
        ("America/New_York", "30 1 * * *", "2026-11-01T06:10:00Z", ["2026-11-02T06:30Z"], ["2026-11-01T06:30Z"]),
        (
            "America/New_York",
            "30 1 * * *",
            "2026-11-01T00:00:00Z",
            ["2026-11-01T05:30Z", "2026-11-02T06:30Z"],
            ["2026-11-01T05:30Z", "2026-11-01T06:30Z", "2026-11-02T06:30Z"],
        ),
        ("America/New_York", "30 2 * * *", "2026-03-08T00:00:00Z", ["2026-03-08T07:00Z"], ["2026-03-09T06:30Z"]),
        (
            "America/New_York",
            "0,30 2,3 * * *",
            "2026-03-08T00:00:00Z",
            ["2026-03-08T07:00Z", "2026-03-08T07:30Z", "2026-03-09T06:00Z"],
            ["2026-03-08T07:00Z", "2026-03-08T07:30Z", "2026-03-09T06:00Z"],
        ),
        (
            "America/New_York",
            "0 */2 * * *",
            "2026-03-08T04:30:00Z",
            ["2026-03-08T05:00Z", "2026-03-08T08:00Z", "2026-03-08T10:00Z"],
            ["2026-03-08T05:00Z", "2026-03-08T08:00Z", "2026-03-08T10:00Z"],
        ),
        (
            "America/New_York",
            "*/30 1 * * *",
            "2026-11-01T04:59:59Z",
            ["2026-11-01T05:00Z", "2026-11-01T05:30Z", "2026-11-01T06:00Z", "2026-11-01T06:30Z", "2026-11-02T06:00Z"],
            ["2026-11-01T05:00Z", "2026-11-01T05:30Z", "2026-11-01T06:00Z", "2026-11-01T06:30Z", "2026-11-02T06:00Z"],
        ),
        # always in the gap of the second Sunday in March
        ("America/New_York", "30 2 8-14 3 */7", "2026-01-01T00:00:00Z", ["2026-03-08T07:00Z", "2027-03-14T07:00Z"], []),
        ("America/New_York", "*/30 2 8-14 3 */7", "2026-01-01T00:00:00Z", [], []),
        # Berlin: 02:00 becomes 03:00 at 01:00Z
        ("Europe/Berlin", "30 2 * * *", "2026-03-28T12:00:00Z", ["2026-03-29T01:00Z"], ["2026-03-30T00:30Z"]),
        # Lord Howe: 02:00 becomes 02:30 at 15:30Z, 02:00 becomes 01:30 at 15:00Z the day before
        ("Australia/Lord_Howe", "15 2 * * *", "2025-10-04T12:00:00Z", ["2025-10-04T15:30Z"], ["2025-10-05T15:15Z"]),
        (
            "Australia/Lord_Howe",
            "*/15 2 * * *",
            "2025-10-04T12:00:00Z",
            ["2025-10-04T15:30Z", "2025-10-04T15:45Z", "2025-10-05T15:00Z"],
            ["2025-10-04T15:30Z", "2025-10-04T15:45Z", "2025-10-05T15:00Z"],
        ),
        (
            "Australia/Lord_Howe",
            "45 1 * * *",
            "2026-04-04T12:00:00Z",
            ["2026-04-04T14:45Z", "2026-04-05T15:15Z"],
            ["2026-04-04T14:45Z", "2026-04-04T15:15Z", "2026-04-05T15:15Z"],
        ),
        # Casablanca: 03:00 became 02:00 on 23 February 2025 and 02:00 became 03:00 on 6 April, both at 02:00Z
        (
            "Africa/Casablanca",
            "30 2 * * *",
            "2025-02-22T12:00:00Z",
            ["2025-02-23T01:30Z", "2025-02-24T02:30Z"],
            ["2025-02-23T01:30Z", "2025-02-23T02:30Z"],
        ),
        ("Africa/Casablanca", "30 2 * * *", "2025-04-05T12:00:00Z", ["2025-04-06T02:00Z"], ["2025-04-07T01:30Z"]),
        # São Paulo: 4 November 2018 began at 01:00
        ("America/Sao_Paulo", "0 0 * * 0", "2018-11-03T12:00:00Z", ["2018-11-04T03:00Z"], ["2018-11-11T02:00Z"]),
        ("America/Sao_Paulo", "*/30 0 * * *", "2018-11-03T03:30:00Z", ["2018-11-05T02:00Z"], ["2018-11-05T02:00Z"]),
        # Apia had no 30 December 2011
        (
            "Pacific/Apia",
            "0 9 * * *",
            "2011-12-29T12:00:00Z",
            ["2011-12-29T19:00Z", "2011-12-30T19:00Z", "2011-12-31T19:00Z"],
            ["2011-12-29T19:00Z", "2011-12-30T19:00Z", "2011-12-31T19:00Z"],
        ),
        ("Pacific/Apia", "0 9 30 12 *", "2011-01-01T00:00:00Z", ["2012-12-29T19:00Z"], ["2012-12-29T19:00Z"]),
        # Kathmandu: 1986 began at 00:15
        (
            "Asia/Kathmandu",
            "5,20 0 * * *",
            "1985-12-31T12:00:00Z",
            ["1985-12-31T18:30Z", "1985-12-31T18:35Z"],
            ["1985-12-31T18:35Z", "1986-01-01T18:20Z"],
        ),
    ],
)
def test_clocks_that_change(zone: str, expression: str, after: str, vixie: list[str], literal: list[str]) -> None:
    """Also with a field for the second, which changes nothing: `0` is a fixed second."""
    for written in (expression, f"0 {expression}"):
        assert upcoming(written, zone, after, len(vixie) or 1) == vixie
        assert upcoming(written, zone, after, len(literal) or 1, dst="literal") == literal


def test_a_star_in_the_second_follows_real_time() -> None:
    expected = ["2026-11-01T05:30Z", "2026-11-01T05:30:30Z", "2026-11-01T06:30Z", "2026-11-01T06:30:30Z"]
    assert upcoming("*/30 30 1 * * *", "America/New_York", "2026-11-01T00:00:00Z", 4) == expected
    assert upcoming("0/30 30 1 * * *", "America/New_York", "2026-11-01T00:00:00Z", 3) == [
        *expected[:2],
        "2026-11-02T06:30Z",
    ]


def test_there_is_nothing_after_the_year_9999() -> None:
    assert upcoming("0 0 31 12 *", "UTC", "9998-12-31T00:00:00Z", 2) == ["9999-12-31T00:00Z"]
    assert upcoming("0 0 1 1 *", "UTC", "9999-01-01T00:00:00Z", 1) == []
    assert upcoming("0 22,23 * * *", "America/New_York", "9999-12-31T00:00:00Z", 9) == [
        "9999-12-31T03:00Z",
        "9999-12-31T04:00Z",
    ]
    assert upcoming("0 0 * * *", "Asia/Tokyo", "9999-12-30T00:00:00Z", 9) == ["9999-12-30T15:00Z"]
    assert upcoming("* * * * * *", "UTC", "9999-12-31T23:59:58Z", 9) == ["9999-12-31T23:59:59Z"]
    assert next_fire_ms(parse("* * * * *"), load_zone("UTC"), LAST_MS) is None


def test_the_first_year_counts_from_its_first_local_day() -> None:
    assert upcoming("0 0 * * *", "America/New_York", "0001-01-01T00:00:00Z", 1) == ["0001-01-01T04:56:02Z"]
    assert upcoming("0 0 * * *", "Asia/Tokyo", "0001-01-01T00:00:00Z", 1) == ["0001-01-01T14:41:01Z"]


# ---- what is refused

WRITTEN = "written like 5, 1-5, 1-5/2, * or */2, joined by commas"
FIVE = "5 fields (minute, hour, day of month, month, day of week) or 6 with the second"


@pytest.mark.parametrize(
    ("expression", "sentence"),
    [
        ("", f"cron expression: '' has 0 fields: expected {FIVE} first"),
        ("* * * *", f"cron expression: '* * * *' has 4 fields: expected {FIVE} first"),
        ("* * * * * * *", f"cron expression: '* * * * * * *' has 7 fields: expected {FIVE} first"),
        ("@daily", f"cron expression: '@daily' is a macro: expected {FIVE} first"),
        ("0" + ",0" * 500, f"cron expression: '{'0,' * 20}…' has 1001 characters: expected at most 1000"),
        ("60 * * * *", "minute: '60' is out of range: expected 0 to 59"),
        ("60 * * * * *", "second: '60' is out of range: expected 0 to 59"),
        ("* 1,24 * * *", "hour: '24' is out of range: expected 0 to 23"),
        ("* * 0 * *", "day of month: '0' is out of range: expected 1 to 31"),
        ("* * * 0-3 *", "month: '0-3' is out of range: expected 1 to 12"),
        ("* * * * 8", "day of week: '8' is out of range: expected 0 to 7"),
        ("* 5-2 * * *", "hour: '5-2' runs backwards: expected a-b with a <= b"),
        (
            "* * * * fri-sun",
            "day of week: 'fri-sun' runs backwards: expected a-b with a <= b (sun is 0, and 7 is Sunday as well)",
        ),
        ("*/0 * * * *", "minute: '*/0' has a step of 0: expected at least 1"),
        ("*/-5 * * * *", f"minute: '*/-5' is not understood: expected 0 to 59, {WRITTEN}"),
        ("5,,6 * * * *", f"minute: '5,,6' is not understood: expected 0 to 59, {WRITTEN}"),
        ("*-5 * * * *", f"minute: '*-5' is not understood: expected 0 to 59, {WRITTEN}"),
        ("1.5 * * * *", f"minute: '1.5' is not understood: expected 0 to 59, {WRITTEN}"),
        ("٣ * * * *", f"minute: '٣' is not understood: expected 0 to 59, {WRITTEN}"),
        ("*/٣ * * * *", f"minute: '*/٣' is not understood: expected 0 to 59, {WRITTEN}"),
        ("5\0 * * * *", f"minute: '5\\x00' is not understood: expected 0 to 59, {WRITTEN}"),
        ("*\u00a0* * * * *", f"minute: '*\\xa0*' is not understood: expected 0 to 59, {WRITTEN}"),
        ("* * * * *\n", f"day of week: '*\\n' is not understood: expected 0 to 7 or sun to sat, {WRITTEN}"),
        ("H * * * *", f"minute: 'H' is not understood: expected 0 to 59, {WRITTEN}"),
        ("R/5 * * * *", f"minute: 'R/5' is not understood: expected 0 to 59, {WRITTEN}"),
        ("h(1-5) * * * *", f"minute: 'h(1-5)' is not understood: expected 0 to 59, {WRITTEN}"),
        ("* jan * * *", f"hour: 'jan' is not understood: expected 0 to 23, {WRITTEN}"),
        ("* * L * *", f"day of month: 'L' is not understood: expected 1 to 31, {WRITTEN}"),
        ("* * 15W * *", f"day of month: '15W' is not understood: expected 1 to 31, {WRITTEN}"),
        ("* * ? * *", f"day of month: '?' is not understood: expected 1 to 31, {WRITTEN}"),
        ("* * * january *", f"month: 'january' is not understood: expected 1 to 12 or jan to dec, {WRITTEN}"),
        ("* * * * 5#2", f"day of week: '5#2' is not understood: expected 0 to 7 or sun to sat, {WRITTEN}"),
        ("* * * * L5", f"day of week: 'L5' is not understood: expected 0 to 7 or sun to sat, {WRITTEN}"),
        ("* * 31 2 *", "day of month: '31' never occurs in month 2: expected a day up to 29"),
        ("0 0 30-31 feb *", "day of month: '30-31' never occurs in month feb: expected a day up to 29"),
        ("0 0 31 4,6,9,11 */2", "day of month: '31' never occurs in month 4,6,9,11: expected a day up to 30"),
    ],
)
def test_what_cannot_be_is_refused_in_one_sentence_that_names_the_field(expression: str, sentence: str) -> None:
    with pytest.raises(ScheduleError) as refusal:
        parse(expression)
    assert str(refusal.value) == sentence


def test_the_field_is_named_where_the_second_is_last() -> None:
    with pytest.raises(ScheduleError, match=r"^second: '60' is out of range: expected 0 to 59$"):
        parse("0 0 * * * 60", seconds_position="last")
    with pytest.raises(ScheduleError, match=r"^cron expression: '0' has 1 field: .* 6 with the second last$"):
        parse("0", seconds_position="last")


def outcome(expression: str) -> str:
    try:
        parse(expression)
    except ScheduleError as refusal:
        return str(refusal)
    return "parsed"


@examples(300)
@given(st.text(alphabet=st.one_of(st.sampled_from("0123456789*/-, janSUNLW#?@"), st.characters()), max_size=30))
def test_any_text_parses_or_is_refused_in_one_printable_line(text: str) -> None:
    for expression in (text, f"{text} * * * *", f"0 0 * * {text}"):
        assert outcome(expression).isprintable()
