from typing import Any

import pytest

from sched_emulator.core import command_log, snapshot
from sched_emulator.core.dispatch import Facts
from sched_emulator.core.errors import Conflict, InvalidRequest
from sched_emulator.core.ids import request_id
from sched_emulator.core.instants import DAY_MS
from sched_emulator.core.kept import Command
from sched_emulator.core.records import Exchange, RequestEntry, Response, Target
from sched_emulator.core.replay import replay
from sched_emulator.core.sandbox import Sandbox
from sched_emulator.core.snapshot import unseal
from tests.core.harness import FAILED, HOUR, OK, START_MS, Box, settings

HOOK, LOCAL = "https://api.acme.com/hook", "http://127.0.0.1:9000/"
MINUTELY = {"cron_expr": "* * * * *", "task": HOOK}


# --- Time


def test_time_stands_at_the_end_of_a_poll_whether_or_not_anything_happened(box: Box) -> None:
    box.advance(0.001)
    assert (box.second(), box.store.fired) == (0.001, 0)
    box.call("cron.create", **MINUTELY)
    box.advance(150)
    assert (box.second(), box.store.fired) == (150.001, 2)


def test_a_poll_into_the_past_changes_nothing(box: Box) -> None:
    box.advance(60)
    assert box.sandbox.poll(START_MS) is None
    assert box.second() == 60


def test_a_poll_without_an_end_stands_at_the_last_event(box: Box) -> None:
    for second in (5, 90):
        box.call("task.schedule", task=HOOK, run_at_ms=START_MS + 1000 * second)
    assert box.sandbox.poll(None) is None
    assert (box.second(), box.seconds_sent()) == (90, [5, 90])


@pytest.mark.parametrize(("events", "second", "seconds"), [(1, 60, [60]), (2, 60, [60, 60]), (3, 120, [60, 60, 120])])
def test_events_are_counted_singly_also_at_one_instant(
    box: Box, events: int, second: float, seconds: list[float]
) -> None:
    for _ in range(2):
        box.call("cron.create", **MINUTELY)
    assert box.sandbox.poll(None, max_events=events) is None
    assert (box.second(), box.store.fired, box.seconds_sent()) == (second, events, seconds)


def test_housekeeping_is_no_event(box: Box) -> None:
    box.call("queue.create", queue="q", message_retention_days=1)
    box.publish("q", 1, key="k")
    assert box.sandbox.poll(None, max_events=5) is None
    assert (box.second(), box.store.fired) == (0, 0)
    box.advance(48 * HOUR)
    assert (box.store.fired, box.store.messages, box.store.remembered) == (0, {}, {})


def test_a_request_never_fires_anything(box: Box) -> None:
    box.call("task.schedule", task=HOOK, run_at_ms=START_MS)
    box.publish("q", 1)
    box.call("queue.push_subscribe", queue="q", url=HOOK)
    box.call("cron.create", **MINUTELY)
    box.call("cron.trigger", cron_id="cron_000001")
    assert box.sent() == []
    assert box.due() == [
        (0, "task", "task_000001"),
        (0, "push", "q"),
        (0, "run", "run_000002"),
        (60, "cron", "cron_000001"),
    ]
    box.advance()
    assert [entry.kind for entry in box.store.journal.deliveries] == ["task", "push", "cron"]


def test_what_an_event_makes_due_at_its_instant_happens_in_the_same_poll() -> None:
    box = Box({"delivery.backoff": "immediate"})
    box.script(HOOK, 500)
    box.call("cron.create", **MINUTELY, retry=2, max_runs=1, on_failure_webhook=f"{HOOK}/failed")
    box.advance(60)
    assert box.seconds_sent() == [60] * 4


def test_a_real_attempt_is_returned_with_time_standing_at_its_instant(box: Box) -> None:
    for url in (LOCAL, f"{LOCAL}b"):
        box.call("task.schedule", task=url, run_at_ms=START_MS + 5000)
    first, second = box.to_send(HOUR), box.to_send(HOUR)
    assert (first.url, second.url, box.second()) == (LOCAL, f"{LOCAL}b", 5)
    assert box.sandbox.poll(START_MS + 60_000) is None
    assert box.sent() == [(5, LOCAL, 1, "running"), (5, f"{LOCAL}b", 1, "running")]


# --- The clock's settings


def test_the_instant_can_be_set_before_anything_has_happened(box: Box) -> None:
    for instant_ms in (START_MS + 999, START_MS - 10**9):
        box.sandbox.set_now(instant_ms)
        assert box.store.now_ms == instant_ms
    box.sandbox.reset()
    assert box.store.now_ms == START_MS


