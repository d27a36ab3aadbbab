"""Who asks a sandbox for its next event, and when: the only code that polls and settles.

On a frozen clock time passes in `advance` alone, in lock-step: while real attempts are under way virtual time stands at
their instant, and only what is due at that instant may start beside them. On a running clock a timer asks at the
right moment, and every request asks first, so that a request finds everything done that was due before it.
"""

import asyncio
import time
from collections.abc import Callable
from typing import Any, NamedTuple

from sched_emulator.core.errors import Backward, Conflict
from sched_emulator.core.instants import LAST_MS, to_text
from sched_emulator.core.records import Attempt, Outcome
from sched_emulator.core.sandbox import Sandbox
from sched_emulator.core.targets import of_status

from .http_errors import Busy
from .sender import Response, Sender

SLICE_EVENTS = 500  # how many events happen before other requests get a turn
MAX_EVENTS = 1_000_000


class Advanced(NamedTuple):
    """Where an advance ended: the instant, how many events happened, and why it stopped."""

    now_ms: int
    fired: int
    stopped: str


class _Flight(NamedTuple):
    attempt: Attempt
    task: "asyncio.Task[Response]"
    started: float


class Driver:
    """Drives one sandbox's time. `real_now_ms` is given when signatures show real time."""

    def __init__(
        self, sandbox: Sandbox, sender: Sender, *, concurrency: int, real_now_ms: Callable[[], int] | None = None
    ) -> None:
        self.sandbox = sandbox
        self._sender = sender
        self._concurrency = concurrency
        self._real_now_ms = real_now_ms
        self._flights: dict[str, _Flight] = {}  # sent and not settled, in order of sending
        self._unanswered: set[str] = set()  # those of them that no answer has come for
        self._timer: asyncio.TimerHandle | None = None
        self._stirred = asyncio.Event()
        self._advancing_to: int | None = None
        self._advancing = False
        self._generation = 0
        self._halted = False
        self._anchor()

    # What requests see

    def catch_up(self) -> None:
        """Bring a running clock to the present, with all that was due on the way; a frozen one stands."""
        if self.sandbox.store.mode == "wall" and not self._advancing and not self._halted:
            self._run_due()

    def stir(self) -> None:
        """Take notice that a request may have put something on the timeline."""
        self._stirred.set()
        if self.sandbox.store.mode == "wall":
            self._arm()

    def waiting_for(self) -> dict[str, Any] | None:
        """Return what an advance waits for, None when none is under way."""
        if not self._advancing:
            return None
        until = None if self._advancing_to is None else to_text(self._advancing_to)
        return {"until": until, "waiting_for": self._under_way()}

    # What the control API asks

    def set_clock(self, *, mode: str | None, speed: float | None) -> None:
        """Freeze the clock, or let it run from where it stands."""
        self.catch_up()
        self.sandbox.set_clock(mode or self.sandbox.store.mode, speed or self.sandbox.store.speed)  # type: ignore[arg-type]
        self._anchor()
        self._arm()

    async def advance(self, *, until_ms: int | None, events: int | None, max_events: int = MAX_EVENTS) -> Advanced:
        """Let time pass to `until_ms`, or until so many events have happened. Conflict when it cannot."""
        self.catch_up()
        self.refuse_if_busy()
        if until_ms is not None and until_ms < self.sandbox.store.now_ms:
            raise Backward(self.sandbox.store.now_ms, until_ms)
        if until_ms is not None and until_ms > LAST_MS:
            raise Conflict(f"the clock is at {to_text(self.sandbox.store.now_ms)} and cannot pass the year 9999")
        self._advancing, self._advancing_to = True, until_ms
        started, generation = self.sandbox.store.fired, self._generation
        try:
            await self._pass(until_ms, min(events or max_events, max_events), generation)
        finally:
            self._advancing = False
            self._anchor()
            self._arm()
        return self._advanced(until_ms, started, events)

    def refuse_if_busy(self) -> None:
        """Raise Busy while an advance or a real attempt is under way."""
        if self._advancing or self._flights:
            raise Busy(advancing=self._advancing, urls=[flight.attempt.url for flight in self._flights.values()])

    def abandon(self) -> None:
        """Cancel the attempts and the advance under way, and stand still until `restart`, if it ever comes."""
        self._generation += 1
        self._halted = True
        for flight in self._flights.values():
            flight.task.cancel()
        self._flights.clear()
        self._unanswered.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._stirred.set()

    def restart(self) -> None:
        """Go on from the sandbox's new state; what it had under way when it was saved is sent at once."""
        self._halted = False
        self._anchor()
        self.catch_up()
        self._arm()

    # A frozen clock

    async def _pass(self, until_ms: int | None, max_events: int, generation: int) -> None:
        sandbox, end = self.sandbox, self.sandbox.store.fired + max_events
        while generation == self._generation and not self._halted:
            self._stirred.clear()
            self._settle_answered()
            left = end - sandbox.store.fired
            here = until_ms if not self._flights else sandbox.store.now_ms
            before = sandbox.store.fired
            if left and self._may_send:
                attempt = self._poll(here, min(left, SLICE_EVENTS))
                if attempt is not None:
                    self._send(attempt)
                    continue
            if sandbox.store.fired - before == min(left, SLICE_EVENTS) > 0:
                await asyncio.sleep(0)
            elif self._flights:
                await self._stirred.wait()
            else:
                break
        if generation != self._generation or self._halted:
            raise Conflict("the sandbox was reset, restored or forgotten during the advance")

    def _advanced(self, until_ms: int | None, started: int, events: int | None) -> Advanced:
        sandbox = self.sandbox
        fired, following = sandbox.store.fired - started, sandbox.store.timeline.next_event_ms()
        if until_ms is not None and (following is None or following > until_ms):
            self._poll(until_ms, None)
            return Advanced(sandbox.store.now_ms, fired, "until")
        if events is not None and fired >= events:
            return Advanced(sandbox.store.now_ms, fired, "events")
        return Advanced(sandbox.store.now_ms, fired, "max_events" if following is not None else "idle")

    def _settle_answered(self) -> None:
        """Settle what has been answered, in order of sending: an earlier attempt is never settled after a later one."""
        while self._flights:
            flight = next(iter(self._flights.values()))
            if not flight.task.done():
                return
            self._settle(flight)

    # A running clock

    def _anchor(self) -> None:
        self._anchor_ms = self.sandbox.store.now_ms
        self._anchor_seconds = time.monotonic()

    def _present_ms(self) -> int:
        passed = (time.monotonic() - self._anchor_seconds) * 1000 * self.sandbox.store.speed
        return min(self._anchor_ms + int(passed), LAST_MS)

    def _run_due(self) -> None:
        present_ms = self._present_ms()
        while self._may_send:
            attempt = self._poll(present_ms, None)
            if attempt is None:
                break
            self._send(attempt)

    def _arm(self) -> None:
        """Set the timer for the next thing due on a running clock."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        due_ms = self.sandbox.store.timeline.next_due_ms()
        if self.sandbox.store.mode != "wall" or self._advancing or self._halted or due_ms is None or not self._may_send:
            return
        delay = max(due_ms - self._present_ms(), 0) / 1000 / self.sandbox.store.speed
        self._timer = asyncio.get_running_loop().call_later(min(delay, 86_400), self._timer_rang)

    def _timer_rang(self) -> None:
        self._timer = None
        self.catch_up()
        self._arm()

    # Attempts

    @property
    def _may_send(self) -> bool:
        return len(self._unanswered) < self._concurrency

    def _poll(self, until_ms: int | None, max_events: int | None) -> Attempt | None:
        real_now_ms = None if self._real_now_ms is None else self._real_now_ms()
        return self.sandbox.poll(until_ms, max_events=max_events, signing_now_ms=real_now_ms)

    def _send(self, attempt: Attempt) -> None:
        task = asyncio.ensure_future(
            self._sender.send(
                url=attempt.url,
                headers=attempt.headers,
                body=attempt.body.encode(),
                timeout_seconds=attempt.timeout_ms / 1000,
                exempt=attempt.routed,
            )
        )
        flight = _Flight(attempt, task, time.monotonic())
        self._flights[attempt.attempt_id] = flight
        self._unanswered.add(attempt.attempt_id)
        task.add_done_callback(lambda _: self._arrived(flight))

    def _arrived(self, flight: _Flight) -> None:
        """Take notice of an answer: an advance settles it in its turn, without one it is settled now."""
        if self._flights.get(flight.attempt.attempt_id) is not flight:
            return
        self._unanswered.discard(flight.attempt.attempt_id)
        self._stirred.set()
        if not self._advancing:
            self.catch_up()
            self._settle(flight)
            self._arm()

    def _settle(self, flight: _Flight) -> None:
        attempt_id = flight.attempt.attempt_id
        del self._flights[attempt_id]
        self._unanswered.discard(attempt_id)
        self.sandbox.settle(attempt_id, self._outcome(flight.attempt, flight.task.result()))

    def _outcome(self, attempt: Attempt, response: Response) -> Outcome:
        if response.status is not None:
            excerpt = response.body_excerpt.decode(errors="replace")
            return of_status(response.status, headers=dict(response.headers), body=excerpt)
        standing = self.sandbox.store.mode == "frozen" or self._advancing
        duration_ms = attempt.timeout_ms if response.kind == "timeout" and standing else 0
        result = response.kind if response.kind in {"timeout", "refused"} else "failed"
        return Outcome(result=result, error=response.error, duration_ms=duration_ms)

    def _under_way(self) -> list[dict[str, Any]]:
        now = time.monotonic()
        return [
            {
                "url": flight.attempt.url,
                "attempt": flight.attempt.number,
                "real_seconds": round(now - flight.started, 3),
            }
            for flight in self._flights.values()
        ]
