"""Receivers of deliveries: a real HTTP server on this machine, whose paths are receivers of their own."""

import json
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Answer:
    """What a receiver answers: a status, after a while."""

    status: int = 200
    after_seconds: float = 0


OK = Answer()


@dataclass(frozen=True, slots=True)
class Call:
    """A delivery that arrived: when (seconds since 1970, in the target's time), and what.

    `raw` is None where only the decoded body is known.
    """

    at: float
    method: str
    headers: dict[str, str]
    raw: bytes | None
    body: Any


class Recorder(Protocol):
    """Who takes down what arrives."""

    def arrived(self, at: float, url: str, headers: Mapping[str, str], raw: bytes, status: int) -> None:
        """Take down a delivery that came at an instant, in seconds since 1970, and what it was answered."""


class Receiver(Protocol):
    """Somewhere to deliver to."""

    url: str

    def calls(self) -> list[Call]:
        """Return what has arrived, in order."""


class HttpReceiver:
    """One path of a `ReceiverServer`; the last of its answers is repeated."""

    def __init__(self, url: str, answers: Sequence[Answer]) -> None:
        self.url = url
        self._answers = list(answers) or [OK]
        self._lock = threading.Lock()
        self._calls: list[Call] = []
        self._open = 0
        self.most_at_once = 0

    def calls(self) -> list[Call]:
        """Return what has arrived, in order."""
        with self._lock:
            return list(self._calls)

    def arrive(self, method: str, headers: dict[str, str], raw: bytes) -> Answer:
        """Take a delivery and say what to answer."""
        try:
            body = json.loads(raw)
        except ValueError:
            body = None
        with self._lock:
            answer = self._answers[min(len(self._calls), len(self._answers) - 1)]
            self._calls.append(Call(time.time(), method, headers, raw, body))
            self._open += 1
            self.most_at_once = max(self.most_at_once, self._open)
        return answer

    def leave(self) -> None:
        """Note that a delivery has been answered."""
        with self._lock:
            self._open -= 1


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a sender that hangs up: the terminal belongs to the report."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


class ReceiverServer:
    """Listens, and hands each path's deliveries to the receiver of that path."""

    def __init__(self, listen: tuple[str, int] = ("127.0.0.1", 0), public_url: str | None = None) -> None:
        self.recorder: Recorder | None = None
        self._receivers: dict[str, HttpReceiver] = {}
        self._server = _Server(listen, _handler(self._receivers, self._arrived))
        self._server.daemon_threads = True
        host, port = self._server.server_address[:2]
        self.base = (public_url or f"http://{host!s}:{port}").rstrip("/")
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def receiver(self, name: str, answers: Sequence[Answer]) -> HttpReceiver:
        """Return a receiver at a path of its own."""
        receiver = HttpReceiver(f"{self.base}/{name}", answers)
        self._receivers[name] = receiver
        return receiver

    def _arrived(self, at: float, path: str, headers: Mapping[str, str], raw: bytes, status: int) -> None:
        if self.recorder is not None:
            self.recorder.arrived(at, self.base + path, headers, raw, status)

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()


def _handler(
    receivers: dict[str, HttpReceiver], arrived: Callable[[float, str, Mapping[str, str], bytes, int], None]
) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 30

        def do_POST(self) -> None:
            at = time.time()
            raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            receiver = receivers.get(self.path.rpartition("/")[2])
            status = 404 if receiver is None else self._received(receiver, raw)
            arrived(at, self.path, dict(self.headers.items()), raw, status)
            self._answer(status)

        def _received(self, receiver: HttpReceiver, raw: bytes) -> int:
            headers = {name.lower(): value for name, value in self.headers.items()}
            answer = receiver.arrive(self.command, headers, raw)
            time.sleep(answer.after_seconds)
            receiver.leave()
            return answer.status

        do_GET = do_PUT = do_PATCH = do_DELETE = do_POST  # noqa: N815 - the names that http.server calls

        def _answer(self, status: int) -> None:
            try:
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()
            except OSError:
                self.close_connection = True

        def log_message(self, *_: Any) -> None:
            """Say nothing: the terminal belongs to the report."""

    return Handler
