"""The forward proxy: TLS to the gateway's host ends at the emulator, all else goes to its own host or is refused.

It only joins connections: what passes to other hosts stays encrypted from end to end.
"""

import asyncio
import base64
import contextlib
import ssl
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import NamedTuple, Self
from urllib.parse import unquote, urlsplit

from . import HOST

CHUNK_BYTES = 64 * 1024
UPSTREAM_VARIABLES = ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY")


class Streams(NamedTuple):
    """A connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter


class RefusedError(Exception):
    """A request that the proxy answers itself: a status line's end, and a sentence."""

    def __init__(self, status: str, sentence: str) -> None:
        super().__init__(status, sentence)
        self.answer = (
            f"HTTP/1.1 {status}\r\nContent-Type: text/plain\r\nContent-Length: {len(sentence.encode()) + 1}\r\n"
            f"Connection: close\r\n\r\n{sentence}\n"
        ).encode()


@dataclass(frozen=True, slots=True)
class Upstream:
    """The proxy that was configured before, which other hosts are reached through."""

    host: str
    port: int
    tls: bool
    authorization: str | None

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> "Upstream | None":
        """Return what an environment names, None when it names none. ValueError when that cannot be used."""
        url = next(filter(None, map(environment.get, UPSTREAM_VARIABLES)), None)
        if url is None:
            return None
        try:
            parts = urlsplit(url if "://" in url else f"http://{url}")
            port = parts.port or (443 if parts.scheme == "https" else 80)
        except ValueError:  # what came may have a password in it
            raise ValueError("the proxy configured has no URL; expected one such as http://proxy:3128") from None
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError(f"the proxy configured, {parts.scheme}://{parts.hostname}, is no HTTP proxy")
        authorization = None
        if parts.username is not None:
            pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
            authorization = base64.b64encode(pair.encode()).decode()
        return cls(parts.hostname, port, parts.scheme == "https", authorization)

    async def connect(self, host: str, port: int) -> Streams:
        """Return a connection through this proxy."""
        context = ssl.create_default_context() if self.tls else None
        streams = Streams(*await asyncio.open_connection(self.host, self.port, ssl=context))
        try:
            await self._ask(streams, f"[{host}]:{port}" if ":" in host else f"{host}:{port}")
        except BaseException:
            streams.writer.close()
            raise
        return streams

    async def _ask(self, streams: Streams, target: str) -> None:
        lines = [f"CONNECT {target} HTTP/1.1", f"Host: {target}"]
        if self.authorization is not None:
            lines.append(f"Proxy-Authorization: Basic {self.authorization}")
        streams.writer.write("\r\n".join([*lines, "", ""]).encode())
        head = await streams.reader.readuntil(b"\r\n\r\n")
        status_line = head.partition(b"\r\n")[0].decode("latin-1")
        if status_line.split(" ")[1:2] != ["200"]:
            raise RefusedError("502 Bad Gateway", f"the proxy {self.host}:{self.port} said: {status_line}")


class Proxy:
    """The proxy; as a context manager it listens on `port` of loopback until the end.

    `tls_port` is where the emulator speaks TLS.
    """

    def __init__(self, *, tls_port: int, offline: bool, upstream: Upstream | None) -> None:
        self._tls_port = tls_port
        self._offline = offline
        self._upstream = upstream
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port: int = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(self._serve(Streams(reader, writer)))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, client: Streams) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            async with _closing(client):
                try:
                    server = await self._connect(await client.reader.readuntil(b"\r\n\r\n"))
                except RefusedError as refused:
                    client.writer.write(refused.answer)
                    await client.writer.drain()
                    return
                async with _closing(server):
                    client.writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
                    await asyncio.gather(
                        _copy(client.reader, server.writer),
                        _copy(server.reader, client.writer),
                    )

    async def _connect(self, head: bytes) -> Streams:
        method, _, rest = head.partition(b"\r\n")[0].decode("latin-1").partition(" ")
        target = rest.partition(" ")[0]
        if method != "CONNECT":
            raise RefusedError("403 Forbidden", f"{target} is not reached: {_ONLY_THE_GATEWAY}")
        host, port = _address(target)
        try:
            if (host.lower().rstrip("."), port) == (HOST, 443):
                return Streams(*await asyncio.open_connection("127.0.0.1", self._tls_port))
            if self._offline:
                raise RefusedError("403 Forbidden", f"{host} is not reached: {_ONLY_THE_GATEWAY}")
            if self._upstream is not None:
                return await self._upstream.connect(host, port)
            return Streams(*await asyncio.open_connection(host, port))
        except (OSError, asyncio.IncompleteReadError) as error:
            raise RefusedError("502 Bad Gateway", f"{host}:{port} cannot be reached: {error}") from None


_ONLY_THE_GATEWAY = f"sched-emulator run --offline lets nothing through but https://{HOST}"


def _address(target: str) -> tuple[str, int]:
    host, _, port = target.rpartition(":")
    if not host or not port.isdecimal() or int(port) > 65535:
        raise RefusedError("400 Bad Request", "expected CONNECT host:port")
    return host.strip("[]"), int(port)


@contextlib.asynccontextmanager
async def _closing(streams: Streams) -> AsyncIterator[None]:
    try:
        yield
    finally:
        streams.writer.close()
        with contextlib.suppress(OSError):
            await streams.writer.wait_closed()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while chunk := await reader.read(CHUNK_BYTES):
        writer.write(chunk)
        await writer.drain()
    if writer.can_write_eof():
        writer.write_eof()
