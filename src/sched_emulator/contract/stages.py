"""Where checks take place: a stage is a key, a clock, and receivers for what the target delivers.

On an emulator each check has a sandbox of its own, with a frozen clock that the control API moves. On anything else
all checks share the account, and time is real.
"""

import itertools
import json
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import requests

from sched_emulator.client.sandbox import Sandbox

from .gate import PLACEHOLDER_KEY, Closed, Gate
from .pace import ANY_TIME, Lane
from .receivers import Answer, Call, HttpReceiver, Receiver, ReceiverServer
from .results import WAIT, Exchange, NotChecked, TooLate
from .settings import Settings
from .sharing import Sharing

DURATIONS = {"publish": "delay_seconds", "publish_batch": "delay_seconds", "consume": "visibility_timeout"}
LONGEST_REAL_WAIT_SECONDS = 75.0
POLL_SECONDS = 0.1


class Stage(ABC):
    """What a check acts in. `margin` is how far, in seconds, an instant of the target is trusted.

    `paid` says that each request may cost: then `sharing` is that of all checks, else each has its own. `frugal` says
    that none is sent to learn what cannot fail.
    """

    virtual: bool
    paid = False
    frugal = False
    margin: float
    key: str
    key_shown: str

    def __init__(self, session: requests.Session, url: str) -> None:
        self.session = session
        self.url = url
        self.trace: list[Exchange] = []
        self.sharing = Sharing()

    @abstractmethod
    def now(self) -> float:
        """Return the target's present in seconds since 1970."""

    @abstractmethod
    def sleep(self, seconds: float) -> None:
        """Let time pass."""

    @abstractmethod
    def wait(self, done: Callable[[], bool], within: float) -> bool:
        """Let time pass until something is so, at most `within` seconds and a margin; say whether it came to be."""

    def soon(self, seconds: float) -> float:
        """Return the instant in so many seconds, for a request that is sent now."""
        return self.now() + seconds

    def just_before(self, seconds: float) -> None:
        """Let time pass until a hair before what is due so long after it was asked for."""
        self.sleep(seconds - self.margin)

    def just_after(self) -> None:
        """Let the hair pass that `just_before` left, and as much again."""
        self.sleep(2 * self.margin)

    def heard(self, url: str, raw: bytes | None, *, succeeded: bool) -> None:  # noqa: B027 - often there is no need
        """Take note of a request that was answered. TooLate when the answer proves nothing any more."""

    @abstractmethod
    def receiver(self, answers: Sequence[Answer]) -> Receiver:
        """Return a receiver of deliveries. NotChecked where there can be none."""

    def start_at(self, instant: str) -> None:
        """Begin at an instant, before anything has happened. NotChecked where time is real."""
        raise NotChecked(f"it needs a clock that can be set to {instant}")

    def set_balance(self, _balance_usd: float | None) -> None:
        """Set the account's balance. NotChecked where the account is real."""
        raise NotChecked("it needs an account whose balance can be set")

    def close(self) -> None:
        """Leave nothing behind that is only this stage's."""
        self.session.close()


