"""A clock that runs: its speed, its end, and how long it is until an instant. The real clock here is the test's."""

import pytest

from sched_emulator.config import FROZEN_START_MS
from sched_emulator.core.instants import LAST_MS
from sched_emulator.server.running_clock import RunningClock

START_MS = FROZEN_START_MS


@pytest.fixture
def seconds(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """What the real clock shows, to be changed by the test."""
    shown = [1000.0]
    monkeypatch.setattr("sched_emulator.server.running_clock.time.monotonic", lambda: shown[0])
    return shown


@pytest.mark.parametrize(("speed", "passed_ms"), [(1, 2500), (60, 150_000), (0.5, 1250)])
def test_time_passes_as_many_times_as_fast_as_told(seconds: list[float], speed: float, passed_ms: int) -> None:
    clock = RunningClock(START_MS, speed)
    assert clock.present_ms() == START_MS
    seconds[0] += 2.5
    assert clock.present_ms() == START_MS + passed_ms


def test_how_long_it_is_until_an_instant_is_told_in_real_seconds(seconds: list[float]) -> None:
    clock = RunningClock(START_MS, 60)
    assert clock.seconds_until(START_MS + 90_000) == 1.5
    seconds[0] += 1
    assert clock.seconds_until(START_MS + 90_000) == 0.5
    seconds[0] += 1
    assert clock.seconds_until(START_MS + 90_000) == 0


def test_the_clock_stops_at_the_end_of_the_year_9999(seconds: list[float]) -> None:
    clock = RunningClock(LAST_MS - 1, 1_000_000)
    seconds[0] += 1
    assert clock.present_ms() == LAST_MS
