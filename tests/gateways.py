"""A gateway for tests: a server on this machine that answers as it was told, and what an emulator would tell it."""

import copy
import json
import threading
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, NamedTuple, Self

from sched_emulator import spec
from sched_emulator.server import discovery
from sched_emulator.server.binding import bind
from sched_emulator.spec import assumptions

Json = dict[str, Any]
Copy = dict[str, Json]
NAMES = [
    operation.operation_id.removeprefix("scheduling.")
    for operation in spec.operations(spec.resolve(spec.load("scheduling"), assumptions.defaults()))
    if not operation.public
]  # of all that a gateway describes


class Canned(NamedTuple):
    """One answer: its status, its body (bytes as they are, anything else as JSON), its headers."""

    status: int
    body: Any
    headers: Mapping[str, str] = {}


class CannedServer:
    """Answers GETs by path and query, others with 404. `asked` has what was asked for, `key_seen` any Authorization."""

    def __init__(self, answers: Mapping[str, Any]) -> None:
        self.asked: list[str] = []
        self.keys_seen: list[str] = []
        self._answers = {path: _queue(answer) for path, answer in answers.items()}

    def __enter__(self) -> Self:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    def answer(self, path: str, key: str | None) -> Canned:
        """Return the next answer of a path; the last one is repeated."""
        self.asked.append(path)
        if key is not None:
            self.keys_seen.append(key)
        queue = self._answers.get(path, [Canned(404, {"error": {"code": "NOT_FOUND"}})])
        return queue.pop(0) if len(queue) > 1 else queue[0]


def _queue(answer: Any) -> list[Canned]:
    listed = answer if isinstance(answer, list) and answer and isinstance(answer[0], Canned) else [answer]
    return [item if isinstance(item, Canned) else Canned(200, item) for item in listed]


def _handler(server: CannedServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            status, body, headers = server.answer(self.path, self.headers.get("Authorization"))
            content = body if isinstance(body, bytes) else json.dumps(body).encode()
            self.send_response(status)
            for name, value in {"Content-Type": "application/json", **headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name that http.server gives it
            """Say nothing."""

    return Handler


def described(**answers: str) -> Copy:
    """Return the contract of every capability as an emulator with these answers tells it."""
    binding = bind(assumptions.defaults() | {name.replace("__", "."): answer for name, answer in answers.items()})
    names = [entry["id"] for entry in discovery.listing(binding)["capabilities"]]
    return {name: copy.deepcopy(discovery.contract(binding, name)) for name in names}


def served(copied: Copy, **head: Any) -> dict[str, Any]:
    """Return the answers of a gateway that describes itself so."""
    short = ("id", "method", "path", "available")
    entries = [{name: record[name] for name in short if name in record} for record in copied.values()]
    details = {f"/v1/discovery/{record['id']}": record for record in copied.values()}
    return {"/v1/discovery": {"version": "2", "capabilities": entries, **head}, **details}


def without(parameter: str) -> Callable[[Json], None]:
    """Return what takes a parameter away from a contract."""

    def drop(record: Json) -> None:
        del record["params"]["properties"][parameter]
        record["params"]["required"] = [name for name in record["params"]["required"] if name != parameter]

    return drop
