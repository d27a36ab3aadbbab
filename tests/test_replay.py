"""`serve --record` and `replay`: programs in Python and in Node, whose session comes out again byte for byte."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from sched_emulator import Emulator
from sched_emulator.cli import main
from sched_emulator.recording.lines import Delivery, Exchange
from sched_emulator.recording.reader import Recording

KEY, SECRET = "ifr_live_8Jk2PqZ7", "S3cret-of-mine-42"
DATA = Path(__file__).parent / "data" / "recordings"
OWN = DATA / "emulator-1.jsonl"
PYTHON = """
import json, os, urllib.request
def post(path, body):
    sent = urllib.request.Request(os.environ["INFRAI_BASE_URL"] + path, json.dumps(body).encode(), {
        "Authorization": "Bearer " + os.environ["INFRAI_API_KEY"], "Content-Type": "application/json"})
    return json.load(urllib.request.urlopen(sent))["data"]
post("/queue/publish", {"queue": "orders", "payload": {"größe": 1.10}})
post("/queue/push_subscribe/orders", {"url": "https://api.acme.com/push", "secret": os.environ["SECRET"]})
post("/cron/create", {"cron_expr": "*/5 * * * *", "task": "https://api.acme.com/tick"})
"""
NODE = """
const ask = (path, body) => fetch(process.env.INFRAI_BASE_URL + path, {method: "POST", body: JSON.stringify(body),
  headers: {Authorization: "Bearer " + process.env.INFRAI_API_KEY, "Content-Type": "application/json"}});
Promise.all([1, 2, 3].map((n) => ask("/queue/publish", {queue: "orders", payload: {n}}))).then(
  () => ask("/queue/consume", {queue: "orders", max_messages: 2}));
