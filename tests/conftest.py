"""Options of the whole suite, and a real emulator for the tests that steer one."""

import gc
from collections.abc import Iterator

import pytest

from sched_emulator import Emulator, Sandbox
from tests.emulated import START


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-scenarios",
        action="store_true",
        help="rewrite tests/scenarios and tests/golden with what comes out now; review the diff",
    )


def pytest_unconfigure(config: pytest.Config) -> None:
    """Say in the very last line that nobody has looked at the dashboard, where there is no browser."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    skipped = [] if reporter is None or hasattr(config, "workerinput") else reporter.stats.get("skipped", [])
    if any(report.nodeid.startswith("tests/browser/") for report in skipped):
        print("The tests of the dashboard were skipped: there is no Chromium on this machine.")  # noqa: T201 - as pytest does


def pytest_collection_finish() -> None:
    """Let the garbage collector pass over what was imported and collected, which stays: a pass costs half a second."""
    gc.freeze()


@pytest.fixture(scope="module")
def emulator() -> Iterator[Emulator]:
    with Emulator.start(now=START) as started:
        yield started


@pytest.fixture
def box(emulator: Emulator) -> Iterator[Sandbox]:
    with emulator.sandbox() as fresh:
        yield fresh
