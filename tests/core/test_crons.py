from typing import Any

import pytest

from sched_emulator.core.instants import from_text
from tests.core.harness import DAY, HOUR, MINUTE, START_MS, Box

HOOK = "https://api.acme.com/weekly"
ALARM = "https://ops.acme.com/alarm"
CRON = "cron_000001"
MINUTELY = {"cron_expr": "* * * * *", "task": HOOK}
DAILY = {"cron_expr": "0 9 * * *", "task": HOOK}


# --- Records


def test_create_and_get_answer_the_same_record(box: Box) -> None:
    created = box.call("cron.create", cron_expr="0 9 * * 1", task=HOOK)
    assert created == {
        "cron_id": CRON,
        "name": CRON,
        "cron_expr": "0 9 * * 1",
        "task": HOOK,
        "timezone": "UTC",
        "enabled": True,
        "next_run_at": from_text("2026-01-05T09:00:00Z"),
    }
    assert box.call("cron.get", cron_id=CRON) == created


def test_crons_are_listed_oldest_first(box: Box) -> None:
    for name in ("b", "a", "c"):
        box.call("cron.create", **DAILY, name=name)
    assert [item["name"] for item in box.call("cron.list")["items"]] == ["b", "a", "c"]


def test_a_deleted_cron_is_no_longer_listed(box: Box) -> None:
    for name in ("a", "b", "c"):
        box.call("cron.create", **DAILY, name=name)
    box.call("cron.delete", cron_id="cron_000002")
    assert [item["name"] for item in box.call("cron.list")["items"]] == ["a", "c"]


def test_the_next_fire_is_strictly_later_than_the_start(box: Box) -> None:
    box.call("cron.create", cron_expr="0 0 * * *", task=HOOK)
    assert box.next_run(CRON) == "2026-01-02T00:00:00.000Z"


def test_an_expression_counts_in_its_zone(box: Box) -> None:
    box.call("cron.create", cron_expr="0 9 * * *", task=HOOK, timezone="Asia/Shanghai")
    assert box.next_run(CRON) == "2026-01-01T01:00:00.000Z"


@pytest.mark.parametrize(
    "operation",
    ["get", "update", "delete", "pause", "resume", "trigger", "retention.get"],
)
def test_an_unknown_cron_is_not_found(box: Box, operation: str) -> None:
    assert box.refused(f"cron.{operation}", cron_id="cron_9") == (404, "cron 'cron_9' not found")


def test_a_name_as_long_as_a_novel_is_shortened_in_errors(box: Box) -> None:
    assert box.refused("cron.get", cron_id="x" * 81) == (404, f"cron '{'x' * 80}…' not found")


@pytest.mark.parametrize(
    ("wrong", "parameter"),
    [
        ({"cron_expr": "61 * * * *"}, "cron_expr"),
        ({"cron_expr": "0 0 30 2 *"}, "cron_expr"),
        ({"timezone": "Mars/Olympus"}, "timezone"),
        ({"timezone": "../../etc/passwd"}, "timezone"),
        ({"task": "ftp://acme.com"}, "task"),
        ({"task": "http://169.254.169.254/"}, "task"),
        ({"headers": {"Host": "acme.com"}}, "headers"),
        ({"headers": {"X-A": "a\r\nX-B: b"}}, "headers"),
        ({"on_failure_webhook": "https://10.0.0.1/"}, "on_failure_webhook"),
    ],
)
@pytest.mark.parametrize("operation", ["create", "update"])
def test_what_cannot_be_is_refused_by_name_and_changes_nothing(
    box: Box, operation: str, wrong: dict[str, Any], parameter: str
) -> None:
    box.call("cron.create", **MINUTELY, name="first")
    before = box.store.state().crons
    given = {**DAILY, **wrong} if operation == "create" else {"cron_id": CRON, "name": "renamed", **wrong}
    status, message = box.refused(f"cron.{operation}", **given)
    assert (status, f"`{parameter}`" in message) == (400, True)
    assert box.store.state().crons == before
    assert box.due() == [(60, "cron", CRON)]


