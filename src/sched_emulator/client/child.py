"""An emulator as a child process on a free port.

It reads nothing from its standard input but the end of it, so it ends with its parent, however that ends. A fork of the
parent that runs on would hold that pipe open, so forks close their copies; one made by other means than Python's, and
without starting a program, keeps the emulator alive as long as it lives itself. Waiting counts pauses and never reads a
clock, because tests freeze clocks.
"""

import os
import subprocess
import sys
import tempfile
import threading
import time
import weakref
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import IO

from .http import EmulatorError

__tracebackhide__ = True  # a failing test shows its own lines

PAUSE_SECONDS = 0.005
START_PAUSES = 6000
STOP_PAUSES = 1000
LOG_LINES_SHOWN = 20
_forking = threading.RLock()  # held while a pipe is made: no fork comes between that and its place in `_pipes`
_pipes: "weakref.WeakSet[IO[bytes]]" = weakref.WeakSet()


def _close_pipes() -> None:
    """Give up, in a fork, what keeps the emulators of the forked process alive."""
    for pipe in list(_pipes):
        pipe.close()
    _forking.release()


if hasattr(os, "register_at_fork"):  # Windows has no forks
    os.register_at_fork(before=_forking.acquire, after_in_parent=_forking.release, after_in_child=_close_pipes)


class Child:
    """A started emulator; `port` is where it answers. It is stopped by `stop`, at exit, or by being collected."""

    def __init__(self, arguments: Sequence[str]) -> None:
        log = tempfile.TemporaryFile()  # noqa: SIM115 - `_end` closes it
        with tempfile.TemporaryDirectory(prefix="sched-emulator-") as folder:
            port_file = Path(folder, "port")
            process = _spawn([*arguments, f"--port-file={port_file}"], log)
            self.pid = process.pid
            self._finalizer = weakref.finalize(self, _end, process, log, os.getpid())
            try:
                self.port = _wait_for_port(process, port_file, log)
            except BaseException:
                self.stop()
                raise

    def stop(self) -> None:
        """Stop the process and wait for its end. Once is enough, more does nothing."""
        self._finalizer()


def _spawn(arguments: Iterable[str], log: IO[bytes]) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-P", "-m", "sched_emulator", "serve", "--port=0", "--exit-with-stdin", *arguments]
    with _forking:
        process = subprocess.Popen(  # noqa: S603 - our own program
            command,
            bufsize=0,  # an unbuffered pipe has no lock that a fork could find taken
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            # Ctrl-C in the terminal is for the parent, which may still need the emulator; the second is for Windows.
            start_new_session=True,
            creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
        )
        assert process.stdin is not None
        _pipes.add(process.stdin)
    return process


def _wait_for_port(process: subprocess.Popen[bytes], port_file: Path, log: IO[bytes]) -> int:
    for _ in range(START_PAUSES):
        if port_file.exists():
            return int(port_file.read_text())
        if process.poll() is not None:
            raise EmulatorError(
                0, "NOT_STARTED", f"the emulator did not start (exit status {process.returncode}):\n{_tail(log)}"
            )
        time.sleep(PAUSE_SECONDS)
    raise EmulatorError(
        0, "NOT_STARTED", f"the emulator did not start within {START_PAUSES * PAUSE_SECONDS:g} s:\n{_tail(log)}"
    )


def _tail(log: IO[bytes]) -> str:
    log.seek(0)
    return "\n".join(log.read().decode(errors="replace").splitlines()[-LOG_LINES_SHOWN:])


def _end(process: subprocess.Popen[bytes], log: IO[bytes], owner_pid: int) -> None:
    if os.getpid() != owner_pid:  # a fork of the owner is not the owner
        return
    assert process.stdin is not None
    process.stdin.close()
    process.terminate()
    for _ in range(STOP_PAUSES):
        if process.poll() is not None:
            break
        time.sleep(PAUSE_SECONDS)
    else:
        process.kill()
        process.wait()
    log.close()
