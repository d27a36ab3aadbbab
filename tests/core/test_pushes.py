from typing import Any

import pytest

from sched_emulator.core.records import Attempt, Outcome
from tests.core.harness import DAY, FAILED, HOUR, OK, Box

HOOK = "https://api.acme.com/orders"
LOCAL = "http://127.0.0.1:9000/orders"
FIRST, SECOND = "msg_000001", "msg_000002"
TIMED_OUT = Outcome(result="timeout", error="no answer within 30 s", duration_ms=30_000)


def subscribe(box: Box, url: str = HOOK, queue: str = "q", **options: Any) -> Any:
    return box.call("queue.push_subscribe", queue=queue, url=url, **options)


def under_way(box: Box, *payloads: Any, **options: Any) -> Attempt:
    """Publish to a queue with a real receiver, and return the first attempt that it has to be sent."""
    box.publish("q", *payloads)
    subscribe(box, LOCAL, **options)
    return box.to_send()


def settle(box: Box, attempt: Attempt, outcome: Outcome) -> None:
    box.sandbox.settle(attempt.attempt_id, outcome)


def pushed(box: Box) -> list[tuple[float, str, int]]:
    """Return the second, the message and the number of each attempt."""
    return [(box.second(entry.at_ms), entry.message_id or "", entry.attempt) for entry in box.store.journal.deliveries]


def note(box: Box, number: int = 0) -> str | None:
    return box.store.journal.deliveries[number].note


LATE = "the message was settled before this attempt ended"


# --- Subscribing


def test_a_subscription_answers_what_it_leads_to(box: Box) -> None:
    box.call("queue.create", queue="q")
    assert subscribe(box) == {"subscription_id": "sub_000001", "queue": "q", "url": HOOK}


@pytest.mark.parametrize(
    "url", ["http://api.acme.com/", "https://10.0.0.1/", "https://user:secret@api.acme.com/", "/orders", "https://"]
)
def test_a_url_that_no_push_may_go_to_is_refused(box: Box, url: str) -> None:
    box.call("queue.create", queue="q")
    status, message = box.refused("queue.push_subscribe", queue="q", url=url)
    assert (status, message.startswith("`url`"), box.store.queues["q"].subscription) == (400, True, None)


def test_messages_that_are_there_and_messages_that_come_are_pushed(box: Box) -> None:
    box.publish("q", 1)
    subscribe(box)
    box.publish("q", 2)
    box.publish("q", 3, delay_seconds=60)
    assert box.sent() == []
    box.advance(60)
    assert pushed(box) == [(0, FIRST, 1), (0, SECOND, 1), (60, "msg_000003", 1)]
    assert (box.store.messages, box.store.deliveries, box.due()) == ({}, {}, [])


def test_a_second_call_replaces_the_subscription(box: Box) -> None:
    box.call("queue.create", queue="q")
    subscribe(box)
    assert subscribe(box, f"{HOOK}/new")["subscription_id"] == "sub_000002"
    box.publish("q", 1)
    box.advance()
    assert [url for _, url, *_ in box.sent()] == [f"{HOOK}/new"]


# --- Success and failure


def test_a_push_that_fails_is_retried_with_backoff_and_counts_as_delayed_between_attempts() -> None:
    box = Box({"queue.stats_delayed": "available"})
    box.script(HOOK, 500, 500, 200)
    box.publish("q", 1)
    subscribe(box)
    box.advance()
    assert (box.counts("q"), box.due()) == ((1, 0, 0), [(10, "message", FIRST)])
    box.advance(HOUR)
    assert pushed(box) == [(0, FIRST, 1), (10, FIRST, 2), (30, FIRST, 3)]
    assert box.counts("q") == (0, 0, 0)


@pytest.mark.parametrize(
    ("of_queue", "of_push", "attempts"),
    [(5, 0, 1), (5, 2, 3), (5, None, 6), (0, None, 1), (None, None, 4), (None, 1, 2)],
)
def test_a_subscriptions_own_retries_win_over_the_queues_and_those_over_the_default(
    box: Box, of_queue: int | None, of_push: int | None, attempts: int
) -> None:
    box.script(HOOK, 500)
    box.call("queue.create", queue="q", max_retries=of_queue)
    box.publish("q", 1)
    subscribe(box, max_retries=of_push)
    box.advance(HOUR)
    assert (len(box.sent()), box.dead("q"), box.store.deliveries) == (attempts, [1], {})


def test_retries_that_a_queue_is_given_later_count_for_its_subscription(box: Box) -> None:
    box.script(HOOK, 500)
    box.publish("q", 1)
    subscribe(box)
    box.call("queue.update", queue="q", max_retries=1)
    box.advance(HOUR)
    assert len(box.sent()) == 2


