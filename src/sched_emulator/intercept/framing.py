"""Where a message of HTTP/1.1 ends: a head, then a body of so many bytes, in chunks, or until the connection ends."""

import asyncio
import re
from collections.abc import AsyncIterator
from typing import NamedTuple

from sched_emulator.recording.lines import Headers

HEAD_BYTES = 256 * 1024
CHUNK_BYTES = 64 * 1024
CHUNKED, UNTIL_END = -1, -2
_REQUEST = re.compile(r"(\S+) (\S+) HTTP/1\.[01]")
_STATUS = re.compile(r"HTTP/1\.[01] ([1-9]\d\d)(?: .*)?", re.ASCII)
_LENGTH = re.compile("[0-9]{1,15}")
_CHUNK_SIZE = re.compile(b"[0-9a-fA-F]{1,12}")
_WITHOUT_BODY = frozenset({204, 304})


class NotHttpError(Exception):
    """What came is no message of HTTP/1.1."""


class Head(NamedTuple):
    """The beginning of a message: the parts of its first line, its headers, and the bytes that it was."""

    first: tuple[str, ...]
    headers: Headers
    raw: bytes

    @property
    def method(self) -> str:
        """A request's method."""
        return self.first[0]

    @property
    def path(self) -> str:
        """A request's target."""
        return self.first[1]

    @property
    def status(self) -> int:
        """An answer's status."""
        return int(self.first[0])


class Piece(NamedTuple):
    """A piece of a body: the bytes on the wire, and what they say of the content."""

    raw: bytes
    content: bytes


async def request(reader: asyncio.StreamReader) -> Head | None:
    """Return the head of the next request; None when there is none. NotHttpError."""
    return await _head(reader, _REQUEST)


async def answer(reader: asyncio.StreamReader) -> Head | None:
    """Return the head of the next answer; None when there is none. NotHttpError."""
    return await _head(reader, _STATUS)


def request_length(head: Head) -> int:
    """Return how long the body of a request is."""
    length = _length(head)
    return 0 if length is None else length


def answer_length(head: Head, method: str) -> int:
    """Return how long the body of an answer to a method is."""
    if method == "HEAD" or head.status < 200 or head.status in _WITHOUT_BODY:
        return 0
    length = _length(head)
    return UNTIL_END if length is None else length


async def body(reader: asyncio.StreamReader, length: int) -> AsyncIterator[Piece]:
    """Return the pieces of a body as they come. IncompleteReadError when it ends early, NotHttpError."""
    if length == CHUNKED:
        async for piece in _chunks(reader):
            yield piece
        return
    left = length
    while left and (content := await reader.read(CHUNK_BYTES if left < 0 else min(left, CHUNK_BYTES))):
        left -= len(content) if left > 0 else 0
        yield Piece(content, content)
    if left > 0:
        raise asyncio.IncompleteReadError(b"", left)


async def _head(reader: asyncio.StreamReader, form: "re.Pattern[str]") -> Head | None:
    try:
        raw = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError as error:
        if not error.partial.strip():
            return None
        raise
    except asyncio.LimitOverrunError:
        raise NotHttpError from None
    first, *lines = raw.decode("latin-1").strip("\r\n").split("\r\n")
    match = form.fullmatch(first)
    if match is None:
        raise NotHttpError
    return Head(match.groups(), tuple(_header(line) for line in lines), raw)


def _header(line: str) -> tuple[str, str]:
    name, colon, value = line.partition(":")
    if not colon or name != name.strip():
        raise NotHttpError
    value = value.strip(" \t")
    return name, value if value.isascii() else _utf_8(value)


def _utf_8(value: str) -> str:
    try:
        return value.encode("latin-1").decode()
    except UnicodeDecodeError:
        return value


def _length(head: Head) -> int | None:
    """Return what a head says of the length of its body."""
    said = {name.lower(): value for name, value in head.headers}
    if "chunked" in said.get("transfer-encoding", "").lower():
        return CHUNKED
    length = said.get("content-length")
    if length is not None and _LENGTH.fullmatch(length) is None:
        raise NotHttpError
    return None if length is None else int(length)


async def _chunks(reader: asyncio.StreamReader) -> AsyncIterator[Piece]:
    while True:
        line = await _line(reader)
        digits = line.partition(b";")[0].strip()
        if _CHUNK_SIZE.fullmatch(digits) is None:
            raise NotHttpError
        size = int(digits, 16)
        if size == 0:
            break
        yield Piece(line, b"")
        async for piece in body(reader, size):
            yield piece
        yield Piece(await _line(reader), b"")
    while line.strip():  # the last chunk's line, then trailers
        yield Piece(line, b"")
        line = await _line(reader)
    yield Piece(line, b"")


async def _line(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.readuntil(b"\r\n")
    except asyncio.LimitOverrunError:
        raise NotHttpError from None
