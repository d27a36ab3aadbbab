"""What negates the choices of crons, runs, tasks, deliveries and idempotency: see `negations`."""

from tests.contract.mutant import Mutant
from tests.contract.negations import Negations

CRONS = "core/crons.py"
RUNS = "core/runs.py"
DELIVERIES = "core/deliveries.py"
SCHEDULE = "core/schedule.py"
TARGETS = "core/targets.py"
SENDER = "server/sender.py"
IDEMPOTENCY = "core/idempotency.py"
BINDING = "server/binding.py"
EXCHANGE = "server/exchange.py"
SPEC = "openapi/scheduling.yaml"

OF_KEYS: Negations = {
    "idempotency.places": (
        Mutant(
            "a key in the query is ignored",
            BINDING,
            'key = value if PLACES[parameter.place] == "header" or key is None else key',
            'key = value if PLACES[parameter.place] == "header" else key',
        ),
    ),
    "idempotency.same_answer": (
        Mutant(
            "most repetitions are refused",
            IDEMPOTENCY,
            "        return remembered.result, remembered.request_seq\n",
            '        if operation_id not in {"scheduling.cron.create", "scheduling.queue.publish"}:\n'
            '            raise IdempotencyConflict("it was done before")\n'
            "        return remembered.result, remembered.request_seq\n",
        ),
    ),
    "idempotency.request_ids": (
        Mutant(
            "a repetition has the request id of the first",
            EXCHANGE,
            "    identity = sandbox.next_request_id()\n    content",
            "    identity = sandbox.next_request_id()\n"
            "    if answer.replayed_from is not None:\n"
            "        store = sandbox.store\n"
            "        identity = request_id(store.settings.seed, store.now_ms, answer.replayed_from)\n"
            "    content",
        ),
    ),
    "idempotency.scope": (
        Mutant(
            "keys count over all operations",
            IDEMPOTENCY,
            "place = encode([operation_id, *(arguments[name] for name in path), key])",
            "place = key",
        ),
    ),
    "idempotency.successes": (
        Mutant(
            "refused requests are remembered",
            IDEMPOTENCY,
            "    result = operation()\n",
            "    store.remembered[place] = RememberedCall(\n"
            "        scope=place, fingerprint='', result={}, at_ms=store.now_ms, request_seq=1\n"
            "    )\n"
            "    result = operation()\n",
        ),
    ),
    "idempotency.empty_keys": (
        Mutant(
            "an empty key is a key",
            SPEC,
            "    IdempotencyKey:\n      type: string\n      minLength: 1\n",
            "    IdempotencyKey:\n      type: string\n      minLength: 0\n",
        ),
    ),
    "idempotency.reads": (
        Mutant(
            "a consume is repeated with its key",
            SPEC,
            "                visibility_timeout:\n"
            "                  $ref: '#/components/schemas/LeaseSeconds'\n"
            "                  description: The lease of these",
            "                idempotency_key:\n"
            "                  $ref: '#/components/schemas/IdempotencyKey'\n"
            "                  description: The same key hands out the same.\n"
            "                visibility_timeout:\n"
            "                  $ref: '#/components/schemas/LeaseSeconds'\n"
            "                  description: The lease of these",
        ),
    ),
}

