"""Connections as aiohttp serves them, but that what it cannot read is answered as everything else, in JSON.

A request whose method nobody knows is well-formed all the same: it is read again by a parser that takes any method, and
answered like others. Of what is malformed nothing is known but that it came.
"""

import re
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import EMPTY_PAYLOAD, hdrs, web
from aiohttp.http import RawRequestMessage
from aiohttp.http_exceptions import BadHttpMethod, HttpProcessingError
from aiohttp.http_parser import HttpRequestParserPy
from aiohttp.web_protocol import RequestHandler, _ErrInfo
from aiohttp.web_request import BaseRequest

IDLE_SECONDS = 120  # between two requests, or for the head of one
LONGEST_METHOD_CHARS = 32
REPEATED = re.compile("^Duplicate '(.+)' header found")  # as aiohttp tells it
Answer = Callable[[BaseRequest], Awaitable[web.StreamResponse]]
Malformed = Callable[[str | None], Awaitable[web.StreamResponse]]


class Server(web.Server):
    """Makes the connections. `malformed` answers what could not be read, given the header that is repeated in it."""

    def __init__(self, handler: Answer, malformed: Malformed, **options: Any) -> None:
        super().__init__(handler, keepalive_timeout=options.pop("keepalive_timeout", IDLE_SECONDS), **options)
        self.malformed = malformed

    def __call__(self) -> RequestHandler:
        """Return what serves a new connection."""
        return _Connection(self, loop=self._loop, **self._kwargs)


class _Connection(RequestHandler):
    """One connection; `_unread` is the piece of it that could not be read."""

    def __init__(self, server: Server, **options: Any) -> None:
        super().__init__(server, **options)
        self._server = server
        self._unread = b""

    def resume_reading(self, resume_parser: bool = True) -> None:  # noqa: FBT001, FBT002 - as aiohttp has it
        """Go on reading where it was paused.

        aiohttp asks for this after every body; where nothing was paused, nothing waits to be parsed either.
        """
        if self._reading_paused:
            super().resume_reading(resume_parser)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._messages and isinstance(self._messages[-1][0], _ErrInfo):
            self._unread = data

    def _make_error_handler(self, err_info: _ErrInfo) -> Answer:
        async def answer(request: BaseRequest) -> web.StreamResponse:
            unread, self._unread = self._unread, b""
            message = self._with_any_method(unread) if isinstance(err_info.exc, BadHttpMethod) else None
            if message is not None:
                task = request.task
                again = self._server.request_factory(message, EMPTY_PAYLOAD, self, request.writer, task)
                response = await self._server.request_handler(again)
            else:
                self.handle_error(request, err_info.status, err_info.exc, err_info.message)  # which logs it
                repeated = REPEATED.match(err_info.message)
                response = await self._server.malformed(repeated and repeated[1])
            response.force_close()
            return response

        return answer

    def _with_any_method(self, data: bytes) -> RawRequestMessage | None:
        """Return the request that begins a piece, when it is well-formed but for a method that nobody knows."""
        head, end, _ = data.partition(b"\r\n\r\n")
        parser = HttpRequestParserPy(
            self, self._loop, len(data), max_line_size=self.max_line_size, max_field_size=self.max_field_size
        )
        try:
            messages, _, _ = parser.feed_data(head + end)
        except HttpProcessingError:
            return None
        method = head.partition(b" ")[0].decode("latin-1")  # as it was sent: the parser writes it in capitals
        if not messages or method in hdrs.METH_ALL or len(method) > LONGEST_METHOD_CHARS:
            return None
        return messages[0][0]._replace(method=method, should_close=True)
