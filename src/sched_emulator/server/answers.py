"""What comes back over a connection, read as an answer that counts by its status.

Written here because receivers are not ours to choose: a parser that judges a whole packet at once refuses a 204 for the
bytes behind it, and takes it when they come later. Here an answer is decided by its status line alone, as soon as that
has come, and no packet makes a difference. What follows is read as far as it makes sense: header lines up to the empty
one, then the body, as chunks, by its length, or to the end. Where it stops to make sense, or where the connection
ends, the answer ends. Of interim answers (1xx but 101) only the bytes count. Read are at most 300 KiB besides the body,
and what is kept of the body; nothing is decompressed.
"""

import asyncio
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sched_emulator.core.targets import KEPT_BYTES

HEAD_BYTES = 300 * 1024  # of all heads of an answer and what stands between its chunks; curl draws its line here
SHOWN_BYTES = 40

_START = b"HTTP/"
# What curl takes: a version that can be meant, then three digits, whatever follows them.
_STATUS_LINE = re.compile(rb"HTTP/(?:1\.[01]|2(?:\.0)?) +([1-9][0-9]{2})(?![0-9])", re.IGNORECASE)
_HEAD_END = re.compile(rb"\n\r?\n")
_LENGTH = re.compile(rb"\+?0*([0-9]{1,18})(?![0-9])")
_CHUNK_SIZE = re.compile(rb"[ \t]*([0-9A-Fa-f]+)")
_WITHOUT_BODY = frozenset({101, 204, 304})


class AnswerError(Exception):
    """What came is no answer; the message is the same for the same bytes."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer: what is kept of its headers, and of its body, still encoded."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Incoming(asyncio.Protocol):
    """What has come over a connection and was not read yet; nothing more comes in before it is waited for."""

    def __init__(self) -> None:
        self.arrived = bytearray()
        self.no_http = False  # what came first cannot be HTTP, whatever follows
        self._transport: asyncio.Transport | None = None
        self._ended = False
        self._news = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep what is written to."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Keep what came, and take no more for now."""
        assert self._transport is not None
        self.arrived += data
        self._transport.pause_reading()
        self._news.set()

    def eof_received(self) -> None:
        """End here, without waiting until a receiver that reads no more has taken the rest of the request."""
        self._end()

    def connection_lost(self, _error: Exception | None) -> None:
        """End, whyever: what came before counts."""
        self._end()

    def _end(self) -> None:
        self._ended = True
        self._news.set()

    async def until(self, enough: Callable[[], object]) -> None:
        """Wait until there is enough, or until the connection has ended."""
        while not enough() and not self._ended:
            assert self._transport is not None
            self._news.clear()
            self._transport.resume_reading()
            await self._news.wait()

    async def take(self, count: int) -> bytes:
        """Return this many bytes, fewer where the connection ends."""
        await self.until(lambda: len(self.arrived) >= count)
        taken = bytes(self.arrived[:count])
        del self.arrived[:count]
        return taken

    def send(self, data: bytes) -> None:
        """Send what fits into the connection, and the rest as it is read."""
        assert self._transport is not None
        self._transport.write(data)

    def hang_up(self) -> None:
        """End the connection now, whatever is still to be sent."""
        if self._transport is not None:
            self._transport.abort()


async def read(incoming: Incoming) -> Answer:
    """Return the answer that comes; AnswerError when none does."""
    room, status = HEAD_BYTES, 100
    while 100 <= status < 200 and status != 101:
        head = await _head(incoming, room)
        room -= len(head)
        status_line, *lines = head.split(b"\n")
        match = _STATUS_LINE.match(status_line)
        if match is None:
            raise AnswerError(no_http(status_line))
        status = int(match[1])
    headers = _headers(lines)
    body = b"" if status in _WITHOUT_BODY else await _body(incoming, headers, room)
    return Answer(status, _kept(headers), body)


