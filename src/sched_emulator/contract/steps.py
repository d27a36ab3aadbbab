"""Steps that scenarios of several files take, made so that they demand nothing that is not documented.

Nobody documented in which order a standard queue hands out, or that a consume returns all that it could: so messages
are collected by several consumes, and one is let die by publishing it alone.
"""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

from .api import Api
from .beats import TRICKY
from .common import LASTING, empty_queue, two_queues
from .receivers import Call, Receiver
from .reply import Reply
from .results import Failed, equal, require
from .signed import SECRET

LATE_SECONDS = 5.0  # nobody documented how punctual a task is


def would_refuse(api: Api, choice: str, operation: str, *statuses: int, **arguments: Any) -> Reply:
    """Send what the emulator refuses by a choice of its own; which statuses refuse it is another choice."""
    reply = api.attempt(operation, **arguments)
    refused = 400 <= reply.status < 500
    api.expects(choice, refused, f"{operation} answered {reply.status}: {reply.text[:200]}", f"{operation} refuses it")
    if refused:
        invalid = (400, 422) if api.contract is None else (api.contract.invalid_status,)
        expected = statuses or invalid
        api.expects("http.statuses", reply.status in expected, f"{operation} answered {reply.status}", f"{expected[0]}")
    return reply


def would_take(api: Api, choice: str, operation: str, **arguments: Any) -> Reply:
    """Send what the emulator takes by a choice of its own; a success that lacks what is documented takes it not."""
    reply = api.operate(operation, **arguments)
    lacks = api.contract is not None and api.contract.lack(operation, reply) is not None
    came = f"{operation} answered {reply.status}: {reply.text[:200]}"
    api.expects(choice, reply.succeeded and not lacks, came, f"{operation} takes it")
    return reply


def collected(api: Api, queue: str, count: int, **settings: Any) -> list[dict[str, Any]]:
    """Consume until so many messages were handed out, or none comes any more; at most so many are asked for."""
    found: list[dict[str, Any]] = []
    while len(found) < count:
        messages = api.consume(queue, max_messages=count - len(found), **settings)
        if not messages:
            break
        found += messages
    require(len(found) <= count, f"{len(found)} messages were handed out", f"at most {count}")
    return found


def collected_ids(api: Api, queue: str, count: int, **settings: Any) -> list[str]:
    """Consume as `collected` does, and return the ids."""
    return [str(message["message_id"]) for message in collected(api, queue, count, **settings)]


def dead_letter(api: Api, queue: str, payload: Any = None) -> str:
    """Publish a message to a queue that has no other one to hand out, let it die, and return its id."""
    message = api.publish(queue, payload)
    taken = api.take(queue, max_messages=1)
    if taken != [message]:
        raise Failed(f"{taken} was handed out", f"the one message there is, {message}")
    api.call("queue.nack", queue=queue, message_id=message, requeue=False)
    return message


class Dead(NamedTuple):
    """A queue, that of its dead letters, the payloads of these by id in the order of death, and the nacks' answers."""

    queue: str
    dead_letter_queue: str
    payloads: dict[str, Any]
    nacks: list[dict[str, Any]]


def dead_letters(api: Api) -> Dead:
    """Let three messages die in a queue which then stays as it is."""
    queue, dead_letter_queue = two_queues(api)
    payloads, nacks = die(api, queue, [{"n": number} for number in (1, 2, 3)])
    return Dead(queue, dead_letter_queue, payloads, nacks)


def dead_letter_taken(api: Api) -> tuple[Dead, list[str]]:
    """Let a message die, and return what is consumed from the queue of the dead letters."""
    queue, dead_letter_queue = two_queues(api)
    dead = Dead(queue, dead_letter_queue, *die(api, queue, [{}]))
    return dead, api.take(dead_letter_queue)


