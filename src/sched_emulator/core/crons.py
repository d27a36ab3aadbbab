"""Cron jobs: creating, changing and firing them, and what an overlap policy, a pause or a limit of runs does.

A fire makes a run at once. What a run sends is fixed when it is made, so an update applies from the next run.
`OVERLAP` says what a fire does while an earlier run of the same cron is under way (running, waiting to retry, queued).
"""

from typing import Any, NamedTuple

from msgspec import UNSET, UnsetType
from msgspec.structs import replace

from . import deliveries, ids, runs, schedule, urls
from .errors import Conflict, InvalidRequest, NotFound
from .records import Attempt, Cron, Delivery, Outcome, OverlapPolicy, Run
from .store import Store
from .timeline import Entry


class Timing(NamedTuple):
    """When a cron fires: an expression in a zone, or once, at an instant."""

    cron_expr: str
    run_at_ms: int | None
    timezone: str


OVERLAP = {"allow": "start", "skip": "skip", "queue": "wait"}


def create(
    store: Store,
    *,
    task: str,
    cron_expr: str | None = None,
    run_at_ms: int | None = None,
    name: str | None = None,
    timezone: str = "UTC",
    retry: int | None = None,
    timeout_ms: int | None = None,
    overlap_policy: OverlapPolicy | None = None,
    max_runs: int | None = None,
    payload: Any | UnsetType = UNSET,
    headers: dict[str, str] | None = None,
    on_failure_webhook: str | None = None,
) -> dict[str, Any]:
    """Create a cron job (documentation line 20); `run_at_ms` instead of an expression makes it fire once."""
    if (cron_expr is None) == (run_at_ms is None):
        raise InvalidRequest("give a cron expression or `run_at`, one of the two", about="schedule")
    if name is not None:
        _refuse_taken_name(store, name)
    timing = Timing(cron_expr or "", run_at_ms, timezone)
    _check(store, timing=timing, task=task, headers=headers, on_failure_webhook=on_failure_webhook)
    retry, timeout_ms = runs.limits(store, retry, timeout_ms)
    number = store.ids.number("cron")
    cron_id = f"cron_{number:06d}"
    cron = Cron(
        cron_id=cron_id,
        number=number,
        name=name or cron_id,
        cron_expr=cron_expr or "",
        task=task,
        timezone=timezone,
        retry=retry,
        timeout_ms=timeout_ms,
        overlap_policy=overlap_policy,
        max_runs=max_runs,
        payload=payload,
        headers=headers or {},
        on_failure_webhook=on_failure_webhook,
        run_at_ms=run_at_ms,
        retention_days=store.answers.constant("run.retention_days"),
        under_way={},
        waiting=[],
    )
    store.crons[cron_id] = cron
    store.cron_index.add(number, cron_id)
    _aim(store, cron, after_ms=store.now_ms)
    return view(cron)


def get(store: Store, *, cron_id: str) -> dict[str, Any]:
    """Return a cron job and its next run (documentation line 125)."""
    return view(_find(store, cron_id))


def list_crons(store: Store, *, cursor: str | None = None, limit: int | None = None) -> dict[str, Any]:
    """List cron jobs, oldest first (documentation line 63)."""
    crons = store.crons
    return store.page("cron.list", [store.cron_index], lambda cron_id: view(crons[cron_id]), cursor=cursor, limit=limit)


def update(store: Store, *, cron_id: str, **changes: Any) -> dict[str, Any]:
    """Change what is given (documentation line 156). A new expression or zone counts from now, in this same answer.

    The same ones again are no change, so that a fire which is due at this instant is not lost.
    """
    cron = _find(store, cron_id)
    if "name" in changes and changes["name"] != cron.name:
        _refuse_taken_name(store, changes["name"])
    if "cron_expr" in changes:
        changes["run_at_ms"] = None
    changed = replace(cron, **changes)
    _check(
        store,
        timing=None if changes.keys().isdisjoint({"cron_expr", "timezone"}) else _timing(changed),
        task=changes.get("task"),
        headers=changes.get("headers"),
        on_failure_webhook=changes.get("on_failure_webhook"),
    )
    store.crons[cron_id] = changed
    ended = "max_runs" in changes and _exhausted(changed)
    if ended:
        changed.enabled = False
    if ended or _timing(changed) != _timing(cron):
        _aim(store, changed, after_ms=store.now_ms)
    return view(changed)


