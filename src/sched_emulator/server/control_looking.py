"""The control operations that show what a sandbox holds, and leave no trace in it: what a dashboard is made of.

A list shows at most `limit` of its things, and how many there are. Names are those of the documentation's answers.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import chain, islice
from typing import Any

from sched_emulator.core import queues, schedule
from sched_emulator.core.instants import to_text
from sched_emulator.core.preview import Timed
from sched_emulator.core.records import Cron, Message, Queue, Run, Task
from sched_emulator.core.schedule import ScheduleError
from sched_emulator.core.store import Store

from . import secrets
from .asked import Asked, Json, Performed

SHOWN = 200
NEXT_FIRES = 5
LAST_RUNS = 30


def timed(store: Store, expression: str, timezone: str) -> Timed:
    """Return an expression as the sandbox's answers read it; ScheduleError when it cannot be."""
    values = store.answers.values
    position = str(values["cron.seconds_position"]) if len(expression.split()) == 6 else "first"
    parsed = schedule.parse(expression, seconds_position=position)
    return Timed(parsed, schedule.load_zone(timezone), str(values["cron.dst"]))


def list_crons(store: Store, limit: int = SHOWN) -> Json:
    """Return the crons, oldest first, with their next and last fires."""
    return _listed(store.crons.values(), len(store.crons), limit, lambda cron: _cron(store, cron))


def list_tasks(store: Store, limit: int = SHOWN) -> Json:
    """Return the tasks, newest first."""
    return _listed(_newest(store.tasks), len(store.tasks), limit, lambda task: _task(store, task))


def list_runs(store: Store, limit: int = SHOWN) -> Json:
    """Return the runs, newest first."""
    return _listed(_newest(store.runs), len(store.runs), limit, lambda run: _run(store, run))


def list_queues(store: Store, limit: int = SHOWN) -> Json:
    """Return the queues, oldest first, with how many messages are where."""
    return _listed(store.queues.values(), len(store.queues), limit, lambda queue: _queue(store, queue))


def list_messages(store: Store, queue: str, limit: int = SHOWN) -> Json:
    """Return the messages of a queue in order of arrival, the dead ones last; NotFound when there is no such queue."""
    queues.find(store, queue)
    live = store.contents[queue].live
    indexes = store.dead_letters(queue)
    dead = (item for index in indexes for item in index.items.values() if item.message_id not in live.messages)
    total = len(live.messages) + sum(map(len, indexes)) - sum(map(len, live.dead.values()))
    held = chain(live.messages.values(), dead)
    return _listed(held, total, limit, lambda message: _message(store, message, queue))


def _listed(things: Iterable[Any], total: int, limit: int, view: Callable[[Any], Json]) -> Json:
    return {"items": [view(thing) for thing in islice(things, limit)], "total": total}


def _newest(things: dict[str, Any]) -> Iterator[Any]:
    return (things[name] for name in reversed(things))


def _cron(store: Store, cron: Cron) -> Json:
    finished = [store.runs[run_id] for run_id in islice(reversed(store.histories.get(cron.cron_id, ())), LAST_RUNS)]
    view: Json = {
        "cron_id": cron.cron_id,
        "name": cron.name,
        "schedule": cron.cron_expr or None,
        "timezone": cron.timezone,
        "url": secrets.in_url(cron.task),
        "enabled": cron.enabled,
        "next": [to_text(fire_ms) for fire_ms in _coming(store, cron)],
        "last": [_run(store, run) for run in reversed(finished)],
        "under_way": len(cron.under_way),
        "waiting": len(cron.waiting),
        "retries": cron.retry,
        "overlap_policy": cron.overlap_policy or store.answers.values["cron.overlap_default"],
    }
    return _present(view)


def _coming(store: Store, cron: Cron) -> list[int]:
    fires = [] if cron.next_run_ms is None else [cron.next_run_ms]
    if fires and cron.run_at_ms is None:
        try:
            coming = timed(store, cron.cron_expr, cron.timezone)
        except ScheduleError:  # under other answers than it was made with
            return fires
        while len(fires) < NEXT_FIRES and (following := coming.after(fires[-1])) is not None:
            fires.append(following)
    return fires


def _task(store: Store, task: Task) -> Json:
    run = store.runs[task.run_id]
    view = {
        "task_id": task.task_id,
        "name": task.name,
        "url": secrets.in_url(task.task),
        "run_at": to_text(task.run_at_ms),
        "run_id": task.run_id,
        "state": run.state,
        "error": run.error,
    }
    return _present(view)


def _run(store: Store, run: Run) -> Json:
    named = store.crons.get(run.owner_id) or store.tasks.get(run.owner_id)
    view = {
        "run_id": run.run_id,
        "kind": run.kind,
        "owner_id": run.owner_id,
        "name": None if named is None else named.name,
        "state": run.state,
        "scheduled_at": to_text(run.scheduled_ms),
        "started_at": None if run.started_ms is None else to_text(run.started_ms),
        "finished_at": None if run.finished_ms is None else to_text(run.finished_ms),
        "response_status": run.response_status,
        "error": run.error,
    }
    return _present(view)


def _queue(store: Store, queue: Queue) -> Json:
    live = store.contents[queue.queue].live
    change_ms = store.timeline.next_of_queue_ms(queue.queue)
    subscription = queue.subscription
    view = {
        "queue": queue.queue,
        "type": queue.type,
        "available": len(live.available),
        "delayed": live.delayed,
        "in_flight": live.in_flight,
        "dead": sum(map(len, store.dead_letters(queue.queue))),
        "dead_letter_queue": queue.dead_letter_queue,
        "max_retries": queue.max_retries,
        "next_change_at": None if change_ms is None else to_text(change_ms),
        "pushed_to": None if subscription is None else secrets.in_url(subscription.url),
    }
    return _present(view)


def _message(store: Store, message: Message, queue: str) -> Json:
    entry = store.timeline.get(message.entry, queue=message.queue)
    view = {
        "message_id": message.message_id,
        "place": message.place if message.queue == queue else "dead",
        "priority": message.priority,
        "published_at": to_text(message.published_ms),
        "attempts": message.attempts,
        "until": None if entry is None else to_text(entry.due_ms),
    }
    return _present(view) | {"payload": message.payload}


def _present(view: Json) -> Json:
    return {name: value for name, value in view.items() if value is not None}


OPERATIONS: Mapping[str, Callable[[Asked], Performed]] = {
    "crons.list": lambda asked: list_crons(asked.store, **asked.query),
    "tasks.list": lambda asked: list_tasks(asked.store, **asked.query),
    "runs.list": lambda asked: list_runs(asked.store, **asked.query),
    "queues.list": lambda asked: list_queues(asked.store, **asked.query),
    "messages.list": lambda asked: list_messages(asked.store, **asked.query),
}
