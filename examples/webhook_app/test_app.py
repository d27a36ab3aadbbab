"""The shop against the emulated API. What is meant for the shop's address in production is led to the test's server."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import test_utils, web
from sched_emulator import Sandbox

from app import API, ORDERS, Settings, create_app, register

SHOP_URL = "https://shop.example.com"

Json = dict[str, Any]


class Shop:
    """The running shop, and the API's side of it."""

    def __init__(self, box: Sandbox, server: test_utils.TestServer) -> None:
        self.box = box.aio
        self.app = server.app
        self.api = server.app[API]
        self.server = server

    @property
    def orders(self) -> list[Json]:
        return list(self.app[ORDERS].values())

    async def mails(self) -> list[Json]:
        consumed = await self.api.post("queue/consume", queue="mails", visibility_timeout=3600)
        return [message["payload"] for message in consumed["messages"]]


@pytest.fixture
def losses() -> list[str]:
    """Paths whose next answer gets lost on the way."""
    return []


@pytest.fixture
async def shop(sched_emulator: Sandbox, losses: list[str]) -> AsyncIterator[Shop]:
    @web.middleware
    async def lose(request: web.Request, handler: Any) -> web.StreamResponse:
        response: web.StreamResponse = await handler(request)
        if request.path in losses:
            losses.remove(request.path)
            raise web.HTTPBadGateway
        return response

    app = create_app(Settings(sched_emulator.base_url, sched_emulator.api_key, SHOP_URL, "s3cret"))
    app.middlewares.append(lose)
    server = test_utils.TestServer(app)
    async with server:
        sched_emulator.routes.set({SHOP_URL: str(server.make_url("")).rstrip("/")})
        await register(app)
        yield Shop(sched_emulator, server)


async def test_an_order_is_pushed_to_the_shop(shop: Shop) -> None:
    await shop.api.post("queue/publish", queue="orders", payload={"order_id": "o_1"})
    await shop.box.clock.settle()
    assert shop.orders == [{"order_id": "o_1"}]


async def test_an_order_that_comes_twice_counts_once(shop: Shop, losses: list[str]) -> None:
    losses.append("/hooks/order")
    await shop.api.post("queue/publish", queue="orders", payload={"order_id": "o_1"})
    await shop.box.clock.advance(minutes=1)
    assert [each["status"] for each in await shop.box.deliveries()] == [502, 200]
    assert shop.orders == [{"order_id": "o_1"}]


async def test_an_order_waits_while_the_shop_is_down(shop: Shop) -> None:
    await shop.box.targets.script(f"{SHOP_URL}/*", "refused")
    await shop.api.post("queue/publish", queue="orders", payload={"order_id": "o_1"})
    await shop.box.clock.advance(seconds=15)
    assert shop.orders == []
    await shop.box.targets.clear()
    await shop.box.clock.advance(minutes=1)
    assert shop.orders == [{"order_id": "o_1"}]


@pytest.mark.parametrize("path", ["/hooks/order", "/hooks/night"])
async def test_a_stranger_is_refused(shop: Shop, path: str) -> None:
    async with test_utils.TestClient(shop.server) as client:
        response = await client.post(path, json={"message_id": "msg_1", "payload": {"order_id": "o_1"}})
        assert response.status == 401
        assert shop.orders == []


async def test_every_night_reports_the_orders_of_its_day(shop: Shop) -> None:
    for order_id in ("o_1", "o_2"):
        await shop.api.post("queue/publish", queue="orders", payload={"order_id": order_id})
    await shop.box.clock.advance(days=2)
    assert [each["at"] for each in await shop.box.deliveries(url="*/hooks/night")] == [
        "2026-01-01T02:00:00.000Z",
        "2026-01-02T02:00:00.000Z",
    ]
    assert await shop.mails() == [{"orders": 2}, {"orders": 0}]


async def test_a_report_that_fails_is_made_later(shop: Shop) -> None:
    await shop.box.faults.add("queue.publish", status=503, times=1)
    await shop.box.clock.advance(hours=3)
    assert [each["status"] for each in await shop.box.deliveries()] == [500, 200]
    assert await shop.mails() == [{"orders": 0}]


async def test_a_restart_registers_nothing_twice(shop: Shop) -> None:
    await register(shop.app)
    await shop.box.clock.advance(days=1)
    assert len(await shop.mails()) == 1
