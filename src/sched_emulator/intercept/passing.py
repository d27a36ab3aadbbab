"""Passes HTTP on, byte for byte, and tells each exchange once it has ended.

Each connection of a client has one of its own to the other side, and both end together, so that what breaks on one
side breaks on the other. Of a request's head, `Host` is led to where it goes, and `Upgrade`, which is the connection's
own affair, is taken away; nothing else is changed. Nothing waits for what is told: pieces go on as they come.
"""

import asyncio
import contextlib
import re
import ssl
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from sched_emulator.output import reason
from sched_emulator.recording.content import MOST_BYTES
from sched_emulator.recording.lines import Exchange, Headers

from . import framing
from .framing import Head, NotHttpError
from .proxy import RefusedError, Streams, Upstream

CLOSED = "the connection was closed before an answer"
BROKE_OFF = "the answer broke off"
NOT_HTTP = "the answer is not HTTP/1.1"
CLIENT_LEFT = "the client hung up before an answer"
ENDED = "the recording ended before an answer"
_HOST = re.compile(rb"^(host:)[^\r\n]*", re.IGNORECASE | re.MULTILINE)
_UPGRADE = re.compile(rb"^(?:upgrade|http2-settings):[^\r\n]*\r\n", re.IGNORECASE | re.MULTILINE)

Tell = Callable[[Exchange], object]


@dataclass(frozen=True, slots=True)
class Way:
    """Where requests are passed on to: a host, with TLS where there is a context, by a proxy where there is one.

    `authority`, where given, is what `Host` becomes, and `prefix` what stands before the path.
    """

    host: str
    port: int
    tls: ssl.SSLContext | None = None
    proxy: Upstream | None = None
    authority: str = ""
    prefix: str = ""

    async def connect(self) -> Streams:
        """Return a new connection. OSError, or RefusedError where the proxy says no."""
        if self.proxy is None:
            return Streams(*await asyncio.open_connection(self.host, self.port, ssl=self.tls, limit=framing.HEAD_BYTES))
        streams = await self.proxy.connect(self.host, self.port)
        if self.tls is not None:
            await streams.writer.start_tls(self.tls, server_hostname=self.host)
        return streams

    def rewritten(self, head: Head) -> bytes:
        """Return the head of a request as it is passed on."""
        raw = head.raw
        if self.authority:
            raw = _HOST.sub(rb"\1 " + self.authority.encode("latin-1"), raw, count=1)
        if self.prefix and head.path.startswith("/"):
            raw = raw.replace(b" ", b" " + self.prefix.encode("latin-1"), 1)
        return _UPGRADE.sub(b"", raw)


@dataclass(slots=True)
class _UnderWay:
    """An exchange that has not ended."""

    sent_at_ms: int
    head: Head
    headers: Headers
    body: bytearray = field(default_factory=bytearray)
    answer: Head | None = None
    response: bytearray = field(default_factory=bytearray)

    def ended(self, error: str | None = None) -> Exchange:
        return Exchange(
            sent_at_ms=self.sent_at_ms,
            received_at_ms=_now_ms(),
            method=self.head.method,
            path=self.head.path,
            headers=self.headers,
            body=bytes(self.body),
            status=None if self.answer is None else self.answer.status,
            response_headers=() if self.answer is None else self.answer.headers,
            response=bytes(self.response),
            error=error,
        )


class Passing:
    """Serves connections: what comes is passed on along a way, and told. `who` speaks where there is nobody else to."""

    def __init__(self, way: Way, tell: Tell, who: str) -> None:
        self._way = way
        self._tell = tell
        self._who = who
        self._tasks: set[asyncio.Task[None]] = set()

    def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve a connection, as `asyncio.start_server` asks."""
        passage = _Passage(Streams(reader, writer), self._way, self._tell, self._who)
        task = asyncio.ensure_future(passage.serve())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """End all connections; what is under way is told as ended without an answer."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


