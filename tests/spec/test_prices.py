"""Prices are read from what a gateway says of itself; what is no price is passed over."""

from typing import Any

import pytest

from sched_emulator.spec.prices import Price, read

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
