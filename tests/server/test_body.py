"""Bodies are read up to a bound, and those that are refused leave nothing behind."""

import asyncio
import gc
import gzip
import json
import traceback
import tracemalloc
from collections.abc import AsyncIterator, Iterator

import pytest

from sched_emulator.server.body import Bound
from tests.server.harness import Api, Start

MIB = 1024 * 1024
SNAPSHOT = "/_emulator/snapshot"


async def sent(api: Api, method: str, path: str, *pieces: bytes, headers: str = "", chunked: bool = False) -> bytes:
    """Send a request over a connection of its own, read no further than the answer, and return that."""
    server = api.client.server
    reader, writer = await asyncio.open_connection(server.host, server.port)
    framing = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {sum(map(len, pieces))}"
    writer.write(f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ifr_a\r\n".encode())
    writer.write(f"{headers}{framing}\r\n\r\n".encode())
    for piece in pieces:
        writer.write(b"%x\r\n%b\r\n" % (len(piece), piece) if chunked else piece)
    if chunked and headers != "Endless: yes\r\n":
        writer.write(b"0\r\n\r\n")
    head = await reader.readuntil(b"\r\n\r\n")
    length = next(int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.startswith(b"Content-Length"))
    answer = head + await reader.readexactly(length)
    writer.transport.abort()
    return answer


@pytest.mark.parametrize("chunked", [False, True], ids=["with its length", "chunked"])
@pytest.mark.parametrize(
    ("method", "path", "told"),
    [
        ("POST", "/v1/queue/publish", b"the body must be at most 2000 bytes, as --max-body says"),
        ("POST", "/_emulator/clock/advance", b"the body must be at most 2000 bytes, as --max-body says"),
        ("PUT", SNAPSHOT, b"the snapshot must be at most 3000 bytes, as --max-snapshot says"),
    ],
)
async def test_a_body_beyond_its_bound_is_413(
    start: Start, method: str, path: str, told: bytes, *, chunked: bool
) -> None:
    api = await start(max_body=2000, max_snapshot=3000)
    for size in (3001, MIB):
        answer = await sent(api, method, path, b"x" * size, chunked=chunked)
        assert answer.startswith(b"HTTP/1.1 413 ")
        assert told in answer
    answer = await sent(api, method, path, b"x" * 2000, chunked=chunked)
    assert answer.startswith(b"HTTP/1.1 400 ")


async def test_a_body_that_never_ends_is_refused_once_it_is_too_long(start: Start) -> None:
    api = await start(max_snapshot=3000)
    answer = await sent(api, "PUT", SNAPSHOT, b"x" * 3001, headers="Endless: yes\r\n", chunked=True)
    assert answer.startswith(b"HTTP/1.1 413 ")


async def test_a_snapshot_has_its_own_bound(start: Start) -> None:
    api = await start(max_body=2000)
    await api.call("queue.publish", {"queue": "q", "payload": {"text": "x" * 1500}})
    document = await api.snapshot()
    assert len(document) > 2000
    assert (await api.send("PUT", SNAPSHOT, document)).status == 200


@pytest.fixture
def uncollected() -> Iterator[None]:
    """Let nothing be freed but by the count of its references."""
    gc.collect()
    gc.disable()
    tracemalloc.start()
    yield
    tracemalloc.stop()
    gc.enable()


FIELD = json.dumps({"seconds": 1, "queue": "q", "payload": {}, "field": "x" * MIB}).encode()
REFUSED = {
    "a field that is not known": ("POST", "/_emulator/clock/advance", FIELD, ""),
    "no JSON for the control API": ("POST", "/_emulator/clock/advance", b"x" * MIB, ""),
    "no JSON": ("POST", "/v1/queue/publish", b"x" * MIB, ""),
    "another media type": ("POST", "/v1/queue/publish", FIELD, "Content-Type: text/plain\r\n"),
    "no snapshot": ("PUT", SNAPSHOT, b"x" * MIB, ""),
    "a snapshot of another form": ("PUT", SNAPSHOT, b'{"seal": "", "version": 1, "x":"' + b"x" * MIB + b'"}', ""),
    "too long": ("POST", "/v1/queue/publish", b"x" * (3 * MIB), ""),
    "no such path": ("POST", "/v1/nowhere", FIELD, ""),
    "no such queue": ("POST", "/v1/queue/consume", FIELD, ""),
    "no such message": ("POST", "/v1/queue/ack", FIELD, ""),
}


@pytest.mark.usefixtures("uncollected")
@pytest.mark.parametrize("kind", REFUSED)
async def test_a_refused_body_does_not_live_on(start: Start, kind: str) -> None:
    method, path, body, headers = REFUSED[kind]
    api = await start(max_body=2 * MIB, keep=MIB)
    assert (await sent(api, method, path, body, headers=headers)).startswith(b"HTTP/1.1 4")
    before = tracemalloc.get_traced_memory()[0]
    for _ in range(5):
        await sent(api, method, path, body, headers=headers)
    assert tracemalloc.get_traced_memory()[0] - before < MIB


class Breaking:
    """A request whose body breaks off, with an error that the connection goes on holding."""

    content_length = None

    def __init__(self) -> None:
        self.error = ConnectionResetError()

    @property
    def content(self) -> "Breaking":
        return self

    def is_eof(self) -> bool:
        return False

    async def iter_any(self) -> AsyncIterator[bytes]:
        for _ in range(16):
            yield b"x" * 65_536
        raise self.error


async def test_an_error_that_a_connection_holds_does_not_hold_what_had_come() -> None:
    request = Breaking()
    with pytest.raises(ConnectionResetError):
        await Bound("body", 2 * MIB, "--max-body").read(request)  # type: ignore[arg-type] # all that is used of one
    frames = [frame.f_locals for frame, _ in traceback.walk_tb(request.error.__traceback__)]
    held = [value for found in frames for value in found.values() if isinstance(value, bytes | bytearray)]
    assert held
    assert sum(map(len, held)) <= 65_536  # the last piece


@pytest.mark.usefixtures("uncollected")
async def test_an_idle_connection_does_not_keep_its_last_body(start: Start) -> None:
    api = await start(keep=MIB)
    reader, writer = await asyncio.open_connection(api.client.server.host, api.client.server.port)
    head = f"POST /v1/queue/consume HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ifr_a\r\nContent-Length: {MIB}"
    before = tracemalloc.get_traced_memory()[0]
    writer.write(f"{head}\r\n\r\n".encode() + b"x" * MIB)
    assert (await reader.readuntil(b"\r\n")).startswith(b"HTTP/1.1 400")
    assert tracemalloc.get_traced_memory()[0] - before < MIB // 2
    writer.transport.abort()


@pytest.mark.usefixtures("uncollected")
async def test_an_idle_connection_does_not_keep_its_last_answer(start: Start) -> None:
    api = await start()
    for _ in range(8):
        await api.call("queue.publish", {"queue": "q", "payload": {"text": "x" * 200_000}})
    reader, writer = await asyncio.open_connection(api.client.server.host, api.client.server.port)
    before = tracemalloc.get_traced_memory()[0]
    writer.write(f"GET {SNAPSHOT} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ifr_test\r\n\r\n".encode())
    head = await reader.readuntil(b"\r\n\r\n")
    left = size = int(head.split(b"Content-Length: ")[1].split(b"\r")[0])
    while left:
        left -= len(await reader.read(left))
    await api.control("GET", "clock")
    assert tracemalloc.get_traced_memory()[0] - before < size // 4
    writer.transport.abort()


@pytest.mark.usefixtures("uncollected")
async def test_what_is_compressed_is_never_decompressed(start: Start) -> None:
    api = await start()
    bomb = gzip.compress(b" " * (50 * MIB))
    tracemalloc.reset_peak()
    before = tracemalloc.get_traced_memory()[0]
    for method, path in (("POST", "/v1/queue/publish"), ("PUT", SNAPSHOT), ("POST", "/_emulator/reset")):
        answer = await sent(api, method, path, bomb, headers="Content-Encoding: gzip\r\n")
        assert answer.startswith(b"HTTP/1.1 4")
    assert tracemalloc.get_traced_memory()[1] - before < 5 * MIB


@pytest.mark.usefixtures("uncollected")
async def test_fields_that_have_no_effect_fill_nothing(start: Start) -> None:
    api = await start(keep=MIB)
    body = json.dumps({"queue": "q", "payload": {}, "nonsense": "x" * MIB}).encode()
    before = tracemalloc.get_traced_memory()[0]
    for _ in range(10):
        assert (await sent(api, "POST", "/v1/queue/publish", body)).startswith(b"HTTP/1.1 200")
    assert tracemalloc.get_traced_memory()[0] - before < MIB
    log = await api.with_key("ifr_a").control("GET", "requests")
    assert (len(log["items"]), log["dropped"]) == (10, 0)
    assert "body" not in log["items"][0]
    assert log["items"][0]["note"].startswith("body and answer are not kept: with 1048")


async def test_what_is_dropped_is_said_where_it_is_read(start: Start) -> None:
    api = await start(keep=MIB)
    for _ in range(12):
        await api.call("queue.publish", {"queue": "q", "payload": {"text": "x" * 100_000}})
    log = await api.control("GET", "requests")
    assert (len(log["items"]), log["first_seq"], log["dropped"]) == (5, 8, 7)
    assert (await api.control("GET", "assumptions/relied"))["complete"] is False
    await api.control("POST", "reset", {})
    log = await api.control("GET", "requests")
    assert (log["items"], log["dropped"]) == ([], 0)