def test_the_subscriptions_dead_letter_queue_wins_over_the_queues(box: Box) -> None:
    box.script(HOOK, 500)
    for name in ("of_queue", "of_push"):
        box.call("queue.create", queue=name)
    box.call("queue.create", queue="q", dead_letter_queue="of_queue")
    box.publish("q", 1)
    subscribe(box, max_retries=0, dead_letter_queue="of_push")
    box.advance()
    assert (box.consume("of_queue"), box.consume("of_push"), box.dead("q")) == ([], [1], [1])


def test_a_subscription_without_one_uses_the_queues_dead_letter_queue(box: Box) -> None:
    box.script(HOOK, 500)
    box.call("queue.create", queue="dead")
    box.call("queue.create", queue="q", dead_letter_queue="dead")
    box.publish("q", 1)
    subscribe(box, max_retries=0)
    box.advance()
    assert box.consume("dead") == [1]


def test_a_message_that_was_consumed_dies_as_the_queue_says(box: Box) -> None:
    for name in ("of_queue", "of_push"):
        box.call("queue.create", queue=name)
    box.call("queue.create", queue="q", dead_letter_queue="of_queue", max_retries=0)
    box.publish("q", 1)
    subscribe(box, max_retries=5, dead_letter_queue="of_push")
    assert box.consume("q") == [1]
    box.call("queue.nack", queue="q", message_id=FIRST)
    assert box.consume("of_queue") == [1]


def test_a_dead_letter_queue_can_have_a_subscription_of_its_own(box: Box) -> None:
    box.script(HOOK, 500)
    box.call("queue.create", queue="dead")
    subscribe(box, f"{HOOK}/dead", queue="dead")
    box.call("queue.create", queue="q", dead_letter_queue="dead")
    box.publish("q", 1)
    subscribe(box, max_retries=0)
    box.advance()
    assert [(url, outcome) for _, url, _, outcome in box.sent()] == [(HOOK, "failed"), (f"{HOOK}/dead", "captured")]
    assert (box.store.messages, box.dead("q")) == ({}, [])


# --- Leases


@pytest.mark.parametrize(
    ("queue", "subscription", "lease"), [(None, None, 30), (5, None, 5), (5, 7, 7), (None, 1.5, 1.5)]
)
def test_the_time_limit_of_a_push_is_its_lease(
    box: Box, queue: float | None, subscription: float | None, lease: float
) -> None:
    box.call("queue.create", queue="q", visibility_timeout_default=queue)
    attempt = under_way(box, 1, visibility_timeout=subscription)
    assert (attempt.timeout_ms, box.due()) == (1000 * lease, [(lease, "lease", FIRST)])


def test_a_push_that_takes_too_long_fails_when_its_lease_ends(box: Box) -> None:
    box.script(HOOK, {"error": "timeout"}, 200)
    box.publish("q", 1)
    subscribe(box)
    box.advance(29.999)
    assert box.counts("q") == (0, 1, 0)
    box.advance(HOUR)
    assert [(second, outcome) for second, *_, outcome in box.sent()] == [(0, "timeout"), (40, "delivered")]


def test_a_lease_that_ends_before_the_answer_decides(box: Box) -> None:
    attempt = under_way(box, 1, max_retries=0)
    box.advance(30)
    assert (box.counts("q"), box.dead("q")) == ((0, 0, 1), [1])
    settle(box, attempt, OK)
    assert (box.dead("q"), box.sent()) == ([1], [(0, LOCAL, 1, "delivered")])
    assert note(box) == LATE


def test_a_timeout_of_the_edge_and_the_end_of_the_lease_count_once(box: Box) -> None:
    attempt = under_way(box, 1, max_retries=1)
    settle(box, attempt, TIMED_OUT)
    retried = box.to_send(HOUR)
    assert pushed(box) == [(0, FIRST, 1), (40, FIRST, 2)]
    settle(box, retried, OK)
    assert box.store.messages == {}


# --- Acks, nacks and all that may happen in the middle of a delivery


@pytest.mark.parametrize("outcome", [OK, FAILED, TIMED_OUT])
def test_a_receiver_that_acks_its_own_message_settles_it(box: Box, outcome: Outcome) -> None:
    attempt = under_way(box, 1)
    assert box.call("queue.ack", queue="q", message_id=FIRST) == {"message_id": FIRST, "acked": True}
    settle(box, attempt, outcome)
    box.advance(HOUR)
    assert (pushed(box), box.store.messages, note(box)) == ([(0, FIRST, 1)], {}, LATE)
    assert box.store.journal.deliveries[0].outcome == outcome.result


