"""Checks of a user's own: written in a few lines, loaded by path, and told in one sentence when something is wrong."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from sched_emulator.cli import main
from sched_emulator.contract import catalogue
from sched_emulator.contract.costs import cost
from sched_emulator.contract.measure import Silent
from sched_emulator.contract.plan import make_plan
from sched_emulator.contract.results import Status, Warrant
from sched_emulator.contract.runner import Run
from sched_emulator.contract.settings import Settings, SettingsError

ROOT = Path(__file__).parents[2]
OWN = '''
from sched_emulator.contract import Api, Group, equal

mine = Group("mine")


@mine.own(1, "queue.publish")
def is_counted(api: Api) -> None:
    """A message that was published is available."""
    queue = api.queue()
    api.publish(queue)
    equal(api.stats(queue)["available"], 1, "the number of messages available")


@mine.choice(2, seconds=2, writes=False, virtual=True)
def is_wrong(api: Api) -> None:
    """Nothing is
    everything."""
    equal(0, 1, "nothing")
'''


def folder(tmp_path: Path, **files: str) -> Path:
    for name, text in files.items():
        (tmp_path / f"{name}.py").write_text(text, encoding="utf-8")
    return tmp_path


def test_checks_are_gathered_in_order_of_definition_with_what_was_declared(tmp_path: Path) -> None:
    found = catalogue.load(folder(tmp_path, own=OWN)).scenarios
    first, second = list(found.values())[-2:]
    assert (first.address, first.warrant, first.covers, first.writes) == (
        "mine/1",
        Warrant.OWN,
        ("queue.publish",),
        True,
    )
    assert (second.address, second.warrant, second.title) == ("mine/2", Warrant.CHOICE, "Nothing is everything.")
    assert (second.seconds, second.writes, second.virtual, second.timed) == (2, False, True, True)
    assert (cost(first).sends.total(), cost(first).leaves.total()) == (6, 0)


def test_a_file_may_import_another_and_its_checks_count_once(tmp_path: Path) -> None:
    helper = OWN.replace("mine/", "helper/").replace('Group("mine")', 'Group("helper")')
    user = "from .a_helper import is_counted as again\n" + OWN
    found = catalogue.load(folder(tmp_path, a_helper=helper, own=user)).scenarios
    assert [address for address in found if address.startswith(("mine", "helper"))] == [
        "helper/1",
        "helper/2",
        "mine/1",
        "mine/2",
    ]


def test_a_check_of_ones_own_is_judged_like_any_other(tmp_path: Path) -> None:
    settings = Settings(target="emulator", seed=1, only=("mine/*",), scenarios=folder(tmp_path, own=OWN))
    report = Run(settings, Silent()).perform()
    assert {
        item.check.address: (item.status, item.reason)
        for item in report.results
        if item.check.address in {"mine/1", "mine/2"}
    } == {
        "mine/1": (Status.PASSED, ""),
        "mine/2": (Status.FAILED, "nothing was 0"),
    }
    assert f"--scenarios {tmp_path}" in report.repeat(report.failures[0])


def test_what_needs_virtual_time_is_left_out_where_time_is_real(tmp_path: Path) -> None:
    settings = Settings(target="http://127.0.0.1:1", real_time=True, allow_writes=True, only=("mine/*", "run/*"))
    plan = make_plan(settings, catalogue.load(folder(tmp_path, own=OWN)), virtual=False)
    left_out = {
        item.check.address: item.reason
        for item in plan.left_out
        if item.check.address in {"mine/2", "run/retries/2", "run/retries/3", "run/retries/4"}
    }
    assert left_out == dict.fromkeys(
        ("mine/2", "run/retries/2", "run/retries/3", "run/retries/4"), "the waits between attempts add up to minutes"
    )


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (None, "is no folder; expected one"),
        ("", "has no checks; `sched_emulator.contract` says how one is written"),
        ("import absent_module", "cannot be imported: ModuleNotFoundError: No module named 'absent_module'"),
        ("def broken(:", "cannot be imported: SyntaxError: "),
        (OWN.replace('Group("mine")', 'Group("queue/lease")'), "queue/lease/1 is there twice, in "),
        (OWN.replace(".choice(2,", ".choice(1,"), "mine/1 is there twice, in "),
        (OWN.replace("is_wrong", "is_counted"), "cannot be imported: ValueError: is_counted is defined twice"),
        (
            OWN.replace('"""A message that was published is available."""', ""),
            "cannot be imported: ValueError: mine/1 has no docstring, which is its title",
        ),
        (
            'from sched_emulator.contract import probe\n@probe("queue.invented")\ndef q(api): ...',
            "cannot be imported: ValueError: there is no open question 'queue.invented' to probe",
        ),
    ],
)
def test_a_folder_that_cannot_be_used_is_told_in_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str | None, sentence: str
) -> None:
    own = tmp_path / "absent" if text is None else folder(tmp_path, own=text)
    assert main(["contract", "--scenarios", str(own), "--list"]) == 2
    told = capsys.readouterr().err
    assert told.startswith("sched-emulator contract: --scenarios: ")
    assert sentence in told
    assert told.count("\n") == 1
    with pytest.raises(SettingsError):
        Run(Settings(target="emulator", scenarios=own), Silent())


def test_a_folder_may_come_from_the_environment(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SCHED_EMULATOR_SCENARIOS", str(folder(tmp_path, own=OWN)))
    assert main(["contract", "--list"]) == 0
    assert "mine/1" in capsys.readouterr().out


def test_pytest_makes_each_check_a_test_also_those_of_ones_own(tmp_path: Path) -> None:
    options = ["--target", "emulator", "--scenarios", str(folder(tmp_path, own=OWN)), "-k", "mine or queue/ack"]
    command = [sys.executable, "-m", "pytest", "contract_tests", "-q", "-p", "no:cacheprovider", *options]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "mine/2 Nothing is everything." in done.stdout
    assert "1 failed, 3 passed" in done.stdout
