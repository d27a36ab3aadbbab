"""Runs of crons and tasks: their states, attempts, retries and history.

`TRANSITIONS` is the whole life of a run; a pair that is not in it is a mistake of ours and raises. A run waits to retry
in state `running`. Finished runs leave after the retention of their cron (for tasks: `run.retention_days`).
"""

from collections import deque
from typing import TYPE_CHECKING, Any, Literal

from msgspec import UNSET

from . import deliveries, instants
from .paging import DEFAULT_LIMIT, listing
from .records import Attempt, Cron, Delivery, Outcome, Run, Task

if TYPE_CHECKING:
    from .sandbox import Sandbox

TRANSITIONS = {
    ("scheduled", "start"): "running",
    ("queued", "start"): "running",
    ("running", "retry"): "running",
    ("running", "succeed"): "succeeded",
    ("running", "fail"): "failed",
    ("queued", "skip"): "skipped",
}
TASKS = "tasks"  # the name of the history that all tasks share; a cron's history has the cron's id


def move(run: Run, event: str) -> None:
    """Take a run to its next state; KeyError names state and event when there is none."""
    run.state = TRANSITIONS[run.state, event]


def open_run(
    sandbox: "Sandbox", owner: Cron | Task, *, kind: Literal["cron", "task"], state: str, scheduled_ms: int
) -> Run:
    """Make a run of a cron or task and list it."""
    number = sandbox.ids.number("run")
    run = Run(
        run_id=f"run_{number:06d}",
        number=number,
        owner_id=owner.cron_id if isinstance(owner, Cron) else owner.task_id,
        kind=kind,
        state=state,
        scheduled_ms=scheduled_ms,
        started_ms=None if state == "scheduled" else sandbox.now_ms,
    )
    sandbox.runs[run.run_id] = run
    sandbox.run_index.add(number, run.run_id)
    return run


def open_delivery(
    sandbox: "Sandbox",
    run: Run,
    *,
    url: str,
    headers: dict[str, str],
    payload: Any,
    secret: str | None,
    timeout_ms: int,
    retry: int,
) -> None:
    """Fix what a run will send: later changes of its cron do not touch it (assumption `delivery.body`)."""
    content: Any = {} if payload is UNSET else payload
    event = sandbox.answers.ask("delivery.body") == "event"
    if event:
        content = {
            "type": f"{run.kind}.run",
            "run_id": run.run_id,
            f"{run.kind}_id": run.owner_id,
            "scheduled_at": instants.to_text(run.scheduled_ms),
            "attempt": 0,
            "payload": content,
        }
    delivery_id = sandbox.ids.next("dlv")
    sandbox.deliveries[delivery_id] = Delivery(
        delivery_id=delivery_id,
        kind=run.kind,
        owner_id=run.run_id,
        source_id=run.owner_id,
        url=url,
        headers=headers,
        body=content,
        numbered=event,
        secret=secret,
        timeout_ms=timeout_ms,
        max_attempts=1 + retry,
    )
    run.delivery_id = delivery_id


def start(sandbox: "Sandbox", run: Run) -> Attempt:
    """Begin a run that was scheduled or queued: its first attempt starts now."""
    move(run, "start")
    run.entry = None
    run.started_ms = run.started_ms if run.started_ms is not None else sandbox.now_ms
    return deliveries.start(sandbox, _delivery(sandbox, run))


def retry(sandbox: "Sandbox", run_id: str) -> Attempt:
    """Begin the next attempt of a run that waited (event `retry`)."""
    run = sandbox.runs[run_id]
    run.entry = None
    return deliveries.start(sandbox, _delivery(sandbox, run))


def attempt_ended(sandbox: "Sandbox", run: Run, outcome: Outcome) -> bool:
    """Take an attempt's outcome: finish the run, or schedule its next attempt. Return whether the run has finished."""
    delivery = _delivery(sandbox, run)
    run.response_status = outcome.status
    run.error = outcome.error
    if outcome.succeeded:
        move(run, "succeed")
    elif delivery.attempt < delivery.max_attempts:
        move(run, "retry")
        due_ms = sandbox.now_ms + deliveries.backoff_ms(sandbox, delivery.attempt)
        run.entry = sandbox.timeline.schedule(due_ms, "retry", run.run_id)
        return False
    else:
        move(run, "fail")
    del sandbox.deliveries[delivery.delivery_id]
    run.delivery_id = None
    return True


def finish(sandbox: "Sandbox", run: Run) -> None:
    """Put a finished run into its history; from now on retention decides how long it stays."""
    run.finished_ms = sandbox.now_ms
    run.finish_number = sandbox.ids.number("finish")
    history = history_of(run)
    sandbox.histories.setdefault(history, deque()).append(run.run_id)
    if history not in sandbox.retention_entries:
        apply_retention(sandbox, history)


def history_of(run: Run) -> str:
    """Return the name of the history that a finished run belongs to: its cron's id, or that of all tasks."""
    return run.owner_id if run.kind == "cron" else TASKS


def apply_retention(sandbox: "Sandbox", history: str) -> None:
    """Drop finished runs older than the retention allows, and schedule the next time (housekeeping `run_retention`).

    0 days keep nothing or everything (assumption `run.retention_zero`).
    """
    sandbox.timeline.cancel(sandbox.retention_entries.pop(history, None))
    cron = sandbox.crons.get(history)
    days = sandbox.answers.constant("run.retention_days") if cron is None else cron.retention_days
    if days == 0 and sandbox.answers.ask("run.retention_zero") == "forever":
        return
    finished = sandbox.histories.get(history, deque())
    while finished:
        finished_ms = sandbox.runs[finished[0]].finished_ms
        assert finished_ms is not None
        due_ms = finished_ms + days * instants.DAY_MS
        if due_ms > sandbox.now_ms:
            sandbox.retention_entries[history] = sandbox.timeline.schedule(due_ms, "run_retention", history)
            return
        forget(sandbox, finished.popleft())


def forget(sandbox: "Sandbox", run_id: str) -> None:
    """Remove a run, with whatever it still waits for; an attempt under way ends unrecorded."""
    run = sandbox.runs.pop(run_id)
    sandbox.run_index.discard(run.number)
    sandbox.timeline.cancel(run.entry)
    if run.delivery_id is not None:
        del sandbox.deliveries[run.delivery_id]
    if run.kind == "task":
        del sandbox.tasks[run.owner_id]


def view(run: Run) -> dict[str, Any]:
    """Return a run as the API shows it."""
    facts = {
        "run_id": run.run_id,
        f"{run.kind}_id": run.owner_id,
        "state": run.state,
        "started_at": run.started_ms,
        "finished_at": run.finished_ms,
        "response_status": run.response_status,
        "error": run.error,
    }
    return {name: value for name, value in facts.items() if value is not None}


def list_runs(sandbox: "Sandbox", *, cursor: str | None = None, limit: int | None = DEFAULT_LIMIT) -> dict[str, Any]:
    """List runs of crons and tasks, newest first (documentation line 480)."""
    index, runs = sandbox.run_index, sandbox.runs
    return listing(
        sandbox, "run.list", index, lambda run_id: view(runs[run_id]), cursor=cursor, limit=limit, newest_first=True
    )


def _delivery(sandbox: "Sandbox", run: Run) -> Delivery:
    assert run.delivery_id is not None
    return sandbox.deliveries[run.delivery_id]
