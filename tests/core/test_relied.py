from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given

from sched_emulator.core import relied as module
from sched_emulator.core.errors import SchedulingError
from sched_emulator.core.kept import Command
from sched_emulator.core.relied import Due, Reliance, Reply, Sent
from sched_emulator.core.replay import apply
from sched_emulator.core.sandbox import Answer, Sandbox
from tests.core import sessions
from tests.core.harness import OK, START_MS, Answers, Box
from tests.core.questions import HOOK, QUESTIONS
from tests.core.sessions import BEHAVIOURS, Player, Step
from tests.soak import examples

LOCAL = "http://127.0.0.1:9000/"


def relied(sandbox: Sandbox, alternatives: Mapping[str, Sequence[str]]) -> list[Reliance]:
    """Do the whole of the work at once."""
    work = module.relied(sandbox, alternatives)
    try:
        while True:
            next(work)
    except StopIteration as done:
        found: list[Reliance] = done.value
        return found


def named(box: Box) -> set[tuple[str, str]]:
    """Return each question that the session relied on, with each answer that would have made a difference."""
    return {(item.assumption_id, item.other) for item in relied(box.sandbox, BEHAVIOURS)}


def proof(box: Box, name: str) -> Reliance:
    [item] = [item for item in relied(box.sandbox, BEHAVIOURS) if item.assumption_id == name]
    return item


# --- For each behaviour, a session that relies on it and a similar one that does not


@pytest.mark.parametrize(("name", "answer"), [(name, answer) for name in BEHAVIOURS for answer in BEHAVIOURS[name]])
def test_a_session_that_shows_the_answer_relied_on_it(name: str, answer: str) -> None:
    box = Box({name: answer})
    QUESTIONS[name].observe(box)
    others = {(name, other) for other in BEHAVIOURS[name] if other != answer}
    assert {pair for pair in named(box) if pair[0] == name} == others


@pytest.mark.parametrize(("name", "answer"), [(name, answer) for name in BEHAVIOURS for answer in BEHAVIOURS[name]])
def test_a_similar_session_did_not(name: str, answer: str) -> None:
    box = Box({name: answer})
    QUESTIONS[name].unmoved(box)
    assert {pair for pair in named(box) if pair[0] == name} == set()


# --- The proof is the first thing that would have come otherwise


def test_the_proof_names_the_first_answer_that_differs(box: Box) -> None:
    QUESTIONS["queue.nack_position"].observe(box)
    found = proof(box, "queue.nack_position")
    message = {"attempts": 2, "payload": 1, "message_id": "msg_000001", "published_at": START_MS}
    other = {"attempts": 1, "payload": 2, "message_id": "msg_000002", "published_at": START_MS}
    assert found == Reliance(
        "queue.nack_position",
        "front",
        "back",
        Reply("scheduling.queue.consume", 6, {"messages": [message]}),
        Reply("scheduling.queue.consume", 6, {"messages": [other]}),
    )


def test_the_proof_can_be_a_refusal(box: Box) -> None:
    box.publish("q", 1)
    found = proof(box, "queue.publish_unknown")
    assert (found.was, found.would_be) == (
        Reply("scheduling.queue.publish", 1, {"message_id": "msg_000001"}),
        Reply("scheduling.queue.publish", 1, code="NOT_FOUND", message="queue 'q' not found"),
    )


def test_the_proof_can_be_a_delivery(box: Box) -> None:
    box.call("task.schedule", task=HOOK, run_at_ms=START_MS, payload={"n": 1})
    box.advance()
    found = proof(box, "delivery.body")
    assert isinstance(found.was, Sent)
    assert found.was == Sent("task", 2, START_MS, HOOK, found.was.headers, {"n": 1}, 1)
    assert found.was.headers["X-Infrai-Attempt"] == "1"


def test_the_proof_can_be_what_is_due(box: Box) -> None:
    box.script(HOOK, 500)
    box.call("task.schedule", task=HOOK, run_at_ms=START_MS)
    box.advance()
    seen = {item.other: item.would_be for item in relied(box.sandbox, BEHAVIOURS) if item.answer == "exponential"}
    assert seen == {
        "fixed": Due("retry", 2, START_MS + 60_000, "run_000001"),
        "immediate": seen["immediate"],
    }
    assert isinstance(seen["immediate"], Sent)
    assert (seen["immediate"].operation, seen["immediate"].seq) == ("task", 3)


def test_an_event_that_would_have_been_called_off_is_a_difference(box: Box) -> None:
    box.call("cron.create", cron_expr="* * * * *", task=HOOK, max_runs=1)
    box.call("cron.trigger", cron_id="cron_000001")
    box.call("cron.delete", cron_id="cron_000001")
    found = proof(box, "cron.max_runs_counts")
    assert found.would_be == Due("cron", 1, START_MS + 60_000, "cron_000001")