def no_http(start: bytes | bytearray) -> str:
    """Return what is said of an answer that starts so: its first bytes, escaped."""
    line = bytes(start.partition(b"\n")[0])
    more = "…" if len(line) > SHOWN_BYTES else ""
    return f"the answer is not HTTP, it starts with '{repr(line[:SHOWN_BYTES].rstrip())[2:-1]}{more}'"


async def _head(incoming: Incoming, room: int) -> bytes:
    """Take a status line and its headers up to the empty line, or up to the end of the connection."""
    arrived = incoming.arrived
    await incoming.until(lambda: not _may_be_http(arrived) or _HEAD_END.search(arrived) or len(arrived) > room)
    if not _may_be_http(arrived):
        incoming.no_http = True
        await incoming.until(lambda: len(arrived) > SHOWN_BYTES or b"\n" in arrived)
        raise AnswerError(no_http(arrived))
    end = _HEAD_END.search(arrived)
    if (len(arrived) if end is None else end.end()) > room:
        raise AnswerError(f"the answer's headers are longer than {HEAD_BYTES // 1024} KiB")
    if b"\n" not in arrived:
        raise AnswerError("the connection was closed before an answer")
    return await incoming.take(len(arrived) if end is None else end.end())


def _may_be_http(arrived: bytearray) -> bool:
    start = bytes(arrived[: len(_START)]).upper()
    return _START.startswith(start)


def _headers(lines: list[bytes]) -> list[tuple[str, bytes]]:
    """Return the headers of a head's lines. A line that begins with a blank goes on with the one before."""
    headers: list[tuple[str, bytes]] = []
    for line in lines:
        if line[:1] in {b" ", b"\t"} and headers:
            name, value = headers[-1]
            headers[-1] = (name, (value + b" " + line.strip()).strip())
            continue
        raw_name, colon, value = line.partition(b":")
        if colon and raw_name.strip():
            headers.append((_text(raw_name.strip()), value.strip()))
    return headers


async def _body(incoming: Incoming, headers: list[tuple[str, bytes]], room: int) -> bytes:
    """Return the body, or its beginning where it is longer than what is kept."""
    named = {name.lower(): value for name, value in headers}  # of several the last one counts, as for curl
    if named.get("transfer-encoding", b"").lower().endswith(b"chunked"):
        return await _chunks(incoming, room)
    length = _LENGTH.match(named.get("content-length", b""))
    return await incoming.take(KEPT_BYTES if length is None else min(int(length[1]), KEPT_BYTES))


async def _chunks(incoming: Incoming, room: int) -> bytes:
    body = b""
    while len(body) < KEPT_BYTES:
        line = await _line(incoming, room)
        room -= len(line)
        size = _CHUNK_SIZE.match(line)
        if size is None or room < 0 or int(size[1], 16) == 0:
            break
        body += await incoming.take(min(int(size[1], 16), KEPT_BYTES - len(body)))
        if len(body) < KEPT_BYTES:
            room -= len(await _line(incoming, room))
    return body


async def _line(incoming: Incoming, room: int) -> bytes:
    """Take what comes up to the end of its line; nothing when that does not come."""
    arrived = incoming.arrived
    await incoming.until(lambda: b"\n" in arrived or len(arrived) > room)
    return await incoming.take(arrived.find(b"\n") + 1)


def _kept(headers: list[tuple[str, bytes]]) -> dict[str, str]:
    """Return the headers that fit into the bound, of one name in one."""
    kept: dict[str, str] = {}
    room = KEPT_BYTES
    for name, raw in headers:
        value = _text(raw)
        room -= len(name) + len(value)
        if room < 0:
            break
        kept[name] = f"{kept[name]}, {value}" if name in kept else value
    return kept


def _text(raw: bytes) -> str:
    """Return bytes as text; those that are no UTF-8 become question marks."""
    return raw.decode(errors="surrogateescape").encode(errors="replace").decode()
