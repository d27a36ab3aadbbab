"""Steps that scenarios of several files take, made so that they demand nothing that is not documented.

Nobody documented in which order a standard queue hands out, or that a consume returns all that it could: so messages
are collected by several consumes, and one is let die by publishing it alone.
"""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from .api import Api
from .reply import Reply
from .results import Failed, equal, require


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


def tells(record: Mapping[str, Any], what: str, **expected: Any) -> None:
    """Fail when members of a record are not as expected; whatever else it has is no matter."""
    equal({name: record.get(name) for name in expected}, expected, what)


def side_by_side(actions: Sequence[Callable[[], Any]]) -> list[Any]:
    """Do several things at once, and return what each returned."""
    with ThreadPoolExecutor(len(actions)) as pool:
        return [future.result() for future in [pool.submit(action) for action in actions]]