def test_a_delivery_that_the_log_does_not_have_is_the_difference(box: Box) -> None:
    box.call("cron.create", cron_expr="* * * * *", task=LOCAL)
    attempt = box.to_send(60)
    box.advance(60 - 0.001)
    box.sandbox.settle(attempt.attempt_id, OK)
    assert ("delivery.body", "event") in named(box)
    assert not {pair for pair in named(box) if pair[0] in {"delivery.backoff", "cron.overlap_default"}}


def test_what_real_receivers_answered_is_taken_from_the_log(box: Box) -> None:
    box.publish("q", 1)
    box.call("queue.push_subscribe", queue="q", url=LOCAL)
    box.sandbox.settle(box.to_send().attempt_id, OK)
    assert {name for name, _ in named(box)} == {"queue.publish_unknown", "push.body", "idempotency.required"}


def test_deliveries_that_the_journal_no_longer_keeps_are_no_trouble() -> None:
    box = Box(keep_entries=1)
    for number in range(2):
        box.call("task.schedule", task=HOOK, run_at_ms=START_MS, payload={"n": number})
    box.advance()
    found = proof(box, "delivery.body")
    assert isinstance(found.was, Sent)
    assert found.was.body == {"n": 1}


def test_the_work_yields_after_each_command(box: Box) -> None:
    box.publish("q", 1)
    box.advance(60)
    work = module.relied(box.sandbox, {"queue.publish_unknown": ("create", "reject")})
    commands_replayed = len(box.sandbox.log) + 1  # the whole session, then the first command of the other
    let_go = 1
    assert len(list(work)) == commands_replayed - 1 + let_go


# --- Where the log begins and what changes on the way


