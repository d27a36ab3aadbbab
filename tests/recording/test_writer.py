"""A recording holds what was recorded, in whole lines, and no secret; a full disk ends it and nothing else."""

import json
import os
import subprocess
import sys
import textwrap
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from sched_emulator.recording.errors import RecordingError
from sched_emulator.recording.lines import Command, Delivery, Exchange, Facts, Headers, LeftOut
from sched_emulator.recording.reader import Recording
from sched_emulator.recording.writer import Writer
from tests.recording.samples import DATA, ENTRIES, HEADER, START_MS

KEY = "ifr_live_8Jk2PqZ7"
SECRET = "S3cret-of-mine-42"  # noqa: S105 - nobody's


def silent(sentence: str) -> None:
    raise AssertionError(sentence)


def exchange(key: str | None = KEY, body: bytes = b"", response: bytes = b"{}") -> Exchange:
    headers = () if key is None else (("Authorization", f"Bearer {key}"),)
    return Exchange(START_MS, START_MS + 1, "POST", "/v1/x", headers, body, 200, (), response)


def test_what_is_written_is_what_is_read(tmp_path: Path) -> None:
    path = tmp_path / "session.jsonl"
    writer = Writer(path, HEADER, complain=silent)
    for entry in ENTRIES:
        if isinstance(entry, Exchange):
            writer.exchange(replace(entry, headers=tuple(pair for pair in entry.headers if pair[0] != "Authorization")))
        elif isinstance(entry, Delivery):
            writer.delivery(entry)
        elif entry.command == "base":
            writer.base("ifr_a", json.dumps(entry.arguments, separators=(",", ":")), entry.sandbox)
        else:
            writer.command("ifr_a", entry.command, json.dumps(entry.arguments, separators=(",", ":")))
    writer.close()
    with Recording(path) as recording:
        assert recording.header == HEADER
        assert list(recording) == [
            replace(entry, account=None, headers=tuple(pair for pair in entry.headers if pair[0] != "Authorization"))
            if isinstance(entry, Exchange)
            else entry
            for entry in ENTRIES
        ]
    kept = (DATA / "recordings" / "format-1.jsonl").read_text().splitlines()
    same = [line for line in path.read_text().splitlines() if line in kept]
    assert len(same) == len(kept) - 2  # but for those that name an account by a key
    assert (writer.exchanges, writer.deliveries, writer.is_whole) == (3, 2, True)


def test_accounts_tell_keys_apart(tmp_path: Path) -> None:
    writer = Writer(tmp_path / "a.jsonl", HEADER, complain=silent)
    for key in ("ifr_a", "ifr_b", None, "ifr_a"):
        writer.exchange(exchange(key))
    writer.command("ifr_b", "poll", "{}")
    writer.close()
    with Recording(tmp_path / "a.jsonl") as recording:
        found = [entry.account for entry in recording if isinstance(entry, Exchange | Command)]
    assert found == [1, 2, None, 1, 2]


def test_no_key_and_no_secret_is_in_the_file(tmp_path: Path) -> None:
    writer = Writer(tmp_path / "a.jsonl", replace(HEADER, target=f"https://u:{SECRET}@h"), complain=silent)
    body = json.dumps({"secret": SECRET, "url": f"https://h/?token={SECRET}", "payload": {"key": KEY}}).encode()
    sent = exchange(body=body, response=f"the key {KEY} has no {SECRET}".encode())
    writer.exchange(replace(sent, path=f"/v1/x?api_key={KEY}", response_headers=(("Set-Cookie", f"s={SECRET}"),)))
    writer.exchange(exchange(response=b"\xff" + KEY.encode()))
    writer.delivery(Delivery(START_MS, f"https://h/{SECRET}", (("X-Token", SECRET),), body))
    writer.base(KEY, json.dumps({"queues": [{"secret": SECRET}], "key": KEY}))
    writer.command(KEY, "settle", json.dumps({"push": {"secret": SECRET}}))
    writer.close()
    raw = (tmp_path / "a.jsonl").read_bytes()
    assert (KEY.encode() in raw, SECRET.encode() in raw) == (False, False)
    with Recording(tmp_path / "a.jsonl") as recording:
        binary = [entry.response for entry in recording if isinstance(entry, Exchange)][1]
    assert isinstance(binary, bytes)
    assert (binary[:5], KEY.encode() in binary, len(binary)) == (b"\xffifr_", False, len(KEY) + 1)


def own(headers: Headers, body: str) -> tuple[tuple[bytes, ...], Callable[[], Facts]]:
    """Return the texts of an emulator's own exchange, and what tells of it."""
    facts: Facts = (START_MS, START_MS, "POST", "/v1/x", headers, body, 200, {"Server": "s"}, body, None, {"seq": 1})
    return (b"/v1/x", body.encode(), body.encode()), lambda: facts


def test_what_one_header_of_a_turn_gives_away_is_in_none_of_its_lines(tmp_path: Path) -> None:
    """The quick look at a turn comes before its secrets are known: it counts as long as there are no new ones."""
    later: list[Callable[[], None]] = []
    writer = Writer(tmp_path / "a.jsonl", HEADER, later=later.append, complain=silent)
    key = "a-key-of-another-form-7"
    body = f'{{"payload":"{SECRET} and {key}"}}'
    plain = (("Host", "h"), ("X-Trace", SECRET))
    for headers in (plain, (*plain, ("X-Api-Token", SECRET)), plain):
        writer.own_exchange(key, *own(headers, body))
    later.pop()()
    written = (tmp_path / "a.jsonl").read_text().splitlines()[1:]
    assert [(key in line, line.count(SECRET)) for line in written] == [(False, 3), (False, 0), (False, 0)]
    writer.own_exchange(key, *own(plain, body))
    writer.close()
    assert (tmp_path / "a.jsonl").read_text().count(SECRET) == 3  # of the line that came before it was known


