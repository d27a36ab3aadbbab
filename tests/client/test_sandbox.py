import re
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sched_emulator import Emulator, EmulatorError, Sandbox
from sched_emulator.client.receiver import Receiver
from tests.emulated import START, call, create_cron

# --- The clock.


def test_time_passes_by_units_until_an_instant_and_by_events(box: Sandbox) -> None:
    create_cron(box)
    monday = datetime(2026, 1, 5, 9, tzinfo=UTC)
    assert box.clock.next_event_at == monday
    assert box.clock.advance(weeks=0, days=1, hours=2, minutes=3, seconds=4.5) == {
        "now": "2026-01-02T02:03:04.500Z",
        "fired": 0,
        "stopped": "until",
    }
    assert box.clock.advance(until=monday)["now"] == "2026-01-05T09:00:00.000Z"
    moved = box.clock.advance(events=1)
    assert (moved["fired"], moved["stopped"]) == (1, "events")
    assert box.clock.settle()["now"] == moved["now"]
    assert box.clock.advance(until="2026-02-01T00:00:00+01:00")["now"] == "2026-01-31T23:00:00.000Z"
    assert box.clock.advance(weeks=52, max_events=1)["stopped"] == "max_events"


def test_a_naive_datetime_is_utc(box: Sandbox) -> None:
    naive = datetime(2026, 1, 3)  # noqa: DTZ001 - what is tested
    assert box.clock.advance(until=naive)["now"] == "2026-01-03T00:00:00.000Z"


def test_a_clock_is_set_frozen_and_let_go(box: Sandbox) -> None:
    assert box.clock.set(datetime(2026, 7, 1, tzinfo=UTC))["now"] == "2026-07-01T00:00:00.000Z"
    assert box.clock.resume(speed=5)["speed"] == 5
    assert box.clock.mode == "wall"
    assert box.clock.freeze()["mode"] == "frozen"
    assert box.clock.now >= datetime(2026, 7, 1, tzinfo=UTC)
    assert box.clock.resume()["mode"] == "wall"


def test_how_far_is_said_in_one_way(box: Sandbox) -> None:
    complaint = r"^say how far in one way: a duration, units of time, until= or events=$"
    with pytest.raises(ValueError, match=complaint):
        box.clock.advance(hours=1, events=1)
    with pytest.raises(ValueError, match=complaint):
        box.clock.advance("1h", hours=1)
    with pytest.raises(ValueError, match=complaint):
        box.clock.advance(timedelta(0), until=START)


@pytest.mark.parametrize(
    ("span", "now"),
    [
        (timedelta(days=1, milliseconds=5), "2026-01-02T00:00:00.005Z"),
        (timedelta(0), "2026-01-01T00:00:00.000Z"),
        ("3w", "2026-01-22T00:00:00.000Z"),
        ("1h30m", "2026-01-01T01:30:00.000Z"),
        ("PT15M", "2026-01-01T00:15:00.000Z"),
        ("0s", "2026-01-01T00:00:00.000Z"),
    ],
)
def test_time_passes_by_a_timedelta_or_a_duration(box: Sandbox, span: timedelta | str, now: str) -> None:
    assert box.clock.advance(span) == {"now": now, "fired": 0, "stopped": "until"}


FORM = "expected a form like 90s, 15m, 2h, 3d, 1w or PT15M"


@pytest.mark.parametrize(
    ("span", "complaint"),
    [
        ("3 weeks", f"advance(): '3 weeks' is no duration; {FORM}"),
        ("-1h", f"advance(): '-1h' goes back, and time only moves forward; {FORM}"),
        ("99999w", "advance(): '99999w' is too long; expected at most a thousand years"),
        (60, "advance() takes a timedelta, a duration such as '3w', or units such as seconds=60 by name, got 60"),
        (True, "advance() takes a timedelta, a duration such as '3w', or units such as seconds=60 by name, got True"),
    ],
)
def test_what_is_no_span_of_time_is_refused_by_the_call(box: Sandbox, span: Any, complaint: str) -> None:
    with pytest.raises((ValueError, TypeError), match=f"^{re.escape(complaint)}$"):
        box.clock.advance(span)


def test_going_back_is_an_error_that_says_so(box: Sandbox) -> None:
    create_cron(box)
    box.clock.advance(days=10)
    with pytest.raises(EmulatorError) as caught:
        box.clock.set(START)
    assert (caught.value.status, caught.value.code) == (409, "BACKWARD")
    with pytest.raises(EmulatorError) as caught:
        box.clock.advance(seconds=-1)
    assert (caught.value.status, "seconds" in caught.value.message) == (400, True)


# --- The outside world.


