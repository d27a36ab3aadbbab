"""The pytest plugin: its fixtures, its marker, its options.

It is loaded with every pytest run where the package is installed, so it imports nothing but pytest and the guard: what
a fixture or an option needs is imported when it is used.
"""

import os
from collections.abc import Generator, Iterator
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from typing import Unpack

    from .client.emulator import Emulator
    from .client.receiver import Receiver
    from .client.sandbox import Sandbox
    from .plugin.sandboxes import Sandboxes
    from .plugin.settings import SandboxSettings

__tracebackhide__ = True  # a failing test shows its own lines

MARKER_HELP = (
    "sched_emulator(now=, clock=, assumptions={}, dialect=, seed=, follow=, strict=): settings of the test's sandbox in"
    " the emulated scheduling API; with strict=True a test is an error whose scripts, faults or routes nothing met."
)
SANDBOXES: "pytest.StashKey[Sandboxes]" = pytest.StashKey()
GUARDED: pytest.StashKey[bool] = pytest.StashKey()


class SandboxFactory:
    """Makes sandboxes for fixtures of a wider scope than a test, as pytest's `tmp_path_factory` makes folders."""

    def __init__(self, sandboxes: "Sandboxes", emulator: "Emulator") -> None:
        self._sandboxes = sandboxes
        self._emulator = emulator

    def sandbox(self, **settings: "Unpack[SandboxSettings]") -> AbstractContextManager["Sandbox"]:
        """Give a fresh frozen sandbox for as long as the `with` lasts; the same variables lead to it.

        `settings` are those of the marker: `now`, `clock`, `assumptions`, `dialect`, `seed`, `follow`,
        `strict`.
        """
        from .plugin.settings import checked  # noqa: PLC0415 - costs those who use it

        return self._sandboxes.wide(self._emulator, checked("sched_emulator_factory.sandbox()", settings))


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options."""
    group = parser.getgroup("sched_emulator", "emulated scheduling API")
    group.addoption(
        "--sched-assumptions",
        metavar="FILE.toml",
        help="answers to what the API's documentation leaves open, for the sandboxes of all tests",
    )
    group.addoption(
        "--sched-assume",
        metavar="ID=ANSWER",
        action="append",
        default=[],
        help="one such answer, such as queue.nack_position=back (may be repeated)",
    )
    group.addoption(
        "--sched-relied",
        action="store_true",
        help="tell at the end which undocumented behaviour of the API the tests rely on",
    )
    group.addoption(
        "--sched-vary",
        action="store_const",
        const="fail",
        dest="sched_vary",
        help="then run each test that does again, under each other answer that would have made a difference, and fail"
        " when one breaks",
    )
    group.addoption(
        "--sched-vary=report",  # an option of its own: one with an optional value would take a path that follows it
        action="store_const",
        const="report",
        dest="sched_vary",
        help="the same, but only tell which break",
    )
    group.addoption(
        "--sched-report",
        metavar="FILE.json",
        help="write there what the tests rely on, and what --sched-vary found of each test",
    )
    _add_about_tests(group)
    _add_ini(parser)


def _add_about_tests(group: pytest.OptionGroup) -> None:
    group.addoption(
        "--sched-record",
        metavar="DIR",
        help="record each test there, in a file of its own, which `sched-emulator replay` opens",
    )
    group.addoption(
        "--sched-costs",
        action="store_true",
        help="tell at the end what the tests would have cost, by the prices in `sched_emulator_prices`",
    )
    group.addoption(
        "--sched-follow",
        action="store_true",
        help="let the sandboxes' clocks follow the time that freezegun or time-machine shows",
    )


def _add_ini(parser: pytest.Parser) -> None:
    parser.addini(
        "sched_emulator_env",
        default="test",
        help="session: start the emulator, and lead the code under test to it, before any module is imported",
    )
    parser.addini(
        "sched_emulator_prices",
        default="",
        help="a file that `sched-emulator drift --save` has written, beside this one: what calls cost",
    )
    parser.addini(
        "sched_emulator_guard",
        default="on",
        help="off: allow tests to connect to the real gateway, where calls cost money",
    )


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """Set up what must be there before anything of the user's is imported."""
    _begin(early_config)


