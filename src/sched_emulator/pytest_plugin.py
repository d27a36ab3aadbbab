"""The pytest plugin: its fixtures, its marker, its options.

It is loaded with every pytest run where the package is installed, so it imports nothing but pytest: what a fixture or
an option needs is imported when it is used.
"""

from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from .client.emulator import Emulator
    from .client.receiver import Receiver
    from .client.sandbox import Sandbox

__tracebackhide__ = True  # a failing test shows its own lines

MARKER_HELP = (
    "sched_emulator(now=, clock=, assumptions={}, dialect=, seed=, follow=): settings of the test's sandbox in the"
    " emulated scheduling API."
)
SANDBOX: "pytest.StashKey[Sandbox]" = pytest.StashKey()


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
        action="store_true",
        help="then run each test that does again, under each other answer that would have made a difference",
    )
    group.addoption(
        "--sched-follow",
        action="store_true",
        help="let the sandboxes' clocks follow the time that freezegun or time-machine shows",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known, and read the answers given."""
    config.addinivalue_line("markers", MARKER_HELP)
    if config.getoption("sched_assumptions") or config.getoption("sched_assume"):
        from .plugin import settings  # noqa: PLC0415 - costs those who ask for it

        settings.keep_given_answers(config)
    if config.getoption("sched_relied") or config.getoption("sched_vary"):
        from .plugin import relied  # noqa: PLC0415 - the same

        relied.ask(config)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add the sandbox's story to the report of a failure."""
    report = yield
    box = item.stash.get(SANDBOX, None)
    if box is not None and report.failed:
        from .plugin.story import story  # noqa: PLC0415 - costs those who fail

        report.sections.append(("sched_emulator", story(box)))
    return report


@pytest.fixture(scope="session")
def sched_emulator_server() -> "Iterator[Emulator]":
    """Give the session's emulator, one per xdist worker. Override this fixture to start it with options of `serve`."""
    from .client.emulator import Emulator  # noqa: PLC0415 - costs those who use it

    with Emulator.start() as emulator:
        yield emulator


@pytest.fixture
def sched_emulator(request: pytest.FixtureRequest, sched_emulator_server: "Emulator") -> "Iterator[Sandbox]":
    """Give a fresh sandbox on a frozen clock; `INFRAI_API_KEY` and `INFRAI_BASE_URL` lead the code under test to it."""
    from .plugin.settings import sandbox_of  # noqa: PLC0415 - costs those who use it

    with sandbox_of(request, sched_emulator_server) as box, pytest.MonkeyPatch.context() as environment:
        environment.setenv("INFRAI_API_KEY", box.api_key)
        environment.setenv("INFRAI_BASE_URL", box.base_url)
        request.node.stash[SANDBOX] = box
        try:
            yield box
        finally:
            del request.node.stash[SANDBOX]


@pytest.fixture
def sched_receiver() -> "Iterator[Receiver]":
    """Give a real HTTP receiver on loopback that records what it is sent and answers as told."""
    from .client.receiver import Receiver  # noqa: PLC0415 - costs those who use it

    with Receiver() as receiver:
        yield receiver
    receiver.raise_errors()
