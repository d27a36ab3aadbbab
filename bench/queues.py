"""Operations on a queue of a million messages beside one of a thousand, on the core, without HTTP.

What is reported is the time of one operation on the small queue, in loops, and that on the large one over it: 1.00
means that the number of messages does not matter.
"""

from collections.abc import Callable
from itertools import count
from typing import Any

from bench.measuring import call, loop_seconds, new_sandbox, peak_megabytes, say, say_row, seconds
from sched_emulator.core.sandbox import Sandbox

WIDTHS = (10, 16, 16, 10)
OPERATIONS = ("publish", "consume", "ack", "stats")


class Filled:
    """A queue that holds so many messages."""

    def __init__(self, messages: int) -> None:
        self._sandbox: Sandbox = new_sandbox()
        self._acked = count(1)
        self._call("queue.create", queue="orders", max_retries=5)
        for number in range(messages):
            self._call("queue.publish", queue="orders", payload={"n": number})

    def costs(self, repeats: int) -> dict[str, float]:
        """Return the seconds that one of each operation takes; as many are acked as were published."""
        steps: dict[str, Callable[[], Any]] = {
            "publish": lambda: self._call("queue.publish", queue="orders", payload={"n": 0}),
            "consume": lambda: self._call("queue.consume", queue="orders", max_messages=1),
            "ack": lambda: self._call("queue.ack", queue="orders", message_id=f"msg_{next(self._acked):06d}"),
            "stats": lambda: self._call("queue.stats", queue="orders"),
        }
        return {name: _repeated(step, repeats) / repeats for name, step in steps.items()}

    def _call(self, operation: str, **arguments: Any) -> None:
        call(self._sandbox, f"scheduling.{operation}", **arguments)


def _repeated(step: Callable[[], Any], repeats: int) -> float:
    return seconds(lambda: [step() for _ in range(repeats)])


def run(*, quick: bool) -> None:
    """Print the time of each operation at both sizes."""
    small, large, repeats, rounds = (100, 2_000, 50, 2) if quick else (1_000, 1_000_000, 500, 9)
    say(f"queues: CPU time of an operation on the core, in loops, {small:,} and {large:,} messages")
    sizes = [Filled(small), Filled(large)]
    best = [dict.fromkeys(OPERATIONS, float("inf")) for _ in sizes]
    for _ in range(rounds):
        for found, filled in zip(best, sizes, strict=True):
            for name, time in filled.costs(repeats).items():
                found[name] = min(found[name], time)
    loop = loop_seconds()
    say_row("operation", f"{small:,}", f"{large:,}", "ratio", widths=WIDTHS)
    for name in OPERATIONS:
        times = [found[name] for found in best]
        say_row(name, *(f"{time / loop:.2f}" for time in times), f"{times[1] / times[0]:.2f}", widths=WIDTHS)
    say(f"  peak memory {peak_megabytes():,.0f} MB\n")
