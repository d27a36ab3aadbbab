"""The emulated API: one way from a request to its answer, for every operation.

app matched the route; here the key finds the sandbox, the binding reads the request, the sandbox performs it, the
binding renders the result, the journal keeps both. All of that is synchronous, so requests cannot interleave. Domain
errors rise untouched to `_perform`; `_conclude` makes answers of them.
"""

import asyncio
from collections.abc import Mapping
from email.utils import formatdate
from functools import lru_cache
from typing import Any

from aiohttp import web
from msgspec import UNSET

from sched_emulator.core.encoding import encode_bytes
from sched_emulator.core.errors import InjectedFault, InvalidRequest, SchedulingError
from sched_emulator.core.ids import request_id

from . import bodies, discovery
from .binding import Binding, BoundOperation, Request
from .hosted import Hosted, Sandboxes
from .refusals import MethodNotAllowed
from .reply import json_reply

Json = dict[str, Any]


class Api:
    """The handlers of the emulated API. `binding` answers where no key has named a sandbox."""

    def __init__(self, sandboxes: Sandboxes, binding: Binding) -> None:
        self._sandboxes = sandboxes
        self._binding = binding
        self._keyless = 0

    async def handle(self, operation_id: str, request: web.Request) -> web.StreamResponse:
        """Answer a request for an operation of a sandbox."""
        hosted = self._sandboxes.of_key(self._sandboxes.key_in(request.headers.get("Authorization")))
        raw = request.content.read_nowait() if request.content.is_eof() else await request.read()
        hosted.driver.catch_up()
        exchange = _perform(hosted, hosted.binding.operations[operation_id], request, raw)
        response = _conclude(hosted, request, exchange)
        hosted.driver.stir()
        if exchange.latency_ms:
            await asyncio.sleep(exchange.latency_ms / 1000)
        if exchange.drop and request.transport is not None:
            request.transport.abort()
        return response

    async def list_capabilities(self, _request: web.Request) -> web.StreamResponse:
        """Answer `GET /v1/discovery`."""
        return json_response(200, discovery.listing(self._binding), {})

    async def get_capability(self, request: web.Request) -> web.StreamResponse:
        """Answer `GET /v1/discovery/{capability}`."""
        return json_response(200, discovery.contract(self._binding, request.match_info["capability"]), {})

    def refuse(self, request: web.Request, error: SchedulingError) -> web.StreamResponse:
        """Answer a request that no operation took; it is journaled where its key is good."""
        try:
            hosted = self._sandboxes.of_key(self._sandboxes.key_in(request.headers.get("Authorization")))
        except SchedulingError:
            self._keyless += 1
            identity = request_id(0, self._sandboxes.start_ms, self._keyless)
            headers = _identifying_headers(identity, self._sandboxes.start_ms) | _error_headers(error)
            return json_response(_status(self._binding, error), _failure(self._binding, error, identity, 0), headers)
        hosted.driver.catch_up()
        return _conclude(hosted, request, Exchange(error=error))


class Exchange:
    """What became of a request, before it is written: a result or an error, and what the journal keeps."""

    def __init__(self, bound: BoundOperation | None = None, error: SchedulingError | None = None) -> None:
        self.bound = bound
        self.error = error
        self.data: Any = None
        self.body: Any = UNSET
        self.ignored: list[str] = []
        self.replayed_from: int | None = None
        self.latency_ms = 0
        self.drop = False


def _perform(hosted: Hosted, bound: BoundOperation, request: web.Request, raw: bytes) -> Exchange:
    """Read, validate and perform a request."""
    exchange = Exchange(bound)
    body = None
    try:
        if raw and request.method != "GET":
            bodies.refuse_foreign_type(request.headers.get("Content-Type"))
            body = bodies.parse(raw)
            exchange.body = bound.hide_secrets(body)
        call = bound.read(Request(request.match_info, request.query, request.headers, body))
        exchange.ignored = call.ignored
        answer = hosted.sandbox.call(
            bound.operation_id, call.arguments, scope=call.scope, idempotency_key=call.idempotency_key
        )
        exchange.data = bound.render(answer.result)
        exchange.replayed_from = answer.replayed_from
        exchange.latency_ms = answer.latency_ms
    except InjectedFault as error:
        exchange.error = error
        exchange.latency_ms, exchange.drop = error.latency_ms, error.drop
        if error.drop:
            hosted.sandbox.store.note = "the connection was dropped: this answer was never sent"
    except InvalidRequest as error:
        exchange.error = bound.name_as_sent(error, body)
    except SchedulingError as error:
        exchange.error = error
    return exchange


def _conclude(hosted: Hosted, request: web.Request, exchange: Exchange) -> web.StreamResponse:
    """Wrap the answer, journal the request, and return what is written."""
    sandbox, binding, bound, error = hosted.sandbox, hosted.binding, exchange.bound, exchange.error
    identity = sandbox.next_request_id()
    headers = _identifying_headers(identity, sandbox.store.now_ms)
    if error is not None:
        status = _status(binding, error)
        content = _failure(binding, error, identity, exchange.latency_ms)
        headers |= _error_headers(error)
    else:
        assert bound is not None
        status = bound.status
        content = exchange.data
        if bound.enveloped:
            metadata = _metadata(identity, exchange.latency_ms)
            content = {"ok": True, "data": exchange.data, "error": None, "metadata": metadata}
    sandbox.record(
        operation=None if bound is None else bound.operation_id,
        method=request.method,
        path=request.path_qs,
        body=exchange.body,
        status=status,
        response=content,
        ignored=exchange.ignored,
        replayed_from=exchange.replayed_from,
    )
    return json_response(status, content, headers)


def json_response(status: int, content: Any, headers: Mapping[str, str]) -> web.StreamResponse:
    """Return an answer that holds a value as JSON."""
    return json_reply(status, encode_bytes(content), headers)


def error_object(error: SchedulingError) -> Json:
    """Return what an error body says of an error; what it has nothing to say about is absent."""
    facts = {
        "code": error.code,
        "message": error.message,
        "hint": error.hint,
        "retryable": error.retryable,
        "details": error.details,
    }
    return {name: value for name, value in facts.items() if value is not None}


def _status(binding: Binding, error: SchedulingError) -> int:
    return binding.invalid_status if isinstance(error, InvalidRequest) else error.status


def _failure(binding: Binding, error: SchedulingError, identity: str, latency_ms: int) -> Json:
    if not binding.enveloped:
        return {"error": error_object(error)}
    metadata = _metadata(identity, latency_ms)
    return {"ok": False, "data": None, "error": error_object(error), "metadata": metadata}


def _metadata(identity: str, latency_ms: int) -> Json:
    return {"cost_usd": 0, "latency_ms": latency_ms, "vendor": "infrai", "cache_hit": False, "request_id": identity}


def _identifying_headers(identity: str, now_ms: int) -> dict[str, str]:
    return {"X-Infrai-Request-Id": identity, "Date": _http_date(now_ms // 1000)}


@lru_cache(maxsize=64)
def _http_date(seconds: int) -> str:
    return formatdate(seconds, usegmt=True)


def _error_headers(error: SchedulingError) -> dict[str, str]:
    headers = {}
    if error.retry_after_seconds is not None:
        headers["Retry-After"] = str(error.retry_after_seconds)
    if isinstance(error, MethodNotAllowed):
        headers["Allow"] = error.allowed
    return headers
