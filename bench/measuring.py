"""What the topics share: sandboxes, stop watches, the unit that figures are told in, and tables.

Times are CPU times: what else the machine does meanwhile is no part of them. How fast the machine is would be, so a
time is told in *loops*: how often a fixed pure-Python loop, measured in the same run, ends in that time.
"""

import resource
import sys
from collections.abc import Callable, Sequence
from time import process_time
from typing import Any

from msgspec import convert

from sched_emulator.config import FROZEN_START_MS
from sched_emulator.core.dispatch import Facts
from sched_emulator.core.records import Settings, Target
from sched_emulator.core.sandbox import Sandbox
from sched_emulator.spec import assumptions

DAY_MS = 86_400_000
STEPS = 100  # of a loop: some microseconds
LOOPS, ROUNDS = 500, 20


def new_sandbox() -> Sandbox:
    """Return an empty sandbox with a frozen clock and default answers."""
    settings = Settings(
        seed=0,
        start_ms=FROZEN_START_MS,
        mode="frozen",
        speed=1.0,
        answers=assumptions.defaults(),
        routes={},
        deliver="none",
        uncovered="capture",
        strict_urls=False,
    )
    return Sandbox.new(settings)


def call(sandbox: Sandbox, operation_id: str, **arguments: Any) -> Any:
    """Perform an operation and return its result."""
    return sandbox.call(operation_id, arguments, facts=Facts()).result


def script(sandbox: Sandbox, *receivers: dict[str, Any]) -> None:
    """Script receivers, in the fields of their records."""
    for receiver in receivers:
        sandbox.add_target(convert(receiver, Target))


def seconds(work: Callable[[], object]) -> float:
    """Return how much of a processor's time a piece of work takes, whatever else the machine does meanwhile."""
    began = process_time()
    work()
    return process_time() - began


def loop_seconds() -> float:
    """Return what one loop takes here and now, the best of some rounds."""
    return min(seconds(lambda: [_loop() for _ in range(LOOPS)]) for _ in range(ROUNDS)) / LOOPS


def _loop() -> dict[int, str]:
    """Do a little of what Python code does: count, compare, call, look up, build."""
    seen: dict[int, str] = {}
    for number in range(STEPS):
        key = number * 7 % 64
        if key not in seen:
            seen[key] = str(key)
    return seen


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
