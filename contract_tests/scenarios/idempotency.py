"""Idempotency keys: a retry does nothing twice.

Of cron.create and queue.publish the documentation says that a retry has the same result, of all others only that
nothing is done twice: what a retry of those answers is a choice.
"""

from collections.abc import Callable
from typing import Any

from sched_emulator.contract import (
    Api,
    Failed,
    Group,
    Reply,
    changing_cron,
    collected_ids,
    cron_id,
    dead_letter,
    empty_queue,
    equal,
    messages_in,
    pushed_queue,
    require,
    shown,
    side_by_side,
    tells,
    would_refuse,
    would_take,
)

keys = Group("idempotency", aspect="idempotency")
RACERS = 6
NAMES_OF_IDS = ("cron_id", "job_id", "task_id", "run_id", "message_id", "subscription_id")


def again(api: Api, operation: str, first: Any, **arguments: Any) -> Reply:
    """Send a request once more with its key. What it makes must not be made twice; its answer is softly demanded."""
    reply = api.attempt(operation, **arguments)
    if reply.succeeded and isinstance(first, dict):
        ids = {name: first[name] for name in NAMES_OF_IDS if name in first}
        tells(reply.data, f"what the repeated {operation} answered", **ids)
    same = reply.succeeded and reply.data == first
    came = f"the repeated {operation} answered {reply.status} {shown(reply.data)}"
    api.expects("idempotency.same_answer", same, came, f"as the first: {shown(first)}")
    return reply


def twice(api: Api, operation: str, **arguments: Any) -> Callable[[], None]:
    """Send a request with a key, and return what sends it once more."""
    arguments["idempotency_key"] = api.name()
    first = api.call(operation, **arguments)

    def repeat() -> None:
        again(api, operation, first, **arguments)

    return repeat


@keys.documented(1, "queue.publish:idempotency_key", lines=(103,))
def of_publish(api: Api) -> None:
    """A publish that is repeated with its key answers the same and publishes once."""
    with empty_queue(api) as queue:
        key = api.name()
        ids = {api.publish(queue, {"n": 1}, idempotency_key=key) for _ in api.some(range(3), 2)}
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


@keys.documented(3, "queue.create:idempotency_key", "queue.publish_batch:idempotency_key", lines=(528, 762))
def of_batch_and_queue(api: Api) -> None:
    """A publish_batch that is repeated with its key publishes once; a queue.create does not create a queue again."""
    with empty_queue(api) as queue:
        again_published = twice(api, "queue.publish_batch", queue=queue, messages=[{"payload": {}}, {"payload": {}}])
        again_published()
        equal(api.stats(queue)["available"], 2, "the messages available")
    name = api.name()
    again_created = twice(api, "queue.create", name=name, max_retries=4)
    again_created()
    api.call("queue.delete", queue=name)
    again_created()
    api.refused("queue.get", 404, queue=name)


@keys.documented(4, "queue.nack:idempotency_key", "queue.ack:idempotency_key", lines=(834, 872))
def of_ack_and_nack(api: Api) -> None:
    """A nack that is repeated with its key gives back once, and an ack too."""
    with empty_queue(api) as queue:
        message = api.publish(queue)
        api.take(queue)
        again_nacked = twice(api, "queue.nack", queue=queue, message_id=message, requeue=True)
        if api.wait(lambda: message in api.take(queue), 10_000 if api.virtual else 20):
            again_nacked()
            held = {"available": 0, "in_flight": 1, "dlq": 0}
            equal(api.stats(queue), held, "the counts, when an old nack was repeated")
        else:
            message = api.publish(queue)
            api.take(queue)
        again_acked = twice(api, "queue.ack", queue=queue, message_id=message)
        once = api.stats(queue)
        again_acked()
        equal(api.stats(queue), once, "the counts after the repetition of an ack")


@keys.documented(5, "task.schedule:idempotency_key", "queue.push_subscribe:idempotency_key", lines=(458, 982))
def of_tasks_and_subscriptions(api: Api) -> None:
    """A task.schedule and a push_subscribe that are repeated with their key make no second task or subscription."""
    twice(api, "task.schedule", task=api.nowhere(), run_at=api.soon(2))()
    twice(api, "queue.push_subscribe", queue=api.shared(pushed_queue), url=api.nowhere())()


@keys.documented(
    6,
    "cron.update:idempotency_key",
    "cron.pause:idempotency_key",
    "cron.resume:idempotency_key",
    "cron.retention.set:idempotency_key",
    lines=(179, 245, 279, 415),
)
def of_cron_operations(api: Api) -> None:
    """What was done to a cron and then undone is not done again when the first request is repeated with its key."""
    with api.lent(changing_cron) as cron:
        undone(api, cron)


