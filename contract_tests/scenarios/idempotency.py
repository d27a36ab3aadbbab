"""Idempotency keys: a retry does nothing twice."""

from collections.abc import Callable
from typing import Any

from sched_emulator.contract import Api, Group, cron_id, equal, require, shown, side_by_side

keys = Group("idempotency", aspect="idempotency")
RACERS = 6


@keys.documented(1, "queue.publish:idempotency_key", lines=(103,))
def of_publish(api: Api) -> None:
    """A publish that is repeated with its key answers the same and publishes once."""
    queue, key = api.queue(), api.name()
    ids = {api.publish(queue, {"n": 1}, idempotency_key=key) for _ in range(3)}
    equal(len(ids), 1, "the number of different ids")
    equal(api.stats(queue)["available"], 1, "the messages available")


@keys.documented(2, "cron.create:idempotency_key", lines=(41,))
def of_create_cron(api: Api) -> None:
    """A cron.create that is repeated with its key answers the same cron and makes one."""
    key, name, url = api.name(), api.name(), api.nowhere()
    first = api.cron_record(url=url, name=name, idempotency_key=key)
    second = api.cron_record(url=url, name=name, idempotency_key=key)
    equal(second, first, "the second answer")
    named = [item for item in api.pages("cron.list") if item["name"] == name]
    equal(len(named), 1, "the number of crons of that name")


@keys.documented(3, "queue.create:idempotency_key", "queue.publish_batch:idempotency_key", lines=(528, 760))
def of_batch_and_queue(api: Api) -> None:
    """A queue.create and a publish_batch that are repeated with their key do nothing twice."""
    name, key = api.name(), api.name()
    first = api.call("queue.create", name=name, max_retries=4, idempotency_key=key)
    equal(api.call("queue.create", name=name, max_retries=4, idempotency_key=key), first, "the second answer")
    batch = {"queue": name, "messages": [{"payload": {}}, {"payload": {}}], "idempotency_key": api.name()}
    ids = api.call("queue.publish_batch", **batch)
    equal(api.call("queue.publish_batch", **batch), ids, "the second answer")
    equal(api.stats(name)["available"], 2, "the messages available")


@keys.documented(4, "queue.nack:idempotency_key", "queue.ack:idempotency_key", lines=(826, 872))
def of_ack_and_nack(api: Api) -> None:
    """An ack and a nack that are repeated with their key answer the same, and a nack counts once."""
    queue = api.queue(max_retries=2, dead_letter_queue=api.queue())
    message = api.publish(queue)
    api.take(queue)
    nack = {"queue": queue, "message_id": message, "requeue": True, "idempotency_key": api.name()}
    first = api.call("queue.nack", **nack)
    for _ in range(3):
        equal(api.call("queue.nack", **nack), first, "the repeated nack")
    equal(api.stats(queue)["dlq"], 0, "the dead letters")
    other = api.queue()
    message = api.publish(other)
    api.take(other)
    ack = {"queue": other, "message_id": message, "idempotency_key": api.name()}
    equal(api.call("queue.ack", **ack), api.call("queue.ack", **ack), "the repeated ack")


@keys.documented(5, "task.schedule:idempotency_key", "queue.push_subscribe:idempotency_key", lines=(458, 982))
def of_tasks_and_subscriptions(api: Api) -> None:
    """A task.schedule and a push_subscribe that are repeated with their key answer the same."""
    task = {"task": api.nowhere(), "run_at": api.soon(2), "idempotency_key": api.name()}
    equal(api.call("task.schedule", **task), api.call("task.schedule", **task), "the repeated task")
    subscribe = {"queue": api.queue(), "url": api.nowhere(), "idempotency_key": api.name()}
    first = api.call("queue.push_subscribe", **subscribe)
    equal(api.call("queue.push_subscribe", **subscribe), first, "the repeated subscription")


@keys.documented(
    6,
    "cron.trigger:idempotency_key",
    "cron.update:idempotency_key",
    "cron.pause:idempotency_key",
    "cron.resume:idempotency_key",
    "cron.delete:idempotency_key",
    "cron.retention.set:idempotency_key",
    lines=(313, 179, 245, 279, 213, 421),
)
def of_cron_operations(api: Api) -> None:
    """Operations on a cron that are repeated with their key answer the same; a delete, too, and a trigger runs once."""
    cron = api.cron()
    repeated(api, "cron.update", id=cron, name=api.name())
    repeated(api, "cron.retention.set", id=cron, retention_days=4)
    repeated(api, "cron.trigger", id=cron)
    repeated(api, "cron.pause", id=cron)
    repeated(api, "cron.resume", id=cron)
    repeated(api, "cron.delete", id=cron)


