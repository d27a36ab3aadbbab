"""The HTTP client of everything that steers an emulator from outside. It knows URLs and nothing else of the package.

Only `http.client`: no proxy variable is honoured, nothing heavy is imported, no event loop is needed. Connections are
kept alive in a pool and never shared by two requests at a time, so a client may be used from any number of threads.
"""

import contextlib
import http.client
import json
import selectors
import socket
import time
import weakref
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

from .own_loop import Awaited, refuse_own

__tracebackhide__ = True  # a failing test shows its own lines

DEFAULT_URL: Final = "http://127.0.0.1:8420"
TIMEOUT_SECONDS: Final = 60.0
BUSY_PAUSE_SECONDS: Final = 0.1
BUSY_ATTEMPTS: Final = 300
"""How long a busy clock is waited for: pauses are counted, not measured, because tests freeze the clock."""
LOOK_PAUSES: Final = (0.02, 0.5)
"""How long an answer is waited for before somebody looks what it waits for: at first, and at most."""

# The codes of the control API's errors that are more than told.
BUSY: Final = "BUSY"
BACKWARD: Final = "BACKWARD"


class EmulatorError(Exception):
    """The emulator refused a request. `hint` says what to do about it."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        hint: str = "",
        *,
        retry_after_seconds: int | None = None,
        waiting_for: Sequence[str] = (),
    ) -> None:
        super().__init__(status, code, message, hint)
        self.status = status
        self.code = code
        self.message = message
        self.hint = hint
        self.retry_after_seconds = retry_after_seconds
        self.waiting_for = waiting_for

    def __str__(self) -> str:
        told = f"{self.message} ({self.hint})" if self.hint else self.message
        return f"{self.status} {self.code}: {told}" if self.status else told


class UnreachableError(EmulatorError):
    """Nothing that speaks HTTP answered at the URL. `status` is 0."""

    def __init__(self, url: str, reason: str) -> None:
        super().__init__(
            0,
            "UNREACHABLE",
            f"no emulator answers at {url}: {reason}",
            "start one with `sched-emulator serve`, or give the URL of one that runs",
        )


NO_KEY = "the key has signs that no key can have; expected visible ASCII characters alone"


class Client:
    """Requests to the emulator at `url`, for the sandbox of `key`.

    `with_key` gives clients for other sandboxes that share the connections. `close` closes the idle ones; being
    collected does the same.
    """

    def __init__(self, url: str = DEFAULT_URL, key: str | None = None, *, pool: "_Pool | None" = None) -> None:
        self._pool = pool or _Pool(url)
        self.url = self._pool.url
        self.key = key
        self._headers = {"Accept": "application/json", "Content-Type": "application/json"}  # no page sends the latter
        if key is not None:
            if not (key.isascii() and key.isprintable()):
                raise EmulatorError(401, "UNAUTHORIZED", NO_KEY, "take out its line ends, or what else it has of these")
            self._headers["Authorization"] = f"Bearer {key}"

    def with_key(self, key: str) -> "Client":
        """Return a client for another sandbox of the same emulator."""
        return Client(key=key, pool=self._pool)

    def close(self) -> None:
        """Close the idle connections. A later request opens a new one."""
        self._pool.close()

    def get(self, path: str, **query: str | int | None) -> dict[str, Any]:
        """Send a GET; entries of the query that are None are left out."""
        given = {name: value for name, value in query.items() if value is not None}
        return self.request("GET", f"{path}?{urlencode(given)}" if given else path)

    def request(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        timeout: float | None = TIMEOUT_SECONDS,
        patient: bool = False,
        look: Callable[[], None] | None = None,
    ) -> dict[str, Any]:
        """Send a request and return the object answered; what is no 2xx is raised as `EmulatorError`.

        While there is no answer yet, `look` is called from time to time; what it raises ends the waiting.

        `patient` requests wait, for a bounded while, for a running clock that is busy with an advance or a receiver.
        On a frozen clock they do not: there the one who waits may be the very receiver that is waited for.
        """
        for attempt in range(BUSY_ATTEMPTS):
            try:
                return self._once(method, path, body, timeout, look)
            except EmulatorError as error:
                if not (patient and error.code == BUSY and self._clock_runs()):
                    raise
                busy = error
            refuse_own(Awaited(url, attempt * BUSY_PAUSE_SECONDS) for url in busy.waiting_for)
            time.sleep(BUSY_PAUSE_SECONDS)
        raise busy

    def lines(self, path: str, **query: str | int) -> Iterator[str]:
        """Yield the lines of an answer that comes bit by bit, without their ends, until it is over."""
        yield from self._pool.lines(f"{path}?{urlencode(query)}", dict(self._headers))

    def _clock_runs(self) -> bool:
        mode: str = self.get("/_emulator/clock")["mode"]
        return mode == "wall"

    def _once(
        self, method: str, path: str, body: Any, timeout: float | None, look: Callable[[], None] | None
    ) -> dict[str, Any]:
        headers = dict(self._headers)
        content = None
        if body is not None:
            content = json.dumps(body, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
        response, answer = self._pool.exchange(_Request(method, path, content, headers, timeout, look))
        if 200 <= response.status < 300:
            return _decoded(self.url, answer)
        raise _error(response, answer)


@dataclass(frozen=True, slots=True)
class _Request:
    """One request as it goes out; `timeout` is in seconds between two reads, None for ever."""

    method: str
    path: str
    content: bytes | None
    headers: dict[str, str]
    timeout: float | None
    look: Callable[[], None] | None


class _Pool:
    """Idle connections to one server."""

    def __init__(self, url: str) -> None:
        try:
            parts = urlsplit(url)
            port = parts.port or {"http": 80, "https": 443}[parts.scheme]
        except (ValueError, KeyError):
            raise ValueError(f"{url!r} is no URL of an emulator; expected something like {DEFAULT_URL}") from None
        self.url = url.rstrip("/")
        self._prefix = parts.path.rstrip("/")
        self._address = (parts.hostname or "127.0.0.1", port)
        self._kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        self._idle: list[http.client.HTTPConnection] = []
        weakref.finalize(self, _close_all, self._idle)

    def close(self) -> None:
        _close_all(self._idle)

    def exchange(self, request: _Request) -> tuple[http.client.HTTPResponse, bytes]:
        """Send one request and read its answer to the end. A GET that met a stale connection is sent once more."""
        connection, reused = self._take()
        try:
            try:
                return self._exchange(connection, request)
            except ConnectionError:
                if not (reused and request.method == "GET"):
                    raise
                return self._exchange(self._new(), request)
        except (http.client.HTTPException, OSError) as error:
            raise UnreachableError(self.url, _reason(error)) from None

    def lines(self, path: str, headers: dict[str, str]) -> Iterator[str]:
        """Yield the lines of an answer, over a connection of its own. A connection that breaks off ends it."""
        connection = self._new()
        try:
            connection.request("GET", self._prefix + path, None, headers)
            response = connection.getresponse()
        except (http.client.HTTPException, OSError) as error:
            connection.close()
            raise UnreachableError(self.url, _reason(error)) from None
        try:
            if response.status >= 300:
                raise _error(response, response.read())
            with contextlib.suppress(http.client.HTTPException, OSError):
                while line := response.readline():
                    yield line.decode().rstrip("\n")
        finally:
            response.close()
            connection.close()

    def _exchange(
        self, connection: http.client.HTTPConnection, request: _Request
    ) -> tuple[http.client.HTTPResponse, bytes]:
        try:
            connection.timeout = request.timeout
            if connection.sock is not None:
                connection.sock.settimeout(request.timeout)
            connection.request(request.method, self._prefix + request.path, request.content, request.headers)
            if request.look is not None:
                _look_until_answered(connection.sock, request.look)
            response = connection.getresponse()
            answer = response.read()
        except BaseException:
            connection.close()
            raise
        if response.will_close:
            connection.close()
        else:
            self._idle.append(connection)
        return response, answer

    def _take(self) -> tuple[http.client.HTTPConnection, bool]:
        while self._idle:
            with contextlib.suppress(IndexError):  # another thread took the last one
                connection = self._idle.pop()
                if _is_alive(connection):
                    return connection, True
                connection.close()
        return self._new(), False

    def _new(self) -> http.client.HTTPConnection:
        host, port = self._address
        return self._kind(host, port)


def _look_until_answered(sock: socket.socket, look: Callable[[], None]) -> None:
    pause, longest = LOOK_PAUSES
    with selectors.DefaultSelector() as selector:
        selector.register(sock, selectors.EVENT_READ)
        while not selector.select(pause):
            look()
            pause = min(2 * pause, longest)


def _close_all(connections: list[http.client.HTTPConnection]) -> None:
    while connections:
        connections.pop().close()


def _is_alive(connection: http.client.HTTPConnection) -> bool:
    """Say whether an idle connection can still be written to: nothing waits to be read, not even its end."""
    sock = connection.sock
    if sock is None:
        return False
    try:
        sock.settimeout(0)
        sock.recv(1, socket.MSG_PEEK)
    except BlockingIOError:
        return True
    except (OSError, ValueError):  # ValueError: TLS knows no peeking
        return False
    return False


def _reason(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    return str(error) or type(error).__name__


def _decoded(url: str, answer: bytes) -> dict[str, Any]:
    with contextlib.suppress(ValueError):
        decoded = json.loads(answer)
        if isinstance(decoded, dict):
            return decoded
    raise UnreachableError(url, "something else does, whose answers are no JSON objects")


def _error(response: http.client.HTTPResponse, answer: bytes) -> EmulatorError:
    try:
        told = json.loads(answer)["error"]
        code, message, hint = told["code"], told["message"], told.get("hint") or ""
        waiting_for = (told.get("details") or {}).get("waiting_for", ())
    except (ValueError, KeyError, TypeError, AttributeError):
        code, message = f"HTTP_{response.status}", response.reason or "an answer without an error in it"
        hint, waiting_for = "this does not look like an emulator; check the URL", ()
    retry_after = response.getheader("Retry-After", "")
    seconds = int(retry_after) if retry_after.isdecimal() else None
    return EmulatorError(response.status, code, message, hint, retry_after_seconds=seconds, waiting_for=waiting_for)
