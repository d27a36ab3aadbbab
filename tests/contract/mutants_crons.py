"""Mutants of crons: schedules, overlap, runs, retries."""

from tests.contract.mutant import Mutant

CRONS = "core/crons.py"
RUNS = "core/runs.py"
DELIVERIES = "core/deliveries.py"
SCHEDULE = "core/schedule.py"
TASKS = "core/tasks.py"

CRONS_MUTANTS = (
    # --- Crons
    Mutant(
        "a cron's zone is ignored",
        CRONS,
        "zone = schedule.load_zone(timing.timezone)",
        'zone = schedule.load_zone("UTC")',
    ),
    Mutant(
        "a paused cron fires on",
        CRONS,
        "    cron = _find(store, cron_id)\n    cron.enabled = False\n    _aim(store, cron, after_ms=store.now_ms)\n",
        "    cron = _find(store, cron_id)\n    cron.enabled = False\n",
    ),
    Mutant("resume does not enable", CRONS, "    cron.enabled = True\n", ""),
    Mutant(
        "a new expression leaves next_run_at",
        CRONS,
        "if ended or _timing(changed) != _timing(cron):",
        "if ended or changed.timezone != cron.timezone:",
    ),
    Mutant(
        "a new zone leaves next_run_at",
        CRONS,
        "if ended or _timing(changed) != _timing(cron):",
        "if ended or changed.cron_expr != cron.cron_expr:",
    ),
    Mutant("max_runs makes one run more", CRONS, "cron.runs_counted >= limit", "cron.runs_counted > limit"),
    Mutant("max_runs is ignored", CRONS, "limit is not None and cron.runs_counted >= limit", "False"),
    Mutant(
        "a deleted cron is still there",
        CRONS,
        "    del store.crons[cron_id]\n    store.cron_index.discard(cron.number)\n",
        "",
    ),
    Mutant("skip runs side by side", CRONS, '"skip": "skip"', '"skip": "start"'),
    Mutant("queue skips", CRONS, '"queue": "wait"', '"queue": "skip"'),
    Mutant("allow skips", CRONS, 'OVERLAP = {"allow": "start"', 'OVERLAP = {"allow": "skip"'),
    Mutant(
        "the failure webhook is called on success",
        CRONS,
        'if run.state == "failed" and run.on_failure_webhook',
        "if run.on_failure_webhook",
    ),
    Mutant(
        "the failure webhook is never called",
        CRONS,
        'if run.state == "failed" and run.on_failure_webhook is not None:',
        "if False:",
    ),
    Mutant(
        "a trigger moves next_run_at",
        CRONS,
        '    run.entry = store.timeline.schedule(store.now_ms, "run", run.run_id)\n    if cron',
        '    run.entry = store.timeline.schedule(store.now_ms, "run", run.run_id)\n    _aim(store, cron, after_ms=cron.next_run_ms or store.now_ms)\n    if cron',
    ),
    Mutant("a run is found under any cron", CRONS, "if run is None or run.owner_id != cron_id:", "if run is None:"),
    Mutant("retention_days is not kept", CRONS, "    cron.retention_days = retention_days\n", ""),
    # --- Expressions
    Mutant(
        "every list is read as any",
        SCHEDULE,
        'if "*" in found else frozenset(found)',
        'if "*" in found or "," in texts[field] else frozenset(found)',
    ),
    Mutant(
        "every range is read as any",
        SCHEDULE,
        'if "*" in found else frozenset(found)',
        'if "*" in found or "-" in texts[field] else frozenset(found)',
    ),
    Mutant(
        "every step is read as any",
        SCHEDULE,
        'if "*" in found else frozenset(found)',
        'if "*" in found or "/" in texts[field] else frozenset(found)',
    ),
    Mutant("weekdays are one off", SCHEDULE, "frozenset(weekday % 7 for", "frozenset((weekday + 1) % 7 for"),
    Mutant(
        "both day fields must match",
        SCHEDULE,
        "return day in self._days or weekday in self._weekdays",
        "return day in self._days and weekday in self._weekdays",
    ),
    Mutant("months are ignored", SCHEDULE, "if month in self._months:", "if True:"),
    Mutant(
        "a fire is an hour off in summer",
        SCHEDULE,
        "fire = schedule.next_local(local) - offset",
        "fire = schedule.next_local(local) - offset + (3600 if offset == 7200 else 0)",
    ),
    Mutant("the skipped hour fires an hour later", SCHEDULE, "return start * 1000\n", "return (start + 3600) * 1000\n"),
    Mutant(
        "the repeated hour fires twice", SCHEDULE, "local = max(local, start + before)", "local = max(local, local)"
    ),
    # --- Runs, retries, time limits
    Mutant("one attempt too many", RUNS, "max_attempts=1 + retry", "max_attempts=2 + retry"),
    Mutant("nothing is retried", RUNS, "max_attempts=1 + retry", "max_attempts=1"),
    Mutant("a redirect is success", "core/targets.py", "200 <= status < 300", "200 <= status < 400"),
    Mutant("a 404 is success", "core/targets.py", "200 <= status < 300", "200 <= status < 500"),
    Mutant(
        "timeout_seconds is ignored",
        CRONS,
        "timeout_ms=cron.timeout_ms,\n        retry=cron.retry",
        "timeout_ms=900_000,\n        retry=cron.retry",
    ),
    Mutant(
        "a task's timeout_seconds is ignored",
        TASKS,
        "        timeout_ms=timeout_ms,\n",
        "        timeout_ms=900_000,\n",
    ),
    Mutant(
        "the backoff does not grow",
        DELIVERIES,
        "min(first << min(failures - 1, 32), longest)",
        "min(first if failures > 2 else first << failures - 1, longest)",
    ),
    Mutant("a failed run has no error", RUNS, "    run.error = outcome.error\n", ""),
    Mutant("a run forgets the receiver's status", RUNS, "    run.response_status = outcome.status\n", ""),
    Mutant("runs are oldest first", RUNS, "limit=limit, newest_first=True", "limit=limit"),
    Mutant("runs are kept for ever", RUNS, "forget(store, finished.popleft())", "finished.popleft()"),
    Mutant(
        "a run is kept a day longer",
        RUNS,
        "due_ms = finished_ms + days * instants.DAY_MS",
        "due_ms = finished_ms + (days + 1) * instants.DAY_MS",
    ),
    Mutant(
        "a task fires a minute late",
        TASKS,
        "max(run_at_ms, store.now_ms)",
        "max(run_at_ms + 60_000, store.now_ms)",
    ),
    Mutant("a task fires at once", TASKS, "max(run_at_ms, store.now_ms)", "store.now_ms"),
    Mutant("a task loses its headers", TASKS, "headers=headers or {},", "headers={},"),
)
