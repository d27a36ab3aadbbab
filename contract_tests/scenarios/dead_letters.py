"""Dead letters: where they are listed, and how they are brought back."""

from sched_emulator.contract import Api, Group, NotChecked, equal, require

dead = Group("queue/dead", aspect="behaviour")
redrive = Group("queue/redrive", aspect="behaviour")


def kill(api: Api, queue: str, message: str) -> None:
    """Let a message die."""
    require(message in api.take(queue, max_messages=1), f"{message} was not handed out")
    api.call("queue.nack", queue=queue, message_id=message, requeue=False)


@dead.documented(1, "queue.dlq.list", "queue.dlq.list:queue", "queue.create:dead_letter_queue", lines=(903, 911))
def are_listed(api: Api) -> None:
    """Dead letters are listed with their id and payload under the name of the queue they came from."""
    dead_letters = api.queue()
    queue = api.queue(dead_letter_queue=dead_letters)
    first, second = api.publish(queue, {"n": 1}), api.publish(queue, {"n": 2})
    kill(api, queue, first)
    kill(api, queue, second)
    items = api.pages("queue.dlq.list", queue=queue)
    equal(
        [(item["message_id"], item["payload"]) for item in items], [(first, {"n": 1}), (second, {"n": 2})], "the list"
    )
    equal(api.stats(queue), {"available": 0, "in_flight": 0, "dlq": 2}, "the counts of the origin")
    equal(api.dead(dead_letters), [first, second], "the list under the dead-letter queue's own name")


@dead.choice(2, "queue.create:dead_letter_queue")
def can_be_consumed_and_acked(api: Api) -> None:
    """A dead letter that is consumed and acknowledged in the dead-letter queue is gone for good."""
    if api.answer("queue.dlq_consumable") != "consumable":
        raise NotChecked("this target's dead-letter queues cannot be consumed")
    dead_letters = api.queue()
    queue = api.queue(dead_letter_queue=dead_letters)
    message = api.publish(queue)
    kill(api, queue, message)
    equal(api.take(dead_letters), [message], "what was consumed from the dead-letter queue")
    api.call("queue.ack", queue=dead_letters, message_id=message)
    equal(api.dead(queue), [], "the dead letters")


@redrive.documented(1, "queue.dlq.redrive", "queue.dlq.redrive:queue", lines=(929, 945))
def brings_all_back(api: Api) -> None:
    """Redrive brings all dead letters back to their queue, where they can be consumed again."""
    queue = api.queue(dead_letter_queue=api.queue())
    sent = api.publish_many(queue, 2)
    for message in sent:
        kill(api, queue, message)
    api.count(api.call("queue.dlq.redrive", queue=queue)["redriven"], 2, "redriven")
    equal(api.stats(queue), {"available": 2, "in_flight": 0, "dlq": 0}, "the counts")
    equal(api.take(queue, max_messages=2), sent, "what was consumed")


@redrive.documented(2, "queue.dlq.redrive:message_id", lines=(939,))
def brings_one_back(api: Api) -> None:
    """Redrive with message_id brings back that message alone."""
    queue = api.queue(dead_letter_queue=api.queue())
    first, second = api.publish_many(queue, 2)
    kill(api, queue, first)
    kill(api, queue, second)
    api.count(api.call("queue.dlq.redrive", queue=queue, message_id=second)["redriven"], 1, "redriven")
    equal(api.dead(queue), [first], "the dead letters left")
    equal(api.take(queue), [second], "what was consumed")
    api.refused("queue.dlq.redrive", 404, queue=queue, message_id="msg_never_was")


@redrive.documented(3, "queue.dlq.redrive:since", lines=(940,), seconds=3)
def brings_back_since(api: Api) -> None:
    """Redrive with since brings back what died at that instant or later."""
    queue = api.queue(dead_letter_queue=api.queue())
    first, second = api.publish_many(queue, 2)
    kill(api, queue, first)
    api.sleep(2)
    since = api.soon(-1 if not api.virtual else 0)
    kill(api, queue, second)
    api.count(api.call("queue.dlq.redrive", queue=queue, since=since)["redriven"], 1, "redriven")
    equal(api.dead(queue), [first], "the dead letters left")
    equal(api.take(queue), [second], "what was consumed")
    api.count(api.call("queue.dlq.redrive", queue=queue, since=api.soon(3600))["redriven"], 0, "redriven from later on")


@redrive.choice(4, "queue.dlq.redrive", "queue.create:max_retries")
def forgets_the_nacks(api: Api) -> None:
    """A message that was brought back has all its retries again."""
    queue = api.queue(dead_letter_queue=api.queue(), max_retries=2)
    message = api.publish(queue)
    if api.answer("queue.nack_delay") != "now":
        raise NotChecked("nacked messages wait on this target")
    requeued = True
    while requeued:
        equal(api.take(queue), [message], "what was consumed")
        requeued = api.call("queue.nack", queue=queue, message_id=message, requeue=True)["requeued"]
    api.call("queue.dlq.redrive", queue=queue)
    equal(api.take(queue), [message], "what was consumed after redriving")
    again = api.call("queue.nack", queue=queue, message_id=message, requeue=True)["requeued"]
    equal(again, True, "requeued at the first nack after redriving")
