"""`run --real`: programs reach the gateway with their own key, and what passes is recorded. None reaches the real one.

The gateway here is an emulator behind TLS, with a certificate for the real one's name, that the proxy of the
environment leads to; `run` itself, without `--real`, offers all that.
"""

import json
import os
import pty
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from sched_emulator.cli import main
from sched_emulator.recording.lines import Exchange
from sched_emulator.recording.reader import Recording
from tests.intercept.test_run import environment

KEY = "ifr_live_8Jk2PqZ7"
SECRET = "S3cret-of-mine-42"  # noqa: S105 - nobody's
COSTS = (
    "sched-emulator run: the command talks to the real https://api.infrai.cc with its own key: its calls cost what they"
    " cost.\n"
)
IS_THERE = "is there already, and a recording is never written over another; choose another name"
PROGRAM = [sys.executable, "-m", "sched_emulator", "run"]
PYTHON = """
import json, os, sys, urllib.request
import aiohttp, asyncio, requests
URL = "https://api.infrai.cc/v1/scheduling/"
HEADERS = {"Authorization": "Bearer " + os.environ["INFRAI_API_KEY"], "Content-Type": "application/json"}
print(requests.post(URL + "queue/publish", json={"queue": "orders", "payload": {}}, headers=HEADERS).text)
async def by_aiohttp():
    async with aiohttp.ClientSession() as session:
        body = {"url": "https://api.acme.com/hook", "secret": os.environ["SECRET"]}
        async with session.post(URL + "queue/push_subscribe/orders", json=body, headers=HEADERS) as response:
            print(await response.text())
asyncio.run(by_aiohttp())
print(os.environ.get("SCHED_EMULATOR_URL"))
sys.exit(3)
"""
NODE = """
fetch('https://api.infrai.cc/v1/scheduling/queue/publish', {
  method: 'POST',
  headers: { Authorization: `Bearer ${process.env.INFRAI_API_KEY}`, 'Content-Type': 'application/json' },
  body: JSON.stringify({ queue: 'orders', payload: { größe: 1 } }),
}).then(async (answer) => console.log(await answer.text()));
"""


def rehearse(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run a command with `--real` in a run without it, so that what is taken for the gateway is an emulator."""
    script = f'INFRAI_API_KEY={KEY} exec {" ".join(PROGRAM)} --real --yes "$@"'
    return subprocess.run(
        [*PROGRAM, "--offline", "--", "sh", "-c", script, "sh", *arguments],
        cwd=folder,
        env=environment(SECRET=SECRET),
        capture_output=True,
        text=True,
        check=False,
        start_new_session=True,
    )


def recorded(path: Path) -> list[Exchange]:
    with Recording(path) as recording:
        assert (recording.header.target, recording.header.receivers) == ("https://api.infrai.cc", ())
        return [entry for entry in recording if isinstance(entry, Exchange)]


def test_programs_in_python_and_node_are_recorded_with_their_own_key(tmp_path: Path) -> None:
    (tmp_path / "node.js").write_text(NODE)
    (tmp_path / "python.py").write_text(PYTHON)
    node = "node node.js;" if shutil.which("node") else ""
    programs = ["sh", "-c", f"{node} {sys.executable} python.py"]
    result = rehearse(tmp_path, "--record", "session.jsonl", "--redact", "größe", "--", *programs)
    *answers, emulator_url = result.stdout.splitlines()
    told = f"sched-emulator run: {len(answers)} exchanges and 0 deliveries are recorded in session.jsonl\n"
    assert result.stderr == COSTS + told
    assert (result.returncode, emulator_url) == (3, "None")
    exchanges = recorded(tmp_path / "session.jsonl")
    assert [each.response for each in exchanges] == answers
    assert {each.account for each in exchanges} == {1}
    assert {json.loads(str(each.response))["ok"] for each in exchanges} == {True}
    raw = (tmp_path / "session.jsonl").read_text()
    assert (KEY in raw, SECRET in raw) == (False, False)
    assert not node or json.loads(str(exchanges[0].body))["payload"]["größe"].startswith("redacted:")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--real"], f"{COSTS}sched-emulator run: --real: nobody can be asked here whether that is meant; say --yes\n"),
        (
            ["--real", "--yes", "--record", "there"],
            f"{COSTS}sched-emulator run: --record: there {IS_THERE}\n",
        ),
        (
            ["--real", "--yes", "--clock", "frozen"],
            "sched-emulator run: --clock is the emulator's, and with --real there is none; leave one of them out\n",
        ),
        (["--record", "there"], f"sched-emulator run: --record: there {IS_THERE}\n"),
        (["--yes"], "sched-emulator run: --yes has no effect without --real\n"),
        (["--redact", "a"], "sched-emulator run: --redact has no effect without --real\n"),
    ],
)
def test_wrong_usage_is_one_sentence_and_nothing_is_run(
    arguments: list[str],
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "there").write_text("kept")
    with open(os.devnull, encoding="utf-8") as nothing:  # noqa: PTH123 - as standard input is opened
        monkeypatch.setattr(sys, "stdin", nothing)
        assert main(["run", *arguments, "--", "touch", "ran"]) == 2
    assert capsys.readouterr().err == said
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("there", "kept")]


@pytest.mark.parametrize(("typed", "status", "ran"), [(b"y\n", 0, True), (b"\n", 1, False), (b"\x04", 1, False)])
def test_on_a_terminal_it_asks(typed: bytes, status: int, ran: bool, tmp_path: Path) -> None:  # noqa: FBT001 - a row
    controlling, terminal = pty.openpty()
    with subprocess.Popen(
        [*PROGRAM, "--real", "--", "touch", "ran"],
        cwd=tmp_path,
        env=environment(),
        stdin=terminal,
        stderr=terminal,
        start_new_session=True,
    ) as process:
        os.close(terminal)
        said = b""
        while not said.endswith(b"Go on? [y/N] "):
            said += os.read(controlling, 4096)
        os.write(controlling, typed)
        assert process.wait() == status
    os.close(controlling)
    assert said.decode().replace("\r\n", "\n") == f"{COSTS}Go on? [y/N] "
    assert (tmp_path / "ran").exists() == ran


def by_a_dead_proxy(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [*PROGRAM, "--real", "--yes", *arguments],
        cwd=folder,
        env=environment(HTTPS_PROXY="http://127.0.0.1:1"),
        capture_output=True,
        text=True,
        check=False,
        start_new_session=True,
    )


def test_a_gateway_that_is_not_reached_is_told_to_the_program_and_recorded(tmp_path: Path) -> None:
    source = """
import urllib.error, urllib.request
try:
    urllib.request.urlopen("https://api.infrai.cc/x")
except urllib.error.HTTPError as error:
    print(error.code, error.read().decode())
"""
    result = by_a_dead_proxy(tmp_path, "--record", "session.jsonl", "--", sys.executable, "-c", source)
    why = "the proxy 127.0.0.1:1 cannot be reached: connection refused"
    assert result.stdout == f"502 sched-emulator run --real: {why}\n\n"
    assert [(each.status, each.error) for each in recorded(tmp_path / "session.jsonl")] == [(None, why)]


def test_a_command_that_sends_nothing_is_told_and_nothing_is_written_unasked(tmp_path: Path) -> None:
    result = by_a_dead_proxy(tmp_path, "--", "true")
    assert result.returncode == 0
    nothing = "sched-emulator run: nothing that the command sent to api.infrai.cc came by here. If it sent requests"
    assert result.stderr.startswith(COSTS + nothing)
    assert list(tmp_path.iterdir()) == []
