from itertools import product
from typing import Any

import pytest

from sched_emulator.core import runs
from sched_emulator.core.records import Run, RunState
from tests.core.harness import DAY, HOUR, START_MS, Box

HOOK = "https://api.acme.com/hook"
CRON = "cron_000001"
MINUTELY = {"cron_expr": "* * * * *", "task": HOOK}


def make_run(state: RunState) -> Run:
    return Run(run_id="run_000001", number=1, owner_id=CRON, kind="cron", state=state, scheduled_ms=START_MS)


def listed(box: Box, **options: Any) -> list[str]:
    return [run["run_id"] for run in box.call("run.list", **options)["items"]]


# --- States


@pytest.mark.parametrize(("before", "event", "after"), [(*key, state) for key, state in runs.TRANSITIONS.items()])
def test_a_run_moves_by_the_table(before: RunState, event: str, after: RunState) -> None:
    run = make_run(before)
    runs.move(run, event)
    assert run.state == after


STATES: list[RunState] = ["scheduled", "queued", "running", "succeeded", "failed", "skipped"]
EVENTS = ["start", "retry", "succeed", "fail", "skip"]


@pytest.mark.parametrize(("state", "event"), sorted(set(product(STATES, EVENTS)) - runs.TRANSITIONS.keys()))
def test_any_other_move_is_a_mistake_that_names_both(state: RunState, event: str) -> None:
    with pytest.raises(KeyError, match=f"'{state}', '{event}'"):
        runs.move(make_run(state), event)


def test_a_run_tells_what_it_has_to_say_and_no_more(box: Box) -> None:
    box.script(HOOK, {"latency_seconds": 5, "status": 503}, {"latency_seconds": 5})
    box.call("cron.create", **MINUTELY, max_runs=1)
    seen = []
    for seconds in (60, 5, 10, 5):
        box.advance(seconds)
        seen.append(box.call("cron.runs.get", cron_id=CRON, run_id="run_000001"))
    begun = {"run_id": "run_000001", "cron_id": CRON, "state": "running", "started_at": START_MS + 60_000}
    failed_once = {**begun, "response_status": 503, "error": "HTTP 503"}
    ended = {**begun, "state": "succeeded", "finished_at": START_MS + 80_000, "response_status": 200}
    assert seen == [begun, failed_once, failed_once, ended]


def test_a_failed_run_says_why(box: Box) -> None:
    box.script(HOOK, {"error": "refused"})
    box.call("cron.create", **MINUTELY, retry=0, max_runs=1)
    box.advance(60)
    assert box.call("cron.runs.get", cron_id=CRON, run_id="run_000001") == {
        "run_id": "run_000001",
        "cron_id": CRON,
        "state": "failed",
        "started_at": START_MS + 60_000,
        "finished_at": START_MS + 60_000,
        "error": "connection refused",
    }


@pytest.mark.parametrize("run_id", ["run_000009", "run_000002", "nothing"])
def test_a_run_is_found_under_its_own_cron_only(box: Box, run_id: str) -> None:
    for _ in range(2):
        box.call("cron.create", **MINUTELY)
        box.call("cron.trigger", cron_id=f"cron_00000{_ + 1}")
    assert box.refused("cron.runs.get", cron_id=CRON, run_id=run_id) == (404, f"run '{run_id}' not found")
    assert box.refused("cron.runs.get", cron_id="cron_9", run_id="run_000001") == (404, "cron 'cron_9' not found")


def test_a_tasks_run_is_no_crons_run(box: Box) -> None:
    box.call("cron.create", **MINUTELY)
    box.call("task.schedule", task=HOOK, run_at_ms=START_MS)
    assert box.status("cron.runs.get", cron_id=CRON, run_id="run_000001") == 404


# --- The list


def test_runs_of_crons_and_tasks_are_listed_newest_first(box: Box) -> None:
    box.call("task.schedule", task=HOOK, run_at_ms=START_MS + 90_000)
    box.call("cron.create", **MINUTELY)
    box.advance(120)
    assert [
        (run["run_id"], run.get("cron_id"), run.get("task_id"), run["state"]) for run in box.call("run.list")["items"]
    ] == [
        ("run_000003", CRON, None, "succeeded"),
        ("run_000002", CRON, None, "succeeded"),
        ("run_000001", None, "task_000001", "succeeded"),
    ]


def test_pages_of_runs_show_each_once_while_new_ones_come_and_old_ones_go(box: Box) -> None:
    box.call("cron.create", **MINUTELY)
    box.advance(5 * 60)
    first = box.call("run.list", limit=2)
    box.advance(60)
    box.call("cron.create", **MINUTELY)
    box.store.runs.pop("run_000003")
    box.store.run_index.discard(3)
    second = box.call("run.list", limit=2, cursor=first["next_cursor"])
    assert [[run["run_id"] for run in page["items"]] for page in (first, second)] == [
        ["run_000005", "run_000004"],
        ["run_000002", "run_000001"],
    ]
    assert "next_cursor" not in second


# --- Retention


def test_a_run_stays_for_its_days_from_finishing(box: Box) -> None:
    box.script(HOOK, {"latency_seconds": 100})
    box.call("cron.create", **MINUTELY, max_runs=2)
    box.call("cron.retention.set", cron_id=CRON, retention_days=1)
    box.advance(160 + DAY - 1)
    assert listed(box) == ["run_000002", "run_000001"]
    box.advance(1)
    assert listed(box) == ["run_000002"]
    assert box.refused("cron.runs.get", cron_id=CRON, run_id="run_000001") == (404, "run 'run_000001' not found")
    box.advance(60)
    assert listed(box) == []


