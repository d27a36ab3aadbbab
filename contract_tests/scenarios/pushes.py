"""Push subscriptions: messages delivered as they become available."""

from itertools import pairwise
from typing import Any

from sched_emulator.contract import Answer, Api, Call, Group, equal, require, shown

pushes = Group("push", aspect="delivery")


def pushed(api: Api, call: Call) -> Any:
    """Return the payload in what a push delivered (`push.body`)."""
    return call.body["payload"] if api.follows("push.body") == "message" else call.body


def emptied(api: Api, queue: str, within: float) -> None:
    """Wait until a queue has nothing available or in flight."""

    def is_empty() -> bool:
        counts = api.stats(queue)
        return counts["available"] == counts["in_flight"] == 0

    require(api.wait(is_empty, within), f"the counts were {shown(api.stats(queue))}", "the queue is empty")


@pushes.documented(
    1,
    "queue.push_subscribe",
    "queue.push_subscribe:queue",
    "queue.push_subscribe:url",
    lines=(967, 975, 986),
    seconds=2,
)
def delivers_and_is_done(api: Api) -> None:
    """A message is pushed to the URL, and a 2xx ends it."""
    receiver, queue = api.receiver(200), api.queue()
    record = api.call("queue.push_subscribe", queue=queue, url=receiver.url)
    equal((record["queue"], record["url"]), (queue, receiver.url), "the subscription")
    api.publish(queue, {"n": 1})
    call = api.arrived(receiver, 1, 5)[0]
    equal((call.method, pushed(api, call)), ("POST", {"n": 1}), "what was pushed")
    emptied(api, queue, 3)
    api.sleep(1)
    equal(len(receiver.calls()), 1, "the number of pushes")


@pushes.choice(2, "queue.push_subscribe", seconds=2)
def delivers_what_was_there(api: Api) -> None:
    """Messages that were there before the subscription are pushed, too."""
    receiver, queue = api.receiver(200), api.queue()
    api.publish_many(queue, 3)
    api.call("queue.push_subscribe", queue=queue, url=receiver.url)
    calls = api.arrived(receiver, 3, 5)
    equal(sorted(pushed(api, call)["number"] for call in calls), [0, 1, 2], "what was pushed")


@pushes.documented(3, "queue.push_subscribe:max_retries", lines=(979,), virtual=True)
def retries_then_dead(api: Api) -> None:
    """A push that keeps failing is attempted once and as often again as max_retries says; then the message is dead."""
    receiver = api.receiver(500)
    queue = api.queue(dead_letter_queue=api.queue())
    api.call("queue.push_subscribe", queue=queue, url=receiver.url, max_retries=2)
    message = api.publish(queue)
    api.arrived(receiver, 3, 900_000)
    api.wait(lambda: api.stats(queue)["dlq"] == 1, 10)
    equal(api.dead(queue), [message], "the dead letters")
    api.sleep(900_000)
    equal(len(receiver.calls()), 3, "the number of pushes")


@pushes.documented(
    4, "queue.push_subscribe:dead_letter_queue", "queue.push_subscribe:max_retries", lines=(979, 981), seconds=3
)
def own_dead_letter_queue(api: Api) -> None:
    """A push without retries that fails sends the message to the subscription's own dead-letter queue."""
    receiver, own = api.receiver(500), api.queue()
    queue = api.queue(dead_letter_queue=api.queue())
    api.call("queue.push_subscribe", queue=queue, url=receiver.url, max_retries=0, dead_letter_queue=own)
    message = api.publish(queue)
    api.arrived(receiver, 1, 5)
    require(api.wait(lambda: api.dead(own) == [message], 3), f"it had {api.dead(own)}", "the message is there")
    equal(len(receiver.calls()), 1, "the number of pushes")


@pushes.documented(5, "queue.push_subscribe:visibility_timeout", lines=(980,), seconds=5)
def lease_is_the_limit(api: Api) -> None:
    """A receiver that takes longer than visibility_timeout has failed: without retries the message is dead."""
    receiver = api.receiver(Answer(200, after_seconds=4))
    queue = api.queue(dead_letter_queue=api.queue())
    api.call("queue.push_subscribe", queue=queue, url=receiver.url, max_retries=0, visibility_timeout=2)
    message = api.publish(queue)
    api.arrived(receiver, 1, 5)
    require(api.wait(lambda: api.dead(queue) == [message], 3), f"the dead letters were {api.dead(queue)}")


@pushes.choice(6, "queue.push_subscribe", "queue.create:type", seconds=6)
def fifo_one_by_one(api: Api) -> None:
    """Messages of a FIFO queue are pushed one after another, in order."""
    receiver, queue = api.receiver(Answer(200, after_seconds=1)), api.queue(type="fifo")
    api.publish_many(queue, 3)
    api.call("queue.push_subscribe", queue=queue, url=receiver.url)
    calls = api.arrived(receiver, 3, 8)
    equal([pushed(api, call)["number"] for call in calls], [0, 1, 2], "what was pushed")
    gaps = [later.at - earlier.at for earlier, later in pairwise(calls)]
    require(all(gap >= 0.9 for gap in gaps), f"the pushes came {shown(gaps)} s apart", "one ends before the next")


@pushes.choice(7, "queue.push_subscribe:url", seconds=2)
def second_replaces_first(api: Api) -> None:
    """A second subscription of a queue takes the place of the first."""
    old, new, queue = api.receiver(200), api.receiver(200), api.queue()
    api.call("queue.push_subscribe", queue=queue, url=old.url)
    api.call("queue.push_subscribe", queue=queue, url=new.url)
    api.publish(queue)
    api.arrived(new, 1, 5)
    equal(len(old.calls()), 0, "the pushes to the old URL")


@pushes.choice(8, "queue.push_subscribe", "queue.publish:delay_seconds", seconds=4)
def delays_hold_for_pushes(api: Api) -> None:
    """A delayed message is pushed when its delay is over."""
    receiver, queue = api.receiver(200), api.queue()
    api.call("queue.push_subscribe", queue=queue, url=receiver.url)
    api.publish(queue, delay_seconds=2)
    api.just_before(2)
    equal(len(receiver.calls()), 0, "the pushes before the delay was over")
    api.arrived(receiver, 1, 1)
