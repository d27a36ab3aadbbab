"""The control API `/_emulator/…` at the socket: what tests steer and read, as `openapi/emulator.yaml` describes it.

Each operation is one function, found by its id in a table; it gets what it uses of the request, checked against the
document, and returns what is answered. Only those in `AWAITED` take time.
"""

from collections.abc import Awaitable, Callable
from importlib.metadata import version
from urllib.parse import urlsplit

import tzdata
from aiohttp import web
from aiohttp.web_request import BaseRequest

from sched_emulator import spec
from sched_emulator.config import Config
from sched_emulator.core.encoding import encode_bytes
from sched_emulator.core.errors import InvalidRequest, SchedulingError
from sched_emulator.core.instants import to_text

from . import control_reading, control_setting, json_body
from .asked import Asked, Json, Performed
from .binding import BoundOperation, shorten
from .body import of_requests, of_snapshots
from .control_relied import get_relied
from .http_errors import Forbidden, error_object
from .reply import json_reply
from .routes import Matched, Route, Routes
from .sandboxes import Hosted, Sandboxes

PREFIX = "/_emulator"
LOOPBACK_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})


def health(sandboxes: Sandboxes) -> Json:
    """Return that the emulator is up, and which one it is."""
    return {
        "status": "ok",
        "version": version("sched-emulator"),
        "instance": sandboxes.instance,
        "tzdata": tzdata.IANA_VERSION,
        "sandboxes": len(sandboxes.hosted),
    }


def summary(hosted: Hosted) -> Json:
    """Return a sandbox in short."""
    hosted.driver.catch_up()
    store = hosted.sandbox.store
    return {
        "key": shorten(hosted.key, 8),
        "now": to_text(store.now_ms),
        "mode": store.mode,
        "crons": len(store.crons),
        "queues": len(store.queues),
        "requests": store.journal.dropped_requests + len(store.journal.requests),
    }


# What concerns no sandbox, or must make none: each takes all sandboxes and the header `Authorization`.
OF_SERVER: dict[str, Callable[[Sandboxes, str | None], Json]] = {
    "health": lambda sandboxes, _: health(sandboxes),
    "sandboxes.list": lambda sandboxes, _: {"items": [summary(hosted) for hosted in sandboxes.hosted.values()]},
    "sandbox.delete": lambda sandboxes, authorization: {"deleted": sandboxes.forget(sandboxes.key_in(authorization))},
}
OF_SANDBOX: dict[str, Callable[[Asked], Performed]] = {**control_reading.OPERATIONS, **control_setting.OPERATIONS}
AWAITED: dict[str, Callable[[Asked], Awaitable[Json]]] = {
    **control_setting.AWAITED,
    "relied": lambda asked: get_relied(asked.hosted),
}


class Control:
    """Answers for the control API."""

    def __init__(self, config: Config, sandboxes: Sandboxes) -> None:
        self._allowed_hosts = LOOPBACK_HOSTS | {config.host} | set(config.allow_hosts)
        self._sandboxes = sandboxes
        self._bound, self._snapshot_bound = of_requests(config), of_snapshots(config)
        self.operations = {item.operation_id: BoundOperation(item) for item in spec.operations(spec.load("emulator"))}
        handled = OF_SERVER.keys() | OF_SANDBOX.keys() | AWAITED.keys()
        if different := self.operations.keys() ^ handled:
            raise ValueError(f"openapi/emulator.yaml and the control API differ in {', '.join(sorted(different))}")
        described = [bound.operation for bound in self.operations.values()]
        self._routes = Routes(
            [
                *(Route(operation.method, operation.path, operation.operation_id) for operation in described),
                Route("HEAD", self.operations["health"].operation.path, "health"),
            ]
        )

    async def answer(self, request: BaseRequest, target: str) -> web.StreamResponse:
        """Answer a request of the control API; SchedulingError when it is refused."""
        matched = self._routes.match(request.method, target)
        operation_id = matched.operation_id
        self._refuse_foreign(request)
        if operation_id in OF_SERVER:
            return _reply(OF_SERVER[operation_id](self._sandboxes, request.headers.get("Authorization")))
        key = self._key(request)
        body, query, document = await self._read(matched, request)
        asked = Asked(await self._sandboxes.present(key), body, query, document)
        if operation_id in AWAITED:
            return _reply(await AWAITED[operation_id](asked))
        return _reply(OF_SANDBOX[operation_id](asked))

    async def refuse(self, _request: BaseRequest, _target: str, error: SchedulingError) -> web.StreamResponse:
        """Answer a refused request."""
        return json_reply(error.status, encode_bytes({"error": error_object(error)}), error.headers)

    def _key(self, request: BaseRequest) -> str:
        """Return the key of the sandbox meant: the one sent; without one, that of the only sandbox there is."""
        authorization = request.headers.get("Authorization")
        if authorization is not None:
            return self._sandboxes.key_in(authorization)
        if len(self._sandboxes.hosted) == 1:
            return next(iter(self._sandboxes.hosted))
        count = len(self._sandboxes.hosted)
        raise InvalidRequest(
            f"the header `Authorization: Bearer <key>` must say which sandbox is meant: there are {count}",
            about="Authorization",
        )

    async def _read(self, matched: Matched, request: BaseRequest) -> tuple[Json, Json, bytes]:
        """Return body and query of a request, checked, or its body as it came; misspelt parameters are refused."""
        bound = self.operations[matched.operation_id]
        if bound.operation.definition.get("requestBody", {}).get("x-snapshot"):
            return {}, {}, await self._snapshot_bound.read(request)
        body = json_body.parse(await self._bound.read(request)) if request.method != "GET" else None
        if body is None and bound.operation.body_required:
            body = {}
        bound.check_body(body)
        known = {parameter.name for parameter in bound.parameters}
        unknown = [name for name in matched.query if name not in known]
        if unknown:
            raise InvalidRequest("is no parameter of this request", parameter=unknown[0][:60])
        query = {
            parameter.name: value
            for parameter, value in bound.read_parameters((matched.path, matched.query, request.headers))
        }
        return body or {}, query, b""

    def _refuse_foreign(self, request: BaseRequest) -> None:
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


def _reply(content: Performed) -> web.StreamResponse:
    return json_reply(200, content if isinstance(content, bytes) else encode_bytes(content), {})
