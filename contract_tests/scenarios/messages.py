"""Messages: publishing, leases, acks, nacks, order."""

from typing import Any

from sched_emulator.contract import (
    Api,
    Group,
    Nacked,
    collected,
    collected_ids,
    dead_letters,
    empty_queue,
    equal,
    fifo_queue,
    nack,
    nacked_with_one_retry,
    prioritised,
    published,
    purged,
    requeued,
    require,
    standard_queue,
    would_take,
)

publishing = Group("queue/publish", aspect="behaviour")
lease = Group("queue/lease", aspect="time")
delay = Group("queue/delay", aspect="time")
acks = Group("queue/ack", aspect="behaviour")
nacks = Group("queue/nack", aspect="behaviour")
fifo = Group("queue/fifo", aspect="behaviour")
priority = Group("queue/priority", aspect="behaviour")

PAYLOADS: tuple[dict[str, Any], ...] = (
    {"text": 'é 订单 😀 " \\ \n', "null": None, "flag": False, "list": [1, [2, {}]]},
    {},
    {"most": 9007199254740991, "least": -9007199254740991, "fraction": 0.1, "exponent": 1e20, "zero": 0},
    {"b": 1, "a": {"z": 1, "y": [{}]}},
)


@publishing.documented(1, "queue.publish:queue", "queue.publish:payload", "queue.consume:queue", lines=(96, 99, 801))
def payloads_come_back(api: Api) -> None:
    """Payloads come back with exactly the values that were published."""
    with empty_queue(api) as queue:
        sent = {api.publish(queue, payload): payload for payload in api.some(PAYLOADS, 2)}
        got = {item["message_id"]: item["payload"] for item in collected(api, queue, len(sent))}
        equal(got, sent, "what was consumed")


@publishing.choice(7, "queue.publish:payload")
def numbers_come_back(api: Api) -> None:
    """Numbers beyond those that a float holds come back with exactly their value."""
    queue, payload = api.queue(), {"big": 9007199254740993, "small": -9007199254740993}
    api.publish(queue, payload)
    (message,) = collected(api, queue, 1)
    api.expects_equal("values.exact_numbers", message["payload"], payload, "what was consumed")


@publishing.documented(
    2, "queue.publish_batch", "queue.publish_batch:queue", "queue.publish_batch:messages", lines=(756, 759, 766)
)
def batches_arrive(api: Api) -> None:
    """publish_batch returns one id for each message, and all of them arrive under these."""
    with empty_queue(api) as queue:
        items = [{"payload": {"number": number}} for number in range(5)]
        ids = api.call("queue.publish_batch", queue=queue, messages=items)["message_ids"]
        got = {item["message_id"]: item["payload"]["number"] for item in collected(api, queue, 5)}
        equal(sorted(got), sorted(ids), "the ids of what was consumed")
        equal(sorted(got.values()), [0, 1, 2, 3, 4], "the payloads consumed")
        api.expects_equal(
            "queue.batch", [got[message] for message in ids], [0, 1, 2, 3, 4], "the payloads by their ids"
        )
        order = list(got.values())
        api.expects_equal("queue.standard_order", order, [0, 1, 2, 3, 4], "the order in which a batch was consumed")


@publishing.choice(3, "queue.publish_batch:messages")
def batches_are_all_or_nothing(api: Api) -> None:
    """A batch with one message that is refused publishes none."""
    queue, limit = api.queue(), int(api.follows("limits.message_bytes"))
    items = [{"payload": {}}, {"payload": {"text": "x" * (limit + 1)}}]
    reply = api.attempt("queue.publish_batch", queue=queue, messages=items)
    came = f"a batch with one message that is too large was answered {reply.status}"
    api.expects("queue.batch", not reply.succeeded, came, "it is refused")
    api.expects_equal("queue.batch", api.stats(queue)["available"], 0, "the messages available of such a batch")


@publishing.choice(4, "queue.publish_batch:messages", seconds=3)
def batch_items_have_delays(api: Api) -> None:
    """delay_seconds of an item holds back that item alone."""
    queue = api.queue()
    items = [{"payload": {"n": 0}, "delay_seconds": 2}, {"payload": {"n": 1}}]
    reply = would_take(api, "queue.batch", "queue.publish_batch", queue=queue, messages=items)
    if not reply.succeeded:
        return
    first, second = reply.data["message_ids"]
    api.expects_equal("queue.batch", collected_ids(api, queue, 2), [second], "what was consumed at once")
    api.just_before(2)
    api.just_after()
    api.expects_equal("queue.batch", api.take(queue), [first], "what was consumed after the delay")


