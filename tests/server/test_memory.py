"""What a sandbox costs in memory while nothing happens in it."""

import asyncio
import gc
import tracemalloc
from typing import Any

import pytest

from sched_emulator.config import Config
from sched_emulator.server.app import App
from sched_emulator.server.exchange import Received, perform
from sched_emulator.spec import assumptions
from tests.soak import TIMES

MOST_BYTES = 12_000  # 15 kB with what the allocator adds
COUNT = 300 if TIMES == 1 else 20_000
MADE = {
    "on a frozen clock": {"clock_mode": "frozen"},
    "on a running clock": {"clock_mode": "wall"},
    "under other answers": {"clock_mode": "frozen", "answers": assumptions.preset("observed")},
}


@pytest.mark.soak
@pytest.mark.parametrize("settings", MADE.values(), ids=MADE)
@pytest.mark.parametrize("first", ["nothing", "a request", "a reset"])
async def test_an_idle_sandbox_costs_at_most_15_kb(settings: dict[str, Any], first: str) -> None:
    app = App(Config(**({"answers": assumptions.defaults()} | settings)))
    make(app, "ifr_before", first)  # what all share is there from now on
    gc.collect()
    tracemalloc.start()
    for number in range(COUNT):
        make(app, f"ifr_{number}", first)
    await asyncio.sleep(0)  # what a reset let go is freed
    gc.collect()
    costs = tracemalloc.get_traced_memory()[0] / COUNT
    tracemalloc.stop()
    await app.close()
    assert costs <= MOST_BYTES


def make(app: App, key: str, first: str) -> None:
    """Make a sandbox as its first request does, and perform that."""
    hosted = app.sandboxes.of_key(key)
    if first == "a request":
        assert perform(hosted.sandbox, hosted.binding, Received("GET", "/v1/queue/list", {}, b"")).status == 200
    if first == "a reset":
        hosted.reset(seed=7, now_ms=None, answers={"cron.dst": "literal"})
