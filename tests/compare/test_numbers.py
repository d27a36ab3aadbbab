"""Limits, pages and retention are intervals that each exchange narrows; what a limit refuses is no finding."""

from sched_emulator.compare.infer import Judged
from sched_emulator.compare.numbers import TOO_MUCH
from sched_emulator.compare.report import facts
from sched_emulator.compare.texts import toml
from sched_emulator.compare.verdicts import Bounds
from tests.compare.recorded import Gateway, compared, fired_late


def bounds(judged: Judged) -> dict[str, tuple[int | None, int | None, int | None]]:
    """Return of each constant the least and the greatest value, and what is proposed."""
    return {name: (each.low, each.high, each.inferred) for name, each in judged.constants.items()}


def test_what_is_taken_and_what_is_refused_bounds_the_limits() -> None:
    gateway = Gateway({"limits.message_bytes": 2000, "limits.delay_seconds": 900, "limits.batch_messages": 10})
    gateway.ask("queue.list")
    gateway.ask("queue.create", {"name": "a"})
    for chars in (1700, 2400):
        gateway.ask("queue.publish", {"queue": "a", "payload": {"text": "x" * chars}})
    for seconds in (600, 1200):
        gateway.ask("queue.publish", {"queue": "a", "payload": {}, "delay_seconds": seconds})
    for count in (8, 12):
        gateway.ask("queue.publish_batch", {"queue": "a", "messages": [{"payload": {}}] * count})
    judged = compared(gateway)
    assert bounds(judged) == {
        "limits.message_bytes": (1711, 2410, 1800),
        "limits.delay_seconds": (600, 1199, 600),
        "limits.batch_messages": (8, 11, 10),
    }
    assert (judged.findings, judged.judged, len(judged.told)) == ([], 5, 0)
    assert [item.passed for item in judged.traffic.items if item.status in {400, 413}] == [TOO_MUCH] * 3


def test_a_message_larger_than_by_default_is_taken_as_it_came() -> None:
    gateway = Gateway({"limits.message_bytes": 1_000_000})
    gateway.ask("queue.list")
    gateway.ask("queue.create", {"name": "a"})
    gateway.ask("queue.publish", {"queue": "a", "payload": {"text": "x" * 300_000}})
    judged = compared(gateway)
    assert (judged.findings, bounds(judged)) == ([], {"limits.message_bytes": (300_011, None, None)})


def test_pages_show_how_long_they_are_and_the_first_one_is_judged() -> None:
    gateway = Gateway({"page.default_limit": 3, "page.max_limit": 5, "queue.dlq_consumable": "hidden"})
    gateway.ask("queue.list")
    gateway.ask("queue.create", {"name": "a", "max_retries": 0})
    for number in range(7):
        gateway.ask("queue.publish", {"queue": "a", "payload": {"n": number}})
    gateway.ask("queue.consume", {"queue": "a", "max_messages": 10})
    for number in range(7):
        gateway.ask("queue.nack", {"queue": "a", "message_id": f"msg_{number + 1:06d}", "requeue": False})
    gateway.ask("queue.dlq.list", queue="a")
    for number in range(6):
        gateway.ask("queue.create", {"name": f"b{number}"})
    gateway.ask("queue.list")
    judged = compared(gateway)
    assert (judged.findings, bounds(judged)["page.default_limit"]) == ([], (3, 3, 3))
    assert judged.told == []


def test_a_message_that_is_gone_bounds_the_retention_of_its_queue() -> None:
    gateway = Gateway({"queue.retention_days": 7})
    gateway.ask("queue.list")
    gateway.ask("queue.create", {"name": "a"})
    gateway.ask("queue.publish", {"queue": "a", "payload": {}})
    gateway.advance(5 * 86_400)
    gateway.ask("queue.stats", queue="a")
    gateway.advance(3 * 86_400)
    gateway.ask("queue.stats", queue="a")
    judged = compared(gateway)
    assert (judged.findings, bounds(judged)) == ([], {"queue.retention_days": (6, 8, 6)})


def test_a_constant_of_which_one_round_value_is_left_is_proposed() -> None:
    assert Bounds("cron.jitter_seconds", 47, None, 47).inferred == 60
    assert Bounds("cron.jitter_seconds", 20, None, 20).inferred is None
    assert Bounds("limits.message_bytes", 5000, None, 5000).inferred is None


def test_what_is_left_open_stands_in_a_comment_and_what_is_not_is_loaded() -> None:
    gateway = fired_late(Gateway({"cron.jitter_seconds": 60}, seed=3), times=12)
    judged = compared(gateway)
    [each] = judged.constants.values()
    text = toml(facts(judged, ["session.jsonl"]))
    assert each.inferred == 60
    assert (
        f"# What was recorded fits at least {each.low}, of which no other is round.\ncron.jitter_seconds = 60\n" in text
    )
