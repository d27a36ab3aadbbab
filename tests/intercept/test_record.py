"""`sched-emulator record`: programs and deliveries recorded against an emulator in real time, nothing secret kept."""

import json
import os
import re
import resource
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

from sched_emulator import Emulator, __version__
from sched_emulator.cli import main
from sched_emulator.intercept.passing import Way
from sched_emulator.intercept.recorder import Target
from sched_emulator.recording.lines import Delivery, Entry, Exchange
from sched_emulator.recording.reader import Recording
from tests.receivers import Asked, Told, serving

SECRET = "S3cret-of-mine-42"  # noqa: S105 - nobody's
PYTHON = """
import json, os, urllib.request
def call(path, **body):
    request = urllib.request.Request(f"{os.environ['INFRAI_BASE_URL']}/{path}", json.dumps(body).encode())
    request.add_header("Authorization", f"Bearer {os.environ['INFRAI_API_KEY']}")
    request.add_header("Content-Type", "application/json")
    with urllib.request.urlopen(request) as response:
        print(response.read().decode())
call("queue/publish", queue="orders", payload={"email": "a@b.c", "n": 1})
call("queue/push_subscribe/orders", url="https://api.acme.com/hook", secret=os.environ["SECRET"])
"""
NODE = """
(async () => {
  const headers = { Authorization: `Bearer ${process.env.INFRAI_API_KEY}`, 'Content-Type': 'application/json' };
  const body = JSON.stringify({ queue: 'other', payload: { email: 'a@b.c' } });
  const answer = await fetch(`${process.env.INFRAI_BASE_URL}/queue/publish`, { method: 'POST', headers, body });
  console.log(await answer.text());
})();
"""


class Recorder(NamedTuple):
    process: "subprocess.Popen[str]"
    url: str
    said: str

    def stop(self) -> tuple[int, str, str]:
        """Stop, and return the exit status and what was said since."""
        self.process.send_signal(signal.SIGTERM)
        out, err = self.process.communicate()
        return self.process.returncode, out, err


@contextmanager
def record(target: str, folder: Path, *arguments: str, room_bytes: int | None = None) -> Iterator[Recorder]:
    command = [sys.executable, "-m", "sched_emulator", "record", "--target", target, "--out", "session.jsonl"]

    def limit() -> None:
        if room_bytes is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (room_bytes, room_bytes))

    with subprocess.Popen(
        [*command, "--port", "0", "--port-file", "port.txt", *arguments],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=limit,  # noqa: PLW1509 - the only way to give it a disk that is full
    ) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(5 if "--receiver" in arguments else 4)]
        said = "".join(lines)
        match = re.search(r"http://127\.0\.0\.1:\d+", said)
        assert match is not None, process.communicate()
        try:
            yield Recorder(process, match[0], said)
        finally:
            process.terminate()


def read(folder: Path) -> list[Entry]:
    with Recording(folder / "session.jsonl") as recording:
        return list(recording)


def test_two_programs_and_a_delivery_are_recorded(emulator: Emulator, tmp_path: Path) -> None:
    asked: list[Asked] = []

    def receive(request: Asked) -> Told:
        asked.append(request)
        return Told(202)

    programs = [[sys.executable, "-c", PYTHON]] + ([["node", "-e", NODE]] if shutil.which("node") else [])
    with serving(receive) as (receiver, _), emulator.sandbox() as box:
        receiving = ["--receiver-port", "0", "--receiver", f"https://api.acme.com={receiver}"]
        box.clock.resume()  # real time
        with record(emulator.url, tmp_path, *receiving, "--redact", "email") as recorder:
            arriving = re.findall(r"http://127\.0\.0\.1:\d+", recorder.said)[-2]
            box.routes.set({"https://api.acme.com": arriving})
            environment = {
                **{name: value for name, value in os.environ.items() if "proxy" not in name.lower()},
                "INFRAI_BASE_URL": f"{recorder.url}/v1/scheduling",
                "INFRAI_API_KEY": box.api_key,
                "SECRET": SECRET,
            }
            answers = [
                line
                for program in programs
                for line in subprocess.check_output(program, env=environment, text=True).splitlines()
            ]
            box.clock.advance(seconds=0)  # waits for the delivery
            status, said, complaint = recorder.stop()
    assert (status, complaint) == (0, "")
    assert said == f"{len(answers)} exchanges and 1 delivery are recorded in session.jsonl\n"
    *exchanges, delivery = sorted(read(tmp_path), key=lambda entry: isinstance(entry, Delivery))
    assert [(each.path, each.status) for each in exchanges if isinstance(each, Exchange)] == [
        ("/v1/scheduling/queue/publish", 200),
        ("/v1/scheduling/queue/push_subscribe/orders", 200),
        *[("/v1/scheduling/queue/publish", 200)] * (len(answers) - 2),
    ]
    assert [each.response for each in exchanges if isinstance(each, Exchange)] == answers
    bodies = [json.loads(str(each.body)) for each in exchanges if isinstance(each, Exchange)]
    emails = {body["payload"]["email"] for body in bodies if "payload" in body}
    assert (len(emails), {email[:9] for email in emails}) == (1, {"redacted:"})
    assert isinstance(delivery, Delivery)
    assert (delivery.url, delivery.attempt, delivery.status) == ("https://api.acme.com/hook", 1, 202)
    assert json.loads(str(delivery.body))["payload"]["email"] in emails
    assert (asked[0].path, json.loads(asked[0].body)["payload"]) == ("/hook", {"email": "a@b.c", "n": 1})
    raw = (tmp_path / "session.jsonl").read_text()
    assert [hidden in raw for hidden in (box.api_key, SECRET, "a@b.c")] == [False, False, False]
    with Recording(tmp_path / "session.jsonl") as recording:
        header = recording.header
    assert (header.target, header.version, header.receivers) == (emulator.url, __version__, ("https://api.acme.com",))


