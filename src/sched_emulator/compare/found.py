"""After a finding: which record differs in which field, and the state made as it was answered, so that all goes on.

What the answer shows is taken in; what it leaves open is hazy or unseen from then on, see `doubt`.
"""

import re
from typing import Any

from sched_emulator.core.store import Store

from . import adopt
from .doubt import QUEUE, Doubt
from .fields import Difference, Matching
from .parts import QUEUE_404
from .read import Item
from .step import Ground
from .worlds import World, awake, behaviours, document_of

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
    usual: dict[str, str | int] = {name: min(answers) for name, answers in behaviours().items()}
    sandbox = awake(world, {**ground.constants, **usual})
    matching = Matching(world.ids, ground.width_ms)
    doubt = _adopted(sandbox.store, matching, world.doubt, item, difference, again=again)
    state = sandbox.store.state()
    due_ms = tuple(entry.due_ms for entry in sandbox.store.timeline.due(len(world.due_ms) or 1))
    return World(document_of(state), world.box, matching.ids, world.taken, state.now_ms, due_ms, doubt, world.passed)


def _adopted(
    store: Store, matching: Matching, doubt: Doubt, item: Item, difference: Difference, *, again: bool
) -> Doubt:
    if difference.field.startswith("delivery"):
        return _no_deliveries(store, doubt, difference.thing)
    arguments = item.arguments
    name = arguments.get("queue", difference.thing if item.operation == "scheduling.queue.list" else None)
    if name is not None:
        return _queue(store, matching, doubt, item, str(name), difference, again=again)
    theirs = arguments.get("cron_id") or (item.result or {}).get("cron_id")
    if item.operation == "scheduling.cron.list":
        theirs = difference.thing
    if theirs is not None:
        return _cron(store, matching, doubt, item, str(theirs), difference, again=again)
    url = arguments.get("task") or _url_of_run(store, matching, difference.thing)
    return doubt.of(("url", str(url)), hazy=True)._replace(answered=item.number)


def _no_deliveries(store: Store, doubt: Doubt, url: str) -> Doubt:
    """Let deliveries to a receiver be judged no longer, nor what a queue holds that pushes to it."""
    for name, record in store.queues.items():
        if record.subscription is not None and record.subscription.url == url:
            adopt.forget_messages(store, name)
            doubt = doubt.of(("queue", name), hazy=True)
    return doubt.of(("url", url), hazy=True)


def _queue(
    store: Store, matching: Matching, doubt: Doubt, item: Item, name: str, difference: Difference, *, again: bool
) -> Doubt:
    what, own = item.operation.removeprefix(QUEUE), ("queue", name)
    status = difference.field == "status"
    if again or (status and item.succeeded and name not in store.queues and what != "create"):
        adopt.forget_messages(store, name)
        return doubt.of(own).of(own, unseen=True)._replace(answered=item.number)
    if status and item.status == 404 and item.operation in QUEUE_404:
        adopt.no_queue(store, name)
        return doubt
    if what in {"list", "get"} and not status:
        records = item.result["items"] if what == "list" else [item.result]
        record = next((each for each in records if each.get("queue") == name), None)
        if record is None:
            adopt.no_queue(store, name)
        else:
            adopt.queue(store, name, record, {})
        return doubt
    if what in {"ack", "nack"} or _of_one_message(difference):
        number = difference.field.split(".")[1] if _of_one_message(difference) else "0"
        theirs = item.arguments.get("message_id") or item.result["messages"][int(number)]["message_id"]
        message = store.find_message(matching.ids.get(theirs, ""), likely=name)
        if message is not None:
            adopt.forget(store, message)
        return doubt.of(own, hazy=True)._replace(answered=item.number if what in {"ack", "nack"} else doubt.answered)
    if what in {"stats", "consume", "dlq.list", "dlq.redrive", "purge"} and not status:
        if what != "stats":  # which shows no message that is otherwise
            adopt.forget_messages(store, name)
        return doubt.of(own, hazy=True)
    if what in {"publish", "publish_batch"}:
        doubt = doubt.of(own, hazy=True)
    if what == "delete" and item.succeeded:
        adopt.no_queue(store, name)
    return doubt._replace(answered=item.number)


def _of_one_message(difference: Difference) -> bool:
    """Whether a message that was handed out is the one that was expected, and looks otherwise."""
    place, _, name = difference.field.rpartition(".")
    return place.startswith("messages.") and name != "message_id"


def _cron(
    store: Store, matching: Matching, doubt: Doubt, item: Item, theirs: str, difference: Difference, *, again: bool
) -> Doubt:
    own = ("cron", theirs)
    record = store.crons.get(matching.ids.get(theirs, ""))
    if record is not None:
        doubt = doubt.of(("url", record.task), hazy=True)
    records = (item.result or {}).get("items", [item.result])
    shown = next((each for each in records if each and each.get("cron_id", theirs) == theirs), None)
    if again or (difference.field == "status" and item.succeeded and record is None):
        return doubt.of(own, unseen=True)._replace(answered=item.number)
    if item.status == 404 or shown is None:
        adopt.no_cron(store, matching, theirs)
    elif item.operation in {"scheduling.cron.get", "scheduling.cron.list"}:
        adopt.cron(store, matching, {**shown, "cron_id": theirs})
    return doubt._replace(answered=item.number)


def _url_of_run(store: Store, matching: Matching, theirs: str) -> str:
    run = store.runs.get(matching.ids.get(theirs, theirs))
    owner: Any = None if run is None else store.crons.get(run.owner_id) or store.tasks.get(run.owner_id)
    return "" if owner is None else str(owner.task)
