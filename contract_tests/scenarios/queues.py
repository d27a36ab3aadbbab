"""Queues: their settings, counts and end."""

from typing import Any

from sched_emulator.contract import (
    Api,
    Group,
    NotChecked,
    collected_ids,
    dead_letter,
    equal,
    idle_queue,
    published,
    require,
    shown,
    standard_queue,
    two_empty_queues,
    unkeyed_queue,
    would_refuse,
    would_take,
)

settings = Group("queue/settings", aspect="behaviour")
counts = Group("queue/stats", aspect="behaviour")
ends = Group("queue/end", aspect="behaviour")


@settings.documented(
    1,
    "queue.create:name",
    "queue.create:type",
    "queue.create:dead_letter_queue",
    "queue.create:max_retries",
    "queue.create:visibility_timeout_default",
    "queue.get:queue",
    lines=(519, 522, 523, 524, 526, 532, 565),
)
def are_kept(api: Api) -> None:
    """What a queue is created with is what create and get return."""
    name, created, given = api.shared(idle_queue)
    for operation, record in (("create", created), ("get", api.call("queue.get", queue=name))):
        same(record, {"queue": name, **given}, f"the record of {operation}")
        tells_dead_letter_queue(api, record, given["dead_letter_queue"])


def same(record: dict[str, Any], expected: dict[str, Any], what: str) -> None:
    """Fail when a record has other values; whether it tells its dead-letter queue is left to it."""
    optional = {"dead_letter_queue"} - record.keys()
    wanted = {name: value for name, value in expected.items() if name not in optional}
    equal({name: record.get(name) for name in wanted}, wanted, what)


def tells_dead_letter_queue(api: Api, record: dict[str, Any], expected: str) -> None:
    """Demand softly that a record has its dead-letter queue."""
    found = record.get("dead_letter_queue")
    api.expects_equal("queue.dead_letter_queue", found, expected, "dead_letter_queue of the record")


@settings.documented(
    2,
    "queue.update",
    "queue.update:queue",
    "queue.update:max_retries",
    "queue.update:visibility_timeout_default",
    lines=(624, 626, 632),
)
def are_changed(api: Api) -> None:
    """Update changes what is given and leaves the rest."""
    queue = api.shared(changed_queue)
    updated = api.call("queue.update", queue=queue, max_retries=2, message_retention_days=3)
    same(updated, {"queue": queue, "max_retries": 2, "visibility_timeout_default": 45}, "the record of update")
    api.call("queue.update", queue=queue, visibility_timeout_default=12)
    fetched = api.call("queue.get", queue=queue)
    same(fetched, {"max_retries": 2, "visibility_timeout_default": 12}, "the record of get")


def changed_queue(api: Api) -> str:
    """Make a queue whose settings are changed."""
    return api.queue(max_retries=7, visibility_timeout_default=45)


@settings.documented(3, "queue.update:dead_letter_queue", lines=(523, 623, 871))
def dead_letter_queue_is_changed(api: Api) -> None:
    """Update gives a queue a dead-letter queue, and dead messages go there."""
    name, made = api.shared(unkeyed_queue)
    dead_letters, queue = name if made.succeeded else api.queue(), api.queue()
    api.call("queue.update", queue=queue, dead_letter_queue=dead_letters)
    if api.curious:
        tells_dead_letter_queue(api, api.call("queue.get", queue=queue), dead_letters)
    message = dead_letter(api, queue)
    equal(api.dead(queue), [message], "the dead letters")
    if api.answer("queue.dlq_consumable") == "consumable":
        equal(api.take(dead_letters), [message], "what was consumed from the dead-letter queue")


@settings.documented(4, "queue.create:visibility_timeout_default", lines=(526, 797), seconds=3)
def default_lease(api: Api) -> None:
    """A consume without a lease takes the queue's."""
    queue = api.queue(visibility_timeout_default=2, max_retries=9)
    message = api.publish(queue)
    equal(api.take(queue), [message], "what was consumed")
    api.just_before(2)
    equal(api.take(queue), [], "what was consumed just before the lease ended")
    api.just_after()
    equal(api.take(queue), [message], "what was consumed when the lease had ended")


