"""Publish over HTTP: requests per second of the emulator beside those of a bare aiohttp handler.

16 connections that are kept open; both servers on one core, the client on another; slices of time in turn, so that
whatever else the machine does hits both.
"""

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from time import perf_counter

from bench.measuring import say, say_row

CONNECTIONS = 16
SLICES, SLICE_SECONDS = 10, 0.8
TARGET = 0.5
WIDTHS = (10, 12, 12, 10)
BODY = b'{"queue":"orders","payload":{"order_id":"o_123","items":[1,2,3],"note":"a payload of a usual size"}}'
REQUEST = (
    b"POST /v1/scheduling/queue/publish HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ifr_bench\r\n"
    b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(BODY), BODY)
)


class Connection(asyncio.Protocol):
    """Sends the request again whenever it has been answered, until it is told to stop."""

    def __init__(self) -> None:
        self.answered = 0
        self.stopped = False
        self._received = b""
        self._closed = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.write(REQUEST)

    def data_received(self, data: bytes) -> None:
        """Go on when the whole answer is there."""
        self._received += data
        head, end, body = self._received.partition(b"\r\n\r\n")
        if not end or len(body) < int(head.lower().partition(b"content-length:")[2].split(b"\r\n", 1)[0]):
            return
        assert head.startswith(b"HTTP/1.1 200"), self._received
        self._received = b""
        self.answered += 1
        if self.stopped:
            self._transport.close()
        else:
            self._transport.write(REQUEST)

    def connection_lost(self, _error: Exception | None) -> None:
        """End."""
        self._closed.set_result(None)

    async def stop(self) -> None:
        """Wait for the answer under way."""
        self.stopped = True
        await self._closed


async def requests_per_second(port: int, duration: float) -> float:
    """Return how many requests a server answers in a second."""
    loop = asyncio.get_running_loop()
    began = perf_counter()
    pairs = [await loop.create_connection(Connection, "127.0.0.1", port) for _ in range(CONNECTIONS)]
    connections = [connection for _, connection in pairs]
    await asyncio.sleep(duration)
    await asyncio.gather(*(connection.stop() for connection in connections))
    return sum(connection.answered for connection in connections) / (perf_counter() - began)


@contextmanager
def serving(*command: str, core: int | None) -> Iterator[int]:
    """Run a server in a process of its own, on one core if there are two; yield its port."""
    with tempfile.TemporaryDirectory() as folder:
        port_file = Path(folder) / "port"
        arguments = [sys.executable, "-m", *(part.format(port_file=port_file) for part in command)]
        with subprocess.Popen(arguments, stdout=subprocess.DEVNULL) as process:  # noqa: S603 - our own servers
            if core is not None:
                os.sched_setaffinity(process.pid, {core})
            try:
                while not port_file.exists():
                    assert process.poll() is None, "the server has ended"
                    time.sleep(0.01)
                yield int(port_file.read_text())
            finally:
                process.terminate()


def cores() -> tuple[int, int] | tuple[None, None]:
    """Return a core for the servers and another one for the client, where that can be arranged."""
    if not hasattr(os, "sched_getaffinity") or len(os.sched_getaffinity(0)) < 2:
        return None, None
    first, second, *_ = sorted(os.sched_getaffinity(0))
    return first, second


def run(*, quick: bool) -> None:
    """Print both rates, slice by slice, and the median of their ratios."""
    for_servers, for_client = cores()
    where = "server and client on a core each" if for_client is not None else "server and client on any core"
    say(f"publish: requests/s over HTTP, {CONNECTIONS} connections, {where}")
    if for_client is not None:
        os.sched_setaffinity(0, {for_client})
    emulator = ("sched_emulator", "serve", "--clock", "frozen", "--port", "0", "--port-file", "{port_file}")
    with (
        serving("bench.bare", "{port_file}", core=for_servers) as bare_port,
        serving(*emulator, core=for_servers) as emulator_port,
    ):
        ratios = asyncio.run(compare(bare_port, emulator_port, quick=quick))
    say(f"  median ratio {median(ratios):.2f} (target: at least {TARGET})\n")


async def compare(bare_port: int, emulator_port: int, *, quick: bool) -> list[float]:
    """Load both servers in turn and return the ratio of each pair of slices."""
    slices, duration = (2, 0.05) if quick else (SLICES, SLICE_SECONDS)
    await requests_per_second(bare_port, duration / 2)
    await requests_per_second(emulator_port, duration / 2)
    say_row("slice", "bare", "emulator", "ratio", widths=WIDTHS)
    ratios = []
    for number in range(slices):
        bare = await requests_per_second(bare_port, duration)
        emulator = await requests_per_second(emulator_port, duration)
        ratios.append(emulator / bare)
        say_row(str(number + 1), f"{bare:,.0f}", f"{emulator:,.0f}", f"{ratios[-1]:.2f}", widths=WIDTHS)
    return ratios
