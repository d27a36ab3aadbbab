"""Handles to one sandbox of a running emulator: its clock, its outside world, its journal.

Each method is one request of the control API and answers with the documented object. Whoever steers a sandbox does it
by these: no path of the control API stands elsewhere, but for those of `Emulator`. `aio` mirrors these classes as
coroutines.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Self, TypeVar

from sched_emulator.config import parse_duration

from .http import Client, EmulatorError
from .own_loop import Awaited, refuse_own
from .records import Advanced, Delivery, Fault, Log, Request, Script, TimelineEntry
from .waiting import WITHIN_SECONDS, wait_for

if TYPE_CHECKING:
    from .aio import AsyncSandbox

__tracebackhide__ = True  # a failing test shows its own lines

TIMELINE_MOST = 10_000  # what the control API shows at most
Instant = datetime | str
Scripted = int | str | Mapping[str, Any]
E = TypeVar("E")
T = TypeVar("T")


class _Part:
    def __init__(self, client: Client) -> None:
        self._client = client


class Clock(_Part):
    """The sandbox's clock. Moving it makes everything due on the way happen before the call returns.

    What is called on the event loop that serves the receiver would wait for itself: that is a `BlockedLoopError` at
    once. The move goes on without the caller then, and `box.aio` is the way to await it.
    """

    def __init__(self, client: Client) -> None:
        super().__init__(client)
        self.refuse: Callable[[], None] | None = None  # raises what speaks against moving the clock by hand
        self.watch: Callable[[list[dict[str, Any]]], None] | None = None  # sees now and then what a move waits for

    def state(self) -> dict[str, Any]:
        """Return `now`, `mode`, `speed`, `next_event_at` and, during an advance, `advancing`."""
        return self._client.get("/_emulator/clock")

    @property
    def now(self) -> datetime:
        """The sandbox's present, in UTC."""
        return datetime.fromisoformat(self.state()["now"])

    @property
    def mode(self) -> str:
        """`frozen` or `wall`."""
        return str(self.state()["mode"])

    @property
    def next_event_at(self) -> datetime | None:
        """When something is due next, None when nothing is."""
        text = self.state()["next_event_at"]
        return None if text is None else datetime.fromisoformat(text)

    def advance(
        self,
        span: timedelta | str | None = None,
        /,
        *,
        seconds: float = 0,
        minutes: float = 0,
        hours: float = 0,
        days: float = 0,
        weeks: float = 0,
        until: Instant | None = None,
        events: int | None = None,
        max_events: int | None = None,
    ) -> Advanced:
        """Let time pass: by a timedelta or a duration, by the sum of the units, `until` an instant, or for `events`.

        A duration is a text: `90s`, `15m`, `2h`, `3d`, `1w`, `1h30m` or ISO-8601 `PT15M`; ValueError says what else
        came. Returns `now`, `fired` (how many events happened) and `stopped` (why it ended: `until`, `events`, `idle`
        or `max_events`).
        """
        units = timedelta(seconds=seconds, minutes=minutes, hours=hours, days=days, weeks=weeks)
        if (span is not None) + (until is not None) + (events is not None) + bool(units) > 1:
            raise ValueError("say how far in one way: a duration, units of time, until= or events=")
        body: dict[str, Any] = {"seconds": units.total_seconds() if span is None else _seconds(span)}
        if until is not None:
            body = {"until": instant_text(until)}
        if events is not None:
            body = {"events": events}
        if max_events is not None:
            body["max_events"] = max_events
        if body != {"seconds": 0}:
            self._may_move()
        return Advanced(self._move("POST", "/_emulator/clock/advance", body))

    def settle(self) -> Advanced:
        """Make happen what is due at this instant, without time passing."""
        return self.advance(seconds=0)

    def freeze(self) -> dict[str, Any]:
        """Stop the clock: time passes only by `advance` and `set`."""
        return self.put({"mode": "frozen"})

    def resume(self, speed: float | None = None) -> dict[str, Any]:
        """Let the clock run from here, `speed` virtual seconds in a real one."""
        return self.put({"mode": "wall"} if speed is None else {"mode": "wall", "speed": speed})

    def set(self, instant: Instant) -> dict[str, Any]:
        """Move the clock to an instant. Backward only while nothing has happened in the sandbox."""
        return self.put({"now": instant_text(instant)})

    def put(self, setting: Mapping[str, Any]) -> dict[str, Any]:
        """Set any of `mode`, `speed` and `now` at once."""
        self._may_move()
        return self._move("PUT", "/_emulator/clock", dict(setting))

    def _may_move(self) -> None:
        if self.refuse is not None:
            self.refuse()

    def _move(self, method: str, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        return self._client.request(method, path, body, timeout=None, patient=True, look=self._refuse_own)

    def _refuse_own(self) -> None:
        waiting_for = self.state().get("advancing", {}).get("waiting_for", ())
        refuse_own(Awaited(each["url"], each["real_seconds"]) for each in waiting_for)
        if self.watch is not None:
            self.watch(list(waiting_for))


class Targets(_Part):
    """Scripted receivers: they answer deliveries without any network, their latency passes in virtual time."""

    def script(
        self, url: str, responses: Iterable[Scripted] | Scripted, then: Literal["repeat-last", "cycle"] = "repeat-last"
    ) -> Script:
        """Script what answers the URLs that match the glob `url`, one response after another.

        A response is a status, an error (`"timeout"`, `"refused"`, `"reset"`) or an object with `status`, `headers`,
        `body`, `latency_seconds` or `error`.
        """
        given = responses if isinstance(responses, int | str | Mapping) else list(responses)
        body = {"url": url, "responses": given, "then": then}
        return Script(self._client.request("POST", "/_emulator/targets", body))

    def list(self) -> list[Script]:
        """Return the scripts in force, newest last, each with how often it was `used`."""
        return _items(self._client.get("/_emulator/targets"), Script)

    def clear(self) -> None:
        """Drop all scripts."""
        self._client.request("DELETE", "/_emulator/targets")


class Faults(_Part):
    """Faults that API requests meet."""

    def add(
        self,
        operation: str = "*",
        *,
        status: int | None = None,
        code: str | None = None,
        retry_after_seconds: int | None = None,
        latency_seconds: float | None = None,
        drop: bool | None = None,
        times: int | None = None,
        probability: float | None = None,
        after: bool | None = None,
    ) -> Fault:
        """Make requests of the operations that match fail (`status`, `code`), wait, or lose their answer (`drop`).

        It happens `times` times, always without; before the operation, or `after` it has happened.
        """
        fault = {
            "operation": operation,
            "status": status,
            "code": code,
            "retry_after_seconds": retry_after_seconds,
            "latency_seconds": latency_seconds,
            "drop": drop,
            "times": times,
            "probability": probability,
            "after": after,
        }
        given = {name: value for name, value in fault.items() if value is not None}
        return Fault(self._client.request("POST", "/_emulator/faults", given))

    def list(self) -> list[Fault]:
        """Return the faults in force, each with how often it was `used`."""
        return _items(self._client.get("/_emulator/faults"), Fault)

    def clear(self) -> None:
        """Drop all faults."""
        self._client.request("DELETE", "/_emulator/faults")


class Account(_Part):
    """The account behind the sandbox's key."""

    def get(self) -> float | None:
        """Return the balance in US dollars; None is unlimited."""
        balance: float | None = self._client.get("/_emulator/account")["balance_usd"]
        return balance

    def set(self, balance_usd: float | None) -> None:
        """Set the balance; at 0 or less every write but a top-up is answered with 402."""
        self._client.request("PUT", "/_emulator/account", {"balance_usd": balance_usd})

    @property
    def balance_usd(self) -> float | None:
        """The balance in US dollars; None is unlimited."""
        return self.get()

    @balance_usd.setter
    def balance_usd(self, balance_usd: float | None) -> None:
        self.set(balance_usd)


class Assumptions(_Part):
    """The answers to what the documentation leaves open."""

    def get(self) -> dict[str, str | int]:
        """Return every assumption with the answer in force."""
        return self._client.get("/_emulator/assumptions")

    def set(self, answers: Mapping[str, str | int | None]) -> dict[str, str | int]:
        """Change the answers named; None returns to the default."""
        return self._client.request("PUT", "/_emulator/assumptions", dict(answers))


class Routes(_Part):
    """Where deliveries are sent instead of the URL configured."""

    def get(self) -> dict[str, str]:
        """Return the routes in force, from the beginning of a URL to what stands there instead."""
        return self._client.get("/_emulator/routes")

    def set(self, routes: Mapping[str, str]) -> dict[str, str]:
        """Replace the routes."""
        return self._client.request("PUT", "/_emulator/routes", dict(routes))


class Sandbox:
    """The sandbox of a client's key. As a context manager it is forgotten at the end.

    A client without a key leads to the emulator's only sandbox; `api_key` is empty then.
    """

    def __init__(self, client: Client) -> None:
        self.client = client
        self.api_key = client.key or ""
        self.base_url = f"{client.url}/v1/scheduling"
        self.clock = Clock(client)
        self.targets = Targets(client)
        self.faults = Faults(client)
        self.account = Account(client)
        self.assumptions = Assumptions(client)
        self.routes = Routes(client)

    def __repr__(self) -> str:
        return f"Sandbox({self.base_url!r})"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.delete()

    @property
    def aio(self) -> "AsyncSandbox":
        """The same as coroutines, for async tests."""
        from .aio import AsyncSandbox  # noqa: PLC0415 - asyncio costs those who await nothing

        return AsyncSandbox(self)

    def deliveries(self, url: str | None = None, since: int | None = None, *, kept: bool = False) -> Log[Delivery]:
        """Return the delivery attempts whose URL matches the glob, after the entry numbered `since`.

        EmulatorError `DROPPED` when some of them may be no longer kept, since to count the rest would mislead; with
        `kept` those that are, whose `dropped` says how many are not.
        """
        log = Log(self.client.get("/_emulator/deliveries", url=url, since=since), Delivery)
        return log if kept else log.whole("deliveries", since)

    def requests(self, operation: str | None = None, since: int | None = None, *, kept: bool = False) -> Log[Request]:
        """Return the API requests whose operation matches the glob, after the entry numbered `since`.

        EmulatorError `DROPPED` when some of them may be no longer kept; with `kept` those that are.
        """
        log = Log(self.client.get("/_emulator/requests", operation=operation, since=since), Request)
        return log if kept else log.whole("requests", since)

    def unused(self) -> list[dict[str, Any]]:
        """Return the scripts, faults and routes that nothing has met: empty when all of them were of use.

        `kind` says which: a `target` with its `url`, a `fault` with its `operation`, or a `route` with `from` and `to`.
        Routes that `serve` was started with are for all sandboxes, and not listed.
        """
        return _items(self.client.get("/_emulator/unused"), dict)

    def summary(self) -> dict[str, Any]:
        """Return the sandbox in short, without making one; EmulatorError `NO_SANDBOX` while its key has none."""
        return self.client.get("/_emulator/sandbox")

    def timeline(self, limit: int | None = None) -> list[TimelineEntry]:
        """Return what is due next, earliest first: all of it, or `limit` entries.

        EmulatorError `TOO_MANY` when that is 10,000 or more and no limit was given.
        """
        due = _items(
            self.client.get("/_emulator/timeline", limit=TIMELINE_MOST if limit is None else limit), TimelineEntry
        )
        if limit is None and len(due) == TIMELINE_MOST:
            raise EmulatorError(0, "TOO_MANY", f"at least {TIMELINE_MOST:,} things are due", "say how many with limit=")
        return due

    def wait_for(self, condition: Callable[[], T], within: float = WITHIN_SECONDS) -> T:
        """Wait until `condition` is true, and return its value; for clocks that run, or work in other threads.

        `within` is in real seconds, also while a test freezes time. TimeoutError says for what it waited in vain.
        """
        return wait_for(condition, within, self.clock.state)

    def relied(self) -> dict[str, Any]:
        """Return which assumptions the session relied on: `items`, `shapes` and whether that is `complete`."""
        return self.client.get("/_emulator/assumptions/relied")

    def snapshot(self) -> dict[str, Any]:
        """Return the whole state, secrets included."""
        return self.client.request("GET", "/_emulator/snapshot", timeout=None, patient=True)

    def restore(self, snapshot: Mapping[str, Any]) -> None:
        """Replace the state by a snapshot."""
        self.client.request("PUT", "/_emulator/snapshot", dict(snapshot), timeout=None, patient=True)

    def reset(
        self,
        *,
        seed: int | None = None,
        now: Instant | None = None,
        assumptions: Mapping[str, str | int] | None = None,
    ) -> None:
        """Make the sandbox as new, its clock, scripts and ids too. What is given is its beginning from now on."""
        body = {
            "seed": seed,
            "now": None if now is None else instant_text(now),
            "assumptions": None if assumptions is None else dict(assumptions),
        }
        self.client.request(
            "POST", "/_emulator/reset", {name: value for name, value in body.items() if value is not None}
        )

    def delete(self) -> None:
        """Forget the sandbox; the next request with its key makes a new one."""
        self.client.request("DELETE", "/_emulator/sandbox")


def _items(answer: Mapping[str, Any], kind: Callable[[Any], E]) -> list[E]:
    return [kind(item) for item in answer["items"]]


def _seconds(span: timedelta | str) -> float:
    if isinstance(span, timedelta):
        return span.total_seconds()
    if isinstance(span, str):
        return parse_duration(span, "advance()")
    raise TypeError(
        f"advance() takes a timedelta, a duration such as '3w', or units such as seconds=60 by name, got {span!r}"
    )


def instant_text(instant: Instant) -> str:
    """Return an instant as the control API reads it; a naive datetime is UTC."""
    if isinstance(instant, str):
        return instant
    return (instant if instant.tzinfo else instant.replace(tzinfo=UTC)).isoformat()
