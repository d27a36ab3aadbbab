from typing import Any

import pytest

from sched_emulator.core.instants import to_text
from tests.core.harness import DAY, HOUR, START_MS, Box

HOOK = "https://api.acme.com/once"


def test_a_task_fires_once_at_its_instant(box: Box) -> None:
    assert box.call("task.schedule", task=HOOK, run_at_ms=START_MS + 90_500, payload={"n": 1}) == {
        "task_id": "task_000001",
        "task": HOOK,
        "run_at": START_MS + 90_500,
        "state": "scheduled",
    }
    assert box.call("run.list")["items"] == [
        {"run_id": "run_000001", "task_id": "task_000001", "state": "scheduled"},
    ]
    box.advance(DAY)
    assert (box.sent(), box.bodies()) == ([(90.5, HOOK, 1, "captured")], [{"n": 1}])
    assert box.call("run.list")["items"] == [
        {
            "run_id": "run_000001",
            "task_id": "task_000001",
            "state": "succeeded",
            "started_at": START_MS + 90_500,
            "finished_at": START_MS + 90_500,
            "response_status": 200,
        }
    ]


@pytest.mark.parametrize("past_ms", [1, 10**12])
def test_a_task_of_the_past_fires_at_once_and_starts_when_it_fires(box: Box, past_ms: int) -> None:
    assert box.call("task.schedule", task=HOOK, run_at_ms=START_MS - past_ms)["run_at"] == START_MS - past_ms
    box.advance()
    assert box.seconds_sent() == [0]
    assert box.call("run.list")["items"][0]["started_at"] == START_MS


def test_a_task_of_this_very_instant_is_not_of_the_past() -> None:
    box = Box({"task.past_run_at": "reject"})
    assert box.status("task.schedule", task=HOOK, run_at_ms=START_MS) == 200
    assert box.refused("task.schedule", task=HOOK, run_at_ms=START_MS - 1) == (
        400,
        f"`run_at` must not lie in the past (it is {to_text(START_MS)}), got 2025-12-31T23:59:59.999Z",
    )


def test_a_task_retries_as_it_was_told(box: Box) -> None:
    box.script(HOOK, 500, {"error": "reset"}, 200)
    box.call("task.schedule", task=HOOK, run_at_ms=START_MS, retry=2)
    box.advance(HOUR)
    assert box.sent() == [(0, HOOK, 1, "failed"), (10, HOOK, 2, "failed"), (30, HOOK, 3, "delivered")]
    assert box.states() == [("run_000001", "succeeded")]


def test_a_task_that_keeps_failing_fails_without_a_webhook(box: Box) -> None:
    box.script(HOOK, 500)
    box.call("task.schedule", task=HOOK, run_at_ms=START_MS, retry=0)
    box.advance(HOUR)
    assert box.sent() == [(0, HOOK, 1, "failed")]
    assert box.call("run.list")["items"][0]["error"] == "HTTP 500"


def test_a_task_is_limited_by_its_own_time(box: Box) -> None:
    box.script(HOOK, {"latency_seconds": 5})
    for timeout_seconds in (5, 5.001):
        box.call("task.schedule", task=HOOK, run_at_ms=START_MS, retry=0, timeout_seconds=timeout_seconds)
    box.advance(HOUR)
    assert box.sent() == [(0, HOOK, 1, "timeout"), (0, HOOK, 1, "delivered")]


def test_a_task_is_signed_when_there_is_a_secret(box: Box) -> None:
    for secret in (None, "s3cret"):
        box.call("task.schedule", task=HOOK, run_at_ms=START_MS, secret=secret, headers={"X-Team": "ops"})
    box.advance()
    assert [
        (entry.headers["X-Team"], "X-Infrai-Signature" in entry.headers) for entry in box.store.journal.deliveries
    ] == [("ops", False), ("ops", True)]


@pytest.mark.parametrize(
    ("wrong", "parameter"),
    [({"task": "mailto:a@b.c"}, "task"), ({"headers": {"Transfer-Encoding": "chunked"}}, "headers")],
)
def test_a_task_that_cannot_be_sent_is_refused_and_leaves_nothing(
    box: Box, wrong: dict[str, Any], parameter: str
) -> None:
    status, message = box.refused("task.schedule", **{"task": HOOK, "run_at_ms": START_MS, **wrong})
    assert (status, message.startswith(f"`{parameter}`")) == (400, True)
    assert (box.store.tasks, box.store.runs, box.due()) == ({}, {}, [])


def test_tasks_of_one_instant_fire_in_the_order_of_scheduling(box: Box) -> None:
    for number in range(3):
        box.call("task.schedule", task=HOOK, run_at_ms=START_MS + 1000, payload={"n": number})
    box.advance(1)
    assert box.bodies() == [{"n": 0}, {"n": 1}, {"n": 2}]
