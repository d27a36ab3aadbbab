"""Each example passes its own tests in a folder of its own, as it does at the desk of somebody who copied it."""

import os
import shlex
import shutil
import subprocess
import sysconfig
from pathlib import Path

import pytest
import yaml

from sched_emulator import cli
from tests.document_runner import UNUSED

FOLDER = Path(__file__).parents[1] / "examples"
EXAMPLES = sorted(path.parent for path in FOLDER.glob("*/pyproject.toml"))
WORKFLOWS = sorted(FOLDER.glob("github-actions/*.yml"))
OPTIONS = UNUSED.split()
STRICT = ["-W", "error", "-o", "asyncio_default_fixture_loop_scope=function"]


def test_there_are_examples() -> None:
    assert [path.name for path in EXAMPLES] == ["queue_worker", "webhook_app"]
    assert [path.name for path in WORKFLOWS] == ["nightly.yml", "tests.yml"]


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
@pytest.mark.parametrize("copied", [False, True], ids=["where it is", "copied and spread"])
def test_an_example_passes_its_tests(example: Path, copied: bool, tmp_path: Path) -> None:  # noqa: FBT001 - a parameter
    folder, workers = example, list[str]()
    if copied:
        ignored = shutil.ignore_patterns("__pycache__", ".*")
        folder, workers = shutil.copytree(example, tmp_path / example.name, ignore=ignored), ["-n", "2"]
    pytest_ = f"{sysconfig.get_path('scripts')}/pytest"  # as typed: unlike `python -m pytest`, it adds no folder
    environment = os.environ | {"PYTHONDONTWRITEBYTECODE": "1"}
    command = [pytest_, *OPTIONS, *STRICT, *workers]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert " 8 passed in " in done.stdout


# --- Workflows


def commands_of(workflow: Path) -> list[list[str]]:
    """Return the commands that the steps of a workflow run, with the variables of the shell as they stand."""
    jobs = yaml.safe_load(workflow.read_text())["jobs"].values()
    return [shlex.split(step["run"]) for job in jobs for step in job["steps"] if "run" in step]


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_runs_commands_and_options_that_there_are(workflow: Path, pytestconfig: pytest.Config) -> None:
    ours = [command[1:] for command in commands_of(workflow) if command[0] == "sched-emulator"]
    for command in ours:
        cli.build_parser().parse_args([word for word in command if word != "$WRITES"])
    options = [word for command in commands_of(workflow) if command[0] == "pytest" for word in command[1:]]
    for option in options:
        if option.startswith("--sched"):
            assert not pytestconfig.getoption(option.partition("=")[0])
    assert ours


def test_the_nightly_workflow_fails_when_a_test_breaks_and_keeps_the_reports() -> None:
    nightly = next(path for path in WORKFLOWS if path.name == "nightly.yml")
    assert ["pytest", "--sched-vary", "--sched-report=vary.json", "--junit-xml=vary.xml"] in commands_of(nightly)
    *_, kept = yaml.safe_load(nightly.read_text())["jobs"]["vary"]["steps"]
    assert (kept["if"], kept["with"]["path"].split()) == ("always()", ["vary.json", "vary.xml"])


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_may_read_and_no_more_and_ends(workflow: Path) -> None:
    document = yaml.safe_load(workflow.read_text())
    assert document["permissions"] == {"contents": "read"}
    assert [name for name, job in document["jobs"].items() if "timeout-minutes" not in job] == []
