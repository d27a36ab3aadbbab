"""Runs the code blocks of a document, so that what it shows is what happens.

```console blocks hold `$ command` lines (continued by a backslash) and the output expected after each; `…` in the
output stands for anything. ```python blocks are run as programs; one that begins with `# test_name.py` is kept under
that name and run by pytest, any other `# name.py` names a module that later blocks import. A block that is not run
carries `<!-- not run: why -->` on the line before it. All blocks of a document share a folder and an emulator with a
frozen clock, which they find at http://127.0.0.1:8420.
"""

import os
import re
import subprocess
import sys
import sysconfig
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

from sched_emulator import Emulator

ADDRESS = "127.0.0.1:8420"
LANGUAGES_RUN = {"console", "python"}
LANGUAGES_SHOWN = {"json", "toml", "text", "yaml"}  # data and output, nothing that could be run
SECONDS = 60
UNUSED = "-p no:cacheprovider -p no:schemathesis -p no:hypothesispytest -p no:anyio"  # plugins that only take time
_NAME = re.compile(r"# (\w+\.py)\n")
_BLOCK = re.compile(
    r"(?:<!-- not run: (?P<reason>[^\n]+) -->\n)?```(?P<language>\w*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL
)


class Block(NamedTuple):
    """A code block: its language, its text, the line it starts at, and why it is not run, if it is not."""

    language: str
    text: str
    line: int
    reason: str | None


def blocks(document: str) -> list[Block]:
    """Return the code blocks of a Markdown document."""
    return [
        Block(match["language"], match["text"], document.count("\n", 0, match.start("text")), match["reason"])
        for match in _BLOCK.finditer(document)
    ]


def run(path: Path, folder: Path) -> int:
    """Run all blocks of a document in a folder; AssertionError at the first that does not do what it shows."""
    runnable = [block for block in blocks(path.read_text()) if block.reason is None and block.language in LANGUAGES_RUN]
    if runnable:
        with Emulator.start() as emulator:
            address = emulator.url.removeprefix("http://")
            for name, group in groupby(runnable, _kind):
                if name == "tests":
                    _run_tests(list(group), path.name, folder, address)
                    continue
                for block in group:
                    _run_block(block, f"{path.name}:{block.line}", folder, address)
    return len(runnable)


def _kind(block: Block) -> str:
    return "tests" if block.language == "python" and _file_name(block).startswith("test_") else block.language


def _file_name(block: Block) -> str:
    named = _NAME.match(block.text)
    return named[1] if named else "example.py"


def _run_tests(group: list[Block], name: str, folder: Path, address: str) -> None:
    """Run tests that follow one another at once."""
    files = {_file_name(block): block.text.replace(ADDRESS, address) for block in group}
    assert len(files) == len(group), f"{name}: two tests that follow one another have the same name"
    for file, text in files.items():
        (folder / file).write_text(text)
    lines = ", ".join(str(block.line) for block in group)
    _shell(f"{sys.executable} -m pytest --quiet {' '.join(files)}", f"{name}:{lines}", folder, address)


def _run_block(block: Block, place: str, folder: Path, address: str) -> None:
    if block.language == "python":
        program = folder / _file_name(block)
        program.write_text(block.text.replace(ADDRESS, address))
        _shell(f"{sys.executable} {program}", place, folder, address)
        return
    for command, expected in _commands(block.text):
        came = _shell(command.replace(ADDRESS, address), place, folder, address, may_fail="$?" in command)
        pattern = ".*".join(re.escape(part) for part in expected.strip().split("…"))
        assert re.fullmatch(pattern, came.replace(address, ADDRESS).strip(), re.DOTALL), (
            f"{place}: {command!r} printed\n{came}\ninstead of\n{expected}"
        )


def _commands(text: str) -> list[tuple[str, str]]:
    """Return each command of a console block with the output that follows it."""
    found: list[tuple[str, str]] = []
    for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        lines = part.splitlines()
        length = next(number for number, line in enumerate(lines, 1) if not line.endswith("\\"))
        found.append(("\n".join(lines[:length]), "\n".join(lines[length:])))
    return found


def _shell(command: str, place: str, folder: Path, address: str, *, may_fail: bool = False) -> str:
    scripts = sysconfig.get_path("scripts")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SCHED_EMULATOR_")}
    environment |= {
        "PATH": f"{scripts}{os.pathsep}{environment['PATH']}",
        "INFRAI_API_KEY": "ifr_local",
        "SCHED_EMULATOR_URL": f"http://{address}",
        "COLUMNS": "200",
        "PYTEST_ADDOPTS": UNUSED,
    }
    done = subprocess.run(  # noqa: S602 - the documents are our own
        command,
        shell=True,
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert may_fail or done.returncode == 0, f"{place}: {command!r} failed:\n{done.stdout}"
    return done.stdout
