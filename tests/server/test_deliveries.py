"""Deliveries through the whole emulator: to hostile receivers, pushes, signatures, and where they may go at all."""

import asyncio
import ssl
import tracemalloc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import trustme
from aiohttp import web
from aiohttp.test_utils import TestServer

from sched_emulator import signatures
from sched_emulator.config import Config
from sched_emulator.server.app import App
from sched_emulator.server.sender import Sender
from sched_emulator.spec import assumptions
from tests.receivers import Behaviour, for_ever, receiver, rude_receiver
from tests.server.harness import Api, Start, served
from tests.waiting import until

SHORT = 0.2  # seconds: how long an attempt may take where it is to end by its time limit
SECRET = "s3cret"  # noqa: S105 - not one of ours
PATIENT: dict[str, Any] = {"delivery_timeout_seconds": 600}  # no attempt times out because a machine is slow
EMPTY = {"available": 0, "in_flight": 0, "dlq": 0}
CAPTURED = {"outcome": "captured", "status": 200, "duration_seconds": 0.0}
SENT = {"outcome": "delivered", "status": 200, "duration_seconds": 0.0}
Json = dict[str, Any]


@pytest.fixture
async def api(start: Start) -> Api:
    return await start(**PATIENT)


async def task(api: Api, url: str, **settings: Any) -> None:
    await api.call("task.schedule", {"task": url, "run_at": "2026-01-01T01:00:00Z", "retry": 0, **settings})


async def told(api: Api) -> list[Json]:
    """Return what the journal says of how each attempt so far ended."""
    names = ("url", "routed_to", "outcome", "status", "error", "duration_seconds")
    return [{name: item[name] for name in names if name in item} for item in await api.deliveries()]


# Hostile receivers


