"""One exchange, pure: from a request as it came to its answer, for every operation.

The routes find the operation, the binding reads the request, the sandbox performs it, the binding renders the result,
the journal keeps both. All of it is synchronous, so exchanges cannot interleave, and nothing in it knows of sockets.
Domain errors rise untouched to `perform`.
"""

from collections.abc import Mapping, Sequence
from email.utils import formatdate
from functools import lru_cache
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from sched_emulator.core import account
from sched_emulator.core.encoding import encode_bytes
from sched_emulator.core.errors import InjectedFault, InvalidRequest, SchedulingError
from sched_emulator.core.ids import request_id
from sched_emulator.core.records import Exchange
from sched_emulator.core.sandbox import Answer, Sandbox

from . import discovery, json_body, observed
from .binding import Binding, BoundOperation, Call
from .http_errors import error_object
from .routes import Matched

# What is around a result or an error, written out: it is the same for every answer but for two values.
_ENVELOPE = b'{"ok":true,"data":%b,"error":null,"metadata":%b}'
_FAILURE = b'{"ok":false,"data":null,"error":%b,"metadata":%b}'
_BARE_FAILURE = b'{"error":%b}'
COST = "X-Infrai-Cost-Usd"
CONSTANT_HEADERS = {"Content-Type": "application/json; charset=utf-8", "Server": "sched-emulator"}
_METADATA = b'{"cost_usd":%b,"latency_ms":%d,"vendor":"infrai","cache_hit":false,"request_id":"%b"}'


class Received(Struct, frozen=True):
    """A request as it came: `target` is its path and query as sent, `headers` find a name however it is written."""

    method: str
    target: str
    headers: Mapping[str, str]
    raw: bytes


class Answered(Struct, frozen=True):
    """What is answered, after how long, whether the connection is dropped instead, and what is to be freed."""

    status: int
    headers: Mapping[str, str]
    content: bytes
    latency_ms: int = 0
    drop: bool = False
    let_go: Sequence[Any] = ()


def perform(sandbox: Sandbox, binding: Binding, received: Received) -> Answered:
    """Find, read, validate, perform and journal what a request asks for, and return its answer."""
    try:
        matched = binding.routes.match(received.method, received.target)
        if matched.operation_id in discovery.OPERATIONS:
            return describe(binding, matched)
    except SchedulingError as error:
        return refuse(sandbox, binding, received, error)
    bound = binding.operations[matched.operation_id]
    body, ignored = None, []
    journaled: bytes | None = None
    replayed_from: int | None = None
    try:
        if received.raw and received.method not in {"GET", "HEAD"}:
            body = json_body.decoded(received.raw, received.headers.get("Content-Type"))
            journaled = b"null" if body is None else received.raw
        call = _read(bound, sandbox.store.answers.values, received, matched, body)
        ignored = call.ignored
        answer = sandbox.call(
            bound.operation_id, call.arguments, facts=bound.facts, idempotency_key=call.idempotency_key
        )
        replayed_from = answer.replayed_from
        answered = _result(sandbox, bound, answer)
    except InjectedFault as error:
        if error.drop:
            sandbox.store.note = "the connection was dropped: this answer was never sent"
        answered = replace(_refusal(sandbox, binding, error, error.latency_ms), drop=error.drop)
    except InvalidRequest as error:
        answered = _refusal(sandbox, binding, bound.name_as_sent(error, body))
    except SchedulingError as error:
        answered = _refusal(sandbox, binding, error)
    sandbox.record(
        Exchange(
            operation=bound.operation_id,
            method=received.method,
            path=received.target,
            body=journaled,
            status=answered.status,
            response=answered.content,
            ignored=ignored,
            replayed_from=replayed_from,
        )
    )
    return answered


def _read(
    bound: BoundOperation, answers: Mapping[str, str | int], received: Received, matched: Matched, body: Any
) -> Call:
    sources = (matched.path, matched.query, received.headers)
    try:
        return bound.read(sources, body)
    except InvalidRequest as error:
        if len(received.raw) > observed.EXPLAINED_BYTES:
            raise
        raise observed.explained(error, bound, answers, sources, body) from None


def describe(binding: Binding, matched: Matched) -> Answered:
    """Answer a question about the API itself, which needs no sandbox and leaves no trace. NotFound when it has none."""
    return Answered(200, {}, encode_bytes(discovery.OPERATIONS[matched.operation_id](binding, **matched.path)))


def refuse(sandbox: Sandbox, binding: Binding, received: Received, error: SchedulingError) -> Answered:
    """Answer and journal a request that no operation took."""
    answered = _refusal(sandbox, binding, error)
    sandbox.record(
        Exchange(
            operation=None,
            method=received.method,
            path=received.target,
            body=None,
            status=answered.status,
            response=answered.content,
            ignored=[],
        )
    )
    return answered


def refuse_keyless(binding: Binding, error: SchedulingError, *, now_ms: int, number: int) -> Answered:
    """Answer a request that belongs to no sandbox; `number` counts them."""
    return _failure(binding, error, request_id(0, now_ms, number), now_ms, 0)


def _result(sandbox: Sandbox, bound: BoundOperation, answer: Answer) -> Answered:
    identity = sandbox.next_request_id()
    content = encode_bytes(bound.render(answer.result))
    if bound.enveloped:
        content = _ENVELOPE % (content, _metadata(identity, answer.latency_ms, answer.cost_usd))
    headers = _identifying_headers(identity, sandbox.store.now_ms)
    if sandbox.store.prices:
        headers[COST] = account.plain(answer.cost_usd)
    return Answered(bound.status, headers, content, answer.latency_ms, let_go=answer.let_go)


def _refusal(sandbox: Sandbox, binding: Binding, error: SchedulingError, latency_ms: int = 0) -> Answered:
    answered = _failure(binding, error, sandbox.next_request_id(), sandbox.store.now_ms, latency_ms)
    return replace(answered, headers={**answered.headers, COST: "0"}) if sandbox.store.prices else answered


def _failure(binding: Binding, error: SchedulingError, identity: str, now_ms: int, latency_ms: int) -> Answered:
    status = binding.invalid_status if isinstance(error, InvalidRequest) else error.status
    told = encode_bytes(error_object(error))
    content = _FAILURE % (told, _metadata(identity, latency_ms)) if binding.enveloped else _BARE_FAILURE % told
    headers = {**_identifying_headers(identity, now_ms), **error.headers}
    return Answered(status, headers, content, latency_ms)


def _metadata(identity: str, latency_ms: int, cost_usd: float = 0) -> bytes:
    return _METADATA % (account.plain(cost_usd).encode() if cost_usd else b"0", latency_ms, identity.encode())


def _identifying_headers(identity: str, now_ms: int) -> dict[str, str]:
    return {"X-Infrai-Request-Id": identity, "Date": _http_date(now_ms // 1000)}


@lru_cache(maxsize=64)
def _http_date(seconds: int) -> str:
    return formatdate(seconds, usegmt=True)
