"""Each part is compared with the lists that show something of it; of many that show the same, with first and last."""

import pytest

from sched_emulator.compare.infer import Judged
from sched_emulator.core.dispatch import OPERATIONS
from tests.compare.recorded import HOOK, Gateway, compared
from tests.compare.test_infer import wrong


def compared_with(judged: Judged, operation: str) -> list[list[int]]:
    """Return, for each part, which of the lists it was compared with."""
    numbers = [item.number for item in judged.traffic.items if item.operation == f"scheduling.{operation}"]
    listed = (
        [item.number for item in part.items if item.operation == f"scheduling.{operation}"] for part, _ in judged.parts
    )
    return [[numbers.index(number) for number in each] for each in listed]


def two_kinds(gateway: Gateway) -> None:
    """Use a queue and a cron, and list both often."""
    gateway.ask("queue.list")
    gateway.ask("cron.list")
    gateway.ask("queue.create", {"name": "a"})
    gateway.ask("cron.create", {"name": "x", "schedule": "0 9 * * 1", "url": f"{HOOK}/x"})
    for _ in range(4):
        gateway.ask("queue.list")
        gateway.ask("cron.list")
    gateway.ask("queue.publish", {"queue": "a", "payload": {}})
    for _ in range(4):
        gateway.ask("queue.list")


def test_a_part_is_compared_with_what_shows_something_of_it_and_all_counts_as_judged() -> None:
    gateway = Gateway({}, shift_ms=500)
    two_kinds(gateway)
    judged = compared(gateway)
    assert (judged.judged, wrong(judged, gateway), judged.told) == (len(gateway.entries), [], [])
    assert compared_with(judged, "queue.list") == [[0, 1, 4, 5, 8], [8]]  # the last says how far time has passed
    assert compared_with(judged, "cron.list") == [[], [0, 1, 4]]


def test_one_list_of_many_alike_that_shows_nothing_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    gateway = Gateway({}, shift_ms=500)
    gateway.ask("queue.list")
    gateway.ask("queue.create", {"name": "a"})
    for number in range(6):
        with monkeypatch.context() as patch:
            if number == 3:
                patch.setitem(OPERATIONS, "scheduling.queue.list", lambda *_given, **_more: {"items": []})
            gateway.ask("queue.list")
    [finding] = compared(gateway).findings
    difference = finding.explained.difference
    assert difference is not None
    assert (difference.field, difference.expected, difference.came) == ("items", "a", "nothing")


def test_many_things_and_whole_lists_are_few_steps_of_each_part() -> None:
    gateway = Gateway({}, shift_ms=500)
    gateway.ask("queue.list")
    for number in range(20):
        gateway.ask("queue.create", {"name": f"q{number}"})
    for number in range(60):
        gateway.ask("queue.list")
        gateway.ask("run.list")
        gateway.ask("queue.publish", {"queue": f"q{number % 3}", "payload": {}})
    judged = compared(gateway)
    assert judged.judged == len(gateway.entries)
    assert max(len(part.items) for part, _ in judged.parts[3:]) == 5


def test_whole_lists_that_no_part_needs_are_judged_too() -> None:
    gateway = Gateway({})
    gateway.ask("cron.list")
    gateway.ask("run.list")
    gateway.ask("queue.list")
    gateway.ask("queue.create", {"name": "a"})
    gateway.ask("cron.list")
    judged = compared(gateway)
    assert judged.judged == 5
