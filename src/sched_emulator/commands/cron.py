"""`sched-emulator cron`: when an expression fires next, or what is wrong with it."""

import argparse
import time
from datetime import datetime
from functools import partial

from sched_emulator import config, files
from sched_emulator.config import UsageError
from sched_emulator.core import instants, preview, schedule

from . import year_picture
from .options import Commands, Option, add_command, choice, instant
from .terminal import complain, say, say_json, table

YEAR_DAYS = 366
OPTIONS = (
    Option("--timezone", "an IANA name such as Europe/Berlin (default UTC)", "ZONE", default="UTC"),
    Option("--from", "fire later than this (default: the present)", "INSTANT", instant),
    Option(
        "--count", "how many instants (default 5)", "N", partial(config.parse_whole, least=1, most=10_000), default=5
    ),
    Option("--dst", "cron.dst: vixie or literal (default vixie)", "ANSWER", choice("vixie", "literal"), "vixie"),
    Option(
        "--seconds-position",
        "where a sixth field stands, first or last (default first)",
        "ANSWER",
        choice("first", "last"),
        "first",
    ),
    Option("--svg", "draw the year from that day on into this file, too", "FILE", files.to_write),
    Option("--json", "write JSON", default=False),
)


def register(commands: Commands) -> None:
    """Add the command."""
    parser = add_command(
        commands,
        "cron",
        summary="Show when an expression fires next, or what is wrong with it.",
        examples="  sched-emulator cron '0 9 * * 1' --timezone America/New_York\n"
        "  sched-emulator cron '*/15 * * * *' --from 2026-03-29T00:00Z --count 10\n"
        "  sched-emulator cron '0 9 * * 1' --svg mondays.svg",
        run=run,
        options=OPTIONS,
    )
    parser.add_argument("expression", metavar="EXPRESSION", nargs="+", help="5 or 6 fields, quoted as one word or not")


def run(values: argparse.Namespace) -> int:
    """Print the next instants; status 1 when the expression cannot be."""
    try:
        zone = schedule.load_zone(values.timezone)
    except schedule.ScheduleError as error:
        raise UsageError(f"--timezone: {str(error).removeprefix('time zone: ')}") from None
    try:
        parsed = schedule.parse(" ".join(values.expression), seconds_position=values.seconds_position)
    except schedule.ScheduleError as error:
        complain(values.prog, error)
        return 1
    fires: list[int] = []
    from_ms = int(time.time() * 1000) if getattr(values, "from") is None else getattr(values, "from")
    after_ms = from_ms
    while len(fires) < values.count:
        fire_ms = schedule.next_fire_ms(parsed, zone, after_ms, dst=values.dst)
        if fire_ms is None:
            break
        fires.append(fire_ms)
        after_ms = fire_ms
    if values.svg is not None:
        _draw(values, preview.Timed(parsed, zone, values.dst), from_ms)
    _show(fires, zone, as_json=values.json)
    return 0


def _draw(values: argparse.Namespace, timed: preview.Timed, from_ms: int) -> None:
    """Write the picture of a year, as far as the calendar goes."""
    work = preview.days(timed, timed.first_ms(from_ms), YEAR_DAYS)
    while True:
        try:
            next(work)
        except StopIteration as done:
            days: list[preview.Day] = done.value
            break
    if not days:
        raise UsageError("--svg: there is no year to draw before the year 10000")
    files.write(values.svg, year_picture.draw(days, f"{' '.join(values.expression)} · {timed.zone.name}"), "--svg")


def _show(fires: list[int], zone: schedule.Zone, *, as_json: bool) -> None:
    rows = [(instants.to_text(fire_ms), schedule.local_text(zone, fire_ms)) for fire_ms in fires]
    if as_json:
        say_json([{"utc": utc, "local": local} for utc, local in rows])
        return
    if not rows:
        say("It does not fire again before the year 10000.")
    table(
        [
            (f"{utc[:10]} {utc[11:19]} UTC", f"{datetime.fromisoformat(local):%a %Y-%m-%d %H:%M:%S %z}")
            for utc, local in rows
        ]
    )
