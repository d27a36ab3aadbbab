"""What `--sched-vary` found, told: at the end of the run, as reports of pytest (JUnit), and as a JSON file."""

import json
import shlex
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

import pytest

from sched_emulator import files
from sched_emulator.config import UsageError
from sched_emulator.output import printable

from .standing import Reliance
from .vary import Verdict

# Who gets no reports of tests under other answers: they are none of the run's own tests, to be counted or run again.
NOT_TOLD = ("terminalreporter", "session", "lfplugin", "stepwiseplugin")
BROKEN = "broken under another answer"  # a sort of result in pytest's last line


def tell(terminal: pytest.TerminalReporter, verdicts: Sequence[Verdict]) -> None:
    """Tell how the tests ended under each other answer."""
    terminal.section("the same tests under the other answers")
    tests = {verdict.test: True for verdict in verdicts}
    failing: dict[str, list[Verdict]] = {}
    for answer in dict.fromkeys(verdict.answer for verdict in verdicts):
        terminal.write_line(f"under {answer}:")
        for verdict in verdicts:
            if verdict.answer == answer:
                _tell_one(terminal, verdict)
                tests[verdict.test] &= verdict.held
                if verdict.fails:
                    failing.setdefault(verdict.test, []).append(verdict)
    terminal.write_line(f"{sum(tests.values())} of {len(tests)} relying tests held under every other answer")
    for test, found in failing.items():
        for word, said in (("breaks", "breaks"), ("not run", "could not be run")):
            answers = [verdict.answer for verdict in found if verdict.word == word]
            if answers:
                terminal.write_line(printable(f"{test} {said} under {', '.join(answers)}"), red=True)


def _tell_one(terminal: pytest.TerminalReporter, verdict: Verdict) -> None:
    count = len(verdict.concerned)
    of_parameters = "" if count == 1 else f", with {len(verdict.telling)} of {count} parameters"
    terminal.write_line(printable(f"  {verdict.word:<7}  {verdict.test}{of_parameters}"), red=verdict.fails)
    for line in _details(verdict):
        terminal.write_line(f"    {line}")


def _details(verdict: Verdict) -> Iterator[str]:
    """Say what would have been different and what the test said; of a robust one there is nothing to say."""
    if verdict.word == "breaks":
        yield from printable(verdict.difference).splitlines()
    yield from (f"| {line}" for line in printable(verdict.text).splitlines())
    if verdict.word == "breaks":
        yield f"again: {again(verdict)}"


def again(verdict: Verdict) -> str:
    """Return the command that runs a test again under the other answer."""
    return printable(f"pytest {shlex.join(verdict.again)}")


def report(config: pytest.Config, verdicts: Iterable[Verdict], *, only_reported: bool, gathered: object) -> int:
    """Give the plugins that write reports, JUnit's among them, one for each verdict; return how many tests fail.

    With `only_reported` none fails: what breaks is reported as an expected failure.
    """
    plugins = [gathered, *map(config.pluginmanager.get_plugin, NOT_TOLD)]
    told = config.pluginmanager.subset_hook_caller("pytest_runtest_logreport", plugins)
    broken: dict[str, pytest.TestReport] = {}
    for verdict in verdicts:
        each = _as_report(verdict, only_reported=only_reported)
        told(report=each)
        if each.failed:
            broken[verdict.test] = each
    terminal = config.pluginmanager.get_plugin("terminalreporter")
    if broken and terminal is not None:
        terminal.stats[BROKEN] = list(broken.values())
    return len(broken)


def _as_report(verdict: Verdict, *, only_reported: bool) -> pytest.TestReport:
    text = "\n".join([f"{verdict.word} under {verdict.answer}", *_details(verdict)])
    outcome: Literal["passed", "failed", "skipped"] = "passed"
    longrepr: str | tuple[str, int, str] | None = None
    file = verdict.test.partition("::")[0]
    if verdict.fails and only_reported:
        outcome = "skipped"
    elif verdict.fails:
        outcome, longrepr = "failed", text
    elif not verdict.held:
        outcome, longrepr = "skipped", (file, 0, text)
    name = f"{verdict.test}[{verdict.answer}]"
    made = pytest.TestReport(name, (file, None, name), {}, outcome, longrepr, "call")
    if verdict.fails and only_reported:
        made.wasxfail = text
    return made


def write(
    path: Path, relying: Sequence[Reliance], shapes: Sequence[Reliance], verdicts: Sequence[Verdict] | None
) -> str:
    """Write what tests relied on, and what was found of each, as JSON; return a complaint when that cannot be.

    `verdicts` is None when nothing was varied.
    """
    document: dict[str, Any] = {
        "relied": [reliance.as_json for reliance in relying],
        "shapes": [reliance.as_json for reliance in shapes],
        "varied": verdicts is not None,
        "tests": [],
    }
    for test in sorted({verdict.test for verdict in verdicts or ()}):
        found = [verdict for verdict in verdicts or () if verdict.test == test]
        under = [_as_json(verdict) for verdict in found]
        document["tests"].append({"test": test, "held": all(each.held for each in found), "under": under})
    try:
        files.write(path, json.dumps(document, ensure_ascii=False, indent=2) + "\n", "--sched-report")
    except UsageError as error:
        return str(error)
    return ""


def _as_json(verdict: Verdict) -> dict[str, Any]:
    told: dict[str, Any] = {"id": verdict.assumption_id, "answer": verdict.other, "outcome": verdict.word}
    if len(verdict.concerned) > 1:
        told["parameters"] = {"all": len(verdict.concerned), verdict.word: list(verdict.telling)}
    if verdict.word == "breaks":
        told |= {"difference": verdict.difference, "again": again(verdict)}
    if verdict.text:
        told["text"] = verdict.text
    return told
