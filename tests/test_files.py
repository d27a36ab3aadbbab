"""Files that commands are given: what cannot be used is one line and status 2, before anything is sent."""

import codecs
import os
import re
import shlex
import socket
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sched_emulator import Emulator, files
from sched_emulator.cli import COMMANDS, build_parser, main
from sched_emulator.config import UsageError

FULL = Path("/dev/full")
ANSWERS = '[queue]\nnack_position = "back"\n'
LONG = "x" * 300
needs_full = pytest.mark.skipif(not FULL.exists(), reason="there is no device that is always full")

# What is read, by the command that reads it; {} is the file.
READING = {
    "serve --load": "serve --port 0 --load {}",
    "serve --assumptions": "serve --port 0 --assumptions {}",
    "run --load": "run --load {} -- true",
    "run --assumptions": "run --assumptions {} -- true",
    "contract --known": "contract --target URL --known {}",
    "contract --baseline": "contract --target URL --baseline {}",
    "contract --assumptions": "contract --target URL --assumptions {}",
    "contract --scenarios": "contract --target URL --scenarios {}",
    "snapshot FILE": "snapshot load --url URL --key ifr_a {}",
    "cron --file": "cron --file {}",
    "spec --assumptions": "spec --assumptions {}",
}
WRITING = {
    "serve --port-file": "serve --port 0 --port-file {}",
    "serve --record": "serve --port 0 --record {}",
    "replay --port-file": "replay plain --serve --port 0 --port-file {}",
    "record --out": "record --target URL --port 0 --out {}",
    "record --port-file": "record --target URL --port 0 --out new --port-file {}",
    "run --record": "run --real --yes --record {} -- true",
    "calibrate --out": "calibrate --target URL --out {}",
    "cron --svg": "cron * * * * * --svg {}",
    "contract --report-dir": "contract --target URL --report-dir {}",
    "snapshot FILE": "snapshot save --url URL --key ifr_a {}",
}
# What is wrong with a file: how it is made in a folder, and what is said.
UNREADABLE: dict[str, tuple[bytes | str, str]] = {
    "missing": ("nothing", "there is no file 'nothing'; expected the path of one"),
    "a folder": (".", "'.' is a folder; expected the path of a file"),
    "below a file": ("plain/x", "there is no file 'plain/x'; expected the path of one"),
    "a name too long": (LONG, f"there is no file '{LONG}'; expected the path of one"),
    "a device": (str(FULL), f"'{FULL}' is a device or a pipe; expected the path of a file"),
    "UTF-16": (ANSWERS.encode("utf-16"), "bad is UTF-16; expected UTF-8"),
    "UTF-32": (ANSWERS.encode("utf-32"), "bad is UTF-32; expected UTF-8"),
    "no UTF-8": (b"# caf\xe9\n" + ANSWERS.encode(), ""),
    "nothing in it": (b"", ""),
    "another answer": (b'[queue]\nnack_position = "middle"\n', ""),
    "an unknown question": (b'"two\\nlines" = 1\n', ""),
    "half of it": (b'{"version": 2, "sta', ""),
}
UNWRITABLE = {
    "a folder": (".", "'.' is a folder; expected a file to write"),
    "in no folder": ("nowhere/x", "there is no folder '{}/nowhere'; expected one to write into"),
    "below a file": ("plain/x", "there is no folder '{}/plain'; expected one to write into"),
    "a device": (str(FULL), f"'{FULL}' is a device or a pipe; expected a file to write"),
    "where nothing can be": ("/proc/x", "/proc/x cannot be written: no such file or directory"),
    "a name too long": (LONG, f"{LONG} cannot be written: file name too long"),
}
NO_FOLDER = {
    "a file": ("plain", "'{}/plain' is no folder; expected one to write into"),
    "below a file": ("plain/x/y", "'{}/plain' is no folder; expected one to write into"),
    "a device": (str(FULL), f"'{FULL}' is no folder; expected one to write into"),
    "where nothing can be": ("/proc/x", "/proc/x cannot be written: no such file or directory"),
}
# Holds nothing that is wrong where a file of known deviations or a folder of checks is read.
HARMLESS = {"nothing in it", "another answer", "an unknown question", "half of it"}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "plain").write_text("")
    return tmp_path


@pytest.fixture
def untouched() -> Iterator[str]:
    """The URL of a target that nobody connects to."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        listening.settimeout(0)
        with pytest.raises(BlockingIOError):
            listening.accept()


def refused(capsys: pytest.CaptureFixture[str], command: str, target: str) -> str:
    """Run a command that is refused, and return its one line without the command's name."""
    words = shlex.split(command.replace("URL", target))
    assert main(words) == 2
    out, error = capsys.readouterr()
    assert (out, error.count("\n")) == ("", 1)
    return re.sub(r"sched-emulator [a-z ]+: ", "", error.removesuffix("\n"), count=1)


@needs_full
@pytest.mark.parametrize("what", UNREADABLE)
@pytest.mark.parametrize("reader", READING)
def test_a_file_that_cannot_be_used_is_one_line_before_anything_is_sent(
    reader: str, what: str, folder: Path, untouched: str, capsys: pytest.CaptureFixture[str]
) -> None:
    made, told = UNREADABLE[what]
    option = reader.split()[1]
    if option == "--known" and what in HARMLESS:
        return
    if isinstance(made, bytes):
        (folder / "bad").write_bytes(made)
    name = made if isinstance(made, str) else "bad"
    if name == "." and option == "--scenarios":
        told = ". has no checks"
    elif option == "--scenarios":
        told = f"{name} is no folder"
    elif what == "nothing in it" and option == "--assumptions":
        return  # no answer is an answer too
    line = refused(capsys, READING[reader].format(name), untouched)
    assert line.startswith(f"{option}: ")
    assert told in line