def test_when_the_disk_is_full_it_says_so_once_and_passes_on(tmp_path: Path) -> None:
    with (
        serving(lambda _: Told()) as (url, asked),
        record(f"{url}/v1/scheduling", tmp_path, room_bytes=2000) as recorder,
    ):
        host = recorder.url.removeprefix("http://").split(":")
        with socket.create_connection((host[0], int(host[1]))) as sock, sock.makefile("rb") as file:
            for _ in range(20):
                sock.sendall(b"GET /x HTTP/1.1\r\n\r\n")
                answer = iter(file.readline, b"\r\n")
                assert next(answer) == b"HTTP/1.1 200 OK\r\n"
                assert len(list(answer)) > 1
                assert file.read(2) == b"{}"
        status, said, complaint = recorder.stop()
    assert len(asked) == 20
    assert status == 1
    assert said.endswith(" exchanges and 0 deliveries are recorded in session.jsonl, more is not\n")
    assert complaint == (
        "sched-emulator record: session.jsonl cannot be written: file too large; nothing more is recorded, all else"
        " goes on\n"
    )
    entries = read(tmp_path)
    assert 2 < len(entries) < 20
    assert said.startswith(f"{len(entries)} ")


def test_the_port_file_says_where_it_listens_and_the_banner_what_to_set(tmp_path: Path) -> None:
    with record("https://gateway.example/v1/scheduling", tmp_path) as recorder:
        assert recorder.said == (
            f"Recording what passes from {recorder.url} to https://gateway.example, in session.jsonl.\n"
            "Its calls are real, and cost what they cost.\n"
            "\n"
            f"  export INFRAI_BASE_URL={recorder.url}/v1/scheduling\n"
        )
        assert recorder.process.stdout is not None
        assert recorder.process.stdout.readline() == "\n"
        assert recorder.stop() == (0, "0 exchanges and 0 deliveries are recorded in session.jsonl\n", "")
        assert recorder.url.endswith(f":{(tmp_path / 'port.txt').read_text()}")


def test_a_target_leads_by_the_proxy_that_is_configured() -> None:
    company = {"HTTPS_PROXY": "http://proxy:3128", "NO_PROXY": "intern.example"}
    by_proxy = Target.of("https://api.infrai.cc/gw/", company)
    assert (by_proxy.url, by_proxy.is_local) == ("https://api.infrai.cc/gw", False)
    assert by_proxy.way.proxy is not None
    assert (by_proxy.way.proxy.host, by_proxy.way.port, by_proxy.way.prefix) == ("proxy", 3128 - 2685, "/gw")
    assert Target.of("https://gw.intern.example", company).way.proxy is None
    assert Target.of("https://localhost:1", company).way.proxy is None
    assert Target.of("http://127.0.0.1:8420", company) == Target(
        "http://127.0.0.1:8420", Way("127.0.0.1", 8420, authority="127.0.0.1:8420")
    )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--out", "a"], "--target: expected a URL to pass on to"),
        (["--target", "http://h"], "--out: expected a new file"),
        (
            ["--target", "http://h", "--out", "a", "--redact", ""],
            "--redact: '' names nothing; expected one name, or several separated by commas",
        ),
        (["--target", "http://h", "--out", ""], "--out: '' is no path; expected that of a file or a folder"),
        (
            ["--target", "h:1", "--out", "a"],
            (
                "--target: 'h:1' cannot be used: the URL must start with http:// or https://; "
                "expected something like https://api.infrai.cc"
            ),
        ),
        (
            ["--target", "http://u:p@h", "--out", "a"],
            (
                "--target: what came cannot be used: the URL must not contain credentials; "
                "expected something like https://api.infrai.cc"
            ),
        ),
        (
            ["--target", "http://h", "--out", "a", "--receiver-port", "1"],
            "--receiver and --receiver-port: expected both, where deliveries come and where they go, or none",
        ),
        (
            ["--target", "http://h", "--out", "a", "--receiver-port", "0", "--receiver", "acme=http://h"],
            (
                "--receiver: 'acme' cannot be used: the URL must start with http:// or https://; "
                "expected something like https://api.infrai.cc"
            ),
        ),
        (
            ["--target", "http://h", "--port", "0", "--out", "session.jsonl"],
            "--out: session.jsonl is there already, and a recording is never written over another; choose another name",
        ),
        (
            ["--target", "http://h", "--port", "0", "--out", "none/session.jsonl"],
            "--out: there is no folder 'FOLDER/none'; expected one to write into",
        ),
    ],
)
def test_wrong_usage_is_one_sentence(
    arguments: list[str],
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "session.jsonl").write_text("kept")
    assert main(["record", *arguments]) == 2
    assert capsys.readouterr().err.replace(str(tmp_path), "FOLDER") == f"sched-emulator record: {said}\n"
    assert (tmp_path / "session.jsonl").read_text() == "kept"