@pytest.mark.parametrize("happening", ["request", "event", "due"])
def test_the_instant_cannot_be_set_in_a_sandbox_where_something_happened(box: Box, happening: str) -> None:
    assert Box().sandbox.store.untouched
    if happening == "request":
        box.call("account.balance")
    else:
        run_at_ms = START_MS + (0 if happening == "event" else HOUR)
        box.sandbox.call("scheduling.task.schedule", {"task": HOOK, "run_at_ms": run_at_ms}, facts=Facts())
        box.advance()
    assert not box.store.untouched
    with pytest.raises(Conflict, match="cannot go back to 1970-01-01"):
        box.sandbox.set_now(0)
    assert box.second() == 0


def test_how_the_edge_drives_the_clock_is_kept(box: Box) -> None:
    assert (box.store.mode, box.store.speed) == ("frozen", 1.0)
    box.sandbox.set_clock("wall", 60)
    other = Box()
    other.sandbox.restore(snapshot.unseal(box.sandbox.snapshot()))
    assert (other.sandbox.store.mode, other.sandbox.store.speed) == ("wall", 60.0)


def test_a_whole_number_as_speed_is_no_trouble() -> None:
    box = Box(speed=60)
    box.sandbox.reset()
    box.restore(box.sandbox.snapshot())
    assert box.store.speed == 60


# --- The command log


def test_every_command_is_kept_with_its_values_also_those_that_were_refused(box: Box) -> None:
    box.refused("queue.get", queue="q")
    with pytest.raises(InvalidRequest):
        box.sandbox.set_routes({"no URL": LOCAL})
    box.sandbox.poll(START_MS)
    call, record, routes, poll = box.sandbox.log
    assert call == Command(
        "call",
        {
            "operation_id": "scheduling.queue.get",
            "arguments": {"queue": "q"},
            "facts": Facts(charged=False, creation=False, path=("queue",)),
            "idempotency_key": None,
        },
    )
    assert (record.method, record.arguments["exchange"].status) == ("record", 404)
    assert routes == Command("set_routes", {"routes": {"no URL": LOCAL}})
    assert poll == Command("poll", {"until_ms": START_MS, "max_events": None, "signing_now_ms": None})


def test_the_log_is_bounded_and_says_when_it_is_no_longer_whole(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command_log, "COMMANDS_KEPT", 3)
    for second in range(3):
        box.sandbox.poll(START_MS + second)
        assert box.sandbox.log_complete
    box.sandbox.poll(START_MS + 9)
    assert ([command.arguments["until_ms"] for command in box.sandbox.log], box.sandbox.log_complete) == (
        [START_MS, START_MS + 1, START_MS + 2],
        False,
    )
    box.sandbox.reset()
    assert (box.sandbox.log, box.sandbox.log_complete) == ([], True)


def with_tasks(count: int) -> Box:
    """Return a sandbox in which so many events are due at one instant."""
    box = Box()
    for number in range(count):
        box.call("task.schedule", task=f"https://api.acme.com/{number}", run_at_ms=START_MS + 1000)
    box.sandbox.add_target(Target(url="*", responses=[Response()]))
    return box


def test_a_poll_as_long_work_pauses_and_is_one_command() -> None:
    whole, in_pieces = with_tasks(100), with_tasks(100)
    whole.sandbox.poll(START_MS + 1000, max_events=70)
    pauses = list(in_pieces.sandbox.polling(START_MS + 1000, max_events=70))
    assert len(pauses) == 3
    assert in_pieces.sandbox.log == whole.sandbox.log
    assert in_pieces.sandbox.snapshot() == whole.sandbox.snapshot()


def test_a_command_that_comes_between_parts_a_poll_in_two() -> None:
    box = with_tasks(100)
    count = len(box.sandbox.log)
    polling = box.sandbox.polling(START_MS + 1000, max_events=70)
    next(polling)
    next(polling)
    done = [command.arguments["max_events"] for command in box.sandbox.commands()[count:]]
    next(polling)
    box.sandbox.clear_faults()
    assert list(polling) == []
    log = box.sandbox.log[count:]
    assert done == [40]
    assert [(command.method, command.arguments.get("max_events")) for command in log] == [
        ("poll", 40),
        ("poll", 20),
        ("clear_faults", None),
        ("poll", 10),
    ]
    assert replay(box.sandbox.base, box.sandbox.commands()).snapshot() == box.sandbox.snapshot()