def test_what_was_seen_is_let_go_in_pieces_too(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(100):
        box.call("queue.publish", queue="orders", payload={})

    def pieces(let_go_a_piece: int) -> int:
        monkeypatch.setattr(module, "LET_GO_A_PIECE", let_go_a_piece)
        return sum(1 for _ in module.relied(box.sandbox, {}))

    assert pieces(1) - pieces(100) >= 99


def test_what_was_asked_before_a_restore_is_not_relied_on(box: Box) -> None:
    QUESTIONS["queue.nack_position"].observe(box)
    box.restore(box.sandbox.snapshot())
    assert named(box) == set()


# --- What one request asked


def asked(box: Box, seq: int) -> dict[str, str | int] | None:
    """Do the whole of the work at once."""
    work = module.asked_by(box.sandbox, seq)
    try:
        while True:
            next(work)
    except StopIteration as done:
        found: module.Asked | None = done.value
        return None if found is None else found.answers


def test_a_request_is_told_what_it_asked_itself_and_what_it_was_answered(box: Box) -> None:
    box.call("cron.create", cron_expr="*/10 * * * *", task=HOOK)
    box.call("queue.publish", queue="q", payload={})
    box.sandbox.set_assumptions({"queue.publish_unknown": "reject"})
    with pytest.raises(SchedulingError):
        box.call("queue.publish", queue="other", payload={})
    box.advance(3600)
    box.call("queue.stats", queue="q")
    later = box.sandbox.store.journal.seq
    assert asked(box, 2) == {
        "idempotency.required": "optional",
        "limits.message_bytes": 262144,
        "queue.publish_unknown": "create",
        "queue.visibility_timeout_seconds": 30,
        "queue.max_retries": 3,
        "queue.retention_days": 30,
    }
    assert (asked(box, 3) or {})["queue.publish_unknown"] == "reject"
    assert asked(box, later) == {}  # what the time before it asked is not its own
    assert (asked(box, 4), asked(box, later + 1)) == (None, None)  # a delivery, and none


def test_what_a_request_asked_is_known_no_longer_than_its_command(box: Box) -> None:
    box.call("queue.publish", queue="q", payload={})
    box.restore(box.sandbox.snapshot())
    box.call("queue.publish", queue="q", payload={})
    assert (asked(box, 1), "limits.message_bytes" in (asked(box, 2) or {})) == (None, True)


def test_a_session_that_began_with_a_snapshot_is_judged_from_there(box: Box) -> None:
    box.call("queue.create", queue="q", type="fifo")
    box.publish("q", 1, 2)
    box.consume("q", max_messages=1)
    box.restore(box.sandbox.snapshot())
    assert box.consume("q") == []
    assert ("queue.fifo_in_flight", "allow") in named(box)


def test_a_push_that_is_due_in_a_snapshot_is_no_trouble_under_another_answer() -> None:
    box = Box({"queue.fifo_in_flight": "allow"})
    box.call("queue.create", queue="q", type="fifo")
    box.publish("q", 1, 2)
    box.consume("q", max_messages=1)
    box.call("queue.push_subscribe", queue="q", url=HOOK)
    box.restore(box.sandbox.snapshot())
    box.advance()
    assert ("queue.fifo_in_flight", "block") in named(box)


def test_a_cron_in_a_snapshot_that_another_answer_makes_senseless_is_no_trouble(box: Box) -> None:
    box.call("cron.create", cron_expr="*/10 30 9 * * *", task=HOOK)
    box.restore(box.sandbox.snapshot())
    box.advance(24 * 3600)
    assert ("cron.seconds_position", "last") in named(box)


def test_an_answer_set_by_the_session_is_taken_out_for_the_others(box: Box) -> None:
    box.sandbox.set_assumptions({"queue.nack_position": "back", "queue.nack_default": "requeue"})
    QUESTIONS["queue.nack_position"].observe(box)
    found = proof(box, "queue.nack_position")
    assert (found.answer, found.other) == ("back", "front")


def test_a_session_under_two_answers_is_compared_with_each(box: Box) -> None:
    box.publish("q", 1, delay_seconds=60)
    box.counts("q")
    box.sandbox.set_assumptions({"queue.stats_delayed": "available"})
    box.counts("q")
    assert {(item.answer, item.other) for item in relied(box.sandbox, BEHAVIOURS) if "stats" in item.assumption_id} == {
        ("hidden", "available"),
        ("available", "hidden"),
    }


def test_looking_changes_nothing(box: Box) -> None:
    QUESTIONS["queue.nack_position"].observe(box)
    before = box.sandbox.snapshot(), list(box.sandbox.log), dict(box.store.answers.asked)
    relied(box.sandbox, BEHAVIOURS)
    assert (box.sandbox.snapshot(), box.sandbox.log, box.store.answers.asked) == before


def test_only_the_questions_given_are_looked_at(box: Box) -> None:
    QUESTIONS["queue.nack_position"].observe(box)
    assert relied(box.sandbox, {}) == []
    few = {"queue.nack_position": ("front", "back"), "cron.dst": ("vixie", "literal")}
    assert [item.assumption_id for item in relied(box.sandbox, few)] == ["queue.nack_position"]


# --- The promise itself


def course(chosen: Answers, log: Iterable[Command], name: str | None = None, other: str = "") -> list[Any]:
    """Run a session afresh and tell all that a user could have watched: answers, deliveries, events, what is due."""
    sandbox = Box({**chosen, **({name: other} if name else {})}).sandbox
    told: list[Any] = []
    for method, arguments in log:
        given = dict(arguments)
        if method == "set_assumptions":
            given = {"changes": {key: value for key, value in arguments["changes"].items() if key != name}}
        if method == "poll":
            told += event_by_event(sandbox, **given)
        else:
            result = apply(sandbox, Command(method, given))
            told += [result.message] if isinstance(result, SchedulingError) else []
            told += [result.result] if isinstance(result, Answer) else []
        told.append([(entry.due_ms, entry.kind, entry.subject) for entry in sandbox.store.timeline.due(10_000)])
    for entry in sandbox.store.journal.deliveries:
        told.append((entry.seq, entry.at_ms, entry.url, entry.headers, entry.body))
    return told


def event_by_event(sandbox: Sandbox, until_ms: int | None, max_events: int | None, **more: Any) -> Iterable[Any]:
    """Let time pass one event after the other; say which they were."""
    happened = 0
    while max_events is None or happened < max_events:
        following, fired = sandbox.store.timeline.due(1), sandbox.store.fired
        attempt = sandbox.poll(until_ms, max_events=1, **more)
        if sandbox.store.fired == fired:
            break
        happened += 1
        yield following[0].due_ms, following[0].kind, following[0].subject
        if attempt is not None:
            break


@examples(25)
@given(sessions.answers(), sessions.sessions(size=12))
def test_an_answer_is_named_exactly_when_the_session_under_it_differs(chosen: Answers, steps: list[Step]) -> None:
    box = Box(chosen)
    Player(box.sandbox).play_all(steps)
    log = list(box.sandbox.log)
    as_it_was = course(chosen, log)
    differing = {
        (name, other)
        for name in box.store.answers.asked
        for other in BEHAVIOURS.get(name, ())  # constants are asked, too
        if course(chosen, log, name, other) != as_it_was
    }
    assert named(box) == differing


@examples(5)
@given(sessions.answers(), sessions.sessions(size=12))
def test_a_question_that_was_not_asked_makes_no_difference(chosen: Answers, steps: list[Step]) -> None:
    box = Box(chosen)
    Player(box.sandbox).play_all(steps)
    log = list(box.sandbox.log)
    as_it_was = course(chosen, log)
    for name in BEHAVIOURS.keys() - box.store.answers.asked.keys():
        for other in BEHAVIOURS[name]:
            assert course(chosen, log, name, other) == as_it_was, name
