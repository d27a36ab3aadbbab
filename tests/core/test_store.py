import pytest

from sched_emulator.core.store import Store
from tests.core.harness import START_MS, Box

HOOK = "https://api.acme.com/hook"


def test_a_store_gives_back_the_state_that_it_was_made_of(box: Box) -> None:
    box.call("cron.create", task="https://api.acme.com/a", cron_expr="* * * * *")
    box.publish("orders", 1, 2, delay_seconds=1)
    box.consume("orders")
    box.advance(120)
    state = box.store.state()
    assert Store(state).state() == state


def test_a_store_is_untouched_until_a_request_an_event_or_something_due(box: Box) -> None:
    assert box.store.untouched
    box.sandbox.set_balance(3)
    assert box.store.untouched
    box.call("queue.list")
    assert not box.store.untouched


@pytest.mark.parametrize("secret", ["whsec_", "whsec_no base64", "whsec_-_-_"])
def test_a_secret_is_refused_where_the_scheme_in_force_cannot_sign_with_it(secret: str) -> None:
    box = Box({"signature.scheme": "standard-webhooks"})
    box.call("queue.create", queue="orders", type="standard")
    refusal = (400, "`secret` must have base64 behind 'whsec_' where `signature.scheme` is 'standard-webhooks'")
    assert box.refused("task.schedule", task=HOOK, run_at_ms=START_MS, secret=secret) == refusal
    assert box.refused("queue.push_subscribe", queue="orders", url=HOOK, secret=secret) == refusal
    box.call("task.schedule", task=HOOK, run_at_ms=START_MS, secret="whsec_example")  # noqa: S106 - base64 without its padding
    box.sandbox.set_assumptions({"signature.scheme": "x-infrai-signature"})
    box.call("task.schedule", task=HOOK, run_at_ms=START_MS, secret=secret)
    box.sandbox.set_assumptions({"signature.scheme": "standard-webhooks"})
    box.advance(1)  # what was accepted before is signed: the secret itself is the key
    assert [state for _, state in box.states()] == ["succeeded"] * 2
