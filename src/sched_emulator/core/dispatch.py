"""The two tables of a sandbox: which function performs an operation, and which makes an event happen.

A new operation is one function in its module, one line here, and its description in `openapi/scheduling.yaml`.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from . import account, crons, idempotency, messages, pushes, queues, runs, tasks
from .records import Attempt, Outcome
from .store import Store


class Operation(NamedTuple):
    """`function` takes the store and keyword arguments. Writes need credit; `deduplicated` ones honour keys."""

    function: Callable[..., Any]
    write: bool = False
    deduplicated: bool = False
    creation: bool = False


def _write(function: Callable[..., Any]) -> Operation:
    return Operation(function, write=True, deduplicated=True)


def _creation(function: Callable[..., Any]) -> Operation:
    return Operation(function, write=True, deduplicated=True, creation=True)


OPERATIONS: dict[str, Operation] = {
    "scheduling.cron.create": _creation(crons.create),
    "scheduling.cron.list": Operation(crons.list_crons),
    "scheduling.cron.get": Operation(crons.get),
    "scheduling.cron.update": _write(crons.update),
    "scheduling.cron.delete": _write(crons.delete),
    "scheduling.cron.pause": _write(crons.pause),
    "scheduling.cron.resume": _write(crons.resume),
    "scheduling.cron.trigger": _write(crons.trigger),
    "scheduling.cron.runs.get": Operation(crons.get_run),
    "scheduling.cron.retention.get": Operation(crons.get_retention),
    "scheduling.cron.retention.set": _write(crons.set_retention),
    "scheduling.task.schedule": _creation(tasks.schedule),
    "scheduling.run.list": Operation(runs.list_runs),
    "scheduling.queue.create": _creation(queues.create),
    "scheduling.queue.get": Operation(queues.get),
    "scheduling.queue.list": Operation(queues.list_queues),
    "scheduling.queue.update": _write(queues.update),
    "scheduling.queue.delete": _write(queues.delete),
    "scheduling.queue.purge": _write(queues.purge),
    "scheduling.queue.stats": Operation(queues.stats),
    "scheduling.queue.publish": _creation(messages.publish),
    "scheduling.queue.publish_batch": _creation(messages.publish_batch),
    "scheduling.queue.consume": Operation(messages.consume, write=True),
    "scheduling.queue.ack": _write(messages.ack),
    "scheduling.queue.nack": _write(messages.nack),
    "scheduling.queue.dlq.list": Operation(messages.list_dead),
    "scheduling.queue.dlq.redrive": _write(messages.redrive),
    "scheduling.queue.push_subscribe": _creation(pushes.subscribe),
    "account.balance": Operation(account.balance),
    "account.topup": Operation(account.topup, deduplicated=True),
}

EVENTS: dict[str, Callable[[Store, str], Attempt | None]] = {
    "cron": crons.fire,
    "run": crons.start_run,
    "task": tasks.start,
    "retry": runs.retry,
    "failure": crons.start_failure_webhook,
    "message": messages.become_available,
    "lease": messages.end_lease,
    "push": pushes.push,
    "run_retention": runs.apply_retention,
    "message_retention": queues.apply_retention,
    "forget_keys": idempotency.forget,
}

ATTEMPT_ENDED: dict[str, Callable[[Store, Attempt, Outcome], None]] = {
    "cron": crons.attempt_ended,
    "task": tasks.attempt_ended,
    "push": pushes.attempt_ended,
    "failure": crons.failure_webhook_ended,
}
