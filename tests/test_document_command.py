"""`sched-emulator spec` prints what a server with the same answers serves."""

import json
from pathlib import Path

import pytest
import yaml

from sched_emulator.cli import main
from sched_emulator.server.binding import bind
from sched_emulator.server.landing import documents
from sched_emulator.spec import assumptions


def test_the_document_is_the_one_that_is_served(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    answers = tmp_path / "answers.toml"
    answers.write_text('[cron.create]\nnames = "table"\n')
    bare = {**assumptions.preset("observed"), "http.envelope": "bare"}
    for words, told in (
        ([], assumptions.defaults()),
        (["--dialect", "observed", "--assume", "http.envelope=bare"], bare),
        (["--assumptions", str(answers)], {**assumptions.defaults(), "cron.create.names": "table"}),
    ):
        assert main(["spec", *words]) == 0
        written = capsys.readouterr().out
        assert written.encode() == documents(told)["openapi.api"]()
        assert yaml.safe_load(written) == bind(told).document
        assert main(["spec", *words, "--json"]) == 0
        assert json.loads(capsys.readouterr().out) == bind(told).document


def test_an_answer_that_cannot_be_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["spec", "--assume", "http.envelope=thick"]) == 2
    assert capsys.readouterr().err.startswith("sched-emulator spec: --assume: ")
