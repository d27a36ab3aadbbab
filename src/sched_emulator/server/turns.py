"""Turns for long work: all of it together holds the event loop for 5 ms at a time, then everything else has its turn.

Long work is a generator that yields wherever it may pause, and never waits itself; each piece between two pauses is
short. How much is done in one slice depends on real time and so on the machine. What comes of it does not: only who
waits for how long.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable
from typing import Any, TypeVar

SLICE_SECONDS = 0.005

Result = TypeVar("Result")
Work = Generator[None, None, Result]
FREED_A_PIECE = 100


class Turns:
    """A line of works; in each slice they go on in turn, piece by piece. `clock` tells seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._line: deque[tuple[Work[Any], asyncio.Future[Any]]] = deque()

    async def finish(self, work: Work[Result]) -> Result:
        """Do work in turns with all other, and return its result. It is closed when who waits for it is cancelled."""
        if not self._line:
            try:
                next(work)  # work that is short after all costs no more than a call
            except StopIteration as stop:
                return stop.value  # type: ignore[no-any-return]
        return await self._queue(work)

    def begin(self, work: Work[None]) -> None:
        """Do work in turns with all other; its first piece at once, when nothing is in line. Nobody waits for it."""
        if not self._line:
            try:
                next(work)
            except StopIteration:
                return
        self._queue(work)

    def _queue(self, work: Work[Result]) -> "asyncio.Future[Result]":
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Result] = loop.create_future()
        if not self._line:
            loop.call_soon(self._slice)
        self._line.append((work, future))
        return future

    def _slice(self) -> None:
        """Let the works go on until the slice is over, at least one of them; the next slice comes after all else."""
        end = self._clock() + SLICE_SECONDS
        while self._line:
            work, future = self._line[0]
            ended = _go_on(work, future)
            self._line.popleft()
            if not ended:
                self._line.append((work, future))
            if self._clock() >= end:
                break
        if self._line:
            asyncio.get_running_loop().call_soon(self._slice)


def unless(work: Work[Result], gone: Callable[[], bool]) -> Work[Result]:
    """Do long work for a client, up to its end or until the client has gone: ConnectionResetError."""
    try:
        while not gone():
            try:
                next(work)
            except StopIteration as done:
                return done.value  # type: ignore[no-any-return]
            yield
    finally:
        work.close()
    raise ConnectionResetError("the client has gone")


def freeing(containers: Iterable[Any]) -> Work[None]:
    """Empty containers that nothing refers to any more (long work): letting a large one go at once takes long."""
    for container in containers:
        take = container.popitem if isinstance(container, dict) else container.pop
        while container:
            for _ in range(min(len(container), FREED_A_PIECE)):
                take()
            yield


def _go_on(work: Work[Result], future: "asyncio.Future[Result]") -> bool:
    """Do one piece of work and say whether that was the end of it."""
    if future.cancelled():
        work.close()
        return True
    try:
        next(work)
    except StopIteration as stop:
        future.set_result(stop.value)
    except Exception as error:  # noqa: BLE001 - it is raised where the result is awaited
        future.set_exception(error)
    else:
        return False
    return True
