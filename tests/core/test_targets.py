from typing import Any

import pytest

from sched_emulator.core import targets
from sched_emulator.core.records import Outcome, Response, Target
from tests.core.harness import Box

HOOK = "https://api.acme.com/hook"


def answers(target: Target, count: int) -> list[int | None]:
    outcomes = [targets.answer([target], HOOK, 1000) for _ in range(count)]
    return [outcome.status if outcome else None for outcome in outcomes]


def scripted(*statuses: int, **options: Any) -> Target:
    return Target(url="https://api.acme.com/*", responses=[Response(status=status) for status in statuses], **options)


def test_the_last_response_repeats() -> None:
    assert answers(scripted(503, 503, 200), 5) == [503, 503, 200, 200, 200]


def test_responses_can_go_round() -> None:
    target = scripted(503, 200, then="cycle")
    assert answers(target, 5) == [503, 200, 503, 200, 503]
    assert target.used == 5


def test_the_newest_that_fits_answers() -> None:
    listed = [scripted(500), Target(url=HOOK, responses=[Response(status=201)]), scripted(502)]
    listed[2].url = "https://other.example/*"
    assert targets.answer(listed, HOOK, 1000) == Outcome(result="delivered", status=201)
    assert [target.used for target in listed] == [0, 1, 0]


def test_none_that_fits_answers_nothing() -> None:
    assert targets.answer([scripted(200)], "https://other.acme.com/x", 1000) is None


def test_a_second_one_for_the_same_glob_replaces_the_first_and_counts_as_newest() -> None:
    listed: list[Target] = []
    first, other, second = scripted(500), Target(url="https://*", responses=[Response()]), scripted(200)
    for target in (first, other, second):
        targets.script(listed, target)
    assert listed == [other, second]


@pytest.mark.parametrize(
    ("response", "outcome"),
    [
        (Response(), Outcome(result="delivered", status=200)),
        (Response(latency_seconds=0.4), Outcome(result="delivered", status=200, duration_ms=400)),
        (Response(latency_seconds=1), Outcome(result="timeout", error="no answer within 1 s", duration_ms=1000)),
        (Response(latency_seconds=9), Outcome(result="timeout", error="no answer within 1 s", duration_ms=1000)),
        (Response(error="timeout"), Outcome(result="timeout", error="no answer within 1 s", duration_ms=1000)),
        (
            Response(error="refused", latency_seconds=0.2),
            Outcome(result="refused", error="connection refused", duration_ms=200),
        ),
        (Response(error="reset"), Outcome(result="failed", error="connection reset")),
        (Response(status=302), Outcome(result="failed", status=302, error="HTTP 302")),
        (
            Response(status=500, headers={"X-A": "1"}, body="oops"),
            Outcome(
                result="failed",
                status=500,
                error="HTTP 500",
                response_headers={"X-A": "1"},
                response_body="oops",
            ),
        ),
        (
            Response(body={"b": 1, "a": [None, "ü"]}),
            Outcome(result="delivered", status=200, response_body='{"b":1,"a":[null,"ü"]}'),
        ),
    ],
)
def test_what_a_response_makes_of_an_attempt(response: Response, outcome: Outcome) -> None:
    assert targets.answer([Target(url="*", responses=[response])], HOOK, 1000) == outcome


@pytest.mark.parametrize(
    ("body", "kept"), [("x" * 5000, "x" * 4096), ("é" * 3000, "é" * 2048), ("x" + "é" * 3000, "x" + "é" * 2047 + "�")]
)
def test_at_most_the_first_4_kib_of_an_answer_are_kept(body: str, kept: str) -> None:
    outcome = targets.answer([Target(url="*", responses=[Response(body=body)])], HOOK, 1000)
    assert outcome is not None
    assert outcome.response_body == kept


@pytest.mark.parametrize(
    "target",
    [
        {"url": HOOK, "responses": [{"latency_seconds": 1, "status": 200.0}]},
        {"url": HOOK, "responses": [{"body": None, "headers": {}, "error": "reset"}], "then": "cycle"},
    ],
)
def test_a_target_is_taken_as_the_control_api_gives_it(box: Box, target: dict[str, Any]) -> None:
    box.target(target)
    assert [item.url for item in box.store.targets] == [HOOK]
    box.restore(box.sandbox.snapshot())
    box.sandbox.clear_targets()
    assert box.store.targets == []
