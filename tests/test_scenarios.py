"""Every scenario comes out as it was recorded. `--update-scenarios` records anew: the diff is the behaviour change."""

from pathlib import Path

import pytest

from tests.scenario_runner import play

SCENARIOS = sorted(Path(__file__).with_name("scenarios").glob("*.txt"))


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.stem)
def test_a_scenario_comes_out_as_recorded(path: Path, request: pytest.FixtureRequest) -> None:
    recorded = path.read_text()
    played = play(recorded)
    if request.config.getoption("update_scenarios"):
        path.write_text(played)
    else:
        assert played == recorded
