from collections.abc import Callable
from typing import Any

import pytest

from sched_emulator.core.instants import LAST_MS
from tests.core.harness import DAY, HOUR, Box
from tests.costs import cheaper

HOOK = "https://api.acme.com/hook"
FIRST, SECOND = "msg_000001", "msg_000002"


def names(box: Box, **options: Any) -> list[str]:
    return [item["queue"] for item in box.call("queue.list", **options)["items"]]


# --- Settings


def test_create_get_and_list_answer_the_same_record(box: Box) -> None:
    box.call("queue.create", queue="dead")
    record: dict[str, Any] = {
        "queue": "q",
        "type": "fifo",
        "dead_letter_queue": "dead",
        "max_retries": 0,
        "visibility_timeout_default_ms": 1500,
    }
    given = {**record, "message_retention_days": 7, "enable_priority": True}
    assert box.call("queue.create", **given) == record
    assert box.call("queue.get", queue="q") == record
    assert box.call("queue.list")["items"][1] == record


def test_queues_are_listed_oldest_first_and_pages_stay_right(box: Box) -> None:
    for name in ("d", "a", "c", "b"):
        box.call("queue.create", queue=name)
    page = box.call("queue.list", limit=2)
    box.call("queue.delete", queue="a")
    box.call("queue.delete", queue="c")
    box.call("queue.create", queue="c")
    assert [item["queue"] for item in page["items"]] == ["d", "a"]
    assert names(box, limit=2, cursor=page["next_cursor"]) == ["b", "c"]


@pytest.mark.parametrize(
    "other",
    [
        {"type": "fifo"},
        {"dead_letter_queue": "dead"},
        {"max_retries": 4},
        {"message_retention_days": 29},
        {"visibility_timeout_default": 31},
        {"enable_priority": True},
    ],
)
def test_the_same_name_with_another_setting_is_refused_by_name_of_the_setting(box: Box, other: dict[str, Any]) -> None:
    box.call("queue.create", queue="dead")
    box.call("queue.create", queue="q")
    assert box.call("queue.create", queue="q", max_retries=3) == box.call("queue.get", queue="q")
    assert box.refused("queue.create", queue="q", **other) == (
        409,
        f"queue 'q' exists with another {next(iter(other))}",
    )


def test_the_first_explicit_create_configures_a_queue_that_publishing_made(box: Box) -> None:
    box.publish("q", 1, priority=1)
    box.publish("q", 2, priority=9)
    created = box.call("queue.create", queue="q", max_retries=0, enable_priority=True)
    assert created["max_retries"] == 0
    assert box.consume("q") == [2, 1]
    assert box.status("queue.create", queue="q", max_retries=1) == 409


def test_a_create_can_make_a_fifo_of_a_queue_that_publishing_made(box: Box) -> None:
    box.publish("q", 1, 2)
    box.consume("q", max_messages=1)
    box.call("queue.create", queue="q", type="fifo")
    assert box.consume("q") == []


def test_an_update_counts_as_configuring(box: Box) -> None:
    box.publish("q", 1)
    box.call("queue.update", queue="q", max_retries=9)
    assert box.status("queue.create", queue="q", max_retries=0) == 409


@pytest.mark.parametrize("operation", ["create", "update", "push_subscribe"])
@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("q", "`dead_letter_queue` must be another queue than 'q' itself"),
        ("nowhere", "`dead_letter_queue` must name an existing queue, got 'nowhere'"),
    ],
)
def test_a_dead_letter_queue_exists_and_is_another(box: Box, operation: str, name: str, message: str) -> None:
    box.call("queue.create", queue="q")
    more = {"url": HOOK} if operation == "push_subscribe" else {}
    assert box.refused(f"queue.{operation}", queue="q", dead_letter_queue=name, **more) == (400, message)
    assert box.call("queue.get", queue="q").get("dead_letter_queue") is None
    assert box.store.queues["q"].subscription is None


@pytest.mark.parametrize("operation", ["get", "update", "delete", "purge", "stats", "push_subscribe"])
def test_an_unknown_queue_is_not_found(box: Box, operation: str) -> None:
    more = {"url": HOOK} if operation == "push_subscribe" else {}
    assert box.refused(f"queue.{operation}", queue="q", **more) == (404, "queue 'q' not found")


def test_an_update_changes_what_is_given_and_nothing_else(box: Box) -> None:
    box.call("queue.create", queue="dead")
    before = box.call("queue.create", queue="q", max_retries=1, visibility_timeout_default=5)
    assert box.call("queue.update", queue="q") == before
    changed = {**before, "dead_letter_queue": "dead", "max_retries": 0, "visibility_timeout_default_ms": 7000}
    given: dict[str, Any] = {"dead_letter_queue": "dead", "max_retries": 0, "visibility_timeout_default": 7}
    assert box.call("queue.update", queue="q", **given) == changed


