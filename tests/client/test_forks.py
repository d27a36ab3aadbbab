"""A started emulator ends with its parent, also when a fork of the parent runs on."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from tests.waiting import PATIENCE_SECONDS

PARENT = """\
import os, signal, sys, threading
from sched_emulator import Emulator

emulator = Emulator.start()
fork = os.fork()
if fork == 0:
    emulator.health()  # a fork may still use it while its owner lives
    os.write(1, b"forked\\n")
    signal.pause()
print(emulator._child.pid, fork, flush=True)
signal.pause()
"""


def alive(pid: int) -> bool:
    """Say whether a process runs; one that has ended and was not waited for does not."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    status = Path(f"/proc/{pid}/stat")
    return not status.exists() or ") Z" not in status.read_text()


def test_a_fork_of_a_killed_parent_does_not_keep_the_emulator_alive() -> None:
    parent = subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    lines = sorted(parent.stdout.readline() for _ in range(2))
    assert lines[1] == "forked\n"
    emulator, fork = map(int, lines[0].split())
    try:
        parent.kill()
        parent.wait()
        deadline = time.monotonic() + PATIENCE_SECONDS
        while alive(emulator) and time.monotonic() < deadline:
            time.sleep(0.01)
        assert not alive(emulator)
        assert alive(fork)
    finally:
        os.kill(fork, signal.SIGKILL)
        parent.stdout.close()
