"""Dead letters: where they are listed, and how they are brought back."""

from sched_emulator.contract import (
    Api,
    Group,
    NotChecked,
    collected_ids,
    dead_letter,
    dead_letter_taken,
    dead_letters,
    die,
    equal,
    purged,
    require,
    two_empty_queues,
    two_queues,
    would_refuse,
)

dead = Group("queue/dead", aspect="behaviour")
redrive = Group("queue/redrive", aspect="behaviour")


@dead.documented(
    1, "queue.dlq.list", "queue.dlq.list:queue", "queue.create:dead_letter_queue", lines=(523, 731, 871, 903, 911)
)
def are_listed(api: Api) -> None:
    """Dead letters are listed with their id and payload under the name of the queue they came from, and counted."""
    queue, dead_letter_queue, sent, _ = api.shared(dead_letters)
    items = api.pages("queue.dlq.list", queue=queue)
    equal({item["message_id"]: item["payload"] for item in items}, sent, "the dead letters listed")
    equal(len(items), len(sent), "the number of items")
    equal(api.stats(queue), {"available": 0, "in_flight": 0, "dlq": len(sent)}, "the counts of the origin")
    order = [item["message_id"] for item in items]
    api.expects_equal("queue.list_order", order, list(sent), "the order of the dead letters")
    if api.curious:
        by_own_name(api, dead_letter_queue, list(sent))


def by_own_name(api: Api, dead_letters: str, expected: list[str]) -> None:
    """Demand softly what is listed under the name of a dead-letter queue."""
    reply = api.attempt("queue.dlq.list", queue=dead_letters)
    listed = [item["message_id"] for item in reply.data["items"]] if reply.succeeded else reply.status
    what = "what dlq.list answers under the dead-letter queue's own name"
    api.expects_equal("queue.dlq_own_name", listed, expected, what)


@dead.documented(2, "queue.create:dead_letter_queue", lines=(523, 823, 871))
def can_be_consumed_and_acked(api: Api) -> None:
    """A dead letter that is consumed and acknowledged in the dead-letter queue is gone for good."""
    if api.follows("queue.dlq_consumable") != "consumable":
        raise NotChecked("this target's dead-letter queues cannot be consumed")
    (queue, dead_letter_queue, (message,), _), taken = api.shared(dead_letter_taken)
    equal(taken, [message], "what was consumed from the dead-letter queue")
    api.call("queue.ack", queue=dead_letter_queue, message_id=message)
    equal(api.stats(dead_letter_queue)["in_flight"], 0, "the messages in flight in the dead-letter queue")
    if api.curious:
        dead = api.dead(queue)
        api.expects_equal("queue.dlq_own_name", dead, [], "the dead letters that the origin lists afterwards")


@redrive.documented(1, "queue.dlq.redrive", "queue.dlq.redrive:queue", lines=(871, 931, 939, 945))
def brings_all_back(api: Api) -> None:
    """Redrive brings all dead letters back to their queue, where they can be consumed again."""
    with api.lent(two_queues) as (queue, _):
        sent = list(die(api, queue, [{}, {}])[0])
        api.count(api.call("queue.dlq.redrive", queue=queue)["redriven"], 2, "redriven")
        equal(api.stats(queue), {"available": 2, "in_flight": 0, "dlq": 0}, "the counts")
        came = collected_ids(api, queue, 2)
        equal(sorted(came), sorted(sent), "what was consumed")
        api.expects_equal("queue.redrive_order", came, sent, "the order in which they were consumed")
        purged(api, queue)


@redrive.documented(2, "queue.dlq.redrive:message_id", lines=(871, 939))
def brings_one_back(api: Api) -> None:
    """Redrive with message_id brings back that message alone."""
    with two_empty_queues(api) as (queue, _):
        first, second = die(api, queue, [{}, {}])[0]
        api.count(api.call("queue.dlq.redrive", queue=queue, message_id=second)["redriven"], 1, "redriven")
        equal(api.dead(queue), [first], "the dead letters left")
        equal(api.take(queue), [second], "what was consumed")
        if api.curious:
            unknown = {"queue": queue, "message_id": "msg_never_was"}
            would_refuse(api, "queue.redrive_unknown", "queue.dlq.redrive", 404, **unknown)
            equal(api.dead(queue), [first], "the dead letters after redriving one that is not there")


@redrive.documented(3, "queue.dlq.redrive:since", lines=(871, 940), seconds=3)
def brings_back_since(api: Api) -> None:
    """Redrive with since brings back what died at that instant or later."""
    with two_empty_queues(api) as (queue, _):
        first = dead_letter(api, queue)
        api.sleep(2)
        since = api.soon(-1 if not api.virtual else 0)
        second = dead_letter(api, queue)
        later = api.call("queue.dlq.redrive", queue=queue, since=api.soon(3600))
        api.count(later["redriven"], 0, "redriven from later on")
        api.count(api.call("queue.dlq.redrive", queue=queue, since=since)["redriven"], 1, "redriven")
        equal(api.dead(queue), [first], "the dead letters left")
        equal(api.take(queue), [second], "what was consumed")


@redrive.choice(4, "queue.dlq.redrive", "queue.create:max_retries")
def forgets_the_nacks(api: Api) -> None:
    """A message that was brought back has all its retries again."""
    queue = api.queue(dead_letter_queue=api.queue(), max_retries=2)
    message = api.publish(queue)
    if api.follows("queue.nack_delay") != "now":
        raise NotChecked("nacked messages wait on this target")
    requeued = True
    while requeued:
        equal(api.take(queue), [message], "what was consumed")
        requeued = api.call("queue.nack", queue=queue, message_id=message, requeue=True)["requeued"]
    api.call("queue.dlq.redrive", queue=queue)
    equal(api.take(queue), [message], "what was consumed after redriving")
    again = api.call("queue.nack", queue=queue, message_id=message, requeue=True)["requeued"]
    api.expects_equal("queue.redrive_order", again, True, "requeued at the first nack after redriving")


@redrive.choice(5, "queue.dlq.redrive:message_id")
def leaves_what_is_held(api: Api) -> None:
    """A dead letter that a consumer of the dead-letter queue holds stays where it is."""
    if api.follows("queue.dlq_consumable") != "consumable":
        raise NotChecked("this target's dead-letter queues cannot be consumed")
    dead_letters = api.queue()
    queue = api.queue(dead_letter_queue=dead_letters)
    message = dead_letter(api, queue)
    require(api.take(dead_letters, visibility_timeout=600) == [message], "the dead letter was not handed out")
    api.call("queue.dlq.redrive", queue=queue)
    api.expects_equal("queue.redrive_unknown", api.take(queue), [], "what a redrive took from a consumer")


@redrive.choice(6, "queue.dlq.list", "queue.create:message_retention_days", virtual=True)
def retention_begins_anew(api: Api) -> None:
    """A dead letter is kept for the retention of its queue, from the instant at which it died."""
    days = {"message_retention_days": 1}
    queue = api.queue(dead_letter_queue=api.queue(**days), **days)
    api.publish(queue)
    api.sleep(43_200)
    (taken,) = api.take(queue, max_messages=1)
    api.call("queue.nack", queue=queue, message_id=taken, requeue=False)
    api.sleep(64_800)
    api.expects_equal("queue.retention_counts", api.dead(queue), [taken], "the dead letters 18 hours after they died")
