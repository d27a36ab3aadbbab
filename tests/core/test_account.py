import json

import pytest

from sched_emulator.core import account, snapshot
from sched_emulator.core.dispatch import OPERATIONS
from sched_emulator.core.records import Fault
from sched_emulator.core.sandbox import Sandbox
from tests.core.harness import START_MS, Box, bound

URL = "https://api.acme.com/hook"
WRITES = sorted(name for name in OPERATIONS if bound(name).facts.charged)


def test_without_a_limit_the_balance_is_a_million(box: Box) -> None:
    assert box.call("account.balance") == {"balance_usd": 1_000_000, "currency": "USD"}


@pytest.mark.parametrize("balance_usd", [0, 0.25, -3, 1e9])
def test_the_balance_is_what_was_set(box: Box, balance_usd: float) -> None:
    box.sandbox.set_balance(balance_usd)
    assert box.call("account.balance") == {"balance_usd": balance_usd, "currency": "USD"}


def test_every_operation_that_changes_something_is_a_write_but_the_top_up() -> None:
    changing = {name for name in OPERATIONS if bound(name).operation.method != "GET"}
    assert set(WRITES) == changing - {"account.topup"}


@pytest.mark.parametrize("operation", WRITES)
@pytest.mark.parametrize("balance_usd", [0, -1])
def test_without_credit_every_write_is_refused(box: Box, operation: str, balance_usd: float) -> None:
    box.sandbox.set_balance(balance_usd)
    assert box.refused(bound(operation).operation.short) == (
        402,
        f"the balance is {balance_usd} USD: this call needs credit",
    )


def test_without_credit_reads_go_on(box: Box) -> None:
    box.publish("q", {})
    box.sandbox.set_balance(0)
    assert box.counts("q") == (1, 0, 0)


def test_without_credit_a_remembered_write_is_refused_as_well(box: Box) -> None:
    box.publish("q", {}, key="k")
    box.sandbox.set_balance(0)
    assert box.status("queue.publish", key="k", queue="q", payload={}) == 402


def test_without_credit_what_was_scheduled_still_happens(box: Box) -> None:
    box.call("task.schedule", task=URL, run_at_ms=START_MS)
    box.sandbox.set_balance(0)
    box.advance()
    assert box.seconds_sent() == [0]


def test_a_top_up_raises_the_balance_and_writes_go_on(box: Box) -> None:
    box.sandbox.set_balance(-0.3)
    assert box.call("account.topup", amount_usd=50.1) == {
        "topup_id": "topup_000001",
        "amount_usd": 50.1,
        "state": "succeeded",
        "checkout_url": "https://checkout.invalid/topup_000001",
    }
    assert box.call("account.balance")["balance_usd"] == 49.8
    assert box.status("queue.publish", queue="q", payload={}) == 200


def test_a_top_up_of_an_unlimited_account_changes_nothing(box: Box) -> None:
    box.call("account.topup", amount_usd=50)
    assert box.call("account.balance")["balance_usd"] == 1_000_000


def test_a_top_up_under_one_key_counts_once(box: Box) -> None:
    box.sandbox.set_balance(0)
    for _ in range(2):
        box.call("account.topup", key="k", amount_usd=5)
    assert box.call("account.balance")["balance_usd"] == 5


# --- What calls cost, where prices are known

PRICES = {
    "scheduling.queue.publish": (0.1, False),
    "scheduling.queue.publish_batch": (0.25, True),
    "scheduling.queue.stats": (0.2, False),
}
THREE = [{"payload": {"n": number}} for number in range(3)]


@pytest.fixture
def priced() -> Box:
    return Box(prices=PRICES)


def test_calls_are_drawn_from_the_balance_and_the_last_that_it_does_not_cover_is_refused(priced: Box) -> None:
    priced.sandbox.set_balance(1.0)
    priced.publish("q", {})
    priced.call("queue.publish_batch", queue="q", messages=THREE)
    priced.call("queue.list")
    assert (priced.store.balance_usd, account.spent_usd(priced.store)) == (0.15, 0.85)
    assert priced.refused("queue.publish_batch", queue="q", messages=THREE) == (
        402,
        "the balance is 0.15 USD: this call costs 0.75 USD",
    )
    priced.publish("q", {})
    assert priced.refused("queue.publish", queue="q", payload={}) == (
        402,
        "the balance is 0.05 USD: this call costs 0.1 USD",
    )
    assert priced.store.spent == {
        "scheduling.queue.publish": (2, 0.2),
        "scheduling.queue.publish_batch": (1, 0.75),
        "scheduling.queue.list": (1, 0.0),
    }


