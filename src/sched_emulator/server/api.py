"""The emulated API at the socket: the key finds the sandbox, the driver its present, `exchange` does the rest."""

import asyncio

from aiohttp import web
from aiohttp.web_request import BaseRequest

from sched_emulator.core.errors import SchedulingError
from sched_emulator.recording.lines import Exchange

from . import discovery, exchange, recorded
from .binding import Binding
from .body import Bound
from .door import Door
from .exchange import Answered, Received
from .reply import json_reply
from .sandboxes import Sandboxes
from .secrets import in_url
from .turns import freeing


class Api:
    """Answers for the emulated API. `binding` is that of requests which belong to no sandbox."""

    def __init__(self, door: Door, sandboxes: Sandboxes, binding: Binding, bound: Bound) -> None:
        self._door = door
        self._sandboxes = sandboxes
        self._bound = bound
        self._binding = binding
        self._keyless = 0

    async def answer(self, request: BaseRequest, target: str) -> web.StreamResponse:
        """Answer a request for an operation; SchedulingError when it comes to none."""
        self._door.refuse_foreign_origin(request.headers)
        matched = self._binding.routes.match(request.method, target)
        if matched.operation_id in discovery.OPERATIONS:
            described = exchange.describe(self._binding, matched)
            return self._without_sandbox(Received(request.method, target, request.headers, b""), described)
        key = self._sandboxes.key_in(request.headers)
        raw = await self._bound.read(request)
        hosted = self._sandboxes.of_key(key)
        if hosted.driver.runs:
            hosted = await self._sandboxes.present(key)
        received = Received(request.method, target, request.headers, raw)
        answered = exchange.perform(hosted.sandbox, hosted.binding, received)
        if hosted.recorder is not None:
            hosted.recorder.exchange(received, answered)
        if hosted.sandbox.store.untidy:
            await self._sandboxes.turns.finish(hosted.driver.tidying())
        hosted.driver.stir()
        if answered.let_go:
            self._sandboxes.turns.begin(freeing(answered.let_go))
        if answered.latency_ms:
            await asyncio.sleep(answered.latency_ms / 1000)
        if answered.drop and request.transport is not None:
            request.transport.abort()
        return _reply(answered)

    async def refuse(self, request: BaseRequest, target: str, error: SchedulingError) -> web.StreamResponse:
        """Answer a request that no operation took; it is journaled where its key is good.

        What a foreign page sent leaves no trace, and makes no sandbox.
        """
        received = Received(request.method, target, request.headers, b"")
        try:
            self._door.refuse_foreign_origin(request.headers)
            key = self._sandboxes.key_in(request.headers)
        except SchedulingError:
            return self._without_sandbox(received, self._refusal(f"{request.method} {in_url(target)}", error))
        hosted = await self._sandboxes.present(key)
        answered = exchange.refuse(hosted.sandbox, hosted.binding, received, error)
        if hosted.recorder is not None:
            hosted.recorder.exchange(received, answered, refused=True)
        return _reply(answered)

    def refuse_malformed(self, error: SchedulingError) -> web.StreamResponse:
        """Answer what was no request: nobody knows who sent it."""
        return _reply(self._refusal("what is no HTTP", error))

    def _refusal(self, what: str, error: SchedulingError) -> Answered:
        """Refuse a request that belongs to no sandbox; `what` names it."""
        self._sandboxes.reader.refused(what, error)
        self._keyless += 1
        now_ms = self._sandboxes.start_ms
        return exchange.refuse_keyless(self._binding, error, now_ms=now_ms, number=self._keyless)

    def _without_sandbox(self, received: Received, answered: Answered) -> web.StreamResponse:
        """Answer a request that belongs to no sandbox."""
        if self._sandboxes.writer is not None:
            now_ms = self._sandboxes.start_ms
            self._sandboxes.writer.exchange(Exchange.of(recorded.without_sandbox(received, answered, now_ms)))
        return _reply(answered)


def _reply(answered: Answered) -> web.StreamResponse:
    return json_reply(answered.status, answered.content, answered.headers)
