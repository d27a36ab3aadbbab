"""The sandboxes of a pytest run: which emulator they are in, who is led there, and which a failure tells of.

A test's own sandbox is a fresh one, and so is one of a wider scope. With `sched_emulator_env = session` there is one
key from before the first import to the end, whose sandbox is made as new for each test; a fixture of a wider scope
takes it for as long as it lasts.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest

from sched_emulator.client.emulator import Emulator, ServeOptions, without_shell_options
from sched_emulator.client.http import EmulatorError
from sched_emulator.client.sandbox import Sandbox
from sched_emulator.intercept import emulator_of_run, leading
from sched_emulator.output import printable

from . import costs, recordings
from .relied import ASKED, note
from .settings import PASSED, Settings, beginning_of, following, settings_of
from .story import Strangers, story, unmet


@contextmanager
def emulator(options: ServeOptions) -> Iterator[Emulator]:
    """Give the emulator that `sched-emulator run` has started for this process, else start one.

    The variables that set options of `serve` in somebody's shell do not count: a test means the same everywhere.
    """
    url = emulator_of_run(os.environ)
    with without_shell_options():
        found = Emulator.start(**options) if url is None else Emulator.connect(url)
    with found:
        yield found


@contextmanager
def led_to(box: Sandbox) -> Iterator[None]:
    """Set the variables that lead the code under test to a sandbox, past any proxy."""
    variables = leading(os.environ, api_key=box.api_key, base_url=box.base_url)
    with pytest.MonkeyPatch.context() as environment:
        for name, value in variables.items():
            environment.setenv(name, value)
        yield


class Sandboxes:
    """The sandboxes of one run."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._open: list[Sandbox] = []  # what a failure tells of
        self._strangers: Strangers | None = None  # since the test began, or its first sandbox
        self._wide: list[tuple[Sandbox, Settings]] = []  # those that outlast a test
        self._session: tuple[Emulator, Sandbox] | None = None
        self._around = ExitStack()  # the test that runs
        self._spent: dict[str, costs.Spent] = {}  # by key, when it was last noted

    def begin_session(self) -> None:
        """Start the emulator and lead the whole process to one key in it, until the run ends."""
        stack = ExitStack()
        self._config.add_cleanup(stack.close)
        found = stack.enter_context(emulator(self._options()))
        box = stack.enter_context(found.sandbox())
        stack.enter_context(led_to(box))
        self._session = found, box

    @contextmanager
    def emulator(self) -> Iterator[Emulator]:
        """Give the session's emulator, started here unless it is up already."""
        if self._session is not None:
            yield self._session[0]
            return
        with emulator(self._options()) as found:
            yield found

    def begin_test(self, item: pytest.Item) -> None:
        """Make the session's sandbox as new for a test, unless a fixture of a wider scope holds it."""
        if self._strangers is not None:
            self._strangers.forget()
        if self._session is not None and not self._wide:
            self._around.enter_context(self._begun(self._session[0], settings_of(item), item.nodeid))

    def end_test(self, item: pytest.Item) -> None:
        """Note what a test relied on in sandboxes that outlast it, before they end with the last one's fixtures."""
        noted = self._wide or ([] if self._session is None else [(self._session[1], settings_of(item))])
        for box, settings in noted:
            self._note(item, box, settings)

    def leave_test(self) -> None:
        """Do what comes after a test's fixtures."""
        self._around.close()

    @contextmanager
    def of_test(self, item: pytest.Item, emulator: Emulator) -> Iterator[Sandbox]:
        """Give a test its sandbox; one that passes fails in the end if its settings are strict and it was not."""
        settings = settings_of(item)
        with ExitStack() as stack:
            if self._session is not None:
                self._refuse(emulator)
                box = self._session[1]
            else:
                box = stack.enter_context(self._begun(emulator, settings, item.nodeid))
                stack.enter_context(led_to(box))
            loaded = _unused(box, settings)
            yield box
            if self._session is None:
                self._note(item, box, settings)
            if item.stash.get(PASSED, False):
                _refuse_unmet(box, settings, loaded)

    @contextmanager
    def wide(self, emulator: Emulator, settings: Settings) -> Iterator[Sandbox]:
        """Give a fixture of a wider scope its sandbox."""
        if self._session is not None:
            self._refuse(emulator)
        with self._begun(emulator, settings, recordings.OF_FIXTURES) as box, led_to(box):
            entry = box, settings
            self._wide.append(entry)
            loaded = _unused(box, settings)
            try:
                yield box
                _refuse_unmet(box, settings, loaded)
            finally:
                self._wide.remove(entry)

    def stories(self) -> str:
        """Tell of all open sandboxes."""
        stories = [story(box) for box in {box.api_key: box for box in self._open}.values()]
        if stories and self._strangers is not None:
            stories += self._strangers.told()
        return "\n".join(stories)

    @contextmanager
    def _begun(self, emulator: Emulator, settings: Settings, of: str) -> Iterator[Sandbox]:
        """Make a sandbox, and forget it at the end; in a session it is the one of the same key, made as new.

        Its recording is named after the test that it is `of`.
        """
        beginning = beginning_of(self._config, settings, emulator)
        record = None if recordings.folder_of(self._config) is None else recordings.name_of(of)
        with ExitStack() as stack:
            try:
                if self._session is None:
                    box = stack.enter_context(emulator.sandbox(**beginning.keywords, record=record))
                else:
                    box = emulator.renewed(self._session[1].api_key, **beginning.keywords, record=record)
            except (EmulatorError, ValueError) as error:
                told = f"the test's sandbox cannot be made: {error}"
                raise pytest.fail.Exception(told, pytrace=False) from None
            self._spent.pop(box.api_key, None)
            if self._strangers is None:
                self._strangers = Strangers(emulator)
            self._open.append(box)
            stack.callback(self._open.remove, box)
            stack.enter_context(following(box, beginning))
            yield box

    def _note(self, item: pytest.Item, box: Sandbox, settings: Settings) -> None:
        if self._config.stash.get(ASKED, False):
            note(item, box, settings.assumptions)
        if self._config.stash.get(costs.ASKED, False):
            costs.note(item, box, self._spent)

    def _options(self) -> ServeOptions:
        """Return the options of the emulator, where it is started here."""
        options: ServeOptions = {}
        prices, record_dir = self._config.getini("sched_emulator_prices"), recordings.folder_of(self._config)
        if prices:
            options["prices"] = self._config.rootpath / str(prices)
        if record_dir is not None:
            options["record_dir"] = record_dir
        return options

    def _refuse(self, emulator: Emulator) -> None:
        """Refuse what cannot be while all code of the process is led to one key."""
        assert self._session is not None
        if emulator is not self._session[0]:
            pytest.fail(
                "with `sched_emulator_env = session` the emulator is up before there are fixtures: a fixture"
                " sched_emulator_server of your own cannot replace it; give settings by the marker sched_emulator",
                pytrace=False,
            )
        if self._wide:
            pytest.fail(
                "with `sched_emulator_env = session` there is one sandbox, and a fixture of a wider scope holds it: use"
                " what sched_emulator_factory gave that fixture",
                pytrace=False,
            )


def _unused(box: Sandbox, settings: Settings) -> Sequence[Mapping[str, Any]]:
    """Return what a sandbox began with, as by `serve --load`, where that matters: it is not the test's own."""
    return box.unused() if settings.strict else []


def _refuse_unmet(box: Sandbox, settings: Settings, loaded: Sequence[Mapping[str, Any]]) -> None:
    """Fail, where the settings are strict, if scripts, faults or routes that were not `loaded` were never met."""
    found = list(unmet(item for item in _unused(box, settings) if item not in loaded))
    if found:
        what = "; ".join(found)
        pytest.fail(printable(f"strict: nothing met {what}\n{story(box)}", keep="\n"), pytrace=False)