def test_scripted_receivers_answer_in_turn(box: Sandbox) -> None:
    create_cron(box)
    script = box.targets.script("https://api.acme.com/*", [503, "timeout", {"status": 201, "latency_seconds": 2}])
    assert script == {
        "url": "https://api.acme.com/*",
        "responses": [{"status": 503}, {"error": "timeout"}, {"status": 201, "latency_seconds": 2}],
        "then": "repeat-last",
        "used": 0,
    }
    box.clock.advance(weeks=1)
    told = [(entry["attempt"], entry["outcome"], entry.get("status")) for entry in box.deliveries(url="*weekly*")]
    assert told == [(1, "failed", 503), (2, "timeout", None), (3, "delivered", 201)]
    assert [target["used"] for target in box.targets.list()] == [3]
    box.targets.clear()
    assert box.targets.list() == []


def test_one_response_needs_no_list(box: Sandbox) -> None:
    assert box.targets.script("https://a/*", 204, then="cycle")["responses"] == [{"status": 204}]
    assert box.targets.script("https://b/*", {"status": 204})["responses"] == [{"status": 204}]
    assert box.targets.script("https://c/*", "reset")["responses"] == [{"error": "reset"}]


def test_a_response_that_cannot_be_meant_is_refused_by_the_call(box: Sandbox) -> None:
    wrong: list[tuple[Any, str]] = [
        ([(503, {"busy": True})], "`responses[0]` must be a string or a whole number or an object, got an array"),
        ([200, None], "`responses[1]` must be a string or a whole number or an object, got null"),
        (False, "`responses` must be a string or a whole number or an object or an array, got false"),
        ("tiemout", '`responses` must be a status, an object, or one of "timeout", "refused", "reset", got "tiemout"'),
    ]
    for responses, complaint in wrong:
        with pytest.raises(EmulatorError) as caught:
            box.targets.script("https://a/*", responses)
        assert caught.value.message == complaint


def test_a_journal_is_read_on_from_a_number(box: Sandbox) -> None:
    create_cron(box)
    box.clock.advance(weeks=2)
    first, second = box.deliveries()
    assert (first["outcome"], first["at"], second["at"]) == (
        "captured",
        "2026-01-05T09:00:00.000Z",
        "2026-01-12T09:00:00.000Z",
    )
    assert [entry["seq"] for entry in box.deliveries(since=first["seq"])] == [second["seq"]]
    log = box.requests(operation="cron.*")
    assert [(entry["operation"], entry["status"]) for entry in log] == [("scheduling.cron.create", 200)]
    assert (log.first_seq, log.dropped) == (log[0]["seq"], 0)
    assert box.requests(operation="queue.*") == []


@pytest.fixture(scope="module")
def forgetful() -> Iterator[Emulator]:
    with Emulator.start(now=START, journal=3) as started:
        yield started


def test_what_is_no_longer_kept_is_never_counted_wrongly(forgetful: Emulator) -> None:
    with forgetful.sandbox() as box:
        create_cron(box)
        box.clock.advance(weeks=3)
        assert (len(box.deliveries()), len(box.requests())) == (3, 1)
        last = box.deliveries()[-1]["seq"]
        box.clock.advance(weeks=2)
        for filters in ({}, {"url": "*weekly*"}, {"since": 1}):
            with pytest.raises(EmulatorError) as caught:
                box.deliveries(**filters)
            assert caught.value.code == "DROPPED"
            assert str(caught.value).startswith(
                "the first 2 deliveries of the session are no longer kept, so what is left tells no number (Emulator."
            )
        assert [entry["seq"] for entry in box.deliveries(since=last)] == [last + 1, last + 2]
        log = box.deliveries(kept=True)
        assert (len(log), log.dropped, log.first_seq) == (3, 2, last)
        for _ in range(3):
            create_cron(box)
        with pytest.raises(EmulatorError, match=r"^the first 1 requests of the session are no longer kept"):
            box.requests("cron.*")
        assert len(box.requests("cron.*", kept=True)) == 3


def test_shapes_of_requests_that_are_no_longer_kept_are_told(forgetful: Emulator) -> None:
    with forgetful.sandbox() as box:
        create_cron(box)
        for _ in range(3):
            call(box, "GET", "/queue/list")
        assert {"cron.create.names", "cron.create.fields"} <= set(box.relied()["shapes"])


def test_the_whole_timeline_is_shown_unless_a_limit_is_given(box: Sandbox) -> None:
    messages = [{"payload": {"n": number}, "delay_seconds": 60} for number in range(100)]
    for _ in range(2):
        call(box, "POST", "/queue/publish_batch", {"queue": "orders", "messages": messages})
    assert (len(box.timeline()), len(box.timeline(limit=5))) == (200, 5)
    for _ in range(98):
        call(box, "POST", "/queue/publish_batch", {"queue": "orders", "messages": messages})
    with pytest.raises(EmulatorError, match=r"^at least 10,000 things are due \(say how many with limit=\)$"):
        box.timeline()
    assert len(box.timeline(limit=10_000)) == 10_000


