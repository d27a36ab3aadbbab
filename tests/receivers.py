"""Small servers on this machine: receivers on the test's own loop, and a server in threads for tests without a loop."""

import asyncio
import contextlib
import json
import socket
import ssl
import sys
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

from aiohttp import web
from aiohttp.test_utils import TestServer

Behaviour = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[object]]


# On the loop: one that speaks HTTP as it should, one that does as it likes


@dataclass
class Receiver:
    """A receiver that speaks HTTP as it should, and what it got so far, in order of arrival."""

    url: str = ""
    paths: list[str] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    bodies: list[Any] = field(default_factory=list)


async def ok(_request: web.Request) -> int:
    return 200


class Hold:
    """An answer that is held back: 200, once it may `leave`. `arrived` is set when the first request is there."""

    def __init__(self) -> None:
        self.arrived, self.leave = asyncio.Event(), asyncio.Event()

    async def __call__(self, _request: web.Request) -> int:
        """Answer when it may."""
        self.arrived.set()
        await self.leave.wait()
        return 200


@asynccontextmanager
async def receiver(answer: Callable[[web.Request], Awaitable[int]] = ok) -> AsyncIterator[Receiver]:
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
async def listening(
    behaviour: Behaviour, *, host: str = "127.0.0.1", tls: ssl.SSLContext | None = None
) -> AsyncIterator[int]:
    """Do as told with each connection, then close it; yield the port. In the end what is under way is cancelled."""
    running: set[asyncio.Task[None]] = set()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            await behaviour(reader, writer)
        writer.close()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(handle(reader, writer))
        running.add(task)
        task.add_done_callback(running.discard)

    sock = socket.create_server((host, 0), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)  # so that what is not read stays with the sender
    server = await asyncio.start_server(accept, sock=sock, ssl=tls, backlog=512)
    try:
        yield sock.getsockname()[1]
    finally:
        server.close()
        for task in running:
            task.cancel()
        await asyncio.gather(*running)


@dataclass
class RudeReceiver:
    """A receiver that does as it likes: what it got, and `gone`, set whenever it is done with a connection."""

    port: int = 0
    heads: list[str] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    connections: int = 0
    gone: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def read(self, reader: asyncio.StreamReader) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        length = next(int(line[15:]) for line in head.splitlines() if line.lower().startswith("content-length:"))
        self.heads.append(head)
        self.bodies.append(await reader.readexactly(length))


@asynccontextmanager
async def rude_receiver(
    behaviour: Behaviour | bytes, *, read: bool = True, host: str = "127.0.0.1", tls: ssl.SSLContext | None = None
) -> AsyncIterator[RudeReceiver]:
    """Serve on a free port: take each request (unless `read` is false), then do as told or answer these bytes."""
    made = RudeReceiver()

    async def receive(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        made.connections += 1
        try:
            if read:
                await made.read(reader)
            if isinstance(behaviour, bytes):
                writer.write(behaviour)
                await writer.drain()
            else:
                await behaviour(reader, writer)
        finally:
            made.gone.set()

    async with listening(receive, host=host, tls=tls) as made.port:
        yield made


async def for_ever(_reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    await asyncio.Event().wait()


# In threads: what is answered is a function of the request


class Asked(NamedTuple):
    """A request that arrived."""

    number: int
    method: str
    path: str
    headers: dict[str, str]
    body: str


class Told(NamedTuple):
    """What is answered, its body at once or in pieces without an announced end; `status` 0 closes the connection."""

    status: int = 200
    body: bytes | Iterable[bytes] = b"{}"
    headers: tuple[tuple[str, str], ...] = (("Content-Type", "application/json"),)


Answer = Callable[[Asked], Told]


def as_json(body: Any, status: int = 200, headers: tuple[tuple[str, str], ...] = ()) -> Told:
    """Return an answer that is a value in JSON."""
    return Told(status, json.dumps(body).encode(), (("Content-Type", "application/json"), *headers))


def envelope(data: Any, status: int = 200, headers: tuple[tuple[str, str], ...] = ()) -> Told:
    """Return an answer in the documented envelope."""
    error = None if status < 400 else {"code": "X", "message": "no", "hint": "none", "retryable": False}
    body = {"ok": status < 400, "data": data if status < 400 else None, "error": error, "metadata": {}}
    return as_json(body, status, headers)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128  # as many may knock at once as the suite has threads, and more

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of clients that hang up, and all of a mistake of the test's."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


@contextmanager
def serving(
    answer: Answer, *, host: str = "127.0.0.1", tls: ssl.SSLContext | None = None
) -> Iterator[tuple[str, list[Asked]]]:
    """Serve, and yield the URL and what was asked, which grows."""
    asked: list[Asked] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True  # else each body waits 40 ms for an acknowledgement

        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode(errors="replace")
            request = Asked(len(asked) + 1, self.command, self.path, dict(self.headers.items()), body)
            asked.append(request)
            told = answer(request)
            headers, pieces = dict(told.headers), told.body
            if isinstance(pieces, bytes):
                headers["Content-Length"], pieces = str(len(pieces)), [pieces]
            self.close_connection = told.status == 0 or "Content-Length" not in headers
            if told.status == 0:
                return
            self.send_response(told.status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            with contextlib.suppress(OSError):
                for piece in pieces:
                    self.wfile.write(piece)

        do_POST = do_PUT = do_PATCH = do_DELETE = do_GET  # noqa: N815 - the names that http.server calls

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = _Server((host, 0), Handler)
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield f"{'http' if tls is None else 'https'}://{host}:{server.server_address[1]}", asked
    finally:
        server.shutdown()
        server.server_close()
