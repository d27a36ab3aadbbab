"""`--sched-costs`: what each test would have cost, gathered from its reports, and told at the end.

A test's sandbox is asked while it still exists; what it says travels with the test's report, so that it arrives under
pytest-xdist too.
"""

from collections import Counter
from collections.abc import Iterator

import pytest

from sched_emulator import spec
from sched_emulator.client.http import EmulatorError
from sched_emulator.client.sandbox import Sandbox

PROPERTY = "sched_costs"
ASKED: pytest.StashKey[bool] = pytest.StashKey()
NO_PRICES = "NO_PRICES"
DEAREST_SHOWN = 10
DIGITS = 9  # of a dollar, after the point: so far amounts are exact
Spent = dict[str, tuple[int, float]]  # by operation: how many calls, for how many dollars


def ask(config: pytest.Config) -> None:
    """Let every test note what it would have cost, and tell it at the end."""
    config.stash[ASKED] = True
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Gathered(config))


def note(item: pytest.Item, box: Sandbox, seen: dict[str, Spent]) -> None:
    """Note in a test's report what was spent in a sandbox since it was `seen`, by its key."""
    try:
        told = box.account.spent()
    except EmulatorError as error:
        if error.code == NO_PRICES:
            item.user_properties.append((PROPERTY, None))
        return
    now: Spent = {entry["operation"]: (entry["calls"], entry["usd"]) for entry in told}
    before = seen.get(box.api_key, {})
    if any(calls > now.get(operation, (0, 0))[0] for operation, (calls, _) in before.items()):
        before = {}  # it was reset meanwhile
    seen[box.api_key] = now
    since = {}
    for operation, (calls, usd) in now.items():
        calls_before, usd_before = before.get(operation, (0, 0.0))
        if calls > calls_before:
            since[operation] = [calls - calls_before, round(usd - usd_before, DIGITS)]
    item.user_properties.append((PROPERTY, since))


def in_words(box: Sandbox) -> Iterator[str]:
    """Say what a sandbox's calls have cost; nothing where no prices are known."""
    try:
        told = box.account.spent()
    except EmulatorError as error:
        if error.code == NO_PRICES:
            return
        raise
    usd = sum(entry["usd"] for entry in told)
    dearest = f", {dollars(told[0]['usd'])} of it for {spec.short(told[0]['operation'])}" if usd else ""
    yield f"cost: {dollars(usd)} USD for {calls_in_words(sum(entry['calls'] for entry in told))}{dearest}"


def dollars(usd: float) -> str:
    """Return an amount without an exponent."""
    return f"{usd:.{DIGITS}f}".rstrip("0").rstrip(".")


def calls_in_words(calls: int) -> str:
    """Say how many calls there were."""
    return "1 call" if calls == 1 else f"{calls:,} calls"


class Gathered:
    """The plugin that gathers what all tests would have cost, and tells it at the end."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._calls: Counter[str] = Counter()
        self._usd: dict[str, float] = {}
        self._tests: dict[str, float] = {}
        self._unknown = 0  # tests in whose emulator no prices were known

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take what a test's report says."""
        if report.when != "teardown":
            return
        noted = [value for name, value in report.user_properties if name == PROPERTY]
        self._unknown += None in noted
        for spent in noted:
            for operation, (calls, usd) in spent.items() if isinstance(spent, dict) else ():
                self._calls[operation] += calls
                self._usd[operation] = self._usd.get(operation, 0) + usd
                self._tests[report.nodeid] = self._tests.get(report.nodeid, 0) + usd

    def pytest_terminal_summary(self, terminalreporter: "pytest.TerminalReporter") -> None:
        """Tell what the tests would have cost."""
        terminalreporter.section("what the tests would have cost")
        for line in self._summary(verbose=self._config.get_verbosity() > 0):
            terminalreporter.write_line(line)

    def _summary(self, *, verbose: bool) -> Iterator[str]:
        if self._unknown:
            yield (
                f"no prices were known in {_tests(self._unknown)}: `sched-emulator drift --target https://api.infrai.cc"
                " --save FILE` keeps them, and `sched_emulator_prices = FILE` in the settings of pytest uses them"
            )
        if not self._calls and not self._unknown:
            yield "no test called anything in a sandbox of the fixture `sched_emulator`"
        by_usd = sorted(self._calls, key=lambda operation: (-self._usd[operation], operation))
        for operation in by_usd:
            told = calls_in_words(self._calls[operation])
            yield f"{spec.short(operation)}: {dollars(self._usd[operation])} USD for {told}"
        if self._calls:
            together = dollars(sum(self._usd.values()))
            yield f"together: {together} USD for {calls_in_words(self._calls.total())} in {_tests(len(self._tests))}"
        if verbose:
            for nodeid, usd in sorted(self._tests.items(), key=lambda item: (-item[1], item[0]))[:DEAREST_SHOWN]:
                yield f"    {dollars(usd)} USD  {nodeid}"


def _tests(count: int) -> str:
    return "1 test" if count == 1 else f"{count} tests"