def delete(store: Store, *, cron_id: str) -> dict[str, Any]:
    """Delete a cron job with its runs (documentation line 201); an attempt under way ends unrecorded."""
    cron = _find(store, cron_id)
    store.timeline.cancel(cron.fire_entry)
    store.timeline.cancel(store.retention_entries.pop(cron_id, None))
    for run_id in [*store.histories.pop(cron_id, ()), *cron.under_way, *cron.waiting]:
        runs.forget(store, run_id)
    del store.crons[cron_id]
    store.cron_index.discard(cron.number)
    return {"cron_id": cron_id, "deleted": True}


def pause(store: Store, *, cron_id: str) -> dict[str, Any]:
    """Stop new fires, not runs under way, queued or waiting to retry (documentation line 233)."""
    cron = _find(store, cron_id)
    cron.enabled = False
    _aim(store, cron, after_ms=store.now_ms)
    return view(cron)


def resume(store: Store, *, cron_id: str) -> dict[str, Any]:
    """Fire again from now on; missed instants are not caught up (documentation line 267)."""
    cron = _find(store, cron_id)
    if not cron.enabled:
        missed = cron.run_at_ms is not None and cron.run_at_ms <= store.now_ms
        if missed or _exhausted(cron):
            reason = "has missed its only instant" if missed and not cron.runs_counted else "has made all its runs"
            raise Conflict(f"cron '{cron_id}' {reason}", hint="Raise max_runs or set an expression with cron.update.")
        cron.enabled = True
        _aim(store, cron, after_ms=store.now_ms)
    return view(cron)


def trigger(store: Store, *, cron_id: str) -> dict[str, Any]:
    """Run now, whatever the overlap policy says (documentation line 301); the delivery starts with the next event."""
    cron = _find(store, cron_id)
    if not cron.enabled and store.answers.ask("cron.trigger_when_paused") == "reject":
        raise Conflict(f"cron '{cron_id}' is paused", hint="Resume it before triggering it.")
    run = runs.open_run(store, cron.cron_id, kind="cron", state="queued", scheduled_ms=store.now_ms)
    _open_delivery(store, cron, run)
    cron.under_way[run.run_id] = None
    run.entry = store.timeline.schedule(store.now_ms, "run", run.run_id)
    if cron.run_at_ms is None and store.answers.ask("cron.max_runs_counts") == "all":
        _count(cron)
        if not cron.enabled:
            _aim(store, cron, after_ms=store.now_ms)
    return runs.view(run)


def get_run(store: Store, *, cron_id: str, run_id: str) -> dict[str, Any]:
    """Return one run of a cron job (documentation line 335)."""
    _find(store, cron_id)
    run = store.runs.get(run_id)
    if run is None or run.owner_id != cron_id:
        raise NotFound("run", run_id)
    return runs.view(run)


def get_retention(store: Store, *, cron_id: str) -> dict[str, Any]:
    """Return for how many days finished runs are kept (documentation line 369)."""
    return {"cron_id": cron_id, "retention_days": _find(store, cron_id).retention_days}


def set_retention(store: Store, *, cron_id: str, retention_days: int) -> dict[str, Any]:
    """Set for how many days finished runs are kept (documentation line 400); what is older goes at once."""
    cron = _find(store, cron_id)
    cron.retention_days = retention_days
    runs.apply_retention(store, cron_id)
    return get_retention(store, cron_id=cron_id)


