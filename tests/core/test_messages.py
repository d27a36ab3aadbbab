from typing import Any

import pytest

from tests.core.harness import DAY, HOUR, START_MS, Box

FIRST, SECOND, THIRD = "msg_000001", "msg_000002", "msg_000003"


def ack(box: Box, message_id: str = FIRST, queue: str = "q") -> int:
    return box.status("queue.ack", queue=queue, message_id=message_id)


def nack(box: Box, message_id: str = FIRST, *, requeue: bool | None = None, queue: str = "q") -> bool:
    requeued: bool = box.call("queue.nack", queue=queue, message_id=message_id, requeue=requeue)["requeued"]
    return requeued


# --- Publishing and consuming


def test_a_message_is_handed_out_with_all_that_is_known_of_it(box: Box) -> None:
    assert box.call("queue.publish", queue="q", payload={"n": 1}, priority=5) == {"message_id": FIRST}
    box.advance(1)
    message = {"message_id": FIRST, "payload": {"n": 1}, "attempts": 1, "published_at": START_MS, "priority": 5}
    assert box.call("queue.consume", queue="q") == {"messages": [message]}
    assert box.call("queue.consume", queue="q") == {"messages": []}
    box.advance(30)
    assert box.call("queue.consume", queue="q") == {"messages": [{**message, "attempts": 2}]}


def test_messages_come_in_the_order_of_publishing(box: Box) -> None:
    box.publish("q", 1, 2)
    box.call("queue.publish_batch", queue="q", messages=[{"payload": 3}, {"payload": 4}])
    box.publish("q", 5)
    assert [box.consume("q", max_messages=2) for _ in range(3)] == [[1, 2], [3, 4], [5]]


@pytest.mark.parametrize(
    "payload",
    [
        {},
        [],
        "text",
        None,
        0,
        False,
        2**63,
        -(10**400),
        0.1,
        {"ü": ["\u0000", "\U0001f600", {"deep": [[[[1]]]]}]},
    ],
)
def test_a_payload_comes_back_as_it_was(box: Box, payload: Any) -> None:
    box.publish("q", payload)
    box.restore(box.sandbox.snapshot())
    assert box.consume("q") == [payload]
    nack(box, requeue=False)
    assert box.dead("q") == [payload]


def test_a_batch_answers_the_ids_in_order_and_each_item_has_its_own_delay_and_priority(box: Box) -> None:
    box.call("queue.create", queue="q", enable_priority=True)
    items = [{"payload": 1}, {"payload": 2, "priority": 1}, {"payload": 3, "delay_seconds": 5, "priority": 9}]
    answer = box.call("queue.publish_batch", queue="q", messages=items)
    assert answer == {"message_ids": [FIRST, SECOND, THIRD]}
    assert box.consume("q") == [2, 1]
    box.advance(5)
    assert box.consume("q") == [3]


def test_an_empty_batch_publishes_nothing(box: Box) -> None:
    assert box.call("queue.publish_batch", queue="q", messages=[]) == {"message_ids": []}
    assert box.counts("q") == (0, 0, 0)


def test_a_batch_with_one_message_too_large_publishes_none() -> None:
    box = Box({"limits.message_bytes": 7})
    assert box.refused("queue.publish_batch", queue="q", messages=[{"payload": {}}, {"payload": "123456"}]) == (
        413,
        "`messages[1].payload` must be at most 7 bytes of compact JSON, got 8",
    )
    assert (box.store.messages, box.store.queues) == ({}, {})


@pytest.mark.parametrize(("payload", "size"), [({"a": 1, "b": [1, 2]}, 17), ("é", 4), ("\n", 4), ("😀", 6), ("/", 3)])
def test_the_size_counts_the_bytes_of_the_compact_payload(payload: Any, size: int) -> None:
    assert Box({"limits.message_bytes": size}).status("queue.publish", queue="q", payload=payload) == 200
    assert Box({"limits.message_bytes": size - 1}).refused("queue.publish", queue="q", payload=payload) == (
        413,
        f"`payload` must be at most {size - 1} bytes of compact JSON, got {size}",
    )