@pytest.mark.parametrize("both", [{}, {"cron_expr": "* * * * *", "run_at_ms": START_MS}])
def test_a_cron_has_an_expression_or_an_instant(box: Box, both: dict[str, Any]) -> None:
    assert box.refused("cron.create", task=HOOK, **both) == (
        400,
        "give a cron expression or `run_at`, one of the two",
    )


def test_a_taken_name_is_refused_in_an_update_too_unless_it_is_its_own() -> None:
    box = Box({"cron.duplicate_name": "reject"})
    for name in ("x", "y"):
        box.call("cron.create", **DAILY, name=name)
    assert box.refused("cron.update", cron_id=CRON, name="y") == (409, "a cron named 'y' exists already")
    assert box.call("cron.update", cron_id=CRON, name="x")["name"] == "x"


# --- Fires


def test_a_fire_posts_the_payload_with_the_headers(box: Box) -> None:
    box.call("cron.create", **DAILY, payload={"b": 1, "a": [2.5]}, headers={"X-Team": "ops"})
    box.advance(DAY)
    [entry] = box.store.journal.deliveries
    assert (box.second(entry.at_ms), entry.kind, entry.url, entry.body, entry.run_id, entry.outcome) == (
        9 * HOUR,
        "cron",
        HOOK,
        {"b": 1, "a": [2.5]},
        "run_000001",
        "captured",
    )
    assert entry.headers["X-Team"] == "ops"


@pytest.mark.parametrize(("payload", "body"), [({}, "{}"), ({"payload": None}, "null"), ({"payload": []}, "[]")])
def test_without_a_payload_an_empty_object_is_posted(box: Box, payload: dict[str, Any], body: str) -> None:
    box.call("cron.create", cron_expr="* * * * *", task="http://127.0.0.1:9/", **payload)
    assert box.to_send(60).body == body


def test_a_weekly_cron_fires_52_times_in_52_weeks(box: Box) -> None:
    box.call("cron.create", cron_expr="0 9 * * 1", task=HOOK)
    box.call("cron.retention.set", cron_id=CRON, retention_days=400)
    box.advance(52 * 7 * DAY)
    monday = 4 * DAY + 9 * HOUR
    assert box.seconds_sent() == [monday + week * 7 * DAY for week in range(52)]
    assert len(box.call("run.list", limit=100)["items"]) == 52


def test_six_fields_fire_by_the_second(box: Box) -> None:
    box.call("cron.create", cron_expr="*/20 * * * * *", task=HOOK)
    box.advance(60)
    assert box.seconds_sent() == [20, 40, 60]


def test_a_fire_makes_a_run_at_once_that_started_when_it_was_due(box: Box) -> None:
    box.script(HOOK, {"latency_seconds": 90})
    box.call("cron.create", **MINUTELY, overlap_policy="queue")
    box.advance(130)
    assert [(run["run_id"], run["state"], box.second(run["started_at"])) for run in box.call("run.list")["items"]] == [
        ("run_000002", "queued", 120),
        ("run_000001", "running", 60),
    ]


def test_after_the_last_instant_of_all_nothing_is_due(box: Box) -> None:
    box.sandbox.set_now(from_text("9999-12-31T23:59:30Z"))
    box.call("cron.create", **MINUTELY)
    assert box.call("cron.get", cron_id=CRON)["enabled"]
    assert (box.next_run(CRON), box.due()) == (None, [])


# --- One-shot crons


def test_a_cron_with_an_instant_fires_once_and_is_done(box: Box) -> None:
    created = box.call("cron.create", task=HOOK, run_at_ms=START_MS + 90_000)
    assert created == {
        "cron_id": CRON,
        "name": CRON,
        "task": HOOK,
        "timezone": "UTC",
        "enabled": True,
        "next_run_at": START_MS + 90_000,
    }
    box.advance(DAY)
    assert box.seconds_sent() == [90]
    assert (box.call("cron.get", cron_id=CRON)["enabled"], box.next_run(CRON)) == (False, None)
    assert box.refused("cron.resume", cron_id=CRON) == (409, f"cron '{CRON}' has made all its runs")


