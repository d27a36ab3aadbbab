"""What one sandbox does for long does not hold up the others: it is done in pieces, which these tests count."""

import asyncio
import logging
from collections.abc import AsyncIterator, Generator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from sched_emulator.core import queues
from sched_emulator.core.replay import replay
from sched_emulator.server import control, control_reading
from sched_emulator.server.turns import SLICE_SECONDS, Turns
from tests.server.harness import Api, Start
from tests.waiting import until

SECONDLY = {"schedule": "* * * * * *", "url": "https://t.example/"}
PIECES_A_SLICE = 5
Json = dict[str, Any]


class Counting:
    """A clock of turns on which each look takes a part of a slice, so that a slice has so many pieces."""

    def __init__(self) -> None:
        self.looks = 0

    def __call__(self) -> float:
        self.looks += 1
        return self.looks * SLICE_SECONDS / PIECES_A_SLICE


@asynccontextmanager
async def watched(api: Api) -> AsyncIterator[list[int]]:
    """Count the pieces of long work that are done between two turns of everything else."""
    clock = Counting()
    api.app.sandboxes.turns = Turns(clock)
    counts: list[int] = []

    async def watch() -> None:
        while True:
            before = clock.looks
            await asyncio.sleep(0)
            counts.append(clock.looks - before)

    watching = asyncio.ensure_future(watch())
    yield counts
    watching.cancel()


def pieces(work: Any) -> tuple[int, Json]:
    """Do long work to its end; return in how many pieces, and what came of it."""
    assert isinstance(work, Generator)
    count = 1
    while True:
        try:
            next(work)
        except StopIteration as done:
            return count, done.value
        count += 1


async def test_twelve_advances_at_once_have_one_slice_together(api: Api) -> None:
    async with watched(api) as counts:
        boxes = [api.with_key(f"ifr_box{number}") for number in range(12)]
        for box in boxes:
            await box.script("*", 200)
            await box.call("cron.create", SECONDLY)
        await asyncio.gather(*(box.advance(seconds=600) for box in boxes))
    assert max(counts) <= PIECES_A_SLICE + 2  # looks at the clock: at the start of a slice and after each piece
    assert sum(counts) > 12 * 600 / 20


@pytest.fixture
async def behind(start: Start, monkeypatch: pytest.MonkeyPatch) -> Api:
    """A sandbox for which ten million events are due in a real second, and which says that it has fallen behind."""
    monkeypatch.setattr("sched_emulator.server.running_clock.BEHIND_SECONDS", 0)
    api = await start(uncovered="capture", deliver="none")
    for _ in range(10):
        await api.call("cron.create", SECONDLY)
    await api.control("PUT", "clock", {"mode": "wall", "speed": 1_000_000})

    async def told() -> bool:
        return "behind_seconds" in await api.control("GET", "clock")

    await until(told, "the clock to be told to be behind")
    return api


async def test_a_clock_that_falls_behind_says_so_until_it_does_no_longer(
    behind: Api, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "sched_emulator")
    first, second = [await behind.control("GET", "clock") for _ in range(2)]
    assert first["behind_seconds"] > 0
    assert first["now"] < second["now"]
    frozen = await behind.control("PUT", "clock", {"mode": "frozen"})
    assert "behind_seconds" not in frozen
    assert frozen["now"] >= second["now"]
    assert [record.getMessage() for record in caplog.records][-1:] == [
        "the sandbox of ifr_… has caught up with its clock"
    ]
    slow = await behind.control("PUT", "clock", {"mode": "wall", "speed": 0.001})
    assert "behind_seconds" not in slow


async def test_beside_a_clock_that_falls_behind_everybody_is_served(behind: Api) -> None:
    other = behind.with_key("ifr_other")
    for box in (other, behind):
        for _ in range(5):
            await box.call("queue.publish", {"queue": "orders", "payload": {}})
        assert (await box.call("queue.stats", queue="orders"))["available"] == 5
    assert len((await behind.control("GET", "sandboxes"))["items"]) == 2
    assert (await behind.control("POST", "reset")) == {"reset": True}


async def test_a_clock_that_falls_behind_stops_with_the_server(behind: Api) -> None:
    hosted = next(iter(behind.app.sandboxes.hosted.values()))
    await behind.app.close()
    reached = hosted.sandbox.store.now_ms
    for _ in range(20):
        await asyncio.sleep(0)
    assert hosted.sandbox.store.now_ms == reached


