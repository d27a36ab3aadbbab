"""A clock that runs beside the real one, which only the driver of a running clock asks, and whether it is kept up with.

More may be due in a second than can happen in one. Then virtual time falls behind the real one, and `Pace` says so.
"""

import logging
import time

from sched_emulator.core.instants import LAST_MS

BEHIND_SECONDS = 1.0  # real ones: what takes less long to catch up with is waited for
log = logging.getLogger("sched_emulator")


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

    def behind_seconds(self, due_ms: int | None) -> float:
        """Return for how many real seconds an instant has passed; 0 when it has not, or for None."""
        return 0.0 if due_ms is None else max(self.present_ms() - due_ms, 0) / 1000 / self._speed


class Pace:
    """Whether one sandbox keeps up with its running clock: behind once it has not for a while, until it has again."""

    def __init__(self, name: str) -> None:
        self.behind = False
        self._name = name
        self._late_since: float | None = None

    def seen(self, late_seconds: float) -> None:
        """Take note of how late the sandbox is at this moment, in real seconds; 0 when nothing waits."""
        if not late_seconds:
            if self.behind:
                log.info("%s has caught up with its clock", self._name)
            self.behind, self._late_since = False, None
            return
        if self._late_since is None:
            self._late_since = time.monotonic()
        waited = time.monotonic() - self._late_since
        if not self.behind and min(late_seconds, waited) >= BEHIND_SECONDS:
            self.behind = True
            log.warning(
                "%s has fallen behind its clock, with more due than can happen: its requests no longer wait for that",
                self._name,
            )