def test_new_settings_apply_to_messages_that_are_there(box: Box) -> None:
    box.call("queue.create", queue="q", max_retries=5)
    for payload, priority in [(1, 1), (2, 9)]:
        box.publish("q", payload, priority=priority)
    box.call("queue.update", queue="q", enable_priority=True, max_retries=0, visibility_timeout_default=7)
    assert box.consume("q", max_messages=1) == [2]
    assert box.due() == [(7, "lease", SECOND)]
    assert box.call("queue.nack", queue="q", message_id=SECOND)["requeued"] is False


def test_what_a_priority_counts_for_changes_at_one_cost_however_many_messages_there_are() -> None:
    def turning(count: int) -> Callable[[], None]:
        box = Box()
        for start in range(0, count, 100):
            messages = [{"payload": {}, "priority": number % 9} for number in range(start, start + 100)]
            box.call("queue.publish_batch", queue="orders", messages=messages)

        def turn() -> None:
            box.sandbox.set_assumptions({"queue.priority_off": "honour"})
            box.call("queue.update", queue="orders", enable_priority=True)
            box.call("queue.update", queue="orders", enable_priority=False)
            box.sandbox.set_assumptions({"queue.priority_off": "ignore"})

        return turn

    assert cheaper(turning(20_000), turning(100), times=10)


def test_shorter_retention_drops_at_once_what_is_older(box: Box) -> None:
    box.publish("q", 1)
    box.advance(2 * DAY)
    box.publish("q", 2)
    box.call("queue.update", queue="q", message_retention_days=1)
    assert box.consume("q") == [2]


# --- Stats


def test_stats_count_every_place_and_the_age_of_the_oldest_that_is_not_dead(box: Box) -> None:
    box.publish("q", 1)
    box.consume("q")
    box.call("queue.nack", queue="q", message_id=FIRST, requeue=False)
    assert box.call("queue.stats", queue="q") == {"queue": "q", "available": 0, "in_flight": 0, "dlq": 1}
    box.advance(10)
    box.publish("q", 2, delay_seconds=60)
    box.advance(10.999)
    box.publish("q", 3, 4)
    box.consume("q", max_messages=1)
    assert box.call("queue.stats", queue="q") == {
        "queue": "q",
        "available": 1,
        "in_flight": 1,
        "dlq": 1,
        "oldest_age_seconds": 10,
    }


def test_a_requeued_message_is_as_old_as_before_a_redriven_one_is_new() -> None:
    box = Box({"queue.nack_position": "back"})
    box.publish("q", 1, 2)
    box.advance(60)
    box.consume("q", max_messages=1)
    box.call("queue.nack", queue="q", message_id=FIRST)
    assert box.call("queue.stats", queue="q")["oldest_age_seconds"] == 60
    box.consume("q")
    for message_id in (FIRST, SECOND):
        box.call("queue.nack", queue="q", message_id=message_id, requeue=False)
    box.call("queue.dlq.redrive", queue="q")
    assert box.call("queue.stats", queue="q")["oldest_age_seconds"] == 0


# --- Purge


def test_a_purge_removes_all_but_the_dead(box: Box) -> None:
    box.publish("q", 1, 2, 3)
    box.publish("q", 4, delay_seconds=60)
    box.consume("q", max_messages=2)
    box.call("queue.nack", queue="q", message_id=FIRST, requeue=False)
    assert box.call("queue.purge", queue="q") == {"queue": "q", "purged": 3}
    assert (box.counts("q"), box.dead("q"), box.due()) == ((0, 0, 1), [1], [])
    assert box.call("queue.purge", queue="q") == {"queue": "q", "purged": 0}


def test_a_purge_of_the_dead_letter_queue_removes_what_can_be_consumed_there(box: Box) -> None:
    die_into(box, "dead")
    assert box.call("queue.purge", queue="q")["purged"] == 0
    assert box.call("queue.purge", queue="dead")["purged"] == 1
    assert (box.counts("q"), box.dead("q")) == ((0, 0, 0), [])


def test_a_purge_of_the_dead_letter_queue_leaves_what_is_held_there() -> None:
    box = Box({"queue.dlq_consumable": "held"})
    die_into(box, "dead")
    assert box.call("queue.purge", queue="dead")["purged"] == 0
    assert box.dead("q") == [1]


def die_into(box: Box, dead_letter_queue: str) -> None:
    box.call("queue.create", queue=dead_letter_queue)
    box.call("queue.create", queue="q", dead_letter_queue=dead_letter_queue)
    box.publish("q", 1)
    box.consume("q")
    box.call("queue.nack", queue="q", message_id=FIRST, requeue=False)


# --- Delete


def test_a_delete_removes_the_queue_with_its_messages_and_all_that_was_due(box: Box) -> None:
    box.publish("q", 1, 2)
    box.publish("q", 3, delay_seconds=60)
    box.consume("q", max_messages=1)
    box.call("queue.push_subscribe", queue="q", url=HOOK)
    assert box.call("queue.delete", queue="q") == {"queue": "q", "deleted": True}
    assert (box.store.messages, box.store.timeline.listed(), names(box)) == ({}, [], [])
    assert box.status("queue.stats", queue="q") == 404
    box.call("queue.create", queue="q")
    assert box.counts("q") == (0, 0, 0)


