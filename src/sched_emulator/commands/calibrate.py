"""`sched-emulator calibrate`: what a target answers to the open questions, as a file that the emulator loads."""

import argparse

from sched_emulator import files
from sched_emulator.config import UsageError

from .contract import TARGET_OPTIONS, needed_packages
from .options import Commands, Option, add_command

OPTIONS = (
    *TARGET_OPTIONS,
    Option("--out", "the file to write", "FILE.toml", files.to_write),
    Option(
        "--for",
        "ask only what tests rely on and is open, by a file of `pytest --sched-report`; what --out says of other "
        "questions stays",
        "FILE",
        files.to_read,
    ),
)


def register(commands: Commands) -> None:
    """Add the command."""
    add_command(
        commands,
        "calibrate",
        summary="Measure what a target answers to the open questions, and write it as a file for --assumptions. "
        "The rules of `contract` for targets that cost money are kept.",
        examples="  sched-emulator calibrate --target https://api.infrai.cc --allow-writes --out gateway.toml\n"
        "  sched-emulator calibrate --target http://127.0.0.1:8420 --out local.toml\n"
        "  sched-emulator calibrate --target https://api.infrai.cc --for relied.json --out gateway.toml\n"
        "  sched-emulator serve --assumptions gateway.toml",
        run=run,
        options=OPTIONS,
    )


def run(values: argparse.Namespace) -> int:
    """Probe the target and write the file; status 2 when the target cannot be looked at."""
    if values.out is None:
        raise UsageError("--out: expected the file to write, such as gateway.toml")
    with needed_packages():
        from . import suite  # noqa: PLC0415 - heavy, and it needs further packages
    return suite.calibrate(values)
