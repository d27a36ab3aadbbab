"""The control API `/_emulator/…` at the socket: what tests steer and read, as `openapi/emulator.yaml` describes it.

Each operation is one function, found by its id in a table; it gets what it uses of the request, checked against the
document, and returns what is answered, or long work that makes it. Only those in `AWAITED` wait.
"""

from collections.abc import Callable, Generator
from importlib.metadata import version

import tzdata
from aiohttp import web
from aiohttp.web_request import BaseRequest
from multidict import MultiMapping

from sched_emulator import spec
from sched_emulator.config import Config
from sched_emulator.core import globs
from sched_emulator.core.encoding import encode_bytes
from sched_emulator.core.errors import InvalidRequest, SchedulingError
from sched_emulator.core.instants import to_text

from . import control_calling, control_looking, control_reading, control_setting, events, json_body, landing, page
from .asked import Asked, Json, Performed
from .binding import BoundOperation
from .body import of_requests, of_snapshots
from .control_relied import get_asked, get_relied
from .door import SANDBOX_HEADER, Door, sent_by_no_page
from .http_errors import ClockBusy, error_object
from .reply import json_reply, yaml_reply
from .routes import Matched, Route, Routes, path_of
from .sandboxes import Hosted, Sandboxes
from .secrets import in_url, shown_key
from .told import Only, Telling
from .turns import Work, unless
from .validation_errors import SHOWN_CHARS, among

PREFIX = "/_emulator"
READING = frozenset({"GET", "HEAD"})


def is_control(target: str) -> bool:
    """Whether a request's path is one of the control API, however it is written."""
    return target.startswith(PREFIX) or ("%" in target and path_of(target).startswith(PREFIX))


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
    return in_short(hosted)


def in_short(hosted: Hosted) -> Json:
    """Return a sandbox in short as it stands."""
    store = hosted.sandbox.store
    return {
        "id": hosted.id,
        "key": shown_key(hosted.key),
        "now": to_text(store.now_ms),
        "mode": store.mode,
        "crons": len(store.crons),
        "queues": len(store.queues),
        "requests": store.journal.dropped_requests + len(store.journal.requests),
        "last_used_at": to_text(hosted.used_ms),
    }


def list_sandboxes(sandboxes: Sandboxes) -> Work[Json]:
    """Return all sandboxes in short (long work)."""
    items = []
    for hosted in list(sandboxes.hosted.values()):
        items.append(summary(hosted))
        yield
    return {"items": items}


def _events(asked: Asked) -> events.Told:
    query = asked.query
    since = query["Last-Event-ID"] if "Last-Event-ID" in query else query.get("since", 0)
    return events.Watch(asked.hosted, since, in_short)


def _lines(asked: Asked) -> events.Told:
    query = asked.query
    if "operation" in query:
        globs.refuse_unmet(query["operation"], asked.hosted.binding.operations)
    return Telling(Only(asked.hosted, query.get("since", 0), query.get("operation"), query.get("url")))


# What concerns no sandbox, or must make none: each takes all sandboxes and the headers.
OF_SERVER: dict[str, Callable[[Sandboxes, "MultiMapping[str]"], Performed]] = {
    "index": lambda _, _headers: landing.index(),
    "health": lambda sandboxes, _: health(sandboxes),
    "assumptions.catalogue": lambda _, _headers: control_reading.catalogue(),
    "sandboxes.list": lambda sandboxes, _: list_sandboxes(sandboxes),
    "sandbox.get": lambda sandboxes, headers: summary(sandboxes.known(sandboxes.meant(headers))),
    "sandbox.delete": lambda sandboxes, headers: {"deleted": sandboxes.forget(sandboxes.meant(headers))},
}
OF_SANDBOX: dict[str, Callable[[Asked], Performed]] = {
    **control_reading.OPERATIONS,
    **control_setting.OPERATIONS,
    **control_looking.OPERATIONS,
    **control_calling.OPERATIONS,
    "relied": lambda asked: get_relied(asked.hosted),
    "asked": lambda asked: get_asked(asked.hosted, **asked.query),
}
AWAITED = {**control_setting.AWAITED, **control_calling.AWAITED}
PAGE = "ui"
STREAMS: dict[str, Callable[[Asked], events.Told]] = {"events": _events, "lines": _lines}
RECORDING = "recording.begin"  # makes the sandbox itself


