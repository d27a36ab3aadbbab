import asyncio
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from aiohttp import web

from sched_emulator import Sandbox
from sched_emulator.client import own_loop
from sched_emulator.client.own_loop import BlockedLoopError
from sched_emulator.client.receiver import Received, Receiver
from tests.emulated import START, create_cron
from tests.receivers import receiver, rude_receiver

MOVES: list[Callable[[Sandbox], Any]] = [
    lambda box: box.clock.advance(weeks=1),
    lambda box: box.clock.advance(events=1),
    lambda box: box.clock.set(START + timedelta(weeks=1)),
]
ANSWER = b"HTTP/1.1 204 No Content\r\n\r\n"


@pytest.mark.parametrize("move", MOVES)
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_a_move_on_the_loop_that_serves_the_receiver_is_recognised(
    box: Sandbox, move: Callable[[Sandbox], Any], host: str
) -> None:
    async with rude_receiver(ANSWER) as target:
        url = target.url.replace("127.0.0.1", host)
        create_cron(box, url)
        with pytest.raises(BlockedLoopError) as caught:
            move(box)
        assert str(caught.value) == (
            f"this call waits for a delivery to {url}, served by an event loop that stands still until it returns:"
            " use `await box.aio.clock.advance(...)`, or what else box.aio has, in a coroutine of that loop"
        )


async def test_a_route_to_a_receiver_of_the_loop_is_recognised_and_the_move_goes_on_without_the_caller(
    box: Sandbox,
) -> None:
    async with receiver() as target:
        box.routes.set({"https://api.acme.com": target.url})
        create_cron(box)
        with pytest.raises(BlockedLoopError):
            box.clock.advance(weeks=1)
        while "advancing" in await box.aio.clock.state():  # noqa: ASYNC110 - another process knows when
            await asyncio.sleep(0)
        assert [entry["outcome"] for entry in box.deliveries()] == ["delivered"]
        assert box.clock.now == START + timedelta(weeks=1)


async def test_on_a_running_clock_a_delivery_under_way_is_recognised_too(box: Sandbox) -> None:
    arrived, leave = asyncio.Event(), asyncio.Event()

    async def wait(_: web.Request) -> int:
        arrived.set()
        await leave.wait()
        return 200

    async with receiver(wait) as target:
        create_cron(box, target.url)
        await box.aio.clock.set("2026-01-05T08:59:59.999Z")
        await box.aio.clock.resume()
        await arrived.wait()
        with pytest.raises(BlockedLoopError):
            box.clock.advance(hours=1)
        leave.set()


def test_a_loop_that_nobody_runs_is_recognised(box: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(own_loop, "IDLE_SECONDS", 0)
    with asyncio.Runner() as runner:
        serving = rude_receiver(ANSWER)
        target = runner.run(serving.__aenter__())
        create_cron(box, target.url)
        with pytest.raises(BlockedLoopError):
            box.clock.advance(weeks=1)
        runner.run(serving.__aexit__(None, None, None))


def look_often(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Let the client look what it waits for all the time; return how often something was waited for, which grows."""
    looks: list[bool] = []
    refuse = own_loop.refuse_own

    def refuse_own(deliveries: Any) -> None:
        awaited = list(deliveries)
        looks.extend([True] * bool(awaited))
        refuse(awaited)

    monkeypatch.setattr("sched_emulator.client.http.LOOK_PAUSES", (0.001, 0.001))
    monkeypatch.setattr("sched_emulator.client.sandbox.refuse_own", refuse_own)
    monkeypatch.setattr(own_loop, "IDLE_SECONDS", 0)
    return looks


async def test_a_slow_receiver_elsewhere_is_waited_for(box: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """A receiver in a thread, one on a loop of another thread: the loop of this thread serves neither."""
    looks = look_often(monkeypatch)

    def answer_when_looked_at(_: Received) -> int:
        seen = len(looks)
        while len(looks) < seen + 2:
            pass
        return 200

    async with rude_receiver(ANSWER):
        with Receiver() as target:
            target.respond(answer_when_looked_at)
            create_cron(box, target.url)
            assert box.clock.advance(weeks=1)["fired"] == 1
        assert len(target.requests) == 1


def test_a_receiver_on_the_loop_of_another_thread_is_waited_for(box: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    looks = look_often(monkeypatch)
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    async def answer_when_looked_at(_: web.Request) -> int:
        seen = len(looks)
        while len(looks) < seen + 2:  # noqa: ASYNC110 - another thread looks
            await asyncio.sleep(0)
        return 200

    serving = receiver(answer_when_looked_at)
    target = asyncio.run_coroutine_threadsafe(serving.__aenter__(), loop).result()
    create_cron(box, target.url)
    assert box.clock.advance(weeks=1)["fired"] == 1
    assert target.paths == ["/"]
    asyncio.run_coroutine_threadsafe(serving.__aexit__(None, None, None), loop).result()
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()
