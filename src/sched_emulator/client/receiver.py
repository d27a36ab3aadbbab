"""`Receiver`: a real HTTP server on loopback for deliveries, which records what it is sent and answers as told.

It runs in threads and sets no timers, so it works whatever a test does to time or to its event loop.
"""

import inspect
import json
import re
import socket
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Literal, Self, TypeAlias

from sched_emulator import signatures

__tracebackhide__ = True  # a failing test shows its own lines


class Headers(Mapping[str, str]):
    """The headers of a request, found however their names are written."""

    def __init__(self, items: Mapping[str, str]) -> None:
        self._items = {name.lower(): (name, value) for name, value in items.items()}

    def __getitem__(self, name: str) -> str:
        return self._items[name.lower()][1]

    def __iter__(self) -> Iterator[str]:
        return (name for name, _ in self._items.values())

    def __len__(self) -> int:
        return len(self._items)

    def __repr__(self) -> str:
        return repr(dict(self))


@dataclass(frozen=True, slots=True)
class Received:
    """One request, as a webhook handler sees it. `path` includes the query."""

    method: str
    path: str
    headers: Headers
    body: bytes

    @property
    def json(self) -> Any:
        """The body, decoded."""
        return json.loads(self.body)

    def verify(self, secret: str, now: datetime | float | None = None) -> None:
        """Raise `signatures.SignatureError` unless the request is signed with `secret`."""
        signatures.verify(self.body, self.headers, secret, now)


_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_CONTROL = re.compile("[\x00-\x08\x0a-\x1f\x7f]")
Response: TypeAlias = int | Mapping[str, Any]
Scripted: TypeAlias = Response | Callable[[Received], Response]


class Receiver:
    """A receiver at `url`, whatever the path. It answers 200 until `respond` says otherwise.

    While `secret` is set, requests that are not signed with it are answered 401. As a context manager it listens until
    the end.
    """

    def __init__(self) -> None:
        self.requests: list[Received] = []
        self.secret: str | None = None
        self._script: list[_Answer] = [_render(200, "")]
        self._cycle = False
        self._answered = 0
        self._errors: list[BaseException] = []
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        self._server = _Server(self._answer)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.stop()

    def respond(self, *responses: Scripted, then: Literal["repeat-last", "cycle"] = "repeat-last") -> None:
        """Answer with `responses`, one after another, beginning with the next request.

        A response is a status, an object with any of `status`, `headers` and `body` (text, bytes, or what becomes
        JSON), or a function of the request that returns one of these. TypeError or ValueError says what else came.
        """
        if not responses:
            raise ValueError("respond() needs at least one response, such as 200")
        if then not in {"repeat-last", "cycle"}:
            raise ValueError(f"respond() takes then='repeat-last' or then='cycle', got {then!r}")
        script = [_checked(response) for response in responses]
        with self._lock:
            self._script, self._cycle, self._answered = script, then == "cycle", 0

    def raise_errors(self) -> None:
        """Raise the first error that a function given to `respond` raised."""
        if self._errors:
            raise self._errors[0]

    def _answer(self, request: Received) -> "_Rendered":
        self.requests.append(request)
        if self.secret is not None:
            try:
                request.verify(self.secret)
            except signatures.SignatureError as error:
                return _render({"status": 401, "body": f"{error}\n"}, "")
        answer = self._next()
        if isinstance(answer, _Rendered):
            return answer
        try:
            return _render(answer(request), "a function given to respond() must return")
        except BaseException as error:  # noqa: BLE001 - raised again in the test by `raise_errors`
            self._errors.append(error)
            return _Rendered(500, {}, b"")

    def _next(self) -> "_Answer":
        with self._lock:
            number, count = self._answered, len(self._script)
            self._answered += 1
            return self._script[number % count if self._cycle else min(number, count - 1)]


@dataclass(frozen=True, slots=True)
class _Rendered:
    status: int
    headers: Mapping[str, str]
    body: bytes


_Answer: TypeAlias = _Rendered | Callable[[Received], Response]


