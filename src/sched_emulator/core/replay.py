"""Replaying a sandbox: the same commands from the same beginning give the same bytes.

The ground for proving what a session relied on, and for recordings.
"""

from collections.abc import Iterable
from typing import Any

from . import snapshot
from .errors import SchedulingError
from .kept import Command
from .sandbox import Sandbox


def replay(base: bytes, commands: Iterable[Command]) -> Sandbox:
    """Return a new sandbox that began as `base` (`Sandbox.base`) and was given the commands."""
    sandbox = Sandbox(snapshot.unseal(base))
    for command in commands:
        apply(sandbox, command)
    return sandbox


def apply(sandbox: Sandbox, command: Command) -> Any:
    """Give a sandbox one command; return what it returned, or the SchedulingError that it raised."""
    try:
        return getattr(sandbox, command.method)(**command.arguments)
    except SchedulingError as error:
        return error
