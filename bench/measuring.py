"""What the topics share: sandboxes, stop watches and tables."""

import resource
import sys
from collections.abc import Callable, Sequence
from time import process_time

from sched_emulator.core.records import Settings
from sched_emulator.core.sandbox import Sandbox
from sched_emulator.spec import assumptions

START_MS = 1_767_225_600_000  # 2026-01-01T00:00:00Z
DAY_MS = 86_400_000


def new_sandbox() -> Sandbox:
    """Return an empty sandbox with a frozen clock and default answers."""
    settings = Settings(
        seed=0,
        start_ms=START_MS,
        mode="frozen",
        speed=1.0,
        answers=assumptions.defaults(),
        routes={},
        deliver="none",
        uncovered="capture",
        strict_urls=False,
    )
    return Sandbox.new(settings)


def seconds(work: Callable[[], object]) -> float:
    """Return how much of a processor's time a piece of work takes, whatever else the machine does meanwhile."""
    began = process_time()
    work()
    return process_time() - began


def peak_megabytes() -> float:
    """Return the most memory that this process has had so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def say(text: str = "") -> None:
    """Print a line at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def say_row(*cells: str, widths: Sequence[int]) -> None:
    """Print a row of a table: the first cell to the left, numbers to the right."""
    first, *others = zip(cells, widths, strict=True)
    say(f"  {first[0]:<{first[1]}}" + "".join(f"{text:>{width}}" for text, width in others))