def test_publishing_makes_a_plain_queue(box: Box) -> None:
    box.publish("q", 1)
    assert box.call("queue.get", queue="q") == {
        "queue": "q",
        "type": "standard",
        "max_retries": 3,
        "visibility_timeout_default_ms": 30_000,
    }


@pytest.mark.parametrize("operation", ["consume", "ack", "nack", "dlq.list", "dlq.redrive"])
def test_an_unknown_queue_is_not_found(operation: str) -> None:
    box = Box({"queue.ack_unknown": "accept"})
    assert box.refused(f"queue.{operation}", **_arguments(operation)) == (404, "queue 'q' not found")


def _arguments(operation: str) -> dict[str, str]:
    return {"queue": "q", "message_id": FIRST} if operation in {"ack", "nack"} else {"queue": "q"}


# --- Delays


@pytest.mark.parametrize(("delay_seconds", "second"), [(0.0004, 0), (0.001, 0.001), (1.5, 1.5), (604_800, 604_800)])
def test_a_delay_is_kept_to_the_millisecond(box: Box, delay_seconds: float, second: float) -> None:
    box.publish("q", 1, delay_seconds=delay_seconds)
    if second:
        assert box.due() == [(second, "message", FIRST)]
        box.advance(second - 0.001)
        assert box.consume("q") == []
        box.advance(0.001)
    assert box.consume("q") == [1]


def test_a_message_keeps_its_turn_however_long_it_is_delayed(box: Box) -> None:
    box.publish("q", 1, delay_seconds=5)
    box.publish("q", 2, 3)
    box.advance(5)
    assert box.consume("q") == [1, 2, 3]


# --- Priorities


def test_higher_priorities_come_first_and_equal_ones_in_order(box: Box) -> None:
    box.call("queue.create", queue="q", enable_priority=True)
    for payload, priority in [("a", 1), ("b", 9), ("c", None), ("d", 9), ("e", -1), ("f", 0)]:
        box.publish("q", payload, priority=priority)
    assert box.consume("q") == ["b", "d", "a", "c", "f", "e"]


def test_lower_priorities_can_come_first() -> None:
    box = Box({"queue.priority_order": "low_first"})
    box.call("queue.create", queue="q", enable_priority=True)
    for payload, priority in [("a", 1), ("b", 9), ("c", None), ("d", -5)]:
        box.publish("q", payload, priority=priority)
    assert box.consume("q") == ["d", "c", "a", "b"]


def test_a_requeued_message_keeps_its_priority_at_either_place() -> None:
    for answer, order in (("front", [1, 2, 3]), ("back", [2, 1, 3])):
        box = Box({"queue.nack_position": answer})
        box.call("queue.create", queue="q", enable_priority=True)
        for payload, priority in [(1, 9), (2, 9), (3, 1)]:
            box.publish("q", payload, priority=priority)
        box.consume("q", max_messages=1)
        nack(box)
        assert box.consume("q") == order


@pytest.mark.parametrize("answers", [{}, {"queue.priority_off": "honour"}])
def test_a_fifo_queue_ignores_priorities(answers: dict[str, str]) -> None:
    box = Box(answers)
    box.call("queue.create", queue="q", type="fifo", enable_priority=True)
    for payload, priority in [(1, 1), (2, 9)]:
        box.publish("q", payload, priority=priority)
    assert box.consume("q") == [1, 2]


# --- FIFO


@pytest.fixture
def fifo(box: Box) -> Box:
    box.call("queue.create", queue="q", type="fifo", max_retries=9)
    box.publish("q", 1, 2, 3, 4)
    return box


def test_one_consume_takes_several_in_a_row(fifo: Box) -> None:
    assert fifo.consume("q", max_messages=3) == [1, 2, 3]


def test_nothing_is_handed_out_while_an_earlier_one_is_in_flight(fifo: Box) -> None:
    fifo.consume("q", max_messages=2)
    ack(fifo, FIRST)
    assert fifo.consume("q") == []
    ack(fifo, SECOND)
    assert fifo.consume("q") == [3, 4]


