"""How long one step through a schedule takes, beside cronsim and croniter in the same run.

In loops, the best of some rounds; then the slowest questions known.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from croniter import croniter
from cronsim import CronSim

from bench.measuring import loop_seconds, say, say_row, seconds
from sched_emulator.config import FROZEN_START_MS
from sched_emulator.core.schedule import load_zone, next_fire_ms, parse

ROUNDS = 3
WIDTHS = (42, 12, 12, 12, 16)
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
    schedule, zone, at = parse(expression), load_zone(zone_name), FROZEN_START_MS
    for _ in range(fires):
        found = next_fire_ms(schedule, zone, at)
        assert found is not None
        at = found


def with_cronsim(expression: str, zone_name: str, fires: int) -> None:
    """Step through the schedule with cronsim."""
    steps = CronSim(expression, datetime.fromtimestamp(FROZEN_START_MS // 1000, UTC).astimezone(ZoneInfo(zone_name)))
    for _ in range(fires):
        next(steps)


def with_croniter(expression: str, zone_name: str, fires: int) -> None:
    """Step through the schedule with croniter."""
    steps = croniter(expression, datetime.fromtimestamp(FROZEN_START_MS // 1000, UTC).astimezone(ZoneInfo(zone_name)))
    for _ in range(fires):
        steps.get_next(datetime)


def cost(step: Callable[[str, str, int], None], expression: str, zone: str, fires: int) -> float:
    """Return the seconds of one fire in the best of the rounds."""
    return min(seconds(lambda: step(expression, zone, fires)) for _ in range(ROUNDS)) / fires


def run(*, quick: bool) -> None:
    """Print both tables."""
    fires = 400 if quick else 20_000
    loop = loop_seconds()
    say(f"schedule: CPU time of a step through a schedule, in loops, over {fires:,} steps")
    say_row("expression", "ours", "cronsim", "croniter", "ratios", widths=WIDTHS)
    for expression, zone in STEPS:
        own = cost(ours, expression, zone, fires)
        others = [cost(step, expression, zone, fires // 20) for step in (with_cronsim, with_croniter)]
        ratios = " / ".join(f"{other / own:.0f}x" for other in others)
        told = f"{own / loop:.2f}", *(f"{other / loop:.1f}" for other in others), ratios
        say_row(f"{expression:<20}{zone}", *told, widths=WIDTHS)
    for expression, zone, meaning in SLOWEST:
        say(f"  {expression:<20}{_asked_once(expression, zone) / loop:,.0f} loops, nothing remembered: {meaning}")
    say()


def _asked_once(expression: str, zone: str) -> float:
    parse.cache_clear()
    load_zone.cache_clear()
    return seconds(lambda: next_fire_ms(parse(expression), load_zone(zone), FROZEN_START_MS))