def test_an_instant_that_passed_while_paused_is_not_caught_up(box: Box) -> None:
    box.call("cron.create", task=HOOK, run_at_ms=START_MS + 90_000)
    box.call("cron.pause", cron_id=CRON)
    box.advance(90)
    assert box.refused("cron.resume", cron_id=CRON) == (409, f"cron '{CRON}' has missed its only instant")
    box.advance(DAY)
    assert (box.sent(), box.call("cron.get", cron_id=CRON)["enabled"]) == ([], False)


def test_an_instant_yet_to_come_survives_a_pause(box: Box) -> None:
    box.call("cron.create", task=HOOK, run_at_ms=START_MS + 90_000)
    box.call("cron.pause", cron_id=CRON)
    box.advance(89)
    box.call("cron.resume", cron_id=CRON)
    box.advance(DAY)
    assert box.seconds_sent() == [90]


def test_an_instant_in_the_past_fires_at_once(box: Box) -> None:
    box.call("cron.create", task=HOOK, run_at_ms=START_MS - 1)
    assert box.sent() == []
    box.advance()
    assert box.seconds_sent() == [0]


def test_an_expression_makes_an_ordinary_cron_of_one_that_fires_once(box: Box) -> None:
    box.call("cron.create", task=HOOK, run_at_ms=START_MS + 90_000)
    box.call("cron.update", cron_id=CRON, cron_expr="*/10 * * * *")
    box.advance(HOUR)
    assert box.seconds_sent() == [600 * number for number in range(1, 7)]


@pytest.mark.parametrize("wrong", [{"cron_expr": "never"}, {"cron_expr": "* * * * *", "timezone": "No/Where"}])
def test_a_wrong_update_leaves_a_cron_that_fires_once_as_it_was(box: Box, wrong: dict[str, str]) -> None:
    box.call("cron.create", task=HOOK, run_at_ms=START_MS + 90_000)
    assert box.refused("cron.update", cron_id=CRON, **wrong)[0] == 400
    box.advance(DAY)
    assert box.seconds_sent() == [90]


def test_the_zone_of_a_cron_that_fires_once_is_checked(box: Box) -> None:
    status, message = box.refused("cron.create", task=HOOK, run_at_ms=START_MS, timezone="No/Where")
    assert (status, message.startswith("`timezone`")) == (400, True)


def test_a_trigger_does_not_use_up_the_only_instant() -> None:
    box = Box({"cron.max_runs_counts": "all"})
    box.call("cron.create", task=HOOK, run_at_ms=START_MS + 90_000)
    box.call("cron.trigger", cron_id=CRON)
    box.advance(DAY)
    assert box.seconds_sent() == [0, 90]


def test_an_only_instant_that_an_overlap_skips_is_gone(box: Box) -> None:
    box.script(HOOK, {"latency_seconds": 100})
    box.call("cron.create", task=HOOK, run_at_ms=START_MS + 90_000, overlap_policy="skip")
    box.call("cron.trigger", cron_id=CRON)
    box.advance(DAY)
    assert box.states() == [("run_000001", "succeeded"), ("run_000002", "skipped")]
    assert box.status("cron.resume", cron_id=CRON) == 409


# --- Overlap


@pytest.mark.parametrize(
    ("policy", "seconds", "states"),
    [
        ("allow", [60, 120, 180], ["succeeded", "running", "running"]),
        ("skip", [60, 180], ["succeeded", "skipped", "running"]),
        ("queue", [60, 150], ["succeeded", "running", "queued"]),
    ],
)
def test_a_slow_receiver_meets_the_next_fire(box: Box, policy: str, seconds: list[int], states: list[str]) -> None:
    box.script(HOOK, {"latency_seconds": 90})
    box.call("cron.create", **MINUTELY, overlap_policy=policy)
    box.advance(185)
    assert (box.seconds_sent(), [state for _, state in box.states()]) == (seconds, states)


