"""A virtual year of a thousand crons of mixed zones and intervals, with receivers that fail and are slow.

Then what the cost grows with: fires alone, neither the seconds that pass nor the crons that stand by.
"""

from collections.abc import Callable, Sequence
from functools import partial
from hashlib import blake2b

from bench.measuring import DAY_MS, call, loop_seconds, new_sandbox, say, say_row, script, seconds
from sched_emulator.config import FROZEN_START_MS
from sched_emulator.core.sandbox import Sandbox

WIDTHS = (46, 12, 14, 10)
ZONES = ("UTC", "America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "Asia/Kathmandu", "America/Sao_Paulo")
INTERVALS = ("0 * * * *", "0 */6 * * *", "30 2 * * *", "15 9 * * 1-5", "0 12 * * 0", "0 0 1 * *", "0 0 29 2 *")
SHARES = (2, 10, 40, 20, 15, 12, 1)  # in a hundred crons
RECEIVERS = (
    {"url": "https://fine.acme.com/*", "responses": [{"status": 200}]},
    {"url": "https://slow.acme.com/*", "responses": [{"latency_seconds": 120}]},
    {"url": "https://flaky.acme.com/*", "responses": [{"status": 500}, {"status": 200}], "then": "cycle"},
    {"url": "https://down.acme.com/*", "responses": [{"error": "timeout"}]},
)
HOSTS = ("fine", "fine", "fine", "slow", "flaky", "down")
POLICIES = ("allow", "skip", "queue")


def mixed(crons: int) -> Sandbox:
    """Return a sandbox with crons of every interval, zone, receiver and overlap policy."""
    sandbox = new_sandbox()
    script(sandbox, *RECEIVERS)
    expressions = [expression for expression, share in zip(INTERVALS, SHARES, strict=True) for _ in range(share)]
    for number in range(crons):
        arguments = {
            "cron_expr": expressions[number * 37 % len(expressions)],
            "timezone": ZONES[number % len(ZONES)],
            "task": f"https://{HOSTS[number % len(HOSTS)]}.acme.com/{number}",
            "overlap_policy": POLICIES[number % len(POLICIES)],
            "retry": 1,
        }
        call(sandbox, "scheduling.cron.create", **arguments)
    return sandbox


def pass_time(sandbox: Sandbox, days: float) -> float:
    """Let days pass and return the seconds that it took."""
    return seconds(lambda: sandbox.poll(FROZEN_START_MS + int(days * DAY_MS)))


def active(expression: str, crons: int, idle: int = 0) -> Sandbox:
    """Return a sandbox with crons that fire, and others that stand by for the 29 February.

    Their runs are kept for no day at all, so that dropping them costs the same however long the crons run.
    """
    sandbox = new_sandbox()
    script(sandbox, {"url": "*", "responses": [{"status": 200}]})
    for number in range(crons + idle):
        arguments = {"cron_expr": expression if number < crons else "0 0 29 2 *", "task": "https://api.acme.com/x"}
        cron = call(sandbox, "scheduling.cron.create", **arguments)
        call(sandbox, "scheduling.cron.retention.set", cron_id=cron["cron_id"], retention_days=0)
    return sandbox


def table(title: str, cases: Sequence[tuple[str, Callable[[], Sandbox], float]], rounds: int) -> None:
    """Print what a fire costs in each case, in loops, the best of some rounds, and the ratio to the first case."""
    costs, fires = [float("inf")] * len(cases), [0] * len(cases)
    for _ in range(rounds):
        for number, (_name, make, days) in enumerate(cases):
            sandbox = make()
            took = pass_time(sandbox, days)
            fires[number] = sandbox.store.fired
            costs[number] = min(costs[number], took / sandbox.store.fired)
    loop = loop_seconds()
    say_row(title, "fires", "loops a fire", "ratio", widths=WIDTHS)
    for (name, _make, _days), count, cost in zip(cases, fires, costs, strict=True):
        say_row(name, f"{count:,}", f"{cost / loop:.2f}", f"{cost / costs[0]:.2f}", widths=WIDTHS)


def run(*, quick: bool) -> None:
    """Print the year and the three tables."""
    crons, days, rounds, few = (20, 7, 1, 1) if quick else (1000, 365, 3, 40)
    say(f"growth: {crons:,} crons of mixed zones and intervals over {days} virtual days, on the core")
    sandbox, again = mixed(crons), mixed(crons)
    took = pass_time(sandbox, days)
    loops = took / sandbox.store.fired / loop_seconds()
    say(f"  {sandbox.store.fired:,} events in {took:.1f} s of CPU time, {loops:.2f} loops each")
    pass_time(again, days)
    states = [blake2b(box.snapshot(), digest_size=8).hexdigest() for box in (sandbox, again)]
    say(f"  run a second time, the snapshot is {'the same' if states[0] == states[1] else 'ANOTHER'}: {states[0]}")
    intervals = ("0 */4 * * *", "0 * * * *", "*/15 * * * *")
    table(
        "fires: as many crons and days, other intervals",
        [(expression, partial(active, expression, few), 30) for expression in intervals],
        rounds,
    )
    shapes = ((36 * few, 40), (6 * few, 240), (few, 1440))
    table(
        "seconds: as many fires of a daily cron",
        [
            (f"{some:,} crons over {length:,} days", partial(active, "0 0 * * *", some), length)
            for some, length in shapes
        ],
        rounds,
    )
    sizes = (0, 10, 100) if quick else (0, 1_000, 100_000)
    table(
        "idle crons beside those that fire",
        [(f"{idle:,}", partial(active, "0 * * * *", few, idle), 30) for idle in sizes],
        rounds,
    )
    say()
