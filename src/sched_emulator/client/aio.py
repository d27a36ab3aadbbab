"""The handles as coroutines. Each call runs in a thread, so the loop that serves the code under test never waits.

The loop is asyncio's or trio's. Of trio only what a running one has imported is used.
"""

import asyncio
import functools
import inspect
import sys
from collections.abc import Callable, Coroutine
from datetime import datetime
from types import TracebackType
from typing import Any, Concatenate, Generic, ParamSpec, Self, TypeVar, overload

from .account import Account
from .sandbox import Assumptions, Clock, Faults, Routes, Sandbox, Targets
from .waiting import WITHIN_SECONDS, Deadline

__tracebackhide__ = True  # a failing test shows its own lines
H = TypeVar("H")
P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")


class Outcome(Generic[R]):
    """What a call returned or raised: an error is raised again where it is awaited, without the thread's frames."""

    def __init__(self, call: Callable[[], R]) -> None:
        self._error: Exception | None = None
        try:
            self._value = call()
        except Exception as error:  # noqa: BLE001 - raised again by `value`
            self._error = error

    def value(self) -> R:
        """Return the value, or raise the error."""
        if self._error is None:
            return self._value
        try:
            raise self._error
        finally:
            self._error = None  # which refers to this frame, and by it to itself


async def in_thread(function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Call a function in a thread, and return what it returns. RuntimeError where neither asyncio nor trio runs."""
    call = functools.partial(Outcome, functools.partial(function, *args, **kwargs))
    trio: Any = sys.modules.get("trio")
    if trio is not None and _runs(trio):
        outcome: Outcome[R] = await trio.to_thread.run_sync(call, abandon_on_cancel=True)
        return outcome.value()
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        raise RuntimeError("box.aio needs asyncio or trio, and neither runs here; box itself needs no loop") from None
    return (await asyncio.to_thread(call)).value()


def _runs(trio: Any) -> bool:
    try:
        trio.lowlevel.current_task()
    except RuntimeError:
        return False
    return True


class Mirror(Generic[H]):
    """The coroutines of one handle."""

    def __init__(self, handle: H) -> None:
        self.handle = handle


class Mirrored(Generic[H, P, R]):
    """A method of a handle as a coroutine function of its mirror, with the same parameters."""

    def __init__(self, method: Callable[Concatenate[H, P], R]) -> None:
        self._method = method
        self.__doc__ = method.__doc__

    def __get__(self, mirror: Mirror[H], _owner: type[Mirror[H]] | None = None) -> Callable[P, Coroutine[Any, Any, R]]:
        @functools.wraps(self._method)
        async def call(*args: P.args, **kwargs: P.kwargs) -> R:
            return await in_thread(self._method, mirror.handle, *args, **kwargs)

        return call


class AsyncClock(Mirror[Clock]):
    """`Clock` as coroutines; its properties are awaited, too: `await box.aio.clock.now`."""

    state = Mirrored(Clock.state)
    advance = Mirrored(Clock.advance)
    settle = Mirrored(Clock.settle)
    freeze = Mirrored(Clock.freeze)
    resume = Mirrored(Clock.resume)
    set = Mirrored(Clock.set)
    put = Mirrored(Clock.put)

    @property
    def now(self) -> Coroutine[Any, Any, datetime]:
        """The sandbox's present, in UTC."""
        return in_thread(lambda: self.handle.now)

    @property
    def mode(self) -> Coroutine[Any, Any, str]:
        """`frozen` or `wall`."""
        return in_thread(lambda: self.handle.mode)

    @property
    def next_event_at(self) -> Coroutine[Any, Any, datetime | None]:
        """When something is due next, None when nothing is."""
        return in_thread(lambda: self.handle.next_event_at)


class AsyncTargets(Mirror[Targets]):
    """`Targets` as coroutines."""

    script = Mirrored(Targets.script)
    list = Mirrored(Targets.list)
    clear = Mirrored(Targets.clear)


class AsyncFaults(Mirror[Faults]):
    """`Faults` as coroutines."""

    add = Mirrored(Faults.add)
    list = Mirrored(Faults.list)
    clear = Mirrored(Faults.clear)


class AsyncAccount(Mirror[Account]):
    """`Account` as coroutines; `await box.aio.account.set(0)` sets the balance."""

    get = Mirrored(Account.get)
    set = Mirrored(Account.set)
    spent = Mirrored(Account.spent)

    @property
    def spent_usd(self) -> Coroutine[Any, Any, float]:
        """What all calls have cost, in US dollars."""
        return in_thread(lambda: self.handle.spent_usd)

    @property
    def balance_usd(self) -> Coroutine[Any, Any, float | None]:
        """The balance in US dollars; None is unlimited."""
        return in_thread(self.handle.get)


class AsyncAssumptions(Mirror[Assumptions]):
    """`Assumptions` as coroutines."""

    get = Mirrored(Assumptions.get)
    set = Mirrored(Assumptions.set)


class AsyncRoutes(Mirror[Routes]):
    """`Routes` as coroutines."""

    get = Mirrored(Routes.get)
    set = Mirrored(Routes.set)


class AsyncSandbox(Mirror[Sandbox]):
    """`Sandbox` as coroutines."""

    deliveries = Mirrored(Sandbox.deliveries)
    requests = Mirrored(Sandbox.requests)
    unused = Mirrored(Sandbox.unused)
    summary = Mirrored(Sandbox.summary)
    timeline = Mirrored(Sandbox.timeline)
    relied = Mirrored(Sandbox.relied)
    snapshot = Mirrored(Sandbox.snapshot)
    restore = Mirrored(Sandbox.restore)
    reset = Mirrored(Sandbox.reset)
    delete = Mirrored(Sandbox.delete)

    @overload
    async def wait_for(self, condition: Callable[[], Coroutine[Any, Any, T]], within: float = WITHIN_SECONDS) -> T: ...

    @overload
    async def wait_for(self, condition: Callable[[], T], within: float = WITHIN_SECONDS) -> T: ...

    async def wait_for(self, condition: Callable[[], Any], within: float = WITHIN_SECONDS) -> Any:
        """Wait until `condition`, a function or a coroutine function, is true, as `Sandbox.wait_for` does."""
        with Deadline(within) as deadline:
            while True:
                last = deadline.is_over
                came = condition()
                value = await came if inspect.isawaitable(came) else came
                if value:
                    return value
                if last:
                    raise deadline.missed(value, await self.clock.state())
                await in_thread(deadline.pause)

    def __init__(self, handle: Sandbox) -> None:
        super().__init__(handle)
        self.base_url = handle.base_url
        self.api_key = handle.api_key
        self.clock = AsyncClock(handle.clock)
        self.targets = AsyncTargets(handle.targets)
        self.faults = AsyncFaults(handle.faults)
        self.account = AsyncAccount(handle.account)
        self.assumptions = AsyncAssumptions(handle.assumptions)
        self.routes = AsyncRoutes(handle.routes)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.delete()
