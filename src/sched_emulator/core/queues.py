"""Queues: their settings, counts, retention and end. The ways of a single message are in `messages`.

Everything that changes which messages are available calls `want_push`, so that a subscription's next push is on the
timeline exactly when one can be made.
"""

from typing import Any

from msgspec.structs import replace

from .contents import Contents
from .errors import Conflict, InvalidRequest, NotFound
from .instants import DAY_MS
from .places import Happening, leads_out
from .ranked import Order
from .records import Message, Queue
from .store import Store
from .timeline import DROPPED_A_CHORE, DROPPED_AT_ONCE, Entry

SETTINGS = {  # by field of the record: the documentation's name
    "type": "type",
    "dead_letter_queue": "dead_letter_queue",
    "max_retries": "max_retries",
    "message_retention_days": "message_retention_days",
    "visibility_timeout_default_ms": "visibility_timeout_default",
    "enable_priority": "enable_priority",
}


def create(store: Store, *, queue: str, **given: Any) -> dict[str, Any]:
    """Create a queue (documentation line 510); one that exists with the same settings is answered as it is."""
    wanted = settings(store, **given)
    check_dead_letter_queue(store, queue, wanted["dead_letter_queue"])
    existing = store.queues.get(queue)
    if existing is None:
        return view(add(store, queue, wanted, implicit=False))
    if existing.implicit:
        return view(configure(store, existing, wanted))
    different = [name for field, name in SETTINGS.items() if getattr(existing, field) != wanted[field]]
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
    return store.page("queue.list", [store.queue_index], lambda name: view(queues[name]), cursor=cursor, limit=limit)


def update(store: Store, *, queue: str, **changes: Any) -> dict[str, Any]:
    """Change what is given (documentation line 611)."""
    record = find(store, queue)
    check_dead_letter_queue(store, queue, changes.get("dead_letter_queue"))
    if "max_retries" in changes:
        changes["max_retries_given"] = True
    return view(configure(store, record, changes))


def stats(store: Store, *, queue: str) -> dict[str, Any]:
    """Count a queue's messages (documentation line 716). The age is that of the oldest one that is not dead."""
    find(store, queue)
    live = store.contents[queue].live
    available = len(live.available)
    if live.delayed and store.answers.ask("queue.stats_delayed") == "available":
        available += live.delayed
    dead = sum(map(len, store.dead_letters(queue)))
    counts = {"queue": queue, "available": available, "in_flight": live.in_flight, "dlq": dead}
    oldest = live.oldest()
    if oldest is not None:
        counts["oldest_age_seconds"] = (store.now_ms - oldest.kept_from_ms) // 1000
    return counts


def find(store: Store, name: str) -> Queue:
    """Return a queue; NotFound when there is none of that name."""
    queue = store.queues.get(name)
    if queue is None:
        raise NotFound("queue", name)
    return queue


def settings(
    store: Store,
    *,
    type: str = "standard",  # noqa: A002 - the documentation's name
    dead_letter_queue: str | None = None,
    max_retries: int | None = None,
    message_retention_days: int | None = None,
    visibility_timeout_default_ms: int | None = None,
    enable_priority: bool = False,
) -> dict[str, Any]:
    """Return the settings of a new queue, by field of the record, with defaults for what is not given."""
    constant = store.answers.constant
    lease_ms = visibility_timeout_default_ms or 1000 * constant("queue.visibility_timeout_seconds")
    return {
        "type": type,
        "dead_letter_queue": dead_letter_queue,
        "max_retries": constant("queue.max_retries") if max_retries is None else max_retries,
        "max_retries_given": max_retries is not None,
        "message_retention_days": message_retention_days or constant("queue.retention_days"),
        "visibility_timeout_default_ms": lease_ms,
        "enable_priority": enable_priority,
    }


def add(store: Store, name: str, chosen: dict[str, Any], *, implicit: bool) -> Queue:
    """Add a new queue with its settings to the sandbox."""
    queue = Queue(queue=name, number=store.ids.number("queue"), implicit=implicit, **chosen)
    store.queues[name] = queue
    store.queue_index.add(queue.number, name)
    contents = store.contents[name] = Contents()
    contents.fifo = queue.type == "fifo"
    contents.pushing = sum(attempt.queue == name for attempt in store.attempts.values())
    return queue


