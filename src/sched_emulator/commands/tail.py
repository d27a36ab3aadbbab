"""`sched-emulator tail`: what happens in a sandbox of an emulator that runs, from another terminal."""

import argparse
import sys
from functools import partial

from sched_emulator import config
from sched_emulator.output import emit, lines

from . import connection
from .options import Commands, Option, add_command
from .terminal import complain

OPTIONS = (
    *connection.OPTIONS,
    Option("--since", "only what came after the entry of this number", "SEQ", partial(config.parse_whole, least=0), 0),
    Option("--operation", "only requests for operations that fit, such as 'queue.*'", "GLOB"),
    Option("--to", "only deliveries to URLs that fit, such as '*weekly*'", "GLOB"),
    Option("--json", "write each line as a JSON object", default=False),
)


def register(commands: Commands) -> None:
    """Add the command."""
    parser = add_command(
        commands,
        "tail",
        summary="Show what happened in a sandbox, and go on with what happens, until Ctrl-C.",
        examples="  sched-emulator tail --key ifr_local\n  sched-emulator tail --operation 'queue.*' --to '*weekly*'",
        run=run,
        options=OPTIONS,
    )
    parser.set_defaults(typed={"url": "--to"})


def run(values: argparse.Namespace) -> int:
    """Show what happens, until the sandbox or the emulator ends."""
    from sched_emulator.client import watching  # noqa: PLC0415 - nobody else pays for it

    form = lines.for_stdout(as_objects=values.json)
    for said in watching.lines(connection.sandbox_of(values), values.since, values.operation, values.to):
        if not emit(sys.stdout, form(lines.of_object(said)) + "\n", flush=True):
            return 0
    complain(values.prog, "the sandbox or the emulator has ended")
    return 0
