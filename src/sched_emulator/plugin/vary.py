"""`pytest --sched-vary`: runs the tests that rely on an undocumented behaviour again, under each other answer.

For each other answer there is one child pytest, with the options of this one, over just the tests that would have seen
a difference. A test that passes there too is robust; one that fails breaks under that answer.
"""

import json
import os
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import pytest

from sched_emulator.output import printable

from .vary_child import ENDED, FOLDER_VARIABLE, WANTED

OUTPUT_LINES_SHOWN = 20


class Ending(NamedTuple):
    """How a test ended under another answer: `robust`, `breaks`, `skipped` or `not run`, and what it said."""

    word: str
    text: str = ""


def run(
    terminal: "pytest.TerminalReporter", config: pytest.Config, wanted: Mapping[tuple[str, str], Mapping[str, str]]
) -> None:
    """Run the tests wanted of each answer, and tell how they ended."""
    terminal.section("the same tests under the other answers")
    held = {nodeid: True for tests in wanted.values() for nodeid in tests}
    broken: dict[str, list[str]] = {}
    for (assumption_id, other), tests in wanted.items():
        answer = f"{assumption_id}={other}"
        terminal.write_line(f"under {answer}:")
        for nodeid, ending in _run_again(config, answer, list(tests)).items():
            _tell(terminal, nodeid, ending, tests[nodeid])
            held[nodeid] &= ending.word == "robust"
            if ending.word == "breaks":
                broken.setdefault(nodeid, []).append(answer)
                terminal.write_line(f"    again: pytest {shlex.join([f'--sched-assume={answer}', nodeid])}")
    terminal.write_line(f"{sum(held.values())} of {len(held)} relying tests held under every other answer")
    for nodeid, answers in broken.items():
        terminal.write_line(f"{nodeid} breaks under {', '.join(answers)}")


def _tell(terminal: "pytest.TerminalReporter", nodeid: str, ending: Ending, difference: str) -> None:
    terminal.write_line(f"  {ending.word:<7}  {nodeid}", red=ending.word == "breaks")
    for line in printable(difference).splitlines() if ending.word == "breaks" else ():
        terminal.write_line(f"    {line}")
    for line in printable(ending.text).splitlines():
        terminal.write_line(f"    | {line}")


def _run_again(config: pytest.Config, answer: str, nodeids: Sequence[str]) -> dict[str, Ending]:
    """Run tests in a child pytest under an answer; return how each ended."""
    with tempfile.TemporaryDirectory(prefix="sched-vary-") as name:
        folder = Path(name)
        (folder / WANTED).write_text(json.dumps(nodeids), encoding="utf-8")
        child = subprocess.run(  # noqa: S603 - this very pytest
            [*_interpreter(config), "-m", "pytest", *_arguments(config, folder, answer, nodeids)],
            cwd=config.invocation_params.dir,
            env={**os.environ, FOLDER_VARIABLE: name},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            check=False,
        )
        endings = _endings(folder / ENDED)
    why = iter(["\n".join(child.stdout.splitlines()[-OUTPUT_LINES_SHOWN:])])  # once is enough
    return {nodeid: endings.get(nodeid) or Ending("not run", next(why, "")) for nodeid in nodeids}


def _endings(path: Path) -> dict[str, Ending]:
    """Return how tests ended: the first phase that did not pass decides."""
    endings: dict[str, Ending] = {}
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    for phase in map(json.loads, lines):
        before = endings.get(phase["nodeid"], Ending("robust"))
        if phase["outcome"] == "passed" or before.word == "breaks":
            endings[phase["nodeid"]] = before
        else:
            word = "breaks" if phase["outcome"] == "failed" else "skipped"
            endings[phase["nodeid"]] = Ending(word, phase["text"])
    return endings


def _interpreter(config: pytest.Config) -> list[str]:
    """Return this interpreter, with the folder of the run importable only if it is here."""
    importable = {"", str(config.invocation_params.dir)} & set(sys.path)
    return [sys.executable] if importable else [sys.executable, "-P"]


def _arguments(config: pytest.Config, folder: Path, answer: str, nodeids: Sequence[str]) -> Iterator[str]:
    """Return the options of this run, with the files of the tests in place of what this run was given to run."""
    yield from _options(config)
    yield f"--rootdir={config.rootpath}"
    if config.inipath is not None:
        yield f"--config-file={config.inipath}"
    yield from ("-p", "sched_emulator.plugin.vary_child", f"--sched-assume={answer}", "--maxfail=0")
    if config.pluginmanager.hasplugin("cacheprovider"):
        yield f"--override-ini=cache_dir={folder / 'cache'}"
    if config.getoption("xmlpath", None):
        yield f"--junit-xml={folder / 'junit.xml'}"
    if config.pluginmanager.hasplugin("pytest_cov"):
        yield "--no-cov"
    yield from dict.fromkeys(str(config.rootpath / nodeid.partition("::")[0]) for nodeid in nodeids)


def _options(config: pytest.Config) -> list[str]:
    """Return the arguments of this run without the files, folders and tests among them."""
    arguments = list(config.invocation_params.args)
    if config.args_source is not pytest.Config.ArgsSource.ARGS:
        return arguments
    for given in config.args:
        places = [place for place, argument in enumerate(arguments) if argument == given]
        if places:
            free = [place for place in places if place == 0 or not arguments[place - 1].startswith("-")]
            del arguments[(free or places)[-1]]
    return arguments
