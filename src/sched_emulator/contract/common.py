"""Queues and crons that many checks use: where each request may cost one for all, else one for each (`Api.shared`)."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from .api import NEVER, Api
from .crons import cron_id
from .described import routes
from .reply import Reply

IDLE_CRON = {"expression": "30 4 1 1 *", "timezone": "Asia/Kathmandu"}
IDLE_QUEUE = {"type": "fifo", "max_retries": 7, "visibility_timeout_default": 45}
LASTING = {"max_retries": 9, "visibility_timeout_default": 600}


class Idle(NamedTuple):
    """What nobody uses: its name or id, what creating it answered, and what it was created with."""

    name: str
    created: dict[str, Any]
    given: dict[str, Any]


def idle_queue(api: Api) -> Idle:
    """Make a queue, with another one for its dead letters, that no message is ever in."""
    name, given = api.name(), {**IDLE_QUEUE, "dead_letter_queue": api.queue()}
    return Idle(name, api.call("queue.create", name=name, message_retention_days=5, **given), given)


def idle_cron(api: Api) -> Idle:
    """Make a cron that stays as it is, and does not fire in this run."""
    given = {"name": api.name(), "timezone": IDLE_CRON["timezone"]}
    url = api.nowhere()
    record = api.cron_record(IDLE_CRON["expression"], url, **given)
    return Idle(
        cron_id(record),
        record,
        {**given, "cron_expr": IDLE_CRON["expression"], "task": url},
    )


def idle_cron_fetched(api: Api) -> dict[str, Any]:
    """Get the idle cron."""
    record: dict[str, Any] = api.call("cron.get", id=api.shared(idle_cron).name)
    return record


def idle_cron_retention(api: Api) -> dict[str, Any]:
    """Get the retention of the idle cron."""
    retention: dict[str, Any] = api.call("cron.retention.get", id=api.shared(idle_cron).name)
    return retention


def standard_queue(api: Api) -> str:
    """Make a standard queue with long leases and many retries."""
    return api.queue(**LASTING)


def fifo_queue(api: Api) -> str:
    """Make such a FIFO queue."""
    return api.queue(type="fifo", **LASTING)


def two_queues(api: Api) -> tuple[str, str]:
    """Make such a standard queue, and one for its dead letters."""
    dead_letters = api.queue()
    return api.queue(dead_letter_queue=dead_letters, **LASTING), dead_letters


def creations(api: Api) -> dict[str, Reply]:
    """Make a queue with a message and a subscription, and a cron; return the answers."""
    queue, url = api.name(), api.nowhere()
    key = {"Idempotency-Key": api.name()}
    cron = {"name": api.name(), "schedule": NEVER, "url": url}
    return {
        "queue.create": api.attempt("queue.create", name=queue, http_headers=key),
        "queue.publish": api.attempt("queue.publish", queue=queue, payload={}),
        "queue.push_subscribe": api.attempt("queue.push_subscribe", queue=queue, url=url),
        "cron.create": api.attempt("cron.create", http_headers={"Idempotency-Key": api.name()}, **cron),
    }


def listed_crons(api: Api) -> Reply:
    """List crons by the documentation's example, and return what came."""
    return api.send("GET", routes()["cron.list"].path)


def senseless(api: Api) -> dict[str, Reply]:
    """Send requests without what is required, and return the answers."""
    return {
        "queue.create without a name": api.attempt(
            "queue.create", type="standard", http_headers={"Idempotency-Key": api.name()}
        ),
        "queue.consume without a queue": api.attempt("queue.consume", max_messages=1),
        "queue.ack without a message": api.attempt("queue.ack", queue=api.name()),
    }


def unkeyed_queue(api: Api) -> tuple[str, Reply]:
    """Make a queue without an idempotency key, by the documentation's example; return its name and what came."""
    name = api.name()
    return name, api.send("POST", routes()["queue.create"].path, {"name": name})


def pushed_queue(api: Api) -> str:
    """Return a queue for subscriptions that lead nowhere."""
    made = api.shared(creations)["queue.create"]
    return str(made.data["queue"]) if made.succeeded and "queue" in made.data else api.queue()


def spare_cron(api: Api) -> str:
    """Return a cron that does not fire, whose settings are no matter."""
    made = api.shared(creations)["cron.create"]
    return cron_id(made.data) if made.succeeded else api.cron()


@contextmanager
def empty_queue(api: Api) -> Iterator[str]:
    """Borrow a standard queue, and leave it empty."""
    with api.lent(standard_queue) as queue:
        yield queue
        purged(api, queue)


@contextmanager
def two_empty_queues(api: Api) -> Iterator[tuple[str, str]]:
    """Borrow a standard queue and that of its dead letters, and leave both empty."""
    with api.lent(two_queues) as (queue, dead_letters):
        yield queue, dead_letters
        if api.paid:
            api.call("queue.dlq.redrive", queue=queue)
        purged(api, queue)


def published(api: Api, queue: str, count: int) -> list[str]:
    """Publish messages numbered from 0, all at once where requests may cost; return their ids."""
    if not api.paid:
        return api.publish_many(queue, count)
    items = [{"payload": {"number": number}} for number in range(count)]
    ids: list[str] = api.call("queue.publish_batch", queue=queue, messages=items)["message_ids"]
    return ids


def purged(api: Api, queue: str) -> None:
    """Leave a queue empty for the next one, if there is one."""
    if api.paid:
        api.call("queue.purge", queue=queue)
