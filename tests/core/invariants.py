"""What holds in a sandbox at every instant, whatever happens to it."""

from collections import Counter
from collections.abc import Callable
from typing import Any

from sched_emulator.core import queues, snapshot
from sched_emulator.core.contents import Contents
from sched_emulator.core.idempotency import KEYS
from sched_emulator.core.sandbox import Sandbox
from sched_emulator.core.store import Store

Json = dict[str, Any]


def check(sandbox: Sandbox) -> None:
    """Assert everything that holds at every instant."""
    check_places(sandbox)
    check_stats(sandbox)
    check_timeline(sandbox)
    check_references(sandbox)
    check_indexes(sandbox)
    check_pushes(sandbox)


def check_places(sandbox: Sandbox) -> None:
    """Each message is in exactly one place of exactly one queue."""
    found: Counter[str] = Counter()
    for name, contents in sandbox.store.contents.items():
        places = described(contents)
        found.update([*places["held"], *places["kept"]])
        assert len(places["held"]) == len(places["available"]) + contents.live.in_flight + contents.live.delayed, name
    assert found == Counter(sandbox.store.messages.keys())
    for message in sandbox.store.messages.values():
        contents = sandbox.store.contents[message.queue]
        assert (message.message_id in contents.kept.messages) == (message.place == "dead"), message
        assert (message.message_id in described(contents)["available"]) == (message.place == "available"), message
        assert (message.entry is not None) == (message.place in {"in_flight", "delayed"}), message
        assert message.origin in sandbox.store.queues


def check_stats(sandbox: Sandbox) -> None:
    """What `stats` counts adds up to the messages alive; `dlq` is what `dlq.list` lists."""
    counted = 0
    for name in sandbox.store.queues:
        stats = queues.stats(sandbox.store, queue=name)
        held = [message for message in sandbox.store.messages.values() if message.queue == name]
        hidden = sum(message.place == "delayed" for message in held)
        if sandbox.store.answers.values["queue.stats_delayed"] == "available":
            hidden = 0
        only_dead = sum(message.place == "dead" for message in held)
        listed = [m for m in sandbox.store.messages.values() if m.died_ms is not None and name in {m.origin, m.queue}]
        assert stats["dlq"] == len(listed), name
        counted += stats["available"] + stats["in_flight"] + hidden + only_dead
    assert counted == len(sandbox.store.messages)


def check_timeline(sandbox: Sandbox) -> None:
    """Every entry is to come, and is about something that lives and knows of it."""
    for entry in sandbox.store.timeline.listed():
        assert entry.due_ms >= sandbox.store.now_ms, entry
        assert WAITS_FOR[entry.kind](sandbox, entry.subject) in {entry.seq, None}, entry


def _attempt(sandbox: Sandbox, attempt_id: str) -> None:
    assert sandbox.store.attempts[attempt_id].outcome is not None


def _failure(sandbox: Sandbox, delivery_id: str) -> None:
    assert sandbox.store.deliveries[delivery_id].kind == "failure"


# By kind of entry: the entry that its subject waits for, None where the subject does not say.
WAITS_FOR: dict[str, Callable[[Sandbox, str], int | None]] = {
    "cron": lambda sandbox, subject: sandbox.store.crons[subject].fire_entry or 0,
    "run": lambda sandbox, subject: sandbox.store.runs[subject].entry or 0,
    "retry": lambda sandbox, subject: sandbox.store.runs[subject].entry or 0,
    "task": lambda sandbox, subject: sandbox.store.runs[sandbox.store.tasks[subject].run_id].entry or 0,
    "message": lambda sandbox, subject: sandbox.store.messages[subject].entry or 0,
    "lease": lambda sandbox, subject: sandbox.store.messages[subject].entry or 0,
    "push": lambda sandbox, subject: sandbox.store.queues[subject].push_entry or 0,
    "message_retention": lambda sandbox, subject: sandbox.store.queues[subject].retention_entry or 0,
    "run_retention": lambda sandbox, subject: sandbox.store.retention_entries[subject],
    "forget_keys": lambda sandbox, _: sandbox.store.retention_entries[KEYS] if sandbox.store.remembered else 0,
    "attempt": _attempt,
    "failure": _failure,
}