@pytest.mark.parametrize(
    ("policy", "seconds", "states"),
    [
        ("allow", [60, 120, 120, 180, 180], ["failed", "failed", "running"]),
        ("skip", [60, 120, 180], ["failed", "skipped", "running"]),
        ("queue", [60, 120, 120, 180, 180], ["failed", "failed", "running"]),
    ],
)
def test_a_run_that_waits_to_retry_counts_as_under_way(policy: str, seconds: list[int], states: list[str]) -> None:
    box = Box({"delivery.backoff": "fixed"})
    box.script(HOOK, 500)
    box.call("cron.create", **MINUTELY, overlap_policy=policy, retry=1)
    box.advance(180)
    assert (box.seconds_sent(), [state for _, state in box.states()]) == (seconds, states)


def test_a_timeout_counts_its_whole_length_as_under_way(box: Box) -> None:
    box.script(HOOK, {"error": "timeout"})
    box.call("cron.create", **MINUTELY, overlap_policy="skip", retry=0, timeout_seconds=90)
    box.advance(200)
    assert box.states() == [("run_000001", "failed"), ("run_000002", "skipped"), ("run_000003", "running")]


def test_a_skipped_run_says_when_and_nothing_else(box: Box) -> None:
    box.script(HOOK, {"latency_seconds": 90})
    box.call("cron.create", **MINUTELY, overlap_policy="skip")
    box.advance(120)
    assert box.call("cron.runs.get", cron_id=CRON, run_id="run_000002") == {
        "run_id": "run_000002",
        "cron_id": CRON,
        "state": "skipped",
        "started_at": START_MS + 120_000,
        "finished_at": START_MS + 120_000,
    }


def test_queued_runs_keep_their_order_and_lose_none(box: Box) -> None:
    box.script(HOOK, {"latency_seconds": 100}, {"latency_seconds": 100}, {"latency_seconds": 1})
    box.call("cron.create", **MINUTELY, overlap_policy="queue", max_runs=4)
    box.advance(HOUR)
    assert [(box.second(entry.at_ms), entry.run_id) for entry in box.store.journal.deliveries] == [
        (60, "run_000001"),
        (160, "run_000002"),
        (260, "run_000003"),
        (261, "run_000004"),
    ]


def test_a_queued_run_waits_for_every_run_made_before_it(box: Box) -> None:
    box.script(HOOK, {"latency_seconds": 150}, {"latency_seconds": 150}, {"latency_seconds": 1})
    box.call("cron.create", **MINUTELY, overlap_policy="allow", max_runs=3)
    box.advance(130)
    box.call("cron.update", cron_id=CRON, overlap_policy="queue")
    box.advance(HOUR)
    assert box.seconds_sent() == [60, 120, 270]


def test_a_queued_run_does_not_wait_for_a_trigger_that_came_later(box: Box) -> None:
    box.script(HOOK, {"latency_seconds": 100})
    box.call("cron.create", **MINUTELY, overlap_policy="queue", max_runs=2)
    box.advance(130)
    box.call("cron.trigger", cron_id=CRON)
    box.advance(HOUR)
    assert [(box.second(entry.at_ms), entry.run_id) for entry in box.store.journal.deliveries] == [
        (60, "run_000001"),
        (130, "run_000003"),
        (160, "run_000002"),
    ]


# --- Manual triggers


def test_a_trigger_answers_queued_and_starts_with_the_next_event(box: Box) -> None:
    box.call("cron.create", **DAILY)
    before = box.next_run(CRON)
    assert box.call("cron.trigger", cron_id=CRON) == {
        "run_id": "run_000001",
        "cron_id": CRON,
        "state": "queued",
        "started_at": START_MS,
    }
    assert (box.sent(), box.due()[0]) == ([], (0, "run", "run_000001"))
    box.advance()
    assert box.seconds_sent() == [0]
    assert box.next_run(CRON) == before