def test_a_poll_as_long_work_returns_the_attempt_to_send(box: Box) -> None:
    box.call("task.schedule", task=LOCAL, run_at_ms=START_MS)
    with pytest.raises(StopIteration) as found:
        next(box.sandbox.polling(START_MS))
    assert found.value.value.url == LOCAL


def test_ten_thousand_commands_are_kept() -> None:
    assert command_log.COMMANDS_KEPT == 10_000


def test_reading_is_no_command(box: Box) -> None:
    box.sandbox.snapshot()
    box.sandbox.next_request_id()
    box.store.note = "something"
    assert (box.sandbox.log, box.store.untouched) == ([], True)


# --- Reset


def test_a_reset_sandbox_is_as_new_its_clock_scripts_and_ids_too(box: Box) -> None:
    beginning = box.sandbox.snapshot()
    box.sandbox.set_clock("wall", 2)
    box.sandbox.set_balance(1)
    box.sandbox.set_assumptions({"cron.dst": "literal"})
    box.sandbox.set_routes({"https://a.example": LOCAL})
    box.script(HOOK, 200)
    box.fault({"operation": "queue.get", "status": 500})
    box.call("cron.create", **MINUTELY)
    box.publish("q", 1, key="k")
    box.advance(HOUR)
    box.sandbox.reset()
    assert box.sandbox.snapshot() == beginning
    assert box.publish("q", 1) == ["msg_000001"]


def test_a_reset_can_give_another_seed_which_stays(box: Box) -> None:
    box.sandbox.reset(seed=7)
    assert box.store.settings.seed == 7
    assert Box(seed=7).sandbox.snapshot() == box.sandbox.snapshot() == box.sandbox.base
    box.sandbox.reset()
    assert box.store.settings.seed == 7


def test_what_a_reset_is_given_is_the_beginning_from_then_on(box: Box) -> None:
    box.publish("q", 1)
    box.sandbox.reset(seed=7, now_ms=START_MS + 5, answers={"cron.dst": "literal", "cron.retries": 1})
    assert (box.store.now_ms, box.store.queues) == (START_MS + 5, {})
    beginning = Box({"cron.dst": "literal", "cron.retries": 1}, seed=7, start_ms=START_MS + 5).sandbox.snapshot()
    assert box.sandbox.snapshot() == box.sandbox.base == beginning
    box.sandbox.set_assumptions({"cron.dst": "vixie"})
    box.sandbox.set_assumptions({"cron.dst": None})
    assert box.store.answers.values["cron.dst"] == "literal"
    box.advance(60)
    box.sandbox.reset()
    assert box.sandbox.snapshot() == beginning


def test_a_beginning_with_a_past_keeps_its_instant(box: Box) -> None:
    box.publish("q", 1)
    begun = Sandbox(unseal(box.sandbox.snapshot()))
    before = begun.snapshot()
    with pytest.raises(Conflict) as caught:
        begun.reset(now_ms=START_MS)
    assert caught.value.message == "`now` cannot be given to a sandbox that began as a snapshot with a past"
    assert begun.snapshot() == before


# --- Restore


def test_a_real_attempt_under_way_in_a_snapshot_is_sent_again(box: Box) -> None:
    box.call("task.schedule", task=LOCAL, run_at_ms=START_MS)
    attempt = box.to_send()
    other = Box()
    other.sandbox.restore(snapshot.unseal(box.sandbox.snapshot()))
    assert other.to_send() == attempt
    other.sandbox.settle(attempt.attempt_id, OK)
    assert other.sent() == [(0, LOCAL, 1, "delivered")]


def test_an_attempt_settled_before_it_was_sent_again_is_not_sent(box: Box) -> None:
    for second in (0, 1):
        box.call("task.schedule", task=LOCAL, run_at_ms=START_MS + second, retry=0)
    attempts = [box.to_send(1), box.to_send(1)]
    box.restore(box.sandbox.snapshot())
    box.sandbox.settle(attempts[0].attempt_id, FAILED)
    assert box.to_send() == attempts[1]
    box.advance(1)


def test_a_scripted_attempt_under_way_in_a_snapshot_ends_at_its_instant(box: Box) -> None:
    box.script(HOOK, {"latency_seconds": 90})
    box.call("task.schedule", task=HOOK, run_at_ms=START_MS)
    box.advance(1)
    other = Box()
    other.sandbox.restore(snapshot.unseal(box.sandbox.snapshot()))
    other.advance(HOUR)
    assert other.sent() == [(0, HOOK, 1, "delivered")]
    assert other.sandbox.store.journal.deliveries[0].duration_ms == 90_000


