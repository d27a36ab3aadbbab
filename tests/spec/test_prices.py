"""Prices are read from what a gateway says of itself; what is no price is passed over."""

from typing import Any

import pytest

from sched_emulator.spec.prices import FIRE, Price, read

PUBLISH = "scheduling.queue.publish"


def listed(name: Any = PUBLISH, **billing: Any) -> dict[str, Any]:
    return {"capabilities": [{"id": name, "billing": {"price_usd": 0.001, "unit": "request", **billing}}]}


@pytest.mark.parametrize(
    ("document", "price"),
    [
        (listed(), Price(0.001)),
        (listed("queue.publish"), Price(0.001)),
        (listed(price_usd=1), Price(1.0)),
        (listed(unit="message"), Price(0.001, by_message=True)),
        (listed(unit="per 1 messages"), Price(0.001, by_message=True)),
        (listed(free=True), Price(0.0)),
        (listed(is_billable=False), Price(0.0)),
        (listed(free=False, is_billable=True), Price(0.001)),
    ],
)
def test_a_price_is_read(document: Any, price: Price) -> None:
    assert read(document) == {PUBLISH: price}


@pytest.mark.parametrize("unit", ["run", "runs", "per fire", "1,000 executions", "invocation"])
def test_a_price_of_creating_by_the_run_is_that_of_a_fire(unit: str) -> None:
    assert read(listed("cron.create", unit=unit)) == {FIRE: Price(0.001)}
    assert read(listed("cron.trigger", unit=unit)) == {"scheduling.cron.trigger": Price(0.001)}


def test_a_fire_may_be_priced_by_its_own_name() -> None:
    assert read(listed("cron.fire", unit="request")) == {FIRE: Price(0.001)}


@pytest.mark.parametrize(
    "document",
    [
        None,
        [],
        {},
        {"capabilities": {}},
        {"capabilities": [None, 7, {}, {"id": PUBLISH}, {"id": PUBLISH, "billing": []}]},
        listed("sms.send"),
        listed(["x"]),
        *(listed(price_usd=usd) for usd in (None, "0.1", True, -1, float("nan"), float("inf"), 2e6)),
    ],
)
def test_what_is_no_price_is_passed_over(document: Any) -> None:
    assert read(document) == {}
