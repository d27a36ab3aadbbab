import asyncio
import inspect
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
import trio
from aiohttp import web

from sched_emulator import Emulator, EmulatorError, Sandbox
from sched_emulator.client import account, aio
from sched_emulator.client import sandbox as handles
from sched_emulator.client.http import Client
from tests.emulated import START, call, create_cron
from tests.receivers import Hold, receiver

MIRRORS: dict[type[Any], type[Any]] = {
    handles.Clock: aio.AsyncClock,
    handles.Targets: aio.AsyncTargets,
    handles.Faults: aio.AsyncFaults,
    account.Account: aio.AsyncAccount,
    handles.Assumptions: aio.AsyncAssumptions,
    handles.Routes: aio.AsyncRoutes,
    handles.Sandbox: aio.AsyncSandbox,
}


@pytest.mark.parametrize("handle", MIRRORS)
def test_every_public_member_has_its_coroutine(handle: type[Any]) -> None:
    def public(kind: type[Any]) -> set[str]:
        return {name for name, _ in inspect.getmembers(kind) if not name.startswith("_")}

    assert public(MIRRORS[handle]) == public(handle) - {"aio"}


async def test_coroutines_do_what_the_methods_do(box: Sandbox) -> None:
    mirror = box.aio
    assert (mirror.base_url, mirror.api_key) == (box.base_url, box.api_key)
    await mirror.targets.script("https://api.acme.com/*", [200])
    create_cron(box)
    assert await mirror.clock.advance(weeks=1) == {"now": "2026-01-08T00:00:00.000Z", "fired": 1, "stopped": "until"}
    assert [entry["outcome"] for entry in await mirror.deliveries(url="*weekly*")] == ["delivered"]
    assert await mirror.clock.now == START + timedelta(weeks=1)
    assert await mirror.clock.mode == "frozen"
    assert await mirror.clock.next_event_at == datetime(2026, 1, 12, 9, tzinfo=UTC)
    await mirror.account.set(5)
    assert (await mirror.account.balance_usd, await mirror.account.get()) == (5, 5)


async def test_a_sandbox_is_forgotten_at_the_end_of_an_async_block_too(emulator: Emulator) -> None:
    before = emulator.health()["sandboxes"]
    async with emulator.sandbox().aio:
        assert emulator.health()["sandboxes"] == before + 1
    assert emulator.health()["sandboxes"] == before


async def test_a_loop_that_serves_the_receiver_may_await_the_advance(box: Sandbox) -> None:
    async with receiver() as target:
        await box.aio.routes.set({"https://api.acme.com": target.url})
        create_cron(box)
        await box.aio.clock.advance(weeks=1)
    assert target.paths == ["/weekly"]
    (delivery,) = box.deliveries()
    assert (delivery["outcome"], delivery["routed_to"]) == ("delivered", f"{target.url}/weekly")


async def test_a_receiver_that_advances_a_frozen_clock_in_its_delivery_is_refused(box: Sandbox) -> None:
    refusals: list[EmulatorError] = []

    async def advance(_request: web.Request) -> int:
        try:
            await box.aio.clock.advance(hours=1)
        except EmulatorError as error:
            refusals.append(error)
        return 200

    async with receiver(advance) as target:
        create_cron(box, target.url)
        moved = await box.aio.clock.advance(weeks=1)
    assert [(error.code, error.retry_after_seconds) for error in refusals] == [("BUSY", 1)]
    assert moved == {"now": "2026-01-08T00:00:00.000Z", "fired": 1, "stopped": "until"}


async def test_an_advance_of_a_running_clock_waits_for_a_receiver(emulator: Emulator) -> None:
    hold = Hold()
    async with receiver(hold) as target, emulator.sandbox(clock="wall").aio as box:
        body = {"task": target.url, "run_at": "2026-01-01T00:00:00Z"}
        await asyncio.to_thread(call, box.handle, "POST", "/task/schedule", body)
        await hold.arrived.wait()
        client = Client(emulator.url, box.api_key)
        with pytest.raises(EmulatorError) as caught:
            await asyncio.to_thread(client.request, "POST", "/_emulator/clock/advance", {"seconds": 60})
        client.close()
        advance = asyncio.create_task(box.clock.advance(seconds=60))
        hold.leave.set()
        moved = await advance
        outcomes = [entry["outcome"] for entry in await box.deliveries()]
    assert (caught.value.code, caught.value.retry_after_seconds) == ("BUSY", 1)
    assert (moved["stopped"], outcomes) == ("until", ["delivered"])


def test_under_trio_the_coroutines_work_too(box: Sandbox) -> None:
    async def pass_a_week() -> tuple[Any, ...]:
        await box.aio.targets.script("https://api.acme.com/*", 200)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(partial(box.aio.clock.advance, weeks=1))
            (delivery,) = await box.aio.wait_for(box.aio.deliveries, within=60)
        return await box.aio.clock.now, await box.aio.account.balance_usd, delivery.outcome

    create_cron(box)
    assert trio.run(pass_a_week) == (START + timedelta(weeks=1), None, "delivered")


def test_under_trio_what_is_cancelled_ends(box: Sandbox) -> None:
    async def give_up() -> bool:
        with trio.move_on_after(0.05) as scope:
            await box.aio.wait_for(lambda: False, within=60)
        return scope.cancelled_caught

    assert trio.run(give_up)


@pytest.mark.parametrize("read", [lambda mirror: mirror.clock.settle(), lambda mirror: mirror.clock.now])
def test_without_a_loop_it_says_what_it_needs(box: Sandbox, read: Callable[[aio.AsyncSandbox], Any]) -> None:
    complaint = r"^box\.aio needs asyncio or trio, and neither runs here; box itself needs no loop$"
    with pytest.raises(RuntimeError, match=complaint):
        read(box.aio).send(None)


async def test_a_condition_is_waited_for_while_the_loop_goes_on(box: Sandbox) -> None:
    box.clock.resume(speed=1000)
    async with receiver() as target:
        create_cron(box, target.url)
        body = {"task": target.url, "run_at": "2026-01-01T00:05:00Z"}
        await asyncio.to_thread(call, box, "POST", "/task/schedule", body)
        assert await box.aio.wait_for(lambda: target.paths, within=60) == ["/"]
        (delivery,) = await box.aio.wait_for(lambda: box.aio.deliveries(url=target.url), within=60)
    assert delivery.kind == "task"
    with pytest.raises(TimeoutError, match=r"^within 0 real seconds the condition .* \(the sandbox's clock runs\)$"):
        await box.aio.wait_for(lambda: None, within=0)
