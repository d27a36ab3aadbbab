"""What something costs, for tests that compare two costs of the same run: what a machine is like cancels out."""

from collections.abc import Callable
from time import thread_time


def seconds(work: Callable[[], object]) -> float:
    """Return the CPU seconds of the quickest of a few runs."""
    return min(_once(work) for _ in range(5))


def seconds_in_turn(*works: Callable[[], object], rounds: int) -> list[float]:
    """Return the CPU seconds of the quickest run of each work, when all are done again and again in turn.

    What else a machine does only ever adds to a cost. A work of a millisecond is often left alone by it.
    """
    runs = [[_once(work) for work in works] for _ in range(rounds)]
    return [min(costs) for costs in zip(*runs, strict=True)]


def _once(work: Callable[[], object]) -> float:
    began = thread_time()
    work()
    return thread_time() - began
