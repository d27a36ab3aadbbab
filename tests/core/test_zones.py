"""Zones are checked against `zoneinfo`, which reads the same files in its own way."""

import struct
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from io import BytesIO
from zoneinfo import ZoneInfo

import pytest

from sched_emulator.core.instants import from_text
from sched_emulator.core.zones import (
    DAWN,
    DAY,
    FOREVER,
    ScheduleError,
    Segment,
    Zone,
    load_zone,
    local_text,
    read_zone,
    zone_names,
)

NAMES = ("America/New_York", "Europe/Dublin", "Australia/Lord_Howe", "America/Nuuk", "Asia/Gaza", "Antarctica/Troll")


def zone_file(name: str) -> bytes:
    return files("tzdata").joinpath("zoneinfo", *name.split("/")).read_bytes()


def second(text: str) -> int:
    return from_text(text) // 1000


def offset_by_zoneinfo(zone: ZoneInfo, at: int) -> int:
    offset = datetime.fromtimestamp(at, UTC).astimezone(zone).utcoffset()
    assert offset is not None
    return offset // timedelta(seconds=1)


def changes(zone: Zone, start: int, end: int) -> list[int]:
    found = [zone.segment(start)]
    while found[-1].end < end:
        found.append(zone.segment(found[-1].end))
    return [segment.start for segment in found[1:]]


def around(instants: list[int]) -> list[int]:
    return [*instants, *(instant - 1 for instant in instants)]


def made_up(footer: str, offset_in_december: int) -> bytes:
    """A file that lists two changes, in January and December 1999, and leaves everything later to its rule."""
    header = b"TZif2" + bytes(15) + struct.pack(">6l", 0, 0, 0, 2, 2, 8)
    kinds = struct.pack(">lBB", 540, 0, 0) + struct.pack(">lBB", offset_in_december, 0, 4) + b"AAA\0BBB\0"
    times = (second("1999-01-01T00:00:00Z"), second("1999-12-01T00:00:00Z"))
    old = struct.pack(">2l", *times) + bytes([0, 1]) + kinds
    new = struct.pack(">2q", *times) + bytes([0, 1]) + kinds
    return header + old + header + new + f"\n{footer}\n".encode()


def test_a_segment_says_when_an_offset_begins_and_ends_and_what_was_before() -> None:
    assert load_zone("America/New_York").segment(second("2026-07-01T00:00:00Z")) == Segment(
        start=second("2026-03-08T07:00:00Z"), end=second("2026-11-01T06:00:00Z"), offset=-4 * 3600, before=-5 * 3600
    )
    assert load_zone("UTC").segment(0) == Segment(DAWN, FOREVER, 0, 0)


def test_every_zone_changes_its_offset_exactly_when_zoneinfo_says() -> None:
    """Each side of each change until 2040, and a probe every hundred days."""
    first, last = second("1850-01-01T00:00:00Z"), second("2040-01-01T00:00:00Z")
    one_of_each_content = {zone_file(name): name for name in zone_names()}
    for data, name in one_of_each_content.items():
        zone, judge = load_zone(name), ZoneInfo.from_file(BytesIO(data))
        probes = around(changes(zone, first, last)) + list(range(first, last, 100 * DAY))
        assert [zone.segment(at).offset for at in probes] == [offset_by_zoneinfo(judge, at) for at in probes], name


@pytest.mark.parametrize("name", NAMES)
def test_the_rule_at_the_end_of_a_file_holds_until_the_last_year(name: str) -> None:
    zone, judge = load_zone(name), ZoneInfo.from_file(BytesIO(zone_file(name)))
    for year in (2399, 2400, 2426, 2450, 5000, 9998):
        start = second(f"{year}-01-01T00:00:00Z")
        instants = changes(zone, start, start + 366 * DAY)
        probes = [start, *around(instants)]
        assert [zone.segment(at).offset for at in probes] == [offset_by_zoneinfo(judge, at) for at in probes]
        assert all(zone.segment(change).before == zone.segment(change - 1).offset for change in instants)
        assert len(instants) >= 2


def test_the_order_of_questions_does_not_change_an_answer() -> None:
    asked = [second(f"{year}-07-01T00:00:00Z") for year in (9000, 2030, 1900, 2500, 2029, 9000, 1001)]
    answers = []
    for at in asked:
        load_zone.cache_clear()
        answers.append(load_zone("Europe/Berlin").segment(at))
    zone = load_zone("Europe/Berlin")
    assert [zone.segment(at) for at in asked] == answers