@settings.choice(5, "queue.create")
def names_are_texts(api: Api) -> None:
    """A name may hold dots, spaces and letters of any script, and comes back as it was."""
    for suffix in (".v1-a_b", " with space", "-été-订单", "/slash", "%41"):
        name = api.name() + suffix
        if would_take(api, "values.names", "queue.create", name=name).succeeded:
            reply = api.attempt("queue.get", queue=name)
            found = reply.data["queue"] if reply.succeeded else reply.status
            api.expects_equal("values.names", found, name, "the name that get answers")
            api.attempt("queue.delete", queue=name)


@settings.choice(6, "queue.create")
def other_settings_conflict(api: Api) -> None:
    """Creating a queue that exists, with other settings, answers 409 and changes nothing."""
    queue = api.queue(max_retries=4)
    would_refuse(api, "queue.create_conflict", "queue.create", 409, name=queue, max_retries=8)
    kept = api.call("queue.get", queue=queue)["max_retries"]
    api.expects_equal("queue.create_conflict", kept, 4, "max_retries after a second create with 8")


@settings.choice(9, "queue.create", "queue.publish:queue")
def create_configures_what_publishing_made(api: Api) -> None:
    """The first create of a queue that publishing made configures it."""
    if api.follows("queue.publish_unknown") == "reject":
        raise NotChecked("publishing makes no queues on this target")
    name = api.name()
    message = api.publish(name)
    if would_take(api, "queue.create_configures", "queue.create", name=name, max_retries=9).succeeded:
        kept = api.call("queue.get", queue=name)["max_retries"]
        api.expects_equal("queue.create_configures", kept, 9, "max_retries of a queue that publishing made")
        equal(api.take(name), [message], "what was consumed")


@settings.documented(7, "queue.update:enable_priority", "queue.update:message_retention_days", lines=(123, 625, 627))
def priority_is_enabled(api: Api) -> None:
    """Update enables priorities."""
    queue = api.shared(changed_queue)
    api.call("queue.update", queue=queue, enable_priority=True, message_retention_days=2)
    low, high = api.publish(queue, priority=1), api.publish(queue, priority=9)
    first = high if api.follows("queue.priority_order") == "high_first" else low
    equal(api.take(queue, max_messages=1)[:1], [first], "what was consumed first")


@counts.documented(1, "queue.stats", "queue.stats:queue", lines=(523, 731, 823, 871))
def add_up(api: Api) -> None:
    """Each message is counted once: available, in flight, or dead."""
    with two_empty_queues(api) as (queue, _):
        if not api.paid:  # of an idle queue an example tells the counts
            equal(api.stats(queue), {"available": 0, "in_flight": 0, "dlq": 0}, "the counts of an empty queue")
        sent = published(api, queue, 3)
        equal(api.stats(queue), {"available": 3, "in_flight": 0, "dlq": 0}, "the counts after publishing three")
        first, second = collected_ids(api, queue, 2)
        require({first, second} <= set(sent), f"{first} and {second} were consumed", "two of those published")
        equal(api.stats(queue), {"available": 1, "in_flight": 2, "dlq": 0}, "the counts after consuming two")
        api.call("queue.nack", queue=queue, message_id=first, requeue=False)
        equal(api.stats(queue), {"available": 1, "in_flight": 1, "dlq": 1}, "the counts after one died")
        api.call("queue.ack", queue=queue, message_id=second)
        equal(api.stats(queue), {"available": 1, "in_flight": 0, "dlq": 1}, "the counts after an ack")


