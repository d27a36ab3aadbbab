"""`--sched-relied` and `--sched-vary`: what each test relied on, gathered from its reports, and told at the end.

A test's sandbox is asked while it still exists, in the process that runs the test; what it says travels with the
test's report, so that it arrives under pytest-xdist too.
"""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from sched_emulator import files, spec
from sched_emulator.client.http import EmulatorError
from sched_emulator.client.reliance import sentences
from sched_emulator.client.sandbox import Sandbox
from sched_emulator.config import UsageError
from sched_emulator.output import printable

from .settings import MEASURED_ANSWERS
from .standing import CONTRADICTED, OPEN, Reliance, counted, stand
from .vary_child import FOLDER_VARIABLE

if TYPE_CHECKING:
    from .vary import Verdict

__tracebackhide__ = True  # a failing test shows its own lines

PROPERTY = "sched_relied"
ASKED: pytest.StashKey[bool] = pytest.StashKey()


class Dependence(NamedTuple):
    """A behaviour that a test relied on: under `other` it would have seen something else, told in `difference`."""

    assumption_id: str
    answer: str
    other: str
    question: str
    difference: str


def ask(config: pytest.Config) -> None:
    """Let every test note what it relied on, and tell it at the end; not in a child of `--sched-vary`.

    UsageError when the report cannot stand where `--sched-report` says.
    """
    if FOLDER_VARIABLE in os.environ or config.option.collectonly:
        return
    file = config.getoption("sched_report")
    try:
        path = None if file is None else files.to_write(str(config.invocation_params.dir / file), "--sched-report")
    except UsageError as error:
        raise pytest.UsageError(str(error)) from None
    config.stash[ASKED] = True
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Gathered(config, path))


def note(item: pytest.Item, box: Sandbox, chosen: Iterable[str]) -> None:
    """Note in a test's report what it relied on; `chosen` are the behaviours for which it chose the answer itself.

    What it relied on in another sandbox stays noted: the last note says it all.
    """
    try:
        found = box.relied()
        answers = box.assumptions.get() if found["shapes"] else {}
    except EmulatorError:
        found, answers = {"items": [], "shapes": [], "complete": False}, {}
    nothing: dict[str, Any] = {"items": [], "chosen": [], "shapes": [], "complete": True}
    before = next((value for name, value in reversed(item.user_properties) if name == PROPERTY), nothing)
    assert isinstance(before, dict)
    noted = {
        "items": [*before["items"], *([*_dependence(told)] for told in found["items"])],
        "chosen": sorted({*before["chosen"], *chosen}),
        "shapes": sorted({*map(tuple, before["shapes"]), *((shape, answers[shape]) for shape in found["shapes"])}),
        "complete": before["complete"] and found["complete"],
    }
    item.user_properties.append((PROPERTY, noted))


def _dependence(told: Mapping[str, Any]) -> Dependence:
    difference = "\n".join(sentences(told, spec.short(told["operation"])))
    return Dependence(told["id"], told["answer"], told["other"], told["question"], difference)