def fire(store: Store, entry: Entry) -> Attempt | None:
    """Make the run that is due, as the overlap policy says, and aim at the next one (event `cron`)."""
    cron = store.crons[entry.subject]
    scheduled_ms = cron.next_run_ms
    assert scheduled_ms is not None
    action = _overlap_action(store, cron)
    if action != "skip" or cron.run_at_ms is not None:
        _count(cron)
    _aim(store, cron, after_ms=scheduled_ms)
    run = runs.open_run(store, cron.cron_id, kind="cron", state="queued", scheduled_ms=scheduled_ms)
    if action == "skip":
        runs.move(run, "skip")
        runs.finish(store, run)
        return None
    _open_delivery(store, cron, run)
    if action == "wait":
        cron.waiting.append(run.run_id)
        return None
    cron.under_way[run.run_id] = None
    return runs.start(store, run)


def attempt_ended(store: Store, attempt: Attempt, outcome: Outcome) -> None:
    """Take the outcome of a run's attempt; a run that has finished lets a waiting one start."""
    run = store.runs.get(attempt.owner_id)
    if run is None:
        deliveries.note(store, attempt, "its cron was deleted meanwhile: the outcome is not recorded")
        return
    cron = store.crons[run.owner_id]
    if not runs.attempt_ended(store, run, outcome):
        return
    del cron.under_way[run.run_id]
    if run.state == "failed" and run.on_failure_webhook is not None:
        _call_failure_webhook(store, cron, run.on_failure_webhook, run, attempt.number)
    runs.finish(store, run)
    _start_waiting(store, cron)


def failure_webhook_ended(_store: Store, _attempt: Attempt, _outcome: Outcome) -> None:
    """Leave it at the journal: a failure webhook is called once, whatever it answers."""


def view(cron: Cron) -> dict[str, Any]:
    """Return a cron job as the API shows it: no `next_run_at` when nothing is due, no expression when it fires once."""
    facts: dict[str, Any] = {
        "cron_id": cron.cron_id,
        "name": cron.name,
        "cron_expr": cron.cron_expr or None,
        "task": cron.task,
        "timezone": cron.timezone,
        "enabled": cron.enabled,
        "next_run_at": cron.next_run_ms,
    }
    return {name: value for name, value in facts.items() if value is not None}


def _find(store: Store, cron_id: str) -> Cron:
    cron = store.crons.get(cron_id)
    if cron is None:
        raise NotFound("cron", cron_id)
    return cron


def _refuse_taken_name(store: Store, name: str) -> None:
    taken = any(cron.name == name for cron in store.crons.values())
    if taken and store.answers.ask("cron.duplicate_name") == "reject":
        raise Conflict(f"a cron named '{name}' exists already", hint="Choose another name, or update that cron.")


def _check(
    store: Store,
    *,
    timing: Timing | None,
    task: str | None,
    headers: dict[str, str] | None,
    on_failure_webhook: str | None,
) -> None:
    """Refuse an expression, zone, URL or header that cannot be; what is None has not been given."""
    if timing is not None:
        _next_ms(store, timing, store.now_ms)
    if task is not None:
        store.check_url(task, parameter="task")
    if headers is not None:
        urls.check_headers(headers)
    if on_failure_webhook is not None:
        store.check_url(on_failure_webhook, parameter="on_failure_webhook")


def _exhausted(cron: Cron) -> bool:
    limit = cron.max_runs if cron.run_at_ms is None else 1
    return limit is not None and cron.runs_counted >= limit


def _count(cron: Cron) -> None:
    cron.runs_counted += 1
    if _exhausted(cron):
        cron.enabled = False


def _aim(store: Store, cron: Cron, *, after_ms: int) -> None:
    """Set the next run to the first instant after `after_ms`, or to none when the cron is not enabled.

    None as well when another answer to `cron.seconds_position` has made the expression one that cannot be.
    """
    store.timeline.cancel(cron.fire_entry)
    cron.fire_entry = None
    try:
        cron.next_run_ms = _next_ms(store, _timing(cron), after_ms) if cron.enabled else None
    except InvalidRequest:
        cron.next_run_ms = None
    if cron.next_run_ms is not None:
        due_ms = max(cron.next_run_ms + _jitter_ms(store, cron), store.now_ms)
        cron.fire_entry = store.timeline.schedule(due_ms, "cron", cron.cron_id)