def test_a_later_one_in_flight_does_not_hold_back_an_earlier_one(fifo: Box) -> None:
    fifo.consume("q", max_messages=3)
    nack(fifo, FIRST)
    assert fifo.consume("q") == [1]
    nack(fifo, SECOND)
    assert fifo.consume("q") == []
    ack(fifo, FIRST)
    assert fifo.consume("q") == [2]


@pytest.mark.parametrize("position", ["front", "back"])
def test_a_requeued_message_keeps_its_place(position: str) -> None:
    box = Box({"queue.nack_position": position})
    box.call("queue.create", queue="q", type="fifo")
    box.publish("q", 1, 2)
    box.consume("q", max_messages=1)
    nack(box)
    assert box.consume("q") == [1, 2]


def test_a_message_whose_lease_ran_out_keeps_its_place(fifo: Box) -> None:
    fifo.consume("q", max_messages=2, visibility_timeout=5)
    fifo.advance(5)
    assert fifo.consume("q") == [1, 2, 3, 4]


def test_a_message_that_waits_to_retry_holds_back_later_ones() -> None:
    box = Box({"queue.nack_delay": "backoff", "queue.fifo_delayed": "pass"})
    box.call("queue.create", queue="q", type="fifo")
    box.publish("q", 1, 2)
    box.consume("q", max_messages=1)
    nack(box)
    assert (box.consume("q"), box.counts("q")) == ([], (1, 0, 0))
    box.advance(10)
    assert box.consume("q") == [1, 2]


def test_a_dead_or_acked_message_holds_back_nobody(fifo: Box) -> None:
    fifo.consume("q", max_messages=2)
    nack(fifo, FIRST, requeue=False)
    ack(fifo, SECOND)
    assert fifo.consume("q") == [3, 4]


def test_an_earlier_delayed_message_holds_back_later_ones_only(box: Box) -> None:
    box.call("queue.create", queue="q", type="fifo")
    box.publish("q", 1)
    box.publish("q", 2, delay_seconds=60)
    box.publish("q", 3)
    assert box.consume("q") == [1]
    box.advance(60)
    ack(box, FIRST)
    assert box.consume("q") == [2, 3]


# --- Leases


@pytest.mark.parametrize("lease", [1, 1.5, 43_200])
def test_a_lease_ends_to_the_millisecond(box: Box, lease: float) -> None:
    box.publish("q", 1)
    box.consume("q", visibility_timeout=lease)
    box.advance(lease - 0.001)
    assert box.counts("q") == (0, 1, 0)
    box.advance(0.001)
    assert (box.counts("q"), box.consume("q")) == ((1, 0, 0), [1])


def test_an_earlier_holders_ack_counts_while_the_message_is_in_flight_and_the_journal_says_so(box: Box) -> None:
    box.publish("q", 1)
    box.consume("q", visibility_timeout=1)
    box.advance(1)
    box.consume("q")
    assert (ack(box), box.store.messages) == (200, {})
    assert box.store.journal.requests[-1].note == (
        f"{FIRST} was handed out 2 times: an earlier holder may have acked it"
    )


def test_an_ordinary_ack_needs_no_note(box: Box) -> None:
    box.publish("q", 1)
    box.consume("q")
    assert box.call("queue.ack", queue="q", message_id=FIRST) == {"message_id": FIRST, "acked": True}
    assert box.store.journal.requests[-1].note is None
    assert (box.counts("q"), box.due()) == ((0, 0, 0), [])


def test_a_late_ack_can_be_refused_with_what_to_do() -> None:
    box = Box({"queue.ack_expired": "reject"})
    box.publish("q", 1)
    box.consume("q", visibility_timeout=1)
    box.advance(1)
    assert box.refused("queue.ack", queue="q", message_id=FIRST) == (
        409,
        f"the lease of message '{FIRST}' has run out",
    )
    assert box.counts("q") == (1, 0, 0)