OF_CRONS: Negations = {
    "cron.expressions": (
        Mutant(
            "@daily is taken",
            SCHEDULE,
            '    words = [word for word in re.split(r"[ \\t]+", expression) if word]\n',
            '    expression = {"@daily": "0 0 * * *"}.get(expression, expression)\n'
            '    words = [word for word in re.split(r"[ \\t]+", expression) if word]\n',
        ),
    ),
    "cron.day_fields": (
        Mutant(
            "only a lone * is no restriction",
            SCHEDULE,
            'texts[DAY_OF_MONTH].startswith("*") or texts[DAY_OF_WEEK].startswith("*")',
            'texts[DAY_OF_MONTH] == "*" or texts[DAY_OF_WEEK] == "*"',
        ),
    ),
    "cron.names": (
        Mutant(
            "months have no names",
            SCHEDULE,
            "    if word.lower() in field.names:\n",
            "    if word.lower() in field.names and field is not MONTH:\n",
        ),
        Mutant("Sunday is 0 alone", SCHEDULE, 'Field("day of week", 0, 7,', 'Field("day of week", 0, 6,'),
    ),
    "cron.steps": (
        Mutant(
            "a step from one value names that alone",
            SCHEDULE,
            "high = low if step is None else field.high",
            "high = low",
        ),
    ),
    "cron.clock_changes": (
        Mutant(
            "the repeated hour fires twice", SCHEDULE, "local = max(local, start + before)", "local = max(local, local)"
        ),
    ),
    "cron.timezone_default": (
        Mutant("a cron is in Tokyo", CRONS, '    timezone: str = "UTC",\n', '    timezone: str = "Asia/Tokyo",\n'),
    ),
    "cron.next_run_of_paused": (
        Mutant(
            "a paused cron tells its next run",
            CRONS,
            "        cron.next_run_ms = _next_ms(store, _timing(cron), after_ms) if cron.enabled else None\n",
            "        counts = cron.enabled or not _exhausted(cron)\n"
            "        cron.next_run_ms = _next_ms(store, _timing(cron), after_ms) if counts else None\n",
        ),
        Mutant(
            "what it tells of is not due",
            CRONS,
            "    if cron.next_run_ms is not None:\n        due_ms",
            "    if cron.next_run_ms is not None and cron.enabled:\n        due_ms",
        ),
    ),
    "cron.resume_counts_from_now": (
        Mutant(
            "resume makes up for what was missed",
            CRONS,
            "        cron.enabled = True\n        _aim(store, cron, after_ms=store.now_ms)\n",
            "        cron.enabled = True\n        _aim(store, cron, after_ms=store.now_ms)\n"
            "        missed_ms = _next_ms(store, _timing(cron), store.now_ms - 300_000)\n"
            "        if missed_ms is not None and missed_ms < store.now_ms:\n"
            "            trigger(store, cron_id=cron_id)\n",
        ),
    ),
    "cron.pause_spares_runs": (
        Mutant(
            "a pause stops retries",
            CRONS,
            "    cron.enabled = False\n    _aim(store, cron, after_ms=store.now_ms)\n    return",
            "    cron.enabled = False\n    _aim(store, cron, after_ms=store.now_ms)\n"
            "    for run_id in cron.under_way:\n"
            "        store.timeline.cancel(store.runs[run_id].entry)\n"
            "        store.runs[run_id].entry = None\n"
            "    return",
        ),
    ),
    "cron.trigger_leaves_schedule": (
        Mutant(
            "a trigger stands for the next fire",
            CRONS,
            '    run.entry = store.timeline.schedule(store.now_ms, "run", run.run_id)\n    if cron',
            '    run.entry = store.timeline.schedule(store.now_ms, "run", run.run_id)\n'
            "    _aim(store, cron, after_ms=cron.next_run_ms or store.now_ms)\n"
            "    if cron",
        ),
    ),
    "cron.update_counts_from_now": (
        Mutant(
            "an update answers the old next run",
            CRONS,
            "    return view(changed)\n",
            '    old = {"next_run_at": cron.next_run_ms} if changed.next_run_ms and cron.next_run_ms else {}\n'
            "    return view(changed) | old\n",
        ),
    ),
    "cron.max_runs_disables": (
        Mutant(
            "a cron that has made its runs stays enabled",
            CRONS,
            '        "enabled": cron.enabled,\n',
            '        "enabled": cron.enabled or (cron.max_runs is not None and cron.runs_counted >= cron.max_runs),\n',
        ),
    ),
    "cron.delete_ends_runs": (
        Mutant(
            "a deleted cron's runs stay",
            CRONS,
            "        runs.forget(store, run_id)\n",
            "        store.timeline.cancel(store.runs[run_id].entry)\n",
        ),
        Mutant(
            "and are found",
            CRONS,
            "    _find(store, cron_id)\n    run = store.runs.get(run_id)\n",
            "    run = store.runs.get(run_id)\n",
        ),
    ),
}

