"""Every scenario comes out as it was recorded. `--update-scenarios` records anew: the diff is the behaviour change."""

from pathlib import Path

import pytest

from sched_emulator.core.replay import replay
from sched_emulator.core.sandbox import Sandbox
from sched_emulator.core.snapshot import unseal
from tests.scenario_runner import Story, play

SCENARIOS = sorted(Path(__file__).with_name("scenarios").glob("*.txt"))


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.stem)
def test_a_scenario_comes_out_as_recorded(path: Path, request: pytest.FixtureRequest) -> None:
    recorded = path.read_text()
    played = play(recorded)
    if request.config.getoption("update_scenarios"):
        path.write_text(played)
    else:
        assert played == recorded


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.stem)
def test_a_scenario_replayed_or_restored_ends_in_the_same_state(path: Path) -> None:
    story = Story()
    play(path.read_text(), story)
    for sandbox in story.sandboxes:
        state = sandbox.snapshot()
        assert replay(sandbox.base, sandbox.log).snapshot() == state
        assert Sandbox(unseal(state)).snapshot() == state
