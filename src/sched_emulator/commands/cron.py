"""`sched-emulator cron`: when an expression fires next, or what is wrong with it; or a month of several crons."""

import argparse
import time
from functools import partial

from sched_emulator import config, files
from sched_emulator.config import UsageError

from .options import Commands, Option, add_command, choice, instant

DAYS = 31

OPTIONS = (
    Option("--timezone", "an IANA name such as Europe/Berlin (default UTC)", "ZONE", default="UTC"),
    Option("--from", "fire later than this (default: the present)", "INSTANT", instant),
    Option(
        "--count", "how many instants (default 5)", "N", partial(config.parse_whole, least=1, most=10_000), default=5
    ),
    Option(
        "--file", "several crons, as tables [[cron]] of a TOML file, in place of an EXPRESSION", "FILE", files.to_read
    ),
    Option(
        "--days",
        f"with --file: how many days from --from on (default {DAYS})",
        "N",
        partial(config.parse_whole, least=1, most=3660),
        DAYS,
    ),
    Option(
        "--prices",
        "with --file: say what its crons would cost, by what `drift --save` has kept of a gateway",
        "FILE",
        files.to_read,
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
        examples="  sched-emulator cron --file schedules.toml --from 2026-03-01 --days 31\n"
        "  sched-emulator cron '0 9 * * 1' --timezone America/New_York\n"
        "  sched-emulator cron '*/15 * * * *' --from 2026-03-29T00:00Z --count 10\n"
        "  sched-emulator cron '0 9 * * 1' --svg mondays.svg",
        run=run,
        options=OPTIONS,
    )
    parser.add_argument("expression", metavar="EXPRESSION", nargs="*", help="5 or 6 fields, quoted as one word or not")


def run(values: argparse.Namespace) -> int:
    """Print the next instants, or those of a file; status 1 when an expression cannot be, or two meet that must not."""
    unused = ("--count", "--svg") if values.file else ("--days", "--prices")
    if bool(values.expression) == bool(values.file):
        raise UsageError("say an EXPRESSION, or --file with several")
    for option in unused:
        if option.removeprefix("--") in values.given:
            raise UsageError(f"{option} has no effect {'with' if values.file else 'without'} --file")
    after_ms = int(time.time() * 1000) if getattr(values, "from") is None else getattr(values, "from")
    from . import fires  # noqa: PLC0415 - nobody else pays for calendars

    return fires.of_file(values, after_ms) if values.file else fires.of_expression(values, after_ms)
