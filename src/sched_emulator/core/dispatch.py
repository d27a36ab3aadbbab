"""The tables of a sandbox: which function performs an operation, makes an event happen, hears of an attempt's end.

A new operation is one function in its module, one line here, and its description in `openapi/scheduling.yaml`.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from . import account, crons, deliveries, idempotency, messages, pushes, queues, runs, tasks
from .records import Attempt, Outcome
from .store import Store
from .timeline import Entry, Kind


class Facts(NamedTuple):
    """What the spec says of an operation that the sandbox acts on.

    `charged`: it needs credit. `creation`: it makes something, and may have to come with an idempotency key. `path`:
    its arguments in the path, which are part of a key's scope.
    """

    charged: bool = False
    creation: bool = False
    path: tuple[str, ...] = ()


OPERATIONS: dict[str, Callable[..., Any]] = {
    "scheduling.cron.create": crons.create,
    "scheduling.cron.list": crons.list_crons,
    "scheduling.cron.get": crons.get,
    "scheduling.cron.update": crons.update,
    "scheduling.cron.delete": crons.delete,
    "scheduling.cron.pause": crons.pause,
    "scheduling.cron.resume": crons.resume,
    "scheduling.cron.trigger": crons.trigger,
    "scheduling.cron.runs.get": crons.get_run,
    "scheduling.cron.retention.get": crons.get_retention,
    "scheduling.cron.retention.set": crons.set_retention,
    "scheduling.task.schedule": tasks.schedule,
    "scheduling.run.list": runs.list_runs,
    "scheduling.queue.create": queues.create,
    "scheduling.queue.get": queues.get,
    "scheduling.queue.list": queues.list_queues,
    "scheduling.queue.update": queues.update,
    "scheduling.queue.delete": queues.delete,
    "scheduling.queue.purge": queues.purge,
    "scheduling.queue.stats": queues.stats,
    "scheduling.queue.publish": messages.publish,
    "scheduling.queue.publish_batch": messages.publish_batch,
    "scheduling.queue.consume": messages.consume,
    "scheduling.queue.ack": messages.ack,
    "scheduling.queue.nack": messages.nack,
    "scheduling.queue.dlq.list": messages.list_dead,
    "scheduling.queue.dlq.redrive": messages.redrive,
    "scheduling.queue.push_subscribe": pushes.subscribe,
    "account.balance": account.balance,
    "account.topup": account.topup,
}

ATTEMPT_ENDED: dict[str, Callable[[Store, Attempt, Outcome], None]] = {
    "cron": crons.attempt_ended,
    "task": tasks.attempt_ended,
    "push": pushes.attempt_ended,
    "failure": crons.failure_webhook_ended,
}


def end_attempt(store: Store, attempt: Attempt, outcome: Outcome) -> None:
    """Close an attempt and tell its owner how it ended."""
    deliveries.end(store, attempt, outcome)
    ATTEMPT_ENDED[attempt.kind](store, attempt, outcome)


def _attempt_is_over(store: Store, entry: Entry) -> None:
    """End an attempt that took its time (event `attempt`)."""
    attempt = store.attempts[entry.subject]
    assert attempt.outcome is not None
    end_attempt(store, attempt, attempt.outcome)


EVENTS: dict[Kind, Callable[[Store, Entry], Attempt | None]] = {
    "cron": crons.fire,
    "run": runs.start_waiting,
    "task": tasks.start,
    "retry": runs.retry,
    "failure": crons.start_failure_webhook,
    "message": messages.become_available,
    "lease": messages.end_lease,
    "push": pushes.push,
    "attempt": _attempt_is_over,
    "run_retention": runs.retention_is_over,
    "message_retention": queues.retention_is_over,
    "forget_keys": idempotency.window_is_over,
}

# What derives something from answers, and derives it anew when some have changed.
ON_ANSWERS: tuple[Callable[[Store], None], ...] = (queues.want_pushes, runs.apply_all_retention, idempotency.forget)
