"""JSON answers written in one piece.

An answer of the emulator is short and known as a whole before it is sent, so it goes to the transport as one block of
bytes, without the header dictionary and payload machinery of `web.Response`, which cost as much as the rest of an
answer. Long answers are ordinary responses, because a single block knows no back-pressure.
"""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, cast

from aiohttp import web
from aiohttp.web_request import BaseRequest

from .exchange import CONSTANT_HEADERS

LONGEST_BYTES = 64 * 1024
_CONSTANT_LINES = "".join(f"{name}: {value}\r\n" for name, value in CONSTANT_HEADERS.items())
_STATUS_LINES = {status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n" for status in HTTPStatus}


def json_reply(status: int, body: bytes, headers: Mapping[str, str]) -> web.StreamResponse:
    """Return an answer with a JSON body, whose bytes depend on nothing but the arguments."""
    if len(body) > LONGEST_BYTES or status not in _STATUS_LINES:
        return _LongReply(status=status, body=body, headers={**CONSTANT_HEADERS, **headers})
    return cast("web.StreamResponse", _Reply(status, body, headers))


def yaml_reply(text: bytes) -> web.StreamResponse:
    """Return an answer with a YAML document."""
    return _LongReply(status=200, body=text, headers={**CONSTANT_HEADERS, "Content-Type": "application/yaml"})


class _LongReply(web.Response):
    """Lets its body go once it is sent: a connection holds its last answer until the next request."""

    async def write_eof(self, data: Any = b"") -> None:
        """Write the whole answer."""
        await super().write_eof(data)
        self.body = None


class _Reply:
    """What aiohttp's server asks of a response, and nothing else: half of what one costs is making it."""

    __slots__ = ("_content", "_head", "_length", "_transport", "keep_alive", "status")

    def __init__(self, status: int, body: bytes, headers: Mapping[str, str]) -> None:
        lines = "".join([f"{name}: {value}\r\n" for name, value in headers.items()])
        self._head = f"{_STATUS_LINES[status]}{_CONSTANT_LINES}{lines}"
        self._content = body
        self._length = len(body)
        self.status = status
        self.keep_alive = True  # whether the connection serves further requests

    def force_close(self) -> None:
        """Let the connection serve no further requests."""
        self.keep_alive = False

    async def prepare(self, request: BaseRequest) -> None:
        """Take note of the connection; nothing is written yet."""
        self.keep_alive = self.keep_alive and request.keep_alive
        self._transport = request.transport
        if request.method == "HEAD":
            self._content = b""

    async def write_eof(self) -> None:
        """Write the whole answer."""
        if self._transport is None or self._transport.is_closing():
            raise ConnectionResetError("the client has gone")
        closing = "" if self.keep_alive else "Connection: close\r\n"
        self._transport.write(f"{self._head}{closing}Content-Length: {self._length}\r\n\r\n".encode() + self._content)