def test_a_dead_letter_queue_in_use_cannot_be_deleted(box: Box) -> None:
    box.call("queue.create", queue="dead")
    box.call("queue.create", queue="q", dead_letter_queue="dead")
    assert box.refused("queue.delete", queue="dead") == (409, "queue 'dead' is the dead-letter queue of 'q'")
    box.call("queue.delete", queue="q")
    assert box.status("queue.delete", queue="dead") == 200


def test_a_subscriptions_dead_letter_queue_cannot_be_deleted_either(box: Box) -> None:
    for name in ("dead", "q"):
        box.call("queue.create", queue=name)
    box.call("queue.push_subscribe", queue="q", url=HOOK, dead_letter_queue="dead")
    assert box.status("queue.delete", queue="dead") == 409
    box.call("queue.push_subscribe", queue="q", url=HOOK)
    assert box.status("queue.delete", queue="dead") == 200


def test_dead_letters_of_a_deleted_queue_belong_to_the_queue_that_holds_them(box: Box) -> None:
    die_into(box, "dead")
    box.call("queue.delete", queue="q")
    assert (box.counts("dead"), box.dead("dead")) == ((1, 0, 1), [1])
    box.publish("q", 2)
    assert (box.counts("q"), box.dead("q")) == ((1, 0, 0), [])
    assert box.call("queue.dlq.redrive", queue="dead") == {"queue": "dead", "redriven": 1}
    assert (box.dead("dead"), box.consume("dead"), box.consume("q")) == ([], [1], [2])


def test_a_deleted_dead_letter_queue_takes_its_dead_letters_along(box: Box) -> None:
    die_into(box, "dead")
    box.call("queue.create", queue="other")
    box.call("queue.update", queue="q", dead_letter_queue="other")
    box.call("queue.delete", queue="dead")
    assert (box.counts("q"), box.dead("q"), box.store.messages) == ((0, 0, 0), [], {})


# --- Retention


@pytest.mark.parametrize("place", ["available", "delayed", "in_flight"])
def test_retention_counts_from_publishing_wherever_the_message_is(box: Box, place: str) -> None:
    box.call("queue.create", queue="q", message_retention_days=1)
    box.publish("q", 1, delay_seconds=2 * DAY if place == "delayed" else 0)
    if place == "in_flight":
        box.advance(DAY - 10)
        box.consume("q")
        box.advance(9)
    else:
        box.advance(DAY - 1)
    assert FIRST in box.store.messages
    box.advance(1)
    assert (box.store.messages, box.due()) == ({}, [])


def test_retention_of_dead_messages_counts_from_dying_by_the_queue_that_holds_them(box: Box) -> None:
    box.call("queue.create", queue="dead", message_retention_days=2)
    box.call("queue.create", queue="q", dead_letter_queue="dead", message_retention_days=1)
    box.publish("q", 1)
    box.advance(HOUR)
    box.consume("q")
    box.call("queue.nack", queue="q", message_id=FIRST, requeue=False)
    box.advance(2 * DAY - 1)
    assert box.dead("q") == [1]
    box.advance(1)
    assert (box.dead("q"), box.store.messages) == ([], {})


def test_dead_messages_without_a_dead_letter_queue_are_kept_no_longer_than_their_days(box: Box) -> None:
    box.call("queue.create", queue="q", message_retention_days=1)
    box.publish("q", 1, 2)
    box.consume("q", max_messages=1)
    box.advance(10)
    box.call("queue.nack", queue="q", message_id=FIRST, requeue=False)
    box.advance(DAY - 10)
    assert (box.counts("q"), box.dead("q")) == ((0, 0, 1), [1])
    box.advance(10)
    assert box.store.messages == {}


def test_retention_is_one_entry_a_queue_however_many_messages(box: Box) -> None:
    box.publish("q", *range(50))
    assert [entry.kind for entry in box.store.timeline.listed()] == ["message_retention"]
    box.call("queue.purge", queue="q")
    box.publish("q", 1)
    assert [entry.kind for entry in box.store.timeline.listed()] == ["message_retention"]


def test_retention_lets_a_fifo_go_on(box: Box) -> None:
    box.call("queue.create", queue="q", type="fifo", message_retention_days=1)
    box.publish("q", 1)
    box.advance(DAY - 1)
    box.publish("q", 2)
    box.consume("q", max_messages=1, visibility_timeout=43_200)
    box.call("queue.push_subscribe", queue="q", url=HOOK)
    box.advance(1)
    assert box.bodies() == [{"message_id": SECOND, "queue": "q", "payload": 2, "attempt": 1}]


def test_a_message_of_the_last_day_of_all_is_no_trouble(box: Box) -> None:
    box.sandbox.set_now(LAST_MS)
    box.publish("q", 1)
    assert box.consume("q") == [1]
