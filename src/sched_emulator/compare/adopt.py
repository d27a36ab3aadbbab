"""Makes a state as it was answered: one function for each kind of record, over the core's store.

What existed before the recording began is taken in from the first answer that shows it; after a finding the things that
it concerns are made as answered, or forgotten where the answer does not show enough. Nothing here asks a question.
"""

from collections.abc import Mapping
from typing import Any

from msgspec import UNSET

from sched_emulator.core import crons, queues
from sched_emulator.core.records import Cron, Message, Queue
from sched_emulator.core.store import Store

from .fields import Matching
from .read import Item

Record = Mapping[str, Any]
SHOWN = ("type", "dead_letter_queue", "max_retries", "visibility_timeout_default_ms")  # of a queue, by any answer


def queue(store: Store, name: str, record: Record, given: Record) -> None:
    """Make a queue as an answer shows it; `given` are settings that a request gave and no answer shows."""
    other = record.get("dead_letter_queue")
    for each in (name, other):
        if isinstance(each, str):
            placeholder(store, each)
    whole = "type" in record  # one that has no dead-letter queue does not show that it has none
    settings = {each: record.get(each) for each in SHOWN if each in record or (whole and each == "dead_letter_queue")}
    if given.get("message_retention_days") is not None:
        settings["message_retention_days"] = given["message_retention_days"]
    if given.get("enable_priority") is not None:
        settings["enable_priority"] = given["enable_priority"]
    queues.configure(store, store.queues[name], settings)


def shown(store: Store, matching: Matching, item: Item) -> None:
    """Make the things of an exchange as its answer shows them."""
    operation, result = item.operation, item.result or {}
    if operation in {"scheduling.queue.create", "scheduling.queue.get", "scheduling.queue.update"}:
        queue(store, str(item.arguments["queue"]), result, item.arguments)
    elif operation.startswith("scheduling.cron.") and "run_id" not in result and "retention_days" not in result:
        theirs = item.arguments.get("cron_id") or result.get("cron_id")
        cron(store, matching, {**result, "cron_id": theirs})


def placeholder(store: Store, name: str) -> None:
    """Let a queue be there of which nothing is known but that it is."""
    if name in store.queues:
        return
    chosen = {
        "type": "standard",
        "dead_letter_queue": None,
        "max_retries": 0,
        "max_retries_given": False,
        "message_retention_days": 30,
        "visibility_timeout_default_ms": 30_000,
        "enable_priority": False,
    }
    queues.add(store, name, chosen, implicit=False)


def no_queue(store: Store, name: str) -> None:
    """Let a queue be there no longer."""
    if name not in store.queues:
        return
    for other in store.queues.values():
        if other.dead_letter_queue == name:
            other.dead_letter_queue = None
        if other.subscription is not None and other.subscription.dead_letter_queue == name:
            other.subscription.dead_letter_queue = None
    queues.delete(store, queue=name)


def forget_messages(store: Store, name: str) -> None:
    """Forget what a queue holds, and its dead letters wherever they are: answers show it again."""
    if name not in store.queues:
        return
    contents = store.contents[name]
    held = [*contents.live.messages.values(), *contents.kept.messages.values()]
    held += [message for index in store.dead_letters(name) for message in index.items.values()]
    for each in {message.message_id: message for message in held}.values():
        forget(store, each)
    unsubscribe(store, store.queues[name])


def forget(store: Store, record: Message) -> None:
    """Forget a message: it is somewhere, or gone."""
    queues.withdraw(store, record)


def unsubscribe(store: Store, record: Queue) -> None:
    """Let nothing be pushed from a queue any longer."""
    record.subscription = None
    store.timeline.cancel(record.push_entry)
    record.push_entry = None


def message(store: Store, record: Queue, shown: Record) -> Message:
    """Make a message that is available and that an answer hands out for the first time."""
    arrival = store.ids.number("arrival")
    published_ms = shown.get("published_at")
    made = Message(
        message_id=store.ids.next("msg"),
        queue=record.queue,
        origin=record.queue,
        payload=shown.get("payload"),
        priority=shown.get("priority"),
        arrival=arrival,
        position=arrival,
        published_ms=published_ms if isinstance(published_ms, int) else store.now_ms,
        kept_from_ms=store.now_ms,
        place="available",
    )
    store.contents[record.queue].enter(made)
    return made


def cron(store: Store, matching: Matching, record: Record) -> bool:
    """Make a cron as an answer shows it; whether it shows enough: what it calls, when, and in which zone."""
    theirs = record["cron_id"]
    found = store.crons.get(matching.ids.get(theirs, ""))
    if found is None:
        if not isinstance(record.get("task"), str) or not isinstance(record.get("timezone"), str):
            return False
        number = store.ids.number("cron")
        found = Cron(
            cron_id=f"cron_{number:06d}",
            number=number,
            name=record.get("name", ""),
            cron_expr=record.get("cron_expr", ""),
            task=record["task"],
            timezone=record["timezone"],
            retry=0,
            timeout_ms=60_000,
            overlap_policy=None,
            max_runs=None,
            payload=UNSET,
            headers={},
            on_failure_webhook=None,
            run_at_ms=None if record.get("cron_expr") else record.get("next_run_at", store.now_ms),
            retention_days=30,
            under_way={},
            waiting=[],
        )
        matching.bind(theirs, found.cron_id)
        store.crons[found.cron_id] = found
        store.cron_index.add(number, found.cron_id)
    for name in ("name", "cron_expr", "task", "timezone", "enabled"):
        if name in record:
            setattr(found, name, bool(record[name]) if name == "enabled" else record[name])
    if "enabled" in record:
        aim(store, found, record.get("next_run_at") if found.enabled else None)
    return True


def aim(store: Store, record: Cron, next_ms: int | None) -> None:
    """Let a cron fire next when an answer says."""
    store.timeline.cancel(record.fire_entry)
    record.fire_entry, record.next_run_ms = None, next_ms
    if next_ms is not None:
        record.fire_entry = store.timeline.schedule(max(next_ms, store.now_ms), "cron", record.cron_id)


def no_cron(store: Store, matching: Matching, theirs: str) -> None:
    """Let a cron be there no longer."""
    ours = matching.ids.get(theirs, "")
    if ours in store.crons:
        crons.delete(store, cron_id=ours)


def follow(store: Store, matching: Matching, record: Record) -> None:
    """Let a cron be enabled or not as an answer shows it, where nobody can tell why."""
    found = store.crons.get(matching.ids.get(str(record.get("cron_id")), ""))
    if found is None or "enabled" not in record or bool(record["enabled"]) == found.enabled:
        return
    if not record["enabled"] or "next_run_at" in record:
        found.enabled = bool(record["enabled"])
        aim(store, found, record.get("next_run_at") if found.enabled else None)
