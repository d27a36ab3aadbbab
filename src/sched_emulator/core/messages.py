"""Messages: publishing, leases, nacks, dead letters and redrive.

What takes a message from place to place stands in `places`. `_move` changes the place within a queue, `_arrive` the
queue. A dead letter keeps its id and its origin wherever it is held.
"""

from typing import Any

from . import deliveries, queues
from .encoding import encode_bytes
from .errors import Conflict, NotFound, PayloadTooLarge
from .paging import page
from .places import Happening, after
from .records import Message, Place, Queue
from .store import Store
from .timeline import Entry, Kind

WAITS_FOR: dict[Place, Kind] = {"in_flight": "lease", "delayed": "message"}


def publish(
    store: Store, *, queue: str, payload: Any, delay_ms: int = 0, priority: int | None = None
) -> dict[str, Any]:
    """Publish a message, perhaps with a delay (documentation line 87)."""
    _refuse_if_too_large(store, payload, "payload")
    record = _for_publishing(store, queue)
    return {"message_id": _publish(store, record, payload, delay_ms, priority)}


def publish_batch(store: Store, *, queue: str, messages: list[dict[str, Any]]) -> dict[str, Any]:
    """Publish several messages, all or none (documentation line 747)."""
    for number, item in enumerate(messages):
        _refuse_if_too_large(store, item["payload"], f"messages[{number}].payload")
    record = _for_publishing(store, queue)
    ids = [_publish(store, record, item["payload"], item.get("delay_ms", 0), item.get("priority")) for item in messages]
    return {"message_ids": ids}


def consume(
    store: Store, *, queue: str, max_messages: int | None = None, visibility_timeout_ms: int | None = None
) -> dict[str, Any]:
    """Hand out messages under a lease (documentation line 784)."""
    if queue not in store.queues and store.answers.ask("queue.consume_unknown") == "empty":
        return {"messages": []}
    record = queues.find(store, queue)
    most = max_messages or store.answers.constant("queue.max_messages")
    barrier = queues.fifo_barrier(store, record)
    taken: list[dict[str, Any]] = []
    while len(taken) < most and (message := queues.takeable(store, record, barrier)) is not None:
        hand_out(store, record, message, visibility_timeout_ms or record.visibility_timeout_default_ms)
        taken.append(view(message))
    queues.want_push(store, record)
    return {"messages": taken}


def ack(store: Store, *, queue: str, message_id: str) -> dict[str, Any]:
    """Remove a consumed message (documentation line 819)."""
    record = queues.find(store, queue)
    message = store.contents[queue].live.messages.get(message_id)
    if message is not None and message.place == "in_flight":
        if message.attempts > 1:
            store.note = f"{message_id} was handed out {message.attempts} times: an earlier holder may have acked it"
        queues.remove(store, message, "ack")
    elif message is not None and message.place == "available" and message.lease_expired:
        if store.answers.ask("queue.ack_expired") == "reject":
            raise Conflict(
                f"the lease of message '{message_id}' has run out",
                hint="Consume it again, or ask for a longer visibility_timeout.",
            )
        queues.remove(store, message, "ack")
    else:
        _not_in_flight(store, message_id)
    queues.want_push(store, record)
    return {"message_id": message_id, "acked": True}


def nack(store: Store, *, queue: str, message_id: str, requeue: bool | None = None) -> dict[str, Any]:
    """Give a consumed message back, or let it die (documentation line 856)."""
    record = queues.find(store, queue)
    message = store.contents[queue].live.messages.get(message_id)
    in_flight = message is not None and message.place == "in_flight"
    if not in_flight:
        _not_in_flight(store, message_id)
    if requeue is None:
        requeue = store.answers.ask("queue.nack_default") == "requeue"
    if in_flight:
        assert message is not None
        requeue = _nack(store, record, message, requeue=requeue)
    return {"message_id": message_id, "nacked": True, "requeued": requeue}


def list_dead(store: Store, *, queue: str, cursor: str | None = None, limit: int | None = None) -> dict[str, Any]:
    """List a queue's dead letters, the first to die first (documentation line 894)."""
    queues.find(store, queue)
    return store.page(f"dlq.list {queue}", store.dead_letters(queue), view, cursor=cursor, limit=limit)