def _checked(response: Scripted) -> _Answer:
    """Return what a response of `respond` becomes."""
    if isinstance(response, list):
        raise TypeError("respond() takes its responses one by one, as in respond(503, 200), got a list")
    if not callable(response):
        return _render(response, "respond() takes a function of the request,")
    if inspect.iscoroutinefunction(response):
        raise TypeError(f"respond() calls its functions in a thread and awaits none, got coroutine function {response}")
    return response


def _render(response: Any, demand: str) -> _Rendered:
    """Return a response as it is sent; `demand` begins the sentence that refuses what is none."""
    if isinstance(response, int) and not isinstance(response, bool):
        response = {"status": response}
    if not isinstance(response, Mapping):
        hint = '; say {"status": …, "headers": …, "body": …}' if isinstance(response, tuple) else ""
        raise TypeError(f"{demand} a status or an object with status, headers and body, got {response!r:.200}{hint}")
    unknown = response.keys() - {"status", "headers", "body"}
    if unknown:
        raise TypeError(f"a response has status, headers and body, no {', '.join(sorted(map(str, unknown)))}")
    status, body = response.get("status", 200), response.get("body", b"")
    if isinstance(status, bool) or not isinstance(status, int) or not 200 <= status <= 599:
        raise ValueError(f"a response's status is a whole number from 200 to 599, got {status!r:.200}")
    headers = _headers(response.get("headers", {}))
    if not isinstance(body, str | bytes):
        try:
            body = json.dumps(body)
        except (TypeError, ValueError) as error:
            raise TypeError(f"a response's body is a text, bytes, or what becomes JSON: {error}") from None
        headers.setdefault("Content-Type", "application/json")
    return _Rendered(status, headers, body.encode() if isinstance(body, str) else body)


def _headers(given: Any) -> dict[str, str]:
    """Return a response's headers, all of them texts."""
    if not isinstance(given, Mapping):
        raise TypeError(f"a response's headers are an object of names and texts, got {given!r:.200}")
    if len({str(name).lower() for name in given}) < len(given):
        raise ValueError(f"a response must not have one header under two names, got {', '.join(given)}")
    for name, value in given.items():
        if not (isinstance(name, str) and _HEADER_NAME.fullmatch(name)):
            raise ValueError(f"a response's headers have names such as Retry-After, got {name!r:.200}")
        if not isinstance(value, str | int) or _CONTROL.search(str(value)):
            raise ValueError(f"a response's header is one line of text, got {value!r:.200} for {name}")
    return {name: str(value) for name, value in given.items()}


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, answer: Callable[[Received], _Rendered]) -> None:
        self.answer = answer
        self._stopped = False
        super().__init__(("127.0.0.1", 0), _Handler)
        self._thread = threading.Thread(target=self._run, name="sched_receiver", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stopped = True
        socket.create_connection(("127.0.0.1", self.server_port)).close()  # wakes the thread that waits for one
        self._thread.join()
        self.server_close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a sender that hangs up, and all of a mistake in how it is answered."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)

    def _run(self) -> None:
        while not self._stopped:
            self.handle_request()


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def handle_one_request(self) -> None:
        self.raw_requestline = self.rfile.readline(65537)
        if not self.raw_requestline or not self.parse_request():
            self.close_connection = True
            return
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        headers = Headers({name: _text(value) for name, value in self.headers.items()})
        rendered = self.server.answer(Received(self.command, self.path, headers, body))
        self.send_response(rendered.status)
        for name, value in rendered.headers.items():
            self.send_header(name, value.encode().decode("latin-1"))  # UTF-8 goes out, as it comes in
        self.send_header("Content-Length", str(len(rendered.body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(rendered.body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name of the method overridden
        """Write nothing: requests are recorded."""


def _text(value: str) -> str:
    """Return a header's value, which deliveries send in UTF-8 and the standard library reads as Latin-1."""
    return value.encode("latin-1", errors="replace").decode("utf-8", errors="replace")
