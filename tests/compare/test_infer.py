"""What random sessions show is inferred, nothing that is in force is ever ruled out, and nothing is found."""

import random

import pytest

from sched_emulator.compare.infer import Judged
from sched_emulator.core.relied import relied
from sched_emulator.core.work import at_once
from sched_emulator.spec import assumptions
from tests import soak
from tests.compare.recorded import HOOK, Gateway, Session, compared, random_answers

BEHAVIOURS = {name: list(item.answers) for name, item in assumptions.catalogue().items() if item.kind == "behaviour"}
SESSIONS, STEPS = soak.sized(10, 70), 16  # of a test, and of a session; `make soak` tries 2,100


def recorded(seed: int) -> Gateway:
    """Return a gateway under random answers that a random session has used, a proxy between them."""
    chance = random.Random(seed)  # noqa: S311 - of a test
    gateway = Gateway(random_answers(chance), seed, shift_ms=chance.randrange(-90_000, 90_000))
    Session(gateway, seed).play(STEPS)
    return gateway


def asked(gateway: Gateway) -> set[str]:
    """Return the questions that a session asked: another answer would have shown."""
    return {reliance.assumption_id for reliance in at_once(relied(gateway.sandbox, BEHAVIOURS))}


def wrong(judged: Judged, gateway: Gateway) -> list[str]:
    """Return what is not true of what was concluded."""
    in_force = gateway.sandbox.store.answers.values
    ruled_out = [name for name, verdict in judged.verdicts.items() if in_force[name] not in verdict.possible]
    bounded = [
        name
        for name, bounds in judged.constants.items()
        if not (bounds.low or 0) <= int(in_force[name]) <= (bounds.high or int(in_force[name]))
    ]
    return [*ruled_out, *bounded, *(str(finding.explained.difference) for finding in judged.findings)]


@pytest.mark.soak
@pytest.mark.parametrize("seed", soak.seeds(3))
def test_what_sessions_ask_is_inferred_and_nothing_true_is_ruled_out(seed: int) -> None:
    inferred, questions = 0, 0
    for number in range(SESSIONS):
        gateway = recorded(SESSIONS * seed + number)
        judged = compared(gateway)
        assert (number, wrong(judged, gateway)) == (number, [])
        shown = asked(gateway)
        questions += len(shown)
        inferred += sum(judged.verdicts[name].inferred is not None for name in shown if name in judged.verdicts)
    assert inferred >= 0.8 * questions


SETTLED = (  # the questions that `program` settles, whatever the answers
    "queue.consume_unknown",
    "queue.create_existing",
    "queue.nack_default",
    "queue.nack_position",
    "queue.max_retries_counts",
    "queue.stats_delayed",
    "queue.ack_unknown",
    "cron.duplicate_name",
    "cron.trigger_when_paused",
    "idempotency.conflict",
)


def program(gateway: Gateway) -> None:
    """Use a gateway, in the same way whatever it answers."""
    gateway.ask("queue.list")
    gateway.ask("cron.list")
    gateway.ask("queue.consume", {"queue": "a"})
    gateway.ask("queue.create", {"name": "a", "max_retries": 1, "visibility_timeout_default": 60})
    gateway.ask("queue.create", {"name": "a", "max_retries": 1, "visibility_timeout_default": 60})
    for number in range(3):
        gateway.ask("queue.publish", {"queue": "a", "payload": {"n": number}}, key=f"key {number // 2}")
    gateway.ask("queue.publish", {"queue": "a", "payload": {"n": "late"}, "delay_seconds": 600})
    gateway.ask("queue.stats", queue="a")
    for _ in range(4):
        gateway.ask("queue.consume", {"queue": "a", "max_messages": 1})
        gateway.ask("queue.nack", {"queue": "a", "message_id": "msg_000001", "requeue": True})
    gateway.ask("queue.create", {"name": "b"})
    gateway.ask("queue.publish", {"queue": "b", "payload": {}})
    gateway.ask("queue.consume", {"queue": "b", "max_messages": 1})
    gateway.ask("queue.nack", {"queue": "b", "message_id": "msg_000004"})
    gateway.ask("queue.nack", {"queue": "b", "message_id": "msg_000005"})
    gateway.ask("queue.ack", {"queue": "a", "message_id": "msg_999999"})
    for name in ("once", "once"):
        gateway.ask("cron.create", {"name": name, "schedule": "0 9 * * 1", "url": f"{HOOK}/weekly"})
    gateway.ask("cron.pause", id="cron_000001")
    gateway.ask("cron.trigger", id="cron_000001")
    gateway.advance(1)
    gateway.ask("run.list")