@pytest.mark.parametrize("operation", ["ack", "nack"])
@pytest.mark.parametrize("case", ["available", "delayed", "gone", "elsewhere", "dead"])
def test_what_is_not_in_flight_is_not_found(box: Box, operation: str, case: str) -> None:
    box.publish("other", 1)
    box.publish("q", 2, delay_seconds=60 if case == "delayed" else 0)
    if case == "gone":
        box.consume("q")
        ack(box, SECOND)
    if case == "dead":
        box.consume("q")
        nack(box, SECOND, requeue=False)
    if case == "elsewhere":
        box.consume("other")
    message_id = FIRST if case == "elsewhere" else SECOND
    assert box.refused(f"queue.{operation}", queue="q", message_id=message_id) == (
        404,
        f"message in flight '{message_id}' not found",
    )


@pytest.mark.parametrize(("requeue", "requeued"), [(True, True), (False, False), (None, True)])
def test_a_nack_of_nothing_can_succeed_and_change_nothing(requeue: bool | None, requeued: bool) -> None:  # noqa: FBT001 - columns
    box = Box({"queue.ack_unknown": "accept"})
    box.publish("q", 1)
    assert box.call("queue.nack", queue="q", message_id=FIRST, requeue=requeue) == {
        "message_id": FIRST,
        "nacked": True,
        "requeued": requeued,
    }
    assert box.call("queue.ack", queue="q", message_id=FIRST) == {"message_id": FIRST, "acked": True}
    assert box.counts("q") == (1, 0, 0)


# --- Nacks and death


@pytest.mark.parametrize(
    ("counts", "max_retries", "requeued"),
    [
        ("allowed", 0, [False]),
        ("allowed", 1, [True, False]),
        ("allowed", 3, [True, True, True, False]),
        ("total", 0, [False]),
        ("total", 1, [False]),
        ("total", 3, [True, True, False]),
    ],
)
def test_which_nack_makes_a_message_dead(counts: str, max_retries: int, requeued: list[bool]) -> None:
    box = Box({"queue.max_retries_counts": counts})
    box.call("queue.create", queue="q", max_retries=max_retries)
    box.publish("q", 1)
    seen = []
    while box.consume("q"):
        seen.append(nack(box, requeue=True))
    assert (seen, box.dead("q")) == (requeued, [1])


def test_expired_leases_can_count_among_the_nacks() -> None:
    box = Box({"queue.expiry_counts": "counted"})
    box.call("queue.create", queue="q", max_retries=2)
    box.publish("q", 1)
    box.consume("q", visibility_timeout=1)
    box.advance(1)
    box.consume("q")
    assert nack(box)
    box.consume("q", visibility_timeout=1)
    box.advance(1)
    assert (box.consume("q"), box.dead("q")) == ([], [1])


def test_the_backoff_of_nacks_grows_with_them() -> None:
    box = Box({"queue.nack_delay": "backoff"})
    box.publish("q", 1)
    waits = []
    while box.consume("q"):
        if nack(box):
            waits.append(box.due()[0][0] - box.second())
            box.advance(waits[-1])
    assert (waits, box.dead("q")) == ([10, 20, 40], [1])


def test_a_backoff_of_no_time_is_no_delay() -> None:
    box = Box({"queue.nack_delay": "backoff", "delivery.backoff": "immediate"})
    box.publish("q", 1)
    box.consume("q")
    nack(box)
    assert box.consume("q") == [1]


def test_a_dead_message_is_available_in_the_dead_letter_queue_and_counted_by_both(box: Box) -> None:
    dead_letter(box)
    assert (box.counts("q"), box.counts("dead")) == ((0, 0, 1), (1, 0, 1))
    assert box.consume("dead") == [1]
    assert (box.counts("q"), box.counts("dead")) == ((0, 0, 1), (0, 1, 1))
    assert ack(box, queue="q") == 404
    assert ack(box, queue="dead") == 200
    assert (box.counts("q"), box.counts("dead"), box.dead("q")) == ((0, 0, 0), (0, 0, 0), [])


def dead_letter(box: Box, **settings: Any) -> None:
    """Let a message of the queue `q` die into the queue `dead`."""
    box.call("queue.create", queue="dead", **settings)
    box.call("queue.create", queue="q", dead_letter_queue="dead", max_retries=0)
    box.publish("q", 1)
    box.consume("q")
    nack(box)