def test_the_timeline_shows_what_is_due(box: Sandbox) -> None:
    cron_id = create_cron(box)
    (due,) = box.timeline()
    assert (due["at"], due["subject"]) == ("2026-01-05T09:00:00.000Z", cron_id)
    assert box.timeline(limit=1) == [due]


def test_faults_meet_requests(box: Sandbox) -> None:
    added = box.faults.add(operation="queue.*", status=503, times=1)
    assert (added["operation"], added["status"], added["times"], added["used"]) == ("queue.*", 503, 1, 0)
    with pytest.raises(EmulatorError) as caught:
        call(box, "GET", "/queue/list")
    assert caught.value.status == 503
    assert call(box, "GET", "/queue/list")["items"] == []
    box.faults.clear()
    assert box.faults.list() == []


def test_what_nothing_met_is_an_empty_list_once_all_was_of_use(box: Sandbox) -> None:
    create_cron(box)
    box.targets.script("https://api.acme.com/*", 200)
    box.faults.add(operation="queue.list", latency_seconds=0.001)
    assert [item["kind"] for item in box.unused()] == ["target", "fault"]
    call(box, "GET", "/queue/list")
    box.clock.advance(weeks=1)
    assert box.unused() == []


def test_a_sandbox_is_seen_in_short_and_not_made_by_looking(emulator: Emulator) -> None:
    box = Sandbox(emulator.client.with_key("ifr_looked_for"))
    with pytest.raises(EmulatorError) as caught:
        box.summary()
    assert (caught.value.status, caught.value.code) == (404, "NO_SANDBOX")
    with box:
        create_cron(box)
        assert (box.summary()["crons"], box.summary()["requests"]) == (1, 1)


def test_the_balance_is_set_like_an_attribute(box: Sandbox) -> None:
    assert box.account.balance_usd is None
    box.account.balance_usd = 0
    assert box.account.balance_usd == 0
    with pytest.raises(EmulatorError) as caught:
        create_cron(box)
    assert (caught.value.status, caught.value.code) == (402, "INSUFFICIENT_CREDIT")
    box.account.balance_usd = None
    create_cron(box)


def test_answers_are_changed_and_returned_to_the_default(box: Sandbox) -> None:
    assert box.assumptions.set({"queue.nack_position": "back", "cron.retries": 5})["cron.retries"] == 5
    changed = box.assumptions.get()
    assert (changed["queue.nack_position"], changed["cron.retries"]) == ("back", 5)
    assert box.assumptions.set({"queue.nack_position": None})["queue.nack_position"] == "front"


def test_routes_are_replaced(box: Sandbox) -> None:
    assert box.routes.get() == {}
    routes = {"https://api.acme.com": "http://127.0.0.1:9000"}
    assert box.routes.set(routes) == routes
    assert box.routes.get() == routes


# --- State as a whole.


def test_a_restored_snapshot_has_the_same_future(box: Sandbox) -> None:
    create_cron(box)
    box.clock.advance(days=3)
    snapshot = box.snapshot()
    box.clock.advance(weeks=2)
    first = box.deliveries()
    box.restore(snapshot)
    assert box.clock.now == START + timedelta(days=3)
    box.clock.advance(weeks=2)
    assert box.deliveries() == first
    assert len(first) == 2


def test_reset_makes_a_sandbox_as_new(box: Sandbox) -> None:
    cron_id = create_cron(box)
    box.targets.script("https://*", 200)
    box.clock.advance(weeks=2)
    box.reset()
    assert (box.clock.now, box.targets.list(), list(box.requests()), list(box.deliveries())) == (START, [], [], [])
    assert create_cron(box) == cron_id


def test_relied_is_the_documented_object(box: Sandbox) -> None:
    assert box.relied() == {"items": [], "shapes": [], "complete": True}


def test_what_a_move_waits_for_can_be_watched(box: Sandbox) -> None:
    seen: list[dict[str, Any]] = []
    leave = threading.Event()

    def watch(waiting_for: list[dict[str, Any]]) -> None:
        seen.extend(waiting_for)
        if seen:
            leave.set()

    box.clock.watch = watch
    with Receiver() as receiver:
        receiver.respond(lambda _: 200 if leave.wait(60) else 500)
        create_cron(box, url=receiver.url)
        box.clock.advance(weeks=1)
        assert {(each["url"], each["attempt"]) for each in seen} == {(receiver.url, 1)}
    assert [delivery.status for delivery in box.deliveries()] == [200]
