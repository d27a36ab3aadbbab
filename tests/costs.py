"""What something costs, for tests that compare two costs of the same run: what a machine is like cancels out."""

from collections.abc import Callable
from time import thread_time


def seconds(work: Callable[[], object]) -> float:
    """Return the CPU seconds of the quickest of a few runs."""

    def once() -> float:
        began = thread_time()
        work()
        return thread_time() - began

    return min(once() for _ in range(5))