def redrive(
    store: Store,
    *,
    queue: str,
    message_id: str | None = None,
    since_ms: int | None = None,
    max_messages: int | None = None,
) -> dict[str, Any]:
    """Put dead letters back at the end of the queues they came from (documentation line 927).

    One by `message_id`, else all that died at `since_ms` or later, at most `max_messages` (assumption
    `queue.redrive_max`). One that a consumer holds under a lease is left where it is.
    """
    queues.find(store, queue)
    if message_id is not None:
        message = store.find_message(message_id, likely=queue)
        if message is None or message.died_ms is None or queue not in {message.queue, message.origin}:
            raise NotFound("dead letter", message_id)
        chosen = [message]
    else:
        dead, _ = page(store.dead_letters(queue), None, None)
        chosen = [message for message in dead if since_ms is None or (message.died_ms or 0) >= since_ms]
    chosen = [message for message in chosen if message.place != "in_flight" or message.pushed_by is not None]
    if message_id is None and max_messages is not None and store.answers.ask("queue.redrive_max") == "honour":
        chosen = chosen[:max_messages]
    for message in chosen:
        holder = store.queues[message.queue]
        queues.withdraw(store, message)
        message.died_ms = None
        _arrive(store, store.queues[message.origin], message, "redrive")
        queues.want_push(store, holder)
    return {"queue": queue, "redriven": len(chosen)}


def hand_out(store: Store, queue: Queue, message: Message, lease_ms: int) -> None:
    """Lease an available message."""
    message.attempts += 1
    message.lease_expired = False
    message.pushed_by = None
    _move(store, queue, message, "hand_out", due_ms=store.now_ms + lease_ms)


def become_available(store: Store, entry: Entry) -> None:
    """End a delay (event `message`)."""
    queue, message = _subject_of(store, entry)
    message.retrying = False
    _move(store, queue, message, "delay_over")
    queues.want_push(store, queue)


def end_lease(store: Store, entry: Entry) -> None:
    """End a lease that ran out: a push has failed, a consumer's message is available again (event `lease`)."""
    queue, message = _subject_of(store, entry)
    if message.pushed_by is not None:
        push_failed(store, queue, message)
        return
    if store.answers.ask("queue.expiry_counts") == "counted" and _spent(store, queue, message):
        die(store, queue, message)
        return
    message.lease_expired = True
    _requeue(store, queue, message, after_ms=0)


def push_failed(store: Store, queue: Queue, message: Message) -> None:
    """Take a failed push: the message waits for the next try, or dies after its last retry."""
    assert queue.subscription is not None
    message.failures += 1
    if message.failures > queues.push_retries(store, queue):
        die(store, queue, message)
        return
    message.retrying = True
    message.pushed_by = None
    _move(store, queue, message, "back_off", due_ms=store.now_ms + deliveries.backoff_ms(store, message.failures))
    queues.want_push(store, queue)


def die(store: Store, queue: Queue, message: Message) -> None:
    """Move a message to the dead letters; a subscription's dead-letter queue wins for a message it pushed."""
    name = queue.dead_letter_queue
    if message.pushed_by is not None and queue.subscription is not None:
        name = queue.subscription.dead_letter_queue or name
    if name is None and store.answers.ask("queue.dead_without_dlq") == "dropped":
        queues.remove(store, message, "drop")
        queues.want_push(store, queue)
        return
    queues.withdraw(store, message)
    message.died_ms = store.now_ms
    consumable = name is not None and store.answers.ask("queue.dlq_consumable") == "consumable"
    _arrive(store, store.queues[name or queue.queue], message, "die_consumable" if consumable else "die")
    queues.want_push(store, queue)


def view(message: Message) -> dict[str, Any]:
    """Return a message as the API shows it."""
    facts = {
        "message_id": message.message_id,
        "payload": message.payload,
        "attempts": message.attempts,
        "published_at": message.published_ms,
    }
    if message.priority is not None:
        facts["priority"] = message.priority
    return facts


def _refuse_if_too_large(store: Store, payload: Any, parameter: str) -> None:
    limit, size = store.answers.constant("limits.message_bytes"), len(encode_bytes(payload))
    if size > limit:
        raise PayloadTooLarge(
            f"`{parameter}` must be at most {limit} byte{'s' * (limit != 1)} of compact JSON, got {size}",
            details={"parameter": parameter},
        )


