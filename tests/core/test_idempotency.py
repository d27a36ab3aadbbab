from typing import Any

import pytest

from sched_emulator.core import snapshot
from sched_emulator.core.dispatch import OPERATIONS
from sched_emulator.core.encoding import encode_sorted
from tests.core.harness import DAY, START_MS, Box, bound

HOOK = "https://api.acme.com/hook"
DEDUPLICATED = sorted(name for name in OPERATIONS if bound(name).operation.honours_key)


def prepare(box: Box) -> None:
    """Make one of everything, with a message in flight and a dead one."""
    box.call("cron.create", cron_expr="* * * * *", task=HOOK)
    box.call("queue.create", queue="q")
    box.publish("q", 1, 2)
    box.consume("q")
    box.call("queue.nack", queue="q", message_id="msg_000002", requeue=False)


ARGUMENTS: dict[str, dict[str, Any]] = {
    "cron.create": {"cron_expr": "0 9 * * *", "task": HOOK},
    "cron.update": {"cron_id": "cron_000001", "name": "x"},
    "cron.delete": {"cron_id": "cron_000001"},
    "cron.pause": {"cron_id": "cron_000001"},
    "cron.resume": {"cron_id": "cron_000001"},
    "cron.trigger": {"cron_id": "cron_000001"},
    "cron.retention.set": {"cron_id": "cron_000001", "retention_days": 1},
    "task.schedule": {"task": HOOK, "run_at_ms": START_MS},
    "queue.create": {"queue": "new"},
    "queue.update": {"queue": "q", "max_retries": 1},
    "queue.delete": {"queue": "q"},
    "queue.purge": {"queue": "q"},
    "queue.publish": {"queue": "q", "payload": 1},
    "queue.publish_batch": {"queue": "q", "messages": [{"payload": 1}]},
    "queue.ack": {"queue": "q", "message_id": "msg_000001"},
    "queue.nack": {"queue": "q", "message_id": "msg_000001"},
    "queue.dlq.redrive": {"queue": "q"},
    "queue.push_subscribe": {"queue": "q", "url": HOOK},
    "account.topup": {"amount_usd": 5},
}


def test_every_write_but_consume_is_deduplicated() -> None:
    assert {bound(name).operation.short for name in DEDUPLICATED} == ARGUMENTS.keys()
    assert {name for name in OPERATIONS if bound(name).facts.charged} - set(DEDUPLICATED) == {
        "scheduling.queue.consume"
    }


@pytest.mark.parametrize("operation", ARGUMENTS)
def test_the_same_retry_has_the_same_result_and_happens_once(box: Box, operation: str) -> None:
    prepare(box)
    first = box.call(operation, key="k", **ARGUMENTS[operation])
    before = box.store.state()
    records = (before.crons, before.tasks, before.runs, before.queues, before.messages, box.due())
    assert box.call(operation, key="k", **ARGUMENTS[operation]) == first
    after = box.store.state()
    assert (after.crons, after.tasks, after.runs, after.queues, after.messages, box.due()) == records
    last, previous = box.store.journal.requests[-1], box.store.journal.requests[-2]
    assert (last.exchange.replayed_from, previous.exchange.replayed_from) == (previous.seq, None)


def test_consume_is_never_deduplicated(box: Box) -> None:
    box.publish("q", 1, 2)
    assert [box.consume("q", key="k", max_messages=1) for _ in range(3)] == [[1], [2], []]


@pytest.mark.parametrize("operation", sorted(OPERATIONS))
def test_a_key_is_required_of_creations_only(operation: str) -> None:
    box = Box()
    prepare(box)
    box.sandbox.set_assumptions({"idempotency.required": "required"})
    name = bound(operation).operation.short
    arguments = ARGUMENTS.get(name, {"cron_id": "cron_000001"} if name.startswith("cron") else {"queue": "q"})
    if bound(operation).facts.creation:
        assert box.refused(name, **arguments) == (400, "`idempotency_key` must be given for a creation, got none")
        assert box.status(name, key="k", **arguments) == 200
    elif operation in DEDUPLICATED:
        assert box.status(name, **arguments) == 200


def test_the_window_counts_from_the_first_answer_and_is_not_renewed(box: Box) -> None:
    first = box.publish("q", 1, key="k")
    box.advance(DAY - 1)
    assert box.publish("q", 1, key="k") == first
    box.advance(0.999)
    assert box.publish("q", 1, key="k") == first
    box.advance(0.001)
    assert box.publish("q", 1, key="k") == ["msg_000002"]


