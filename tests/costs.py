"""What something costs, for tests that compare two costs of the same run: what a machine is like cancels out."""

from collections.abc import Callable
from time import thread_time

FEWEST_ROUNDS = 3
MOST_ROUNDS = 30


def seconds(work: Callable[[], object]) -> float:
    """Return the CPU seconds of one run."""
    began = thread_time()
    work()
    return thread_time() - began


def cheaper(work: Callable[[], object], than: Callable[[], object], times: float = 1.0) -> bool:
    """Return whether `work` costs less than `times` what `than` costs."""
    return less(lambda: (seconds(work), seconds(than)), times)


def less(measured: Callable[[], tuple[float, float]], times: float) -> bool:
    """Return whether the first of two costs is less than `times` the second.

    What else a machine does only adds to a cost, so the least of several rounds counts, and a busy one gets more.
    """
    rounds = (measured() for _ in range(MOST_ROUNDS))
    least_work, least_than = next(rounds)
    for number, (work, than) in enumerate(rounds, 2):
        least_work, least_than = min(least_work, work), min(least_than, than)
        if number >= FEWEST_ROUNDS and least_work < times * least_than:
            return True
    return False
