"""Exchanges about things that are not wholly known: what they show is taken in, and what is known of them is compared."""

from typing import Any, NamedTuple

from sched_emulator.core import messages
from sched_emulator.core.records import Queue
from sched_emulator.core.store import Store

from . import adopt
from .doubt import QUEUE, Doubt, queues_of
from .fields import Difference, Matching, Otherwise
from .parts import LISTS, QUEUE_404, Thing, whole
from .read import Item
from .wording import always

HELD = "it is not known what the queue {} held"
OF_A_CRON = "not all settings of its cron are known"
NO_RUN = "nothing shows which run it is about"


class Taken(NamedTuple):
    """What became of an exchange. `passed` says why it is not judged; not `done`: it is to be performed and compared."""

    doubt: Doubt
    passed: str = ""
    done: bool = True


def taken(store: Store, matching: Matching, doubt: Doubt, item: Item, why: dict[Thing, str]) -> Taken:
    """Take in what an exchange shows of what is not known; `why` says it of each thing that is unseen at first."""
    if item.operation == "scheduling.cron.runs.get" and item.arguments["run_id"] not in matching.ids and item.succeeded:
        return Taken(doubt, NO_RUN)
    if not doubt.unseen and not doubt.hazy:
        return Taken(doubt, done=False)
    if item.operation in LISTS:
        return Taken(_listed(store, matching, doubt, item), done=False)
    cron: Thing = ("cron", str(item.arguments.get("cron_id")))
    if cron in doubt.unseen:
        return _cron(store, matching, doubt, item, cron, why)
    unseen = [("queue", name) for name in queues_of(item) if ("queue", name) in doubt.unseen]
    own: Thing = ("queue", str(item.arguments.get("queue")))
    if own in unseen:
        return _queue(store, doubt, item, own, why)
    if unseen:  # the dead-letter queue alone
        if not item.succeeded:
            return Taken(doubt, why.get(unseen[0], HELD.format(unseen[0][1])))
        adopt.placeholder(store, unseen[0][1])
    if own[1] in store.queues and doubt.about(store, own[1]):
        return _of_queue(store, matching, doubt, item, store.queues[own[1]])
    return Taken(doubt, done=False)


def _listed(store: Store, matching: Matching, doubt: Doubt, item: Item) -> Doubt:
    """Take in what a list shows; what a whole one does not show is not there."""
    kind = {"scheduling.queue.list": "queue", "scheduling.cron.list": "cron"}.get(item.operation)
    records = {record.get(LISTS[item.operation]): record for record in item.result.get("items", ())}
    waiting = sorted(thing for thing in doubt.unseen if thing[0] == kind)
    while waiting:
        thing = waiting.pop(0)
        record = records.get(thing[1])
        if record is None:
            if whole(item):
                doubt = doubt.of(thing)
                adopt.no_queue(store, thing[1])
        elif kind == "queue":
            before = doubt.unseen
            doubt = _seen(store, doubt, thing[1], record, {})
            waiting += sorted(doubt.unseen - before)
        elif adopt.cron(store, matching, record):
            doubt = doubt.of(thing).of(("url", record["task"]), hazy=True)
    return doubt


def _cron(store: Store, matching: Matching, doubt: Doubt, item: Item, thing: Thing, why: dict[Thing, str]) -> Taken:
    passed = why.get(thing, OF_A_CRON)
    if item.status == 404 or (item.operation == "scheduling.cron.delete" and item.succeeded):
        return Taken(doubt.of(thing), passed)
    if item.operation in {"scheduling.cron.get", "scheduling.cron.update"} and item.succeeded:
        if adopt.cron(store, matching, {**item.result, "cron_id": thing[1]}):
            doubt = doubt.of(thing).of(("url", item.result["task"]), hazy=True)
    return Taken(doubt, passed)


def _queue(store: Store, doubt: Doubt, item: Item, own: Thing, why: dict[Thing, str]) -> Taken:
    name, passed = own[1], why.get(own, HELD.format(own[1]))
    gone = item.status == 404 and item.operation in QUEUE_404
    if gone or (item.operation == f"{QUEUE}delete" and item.succeeded):
        adopt.no_queue(store, name)
        return Taken(doubt.of(own), passed)
    if item.operation in {f"{QUEUE}create", f"{QUEUE}get"} and item.succeeded:
        return Taken(_seen(store, doubt, name, item.result, item.arguments), passed)
    return Taken(doubt, passed)


def _seen(store: Store, doubt: Doubt, name: str, record: adopt.Record, given: adopt.Record) -> Doubt:
    """Make a queue as an answer shows it; of the one that takes its dead letters only that it is there."""
    other = record.get("dead_letter_queue")
    if isinstance(other, str) and other not in store.queues:
        doubt = doubt.of(("queue", other), unseen=True)
    adopt.queue(store, name, record, given)
    return doubt.of(("queue", name), hazy=True)


def _of_queue(store: Store, matching: Matching, doubt: Doubt, item: Item, record: Queue) -> Taken:
    """Deal with an exchange about a queue that may hold messages which nothing has shown."""
    what, name = item.operation.removeprefix(QUEUE), record.queue
    passed = HELD.format(name)
    if what == "consume" and item.succeeded:
        hand_out(store, matching, item, record)
        return Taken(doubt)
    if what == "dlq.redrive" and item.status != 404:
        adopt.forget_messages(store, name)
        return Taken(doubt.of(("queue", name), hazy=True), passed)
    if what == "push_subscribe" and item.succeeded:
        adopt.unsubscribe(store, record)
        return Taken(doubt.of(("url", str(item.arguments["url"])), hazy=True).of(("queue", name), hazy=True), passed)
    if what in {"ack", "nack"}:
        message = store.contents[name].live.messages.get(matching.ids.get(item.arguments["message_id"], ""))
        there = message is not None and message.place == "in_flight"
        return Taken(doubt, "" if there else passed, done=not there)
    if what == "delete" and item.succeeded:
        return Taken(doubt.of(("queue", name)), done=False)
    if what == "create" and item.succeeded:
        return Taken(_seen(store, doubt, name, item.result, item.arguments), passed)
    if what in {"create", "delete", "dlq.list"} and item.status not in {404, None}:
        return Taken(doubt, passed)
    if what == "update" and record.dead_letter_queue is not None:
        doubt = doubt.of(("queue", record.dead_letter_queue), hazy=True)
    return Taken(doubt, done=False)


def hand_out(store: Store, matching: Matching, item: Item, record: Queue) -> None:
    """Hand out what was handed out. Otherwise when a message that is known came with another payload."""
    lease_ms = item.arguments.get("visibility_timeout_ms") or record.visibility_timeout_default_ms
    keys: Any = always()[item.operation]["messages"]
    for number, shown in enumerate(item.result.get("messages", ())):
        theirs, attempts = shown.get("message_id"), shown.get("attempts")
        known = store.find_message(matching.ids.get(theirs, ""), likely=record.queue)
        if known is not None and known.payload != shown.get("payload"):
            raise Otherwise(Difference(f"messages.{number}.payload", known.payload, shown.get("payload")))
        if known is not None:
            there = known.queue == record.queue and known.place == "available"
            if there and attempts in {None, known.attempts + 1}:
                messages.hand_out(store, record, known, lease_ms)
                found = matching.difference(messages.view(known), shown, keys, f"messages.{number}")
                if found is not None:
                    raise Otherwise(found)
            else:
                adopt.forget(store, known)
        elif attempts == 1:
            made = adopt.message(store, record, shown)
            matching.rebind(theirs, made.message_id)
            messages.hand_out(store, record, made, lease_ms)