def _timing(cron: Cron) -> Timing:
    return Timing(cron.cron_expr, cron.run_at_ms, cron.timezone)


def _next_ms(store: Store, timing: Timing, after_ms: int) -> int | None:
    try:
        zone = schedule.load_zone(timing.timezone)
    except schedule.ScheduleError as error:
        raise InvalidRequest(f"is unknown: {error}", parameter="timezone") from None
    if timing.run_at_ms is not None:
        return timing.run_at_ms
    try:
        parsed = schedule.parse(timing.cron_expr, seconds_position=_seconds_position(store, timing.cron_expr))
    except schedule.ScheduleError as error:
        raise InvalidRequest(f"is no cron expression: {error}", parameter="cron_expr") from None
    return schedule.next_fire_ms(parsed, zone, after_ms, dst=store.answers.ask("cron.dst"))


def _seconds_position(store: Store, cron_expr: str) -> str:
    has_seconds = len(cron_expr.split()) == 6
    return store.answers.ask("cron.seconds_position") if has_seconds else "first"


def _jitter_ms(store: Store, cron: Cron) -> int:
    jitter_seconds = store.answers.constant("cron.jitter_seconds")
    if not jitter_seconds:
        return 0
    purpose = f"jitter {cron.cron_id} {cron.next_run_ms}"
    return int(ids.fraction(store.settings.seed, purpose) * jitter_seconds * 1000)


def _open_delivery(store: Store, cron: Cron, run: Run) -> None:
    run.on_failure_webhook = cron.on_failure_webhook
    runs.open_delivery(
        store,
        run,
        url=cron.task,
        headers=cron.headers,
        payload=cron.payload,
        secret=None,
        timeout_ms=cron.timeout_ms,
        retry=cron.retry,
    )


def _overlap_action(store: Store, cron: Cron) -> str:
    if not cron.under_way:
        return "start"
    action = OVERLAP[cron.overlap_policy or store.answers.ask("cron.overlap_default")]
    if action == "wait" and cron.waiting and store.answers.ask("cron.queue_depth") == "one":
        return "skip"
    return action


def _start_waiting(store: Store, cron: Cron) -> None:
    """Let the first waiting run start when every run made before it has ended."""
    if not cron.waiting:
        return
    waiting = store.runs[cron.waiting[0]]
    if any(store.runs[run_id].number < waiting.number for run_id in cron.under_way):
        return
    del cron.waiting[0]
    cron.under_way[waiting.run_id] = None
    waiting.entry = store.timeline.schedule(store.now_ms, "run", waiting.run_id)


def _call_failure_webhook(store: Store, cron: Cron, url: str, run: Run, attempts: int) -> None:
    delivery = Delivery(
        delivery_id=store.ids.next("dlv"),
        kind="failure",
        owner_id=run.run_id,
        source_id=cron.cron_id,
        url=url,
        headers={},
        body=deliveries.event_body(
            "cron.run.failed",
            cron_id=cron.cron_id,
            name=cron.name,
            run_id=run.run_id,
            attempts=attempts,
            response_status=run.response_status,
            error=run.error,
        ),
        numbered=False,
        secret=None,
        timeout_ms=cron.timeout_ms,
        max_attempts=1,
    )
    store.deliveries[delivery.delivery_id] = delivery
    store.timeline.schedule(store.now_ms, "failure", delivery.delivery_id)


def start_failure_webhook(store: Store, entry: Entry) -> Attempt:
    """Call the failure webhook of a run, once (event `failure`)."""
    return deliveries.start(store, store.deliveries.pop(entry.subject))
