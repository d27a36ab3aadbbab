"""`sched-emulator run`: a command whose requests to the gateway the emulator answers."""

import argparse
import dataclasses
import importlib.util

from sched_emulator.config import UsageError
from sched_emulator.output import reason

from . import serve
from .extras import installing
from .options import Commands, Option, add_command
from .terminal import complain

EXAMPLES = """  sched-emulator run -- curl https://api.infrai.cc/v1/discovery
  sched-emulator run --clock 60x -- python worker.py
  sched-emulator run --offline --deliver none -- npm test
  sched-emulator run -- sh -c 'python setup_crons.py && sched-emulator clock advance 30d'"""
NOT_HERE = frozenset({"--port", "--port-file", "--log", "--exit-with-stdin"})

OPTIONS = (
    *(option for option in serve.OPTIONS if option.name not in NOT_HERE),
    *(
        dataclasses.replace(option, default=0, help="the emulator's own port (default: a free one)")
        for option in serve.OPTIONS
        if option.name == "--port"
    ),
    Option("--offline", "refuse all hosts but the gateway's and this machine", default=False),
)


def register(commands: Commands) -> None:
    """Add the command."""
    parser = add_command(
        commands,
        "run",
        summary="Run a command that finds the emulator at https://api.infrai.cc. Its exit status is the command's.",
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
    config = serve.config_of(values)
    import asyncio  # noqa: PLC0415 - nobody else pays for the server

    from sched_emulator.intercept import process, session  # noqa: PLC0415 - the same

    try:
        return asyncio.run(session.run(config, command, offline=values.offline))
    except process.NotStartedError as error:
        complain(values.prog, error)
        return error.status
    except UsageError:
        raise
    except ValueError as error:
        raise UsageError(f"HTTPS_PROXY: {error}") from None
    except OSError as error:
        raise UsageError(f"the emulator cannot start: {reason(error)}") from None
