"""JSON answers written in one piece.

An answer of the emulator is short and known as a whole before it is sent, so it goes to the transport as one block of
bytes, without the header dictionary and payload machinery of `web.Response`, which cost as much as the rest of an
answer. Only what aiohttp offers its own response classes is used. Long answers are ordinary responses, because a single
block knows no back-pressure.
"""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from aiohttp import web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.web_request import BaseRequest

from .exchange import CONSTANT_HEADERS

LONGEST_BYTES = 64 * 1024
_CONSTANT_LINES = "".join(f"{name}: {value}\r\n" for name, value in CONSTANT_HEADERS.items())
_PHRASES = {status.value: status.phrase for status in HTTPStatus}
_STATUS_LINES = {status: f"HTTP/1.1 {status} {phrase}\r\n" for status, phrase in _PHRASES.items()}


def json_reply(status: int, body: bytes, headers: Mapping[str, str]) -> web.StreamResponse:
    """Return an answer with a JSON body, whose bytes depend on nothing but the arguments."""
    if len(body) > LONGEST_BYTES or status not in _STATUS_LINES:
        return _LongReply(status=status, body=body, headers={**CONSTANT_HEADERS, **headers})
    return _Reply(status, body, headers)


def yaml_reply(text: bytes) -> web.StreamResponse:
    """Return an answer with a YAML document."""
    return _LongReply(status=200, body=text, headers={**CONSTANT_HEADERS, "Content-Type": "application/yaml"})


class _LongReply(web.Response):
    """Lets its body go once it is sent: a connection holds its last answer until the next request."""

    async def write_eof(self, data: Any = b"") -> None:
        """Write the whole answer."""
        await super().write_eof(data)
        self.body = None


class _Reply(web.StreamResponse):
    def __init__(self, status: int, body: bytes, headers: Mapping[str, str]) -> None:
        super().__init__(status=status, reason=_PHRASES[status])
        self._lines = "".join([f"{name}: {value}\r\n" for name, value in headers.items()])
        self._content = body
        self._length = len(body)
        self._persistent = True

    @property
    def keep_alive(self) -> bool:
        """Whether the connection serves further requests."""
        return self._persistent

    async def prepare(self, request: BaseRequest) -> AbstractStreamWriter | None:
        """Take note of the connection; nothing is written yet."""
        self._persistent = request.keep_alive
        self._transport = request.transport
        if request.method == "HEAD":
            self._content = b""
        return None

    async def write_eof(self, _data: Any = b"") -> None:
        """Write the whole answer."""
        if self._transport is None or self._transport.is_closing():
            raise ConnectionResetError("the client has gone")
        closing = "" if self._persistent else "Connection: close\r\n"
        length = f"Content-Length: {self._length}\r\n\r\n"
        head = f"{_STATUS_LINES[self.status]}{_CONSTANT_LINES}{self._lines}{closing}{length}"
        self._transport.write(head.encode() + self._content)
