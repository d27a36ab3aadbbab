"""`sched-emulator compare`: from a file to what it says, what it writes, and how it ends."""

import json
from pathlib import Path

import pytest

from sched_emulator.cli import main
from sched_emulator.core.dispatch import OPERATIONS
from sched_emulator.recording.lines import Exchange, Header
from sched_emulator.recording.writer import Writer
from sched_emulator.spec.assumptions import parse_answers_toml
from tests.compare.recorded import HOOK, Gateway
from tests.compare.test_findings import ack_that_keeps, session

KEY = "ifr_recorded"


def saved(gateway: Gateway, path: Path) -> Path:
    """Write what was recorded of a gateway into a file."""
    writer = Writer(path, Header("https://api.infrai.cc", gateway.started_ms, "0.1.0", (HOOK,)), complain=print)
    for entry in gateway.entries:
        if isinstance(entry, Exchange):
            writer.exchange(entry)
    writer.close()
    return path


@pytest.fixture(scope="module")
def explained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    gateway = Gateway({})
    session(gateway)
    return saved(gateway, tmp_path_factory.mktemp("recordings") / "session.jsonl")


@pytest.fixture(scope="module")
def unexplained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    gateway = Gateway({})
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(OPERATIONS, "scheduling.queue.ack", ack_that_keeps)
        session(gateway)
    return saved(gateway, tmp_path_factory.mktemp("recordings") / "session.jsonl")


def compare(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> tuple[int, str, str]:
    status = main(["compare", *map(str, arguments)])
    out, error = capsys.readouterr()
    return status, out, error


def test_what_is_explained_ends_with_0_and_is_written_as_answers(
    explained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "inferred.toml"
    status, told, error = compare(capsys, explained, "--out", out)
    assert (status, error) == (0, "")
    assert told.startswith("19 of 19 exchanges judged: no finding, ")
    answers = parse_answers_toml(out.read_text(), "inferred.toml")
    assert (answers["idempotency.required"], answers["http.envelope"]) == ("optional", "wrapped")
    assert "# Not required: session.jsonl, line 2, queue.create" in out.read_text()


def test_a_finding_ends_with_1_and_stands_in_every_report(
    unexplained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status, told, _ = compare(capsys, unexplained, "--report-dir", tmp_path)
    assert status == 1
    assert "finding: session.jsonl, line 10, queue.stats: in_flight\n  expected 1\n  came 2\n" in told
    report = json.loads((tmp_path / "compare.json").read_text())
    [finding] = report["findings"]
    assert (finding["field"], finding["expected"], finding["came"], finding["warrant"]) == (
        "in_flight",
        "1",
        "2",
        "documented",
    )
    assert report["operations"]["queue.publish"] == 4
    page, text = ((tmp_path / name).read_text() for name in ("compare.html", "compare.md"))
    assert '<p class="verdict bad">' in page
    assert "<code>queue.stats</code> in_flight" in page
    assert "<tr><th>Operation</th><th>Exchanges</th><th>Parameters</th></tr>" in page
    assert (
        "<tr><th><code>queue.ack</code></th><td>1</td><td><code>message_id</code>, <code>queue</code></td></tr>" in page
    )
    assert "### `queue.stats`: `in_flight` came otherwise" in text


def test_the_text_for_the_vendor_goes_to_standard_output(unexplained: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, told, _ = compare(capsys, unexplained, "--issue")
    assert status == 1
    assert told.startswith("### `queue.stats`: `in_flight` came otherwise\n")
    assert KEY not in told


def test_answers_that_are_given_are_taken_for_granted(
    explained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = tmp_path / "given.toml"
    given.write_text('idempotency.required = "required"\n')
    status, told, _ = compare(capsys, explained, "--assumptions", given)
    assert (status, "queue.create: status\n  expected 400\n  came 200\n" in told) == (1, True)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("", "is empty; expected a recording"),
        ("hello\n", "is no recording; expected JSON Lines that begin with `recording`, or HAR"),
        (
            '{"recording":1,"target":"x","started_at":"2026-01-01T00:00:00.000Z","version":"1","receivers":[]}\n',
            "cannot judge: no exchange of the recording could be compared",
        ),
    ],
)
def test_what_cannot_be_read_or_judged_ends_with_2(
    content: str, sentence: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "session.jsonl"
    path.write_text(content)
    status, _, error = compare(capsys, path)
    assert (status, sentence in error, error.count("\n")) == (2, True, 1)
