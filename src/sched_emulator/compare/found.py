"""After a finding: which record differs in which field, and the state made as it was answered, so that all goes on.

What the answer shows is taken in; what it leaves open is hazy or unseen from then on, see `doubt`.
"""

import re
from dataclasses import replace
from typing import Any, NamedTuple

from sched_emulator.core.assumptions import Answers
from sched_emulator.core.store import Store

from . import adopt
from .doubt import QUEUE, Doubt
from .fields import Difference, Matching
from .held import Held, Standing, next_due
from .parts import QUEUE_404
from .read import Item
from .step import Ground
from .worlds import World, firsts

OF_CONTENTS = frozenset({"stats", "consume", "dlq.list", "dlq.redrive", "purge"})
TO_ONE = frozenset({"ack", "nack"})
_NUMBER = re.compile(r"\.[0-9]+(?=\.|$)")


def record_and_field(item: Item, difference: Difference) -> tuple[str, str]:
    """Return what two findings have in common where one is the consequence of the other."""
    arguments = item.arguments
    thing = difference.thing or next(
        (str(arguments[name]) for name in ("queue", "cron_id", "task_id", "task", "url") if name in arguments), ""
    )
    what = difference.field.removeprefix(f"items.{difference.thing}.")
    what = _NUMBER.sub("", what) if what != "status" else f"status of {item.operation}"
    return thing, what


def as_answered(ground: Ground, world: World, item: Item, difference: Difference, *, again: bool) -> World:
    """Return a world in which the things of a finding are as answered.

    `again`: it still differs as it did, so that what it is about is not known at all.
    """
    answers: dict[str, str | int] = {**ground.constants, **firsts()}

    def adopted(standing: Standing) -> Doubt:
        standing.sandbox.store.answers = Answers(answers)
        store, matching = standing.sandbox.store, standing.matching
        return _Adopting(store, matching, item, difference, again).doubt(world.doubt)

    standing = world.held.standing()
    doubt = adopted(standing)
    due_ms = next_due(standing)
    return replace(world, held=Held(standing, world.held, adopted), due_ms=due_ms, doubt=doubt)


class _Adopting(NamedTuple):
    """The state in which something came otherwise, made as it was answered; each method returns what is in doubt."""

    store: Store
    matching: Matching
    item: Item
    difference: Difference
    again: bool

    def doubt(self, doubt: Doubt) -> Doubt:
        """Adopt the things of the difference."""
        arguments, thing = self.item.arguments, self.difference.thing
        if self.difference.field.startswith("delivery"):
            return self._no_deliveries(doubt, thing)
        name = arguments.get("queue", thing if self.item.operation == "scheduling.queue.list" else None)
        if name is not None:
            return self._queue(doubt, str(name))
        theirs = arguments.get("cron_id") or (self.item.result or {}).get("cron_id")
        if self.item.operation == "scheduling.cron.list":
            theirs = thing
        if theirs is not None:
            return self._cron(doubt, str(theirs))
        url = arguments.get("task") or self._url_of_run(thing)
        return doubt.of(("url", str(url)), hazy=True)._replace(answered=self.item.number)

    def _no_deliveries(self, doubt: Doubt, url: str) -> Doubt:
        """Let deliveries to a receiver be judged no longer, nor what a queue holds that pushes to it."""
        for name, record in self.store.queues.items():
            if record.subscription is not None and record.subscription.url == url:
                adopt.forget_messages(self.store, name)
                doubt = doubt.of(("queue", name), hazy=True)
        return doubt.of(("url", url), hazy=True)

    def _queue(self, doubt: Doubt, name: str) -> Doubt:
        what, own, item = self.item.operation.removeprefix(QUEUE), ("queue", name), self.item
        refused = self.difference.field == "status"
        if self.again or (refused and item.succeeded and name not in self.store.queues and what != "create"):
            adopt.forget_messages(self.store, name)
            return doubt.of(own).of(own, unseen=True)._replace(answered=item.number)
        if refused and item.status == 404 and item.operation in QUEUE_404:
            adopt.no_queue(self.store, name)
            return doubt
        if refused:
            if what == "delete":
                adopt.no_queue(self.store, name)
            return self._of_messages(doubt, name) if what in TO_ONE else doubt._replace(answered=item.number)
        if what in {"list", "get"}:
            return self._settings(doubt, name)
        if what in OF_CONTENTS or what in TO_ONE:
            return self._of_messages(doubt, name)
        if what in {"publish", "publish_batch"}:
            doubt = doubt.of(own, hazy=True)
        return doubt._replace(answered=item.number)

    def _settings(self, doubt: Doubt, name: str) -> Doubt:
        """Give a queue the settings that an answer shows; one that a list should show and does not is not there."""
        records = self.item.result.get("items", [self.item.result])
        record = next((each for each in records if each.get("queue") == name), None)
        if record is None:
            adopt.no_queue(self.store, name)
        else:
            adopt.queue(self.store, name, record, {})
        return doubt

    def _of_messages(self, doubt: Doubt, name: str) -> Doubt:
        """Forget the message that is otherwise; all, where nobody can tell which it is."""
        what, (place, _, field) = self.item.operation.removeprefix(QUEUE), self.difference.field.rpartition(".")
        doubt = doubt.of(("queue", name), hazy=True)
        theirs = self.item.arguments.get("message_id") if what in TO_ONE else None
        if what == "consume" and place and field != "message_id":
            theirs = self.item.result["messages"][int(place.split(".")[1])]["message_id"]
        if theirs is not None:
            message = self.store.find_message(self.matching.ids.get(theirs, ""), likely=name)
            if message is not None:
                adopt.forget(self.store, message)
        elif what != "stats":  # which shows no message that is otherwise
            adopt.forget_messages(self.store, name)
        return doubt._replace(answered=self.item.number) if what in TO_ONE else doubt

    def _cron(self, doubt: Doubt, theirs: str) -> Doubt:
        item = self.item
        record = self.store.crons.get(self.matching.ids.get(theirs, ""))
        if record is not None:
            doubt = doubt.of(("url", record.task), hazy=True)
        records = (item.result or {}).get("items", [item.result])
        shown = next((each for each in records if each and each.get("cron_id", theirs) == theirs), None)
        if self.again or (self.difference.field == "status" and item.succeeded and record is None):
            return doubt.of(("cron", theirs), unseen=True)._replace(answered=item.number)
        if item.status == 404 or (shown is None and item.succeeded):
            adopt.no_cron(self.store, self.matching, theirs)
        elif item.operation in {"scheduling.cron.get", "scheduling.cron.list"} and shown is not None:
            adopt.cron(self.store, self.matching, {**shown, "cron_id": theirs})
        return doubt._replace(answered=item.number)

    def _url_of_run(self, theirs: str) -> str:
        run = self.store.runs.get(self.matching.ids.get(theirs, theirs))
        owner: Any = None if run is None else self.store.crons.get(run.owner_id) or self.store.tasks.get(run.owner_id)
        return "" if owner is None else str(owner.task)
