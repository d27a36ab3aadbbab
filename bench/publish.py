"""Publish over HTTP: what a request costs the emulator's process, beside what it costs a bare aiohttp handler.

As many requests to the one as to the other, in slices that alternate, over connections that are kept open. What is
compared is the CPU time of the servers' processes; how many requests a second come through says more about the
machine than about the server.
"""

import asyncio
from statistics import median

from bench.measuring import loop_seconds, say, say_row
from bench.serving import Server, serving

CONNECTIONS = 16
SLICES, REQUESTS = 15, 200  # requests of each connection in a slice
TARGET = 0.85
MOST_RECORDED = 1.25
WIDTHS = (10, 12, 12, 10)
BODY = b'{"queue":"orders","payload":{"order_id":"o_123","items":[1,2,3],"note":"a payload of a usual size"}}'
REQUEST = (
    b"POST /v1/scheduling/queue/publish HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ifr_bench\r\n"
    b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(BODY), BODY)
)


class Connection(asyncio.Protocol):
    """Sends the request so many times, each when the one before has been answered."""

    def __init__(self, requests: int) -> None:
        self._left = requests
        self._received = b""
        self.ended = asyncio.get_running_loop().create_future()

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
        self._left -= 1
        if self._left:
            self._transport.write(REQUEST)
        else:
            self._transport.close()

    def connection_lost(self, _error: Exception | None) -> None:
        """End; the requests that nobody answered are missed by `cost`."""
        self.ended.set_result(self._left)


async def cost(server: Server, requests: int) -> float:
    """Return the CPU seconds that one request costs a server."""
    loop = asyncio.get_running_loop()
    before = server.used().cpu
    pairs = [
        await loop.create_connection(lambda: Connection(requests), "127.0.0.1", server.port) for _ in range(CONNECTIONS)
    ]
    left = await asyncio.gather(*(connection.ended for _, connection in pairs))
    assert not any(left), left
    return (server.used().cpu - before) / (requests * CONNECTIONS)


def run(*, quick: bool) -> None:
    """Print both costs, slice by slice, and the median of their ratios."""
    say(f"publish: CPU time of the server's process for a request over HTTP, {CONNECTIONS} connections")
    with serving("bare") as bare, serving("emulator") as emulator:
        costs = asyncio.run(compare(bare, emulator, quick=quick))
    loop = loop_seconds()
    say_row("slice", "bare, loops", "emulator", "ratio", widths=WIDTHS)
    for number, (of_bare, of_emulator) in enumerate(costs, start=1):
        told = f"{of_bare / loop:.1f}", f"{of_emulator / loop:.1f}", f"{of_bare / of_emulator:.2f}"
        say_row(str(number), *told, widths=WIDTHS)
    ratio = median(of_bare / of_emulator for of_bare, of_emulator in costs)
    together = sum(of_bare for of_bare, _ in costs) / sum(of_emulator for _, of_emulator in costs)
    say(f"  median ratio {ratio:.2f} (target: at least {TARGET}), of all slices together {together:.2f}")
    with serving("emulator") as emulator, serving("recorded") as recorded:
        costs = asyncio.run(compare(emulator, recorded, quick=quick))
    more = median(of_recorded / of_emulator for of_emulator, of_recorded in costs)
    say(f"  with --record it costs {more:.2f} times as much (target: at most {MOST_RECORDED})\n")


async def compare(bare: Server, emulator: Server, *, quick: bool) -> list[tuple[float, float]]:
    """Load both servers in turn and return what a request cost either, slice by slice."""
    slices, requests = (2, 5) if quick else (SLICES, REQUESTS)
    for server in (bare, emulator):  # the first requests find nothing warm
        await cost(server, requests)
    return [(await cost(bare, requests), await cost(emulator, requests)) for _ in range(slices)]