class Gathered:
    """The plugin that gathers what all tests relied on, runs them under other answers, and tells it at the end."""

    def __init__(self, config: pytest.Config, report: Path | None) -> None:
        self._config = config
        self._report = report
        self._failed: set[str] = set()
        self._noted: dict[str, Mapping[str, Any]] = {}
        self._verdicts: list[Verdict] | None = None  # None: nothing was varied
        self._complaint = ""

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take what a test's report says."""
        if report.outcome != "passed":
            self._failed.add(report.nodeid)
        if report.when == "teardown":
            for name, value in report.user_properties:
                if name == PROPERTY and isinstance(value, dict):
                    self._noted[report.nodeid] = value

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Run the tests again under the other answers where that is wanted; the run fails when one breaks.

        This comes before other plugins write their reports. A run that was stopped is not gone on with.
        """
        whole = session.exitstatus in {pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED} and not session.shouldfail
        mode = self._config.getoption("sched_vary")
        if mode and whole and not session.shouldstop:
            self._verdicts = []
            if (wanted := self._to_vary()) and self._vary(wanted, only_reported=mode == "report"):
                session.exitstatus = pytest.ExitCode.TESTS_FAILED
        if self._report is not None:
            from . import vary_report  # noqa: PLC0415 - costs those who ask for it

            self._complaint = vary_report.write(self._report, self._relying(), self._shapes(), self._verdicts)
            if self._complaint and session.exitstatus == pytest.ExitCode.OK:
                session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def _vary(self, wanted: Mapping[tuple[str, str], Mapping[str, str]], *, only_reported: bool) -> int:
        """Run tests again; return how many fail for it."""
        from . import vary, vary_report  # noqa: PLC0415 - costs those who ask for it

        terminal = self._config.pluginmanager.get_plugin("terminalreporter")
        if terminal is not None:
            terminal.ensure_newline()
            terminal.section("running the relying tests under the other answers")
        show = (lambda text: terminal.write(text, flush=True)) if terminal is not None else (lambda _: None)
        self._verdicts = vary.run(self._config, wanted, show)
        return vary_report.report(self._config, self._verdicts, only_reported=only_reported, gathered=self)

    def pytest_terminal_summary(self, terminalreporter: "pytest.TerminalReporter") -> None:
        """Tell what the tests relied on, and how they ended under the other answers."""
        terminalreporter.section("undocumented behaviour that the tests rely on")
        for line in self._summary(verbose=self._config.get_verbosity() > 0):
            terminalreporter.write_line(printable(line))
        if self._verdicts:
            from . import vary_report  # noqa: PLC0415 - costs those who ask for it

            vary_report.tell(terminalreporter, self._verdicts)
        elif self._verdicts is None and self._config.getoption("sched_vary"):
            terminalreporter.write_line("the run was stopped: no test was run under another answer", red=True)
        if self._complaint:
            terminalreporter.write_line(printable(self._complaint), red=True)

    def _relying(self) -> list[Reliance]:
        """Return the behaviours that tests rely on, each with the answer assumed and the tests."""
        relying: dict[tuple[str, str, str], list[str]] = {}
        for nodeid, noted in sorted(self._noted.items()):
            for key in dict.fromkeys((item.assumption_id, item.answer, item.question) for item in _items(noted)):
                relying.setdefault(key, []).append(nodeid)
        return [self._stand(Reliance(*key, tuple(tests))) for key, tests in sorted(relying.items())]

    def _shapes(self) -> list[Reliance]:
        """Return the names and forms that tests used, in the same way."""
        from sched_emulator.spec import assumptions  # noqa: PLC0415 - reads YAML

        using: dict[tuple[str, str], list[str]] = {}
        for nodeid, noted in sorted(self._noted.items()):
            for name, answer in noted["shapes"]:
                using.setdefault((name, answer), []).append(nodeid)
        return [
            self._stand(Reliance(name, answer, assumptions.catalogue()[name].question, tuple(tests)))
            for (name, answer), tests in sorted(using.items())
        ]

    def _stand(self, reliance: Reliance) -> Reliance:
        return stand(reliance, self._config.stash.get(MEASURED_ANSWERS, None))

    def _summary(self, *, verbose: bool) -> Iterator[str]:
        relying, shapes = self._relying(), self._shapes()
        for reliance in relying:
            told = f"{reliance.assumption_id} = {reliance.answer}, {_count(len(reliance.tests))}{reliance.told}"
            yield f"{told}: {reliance.question}"
            if verbose or reliance.standing == CONTRADICTED:
                yield from (f"    {nodeid}" for nodeid in reliance.tests)
        if not self._noted:
            yield "no test used a sandbox of the fixture `sched_emulator`: nothing was looked at"
        elif not relying:
            yield f"no other answer to an open question would have changed anything in {_count(len(self._noted))}"
        yield from _shapes_told(shapes)
        if (relying or shapes) and MEASURED_ANSWERS in self._config.stash:
            asked = any(reliance.standing == OPEN for reliance in [*relying, *shapes])
            hint = "; `sched-emulator calibrate --for` takes the file of --sched-report and asks a gateway those"
            yield counted([*relying, *shapes]) + (hint if asked else "")
        cut = sum(not noted["complete"] for noted in self._noted.values())
        if cut:
            yield f"{_count(cut)} did more than is kept of a session: more may have been relied on"

    def _to_vary(self) -> dict[tuple[str, str], dict[str, str]]:
        """Return, for each other answer that would have made a difference, the tests that passed without it.

        What would have differed stands with each. Behaviours whose answer a test chose itself are not varied.
        """
        wanted: dict[tuple[str, str], dict[str, str]] = {}
        for nodeid, noted in sorted(self._noted.items()):
            for item in _items(noted):
                if nodeid not in self._failed and item.assumption_id not in noted["chosen"]:
                    wanted.setdefault((item.assumption_id, item.other), {})[nodeid] = item.difference
        return dict(sorted(wanted.items()))


def _shapes_told(shapes: Sequence[Reliance]) -> Iterator[str]:
    """Tell which names and forms were used, those alike in a line; what a file contradicts each with its tests."""
    by_standing: dict[str | None, list[str]] = {}
    for shape in shapes:
        if shape.standing == CONTRADICTED:
            yield f"{shape.assumption_id} = {shape.answer}, {_count(len(shape.tests))}{shape.told}: {shape.question}"
            yield from (f"    {nodeid}" for nodeid in shape.tests)
        elif shape.assumption_id not in by_standing.setdefault(shape.standing, []):
            by_standing[shape.standing].append(shape.assumption_id)
    for standing, names in by_standing.items():
        known = "" if standing is None else f", {standing}"
        yield f"names and forms used that the documentation leaves open{known}: {', '.join(names)}"


def _items(noted: Mapping[str, Any]) -> Iterator[Dependence]:
    return (Dependence(*item) for item in noted["items"])


def _count(tests: int) -> str:
    return "1 test" if tests == 1 else f"{tests} tests"