def undone(api: Api, cron: str) -> None:
    """Do something to a cron, undo it, and repeat the first request; the cron is enabled in the end, as before."""
    name, later = api.name(), api.name()
    again_named = twice(api, "cron.update", id=cron, name=name)
    api.call("cron.update", id=cron, name=later)
    again_named()
    again_paused = twice(api, "cron.pause", id=cron)
    again_resumed = twice(api, "cron.resume", id=cron)
    api.call("cron.pause", id=cron)
    again_resumed()
    fetched = api.call("cron.get", id=cron)
    equal(fetched["name"], later, "the name, when an old update was repeated")
    equal(fetched["enabled"], False, "enabled, when an old resume was repeated")
    api.call("cron.resume", id=cron)
    again_paused()
    equal(api.call("cron.get", id=cron)["enabled"], True, "enabled, when an old pause was repeated")
    again_set = twice(api, "cron.retention.set", id=cron, retention_days=4)
    api.call("cron.retention.set", id=cron, retention_days=9)
    again_set()
    kept = api.call("cron.retention.get", id=cron)["retention_days"]
    equal(kept, 9, "retention_days, when an old retention.set was repeated")


@keys.documented(
    7,
    "queue.update:idempotency_key",
    "queue.purge:idempotency_key",
    "queue.dlq.redrive:idempotency_key",
    "queue.delete:idempotency_key",
    lines=(628, 662, 694, 941),
)
def of_queue_operations(api: Api) -> None:
    """What was done to a queue, and is no longer so, is not done again when the request is repeated with its key."""
    queue = api.queue(dead_letter_queue=api.queue())
    again_updated = twice(api, "queue.update", queue=queue, max_retries=4)
    api.call("queue.update", queue=queue, max_retries=6)
    again_updated()
    equal(api.call("queue.get", queue=queue)["max_retries"], 6, "max_retries, when an old update was repeated")
    message = dead_letter(api, queue)
    again_redriven = twice(api, "queue.dlq.redrive", queue=queue)
    require(message in api.take(queue), "the message that was brought back was not handed out")
    api.call("queue.nack", queue=queue, message_id=message, requeue=False)
    dead = api.dead(queue)
    again_redriven()
    equal(api.dead(queue), dead, "the dead letters, when an old redrive was repeated")
    again_purged = twice(api, "queue.purge", queue=queue)
    api.publish(queue)
    again_purged()
    equal(api.stats(queue)["available"], 1, "the messages available, when an old purge was repeated")
    again_deleted = twice(api, "queue.delete", queue=queue)
    api.call("queue.create", name=queue)
    again_deleted()
    api.call("queue.get", queue=queue)


@keys.choice(8, "queue.publish:idempotency_key")
def elsewhere(api: Api) -> None:
    """The header Idempotency-Key does the same, so does the query; the header wins over a key in the body."""
    queue, key = api.queue(), api.name()
    header = {"Idempotency-Key": key}
    ids = [sent_id(api, queue, headers=header) for _ in range(2)]
    came = f"two messages with the same header Idempotency-Key had the ids {shown(ids)}"
    api.expects("idempotency.places", None not in ids and ids[0] == ids[1], came, "one id")
    both = {sent_id(api, queue, {"idempotency_key": api.name()}, headers=header) for _ in range(2)}
    came = f"with that header and other keys in the body the ids were {shown(sorted(map(str, both)))}"
    api.expects("idempotency.places", both == {ids[0]}, came, "that one id")
    other = api.name()
    ids = [sent_id(api, queue, query={"idempotency_key": other}) for _ in range(2)]
    came = f"two messages with the same key in the query had the ids {shown(ids)}"
    api.expects("idempotency.places", None not in ids and ids[0] == ids[1], came, "one id")


def sent_id(api: Api, queue: str, more: dict[str, Any] | None = None, **how: Any) -> str | None:
    """Publish an empty message with a key wherever that stands; return its id, None where it is refused."""
    reply = api.send("POST", "/v1/scheduling/queue/publish", {"queue": queue, "payload": {}, **(more or {})}, **how)
    return str(reply.data["message_id"]) if reply.succeeded else None


@keys.choice(9, "queue.publish:idempotency_key", "queue.create:idempotency_key")
def scope_is_the_operation(api: Api) -> None:
    """One key may serve different operations, as real programs use it."""
    key, choice = api.name(), "idempotency.scope"
    would_take(api, choice, "queue.create", name=key, idempotency_key=key)
    published = would_take(api, choice, "queue.publish", queue=key, payload={}, idempotency_key=key)
    if not published.succeeded or "message_id" not in published.data:
        return
    message = published.data["message_id"]
    came = api.take(key)
    api.expects_equal(choice, came, [message], "what was handed out of what was published under the queue's key")
    would_take(api, choice, "queue.ack", queue=key, message_id=message, idempotency_key=key)
    counts = {"available": 0, "in_flight": 0, "dlq": 0}
    api.expects_equal(choice, api.stats(key), counts, "the counts after an ack with that key")


