from sched_emulator.core.store import Store
from tests.core.harness import Box


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
