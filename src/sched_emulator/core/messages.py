"""Messages: publishing, leases, nacks, dead letters and redrive.

A message is held by one queue, in one place: available, delayed, in flight or dead. `_move` changes the place within a
queue, `_arrive` the queue. A dead letter keeps its id and its origin wherever it is held.
"""

from typing import TYPE_CHECKING, Any

from . import deliveries, queues
from .encoding import encode_bytes
from .errors import Conflict, NotFound, PayloadTooLarge
from .instants import to_ms
from .paging import DEFAULT_LIMIT, listing
from .records import Message, Place, Queue

if TYPE_CHECKING:
    from .sandbox import Sandbox


def publish(
    sandbox: "Sandbox", *, queue: str, payload: Any, delay_seconds: float = 0, priority: int | None = None
) -> dict[str, Any]:
    """Publish a message, perhaps with a delay (documentation line 87)."""
    _refuse_if_too_large(sandbox, payload, "payload")
    record = _for_publishing(sandbox, queue)
    return {"message_id": _publish(sandbox, record, payload, delay_seconds, priority)}


def publish_batch(sandbox: "Sandbox", *, queue: str, messages: list[dict[str, Any]]) -> dict[str, Any]:
    """Publish several messages, all or none (documentation line 747)."""
    for number, item in enumerate(messages):
        _refuse_if_too_large(sandbox, item["payload"], f"messages[{number}].payload")
    record = _for_publishing(sandbox, queue)
    ids = [
        _publish(sandbox, record, item["payload"], item.get("delay_seconds", 0), item.get("priority"))
        for item in messages
    ]
    return {"message_ids": ids}


def consume(
    sandbox: "Sandbox", *, queue: str, max_messages: int | None = None, visibility_timeout: float | None = None
) -> dict[str, Any]:
    """Hand out messages under a lease (documentation line 784)."""
    if queue not in sandbox.queues and sandbox.answers.ask("queue.consume_unknown") == "empty":
        return {"messages": []}
    record = queues.find(sandbox, queue)
    lease_ms = to_ms(visibility_timeout) if visibility_timeout else record.visibility_timeout_ms
    index = sandbox.indexes[queue]
    barrier = queues.fifo_barrier(sandbox, index)
    taken: list[dict[str, Any]] = []
    for _ in range(max_messages or sandbox.answers.constant("queue.max_messages")):
        head = index.available.first()
        if head is None or (barrier is not None and head[0][1] > barrier):
            break
        message = sandbox.messages[head[1]]
        hand_out(sandbox, record, message, lease_ms)
        taken.append(view(message))
    queues.want_push(sandbox, record)
    return {"messages": taken}


def ack(sandbox: "Sandbox", *, queue: str, message_id: str) -> dict[str, Any]:
    """Remove a consumed message (documentation line 819)."""
    record = queues.find(sandbox, queue)
    message = _held_by(sandbox, queue, message_id)
    if message is not None and message.place == "in_flight":
        if message.attempts > 1:
            sandbox.note(f"{message_id} was handed out {message.attempts} times: an earlier holder may have acked it")
        queues.remove(sandbox, message)
    elif message is not None and message.place == "available" and message.lease_expired:
        if sandbox.answers.ask("queue.ack_expired") == "reject":
            raise Conflict(
                f"the lease of message '{message_id}' has run out",
                hint="Consume it again, or ask for a longer visibility_timeout.",
            )
        queues.remove(sandbox, message)
    else:
        _not_in_flight(sandbox, message_id)
    queues.want_push(sandbox, record)
    return {"message_id": message_id, "acked": True}


def nack(sandbox: "Sandbox", *, queue: str, message_id: str, requeue: bool | None = None) -> dict[str, Any]:
    """Give a consumed message back, or let it die (documentation line 856)."""
    record = queues.find(sandbox, queue)
    message = _held_by(sandbox, queue, message_id)
    in_flight = message is not None and message.place == "in_flight"
    if not in_flight:
        _not_in_flight(sandbox, message_id)
    if requeue is None:
        requeue = sandbox.answers.ask("queue.nack_default") == "requeue"
    if in_flight:
        assert message is not None
        requeue = _nack(sandbox, record, message, requeue=requeue)
    return {"message_id": message_id, "nacked": True, "requeued": requeue}


