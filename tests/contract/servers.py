"""Servers to be judged that are not the emulator: what they answer is a function of the request."""

import contextlib
import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple


class Asked(NamedTuple):
    """A request that arrived."""

    number: int
    method: str
    path: str
    headers: dict[str, str]
    body: str


class Told(NamedTuple):
    """What is answered; `status` 0 closes the connection instead."""

    status: int = 200
    body: bytes = b"{}"
    headers: tuple[tuple[str, str], ...] = (("Content-Type", "application/json"),)


Answer = Callable[[Asked], Told]


def envelope(data: Any, status: int = 200, headers: tuple[tuple[str, str], ...] = ()) -> Told:
    """Return an answer in the documented envelope."""
    error = None if status < 400 else {"code": "X", "message": "no", "hint": "none", "retryable": False}
    body = {"ok": status < 400, "data": data if status < 400 else None, "error": error, "metadata": {}}
    return Told(status, json.dumps(body).encode(), (("Content-Type", "application/json"), *headers))


@contextlib.contextmanager
def serving(answer: Answer) -> Iterator[tuple[str, list[Asked]]]:
    """Serve, and yield the URL and what was asked, which grows."""
    asked: list[Asked] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode(errors="replace")
            request = Asked(len(asked) + 1, self.command, self.path, dict(self.headers.items()), body)
            asked.append(request)
            told = answer(request)
            if told.status == 0:
                self.close_connection = True
                return
            self.send_response(told.status)
            for name, value in (*told.headers, ("Content-Length", str(len(told.body)))):
                self.send_header(name, value)
            self.end_headers()
            with contextlib.suppress(OSError):
                self.wfile.write(told.body)

        do_POST = do_PUT = do_PATCH = do_DELETE = do_GET  # noqa: N815 - the names that http.server calls

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", asked
    finally:
        server.shutdown()
        server.server_close()