class Control:
    """Answers for the control API."""

    def __init__(self, config: Config, door: Door, sandboxes: Sandboxes) -> None:
        self._door = door
        self._sandboxes = sandboxes
        self._bound, self._snapshot_bound = of_requests(config), of_snapshots(config)
        self.operations = {item.operation_id: BoundOperation(item) for item in spec.operations(spec.load("emulator"))}
        named = {*STREAMS, PAGE, RECORDING}
        handled = OF_SERVER.keys() | OF_SANDBOX.keys() | AWAITED.keys() | landing.DOCUMENTS | named
        if different := self.operations.keys() ^ handled:
            raise ValueError(f"openapi/emulator.yaml and the control API differ in {', '.join(sorted(different))}")
        self._costly = {
            operation_id
            for operation_id, bound in self.operations.items()
            if {} not in bound.operation.definition.get("security", [{}]) and not bound.operation.public
        }
        described = [bound.operation for bound in self.operations.values()]
        routes = [
            Route(operation.method, path, operation.operation_id)
            for operation in described
            for path in (operation.path, *operation.definition.get("x-also-at", ()))
        ]
        routes += [Route("GET", page.PATH + name, PAGE) for name in page.assets() if name]
        self._routes = Routes(routes, index=f"{PREFIX}/")
        self._documents = landing.documents(config.answers)
        self._outside = frozenset(route.path for route in routes if not route.path.startswith(PREFIX))

    def takes(self, method: str, target: str) -> bool:
        """Whether a request is meant for the control API: by its path, or because it asks where to go on."""
        return (method in READING and target.partition("?")[0] in self._outside) or is_control(target)

    async def answer(self, request: BaseRequest, target: str) -> web.StreamResponse:
        """Answer a request of the control API; SchedulingError when it is refused."""
        matched = self._routes.match(request.method, target)
        operation_id = matched.operation_id
        if is_control(target):  # what leads on is no secret, under whatever name it is asked for
            self._door.refuse_foreign_host(request.host)
        self._door.refuse_foreign_origin(request.headers)
        _refuse_unknown(self.operations[operation_id], matched)
        written = self._written(operation_id, target, request.headers.get("Accept", ""))
        if written is not None:
            return written
        if operation_id in OF_SERVER:
            return await self._reply(request, OF_SERVER[operation_id](self._sandboxes, request.headers))
        if operation_id in self._costly and not sent_by_no_page(request.headers):
            self._sandboxes.meant(request.headers)
        self._key(request)  # who has none is refused before anything is read
        body, query, document = await self._read(matched, request)
        if operation_id == RECORDING:
            return await self._reply(request, {"file": str(self._sandboxes.record(self._key(request), body["name"]))})
        asked = Asked(await self._sandboxes.present(self._key(request)), body, query, document)
        if operation_id in STREAMS:
            return await events.stream(request, self._sandboxes, asked.hosted, STREAMS[operation_id](asked))
        if operation_id in AWAITED:
            return await self._reply(request, await AWAITED[operation_id](asked))
        reply = await self._reply(request, OF_SANDBOX[operation_id](asked))
        if operation_id in control_setting.OPERATIONS:
            asked.hosted.changes += 1
        return reply

    def _written(self, operation_id: str, target: str, accepted: str) -> web.StreamResponse | None:
        """Return a file of the dashboard, a document, or for a browser the way to the dashboard; None for all else."""
        if operation_id == PAGE:
            return page.reply(target.partition("?")[0])
        if operation_id == "index" and "text/html" in accepted:
            return page.lead_on()
        return yaml_reply(self._documents[operation_id]()) if operation_id in self._documents else None

    async def refuse(self, request: BaseRequest, target: str, error: SchedulingError) -> web.StreamResponse:
        """Answer a refused request."""
        if not isinstance(error, ClockBusy):  # handles ask again and again
            self._sandboxes.reader.refused(f"{request.method} {in_url(target)}", error)
        return json_reply(error.status, encode_bytes({"error": error_object(error)}), error.headers)

    async def _reply(self, request: BaseRequest, performed: Performed) -> web.StreamResponse:
        """Answer with what was performed; what takes long is done in turns, while the client is there."""
        if isinstance(performed, Generator):
            work = unless(performed, lambda: request.transport is None or request.transport.is_closing())
            performed = await self._sandboxes.turns.finish(work)
        return json_reply(200, performed if isinstance(performed, bytes) else encode_bytes(performed), {})

    def _key(self, request: BaseRequest) -> str:
        """Return the key of the sandbox meant: the one named; else that of the only sandbox there is."""
        if "Authorization" in request.headers or SANDBOX_HEADER in request.headers:
            return self._sandboxes.meant(request.headers)
        if len(self._sandboxes.hosted) == 1:
            return next(iter(self._sandboxes.hosted))
        count = len(self._sandboxes.hosted)
        raise InvalidRequest(
            f"the header `Authorization: Bearer <key>` must say which sandbox is meant: there are {count}",
            about="Authorization",
        )

    async def _read(self, matched: Matched, request: BaseRequest) -> tuple[Json, Json, bytes]:
        """Return body and query of a request, checked, or its body as it came."""
        bound = self.operations[matched.operation_id]
        if bound.operation.definition.get("requestBody", {}).get("x-snapshot"):
            return {}, {}, await self._snapshot_bound.read(request)
        body = json_body.parse(await self._bound.read(request)) if request.method not in READING else None
        if body is None and bound.operation.body_required:
            body = {}
        bound.check_body(body)
        if body and bound.operation.body_schema is None:
            unread = next(iter(body))[:SHOWN_CHARS]
            raise InvalidRequest(f"is no field of this request{among(unread, [])}", parameter=unread)
        query = {
            parameter.name: value
            for parameter, value in bound.read_parameters((matched.path, matched.query, request.headers))
        }
        return body or {}, query, b""


def _refuse_unknown(bound: BoundOperation, matched: Matched) -> None:
    """Refuse parameters that a request has not, the misspelt among them."""
    known = [parameter.name for parameter in bound.parameters]
    for name in matched.query:
        if name not in known:
            raise InvalidRequest(f"is no parameter of this request{among(name, known)}", parameter=name[:SHOWN_CHARS])
