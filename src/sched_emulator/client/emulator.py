"""`Emulator`: one that is started for the occasion, or one that already runs, and the sandboxes in it."""

import itertools
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from difflib import get_close_matches
from types import TracebackType
from typing import Any, Literal, Self, TypedDict, Unpack

from sched_emulator.config import parse_clock, reachable_host

from .child import Child
from .http import DEFAULT_URL, Client
from .sandbox import Instant, Sandbox, instant_text

__tracebackhide__ = True  # a failing test shows its own lines

Answers = Mapping[str, str | int]
Path = str | os.PathLike[str]
OWN_PREFIX = "ifr_sandbox_"  # of the keys of fresh sandboxes


class ServeOptions(TypedDict, total=False):
    """The options of `sched-emulator serve`. A mapping stands for an option that may be given repeatedly."""

    host: str
    port: int
    allow_host: str | Iterable[str]
    clock: str
    now: Instant
    dialect: Literal["documented", "observed"]
    assume: Answers
    assumptions: Answers | Path
    route: Mapping[str, str]
    deliver: Literal["loopback", "all", "none"]
    uncovered: Literal["capture", "refuse"]
    strict_urls: bool
    delivery_timeout: float | str | timedelta
    delivery_concurrency: int
    signature_clock: Literal["virtual", "real"]
    seed: int
    keys: str | Iterable[str]
    load: Path
    record: Path
    max_body: int
    max_snapshot: int
    keep: int
    journal: int
    log: Literal["text", "json", "quiet"]


@contextmanager
def without_shell_options() -> Iterator[None]:
    """Pass over the variables in somebody's shell that set options of `serve`: a test means the same everywhere."""
    names = [f"SCHED_EMULATOR_{name.upper()}" for name in ServeOptions.__annotations__]
    set_by_shell = {name: os.environ.pop(name) for name in names if name in os.environ}
    try:
        yield
    finally:
        os.environ.update(set_by_shell)


class Emulator:
    """A running emulator: `start` makes one, `connect` finds one. As a context manager it is stopped at the end."""

    def __init__(self, url: str, *, child: Child | None = None) -> None:
        self.client = Client(url)
        self._child = child
        self._prefix = OWN_PREFIX if child else f"{OWN_PREFIX}{os.urandom(4).hex()}_"
        self._numbers = itertools.count(1)
        self.url = self.client.url

    @classmethod
    def start(cls, **options: Unpack[ServeOptions]) -> Self:
        """Start an emulator as a child process, with the options of `serve` as keywords.

        By default it takes a free port, says nothing, and its clock is frozen, also that of a snapshot to `load`. It
        ends with `stop`, and with this process. `journal` is how many requests, and how many deliveries, each sandbox
        keeps.
        """
        options = {"host": "localhost", "clock": "frozen", "log": "quiet", **options}
        child = Child(serve_arguments(options))
        return cls(f"http://{reachable_host(options['host'])}:{child.port}", child=child)

    @classmethod
    def connect(cls, url: str = DEFAULT_URL) -> Self:
        """Find an emulator that already runs. It is not stopped by `stop`."""
        emulator = cls(url)
        emulator.health()
        return emulator

    def __repr__(self) -> str:
        return f"Emulator({self.url!r})"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Close the connections, and end the emulator if it was started here."""
        self.client.close()
        if self._child is not None:
            self._child.stop()

    def health(self) -> dict[str, Any]:
        """Return `status`, `version`, `instance`, `tzdata` and the number of `sandboxes`."""
        return self.client.get("/_emulator/health")

    def sandboxes(self) -> list[dict[str, Any]]:
        """Return a summary of each sandbox."""
        items: list[dict[str, Any]] = self.client.get("/_emulator/sandboxes")["items"]
        return items

    def sandbox(
        self,
        key: str | None = None,
        *,
        clock: str | None = None,
        now: Instant | None = None,
        assumptions: Answers | None = None,
        seed: int | None = None,
    ) -> Sandbox:
        """Return a sandbox: a fresh one, or that of `key`.

        `now`, `assumptions` and `seed` are the beginning of a fresh sandbox, to which `reset` returns; the one of a
        `key` they only change, but for its seed, which stays: ValueError. `clock` is `frozen`, `wall` or a speed like
        `60x`. Without it a fresh sandbox has the clock that the emulator was started with, or, in one that was only
        connected to, a frozen one; that of a `key` stays as it is.
        """
        if key is not None and seed is not None:
            raise ValueError("seed= is the beginning of a fresh sandbox; that of a key gets another by reset(seed=…)")
        if key is None:
            key = f"{self._prefix}{next(self._numbers)}"
            return self._begun(key, clock=clock, now=now, assumptions=assumptions, seed=seed)
        box = Sandbox(self.client.with_key(key))
        if now is not None:
            box.clock.put({"now": instant_text(now)})
        if assumptions is not None:
            box.assumptions.set(assumptions)
        return _with_clock(box, clock)

    def renewed(
        self,
        key: str,
        *,
        clock: str | None = None,
        now: Instant | None = None,
        assumptions: Answers | None = None,
        seed: int | None = None,
    ) -> Sandbox:
        """Return the sandbox of `key` as `sandbox` returns a fresh one: whatever it held is forgotten."""
        Sandbox(self.client.with_key(key)).delete()
        return self._begun(key, clock=clock, now=now, assumptions=assumptions, seed=seed)

    def _begun(
        self, key: str, *, clock: str | None, now: Instant | None, assumptions: Answers | None, seed: int | None
    ) -> Sandbox:
        box = Sandbox(self.client.with_key(key))
        if now is not None or assumptions is not None or seed is not None:
            box.reset(seed=seed, now=now, assumptions=assumptions)
        return _with_clock(box, clock or (None if self._child else "frozen"), now)


def _with_clock(box: Sandbox, clock: str | None, now: Instant | None = None) -> Sandbox:
    """Set the clock of a sandbox; a fresh one that is frozen stands at `now`, however long it has run until then."""
    if clock is None:
        box.clock.state()  # makes it
        return box
    mode, speed = parse_clock(clock, "clock")
    frozen_at = {"now": instant_text(now)} if mode == "frozen" and now is not None else {}
    box.clock.put({"mode": mode, "speed": speed, **frozen_at})
    return box


def serve_arguments(options: Mapping[str, Any]) -> list[str]:
    """Return the options of `serve`, given as keywords, as a command line."""
    known = ServeOptions.__annotations__
    for name in options:
        if name not in known:
            close = get_close_matches(name, known, n=1)
            hint = f"did you mean {close[0]!r}?" if close else f"there are {', '.join(sorted(known))}"
            raise TypeError(f"Emulator.start() knows no option {name!r}; {hint}")
    return [argument for name, value in options.items() for argument in _argument(name, value)]


def _argument(name: str, value: Any) -> Iterator[str]:
    if name == "assumptions" and isinstance(value, Mapping):
        name = "assume"
    if isinstance(value, timedelta):
        value = value.total_seconds()
    if name == "delivery_timeout" and not isinstance(value, str):
        value = f"{value:f}s"
    flag = f"--{name.replace('_', '-')}"
    if value is True:
        yield flag
    elif isinstance(value, Mapping):
        yield from (f"{flag}={left}={right}" for left, right in value.items())
    elif value is not False:
        yield f"{flag}={_text(value)}"


def _text(value: Any) -> str:
    if isinstance(value, datetime):
        return instant_text(value)
    if isinstance(value, os.PathLike):
        return str(os.fspath(value))
    if isinstance(value, Iterable) and not isinstance(value, str):
        return ",".join(value)
    return str(value)