@publishing.documented(5, "queue.consume:max_messages", lines=(796,))
def consume_takes_at_most(api: Api) -> None:
    """max_messages is the most that a consume takes, and all can be had by several."""
    with empty_queue(api) as queue:
        sent = published(api, queue, 4)
        taken = [api.take(queue, max_messages=most) for most in (1, 2)]
        for most, came in zip((1, 2), taken, strict=True):
            require(1 <= len(came) <= most, f"max_messages {most} took {len(came)}", f"1 to {most}")
        api.expects_equal("queue.consume_fills", len(taken[1]), 2, "the number that max_messages 2 took of three")
        order = [*taken[0], *taken[1]]
        order += collected_ids(api, queue, len(sent) - len(order))
        equal(sorted(order), sorted(sent), "what was consumed")
        equal(api.take(queue, max_messages=10), [], "what was left")
        api.expects_equal("queue.standard_order", order, sent, "the order of what was consumed")


@lease.documented(1, "queue.consume:visibility_timeout", lines=(797,), seconds=3)
def hidden_until_it_ends(api: Api) -> None:
    """A consumed message is hidden while its lease lasts, and comes back when it ends."""
    with empty_queue(api) as queue:
        message = api.publish(queue)
        equal(api.take(queue, visibility_timeout=2), [message], "what was consumed")
        api.just_before(2)
        equal(api.stats(queue), {"available": 0, "in_flight": 1, "dlq": 0}, "the counts just before the lease ended")
        api.just_after()
        equal(api.stats(queue), {"available": 1, "in_flight": 0, "dlq": 0}, "the counts when the lease had ended")
        equal(api.take(queue), [message], "what was consumed then")


@lease.documented(2, "queue.ack", "queue.ack:queue", "queue.ack:message_id", lines=(823,), seconds=3)
def acked_never_comes_back(api: Api) -> None:
    """An acknowledged message does not come back when its lease would have ended."""
    with api.lent(standard_queue) as queue:
        message = api.publish(queue)
        api.take(queue, visibility_timeout=2)
        answered = api.call("queue.ack", queue=queue, message_id=message)
        equal((answered["message_id"], bool(answered["acked"])), (message, True), "message_id and acked of the answer")
        api.just_before(2)
        api.just_after()
        equal(api.stats(queue), {"available": 0, "in_flight": 0, "dlq": 0}, "the counts afterwards")


@lease.documented(3, "queue.consume:visibility_timeout", lines=(797,), seconds=3)
def expired_and_consumed_again(api: Api) -> None:
    """A message whose lease ran out is handed out under a lease of its own, which ends in its own time."""
    with empty_queue(api) as queue:
        message = api.publish(queue)
        api.take(queue, visibility_timeout=1)
        api.just_before(1)
        api.just_after()
        equal(api.take(queue, visibility_timeout=2), [message], "what was consumed the second time")
        api.just_before(2)
        equal(api.take(queue), [], "what was consumed while the second lease lasted")
        api.just_after()
        equal(api.take(queue), [message], "what was consumed when the second lease had ended")


@delay.documented(1, "queue.publish:delay_seconds", lines=(102,), seconds=3)
def held_back(api: Api) -> None:
    """A delayed message is handed out when its delay is over, not before."""
    with empty_queue(api) as queue:
        message = api.publish(queue, delay_seconds=2)
        equal(api.take(queue), [], "what was consumed at once")
        api.just_before(2)
        equal(api.take(queue), [], "what was consumed just before the delay was over")
        api.just_after()
        equal(api.take(queue), [message], "what was consumed when it was over")


@delay.choice(2, "queue.publish:delay_seconds", seconds=2)
def fractions(api: Api) -> None:
    """A delay may have a fraction of a second."""
    choice, queue = "values.whole_numbers", api.queue()
    if would_take(api, choice, "queue.publish", queue=queue, payload={}, delay_seconds=1.5).succeeded:
        api.just_before(1.5)
        api.expects_equal(choice, len(api.take(queue)), 0, "the number consumed just before 1.5 s were over")
        api.just_after()
        api.expects_equal(choice, len(api.take(queue)), 1, "the number consumed when 1.5 s were over")


