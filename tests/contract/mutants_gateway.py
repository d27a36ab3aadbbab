"""Mutants of the kinds that a gateway has: what is set is lost, values change on their way, lists say otherwise."""

from tests.contract.mutant import Mutant

CRONS = "core/crons.py"
RUNS = "core/runs.py"
DELIVERIES = "core/deliveries.py"
SCHEDULE = "core/schedule.py"
TASKS = "core/tasks.py"
SIGNING = "core/signing.py"
EXCHANGE = "server/exchange.py"
KEYED = (
    "cron.create",
    "cron.delete",
    "cron.pause",
    "cron.resume",
    "cron.retention.set",
    "cron.trigger",
    "cron.update",
    "queue.ack",
    "queue.create",
    "queue.delete",
    "queue.dlq.redrive",
    "queue.nack",
    "queue.publish",
    "queue.publish_batch",
    "queue.purge",
    "queue.push_subscribe",
    "queue.update",
    "task.schedule",
)

GATEWAY_MUTANTS = (
    # --- What is set does not hold
    *(
        Mutant(
            f"an update ignores {name}",
            CRONS,
            '    cron = _find(store, cron_id)\n    if "name" in changes and',
            f'    changes.pop({name!r}, None)\n    cron = _find(store, cron_id)\n    if "name" in changes and',
        )
        for name in (
            "cron_expr",
            "task",
            "name",
            "timezone",
            "retry",
            "timeout_ms",
            "overlap_policy",
            "max_runs",
            "payload",
            "headers",
            "on_failure_webhook",
        )
    ),
    *(
        Mutant(
            f"an update loses {name}",
            CRONS,
            "    changed = replace(cron, **changes)\n",
            f"    changed = replace(cron, **({{{name!r}: {default}}} | changes))\n",
        )
        for name, default in (
            ("payload", "UNSET"),
            ("headers", "{}"),
            ("retry", "3"),
            ("overlap_policy", "None"),
            ("on_failure_webhook", "None"),
        )
    ),
    Mutant(
        "create ignores retries",
        CRONS,
        "        retry=retry,\n        timeout_ms=timeout_ms,\n        overlap",
        "        retry=3,\n        timeout_ms=timeout_ms,\n        overlap",
    ),
    Mutant(
        "create ignores payload",
        CRONS,
        "        payload=payload,\n        headers=headers or {},",
        "        headers=headers or {},",
    ),
    Mutant(
        "retries of 0 are taken for none given",
        RUNS,
        'constant("cron.retries") if retry is None else retry',
        'retry or constant("cron.retries")',
    ),
    Mutant(
        "an empty payload is taken for none",
        RUNS,
        "{} if payload is UNSET else payload",
        "{} if payload is UNSET or not payload else payload",
    ),
    Mutant(
        "a retention of 0 days is taken for none given",
        CRONS,
        "    cron.retention_days = retention_days\n",
        "    cron.retention_days = retention_days or 30\n",
    ),
    Mutant(
        "resume leaves the cron of another expression",
        CRONS,
        "        cron.enabled = True\n",
        "        cron.enabled = True\n        cron.cron_expr = '0 0 * * *'\n",
    ),
    Mutant("a task's retry is ignored", TASKS, "        retry=retry,\n", "        retry=3,\n"),
    Mutant("a task's payload is ignored", TASKS, "        payload=payload,\n", "        payload=UNSET,\n"),
    Mutant("a task's name is ignored", TASKS, "name=name, run_at_ms", "name=None, run_at_ms"),
    # --- A value that changes on its way
    Mutant(
        "a retry changes the payload",
        DELIVERIES,
        "    text = encode(body)\n",
        "    if isinstance(body, dict) and delivery.attempt > 1:\n        body = {**body, 'retried': True}\n    text = encode(body)\n",
    ),
    Mutant(
        "a retry is sent without its payload",
        DELIVERIES,
        "    text = encode(body)\n",
        "    body = body if delivery.attempt == 1 else {}\n    text = encode(body)\n",
    ),
    Mutant(
        "payloads arrive as text",
        RUNS,
        "    content: Any = {} if payload is UNSET else payload\n",
        "    content: Any = {} if payload is UNSET else __import__('json').dumps(payload)\n",
    ),
    Mutant(
        "numbers in a payload arrive as text",
        DELIVERIES,
        "    text = encode(body)\n",
        "    text = __import__('re').sub(r':(-?[0-9.]+)', r':\"\\1\"', encode(body))\n",
    ),
    Mutant(
        "null in a payload is dropped",
        RUNS,
        "    content: Any = {} if payload is UNSET else payload\n",
        "    content: Any = {} if payload is UNSET else payload\n    if isinstance(content, dict):\n        content = {name: value for name, value in content.items() if value is not None}\n",
    ),
    Mutant(
        "values of headers become numbers",
        DELIVERIES,
        "own} | delivery.headers\n",
        "own} | {name: str(int(value)) if value.isdigit() else value for name, value in delivery.headers.items()}\n",
    ),
    # --- Lists that say otherwise than gets
    Mutant(
        "cron.list shows every cron as enabled",
        CRONS,
        "lambda cron_id: view(crons[cron_id])",
        "lambda cron_id: {**view(crons[cron_id]), 'enabled': True}",
    ),
    Mutant(
        "cron.list shows the id for the name",
        CRONS,
        "lambda cron_id: view(crons[cron_id])",
        "lambda cron_id: {**view(crons[cron_id]), 'name': cron_id}",
    ),
    Mutant(
        "cron.list shows a next run an hour later",
        CRONS,
        "lambda cron_id: view(crons[cron_id])",
        "lambda cron_id: {name: value + 3_600_000 if name == 'next_run_at' else value for name, value in view(crons[cron_id]).items()}",
    ),
    Mutant(
        "run.list shows other instants",
        RUNS,
        "lambda run_id: view(runs[run_id])",
        "lambda run_id: {name: value - 1000 if name == 'started_at' else value for name, value in view(runs[run_id]).items()}",
    ),
    Mutant(
        "run.list leaves out what the schedule ran",
        RUNS,
        "    store.run_index.add(number, run.run_id)\n",
        '    if state != "queued" or scheduled_ms != store.now_ms or kind == "task":\n        store.run_index.add(number, run.run_id)\n',
    ),
    # --- Time
    Mutant(
        "a zone has a fixed offset",
        SCHEDULE,
        "        start, end, offset, before = zone.segment(at)\n",
        "        start, end, offset, before = zone.segment(after_ms // 1000 + 1)\n        start, end = 0, LAST\n",
    ),
    Mutant(
        "the day of the month alone counts",
        SCHEDULE,
        "return day in self._days or weekday in self._weekdays",
        "return day in self._days",
    ),
    Mutant(
        "the day of the week alone counts",
        SCHEDULE,
        "return day in self._days or weekday in self._weekdays",
        "return weekday in self._weekdays",
    ),
    Mutant(
        "an offset in an instant is ignored",
        "core/instants.py",
        "    offset_ms = 60_000 * (60 * int(offset_hours or 0) + int(offset_minutes or 0))\n",
        "    offset_ms = 0\n",
    ),
    Mutant(
        "a task may come a second early", TASKS, "max(run_at_ms, store.now_ms)", "max(run_at_ms - 1000, store.now_ms)"
    ),
    # --- Idempotency keys
    *(
        Mutant(
            f"{name} ignores its idempotency key",
            "core/sandbox.py",
            "        if idempotency_key is None:\n",
            f'        if idempotency_key is None or operation_id == "scheduling.{name}":\n',
        )
        for name in KEYED
    ),
    Mutant(
        "repetitions have ids of their own",
        "core/idempotency.py",
        "        return remembered.result, remembered.request_seq\n",
        "        result = dict(remembered.result)\n        for name in ('message_id', 'cron_id', 'task_id', 'run_id'):\n            if name in result:\n                result[name] += 'x'\n        return result, remembered.request_seq\n",
    ),
    # --- Signatures
    Mutant("a signature is over nothing", DELIVERIES, "            body=text.encode(),\n", "            body=b'',\n"),
    Mutant(
        "a retry is signed over nothing",
        DELIVERIES,
        "            body=text.encode(),\n",
        "            body=text.encode() if delivery.attempt == 1 else b'{}',\n",
    ),
    Mutant(
        "another secret signs",
        SIGNING,
        "_digest(secret.encode(), body).hex()",
        "_digest(secret.encode() + b'x', body).hex()",
    ),
    Mutant("a task loses its secret", TASKS, "        secret=secret,\n", "        secret=None,\n"),
)