@keys.documented(
    7,
    "queue.update:idempotency_key",
    "queue.purge:idempotency_key",
    "queue.dlq.redrive:idempotency_key",
    "queue.delete:idempotency_key",
    lines=(628, 694, 941, 662),
)
def of_queue_operations(api: Api) -> None:
    """Operations on a queue that are repeated with their key answer the same: a purge by then spares what is new."""
    queue = api.queue()
    repeated(api, "queue.update", queue=queue, max_retries=4)
    repeated(api, "queue.dlq.redrive", queue=queue)
    key = api.name()
    api.call("queue.purge", queue=queue, idempotency_key=key)
    api.publish(queue)
    api.call("queue.purge", queue=queue, idempotency_key=key)
    equal(api.stats(queue)["available"], 1, "the messages available after the repeated purge")
    repeated(api, "queue.delete", queue=queue)


def repeated(api: Api, operation: str, **arguments: Any) -> None:
    """Send an operation twice with one key; the answers are the same."""
    key = api.name()
    first = api.call(operation, idempotency_key=key, **arguments)
    equal(api.call(operation, idempotency_key=key, **arguments), first, f"the repeated {operation}")


@keys.choice(8, "queue.publish:idempotency_key")
def as_a_header(api: Api) -> None:
    """The header Idempotency-Key does the same, and wins over a key in the body."""
    queue, key = api.queue(), api.name()
    ids = {
        api.call("queue.publish", queue=queue, payload={}, http_headers={"Idempotency-Key": key})["message_id"]
        for _ in range(2)
    }
    equal(len(ids), 1, "the number of different ids")
    both = [
        api.call(
            "queue.publish", queue=queue, payload={}, idempotency_key=api.name(), http_headers={"Idempotency-Key": key}
        )
        for _ in range(2)
    ]
    equal({item["message_id"] for item in both}, ids, "the ids with the header and keys in the body")


@keys.choice(9, "queue.publish:idempotency_key", "queue.create:idempotency_key")
def scope_is_the_operation(api: Api) -> None:
    """One key may serve different operations, as real programs use it."""
    key = api.name()
    api.call("queue.create", name=key, idempotency_key=key)
    api.publish(key, idempotency_key=key)
    message = api.take(key)[0]
    api.call("queue.ack", queue=key, message_id=message, idempotency_key=key)
    equal(api.stats(key), {"available": 0, "in_flight": 0, "dlq": 0}, "the counts")


@keys.choice(10, "queue.consume")
def consume_is_never_repeated(api: Api) -> None:
    """Consume with a constant key hands out new messages each time, as real workers expect."""
    queue = api.queue()
    sent = api.publish_many(queue, 2)
    got = []
    for _ in range(2):
        data = api.call("queue.consume", queue=queue, max_messages=1, http_headers={"Idempotency-Key": "worker"})
        got += [item["message_id"] for item in data.get("messages", data.get("items"))]
    equal(got, sent, "what was consumed")


@keys.documented(11, "queue.publish:idempotency_key", "cron.create:idempotency_key", lines=(41, 103))
def when_they_race(api: Api) -> None:
    """Retries that race do nothing twice: all answer the same."""
    queue, key = api.queue(), api.name()
    racing: Callable[[], str] = lambda: api.publish(queue, {"n": 1}, idempotency_key=key)  # noqa: E731 - one line is enough
    equal(len(set(side_by_side([racing] * RACERS))), 1, "the number of different ids")
    equal(api.stats(queue)["available"], 1, "the messages available")
    name, url, other = api.name(), api.nowhere(), api.name()

    def create() -> str:
        return cron_id(api.cron_record(url=url, name=name, idempotency_key=other))

    equal(len(set(side_by_side([create] * RACERS))), 1, "the number of different crons")


@keys.choice(12, "queue.publish:idempotency_key")
def refused_requests_are_forgotten(api: Api) -> None:
    """A key whose request was refused can be used for the corrected one."""
    queue, key = api.queue(), api.name()
    api.invalid("queue.publish", queue=queue, payload={}, delay_seconds=-1, idempotency_key=key)
    message = api.publish(queue, idempotency_key=key)
    require(message, shown(message), "the corrected request succeeds")
    name, dead_letters, key = api.name(), api.name(), api.name()
    api.invalid("queue.create", name=name, dead_letter_queue=dead_letters, idempotency_key=key)
    api.call("queue.create", name=dead_letters)
    api.call("queue.create", name=name, dead_letter_queue=dead_letters, idempotency_key=key)