async def test_a_journal_is_read_entry_by_entry_as_it_was_at_one_moment(api: Api) -> None:
    await api.script("*", 200)
    await api.call("cron.create", SECONDLY)
    for number in range(300):
        await api.call("queue.publish", {"queue": "orders", "payload": {"n": number}})
    await api.advance(seconds=300)
    hosted = next(iter(api.app.sandboxes.hosted.values()))
    journal = hosted.sandbox.store.journal
    for reading, path, kept in [
        (control_reading.list_requests(hosted.binding, journal), "requests", 301),
        (control_reading.list_deliveries(journal), "deliveries", 300),
    ]:
        next(reading)
        whole = await api.control("GET", path)
        await api.call("queue.publish", {"queue": "orders", "payload": {}})
        count, read = pieces(reading)
        assert count >= kept
        assert [len(read["items"]), read["first_seq"]] == [len(whole["items"]), whole["first_seq"]]
        assert len(whole["items"]) == kept


async def test_what_is_due_and_the_sandboxes_are_listed_in_pieces(api: Api) -> None:
    for _ in range(10):
        messages = [{"payload": {}, "delay_seconds": 1000 - number} for number in range(100)]
        await api.call("queue.publish_batch", {"queue": "orders", "messages": messages})
    hosted = next(iter(api.app.sandboxes.hosted.values()))
    store = hosted.sandbox.store
    count, listed = pieces(control_reading.list_timeline(store, 1000))
    assert count > 3
    assert [item["subject"] for item in listed["items"]] == [entry.subject for entry in store.timeline.due(1000)]
    for number in range(20):
        await api.with_key(f"ifr_{number}").call("queue.list")
    assert pieces(control.list_sandboxes(api.app.sandboxes))[0] == 22


class Endless:
    """A session whose reliance is proved for ever."""

    def __init__(self) -> None:
        self.begun = self.ended = 0

    def __call__(self, *_: Any) -> Generator[None, None, list[Any]]:
        self.begun += 1
        try:
            while True:
                yield
        finally:
            self.ended += 1

    async def has_begun(self) -> bool:
        return self.begun == 1

    async def has_ended(self) -> bool:
        return self.ended == 1


async def test_relied_ends_when_its_client_leaves_and_is_asked_for_once_at_a_time(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    endless = Endless()
    monkeypatch.setattr("sched_emulator.server.control_relied.relied", endless)
    await api.call("queue.list")
    asking = asyncio.ensure_future(api.send("GET", "/_emulator/assumptions/relied"))
    await until(endless.has_begun, "the first client to be heard")
    second = await api.send("GET", "/_emulator/assumptions/relied")
    assert (second.status, second.headers["Retry-After"]) == (409, "1")
    assert (await second.json())["error"]["message"] == "another client waits for what this sandbox's session relied on"
    asking.cancel()
    await until(endless.has_ended, "the work to end with its client")
    monkeypatch.undo()
    assert (await api.control("GET", "assumptions/relied"))["items"] == []


@pytest.mark.parametrize("way", ["queue.update", "PUT assumptions"])
async def test_what_a_request_makes_expire_is_dropped_in_pieces_before_its_answer(
    api: Api, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    for module in ("queues", "idempotency"):
        monkeypatch.setattr(f"sched_emulator.core.{module}.DROPPED_AT_ONCE", 30)
    async with watched(api) as counts:
        for number in range(200):
            message = {"queue": "orders", "payload": {}, "idempotency_key": f"key-{number}"}
            await api.call("queue.publish", message)
        await api.advance(seconds=3600)
        before = sum(counts)
        if way == "queue.update":
            await api.advance(seconds=2 * 86400)
            before = sum(counts)
            await api.call("queue.update", {"message_retention_days": 1}, queue="orders")
            assert (await api.call("queue.stats", queue="orders"))["available"] == 0
        else:
            await api.control("PUT", "assumptions", {"idempotency.window_seconds": 60})
        assert sum(counts) - before >= 170 / 20
    sandbox = next(iter(api.app.sandboxes.hosted.values())).sandbox
    assert len(sandbox.store.remembered) == 0
    assert replay(sandbox.base, sandbox.commands()).snapshot() == sandbox.snapshot()


async def test_housekeeping_under_way_ends_with_the_state_that_it_was_for(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sched_emulator.core.queues.DROPPED_AT_ONCE", 30)
    await api.call("queue.publish_batch", {"queue": "orders", "messages": [{"payload": {}}] * 100})
    await api.advance(seconds=2 * 86400)
    hosted = next(iter(api.app.sandboxes.hosted.values()))
    queues.update(hosted.sandbox.store, queue="orders", message_retention_days=1)
    tidying = hosted.driver.tidying()
    next(tidying)
    hosted.reset(seed=None, now_ms=None, answers={})
    assert list(tidying) == []
    assert await api.call("queue.list") == {"items": []}
