"""Runs of crons and tasks: their states, attempts, retries and history.

`TRANSITIONS` is the whole life of a run; a pair that is not in it is a mistake of ours and raises. A run waits to retry
in state `running`. Finished runs leave after the retention of their cron (for tasks: `run.retention_days`).
"""

from collections import deque
from typing import Any, Literal

from msgspec import UNSET

from . import account, deliveries, instants
from .records import Attempt, Delivery, Outcome, Run, RunState
from .store import Store
from .timeline import DROPPED_A_CHORE, DROPPED_AT_ONCE, Entry

TRANSITIONS: dict[tuple[RunState, str], RunState] = {
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


def limits(store: Store, retry: int | None, timeout_ms: int | None) -> tuple[int, int]:
    """Return how often a delivery is tried again and how long an attempt may take, with defaults for both."""
    constant = store.answers.constant
    return constant("cron.retries") if retry is None else retry, timeout_ms or 1000 * constant("cron.timeout_seconds")


def open_run(store: Store, owner_id: str, *, kind: Literal["cron", "task"], state: RunState, scheduled_ms: int) -> Run:
    """Make a run of a cron or task and list it."""
    number = store.ids.number("run")
    run = Run(
        run_id=f"run_{number:06d}",
        number=number,
        owner_id=owner_id,
        kind=kind,
        state=state,
        scheduled_ms=scheduled_ms,
        started_ms=None if state == "scheduled" else store.now_ms,
    )
    store.runs[run.run_id] = run
    store.run_index.add(number, run.run_id)
    return run


def open_delivery(
    store: Store,
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
    event = store.answers.ask("delivery.body") == "event"
    if event:
        content = {
            "type": f"{run.kind}.run",
            "run_id": run.run_id,
            f"{run.kind}_id": run.owner_id,
            "scheduled_at": instants.to_text(run.scheduled_ms),
            "attempt": 0,
            "payload": content,
        }
    delivery_id = store.ids.next("dlv")
    store.deliveries[delivery_id] = Delivery(
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


def start(store: Store, run: Run) -> Attempt:
    """Begin a run that was scheduled or queued: its first attempt starts now."""
    move(run, "start")
    run.entry = None
    run.started_ms = run.started_ms if run.started_ms is not None else store.now_ms
    if run.kind == "cron":
        account.pay_for_fire(store)
    return deliveries.start(store, _delivery(store, run))


def start_waiting(store: Store, entry: Entry) -> Attempt:
    """Begin a run that was triggered, or waited for an earlier one to end (event `run`)."""
    return start(store, store.runs[entry.subject])


def retry(store: Store, entry: Entry) -> Attempt:
    """Begin the next attempt of a run that waited (event `retry`)."""
    run = store.runs[entry.subject]
    run.entry = None
    return deliveries.start(store, _delivery(store, run))


def attempt_ended(store: Store, run: Run, outcome: Outcome) -> bool:
    """Take an attempt's outcome: finish the run, or schedule its next attempt. Return whether the run has finished."""
    delivery = _delivery(store, run)
    run.response_status = outcome.status
    run.error = outcome.error
    if outcome.succeeded:
        move(run, "succeed")
    elif delivery.attempt < delivery.max_attempts:
        move(run, "retry")
        due_ms = store.now_ms + deliveries.backoff_ms(store, delivery.attempt)
        run.entry = store.timeline.schedule(due_ms, "retry", run.run_id)
        return False
    else:
        move(run, "fail")
    del store.deliveries[delivery.delivery_id]
    run.delivery_id = None
    return True


def finish(store: Store, run: Run) -> None:
    """Put a finished run into its history; from now on retention decides how long it stays."""
    run.finished_ms = store.now_ms
    run.finish_number = store.ids.number("finish")
    history = history_of(run)
    store.histories.setdefault(history, deque()).append(run.run_id)
    if history not in store.retention_entries:
        apply_retention(store, history)


def build_histories(store: Store) -> None:
    """Derive the histories from the runs, after a state was taken."""
    finished = (run for run in store.runs.values() if run.finished_ms is not None)
    for run in sorted(finished, key=lambda run: run.finish_number):
        store.histories.setdefault(history_of(run), deque()).append(run.run_id)


def history_of(run: Run) -> str:
    """Return the name of the history that a finished run belongs to: its cron's id, or that of all tasks."""
    return run.owner_id if run.kind == "cron" else TASKS


def retention_is_over(store: Store, entry: Entry) -> None:
    """Drop the runs that a history has kept long enough (housekeeping `run_retention`)."""
    apply_retention(store, entry.subject, happening=entry)


def apply_retention(store: Store, history: str, *, happening: Entry | None = None) -> None:
    """Drop finished runs older than the retention allows, and schedule the next time.

    0 days keep nothing or everything (assumption `run.retention_zero`). An entry that is `happening` drops a few and
    happens again for the rest, before anything else.
    """
    store.timeline.cancel(store.retention_entries.pop(history, None))
    cron = store.crons.get(history)
    days = store.answers.constant("run.retention_days") if cron is None else cron.retention_days
    if days == 0 and store.answers.ask("run.retention_zero") == "forever":
        return
    finished = store.histories.get(history, deque())
    dropped = 0
    while finished:
        finished_ms = store.runs[finished[0]].finished_ms
        assert finished_ms is not None
        due_ms = finished_ms + days * instants.DAY_MS
        if due_ms > store.now_ms:
            store.retention_entries[history] = store.timeline.schedule(due_ms, "run_retention", history)
            return
        if dropped == (DROPPED_AT_ONCE if happening is None else DROPPED_A_CHORE):
            store.retention_entries[history] = store.the_rest(happening, "run_retention", history)
            return
        forget(store, finished.popleft())
        dropped += 1


def apply_all_retention(store: Store) -> None:
    """Apply the retention of every history."""
    for history in list(store.histories):
        apply_retention(store, history)


def forget(store: Store, run_id: str) -> None:
    """Remove a run, with whatever it still waits for; an attempt under way ends unrecorded."""
    run = store.runs.pop(run_id)
    store.run_index.discard(run.number)
    store.timeline.cancel(run.entry)
    if run.delivery_id is not None:
        del store.deliveries[run.delivery_id]
    if run.kind == "task":
        del store.tasks[run.owner_id]


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


def list_runs(store: Store, *, cursor: str | None = None, limit: int | None = None) -> dict[str, Any]:
    """List runs of crons and tasks, newest first (documentation line 480)."""
    runs = store.runs
    return store.page(
        "run.list", [store.run_index], lambda run_id: view(runs[run_id]), cursor=cursor, limit=limit, newest_first=True
    )


def _delivery(store: Store, run: Run) -> Delivery:
    assert run.delivery_id is not None
    return store.deliveries[run.delivery_id]