# --- Routes, ids, beginnings


@pytest.mark.parametrize(
    "routes", [{"no URL": LOCAL}, {HOOK: "ftp://a.example"}, {f"{HOOK}?a=1": LOCAL}, {HOOK: f"{LOCAL}#b"}]
)
def test_a_route_from_or_to_what_is_no_beginning_of_a_url_is_refused(box: Box, routes: dict[str, str]) -> None:
    box.sandbox.set_routes({"https://a.example": LOCAL})
    with pytest.raises(InvalidRequest) as caught:
        box.sandbox.set_routes(routes)
    assert caught.value.details == {"parameter": "routes"}
    assert box.store.routes == {"https://a.example": LOCAL}


def test_the_next_request_id_is_that_of_the_request_that_is_recorded_next(box: Box) -> None:
    before = box.sandbox.next_request_id()
    assert (before, box.sandbox.next_request_id()) == (request_id(0, START_MS, 1), before)
    box.call("account.balance")
    assert box.sandbox.next_request_id() == request_id(0, START_MS, 2)


def test_a_sandbox_can_be_made_of_settings() -> None:
    made = Sandbox.new(settings({"cron.dst": "literal"}))
    assert made.snapshot() == Box({"cron.dst": "literal"}).sandbox.snapshot()


def test_a_note_belongs_to_one_request_only(box: Box) -> None:
    box.store.note = "before any request"
    box.call("account.balance")
    box.call("account.balance")
    assert [entry.note for entry in box.store.journal.requests] == [None, None]


def test_an_answer_set_to_none_returns_to_what_the_sandbox_began_with() -> None:
    box = Box({"cron.dst": "literal", "cron.retries": 7})
    box.sandbox.set_assumptions({"cron.dst": "vixie", "cron.retries": 1})
    box.sandbox.set_assumptions({"cron.dst": None, "cron.retries": None})
    assert (box.store.answers.values["cron.dst"], box.store.answers.values["cron.retries"]) == (
        "literal",
        7,
    )


def test_a_receiver_that_calls_back_sees_the_instant_of_its_event(box: Box) -> None:
    box.call("task.schedule", task=LOCAL, run_at_ms=START_MS + 90_000)
    attempt = box.to_send(HOUR)
    box.publish("q", "from inside")
    box.call("cron.create", **MINUTELY)
    box.sandbox.settle(attempt.attempt_id, OK)
    box.advance(HOUR)
    [message] = box.call("queue.consume", queue="q")["messages"]
    assert (box.second(message["published_at"]), box.seconds_sent()[:3]) == (90, [90, 120, 180])


@pytest.mark.parametrize("fields", [{"body": b'{"a":1}'}, {"operation": None, "response": b"null"}, {}])
def test_a_request_refused_at_the_edge_can_be_recorded(box: Box, fields: dict[str, Any]) -> None:
    facts = {"operation": "x", "method": "GET", "path": "/", "body": None, "status": 404, "response": b"{}"}
    exchange = Exchange(**(facts | fields))
    entry = box.sandbox.record(exchange)
    assert (entry, box.store.journal.requests[-1]) == (RequestEntry(seq=1, at_ms=START_MS, exchange=exchange), entry)


def with_old_messages(count: int) -> Box:
    """Return a sandbox in which so many messages expire at one instant, and a task runs at another."""
    box = Box()
    for _ in range(count):
        box.call("queue.publish", queue="orders", payload={})
    box.call("task.schedule", task="https://api.acme.com/later", run_at_ms=START_MS + 10 * DAY_MS)
    box.sandbox.add_target(Target(url="*", responses=[Response()]))
    return box


def test_housekeeping_happens_in_pieces_too_and_a_command_may_come_between() -> None:
    end_ms = START_MS + 30 * DAY_MS + 1000
    whole, cut = with_old_messages(2000), with_old_messages(2000)
    whole.sandbox.poll(end_ms)
    pauses, seen = 0, []
    for _ in cut.sandbox.polling(end_ms):
        pauses += 1
        arguments = {"queue": "orders"}  # the message that is handed out is remembered with the key
        cut.sandbox.call("scheduling.queue.consume", arguments, facts=Facts(), idempotency_key=f"pause {pauses}")
        seen.append(len(cut.store.messages))
    assert pauses >= 5
    assert any(0 < left < 2000 for left in seen)
    assert cut.store.messages == whole.store.messages == {}
    assert replay(cut.sandbox.base, cut.sandbox.commands()).snapshot() == cut.sandbox.snapshot()