class VirtualStage(Stage):
    """A sandbox of an emulator."""

    virtual = True
    margin = 0.001

    def __init__(self, gate: Gate, url: str, box: Sandbox, receivers: ReceiverServer | None, name: str) -> None:
        super().__init__(gate.session(), url)
        self.key = self.key_shown = box.api_key
        self._box = box
        self._receivers = receivers
        self._name = name
        self._numbers = itertools.count(1)

    def now(self) -> float:
        """Return the sandbox's present."""
        return self._box.clock.now.timestamp()

    def sleep(self, seconds: float) -> None:
        """Advance the clock."""
        self._move({"seconds": round(max(seconds, 0.0), 3)})

    def wait(self, done: Callable[[], bool], within: float) -> bool:
        """Advance from event to event."""
        ends_at = self.now() + within
        self.sleep(0)
        while not done():
            due = self._box.clock.next_event_at
            if due is None or due.timestamp() > ends_at:
                self.sleep(ends_at - self.now())
                return done()
            self._move({"until": due.isoformat()})
        return True

    def receiver(self, answers: Sequence[Answer]) -> Receiver:
        """Return a receiver: scripted where it takes its time, otherwise reached by HTTP."""
        name = f"{self._name}-{next(self._numbers)}"
        slow = any(answer.after_seconds for answer in answers)
        if slow or self._receivers is None:
            url = f"https://receiver.example.com/{name}"
            script = [{"status": item.status, "latency_seconds": item.after_seconds} for item in answers]
            self._box.targets.script(url, script or [{"status": 200}])
            return JournalReceiver(self._box, url, None)
        real = self._receivers.receiver(name, answers)
        return JournalReceiver(self._box, real.url, real)

    def start_at(self, instant: str) -> None:
        """Set the clock of the fresh sandbox."""
        self._box.clock.set(instant)

    def set_balance(self, _balance_usd: float | None) -> None:
        """Set the balance of the sandbox's account."""
        self._box.account.set(_balance_usd)

    def close(self) -> None:
        """Forget the sandbox."""
        self._box.delete()
        super().close()

    def _move(self, body: dict[str, Any]) -> None:
        seconds, until = body.get("seconds"), body.get("until")
        moved = (
            self._box.clock.advance(until=until) if until is not None else self._box.clock.advance(seconds=seconds or 0)
        )
        shown = str(body).replace("'", '"')
        headers = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"}
        url = f"{self.url}/_emulator/clock/advance"
        self.trace.append(Exchange("POST", url, headers, shown, 200, {}, str(moved)))


class JournalReceiver:
    """A receiver in virtual time: instants come from the emulator's journal, bytes from the server if there is one."""

    def __init__(self, box: Sandbox, url: str, server: HttpReceiver | None) -> None:
        self.url = url
        self._box = box
        self._server = server

    def calls(self) -> list[Call]:
        """Return what has arrived, in order."""
        entries = self._box.deliveries(url=self.url)
        raw = None if self._server is None else self._server.calls()
        calls = []
        for number, entry in enumerate(entries):
            at = datetime.fromisoformat(entry["at"]).timestamp()
            if raw is None:
                headers = {name.lower(): value for name, value in entry["headers"].items()}
                calls.append(Call(at, "POST", headers, None, entry["body"]))
            elif number < len(raw):
                arrived = raw[number]
                calls.append(Call(at, arrived.method, arrived.headers, arrived.raw, arrived.body))
        return calls


