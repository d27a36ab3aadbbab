import pytest
from hypothesis import given
from hypothesis import strategies as st

from sched_emulator.core import instants
from tests.core.harness import START_MS
from tests.soak import examples


@examples(100)
@given(st.integers(-62_135_596_800_000, instants.LAST_MS))
def test_an_instant_survives_being_written(instant_ms: int) -> None:
    text = instants.to_text(instant_ms)
    assert (len(text), text[-5], text[-1]) == (24, ".", "Z")
    assert instants.from_text(text) == instant_ms


@pytest.mark.parametrize(
    ("instant_ms", "text"),
    [
        (0, "1970-01-01T00:00:00.000Z"),
        (START_MS + 1, "2026-01-01T00:00:00.001Z"),
        (-1, "1969-12-31T23:59:59.999Z"),
        (instants.LAST_MS, "9999-12-31T23:59:59.999Z"),
        (instants.LAST_MS + 43_200_000, "9999-12-31T23:59:59.999Z"),
    ],
)
def test_an_instant_is_written_with_milliseconds(instant_ms: int, text: str) -> None:
    assert instants.to_text(instant_ms) == text


@pytest.mark.parametrize(
    "text",
    [
        "2026-01-01T00:00:00Z",
        "2026-01-01T00:00:00",
        "2026-01-01 00:00",
        "2026-01-01",
        "2026-01-01t00:00:00z",
        "2026-01-01T00:00Z",
        "2026-01-01T00:00:00-00:00",
        "2026-01-01T00:00:00.000999Z",
        "2026-01-01T02:30:00+02:30",
        "2025-12-31T19:00:00.0-05:00",
        "2026-01-01 00:00:00.0000000000009Z",
    ],
)
def test_an_instant_is_read_with_or_without_an_offset(text: str) -> None:
    assert instants.from_text(text) == START_MS


@pytest.mark.parametrize(
    "text",
    [
        *("", "now", "1767225600", "2026-02-30", "0000-01-01", "2026-01", "26-01-01", "2026-01-01Z"),
        # what some or all versions of Python take for an instant, or did
        *("2026-01-01T24:00:00Z", "2026-01-01T25:00Z", "2026-01-01T23:60Z", "2026-12-31T23:59:60Z"),
        *("2026-W01-4", "2026W014", "2026-001", "20260101", "20260101T000000Z", "2026-01-01T0000Z", "2026-01-01T00Z"),
        *("2026-01-01T00:00:00,5Z", "2026-01-01T00:00:00.Z", "2026-01-01T00:00.5Z", "2026-01-01x00:00Z"),
        *("2026-01-01T00:00:00+25:00", "2026-01-01T00:00:00+0100", "2026-01-01T00:00:00+01", "2026-01-01T00:00+01:60"),
        *("2026-01-01T00:00:00+01:00:30", "2026-01-01T00:00:00 Z", " 2026-01-01", "2026-01-01\n", "+002026-01-01"),
        *("２０２６-01-01", "2026-01-01T00:00:00−05:00"),  # noqa: RUF001 - digits and a minus beyond ASCII
    ],
)
def test_what_names_no_instant_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the caller says which parameter
        instants.from_text(text)


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59.999999-23:59"])
def test_the_ends_of_all_time_are_no_trouble(text: str) -> None:
    assert instants.from_text(text) != 0


@pytest.mark.parametrize(
    ("seconds", "duration_ms"), [(0, 0), (0.0004, 0), (0.0006, 1), (1.5, 1500), (0.1 + 0.2, 300), (43_200, 43_200_000)]
)
def test_a_duration_is_kept_to_the_millisecond(seconds: float, duration_ms: int) -> None:
    assert instants.to_ms(seconds) == duration_ms


@pytest.mark.parametrize(("duration_ms", "text"), [(0, "0"), (30_000, "30"), (1500, "1.5"), (1, "0.001")])
def test_a_duration_is_a_whole_number_where_it_is_one(duration_ms: int, text: str) -> None:
    assert repr(instants.to_seconds(duration_ms)) == text
