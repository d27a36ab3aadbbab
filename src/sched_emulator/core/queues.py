"""Queues: their settings, counts, retention and end. The ways of a single message are in `messages`.

Everything that changes which messages are available calls `want_push`, so that a subscription's next push is on the
timeline exactly when one can be made.
"""

from typing import Any

from .errors import Conflict, InvalidRequest, NotFound
from .instants import DAY_MS, to_ms, to_seconds
from .queue_index import QueueIndex
from .ranked import Rank
from .records import Message, Queue
from .store import Store

SETTINGS = {  # by field of the record: the documentation's name
    "type": "type",
    "dead_letter_queue": "dead_letter_queue",
    "max_retries": "max_retries",
    "message_retention_days": "message_retention_days",
    "visibility_timeout_ms": "visibility_timeout_default",
    "enable_priority": "enable_priority",
}


def create(store: Store, *, queue: str, **settings: Any) -> dict[str, Any]:
    """Create a queue (documentation line 510); one that exists with the same settings is answered as it is."""
    wanted = make(store, queue, **settings)
    check_dead_letter_queue(store, queue, wanted.dead_letter_queue)
    existing = store.queues.get(queue)
    if existing is None:
        return view(add(store, wanted))
    if existing.implicit:
        configure(store, existing, {name: getattr(wanted, name) for name in SETTINGS})
        existing.implicit = False
        return view(existing)
    different = [name for field, name in SETTINGS.items() if getattr(existing, field) != getattr(wanted, field)]
    if different or store.answers.ask("queue.create_existing") == "reject":
        reason = f"with another {different[0]}" if different else "already"
        raise Conflict(f"queue '{queue}' exists {reason}", hint="Change it with queue.update, or choose another name.")
    return view(existing)


def get(store: Store, *, queue: str) -> dict[str, Any]:
    """Return a queue's settings (documentation line 550)."""
    return view(find(store, queue))


def list_queues(store: Store, *, cursor: str | None = None, limit: int | None = None) -> dict[str, Any]:
    """List queues, oldest first (documentation line 581)."""
    queues = store.queues
    return store.page("queue.list", store.queue_index, lambda name: view(queues[name]), cursor=cursor, limit=limit)


def update(store: Store, *, queue: str, **changes: Any) -> dict[str, Any]:
    """Change what is given (documentation line 611)."""
    record = find(store, queue)
    check_dead_letter_queue(store, queue, changes.get("dead_letter_queue"))
    if "visibility_timeout_default" in changes:
        changes["visibility_timeout_ms"] = to_ms(changes.pop("visibility_timeout_default"))
    configure(store, record, changes)
    record.implicit = False
    return view(record)


def stats(store: Store, *, queue: str) -> dict[str, Any]:
    """Count a queue's messages (documentation line 716). The age is that of the oldest one that is not dead."""
    find(store, queue)
    index = store.indexes[queue]
    available = len(index.available)
    if index.delayed and store.answers.ask("queue.stats_delayed") == "available":
        available += index.delayed
    counts = {"queue": queue, "available": available, "in_flight": index.in_flight, "dlq": len(index.dead)}
    if index.held:
        oldest = store.messages[next(iter(index.held))]
        counts["oldest_age_seconds"] = (store.now_ms - oldest.kept_from_ms) // 1000
    return counts


def find(store: Store, name: str) -> Queue:
    """Return a queue; NotFound when there is none of that name."""
    queue = store.queues.get(name)
    if queue is None:
        raise NotFound("queue", name)
    return queue


def make(
    store: Store,
    name: str,
    *,
    type: str = "standard",  # noqa: A002 - the documentation's name
    dead_letter_queue: str | None = None,
    max_retries: int | None = None,
    message_retention_days: int | None = None,
    visibility_timeout_default: float | None = None,
    enable_priority: bool = False,
    implicit: bool = False,
) -> Queue:
    """Return a queue with defaults for what is not given; it is not added yet."""
    constant = store.answers.constant
    return Queue(
        queue=name,
        number=0,
        type=type,
        dead_letter_queue=dead_letter_queue,
        max_retries=constant("queue.max_retries") if max_retries is None else max_retries,
        message_retention_days=message_retention_days or constant("queue.retention_days"),
        visibility_timeout_ms=to_ms(visibility_timeout_default or constant("queue.visibility_timeout_seconds")),
        enable_priority=enable_priority,
        implicit=implicit,
    )


