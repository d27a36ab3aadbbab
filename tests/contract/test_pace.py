"""Who is next at the gate, and what an answer proves that arrives late."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from sched_emulator.contract import Api
from sched_emulator.contract.gate import Gate
from sched_emulator.contract.pace import ANY_TIME, Lane, Pace
from sched_emulator.contract.results import TooLate
from sched_emulator.contract.settings import Settings
from sched_emulator.contract.stages import RealStage
from tests.receivers import Asked, Told, envelope, serving
from tests.waiting import PATIENCE_SECONDS


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class NoAnswers:
    def answer(self, _question: str) -> None:
        return None


def until(holds: Callable[[], bool]) -> None:
    ends_at = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        assert time.monotonic() < ends_at
        threading.Event().wait(0.001)


def test_what_is_due_first_goes_ahead_of_all_who_wait() -> None:
    clock, passed = Clock(), list[str]()
    pace = Pace(1.0, clock, lambda _: time.sleep(0))

    def go(name: str, due: float) -> None:
        assert pace.wait(Lane(due=due), lambda: False)
        passed.append(name)

    go("the first", ANY_TIME)
    late = [("any time", ANY_TIME), ("in nine seconds", 9.0), ("in five seconds", 5.0)]
    threads = [threading.Thread(target=go, args=item) for item in late]
    for thread in threads:
        thread.start()
    until(lambda: pace.waiting == len(late))
    for second in (1, 2, 3):
        clock.now = second
        until(lambda: len(passed) == clock.now + 1)
    assert passed == ["the first", "in five seconds", "in nine seconds", "any time"]


def test_who_waits_when_the_run_is_over_is_not_sent_and_does_not_hold_up_others() -> None:
    clock = Clock()
    pace = Pace(1.0, clock, lambda _: None)
    assert pace.wait(Lane(), lambda: False)
    assert not pace.wait(Lane(), lambda: True)
    clock.now = 1
    assert pace.wait(Lane(), lambda: False)


@contextmanager
def staged(seconds_of: dict[int, float]) -> Iterator[Api]:
    """Yield what a check talks to, at a target that answers so many seconds late, by number of request."""
    clock = Clock()

    def answer(request: Asked) -> Told:
        clock.now += seconds_of.get(request.number, 0.1)
        return envelope({"message_id": "m", "messages": []})

    with serving(answer) as (url, _):
        gate = Gate(key="k", clock=clock)
        yield Api(RealStage(gate, url, Settings(url, key="k"), None, "check"), NoAnswers(), "check", "ct-")


def test_an_answer_that_arrives_after_the_delay_is_over_proves_nothing() -> None:
    with staged({2: 2.5}) as api:
        api.publish("q", delay_seconds=2)
        with pytest.raises(
            TooLate, match=r"an answer arrived 0\.6 s after the instant that it should have come before"
        ):
            api.take("q")


def test_an_answer_in_time_is_one_and_nothing_is_due_once_time_has_passed() -> None:
    with staged({2: 1.5, 3: 9}) as api:
        api.publish("q", delay_seconds=2)
        assert api.take("q") == []
        api.sleep(0)
        assert api.take("q") == []


def test_before_cannot_be_asked_when_the_request_itself_took_longer() -> None:
    with staged({1: 3}) as api:
        api.take("q", visibility_timeout=2)
        with pytest.raises(TooLate, match="the target answers too slowly for something that is due after 2 s"):
            api.just_before(2)


def test_an_instant_that_was_over_when_it_was_asked_for_proves_nothing() -> None:
    with staged({1: 5}) as api, pytest.raises(TooLate, match=r"an answer arrived 4\.0 s after"):
        api.call("task.schedule", task="https://receiver.example.com/", run_at=api.soon(1))


def test_no_instant_is_trusted_more_than_a_round_trip() -> None:
    with staged({1: 2}) as api:
        assert api.margin == 0.4
        api.take("q")
        assert api.margin == 3.0
