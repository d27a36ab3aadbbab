"""The public API as a user writes it. Nothing here runs: `mypy --strict` reads it, so that types are promises too."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, assert_type
from unittest import IsolatedAsyncioTestCase

import pytest

from sched_emulator import (
    Advanced,
    BackwardError,
    BlockedLoopError,
    Delivery,
    Emulator,
    EmulatorError,
    Fault,
    Log,
    Received,
    Receiver,
    Request,
    Sandbox,
    Script,
    SignatureError,
    TimelineEntry,
    UnreachableError,
    __version__,
    signatures,
)
from sched_emulator.follow import follow
from sched_emulator.pytest_plugin import SandboxFactory
from sched_emulator.testing import SchedulingTestCase

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def emulators() -> None:
    assert_type(__version__, str)
    with Emulator.start(
        host="localhost",
        port=0,
        allow_host=["emulator"],
        clock="60x",
        now=NOW,
        dialect="observed",
        assume={"queue.nack_position": "back"},
        assumptions="answers.toml",
        route={"https://api.acme.com": "http://127.0.0.1:9000"},
        deliver="none",
        uncovered="refuse",
        strict_urls=True,
        delivery_timeout=2.5,
        delivery_concurrency=4,
        signature_clock="real",
        seed=7,
        keys="ifr_a,ifr_b",
        load="snapshot.json",
        max_body=2048,
        max_snapshot=1024,
        keep=1024 * 1024,
        log="json",
    ) as emulator:
        assert_type(emulator, Emulator)
        assert_type(emulator.url, str)
        assert_type(emulator.health(), dict[str, Any])
        assert_type(emulator.sandboxes(), list[dict[str, Any]])
    Emulator.start(delivery_timeout=timedelta(seconds=2)).stop()
    emulator = Emulator.connect("http://127.0.0.1:8420")
    fresh = emulator.sandbox(clock="frozen", now="2026-01-01T00:00:00Z", assumptions={"a.b": 1}, seed=1)
    with emulator.sandbox("ifr_mine") as box:
        assert_type(box, Sandbox)
        assert_type((fresh.api_key, fresh.base_url), tuple[str, str])
        assert_type(box.client.request("GET", "/v1/scheduling/cron/list"), dict[str, Any])
        assert_type(emulator.client.get("/v1/discovery"), dict[str, Any])
    assert_type(emulator.renewed("ifr_mine", clock="frozen", now=NOW, assumptions={}, seed=1), Sandbox)
    emulator.stop()


def clocks(box: Sandbox) -> None:
    assert_type(box.clock.now, datetime)
    assert_type(box.clock.mode, str)
    assert_type(box.clock.next_event_at, datetime | None)
    assert_type(box.clock.state(), dict[str, Any])
    assert_type(box.clock.advance(hours=1, minutes=2.5, max_events=9), Advanced)
    moved = box.clock.advance(timedelta(hours=1))
    assert_type((moved.now, moved.fired), tuple[str, int])
    assert_type(moved.stopped, Literal["until", "events", "idle", "max_events"])
    box.clock.advance("3w", max_events=9)
    box.clock.advance(weeks=1, days=1, seconds=1)
    box.clock.advance(until=NOW)
    box.clock.advance(events=1)
    try:
        box.clock.settle()
    except BlockedLoopError as error:
        assert_type(error.url, str)
    box.clock.freeze()
    box.clock.resume(speed=60)
    box.clock.set("2026-02-01")
    box.clock.put({"mode": "wall", "speed": 2})


def the_outside_world(box: Sandbox) -> None:
    assert_type(box.targets.script("https://api.acme.com/*", [503, "timeout", {"status": 200}], "cycle"), Script)
    script = box.targets.script("https://api.acme.com/*", 200)
    assert_type((script.url, script.responses, script.used), tuple[str, list[dict[str, Any]], int])
    assert_type(script.then, Literal["repeat-last", "cycle"])
    assert_type(box.targets.list(), list[Script])
    box.targets.clear()
    assert_type(
        box.faults.add(
            "queue.*",
            status=503,
            code="DOWN",
            retry_after_seconds=1,
            latency_seconds=0.5,
            drop=False,
            times=2,
            probability=0.5,
            after=True,
        ),
        Fault,
    )
    for fault in box.faults.list():
        assert_type((fault.operation, fault.used), tuple[str, int])
        assert_type((fault.status, fault.code, fault.times), tuple[int | None, str | None, int | None])
        assert_type((fault.retry_after_seconds, fault.latency_seconds), tuple[int | None, float | None])
        assert_type((fault.drop, fault.after, fault.probability), tuple[bool | None, bool | None, float | None])
    box.faults.clear()
    assert_type(box.account.get(), float | None)
    box.account.set(None)
    box.account.balance_usd = 0
    assert_type(box.account.spent_usd, float)
    assert_type(box.account.spent(), list[dict[str, Any]])
    assert_type(box.recording, str | None)
    assert_type(box.assumptions.get(), dict[str, str | int])
    assert_type(box.assumptions.set({"queue.nack_position": None}), dict[str, str | int])
    assert_type(box.routes.get(), dict[str, str])
    assert_type(box.routes.set({"https://api.acme.com": "http://127.0.0.1:9000"}), dict[str, str])


def what_happened(box: Sandbox) -> None:
    deliveries = box.deliveries(url="*weekly*", since=3)
    assert_type((deliveries.first_seq, deliveries.dropped), tuple[int, int])
    assert_type(deliveries, Log[Delivery])
    for delivery in deliveries:
        assert_type((delivery.seq, delivery.at, delivery.url), tuple[int, str, str])
        assert_type(delivery.kind, Literal["cron", "task", "push", "failure"])
        assert_type(delivery.outcome, Literal["running", "delivered", "failed", "timeout", "refused", "captured"])
        assert_type((delivery.headers, delivery.attempt), tuple[dict[str, str], int])
        assert_type(
            (delivery.routed_to, delivery.run_id, delivery.message_id), tuple[str | None, str | None, str | None]
        )
        assert_type((delivery.status, delivery.error), tuple[int | None, str | None])
        assert_type((delivery.duration_seconds, delivery.note), tuple[float | None, str | None])
        assert_type((delivery.response_headers, delivery.response_body), tuple[dict[str, str] | None, str | None])
        assert_type((delivery.body, delivery["url"]), tuple[Any, Any])
    request = box.requests(operation="queue.publish", since=0)[-1]
    assert_type(request, Request)
    assert_type((request.seq, request.at, request.operation), tuple[int, str, str | None])
    assert_type((request.method, request.path, request.status), tuple[str, str, int])
    assert_type((request.body, request.response), tuple[Any, Any])
    assert_type((request.ignored, request.replayed_from, request.note), tuple[list[str], int | None, str | None])
    (due,) = box.timeline(limit=5)
    assert_type(due, TimelineEntry)
    assert_type((due.at, due.kind, due.subject, due.name), tuple[str, str, str, str | None])
    assert_type(box.wait_for(lambda: box.deliveries(url="*weekly*"), within=5), Log[Delivery])
    assert_type(len(box.deliveries(kept=True)) + len(box.requests(kept=True)), int)
    assert_type(box.unused(), list[dict[str, Any]])
    assert_type(box.summary(), dict[str, Any])
    assert_type(box.relied(), dict[str, Any])
    taken = box.snapshot()
    box.restore(taken)
    box.reset(seed=1, now=NOW, assumptions={"cron.dst": "literal"})
    try:
        box.delete()
    except EmulatorError as error:
        assert_type((error.status, error.code, error.message, error.hint), tuple[int, str, str, str])
        assert_type(error.retry_after_seconds, int | None)
        assert_type(isinstance(error, UnreachableError), bool)


async def coroutines(box: Sandbox) -> None:
    async with box.aio as mirror:
        assert_type((mirror.api_key, mirror.base_url), tuple[str, str])
        assert_type(await mirror.clock.now, datetime)
        assert_type(await mirror.clock.mode, str)
        assert_type(await mirror.clock.next_event_at, datetime | None)
        assert_type(await mirror.clock.advance(timedelta(hours=1)), Advanced)
        await mirror.clock.advance("3w")
        assert_type(await mirror.targets.script("https://api.acme.com/*", 200), Script)
        assert_type(await mirror.faults.list(), list[Fault])
        assert_type(await mirror.account.balance_usd, float | None)
        assert_type(await mirror.assumptions.get(), dict[str, str | int])
        assert_type(await mirror.routes.get(), dict[str, str])
        assert_type(await mirror.deliveries(url="*"), Log[Delivery])
        found = await mirror.wait_for(lambda: mirror.deliveries(url="*"))
        assert_type(found, Log[Delivery])
        assert_type(await mirror.wait_for(lambda: box.base_url, within=0.5), str)
        assert_type(await mirror.relied(), dict[str, Any])


def receivers() -> None:
    with Receiver() as receiver:
        assert_type(receiver.url, str)
        receiver.secret = "s3cret"  # noqa: S105 - of this example
        receiver.respond(503, {"status": 200, "body": {"ok": True}}, then="cycle")
        receiver.respond(lambda request: 200 if request.json else 400)
        for request in receiver.requests:
            assert_type(request, Received)
            assert_type((request.method, request.path, request.body), tuple[str, str, bytes])
            assert_type(request.headers["content-type"], str)
            request.verify("s3cret", now=NOW)
        receiver.raise_errors()


def signed(body: bytes, headers: dict[str, str]) -> bool:
    try:
        signatures.verify(body, headers, "s3cret", now=NOW.timestamp(), tolerance_seconds=60)
    except SignatureError:
        return False
    return True


def followed(box: Sandbox) -> None:
    try:
        with follow(box):
            pass
    except BackwardError:
        pass


class TestOfUnittest(SchedulingTestCase, IsolatedAsyncioTestCase):
    serve_options = {"now": "2030-01-01T00:00:00Z"}  # noqa: RUF012 - as users write it

    def setUp(self) -> None:
        super().setUp()
        assert_type((self.box, self.emulator), tuple[Sandbox, Emulator])
        assert_type((self.receiver(), self.serve_options.get("now")), tuple[Receiver, datetime | str | None])


@pytest.fixture(scope="session")
def sched_emulator_server() -> Iterator[Emulator]:
    with Emulator.start(dialect="observed") as emulator:
        yield emulator


@pytest.mark.sched_emulator(now=NOW + timedelta(days=1), assumptions={"cron.dst": "literal"})
def a_test(sched_emulator: Sandbox, sched_receiver: Receiver) -> None:
    sched_emulator.routes.set({"https://api.acme.com": sched_receiver.url})


@pytest.fixture(scope="module")
def wide(sched_emulator_factory: SandboxFactory) -> Iterator[Sandbox]:
    settings = {"queue.nack_position": "back"}
    with sched_emulator_factory.sandbox(
        now=NOW, clock="60x", assumptions=settings, seed=1, follow=False, strict=True
    ) as box:
        assert_type(box, Sandbox)
        yield box
