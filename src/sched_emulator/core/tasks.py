"""One-off tasks: one delivery at an instant, with retries; its run is listed from the start."""

from typing import Any

from msgspec import UNSET, UnsetType

from . import runs, urls
from .errors import InvalidRequest
from .instants import to_text
from .records import Attempt, Outcome, Task
from .store import Store
from .timeline import Entry


def schedule(
    store: Store,
    *,
    task: str,
    run_at_ms: int,
    name: str | None = None,
    payload: Any | UnsetType = UNSET,
    headers: dict[str, str] | None = None,
    retry: int | None = None,
    timeout_ms: int | None = None,
    secret: str | None = None,
) -> dict[str, Any]:
    """Schedule a task (documentation line 437). It takes the constants of crons for retries and timeout."""
    store.check_url(task, parameter="task")
    urls.check_headers(headers or {})
    store.check_secret(secret)
    if run_at_ms < store.now_ms and store.answers.ask("task.past_run_at") == "reject":
        now = to_text(store.now_ms)
        raise InvalidRequest(f"must not lie in the past (it is {now}), got {to_text(run_at_ms)}", parameter="run_at")
    retry, timeout_ms = runs.limits(store, retry, timeout_ms)
    task_id = store.ids.next("task")
    run = runs.open_run(store, task_id, kind="task", state="scheduled", scheduled_ms=run_at_ms)
    record = Task(task_id=task_id, task=task, name=name, run_at_ms=run_at_ms, run_id=run.run_id)
    store.tasks[task_id] = record
    runs.open_delivery(
        store,
        run,
        url=task,
        headers=headers or {},
        payload=payload,
        secret=secret,
        timeout_ms=timeout_ms,
        retry=retry,
    )
    run.entry = store.timeline.schedule(max(run_at_ms, store.now_ms), "task", record.task_id)
    return {"task_id": record.task_id, "task": task, "run_at": run_at_ms, "state": run.state}


def start(store: Store, entry: Entry) -> Attempt:
    """Begin the run of a task that is due (event `task`)."""
    return runs.start(store, store.runs[store.tasks[entry.subject].run_id])


def attempt_ended(store: Store, attempt: Attempt, outcome: Outcome) -> None:
    """Take the outcome of a task's attempt."""
    run = store.runs[attempt.owner_id]
    if runs.attempt_ended(store, run, outcome):
        runs.finish(store, run)