def test_a_read_is_drawn_from_the_balance_and_never_refused(priced: Box) -> None:
    priced.publish("q", {})
    priced.sandbox.set_balance(0.1)
    priced.call("queue.stats", queue="q")
    assert priced.store.balance_usd == -0.1
    assert priced.refused("queue.publish", queue="q", payload={}) == (
        402,
        "the balance is -0.1 USD: this call needs credit",
    )


def test_what_is_refused_or_repeated_costs_nothing_and_a_lost_answer_costs(priced: Box) -> None:
    for _ in range(2):
        priced.call("queue.publish", key="once", queue="q", payload={})
    assert priced.refused("queue.stats", queue="nowhere")[0] == 404
    assert account.spent_usd(priced.store) == 0.1
    priced.sandbox.add_fault(Fault(operation="queue.publish", drop=True, times=1))
    priced.sandbox.add_fault(Fault(operation="queue.publish", drop=True, times=1, after=True))
    for _ in range(2):
        assert priced.refused("queue.publish", queue="q", payload={})[0] == 503
    assert account.spent_usd(priced.store) == 0.2


def test_a_fire_costs_where_it_has_a_price_and_is_never_refused(box: Box) -> None:
    box.store.prices = {"scheduling.cron.create": (0.01, False), account.FIRE: (0.5, False)}
    for name in ("daily", "hourly"):
        box.call("cron.create", name=name, cron_expr="0 0 * * *" if name == "daily" else "0 * * * *", task=URL)
    box.sandbox.set_balance(1)
    box.call("task.schedule", task=URL, run_at_ms=START_MS)
    box.advance(3 * 3600)
    assert box.store.balance_usd == -0.5
    assert box.store.spent == {
        "scheduling.cron.create": (2, 0.02),
        "scheduling.task.schedule": (1, 0.0),
        account.FIRE: (3, 1.5),
    }


@pytest.mark.parametrize(
    ("prices", "usd"),
    [
        ({}, 0),
        ({account.CREATE: (0.01, False)}, 0.01),
        ({account.CREATE: (0.1, False), account.FIRE: (0.2, False)}, 0.7),
    ],
)
def test_a_schedule_costs_its_creation_and_the_fires_that_have_a_price(
    prices: dict[str, tuple[float, bool]], usd: float
) -> None:
    assert account.schedule_usd(prices, 3) == usd


def test_amounts_add_up_exactly_and_are_part_of_the_state(priced: Box) -> None:
    for _ in range(10):
        priced.publish("q", {})
    assert account.spent_usd(priced.store) == 1.0
    state = snapshot.unseal(priced.sandbox.snapshot())
    assert (state.settings.prices, state.spent) == (PRICES, {"scheduling.queue.publish": (10, 1.0)})
    again = Sandbox(state)
    assert again.snapshot() == priced.sandbox.snapshot()
    again.reset()
    assert (account.spent_usd(again.store), again.store.prices) == (1.0, PRICES)
    priced.sandbox.reset()
    assert (account.spent_usd(priced.store), priced.store.prices) == (0, PRICES)


def test_without_prices_a_state_says_nothing_of_them(box: Box) -> None:
    box.sandbox.set_balance(1)
    box.publish("q", {})
    assert (box.store.balance_usd, box.store.spent) == (1, {})
    assert not {"prices", "spent"} & {
        *json.loads(box.sandbox.snapshot()),
        *json.loads(box.sandbox.snapshot())["settings"],
    }


@pytest.mark.parametrize(
    ("usd", "text"), [(0, "0"), (10, "10"), (0.00001, "0.00001"), (-0.5, "-0.5"), (1234567.25, "1234567.25")]
)
def test_an_amount_is_written_without_an_exponent(usd: float, text: str) -> None:
    assert account.plain(usd) == text
