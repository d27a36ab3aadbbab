"""Who asks a sandbox for its next event, and when: the only code that polls and settles.

On a frozen clock time passes in `advance` alone, in lock-step: while real attempts are under way virtual time stands at
their instant, and only what is due at that instant may start beside them. On a running clock a timer asks at the
right moment, and every request asks first, so that a request finds everything done that was due before it. What takes
long is done in turns with all other long work. Where more is due than can happen, a running clock falls behind real
time, and requests are served at the instant that has been reached.
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

from .http_errors import ClockBusy
from .running_clock import Pace, RunningClock
from .sender import Receipt, Sender
from .turns import Turns, Work

EVENTS_A_POLL = 500
CHANGED = "Look at the sandbox as it is now before you go on."
MAX_EVENTS = 1_000_000
ALL_CHORES = 10**9
LONGEST_TIMER_SECONDS = 86_400


class Advanced(NamedTuple):
    """Where an advance ended: the instant, how many events happened, and why it stopped."""

    now_ms: int
    fired: int
    stopped: str


class _Flight(NamedTuple):
    attempt: Attempt
    task: "asyncio.Task[Receipt]"
    started: float


class Driver:
    """Drives one sandbox's time. `name` is what logs call it; `real_now_ms` is given when signatures show real time."""

    def __init__(
        self,
        sandbox: Sandbox,
        sender: Sender,
        turns: Turns,
        *,
        concurrency: int,
        name: str = "a sandbox",
        real_now_ms: Callable[[], int] | None = None,
    ) -> None:
        self.sandbox = sandbox
        self._sender = sender
        self._turns = turns
        self._concurrency = concurrency
        self._real_now_ms = real_now_ms
        self._flights: dict[str, _Flight] = {}  # sent and not settled, in order of sending
        self._unanswered: set[str] = set()  # those of them that no answer has come for
        self._timer: asyncio.TimerHandle | None = None
        self._waking = False
        self._stirred = asyncio.Event()
        self._advancing_to: int | None = None
        self._advancing = False
        self._generation = 0
        self._halted = False
        self._pace = Pace(name)
        self._start_clock()

    # What requests see

    async def caught_up(self) -> None:
        """Wait until a running clock has come to the present, with all that was due by now; a frozen one stands.

        Nobody waits for a clock that has fallen behind.
        """
        if self.runs and not self._pace.behind:
            await self._turns.finish(self._up_to_now())

    def catch_up(self) -> None:
        """Bring a running clock to the present without waiting for it: what takes long goes on by itself."""
        if self.runs:
            self._wake()

    def behind_seconds(self) -> float | None:
        """Return how many real seconds a running clock has fallen behind; None when it keeps up."""
        return self._late_seconds() or None if self._pace.behind else None

    def tidying(self) -> Work[None]:
        """Let the housekeeping happen that a request has left to be done (long work)."""
        store = self.sandbox.store
        store.untidy = False
        yield from self.sandbox.polling(store.now_ms, max_events=0, chores=ALL_CHORES)

    def stir(self) -> None:
        """Take notice that a request may have put something on the timeline."""
        self._stirred.set()
        if self.runs:
            self._arm()

    @property
    def advancing(self) -> bool:
        """Whether an advance is under way."""
        return self._advancing

    def waiting_for(self) -> dict[str, Any] | None:
        """Return what an advance waits for, None when none is under way."""
        if not self._advancing:
            return None
        until = None if self._advancing_to is None else to_text(self._advancing_to)
        return {"until": until, "waiting_for": self._under_way()}

    # What the control API asks

    async def set_clock(self, *, mode: str | None, speed: float | None) -> None:
        """Freeze the clock, or let it run from where it stands."""
        await self.caught_up()
        if self._halted:
            raise Conflict("the sandbox was forgotten meanwhile", hint=CHANGED)
        store = self.sandbox.store
        self.sandbox.set_clock(mode or store.mode, speed or store.speed)  # type: ignore[arg-type]
        self._start_clock()
        self._arm()

    async def advance(
        self,
        *,
        until_ms: int | None = None,
        by_ms: int | None = None,
        events: int | None = None,
        max_events: int = MAX_EVENTS,
    ) -> Advanced:
        """Let time pass to `until_ms`, by `by_ms`, or until so many events have happened. Conflict when it cannot.

        `by_ms` counts from the present of a running clock, which goes on until this begins.
        """
        await self.caught_up()
        self.refuse_if_busy()
        store = self.sandbox.store
        if by_ms is not None:
            until_ms = store.now_ms + by_ms
        if until_ms is not None and until_ms < store.now_ms:
            raise Backward(store.now_ms, until_ms)
        if until_ms is not None and until_ms > LAST_MS:
            at_the_end = f"the clock is at {to_text(store.now_ms)} and cannot pass the year 9999"
            raise Conflict(at_the_end, hint="Reset the sandbox, or use a fresh key.")
        self._advancing, self._advancing_to = True, until_ms
        started, generation = store.fired, self._generation
        try:
            await self._pass(until_ms, started + min(events or max_events, max_events), generation)
        finally:
            self._advancing = False
            self._start_clock()
            self._arm()
        return self._advanced(until_ms, started, events)

    def refuse_if_busy(self) -> None:
        """Raise ClockBusy while an advance or a real attempt is under way."""
        if self._advancing or self._flights:
            raise ClockBusy(advancing=self._advancing, urls=[flight.attempt.url for flight in self._flights.values()])

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
        self._start_clock()
        self._wake()

    # A frozen clock

    async def _pass(self, until_ms: int | None, last_event: int, generation: int) -> None:
        store = self.sandbox.store
        while generation == self._generation and not self._halted:
            self._stirred.clear()
            self._settle_answered()
            if store.fired < last_event and self._may_send:
                here = until_ms if not self._flights else store.now_ms
                attempt = await self._turns.finish(self._happening(here, last_event))
                if generation != self._generation:
                    break
                if attempt is not None:
                    self._send(attempt)
                if attempt is not None or self._stirred.is_set():
                    continue
            if not self._flights:
                return
            await self._stirred.wait()
        raise Conflict("the sandbox was reset, restored or forgotten during the advance", hint=CHANGED)

    def _advanced(self, until_ms: int | None, started: int, events: int | None) -> Advanced:
        store = self.sandbox.store
        fired, following = store.fired - started, store.timeline.next_event_ms()
        if until_ms is not None and (following is None or following > until_ms):
            self.sandbox.poll(until_ms, signing_now_ms=self._signing_now_ms())
            return Advanced(store.now_ms, fired, "until")
        if events is not None and fired >= events:
            return Advanced(store.now_ms, fired, "events")
        return Advanced(store.now_ms, fired, "max_events" if following is not None else "idle")

    def _settle_answered(self) -> None:
        """Settle what has been answered, in order of sending: an earlier attempt is never settled after a later one."""
        while self._flights:
            flight = next(iter(self._flights.values()))
            if not flight.task.done():
                return
            self._settle(flight)

    # A running clock

    @property
    def runs(self) -> bool:
        """Whether time passes by itself."""
        return self.sandbox.store.mode == "wall" and not self._advancing and not self._halted

    def _start_clock(self) -> None:
        self.clock = RunningClock(self.sandbox.store.now_ms, self.sandbox.store.speed)
        self._pace.seen(0)

    def _late_seconds(self) -> float:
        """Return for how many real seconds the next thing has been due already."""
        return self.clock.behind_seconds(self.sandbox.store.timeline.next_due_ms()) if self.runs else 0

    def _up_to_now(self) -> Work[None]:
        """Bring a running clock to the present (long work), unless it turns out that it falls behind."""
        for _ in self._coming_to(self.clock.present_ms()):
            self._pace.seen(self._late_seconds())
            if self._pace.behind:
                self._wake()
                return
            yield

    def _coming_to(self, present_ms: int) -> Work[None]:
        """Bring a running clock to an instant (long work), as far as attempts may be sent."""
        driven = self._driven
        while self.runs and self._may_send:
            attempt = yield from self._happening(present_ms, None)
            if self._driven != driven:
                return
            if attempt is None:
                return
            self._send(attempt)

    def _arm(self) -> None:
        """Set the timer for the next thing due on a running clock."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if not (self.runs and self._may_send) or self._waking:
            return
        due_ms = self.sandbox.store.timeline.next_due_ms()
        self._pace.seen(self.clock.behind_seconds(due_ms))
        if due_ms is not None:
            delay = min(self.clock.seconds_until(due_ms), LONGEST_TIMER_SECONDS)
            self._timer = asyncio.get_running_loop().call_later(delay, self._wake)

    def _wake(self) -> None:
        """Bring a running clock to the present, however long that takes, then wait for the next thing due."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if not self._waking:
            self._waking = True
            self._turns.begin(self._waken())

    def _waken(self) -> Work[None]:
        try:
            for _ in self._coming_to(self.clock.present_ms()):
                self._pace.seen(self._late_seconds())
                yield
        finally:
            self._waking = False
        self._arm()

    # Attempts

    @property
    def _may_send(self) -> bool:
        return len(self._unanswered) < self._concurrency

    def _happening(self, until_ms: int | None, last_event: int | None) -> Work[Attempt | None]:
        """Make happen what is due (long work), up to an instant and an event; return the first attempt to be sent.

        It ends when the clock is no longer driven as it was.
        """
        driven, polling = self._driven, self._polling(until_ms, last_event)
        while self._driven == driven:
            try:
                next(polling)
            except StopIteration as polled:
                attempt: Attempt | None = polled.value
                return attempt
            yield
        return None

    def _polling(self, until_ms: int | None, last_event: int | None) -> Work[Attempt | None]:
        """Poll for a bounded number of events at a time, so that no command of the log is long."""
        store = self.sandbox.store
        while True:
            before = store.fired
            bound = None if last_event is None else min(last_event - before, EVENTS_A_POLL)
            now_ms = self._signing_now_ms()
            attempt = yield from self.sandbox.polling(until_ms, max_events=bound, signing_now_ms=now_ms)
            if attempt is not None or bound is None or store.fired - before < bound or store.fired == last_event:
                return attempt

    @property
    def _driven(self) -> tuple[int, bool, bool]:
        return self._generation, self.runs, self._advancing

    def _signing_now_ms(self) -> int | None:
        return None if self._real_now_ms is None else self._real_now_ms()

    def _send(self, attempt: Attempt) -> None:
        task = asyncio.ensure_future(self._sender.send(attempt))
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
            self._turns.begin(self._settling(flight))

    def _settling(self, flight: _Flight) -> Work[None]:
        """Settle an attempt after all that was due before its answer came (long work)."""
        yield from self._up_to_now()
        if self._flights.get(flight.attempt.attempt_id) is flight:
            self._settle(flight)
            self._arm()

    def _settle(self, flight: _Flight) -> None:
        attempt_id = flight.attempt.attempt_id
        del self._flights[attempt_id]
        self._unanswered.discard(attempt_id)
        self.sandbox.settle(attempt_id, self._outcome(flight.attempt, flight.task.result()))

    def _outcome(self, attempt: Attempt, response: Receipt) -> Outcome:
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
