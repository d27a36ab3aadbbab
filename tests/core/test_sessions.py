"""Random sessions over all operations, events, outcomes of real attempts and answers: what holds at every step."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from sched_emulator.core.replay import replay
from tests.core import sessions
from tests.core.harness import Answers, Box
from tests.core.invariants import check
from tests.core.sessions import Call, Player, Step
from tests.soak import examples

# What a refused call may change: the journal, and how often a fault was used.
BESIDE_THE_STATE = {"seal", "requests", "journal_seq", "dropped_requests", "faults"}


def state(box: Box) -> dict[str, Any]:
    document = json.loads(box.sandbox.snapshot())
    return {name: value for name, value in document.items() if name not in BESIDE_THE_STATE}


def refused(step: Step, answer: Any) -> bool:
    """Say whether a call was refused before it was performed; a fault may come after that."""
    error = answer.get("error") if isinstance(step, Call) and isinstance(answer, dict) else None
    return isinstance(error, dict) and not error["message"].startswith("injected fault")


@examples(60)
@given(sessions.answers(), sessions.sessions(restored=True))
def test_everything_that_must_hold_holds_at_every_step(chosen: Answers, steps: list[Step]) -> None:
    box = Box(chosen)
    player = Player(box.sandbox)
    for step in steps:
        player.play(step)
        check(box.sandbox)


@examples(40)
@given(sessions.answers(), sessions.sessions())
def test_a_refused_call_changes_nothing(chosen: Answers, steps: list[Step]) -> None:
    box = Box(chosen)
    player = Player(box.sandbox)
    for step in steps:
        before = state(box) if isinstance(step, Call) else None
        answer = player.play(step)
        if refused(step, answer):
            assert state(box) == before, step


@examples(40)
@given(sessions.answers(), sessions.sessions())
def test_two_runs_and_a_replay_of_the_log_give_the_same_bytes(chosen: Answers, steps: list[Step]) -> None:
    boxes = [Box(chosen), Box(chosen)]
    first, second = (Player(box.sandbox).play_all(steps) for box in boxes)
    assert first == second
    snapshots = {box.sandbox.snapshot() for box in boxes}
    assert snapshots == {replay(boxes[0].sandbox.base, boxes[0].sandbox.log).snapshot()}


@examples(40)
@given(sessions.answers(), sessions.sessions(), st.integers(5, 30))
def test_a_restored_sandbox_has_the_same_future(chosen: Answers, steps: list[Step], stop: int) -> None:
    whole = Player(Box(chosen).sandbox)
    expected = whole.play_all(steps)
    stopped, restored = Player(Box(chosen).sandbox), Player(Box().sandbox)
    past = stopped.play_all(steps[:stop])
    restored.take_over(stopped)
    assert past + restored.play_all(steps[stop:]) == expected
    assert restored.sandbox.snapshot() == whole.sandbox.snapshot()
