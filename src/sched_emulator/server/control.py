"""The control API `/_emulator/…`: what tests steer and read, as `openapi/emulator.yaml` describes it.

Each operation on a sandbox is one function in `OF_SANDBOX`, found by its id; it takes the sandbox, the body and the
query parameters, checked against the document, and returns what is answered.
"""

from collections.abc import Awaitable, Callable
from importlib.metadata import version
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import tzdata
from aiohttp import web

from sched_emulator import spec
from sched_emulator.config import Config
from sched_emulator.core.errors import InvalidRequest, SchedulingError
from sched_emulator.core.instants import to_text

from . import bodies, control_reading, control_setting
from .api import error_object, json_response
from .binding import BoundOperation, Request, shorten
from .hosted import Hosted, Sandboxes
from .refusals import Forbidden
from .reply import json_reply

Json = dict[str, Any]
PREFIX = "/_emulator"
LOOPBACK_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})

OF_SANDBOX: dict[str, Callable[[Hosted, Json, Json], Awaitable[Json]]] = {
    **control_reading.OPERATIONS,
    **control_setting.OPERATIONS,
}


class Control:
    """The handlers of the control API."""

    def __init__(self, config: Config, sandboxes: Sandboxes) -> None:
        self._allowed_hosts = LOOPBACK_HOSTS | {config.host} | set(config.allow_hosts)
        self._sandboxes = sandboxes
        self._instance = uuid4().hex
        self.operations = {item.operation_id: BoundOperation(item) for item in spec.operations(spec.load("emulator"))}
        handled = OF_SANDBOX.keys() | {"health", "sandboxes.list", "sandbox.delete", "snapshot.get", "snapshot.put"}
        if different := self.operations.keys() ^ handled:
            raise ValueError(f"openapi/emulator.yaml and the control API differ in {', '.join(sorted(different))}")

    async def handle(self, operation_id: str, request: web.Request) -> web.StreamResponse:
        """Answer a request of the control API; SchedulingError when it is refused."""
        self._refuse_foreign(request)
        if operation_id == "health":
            return json_response(200, self._health(), {})
        if operation_id == "sandboxes.list":
            return json_response(200, {"items": [_summary(item) for item in self._sandboxes.hosted.values()]}, {})
        if operation_id == "sandbox.delete":
            key = self._sandboxes.key_in(request.headers.get("Authorization"))
            return json_response(200, {"deleted": self._sandboxes.forget(key)}, {})
        hosted = self._hosted(request)
        hosted.driver.catch_up()
        if operation_id == "snapshot.get":
            hosted.driver.refuse_if_busy()
            return json_reply(200, hosted.sandbox.snapshot(), {})
        if operation_id == "snapshot.put":
            hosted.replace_state(await request.content.read())
            return json_response(200, {"restored": True}, {})
        body, query = await _read(self.operations[operation_id], request)
        return json_response(200, await OF_SANDBOX[operation_id](hosted, body, query), {})

    def refuse(self, error: SchedulingError) -> web.StreamResponse:
        """Answer a refused request."""
        headers = {} if error.retry_after_seconds is None else {"Retry-After": str(error.retry_after_seconds)}
        return json_response(error.status, {"error": error_object(error)}, headers)

    def _health(self) -> Json:
        return {
            "status": "ok",
            "version": version("sched-emulator"),
            "instance": self._instance,
            "tzdata": tzdata.IANA_VERSION,
            "sandboxes": len(self._sandboxes.hosted),
        }

    def _hosted(self, request: web.Request) -> Hosted:
        """Return the sandbox meant: that of the key sent; without a key, the only one there is."""
        authorization = request.headers.get("Authorization")
        if authorization is not None:
            return self._sandboxes.of_key(self._sandboxes.key_in(authorization))
        if len(self._sandboxes.hosted) == 1:
            return next(iter(self._sandboxes.hosted.values()))
        count = len(self._sandboxes.hosted)
        raise InvalidRequest(
            f"the header `Authorization: Bearer <key>` must say which sandbox is meant: there are {count}",
            parameter="Authorization",
        )

    def _refuse_foreign(self, request: web.Request) -> None:
        """Refuse what a web page of elsewhere may have sent: a foreign `Host` or `Origin`."""
        if "*" in self._allowed_hosts:
            return
        origin = request.headers.get("Origin")
        hosts = {"Host": _host_name(f"//{request.host}")}
        if origin is not None:
            hosts["Origin"] = _host_name(origin)
        for header, host in hosts.items():
            if host not in self._allowed_hosts:
                raise Forbidden(f"the header `{header}` names '{(host or '')[:80]}', which may not steer this emulator")


def _host_name(url: str) -> str | None:
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None


async def _read(bound: BoundOperation, request: web.Request) -> tuple[Json, Json]:
    """Return the body and the query parameters of a request, checked; misspelt ones are refused."""
    body = bodies.parse(await request.read()) if request.method != "GET" else None
    if body is None and bound.operation.body_required:
        body = {}
    bound.check_body(body)
    known = {parameter.name for parameter in bound.parameters}
    unknown = [name for name in request.query if name not in known]
    if unknown:
        raise InvalidRequest(f"`{unknown[0][:60]}` is no parameter of this request", parameter=unknown[0][:60])
    parts = Request(request.match_info, request.query, request.headers, body)
    return body or {}, {parameter.name: value for parameter, value in bound.read_parameters(parts)}


def _summary(hosted: Hosted) -> Json:
    hosted.driver.catch_up()
    sandbox = hosted.sandbox
    return {
        "key": shorten(hosted.key, 8),
        "now": to_text(sandbox.store.now_ms),
        "mode": sandbox.store.mode,
        "crons": len(sandbox.store.crons),
        "queues": len(sandbox.store.queues),
        "requests": sandbox.store.journal.dropped_requests + len(sandbox.store.journal.requests),
    }
