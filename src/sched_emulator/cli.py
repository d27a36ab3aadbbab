"""`sched-emulator`: finds the command, turns every error into one line, and says with the exit status how it went.

0 done, 1 the thing checked does not hold, 2 wrong usage or no emulator to talk to.
"""

import argparse
import io
import json
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from .client.http import EmulatorError
from .commands import (
    assumptions,
    calibrate,
    clock,
    compare,
    completion,
    connection,
    contract,
    cron,
    document,
    drift,
    looking,
    pull,
    record,
    replay,
    run,
    serve,
    steering,
    tail,
    tour,
)
from .commands.options import Parser, values_of, without_effect
from .commands.terminal import complain
from .config import UsageError
from .output import drop, write

COMMANDS = (
    serve,
    run,
    tour,
    clock,
    looking,
    tail,
    steering,
    assumptions,
    cron,
    document,
    contract,
    calibrate,
    drift,
    pull,
    record,
    replay,
    compare,
    completion,
)
_EPILOG = """examples:
  sched-emulator serve --clock frozen --now 2026-01-01
  sched-emulator clock advance 3d
  sched-emulator demo

Every option can also be set by an environment variable: --port by SCHED_EMULATOR_PORT.
"""


class _Version(argparse.Action):
    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        from . import __version__  # noqa: PLC0415 - read from the package's metadata only when asked for

        write(sys.stdout, f"sched-emulator {__version__}\n", flush=True)
        parser.exit(0)


def build_parser() -> Parser:
    """Return the parser of all commands."""
    parser = Parser(
        prog="sched-emulator",
        description="A local emulator of the Infrai scheduling API on a clock you control.",
        epilog=_EPILOG,
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="show the version and exit")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", parser_class=Parser)
    for command in COMMANDS:
        command.register(commands)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command line and return the exit status."""
    if sys.stderr is None:  # it was closed: nobody hears complaints
        sys.stderr = open(os.devnull, "w")  # noqa: SIM115, PTH123 - open as long as the process is
    if sys.stdout is None:
        complain("sched-emulator", "standard output is closed; expected a terminal, a file or a pipe to write to")
        return 2
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    parser = build_parser()
    prog = parser.prog
    try:
        namespace = parser.parse_known(arguments)
        prog = namespace.prog
        values = values_of(namespace.options, namespace, os.environ)
        _tell_of_variables(values)
        status: int = namespace.run(values)
        write(sys.stdout, "", flush=True)
    except UsageError as error:
        complain(prog, error)
        status = 2
    except EmulatorError as error:
        complain(prog, connection.refusal(error, namespace))
        status = 2
    except KeyboardInterrupt:
        status = 130
    _let_go_of_stdout()
    return status


def _tell_of_variables(values: argparse.Namespace) -> None:
    """Tell on stderr, where a log may stand in JSON, which variables look like options and are none."""
    told = without_effect(os.environ, (option for command in COMMANDS for option in command.OPTIONS))
    if told is not None and getattr(values, "log", "text") == "json":
        line = {"level": "warning", "logger": "sched_emulator", "message": told}
        write(sys.stderr, json.dumps(line) + "\n")
    elif told is not None:
        complain(values.prog, told)


def _let_go_of_stdout() -> None:
    """Write out what is left, or drop what cannot be written, which Python would try and complain of at its end."""
    try:
        sys.stdout.flush()
    except OSError:
        drop(sys.stdout)