def add(store: Store, queue: Queue) -> Queue:
    """Add a new queue to the store."""
    queue.number = store.ids.number("queue")
    store.queues[queue.queue] = queue
    store.queue_index.add(queue.number, queue.queue)
    index = QueueIndex(fifo=queue.type == "fifo")
    index.pushing = sum(attempt.queue == queue.queue for attempt in store.attempts.values())
    store.indexes[queue.queue] = index
    return queue


def check_dead_letter_queue(store: Store, queue: str, name: str | None) -> None:
    """Refuse a dead-letter queue that does not exist or is the queue itself."""
    if name == queue:
        raise InvalidRequest(
            f"`dead_letter_queue` must be another queue than '{queue}' itself", parameter="dead_letter_queue"
        )
    if name is not None and name not in store.queues:
        raise InvalidRequest(
            f"`dead_letter_queue` must name an existing queue, got '{name}'", parameter="dead_letter_queue"
        )


def refuse_if_used_for_dead_letters(store: Store, name: str) -> None:
    """Refuse to delete a queue that takes another one's dead letters."""
    for queue in store.queues.values():
        pushed = queue.subscription.dead_letter_queue if queue.subscription else None
        if name in {queue.dead_letter_queue, pushed} and queue.queue != name:
            raise Conflict(
                f"queue '{name}' is the dead-letter queue of '{queue.queue}'",
                hint="Give that queue another dead-letter queue, or delete it first.",
            )


def configure(store: Store, queue: Queue, changes: dict[str, Any]) -> None:
    """Apply settings to a queue and to the messages that it holds."""
    for name, value in changes.items():
        setattr(queue, name, value)
    build_indexes(store)
    apply_retention(store, queue.queue)
    want_push(store, queue)


def build_indexes(store: Store) -> None:
    """Derive all queue indexes from the messages: after a restore, or when what ranks messages has changed."""
    store.indexes = {name: QueueIndex(fifo=queue.type == "fifo") for name, queue in store.queues.items()}
    for message in sorted(store.messages.values(), key=lambda message: message.arrival):
        queue = store.queues[message.queue]
        store.indexes[message.queue].enter(message, rank(store, queue, message))
        if message.died_ms is not None:
            list_dead(store, message)
    for attempt in store.attempts.values():
        if attempt.queue in store.indexes:
            store.indexes[attempt.queue].pushing += 1


def list_dead(store: Store, message: Message) -> None:
    """List a dead letter under the name of its origin and of the queue that holds it."""
    for name in {message.origin: None, message.queue: None}:
        store.indexes[name].dead.add(message.arrival, message.message_id)


def unlist_dead(store: Store, message: Message) -> None:
    """Take a message off the lists of dead letters."""
    for name in {message.origin: None, message.queue: None}:
        store.indexes[name].dead.discard(message.arrival)


def rank(store: Store, queue: Queue, message: Message) -> Rank:
    """Return a message's rank among the available ones: by priority where it counts, then by position."""
    if message.priority is None or queue.type == "fifo":
        return (0, message.position)
    if not queue.enable_priority and store.answers.ask("queue.priority_off") == "ignore":
        return (0, message.position)
    low_first = store.answers.ask("queue.priority_order") == "low_first"
    return (message.priority if low_first else -message.priority, message.position)


def first_takeable(store: Store, queue: Queue) -> str | None:
    """Return the id of the message that is handed out next, None when there is none or FIFO order holds it back."""
    index = store.indexes[queue.queue]
    head = index.available.first()
    if head is None:
        return None
    barrier = fifo_barrier(store, index)
    return None if barrier is not None and head[0][1] > barrier else head[1]


