"""What the server says on stderr: little of what clients do, floods counted, nothing a terminal obeys."""

import asyncio
import errno
import inspect
import io
import logging
from asyncio import selector_events
from collections.abc import Callable, Iterator

import pytest
from aiohttp.test_utils import BaseTestServer

from sched_emulator.server import logs
from tests.server.harness import Api


class Log:
    """The server's log on a stream of its own, with a timer that rings when the test says so."""

    def __init__(self, form: str) -> None:
        self.stream = io.StringIO()
        self.timers: list[Callable[[], None]] = []
        self.handler = logs.Counted(self.stream, later=lambda _, action: self.timers.append(action))
        self.handler.setFormatter(logs.formatter(form))

    def lines(self) -> list[str]:
        return self.stream.getvalue().splitlines()

    def tell(self, message: str, at: float, *values: object, name: str = "sched_emulator") -> None:
        record = logging.LogRecord(name, logging.WARNING, "", 0, message, values, None)
        record.created = at
        self.handler.handle(record)


@pytest.fixture
def log() -> Log:
    return Log("text")


@pytest.fixture(params=["text", "json"])
def root(request: pytest.FixtureRequest) -> Iterator[Log]:
    """The log of everything, in both forms."""
    log = Log(request.param)
    logging.getLogger().addHandler(log.handler)
    yield log
    logging.getLogger().removeHandler(log.handler)


def test_of_like_lines_in_a_second_one_is_written_and_the_others_are_counted(log: Log) -> None:
    for number in range(313):
        log.tell("attempt %d failed", 10 + number / 1000, number)
    log.tell("something else", 10.5)
    assert log.lines() == ["WARNING attempt 0 failed", "WARNING something else"]
    log.tell("attempt %d failed", 11.0, 313)
    assert log.lines()[2:] == ["WARNING … 312 more in 1 s: attempt 0 failed", "WARNING attempt 313 failed"]


def test_the_count_is_told_when_the_second_is_over_though_nothing_more_comes(log: Log) -> None:
    for _ in range(3):
        log.tell("again", 10)
    [ring] = log.timers
    ring()
    assert log.lines() == ["WARNING again", "WARNING … 2 more in 1 s: again"]
    ring()
    log.handler.close()
    assert len(log.lines()) == 2


def test_an_old_timer_does_not_end_a_new_flood(log: Log) -> None:
    for at in (10, 12, 12.5):
        log.tell("again", at)
    log.timers[0]()
    assert log.lines() == ["WARNING again"] * 2
    log.timers[1]()
    assert log.lines()[2:] == ["WARNING … 1 more in 1 s: again"]


def test_the_count_is_told_at_the_end(log: Log) -> None:
    for _ in range(2):
        log.tell("again", 10)
    log.handler.close()
    assert log.lines() == ["WARNING again", "WARNING … 1 more in 1 s: again"]


def test_a_line_holds_nothing_that_a_terminal_obeys(root: Log) -> None:
    root.tell("%s failed", 10, "GET /\x1b]0;owned\x07\n\x9b\x7f")
    [line] = root.lines()
    assert line.isprintable()
    assert "owned" in line


def test_a_mistake_of_the_emulators_own_keeps_its_traceback(root: Log) -> None:
    logs.connections.error("Error handling request", exc_info=KeyError("x"))
    assert "KeyError: 'x'" in root.stream.getvalue()


class Loop:
    """A loop as far as the handler of exceptions sees one."""

    def __init__(self) -> None:
        self.defaults: list[object] = []

    def set_exception_handler(self, handler: Callable[..., None]) -> None:
        self.handle = handler

    def default_exception_handler(self, context: object) -> None:
        self.defaults.append(context)


def test_that_nothing_can_be_accepted_is_one_counted_line(root: Log) -> None:
    loop = Loop()
    logs.watch(loop)  # type: ignore[arg-type]  # what the handler uses of a loop
    for _ in range(1024):
        error = OSError(errno.EMFILE, "whatever the version says")
        loop.handle(loop, {"message": "socket.accept() out of system resource", "exception": error})
    root.handler.close()
    first, counted = root.lines()
    assert "no further connection can be accepted: too many open files" in first
    assert "1023 more in 1 s" in counted
    assert loop.defaults == []
    other = {"message": "socket.accept() out of system resource", "exception": ValueError()}
    loop.handle(loop, other)
    assert loop.defaults == [other]


def test_asyncio_says_what_the_handler_waits_for() -> None:
    source = inspect.getsource(selector_events)
    assert logs.ACCEPTING in source
    assert logs.WRITING in source


MALFORMED = (
    b"GARBAGE\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    b"GET / HTTP/1.1\nHost: a\n\n",
    b"GET / HTTP/9.9\r\n\r\n",
    b"POST /v1/queue/publish HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
    b"POST /v1/queue/publish HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n",
    b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 100_000 + b"\r\n\r\n",
    b"POST /v1/queue/publish HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ifr_a\r\nContent-Length: 100\r\n\r\n{",
    b"POST /_emulator/targets HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ifr_a\r\nContent-Length: 9\r\n\r\n{",
    b"PUT /_emulator/snapshot HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ifr_a\r\nContent-Length: 9\r\n\r\n{",
)


@pytest.mark.parametrize("request_", MALFORMED)
async def test_malformed_requests_and_clients_that_leave_are_no_event_for_the_log(
    api: Api, root: Log, request_: bytes
) -> None:
    assert isinstance(api.client.server, BaseTestServer)
    reader, writer = await asyncio.open_connection("127.0.0.1", api.client.server.port)
    writer.write(request_)
    writer.write_eof()
    await reader.read()
    writer.close()
    health = await api.control("GET", "health")
    assert health["status"] == "ok"
    assert root.lines() == []


async def test_a_client_that_resets_in_the_middle_of_its_body_is_no_event_for_the_log(api: Api, root: Log) -> None:
    assert isinstance(api.client.server, BaseTestServer)
    for request in MALFORMED[-3:]:
        _, writer = await asyncio.open_connection("127.0.0.1", api.client.server.port)
        writer.write(request)
        await writer.drain()
        await api.control("GET", "health")
        writer.transport.abort()
        await api.control("GET", "health")
    assert root.lines() == []
