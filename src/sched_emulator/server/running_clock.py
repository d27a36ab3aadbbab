"""A clock that runs beside the real one, which only the driver of a running clock asks."""

import time

from sched_emulator.core.instants import LAST_MS


class RunningClock:
    """Runs from `now_ms` at this moment on, `speed` virtual seconds in a real one, up to the end of the year 9999."""

    def __init__(self, now_ms: int, speed: float) -> None:
        self._began_ms = now_ms
        self._began_seconds = time.monotonic()
        self._speed = speed

    def present_ms(self) -> int:
        """Return the virtual instant that it is."""
        passed = (time.monotonic() - self._began_seconds) * 1000 * self._speed
        return min(self._began_ms + int(passed), LAST_MS)

    def seconds_until(self, due_ms: int) -> float:
        """Return how many real seconds it takes until an instant; 0 when it has passed."""
        return max(due_ms - self.present_ms(), 0) / 1000 / self._speed