def check_dead_letter_queue(store: Store, queue: str, name: str | None) -> None:
    """Refuse a dead-letter queue that does not exist or is the queue itself."""
    if name == queue:
        raise InvalidRequest(f"must be another queue than '{queue}' itself", parameter="dead_letter_queue")
    if name is not None and name not in store.queues:
        raise InvalidRequest(f"must name an existing queue, got '{name}'", parameter="dead_letter_queue")


def refuse_if_used_for_dead_letters(store: Store, name: str) -> None:
    """Refuse to delete a queue that takes another one's dead letters."""
    for queue in store.queues.values():
        pushed = queue.subscription.dead_letter_queue if queue.subscription else None
        if name in {queue.dead_letter_queue, pushed} and queue.queue != name:
            raise Conflict(
                f"queue '{name}' is the dead-letter queue of '{queue.queue}'",
                hint="Give that queue another dead-letter queue, or delete it first.",
            )


def configure(store: Store, queue: Queue, changes: dict[str, Any]) -> Queue:
    """Apply settings to a queue, which is explicit from now on, and to the messages that it holds."""
    changed = store.queues[queue.queue] = replace(queue, implicit=False, **changes)
    if changed.type != queue.type:
        store.contents[queue.queue].arrange(fifo=changed.type == "fifo")
    apply_retention(store, changed.queue)
    want_push(store, changed)
    return changed


def arrange(store: Store) -> None:
    """Put all messages in their places anew, after a restore."""
    for queue in store.queues.values():
        store.contents[queue.queue].arrange(fifo=queue.type == "fifo")


def _order(store: Store, queue: Queue) -> Order:
    """Return in which order a queue's messages are handed out: by priority where it counts, else as published."""
    if queue.type == "fifo" or not store.contents[queue.queue].live.available.has_priorities():
        return "published"
    if not queue.enable_priority and store.answers.ask("queue.priority_off") == "ignore":
        return "published"
    return "low_first" if store.answers.ask("queue.priority_order") == "low_first" else "high_first"


def first_takeable(store: Store, queue: Queue) -> Message | None:
    """Return the message that is handed out next, None when there is none or FIFO order holds it back."""
    return takeable(store, queue, fifo_barrier(store, queue))


def takeable(store: Store, queue: Queue, barrier: int | None) -> Message | None:
    """Return the message that is handed out next, up to a barrier that `fifo_barrier` gave."""
    live = store.contents[queue.queue].live
    head = live.available.first(_order(store, queue))
    if head is None or (barrier is not None and head[0] > barrier):
        return None
    return live.messages[head[1]]


def fifo_barrier(store: Store, queue: Queue) -> int | None:
    """Return the position behind which a FIFO queue hands out nothing at present."""
    live = store.contents[queue.queue].live
    if not (live.engaged or live.postponed):
        return None
    barriers = []
    engaged, postponed = live.engaged.first(), live.postponed.first()
    if engaged is not None and store.answers.ask("queue.fifo_in_flight") == "block":
        barriers.append(engaged[0])
    if postponed is not None and store.answers.ask("queue.fifo_delayed") == "block":
        barriers.append(postponed[0])
    return min(barriers, default=None)


def push_retries(store: Store, queue: Queue) -> int:
    """Return how often a failed push of a queue is repeated (assumption `push.max_retries_from`)."""
    assert queue.subscription is not None
    if queue.subscription.max_retries is not None:
        return queue.subscription.max_retries
    if queue.max_retries_given and store.answers.ask("push.max_retries_from") == "queue":
        return queue.max_retries
    return store.answers.constant("push.max_retries")


def want_push(store: Store, queue: Queue) -> None:
    """Put the queue's next push on the timeline, now, if there is one to make; take it off if there is none."""
    if queue.subscription is None:
        return
    contents = store.contents[queue.queue]
    at_once = 1 if contents.fifo else store.answers.constant("push.concurrency")
    wanted = contents.pushing < at_once and first_takeable(store, queue) is not None
    if wanted and queue.push_entry is None:
        queue.push_entry = store.timeline.schedule(store.now_ms, "push", queue.queue)
    elif not wanted and queue.push_entry is not None:
        store.timeline.cancel(queue.push_entry)
        queue.push_entry = None


