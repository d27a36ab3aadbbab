"""`sched-emulator cron`: when an expression fires next, or what is wrong with it; or a month of several crons.

The several are those of a TOML file, of a snapshot, or of a sandbox of an emulator that runs.
"""

import argparse
from functools import partial

from sched_emulator import config, files
from sched_emulator.config import UsageError

from . import connection
from .options import Commands, Option, add_command, choice, instant

DAYS = 31
OF_ONE, OF_SEVERAL = ("count", "svg"), ("days", "prices", "must_not_meet")  # what goes with an expression, and does not


def _pair(text: str, option: str) -> tuple[str, str]:
    one, equals, other = text.partition("=")
    if not (one and equals and other):
        raise UsageError(f"{option}: {text!r} is not possible; expected two names, such as night=backup")
    return one, other


OPTIONS = (
    Option("--timezone", "an IANA name such as Europe/Berlin (default UTC)", "ZONE", default="UTC"),
    Option(
        "--from",
        "fire later than this (default: the present, or where a snapshot stands)",
        "INSTANT",
        instant,
    ),
    Option(
        "--count", "how many instants (default 5)", "N", partial(config.parse_whole, least=1, most=10_000), default=5
    ),
    Option(
        "--file",
        "several crons in place of an EXPRESSION: tables [[cron]] of a TOML file, or a snapshot, as `pull` and "
        "`snapshot save` write it",
        "FILE",
        files.to_read,
    ),
    *connection.OPTIONS,
    Option(
        "--days",
        f"of several: how many days from --from on (default {DAYS})",
        "N",
        partial(config.parse_whole, least=1, most=3660),
        DAYS,
    ),
    Option(
        "--prices",
        "of several: say what they would cost, by what `drift --save` has kept of a gateway",
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
    Option(
        "--must-not-meet",
        "of several: two that must not fire at one instant",
        "NAME=NAME",
        _pair,
        (),
        repeated=True,
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
        "  sched-emulator cron --file account.json --must-not-meet night=backup\n"
        "  sched-emulator cron --url http://127.0.0.1:8420 --key ifr_local\n"
        "  sched-emulator cron '0 9 * * 1' --timezone America/New_York\n"
        "  sched-emulator cron '*/15 * * * *' --from 2026-03-29T00:00Z --count 10\n"
        "  sched-emulator cron '0 9 * * 1' --svg mondays.svg",
        run=run,
        options=OPTIONS,
    )
    parser.add_argument("expression", metavar="EXPRESSION", nargs="*", help="5 or 6 fields, quoted as one word or not")


def run(values: argparse.Namespace) -> int:
    """Print the next instants, or those of several; status 1 when one cannot be, or two meet that must not."""
    several = values.file is not None or (not values.expression and bool({"url", "key"} & values.given))
    if bool(values.expression) == several:
        raise UsageError("say an EXPRESSION, --file with several, or --url of an emulator that has some")
    source = "--file" if values.file is not None else "--url"
    for name in OF_ONE if several else OF_SEVERAL:
        if name in values.given:
            option = f"--{name.replace('_', '-')}"
            raise UsageError(f"{option} has no effect {f'with {source}' if several else 'without --file or --url'}")
    from . import fires  # noqa: PLC0415 - nobody else pays for calendars

    return fires.of_several(values) if several else fires.of_expression(values)