@keys.choice(10, "queue.consume")
def consume_is_never_repeated(api: Api) -> None:
    """Consume with a constant key hands out new messages each time, as real workers expect."""
    queue = api.queue()
    sent = api.publish_many(queue, 2)
    got: list[str] = []
    for _ in range(2):
        reply = api.attempt("queue.consume", queue=queue, max_messages=1, http_headers={"Idempotency-Key": "worker"})
        got += [item["message_id"] for item in messages_in(reply.data)] if reply.succeeded else []
    api.expects_equal("idempotency.reads", sorted(got), sorted(sent), "what two consumes with one key handed out")


@keys.documented(11, "queue.publish:idempotency_key", "cron.create:idempotency_key", lines=(41, 103))
def when_they_race(api: Api) -> None:
    """Retries that race do nothing twice: whoever is answered is answered the same."""
    with empty_queue(api) as queue:
        message: dict[str, Any] = {"queue": queue, "payload": {"n": 1}, "idempotency_key": api.name()}
        ids = {reply.data["message_id"] for reply in raced(api, lambda: api.attempt("queue.publish", **message))}
        equal(len(ids), 1, "the number of different ids")
        equal(collected_ids(api, queue, RACERS), list(ids), "the messages handed out")
    name, url, other = api.name(), api.nowhere(), api.name()

    def create() -> dict[str, Any]:
        try:
            return api.cron_record(url=url, name=name, idempotency_key=other)
        except Failed:
            return {}

    crons = {cron_id(record) for record in side_by_side([create for _ in api.some(range(RACERS), 2)]) if record}
    equal(len(crons), 1, "the number of different crons")
    named = [item for item in api.pages("cron.list") if item["name"] == name]
    equal(len(named), 1, "the number of crons of that name")


def raced(api: Api, action: Callable[[], Reply]) -> list[Reply]:
    """Do something several times at once; return the successes, for who comes too early may be refused."""
    replies = [reply for reply in side_by_side([action for _ in api.some(range(RACERS), 2)]) if reply.succeeded]
    require(replies, "every one of them was refused", "one of them is served")
    return replies


@keys.choice(12, "queue.publish:idempotency_key", "queue.create:idempotency_key")
def refused_requests_are_forgotten(api: Api) -> None:
    """A key whose request was refused can be used for the corrected one."""
    queue, key, choice = api.queue(), api.name(), "idempotency.successes"
    if not api.attempt("queue.publish", queue=queue, idempotency_key=key).succeeded:
        reply = would_take(api, choice, "queue.publish", queue=queue, payload={}, idempotency_key=key)
        api.expects(choice, not reply.succeeded or reply.data.get("message_id"), reply.text[:200], "a message")
    name, dead_letters, key = api.name(), api.name(), api.name()
    if not api.attempt("queue.create", name=name, dead_letter_queue=dead_letters, idempotency_key=key).succeeded:
        api.call("queue.create", name=dead_letters)
        would_take(api, choice, "queue.create", name=name, dead_letter_queue=dead_letters, idempotency_key=key)


@keys.choice(13, "queue.publish:idempotency_key", "cron.trigger:idempotency_key")
def empty_keys(api: Api) -> None:
    """An empty key is refused, and so it never stands for another request's."""
    would_refuse(api, "idempotency.empty_keys", "queue.publish", queue=api.queue(), payload={}, idempotency_key="")
    would_refuse(api, "idempotency.empty_keys", "cron.trigger", id=api.cron(), idempotency_key="")


@keys.choice(14, "queue.publish:idempotency_key")
def request_ids_are_fresh(api: Api) -> None:
    """A repeated request has a request id of its own."""
    queue, key = api.queue(), api.name()
    replies = [api.attempt("queue.publish", queue=queue, payload={}, idempotency_key=key) for _ in range(2)]
    metadata = [reply.body.get("metadata") if isinstance(reply.body, dict) else None for reply in replies]
    ids = [item.get("request_id") for item in metadata if isinstance(item, dict) and item.get("request_id")]
    if len(ids) == len(replies):
        api.expects("idempotency.request_ids", len(set(ids)) == 2, f"both answers have the id {ids[0]}", "two ids")


@keys.documented(15, "cron.trigger:idempotency_key", "task.schedule:idempotency_key", lines=(313, 458), seconds=5)
def runs_are_made_once(api: Api) -> None:
    """A trigger and a task.schedule that are repeated with their key deliver once."""
    triggered, scheduled = api.receiver(200), api.receiver(200)
    twice(api, "cron.trigger", id=api.cron(url=triggered.url))()
    twice(api, "task.schedule", task=scheduled.url, run_at=api.soon(1))()
    api.arrived(triggered, 1, 6)
    api.arrived(scheduled, 1, 6)
    api.sleep(2)
    equal((len(triggered.calls()), len(scheduled.calls())), (1, 1), "the deliveries of the trigger, and of the task")


@keys.choice(16, "cron.delete:idempotency_key", "queue.delete:idempotency_key")
def deletions(api: Api) -> None:
    """A deletion that is repeated with its key answers the same, though nothing is there any more."""
    twice(api, "cron.delete", id=api.cron())()
    twice(api, "queue.delete", queue=api.queue())()