def test_a_held_dead_message_is_reached_by_list_and_redrive_only() -> None:
    box = Box({"queue.dlq_consumable": "held"})
    dead_letter(box)
    assert (box.counts("dead"), box.consume("dead"), ack(box, queue="dead")) == ((0, 0, 1), [], 404)
    assert (box.dead("q"), box.dead("dead")) == ([1], [1])
    assert box.call("queue.dlq.redrive", queue="dead") == {"queue": "dead", "redriven": 1}
    assert box.consume("q") == [1]


def test_a_message_that_dies_again_moves_on_and_is_still_its_origins(box: Box) -> None:
    box.call("queue.create", queue="deader")
    dead_letter(box, dead_letter_queue="deader", max_retries=0)
    box.advance(60)
    box.consume("dead")
    nack(box, queue="dead")
    assert [box.dead(name) for name in ("q", "dead", "deader")] == [[1], [], [1]]
    assert [box.counts(name) for name in ("q", "dead", "deader")] == [(0, 0, 1), (0, 0, 0), (1, 0, 1)]
    assert box.store.messages[FIRST].died_ms == START_MS + 60_000
    assert box.call("queue.dlq.redrive", queue="deader")["redriven"] == 1
    assert box.consume("q") == [1]


def test_a_message_that_dies_in_a_dead_letter_queue_without_one_stays_there(box: Box) -> None:
    dead_letter(box, max_retries=0)
    box.consume("dead")
    nack(box, queue="dead")
    assert (box.counts("dead"), box.consume("dead"), box.dead("q")) == ((0, 0, 1), [], [1])


def test_two_queues_can_be_each_others_dead_letter_queue(box: Box) -> None:
    dead_letter(box, max_retries=0)
    box.call("queue.update", queue="dead", dead_letter_queue="q")
    box.consume("dead")
    nack(box, queue="dead")
    assert (box.counts("q"), box.counts("dead"), box.consume("q")) == ((1, 0, 1), (0, 0, 0), [1])


def test_a_dropped_dead_message_is_gone(box: Box) -> None:
    box.sandbox.set_assumptions({"queue.dead_without_dlq": "dropped"})
    box.publish("q", 1)
    box.consume("q")
    nack(box, requeue=False)
    assert (box.store.messages, box.counts("q"), box.due()) == ({}, (0, 0, 0), [])


# --- Dead letters: list and redrive


def three_dead(box: Box) -> None:
    """Let three messages die, a minute apart, the last published first."""
    box.publish("q", 1, 2, 3)
    box.consume("q", visibility_timeout=HOUR)
    for message_id in (THIRD, SECOND, FIRST):
        nack(box, message_id, requeue=False)
        box.advance(60)


def test_dead_letters_are_listed_in_the_order_of_their_death(box: Box) -> None:
    three_dead(box)
    page = box.call("queue.dlq.list", queue="q", limit=2)
    assert page["items"][0] == {"message_id": THIRD, "payload": 3, "attempts": 1, "published_at": START_MS}
    rest = box.call("queue.dlq.list", queue="q", limit=2, cursor=page["next_cursor"])
    assert [[item["payload"] for item in part["items"]] for part in (page, rest)] == [[3, 2], [1]]
    assert "next_cursor" not in rest


@pytest.mark.parametrize(
    ("chosen", "redriven"),
    [
        ({}, [3, 2, 1]),
        ({"message_id": SECOND}, [2]),
        ({"message_id": SECOND, "since_ms": START_MS + HOUR, "max_messages": 0}, [2]),
        ({"since_ms": START_MS}, [3, 2, 1]),
        ({"since_ms": START_MS + 60_000}, [2, 1]),
        ({"since_ms": START_MS + 60_001}, [1]),
        ({"since_ms": START_MS + 120_001}, []),
        ({"max_messages": 2}, [3, 2]),
        ({"since_ms": START_MS + 60_000, "max_messages": 1}, [2]),
        ({"max_messages": 99}, [3, 2, 1]),
    ],
)
def test_redrive_brings_back_what_it_was_asked_for(box: Box, chosen: dict[str, Any], redriven: list[int]) -> None:
    three_dead(box)
    assert box.call("queue.dlq.redrive", queue="q", **chosen) == {"queue": "q", "redriven": len(redriven)}
    assert box.consume("q") == redriven
    assert box.dead("q") == [payload for payload in (3, 2, 1) if payload not in redriven]


