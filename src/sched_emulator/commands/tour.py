"""`sched-emulator demo`: the guided tour."""

import argparse

from .options import Commands, add_command


def register(commands: Commands) -> None:
    """Add the command."""
    add_command(
        commands,
        "demo",
        summary="A guided tour: the documentation's example, and a month that passes in a moment.",
        examples="  sched-emulator demo",
        run=run,
    )


def run(_values: argparse.Namespace) -> int:
    """Take the tour."""
    from sched_emulator import demo  # noqa: PLC0415 - nobody else pays for what it needs

    return demo.run()
