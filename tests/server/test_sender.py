import asyncio
import gc
import socket
import ssl
import threading
import tracemalloc
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest
import trustme

from sched_emulator.core.records import Attempt
from sched_emulator.core.targets import KEPT_BYTES
from sched_emulator.server.sender import Receipt, Sender, resolve_name
from tests.receivers import Behaviour, for_ever, rude_receiver

SHORT = 0.2  # seconds: what an attempt may take where it is to end by its time limit
LONG = 60.0  # where it is not
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"


@asynccontextmanager
async def sender(**options: Any) -> AsyncIterator[Sender]:
    made = Sender(**{"delivery_timeout": LONG} | options)
    try:
        yield made
    finally:
        await made.close()


def attempt(
    url: str,
    *,
    headers: dict[str, str] | None = None,
    body: str = "{}",
    timeout_seconds: float = 900,
    routed: bool = False,
) -> Attempt:
    return Attempt(
        attempt_id="attempt_000001",
        delivery_id="delivery_000001",
        kind="task",
        owner_id="task_000001",
        queue=None,
        url=url,
        routed=routed,
        headers=headers or {"X-A": "b"},
        body=body,
        timeout_ms=round(1000 * timeout_seconds),
        journal_seq=1,
        number=1,
    )


async def post(sending: Sender, url: str, **options: Any) -> Receipt:
    return await sending.send(attempt(url, **options))


async def outcome_of(behaviour: Behaviour | bytes, *, limit: float = LONG, **options: Any) -> Receipt:
    body = options.pop("body", "{}")
    async with rude_receiver(behaviour, **options) as target, sender(delivery_timeout=limit) as sending:
        return await post(sending, target.url, body=body)


def failed(error: str) -> Receipt:
    return Receipt("failed", error=error)


def refused(error: str) -> Receipt:
    return Receipt("refused", error=error)


DELIVERED = Receipt("response", status=200, headers={"Content-Length": "2"}, body_excerpt=b"hi")
TIMED_OUT = Receipt("timeout", error="timed out after 0.2 s")


def then(start: bytes, go_on: Behaviour) -> Behaviour:
    async def behaviour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(start)
        await writer.drain()
        await go_on(reader, writer)

    return behaviour