@acks.documented(1, "queue.ack", lines=(823,))
def of_one_leaves_the_others(api: Api) -> None:
    """An ack removes the message that it names and no other."""
    with api.lent(standard_queue) as queue:
        sent = published(api, queue, 2)
        first, second = collected_ids(api, queue, 2)
        equal(sorted((first, second)), sorted(sent), "what was consumed")
        api.call("queue.ack", queue=queue, message_id=second)
        equal(api.stats(queue), {"available": 0, "in_flight": 1, "dlq": 0}, "the counts")
        api.call("queue.ack", queue=queue, message_id=first)
        equal(api.stats(queue)["in_flight"], 0, "the messages in flight")


@acks.choice(2, "queue.ack")
def of_another_queue(api: Api) -> None:
    """An ack under another queue's name does not remove the message."""
    queue, other = api.queue(), api.queue()
    message = api.publish(queue)
    api.take(queue, visibility_timeout=600)
    api.attempt("queue.ack", queue=other, message_id=message)
    in_flight = api.stats(queue)["in_flight"]
    api.expects_equal("queue.ack_names_its_queue", in_flight, 1, "the messages in flight after an ack elsewhere")


@nacks.documented(1, "queue.nack:requeue", "queue.nack:queue", "queue.nack:message_id", lines=(865, 868, 871, 876))
def with_requeue(api: Api) -> None:
    """A nack with requeue makes the message available again."""
    (_, message, answered), taken = api.shared(requeued)
    equal((answered["message_id"], answered["requeued"]), (message, True), "message_id and requeued of the answer")
    if api.answer("queue.nack_delay") == "now":
        equal(taken, [message], "what was consumed afterwards")


@nacks.documented(2, "queue.nack:requeue", lines=(523, 871, 876))
def without_requeue(api: Api) -> None:
    """A nack with requeue false sends the message to the dead letters."""
    dead = api.shared(dead_letters)
    answered = [(each["message_id"], each["requeued"]) for each in dead.nacks]
    equal(answered, [(message, False) for message in dead.payloads], "message_id and requeued of the answers")
    equal(sorted(api.dead(dead.queue)), sorted(dead.payloads), "the dead letters")
    equal(api.take(dead.queue), [], "what was consumed afterwards")


@nacks.documented(3, "queue.create:max_retries", lines=(523, 524, 876), seconds=65)
def dead_after_max_retries(api: Api) -> None:
    """A message dies exactly when it has been nacked as often as max_retries allows."""
    dies_after(api, api.shared(nacked_with_one_retry), 1)
    if not api.paid:
        dies_after(api, nack(api, api.queue(max_retries=2, dead_letter_queue=api.queue())), 2)


def dies_after(api: Api, nacked: Nacked, max_retries: int) -> None:
    """Fail when a message that was nacked once does not die when it was nacked as often as allowed."""
    queue, message, answer = nacked
    allowed = max_retries if api.follows("queue.max_retries_counts") == "allowed" else max_retries - 1
    equal(answer["requeued"], allowed > 0, "requeued at nack number 1")
    for number in range(1, allowed + 1):
        comes_back(api, queue, message)
        answer = api.call("queue.nack", queue=queue, message_id=message, requeue=True)
        equal(answer["requeued"], number < allowed, f"requeued at nack number {number + 1}")
    equal(api.dead(queue), [message], "the dead letters")
    equal(api.stats(queue), {"available": 0, "in_flight": 0, "dlq": 1}, "the counts")


def comes_back(api: Api, queue: str, message: str) -> None:
    """Consume the message, waiting for it where a nack makes it wait."""
    taken = api.take(queue)

    def is_back() -> bool:
        taken.extend(api.take(queue))
        return bool(taken)

    if not taken and api.answer("queue.nack_delay") == "backoff":
        api.wait(is_back, 90_000 if api.virtual else 70)
    equal(taken, [message], "what was consumed")


@nacks.documented(4, "queue.nack", lines=(823, 860, 868))
def of_one_spares_the_others(api: Api) -> None:
    """A nack gives back the message that it names and no other."""
    with empty_queue(api) as queue:
        sent = published(api, queue, 2)
        first, second = collected_ids(api, queue, 2)
        equal(sorted((first, second)), sorted(sent), "what was consumed")
        api.call("queue.nack", queue=queue, message_id=second, requeue=True)
        equal(api.stats(queue)["in_flight"], 1, "the messages in flight")
        api.call("queue.ack", queue=queue, message_id=first)
        equal(api.stats(queue)["in_flight"], 0, "the messages in flight when the other was acknowledged")


def in_turn(api: Api, queue: str, count: int) -> list[str]:
    """Consume and acknowledge one message after the other, and return their ids as they came."""
    came: list[str] = []
    for _ in range(count):
        for message in api.take(queue, max_messages=1):
            came.append(message)
            api.call("queue.ack", queue=queue, message_id=message)
    return came


