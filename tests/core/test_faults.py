from typing import Any

import pytest

from sched_emulator.core import faults
from sched_emulator.core.dispatch import Facts
from sched_emulator.core.errors import InjectedFault
from sched_emulator.core.records import Fault
from tests.core.harness import Box


def statuses(box: Box, *operations: str) -> list[int]:
    arguments: dict[str, dict[str, Any]] = {
        "queue.publish": {"queue": "q", "payload": {}},
        "queue.consume": {"queue": "q"},
    }
    return [box.status(operation, **arguments.get(operation, {})) for operation in operations]


@pytest.mark.parametrize(
    ("operation", "expected"),
    [
        (None, [503, 503, 503]),
        ("*", [503, 503, 503]),
        ("queue.*", [503, 503, 200]),
        ("scheduling.queue.*", [503, 503, 200]),
        ("queue.publish", [503, 404, 200]),
        ("account.balance", [200, 200, 503]),
        ("*.consume", [200, 503, 200]),
    ],
)
def test_a_fault_meets_the_operations_that_its_glob_names(box: Box, operation: str | None, expected: list[int]) -> None:
    box.fault({"operation": operation, "status": 503})
    assert statuses(box, "queue.publish", "queue.consume", "account.balance") == expected


def test_a_fault_comes_before_the_operation_so_that_it_has_not_happened(box: Box) -> None:
    box.fault({"operation": "queue.publish", "status": 500, "times": 1})
    assert statuses(box, "queue.publish") == [500]
    assert box.store.messages == {}
    assert statuses(box, "queue.publish") == [200]


def test_a_fault_after_the_operation_leaves_it_done_and_a_key_finds_it(box: Box) -> None:
    box.fault({"operation": "queue.publish", "status": 500, "times": 1, "after": True})
    assert box.status("queue.publish", key="k", queue="q", payload={}) == 500
    assert list(box.store.messages) == ["msg_000001"]
    assert box.publish("q", {}, key="k") == ["msg_000001"]


def test_a_fault_after_an_operation_that_fails_lets_its_own_error_through(box: Box) -> None:
    box.fault({"status": 500, "after": True})
    assert box.status("queue.get", queue="nothing") == 404


def test_times_counts_the_calls_that_a_fault_met(box: Box) -> None:
    box.fault({"operation": "account.*", "status": 503, "times": 2})
    assert statuses(box, *["account.balance"] * 4) == [503, 503, 200, 200]
    assert box.store.faults[0].used == 2


def test_the_first_fault_that_meets_a_call_decides(box: Box) -> None:
    for status in (503, 429):
        box.fault({"status": status, "times": 1})
    assert statuses(box, *["account.balance"] * 3) == [503, 429, 200]


def test_chance_depends_on_the_seed_alone() -> None:
    def met(seed: int) -> list[int]:
        box = Box(seed=seed)
        box.fault({"status": 503, "probability": 0.5})
        return statuses(box, *["account.balance"] * 20)

    assert met(1) == met(1) != met(2)
    assert 4 < met(1).count(503) < 16


@pytest.mark.parametrize(("probability", "expected"), [(0, [200] * 20), (1, [503] * 20)])
def test_chance_knows_never_and_always(box: Box, probability: float, expected: list[int]) -> None:
    box.fault({"status": 503, "probability": probability})
    assert statuses(box, *["account.balance"] * 20) == expected


def test_a_fault_that_only_delays_lets_the_answer_through(box: Box) -> None:
    box.fault({"latency_seconds": 1.5})
    answer = box.sandbox.call("account.balance", {}, facts=Facts())
    assert (answer.result["currency"], answer.latency_ms) == ("USD", 1500)


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ({"status": 429, "retry_after_seconds": 2}, (429, "RATE_LIMITED", True, {"Retry-After": "2"}, 0, False)),
        ({"status": 418}, (418, "INTERNAL", False, {}, 0, False)),
        ({"code": "OUT_OF_TEA"}, (503, "OUT_OF_TEA", True, {}, 0, False)),
        ({"status": 400, "code": "BAD"}, (400, "BAD", False, {}, 0, False)),
        ({"drop": True, "latency_seconds": 0.2}, (503, "UNAVAILABLE", True, {}, 200, True)),
    ],
)
def test_what_a_fault_makes_of_a_call(fault: dict[str, Any], expected: tuple[Any, ...]) -> None:
    with pytest.raises(InjectedFault) as caught:
        faults.raise_fault(Fault(**fault))
    error = caught.value
    assert expected == (
        error.status,
        error.code,
        error.retryable,
        error.headers,
        error.latency_ms,
        error.drop,
    )


def test_faults_can_be_cleared(box: Box) -> None:
    box.fault({"status": 503, "times": 3.0})
    box.sandbox.clear_faults()
    assert statuses(box, "account.balance") == [200]


def test_a_fault_comes_before_the_balance_is_looked_at(box: Box) -> None:
    box.sandbox.set_balance(0)
    box.fault({"status": 503})
    assert statuses(box, "queue.publish") == [503]