@needs_full
@pytest.mark.parametrize("writer", WRITING)
def test_a_place_that_cannot_be_written_is_one_line_before_anything_is_sent(
    writer: str, folder: Path, untouched: str, capsys: pytest.CaptureFixture[str]
) -> None:
    option = writer.split()[1]
    for name, told in (NO_FOLDER if option == "--report-dir" else UNWRITABLE).values():
        line = refused(capsys, WRITING[writer].format(name), untouched)
        assert line == f"{option}: {told.format(folder)}"
    assert [path.name for path in folder.iterdir()] == ["plain"]
    assert FULL.is_char_device()


def test_every_option_that_names_a_file_is_in_the_tables() -> None:
    looked_at = {files.to_read, files.to_write, files.folder_to_read, files.folder_to_write}
    for module in COMMANDS:
        name = module.__name__.rpartition(".")[2]
        for option in module.OPTIONS:
            if option.parse in looked_at:
                assert {f"{name} {option.name}", f"serve {option.name}"} & {*READING, *WRITING}, option.name
            else:
                assert option.metavar not in {"FILE", "FILE.toml", "SNAPSHOT", "DIR"}, option.name


def test_a_mark_at_the_beginning_of_utf_8_is_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "answers.toml"
    path.write_bytes(codecs.BOM_UTF8 + "é".encode())
    assert files.read_text(path, "--assumptions") == "é"
    assert files.read_bytes(path, "--load") == "é".encode()


def test_a_pipe_can_be_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert files.to_read(str(tmp_path / "pipe"), "--assumptions") == tmp_path / "pipe"


def test_what_stood_there_stays_until_all_is_written(tmp_path: Path) -> None:
    path = tmp_path / "port"
    for text in ("8420", "8421"):
        assert files.to_write(str(path), "--port-file") == path
        files.write(path, text, "--port-file")
        assert [(each.name, each.read_text()) for each in tmp_path.iterdir()] == [("port", text)]


def test_what_can_no_longer_be_written_is_told_and_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "port").mkdir()
    with pytest.raises(UsageError) as raised:
        files.write(tmp_path / "port", "8420", "--port-file")
    assert str(raised.value) == f"--port-file: {tmp_path / 'port'} cannot be written: is a directory"
    assert [path.name for path in tmp_path.iterdir()] == ["port"]


# --- Where commands print


def printing(url: str) -> dict[str, int]:
    """Return every command that prints, with the status that it ends with."""
    return {
        "--version": 0,
        "--help": 0,
        "cron '0 9 * * *' --count 3": 0,
        "cron '0 9 * * *' --json": 0,
        "assumptions": 0,
        "assumptions explain cron.dst": 0,
        f"assumptions relied --url {url} --key ifr_a --json": 0,
        f"clock show --url {url} --key ifr_a": 0,
        **dict.fromkeys(
            (
                f"{command} --url {url} --key ifr_a"
                for command in ("requests", "deliveries", "timeline", "targets", "faults list", "routes clear", "reset")
            ),
            0,
        ),
        f"sandboxes --url {url} --json": 0,
        "completion bash": 0,
        "spec": 0,
        f"clock advance 1h --url {url} --key ifr_a": 0,
        f"drift --target {url}": 0,
        "contract --list": 0,
        f"contract --target {url} --only queue/ack/1 --allow-writes": 0,
        "demo": 0,
    }


def printed(monkeypatch: pytest.MonkeyPatch, command: str, out: Callable[[], int]) -> int:
    """Run a command whose standard output is a descriptor; return its status."""
    with open(out(), "w", encoding="utf-8") as stream, monkeypatch.context() as patched:  # noqa: PTH123 - a descriptor
        patched.setattr(sys, "stdout", stream)
        try:
            return main(shlex.split(command))
        except SystemExit as ended:
            return int(ended.code or 0)


def left() -> int:
    reader, writer = os.pipe()
    os.close(reader)
    return writer


def test_a_reader_that_has_seen_enough_changes_no_status(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    emulator.sandbox("ifr_a")
    ended = {command: printed(monkeypatch, command, left) for command in printing(emulator.url)}
    assert ended == printing(emulator.url)
    assert capsys.readouterr().err == ""


@needs_full
def test_a_full_output_is_one_line_and_status_2(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    emulator.sandbox("ifr_a")
    for command in printing(emulator.url):
        assert printed(monkeypatch, command, lambda: os.open(FULL, os.O_WRONLY)) == 2, command
        name = "" if command.startswith("-") else f" {command.split()[0]}"
        told = capsys.readouterr().err
        assert told.startswith(f"sched-emulator{name}"), command
        assert told.endswith(": the output cannot be written: no space left on device\n"), command
        assert told.count("\n") == 1


def test_every_command_prints_or_serves() -> None:
    commands = build_parser().format_help()
    told = {line.split()[0] for line in commands.splitlines() if line.startswith("    ") and line[4:5].isalpha()}
    prints = {command.split()[0] for command in printing("URL")} - {"--version", "--help"}
    assert told == prints | {"serve", "run", "calibrate", "record", "replay", "snapshot", "tail"}
