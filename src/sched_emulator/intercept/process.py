"""The command as a child process: signals reach it, and its exit status is the run's."""

import asyncio
import contextlib
import os
import signal
from collections.abc import Mapping, Sequence

TYPED = frozenset({"SIGINT", "SIGQUIT"})
FORWARDED = ("SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2", *sorted(TYPED))
NOT_EXECUTABLE, NOT_FOUND = 126, 127


class NotStartedError(Exception):
    """A command that cannot be started; `status` is the exit status that says so."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


async def run_command(command: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run a command to its end; return its exit status, as a shell would say it. NotStartedError when it cannot be."""
    relay = _Relay()
    loop = asyncio.get_running_loop()
    with contextlib.suppress(NotImplementedError):  # on Windows, where Ctrl-C ends both of us by itself
        for number in signal.valid_signals():
            if isinstance(number, signal.Signals) and number.name in FORWARDED:
                loop.add_signal_handler(number, relay.take, number)
    try:
        process = await asyncio.create_subprocess_exec(*command, env=environment)
    except FileNotFoundError:
        raise NotStartedError(NOT_FOUND, f"there is no program {command[0]!r}") from None
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise NotStartedError(NOT_EXECUTABLE, f"{command[0]!r} cannot be run: {reason}") from None
    relay.begin(process)
    status = await process.wait()
    return status if status >= 0 else 128 - status


class _Relay:
    """Passes signals on to a process, those that came before its start at its start."""

    def __init__(self) -> None:
        self._process: asyncio.subprocess.Process | None = None
        self._early: list[signal.Signals] = []

    def begin(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        for number in self._early:
            self.take(number)

    def take(self, number: signal.Signals) -> None:
        if self._process is None:
            self._early.append(number)
        elif not (number.name in TYPED and _has_the_terminal()):
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(number)


def _has_the_terminal() -> bool:
    """Say whether keys typed reach this process; then they have reached the command, too, as one of its group."""
    try:
        terminal = os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY)
    except OSError:
        return False
    try:
        return os.tcgetpgrp(terminal) == os.getpgrp()
    except OSError:
        return False
    finally:
        os.close(terminal)