def repeat(data: bytes, pause: float = 0) -> Behaviour:
    async def behaviour(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            writer.write(data)
            await writer.drain()
            await asyncio.sleep(pause)

    return behaviour


def drip(data: bytes) -> Behaviour:
    async def behaviour(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for byte in data:
            writer.write(bytes([byte]))
            await writer.drain()
            await asyncio.sleep(1)

    return behaviour


async def reset(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.transport.abort()


@pytest.fixture(scope="module", autouse=True)
def little_to_collect() -> None:
    """Let a pass of the garbage collector over what other modules have left be made once, not after each test."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def nothing_is_logged_or_left_open(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    yield
    gc.collect()  # an unclosed connection warns here, and warnings are errors
    assert caplog.get_records("call") == []


@pytest.fixture
def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


# What is sent and what comes back


async def test_a_request_has_the_headers_given_and_those_of_the_connection_only() -> None:
    async with rude_receiver(OK) as target, sender() as sending:
        response = await post(
            sending,
            f"http://127.1:{target.port}/%2e/a%2fb/é?q='\"%20#fragment",
            headers={"Content-Type": "application/json", "X-Infrai-Attempt": "1"},
            body='{"a":1}',
        )
    assert response == DELIVERED
    assert target.heads == [
        "\r\n".join(
            [
                "POST /%2e/a%2fb/%C3%A9?q='\"%20 HTTP/1.1",
                f"Host: 127.0.0.1:{target.port}",
                "Content-Type: application/json",
                "X-Infrai-Attempt: 1",
                "Content-Length: 7",
                "Connection: close\r\n\r\n",
            ]
        )
    ]
    assert target.bodies == [b'{"a":1}']


@pytest.mark.parametrize("status", [100 + 1, 204, 301, 400, 500, 599])
async def test_any_status_is_a_response(status: int) -> None:
    response = await outcome_of(b"HTTP/1.1 %d x\r\nContent-Length: 0\r\n\r\n" % status)
    assert response == Receipt("response", status=status, headers={"Content-Length": "0"})


async def test_a_redirect_is_not_followed() -> None:
    async with rude_receiver(OK) as other:
        answer = f"HTTP/1.1 307 x\r\nLocation: {other.url}\r\nContent-Length: 0\r\n\r\n".encode()
        response = await outcome_of(answer)
        assert response.status == 307
        assert response.headers["Location"] == other.url
    assert other.connections == 0


async def test_headers_are_kept_in_a_form_that_can_be_written_as_text() -> None:
    answer = b"HTTP/1.1 200 OK\r\nX-A: \xff\xc3\xbc\r\nSet-Cookie: a=b\r\nSet-Cookie: c=d\r\nContent-Length: 0\r\n\r\n"
    response = await outcome_of(answer)
    assert response.headers == {"X-A": "?ü", "Set-Cookie": "a=b, c=d", "Content-Length": "0"}


async def test_headers_are_kept_up_to_the_bound() -> None:
    lines = b"".join(b"X-%02d: %s\r\n" % (n, b"a" * 995) for n in range(10))
    response = await outcome_of(b"HTTP/1.1 200 OK\r\n" + lines + b"Content-Length: 0\r\n\r\n")
    assert response.headers == {f"X-{n:02}": "a" * 995 for n in range(4)}


async def test_a_compressed_answer_stays_as_it_came() -> None:
    response = await outcome_of(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nzzzz")
    assert response.body_excerpt == b"zzzz"


async def test_cookies_are_forgotten_and_proxy_variables_ignored(
    monkeypatch: pytest.MonkeyPatch, free_port: int
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{free_port}")
    answer = b"HTTP/1.1 200 OK\r\nSet-Cookie: a=b\r\nContent-Length: 0\r\n\r\n"
    async with rude_receiver(answer) as target, sender() as sending:
        assert [(await post(sending, target.url)).status for _ in range(2)] == [200, 200]
    assert ["cookie" in head.lower() for head in target.heads] == [False, False]


async def test_a_connection_serves_one_request() -> None:
    async with rude_receiver(OK) as target, sender() as sending:
        for _ in range(3):
            assert await post(sending, target.url) == DELIVERED
    assert target.connections == 3


# Hostile receivers


async def test_a_receiver_that_hangs_times_out() -> None:
    assert await outcome_of(for_ever, limit=SHORT) == TIMED_OUT


async def test_the_attempt_s_own_limit_counts_when_it_is_shorter() -> None:
    async with rude_receiver(for_ever) as target, sender() as sending:
        assert await post(sending, target.url, timeout_seconds=SHORT) == TIMED_OUT


async def test_a_receiver_that_hangs_in_the_middle_of_its_answer_times_out() -> None:
    assert await outcome_of(then(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhi", for_ever), limit=SHORT) == TIMED_OUT


@pytest.mark.filterwarnings("ignore:Sending a large body:ResourceWarning")
async def test_a_receiver_that_never_reads_times_out_and_the_rest_of_the_body_is_dropped() -> None:
    body = "x" * 16_000_000  # more than the system buffers for a connection
    timed_out = asyncio.Event()
    left = 0

    async def read_what_is_left(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        nonlocal left
        await timed_out.wait()
        while chunk := await reader.read(1_000_000):
            left += len(chunk)

    async with rude_receiver(read_what_is_left, read=False) as target, sender(delivery_timeout=SHORT) as sending:
        assert await post(sending, target.url, body=body) == TIMED_OUT
        timed_out.set()
        async with asyncio.timeout(LONG):
            await target.gone.wait()
    assert left < len(body)


async def test_an_answer_that_comes_before_the_request_was_read_counts() -> None:
    response = await outcome_of(then(OK, for_ever), read=False, body="x" * 1_000_000)
    assert response == DELIVERED


async def test_a_receiver_that_answers_by_a_byte_a_second_times_out() -> None:
    assert await outcome_of(drip(OK), limit=SHORT) == TIMED_OUT
    assert await outcome_of(then(OK[:-2], drip(OK[-2:])), limit=SHORT) == TIMED_OUT


async def test_a_receiver_that_goes_on_with_interim_answers_times_out() -> None:
    assert await outcome_of(repeat(b"HTTP/1.1 100 Continue\r\n\r\n", 0.01), limit=SHORT) == TIMED_OUT


@pytest.mark.parametrize(
    ("start", "repeated"),
    [
        (b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 65536),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n", b"x" * 65536),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"10000\r\n" + b"x" * 65536 + b"\r\n"),
    ],
)
async def test_a_receiver_that_streams_for_ever_is_cut_off_and_counts_by_its_status(
    start: bytes, repeated: bytes
) -> None:
    async with rude_receiver(then(start, repeat(repeated))) as target, sender() as sending:
        response = await post(sending, target.url)
        assert (response.kind, response.status, response.body_excerpt) == ("response", 200, b"x" * KEPT_BYTES)
        async with asyncio.timeout(LONG):
            await target.gone.wait()


@pytest.mark.parametrize(
    "behaviour",
    [
        then(b"HTTP/1.1 200 OK\r\n", repeat(b"X-A: " + b"a" * 1000 + b"\r\n")),
        then(b"HTTP/1.1 200 OK\r\nX-A: ", repeat(b"a" * 65536)),
        repeat(b"HTTP/1.1 100 Continue\r\n\r\n"),
    ],
)
async def test_headers_that_do_not_end_are_no_answer(behaviour: Behaviour) -> None:
    assert await outcome_of(behaviour) == failed("the answer's headers are longer than 300 KiB")


@pytest.mark.parametrize("behaviour", [b"", b"HTTP/1.1 200 O", reset])
async def test_a_receiver_that_closes_early_fails_after_one_request(behaviour: Behaviour | bytes) -> None:
    async with rude_receiver(behaviour) as target, sender() as sending:
        assert await post(sending, target.url) == failed("the connection was closed before an answer")
    assert target.connections == 1


async def test_a_receiver_that_closes_at_once_fails() -> None:
    assert await outcome_of(b"", read=False) == failed("the connection was closed before an answer")


async def test_a_closed_port_refuses(free_port: int) -> None:
    async with sender() as sending:
        assert await post(sending, f"http://127.0.0.1:{free_port}") == refused("connection refused")
        assert await post(sending, f"http://localhost:{free_port}") == refused("connection refused")


async def test_memory_stays_flat_whatever_receivers_send() -> None:
    stream = then(b"HTTP/1.1 200 OK\r\n\r\n", repeat(b"x" * 65536))
    async with rude_receiver(stream) as target, sender() as sending:
        await post(sending, target.url)
        tracemalloc.start()
        try:
            for _ in range(30):
                await post(sending, target.url)
            grown, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert grown < 4_000_000
    assert peak < 16_000_000


# Side by side


async def test_two_hundred_go_side_by_side() -> None:
    together = 200
    present = 0
    peak = 0
    all_here = asyncio.Event()

    async def answer_when_all_are_here(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal present, peak
        present += 1
        peak = max(peak, present)
        if present == together:
            all_here.set()
        await all_here.wait()
        present -= 1
        writer.write(OK)

    async with rude_receiver(answer_when_all_are_here) as target, sender() as sending:
        outcomes = await asyncio.gather(*(post(sending, target.url) for _ in range(together)))
    assert outcomes == [DELIVERED] * together
    assert (peak, target.connections) == (together, together)


async def test_hanging_receivers_hold_up_no_other() -> None:
    async with rude_receiver(for_ever) as hanging, rude_receiver(OK) as target, sender() as sending:
        waiting = [asyncio.create_task(post(sending, hanging.url)) for _ in range(20)]
        assert await post(sending, target.url) == DELIVERED
        for task in waiting:
            task.cancel()
        ended = await asyncio.gather(*waiting, return_exceptions=True)
    assert [type(outcome) for outcome in ended] == [asyncio.CancelledError] * 20


async def test_closing_ends_what_is_under_way_and_a_sender_can_send_again() -> None:
    arrived = asyncio.Event()

    async def hang_once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not arrived.is_set():
            arrived.set()
            await for_ever(reader, writer)
        writer.write(OK)

    async with rude_receiver(hang_once) as target, sender() as sending:
        task = asyncio.create_task(post(sending, target.url))
        await arrived.wait()
        await sending.close()
        assert await task == failed("the connection was closed before an answer")
        assert await post(sending, target.url) == DELIVERED


# TLS


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


def server_tls(authority: trustme.CA, name: str) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert(name).configure_cert(context)
    return context


def client_tls(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


async def test_a_trusted_certificate_is_accepted(authority: trustme.CA) -> None:
    async with (
        rude_receiver(OK, tls=server_tls(authority, "localhost")) as target,
        sender(tls=client_tls(authority)) as sending,
    ):
        assert await post(sending, f"https://localhost:{target.port}") == DELIVERED


async def test_a_certificate_nobody_trusts_or_of_another_name_is_not(
    authority: trustme.CA,
) -> None:
    untrusted = failed("the TLS certificate is not trusted")
    async with rude_receiver(OK, tls=server_tls(authority, "localhost")) as target, sender() as sending:
        assert await post(sending, f"https://localhost:{target.port}") == untrusted
    async with (
        rude_receiver(OK, tls=server_tls(authority, "other.test")) as target,
        sender(tls=client_tls(authority)) as sending,
    ):
        assert await post(sending, f"https://localhost:{target.port}") == untrusted
        assert await post(sending, f"https://127.0.0.1:{target.port}") == untrusted


async def test_a_receiver_without_tls_fails_the_handshake_and_one_that_is_silent_times_out() -> None:
    async with rude_receiver(b"HTTP/1.1 400 Bad Request\r\n\r\n", read=False) as target, sender() as sending:
        assert await post(sending, f"https://localhost:{target.port}") == failed("the TLS handshake failed")
    async with rude_receiver(for_ever, read=False) as target, sender(delivery_timeout=SHORT) as sending:
        assert await post(sending, f"https://localhost:{target.port}") == TIMED_OUT


@pytest.mark.parametrize("encrypted", [False, True])
async def test_a_cancelled_attempt_hangs_up(authority: trustme.CA, *, encrypted: bool) -> None:
    arrived = asyncio.Event()

    async def wait_for_the_end(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        arrived.set()
        await reader.read(-1)

    tls = server_tls(authority, "localhost") if encrypted else None
    async with rude_receiver(wait_for_the_end, tls=tls) as target, sender(tls=client_tls(authority)) as sending:
        task = asyncio.create_task(post(sending, f"{'https' if encrypted else 'http'}://localhost:{target.port}"))
        async with asyncio.timeout(LONG):
            await arrived.wait()
            task.cancel()
            await target.gone.wait()
        with pytest.raises(asyncio.CancelledError):
            await task


# Where a delivery may go


class Names:
    """Stands for a name server: what each question is answered with, and which were asked."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self._answers = iter(answers)
        self.asked: list[str] = []

    def __call__(self, host: str) -> Sequence[str]:
        self.asked.append(host)
        try:
            return next(self._answers)
        except StopIteration:
            raise socket.gaierror(socket.EAI_NONAME, "secret detail") from None


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST.", "app.localhost", "127.1", "0x7f000001", "2130706433", "127.0.0.1."]
)
async def test_loopback_is_reached_by_any_of_its_names_without_asking(host: str) -> None:
    names = Names()
    async with rude_receiver(OK) as target, sender(only_loopback=True, lookup=names) as sending:
        assert await post(sending, f"http://{host}:{target.port}/") == DELIVERED
    assert names.asked == []


async def test_localhost_is_reached_over_ipv6_too() -> None:
    try:
        listening = rude_receiver(OK, host="::1")
        async with listening as target, sender() as sending:
            assert await post(sending, f"http://localhost:{target.port}/") == DELIVERED
            assert await post(sending, f"http://[::1]:{target.port}/") == DELIVERED
    except OSError:
        pytest.skip("no IPv6 on this machine")


@pytest.mark.parametrize(
    ("host", "reason"),
    [
        ("10.0.0.1", "private"),
        ("0xa.1", "private"),
        ("169.254.169.254", "metadata"),
        ("[fd00:ec2::254]", "metadata"),
        ("[::ffff:127.0.0.1]", "IPv4-mapped"),
        ("0", "unspecified"),
        ("93.184.216.34", "not on this machine"),
        ("[2606:4700::1111]", "not on this machine"),
        ("api.acme.com", "not on this machine"),
    ],
)
async def test_with_only_loopback_nothing_leaves_the_machine_not_even_a_question(host: str, reason: str) -> None:
    names = Names()
    async with sender(only_loopback=True, lookup=names) as sending:
        assert await post(sending, f"http://{host}:9/") == refused(f"the address is refused: {reason}")
    assert names.asked == []


async def test_strict_refuses_loopback_by_address_and_by_name() -> None:
    async with rude_receiver(OK) as target, sender(strict=True, lookup=Names(["127.0.0.1"], ["::1"])) as sending:
        for host in ("127.0.0.1", "[::1]", "localhost", "hook.acme.com", "hook.acme.com"):
            answer = await post(sending, f"http://{host}:{target.port}/")
            assert answer == refused("the address is refused: loopback")
    assert target.connections == 0


async def test_a_name_is_judged_by_what_it_resolves_to_each_time() -> None:
    names = Names(["127.0.0.1"], ["169.254.169.254"], ["127.0.0.1", "10.0.0.1"], ["fe80::1%eth0"], ["127.0.0.1"])
    async with rude_receiver(OK) as target, sender(lookup=names) as sending:
        outcomes = [await post(sending, f"http://hook.acme.com:{target.port}/") for _ in range(5)]
    assert outcomes == [
        DELIVERED,
        refused("the address is refused: metadata"),
        refused("the address is refused: private"),
        refused("the address is refused: link-local"),
        DELIVERED,
    ]
    assert names.asked == ["hook.acme.com"] * 5
    assert target.connections == 2
    assert f"Host: hook.acme.com:{target.port}" in target.heads[0]


async def test_an_address_of_a_name_that_refuses_leads_to_the_next() -> None:
    both = ["127.0.0.2", "127.0.0.1"]
    async with rude_receiver(OK) as target, sender(lookup=Names(both, both)) as sending:
        assert await post(sending, f"http://hook.acme.com:{target.port}/") == DELIVERED
        assert await post(sending, "http://hook.acme.com:1/") == refused("connection refused")
    assert target.connections == 1


async def test_header_values_go_out_in_utf_8() -> None:
    async with rude_receiver(OK) as target, sender() as sending:
        assert await post(sending, target.url, headers={"X-Town": "日本 café"}) == DELIVERED
    assert "X-Town: 日本 café\r\n" in target.heads[0]


async def test_a_route_may_lead_anywhere() -> None:
    names = Names(["127.0.0.1"])
    async with rude_receiver(OK) as target, sender(only_loopback=True, strict=True, lookup=names) as sending:
        for host in ("receiver", "localhost", "127.0.0.1"):
            assert await post(sending, f"http://{host}:{target.port}/", routed=True) == DELIVERED
    assert names.asked == ["receiver"]


async def test_a_name_that_does_not_resolve_fails() -> None:
    async with sender(lookup=Names()) as sending:
        assert await post(sending, "http://nowhere.acme.com/") == failed("the name does not resolve")


async def test_a_name_server_that_hangs_holds_up_no_other() -> None:
    many = 40
    loop = asyncio.get_running_loop()
    asked = threading.Semaphore(0)
    all_asked = asyncio.Event()
    answering = threading.Event()

    def lookup(host: str) -> Sequence[str]:
        if host == "slow.acme.com":
            asked.release()
            answering.wait()
        return ["127.0.0.1"]

    def wait_for_all() -> None:
        for _ in range(many):
            asked.acquire()
        loop.call_soon_threadsafe(all_asked.set)

    threading.Thread(target=wait_for_all, daemon=True).start()
    async with rude_receiver(OK) as target, sender(lookup=lookup) as sending:
        slow = [asyncio.create_task(post(sending, f"http://slow.acme.com:{target.port}/")) for _ in range(many)]
        async with asyncio.timeout(LONG):
            await all_asked.wait()
        assert await post(sending, f"http://fast.acme.com:{target.port}/") == DELIVERED
        answering.set()
        assert await asyncio.gather(*slow) == [DELIVERED] * many


async def test_a_name_server_that_hangs_is_not_waited_for() -> None:
    answering = threading.Event()

    def lookup(_host: str) -> Sequence[str]:
        answering.wait()
        return ["127.0.0.1"]

    async with rude_receiver(OK) as target, sender(lookup=lookup, delivery_timeout=SHORT) as sending:
        assert await post(sending, f"http://slow.acme.com:{target.port}/") == TIMED_OUT
        answering.set()
    assert target.connections == 0


async def test_what_nobody_expected_ends_the_attempt_and_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    def lookup(_host: str) -> Sequence[str]:
        raise ZeroDivisionError

    async with sender(lookup=lookup) as sending:
        answer = await post(sending, "http://hook.acme.com/")
    assert answer == failed("the attempt ended unexpectedly (ZeroDivisionError)")
    assert [record.message for record in caplog.records] == ["an attempt ended unexpectedly"]
    caplog.clear()


async def test_what_is_no_url_fails_without_a_connection() -> None:
    async with sender() as sending:
        assert await post(sending, "http://user:secret@localhost/") == failed("the URL must not contain credentials")


def test_the_system_s_resolver_answers_with_each_address_once() -> None:
    assert resolve_name("127.0.0.1") == ["127.0.0.1"]
