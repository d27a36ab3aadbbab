# ruff: noqa: T201 - a script, whose result is what it prints
"""How long one step through a schedule takes, beside cronsim and croniter in the same run.

`python bench/schedule.py [FIRES]`: microseconds per fire, the best of three rounds; then the slowest questions known.
"""

import sys
from collections.abc import Callable
from datetime import UTC, datetime
from time import perf_counter
from zoneinfo import ZoneInfo

from croniter import croniter
from cronsim import CronSim

from sched_emulator.core.schedule import load_zone, next_fire_ms, parse

START_MS = 1_767_225_600_000  # 2026-01-01T00:00:00Z
ROUNDS = 3
STEPS = [
    ("* * * * *", "America/New_York"),
    ("*/5 9-17 * * 1-5", "Europe/Berlin"),
    ("30 2 * * *", "America/New_York"),
    ("0 9 1 * *", "Australia/Lord_Howe"),
    ("0 0 * * *", "UTC"),
]
SLOWEST = [
    ("0 0 29 2 */7", "Asia/Tokyo", "a Sunday that is 29 February"),
    ("*/30 2 8-14 3 */7", "America/New_York", "never: always in the gap"),
]


def ours(expression: str, zone_name: str, fires: int) -> None:
    """Step through the schedule with the emulator's own code."""
    schedule, zone, at = parse(expression), load_zone(zone_name), START_MS
    for _ in range(fires):
        found = next_fire_ms(schedule, zone, at)
        assert found is not None
        at = found


def with_cronsim(expression: str, zone_name: str, fires: int) -> None:
    """Step through the schedule with cronsim."""
    steps = CronSim(expression, datetime.fromtimestamp(START_MS // 1000, UTC).astimezone(ZoneInfo(zone_name)))
    for _ in range(fires):
        next(steps)


def with_croniter(expression: str, zone_name: str, fires: int) -> None:
    """Step through the schedule with croniter."""
    steps = croniter(expression, datetime.fromtimestamp(START_MS // 1000, UTC).astimezone(ZoneInfo(zone_name)))
    for _ in range(fires):
        steps.get_next(datetime)


def microseconds(step: Callable[[str, str, int], None], expression: str, zone: str, fires: int) -> float:
    """Return the time of one fire in the best of the rounds."""
    best = float("inf")
    for _ in range(ROUNDS):
        began = perf_counter()
        step(expression, zone, fires)
        best = min(best, perf_counter() - began)
    return best / fires * 1e6


def main(fires: int = 20_000) -> None:
    """Print both tables."""
    print(f"{'expression':<20}{'zone':<22}{'µs/fire':>8}{'cronsim':>10}{'croniter':>10}{'ratios':>16}")
    for expression, zone in STEPS:
        own = microseconds(ours, expression, zone, fires)
        others = [microseconds(step, expression, zone, fires // 20) for step in (with_cronsim, with_croniter)]
        ratios = " / ".join(f"{other / own:.0f}x" for other in others)
        print(f"{expression:<20}{zone:<22}{own:>8.2f}{others[0]:>10.1f}{others[1]:>10.1f}{ratios:>16}")
    print(f"\n{'asked once, nothing remembered':<42}{'ms':>8}")
    for expression, zone, meaning in SLOWEST:
        parse.cache_clear()
        load_zone.cache_clear()
        began = perf_counter()
        next_fire_ms(parse(expression), load_zone(zone), START_MS)
        print(f"{expression:<20}{zone:<22}{(perf_counter() - began) * 1e3:>8.2f}  {meaning}")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