def _for_publishing(store: Store, name: str) -> Queue:
    queue = store.queues.get(name)
    if queue is not None:
        return queue
    if store.answers.ask("queue.publish_unknown") == "reject":
        raise NotFound("queue", name)
    return queues.add(store, name, queues.settings(store), implicit=True)


def _publish(store: Store, queue: Queue, payload: Any, delay_ms: int, priority: int | None) -> str:
    arrival = store.ids.number("arrival")
    message = Message(
        message_id=store.ids.next("msg"),
        queue=queue.queue,
        origin=queue.queue,
        payload=payload,
        priority=priority,
        arrival=arrival,
        position=arrival,
        published_ms=store.now_ms,
        kept_from_ms=store.now_ms,
        place=after(None, "publish_delayed" if delay_ms else "publish"),
    )
    _settle_in(store, queue, message, store.now_ms + delay_ms)
    return message.message_id


def _arrive(store: Store, queue: Queue, message: Message, happening: Happening) -> None:
    """Put a message that no queue holds at the end of a queue."""
    message.queue = queue.queue
    message.arrival = message.position = store.ids.number("arrival")
    message.kept_from_ms = store.now_ms
    message.failures = 0
    message.retrying = message.lease_expired = False
    message.pushed_by = None
    message.place = after(message.place, happening)
    if message.died_ms is not None:
        store.list_dead(message)
    _settle_in(store, queue, message, 0)


def _settle_in(store: Store, queue: Queue, message: Message, due_ms: int) -> None:
    """Make a new message of a queue known to its places, its retention and its subscription."""
    _enter(store, queue, message, due_ms)
    if queue.retention_entry is None:
        queues.apply_retention(store, queue.queue)
    queues.want_push(store, queue)


def _move(store: Store, queue: Queue, message: Message, happening: Happening, due_ms: int = 0) -> None:
    """Take a message from one place of its queue to another."""
    store.contents[queue.queue].leave(message)
    store.timeline.cancel(message.entry, queue=queue.queue)
    message.entry = None
    message.place = after(message.place, happening)
    _enter(store, queue, message, due_ms)


def _enter(store: Store, queue: Queue, message: Message, due_ms: int) -> None:
    kind = WAITS_FOR.get(message.place)
    if kind is not None:
        message.entry = store.timeline.schedule(due_ms, kind, message.message_id, queue=queue.queue)
    store.contents[queue.queue].enter(message)


def _subject_of(store: Store, entry: Entry) -> tuple[Queue, Message]:
    assert entry.queue is not None
    return store.queues[entry.queue], store.contents[entry.queue].live.messages[entry.subject]


def _not_in_flight(store: Store, message_id: str) -> None:
    if store.answers.ask("queue.ack_unknown") == "reject":
        raise NotFound("message in flight", message_id)


def _nack(store: Store, queue: Queue, message: Message, *, requeue: bool) -> bool:
    if not requeue or _spent(store, queue, message):
        die(store, queue, message)
        return False
    delayed = store.answers.ask("queue.nack_delay") == "backoff"
    _requeue(store, queue, message, after_ms=deliveries.backoff_ms(store, message.failures) if delayed else 0)
    return True


def _spent(store: Store, queue: Queue, message: Message) -> bool:
    """Count a failure; say whether it was one too many (assumption `queue.max_retries_counts`)."""
    message.failures += 1
    allowed = queue.max_retries if message.pushed_by is None else queues.push_retries(store, queue)
    total = store.answers.ask("queue.max_retries_counts") == "total"
    return message.failures >= allowed if total else message.failures > allowed


def _requeue(store: Store, queue: Queue, message: Message, *, after_ms: int) -> None:
    """Make a message available again, at its old place or at the end (assumption `queue.nack_position`)."""
    if queue.type == "standard" and store.answers.ask("queue.nack_position") == "back":
        message.position = store.ids.number("arrival")
    message.pushed_by = None
    message.retrying = after_ms > 0
    _move(store, queue, message, "back_off" if after_ms else "requeue", due_ms=store.now_ms + after_ms)
    queues.want_push(store, queue)
