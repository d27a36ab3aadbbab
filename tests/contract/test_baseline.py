"""Two runs compared: what is otherwise than in an earlier report."""

import json
from pathlib import Path
from typing import Any

import pytest

from sched_emulator.contract import baseline, catalogue, reports
from sched_emulator.contract.ledger import Observation
from sched_emulator.contract.report import Report
from sched_emulator.contract.results import Result, Status
from sched_emulator.contract.settings import Settings, SettingsError

CHECKS = catalogue.load().scenarios


def report(statuses: dict[str, Status], answers: dict[str, Any]) -> Report:
    made = Report(Settings("http://x", seed=1), "http://x", "service", virtual=False, began="2026-11-25T00:00:00+00:00")
    made.results = [Result(CHECKS[name], status, f"it {status}") for name, status in statuses.items()]
    made.observations = [Observation(question, answer) for question, answer in answers.items()]
    return made


def test_what_failed_since_what_was_mended_and_what_is_answered_otherwise_is_told(tmp_path: Path) -> None:
    earlier = report(
        {
            "queue/ack/1": Status.PASSED,
            "queue/ack/2": Status.FAILED,
            "queue/lease/1": Status.NOT_CHECKED,
            "queue/lease/2": Status.PASSED,
        },
        {"queue.nack_position": "front", "queue.nack_delay": "now", "cron.dst": None},
    )
    reports.write(earlier, tmp_path)
    now = report(
        {
            "queue/ack/1": Status.DIFFERS,
            "queue/ack/2": Status.PASSED,
            "queue/lease/1": Status.FAILED,
            "queue/lease/2": Status.PASSED,
            "queue/lease/3": Status.FAILED,
        },
        {"queue.nack_position": "back", "queue.nack_delay": "now", "cron.dst": "vixie"},
    )
    assert baseline.changes(baseline.read(tmp_path / "contract.json"), now) == [
        "queue/ack/1 was passed and is differs: it differs",
        "queue/ack/2 was failed and is passed: it passed",
        "the answer to queue.nack_position was front and is back",
    ]
    now.changes = ["queue/ack/2 was failed and is <passed>"]
    reports.write(now, tmp_path)
    for suffix, text in (("html", "is &lt;passed&gt;"), ("md", "is &lt;passed>"), ("json", "is <passed>")):
        assert text in (tmp_path / f"contract.{suffix}").read_text(encoding="utf-8")


@pytest.mark.parametrize("text", ["", "[]", '{"checks": [{}], "answers": {}}', '{"checks": 1}'])
def test_a_file_that_is_no_earlier_report_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "contract.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SettingsError) as raised:
        baseline.read(path)
    assert str(raised.value) == f"--baseline: {path} is no contract.json of an earlier run"


def test_a_report_tells_nothing_of_changes_that_nobody_asked_for(tmp_path: Path) -> None:
    reports.write(report({"queue/ack/1": Status.PASSED}, {}), tmp_path)
    assert "changes" in json.loads((tmp_path / "contract.json").read_text(encoding="utf-8"))
    assert "earlier run" not in (tmp_path / "contract.html").read_text(encoding="utf-8")