def test_a_receiver_that_nacks_its_own_message_has_it_again(box: Box) -> None:
    first = under_way(box, 1)
    assert box.call("queue.nack", queue="q", message_id=FIRST)["requeued"]
    second = box.to_send()
    assert pushed(box) == [(0, FIRST, 1), (0, FIRST, 2)]
    assert first.headers["X-Infrai-Delivery-Id"] == second.headers["X-Infrai-Delivery-Id"]
    settle(box, first, OK)
    assert (box.counts("q"), note(box)) == ((0, 1, 0), LATE)
    settle(box, second, OK)
    assert (box.store.messages, note(box, 1)) == ({}, None)


def test_a_nack_in_mid_delivery_counts_by_the_subscription(box: Box) -> None:
    box.call("queue.create", queue="dead")
    attempt = under_way(box, 1, max_retries=0, dead_letter_queue="dead")
    assert box.call("queue.nack", queue="q", message_id=FIRST, requeue=True)["requeued"] is False
    settle(box, attempt, OK)
    assert (box.consume("dead"), note(box)) == ([1], LATE)


@pytest.mark.parametrize("outcome", [OK, FAILED])
def test_a_purge_in_mid_delivery_loses_nothing_else(box: Box, outcome: Outcome) -> None:
    attempt = under_way(box, 1)
    box.call("queue.purge", queue="q")
    box.publish("q", 2)
    settle(box, attempt, outcome)
    settle(box, box.to_send(), OK)
    box.advance(HOUR)
    assert (pushed(box), box.store.messages) == ([(0, FIRST, 1), (0, SECOND, 1)], {})


@pytest.mark.parametrize("kind", ["standard", "fifo"])
def test_a_queue_deleted_and_made_again_in_mid_delivery_does_nothing_twice(box: Box, kind: str) -> None:
    box.call("queue.create", queue="q", type=kind)
    attempt = under_way(box, 1)
    box.call("queue.delete", queue="q")
    box.call("queue.create", queue="q", type=kind)
    box.publish("q", 2)
    subscribe(box)
    box.advance()
    assert len(box.sent()) == (1 if kind == "fifo" else 2)
    settle(box, attempt, FAILED)
    box.advance(HOUR)
    assert (pushed(box), box.store.messages, note(box)) == ([(0, FIRST, 1), (0, SECOND, 1)], {}, LATE)


def test_an_answer_for_a_queue_that_is_gone_is_only_noted(box: Box) -> None:
    attempt = under_way(box, 1)
    box.call("queue.delete", queue="q")
    settle(box, attempt, OK)
    assert (box.store.contents, note(box)) == ({}, LATE)


def test_a_redrive_in_mid_delivery_takes_the_message_back(box: Box) -> None:
    box.call("queue.create", queue="q")
    box.call("queue.create", queue="origin", dead_letter_queue="q")
    box.publish("origin", 1)
    box.consume("origin")
    box.call("queue.nack", queue="origin", message_id=FIRST, requeue=False)
    subscribe(box, LOCAL)
    attempt = box.to_send()
    assert box.call("queue.dlq.redrive", queue="origin")["redriven"] == 1
    settle(box, attempt, OK)
    assert (box.consume("origin"), box.counts("q"), note(box)) == ([1], (0, 0, 0), LATE)


@pytest.mark.parametrize("outcome", [OK, FAILED])
def test_a_new_subscription_in_mid_delivery_takes_over_from_the_next_attempt(box: Box, outcome: Outcome) -> None:
    attempt = under_way(box, 1)
    subscribe(box, f"{HOOK}/new", secret="s3cret")  # noqa: S106 - a secret for tests
    settle(box, attempt, outcome)
    box.advance(HOUR)
    later = [] if outcome is OK else [(10, f"{HOOK}/new", 1, "captured")]
    assert box.sent() == [(0, LOCAL, 1, outcome.result), *later]
    assert (box.store.messages, box.store.deliveries) == ({}, {})


def test_a_message_consumed_between_attempts_is_pushed_no_more(box: Box) -> None:
    box.script(HOOK, 500)
    box.publish("q", 1)
    subscribe(box)
    box.advance(9)
    assert box.consume("q") == []
    box.sandbox.set_assumptions({"push.concurrency": 1})
    box.advance(1)
    box.script(HOOK, {"latency_seconds": 5})
    box.publish("q", 2, 3)
    box.advance()
    assert box.consume("q") == [3]
    box.call("queue.ack", queue="q", message_id="msg_000003")
    box.advance(HOUR)
    assert pushed(box) == [(0, FIRST, 1), (10, FIRST, 2), (10, SECOND, 1), (30, FIRST, 3)]


