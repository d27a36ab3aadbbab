"""Deviations that a real gateway could have, each as a change of a line or two of the emulator.

A mutant replaces `old`, which stands exactly once in `file`, by `new`. The contract suite has to notice: see
`kill_mutants.py`, and `make mutants`. `SURVIVORS` names those that it cannot notice, and why.
"""

from typing import NamedTuple


class Mutant(NamedTuple):
    """A deviation: its name, where it is, and what is changed."""

    name: str
    file: str
    old: str
    new: str


MESSAGES, QUEUES, CRONS, RUNS = "core/messages.py", "core/queues.py", "core/crons.py", "core/runs.py"
DELIVERIES, PUSHES, PAGING, SCHEDULE = "core/deliveries.py", "core/pushes.py", "core/paging.py", "core/schedule.py"
IDEMPOTENCY, SIGNING, TASKS, BINDING = "core/idempotency.py", "core/signing.py", "core/tasks.py", "server/binding.py"
API, SPEC = "server/api.py", "openapi/scheduling.yaml"

MUTANTS = (
    # --- Leases, delays, acks, nacks
    Mutant("a lease never expires", MESSAGES, '"in_flight", due_ms=sandbox.now_ms + lease_ms', '"in_flight", due_ms=sandbox.now_ms + 10**12'),
    Mutant("a lease is a second too short", MESSAGES, "due_ms=sandbox.now_ms + lease_ms", "due_ms=sandbox.now_ms + lease_ms - 1000"),
    Mutant("a lease is a second too long", MESSAGES, "due_ms=sandbox.now_ms + lease_ms", "due_ms=sandbox.now_ms + lease_ms + 1000"),
    Mutant("visibility_timeout is ignored", MESSAGES, "to_ms(visibility_timeout) if visibility_timeout else record", "record"),
    Mutant("the queue's default lease is ignored", MESSAGES, "else record.visibility_timeout_ms", "else 30_000"),
    Mutant("delay_seconds is ignored", MESSAGES, "delay_ms = to_ms(delay_seconds)", "delay_ms = 0"),
    Mutant("a delay is taken for milliseconds", MESSAGES, "delay_ms = to_ms(delay_seconds)", "delay_ms = int(delay_seconds)"),
    Mutant("a delay loses its fraction", MESSAGES, "delay_ms = to_ms(delay_seconds)", "delay_ms = 1000 * int(delay_seconds)"),
    Mutant("max_messages takes one more", MESSAGES, "for _ in range(max_messages or", "for _ in range(1 + max_messages if max_messages else"),
    Mutant("max_messages is ignored", MESSAGES, "for _ in range(max_messages or", "for _ in range(0 or"),
    Mutant("consuming takes messages away", MESSAGES, "taken.append(view(message))", "taken.append(view(message)); queues.remove(sandbox, message)"),
    Mutant("an ack changes nothing", MESSAGES, "earlier holder may have acked it\")\n        queues.remove(sandbox, message)", "earlier holder may have acked it\")"),
    Mutant("an ack does not look at the queue", MESSAGES, "message is not None and message.queue == queue else None", "message is not None else None"),
    Mutant("a nack with requeue false requeues", MESSAGES, "if not requeue or _spent(", "if _spent("),
    Mutant("a nack with requeue true kills", MESSAGES, "if not requeue or _spent(", "if requeue or _spent("),
    Mutant("one retry too many", MESSAGES, "else message.failures > allowed", "else message.failures > allowed + 1"),
    Mutant("max_retries is ignored", MESSAGES, "else message.failures > allowed", "else False"),
    Mutant("requeued is always true", MESSAGES, "\"requeued\": requeue}", "\"requeued\": True}"),
    Mutant("a dead message is lost", MESSAGES, "    queues.withdraw(sandbox, message)\n    if message.died_ms is not None:", "    return queues.remove(sandbox, message)\n    if message.died_ms is not None:"),
    Mutant("a batch loses its last message", MESSAGES, "for item in messages\n    ]", "for item in messages[: max(len(messages) - 1, 1)]\n    ]"),
    Mutant("a batch is published backwards", MESSAGES, "for item in messages\n    ]", "for item in reversed(messages)\n    ]"),
    Mutant("a batch's delays are ignored", MESSAGES, 'item.get("delay_seconds", 0)', "0"),
    Mutant("a batch is published up to what is refused", MESSAGES, '    for number, item in enumerate(messages):\n        _refuse', '    for number, item in enumerate(messages[:1]):\n        _refuse'),
    # --- Dead letters and redrive
    Mutant("redrive ignores message_id", MESSAGES, "if message.message_id == message_id]", "]"),
    Mutant("redrive ignores since", MESSAGES, "if since_ms is None or (message.died_ms or 0) >= since_ms]", "]"),
    Mutant("redrive takes what died before since", MESSAGES, "(message.died_ms or 0) >= since_ms]", "(message.died_ms or 0) < since_ms]"),
    Mutant("redrive leaves the letters dead", MESSAGES, "for message in chosen:", "for message in chosen[:0]:"),
    Mutant("redrive remembers the nacks", MESSAGES, "    message.failures = 0\n", ""),
    Mutant("redrive counts one too many", MESSAGES, '"redriven": len(chosen)}', '"redriven": len(chosen) + 1}'),
    Mutant("a dead-letter queue need not exist", QUEUES, "if name is not None and name not in sandbox.queues:", "if False:"),
    Mutant("a queue may be its own dead-letter queue", QUEUES, "    if name == queue:\n", "    if False:\n"),
    # --- Queues
    Mutant("a FIFO queue forgets its order", QUEUES, "return (0, message.position)\n    if not queue", "return (0, message.position if queue.type != 'fifo' else -message.position)\n    if not queue"),
    Mutant("FIFO honours priorities", QUEUES, 'if message.priority is None or queue.type == "fifo":', "if message.priority is None:"),
    Mutant("priorities are ignored", QUEUES, "return (message.priority if low_first else -message.priority, message.position)", "return (0, message.position)"),
    Mutant("a priority forgets the age", QUEUES, "else -message.priority, message.position)", "else -message.priority, -message.position)"),
    Mutant("stats counts the dead as available", QUEUES, "    available = len(index.available)\n", "    available = len(index.available) + len(index.dead)\n"),
    Mutant("stats forgets what is in flight", QUEUES, '"in_flight": index.in_flight', '"in_flight": 0'),
    Mutant("the age is in milliseconds", QUEUES, "oldest.kept_from_ms) // 1000", "oldest.kept_from_ms)"),
    Mutant("purge spares what is in flight", QUEUES, "held = list(sandbox.indexes[queue].held)", "held = [m for m in sandbox.indexes[queue].held if sandbox.messages[m].place != 'in_flight']"),
    Mutant("purge removes the dead too", QUEUES, "held = list(sandbox.indexes[queue].held)", "held = [*sandbox.indexes[queue].held, *[m for m in sandbox.indexes[queue].dead.ids.values() if m not in sandbox.indexes[queue].held]]"),
    Mutant("purge counts nothing", QUEUES, '"purged": len(held)}', '"purged": 0}'),
    Mutant("update forgets max_retries", QUEUES, "    check_dead_letter_queue(sandbox, queue, changes.get(\"dead_letter_queue\"))\n", "    check_dead_letter_queue(sandbox, queue, changes.get(\"dead_letter_queue\"))\n    changes.pop('max_retries', None)\n"),
    Mutant("a queue in use as dead-letter queue can be deleted", QUEUES, "    refuse_if_used_for_dead_letters(sandbox, queue)\n", ""),
    Mutant("messages are kept a day longer", QUEUES, "kept_ms = queue.message_retention_days * DAY_MS", "kept_ms = (queue.message_retention_days + 1) * DAY_MS"),
    Mutant("a queue that exists takes other settings", QUEUES, "    if different or sandbox", "    if sandbox"),
    # --- Crons
    Mutant("a cron's zone is ignored", CRONS, "zone = schedule.load_zone(cron.timezone)", 'zone = schedule.load_zone("UTC")'),
    Mutant("a paused cron fires on", CRONS, "    cron = _find(sandbox, cron_id)\n    cron.enabled = False\n    _aim(sandbox, cron, after_ms=sandbox.now_ms)\n", "    cron = _find(sandbox, cron_id)\n    cron.enabled = False\n"),
    Mutant("resume does not enable", CRONS, "    cron.enabled = True\n", ""),
    Mutant("a new expression leaves next_run_at", CRONS, 'if ended or changes.keys() & {"cron_expr", "timezone"}:', 'if ended or changes.keys() & {"timezone"}:'),
    Mutant("a new zone leaves next_run_at", CRONS, 'if ended or changes.keys() & {"cron_expr", "timezone"}:', 'if ended or changes.keys() & {"cron_expr"}:'),
    Mutant("max_runs makes one run more", CRONS, "cron.runs_counted >= limit", "cron.runs_counted > limit"),
    Mutant("max_runs is ignored", CRONS, "limit is not None and cron.runs_counted >= limit", "False"),
    Mutant("a deleted cron fires on", CRONS, "    sandbox.timeline.cancel(cron.fire_entry)\n    sandbox.timeline.cancel(sandbox.retention", "    sandbox.timeline.cancel(sandbox.retention"),
    Mutant("skip runs side by side", CRONS, '"skip": "skip"', '"skip": "start"'),
    Mutant("queue skips", CRONS, '"queue": "wait"', '"queue": "skip"'),
    Mutant("allow skips", CRONS, 'OVERLAP = {"allow": "start"', 'OVERLAP = {"allow": "skip"'),
    Mutant("the failure webhook is called on success", CRONS, 'if run.state == "failed" and run.on_failure_webhook', "if run.on_failure_webhook"),
    Mutant("the failure webhook is never called", CRONS, 'if run.state == "failed" and run.on_failure_webhook is not None:', "if False:"),
    Mutant("a trigger moves next_run_at", CRONS, "    run.entry = sandbox.timeline.schedule(sandbox.now_ms, \"run\", run.run_id)\n    if cron", "    run.entry = sandbox.timeline.schedule(sandbox.now_ms, \"run\", run.run_id)\n    _aim(sandbox, cron, after_ms=cron.next_run_ms or sandbox.now_ms)\n    if cron"),
    Mutant("a run is found under any cron", CRONS, "if run is None or run.owner_id != cron_id:", "if run is None:"),
    Mutant("retention_days is not kept", CRONS, "    cron.retention_days = retention_days\n", ""),
    # --- Expressions
    Mutant("every list is read as any", SCHEDULE, 'if "*" in found else frozenset(found)', 'if "*" in found or "," in texts[field] else frozenset(found)'),
    Mutant("every range is read as any", SCHEDULE, 'if "*" in found else frozenset(found)', 'if "*" in found or "-" in texts[field] else frozenset(found)'),
    Mutant("every step is read as any", SCHEDULE, 'if "*" in found else frozenset(found)', 'if "*" in found or "/" in texts[field] else frozenset(found)'),
    Mutant("weekdays are one off", SCHEDULE, "frozenset(weekday % 7 for", "frozenset((weekday + 1) % 7 for"),
    Mutant("both day fields must match", SCHEDULE, "return day in self._days or weekday in self._weekdays", "return day in self._days and weekday in self._weekdays"),
    Mutant("months are ignored", SCHEDULE, "if month in self._months:", "if True:"),
    Mutant("a fire is an hour off in summer", SCHEDULE, "fire = schedule.next_local(local) - offset", "fire = schedule.next_local(local) - offset + (3600 if offset == 7200 else 0)"),
    Mutant("the skipped hour fires an hour later", SCHEDULE, "return start * 1000\n", "return (start + 3600) * 1000\n"),
    Mutant("the repeated hour fires twice", SCHEDULE, "local = max(local, start + before)", "local = max(local, local)"),
    # --- Runs, retries, time limits
    Mutant("one attempt too many", RUNS, "max_attempts=1 + retry", "max_attempts=2 + retry"),
    Mutant("nothing is retried", RUNS, "max_attempts=1 + retry", "max_attempts=1"),
    Mutant("a redirect is success", "core/targets.py", "200 <= status < 300", "200 <= status < 400"),
    Mutant("a 404 is success", "core/targets.py", "200 <= status < 300", "200 <= status < 500"),
    Mutant("timeout_seconds is ignored", CRONS, "timeout_ms=cron.timeout_ms,\n        retry=cron.retry", "timeout_ms=900_000,\n        retry=cron.retry"),
    Mutant("a task's timeout_seconds is ignored", TASKS, "timeout_ms=to_ms(timeout_seconds or", "timeout_ms=to_ms(900 or"),
    Mutant("the backoff does not grow", DELIVERIES, "min(first << min(failures - 1, 32), longest)", "min(first if failures > 2 else first << failures - 1, longest)"),
    Mutant("a failed run has no error", RUNS, "    run.error = outcome.error\n", ""),
    Mutant("a run forgets the receiver's status", RUNS, "    run.response_status = outcome.status\n", ""),
    Mutant("runs are oldest first", RUNS, "limit=limit, newest_first=True", "limit=limit"),
    Mutant("runs are kept for ever", RUNS, "if due_ms > sandbox.now_ms:", "if True:"),
    Mutant("a run is kept a day longer", RUNS, "due_ms = finished_ms + days * instants.DAY_MS", "due_ms = finished_ms + (days + 1) * instants.DAY_MS"),
    Mutant("a task fires a minute late", TASKS, "max(run_at_ms, sandbox.now_ms)", "max(run_at_ms + 60_000, sandbox.now_ms)"),
    Mutant("a task fires at once", TASKS, "max(run_at_ms, sandbox.now_ms)", "sandbox.now_ms"),
    Mutant("a task loses its headers", TASKS, "headers=headers or {},", "headers={},"),
    # --- Deliveries, signatures, pushes
    Mutant("deliveries lose the headers configured", DELIVERIES, "    if delivery.headers:\n", "    if False:\n"),
    Mutant("nothing is signed", DELIVERIES, "    if delivery.secret is not None:\n", "    if False:\n"),
    Mutant("the body is signed after re-serialising", DELIVERIES, "body=text.encode(),", "body=__import__('json').dumps(body, sort_keys=True).encode(),"),
    Mutant("the secret is signed with its length", SIGNING, '"sha256=" + _digest(secret.encode(), body).hex()', '"sha256=" + _digest(secret[:8].encode(), body).hex()'),
    Mutant("everything is signed, without a secret too", DELIVERIES, "    if delivery.secret is not None:\n", "    if True:\n        delivery.secret = delivery.secret or 'x'\n"),
    Mutant("payloads are delivered with sorted keys", DELIVERIES, "    text = encode(body)\n", "    from .encoding import encode_sorted\n\n    text = encode_sorted(body)\n"),
    Mutant("one push too many", MESSAGES, "if message.failures > queue.subscription.max_retries:", "if message.failures > queue.subscription.max_retries + 1:"),
    Mutant("a pushed message stays", PUSHES, "    elif outcome.succeeded:\n        queues.remove(sandbox, message)\n", "    elif outcome.succeeded:\n        messages.push_failed(sandbox, queue, message)\n"),
    Mutant("a subscription's own dead-letter queue is ignored", MESSAGES, "name = queue.subscription.dead_letter_queue or name", "name = name"),
    Mutant("a push ignores visibility_timeout", PUSHES, "lease_ms = queue.subscription.visibility_timeout_ms or queue", "lease_ms = queue"),
    Mutant("FIFO pushes go side by side", QUEUES, "at_once = 1 if index.fifo else", "at_once ="),
    Mutant("a push goes to a plain http URL", "core/urls.py", 'if push and target.scheme != "https" and kind != "loopback":', "if False:"),
    # --- Idempotency
    Mutant("idempotency keys are ignored", IDEMPOTENCY, "    if key is None:\n", "    if True:\n"),
    Mutant("a replay does it again", IDEMPOTENCY, "return remembered.result, remembered.request_seq", "return operation(), remembered.request_seq"),
    Mutant("keys count over all operations", IDEMPOTENCY, "scope = encode([scope, key])", "scope = key"),
    Mutant("refused requests are remembered", IDEMPOTENCY, "    result = operation()\n", "    sandbox.remembered[scope] = RememberedCall(scope=scope, fingerprint='', result={}, at_ms=sandbox.now_ms, request_seq=1)\n    result = operation()\n"),
    Mutant("consume is deduplicated", "core/operations.py", "Operation(messages.consume, write=True)", "_write(messages.consume)"),
    Mutant("the header is ignored", BINDING, 'if parameter.place == "header" or key is None', "if key is None and parameter.place != 'header'"),
    # --- Lists
    Mutant("a cursor repeats its last item", PAGING, "bisect_right(self._numbers, after)", "bisect_left(self._numbers, after)"),
    Mutant("a cursor skips an item", PAGING, "else bisect_right(self._numbers, after)", "else bisect_right(self._numbers, after) + 1"),
    Mutant("made-up cursors begin anew", PAGING, "    raise InvalidRequest(\n        \"`cursor` must", "    return 0\n    raise InvalidRequest(\n        \"`cursor` must"),
    Mutant("a page is one too long", PAGING, "if limit is not None and len(found) == limit:", "if limit is not None and len(found) == limit + 1:"),
    Mutant("there is never another page", PAGING, "    if last is not None:\n", "    if False:\n"),
    # --- The edge
    Mutant("keys are not looked at", "server/hosted.py", 'well_formed = key.startswith("ifr_") and', "well_formed = True or"),
    Mutant("other schemes are accepted", "server/hosted.py", 'if scheme.lower() != "bearer" or not key:', "if not key:"),
    Mutant("credit is not looked at", "core/account.py", "sandbox.balance_usd is not None and sandbox.balance_usd <= 0", "False"),
    Mutant("text/plain is taken for JSON", "server/bodies.py", "    if content_type is None:\n", "    if True:\n"),
    Mutant("405 does not say what is allowed", API, "    if isinstance(error, MethodNotAllowed):\n", "    if False:\n"),
    Mutant("errors have no hint of a code", API, '        "code": error.code,\n', '        "code": error.code.lower(),\n'),
    Mutant("the request id differs from the header", API, "headers = {REQUEST_ID_HEADER: identity,", "headers = {REQUEST_ID_HEADER: identity[::-1],"),
    Mutant("data is null in the envelope", API, 'content = {"ok": True, "data": exchange.data,', 'content = {"ok": True, "data": None,'),
    Mutant("ok is true in errors", API, 'return {"ok": False, "data": None,', 'return {"ok": True, "data": None,'),
    Mutant("404 does not say not found", "core/errors.py", "not found\")", "missing\")"),
    Mutant("creations answer 202", SPEC, "x-created-status: 200\n", "x-created-status: 202\n"),
    Mutant("get loses the time zone", SPEC, "        timezone: &cronZone {type: string, description: The time zone of the expression.}\n        enabled: &cronEnabled", "        zone: &cronZone {type: string, x-from: timezone, description: The time zone of the expression.}\n        enabled: &cronEnabled"),
    Mutant("timeout_seconds may be 0", SPEC, "    TimeoutSeconds:\n      type: number\n      minimum: 1\n", "    TimeoutSeconds:\n      type: number\n      minimum: 0\n"),
    Mutant("retry may be 11", SPEC, "    Retry:\n      type: integer\n      minimum: 0\n      maximum: 10\n", "    Retry:\n      type: integer\n      minimum: 0\n      maximum: 11\n"),
    Mutant("the newer paths are not served", SPEC, "  /v1/scheduling/: /v1/\n", "  /v1/scheduling/: /v2/\n"),
    Mutant("instants are numbers", BINDING, "        return to_text\n", "        return lambda instant_ms: instant_ms\n"),
    Mutant("absent fields are null", BINDING, "for name, source, render in parts if source in result}", "for name, source, render in parts if source in result} | {name: None for name, source, _ in parts if source not in result}"),
    Mutant("undocumented fields are returned", BINDING, "for name, source, render in parts if source in result}", "for name, source, render in parts if source in result} | {'internal': 1}"),
    Mutant("large numbers are rounded", "core/encoding.py", "    return _decoder.decode(raw)", "    return __import__('json').loads(raw, parse_int=lambda text: int(float(text)))"),
)

SURVIVORS: dict[str, str] = {}