def want_pushes(store: Store) -> None:
    """Put every queue's next push on the timeline, or take it off."""
    for queue in store.queues.values():
        want_push(store, queue)


def remove(store: Store, message: Message, happening: Happening) -> None:
    """Take a message out of the sandbox, wherever it is; a push attempt under way ends without effect."""
    assert leads_out(message.place, happening)
    withdraw(store, message)


def withdraw(store: Store, message: Message) -> None:
    """Take a message out of the queue that holds it, with its lease or delay, its delivery and its listing."""
    contents = store.contents[message.queue]
    store.timeline.cancel(message.entry, queue=message.queue)
    message.entry = None
    if message.delivery_id is not None:
        del contents.live.deliveries[message.delivery_id]
        message.delivery_id = None
    if message.died_ms is not None:
        contents.shelf_of(message).unlist_dead(message)
    contents.forget(message)


def purge(store: Store, *, queue: str) -> dict[str, Any]:
    """Remove available, delayed and in-flight messages, not dead ones (documentation line 682)."""
    record = find(store, queue)
    contents = store.contents[queue]
    purged = len(contents.live.messages)
    store.let_go += (*contents.purge(), *store.timeline.close(queue))
    want_push(store, record)
    return {"queue": queue, "purged": purged}


def delete(store: Store, *, queue: str) -> dict[str, Any]:
    """Delete a queue with its messages (documentation line 650).

    Dead letters that came from it stay where another queue holds them, and belong to that queue from now on.
    """
    record = find(store, queue)
    refuse_if_used_for_dead_letters(store, queue)
    contents = store.contents.pop(queue)
    store.let_go += (*contents.containers(), *store.timeline.close(queue))
    for holder in contents.holders:
        if holder in store.contents:
            for shelf in (store.contents[holder].live, store.contents[holder].kept):
                shelf.disown(queue, holder)
    store.timeline.cancel(record.retention_entry)
    store.timeline.cancel(record.push_entry)
    del store.queues[queue]
    store.queue_index.discard(record.number)
    return {"queue": queue, "deleted": True}


def retention_is_over(store: Store, entry: Entry) -> None:
    """Drop what a queue has kept long enough (housekeeping `message_retention`)."""
    apply_retention(store, entry.subject, happening=entry)


def apply_retention(store: Store, name: str, *, happening: Entry | None = None) -> None:
    """Drop messages kept longer than the queue's retention, and schedule the next time.

    One housekeeping entry a queue (`message_retention`), for its oldest message; when that one leaves earlier, the
    entry finds out. An entry that is `happening` drops a few and happens again for the rest, before anything else.
    """
    queue = store.queues[name]
    store.timeline.cancel(queue.retention_entry)
    queue.retention_entry = None
    kept_ms = queue.message_retention_days * DAY_MS
    contents = store.contents[name]
    dropped = 0
    while oldest := [first for shelf in (contents.live, contents.kept) if (first := shelf.oldest()) is not None]:
        message = min(oldest, key=lambda message: message.arrival)
        if message.kept_from_ms + kept_ms > store.now_ms:
            due_ms = message.kept_from_ms + kept_ms
            queue.retention_entry = store.timeline.schedule(due_ms, "message_retention", name)
            break
        if dropped == (DROPPED_AT_ONCE if happening is None else DROPPED_A_CHORE):
            queue.retention_entry = store.the_rest(happening, "message_retention", name)
            return
        remove(store, message, "expire")
        dropped += 1
    want_push(store, queue)


def view(queue: Queue) -> dict[str, Any]:
    """Return a queue's settings as the API shows them."""
    facts = {
        "queue": queue.queue,
        "type": queue.type,
        "dead_letter_queue": queue.dead_letter_queue,
        "max_retries": queue.max_retries,
        "visibility_timeout_default_ms": queue.visibility_timeout_default_ms,
    }
    return {name: value for name, value in facts.items() if value is not None}