# --- Order and concurrency


def test_a_standard_queue_pushes_several_side_by_side_and_no_more() -> None:
    box = Box({"push.concurrency": 2})
    box.script(HOOK, {"latency_seconds": 5})
    box.publish("q", 1, 2, 3, 4, 5)
    subscribe(box)
    box.advance(HOUR)
    assert box.seconds_sent() == [0, 0, 5, 5, 10]


def test_a_fifo_queue_pushes_strictly_one_after_another(box: Box) -> None:
    box.script(HOOK, {"latency_seconds": 5}, {"status": 500}, 200)
    box.call("queue.create", queue="q", type="fifo")
    box.publish("q", 1, 2, 3)
    subscribe(box)
    box.advance(HOUR)
    assert pushed(box) == [(0, FIRST, 1), (5, SECOND, 1), (15, SECOND, 2), (15, "msg_000003", 1)]


def test_a_push_that_waits_to_retry_holds_back_later_ones_of_a_fifo_queue() -> None:
    box = Box({"queue.fifo_delayed": "pass"})
    box.script(HOOK, 500, 200)
    box.call("queue.create", queue="q", type="fifo")
    box.publish("q", 1, 2)
    subscribe(box)
    box.advance(HOUR)
    assert pushed(box) == [(0, FIRST, 1), (10, FIRST, 2), (10, SECOND, 1)]


@pytest.mark.parametrize("settled", ["ack", "nack", "lease"])
def test_a_fifo_queue_waits_until_message_and_attempt_have_both_ended(box: Box, settled: str) -> None:
    box.call("queue.create", queue="q", type="fifo")
    attempt = under_way(box, 1, 2, max_retries=0)
    if settled == "lease":
        box.advance(30)
    else:
        box.call(f"queue.{settled}", queue="q", message_id=FIRST)
    assert box.due() == []
    box.advance(1)
    settle(box, attempt, OK)
    assert box.to_send().owner_id == SECOND


def test_a_fifo_queue_does_not_push_past_a_consumers_lease(box: Box) -> None:
    box.call("queue.create", queue="q", type="fifo")
    box.publish("q", 1, 2)
    box.consume("q", max_messages=1, visibility_timeout=5)
    subscribe(box)
    box.advance(4)
    assert box.sent() == []
    box.advance(1)
    assert pushed(box) == [(5, FIRST, 1), (5, SECOND, 1)]


@pytest.mark.parametrize("answer", ["block", "allow"])
def test_one_push_at_a_time_holds_for_a_fifo_under_either_answer(answer: str) -> None:
    box = Box({"queue.fifo_in_flight": answer})
    box.script(HOOK, {"latency_seconds": 5})
    box.call("queue.create", queue="q", type="fifo")
    box.publish("q", 1, 2)
    subscribe(box)
    box.advance(HOUR)
    assert box.seconds_sent() == [0, 5]


def test_pushes_go_by_priority(box: Box) -> None:
    box.call("queue.create", queue="q", enable_priority=True)
    for payload, priority in [(1, 1), (2, 9)]:
        box.publish("q", payload, priority=priority)
    subscribe(box)
    box.advance()
    assert [message_id for _, message_id, _ in pushed(box)] == [SECOND, FIRST]


def test_what_a_consumer_takes_before_the_push_is_not_pushed(box: Box) -> None:
    box.publish("q", 1)
    subscribe(box)
    assert (box.consume("q"), box.due()) == ([1], [(30, "lease", FIRST)])
    box.advance(30)
    assert pushed(box) == [(30, FIRST, 1)]


# --- Bodies and retention


@pytest.mark.parametrize(
    ("answer", "body"),
    [
        ("message", '{{"message_id":"msg_000001","queue":"q","payload":{{"n":1}},"attempt":{}}}'),
        ("payload", '{{"n":1}}'),
    ],
)
def test_the_body_of_each_attempt(answer: str, body: str) -> None:
    box = Box({"push.body": answer})
    first = under_way(box, {"n": 1})
    settle(box, first, FAILED)
    assert [first.body, box.to_send(10).body] == [body.format(1), body.format(2)]


def test_retention_ends_a_message_in_mid_delivery(box: Box) -> None:
    box.call("queue.create", queue="q", message_retention_days=1)
    box.publish("q", 1)
    box.advance(DAY - 1)
    subscribe(box, LOCAL)
    attempt = box.to_send()
    box.advance(1)
    settle(box, attempt, FAILED)
    assert (box.store.messages, box.due(), note(box)) == ({}, [], LATE)