def _begin(config: pytest.Config) -> None:
    if GUARDED in config.stash:
        return
    by_session = _ini(config, "sched_emulator_env", ("test", "session")) == "session"
    from .intercept import emulator_of_run  # noqa: PLC0415 - beside its use, as all
    from .plugin import guard  # noqa: PLC0415 - the same

    allowed = _ini(config, "sched_emulator_guard", ("on", "off")) == "off" or emulator_of_run(os.environ) is not None
    config.stash[GUARDED] = not allowed
    guard.begin(on=not allowed)
    config.add_cleanup(guard.end)
    folder = getattr(config.known_args_namespace, "sched_record", None)
    if folder is not None:
        from .plugin import recordings  # noqa: PLC0415 - costs those who ask for it

        recordings.begin(config, folder)
    leads_workers = (
        getattr(config.known_args_namespace, "numprocesses", None) and "PYTEST_XDIST_WORKER" not in os.environ
    )
    if by_session and not leads_workers:
        _sandboxes(config).begin_session()


def _ini(config: pytest.Config, name: str, words: tuple[str, ...]) -> str:
    word = str(config.getini(name))
    if word not in words:
        raise pytest.UsageError(f"{name}: {word!r} is not possible; expected {' or '.join(words)}")
    return word


def _sandboxes(config: pytest.Config) -> "Sandboxes":
    from .plugin.sandboxes import Sandboxes  # noqa: PLC0415 - costs those who use it

    return config.stash.setdefault(SANDBOXES, Sandboxes(config))


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known, and read the answers given."""
    _begin(config)  # nothing is done early for a plugin that a conftest names
    config.addinivalue_line("markers", MARKER_HELP)
    if config.getoption("sched_assumptions") or config.getoption("sched_assume"):
        from .plugin import settings  # noqa: PLC0415 - costs those who ask for it

        settings.keep_given_answers(config)
    if config.getoption("sched_costs"):
        from .plugin import costs  # noqa: PLC0415 - the same

        costs.ask(config)
    if any(map(config.getoption, ("sched_relied", "sched_vary", "sched_report"))):
        from .plugin import relied  # noqa: PLC0415 - the same

        relied.ask(config)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Make the session's sandbox as new, where there is one."""
    if SANDBOXES in item.config.stash:
        item.config.stash[SANDBOXES].begin_test(item)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None, object, object]:
    """Note what the test relied on in sandboxes that outlast it."""
    if SANDBOXES not in item.config.stash:
        return (yield)
    item.config.stash[SANDBOXES].end_test(item)
    try:
        return (yield)
    finally:
        item.config.stash[SANDBOXES].leave_test()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add the stories of the sandboxes to the report of a failure."""
    report = yield
    if SANDBOXES not in item.config.stash:
        return report
    if report.when == "call":
        from .plugin.settings import PASSED  # noqa: PLC0415 - imported already, where there is a sandbox

        item.stash[PASSED] = report.passed
    stories = item.config.stash[SANDBOXES].stories() if report.failed else ""
    if stories:
        report.sections.append(("sched_emulator", stories))
    return report


@pytest.fixture(scope="session")
def sched_emulator_server(pytestconfig: pytest.Config) -> "Iterator[Emulator]":
    """Give the session's emulator, one per xdist worker. Override this fixture to start it with options of `serve`.

    Under `sched-emulator run -- pytest` it is the emulator that `run` has started.
    """
    with _sandboxes(pytestconfig).emulator() as emulator:
        yield emulator


@pytest.fixture
def sched_emulator(request: pytest.FixtureRequest, sched_emulator_server: "Emulator") -> "Iterator[Sandbox]":
    """Give a fresh sandbox on a frozen clock; `INFRAI_API_KEY` and `INFRAI_BASE_URL` lead the code under test to it."""
    with _sandboxes(request.config).of_test(request.node, sched_emulator_server) as box:
        yield box


@pytest.fixture(scope="session")
def sched_emulator_factory(pytestconfig: pytest.Config, sched_emulator_server: "Emulator") -> SandboxFactory:
    """Give what makes sandboxes for fixtures of a wider scope: `with sched_emulator_factory.sandbox() as box:`."""
    return SandboxFactory(_sandboxes(pytestconfig), sched_emulator_server)


@pytest.fixture
def sched_receiver() -> "Iterator[Receiver]":
    """Give a real HTTP receiver on loopback that records what it is sent and answers as told."""
    from .client.receiver import Receiver  # noqa: PLC0415 - costs those who use it

    with Receiver() as receiver:
        yield receiver
    receiver.raise_errors()