class _Passage:
    """A connection of a client, and the one that it is joined to; `error` is why what is under way ends."""

    def __init__(self, client: Streams, way: Way, tell: Tell, who: str) -> None:
        self._client = client
        self._way = way
        self._tell = tell
        self._who = who
        self._under_way: deque[_UnderWay] = deque()
        self._error = ENDED

    async def serve(self) -> None:
        """Pass on until either side has enough."""
        server = None
        try:
            head = await framing.request(self._client.reader)
            if head is not None:
                server = await self._connected(head)
            if head is not None and server is not None:
                await self._join(head, server)
        except NotHttpError:
            await self._say("400 Bad Request", f"{self._who}: expected a request of HTTP/1.1")
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            for each in self._under_way:
                self._tell(each.ended(self._error if each.answer is None else BROKE_OFF))
            for streams in filter(None, (self._client, server)):
                streams.writer.close()

    async def _connected(self, head: Head) -> Streams | None:
        """Connect; None when nobody is there, which is answered here: nobody else can."""
        try:
            return await self._way.connect()
        except RefusedError as error:
            why = str(error.args[1])
        except OSError as error:
            proxy = None if isinstance(error, ssl.SSLError) else self._way.proxy
            place = f"{self._way.host}:{self._way.port}" if proxy is None else f"the proxy {proxy.host}:{proxy.port}"
            why = f"{place} cannot be reached: {_reason(error)}"
        except asyncio.IncompleteReadError:
            why = "the proxy closed the connection"
        each = self._begun(head)
        self._error = why
        if not any(name.lower() == "expect" for name, _ in head.headers):
            async for piece in framing.body(self._client.reader, framing.request_length(head)):
                _keep(each.body, piece.content)
        await self._say("502 Bad Gateway", f"{self._who}: {why}")
        return None

    async def _say(self, status: str, sentence: str) -> None:
        with contextlib.suppress(OSError):
            self._client.writer.write(RefusedError(status, sentence).answer)
            await self._client.writer.drain()

    async def _join(self, head: Head, server: Streams) -> None:
        answers = asyncio.ensure_future(self._answers(server))
        requests = asyncio.ensure_future(self._requests(head, server))
        try:
            await asyncio.wait((answers, requests), return_when=asyncio.FIRST_COMPLETED)
            if not answers.done() and self._under_way:
                self._error = CLIENT_LEFT
                if requests.exception() is None and server.writer.can_write_eof():
                    server.writer.write_eof()  # it may still listen
                else:
                    server.writer.close()
                await asyncio.wait((answers,))
            if requests.done():
                await requests  # so that what is no HTTP is said
        finally:
            for task in (answers, requests):
                task.cancel()
            await asyncio.gather(answers, requests, return_exceptions=True)

    async def _requests(self, first: Head, server: Streams) -> None:
        head: Head | None = first
        while head is not None:
            length = framing.request_length(head)
            each = self._begun(head)
            server.writer.write(self._way.rewritten(head))
            async for piece in framing.body(self._client.reader, length):
                _keep(each.body, piece.content)
                server.writer.write(piece.raw)
                await server.writer.drain()
            head = await framing.request(self._client.reader)

    async def _answers(self, server: Streams) -> None:
        try:
            while (head := await framing.answer(server.reader)) is not None:
                self._client.writer.write(head.raw)
                if not self._under_way:
                    return  # nobody asked: it says why it closes the connection
                if head.status >= 200:
                    await self._answer(head, server)
            self._error = CLOSED if self._error == ENDED else self._error
        except NotHttpError:
            self._error = NOT_HTTP
        except (OSError, asyncio.IncompleteReadError):
            self._error = CLOSED if self._error == ENDED else self._error

    async def _answer(self, head: Head, server: Streams) -> None:
        each = self._under_way[0]
        each.answer = head
        async for piece in framing.body(server.reader, framing.answer_length(head, each.head.method)):
            _keep(each.response, piece.content)
            self._client.writer.write(piece.raw)
            await self._client.writer.drain()
        self._under_way.popleft()
        self._tell(each.ended())

    def _begun(self, head: Head) -> _UnderWay:
        headers = head.headers
        if self._way.authority:
            headers = tuple((name, self._way.authority if name.lower() == "host" else value) for name, value in headers)
        each = _UnderWay(_now_ms(), head, headers)
        self._under_way.append(each)
        return each


def _keep(kept: bytearray, content: bytes) -> None:
    """Keep what comes, up to one piece more than is recorded."""
    if len(kept) <= MOST_BYTES:
        kept += content


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def _reason(error: OSError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted ({error.verify_message})"
    return reason(error)