@pytest.mark.parametrize("policy", ["allow", "skip", "queue"])
def test_a_trigger_runs_whatever_the_overlap_policy_says(box: Box, policy: str) -> None:
    box.script(HOOK, {"latency_seconds": 90})
    box.call("cron.create", **DAILY, overlap_policy=policy)
    for _ in range(2):
        box.call("cron.trigger", cron_id=CRON)
    box.advance(1)
    assert box.seconds_sent() == [0, 0]


def test_a_triggered_run_is_under_way_for_the_next_fire(box: Box) -> None:
    box.script(HOOK, {"latency_seconds": 90})
    box.call("cron.create", **MINUTELY, overlap_policy="skip")
    box.call("cron.trigger", cron_id=CRON)
    box.advance(60)
    assert box.states() == [("run_000001", "running"), ("run_000002", "skipped")]


def test_a_trigger_that_uses_up_the_last_run_stops_the_schedule() -> None:
    box = Box({"cron.max_runs_counts": "all"})
    box.call("cron.create", **MINUTELY, max_runs=2)
    box.advance(60)
    box.call("cron.trigger", cron_id=CRON)
    assert (box.call("cron.get", cron_id=CRON)["enabled"], box.next_run(CRON)) == (False, None)
    box.advance(HOUR)
    assert box.seconds_sent() == [60, 60]


# --- max_runs


def test_reaching_max_runs_disables_at_the_fire_and_lets_the_run_end(box: Box) -> None:
    box.script(HOOK, {"latency_seconds": 90})
    box.call("cron.create", **MINUTELY, max_runs=2)
    box.advance(120)
    assert (box.call("cron.get", cron_id=CRON)["enabled"], box.next_run(CRON)) == (False, None)
    box.advance(HOUR)
    assert box.states() == [("run_000001", "succeeded"), ("run_000002", "succeeded")]


def test_a_skipped_fire_is_no_run_that_counts(box: Box) -> None:
    box.script(HOOK, {"latency_seconds": 90})
    box.call("cron.create", **MINUTELY, max_runs=2, overlap_policy="skip")
    box.advance(HOUR)
    assert box.states() == [("run_000001", "succeeded"), ("run_000002", "skipped"), ("run_000003", "succeeded")]


def test_resume_needs_runs_to_be_left(box: Box) -> None:
    box.call("cron.create", **MINUTELY, max_runs=1)
    box.advance(60)
    assert box.refused("cron.resume", cron_id=CRON) == (409, f"cron '{CRON}' has made all its runs")
    box.call("cron.update", cron_id=CRON, max_runs=2)
    assert box.next_run(CRON) is None
    box.call("cron.resume", cron_id=CRON)
    box.advance(HOUR)
    assert box.seconds_sent() == [60, 120]


def test_max_runs_lowered_to_what_was_made_disables(box: Box) -> None:
    box.call("cron.create", **MINUTELY, max_runs=5)
    box.advance(120)
    assert box.call("cron.update", cron_id=CRON, max_runs=2)["enabled"] is False
    box.advance(HOUR)
    assert box.seconds_sent() == [60, 120]


# --- Pause, resume, update and delete


def test_missed_instants_are_not_caught_up_and_resume_counts_from_now(box: Box) -> None:
    box.call("cron.create", **MINUTELY)
    assert "next_run_at" not in box.call("cron.pause", cron_id=CRON)
    box.advance(150)
    assert box.sent() == []
    assert box.call("cron.resume", cron_id=CRON)["next_run_at"] == START_MS + 180_000


def test_a_pause_stops_neither_a_run_under_way_nor_a_queued_nor_a_waiting_one(box: Box) -> None:
    box.script(HOOK, {"latency_seconds": 90, "status": 500}, {"latency_seconds": 90})
    box.call("cron.create", **MINUTELY, overlap_policy="queue", retry=1)
    box.advance(130)
    box.call("cron.pause", cron_id=CRON)
    box.advance(HOUR)
    assert box.sent() == [
        (60, HOOK, 1, "failed"),
        (160, HOOK, 2, "delivered"),
        (250, HOOK, 1, "delivered"),
    ]


