"""What checks share where each request may cost: made by whoever needs it first, and there for all others."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, TypeVar

from .results import Exchange

Thing = TypeVar("Thing")


class Sharing:
    """Things by name, each with the exchanges that made it, which whoever uses it shows among its own."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._locks: dict[str, threading.RLock] = {}
        self._made: dict[str, tuple[Any, list[Exchange]]] = {}

    def get(self, name: str, make: Callable[[], Thing], trace: list[Exchange]) -> Thing:
        """Return the thing of a name, made if it is not there yet; what could not be made is tried again by the next.

        Nothing that is shared may wait for the answer to a question whose probe uses it.
        """
        with self._locked(name):
            if name not in self._made:
                began = len(trace)
                thing = make()
                trace[began:] = [item if item.shared else replace(item, shared=name) for item in trace[began:]]
                self._made[name] = thing, trace[began:]
                return thing
            thing, exchanges = self._made[name]
            trace += [item for item in exchanges if not any(item is known for known in trace)]
            return thing

    @contextmanager
    def lend(self, name: str, make: Callable[[], Thing], trace: list[Exchange]) -> Iterator[Thing]:
        """Lend a thing to one at a time; who fails has spoilt it, and the next gets another."""
        with self._locked(name):
            try:
                yield self.get(name, make, trace)
            except BaseException:
                self._made.pop(name, None)
                raise

    def _locked(self, name: str) -> threading.RLock:
        with self._lock:
            return self._locks.setdefault(name, threading.RLock())