@pytest.mark.parametrize("seed", range(6))
def test_under_what_was_inferred_the_same_program_is_answered_the_same(seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - of a test
    gateway = Gateway({name: chance.choice(BEHAVIOURS[name]) for name in SETTLED}, shift_ms=5000)
    program(gateway)
    judged = compared(gateway)
    inferred = {name: verdict.inferred for name, verdict in judged.verdicts.items()}
    again = Gateway({name: answer for name, answer in inferred.items() if answer is not None}, shift_ms=5000)
    program(again)
    assert again.entries == gateway.entries


def test_a_constant_is_an_interval_that_each_exchange_narrows() -> None:
    gateway = Gateway({"queue.visibility_timeout_seconds": 45}, shift_ms=-700)
    gateway.ask("queue.list")
    gateway.ask("queue.publish", {"queue": "a", "payload": {}})
    gateway.ask("queue.consume", {"queue": "a"})
    gateway.advance(43)
    gateway.ask("queue.stats", queue="a")
    gateway.advance(4)
    gateway.ask("queue.stats", queue="a")
    judged = compared(gateway)
    [bounds] = judged.constants.values()
    assert (bounds.constant, bounds.low, bounds.high, bounds.value) == ("queue.visibility_timeout_seconds", 43, 47, 45)
    assert judged.findings == []


@pytest.mark.parametrize(("seconds", "retries"), [(60, 0), (60, 1), (45, 1)])
def test_two_constants_that_differ_at_one_exchange_are_found_together(seconds: int, retries: int) -> None:
    answers: dict[str, str | int] = {"queue.visibility_timeout_seconds": seconds, "queue.max_retries": retries}
    gateway = Gateway(answers, shift_ms=900)
    gateway.ask("queue.list")
    gateway.ask("queue.publish", {"queue": "a", "payload": {}})
    for attempt in range(retries + 1):
        gateway.ask("queue.consume", {"queue": "a"})
        gateway.advance(40 if attempt == retries else 1)
        gateway.ask("queue.nack", {"queue": "a", "message_id": "msg_000001", "requeue": True})
    judged = compared(gateway)
    assert (wrong(judged, gateway), judged.told) == ([], [])
    assert {name: bounds.low for name, bounds in judged.constants.items()} == {
        "queue.visibility_timeout_seconds": 40,
        "queue.max_retries": None if retries == 0 else retries,
    }


def test_a_constant_that_another_may_stand_for_is_not_bounded_by_it() -> None:
    answers: dict[str, str | int] = {"delivery.backoff_first_seconds": 30, "delivery.backoff_max_seconds": 15}
    gateway = Gateway(answers, shift_ms=900)
    gateway.script(f"{HOOK}/*", 500, 200)
    gateway.ask("task.schedule", {"task": f"{HOOK}/x", "run_at": "2026-01-01T10:19:00Z"})
    gateway.advance(100)
    gateway.ask("run.list")
    judged = compared(gateway)
    assert (wrong(judged, gateway), judged.told) == ([], [])
    bounds = judged.constants["delivery.backoff_first_seconds"]
    assert (bounds.low, bounds.high, bounds.inferred) == (12, None, None)