def test_the_first_to_finish_goes_first(box: Box) -> None:
    box.script(HOOK, {"latency_seconds": 200}, {"latency_seconds": 1})
    box.call("cron.create", **MINUTELY, max_runs=2)
    box.call("cron.retention.set", cron_id=CRON, retention_days=1)
    box.advance(DAY + 121)
    assert listed(box) == ["run_000001"]
    box.advance(139)
    assert listed(box) == []


def test_shorter_retention_drops_at_once_what_is_older(box: Box) -> None:
    box.call("cron.create", **MINUTELY, max_runs=3)
    box.advance(DAY + 120)
    assert box.call("cron.retention.set", cron_id=CRON, retention_days=1) == {"cron_id": CRON, "retention_days": 1}
    assert listed(box) == ["run_000003"]
    assert box.call("cron.retention.get", cron_id=CRON) == {"cron_id": CRON, "retention_days": 1}


def test_longer_retention_keeps_what_would_have_gone(box: Box) -> None:
    box.call("cron.create", **MINUTELY, max_runs=1)
    box.call("cron.retention.set", cron_id=CRON, retention_days=1)
    box.advance(HOUR)
    box.call("cron.retention.set", cron_id=CRON, retention_days=2)
    box.advance(DAY)
    assert listed(box) == ["run_000001"]
    box.advance(DAY)
    assert listed(box) == []


@pytest.mark.parametrize("status", [200, 500])
def test_zero_days_keep_no_finished_run_and_every_unfinished_one(box: Box, status: int) -> None:
    box.script(HOOK, {"latency_seconds": 90, "status": status})
    box.call("cron.create", **MINUTELY, retry=0, max_runs=2)
    box.call("cron.retention.set", cron_id=CRON, retention_days=0)
    box.advance(120)
    assert listed(box) == ["run_000002", "run_000001"]
    box.advance(30)
    assert listed(box) == ["run_000002"]
    box.advance(60)
    assert (listed(box), box.store.timeline.listed()) == ([], [])


def test_zero_days_keep_no_skipped_run_either(box: Box) -> None:
    box.script(HOOK, {"latency_seconds": 90})
    box.call("cron.create", **MINUTELY, overlap_policy="skip")
    box.call("cron.retention.set", cron_id=CRON, retention_days=0)
    box.advance(120)
    assert listed(box) == ["run_000001"]


def test_zero_days_can_mean_for_ever() -> None:
    box = Box({"run.retention_zero": "forever"})
    box.call("cron.create", **MINUTELY, max_runs=2)
    box.call("cron.retention.set", cron_id=CRON, retention_days=0)
    box.advance(4000 * DAY)
    assert listed(box) == ["run_000002", "run_000001"]


def test_retention_is_one_entry_for_each_cron_and_one_for_all_tasks(box: Box) -> None:
    for _ in range(2):
        box.call("cron.create", **MINUTELY, max_runs=3)
        box.call("task.schedule", task=HOOK, run_at_ms=START_MS)
    box.advance(HOUR)
    assert [(entry.kind, entry.subject) for entry in box.store.timeline.listed()] == [
        ("run_retention", "tasks"),
        ("run_retention", "cron_000001"),
        ("run_retention", "cron_000002"),
    ]


def test_a_tasks_record_goes_with_its_run(box: Box) -> None:
    box.call("task.schedule", task=HOOK, run_at_ms=START_MS)
    box.advance(30 * DAY)
    assert (box.store.runs, box.store.tasks) == ({}, {})


# --- Attempts


def test_body_and_delivery_id_and_run_id_stay_the_same_over_all_attempts(box: Box) -> None:
    box.script(HOOK, 500)
    box.call("cron.create", **MINUTELY, payload={"b": 1, "a": "ü"}, retry=2, max_runs=1)
    box.advance(HOUR)
    entries = box.store.journal.deliveries
    kept = {
        (str(entry.body), entry.headers["X-Infrai-Delivery-Id"], entry.headers["X-Infrai-Run-Id"]) for entry in entries
    }
    assert kept == {("{'b': 1, 'a': 'ü'}", "dlv_000001", "run_000001")}
    assert [entry.headers["X-Infrai-Attempt"] for entry in entries] == ["1", "2", "3"]


@pytest.mark.parametrize("retry", [0, 1, 10])
def test_retry_is_how_often_a_failed_attempt_is_repeated(box: Box, retry: int) -> None:
    box.script(HOOK, 500)
    box.call("cron.create", **MINUTELY, retry=retry, max_runs=1)
    box.advance(DAY)
    assert [number for _, _, number, _ in box.sent()] == list(range(1, retry + 2))


def test_each_attempt_has_the_whole_time_limit(box: Box) -> None:
    box.script(HOOK, {"error": "timeout"})
    box.call("cron.create", **MINUTELY, retry=1, timeout_seconds=1.5, max_runs=1)
    box.advance(HOUR)
    assert [(box.second(entry.at_ms), entry.duration_ms) for entry in box.store.journal.deliveries] == [
        (60, 1500),
        (71.5, 1500),
    ]