async def drip(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    for byte in b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n":
        writer.write(bytes([byte]))
        await writer.drain()
        await asyncio.sleep(1)


async def stream(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        writer.write(b"x" * 65536)
        await writer.drain()


async def talk_nonsense(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"nonsense\x00\xff\r\n\r\n")


NONSENSE = r"the answer is not HTTP, it starts with 'nonsense\x00\xff'"


async def hang_up(_reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    pass


async def break_off(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhi")


async def redirect(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 302 Found\r\nLocation: https://api.acme.com/\r\nContent-Length: 0\r\n\r\n")


@pytest.mark.parametrize("behaviour", [for_ever, drip])
async def test_a_receiver_that_does_not_come_to_an_end_times_out(start: Start, behaviour: Behaviour) -> None:
    api = await start(delivery_timeout_seconds=SHORT)
    async with rude_receiver(behaviour) as hostile:
        await task(api, hostile.url, timeout_seconds=60)
        done = await api.advance(until="2026-01-01T01:05:00Z")
    assert done["now"] == "2026-01-01T01:05:00.000Z"
    assert await told(api) == [
        {"url": hostile.url, "outcome": "timeout", "error": "timed out after 0.2 s", "duration_seconds": 60.0}
    ]


@pytest.mark.parametrize(
    ("behaviour", "ending"),
    [
        (stream, {"outcome": "delivered", "status": 200}),
        (talk_nonsense, {"outcome": "failed", "error": NONSENSE}),
        (hang_up, {"outcome": "failed", "error": "the connection was closed before an answer"}),
        (break_off, {"outcome": "delivered", "status": 200}),
        (redirect, {"outcome": "failed", "status": 302, "error": "HTTP 302"}),
    ],
)
async def test_a_hostile_receiver_ends_as_what_it_is_and_holds_up_no_other(
    api: Api, behaviour: Behaviour, ending: Json
) -> None:
    async with rude_receiver(behaviour) as hostile, receiver() as good:
        await task(api, hostile.url)
        await task(api, good.url)
        await api.advance(seconds=3600)
    assert await told(api) == [{"url": hostile.url, **ending, "duration_seconds": 0.0}, {"url": good.url, **SENT}]


async def test_a_timeout_on_a_frozen_clock_takes_timeout_seconds_of_virtual_time(start: Start) -> None:
    api = await start(delivery_timeout_seconds=SHORT)
    async with rude_receiver(for_ever) as hanging:
        await task(api, hanging.url, timeout_seconds=60, retry=1)
        assert (await api.advance(until="2026-01-01T01:00:59Z"))["fired"] == 1
        assert [item["outcome"] for item in await told(api)] == ["running"]
        await api.advance(until="2026-01-01T01:10:00Z")
    assert [(item["at"], item["outcome"], item["duration_seconds"]) for item in await api.deliveries()] == [
        ("2026-01-01T01:00:00.000Z", "timeout", 60),
        ("2026-01-01T01:01:10.000Z", "timeout", 60),
    ]
    [run] = (await api.call("run.list"))["items"]
    assert run == {
        "run_id": "run_000001",
        "task_id": "task_000001",
        "state": "failed",
        "started_at": "2026-01-01T01:00:00.000Z",
        "finished_at": "2026-01-01T01:02:10.000Z",
        "error": "timed out after 0.2 s",
    }


async def test_a_certificate_nobody_trusts_is_named(api: Api) -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    server = TestServer(web.Application(), host="127.0.0.1", scheme="https")
    await server.start_server(ssl=context)
    await task(api, f"https://127.0.0.1:{server.port}")
    await api.advance(seconds=3600)
    await server.close()
    [told_of] = await told(api)
    assert (told_of["outcome"], told_of["error"]) == ("failed", "the TLS certificate is not trusted")


async def test_one_that_hangs_holds_a_slot_and_no_more(start: Start) -> None:
    api = await start(delivery_concurrency=2, **PATIENT)
    others, arrived = 10, asyncio.Semaphore(0)

    async def wait_for_the_others(request: web.Request) -> int:
        if request.path == "/first":
            for _ in range(others):
                await arrived.acquire()
        else:
            arrived.release()
        return 200

    async with receiver(wait_for_the_others) as target:
        await task(api, f"{target.url}/first")
        for number in range(others):
            await task(api, f"{target.url}/{number}")
        await api.advance(seconds=3600)
    assert [item["outcome"] for item in await told(api)] == ["delivered"] * (1 + others)
    assert [item["url"].rpartition("/")[2] for item in await told(api)] == ["first", *map(str, range(others))]


async def test_memory_stays_flat_whatever_receivers_send(api: Api) -> None:
    async with rude_receiver(stream) as hostile:
        await api.call("cron.create", {"schedule": "0 * * * *", "url": hostile.url})
        await api.advance(seconds=36_000)
        tracemalloc.start()
        try:
            await api.advance(seconds=72_000)
            grown, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert len(await told(api)) == 30
    assert grown < 2_000_000
    assert peak < 8_000_000


# Pushes


async def test_pushes_of_a_fifo_queue_go_strictly_one_after_another(api: Api) -> None:
    present, peak = 0, 0

    async def fail_once(request: web.Request) -> int:
        nonlocal present, peak
        present += 1
        peak = max(peak, present)
        await api.control("GET", "clock")  # gives any other push the time to arrive
        present -= 1
        return 500 if request.headers["X-Infrai-Attempt"] == "1" else 200

    async with receiver(fail_once) as target:
        await api.call("queue.create", {"name": "steps", "type": "fifo"})
        await api.call("queue.push_subscribe", {"url": target.url}, queue="steps")
        messages = [{"payload": {"n": number}} for number in range(5)]
        await api.call("queue.publish_batch", {"queue": "steps", "messages": messages})
        await api.advance(seconds=60)
    assert peak == 1
    assert [(body["payload"]["n"], body["attempt"]) for body in target.bodies] == [
        (number, attempt) for number in range(5) for attempt in (1, 2)
    ]
    assert [item["at"][17:19] for item in await api.deliveries()] == [
        "00", "10", "10", "20", "20", "30", "30", "40", "40", "50"
    ]  # fmt: skip


async def test_pushes_of_a_standard_queue_go_side_by_side(api: Api) -> None:
    together = asyncio.Barrier(10)

    async def wait_for_ten(_request: web.Request) -> int:
        await together.wait()
        return 200

    async with receiver(wait_for_ten) as target:
        messages = [{"payload": {"n": number}} for number in range(20)]
        await api.call("queue.publish_batch", {"queue": "orders", "messages": messages})
        await api.call("queue.push_subscribe", {"url": target.url}, queue="orders")
        await api.advance(seconds=0)
    assert [item["outcome"] for item in await told(api)] == ["delivered"] * 20


@pytest.mark.parametrize(
    ("meanwhile", "stats"),
    [
        (("queue.purge", None, {"queue": "orders"}), EMPTY),
        (("queue.nack", {"queue": "orders", "message_id": "msg_000001", "requeue": False}, {}), EMPTY | {"dlq": 1}),
        (("queue.ack", {"queue": "orders", "message_id": "msg_000001"}, {}), EMPTY),
    ],
)
async def test_what_happens_to_a_message_in_mid_delivery_decides(
    api: Api, meanwhile: tuple[str, Any, Json], stats: Json
) -> None:
    operation, body, path = meanwhile

    async def interfere(_request: web.Request) -> int:
        await api.call(operation, body, **path)
        return 500

    async with receiver(interfere) as target:
        await api.call("queue.publish", {"queue": "orders", "payload": {}})
        await api.call("queue.push_subscribe", {"url": target.url}, queue="orders")
        await api.advance(seconds=3600)
    assert await api.call("queue.stats", queue="orders") == {"queue": "orders", **stats}
    [delivery] = await api.deliveries()
    assert delivery["note"] == "the message was settled before this attempt ended"


async def test_a_push_ends_with_its_lease_on_a_running_clock_too(start: Start) -> None:
    api = await start(clock_mode="wall", **PATIENT)
    second = asyncio.Event()

    async def hang_once(_request: web.Request) -> int:
        if len(target.paths) == 1:
            subscription = {"url": f"{target.url}/again", "visibility_timeout": 43200}
            await api.call("queue.push_subscribe", subscription, queue="orders")
            await api.control("PUT", "clock", {"speed": 1000})
            await second.wait()  # that is, until the lease of this push has run out
        second.set()
        return 200

    async def ended() -> bool:
        return all(item["outcome"] != "running" for item in await told(api))

    async with receiver(hang_once) as target:
        await api.call("queue.publish", {"queue": "orders", "payload": {}})
        await api.call("queue.push_subscribe", {"url": target.url, "visibility_timeout": 30}, queue="orders")
        await second.wait()
        await until(ended, "both attempts to end")
    assert target.paths == ["/", "/again"]
    first, again = await api.deliveries()
    assert (first["outcome"], first["note"]) == ("delivered", "the message was settled before this attempt ended")
    assert again["outcome"] == "delivered"
    assert await api.call("queue.stats", queue="orders") == {"queue": "orders", **EMPTY}


# Signatures and headers


@pytest.mark.parametrize("scheme", ["x-infrai-signature", "x-infrai-timestamp", "standard-webhooks"])
async def test_a_receiver_can_verify_what_it_gets_by_virtual_time(start: Start, scheme: str) -> None:
    api = await start(answers={"signature.scheme": scheme}, **PATIENT)

    async def verify(request: web.Request) -> int:
        signatures.verify(await request.read(), request.headers, SECRET, now=1_767_229_200)
        return 200

    async with receiver(verify) as target:
        await task(api, target.url, secret=SECRET, payload={"é": 10**30})
        await api.advance(seconds=3600)
    assert [item["outcome"] for item in await told(api)] == ["delivered"]
    assert SECRET not in str(await api.deliveries())


async def test_a_request_has_the_documented_headers_and_the_user_s(api: Api) -> None:
    async with receiver() as target:
        await task(api, f"{target.url}/hook", headers={"X-Team": "blue", "user-agent": "mine"}, payload={"a": "ü"})
        await api.advance(seconds=3600)
    [headers] = target.headers
    assert headers == {
        "Host": target.url.removeprefix("http://"),
        "Content-Type": "application/json",
        "X-Infrai-Delivery-Id": "dlv_000001",
        "X-Infrai-Attempt": "1",
        "X-Infrai-Run-Id": "run_000001",
        "X-Team": "blue",
        "User-Agent": "mine",
        "Content-Length": "10",
        "Connection": "close",
    }


# Where deliveries may go


ACME = "https://api.acme.com/hook"


@pytest.mark.parametrize(
    ("settings", "elsewhere", "loopback"),
    [
        ({}, CAPTURED, SENT),
        ({"deliver": "loopback"}, CAPTURED, SENT),
        ({"deliver": "none"}, CAPTURED, CAPTURED),
        (
            {"deliver": "none", "uncovered": "refuse"},
            *[
                {
                    "outcome": "refused",
                    "error": "no scripted target and no route covers this URL",
                    "duration_seconds": 0.0,
                }
            ]
            * 2,
        ),
    ],
)
async def test_deliver_says_what_is_sent(start: Start, settings: Json, elsewhere: Json, loopback: Json) -> None:
    api = await start(**settings, **PATIENT)
    async with receiver() as target:
        await task(api, ACME)
        await task(api, target.url)
        await api.advance(seconds=3600)
        assert len(target.paths) == (loopback == SENT)
    assert await told(api) == [{"url": ACME, **elsewhere}, {"url": target.url, **loopback}]
    states = [run["state"] for run in (await api.call("run.list"))["items"]]
    assert states == ["failed" if settings.get("uncovered") else "succeeded"] * 2


@pytest.mark.parametrize("how", ["at the start", "by the control API"])
async def test_a_route_is_always_followed_and_keeps_path_and_query(start: Start, how: str) -> None:
    async with receiver() as target:
        routes = {"https://api.acme.com": target.url}
        api = await start(deliver="none", routes=routes if how == "at the start" else {}, **PATIENT)
        if how == "by the control API":
            assert await api.control("PUT", "routes", routes) == routes
        await task(api, ACME + "/a?b=c")
        await task(api, target.url)
        await api.advance(seconds=3600)
    assert await told(api) == [
        {"url": ACME + "/a?b=c", "routed_to": target.url + "/hook/a?b=c", **SENT},
        {"url": target.url, **CAPTURED},
    ]
    assert target.paths == ["/hook/a"]


async def test_a_script_comes_before_a_route(start: Start) -> None:
    async with receiver() as target:
        api = await start(routes={"https://api.acme.com": target.url})
        await api.script("https://api.acme.com/*", 204)
        await task(api, ACME)
        await api.advance(seconds=3600)
    assert target.paths == []
    assert await told(api) == [{"url": ACME, "outcome": "delivered", "status": 204, "duration_seconds": 0.0}]


@asynccontextmanager
async def emulator(sender: Sender, **settings: Any) -> AsyncIterator[Api]:
    """Start an emulator whose names are resolved as the test says."""
    config = Config(answers=assumptions.defaults(), clock_mode="frozen", **settings)
    async with served(App(config, sender)) as client:
        yield Api(client)


async def test_with_deliver_all_a_name_is_resolved_and_its_addresses_are_checked_when_sending() -> None:
    addresses = {"hook.acme.com": ["127.0.0.1"], "intern.acme.com": ["10.0.0.1"]}
    sender = Sender(delivery_timeout=600, lookup=addresses.__getitem__)
    async with receiver() as target, emulator(sender, deliver="all") as api:
        port = target.url.rpartition(":")[2]
        await task(api, f"http://hook.acme.com:{port}/")
        await task(api, "http://intern.acme.com/")
        await api.advance(seconds=3600)
        assert [(item["outcome"], item.get("error")) for item in await told(api)] == [
            ("delivered", None),
            ("refused", "the address is refused: private"),
        ]


async def test_strict_urls_refuse_loopback_when_given(start: Start) -> None:
    api = await start(strict_urls=True)
    status, code, message = await api.error(
        "task.schedule", {"task": "http://127.0.0.1:9/", "run_at": "2026-01-01T01:00:00Z"}
    )
    assert (status, code) == (400, "INVALID_REQUEST")
    assert message == "`task` must not lead to loopback addresses, got 'http://127.0.0.1:9'"