@counts.choice(2, "queue.stats", seconds=3)
def age_of_the_oldest(api: Api) -> None:
    """oldest_age_seconds is the age of the oldest message, and absent when there is none."""
    queue = api.queue()
    empty = api.call("queue.stats", queue=queue).get("oldest_age_seconds")
    api.expects("queue.oldest_age", empty is None, f"the age in an empty queue was {shown(empty)}", "it is absent")
    api.publish(queue)
    api.sleep(2.5)
    api.publish(queue)
    age = api.call("queue.stats", queue=queue).get("oldest_age_seconds")
    came = "the age was absent" if age is None else f"the age was {shown(age)} s"
    about = age is not None and 1.9 <= age <= 2.6 + 2 * api.margin
    api.expects("queue.oldest_age", about, came, "the age is about 2.5 s")


@ends.documented(1, "queue.delete", "queue.delete:queue", lines=(585, 654, 659))
def deleted_is_gone(api: Api) -> None:
    """A deleted queue is gone, with its messages: one made anew under its name is empty."""
    queue, _ = api.shared(deleted_queue)
    if api.curious:
        would_refuse(api, "values.unknown_things", "queue.stats", 404, queue=queue)
    listed = [item["queue"] for item in api.pages("queue.list")]
    require(queue not in listed, f"{queue} is still listed", "a deleted queue is not listed")
    api.call("queue.create", name=queue)
    equal(api.take(queue), [], "what was consumed from the queue made anew")


def deleted_queue(api: Api) -> tuple[str, dict[str, Any]]:
    """Delete a queue with messages, which is then gone; return its name and what was answered."""
    queue = api.queue()
    api.publish_many(queue, 1 if api.paid else 2)
    answer: dict[str, Any] = api.call("queue.delete", queue=queue)
    api.refused("queue.get", 404, queue=queue)
    return queue, answer


@ends.documented(2, "queue.purge", "queue.purge:queue", lines=(686, 691, 698))
def purged_is_empty(api: Api) -> None:
    """Purge removes all messages, those in flight and delayed too, and says how many."""
    with api.lent(standard_queue) as queue:
        published(api, queue, 3)
        api.publish(queue, delay_seconds=2)
        taken = api.take(queue, max_messages=1, visibility_timeout=2)[0]
        api.count(api.call("queue.purge", queue=queue)["purged"], 4, "purged")
        equal(api.stats(queue), {"available": 0, "in_flight": 0, "dlq": 0}, "the counts after purging")
        if api.answer("queue.ack_unknown") == "reject":
            api.refused("queue.ack", 404, queue=queue, message_id=taken)
        api.count(api.call("queue.purge", queue=queue)["purged"], 0, "purged the second time")


@ends.choice(3, "queue.purge")
def purge_spares_the_dead(api: Api) -> None:
    """Purge leaves the dead letters of the queue where they are."""
    queue = api.queue(dead_letter_queue=api.queue())
    message = dead_letter(api, queue)
    api.call("queue.purge", queue=queue)
    api.expects_equal("queue.purge_spares_the_dead", api.dead(queue), [message], "the dead letters after a purge")


@ends.choice(4, "queue.delete")
def used_for_dead_letters(api: Api) -> None:
    """A queue that another one's dead letters go to cannot be deleted."""
    dead_letters = api.queue()
    api.queue(dead_letter_queue=dead_letters)
    would_refuse(api, "queue.dead_letter_queue", "queue.delete", 409, queue=dead_letters)


@settings.documented(
    8, "queue.create:message_retention_days", "queue.update:message_retention_days", lines=(525, 625), seconds=86_401
)
def retention_drops(api: Api) -> None:
    """Messages older than message_retention_days are gone."""
    queue = api.queue(message_retention_days=1)
    changed = api.queue(message_retention_days=3)
    api.publish(queue)
    api.publish(changed)
    api.call("queue.update", queue=changed, message_retention_days=2)
    api.just_before(86_400)
    equal(api.stats(queue)["available"], 1, "the messages available just before a day was over")
    api.just_after()
    equal(api.stats(queue)["available"], 0, "the messages available when a day was over")
    api.sleep(86_400)
    equal(api.stats(changed)["available"], 0, "the messages available after two days")