def fifo_barrier(store: Store, index: QueueIndex) -> int | None:
    """Return the position behind which a FIFO queue hands out nothing at present."""
    barriers = []
    engaged, postponed = index.engaged.first(), index.postponed.first()
    if engaged is not None and store.answers.ask("queue.fifo_in_flight") == "block":
        barriers.append(engaged[0][1])
    if postponed is not None and store.answers.ask("queue.fifo_delayed") == "block":
        barriers.append(postponed[0][1])
    return min(barriers, default=None)


def want_push(store: Store, queue: Queue) -> None:
    """Put the queue's next push on the timeline, now, if there is one to make; take it off if there is none."""
    if queue.subscription is None:
        return
    index = store.indexes[queue.queue]
    at_once = 1 if index.fifo else store.answers.constant("push.concurrency")
    wanted = index.pushing < at_once and first_takeable(store, queue) is not None
    if wanted and queue.push_entry is None:
        queue.push_entry = store.timeline.schedule(store.now_ms, "push", queue.queue)
    elif not wanted and queue.push_entry is not None:
        store.timeline.cancel(queue.push_entry)
        queue.push_entry = None


def remove(store: Store, message: Message) -> None:
    """Take a message out of the store, wherever it is; a push attempt under way ends without effect."""
    withdraw(store, message)
    if message.died_ms is not None:
        unlist_dead(store, message)
    del store.messages[message.message_id]


def withdraw(store: Store, message: Message) -> None:
    """Take a message out of the queue that holds it, with its lease or delay and its delivery."""
    store.indexes[message.queue].forget(message)
    store.timeline.cancel(message.entry)
    message.entry = None
    if message.delivery_id is not None:
        del store.deliveries[message.delivery_id]
        message.delivery_id = None


def purge(store: Store, *, queue: str) -> dict[str, Any]:
    """Remove available, delayed and in-flight messages, not dead ones (documentation line 682)."""
    record = find(store, queue)
    held = list(store.indexes[queue].held)
    for message_id in held:
        remove(store, store.messages[message_id])
    want_push(store, record)
    return {"queue": queue, "purged": len(held)}


def delete(store: Store, *, queue: str) -> dict[str, Any]:
    """Delete a queue with its messages (documentation line 650).

    Dead letters that came from it stay where another queue holds them, and belong to that queue from now on.
    """
    record = find(store, queue)
    refuse_if_used_for_dead_letters(store, queue)
    index = store.indexes[queue]
    for message_id in [*index.held, *index.kept]:
        remove(store, store.messages[message_id])
    for message_id in list(index.dead.ids.values()):
        message = store.messages[message_id]
        message.origin = message.queue
    store.timeline.cancel(record.retention_entry)
    store.timeline.cancel(record.push_entry)
    del store.queues[queue], store.indexes[queue]
    store.queue_index.discard(record.number)
    return {"queue": queue, "deleted": True}


def apply_retention(store: Store, name: str) -> None:
    """Drop messages kept longer than the queue's retention, and schedule the next time.

    One housekeeping entry a queue (`message_retention`), for its oldest message; when that one leaves earlier, the
    entry finds out.
    """
    queue = store.queues[name]
    store.timeline.cancel(queue.retention_entry)
    queue.retention_entry = None
    kept_ms = queue.message_retention_days * DAY_MS
    index = store.indexes[name]
    while oldest := [store.messages[message_id] for message_id in index.oldest()]:
        message = min(oldest, key=lambda message: message.arrival)
        if message.kept_from_ms + kept_ms > store.now_ms:
            due_ms = message.kept_from_ms + kept_ms
            queue.retention_entry = store.timeline.schedule(due_ms, "message_retention", name)
            break
        remove(store, message)
    want_push(store, queue)


def view(queue: Queue) -> dict[str, Any]:
    """Return a queue's settings as the API shows them."""
    facts = {
        "queue": queue.queue,
        "type": queue.type,
        "dead_letter_queue": queue.dead_letter_queue,
        "max_retries": queue.max_retries,
        "visibility_timeout_default": to_seconds(queue.visibility_timeout_ms),
    }
    return {name: value for name, value in facts.items() if value is not None}
