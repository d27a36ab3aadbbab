"""Waiting in real seconds until something is true.

No clock is read, because tests freeze clocks: a timer's thread counts, which waits as long as it should in any case.
"""

import inspect
import threading
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Final, Self, TypeVar

__tracebackhide__ = True  # a failing test shows its own lines
T = TypeVar("T")
WITHIN_SECONDS: Final = 5.0
MAX_WITHIN_SECONDS: Final = 86_400
PAUSE_SECONDS: Final = 0.02


class Deadline:
    """So many real seconds from entering it on."""

    def __init__(self, within: float) -> None:
        if isinstance(within, bool) or not isinstance(within, int | float) or not 0 <= within <= MAX_WITHIN_SECONDS:
            raise ValueError(f"within= takes real seconds, from 0 to {MAX_WITHIN_SECONDS}, got {within!r}")
        self.within = within
        self._over = threading.Event()
        self._timer = threading.Timer(within, self._over.set)
        self._timer.daemon = True

    def __enter__(self) -> Self:
        self._timer.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._timer.cancel()

    @property
    def is_over(self) -> bool:
        """Whether the seconds have passed. Asked before the condition is, so that it has its chance after them."""
        return self._over.is_set()

    def pause(self) -> None:
        """Let others do something."""
        self._over.wait(PAUSE_SECONDS)

    def missed(self, value: Any, clock: Mapping[str, Any]) -> TimeoutError:
        """Return the error of a condition that was last `value`."""
        told = f"is frozen at {clock['now']} and moves by advance() alone" if clock["mode"] == "frozen" else "runs"
        return TimeoutError(
            f"within {self.within:g} real seconds the condition did not become true: it was {_shown(value)} to the last"
            f" (the sandbox's clock {told})"
        )


def wait_for(condition: Callable[[], T], within: float, state: Callable[[], Mapping[str, Any]]) -> T:
    """Return the value of `condition` as soon as it is true; `state` shows the clock to whom waits in vain."""
    with Deadline(within) as deadline:
        while True:
            last = deadline.is_over
            value = condition()
            if inspect.iscoroutine(value):
                value.close()
                raise TypeError("the condition is a coroutine: await box.aio.wait_for(...) instead")
            if value:
                return value
            if last:
                raise deadline.missed(value, state())
            deadline.pause()


def _shown(value: Any, most: int = 80) -> str:
    text = repr(value)
    return text if len(text) <= most else text[: most - 1] + "…"
