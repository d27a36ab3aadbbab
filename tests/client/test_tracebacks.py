"""What a failing test shows of a mistake in it: its own lines alone, as pytest leaves out frames that ask for it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import trio

from sched_emulator import Emulator, Receiver, Sandbox, signatures
from tests.architecture import PACKAGE, part, sources

# The rooms and modules whose functions a test calls.
CALLED = {"client", "config", "follow", "signatures"}
MISTAKES: dict[str, Callable[[Sandbox], Any]] = {
    "refused": lambda box: box.clock.advance(seconds=-1),
    "no duration": lambda box: box.clock.advance("3 weeks"),
    "no script": lambda box: box.targets.script("https://a/*", [None]),  # type: ignore[list-item]
    "in vain": lambda box: box.wait_for(lambda: None, within=0),
    "no option": lambda _: Emulator.start(deliverr="all"),  # type: ignore[call-arg]
    "not there": lambda _: Emulator.connect("http://127.0.0.1:9"),
    "no response": lambda _: Receiver().respond((201, {})),  # type: ignore[arg-type]
    "unsigned": lambda _: signatures.verify(b"", {}, "secret"),
}


def shown(caught: pytest.ExceptionInfo[BaseException]) -> set[str]:
    """Return the files whose lines pytest shows of an error and of what led to it."""
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None or caught.value.__suppress_context__
    return {Path(entry.path).name for entry in caught.traceback.filter(caught)}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_shows_where_it_was_made_and_nothing_else(box: Sandbox, mistake: str) -> None:
    with pytest.raises(Exception) as caught:  # noqa: PT011 - whatever it is
        MISTAKES[mistake](box)
    assert shown(caught) == {Path(__file__).name}


async def test_so_does_one_that_is_awaited(box: Sandbox) -> None:
    with pytest.raises(Exception, match="seconds") as caught:
        await box.aio.clock.advance(seconds=-1)
    assert shown(caught) == {Path(__file__).name}


def test_so_does_one_that_is_awaited_under_trio(box: Sandbox) -> None:
    async def advance() -> None:
        with pytest.raises(Exception, match="seconds") as caught:
            await box.aio.clock.advance(seconds=-1)
        assert shown(caught) == {Path(__file__).name}

    trio.run(advance)


def test_every_module_that_raises_into_a_test_hides_its_frames() -> None:
    raising = {module: source for module, source in sources().items() if part(module) in CALLED and "raise " in source}
    hidden = {module for module, source in raising.items() if "\n__tracebackhide__ = True" in source}
    assert raising.keys() - hidden == set()
    assert f"{PACKAGE}.client.sandbox" in hidden
