"""Real receivers on loopback, for tests of deliveries: one that speaks HTTP as it should, one that does as it likes."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer

Answer = Callable[[web.Request], Awaitable[int]]
Behaviour = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[object]]


@dataclass
class Receiver:
    """A receiver, and what it got so far, in order of arrival."""

    url: str = ""
    paths: list[str] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    bodies: list[Any] = field(default_factory=list)


async def ok(_request: web.Request) -> int:
    return 200


@asynccontextmanager
async def receiver(answer: Answer = ok) -> AsyncIterator[Receiver]:
    """Serve on a free port: keep each request, then let `answer` say with which status it is answered."""
    made = Receiver()

    async def receive(request: web.Request) -> web.Response:
        made.paths.append(request.path)
        made.headers.append(dict(request.headers))
        made.bodies.append(await request.json())
        return web.Response(status=await answer(request), headers={"Date": "today", "Server": "receiver"})

    app = web.Application()
    app.router.add_post("/{path:.*}", receive)
    async with TestServer(app, host="127.0.0.1") as server:
        made.url = str(server.make_url("")).rstrip("/")
        yield made


@asynccontextmanager
async def rude_receiver(behaviour: Behaviour) -> AsyncIterator[str]:
    """Serve on a free port as told, once the head of a request has come; yield the URL."""
    running: set[asyncio.Task[None]] = set()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            await reader.readuntil(b"\r\n\r\n")
            await behaviour(reader, writer)
        writer.close()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(handle(reader, writer))
        running.add(task)
        task.add_done_callback(running.discard)

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        for task in running:
            task.cancel()
        await asyncio.gather(*running)


async def for_ever(_reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    await asyncio.Event().wait()
