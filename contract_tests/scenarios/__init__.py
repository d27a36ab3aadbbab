"""The scenarios, by subject; importing this registers them all."""

from . import (
    access,
    callbacks,
    cron_times,
    crons,
    dead_letters,
    errors,
    examples,
    idempotency,
    messages,
    paging,
    public,
    pushes,
    queues,
    runs,
    tasks,
)

__all__ = [
    "access",
    "callbacks",
    "cron_times",
    "crons",
    "dead_letters",
    "errors",
    "examples",
    "idempotency",
    "messages",
    "paging",
    "public",
    "pushes",
    "queues",
    "runs",
    "tasks",
]
