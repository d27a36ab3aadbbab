"""`--sched-record DIR`: a test has a recording of its own, and a failing one says how to open it."""

import re
import shlex
from pathlib import Path

import pytest

from sched_emulator.cli import main
from sched_emulator.plugin import recordings
from sched_emulator.server import replaying  # else imported in a test, which pytester undoes: its classes come twice
from tests.plugin.test_pytest_plugin import run, suite

__all__ = ["replaying", "suite"]
pytest_plugins = ["pytester"]

SOURCE = """
    import pytest
    from program import call, create_cron

    @pytest.fixture(scope="class")
    def of_class(sched_emulator_factory):
        with sched_emulator_factory.sandbox() as box:
            yield box

    @pytest.mark.parametrize("what", ["a/b", "ü"])
    @pytest.mark.sched_emulator(now="2027-01-01", seed=3)
    def test_that_fails(sched_emulator, what):
        create_cron()
        call("/queue/publish", {"queue": "orders", "payload": {"what": what}})
        sched_emulator.clock.advance(weeks=1)
        raise RuntimeError

    def test_that_passes(sched_emulator):
        call("/queue/publish", {"queue": "orders", "payload": {}})

    def test_that_uses_none():
        pass

    class TestOfAClass:
        def test_first(self, of_class):
            call("/queue/publish", {"queue": "orders", "payload": {}})

        def test_second(self, of_class):
            raise RuntimeError

    def test_that_fails_when_the_emulator_is_gone(sched_emulator, sched_emulator_server, monkeypatch):
        sched_emulator_server.stop()
        monkeypatch.chdir("/")
        raise RuntimeError
"""
OF_ONE_S_OWN = """
    import pytest
    from sched_emulator import Emulator

    @pytest.fixture(scope="session")
    def sched_emulator_server():
        with Emulator.start(seed=9) as emulator:
            yield emulator
"""


def recorded(folder: Path, capsys: pytest.CaptureFixture[str]) -> dict[str, str]:
    """Return what each recording comes out as, by its name."""
    told = {}
    for path in sorted(folder.iterdir()):
        assert main(["replay", str(path)]) == 0
        told[path.name] = capsys.readouterr().out.partition(" come")[0]
    return told


def test_each_test_has_a_file_and_a_failing_one_names_its_own(
    suite: pytest.Pytester, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = suite.path / "the recordings"
    result = run(suite, SOURCE, "-n", "2", "--dist", "loadscope", "--sched-record", "the recordings")
    result.assert_outcomes(passed=3, failed=4, errors=1)
    out = capsys.readouterr().out
    assert recorded(folder, capsys) == {
        "fixture.jsonl": "1 answer and 0 deliveries",
        "test_of_user.py-test_that_fails-a-b.jsonl": "2 answers and 1 delivery",
        "test_of_user.py-test_that_fails-xfc.jsonl": "2 answers and 1 delivery",
        "test_of_user.py-test_that_fails_when_the_emulator_is_gone.jsonl": "0 answers and 0 deliveries",
        "test_of_user.py-test_that_passes.jsonl": "1 answer and 0 deliveries",
    }
    opened = [Path(shlex.split(command)[2]) for command in re.findall("recorded: `(.*) --serve`", out)]
    assert sorted(opened) == sorted(
        path for path in folder.iterdir() if "fails" in path.name or path.name == "fixture.jsonl"
    )


def test_a_server_of_one_s_own_records_there_too_beside_what_is_there(
    suite: pytest.Pytester, capsys: pytest.CaptureFixture[str]
) -> None:
    suite.makeconftest(OF_ONE_S_OWN)
    before = suite.mkdir("there") / "test_of_user.py-test_that_passes.jsonl"
    before.write_text("that of the run before")
    run(suite, SOURCE, "--sched-record=there", "-k", "passes").assert_outcomes(passed=1, deselected=6)
    capsys.readouterr()
    assert before.read_text() == "that of the run before"
    before.unlink()
    assert recorded(suite.path / "there", capsys) == {
        "test_of_user.py-test_that_passes-2.jsonl": "1 answer and 0 deliveries"
    }


def test_by_session_each_test_has_its_own_file(suite: pytest.Pytester, capsys: pytest.CaptureFixture[str]) -> None:
    suite.makeini("[pytest]\nsched_emulator_env = session\npythonpath = .\n")
    result = run(suite, SOURCE, "--sched-record", "there", "-k", "passes or none", "-p", "no:asyncio")
    result.assert_outcomes(passed=2, deselected=5)
    capsys.readouterr()
    assert recorded(suite.path / "there", capsys) == {
        "test_of_user.py-test_that_passes.jsonl": "1 answer and 0 deliveries",
        "test_of_user.py-test_that_uses_none.jsonl": "0 answers and 0 deliveries",
    }


@pytest.mark.parametrize(
    ("folder", "variables", "told"),
    [
        ("plain", {}, "'{}/plain' is no folder; expected one to write into"),
        (
            "there",
            {"SCHED_EMULATOR_URL": "http://127.0.0.1:9", "SCHED_EMULATOR_TLS_PORT": "9"},
            "the emulator is that of `sched-emulator run`; record it by `run --record FILE`",
        ),
    ],
)
def test_what_cannot_be_stops_the_run_with_one_line(
    pytestconfig: pytest.Config,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    folder: str,
    variables: dict[str, str],
    told: str,
) -> None:
    (tmp_path / "plain").write_text("")
    for name, text in variables.items():
        monkeypatch.setenv(name, text)
    with pytest.raises(pytest.UsageError) as raised:
        recordings.begin(pytestconfig, str(tmp_path / folder))
    assert str(raised.value) == f"--sched-record: {told.format(tmp_path)}"


@pytest.mark.parametrize(
    ("nodeid", "name"),
    [
        ("tests/test_a.py::TestOf::test_b[x-1]", "tests-test_a.py-TestOf-test_b-x-1"),
        ("../up/test_a.py::test_b", "up-test_a.py-test_b"),
        ("größe.py::test[ ]", "gr-e.py-test"),
        ("::", "fixture"),
        (f"test_a.py::test[{'x' * 300}]", "x" * 150),
    ],
)
def test_a_name_is_one_on_every_system(nodeid: str, name: str) -> None:
    assert recordings.name_of(nodeid) == name
