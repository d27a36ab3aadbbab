"""A clock that runs: its speed, its end, and how long it is until an instant. The real clock here is the test's."""

import logging

import pytest

from sched_emulator.config import FROZEN_START_MS
from sched_emulator.core.instants import LAST_MS
from sched_emulator.server.running_clock import Pace, RunningClock

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


def test_how_late_an_instant_is_is_told_in_real_seconds(seconds: list[float]) -> None:
    clock = RunningClock(START_MS, 60)
    seconds[0] += 2
    told = [clock.behind_seconds(due_ms) for due_ms in (START_MS, START_MS + 60_000, START_MS + 180_000, None)]
    assert told == [2, 1, 0, 0]


def test_falling_behind_and_catching_up_are_told_once_each(
    seconds: list[float], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    pace = Pace("the sandbox of ifr_a…")
    fallen = (
        "the sandbox of ifr_a… has fallen behind its clock, with more due than can happen: "
        "its requests no longer wait for that"
    )
    told = []
    for passed, late in [(0, 5), (0.5, 5.5), (0.5, 6), (1, 7), (1, 0.2), (1, 0), (1, 0), (1, 0.5), (1, 0.9), (0, 1)]:
        seconds[0] += passed
        pace.seen(late)
        told.append(pace.behind)
    assert told == [False, False, True, True, True, False, False, False, False, True]
    assert [record.getMessage() for record in caplog.records] == [
        fallen,
        "the sandbox of ifr_a… has caught up with its clock",
        fallen,
    ]
