"""The reports: each says the same, and none says the key."""

import json
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from sched_emulator.config import UsageError
from sched_emulator.contract import catalogue, known, reports
from sched_emulator.contract.report import Report
from sched_emulator.contract.reports.terminal import Terminal
from sched_emulator.contract.results import Exchange, Result, Status
from sched_emulator.contract.settings import Settings

CHECKS = catalogue.load().scenarios
AUTHORIZATION = {"Authorization": "Bearer $INFRAI_API_KEY", "Content-Type": "application/json"}
SENT = Exchange("POST", "http://x/v1/a", AUTHORIZATION, '{"a": "<b>"}', 200, {}, '{"ok": true, "note": "<script>"}')


def report(*results: Result, **changes: object) -> Report:
    settings = Settings(target="http://127.0.0.1:1", seed=7, key="ifr_very_secret", allow_writes=True)
    made = Report(
        settings, "http://127.0.0.1:1", "service, real time", virtual=False, began="2026-11-25T00:00:00+00:00"
    )
    made.results = list(results)
    for name, value in changes.items():
        setattr(made, name, value)
    return made


def passed(address: str = "queue/ack/1") -> Result:
    return Result(CHECKS[address], Status.PASSED)


def failed() -> Result:
    check = CHECKS["queue/lease/1"]
    return Result(check, Status.FAILED, "it was <there>", "it is hidden & waits", exchanges=[SENT])


def skipped() -> Result:
    return Result(CHECKS["cron/fires/2"], Status.NOT_CHECKED, "it takes a year")


def test_the_exit_status_says_conforms_deviates_or_not_judged() -> None:
    error = Result(CHECKS["queue/ack/2"], Status.ERROR, "the control API failed")
    assert [
        report(passed()).exit_status,
        report(passed(), failed()).exit_status,
        report(skipped()).exit_status,
        report(passed(), error).exit_status,
        report(passed(), stopped="the account is empty").exit_status,
        report(passed(), gone_known=["queue/*"]).exit_status,
    ] == [0, 1, 2, 2, 2, 1]


def test_coverage_stands_apart_from_the_score_and_time_from_shapes() -> None:
    made = report(passed(), failed(), skipped())
    assert (made.shapes.all, made.shapes.checked, made.shapes.passed) == (1, 1, 1)
    assert (made.times.all, made.times.checked, made.times.passed) == (2, 1, 0)


def test_every_report_is_written_and_names_the_failure_and_the_command_that_repeats_it(tmp_path: Path) -> None:
    paths = reports.write(report(passed(), failed(), skipped()), tmp_path)
    texts = {path.suffix: path.read_text(encoding="utf-8") for path in paths}
    assert sorted(texts) == [".html", ".json", ".md", ".xml"]
    command = "sched-emulator contract --target http://127.0.0.1:1 --seed 7 --allow-writes --only 'queue/lease/1'"
    for text in texts.values():
        assert "queue/lease/1" in text
        assert command in text.replace("&#x27;", "'").replace("&quot;", '"')
        assert "ifr_very_secret" not in text


def test_the_page_is_one_file_that_loads_nothing_and_escapes_what_came(tmp_path: Path) -> None:
    reports.write(report(failed()), tmp_path)
    page = (tmp_path / "contract.html").read_text(encoding="utf-8")
    assert "&lt;script&gt;" in page
    for forbidden in ("<script", "<link", "src=", "url(", "@import"):
        assert forbidden not in page
    assert "line 797" in page
    assert "curl -sS -X POST http://x/v1/a" in page


def test_junit_counts_failures_and_skips(tmp_path: Path) -> None:
    reports.write(report(passed(), failed(), skipped(), gone_known=["push/*"]), tmp_path)
    root = ET.fromstring((tmp_path / "contract.xml").read_text(encoding="utf-8"))  # noqa: S314 - written just before
    assert {name: root.get(name) for name in ("tests", "failures", "errors", "skipped")} == {
        "tests": "4",
        "failures": "2",
        "errors": "0",
        "skipped": "1",
    }
    assert len(root.findall(".//failure")) == 2


def test_json_holds_each_check_with_its_evidence(tmp_path: Path) -> None:
    reports.write(report(passed(), failed()), tmp_path)
    document = json.loads((tmp_path / "contract.json").read_text(encoding="utf-8"))
    assert (document["exit_status"], document["seed"], len(document["checks"])) == (1, 7, 2)
    assert document["checks"][1]["exchanges"] == [{"request": SENT.curl(), "answer": SENT.came()}]


def test_the_terminal_shows_expected_came_and_how_to_repeat_it(capsys: pytest.CaptureFixture[str]) -> None:
    terminal = Terminal()
    made = report(passed(), failed(), skipped(), left_over=["queue ct-1"])
    terminal.summarise(made)
    out = capsys.readouterr().out
    assert "  expected: it is hidden & waits\n  came:     it was <there>\n" in out
    assert "not checked (1): it takes a year" in out
    assert "could not be deleted: queue ct-1" in out
    assert f"--cleanup {made.settings.prefix}" in out
    assert "Does not conform: 1 check failed." in out


def test_known_deviations_are_expected_and_fail_when_gone(tmp_path: Path) -> None:
    path = tmp_path / "known"
    path.write_text("# ours\nqueue/lease/*: leases are longer here\nqueue/ack/1\n\npush/1: never looked at\n")
    results = [failed(), passed()]
    assert known.apply(known.read(path), results) == ["queue/ack/1"]
    assert (results[0].status, results[0].reason) == (Status.KNOWN, "it was <there> (known: leases are longer here)")
    assert report(*results).exit_status == 0


def test_a_missing_file_of_known_deviations_is_a_mistake_of_the_user(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"--known: .* cannot be read: no such file or directory"):
        known.read(tmp_path / "absent")
