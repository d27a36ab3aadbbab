"""Probes of how queues behave."""

from sched_emulator.contract import (
    Api,
    NotChecked,
    accepted,
    dead_letter_taken,
    idle_queue,
    nacked_with_one_retry,
    prioritised,
    probe,
    requeued,
    shown,
    unkeyed_queue,
)


@probe("queue.publish_unknown", "queue.publish")
def publish_unknown(api: Api) -> str:
    """What does publishing to a queue that was never created do?"""
    name = api.name()
    if not accepted(api.attempt("queue.publish", queue=name, payload={}), 404):
        return "reject"
    if not accepted(api.attempt("queue.get", queue=name), 404):
        raise NotChecked("it was accepted, and there is no such queue afterwards")
    return "create"


@probe("queue.consume_unknown", "queue.consume")
def consume_unknown(api: Api) -> str:
    """What does consuming from a queue that was never created answer?"""
    return "empty" if accepted(api.attempt("queue.consume", queue=api.name()), 404) else "reject"


@probe("queue.create_existing", "queue.create")
def create_existing(api: Api) -> str:
    """What does creating a queue that exists answer?"""
    return "same_ok" if accepted(api.attempt("queue.create", name=api.queue()), 409) else "reject"


@probe("queue.max_retries_counts", "queue.create:max_retries")
def max_retries_counts(api: Api) -> str:
    """With max_retries n, which nack makes a message dead?"""
    return "allowed" if api.shared(nacked_with_one_retry).answer["requeued"] else "total"


@probe("queue.expiry_counts", "queue.create:max_retries", seconds=1.5)
def expiry_counts(api: Api) -> str:
    """Does a lease that ran out count as a nack?"""
    queue = api.queue(max_retries=0)
    api.publish(queue)
    api.take(queue, visibility_timeout=1)
    api.just_before(1)
    api.just_after()
    counts = api.stats(queue)
    if counts["available"] == 1:
        return "ignored"
    if counts["available"] == counts["in_flight"] == 0:
        return "counted"
    raise NotChecked(f"after its lease the message counted as {shown(counts)}")


@probe("queue.nack_default", "queue.nack:requeue")
def nack_default(api: Api) -> str:
    """Where does a nack without requeue send the message?"""
    queue = api.queue(max_retries=5)
    message = api.publish(queue)
    api.take(queue)
    return "requeue" if api.call("queue.nack", queue=queue, message_id=message)["requeued"] else "dead_letter"


@probe("queue.nack_position", "queue.nack")
def nack_position(api: Api) -> str:
    """Where in a standard queue does a requeued message stand?"""
    if api.answer("queue.nack_delay") != "now":
        return _position_after_backoff(api)
    queue = api.queue(max_retries=5)
    api.publish_many(queue, 2)
    taken = api.take(queue, max_messages=1)
    api.call("queue.nack", queue=queue, message_id=taken[0], requeue=True)
    return "front" if api.take(queue, max_messages=1) == taken else "back"


def _position_after_backoff(api: Api) -> str:
    seconds = _first_backoff(api)
    if seconds is None:
        raise NotChecked("how long a requeued message waits could not be determined")
    queue = api.queue(max_retries=5)
    api.publish_many(queue, 2)
    taken = api.take(queue, max_messages=1)
    api.call("queue.nack", queue=queue, message_id=taken[0], requeue=True)
    api.sleep(seconds + 1)
    return "front" if api.take(queue, max_messages=1) == taken else "back"


def _first_backoff(api: Api) -> int | None:
    """Return the seconds that a failed delivery waits first, None where that could not be determined."""
    first = api.answer("delivery.backoff_first_seconds")
    known = {"immediate": 0, "fixed": 60, "exponential": None if first is None else int(first)}
    return known.get(str(api.answer("delivery.backoff")))


@probe("queue.nack_delay", "queue.nack")
def nack_delay(api: Api) -> str:
    """When is a requeued message available again?"""
    (_, message, answer), taken = api.shared(requeued)
    if taken == [message]:
        return "now"  # where the backoff is no time at all, the two are the same
    if not answer["requeued"]:
        raise NotChecked("the message was dead, in spite of its retries")
    return "backoff"


@probe("queue.dead_without_dlq", "queue.nack:requeue")
def dead_without_dlq(api: Api) -> str:
    """What becomes of a dead message when its queue has no dead-letter queue?"""
    queue = api.queue()
    message = api.publish(queue)
    api.take(queue)
    api.call("queue.nack", queue=queue, message_id=message, requeue=False)
    return "kept" if api.dead(queue) == [message] else "dropped"


