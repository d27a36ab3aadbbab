"""How long the emulator serves nobody: the longest turn of its loop while long work is under way.

Told in CPU time of the server's thread, in loops, and as a share of the whole work: 100 % is work done in one piece.
"""

from collections.abc import Callable
from typing import Any

from bench.measuring import loop_seconds, say, say_row
from bench.serving import Used, serving
from sched_emulator.client.http import Client
from sched_emulator.client.sandbox import Sandbox

BATCH = 100
SPREAD_SECONDS = 3_600
SPEED = 500_000  # on which the spread is over in 7 ms
WIDTHS = (46, 12, 12, 12, 10)


class Case:
    """A sandbox, filled so that something takes long."""

    def __init__(self, port: int) -> None:
        self._client = Client(f"http://127.0.0.1:{port}", "ifr_bench")
        self._sandbox = Sandbox(self._client)

    def call(self, path: str, **body: Any) -> None:
        """Call the emulated API."""
        self._client.request("POST", f"/v1/scheduling/{path}", body, timeout=None)

    def crons(self, days: int) -> Callable[[], object]:
        """Have a cron fire every minute, to a scripted receiver; the work is an advance over days."""
        self._sandbox.targets.script("*", 200)
        self.call("cron/create", cron_expr="* * * * *", task="https://api.acme.com/minutely")
        return lambda: self._sandbox.clock.advance(days=days)

    def session(self, rounds: int) -> Callable[[], object]:
        """Hold a session that asks many of the open questions; the work is to find which of them it relied on."""
        self._sandbox.targets.script("*", [200, 500], then="cycle")
        self.call("cron/create", cron_expr="*/10 * * * *", task="https://api.acme.com/often", retry=1)
        for number in range(rounds):
            self.call("queue/publish", queue="orders", payload={"n": number})
            self.call("queue/consume", queue="orders", max_messages=1)
            if not number % 10:
                self._sandbox.clock.advance(minutes=10)
        return self._sandbox.relied

    def purge(self, messages: int) -> Callable[[], object]:
        """Fill a queue, half of it delayed; the work is to purge it."""
        self._fill(messages)
        return lambda: self.call("queue/purge/orders")

    def reset(self, messages: int) -> Callable[[], object]:
        """Fill a queue, half of it delayed; the work is to reset the sandbox."""
        self._fill(messages)
        return self._sandbox.reset

    def behind(self, messages: int) -> Callable[[], object]:
        """Delay messages; the work is what a running clock does when they are all due sooner than it can do it."""
        self._fill(messages, delayed_one_in=1)
        return lambda: self._sandbox.clock.resume(SPEED)

    def _fill(self, messages: int, delayed_one_in: int = 2) -> None:
        for first in range(0, messages, BATCH):
            batch = [
                {"payload": {"n": number}, "delay_seconds": 0 if number % delayed_one_in else number % SPREAD_SECONDS}
                for number in range(first, first + BATCH)
            ]
            self.call("queue/publish_batch", queue="orders", messages=batch)


CASES: dict[str, tuple[Callable[[Case, int], Callable[[], object]], int, int]] = {
    "an advance over {:,} days of a minutely cron": (Case.crons, 30, 1),
    "`relied` of a session of {:,} messages": (Case.session, 3_000, 10),
    "a purge of {:,} messages": (Case.purge, 200_000, 1_000),
    "a reset of a sandbox with {:,} messages": (Case.reset, 200_000, 1_000),
    "a running clock behind by {:,} messages": (Case.behind, 100_000, 1_000),
}


def measure(prepare: Callable[[Case, int], Callable[[], object]], size: int) -> tuple[float, float]:
    """Return the CPU seconds of the longest turn, and those of the whole work, in a server of its own."""
    with serving("emulator") as server:
        work = prepare(Case(server.port), size)
        before: Used = server.used_when_idle()
        work()
        after = server.used_when_idle()
    return after.longest_turn, after.cpu - before.cpu


def run(*, quick: bool) -> None:
    """Print a row for each kind of long work."""
    say("turns: CPU time for which the server's loop serves nobody, at the longest, while it has long work to do")
    loop = loop_seconds()
    say_row("work", "longest, ms", "loops", "in all, ms", "share", widths=WIDTHS)
    for title, (prepare, usual, small) in CASES.items():
        size = small if quick else usual
        longest, whole = measure(prepare, size)
        told = f"{longest * 1e3:.1f}", f"{longest / loop:,.0f}", f"{whole * 1e3:,.0f}", f"{longest / whole:.0%}"
        say_row(title.format(size), *told, widths=WIDTHS)
    say()
