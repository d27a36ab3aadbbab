import pytest

from sched_emulator.core.dispatch import OPERATIONS
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