@probe("queue.dlq_consumable", "queue.create:dead_letter_queue")
def dlq_consumable(api: Api) -> str:
    """Can a dead-letter queue be consumed like any other?"""
    dead, taken = api.shared(dead_letter_taken)
    return "consumable" if taken == list(dead.payloads) else "held"


@probe("queue.ack_expired", "queue.ack", seconds=1.5)
def ack_expired(api: Api) -> str:
    """What does an ack answer after the lease ran out, when nobody has consumed the message again?"""
    queue = api.queue(max_retries=5)
    message = api.publish(queue)
    api.take(queue, visibility_timeout=1)
    api.just_before(1)
    api.just_after()
    return "accept" if accepted(api.attempt("queue.ack", queue=queue, message_id=message), 409, 404) else "reject"


@probe("queue.ack_unknown", "queue.ack")
def ack_unknown(api: Api) -> str:
    """What does an ack or nack of a message answer that is not in flight?"""
    reply = api.attempt("queue.ack", queue=api.shared(idle_queue).name, message_id="msg_never_was")
    return "accept" if accepted(reply, 404) else "reject"


@probe("queue.fifo_in_flight", "queue.create:type")
def fifo_in_flight(api: Api) -> str:
    """Does a FIFO queue hand out later messages while an earlier one is in flight?"""
    queue = api.queue(type="fifo")
    api.publish_many(queue, 2)
    api.take(queue, max_messages=1)
    return "allow" if api.take(queue, max_messages=1) else "block"


@probe("queue.fifo_delayed", "queue.publish:delay_seconds")
def fifo_delayed(api: Api) -> str:
    """Does an earlier FIFO message that is still delayed hold back later ones?"""
    queue = api.queue(type="fifo")
    api.publish(queue, delay_seconds=60)
    api.publish(queue)
    return "pass" if api.take(queue) else "block"


@probe("queue.priority_off", "queue.publish")
def priority_off(api: Api) -> str:
    """What does a priority do on a queue without enable_priority?"""
    queue = api.queue()
    sent = [api.publish(queue, priority=priority) for priority in (5, 1, 9)]
    taken = [message for _ in sent for message in api.take(queue, max_messages=1)]
    return "ignore" if taken == sent else "honour"


@probe("queue.priority_order", "queue.create:enable_priority")
def priority_order(api: Api) -> str:
    """Which priority comes first?"""
    _, _, came = api.shared(prioritised)
    if came[0] // 10 not in {1, 3}:
        raise NotChecked(f"a message with priority {came[0] // 10} came first of those with 1 to 3")
    return "high_first" if came[0] // 10 == 3 else "low_first"


@probe("queue.stats_delayed", "queue.stats")
def stats_delayed(api: Api) -> str:
    """Where do delayed messages count in stats?"""
    queue = api.queue()
    api.publish(queue, delay_seconds=600)
    return "available" if api.stats(queue)["available"] else "hidden"


@probe("queue.redrive_max", "queue.dlq.redrive")
def redrive_max(api: Api) -> str:
    """What does max_messages on redrive do?"""
    queue = api.queue(dead_letter_queue=api.queue())
    for message in api.publish_many(queue, 2):
        api.take(queue, max_messages=1)
        api.call("queue.nack", queue=queue, message_id=message, requeue=False)
    api.call("queue.dlq.redrive", queue=queue, max_messages=1)
    available = api.stats(queue)["available"]
    if available not in {1, 2}:
        raise NotChecked(f"{available} of 2 dead letters were available afterwards")
    return "honour" if available == 1 else "ignore"


@probe("idempotency.conflict", "queue.create:idempotency_key")
def conflict(api: Api) -> str:
    """What does an idempotency key answer that came with another request before?"""
    key, other = api.name(), api.name()
    api.call("queue.create", name=api.name(), idempotency_key=key)
    if not accepted(api.attempt("queue.create", name=other, idempotency_key=key), 409):
        return "reject"
    if accepted(api.attempt("queue.get", queue=other), 404):
        raise NotChecked("the second request was obeyed, as though it had no key")
    return "replay"


@probe("idempotency.required", "queue.create:idempotency_key")
def key_required(api: Api) -> str:
    """Does a creation need an idempotency key?"""
    if accepted(api.shared(unkeyed_queue)[1]):
        return "optional"
    if not accepted(api.attempt("queue.create", name=api.name(), idempotency_key=api.name())):
        raise NotChecked("the same was refused with a key, too")
    return "required"
