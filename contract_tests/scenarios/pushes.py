"""Push subscriptions: messages delivered as they become available."""

from itertools import pairwise
from typing import Any

from sched_emulator.contract import (
    TRICKY,
    Answer,
    Api,
    Call,
    Group,
    NotChecked,
    equal,
    plain_push,
    require,
    shown,
    signed_push,
    would_take,
)

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
    lines=(686, 967, 975, 979, 986),
    seconds=2,
)
def delivers_and_is_done(api: Api) -> None:
    """A message is pushed to the URL, and a 2xx ends it."""
    asked, receiver, record, call = api.shared(plain_push)
    queue = asked["queue"]
    equal((record["queue"], record["url"]), (queue, receiver.url), "the subscription")
    equal((call.method, pushed(api, call)), ("POST", TRICKY), "what was pushed")
    emptied(api, queue, 3)
    api.count(api.call("queue.purge", queue=queue)["purged"], 0, "purged afterwards, of what waits for another try")
    api.sleep(1)
    equal(len(receiver.calls()), 1, "the number of pushes")


@pushes.choice(2, "queue.push_subscribe", seconds=2)
def delivers_what_was_there(api: Api) -> None:
    """Messages that were there before the subscription are pushed, too."""
    receiver, queue = api.receiver(200), api.queue()
    api.publish_many(queue, 3)
    api.call("queue.push_subscribe", queue=queue, url=receiver.url)
    api.wait(lambda: len(receiver.calls()) >= 3, 5)
    came = sorted(pushed(api, call)["number"] for call in receiver.calls())
    api.expects_equal("push.takes_what_was_there", came, [0, 1, 2], "what was pushed of three messages that were there")


@pushes.documented(3, "queue.push_subscribe:max_retries", lines=(523, 979), virtual=True)
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
    4,
    "queue.push_subscribe:dead_letter_queue",
    "queue.push_subscribe:max_retries",
    lines=(979, 981),
    seconds=3,
)
def own_dead_letter_queue(api: Api) -> None:
    """A push without retries that fails sends the message to the subscription's dead-letter queue."""
    receiver, own, queue = api.receiver(500), api.queue(), api.queue()
    api.call("queue.push_subscribe", queue=queue, url=receiver.url, max_retries=0, dead_letter_queue=own)
    message = api.publish(queue)
    api.arrived(receiver, 1, 5)
    died = api.wait(lambda: api.dead(queue) == [message], 3)
    require(died, f"the dead letters were {api.dead(queue)}", f"{message} is dead")
    if api.answer("queue.dlq_consumable") == "consumable":
        equal(api.take(own), [message], "what was consumed from the subscription's dead-letter queue")
    equal(len(receiver.calls()), 1, "the number of pushes")


@pushes.choice(9, "queue.push_subscribe:dead_letter_queue", seconds=3)
def settings_win(api: Api) -> None:
    """The dead-letter queue of a subscription wins over the queue's."""
    if api.follows("queue.dlq_consumable") != "consumable":
        raise NotChecked("this target's dead-letter queues cannot be consumed")
    receiver, own = api.receiver(500), api.queue()
    queue = api.queue(dead_letter_queue=api.queue())
    api.call("queue.push_subscribe", queue=queue, url=receiver.url, max_retries=0, dead_letter_queue=own)
    message = api.publish(queue)
    api.arrived(receiver, 1, 5)
    api.wait(lambda: api.stats(queue)["dlq"] == 1, 3)
    came = api.take(own)
    api.expects_equal("push.settings_win", came, [message], "what was consumed from the subscription's queue")


@pushes.choice(5, "queue.push_subscribe:visibility_timeout", seconds=5)
def lease_is_the_limit(api: Api) -> None:
    """A receiver that takes longer than visibility_timeout has failed: without retries the message is dead."""
    receiver = api.receiver(Answer(200, after_seconds=4))
    queue = api.queue(dead_letter_queue=api.queue())
    api.call("queue.push_subscribe", queue=queue, url=receiver.url, max_retries=0, visibility_timeout=2)
    message = api.publish(queue)
    api.arrived(receiver, 1, 5)
    api.wait(lambda: api.dead(queue) == [message], 3)
    dead = api.dead(queue)
    api.expects_equal("push.lease_is_the_limit", dead, [message], "the dead letters when the lease was over")


@pushes.documented(6, "queue.push_subscribe", "queue.create:type", lines=(522, 967), seconds=6)
def fifo_in_order(api: Api) -> None:
    """Messages of a FIFO queue are pushed in order."""
    receiver, queue = api.receiver(Answer(200, after_seconds=1)), api.queue(type="fifo")
    api.call("queue.push_subscribe", queue=queue, url=receiver.url)
    api.publish_many(queue, 3)
    calls = api.arrived(receiver, 3, 8)
    equal([pushed(api, call)["number"] for call in calls], [0, 1, 2], "what was pushed")
    gaps = [later.at - earlier.at for earlier, later in pairwise(calls)]
    apart = all(gap >= 0.9 for gap in gaps)
    api.expects("push.fifo_one_by_one", apart, f"the pushes came {shown(gaps)} s apart", "one ends before the next")


@pushes.choice(7, "queue.push_subscribe:url", seconds=2)
def second_replaces_first(api: Api) -> None:
    """A second subscription of a queue takes the place of the first."""
    old, new, queue = api.receiver(200), api.receiver(200), api.queue()
    api.call("queue.push_subscribe", queue=queue, url=old.url)
    would_take(api, "push.one_subscription", "queue.push_subscribe", queue=queue, url=new.url)
    api.publish(queue)
    api.wait(lambda: bool(new.calls()), 5)
    came = (len(old.calls()), len(new.calls()))
    api.expects_equal("push.one_subscription", came, (0, 1), "the pushes to the first URL and to the second")


@pushes.documented(8, "queue.push_subscribe", "queue.publish:delay_seconds", lines=(102, 967), seconds=4)
def delays_hold_for_pushes(api: Api) -> None:
    """A delayed message is pushed when its delay is over."""
    asked, receiver, _, _ = api.shared(signed_push)
    before = len(receiver.calls())
    api.publish(asked["queue"], delay_seconds=2)
    api.just_before(2)
    equal(len(receiver.calls()), before, "the pushes before the delay was over")
    api.arrived(receiver, before + 1, 5)