def list_dead(
    sandbox: "Sandbox", *, queue: str, cursor: str | None = None, limit: int | None = DEFAULT_LIMIT
) -> dict[str, Any]:
    """List a queue's dead letters, the first to die first (documentation line 894)."""
    queues.find(sandbox, queue)
    dead, name = sandbox.indexes[queue].dead, f"dlq.list {queue}"
    return listing(
        sandbox, name, dead, lambda message_id: view(sandbox.messages[message_id]), cursor=cursor, limit=limit
    )


def redrive(
    sandbox: "Sandbox",
    *,
    queue: str,
    message_id: str | None = None,
    since_ms: int | None = None,
    max_messages: int | None = None,
) -> dict[str, Any]:
    """Put dead letters back at the end of the queues they came from (documentation line 927).

    One by `message_id`, else all that died at `since_ms` or later, at most `max_messages` (assumption
    `queue.redrive_max`).
    """
    queues.find(sandbox, queue)
    dead = [sandbox.messages[item] for item in sandbox.indexes[queue].dead.ids.values()]
    if message_id is not None:
        chosen = [message for message in dead if message.message_id == message_id]
        if not chosen:
            raise NotFound("dead letter", message_id)
    else:
        chosen = [message for message in dead if since_ms is None or (message.died_ms or 0) >= since_ms]
        if max_messages is not None and sandbox.answers.ask("queue.redrive_max") == "honour":
            chosen = chosen[:max_messages]
    for message in chosen:
        holder = sandbox.queues[message.queue]
        queues.withdraw(sandbox, message)
        queues.unlist_dead(sandbox, message)
        message.died_ms = None
        _arrive(sandbox, sandbox.queues[message.origin], message, "available")
        queues.want_push(sandbox, holder)
    return {"queue": queue, "redriven": len(chosen)}


def hand_out(sandbox: "Sandbox", queue: Queue, message: Message, lease_ms: int) -> None:
    """Lease an available message."""
    message.attempts += 1
    message.lease_expired = False
    message.pushed_by = None
    _move(sandbox, queue, message, "in_flight", due_ms=sandbox.now_ms + lease_ms)


def become_available(sandbox: "Sandbox", message_id: str) -> None:
    """End a delay (event `message`)."""
    message = sandbox.messages[message_id]
    queue = sandbox.queues[message.queue]
    message.retrying = False
    _move(sandbox, queue, message, "available")
    queues.want_push(sandbox, queue)


def end_lease(sandbox: "Sandbox", message_id: str) -> None:
    """End a lease that ran out: a push has failed, a consumer's message is available again (event `lease`)."""
    message = sandbox.messages[message_id]
    queue = sandbox.queues[message.queue]
    if message.pushed_by is not None:
        push_failed(sandbox, queue, message)
        return
    if sandbox.answers.ask("queue.expiry_counts") == "counted" and _spent(sandbox, queue, message):
        die(sandbox, queue, message)
        return
    message.lease_expired = True
    _requeue(sandbox, queue, message, after_ms=0)


def push_failed(sandbox: "Sandbox", queue: Queue, message: Message) -> None:
    """Take a failed push: the message waits for the next try, or dies after the subscription's `max_retries`."""
    assert queue.subscription is not None
    message.failures += 1
    if message.failures > queue.subscription.max_retries:
        die(sandbox, queue, message)
        return
    message.retrying = True
    message.pushed_by = None
    _move(sandbox, queue, message, "delayed", due_ms=sandbox.now_ms + deliveries.backoff_ms(sandbox, message.failures))
    queues.want_push(sandbox, queue)


def die(sandbox: "Sandbox", queue: Queue, message: Message) -> None:
    """Move a message to the dead letters; a subscription's dead-letter queue wins for a message it pushed."""
    name = queue.dead_letter_queue
    if message.pushed_by is not None and queue.subscription is not None:
        name = queue.subscription.dead_letter_queue or name
    if name is None and sandbox.answers.ask("queue.dead_without_dlq") == "dropped":
        queues.remove(sandbox, message)
        queues.want_push(sandbox, queue)
        return
    queues.withdraw(sandbox, message)
    if message.died_ms is not None:
        queues.unlist_dead(sandbox, message)
    message.died_ms = sandbox.now_ms
    consumable = name is not None and sandbox.answers.ask("queue.dlq_consumable") == "consumable"
    _arrive(sandbox, sandbox.queues[name or queue.queue], message, "available" if consumable else "dead")
    queues.want_push(sandbox, queue)


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


def _refuse_if_too_large(sandbox: "Sandbox", payload: Any, parameter: str) -> None:
    limit, size = sandbox.answers.constant("limits.message_bytes"), len(encode_bytes(payload))
    if size > limit:
        raise PayloadTooLarge(
            f"`{parameter}` must be at most {limit} bytes of compact JSON, got {size}", details={"parameter": parameter}
        )


