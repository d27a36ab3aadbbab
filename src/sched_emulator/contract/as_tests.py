"""Every check as a test of pytest: `conftest.py` beside the checks takes its hooks from here.

The run is the same as the command's; tests wait for it. The first test starts the run, over the checks that pytest
selected; each test then takes its own result out of it.
"""

import os
import threading
from collections.abc import Generator, Iterable
from pathlib import Path

import pytest

from sched_emulator import files
from sched_emulator.config import UsageError
from sched_emulator.output import printable

from .catalogue import load
from .plan import every_check, make_plan
from .report import Report
from .reports import write
from .results import Check, Result, Status
from .runner import CannotJudge, Run
from .settings import Settings, SettingsError, fresh_seed

SKIPPED = (Status.NOT_CHECKED, Status.UNDETERMINED, Status.KNOWN, Status.DIFFERS)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options of `sched-emulator contract` that matter here."""
    group = parser.getgroup("contract", "the contract suite")
    group.addoption("--target", default="emulator", help="`emulator`, or where the target is")
    group.addoption("--api-key-env", default="INFRAI_API_KEY", help="the variable that holds the API key")
    group.addoption("--allow-writes", action="store_true", help="create things on the target")
    group.addoption("--max-requests", type=int, help="stop after so many requests")
    group.addoption("--contract-rate", type=float, help="requests in a second")
    group.addoption("--contract-seed", type=int, help="the same seed sends the same requests")
    group.addoption("--real-time", action="store_true", help="treat an emulator as any other service")
    group.addoption("--callback-url", help="the public URL that leads to --callback-listen")
    group.addoption("--callback-listen", help="HOST:PORT to listen for deliveries")
    group.addoption("--report-dir", type=Path, help="write the reports there")
    group.addoption("--scenarios", type=Path, help="a folder with checks of your own")


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Make all checks tests, once: in the place of the file that asks for it."""
    if file_path.name == "conftest.py":
        collected: Checks = Checks.from_parent(parent, path=file_path)
        return collected
    return None


def pytest_configure(config: pytest.Config) -> None:
    """Name the markers, and refuse to be spread over processes: each would have a budget of its own."""
    for aspect in sorted({check.aspect for check in _checks(config)}):
        config.addinivalue_line("markers", f"{aspect}: checks of the contract about {aspect}")
    if getattr(config.option, "numprocesses", None):
        raise pytest.UsageError("the contract suite runs its checks side by side by itself: leave -n out")
    if config.option.report_dir is not None:
        try:
            files.folder_to_write(str(config.option.report_dir), "--report-dir")
        except UsageError as error:
            raise pytest.UsageError(str(error)) from None


def _checks(config: pytest.Config) -> list[Check]:
    try:
        return every_check(load(config.option.scenarios))
    except SettingsError as error:
        raise pytest.UsageError(str(error)) from None


class Checks(pytest.File):
    """All checks."""

    def collect(self) -> Iterable[pytest.Item]:
        """Yield a test for each check."""
        shared = Shared(self.config)
        for check in _checks(self.config):
            yield CheckItem.from_parent(self, name=check.address, check=check, shared=shared)


class Shared:
    """The run that all tests wait for."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._started = False
        self._known = threading.Condition()
        self._results: dict[str, Result] = {}
        self._ended: str | None = None
        self.report: Report | None = None

    def result(self, address: str, selected: tuple[str, ...]) -> Result | str:
        """Return the result of a check, or why there is none."""
        if not self._started:
            self._started = True
            settings = self._settings(selected)
            threading.Thread(target=self._run, args=(settings,), daemon=True).start()
        with self._known:
            self._known.wait_for(lambda: address in self._results or self._ended is not None)
            return self._results.get(address) or self._ended or "it was not run"

    def planned(self, plan: object) -> None:
        """Hear what will be done."""

    def finished(self, result: Result, _done: int, _all_checks: int) -> None:
        """Hear what became of a check."""
        with self._known:
            self._results[result.check.address] = result
            self._known.notify_all()

    def beat(self, done: int, all_checks: int) -> None:
        """Nothing is said of what is under way."""

    def say(self, _text: str) -> None:
        """Hear something else."""

    def _run(self, settings: Settings) -> None:
        ended = "the run has ended"
        try:
            self.report = Run(settings, self).perform()
            self._results |= {result.check.address: result for result in self.report.results}
            if settings.report_dir is not None:
                write(self.report, settings.report_dir)
        except (CannotJudge, UsageError) as error:
            ended = str(error)
        finally:
            with self._known:
                self._ended = ended
                self._known.notify_all()

    def _settings(self, selected: tuple[str, ...]) -> Settings:
        option = self._config.option
        seed = fresh_seed() if option.contract_seed is None else option.contract_seed
        settings = Settings(
            target=option.target,
            key=os.environ.get(option.api_key_env) or None,
            key_variable=option.api_key_env,
            allow_writes=option.allow_writes,
            max_requests=option.max_requests,
            rate=option.contract_rate,
            seed=seed,
            only=selected,
            real_time=option.real_time,
            callback_url=option.callback_url,
            callback_listen=option.callback_listen,
            report_dir=option.report_dir,
            scenarios=option.scenarios,
        )
        for sentence in make_plan(
            settings, load(option.scenarios), virtual=settings.loopback and not settings.real_time
        ).sentences():
            self._config.get_terminal_writer().line(sentence)
        return settings


class CheckItem(pytest.Item):
    """One check as a test."""

    def __init__(self, *, check: Check, shared: Shared, **settings: object) -> None:
        super().__init__(**settings)  # type: ignore[arg-type]
        self._check = check
        self.shared = shared
        self.add_marker(check.aspect)

    def runtest(self) -> None:
        """Wait for the result and say it in pytest's words."""
        selected = tuple(item.name for item in self.session.items if isinstance(item, CheckItem))
        result = self.shared.result(self._check.address, selected)
        if isinstance(result, str):
            pytest.skip(printable(result))
        if result.status in SKIPPED:
            pytest.skip(printable(result.reason))
        if result.status in {Status.FAILED, Status.ERROR}:
            raise DiffersError(result)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], _style: str | None = None) -> str:
        """Show what was sent and what came."""
        if not isinstance(excinfo.value, DiffersError):
            return str(super().repr_failure(excinfo))
        result = excinfo.value.result
        steps = [f"  {item.curl()}\n    {item.came()}" for item in result.exchanges[-4:]]
        told = [f"expected: {result.expected or self._check.title}", f"came:     {result.reason}"]
        return printable("\n".join([f"{self._check.address} {self._check.title}", *told, *steps]))

    def reportinfo(self) -> tuple[Path, None, str]:
        """Name the test by its sentence."""
        return self.path, None, f"{self._check.address} {self._check.title}"


class DiffersError(Exception):
    """A check failed."""

    def __init__(self, result: Result) -> None:
        super().__init__(printable(result.reason))
        self.result = result


@pytest.hookimpl(wrapper=True)
def pytest_sessionfinish(session: pytest.Session) -> Generator[None, None, None]:
    """Say with the exit status that a target could not be judged: skipping everything is not passing."""
    yield
    reports = {item.shared for item in session.items if isinstance(item, CheckItem)}
    if session.exitstatus == pytest.ExitCode.OK and any(
        shared.report is None or shared.report.exit_status == 2 for shared in reports
    ):
        session.exitstatus = pytest.ExitCode.INTERRUPTED
