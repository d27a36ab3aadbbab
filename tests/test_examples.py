"""Each example passes its own tests in a folder of its own, as it does at the desk of somebody who copied it."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = sorted(path.parent for path in (Path(__file__).parents[1] / "examples").glob("*/pyproject.toml"))
OPTIONS = ["-p", "no:cacheprovider", "-p", "no:schemathesis", "-p", "no:hypothesispytest"]
STRICT = ["-W", "error", "-o", "asyncio_default_fixture_loop_scope=function"]


def test_there_are_examples() -> None:
    assert [path.name for path in EXAMPLES] == ["queue_worker", "webhook_app"]


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
@pytest.mark.parametrize("workers", [[], ["-n", "2"]], ids=["plain", "spread"])
def test_an_example_passes_its_tests(example: Path, workers: list[str], tmp_path: Path) -> None:
    folder = shutil.copytree(example, tmp_path / example.name, ignore=shutil.ignore_patterns("__pycache__", ".*"))
    command = [sys.executable, "-m", "pytest", *OPTIONS, *STRICT, *workers]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert " 8 passed in " in done.stdout
