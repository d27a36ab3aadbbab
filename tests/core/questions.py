"""For each open question about behaviour: a session that shows the answer, and a similar one that does not.

`QUESTIONS` names every answer with what it makes of the first session. An answer that is added to the catalogue and not
here makes a test fail, here and in what is relied on.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from sched_emulator.core.instants import from_text
from tests.core.harness import HOUR, MINUTE, START_MS, Box

HOOK = "https://api.acme.com/hook"


class Question(NamedTuple):
    """`observe` shows the answer, `answers` says what is seen under each, `unmoved` is a session that does not tell."""

    observe: Callable[[Box], Any]
    answers: dict[str, Any]
    unmoved: Callable[[Box], Any]


# --- Crons, tasks and their deliveries


def six_fields(box: Box, expression: str = "30 0 9 * * 1") -> str | None:
    box.call("cron.create", cron_expr=expression, task=HOOK)
    return box.next_run("cron_000001")


def half_past_two_in_march(box: Box, timezone: str = "America/New_York") -> str | None:
    box.sandbox.set_now(from_text("2026-03-08T00:00:00Z"))
    box.call("cron.create", cron_expr="30 2 * * *", task=HOOK, timezone=timezone)
    return box.next_run("cron_000001")


def two_names(box: Box, second: str = "x") -> list[int]:
    return [box.status("cron.create", cron_expr="0 9 * * *", task=HOOK, name=name) for name in ("x", second)]


def trigger_paused(box: Box, *, paused: bool = True) -> int:
    box.call("cron.create", cron_expr="0 9 * * *", task=HOOK)
    if paused:
        box.call("cron.pause", cron_id="cron_000001")
    return box.status("cron.trigger", cron_id="cron_000001")


def trigger_the_only_run(box: Box, max_runs: int) -> bool:
    box.call("cron.create", cron_expr="0 9 * * *", task=HOOK, max_runs=max_runs)
    box.call("cron.trigger", cron_id="cron_000001")
    enabled: bool = box.call("cron.get", cron_id="cron_000001")["enabled"]
    return enabled


def every_minute(box: Box, latency_seconds: float, **options: Any) -> list[float]:
    box.script(HOOK, {"latency_seconds": latency_seconds})
    box.call("cron.create", cron_expr="* * * * *", task=HOOK, **options)
    box.advance(150)
    return box.seconds_sent()


def fires_during_a_long_run(box: Box, latency_seconds: float = 290) -> list[str]:
    every_minute(box, latency_seconds, overlap_policy="queue")
    box.advance(100)
    return [run["state"] for run in reversed(box.call("run.list")["items"])]


def a_task(box: Box, *statuses: int, **options: Any) -> None:
    box.script(HOOK, *statuses)
    box.call("task.schedule", task=HOOK, run_at_ms=START_MS, payload={"n": 1}, **options)
    box.advance(5 * MINUTE)


def failing_task(box: Box) -> list[float]:
    a_task(box, 500)
    return box.seconds_sent()


def posted(box: Box) -> Any:
    a_task(box, 200)
    return box.bodies()[0]


def triggered_and_deleted(box: Box) -> None:
    trigger_paused(box, paused=False)
    box.call("cron.delete", cron_id="cron_000001")


def signature_headers(box: Box) -> list[str]:
    a_task(box, 200, secret="s3cret")  # noqa: S106 - a secret for tests
    headers = box.store.journal.deliveries[0].headers
    return [name for name in headers if name.lower().startswith(("x-infrai-s", "x-infrai-t", "webhook"))]


def finished_run(box: Box, retention_days: int = 0) -> list[str]:
    box.call("cron.create", cron_expr="0 9 * * *", task=HOOK)
    box.call("cron.retention.set", cron_id="cron_000001", retention_days=retention_days)
    box.call("cron.trigger", cron_id="cron_000001")
    box.advance()
    return [run["run_id"] for run in box.call("run.list")["items"]]


def task_an_hour_ago(box: Box, seconds: int = -HOUR) -> int:
    return box.status("task.schedule", task=HOOK, run_at_ms=START_MS + 1000 * seconds)


# --- Queues


def publish_to_unknown(box: Box, *, created: bool = False) -> int:
    if created:
        box.call("queue.create", queue="q")
    return box.status("queue.publish", queue="q", payload={})


def consume_unknown(box: Box, *, created: bool = False) -> int:
    if created:
        box.call("queue.create", queue="q")
    return box.status("queue.consume", queue="q")


def create_twice(box: Box, **second: Any) -> list[int]:
    return [box.status("queue.create", queue="q"), box.status("queue.create", queue="q", **second)]


def in_flight(box: Box, *payloads: Any, lease: float = 30, **settings: Any) -> None:
    """Publish to a new queue `q` and consume the first message."""
    box.call("queue.create", queue="q", **settings)
    box.publish("q", *payloads)
    box.consume("q", max_messages=1, visibility_timeout=lease)


def nack(box: Box, **options: Any) -> bool:
    requeued: bool = box.call("queue.nack", queue="q", message_id="msg_000001", **options)["requeued"]
    return requeued


def first_nack(box: Box, max_retries: int = 1) -> bool:
    in_flight(box, 1, max_retries=max_retries)
    return nack(box, requeue=True)


def dead_by_expiry(box: Box, max_retries: int = 0) -> list[Any]:
    in_flight(box, 1, lease=1, max_retries=max_retries)
    box.advance(1)
    return box.dead("q")


def plain_nack(box: Box, **options: bool) -> bool:
    in_flight(box, 1)
    return nack(box, **options)


def next_after_nack(box: Box, *payloads: int) -> list[Any]:
    in_flight(box, *payloads)
    nack(box, requeue=True)
    return box.consume("q", max_messages=1)


def next_after_death(box: Box) -> list[Any]:
    in_flight(box, 1)
    nack(box, requeue=False)
    return box.consume("q", max_messages=1)


def dead_letters(box: Box, **settings: Any) -> list[Any]:
    box.call("queue.create", queue="dead")
    in_flight(box, 1, **settings)
    nack(box, requeue=False)
    return box.dead("q")


def consume_dead_letters(box: Box, **settings: Any) -> list[Any]:
    dead_letters(box, **settings)
    return box.consume("dead")


def ack_after(box: Box, seconds: float = 1) -> int:
    in_flight(box, 1, lease=1)
    box.advance(seconds)
    return box.status("queue.ack", queue="q", message_id="msg_000001")


def ack_something(box: Box, message_id: str = "msg_000009") -> int:
    in_flight(box, 1)
    return box.status("queue.ack", queue="q", message_id=message_id)


def fifo_behind_a_lease(box: Box, *, acked: bool = False) -> list[Any]:
    in_flight(box, 1, 2, type="fifo")
    if acked:
        box.call("queue.ack", queue="q", message_id="msg_000001")
    return box.consume("q")


def fifo_behind_a_delay(box: Box, *delays: float) -> list[Any]:
    box.call("queue.create", queue="q", type="fifo")
    for number, delay_seconds in enumerate(delays, 1):
        box.publish("q", number, delay_seconds=delay_seconds)
    return box.consume("q")


def by_priority(box: Box, *priorities: int, enable_priority: bool) -> list[Any]:
    box.call("queue.create", queue="q", enable_priority=enable_priority)
    for priority in priorities:
        box.publish("q", priority, priority=priority)
    return box.consume("q", max_messages=1)


def count_delayed(box: Box, delay_seconds: float = 60) -> tuple[int, int, int]:
    box.publish("q", 1, delay_seconds=delay_seconds)
    return box.counts("q")


def redrive_some(box: Box, max_messages: int = 1) -> int:
    in_flight(box, 1, 2)
    box.consume("q")
    for message_id in ("msg_000001", "msg_000002"):
        box.call("queue.nack", queue="q", message_id=message_id, requeue=False)
    redriven: int = box.call("queue.dlq.redrive", queue="q", max_messages=max_messages)["redriven"]
    return redriven


def pushed(box: Box, *, purged: bool = False) -> list[Any]:
    box.call("queue.create", queue="q")
    box.call("queue.push_subscribe", queue="q", url=HOOK)
    box.publish("q", {"n": 1})
    if purged:
        box.call("queue.purge", queue="q")
    box.advance()
    return box.bodies()


def push_and_fail(box: Box, own: int | None = None) -> int:
    box.script(HOOK, 500)
    box.call("queue.create", queue="q", max_retries=0)
    box.call("queue.push_subscribe", queue="q", url=HOOK, max_retries=own)
    box.publish("q", {})
    box.advance(HOUR)
    return len(box.sent())


# --- Idempotency


def one_key_twice(box: Box, second: int = 2) -> list[int]:
    return [box.status("queue.publish", key="k", queue="q", payload=payload) for payload in (1, second)]


def create_with_key(box: Box, key: str | None = None) -> int:
    return box.status("queue.create", key=key, queue="q")


EVENT = {
    "type": "task.run",
    "run_id": "run_000001",
    "task_id": "task_000001",
    "scheduled_at": "2026-01-01T00:00:00.000Z",
    "attempt": 1,
    "payload": {"n": 1},
}
MESSAGE = {"message_id": "msg_000001", "queue": "q", "payload": {"n": 1}, "attempt": 1}
STANDARD_WEBHOOKS = ["webhook-id", "webhook-timestamp", "webhook-signature"]

QUESTIONS: dict[str, Question] = {
    "cron.seconds_position": Question(
        six_fields,
        {"first": "2026-01-05T09:00:30.000Z", "last": "2026-01-09T00:30:01.000Z"},
        lambda box: six_fields(box, "* * * * * *"),
    ),
    "cron.dst": Question(
        half_past_two_in_march,
        {"vixie": "2026-03-08T07:00:00.000Z", "literal": "2026-03-09T06:30:00.000Z"},
        lambda box: half_past_two_in_march(box, "America/Phoenix"),
    ),
    "cron.duplicate_name": Question(
        two_names, {"allow": [200, 200], "reject": [200, 409]}, lambda box: two_names(box, "y")
    ),
    "cron.trigger_when_paused": Question(
        trigger_paused, {"run": 200, "reject": 409}, lambda box: trigger_paused(box, paused=False)
    ),
    "cron.max_runs_counts": Question(
        lambda box: trigger_the_only_run(box, max_runs=1),
        {"scheduled": True, "all": False},
        lambda box: trigger_the_only_run(box, max_runs=2),
    ),
    "cron.overlap_default": Question(
        lambda box: every_minute(box, 90),
        {"allow": [60, 120], "skip": [60], "queue": [60, 150]},
        lambda box: every_minute(box, 1),
    ),
    "cron.queue_depth": Question(
        fires_during_a_long_run,
        {"all": ["running", "queued", "queued", "queued"], "one": ["running", "queued", "skipped", "skipped"]},
        lambda box: fires_during_a_long_run(box, 1),
    ),
    "delivery.backoff": Question(
        failing_task,
        {"exponential": [0, 10, 30, 70], "fixed": [0, 60, 120, 180], "immediate": [0, 0, 0, 0]},
        posted,
    ),
    "delivery.body": Question(posted, {"payload": {"n": 1}, "event": EVENT}, triggered_and_deleted),
    "signature.scheme": Question(
        signature_headers,
        {
            "x-infrai-signature": ["X-Infrai-Signature"],
            "x-infrai-timestamp": ["X-Infrai-Signature", "X-Infrai-Timestamp"],
            "standard-webhooks": STANDARD_WEBHOOKS,
        },
        posted,
    ),
    "run.retention_zero": Question(
        finished_run, {"none_kept": [], "forever": ["run_000001"]}, lambda box: finished_run(box, 1)
    ),
    "task.past_run_at": Question(
        task_an_hour_ago, {"fire_now": 200, "reject": 400}, lambda box: task_an_hour_ago(box, 0)
    ),
    "queue.publish_unknown": Question(
        publish_to_unknown, {"create": 200, "reject": 404}, lambda box: publish_to_unknown(box, created=True)
    ),
    "queue.consume_unknown": Question(
        consume_unknown, {"reject": 404, "empty": 200}, lambda box: consume_unknown(box, created=True)
    ),
    "queue.create_existing": Question(
        create_twice, {"same_ok": [200, 200], "reject": [200, 409]}, lambda box: create_twice(box, max_retries=9)
    ),
    "queue.max_retries_counts": Question(
        first_nack, {"allowed": True, "total": False}, lambda box: first_nack(box, max_retries=2)
    ),
    "queue.expiry_counts": Question(
        dead_by_expiry, {"ignored": [], "counted": [1]}, lambda box: dead_by_expiry(box, max_retries=1)
    ),
    "queue.nack_default": Question(
        plain_nack, {"requeue": True, "dead_letter": False}, lambda box: plain_nack(box, requeue=True)
    ),
    "queue.nack_position": Question(
        lambda box: next_after_nack(box, 1, 2), {"front": [1], "back": [2]}, lambda box: next_after_nack(box, 1)
    ),
    "queue.nack_delay": Question(lambda box: next_after_nack(box, 1), {"now": [1], "backoff": []}, next_after_death),
    "queue.dead_without_dlq": Question(
        dead_letters, {"kept": [1], "dropped": []}, lambda box: dead_letters(box, dead_letter_queue="dead")
    ),
    "queue.dlq_consumable": Question(
        lambda box: consume_dead_letters(box, dead_letter_queue="dead"),
        {"consumable": [1], "held": []},
        consume_dead_letters,
    ),
    "queue.ack_expired": Question(ack_after, {"accept": 200, "reject": 409}, lambda box: ack_after(box, 0.999)),
    "queue.ack_unknown": Question(
        ack_something, {"reject": 404, "accept": 200}, lambda box: ack_something(box, "msg_000001")
    ),
    "queue.fifo_in_flight": Question(
        fifo_behind_a_lease, {"block": [], "allow": [2]}, lambda box: fifo_behind_a_lease(box, acked=True)
    ),
    "queue.fifo_delayed": Question(
        lambda box: fifo_behind_a_delay(box, 60, 0),
        {"block": [], "pass": [2]},
        lambda box: fifo_behind_a_delay(box, 0, 60),
    ),
    "queue.priority_off": Question(
        lambda box: by_priority(box, 1, 9, enable_priority=False),
        {"ignore": [1], "honour": [9]},
        lambda box: by_priority(box, 9, 1, enable_priority=False),
    ),
    "queue.priority_order": Question(
        lambda box: by_priority(box, 1, 9, enable_priority=True),
        {"high_first": [9], "low_first": [1]},
        lambda box: by_priority(box, 5, 5, enable_priority=True),
    ),
    "queue.stats_delayed": Question(
        count_delayed, {"hidden": (0, 0, 0), "available": (1, 0, 0)}, lambda box: count_delayed(box, 0)
    ),
    "queue.redrive_max": Question(redrive_some, {"honour": 1, "ignore": 2}, lambda box: redrive_some(box, 2)),
    "push.body": Question(pushed, {"message": [MESSAGE], "payload": [{"n": 1}]}, lambda box: pushed(box, purged=True)),
    "push.max_retries_from": Question(push_and_fail, {"queue": 1, "constant": 4}, lambda box: push_and_fail(box, 2)),
    "idempotency.conflict": Question(
        one_key_twice, {"reject": [200, 409], "replay": [200, 200]}, lambda box: one_key_twice(box, 1)
    ),
    "idempotency.required": Question(
        create_with_key, {"optional": 200, "required": 400}, lambda box: create_with_key(box, "k")
    ),
}