class RealStage(Stage):
    """The account behind the key, in real time.

    What is due on the target so long after a request is due between so long after the request left and so long after
    its answer arrived: "before" is asked early enough for the answer to arrive before the first, "after" when the
    second has passed. Which request it was: the last that carried a duration, else the last.
    """

    virtual = False

    def __init__(
        self,
        gate: Gate,
        url: str,
        settings: Settings,
        receivers: ReceiverServer | None,
        name: str,
        *,
        sharing: Sharing | None = None,
    ) -> None:
        self._lane = Lane()
        super().__init__(gate.session(self._lane), url)
        self.key = PLACEHOLDER_KEY
        self.key_shown = "$" + settings.key_variable
        self.paid = settings.paid
        self.frugal = settings.paid and "choices" not in settings.hold
        self.sharing = sharing if sharing is not None and settings.paid else self.sharing
        self._least_margin = 0.4 if settings.loopback else 1.5
        self._least_pause = POLL_SECONDS if settings.loopback else 1.0
        self._gate = gate
        self._receivers = receivers
        self._name = name
        self._numbers = itertools.count(1)
        self._begun: tuple[float, float] | None = None
        self._promised = ANY_TIME
        self._due = (ANY_TIME, ANY_TIME)

    @property
    def margin(self) -> float:  # type: ignore[override]
        """How far an instant of the target is trusted: never finer than a request takes to go and come back."""
        return max(self._least_margin, 1.5 * self._gate.pace.round_trip)

    def now(self) -> float:
        """Return this machine's present."""
        return time.time()

    def sleep(self, seconds: float) -> None:
        """Wait, and let what is asked then go ahead of others. NotChecked when that would take too long."""
        self._idle(seconds)
        self._lane.due = self._gate.clock()

    def soon(self, seconds: float) -> float:
        """Return the instant in so many seconds and a round trip; the request that says so goes ahead of others."""
        ahead = seconds + self._gate.pace.round_trip
        self._promised = self._lane.due = self._gate.clock() + ahead
        return self.now() + ahead

    def just_before(self, seconds: float) -> None:
        """Wait so long after what began last that an answer can still arrive before it is due; TooLate if none can."""
        left, arrived = self._begun or (self._lane.left, self._lane.arrived)
        due = (left + seconds, arrived + seconds)
        self._idle(due[0] - self.margin - self._gate.clock())
        if self._gate.clock() > due[0]:
            raise TooLate(f"the target answers too slowly for something that is due after {seconds:g} s")
        self._due, self._lane.due = due, due[0]

    def just_after(self) -> None:
        """Wait until what `just_before` waited for must have come to be, and a hair more."""
        latest = self._due[1]
        self._idle(latest + self.margin - self._gate.clock() if latest < ANY_TIME else 2 * self.margin)
        self._lane.due = self._gate.clock()

    def heard(self, url: str, raw: bytes | None, *, succeeded: bool) -> None:
        """Note what has begun; TooLate when the answer arrived after what it should have come before."""
        arrived = self._lane.arrived
        limit = self._due[0]
        if raw is not None and b'"run_at"' in raw:
            limit, self._promised = min(limit, self._promised), ANY_TIME
        if arrived > limit:
            raise TooLate(
                f"an answer arrived {arrived - limit:.1f} s after the instant that it should have come before"
            )
        seconds = _duration(url, raw) if succeeded else None
        if seconds is not None:
            self._begun = self._lane.left, arrived
            self._due = self._lane.left + seconds, arrived + seconds
            self._lane.due = self._due[0]

    def wait(self, done: Callable[[], bool], within: float) -> bool:
        """Look again and again."""
        if within > LONGEST_REAL_WAIT_SECONDS:
            raise NotChecked(f"it takes up to {within:.0f} s of real time")
        self._forget()
        started = time.monotonic()
        sent_at = self._lane.left
        while not done():
            waited = time.monotonic() - started
            if waited > within + self.margin:
                return False
            free = self._lane.left == sent_at  # to look at what arrived here costs no request
            self._pause(POLL_SECONDS if free else max(self._least_pause, waited / 5))
        return True

    def _idle(self, seconds: float) -> None:
        if seconds > LONGEST_REAL_WAIT_SECONDS:
            raise NotChecked(f"it takes {seconds:.0f} s of real time")
        self._forget()
        self._pause(max(seconds, 0.0))
        self.trace.append(Exchange(WAIT, "", {}, None, None, {}, f"{max(seconds, 0):.1f} s passed"))

    def _forget(self) -> None:
        """Let nothing be due any more: time passes, and others go ahead meanwhile."""
        self._begun, self._due, self._lane.due = None, (ANY_TIME, ANY_TIME), ANY_TIME

    def _pause(self, seconds: float) -> None:
        """Wait; Closed as soon as the run is over."""
        if self._gate.over.wait(seconds):
            raise Closed(self._gate.closed or "the run is over")

    def receiver(self, answers: Sequence[Answer]) -> Receiver:
        """Return a receiver on this machine, under the public URL where there is one."""
        if self._receivers is None:
            raise NotChecked("it needs a receiver that the target reaches: --callback-url")
        return self._receivers.receiver(f"{self._name}-{next(self._numbers)}", answers)


def _duration(url: str, raw: bytes | None) -> float | None:
    """Return after how many seconds something is due that a request asks for, None where it names no duration."""
    name = DURATIONS.get(url.rpartition("/")[2])
    if raw is None or name is None:
        return None
    body = json.loads(raw)
    messages = body.get("messages") if isinstance(body, dict) else None
    items = [body, *messages] if isinstance(messages, list) else [body]
    found = [item[name] for item in items if isinstance(item, dict) and isinstance(item.get(name), int | float)]
    return min((seconds for seconds in found if seconds > 0), default=None)