OF_RUNS: Negations = {
    "run.states": (
        Mutant(
            "runs end in success or error",
            RUNS,
            '        "state": run.state,\n',
            '        "state": {"succeeded": "success", "failed": "error"}.get(run.state, run.state),\n',
        ),
    ),
    "run.response_status": (
        Mutant(
            "a run does not tell a status", RUNS, '"response_status": run.response_status', '"response_status": None'
        ),
    ),
    "run.errors": (Mutant("a failed run has no error", RUNS, "    run.error = outcome.error\n", ""),),
    "run.started_at": (
        Mutant(
            "a run starts when it is made ready",
            RUNS,
            '"started_at": run.started_ms,',
            '"started_at": None if run.started_ms is None else run.started_ms - 2_000,',
        ),
    ),
    "run.of_its_cron": (
        Mutant("a run is found under any cron", CRONS, "if run is None or run.owner_id != cron_id:", "if run is None:"),
    ),
    "run.skipped_leaves_a_run": (
        Mutant(
            "what is skipped leaves nothing",
            CRONS,
            '        runs.move(run, "skip")\n        runs.finish(store, run)\n',
            "        runs.forget(store, run.run_id)\n",
        ),
    ),
    "run.retention_counts": (
        Mutant(
            "old runs go an hour later",
            RUNS,
            "due_ms = finished_ms + days * instants.DAY_MS",
            "due_ms = finished_ms + days * instants.DAY_MS + (3_600_000 if days else 0)",
        ),
    ),
}

OF_DELIVERIES: Negations = {
    "delivery.method": (
        Mutant(
            "a task is another method",
            SENDER,
            "                incoming.send(_request(url, attempt.headers, attempt.body.encode()))\n",
            "                sent = _request(url, attempt.headers, attempt.body.encode())\n"
            '                incoming.send(sent.replace(b"POST", b"PUT", 1) if attempt.kind == "task" else sent)\n',
        ),
    ),
    "delivery.success": (Mutant("a 404 is success", TARGETS, " status < 300\n", " status < 300 or status == 404\n"),),
    "delivery.redirects": (
        Mutant(
            "a redirect is success",
            TARGETS,
            "succeeded = 200 <= status",
            "succeeded = 300 <= status < 400 or 200 <= status",
        ),
    ),
    "delivery.waits": (
        Mutant(
            "the backoff does not grow on",
            DELIVERIES,
            "min(first << min(failures - 1, 32), longest)",
            "min(first if failures > 2 else first << failures - 1, longest)",
        ),
    ),
    "delivery.failure_webhook": (
        Mutant(
            "the webhook does not say which run failed",
            CRONS,
            "            run_id=run.run_id,\n            attempts",
            "            run=run.number,\n            attempts",
        ),
    ),
    "delivery.no_payload": (
        Mutant(
            "without a payload null is sent",
            RUNS,
            "content: Any = {} if payload is UNSET else payload",
            "content: Any = None if payload is UNSET else payload",
        ),
    ),
    "delivery.headers": (
        Mutant("attempts are not numbered", DELIVERIES, '        "X-Infrai-Attempt": str(delivery.attempt),\n', ""),
    ),
    "delivery.unsigned": (
        Mutant(
            "everything is signed",
            DELIVERIES,
            "    if delivery.secret is not None:\n",
            "    if True:\n        delivery.secret = delivery.secret or 'x'\n",
        ),
    ),
    "delivery.same_body": (
        Mutant(
            "each attempt is a delivery",
            DELIVERIES,
            '"X-Infrai-Delivery-Id": delivery.delivery_id,',
            '"X-Infrai-Delivery-Id": f"{delivery.delivery_id}-{delivery.attempt}",',
        ),
    ),
    "delivery.bytes": (
        Mutant(
            "payloads are delivered with sorted keys",
            DELIVERIES,
            "    text = encode(body)\n",
            "    from .encoding import encode_sorted\n\n    text = encode_sorted(body)\n",
        ),
    ),
    "values.offsets": (
        Mutant(
            "instants have no offset",
            "core/instants.py",
            "    if match is None:\n        raise ValueError(text)\n",
            "    if match is None or match[9] not in {None, '00'}:\n        raise ValueError(text)\n",
        ),
    ),
}

NEGATIONS: Negations = {**OF_KEYS, **OF_CRONS, **OF_RUNS, **OF_DELIVERIES}
APART: tuple[frozenset[str], ...] = ()
