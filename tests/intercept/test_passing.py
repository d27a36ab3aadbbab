"""HTTP is passed on byte for byte, as it comes; what breaks on one side breaks on the other, and is told."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
import trustme

from sched_emulator.intercept import passing as passing_module
from sched_emulator.intercept.passing import Passing, Way
from sched_emulator.recording.lines import Exchange
from tests.receivers import listening

Behaviour = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[object]]
POST = b"POST /v1/x?a=%20b HTTP/1.1\r\nhOst: recorder:1\r\nX-B: 1\r\nx-a: gr\xc3\xb6\xc3\x9fe\r\nX-B: 2\r\n"
GET = b"GET / HTTP/1.1\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


@asynccontextmanager
async def passed(
    behaviour: Behaviour, authority: str = "", prefix: str = ""
) -> AsyncIterator[tuple[int, list[Exchange], Passing]]:
    """Pass on to what behaves so; yield the port, what is told, and what passes on."""
    told: list[Exchange] = []
    async with listening(behaviour) as port:
        passing = Passing(
            Way("127.0.0.1", port, authority=authority, prefix=prefix), told.append, "sched-emulator record"
        )
        server = await asyncio.start_server(passing.accept, "127.0.0.1", 0, limit=1000)
        try:
            yield server.sockets[0].getsockname()[1], told, passing
        finally:
            server.close()
            await passing.close()


def answers(*contents: bytes, got: bytearray | None = None, end: bytes = b"\r\n\r\n") -> Behaviour:
    """Answer with these bytes, one after the other, each after a request that ends so, and hang up."""

    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for content in contents:
            request = await reader.readuntil(end)
            if got is not None:
                got.extend(request)
            writer.write(content)
            await writer.drain()

    return behave


async def said_by(port: int, sent: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(sent)
    answer = await reader.read()
    writer.close()
    return answer


@pytest.mark.parametrize(
    ("request_body", "content"),
    [
        (b"Content-Length: 5\r\n\r\nhe\x00lo", b"he\x00lo"),
        (b"Transfer-Encoding: Chunked\r\n\r\n3;x=y\r\nhe\x00\r\n02\r\nlo\r\n0\r\nTrailer: 1\r\n\r\n", b"he\x00lo"),
    ],
)
async def test_nothing_is_altered(request_body: bytes, content: bytes) -> None:
    got = bytearray()
    answer = (
        b"HTTP/1.1 201 Made so\r\nset-cookie: a=1\r\nSet-Cookie: b=2\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"2\r\n{}\r\n0\r\nX-Trailer: 1\r\n\r\n"
    )

    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        got.extend(await reader.readexactly(len(POST + request_body)))
        writer.write(answer)

    async with passed(behave) as (port, told, _):
        assert await said_by(port, POST + request_body) == answer
    assert got == POST + request_body
    [exchange] = told
    assert exchange.received_at_ms >= exchange.sent_at_ms > 1_700_000_000_000
    assert exchange == Exchange(
        exchange.sent_at_ms,
        exchange.received_at_ms,
        "POST",
        "/v1/x?a=%20b",
        (("hOst", "recorder:1"), ("X-B", "1"), ("x-a", "größe"), ("X-B", "2"), exchange.headers[4]),
        content,
        201,
        (("set-cookie", "a=1"), ("Set-Cookie", "b=2"), ("Transfer-Encoding", "chunked")),
        b"{}",
    )


async def test_host_and_prefix_are_those_of_the_target_and_no_upgrade_is_asked_for() -> None:
    got = bytearray()
    request = b"GET /x HTTP/1.1\r\nHOST:recorder\r\nUpgrade: h2c\r\nHTTP2-Settings: AA\r\nX-Upgrade: 1\r\n\r\n"
    async with passed(answers(OK, got=got), authority="api:8", prefix="/gw") as (port, told, _):
        assert await said_by(port, request) == OK
    assert got == b"GET /gw/x HTTP/1.1\r\nHOST: api:8\r\nX-Upgrade: 1\r\n\r\n"
    assert (told[0].path, told[0].headers[0]) == ("/x", ("HOST", "api:8"))


@pytest.mark.parametrize(
    ("request_line", "answer", "response"),
    [
        (b"HEAD / HTTP/1.1", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", b""),
        (b"GET / HTTP/1.1", b"HTTP/1.1 204 No Content\r\n\r\n", b""),
        (b"GET / HTTP/1.1", b"HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n", b""),
        (b"GET / HTTP/1.0", b"HTTP/1.0 200 OK\r\n\r\nuntil the end", b"until the end"),
        (
            b"GET / HTTP/1.1",
            b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200\r\nContent-Length: 0\r\n\r\n",
            b"",
        ),
    ],
)
async def test_an_answer_ends_where_http_says(request_line: bytes, answer: bytes, response: bytes) -> None:
    async with passed(answers(answer)) as (port, told, _):
        assert await said_by(port, request_line + b"\r\n\r\n") == answer
    assert [(each.response, each.error) for each in told] == [(response, None)]


async def test_many_requests_share_a_connection_also_at_once() -> None:
    second = OK.replace(b"{}", b"[]")
    async with passed(answers(OK, second)) as (port, told, _):
        assert await said_by(port, b"GET /1 HTTP/1.1\r\n\r\nGET /2 HTTP/1.1\r\n\r\n") == OK + second
    assert [(each.path, each.response) for each in told] == [("/1", b"{}"), ("/2", b"[]")]


async def test_what_comes_goes_on_at_once() -> None:
    """A body that waits for the answer to begin, which waits for the body to begin."""

    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"first")
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        await reader.readuntil(b"second")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab")
        await reader.readuntil(b"third")
        writer.write(b"cd")

    async with passed(behave) as (port, told, _):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"PUT / HTTP/1.1\r\nContent-Length: 16\r\n\r\nfirst")
        await reader.readuntil(b"Continue\r\n\r\n")
        writer.write(b"second")
        await reader.readuntil(b"ab")
        writer.write(b"third")
        assert await reader.read() == b"cd"
        writer.close()
    assert [(each.body, each.response) for each in told] == [(b"firstsecondthird", b"abcd")]


@pytest.mark.parametrize(
    ("answer", "status", "response", "error"),
    [
        (b"", None, b"", "the connection was closed before an answer"),
        (b"HTTP/1.1 20", None, b"", "the connection was closed before an answer"),
        (b"SSH-2.0-OpenSSH\r\n\r\n", None, b"", "the answer is not HTTP/1.1"),
        (b"HTTP/1.1 200 OK\r\nno header\r\n\r\n", None, b"", "the answer is not HTTP/1.1"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab", 200, b"ab", "the answer broke off"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab", 200, b"ab", "the answer broke off"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n", 200, b"", "the answer broke off"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\nabcde", 200, b"", "the answer broke off"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: " + 5000 * b"9" + b"\r\n\r\n", 200, b"", "the answer broke off"),
    ],
)
async def test_a_connection_that_breaks_breaks_for_the_client_too(
    answer: bytes, status: int | None, response: bytes, error: str
) -> None:
    async with passed(answers(answer)) as (port, told, _):
        came = await said_by(port, GET)
    assert answer.startswith(came)
    assert [(each.status, each.response, each.error) for each in told] == [(status, response, error)]


async def test_where_nobody_is_there_that_is_answered() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    told: list[Exchange] = []
    passing = Passing(Way("127.0.0.1", port), told.append, "sched-emulator record")
    async with await asyncio.start_server(passing.accept, "127.0.0.1", 0) as server:
        answer = await said_by(server.sockets[0].getsockname()[1], POST + b"Content-Length: 2\r\n\r\n{}")
    why = f"127.0.0.1:{port} cannot be reached: connection refused"
    assert answer.startswith(b"HTTP/1.1 502 Bad Gateway\r\n")
    assert answer.endswith(f"\r\n\r\nsched-emulator record: {why}\n".encode())
    assert [(each.body, each.status, each.error) for each in told] == [(b"{}", None, why)]


async def test_a_certificate_that_is_not_trusted_is_said() -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    told: list[Exchange] = []
    async with listening(answers(OK), tls=context) as port:
        passing = Passing(Way("127.0.0.1", port, ssl.create_default_context()), told.append, "sched-emulator record")
        async with await asyncio.start_server(passing.accept, "127.0.0.1", 0) as server:
            answer = await said_by(server.sockets[0].getsockname()[1], GET)
    assert b"cannot be reached: its certificate is not trusted (unable to get local issuer certificate)\n" in answer
    assert len(told) == 1


async def test_a_client_that_hangs_up_is_gone_for_the_target_too() -> None:
    async def behave(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        assert await reader.read() == GET  # to its end

    async with passed(behave) as (port, told, _):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(GET)
        writer.write_eof()
        assert await reader.read() == b""
        writer.close()
    assert [each.error for each in told] == ["the client hung up before an answer"]


async def test_a_client_that_only_has_no_more_to_say_gets_its_answer() -> None:
    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.write(OK)

    async with passed(behave) as (port, told, _):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(GET)
        writer.write_eof()
        assert await reader.read() == OK
        writer.close()
    assert [each.error for each in told] == [None]


async def test_what_is_under_way_at_the_end_is_told() -> None:
    arrived = asyncio.Event()

    async def behave(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        arrived.set()
        await reader.read()

    async with passed(behave) as (port, told, passing):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(GET)
        await arrived.wait()
        await passing.close()
        assert await reader.read() == b""
        writer.close()
    assert [each.error for each in told] == ["the recording ended before an answer"]


@pytest.mark.parametrize(
    "sent",
    [
        b"hello\r\n\r\n",
        b"GET / HTTP/2.0\r\n\r\n",
        b"GET / HTTP/1.1\r\nno header\r\n\r\n",
        b"GET / HTTP/1.1\r\nX: " + b"x" * 3000,
        GET + b"hello\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0x5\r\nabcde\r\n0\r\n\r\n",
    ],
)
async def test_what_is_no_request_is_refused_with_a_sentence(sent: bytes) -> None:
    async with passed(answers(OK)) as (port, told, _):
        answer = await said_by(port, sent)
    assert answer.endswith(b"sched-emulator record: expected a request of HTTP/1.1\n") or answer == OK
    assert b" 400 Bad Request\r\n" in answer or answer == OK
    assert len(told) <= 1


async def test_of_a_body_without_end_a_part_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passing_module, "MOST_BYTES", 1000)
    long = b"HTTP/1.1 200 OK\r\n\r\n" + bytes(3_000_000)
    async with passed(answers(long)) as (port, told, _):
        assert await said_by(port, GET) == long
    response = told[0].response
    assert isinstance(response, bytes)
    assert 1000 < len(response) < 200_000