def check_references(sandbox: Sandbox) -> None:
    """Whatever a record waits for is on the timeline, and whatever it names exists."""
    waiting = [cron.fire_entry for cron in sandbox.store.crons.values()]
    waiting += [run.entry for run in sandbox.store.runs.values()]
    waiting += [message.entry for message in sandbox.store.messages.values()]
    waiting += [entry for queue in sandbox.store.queues.values() for entry in (queue.push_entry, queue.retention_entry)]
    waiting += sandbox.store.retention_entries.values()
    assert {entry for entry in waiting if entry is not None} <= {entry.seq for entry in sandbox.store.timeline.listed()}
    for cron in sandbox.store.crons.values():
        assert (cron.next_run_ms is None) == (cron.fire_entry is None)
        assert cron.enabled or cron.next_run_ms is None
        under_way = [
            run for run in sandbox.store.runs.values() if run.owner_id == cron.cron_id and run.finished_ms is None
        ]
        assert {run.run_id for run in under_way} == {*cron.under_way, *cron.waiting}
    for run in sandbox.store.runs.values():
        assert (run.finished_ms is not None) == (run.state in {"succeeded", "failed", "skipped"})
        assert (run.delivery_id is None) == (run.finished_ms is not None)
    owned = {run.delivery_id for run in sandbox.store.runs.values()} - {None}
    owned |= {message.delivery_id for message in sandbox.store.messages.values()} - {None}
    owned |= {entry.subject for entry in sandbox.store.timeline.listed() if entry.kind == "failure"}
    begun = [contents.live.deliveries for contents in sandbox.store.contents.values()]
    assert owned == {name for deliveries in (sandbox.store.deliveries, *begun) for name in deliveries}
    assert {task.run_id for task in sandbox.store.tasks.values()} <= sandbox.store.runs.keys()


def check_indexes(sandbox: Sandbox) -> None:
    """What is derived from the messages is what a restored sandbox derives."""
    restored = Store(snapshot.unseal(sandbox.snapshot()))
    queues.arrange(restored)
    for name, contents in sandbox.store.contents.items():
        assert described(restored.contents[name]) == described(contents), name


def check_pushes(sandbox: Sandbox) -> None:
    """A push is due exactly when one can be made, and a FIFO queue pushes one message at a time."""
    for name, queue in sandbox.store.queues.items():
        pushing = sum(attempt.queue == name for attempt in sandbox.store.attempts.values())
        assert sandbox.store.contents[name].pushing == pushing
        at_once = 1 if queue.type == "fifo" else sandbox.store.answers.constant("push.concurrency")
        can = pushing < at_once and queues.first_takeable(sandbox.store, queue) is not None
        assert (queue.push_entry is not None) == (queue.subscription is not None and can), name


def described(contents: Contents) -> Json:
    """Return all that a queue's contents say, as plain values."""
    live = contents.live
    return {
        "available": _available(live.available),
        "engaged": _ranks(live.engaged),
        "postponed": _ranks(live.postponed),
        "held": list(live.messages),
        "kept": list(contents.kept.messages),
        "dead": {origin: [item.message_id for item in index.items.values()] for origin, index in live.dead.items()},
        "kept_dead": {origin: list(index.items) for origin, index in contents.kept.dead.items()},
        "pushes": list(live.deliveries),
        "counts": (live.in_flight, live.delayed, contents.pushing),
    }


def _available(available: Any) -> Json:
    """Return the positions of what is available; what has a priority stands beside it, twice."""
    plain, ranked = _ranks(available._plain), _ranks(available._ranked)  # noqa: SLF001 - as in `_ranks`
    lanes = available._lanes.items()  # noqa: SLF001 - as in `_ranks`
    by_priority = {item: (rank, priority) for priority, lane in lanes for item, rank in _ranks(lane).items()}
    assert ranked == {item: rank for item, (rank, _) in by_priority.items()}
    return plain | by_priority


def _ranks(ranked: Any) -> Json:
    ranks: Json = dict(ranked._ranks)  # noqa: SLF001 - there is no other way to see the whole set
    return ranks
