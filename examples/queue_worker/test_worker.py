"""The worker against the emulated API. When it sleeps, the sandbox's clock moves: nothing waits."""

from collections.abc import Callable
from typing import Any

import pytest
from sched_emulator import Sandbox

from worker import QUEUE, Api, UnusableOrderError, Worker

Json = dict[str, Any]


class Shop:
    """Publishes orders and remembers what was shipped; `ship` is what a worker calls."""

    def __init__(self, box: Sandbox) -> None:
        self.box = box
        self.api = Api(box.base_url, box.api_key)
        self.shipped: dict[str, str] = {}
        self.trouble: Callable[[Json], None] = lambda _order: None

    def order(self, order_id: str, **settings: Any) -> None:
        self.api.post("queue/publish", queue=QUEUE, payload={"order_id": order_id}, **settings)

    def ship(self, order: Json) -> None:
        self.trouble(order)
        self.shipped.setdefault(order["order_id"], f"{self.box.clock.now:%H:%M:%S}")

    def worker(self) -> Worker:
        return Worker(self.api, self.ship, sleep=lambda seconds: self.box.clock.advance(seconds=seconds))

    def work(self, *expected: str) -> None:
        rounds = iter(range(1000))
        self.worker().run(until=lambda: list(self.shipped) == list(expected) or next(rounds, None) is None)
        assert list(self.shipped) == list(expected)

    def dead(self) -> list[str]:
        return [message["payload"]["order_id"] for message in self.api.consume(f"{QUEUE}-dead")]


@pytest.fixture
def shop(sched_emulator: Sandbox) -> Shop:
    shop = Shop(sched_emulator)
    shop.api.create_queue(QUEUE)
    return shop


def test_orders_are_shipped_in_order(shop: Shop) -> None:
    shop.order("o_1")
    shop.order("o_2")
    shop.work("o_1", "o_2")


def test_an_order_for_later_is_shipped_within_a_pause_of_its_time(shop: Shop) -> None:
    shop.order("o_1", delay_seconds=3602)
    shop.work("o_1")
    assert shop.shipped == {"o_1": "01:00:05"}


def test_an_order_that_fails_is_dead_after_three_retries_and_holds_nobody_up(shop: Shop) -> None:
    def out_of_stock(order: Json) -> None:
        if order["order_id"] == "o_1":
            raise LookupError("out of stock")

    shop.trouble = out_of_stock
    shop.order("o_1")
    shop.order("o_2")
    for _ in range(4):
        assert shop.dead() == []
        shop.worker().work_once()
    assert shop.dead() == ["o_1"]
    assert list(shop.shipped) == ["o_2"]


def test_an_unusable_order_is_not_tried_again(shop: Shop) -> None:
    def unusable(_order: Json) -> None:
        raise UnusableOrderError

    shop.trouble = unusable
    shop.order("o_1")
    shop.worker().work_once()
    assert shop.dead() == ["o_1"]


def test_an_order_survives_the_worker_that_had_it(shop: Shop) -> None:
    def power_cut(_order: Json) -> None:
        raise SystemExit

    shop.trouble = power_cut
    shop.order("o_1")
    with pytest.raises(SystemExit):
        shop.worker().work_once()
    shop.trouble = lambda _order: None
    shop.work("o_1")
    assert shop.shipped == {"o_1": "00:01:00"}


def test_an_order_whose_acknowledgement_did_not_arrive_is_shipped_once(shop: Shop) -> None:
    shop.order("o_1")
    shop.box.faults.add("queue.ack", drop=True, times=1)
    worker = shop.worker()
    assert worker.work_once() == 1
    shop.box.clock.advance(minutes=1)
    worker.work_once()
    assert shop.shipped == {"o_1": "00:00:00"}
    assert [request["status"] for request in shop.box.requests("queue.ack")][-1:] == [200]


def test_the_worker_waits_as_long_as_it_is_told(shop: Shop) -> None:
    shop.order("o_1")
    shop.box.faults.add("queue.consume", status=429, retry_after_seconds=7, times=1)
    shop.work("o_1")
    assert shop.shipped == {"o_1": "00:00:07"}


def test_the_worker_waits_longer_each_time_while_the_api_is_down(shop: Shop) -> None:
    shop.order("o_1")
    shop.box.faults.add("queue.consume", status=503, times=4)
    shop.work("o_1")
    assert shop.shipped == {"o_1": "00:00:15"}