@pytest.mark.parametrize("message_id", ["msg_000009", FIRST])
def test_a_redrive_of_what_is_not_dead_is_not_found(box: Box, message_id: str) -> None:
    box.publish("q", 1)
    assert box.refused("queue.dlq.redrive", queue="q", message_id=message_id) == (
        404,
        f"dead letter '{message_id}' not found",
    )


def test_a_redriven_message_stands_at_the_end_with_no_nacks_and_keeps_its_id(box: Box) -> None:
    box.call("queue.create", queue="q", max_retries=1)
    box.publish("q", 1)
    for _ in range(2):
        box.consume("q")
        nack(box, requeue=True)
    box.publish("q", 2)
    box.advance(60)
    box.call("queue.dlq.redrive", queue="q")
    assert [message["message_id"] for message in box.call("queue.consume", queue="q")["messages"]] == [SECOND, FIRST]
    assert nack(box, requeue=True)


def test_retention_of_a_redriven_message_counts_anew(box: Box) -> None:
    box.call("queue.create", queue="q", message_retention_days=2)
    box.publish("q", 1)
    box.consume("q")
    nack(box, requeue=False)
    box.advance(DAY)
    box.call("queue.dlq.redrive", queue="q")
    box.advance(2 * DAY - 1)
    assert box.counts("q") == (1, 0, 0)
    box.advance(1)
    assert box.counts("q") == (0, 0, 0)


@pytest.mark.parametrize("chosen", [{}, {"message_id": FIRST}, {"since_ms": START_MS}, {"max_messages": 1}])
def test_a_dead_letter_that_a_consumer_holds_is_left_until_its_lease_is_over(box: Box, chosen: dict[str, Any]) -> None:
    dead_letter(box)
    box.consume("dead", visibility_timeout=60)
    assert box.call("queue.dlq.redrive", queue="q", **chosen) == {"queue": "q", "redriven": 0}
    assert (box.consume("q"), box.counts("dead")) == ([], (0, 1, 1))
    box.advance(60)
    assert box.call("queue.dlq.redrive", queue="q", **chosen) == {"queue": "q", "redriven": 1}
    assert box.consume("q") == [1]


def test_a_held_dead_letter_does_not_count_among_the_most_that_are_redriven(box: Box) -> None:
    dead_letter(box)
    box.consume("dead", visibility_timeout=60)
    [second] = box.publish("q", 2)
    box.consume("q")
    nack(box, second, requeue=False)
    assert box.call("queue.dlq.redrive", queue="q", max_messages=1)["redriven"] == 1
    assert box.consume("q") == [2]


def test_a_holders_ack_counts_although_a_redrive_came_between(box: Box) -> None:
    dead_letter(box)
    box.consume("dead")
    box.call("queue.dlq.redrive", queue="dead")
    assert (ack(box, queue="dead"), box.counts("q"), box.counts("dead")) == (200, (0, 0, 0), (0, 0, 0))


def test_the_dead_letter_queues_name_redrives_each_to_its_own_origin(box: Box) -> None:
    box.call("queue.create", queue="dead")
    for name in ("a", "b"):
        box.call("queue.create", queue=name, dead_letter_queue="dead")
        [message_id] = box.publish(name, name)
        box.consume(name)
        nack(box, message_id, requeue=False, queue=name)
    assert (box.dead("dead"), box.dead("a"), box.dead("b")) == (["a", "b"], ["a"], ["b"])
    assert box.call("queue.dlq.redrive", queue="dead") == {"queue": "dead", "redriven": 2}
    assert (box.consume("a"), box.consume("b"), box.consume("dead")) == (["a"], ["b"], [])


def test_a_message_published_to_a_dead_letter_queue_is_no_dead_letter(box: Box) -> None:
    dead_letter(box)
    box.publish("dead", 2)
    assert (box.dead("dead"), box.counts("dead")) == ([1], (2, 0, 1))
    assert box.call("queue.dlq.redrive", queue="dead")["redriven"] == 1
    assert box.consume("dead") == [2]
