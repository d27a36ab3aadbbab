"""`pytest --sched-vary`: runs the tests that rely on an undocumented behaviour again, under each other answer.

For each other answer there is one child pytest, with the options of this one, over just the tests that would have seen
a difference. A test that passes there too is robust; one that fails breaks under that answer. All parameters of a test
count as one test.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import pytest

from .vary_child import ENDED, FOLDER_VARIABLE, WANTED

OUTPUT_LINES_SHOWN = 20
POLL_SECONDS = 0.2
LETTERS = {"robust": ".", "breaks": "F", "skipped": "s"}
WORST_FIRST = ("breaks", "not run", "skipped", "robust")

Wanted = Mapping[tuple[str, str], Mapping[str, str]]


class Ending(NamedTuple):
    """How a test ended under another answer: `robust`, `breaks`, `skipped` or `not run`, and what it said."""

    word: str
    text: str = ""


class Verdict(NamedTuple):
    """What became of a test, with all its parameters, under another answer: the worst ending of them counts.

    `concerned` are its node ids; those of the `word`'s ending are `telling`. `difference` and `text` are the first
    telling one's: what would have been different, and what the test said.
    """

    test: str
    assumption_id: str
    other: str
    word: str
    concerned: tuple[str, ...]
    telling: tuple[str, ...]
    difference: str
    text: str

    @property
    def answer(self) -> str:
        """The other answer, as `--sched-assume` takes it."""
        return f"{self.assumption_id}={self.other}"

    @property
    def again(self) -> tuple[str, ...]:
        """The arguments with which pytest runs it again."""
        return f"--sched-assume={self.answer}", self.telling[0] if len(self.telling) == 1 else self.test

    @property
    def held(self) -> bool:
        """Whether the test can do without the answer that it was written under: it is known to pass without."""
        return self.word == "robust"

    @property
    def fails(self) -> bool:
        """Whether the run fails for it: it breaks, or nobody knows."""
        return self.word in {"breaks", "not run"}


def run(config: pytest.Config, wanted: Wanted, progress: Callable[[str], None]) -> list[Verdict]:
    """Run the tests wanted of each answer; `progress` is given what there is to see meanwhile, piece by piece."""
    verdicts = []
    for number, ((assumption_id, other), differences) in enumerate(wanted.items(), 1):
        answer = f"{assumption_id}={other}"
        progress(f"under {answer}, {number} of {len(wanted)}: ")
        endings = _run_again(config, answer, list(differences), progress)
        progress("\n")
        for test, nodeids in _by_test(differences).items():
            word = min((endings[nodeid].word for nodeid in nodeids), key=WORST_FIRST.index)
            telling = tuple(nodeid for nodeid in nodeids if endings[nodeid].word == word)
            first = telling[0]
            text = next((endings[nodeid].text for nodeid in telling if endings[nodeid].text), "")
            verdicts.append(
                Verdict(test, assumption_id, other, word, tuple(nodeids), telling, differences[first], text)
            )
    return verdicts


def test_of(nodeid: str) -> str:
    """Return a test's node id without its parameters, and without the group that pytest-xdist adds."""
    file, colons, name = nodeid.partition("::")
    return f"{file}{colons}{name.partition('[')[0].partition('@')[0]}"


def _by_test(nodeids: Mapping[str, str]) -> dict[str, list[str]]:
    tests: dict[str, list[str]] = {}
    for nodeid in nodeids:
        tests.setdefault(test_of(nodeid), []).append(nodeid)
    return tests


def _run_again(
    config: pytest.Config, answer: str, nodeids: Sequence[str], progress: Callable[[str], None]
) -> dict[str, Ending]:
    """Run tests in a child pytest under an answer; return how each ended."""
    with tempfile.TemporaryDirectory(prefix="sched-vary-") as name:
        folder = Path(name)
        (folder / WANTED).write_text(json.dumps(nodeids), encoding="utf-8")
        endings = Endings(folder / ENDED)
        with (folder / "output.txt").open("wb") as output:
            child = subprocess.Popen(  # noqa: S603 - this very pytest
                [*_interpreter(config), "-m", "pytest", *_arguments(config, folder, answer, nodeids)],
                cwd=config.invocation_params.dir,
                env={**os.environ, FOLDER_VARIABLE: name},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
            try:
                while not _has_ended(child):
                    progress(endings.read_on())
            except BaseException:
                child.kill()
                child.wait()
                raise
        progress(endings.read_on())
        said = (folder / "output.txt").read_text(encoding="utf-8", errors="replace").splitlines()
    why = iter(["\n".join(said[-OUTPUT_LINES_SHOWN:])])  # once is enough
    return {nodeid: endings.of.get(nodeid) or Ending("not run", next(why, "")) for nodeid in nodeids}


def _has_ended(child: "subprocess.Popen[bytes]") -> bool:
    try:
        child.wait(POLL_SECONDS)
    except subprocess.TimeoutExpired:
        return False
    return True


class Endings:
    """How tests end, read on while the child that runs them writes it: `of` each, the first phase that did not pass."""

    def __init__(self, path: Path) -> None:
        self.of: dict[str, Ending] = {}
        self._path = path
        self._read = 0

    def read_on(self) -> str:
        """Take what was written since the last time; return a letter for each test that has ended since."""
        content = self._path.read_bytes()[self._read :] if self._path.exists() else b""
        whole = content[: content.rfind(b"\n") + 1]
        self._read += len(whole)
        letters = []
        for phase in map(json.loads, whole.splitlines()):
            nodeid = phase["nodeid"]
            before = self.of.get(nodeid, Ending("robust"))
            if phase["outcome"] == "passed" or before.word == "breaks":
                self.of[nodeid] = before
            else:
                word = "breaks" if phase["outcome"] == "failed" else "skipped"
                self.of[nodeid] = Ending(word, phase["text"])
            if phase["when"] == "teardown":
                letters.append(LETTERS[self.of[nodeid].word])
        return "".join(letters)


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