"""


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("recordings") / "session.jsonl"
    with Emulator.start(record=path) as emulator:
        box = emulator.sandbox(KEY)
        variables = {"INFRAI_BASE_URL": box.base_url, "INFRAI_API_KEY": KEY, "SECRET": SECRET}
        for program in ([sys.executable, "-c", PYTHON], ["node", "-e", NODE]):
            subprocess.run(program, env={**os.environ, **variables}, check=True)
            box.clock.advance(minutes=7)
    return path


def replayed(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    status = main(["replay", *arguments])
    out, error = capsys.readouterr()
    return status, out, error


def test_what_programs_in_python_and_node_did_comes_out_again(
    recorded: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with Recording(recorded) as recording:
        entries, version = list(recording), recording.header.version
    deliveries = sum(isinstance(entry, Delivery) for entry in entries)
    assert sum(isinstance(entry, Exchange) for entry in entries) == 7
    assert deliveries >= 3
    told = f"7 answers and {deliveries} deliveries come out as they were recorded by version {version}\n"
    assert replayed(capsys, str(recorded)) == (0, told, "")
    content = recorded.read_bytes()
    assert (KEY.encode() in content, SECRET.encode() in content) == (False, False)


def test_it_stops_after_a_line_and_says_when_the_file_breaks_off(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status, out, _ = replayed(capsys, str(OWN), "--until", "4")
    assert (status, out.partition(" come")[0]) == (0, "2 answers and 0 deliveries")
    cut = tmp_path / "cut.jsonl"
    cut.write_bytes(OWN.read_bytes()[:-10])
    status, out, _ = replayed(capsys, str(cut))
    assert (status, out.splitlines()[1]) == (0, f"{cut} ends within a line: replayed to its last whole one")


def test_the_first_answer_that_comes_out_otherwise_is_shown_with_both_versions(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = tmp_path / "other.jsonl"
    other.write_text(OWN.read_text().replace('"version":"0.1.0"', '"version":"0.0.9"').replace("msg_000001", "msg_7"))
    status, out, error = replayed(capsys, str(other))
    first, second, recorded, played = out.splitlines()
    with Recording(OWN) as recording:
        version = recording.header.version
    assert (status, error) == (1, "")
    assert first == f"{other} was recorded by version 0.0.9 and is replayed by version {version}"
    name = "POST /v1/scheduling/queue/publish"
    assert second == f"the first answer that comes out otherwise, seq 4: {name}"
    assert recorded.startswith('  response, recorded: {"ok":true,"data":{"message_id":"msg_7"}')
    assert played.startswith('  response, replayed: {"ok":true,"data":{"message_id":"msg_000001"}')
    same = tmp_path / "same.jsonl"
    same.write_text(OWN.read_text().replace('"version":"0.1.0"', '"version":"0.0.9"'))
    assert replayed(capsys, str(same))[1].endswith(f"recorded by version 0.0.9, and replayed by {version}\n")


def test_an_instant_that_comes_out_otherwise_is_shown_as_one(
    recorded: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    other = tmp_path / "other.jsonl"
    other.write_text(re.sub(r'("account":1),"at":"[^"]*"', r'\1,"at":"2026-02-03T04:05:06.007Z"', recorded.read_text()))
    status, out, _ = replayed(capsys, str(other))
    assert (status, out.splitlines()[2]) == (1, "  at, recorded: 2026-02-03T04:05:06.007Z")
    assert re.fullmatch(r"  at, replayed: 2026-01-01T00:0\d:00.000Z", out.splitlines()[3])


@pytest.mark.parametrize(
    ("name", "options", "said"),
    [
        (
            "proxied.jsonl",
            [],
            "has no beginning to replay from: nothing in it was written by an emulator that recorded",
        ),
        ("format-1.jsonl", [], "the line of seq 1 has a beginning that cannot be played: this is no snapshot of this"),
        ("none.jsonl", [], "there is no file {}; expected a recording"),
        ("emulator-1.jsonl", ["--port", "0"], "--port has no effect without --serve"),
        ("emulator-1.jsonl", ["--until", "0"], "--until: 0 is out of range; expected a whole number of at least 1"),
        ("empty.jsonl", [], "has no beginning to replay from"),
        ("empty.jsonl", ["--serve"], "has no beginning to replay from"),
    ],
)
def test_what_cannot_be_replayed_is_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, options: list[str], said: str
) -> None:
    header = OWN.read_text().splitlines()[0]
    passed = '{"seq":1,"account":1,"sent_at":"2026-01-01T00:00:00Z","received_at":"2026-01-01T00:00:00Z","method":"GET"'
    (tmp_path / "proxied.jsonl").write_text(f'{header}\n{passed},"path":"/","status":200}}\n')
    (tmp_path / "empty.jsonl").write_text(f"{header}\n")
    path = DATA / name if (DATA / name).exists() else tmp_path / name
    status, _, error = replayed(capsys, str(path), *options)
    assert (status, error.count("\n")) == (2, 1)
    assert said.format(path) in error


def test_progress_is_told_of_a_long_one(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sched_emulator.commands.replay.LONG_BYTES", 1000)
    status, _, error = replayed(capsys, str(OWN))
    lines = error.splitlines()
    assert status == 0
    assert 1 <= len(lines) < 10
    assert all(line.endswith(f"% of {OWN} is played") for line in lines)


@contextmanager
def going_on(*arguments: str) -> Iterator[list[str]]:
    """Replay and serve; give what was printed up to the first request to paste, when the server answers."""
    command = [sys.executable, "-m", "sched_emulator", "replay", *arguments, "--serve", "--port", "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield list(iter(process.stdout.readline, "A first request:\n"))
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate()
    assert process.returncode == 0


def test_it_goes_on_as_a_running_emulator_from_where_it_stopped() -> None:
    with going_on(str(OWN), "--until", "6") as printed:
        assert printed[0].startswith("4 answers and 0 deliveries come out as they were recorded")
        [url] = [line.split()[-1].removesuffix("/_emulator") for line in printed if line.startswith("control API")]
        [key] = [line.split()[-1] for line in printed if line.startswith("sandbox of the key")]
        assert key in OWN.read_text()
        box = Emulator.connect(url).sandbox(key)
        assert (box.clock.now.isoformat(), box.clock.state()["mode"]) == ("2026-01-01T00:00:00+00:00", "frozen")
        box.clock.set("2026-01-05T09:00:00Z")
        assert [entry.url for entry in box.deliveries(url="*weekly")] == ["https://api.acme.com/weekly"]
        assert [item["key"] for item in Emulator.connect(url).sandboxes()] == [key]


def test_run_records_what_the_emulator_answered(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "run.jsonl"
    program = "import os, urllib.request as u; u.urlopen(os.environ['SCHED_EMULATOR_URL'] + '/v1/discovery').read()"
    headers = "headers={'Authorization': 'Bearer ifr_x'}"
    ask = f"u.urlopen(u.Request('https://api.infrai.cc/v1/scheduling/cron/list', {headers}))"
    options = ["--clock", "frozen", "--record", str(path)]
    assert main(["run", *options, "--", sys.executable, "-c", f"{program}; {ask}"]) == 0
    assert capfd.readouterr().err == f"sched-emulator run: 2 exchanges and 0 deliveries are recorded in {path}\n"
    assert main(["replay", str(path)]) == 0
    out = capfd.readouterr().out
    assert out.startswith("1 answer and 0 deliveries come out as they were recorded")
    assert out.splitlines()[1] == "1 exchange of no sandbox: not compared"
