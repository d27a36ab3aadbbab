"""Lets a sandbox's clock follow the time that freezegun or time-machine shows the test.

    with follow(box), freeze_time("2026-03-01") as frozen:
        frozen.tick(timedelta(hours=3))     # everything due in these three hours has happened when it returns

Neither library has a hook, so while somebody follows, their public methods that start a freeze or move it are wrapped.
Leaving a freeze changes nothing. A clock that runs (`tick=True`) is followed at each move and runs on its own between.
freezegun's auto-tick is not followed: another process cannot see it.

A receiver in the test's process sees the instant of its event: each move stops at up to `STEPS` instants, with the
library's time set to them. What is due after those happens in one go, and sees the end of the move.
"""

import functools
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from .client import Client, EmulatorError, UnreachableError
from .core.instants import from_text, to_text
from .frozen_time import Source, installed_sources
from .handles import Sandbox

STEPS = 500
LOOP_PATIENCE_SECONDS = 1.0
LOOP_PAUSE_SECONDS = 0.02

_followers: "list[_Follower]" = []
_moving = threading.Lock()
_thread = threading.local()


class BackwardError(Exception):
    """The test's time went back; a sandbox's clock cannot, once something has happened in it."""


@contextmanager
def follow(box: Sandbox) -> Iterator[None]:
    """Let a sandbox's clock follow the test's frozen time, from now to the end of the block."""
    sources = installed_sources()
    if not sources:
        raise RuntimeError("there is nothing to follow: install freezegun or time-machine")
    follower = _Follower(box, sources)
    undo = [] if _followers else _wrap(sources)
    _followers.append(follower)
    try:
        with _exclusive():
            follower.catch_up()
        yield
    finally:
        _followers.remove(follower)
        if not _followers:
            _unwrap()
        follower.close()