@fifo.documented(1, "queue.create:type", lines=(522, 823))
def keeps_order(api: Api) -> None:
    """A FIFO queue hands out in the order of publishing, also when each message is acknowledged before the next."""
    with api.lent(fifo_queue) as queue:
        count = 3 if api.paid else 4
        sent = api.publish_many(queue, count)
        came = api.take(queue, max_messages=2)
        equal(came, sent[: max(len(came), 1)], "what was consumed first")
        for message in came:
            api.call("queue.ack", queue=queue, message_id=message)
        equal(in_turn(api, queue, count - len(came)), sent[len(came) :], "what was consumed then")


@fifo.choice(5, "queue.create:type", "queue.create:enable_priority")
def ignores_priorities(api: Api) -> None:
    """A FIFO queue ignores priorities, and hands out several messages at once."""
    queue = api.queue(type="fifo", enable_priority=True)
    sent = [api.publish(queue, {"n": number}, priority=number % 2) for number in range(4)]
    came = api.take(queue, max_messages=4)
    api.expects_equal("queue.consume_fills", len(came), 4, "the number consumed of four")
    for message in came:
        api.call("queue.ack", queue=queue, message_id=message)
    came += in_turn(api, queue, 4 - len(came))
    api.expects_equal("queue.fifo_ignores_priority", came, sent, "what was consumed of a FIFO queue with priorities")


@fifo.choice(2, "queue.create:type")
def requeued_keeps_its_place(api: Api) -> None:
    """A message of a FIFO queue that is nacked comes again before later ones."""
    queue = api.queue(type="fifo", max_retries=5)
    sent = api.publish_many(queue, 2)
    equal(api.take(queue, max_messages=1), sent[:1], "what was consumed")
    api.call("queue.nack", queue=queue, message_id=sent[0], requeue=True)
    expected = sent[:1]
    if api.follows("queue.nack_delay") != "now":
        expected = sent[1:] if api.follows("queue.fifo_in_flight") == "allow" else []
    came = api.take(queue, max_messages=1)
    api.expects_equal("queue.fifo_ignores_priority", came, expected, "what was consumed after the nack")


@fifo.documented(3, "queue.create:type", lines=(522, 823))
def goes_on_after_an_ack(api: Api) -> None:
    """A FIFO queue hands out the next message when the one before is acknowledged."""
    with api.lent(fifo_queue) as queue:
        first = api.publish(queue)
        equal(api.take(queue), [first], "what was consumed")
        second = api.publish(queue)
        api.call("queue.ack", queue=queue, message_id=first)
        equal(api.take(queue), [second], "what was consumed after the ack")
        purged(api, queue)


@fifo.documented(4, "queue.publish:delay_seconds", "queue.create:type", lines=(102, 522))
def an_earlier_one_is_not_held_back(api: Api) -> None:
    """A delayed message does not hold back those that a FIFO queue got before it."""
    with api.lent(fifo_queue) as queue:
        first = api.publish(queue)
        api.publish(queue, delay_seconds=60)
        equal(api.take(queue, max_messages=2), [first], "what was consumed")
        purged(api, queue)


@priority.documented(1, "queue.create:enable_priority", lines=(123, 527))
def comes_first(api: Api) -> None:
    """With enable_priority messages come by priority."""
    _, _, came = api.shared(prioritised)
    order = [30, 31, 20, 10, 11] if api.follows("queue.priority_order") == "high_first" else [10, 11, 20, 30, 31]
    equal([number // 10 for number in came], [number // 10 for number in order], "the priorities as they came")
    api.expects_equal("queue.standard_order", came, order, "what was consumed, the older first within a priority")


@publishing.documented(6, "queue.publish", "queue.consume", lines=(766, 788, 797, 823))
def nothing_is_lost_or_doubled(api: Api) -> None:
    """Over many consumes and acks each message is handed out exactly once."""
    with api.lent(standard_queue) as queue:
        sent: list[str] = []
        for _ in api.some(range(3), 1):
            sent += api.call("queue.publish_batch", queue=queue, messages=[{"payload": {}}] * (2 if api.paid else 4))[
                "message_ids"
            ]
        got: list[str] = []
        while taken := api.take(queue, max_messages=5):
            for message in taken:
                api.call("queue.ack", queue=queue, message_id=message)
            got += taken
        equal(sorted(got), sorted(sent), "what was consumed")