@pytest.mark.parametrize(
    ("footer", "offset_in_december"),
    [
        ("EST5EDT,M3.2.0,M11.1.0", -5 * 3600),
        ("AAA-1BBB,J61,J100/3", 3600),
        ("AAA-1BBB,J60/0:30,J365/1:02:03", 7200),
        ("<+0330>-3:30<+0500>-5,J79/24,J263/24", 12600),
        ("<-02>2<-01>,M3.5.0/-1,M10.5.0/0", -7200),
        ("EET-2EEST,M3.4.4/50,M10.4.4/50", 7200),
        ("IST-1GMT0,M10.5.0,M3.5.0/1", 0),
        ("AEST-10AEDT,M10.1.0,M4.1.0/3", 11 * 3600),
        ("XXX3", -3 * 3600),
    ],
)
def test_a_rule_is_read_as_zoneinfo_reads_it(footer: str, offset_in_december: int) -> None:
    data = made_up(footer, offset_in_december)
    zone, judge = read_zone("made up", data), ZoneInfo.from_file(BytesIO(data))
    first, last = second("1998-01-01T00:00:00Z"), second("2009-01-01T00:00:00Z")
    probes = around(changes(zone, first, last)) + list(range(first, last, DAY))
    assert [zone.segment(at).offset for at in probes] == [offset_by_zoneinfo(judge, at) for at in probes]


@pytest.mark.parametrize(
    ("footer", "instants"),
    [
        # 29 February is never counted
        (
            "AAA-1BBB,J59,J60/3",
            ["2000-02-28T01:00:00Z", "2000-03-01T01:00:00Z", "2001-02-28T01:00:00Z", "2001-03-01T01:00:00Z"],
        ),
        # it is, from day 0, and the second time is three hours before midnight
        (
            "AAA-1BBB,58,59/-3",
            ["2000-02-28T01:00:00Z", "2000-02-28T19:00:00Z", "2001-02-28T01:00:00Z", "2001-02-28T19:00:00Z"],
        ),
    ],
)
def test_a_rule_may_count_the_days_of_the_year(footer: str, instants: list[str]) -> None:
    """Written down by hand: `zoneinfo` takes J59 and the days from 0 for the day after or before."""
    zone = read_zone("made up", made_up(footer, 3600))
    first, last = second("2000-01-01T00:00:00Z"), second("2001-12-31T00:00:00Z")
    assert changes(zone, first, last) == [second(text) for text in instants]


@pytest.mark.parametrize(
    ("name", "shown", "expected"),
    [
        ("Mars/Olympus", "Mars/Olympus", "an IANA name such as 'Europe/Berlin' or 'UTC'"),
        ("", "", "an IANA name such as 'Europe/Berlin' or 'UTC'"),
        ("america/new_york", "america/new_york", "'America/New_York'"),
        ("utc", "utc", "'UTC'"),
        ("../etc/passwd", "../etc/passwd", "an IANA name such as 'Europe/Berlin' or 'UTC'"),
        ("Europe/../UTC", "Europe/../UTC", "an IANA name such as 'Europe/Berlin' or 'UTC'"),
        ("./UTC", "./UTC", "an IANA name such as 'Europe/Berlin' or 'UTC'"),
        ("/etc/localtime", "/etc/localtime", "an IANA name such as 'Europe/Berlin' or 'UTC'"),
        ("Europe\\Berlin", "Europe\\Berlin", "an IANA name such as 'Europe/Berlin' or 'UTC'"),
        ("Europe", "Europe", "an IANA name such as 'Europe/Berlin' or 'UTC'"),
        ("zone.tab", "zone.tab", "an IANA name such as 'Europe/Berlin' or 'UTC'"),
        ("UTC ", "UTC ", "an IANA name such as 'Europe/Berlin' or 'UTC'"),
        ("UTC\0", "UTC\\x00", "an IANA name such as 'Europe/Berlin' or 'UTC'"),
        ("UTC\n\x1b[2J", "UTC\\n\\x1b[2J", "an IANA name such as 'Europe/Berlin' or 'UTC'"),
        ("\ud800", "\\ud800", "an IANA name such as 'Europe/Berlin' or 'UTC'"),
        ("x" * 100_000, "x" * 40 + "…", "an IANA name such as 'Europe/Berlin' or 'UTC'"),
    ],
)
def test_a_name_that_is_no_zone_is_refused_in_one_sentence(name: str, shown: str, expected: str) -> None:
    with pytest.raises(ScheduleError) as refusal:
        load_zone(name)
    assert str(refusal.value) == f"time zone: '{shown}' does not exist: expected {expected}"


def test_every_listed_zone_loads_under_its_own_name() -> None:
    names = zone_names()
    assert [load_zone(name).name for name in names] == names
    assert names == sorted(set(names))
    assert {"UTC", "Etc/GMT+5", "US/Eastern", "America/Argentina/Buenos_Aires", "Pacific/Apia"} <= set(names)


@pytest.mark.parametrize(
    ("name", "instant", "expected"),
    [
        ("America/New_York", "2026-03-08T07:00:00Z", "2026-03-08T03:00:00-04:00"),
        ("Asia/Kathmandu", "2026-01-01T00:00:00Z", "2026-01-01T05:45:00+05:45"),
        ("UTC", "2026-01-01T00:00:00Z", "2026-01-01T00:00:00+00:00"),
        ("Europe/Berlin", "1890-01-01T00:00:00Z", "1890-01-01T00:53:28+00:53:28"),
    ],
)
def test_local_text_is_iso_8601_with_the_offset(name: str, instant: str, expected: str) -> None:
    assert local_text(load_zone(name), from_text(instant)) == expected
