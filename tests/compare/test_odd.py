"""Recordings that are not whole, not clean or not alone: a sentence each, and the rest is judged."""

import random
from dataclasses import replace
from typing import Any

import pytest

from sched_emulator.compare.infer import IN_ANOTHER_ORDER, judge
from sched_emulator.compare.read import Traffic, add
from sched_emulator.core import messages, queues
from sched_emulator.core.dispatch import OPERATIONS
from sched_emulator.core.store import Store
from sched_emulator.recording.lines import Entry, Exchange, LeftOut
from tests.compare.recorded import HOOK, Gateway, compared, fired_late
from tests.compare.test_infer import wrong


def used(answers: dict[str, str | int] | None = None) -> Gateway:
    """Return a gateway whose queues a and b were used, one after the other."""
    gateway = Gateway(answers or {}, shift_ms=-3000)
    gateway.ask("queue.list")
    for name, first in (("a", 1), ("b", 3)):
        gateway.ask("queue.create", {"name": name})
        gateway.ask("queue.publish", {"queue": name, "payload": {"n": 1}})
        gateway.ask("queue.publish", {"queue": name, "payload": {"n": 2}})
        gateway.ask("queue.consume", {"queue": name, "max_messages": 1})
        gateway.ask("queue.nack", {"queue": name, "message_id": f"msg_{first:06d}"})
        gateway.ask("queue.consume", {"queue": name, "max_messages": 1})
    return gateway


def numbered(entries: list[Entry]) -> list[Entry]:
    return [replace(entry, seq=number) for number, entry in enumerate(entries, 1)]


def exchange(entry: Entry) -> Exchange:
    assert isinstance(entry, Exchange)
    return entry


def test_what_begins_in_the_middle_is_judged_from_where_it_is_shown() -> None:
    gateway = used()
    judged = compared(gateway, numbered(gateway.entries[1:]))
    assert (judged.findings, judged.judged, judged.told) == (
        [],
        10,
        [
            "1 exchange is not judged: nothing shows that the queue a was not there before",
            "1 exchange is not judged: nothing shows that the queue b was not there before",
        ],
    )


def test_a_cron_that_was_there_before_is_not_judged_until_it_is_shown() -> None:
    gateway = Gateway({})
    gateway.ask("cron.create", {"name": "x", "schedule": "0 9 * * 1", "url": f"{HOOK}/x"})
    gateway.ask("cron.create", {"name": "y", "schedule": "0 9 * * 1", "url": f"{HOOK}/y"})
    gateway.ask("cron.trigger", id="cron_000001")
    gateway.ask("cron.get", id="cron_000002")
    judged = compared(gateway, numbered(gateway.entries[1:]))
    told = ["1 exchange is not judged: the cron was made before the recording began"]
    assert (judged.findings, judged.judged, judged.told) == ([], 2, told)


def test_after_a_gap_all_begins_anew() -> None:
    gateway = used()
    judged = compared(gateway, [*gateway.entries[:3], *gateway.entries[5:]])
    assert (judged.findings, judged.judged) == ([], 8)
    assert judged.told[0] == "session.jsonl: 2 lines are missing before 6; what is after is read anew"


@pytest.mark.parametrize("after", [4, 7])
def test_whether_what_a_proxy_answered_5xx_was_done_is_left_open(after: int) -> None:
    gateway = used()
    lost = replace(exchange(gateway.entries[3]), status=502, response="<html>Bad Gateway</html>", response_headers=())
    entries = [*gateway.entries[:3], lost, *gateway.entries[after:]]
    judged = compared(gateway, numbered(entries))
    told = "session.jsonl: 1 answer is 5xx; whether what was asked was done is left open"
    assert (judged.findings, judged.told, judged.judged) == ([], [told], len(entries) - 1)


def test_answers_that_are_no_json_are_told_and_the_rest_is_judged() -> None:
    gateway = used()
    entries = [*gateway.entries]
    entries[3] = replace(exchange(entries[3]), response="<html>")
    judged = compared(gateway, entries)
    told = "session.jsonl: 1 answer is no JSON; whether what was asked was done is left open"
    assert (judged.findings, judged.told, judged.judged) == ([], [told], len(entries) - 1)