def test_headers_that_are_no_utf_8_come_back_as_they_were(tmp_path: Path) -> None:
    writer = Writer(tmp_path / "a.jsonl", HEADER, complain=silent)
    headers = (("X-Odd", "\udcff"), ("X-Twice", "1"), ("X-Twice", "2"), ("X-End", '"'))
    for _ in range(2):
        writer.own_exchange("ifr_a", *own(headers, "{}"))
    writer.close()
    with Recording(tmp_path / "a.jsonl") as recording:
        assert [entry.headers for entry in recording if isinstance(entry, Exchange)] == [headers, headers]


def test_a_body_that_cannot_be_looked_at_is_left_out(tmp_path: Path) -> None:
    writer = Writer(tmp_path / "a.jsonl", HEADER, complain=silent)
    writer.exchange(replace(exchange(), response_headers=(("Content-Encoding", "vendor"),)))
    writer.close()
    with Recording(tmp_path / "a.jsonl") as recording:
        [found] = recording
    assert isinstance(found, Exchange)
    assert found.response == LeftOut("its Content-Encoding, vendor, cannot be undone here")


def test_the_lines_of_a_turn_are_one_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    later: list[Callable[[], None]] = []
    writes: list[int] = []
    write = os.write

    def counting(file: int, data: bytes) -> int:
        writes.append(bytes(data).count(b"\n"))
        return write(file, data)

    monkeypatch.setattr(os, "write", counting)
    writer = Writer(tmp_path / "a.jsonl", HEADER, later=later.append, complain=silent)
    for _ in range(3):
        writer.exchange(exchange())
    assert (writes, len(later)) == ([1], 1)
    later.pop()()
    writer.exchange(exchange())
    later.pop()()
    writer.close()
    assert [count for count in writes if count] == [1, 3, 1]


def test_without_a_loop_each_line_is_there_at_once(tmp_path: Path) -> None:
    writer = Writer(tmp_path / "a.jsonl", HEADER, complain=silent)
    writer.exchange(exchange())
    assert (tmp_path / "a.jsonl").read_bytes().count(b"\n") == 2
    writer.close()


def test_a_file_that_is_there_is_refused_written_or_not(tmp_path: Path) -> None:
    writer = Writer(tmp_path / "a.jsonl", HEADER, complain=silent)
    for _ in range(2):
        with pytest.raises(RecordingError, match="is there already, and a recording is never written over another"):
            Writer(tmp_path / "a.jsonl", HEADER, complain=silent)
        writer.close()
    with pytest.raises(RecordingError, match="cannot be written: no such file or directory"):
        Writer(tmp_path / "none" / "a.jsonl", HEADER, complain=silent)
    assert (tmp_path / "a.jsonl").stat().st_mode & 0o777 == 0o600


def test_a_forked_process_does_not_write(tmp_path: Path) -> None:
    program = f"""
        import os
        from dataclasses import replace
        from pathlib import Path
        from sched_emulator.recording.lines import Command, Header
        from sched_emulator.recording.writer import Writer

        later = []
        writer = Writer(Path({str(tmp_path / "a.jsonl")!r}), Header("", 0, ""), later=later.append, complain=print)
        writer.command("ifr_a", "before", "null")
        if os.fork() == 0:
            writer.command("ifr_a", "forked", "null")
            writer.close()
            os._exit(0)
        os.wait()
        writer.command("ifr_a", "after", "null")
        writer.close()
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(program)], check=True)
    with Recording(tmp_path / "a.jsonl") as recording:
        assert [entry.command for entry in recording if isinstance(entry, Command)] == ["before", "after"]


def test_a_full_disk_is_said_once_and_leaves_whole_lines(tmp_path: Path) -> None:
    program = """
        import resource
        from pathlib import Path
        from sched_emulator.recording.errors import RecordingError
        from sched_emulator.recording.lines import Header
        from sched_emulator.recording.writer import Writer

        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))  # as a disk with so much room
        writer = Writer(Path("a.jsonl"), Header("", 0, ""), complain=print)
        for number in range(100):
            writer.command("ifr_a", "poll", str(number))
        writer.close()
        print(writer.is_whole)
        resource.setrlimit(resource.RLIMIT_FSIZE, (10, 10))
        try:
            Writer(Path("b.jsonl"), Header("", 0, ""), complain=print)
        except RecordingError as error:
            print(error, Path("b.jsonl").exists())
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)], cwd=tmp_path, check=True, capture_output=True, text=True
    )
    assert done.stdout.splitlines() == [
        "a.jsonl cannot be written: file too large; nothing more is recorded, all else goes on",
        "False",
        "b.jsonl cannot be written: file too large False",
    ]
    with Recording(tmp_path / "a.jsonl") as recording:
        numbers = [entry.arguments for entry in recording if isinstance(entry, Command)]
        assert (numbers, recording.cut_off) == (list(range(len(numbers))), False)
    assert 5 < len(numbers) < 100