@pytest.mark.parametrize(
    "change",
    [
        *({"max_runs": 9}, {"name": "x"}, {"retry": 0}, {}),
        # as a program does that describes its crons anew at every start
        *({"cron_expr": "* * * * *"}, {"timezone": "UTC"}, {"cron_expr": "* * * * *", "timezone": "UTC", "retry": 0}),
    ],
)
def test_a_change_that_is_not_about_time_loses_no_fire_that_is_due_now(box: Box, change: dict[str, Any]) -> None:
    for _ in range(2):
        box.call("cron.create", **MINUTELY)
    box.sandbox.poll(None, max_events=1)
    assert (box.second(), box.seconds_sent()) == (60, [60])
    box.call("cron.update", cron_id="cron_000002", **change)
    box.call("cron.resume", cron_id="cron_000002")
    box.advance()
    assert box.seconds_sent() == [60, 60]


@pytest.mark.parametrize(
    "change",
    [
        *({"cron_expr": "*/2 * * * *"}, {"timezone": "Asia/Tokyo"}),
        *({"cron_expr": "* * * * *", "timezone": "Asia/Tokyo"}, {"cron_expr": "*/1 * * * *", "timezone": "UTC"}),
    ],
)
def test_a_new_expression_or_zone_counts_from_now_and_never_fires_at_once(box: Box, change: dict[str, str]) -> None:
    for _ in range(2):
        box.call("cron.create", **MINUTELY)
    box.sandbox.poll(None, max_events=1)
    expected = START_MS + 120_000
    assert box.call("cron.update", cron_id="cron_000002", **change)["next_run_at"] == expected
    box.advance(59)
    assert box.seconds_sent() == [60]


def test_an_update_of_a_paused_cron_does_not_resume_it(box: Box) -> None:
    box.call("cron.create", **MINUTELY)
    box.call("cron.pause", cron_id=CRON)
    assert "next_run_at" not in box.call("cron.update", cron_id=CRON, cron_expr="*/2 * * * *")


def test_an_update_applies_from_the_next_run(box: Box) -> None:
    other = "https://other.example/"
    box.script(HOOK, 500)
    box.call("cron.create", **MINUTELY, payload={"n": 1}, headers={"X-N": "1"}, retry=1, on_failure_webhook=ALARM)
    box.advance(60)
    box.call(
        "cron.update",
        cron_id=CRON,
        task=other,
        payload={"n": 2},
        headers={"X-N": "2"},
        retry=0,
        timeout_seconds=7,
        on_failure_webhook=f"{ALARM}/new",
        name="renamed",
    )
    box.advance(60)
    told = [
        (box.second(entry.at_ms), entry.url, entry.body.get("n"), entry.headers.get("X-N"))
        for entry in box.store.journal.deliveries
    ]
    assert told == [
        (60, HOOK, 1, "1"),
        (70, HOOK, 1, "1"),
        (70, ALARM, None, None),
        (120, other, 2, "2"),
    ]


@pytest.mark.parametrize(
    ("seconds", "sent"),
    [
        (60, [(60, HOOK, 1, "delivered")]),  # under way: it ends, unrecorded
        (130, [(60, HOOK, 1, "delivered")]),  # another one is queued: it is dropped
    ],
)
def test_a_delete_drops_queued_runs_and_leaves_an_attempt_unrecorded(
    box: Box, seconds: float, sent: list[tuple[float, str, int, str]]
) -> None:
    box.script(HOOK, {"latency_seconds": 90})
    box.call("cron.create", **MINUTELY, overlap_policy="queue", on_failure_webhook=ALARM)
    box.advance(seconds)
    assert box.call("cron.delete", cron_id=CRON) == {"cron_id": CRON, "deleted": True}
    assert (box.states(), box.status("cron.get", cron_id=CRON)) == ([], 404)
    box.advance(HOUR)
    assert box.sent() == sent
    [entry] = box.store.journal.deliveries
    assert entry.note == "its cron was deleted meanwhile: the outcome is not recorded"