@pytest.mark.parametrize("status", [200, 503, None])
@pytest.mark.parametrize("path", ["/v1/discovery", "/v1/discovery/queue.publish", "/v1/account/balance"])
def test_what_concerns_no_queue_is_passed_over_whatever_came_of_it(path: str, status: int | None) -> None:
    gateway = used()
    first = exchange(gateway.entries[0])
    error = None if status else "the connection was closed before an answer"
    aside = replace(first, path=path, status=status, response="", response_headers=(), error=error)
    judged = compared(gateway, numbered([*gateway.entries[:3], aside, *gateway.entries[3:]]))
    assert (judged.findings, judged.judged) == ([], len(gateway.entries))


def test_a_request_that_broke_off_and_that_nobody_can_read_is_passed_over() -> None:
    gateway = used()
    first = exchange(gateway.entries[1])
    broken = replace(first, body='{"queue": "a', status=None, response="", error="the client hung up before an answer")
    judged = compared(gateway, numbered([*gateway.entries[:3], broken, *gateway.entries[3:]]))
    assert (judged.findings, judged.judged) == ([], len(gateway.entries))


def test_a_lost_request_whose_body_was_not_recorded_leaves_doubt() -> None:
    gateway = used()
    first = exchange(gateway.entries[1])
    unknown = replace(first, body=LeftOut("it is too long"), status=None, response="", error="the answer broke off")
    judged = compared(gateway, numbered([*gateway.entries[:7], unknown, *gateway.entries[7:]]))
    assert judged.findings == []
    assert judged.judged < len(gateway.entries)
    assert any("its body was not recorded, and it may have been done" in told for told in judged.told), judged.told


def test_recordings_that_contradict_each_other_leave_the_question_open() -> None:
    traffic = Traffic()
    for answer in ("requeue", "dead_letter"):
        add(traffic, f"{answer}.jsonl", used({"queue.nack_default": answer}).entries, (HOOK,))
    judged = judge(traffic)
    assert (judged.findings, judged.verdicts["queue.nack_default"].inferred) == ([], None)
    assert judged.told == [
        "queue.nack_default: the recordings contradict each other, so it is undetermined",
    ]


def test_a_shape_that_was_given_and_is_another_is_told() -> None:
    gateway = used()
    traffic = Traffic()
    add(traffic, "x", gateway.entries, ())
    told = judge(traffic, {"http.envelope": "bare"}).told
    assert told == ["x, line 1: http.envelope is not bare here, which was taken for granted"]


def test_a_name_that_is_taken_may_have_been_taken_before() -> None:
    gateway = Gateway({"cron.duplicate_name": "reject"})
    for _ in range(2):
        gateway.ask("cron.create", {"name": "x", "schedule": "0 9 * * 1", "url": f"{HOOK}/x"})
    second = gateway.entries[1:]
    told = ["1 exchange is not judged: nothing shows that no cron of that name was there before"]
    assert compared(gateway, numbered(second)).told == told
    listed = Gateway({"cron.duplicate_name": "reject"})
    listed.ask("cron.list")
    for _ in range(2):
        listed.ask("cron.create", {"name": "x", "schedule": "0 9 * * 1", "url": f"{HOOK}/x"})
    assert compared(listed).verdicts["cron.duplicate_name"].inferred == "reject"


def test_what_a_receiver_answered_that_was_not_recorded_is_left_open() -> None:
    gateway = Gateway({})
    gateway.ask("task.schedule", {"task": "https://elsewhere.com/x", "run_at": "2026-01-01T00:00:00Z"})
    gateway.advance(5)
    gateway.ask("run.list")
    gateway.ask("run.list")
    told = ["2 exchanges are not judged: what https://elsewhere.com/x answered was not recorded"]
    entries = [entry for entry in gateway.entries if isinstance(entry, Exchange)]
    judged = compared(gateway, numbered([*entries]))
    assert (judged.findings, judged.judged, judged.told) == ([], 1, told)


def test_crons_that_fire_late_are_no_finding_and_bound_the_jitter() -> None:
    gateway = fired_late(Gateway({"cron.jitter_seconds": 60}, shift_ms=800), times=3)
    judged = compared(gateway)
    [bounds] = judged.constants.values()
    assert (judged.findings, judged.judged, bounds.constant, bounds.high) == ([], 4, "cron.jitter_seconds", None)
    assert 2 < (bounds.low or 0) <= 60


def test_a_cron_that_was_paused_before_it_fired_late_is_no_finding() -> None:
    gateway = Gateway({"cron.jitter_seconds": 60})
    gateway.script(f"{HOOK}/*", 200)
    gateway.ask("cron.create", {"name": "x", "schedule": "*/2 * * * *", "url": f"{HOOK}/x"})
    gateway.advance(76)  # it is due after 76.5 seconds
    for _ in range(20):
        gateway.ask("cron.get", id="cron_000001")
    gateway.ask("cron.pause", id="cron_000001")
    gateway.advance(300)
    gateway.ask("cron.get", id="cron_000001")
    judged = compared(gateway)
    assert ([entry for entry in gateway.entries if not isinstance(entry, Exchange)], judged.findings) == ([], [])


