"""What a run records: all that passes the gate and all that arrives, readable by whoever reads recordings."""

import os
from collections import Counter
from pathlib import Path

import pytest

from sched_emulator import Emulator
from sched_emulator.cli import main
from sched_emulator.contract.measure import Silent
from sched_emulator.contract.report import Report
from sched_emulator.contract.runner import Run
from sched_emulator.contract.settings import Settings, SettingsError
from sched_emulator.recording.lines import Delivery, Exchange
from sched_emulator.recording.reader import Recording

KEY = "ifr_secret_of_the_account"


def run(target: str, record: Path, **settings: object) -> Report:
    given = {"target": target, "key": KEY, "seed": 1, "real_time": True, "allow_writes": True, "record": record}
    return Run(Settings(**{**given, **settings}), Silent()).perform()  # type: ignore[arg-type]


def exchanges_of(path: Path) -> list[Exchange]:
    with Recording(path) as recording:
        return [line for line in recording if isinstance(line, Exchange)]


def test_all_that_passes_and_arrives_is_recorded_without_the_key(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    with Emulator.start(clock="wall") as emulator:
        report = run(emulator.url, path, only=("push/1", "access/1", "probe/delivery.body"))
        box = emulator.sandbox(KEY)
        journaled = [(entry["method"], entry["path"], entry["status"]) for entry in box.requests()]
        delivered = Counter(entry["url"] for entry in box.deliveries() if entry["outcome"] == "delivered")
    recording = Recording(path)
    with recording:
        lines = list(recording)
    exchanges = [line for line in lines if isinstance(line, Exchange)]
    deliveries = [line for line in lines if isinstance(line, Delivery)]
    assert len(exchanges) > report.requests  # those that clean up pass, too
    assert recording.header.target == emulator.url
    with_key = [(item.method, item.path, item.status) for item in exchanges if item.account == 1]
    assert sorted(with_key) == sorted(journaled)
    assert delivered
    assert Counter(item.url for item in deliveries if item.status == 200) == delivered
    assert all(item.url.startswith(recording.header.receivers) for item in deliveries)
    assert all(item.sent_at_ms <= item.received_at_ms for item in exchanges)
    assert KEY not in path.read_text(encoding="utf-8")


def test_a_request_without_an_answer_is_recorded_with_its_reason(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    with Emulator.start(clock="wall") as emulator, emulator.sandbox(KEY) as box:
        box.faults.add(operation="queue.stats", drop=True, times=1)
        run(emulator.url, path, only=("queue/stats/1",))
    lost = [line for line in exchanges_of(path) if line.status is None]
    assert [(line.error, "/queue/stats/" in line.path) for line in lost] == [("the connection broke", True)]


def test_a_run_that_moves_the_clock_and_a_file_that_is_there_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path, out = tmp_path / "run.jsonl", str(tmp_path / "seen.toml")
    monkeypatch.setenv("INFRAI_API_KEY", KEY)
    with Emulator.start(clock="wall") as emulator:
        with pytest.raises(SettingsError, match=r"^--record: this run moves the clock of an emulator, and a recording"):
            run(emulator.url, path, real_time=False)
        assert os.listdir(tmp_path) == []  # noqa: PTH208 - names are all that matters
        path.write_text("mine")
        for command in (["contract"], ["calibrate", "--out", out]):
            assert main([*command, "--target", emulator.url, "--real-time", "--record", str(path)]) == 2
            told = capsys.readouterr().err
            assert told.startswith(f"sched-emulator {command[0]}: --record: {path} is there already, and a recording ")
        assert path.read_text() == "mine"
        with emulator.sandbox(KEY) as box:
            assert box.requests() == []
        record = str(tmp_path / "new.jsonl")
        assert main(["calibrate", "--out", out, "--target", emulator.url, "--real-time", "--record", record]) == 0
    assert len(exchanges_of(Path(record))) > 1
