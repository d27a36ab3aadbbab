"""Push subscriptions: messages delivered to a URL as they become available.

A push leases its message; the lease is the attempt's time limit. Whichever comes first of ack, nack, end of the lease
and the receiver's answer decides what becomes of the message; what comes later only changes the journal.
"""

from typing import Any

from . import deliveries, messages, queues
from .records import Attempt, Delivery, Message, Outcome, Queue, Subscription
from .store import Store
from .timeline import Entry


def subscribe(
    store: Store,
    *,
    queue: str,
    url: str,
    secret: str | None = None,
    max_retries: int | None = None,
    visibility_timeout_ms: int | None = None,
    dead_letter_queue: str | None = None,
) -> dict[str, Any]:
    """Configure the subscription of a queue, in place of the one before (documentation line 963)."""
    record = queues.find(store, queue)
    store.check_url(url, parameter="url", push=True)
    store.check_secret(secret)
    queues.check_dead_letter_queue(store, queue, dead_letter_queue)
    record.subscription = Subscription(
        subscription_id=store.ids.next("sub"),
        url=url,
        secret=secret,
        max_retries=max_retries,
        visibility_timeout_ms=visibility_timeout_ms or None,
        dead_letter_queue=dead_letter_queue,
    )
    queues.want_push(store, record)
    return {"subscription_id": record.subscription.subscription_id, "queue": queue, "url": url}


def push(store: Store, entry: Entry) -> Attempt | None:
    """Deliver the next message of a queue (event `push`)."""
    name = entry.subject
    queue = store.queues[name]
    queue.push_entry = None
    message = queues.first_takeable(store, queue)
    assert message is not None  # `want_push` keeps it so
    assert queue.subscription is not None
    lease_ms = queue.subscription.visibility_timeout_ms or queue.visibility_timeout_default_ms
    messages.hand_out(store, queue, message, lease_ms)
    delivery = _delivery(store, queue, queue.subscription, message, lease_ms)
    attempt = deliveries.start(store, delivery, queue=name)
    message.pushed_by = attempt.attempt_id
    store.contents[name].pushing += 1
    queues.want_push(store, queue)
    return attempt


def attempt_ended(store: Store, attempt: Attempt, outcome: Outcome) -> None:
    """Take the outcome of a push, unless something else has decided about the message meanwhile."""
    queue = store.queues.get(attempt.queue or "")
    if queue is not None:
        store.contents[queue.queue].pushing -= 1
    message = store.find_message(attempt.owner_id, likely=attempt.queue or "")
    if queue is None or message is None or message.pushed_by != attempt.attempt_id or message.place != "in_flight":
        if message is None or outcome.result != "timeout":  # a push that takes its whole lease ends with it
            deliveries.note(store, attempt, "the message was settled before this attempt ended")
    elif outcome.succeeded:
        queues.remove(store, message, "ack")
    else:
        messages.push_failed(store, queue, message)
    if queue is not None:
        queues.want_push(store, queue)


def _delivery(store: Store, queue: Queue, subscription: Subscription, message: Message, lease_ms: int) -> Delivery:
    """Return the delivery that goes on from earlier attempts of this subscription, or a new one."""
    begun = store.contents[queue.queue].live.deliveries
    if message.delivery_id is not None:
        delivery = begun[message.delivery_id]
        if delivery.source_id == subscription.subscription_id:
            delivery.timeout_ms = lease_ms
            return delivery
        del begun[message.delivery_id]
    wrapped = store.answers.ask("push.body") == "message"
    body = message.payload
    if wrapped:
        body = {"message_id": message.message_id, "queue": queue.queue, "payload": message.payload, "attempt": 0}
    delivery = Delivery(
        delivery_id=store.ids.next("dlv"),
        kind="push",
        owner_id=message.message_id,
        source_id=subscription.subscription_id,
        url=subscription.url,
        headers={},
        body=body,
        numbered=wrapped,
        secret=subscription.secret,
        timeout_ms=lease_ms,
        max_attempts=1 + queues.push_retries(store, queue),
    )
    message.delivery_id = delivery.delivery_id
    begun[delivery.delivery_id] = delivery
    return delivery