@pytest.mark.parametrize("body", ["event", "payload"])  # which says whose it is, and which does not
@pytest.mark.parametrize("seed", range(3))
def test_a_run_that_was_triggered_before_a_late_fire_is_not_taken_for_it(seed: int, body: str) -> None:
    answers: dict[str, str | int] = {"cron.jitter_seconds": 60, "cron.overlap_default": "allow", "delivery.body": body}
    gateway = Gateway(answers, seed, shift_ms=800)
    gateway.script(f"{HOOK}/*", 200)
    gateway.ask("cron.create", {"name": "x", "schedule": "* * * * *", "url": f"{HOOK}/x"})
    gateway.advance(19)  # 1 s after the minute
    for _ in range(5):
        gateway.ask("cron.trigger", id="cron_000001")
        gateway.advance(60)
    judged = compared(gateway)
    assert (wrong(judged, gateway), judged.judged, judged.told) == ([], 6, [])


def test_a_queue_that_hands_out_in_another_order_is_told_as_a_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    gateway = Gateway({})
    with monkeypatch.context() as patch:
        patch.setitem(OPERATIONS, "scheduling.queue.consume", in_any_order)
        gateway.ask("queue.list")
        for number in range(9):
            gateway.ask("queue.publish", {"queue": "a", "payload": {"n": number}})
        for _ in range(4):
            gateway.ask("queue.consume", {"queue": "a", "max_messages": 2})
    judged = compared(gateway)
    told = f"session.jsonl, line 1 and on: {IN_ANOTHER_ORDER}"
    assert (judged.findings, judged.judged, judged.told) == ([], 14, [told])


def in_any_order(store: Store, *, queue: str, max_messages: int = 1, visibility_timeout_ms: int = 30_000) -> Any:
    """Hand out any of the messages that are available."""
    chance = random.Random(store.journal.seq)  # noqa: S311 - of a test
    record, live = queues.find(store, queue), store.contents[queue].live
    there = [message for message in live.messages.values() if message.place == "available"]
    chosen = chance.sample(there, min(len(there), max_messages, chance.randrange(4)))
    for message in chosen:
        messages.hand_out(store, record, message, visibility_timeout_ms)
    return {"messages": [messages.view(message) for message in chosen]}


def crowd(clients: int, exchanges: int) -> Gateway:
    """Return a gateway whose queue clients use side by side, each one thing after the other."""
    gateway = Gateway({}, shift_ms=9000)
    chance = random.Random(1)  # noqa: S311 - of a test
    gateway.ask("queue.list")
    gateway.ask("queue.create", {"name": "a"})
    gateway.advance(3)
    held: list[list[str]] = [[] for _ in range(clients)]
    free_ms = [0] * clients
    while len(gateway.entries) < exchanges:
        client = min(range(clients), key=lambda number: free_ms[number])
        before_ms, after_ms = chance.randrange(5, 400), chance.randrange(5, 400)
        now_ms = max(free_ms[client] + before_ms, gateway.sandbox.store.now_ms - gateway.started_ms)
        gateway.until(now_ms)
        if held[client]:
            gateway.ask("queue.ack", {"queue": "a", "message_id": held[client].pop()}, lag_ms=(before_ms, after_ms))
        elif chance.random() < 0.5:
            gateway.ask("queue.publish", {"queue": "a", "payload": {}}, lag_ms=(before_ms, after_ms))
        elif chance.random() < 0.1:
            gateway.ask("queue.stats", queue="a", lag_ms=(before_ms, after_ms))
        else:
            taken = gateway.ask("queue.consume", {"queue": "a", "max_messages": 3}, lag_ms=(before_ms, after_ms))
            held[client] = [message["message_id"] for message in taken["messages"]]
        free_ms[client] = now_ms + after_ms
    return gateway


def test_clients_side_by_side_and_any_order_lead_to_no_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setitem(OPERATIONS, "scheduling.queue.consume", in_any_order)
        gateway = crowd(clients=32, exchanges=2000)
    entries = numbered(sorted(gateway.entries, key=lambda entry: exchange(entry).received_at_ms))
    judged = compared(gateway, entries)
    assert judged.findings == []
    assert judged.judged >= 0.9 * len(entries)
