"""Turns: slices are bounded, works take turns, and what nobody waits for stops. The clock here is the test's own."""

import asyncio
from collections import OrderedDict, deque
from collections.abc import Generator
from typing import Any

import pytest

from sched_emulator.server.turns import SLICE_SECONDS, Turns, freeing

MILLISECOND = 0.001


class Clock:
    """A clock that only a test moves."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


class Works:
    """Works of pieces that take a millisecond each, and what was done in order."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.turns = Turns(self.clock)
        self.done: list[str] = []

    def of(self, name: str, pieces: int) -> Generator[None, None, str]:
        try:
            for number in range(pieces):
                self.clock.seconds += MILLISECOND
                self.done.append(name)
                if number < pieces - 1:
                    yield
        finally:
            self.done.append(f"{name} ended")
        return f"{name} is done"

    def dropped(self, name: str, pieces: int) -> Generator[None, None, None]:
        yield from self.of(name, pieces)

    async def watched(self, *works: Generator[None, None, str]) -> list[str]:
        """Finish works side by side; `-` among what was done is everything else having its turn."""
        waiting = asyncio.gather(*(self.turns.finish(work) for work in works))
        while not waiting.done():
            await asyncio.sleep(0)
            self.done.append("-")
        return await waiting


@pytest.fixture
def works() -> Works:
    return Works()


async def enough() -> None:
    """Let the loop go round more often than any work here needs."""
    for _ in range(20):
        await asyncio.sleep(0)


def slices(done: list[str]) -> list[list[str]]:
    """Return what was done between two turns of everything else."""
    found: list[list[str]] = [[]]
    for item in done:
        if item == "-":
            found.append([])
        else:
            found[-1].append(item)
    return [items for items in found if items]


async def test_long_work_holds_the_loop_for_no_longer_than_a_slice(works: Works) -> None:
    assert await works.watched(works.of("a", 23)) == ["a is done"]
    assert [len(items) for items in slices([item for item in works.done if item != "a ended"])] == [1, 5, 5, 5, 5, 2]
    assert SLICE_SECONDS == 5 * MILLISECOND


async def test_all_works_together_have_one_slice_and_take_turns_in_it(works: Works) -> None:
    assert await works.watched(works.of("a", 6), works.of("b", 5), works.of("c", 4)) == [
        "a is done",
        "b is done",
        "c is done",
    ]
    assert slices([item for item in works.done if "ended" not in item]) == [
        ["a"],  # what comes alone begins at once
        ["a", "b", "c", "a", "b"],
        ["c", "a", "b", "c", "a"],
        ["b", "c", "a", "b"],
    ]


async def test_a_piece_that_takes_longer_than_a_slice_is_the_only_one_in_it(works: Works) -> None:
    def slow(name: str) -> Generator[None, None, str]:
        for _ in range(3):
            works.clock.seconds += 10 * SLICE_SECONDS
            works.done.append(name)
            yield
        return name

    await works.watched(slow("a"), slow("b"))
    assert slices(works.done) == [["a"], ["a"], ["b"], ["a"], ["b"], ["b"]]


async def test_short_work_waits_for_no_turn(works: Works) -> None:
    with pytest.raises(StopIteration) as ended:
        works.turns.finish(works.of("a", 1)).send(None)
    assert ended.value.value == "a is done"


async def test_a_cancelled_work_stops_and_the_others_go_on(works: Works) -> None:
    given_up = asyncio.ensure_future(works.turns.finish(works.of("a", 1000)))
    kept = asyncio.ensure_future(works.turns.finish(works.of("b", 20)))
    await asyncio.sleep(0)
    given_up.cancel()
    assert await kept == "b is done"
    with pytest.raises(asyncio.CancelledError):
        await given_up
    assert works.done.count("a") < 20
    assert works.done.count("a ended") == 1


async def test_an_error_is_raised_where_the_work_is_waited_for(works: Works) -> None:
    def failing() -> Generator[None, None, str]:
        yield
        raise ValueError("no")

    other = asyncio.ensure_future(works.turns.finish(works.of("b", 20)))
    with pytest.raises(ValueError, match="no"):
        await works.turns.finish(failing())
    assert await other == "b is done"


async def test_work_that_nobody_waits_for_begins_at_once_and_is_done_in_turns(works: Works) -> None:
    works.turns.begin(works.dropped("a", 1))
    assert works.done == ["a", "a ended"]
    works.turns.begin(works.dropped("b", 7))
    works.turns.begin(works.dropped("c", 7))
    assert works.done[2:] == ["b"]  # the second one is in line
    await enough()
    assert (works.done.count("b"), works.done.count("c")) == (7, 7)


async def test_work_may_put_further_work_in_line(works: Works) -> None:
    def first() -> Generator[None, None, None]:
        yield
        works.turns.begin(works.dropped("second", 3))
        yield
        works.done.append("first")

    await works.turns.finish(first())
    await enough()
    assert sorted(works.done) == ["first", "second", "second", "second", "second ended"]


def test_what_is_let_go_is_emptied_piece_by_piece() -> None:
    containers: list[Any] = [
        dict.fromkeys(range(150)),
        OrderedDict.fromkeys(range(150)),
        list(range(250)),
        deque(range(99)),
        set(range(3)),
        {},
    ]
    pieces = freeing(list(containers))
    left = [sum(len(container) for container in containers) for _ in pieces]
    assert left == [552, 502, 402, 352, 252, 152, 102, 3, 0]
    assert [len(container) for container in containers] == [0] * 6