def die(api: Api, queue: str, payloads: Sequence[Any]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Let messages die in an empty queue; return their payloads by id in the order of death, and the nacks' answers."""
    api.call("queue.publish_batch", queue=queue, messages=[{"payload": payload} for payload in payloads])
    taken = collected(api, queue, len(payloads))
    equal(len(taken), len(payloads), "the number of messages handed out")
    nacks = [api.call("queue.nack", queue=queue, message_id=message["message_id"], requeue=False) for message in taken]
    return {message["message_id"]: message["payload"] for message in taken}, nacks


class Nacked(NamedTuple):
    """A message that was consumed and given back, its queue, and the answer."""

    queue: str
    message: str
    answer: dict[str, Any]


def requeued(api: Api) -> tuple[Nacked, list[str]]:
    """Give a message back that may be given back again, and return also what is consumed then, at once."""
    with empty_queue(api) as queue:
        nacked = nack(api, queue)
        return nacked, api.take(queue)


def nacked_with_one_retry(api: Api) -> Nacked:
    """Give a message back in a queue with one retry, and another queue for its dead letters."""
    return nack(api, api.queue(max_retries=1, dead_letter_queue=api.queue()))


def nack(api: Api, queue: str) -> Nacked:
    """Publish a message to an empty queue, consume it, and give it back."""
    message = api.publish(queue)
    api.take(queue)
    return Nacked(queue, message, api.call("queue.nack", queue=queue, message_id=message, requeue=True))


def prioritised(api: Api) -> tuple[str, list[str], list[int]]:
    """Publish with the priorities 1, 3, 1, 3 and 2, and consume.

    Return the queue and, as the messages come, their ids and 10 times their priorities, and a count.
    """
    queue = api.queue(enable_priority=True, **LASTING)
    sent = {api.publish(queue, {"n": number}, priority=number // 10): number for number in (10, 30, 11, 31, 20)}
    came = collected_ids(api, queue, len(sent))
    return queue, came, [sent[message] for message in came]


class Delivered(NamedTuple):
    """What was scheduled, at which URL, and what arrived there."""

    asked: dict[str, Any]
    receiver: Receiver
    record: dict[str, Any]
    call: Call


def plain_task(api: Api) -> Delivered:
    """Let a task be delivered."""
    return _delivered(api, payload=TRICKY)


def signed_task(api: Api) -> Delivered:
    """Let a task with a secret be delivered."""
    return _delivered(api, payload=TRICKY, secret=SECRET)


def named_task(api: Api) -> Delivered:
    """Let a task with a name and headers be delivered."""
    return _delivered(api, name=api.name(), headers={"X-Contract": "a b", "X-Other": "2"})


def _delivered(api: Api, **settings: Any) -> Delivered:
    receiver = api.receiver(200)
    asked = {"task": receiver.url, **settings, "run_at": api.soon(2)}
    record = api.call("task.schedule", **asked)
    return Delivered(asked, receiver, record, api.arrived(receiver, 1, 2 + LATE_SECONDS)[0])


def plain_push(api: Api) -> Delivered:
    """Let a message be pushed; what is asked for is the queue and the message."""
    return _pushed(api)


def signed_push(api: Api) -> Delivered:
    """Let a message be pushed with a secret."""
    return _pushed(api, secret=SECRET)


def _pushed(api: Api, **settings: Any) -> Delivered:
    receiver, queue = api.receiver(200), api.queue()
    record = api.call("queue.push_subscribe", queue=queue, url=receiver.url, **settings)
    asked = {"queue": queue, "message_id": api.publish(queue, TRICKY)}
    return Delivered(asked, receiver, record, api.arrived(receiver, 1, 5)[0])


def tells(record: Mapping[str, Any], what: str, **expected: Any) -> None:
    """Fail when members of a record are not as expected; whatever else it has is no matter."""
    equal({name: record.get(name) for name in expected}, expected, what)


def side_by_side(actions: Sequence[Callable[[], Any]]) -> list[Any]:
    """Do several things at once, and return what each returned."""
    with ThreadPoolExecutor(len(actions)) as pool:
        return [future.result() for future in [pool.submit(action) for action in actions]]
