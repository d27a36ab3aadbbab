"""`sched-emulator spec`: the plain OpenAPI document of the emulated API, as `serve` would serve it."""

import argparse
import sys

from sched_emulator.output import write

from . import serve
from .options import Commands, Option, add_command
from .terminal import say_json

OPTIONS = (
    *(option for option in serve.OPTIONS if option.name in {"--dialect", "--assume", "--assumptions"}),
    Option("--json", "write JSON, not YAML", default=False),
)


def register(commands: Commands) -> None:
    """Add the command."""
    add_command(
        commands,
        "spec",
        summary="Print the OpenAPI document of the emulated API, as the answers to open questions make it.",
        examples="  sched-emulator spec > scheduling.yaml\n  sched-emulator spec --dialect observed --json\n"
        "  sched-emulator spec --assume http.envelope=bare",
        run=run,
        options=OPTIONS,
    )


def run(values: argparse.Namespace) -> int:
    """Print the document."""
    from sched_emulator import spec  # noqa: PLC0415 - reads YAML
    from sched_emulator.spec import assumptions  # noqa: PLC0415 - the same

    answers = assumptions.preset(values.dialect) | serve.answers_said(values.assumptions, dict(values.assume))
    document = spec.resolve(spec.load("scheduling"), answers)
    if values.json:
        say_json(document)
    else:
        write(sys.stdout, spec.as_yaml(document).decode())
    return 0