def _for_publishing(sandbox: "Sandbox", name: str) -> Queue:
    queue = sandbox.queues.get(name)
    if queue is not None:
        return queue
    if sandbox.answers.ask("queue.publish_unknown") == "reject":
        raise NotFound("queue", name)
    return queues.add(sandbox, queues.make(sandbox, name, implicit=True))


def _publish(sandbox: "Sandbox", queue: Queue, payload: Any, delay_seconds: float, priority: int | None) -> str:
    message = Message(
        message_id=sandbox.ids.next("msg"),
        queue=queue.queue,
        origin=queue.queue,
        payload=payload,
        priority=priority,
        arrival=0,
        position=0,
        published_ms=sandbox.now_ms,
        kept_from_ms=sandbox.now_ms,
        place="available",
    )
    sandbox.messages[message.message_id] = message
    delay_ms = to_ms(delay_seconds)
    _arrive(sandbox, queue, message, "delayed" if delay_ms else "available", due_ms=sandbox.now_ms + delay_ms)
    return message.message_id


def _arrive(sandbox: "Sandbox", queue: Queue, message: Message, place: Place, due_ms: int = 0) -> None:
    """Put a message that no queue holds at the end of a queue."""
    message.queue = queue.queue
    message.arrival = message.position = sandbox.ids.number("arrival")
    message.kept_from_ms = sandbox.now_ms
    message.failures = 0
    message.retrying = message.lease_expired = False
    message.pushed_by = None
    _put(sandbox, queue, message, place, due_ms)
    if message.died_ms is not None:
        queues.list_dead(sandbox, message)
    if queue.retention_entry is None:
        queues.apply_retention(sandbox, queue.queue)
    queues.want_push(sandbox, queue)


def _move(sandbox: "Sandbox", queue: Queue, message: Message, place: Place, due_ms: int = 0) -> None:
    """Take a message from one place of its queue to another."""
    sandbox.indexes[queue.queue].leave(message)
    sandbox.timeline.cancel(message.entry)
    _put(sandbox, queue, message, place, due_ms)


def _put(sandbox: "Sandbox", queue: Queue, message: Message, place: Place, due_ms: int) -> None:
    message.place = place
    message.entry = None
    if place == "in_flight":
        message.entry = sandbox.timeline.schedule(due_ms, "lease", message.message_id)
    elif place == "delayed":
        message.entry = sandbox.timeline.schedule(due_ms, "message", message.message_id)
    sandbox.indexes[queue.queue].enter(message, queues.rank(sandbox, queue, message))


def _held_by(sandbox: "Sandbox", queue: str, message_id: str) -> Message | None:
    message = sandbox.messages.get(message_id)
    return message if message is not None and message.queue == queue else None


def _not_in_flight(sandbox: "Sandbox", message_id: str) -> None:
    if sandbox.answers.ask("queue.ack_unknown") == "reject":
        raise NotFound("message in flight", message_id)


def _nack(sandbox: "Sandbox", queue: Queue, message: Message, *, requeue: bool) -> bool:
    if not requeue or _spent(sandbox, queue, message):
        die(sandbox, queue, message)
        return False
    delayed = sandbox.answers.ask("queue.nack_delay") == "backoff"
    _requeue(sandbox, queue, message, after_ms=deliveries.backoff_ms(sandbox, message.failures) if delayed else 0)
    return True


def _spent(sandbox: "Sandbox", queue: Queue, message: Message) -> bool:
    """Count a failure; say whether it was one too many (assumption `queue.max_retries_counts`)."""
    message.failures += 1
    pushed = message.pushed_by is not None and queue.subscription is not None
    allowed = queue.subscription.max_retries if pushed and queue.subscription else queue.max_retries
    total = sandbox.answers.ask("queue.max_retries_counts") == "total"
    return message.failures >= allowed if total else message.failures > allowed


def _requeue(sandbox: "Sandbox", queue: Queue, message: Message, *, after_ms: int) -> None:
    """Make a message available again, at its old place or at the end (assumption `queue.nack_position`)."""
    if queue.type == "standard" and sandbox.answers.ask("queue.nack_position") == "back":
        message.position = sandbox.ids.number("arrival")
    message.pushed_by = None
    message.retrying = after_ms > 0
    _move(sandbox, queue, message, "delayed" if after_ms else "available", due_ms=sandbox.now_ms + after_ms)
    queues.want_push(sandbox, queue)
