import re

import pytest

from sched_emulator.commands.options import instant
from sched_emulator.commands.serve import parse_route
from sched_emulator.config import (
    Config,
    UsageError,
    parse_clock,
    parse_duration,
    parse_flag,
    parse_list,
    parse_pair,
    parse_whole,
)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90s", 90),
        ("15m", 900),
        ("2h", 7200),
        ("3d", 259_200),
        ("1w", 604_800),
        ("0s", 0),
        ("1.5h", 5400),
        ("1h30m", 5400),
        ("PT15M", 900),
        ("P1D", 86_400),
        ("P1W", 604_800),
        ("P1DT2H3M4.5S", 93_784.5),
        (" 2h ", 7200),
    ],
)
def test_a_duration_is_short_or_iso(text: str, seconds: float) -> None:
    assert parse_duration(text, "--x") == seconds


@pytest.mark.parametrize(
    "text", ["", "5", "h", "-h", "1 h", "1y", "P", "PT", "P1DT", "P1M", "1e3s", "\uff11h", "1h\n1s"]
)
def test_anything_else_is_no_duration(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_duration(text, "--x")
    assert str(caught.value) == f"--x: {text!r} is no duration; expected a form like 90s, 15m, 2h, 3d, 1w or PT15M"


def test_a_duration_has_an_upper_bound() -> None:
    with pytest.raises(UsageError, match=r"^--x: '99999999w' is too long; expected at most a thousand years$"):
        parse_duration("99999999w", "--x")


@pytest.mark.parametrize(
    ("text", "clock"),
    [
        ("wall", ("wall", 1.0)),
        ("frozen", ("frozen", 1.0)),
        ("60x", ("wall", 60.0)),
        ("60\u00d7", ("wall", 60.0)),
        ("0.5x", ("wall", 0.5)),
    ],
)
def test_a_clock_is_a_mode_or_a_speed(text: str, clock: tuple[str, float]) -> None:
    assert parse_clock(text, "--clock") == clock


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("fast", "--clock: 'fast' is no clock; expected wall, frozen or a speed like 60x"),
        ("60", "--clock: '60' is no clock; expected wall, frozen or a speed like 60x"),
        ("0x", "--clock: '0x' is no speed to run at; expected more than 0x and at most 1000000x"),
        ("9999999x", "--clock: '9999999x' is no speed to run at; expected more than 0x and at most 1000000x"),
    ],
)
def test_other_clocks_are_refused(text: str, message: str) -> None:
    with pytest.raises(UsageError, match=f"^{re.escape(message)}$"):
        parse_clock(text, "--clock")


@pytest.mark.parametrize(
    ("text", "ms"),
    [
        ("2026-01-01T00:00:00Z", 1_767_225_600_000),
        ("2026-01-01", 1_767_225_600_000),
        ("2026-01-01T00:00", 1_767_225_600_000),
        ("2026-01-01T01:00:00+01:00", 1_767_225_600_000),
        ("2026-01-01T00:00:00.1239Z", 1_767_225_600_123),
        ("1970-01-01T00:00:00Z", 0),
    ],
)
def test_an_instant_without_an_offset_is_utc(text: str, ms: int) -> None:
    assert instant(text, "--now") == ms


@pytest.mark.parametrize("text", ["soon", "", "2026-02-30", "12:00"])
def test_what_is_no_instant_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match=rf"^--now: '{text}' is no instant; expected an instant in RFC 3339 such as "):
        instant(text, "--now")


@pytest.mark.parametrize("text", ["1969-12-31T23:59:59Z", "9999-12-31T23:59:59-23:00"])
def test_an_instant_lies_between_1970_and_9999(text: str) -> None:
    with pytest.raises(UsageError, match=rf"^--now: '{text}' is out of range; expected an instant from 1970 to 9999$"):
        instant(text, "--now")


def test_a_whole_number_keeps_its_bounds() -> None:
    assert parse_whole("8420", "--port", 0, 65535) == 8420
    for text, message in {
        "70000": "--port: 70000 is out of range; expected a whole number from 0 to 65535",
        "-1": "--port: -1 is out of range; expected a whole number from 0 to 65535",
        "http": "--port: 'http' is no whole number; expected one from 0 to 65535",
        "1.5": "--port: '1.5' is no whole number; expected one from 0 to 65535",
    }.items():
        with pytest.raises(UsageError, match=f"^{re.escape(message)}$"):
            parse_whole(text, "--port", 0, 65535)


def test_a_flag_in_the_environment_is_on_or_off() -> None:
    assert [parse_flag(text, "X") for text in ("1", "true", "Yes", "ON")] == [True] * 4
    assert [parse_flag(text, "X") for text in ("0", "false", "No", "off")] == [False] * 4
    with pytest.raises(UsageError, match=r"^X: 'maybe' is neither on nor off; expected 1 or 0$"):
        parse_flag("maybe", "X")


def test_a_list_has_no_empty_entries() -> None:
    assert parse_list("a, b,,c ,") == ("a", "b", "c")


def test_a_pair_needs_both_sides() -> None:
    assert parse_pair("a=b=c", "--assume", "ID=ANSWER") == ("a", "b=c")
    for text in ("a", "=b", "a="):
        with pytest.raises(UsageError, match=f"^--assume: '{text}' is incomplete; expected ID=ANSWER$"):
            parse_pair(text, "--assume", "ID=ANSWER")


def test_a_route_leads_from_a_url_to_a_url() -> None:
    route = parse_route("https://api.acme.com=http://127.0.0.1:9000", "--route")
    assert route == ("https://api.acme.com", "http://127.0.0.1:9000")
    with pytest.raises(UsageError, match=r"^--route: the left side of a route must start with http:// or https://"):
        parse_route("api.acme.com=http://127.0.0.1:9000", "--route")


def test_a_configuration_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        Config().port = 1  # type: ignore[misc]
