"""Long work: a generator that yields now and then, so that others get their turn, and returns its result."""

from collections.abc import Generator
from typing import TypeVar

Result = TypeVar("Result")


def at_once(work: Generator[None, None, Result]) -> Result:
    """Do long work to its end, where nobody else waits for a turn, and return its result."""
    while True:
        try:
            next(work)
        except StopIteration as done:
            result: Result = done.value
            return result
