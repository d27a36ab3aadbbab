"""What a target says reaches no terminal, no report and no file as anything that a terminal obeys."""

import json
import tomllib
from collections.abc import Iterator
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen
from xml.etree import ElementTree as ET

import pytest

from sched_emulator import Emulator
from sched_emulator.cli import main
from sched_emulator.contract import calibration, catalogue, reports
from sched_emulator.contract.ledger import Observation
from sched_emulator.contract.report import Report
from sched_emulator.contract.reports.terminal import Terminal
from sched_emulator.contract.results import Exchange, Result, Status
from sched_emulator.contract.settings import Settings
from sched_emulator.spec import assumptions
from tests.receivers import Asked, Told, as_json, serving

HOSTILE = "\x1b]0;owned\x07\x1b[2J\x9b2J\x7f\x00\u202e\r[table]\nkey = 1"
ERROR = {"code": f"X{HOSTILE}", "message": HOSTILE, "hint": HOSTILE, "retryable": False}


def assert_harmless(text: str) -> None:
    """Assert that a terminal obeys nothing of a text, and that a text of the target's stands there all the same."""
    assert obeyed(text) == set()
    assert "owned" in text


def obeyed(text: str) -> set[str]:
    """Return what a terminal obeys of a text."""
    return set(text) & set("\x1b\x07\x9b\x7f\x00\u202e\r")


# --- Commands


def hostile(_asked: Asked) -> Told:
    """Refuse everything, in a way that says more than it should."""
    return as_json({"ok": False, "data": None, "error": ERROR, "metadata": {}}, 400)


@pytest.mark.parametrize(
    "command",
    [
        ("clock", "show", "--url"),
        ("assumptions", "relied", "--key=ifr_a", "--url"),
        ("drift", "--target"),
        ("contract", "--target"),
        ("contract", "--real-time", "--allow-writes", "--max-requests=40", "--only=queue/*", "--target"),
    ],
)
def test_an_error_of_a_target_is_told_harmlessly(
    command: tuple[str, ...], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INFRAI_API_KEY", "ifr_a")
    with serving(hostile) as (url, _):
        status = main([*command, url])
    assert status != 0
    told = "".join(capsys.readouterr())
    assert obeyed(told) == set()


def listing(asked: Asked) -> Told:
    capability = {"id": "scheduling.cron.list", "summary": HOSTILE, "method": HOSTILE, "path": HOSTILE, "new": HOSTILE}
    other = {"id": f"scheduling.{HOSTILE}", "summary": HOSTILE}
    body = {"version": HOSTILE, "capabilities": [capability, other]}
    return as_json(body if asked.path.endswith("discovery") else capability)


def test_what_a_gateway_says_of_itself_is_told_harmlessly(capsys: pytest.CaptureFixture[str]) -> None:
    with serving(listing) as (url, _):
        for more in ((), ("--json",)):
            assert main(["drift", "--target", url, *more]) == 1
            assert_harmless("".join(capsys.readouterr()))


# --- Calibrating


class Proxy:
    """Answers as an emulator does, but for the messages of its errors."""

    def __init__(self, emulator: Emulator) -> None:
        self._url = emulator.url

    def __call__(self, asked: Asked) -> Told:
        headers = {name: value for name, value in asked.headers.items() if name.lower() not in {"host", "connection"}}
        data = asked.body.encode() if asked.body else None
        request = Request(self._url + asked.path, data, headers, method=asked.method)  # noqa: S310 - an emulator's
        try:
            with urlopen(request) as answer:  # noqa: S310 - the same
                return Told(answer.status, answer.read())
        except HTTPError as refused:
            with refused:
                body = json.load(refused)
            body["error"] |= {"message": HOSTILE, "hint": HOSTILE}
            return as_json(body, refused.code)


def test_a_calibration_of_a_hostile_target_is_a_file_that_can_be_read_back(
    emulator: Emulator, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INFRAI_API_KEY", "ifr_hostile")
    path = tmp_path / "hostile.toml"
    with serving(Proxy(emulator)) as (url, _):
        assert main(["calibrate", "--target", url, "--out", str(path), "--seed", "1"]) == 0
    assert_harmless(path.read_text(encoding="utf-8"))
    assert (
        assumptions.parse_answers_toml(path.read_text(encoding="utf-8"), "hostile.toml").keys()
        <= assumptions.catalogue().keys()
    )
    told = "".join(capsys.readouterr())
    assert obeyed(told) == set()


def observations() -> Iterator[Observation]:
    sent = Exchange("POST", "http://x/v1/a", {}, HOSTILE, 400, {}, HOSTILE)
    arrived = Exchange("ARRIVED", "http://x", {f"x-sign{HOSTILE}": HOSTILE}, HOSTILE, None, {}, f"at {HOSTILE}")
    for question in assumptions.catalogue():
        yield Observation(question, None, HOSTILE, exchanges=[sent, arrived])


def test_every_text_of_a_target_stands_in_a_comment_that_toml_allows() -> None:
    findings = map(calibration.finding, observations())
    text = calibration.document(findings, target="URL", date="DATE", secret=None, requests=1)
    assert_harmless(text)
    assert tomllib.loads(text) == {}


# --- Reports


def report() -> Report:
    settings = Settings(target="http://127.0.0.1:1", seed=7, allow_writes=True)
    made = Report(settings, "http://127.0.0.1:1", "service, real time", virtual=False, began="2026-11-25T00:00:00")
    exchange = Exchange("POST", "http://x/v1/a", {}, HOSTILE, 200, {}, HOSTILE)
    checks = list(catalogue.load().scenarios.values())
    statuses = (Status.FAILED, Status.ERROR, Status.NOT_CHECKED, Status.KNOWN)
    for check, status in zip(checks, statuses, strict=False):
        made.results.append(Result(check, status, HOSTILE, HOSTILE, HOSTILE, HOSTILE, exchanges=[exchange]))
    made.left_over, made.stopped = [HOSTILE], HOSTILE
    return made


def test_every_report_is_harmless_and_still_a_document(tmp_path: Path) -> None:
    paths = reports.write(report(), tmp_path)
    texts = {path.suffix: path.read_text(encoding="utf-8") for path in paths}
    for text in texts.values():
        assert_harmless(text)
    assert json.loads(texts[".json"])["left_over"] == [HOSTILE]
    ET.fromstring(texts[".xml"])  # noqa: S314 - our own


@pytest.mark.parametrize("colour", [False, True])
def test_the_terminal_shows_a_targets_texts_harmlessly(*, colour: bool, capsys: pytest.CaptureFixture[str]) -> None:
    terminal = Terminal(colour=colour)
    for result in report().results:
        terminal.finished(result, 1, 1)
    terminal.summarise(report())
    told = capsys.readouterr().out
    assert ("\x1b[31m✗\x1b[0m" in told) is colour
    for code in ("1", "2", "31", "33", "0"):
        told = told.replace(f"\x1b[{code}m", "")
    assert_harmless(told)


def test_a_target_cannot_use_the_colours_either(capsys: pytest.CaptureFixture[str]) -> None:
    Terminal(colour=True).say("\x1b[31mred\x1b[0m")
    assert capsys.readouterr().out == "\\u001b[31mred\\u001b[0m\n"
