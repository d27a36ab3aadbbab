"""The benchmark runs; how fast, no test says."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent


def test_a_quick_run_of_all_topics_ends_well() -> None:
    command = [sys.executable, "-m", "bench", "--quick"]
    told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    titles = [line.partition(":")[0] for line in told.splitlines() if line and not line.startswith(" ")]
    assert titles == ["publish", "turns", "queues", "year", "schedule", "growth"]
    assert "run a second time, the snapshot is the same" in told


def test_a_topic_that_is_not_there_is_named() -> None:
    command = [sys.executable, "-m", "bench", "nothing"]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ended.returncode == 2
    assert ended.stderr.endswith(
        "there is no topic nothing; expected some of publish, turns, queues, year, schedule, growth\n"
    )
