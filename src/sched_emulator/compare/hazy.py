"""Exchanges about things that are not wholly known: what they show is taken in, what is known of them is compared."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from sched_emulator.core import messages
from sched_emulator.core.records import Message, Queue
from sched_emulator.core.store import Store

from . import adopt
from .doubt import QUEUE, Doubt, queues_of
from .fields import Difference, Matching, Otherwise
from .lists import whole
from .parts import QUEUE_404, Thing
from .read import Item
from .wording import LISTS, always

HELD = "it is not known what the queue {} held"
OF_A_CRON = "not all settings of its cron are known"
FURTHER = "it goes on with a list from its second page"
NO_RUN = "nothing shows which run it is about"


class Taken(NamedTuple):
    """What became of an exchange. `passed` says why it is not judged; not `done`: it is to be performed as usual."""

    doubt: Doubt
    passed: str = ""
    done: bool = True


def taken(store: Store, matching: Matching, doubt: Doubt, item: Item, why: Mapping[Thing, str]) -> Taken:
    """Take in what an exchange shows of what is not known; `why` says of each thing what makes it unseen at first."""
    if item.operation == "scheduling.cron.runs.get" and item.succeeded and item.arguments["run_id"] not in matching.ids:
        return Taken(doubt, NO_RUN)
    if "cursor" in item.arguments and item.operation not in LISTS:
        return Taken(doubt, FURTHER)
    if not doubt.unseen and not doubt.hazy:
        return Taken(doubt, done=False)
    return _Taking(store, matching, item, why).taken(doubt)


class _Taking(NamedTuple):
    """An exchange in a state that is not wholly known."""

    store: Store
    matching: Matching
    item: Item
    why: Mapping[Thing, str]

    def taken(self, doubt: Doubt) -> Taken:
        """Take in what the exchange shows."""
        item = self.item
        if item.operation in LISTS:
            return Taken(self._listed(doubt), done=False)
        cron: Thing = ("cron", str(item.arguments.get("cron_id")))
        if cron in doubt.unseen:
            return self._cron(doubt, cron)
        unseen = [("queue", name) for name in queues_of(item) if ("queue", name) in doubt.unseen]
        own: Thing = ("queue", str(item.arguments.get("queue")))
        if own in unseen:
            return self._queue(doubt, own)
        if unseen and not item.succeeded:  # the dead-letter queue alone
            return Taken(doubt, self._why(unseen[0]))
        for _, name in unseen:
            adopt.placeholder(self.store, name)
        if own[1] in self.store.queues and doubt.about(self.store, own[1]):
            return self._of_queue(doubt, self.store.queues[own[1]])
        return Taken(doubt, done=False)

    def _why(self, thing: Thing) -> str:
        return self.why.get(thing, OF_A_CRON if thing[0] == "cron" else HELD.format(thing[1]))

    def _listed(self, doubt: Doubt) -> Doubt:
        """Take in what a list shows; what a whole one does not show is not there."""
        item = self.item
        kind = {"scheduling.queue.list": "queue", "scheduling.cron.list": "cron"}.get(item.operation)
        records = {record.get(LISTS[item.operation]): record for record in item.result.get("items", ())}
        waiting = sorted(thing for thing in doubt.unseen if thing[0] == kind)
        while waiting:
            thing = waiting.pop(0)
            record, before = records.get(thing[1]), doubt.unseen
            if record is None and whole(item):
                doubt = doubt.of(thing)
                adopt.no_queue(self.store, thing[1])
            elif record is not None and kind == "queue":
                doubt = self._seen(doubt, thing[1], record, {})
                waiting += sorted(doubt.unseen - before)
            elif record is not None and adopt.cron(self.store, self.matching, record):
                doubt = doubt.of(thing).of(("url", record["task"]), hazy=True)
        return doubt

    def _cron(self, doubt: Doubt, thing: Thing) -> Taken:
        item = self.item
        record = {**(item.result or {}), "cron_id": thing[1]}
        if item.status == 404 or (item.operation == "scheduling.cron.delete" and item.succeeded):
            doubt = doubt.of(thing)
        elif (
            item.operation in {"scheduling.cron.get", "scheduling.cron.update"}
            and item.succeeded
            and adopt.cron(self.store, self.matching, record)
        ):
            doubt = doubt.of(thing).of(("url", record["task"]), hazy=True)
        return Taken(doubt, self._why(thing))

    def _queue(self, doubt: Doubt, own: Thing) -> Taken:
        item, name = self.item, own[1]
        gone = item.status == 404 and item.operation in QUEUE_404
        if gone or (item.operation == f"{QUEUE}delete" and item.succeeded):
            adopt.no_queue(self.store, name)
            doubt = doubt.of(own)
        elif item.operation in {f"{QUEUE}create", f"{QUEUE}get"} and item.succeeded:
            doubt = self._seen(doubt, name, item.result, item.arguments)
        return Taken(doubt, self._why(own))

    def _seen(self, doubt: Doubt, name: str, record: adopt.Record, given: adopt.Record) -> Doubt:
        """Make a queue as an answer shows it; of the one that takes its dead letters only that it is there."""
        other = record.get("dead_letter_queue")
        if isinstance(other, str) and other not in self.store.queues:
            doubt = doubt.of(("queue", other), unseen=True)
        adopt.queue(self.store, name, record, given)
        return doubt.of(("queue", name), hazy=True)

    def _of_queue(self, doubt: Doubt, record: Queue) -> Taken:
        """Deal with an exchange about a queue that may hold messages which nothing has shown."""
        item, name = self.item, record.queue
        what, own = item.operation.removeprefix(QUEUE), ("queue", name)
        if item.succeeded and what in {"consume", "push_subscribe", "create"}:
            return self._done(doubt, record)
        if what == "dlq.redrive" and item.status != 404:
            adopt.forget_messages(self.store, name)
            return Taken(doubt.of(own, hazy=True), HELD.format(name))
        if what in {"ack", "nack"}:
            message = self.store.contents[name].live.messages.get(
                self.matching.ids.get(item.arguments["message_id"], "")
            )
            there = message is not None and message.place == "in_flight"
            return Taken(doubt, "" if there else HELD.format(name), done=not there)
        refused = not item.succeeded and what in {"create", "delete"}
        if (refused or what == "dlq.list") and item.status not in {404, None}:
            return Taken(doubt, HELD.format(name))
        if what == "delete" and item.succeeded:
            doubt = doubt.of(own)
        elif what == "update" and record.dead_letter_queue is not None:
            doubt = doubt.of(("queue", record.dead_letter_queue), hazy=True)
        return Taken(doubt, done=False)

    def _done(self, doubt: Doubt, record: Queue) -> Taken:
        """Deal with what was done to such a queue and cannot be performed as usual."""
        item, name = self.item, record.queue
        if item.operation == f"{QUEUE}consume":
            hand_out(self.store, self.matching, item, record)
            return Taken(doubt)
        if item.operation == f"{QUEUE}create":
            return Taken(self._seen(doubt, name, item.result, item.arguments), HELD.format(name))
        adopt.unsubscribe(self.store, record)
        doubt = doubt.of(("url", str(item.arguments["url"])), hazy=True)
        return Taken(doubt.of(("queue", name), hazy=True), HELD.format(name))


def handed_out(store: Store, item: Item, record: Queue, message: Message) -> dict[str, Any]:
    """Hand out a message as a consume asks for it, and return what is shown of it."""
    messages.hand_out(
        store, record, message, item.arguments.get("visibility_timeout_ms") or record.visibility_timeout_default_ms
    )
    return messages.view(message)


def differs(matching: Matching, item: Item, number: int, expected: dict[str, Any], shown: Any) -> None:
    """Otherwise when a message that was handed out came otherwise."""
    found = matching.difference(expected, shown, always()[item.operation]["messages"], f"messages.{number}")
    if found is not None:
        raise Otherwise(found)


def hand_out(store: Store, matching: Matching, item: Item, record: Queue) -> None:
    """Hand out what was handed out. Otherwise when a message that is known came with another payload."""
    for number, shown in enumerate(item.result.get("messages", ())):
        theirs, attempts = shown.get("message_id"), shown.get("attempts")
        known = store.find_message(matching.ids.get(theirs, ""), likely=record.queue)
        if known is not None and known.payload != shown.get("payload"):
            raise Otherwise(Difference(f"messages.{number}.payload", known.payload, shown.get("payload")))
        if known is not None:
            there = known.queue == record.queue and known.place == "available"
            if there and attempts in {None, known.attempts + 1}:
                differs(matching, item, number, handed_out(store, item, record, known), shown)
            else:
                adopt.forget(store, known)
        elif attempts == 1:
            made = adopt.message(store, record, shown)
            matching.rebind(theirs, made.message_id)
            handed_out(store, item, record, made)