def test_each_key_has_its_own_window_and_all_share_one_entry(box: Box) -> None:
    box.publish("q", 1, key="a")
    box.advance(60)
    box.publish("q", 1, key="b")
    kinds = [entry.kind for entry in box.store.timeline.listed()]
    assert kinds.count("forget_keys") == 1
    box.advance(DAY - 60)
    assert box.publish("q", 1, key="b") == ["msg_000002"]
    assert box.publish("q", 1, key="a") == ["msg_000003"]
    box.advance(2 * DAY)
    assert (box.store.remembered, box.store.retention_entries) == ({}, {})


def test_forgetting_is_no_event(box: Box) -> None:
    box.publish("q", 1, key="k")
    assert box.due() == []
    box.sandbox.poll(None)
    assert (box.store.fired, box.second()) == (0, 0)


@pytest.mark.parametrize("other", [{"payload": 2}, {"payload": 1, "delay_seconds": 1}, {"payload": 1, "priority": 1}])
def test_another_request_under_the_key_is_refused_and_changes_nothing(box: Box, other: dict[str, Any]) -> None:
    box.publish("q", 1, key="k")
    assert box.refused("queue.publish", key="k", queue="q", **other) == (
        409,
        "`idempotency_key` 'k' was used before for a different request",
    )
    assert list(box.store.messages) == ["msg_000001"]


def test_of_long_arguments_a_hash_is_remembered(box: Box) -> None:
    long = "x" * 100_000
    first = box.publish("q", long, key="k")
    assert [len(call.fingerprint) for call in box.store.remembered.values()] == [64]
    assert box.publish("q", long, key="k") == first
    assert box.status("queue.publish", key="k", queue="q", payload=long[:-1] + "y") == 409


def test_a_snapshot_with_the_whole_of_long_arguments_knows_them_again(box: Box) -> None:
    long = "x" * 2000
    first = box.publish("q", long, key="k")
    [remembered] = box.store.remembered.values()
    remembered.fingerprint = encode_sorted({"queue": "q", "payload": long})
    box.sandbox.restore(snapshot.unseal(box.sandbox.snapshot()))
    assert box.publish("q", long, key="k") == first


def test_the_order_of_an_objects_members_makes_no_other_request(box: Box) -> None:
    first = box.publish("q", {"a": 1, "b": {"c": 2, "d": 3}}, key="k")
    assert box.publish("q", {"b": {"d": 3, "c": 2}, "a": 1}, key="k") == first
    assert box.status("queue.publish", key="k", queue="q", payload={"a": 1, "b": {"c": 2}}) == 409


def test_one_key_serves_several_operations_and_several_paths(box: Box) -> None:
    for queue in ("a", "b"):
        box.publish(queue, 1)
        assert box.call("queue.update", key="k", queue=queue, max_retries=1)["queue"] == queue
    assert box.call("queue.purge", key="k", queue="a")["purged"] == 1
    assert box.call("queue.purge", key="k", queue="b")["purged"] == 1


def test_no_two_pairs_of_path_and_key_are_taken_for_one(box: Box) -> None:
    box.call("queue.create", queue="a")
    box.call("queue.create", queue="a b")
    box.call("queue.update", key="b c", queue="a", max_retries=1)
    assert box.call("queue.update", key="c", queue="a b", max_retries=2)["max_retries"] == 2


def test_only_what_succeeded_is_remembered(box: Box) -> None:
    assert box.status("queue.update", key="k", queue="q", max_retries=1) == 404
    box.call("queue.create", queue="q")
    assert box.call("queue.update", key="k", queue="q", max_retries=1)["max_retries"] == 1


def test_a_replay_ignores_what_happened_since(box: Box) -> None:
    first = box.publish("q", 1, key="k")
    box.consume("q")
    box.call("queue.ack", queue="q", message_id="msg_000001")
    assert box.publish("q", 1, key="k") == first
    assert box.counts("q") == (0, 0, 0)


def test_a_key_outlives_a_purge_and_a_delete_not_a_reset(box: Box) -> None:
    first = box.publish("q", 1, key="k")
    box.call("queue.purge", queue="q")
    assert box.publish("q", 1, key="k") == first
    box.call("queue.delete", queue="q")
    assert box.publish("q", 1, key="k") == first
    box.sandbox.reset()
    assert box.publish("q", 1, key="k") == ["msg_000001"]
    assert box.counts("q") == (1, 0, 0)


def test_a_key_outlives_a_snapshot(box: Box) -> None:
    first = box.publish("q", {"n": 1}, key="k")
    other = Box()
    other.sandbox.restore(snapshot.unseal(box.sandbox.snapshot()))
    assert other.publish("q", {"n": 1}, key="k") == first


def test_the_first_answer_can_be_given_to_another_request() -> None:
    box = Box({"idempotency.conflict": "replay"})
    first = box.publish("q", 1, key="k")
    assert box.publish("q", 2, key="k") == first
    assert box.consume("q") == [1]
