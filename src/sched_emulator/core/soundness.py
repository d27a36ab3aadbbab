"""Whether a state that comes from outside hangs together: what the sandbox itself keeps true at every instant.

A snapshot can be written by other hands. `records` bounds each field; here is what holds between them: whatever a
record names exists, whatever waits is on the timeline and nothing else is. A state that passes can be worked on without
surprise. A new field that refers to something belongs in here.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from . import urls
from .encoding import decode
from .errors import InvalidRequest
from .idempotency import KEYS
from .messages import WAITS_FOR
from .records import Delivery, Message, Run, State
from .runs import TASKS, history_of
from .timeline import Kind

Waiting = tuple[Kind, str, str | None]  # an event that a record waits for: its kind, its subject, its queue
UNDER_WAY = frozenset({"scheduled", "queued", "running"})


def check(state: State) -> None:
    """Raise InvalidRequest with the first thing that does not hang together."""
    for complaint in _complaints(state):
        raise InvalidRequest(f"the snapshot must hang together: {complaint}")


def _complaints(state: State) -> Iterator[str]:
    try:
        yield from _ids(state)
        yield from _counters(state)
        yield from _outside(state)
        yield from _past(state)
        yield from _crons(state)
        yield from _runs(state)
        yield from _queues(state)
        yield from _messages(state)
        yield from _deliveries(state)
        yield from _timeline(state)
        yield from _journal(state)
    except KeyError as missing:
        yield f"something refers to {missing}, which is not there"


def _ids(state: State) -> Iterator[str]:
    """Say what is there twice."""
    named: dict[str, Iterable[Any]] = {
        "cron": [cron.cron_id for cron in state.crons],
        "number of a cron": [cron.number for cron in state.crons],
        "task": [task.task_id for task in state.tasks],
        "run": [run.run_id for run in state.runs],
        "number of a run": [run.number for run in state.runs],
        "queue": [queue.queue for queue in state.queues],
        "number of a queue": [queue.number for queue in state.queues],
        "message": [message.message_id for message in state.messages],
        "arrival of a message": [message.arrival for message in state.messages],
        "position of a message": [(message.queue, message.position) for message in state.messages],
        "delivery": [delivery.delivery_id for delivery in state.deliveries],
        "attempt": [attempt.attempt_id for attempt in state.attempts],
        "entry of the timeline": [entry.seq for entry in state.timeline],
        "idempotency key": [call.scope for call in state.remembered],
    }
    for what, names in named.items():
        for name, count in Counter(names).items():
            if count > 1:
                yield f"the {what} {name!r} is there {count} times"


def _counters(state: State) -> Iterator[str]:
    """Say where the next number of a kind would not be a new one."""
    used = {
        "cron": [cron.number for cron in state.crons],
        "run": [run.number for run in state.runs],
        "finish": [run.finish_number for run in state.runs],
        "queue": [queue.number for queue in state.queues],
        "arrival": [number for message in state.messages for number in (message.arrival, message.position)],
        "msg": [_number(message.message_id) for message in state.messages],
        "task": [_number(task.task_id) for task in state.tasks],
        "dlv": [_number(delivery.delivery_id) for delivery in state.deliveries],
        "sub": [_number(queue.subscription.subscription_id) for queue in state.queues if queue.subscription],
    }
    for kind, numbers in used.items():
        if max(numbers, default=0) > state.counters.get(kind, 0):
            yield f"the counter of {kind} lies behind what is in use"
    if max((entry.seq for entry in state.timeline), default=0) >= state.next_entry:
        yield "`next_entry` lies behind the entries of the timeline"


def _number(name: str) -> int:
    """Return the number in an id that the sandbox made."""
    digits = name.rpartition("_")[2]
    return int(digits) if digits.isascii() and digits.isdecimal() and len(digits) < 18 else 0


def _outside(state: State) -> Iterator[str]:
    """Say which routes, URLs and headers the sandbox would not have taken."""
    sides = [*state.routes.items(), *state.settings.routes.items()]
    given = [(cron.task, cron.headers) for cron in state.crons]
    given += [(delivery.url, delivery.headers) for delivery in state.deliveries]
    given += [(queue.subscription.url, {}) for queue in state.queues if queue.subscription]
    given += [(cron.on_failure_webhook, {}) for cron in state.crons if cron.on_failure_webhook is not None]
    given += [(run.on_failure_webhook, {}) for run in state.runs if run.on_failure_webhook is not None]
    try:
        for left, right in sides:
            urls.check_route(left, right)
        for url, headers in given:
            urls.check_target(url, parameter="url", push=False, strict=False, routed=True)
            urls.check_headers(headers)
    except urls.UrlError as error:
        yield error.message


def _past(state: State) -> Iterator[str]:
    """Say what has happened later than now."""
    instants: dict[str, list[int | None]] = {
        "a run": [instant for run in state.runs for instant in (run.started_ms, run.finished_ms)],
        "a message": [
            instant for each in state.messages for instant in (each.published_ms, each.kept_from_ms, each.died_ms)
        ],
        "an idempotency key": [call.at_ms for call in state.remembered],
        "a request": [entry.at_ms for entry in state.requests],
        "a delivery": [entry.at_ms + (entry.duration_ms or 0) for entry in state.delivered],
    }
    for what, happened in instants.items():
        if max((instant for instant in happened if instant is not None), default=0) > state.now_ms:
            yield f"{what} has an instant later than `now_ms`"


def _crons(state: State) -> Iterator[str]:
    runs = {run.run_id: run for run in state.runs}
    for cron in state.crons:
        going_on = [run.run_id for run in state.runs if run.owner_id == cron.cron_id and run.state in UNDER_WAY]
        if sorted(going_on) != sorted([*cron.under_way, *cron.waiting]):
            yield f"{cron.cron_id} must name its runs under way and waiting, each once"
        if any(runs[run_id].state != "queued" or runs[run_id].entry is not None for run_id in cron.waiting):
            yield f"{cron.cron_id} lets a run wait that is on its way"
        if any(runs[run_id].state == "queued" and runs[run_id].entry is None for run_id in cron.under_way):
            yield f"{cron.cron_id} has a run under way that waits for nothing"
        if (cron.next_run_ms is None) != (cron.fire_entry is None):
            yield f"{cron.cron_id} must have a next run exactly when its fire is due"
        if (cron.run_at_ms is None) == (not cron.cron_expr):
            yield f"{cron.cron_id} must have an expression or an instant, one of the two"


def _runs(state: State) -> Iterator[str]:
    crons = {cron.cron_id for cron in state.crons}
    tasks = {task.task_id: task for task in state.tasks}
    deliveries = {delivery.delivery_id: delivery for delivery in state.deliveries}
    attempts = {attempt.owner_id for attempt in state.attempts if attempt.kind in {"cron", "task"}}
    owned = Counter(run.owner_id for run in state.runs if run.kind == "task")
    for task in state.tasks:
        if owned[task.task_id] != 1 or not any(run.run_id == task.run_id for run in state.runs):
            yield f"{task.task_id} must have one run"
    for run in state.runs:
        known = run.owner_id in crons if run.kind == "cron" else tasks[run.owner_id].run_id == run.run_id
        if not known:
            yield f"{run.run_id} belongs to {run.owner_id!r}, which is not there"
        if (run.finished_ms is None) != (run.state in UNDER_WAY) or (run.started_ms is None) != (
            run.state == "scheduled"
        ):
            yield f"the instants of {run.run_id} do not fit its state"
        if (run.delivery_id is None) == (run.state in UNDER_WAY):
            yield f"{run.run_id} must have a delivery exactly while it is not over"
        if run.delivery_id is not None and not _sent_for(run, deliveries[run.delivery_id]):
            yield f"the delivery of {run.run_id} is another one's"
        if run.state == "running" and (run.entry is None) != (run.run_id in attempts):
            yield f"{run.run_id} must either be under way or wait to retry"


def _sent_for(run: Run, delivery: Delivery) -> bool:
    same = (delivery.kind, delivery.owner_id, delivery.source_id) == (run.kind, run.run_id, run.owner_id)
    tried = 1 <= delivery.attempt <= delivery.max_attempts
    return same and (tried if run.state == "running" else delivery.attempt == 0)


def _queues(state: State) -> Iterator[str]:
    names = {queue.queue for queue in state.queues}
    for queue in state.queues:
        wanted = {queue.dead_letter_queue, queue.subscription and queue.subscription.dead_letter_queue} - {None}
        if queue.queue in wanted or not wanted <= names:
            yield f"the dead-letter queue of {queue.queue!r} must be another queue that is there"


def _messages(state: State) -> Iterator[str]:
    queues = {queue.queue: queue for queue in state.queues}
    deliveries = {delivery.delivery_id: delivery for delivery in state.deliveries}
    for message in state.messages:
        holder, _origin = queues[message.queue], queues[message.origin]
        if message.place == "dead" and message.died_ms is None:
            yield f"{message.message_id} is dead and has not died"
        if message.died_ms is None and message.queue != message.origin:
            yield f"{message.message_id} is alive and not where it was published"
        if (message.entry is not None) != (message.place in WAITS_FOR):
            yield f"{message.message_id} must wait exactly while it is delayed or in flight"
        if message.pushed_by is not None and (holder.subscription is None or message.place != "in_flight"):
            yield f"{message.message_id} is pushed by nobody"
        if message.delivery_id is not None and not _pushed(message, deliveries[message.delivery_id]):
            yield f"the delivery of {message.message_id} is another one's"


def _pushed(message: Message, delivery: Delivery) -> bool:
    same = (delivery.kind, delivery.owner_id) == ("push", message.message_id)
    return same and message.place != "dead" and delivery.attempt > 0


def _deliveries(state: State) -> Iterator[str]:
    runs = {run.run_id: run for run in state.runs}
    owned = {run.delivery_id for run in state.runs} | {message.delivery_id for message in state.messages}
    for delivery in state.deliveries:
        if delivery.delivery_id not in owned and delivery.kind != "failure":
            yield f"nothing is sent with {delivery.delivery_id}"
        if delivery.numbered and not isinstance(delivery.body, dict):
            yield f"the body of {delivery.delivery_id} has no place for a number"
    tried = Counter(attempt.owner_id for attempt in state.attempts if attempt.kind in {"cron", "task"})
    for attempt in state.attempts:
        if attempt.kind == "task" and runs[attempt.owner_id].state != "running":
            yield f"{attempt.attempt_id} is made for a run that is not under way"
        run = runs.get(attempt.owner_id)
        if attempt.kind == "cron" and run is not None and (run.state != "running" or tried[run.run_id] > 1):
            yield f"{attempt.attempt_id} is made for a run that is not under way"
        if attempt.kind == "task" and tried[attempt.owner_id] > 1:
            yield f"{attempt.owner_id} is tried twice at once"


def _timeline(state: State) -> Iterator[str]:
    """Say what waits and is not on the timeline, and what is on it and nothing waits for."""
    expected, loose = _waited_for(state), Counter(_loose(state))
    for entry in state.timeline:
        waiting = (entry.kind, entry.subject, entry.queue)
        if entry.seq in expected:
            if expected.pop(entry.seq) != waiting:
                yield f"entry {entry.seq} of the timeline is waited for by something else"
        elif loose[waiting] > 0:
            loose[waiting] -= 1
        else:
            yield f"nothing waits for entry {entry.seq} of the timeline ({entry.kind} of {entry.subject!r})"
    for kind, subject, _queue in (*expected.values(), *(+loose)):
        yield f"the {kind} of {subject!r} is not on the timeline"


def _waited_for(state: State) -> dict[int, Waiting]:
    """Return what each entry is that a record names."""
    found: dict[int | None, Waiting] = {}
    tasks = {task.run_id: task.task_id for task in state.tasks}
    for cron in state.crons:
        found[cron.fire_entry] = ("cron", cron.cron_id, None)
    for run in state.runs:
        kind: Kind = {"scheduled": "task", "queued": "run"}.get(run.state, "retry")  # type: ignore[assignment]
        found[run.entry] = (kind, tasks[run.run_id] if kind == "task" else run.run_id, None)
    for message in state.messages:
        if message.place in WAITS_FOR:
            found[message.entry] = (WAITS_FOR[message.place], message.message_id, message.queue)
    for queue in state.queues:
        found[queue.push_entry] = ("push", queue.queue, None)
        found[queue.retention_entry] = ("message_retention", queue.queue, None)
    histories = {history_of(run) for run in state.runs if run.finished_ms is not None}
    for history, seq in state.retention_entries.items():
        if history == KEYS:
            found[seq] = ("forget_keys", "", None)
        elif history in histories or history == TASKS:
            found[seq] = ("run_retention", history, None)
    return {seq: waiting for seq, waiting in found.items() if seq is not None}


def _loose(state: State) -> Iterator[Waiting]:
    """Yield what is waited for without a record naming the entry."""
    for delivery in state.deliveries:
        if delivery.kind == "failure":
            yield ("failure", delivery.delivery_id, None)
    for attempt in state.attempts:
        if attempt.outcome is not None:
            yield ("attempt", attempt.attempt_id, None)


def _journal(state: State) -> Iterator[str]:
    seqs = [*(entry.seq for entry in state.requests), *(entry.seq for entry in state.delivered)]
    if max(seqs, default=0) > state.journal_seq:
        yield "`journal_seq` lies behind the entries of the journal"
    for numbers in (seqs[: len(state.requests)], seqs[len(state.requests) :]):
        if numbers != sorted(set(numbers)):
            yield "the entries of the journal must stand in their order"
    for request in state.requests:
        for content in (request.exchange.body, request.exchange.response):
            if content is not None and not _is_json(content):
                yield f"request {request.seq} of the journal is no JSON"


def _is_json(content: bytes) -> bool:
    try:
        decode(content)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return False
    return True
