"""`sched-emulator run`: a command whose requests to the gateway the emulator answers."""

import argparse
import dataclasses
import importlib.util
import sys
from collections.abc import Coroutine
from functools import partial
from typing import Any

from sched_emulator.config import UsageError
from sched_emulator.output import reason, write
from sched_emulator.recording.errors import RecordingError

from . import serve
from .extras import installing
from .options import Commands, Option, add_command, names
from .terminal import complain

EXAMPLES = """  sched-emulator run -- curl https://api.infrai.cc/v1/discovery
  sched-emulator run --clock 60x -- python worker.py
  sched-emulator run --offline --deliver none -- npm test
  sched-emulator run -- sh -c 'python setup_crons.py && sched-emulator clock advance 30d'
  sched-emulator run --record session.jsonl -- python worker.py
  sched-emulator run --real --record session.jsonl -- python worker.py"""
COSTS = "the command talks to the real https://api.infrai.cc with its own key: its calls cost what they cost."
OF_REAL = ("redact", "yes")
OF_BOTH = ("record",)
NOT_HERE = frozenset({"--port", "--port-file", "--log", "--exit-with-stdin", "--record-dir"})

OPTIONS = (
    *(option for option in serve.OPTIONS if option.name not in NOT_HERE),
    *(
        dataclasses.replace(option, default=0, help="the emulator's own port (default: a free one)")
        for option in serve.OPTIONS
        if option.name == "--port"
    ),
    Option("--offline", "refuse all hosts but the gateway's and this machine", default=False),
    Option("--real", "no emulator: pass through to the real service, which costs money", default=False),
    Option("--redact", "with --real: fields of bodies to replace by a hash", "FIELD,…", names, ()),
    Option("--yes", "with --real: do not ask", default=False),
)


def register(commands: Commands) -> None:
    """Add the command."""
    parser = add_command(
        commands,
        "run",
        summary="Run a command that finds the emulator at https://api.infrai.cc, or, with --real, the real service. "
        "Its exit status is the command's.",
        examples=EXAMPLES,
        run=run,
        options=OPTIONS,
    )
    parser.usage = "%(prog)s [OPTIONS] -- COMMAND ..."
    parser.add_argument("command", nargs=argparse.REMAINDER, metavar="-- COMMAND …", help="what to run")


def run(values: argparse.Namespace) -> int:
    """Run the command."""
    command = values.command[1:] if values.command[:1] == ["--"] else values.command
    if not command:
        raise UsageError("say what to run, such as `sched-emulator run -- python worker.py`")
    if importlib.util.find_spec("trustme") is None:
        raise UsageError(f"running a command needs one package more: {installing('run')}")
    import asyncio  # noqa: PLC0415 - nobody else pays for the server

    from sched_emulator.intercept import process  # noqa: PLC0415 - the same

    _refuse_unused(values)
    if values.real and not _agreed(values):
        return 1
    try:
        return asyncio.run(_real(values, command) if values.real else _emulated(values, command))
    except process.NotStartedError as error:
        complain(values.prog, error)
        return error.status
    except RecordingError as error:
        raise UsageError(f"--record: {error}") from None
    except UsageError:
        raise
    except ValueError as error:
        raise UsageError(f"HTTPS_PROXY: {error}") from None
    except OSError as error:
        raise UsageError(f"the emulator cannot start: {reason(error)}") from None


def _emulated(values: argparse.Namespace, command: list[str]) -> Coroutine[Any, Any, int]:
    from sched_emulator.intercept import session  # noqa: PLC0415 - loads aiohttp

    return session.run(serve.config_of(values), command, offline=values.offline)


def _real(values: argparse.Namespace, command: list[str]) -> Coroutine[Any, Any, int]:
    from sched_emulator.intercept import real  # noqa: PLC0415 - nobody else pays for it

    return real.run(
        command,
        record=values.record,
        redact=values.redact,
        offline=values.offline,
        complain=partial(complain, values.prog),
    )


def _refuse_unused(values: argparse.Namespace) -> None:
    """Refuse what has no effect: options of the emulator where there is none, those of --real without it."""
    if values.real:
        given = values.given - {*OF_BOTH}
        unused = [option.name for option in serve.OPTIONS if option.dest in given]
        why = "is the emulator's, and with --real there is none; leave one of them out"
    else:
        unused = [f"--{name}" for name in OF_REAL if name in values.given]
        why = "has no effect without --real"
    if unused:
        raise UsageError(f"{unused[0]} {why}")


def _agreed(values: argparse.Namespace) -> bool:
    """Say that calls cost money, and ask whether that is meant. UsageError where nobody can answer."""
    complain(values.prog, COSTS)
    if values.yes:
        return True
    if not (sys.stdin is not None and sys.stdin.isatty() and sys.stderr.isatty()):
        raise UsageError("--real: nobody can be asked here whether that is meant; say --yes")
    write(sys.stderr, "Go on? [y/N] ", flush=True)
    return sys.stdin.readline().strip().lower() in {"y", "yes"}
