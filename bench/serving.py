"""The servers that are measured, as the process sees them that measures: see `served` for what runs inside."""

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

PAUSE_SECONDS = 0.02
PAUSES = 6_000
IDLE_SECONDS = 0.001  # of CPU time in a pause: what the question itself takes is less


class Used(NamedTuple):
    """What a server has used: CPU seconds so far, and those of the longest turn since it was last asked."""

    cpu: float
    longest_turn: float


class Server:
    """A running server; `port` is where it answers."""

    def __init__(self, process: "subprocess.Popen[str]", port: int) -> None:
        self._process = process
        self.port = port

    def used(self) -> Used:
        """Ask the server what it has used."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        cpu, longest = self._process.stdout.readline().split()
        return Used(float(cpu), float(longest))

    def used_when_idle(self) -> Used:
        """Ask what it has used once it has nothing left to do."""
        before, longest = self.used()
        for _ in range(PAUSES):
            time.sleep(PAUSE_SECONDS)
            now = self.used()
            longest = max(longest, now.longest_turn)
            if now.cpu - before < IDLE_SECONDS:
                return Used(now.cpu, longest)
            before = now.cpu
        raise AssertionError(f"the server was still at work after {PAUSES} pauses")


@contextmanager
def serving(which: str) -> Iterator[Server]:
    """Run the `bare` handler, the `emulator`, or one that is `recorded`, in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        port_file = Path(folder, "port")
        command = [sys.executable, "-m", "bench.served", which, str(port_file)]
        with subprocess.Popen(  # noqa: S603 - our own servers
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        ) as process:
            try:
                yield Server(process, _port(process, port_file))
            finally:
                assert process.stdin is not None
                process.stdin.close()


def _port(process: "subprocess.Popen[str]", port_file: Path) -> int:
    for _ in range(PAUSES):
        if port_file.exists():
            return int(port_file.read_text())
        assert process.poll() is None, "the server has ended"
        time.sleep(PAUSE_SECONDS)
    raise AssertionError(f"the server did not answer after {PAUSES} pauses")
