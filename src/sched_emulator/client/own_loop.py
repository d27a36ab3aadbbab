"""Recognises who waits for himself: for a delivery to an event loop that stands still until the call returns.

That is so for a server of the loop that runs in the calling thread, and for one of a loop that nobody runs, as between
an asynchronous fixture and a test that is none. Servers in other threads and processes answer whatever this one does.
"""

import gc
import ipaddress
import sys
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple
from urllib.parse import urlsplit

__tracebackhide__ = True  # a failing test shows its own lines
IDLE_SECONDS = 1.0  # a loop that does not run at this moment may be about to: for so long it is given the chance


class Awaited(NamedTuple):
    """A delivery that is waited for: where it goes, and for how many real seconds it has been under way."""

    url: str
    real_seconds: float


class BlockedLoopError(RuntimeError):
    """A call waits for a delivery to `url`, whose event loop cannot run before the call returns."""

    def __init__(self, url: str) -> None:
        super().__init__(
            f"this call waits for a delivery to {url}, served by an event loop that stands still until it returns:"
            " use `await box.aio.clock.advance(...)`, or what else box.aio has, in a coroutine of that loop"
        )
        self.url = url


def refuse_own(deliveries: Iterable[Awaited]) -> None:
    """Raise BlockedLoopError if a delivery waits for a server that cannot answer before the caller goes on."""
    asyncio = sys.modules.get("asyncio")
    awaited = list(deliveries)
    if asyncio is None or not awaited:
        return
    here = asyncio._get_running_loop()  # noqa: SLF001 - documented, and the only one that does not raise
    uvloop = sys.modules.get("uvloop.loop")  # its servers are none of asyncio's by type
    for server in _servers((asyncio.AbstractServer, *([uvloop.Server] if uvloop is not None else []))):
        loop = server.get_loop()
        if loop is not here and loop.is_running():
            continue
        for url, real_seconds in awaited:
            if (loop is here or real_seconds >= IDLE_SECONDS) and any(_leads_to(url, sock) for sock in server.sockets):
                raise BlockedLoopError(url)


def _servers(kinds: tuple[type, ...]) -> Iterator[Any]:
    """Return all servers of event loops in this process: there is no list of them but the collector's."""
    return (thing for thing in gc.get_objects() if issubclass(type(thing), kinds))


def _leads_to(url: str, sock: Any) -> bool:
    name = sock.getsockname()
    parts = urlsplit(url)
    if not isinstance(name, tuple) or name[1] != (parts.port or {"http": 80, "https": 443}[parts.scheme]):
        return False
    host = parts.hostname or ""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
