"""Lets a sandbox's clock follow the time that freezegun or time-machine shows the test.

    with follow(box), freeze_time("2026-03-01") as frozen:
        frozen.tick(timedelta(hours=3))     # what is due in these three hours has happened when it returns

Neither library has a hook, so while somebody follows, their public methods that start a freeze or move it are wrapped.
Leaving a freeze changes nothing. A clock that runs (`tick=True`) is followed at each move and runs on its own between.
freezegun's auto-tick is not followed: another process cannot see it.

A receiver in the test's process sees the instant of its event: each move stops at up to `STEPS` instants, with the
library's time set to them. What is due after those happens in one go and sees the end of the move.
"""

import functools
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from sched_emulator.client.http import BACKWARD, EmulatorError
from sched_emulator.client.own_loop import BlockedLoopError
from sched_emulator.client.sandbox import Clock, Sandbox
from sched_emulator.core.instants import from_text, to_text

from .frozen_time import Source, installed_sources, methods, shown_by

__tracebackhide__ = True  # a failing test shows its own lines

STEPS = 500
NS_PER_MS = 1_000_000

_followers: "list[_Follower]" = []
_wrapped: list[tuple[type, str, Any]] = []
_moving = threading.Lock()
_thread = threading.local()


class BackwardError(Exception):
    """The test's time went back; a sandbox's cannot, once something has happened in it."""


@contextmanager
def follow(box: Sandbox) -> Iterator[None]:
    """Let a sandbox's clock follow the test's frozen time, from now to the end of the block."""
    sources = installed_sources()
    if not sources:
        raise RuntimeError("there is no frozen time to follow: install freezegun or time-machine")
    follower = _Follower(box)
    box.clock.refuse = functools.partial(_refuse, sources)
    if not _followers:
        _wrap(sources)
    _followers.append(follower)
    try:
        with _exclusively():
            _catch_up(sources, [follower])
        yield
    finally:
        box.clock.refuse = None
        _followers.remove(follower)
        if not _followers:
            _unwrap()


def _refuse(sources: list[Source]) -> None:
    """Refuse to move the clock by hand while a library shows a time, which would be left behind."""
    if shown_by(sources) is not None:
        raise RuntimeError(
            "this sandbox's clock follows the test's frozen time: move that (`tick` or `move_to` of freezegun, `shift`"
            " or `move_to` of time-machine), or let it not be followed: @pytest.mark.sched_emulator(follow=False)"
        )


# The wrapped methods


def _wrap(sources: list[Source]) -> None:
    for source, owner, name in methods(sources, "starts"):
        _replace(owner, name, functools.partial(_followed, sources, source, _stop))
    for source, owner, name in methods(sources, "moves"):
        _replace(owner, name, functools.partial(_followed, sources, source, _move_back))
    for _, owner, name in methods(sources, "silent"):
        _replace(owner, name, _silent)


def _replace(owner: type, name: str, make: Callable[[Any], Any]) -> None:
    original = vars(owner)[name]
    _wrapped.append((owner, name, original))
    setattr(owner, name, make(original))


def _unwrap() -> None:
    while _wrapped:
        owner, name, original = _wrapped.pop()
        setattr(owner, name, original)


def _stop(_source: Source, freeze: Any, _before_ns: int | None) -> None:
    freeze.stop()  # nobody else would: what failed to start is never left


def _move_back(source: Source, _moved: Any, before_ns: int | None) -> None:
    if before_ns is not None:
        source.set_ns(before_ns)


def _followed(
    sources: list[Source], source: Source, undo: Callable[[Source, Any, int | None], None], original: Any
) -> Any:
    """Return a method that does what `original` does, and then lets all followers catch up; if they cannot, `undo`."""

    @functools.wraps(original)
    def method(this: Any, *args: Any, **kwargs: Any) -> Any:
        if _is_busy():
            return original(this, *args, **kwargs)
        with _exclusively():
            before_ns = source.now_ns()
            result = original(this, *args, **kwargs)
            try:
                _catch_up(sources, _followers)
            except BaseException:
                undo(source, this, before_ns)
                raise
            return result

    return method


def _silent(original: Any) -> Any:
    """Return a method during which moves are not followed."""

    @functools.wraps(original)
    def method(this: Any, *args: Any, **kwargs: Any) -> Any:
        busy, _thread.busy = _is_busy(), True
        try:
            return original(this, *args, **kwargs)
        finally:
            _thread.busy = busy

    return method


def _is_busy() -> bool:
    """Say whether this thread is in the middle of a move: libraries implement one method by another."""
    return getattr(_thread, "busy", False)


@contextmanager
def _exclusively() -> Iterator[None]:
    if not _moving.acquire(blocking=False):
        raise RuntimeError("time cannot be moved while deliveries of an earlier move are under way")
    _thread.busy = True
    try:
        yield
    finally:
        _thread.busy = False
        _moving.release()


def _catch_up(sources: list[Source], followers: "list[_Follower]") -> None:
    source = shown_by(sources)
    if source is not None:
        for follower in followers:
            follower.catch_up(source)


# One sandbox


class _Follower:
    """One sandbox that follows. It speaks blocking HTTP: freezegun stops the timers of event loops."""

    def __init__(self, box: Sandbox) -> None:
        self._clock = Clock(box.client)
        self._set_ms: int | None = None

    def catch_up(self, source: Source) -> None:
        """Bring the sandbox to the instant shown, with everything due on the way."""
        target_ns, running = source.now_ns(), source.is_running()
        assert target_ns is not None
        target_ms = target_ns // NS_PER_MS
        clock = self._clock.state()
        if clock["mode"] == "frozen" and not running:
            self._step(source, clock, target_ms)
            source.set_ns(target_ns)
        mode = "wall" if running else "frozen"
        try:
            self._put({"now": to_text(target_ms), "mode": mode})
        except BackwardError:
            if self._set_ms is None or target_ms < self._set_ms:
                raise
            if clock["mode"] == "frozen":
                raise BackwardError(
                    f"the sandbox's clock stands at {clock['now']}, where the test's time did not lead it:"
                    " move it by the test's time alone; use a fresh sandbox"
                ) from None
            self._put({"mode": mode})  # it is further only because it ran since the last move
        self._set_ms = source.last_set_ns() // NS_PER_MS

    def _step(self, source: Source, clock: dict[str, Any], target_ms: int) -> None:
        """Stop at each instant at which something is due before the target, with the test's time set to it."""
        for _ in range(STEPS):
            next_at = clock["next_event_at"]
            if next_at is None or from_text(next_at) >= target_ms:
                break
            source.set_ns(from_text(next_at) * NS_PER_MS)
            clock = self._put({"now": next_at})

    def _put(self, setting: dict[str, Any]) -> dict[str, Any]:
        try:
            return self._clock.put(setting)
        except BlockedLoopError as error:
            raise RuntimeError(
                f"the move waits for {error.url}, served by an event loop that stands still meanwhile:"
                " move time with `await asyncio.to_thread(frozen.tick, ...)`"
            ) from None
        except EmulatorError as error:
            if error.code == BACKWARD:
                raise BackwardError(f"the test's time went back: {error.message}; use a fresh sandbox") from None
            raise