def test_a_delete_drops_a_retry_and_the_history(box: Box) -> None:
    box.script(HOOK, 200, 500)
    box.call("cron.create", **MINUTELY)
    box.advance(120)
    box.call("cron.delete", cron_id=CRON)
    assert (box.call("run.list"), box.due()) == ({"items": []}, [])
    box.advance(40 * DAY)
    assert box.seconds_sent() == [60, 120]


def test_a_failure_webhook_that_is_due_survives_the_delete(box: Box) -> None:
    box.script(HOOK, 500)
    box.call("cron.create", **MINUTELY, retry=0, on_failure_webhook=ALARM)
    box.sandbox.poll(None, max_events=1)
    box.call("cron.delete", cron_id=CRON)
    box.advance()
    assert box.sent() == [(60, HOOK, 1, "failed"), (60, ALARM, 1, "captured")]


# --- Failure webhooks


def test_the_failure_webhook_is_called_once_after_the_last_attempt(box: Box) -> None:
    box.script(HOOK, 503)
    box.script(ALARM, 500)
    box.call("cron.create", **MINUTELY, name="report", retry=1, max_runs=1, on_failure_webhook=ALARM)
    box.advance(HOUR)
    assert box.sent() == [(60, HOOK, 1, "failed"), (70, HOOK, 2, "failed"), (70, ALARM, 1, "failed")]
    entry = box.store.journal.deliveries[-1]
    assert (entry.kind, entry.run_id, entry.body) == (
        "failure",
        "run_000001",
        {
            "type": "cron.run.failed",
            "cron_id": CRON,
            "name": "report",
            "run_id": "run_000001",
            "attempts": 2,
            "response_status": 503,
            "error": "HTTP 503",
        },
    )


def test_the_failure_webhook_of_a_timeout_has_no_status(box: Box) -> None:
    box.script(HOOK, {"error": "timeout"})
    box.call("cron.create", **MINUTELY, retry=0, timeout_seconds=5, max_runs=1, on_failure_webhook=ALARM)
    box.advance(MINUTE + 5)
    assert box.bodies()[-1] == {
        "type": "cron.run.failed",
        "cron_id": CRON,
        "name": CRON,
        "run_id": "run_000001",
        "attempts": 1,
        "error": "no answer within 5 s",
    }


@pytest.mark.parametrize("statuses", [(200,), (500, 200), (302, 204)])
def test_the_failure_webhook_is_not_called_when_the_run_succeeds(box: Box, statuses: tuple[int, ...]) -> None:
    box.script(HOOK, *statuses)
    box.call("cron.create", **MINUTELY, max_runs=1, on_failure_webhook=ALARM)
    box.advance(HOUR)
    assert {url for _, url, *_ in box.sent()} == {HOOK}


def test_the_failure_webhook_and_the_next_queued_run_do_not_hinder_each_other(box: Box) -> None:
    box.script(HOOK, {"latency_seconds": 90, "status": 500})
    box.call("cron.create", **MINUTELY, retry=0, overlap_policy="queue", max_runs=2, on_failure_webhook=ALARM)
    box.advance(HOUR)
    assert [(second, url) for second, url, *_ in box.sent()] == [(60, HOOK), (150, ALARM), (150, HOOK), (240, ALARM)]


# --- Answers that change under way


def test_an_expression_that_another_answer_makes_senseless_stops_quietly(box: Box) -> None:
    box.call("cron.create", cron_expr="0 30 9 * * *", task=HOOK)
    box.sandbox.set_assumptions({"cron.seconds_position": "last"})
    box.advance(2 * DAY)
    assert (box.seconds_sent(), box.next_run(CRON)) == ([9.5 * HOUR], None)
    box.call("cron.pause", cron_id=CRON)
    assert "next_run_at" not in box.call("cron.resume", cron_id=CRON)
    box.sandbox.set_assumptions({"cron.seconds_position": "first"})
    box.call("cron.pause", cron_id=CRON)
    box.call("cron.resume", cron_id=CRON)
    assert box.next_run(CRON) == "2026-01-03T09:30:00.000Z"
