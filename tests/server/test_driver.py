"""The driver: who asks for the next event, and when. Real receivers on loopback; no test waits for a fixed time."""

import asyncio
import math
from typing import Any

import pytest
from aiohttp import web

from sched_emulator.config import FROZEN_START_MS
from sched_emulator.core.instants import from_text, to_text
from sched_emulator.server import running_clock
from sched_emulator.server.running_clock import RunningClock
from tests.receivers import Hold, receiver
from tests.server.harness import KEY, Api, Start
from tests.waiting import until

START = to_text(FROZEN_START_MS)
PATIENT: dict[str, Any] = {"delivery_timeout_seconds": 600}  # no attempt times out because a machine is slow
Json = dict[str, Any]


@pytest.fixture
async def api(start: Start) -> Api:
    return await start(**PATIENT)


async def hourly(api: Api, url: str, **settings: Any) -> None:
    await api.call("cron.create", {"schedule": "0 * * * *", "url": url, "name": "hourly", **settings})


async def task(api: Api, url: str, run_at: str = "2026-01-01T01:00:00Z", **settings: Any) -> None:
    await api.call("task.schedule", {"task": url, "run_at": run_at, **settings})


async def now(api: Api) -> str:
    return str((await api.control("GET", "clock"))["now"])


async def outcomes(api: Api) -> list[tuple[str, str]]:
    """Return when each attempt so far started and how it ended."""
    return [(item["at"][11:19], item["outcome"]) for item in await api.deliveries()]


async def eventually(api: Api, count: int) -> list[tuple[str, str]]:
    """Return the outcomes as soon as so many attempts have ended, and no other is under way."""
    found: list[tuple[str, str]] = []

    async def ended() -> bool:
        found[:] = await outcomes(api)
        return len(found) >= count and all(outcome != "running" for _, outcome in found)

    await until(ended, f"{count} attempts to end, and all that have begun")
    return found


# A frozen clock


async def test_virtual_time_stands_still_while_a_delivery_is_under_way(api: Api) -> None:
    seen: list[Json] = []

    async def look(_request: web.Request) -> int:
        seen.append(await api.control("GET", "clock"))
        return 200

    async with receiver(look) as target:
        await hourly(api, target.url)
        assert await api.advance(seconds=7500) == {"now": "2026-01-01T02:05:00.000Z", "fired": 2, "stopped": "until"}
    for clock in seen:
        [waiting] = clock["advancing"]["waiting_for"]
        assert waiting.pop("real_seconds") >= 0
    assert seen == [
        {
            "now": instant,
            "mode": "frozen",
            "speed": 1,
            "next_event_at": following,
            "advancing": {
                "until": "2026-01-01T02:05:00.000Z",
                "waiting_for": [{"url": target.url, "attempt": 1}],
            },
        }
        for instant, following in [
            ("2026-01-01T01:00:00.000Z", "2026-01-01T02:00:00.000Z"),
            ("2026-01-01T02:00:00.000Z", "2026-01-01T03:00:00.000Z"),
        ]
    ]


async def test_a_receiver_may_publish_ack_and_create_crons_from_inside_its_delivery(api: Api) -> None:
    async def work(request: web.Request) -> int:
        body = await request.json()
        if request.path == "/orders":
            await api.call("queue.ack", {"queue": "orders", "message_id": body["message_id"]})
            await api.call("queue.publish", {"queue": "mails", "payload": {"order": body["payload"]}})
            await api.call("cron.create", {"schedule": "* * * * *", "url": f"{target.url}/cron", "max_runs": 1})
            return 500  # the message is acked already: this changes the journal only
        return 200

    async with receiver(work) as target:
        for queue in ("orders", "mails"):
            await api.call("queue.create", {"name": queue})
            await api.call("queue.push_subscribe", {"url": f"{target.url}/{queue}"}, queue=queue)
        await api.call("queue.publish", {"queue": "orders", "payload": {"n": 1}, "delay_seconds": 90})
        await api.advance(seconds=150)
    assert [(item["at"], item["url"], item["outcome"]) for item in await api.deliveries()] == [
        ("2026-01-01T00:01:30.000Z", f"{target.url}/orders", "failed"),
        ("2026-01-01T00:01:30.000Z", f"{target.url}/mails", "delivered"),
        ("2026-01-01T00:02:00.000Z", f"{target.url}/cron", "delivered"),
    ]
    assert target.bodies[1]["payload"] == {"order": {"n": 1}}
    empty = {"available": 0, "in_flight": 0, "dlq": 0}
    assert await api.call("queue.stats", queue="orders") == {"queue": "orders", **empty}
    assert await api.call("queue.stats", queue="mails") == {"queue": "mails", **empty}


async def test_a_receiver_that_advances_or_sets_the_clock_gets_an_answer(api: Api) -> None:
    answers = []

    async def advance(_request: web.Request) -> int:
        for method, path, body in [
            ("POST", "clock/advance", {"seconds": 1}),
            ("PUT", "clock", {"now": "2027-01-01T00:00:00Z"}),
        ]:
            response = await api.send(method, f"/_emulator/{path}", body)
            answers.append((response.status, response.headers["Retry-After"], await response.json()))
        return 200

    async with receiver(advance) as target:
        await task(api, target.url)
        await api.advance(seconds=3600)
    error = {
        "code": "BUSY",
        "message": f"an advance is under way, waiting for {target.url}",
        "hint": "Try again when it has ended.",
        "retryable": True,
        "details": {"waiting_for": [target.url]},
    }
    assert answers == [(409, "1", {"error": error})] * 2
    assert await outcomes(api) == [("01:00:00", "delivered")]


async def test_two_hundred_deliveries_of_one_instant_go_side_by_side_and_are_journaled_in_due_order(api: Api) -> None:
    present, peak = 0, 0
    hundred = asyncio.Barrier(100)

    async def wait_for_a_hundred(_request: web.Request) -> int:
        nonlocal present, peak
        present += 1
        peak = max(peak, present)
        await hundred.wait()
        present -= 1
        return 200

    async with receiver(wait_for_a_hundred) as target:
        for number in range(200):
            await task(api, f"{target.url}/{number}")
        await api.advance(seconds=3600)
    assert peak >= 100
    items = await api.deliveries()
    assert [(item["url"], item["outcome"]) for item in items] == [
        (f"{target.url}/{number}", "delivered") for number in range(200)
    ]
    runs = (await api.call("run.list", query="?limit=100"))["items"]
    assert [run["run_id"] for run in runs] == [f"run_{number:06}" for number in range(200, 100, -1)]
    assert {run["state"] for run in runs} == {"succeeded"}


async def test_no_more_than_the_concurrency_go_side_by_side(start: Start) -> None:
    api = await start(delivery_concurrency=2, **PATIENT)
    present, peaks = 0, []
    two = asyncio.Barrier(2)

    async def wait_for_two(_request: web.Request) -> int:
        nonlocal present
        present += 1
        peaks.append(present)
        await two.wait()
        present -= 1
        return 200

    async with receiver(wait_for_two) as target:
        for number in range(6):
            await task(api, f"{target.url}/{number}")
        await api.advance(seconds=3600)
    assert max(peaks) == 2
    assert await outcomes(api) == [("01:00:00", "delivered")] * 6


async def test_one_by_one_the_journal_is_the_same_to_the_byte(start: Start) -> None:
    async def answer(request: web.Request) -> int:
        return 503 if request.headers["X-Infrai-Attempt"] == "1" and request.path.endswith("7") else 200

    async def journal() -> tuple[bytes, bytes]:
        api = await start(delivery_concurrency=1, seed=7, **PATIENT)
        for number in range(10):
            await hourly(api, f"{target.url}/{number}", name=f"cron {number}")
        await api.advance(seconds=7230)
        return await (await api.send("GET", "/_emulator/deliveries")).read(), await api.snapshot()

    async with receiver(answer) as target:
        assert await journal() == await journal()
    assert len(target.paths) == 2 * 22


async def test_what_a_request_made_due_waits_for_the_next_advance(api: Api) -> None:
    async with receiver() as target:
        await api.call("queue.publish", {"queue": "orders", "payload": {}})
        await api.call("queue.push_subscribe", {"url": target.url}, queue="orders")
        assert target.paths == []
        assert await api.advance(seconds=0) == {"now": START, "fired": 1, "stopped": "until"}
        assert len(target.paths) == 1


@pytest.mark.parametrize(
    ("how", "answer"),
    [
        ({"events": 2}, {"now": "2026-01-01T02:00:00.000Z", "fired": 2, "stopped": "events"}),
        ({"seconds": 86400, "max_events": 3}, {"now": "2026-01-01T03:00:00.000Z", "fired": 3, "stopped": "max_events"}),
        ({"until": "2026-01-01T02:30:00Z"}, {"now": "2026-01-01T02:30:00.000Z", "fired": 2, "stopped": "until"}),
    ],
)
async def test_an_advance_that_stops_early_has_every_request_answered(api: Api, how: Json, answer: Json) -> None:
    async with receiver() as target:
        await hourly(api, target.url)
        assert await api.advance(**how) == answer
    assert {outcome for _, outcome in await outcomes(api)} == {"delivered"}
    assert len(target.paths) == answer["fired"]


# A running clock


async def test_a_running_clock_fires_by_itself(start: Start) -> None:
    api = await start(clock_mode="wall", speed=600, now_ms=FROZEN_START_MS, **PATIENT)
    seen: list[str] = []
    third = asyncio.Event()

    async def look(_request: web.Request) -> int:
        seen.append(await now(api))
        if len(seen) == 3:
            third.set()
        return 200

    async with receiver(look) as target:
        begin = (await api.call("cron.create", {"schedule": "* * * * *", "url": target.url}))["next_run_at"]
        await third.wait()
        await api.control("PUT", "clock", {"mode": "frozen"})
        await eventually(api, 3)
    fired = [item["at"] for item in await api.deliveries()]
    assert [from_text(at) - from_text(begin) for at in fired] == [60_000 * number for number in range(len(fired))]
    assert all(at <= instant for at, instant in zip(fired, sorted(seen), strict=True))


async def test_a_frozen_clock_stands_and_a_resumed_one_goes_on_from_there(start: Start) -> None:
    api = await start(clock_mode="wall", speed=100_000, now_ms=FROZEN_START_MS, **PATIENT)
    arrived = asyncio.Event()

    async def arrive(_request: web.Request) -> int:
        arrived.set()
        return 200

    frozen = await api.control("PUT", "clock", {"mode": "frozen"})
    async with receiver(arrive) as target:
        await task(api, target.url, frozen["now"])
        assert await api.control("GET", "clock") == {**frozen, "next_event_at": frozen["now"]}
        assert not arrived.is_set()
        resumed = await api.control("PUT", "clock", {"mode": "wall", "speed": 1})
        await arrived.wait()
    assert (resumed["mode"], resumed["speed"]) == ("wall", 1)
    assert (await eventually(api, 1)) == [(frozen["now"][11:19], "delivered")]
    assert frozen["now"] <= resumed["now"] <= await now(api)


async def test_an_advance_on_a_running_clock_makes_everything_happen_then_time_runs_on(start: Start) -> None:
    api = await start(clock_mode="wall", now_ms=FROZEN_START_MS, **PATIENT)
    async with receiver() as target:
        await hourly(api, target.url)
        done = await api.advance(until="2026-01-02T00:30:00Z")
        assert done == {"now": "2026-01-02T00:30:00.000Z", "fired": 24, "stopped": "until"}
        assert len(target.paths) == 24

    async def runs_on() -> bool:
        return await now(api) > str(done["now"])

    await until(runs_on, "the clock to run on")


async def test_an_advance_counts_from_the_present_of_a_running_clock_which_never_lies_behind(start: Start) -> None:
    api = await start(clock_mode="wall", speed=1_000_000, now_ms=FROZEN_START_MS)
    for _ in range(20):
        before = await now(api)
        assert (await api.advance(seconds=0))["stopped"] == "until"
        assert (await api.advance(seconds=0.001))["now"] > before


async def test_on_a_running_clock_an_advance_waits_for_no_delivery_but_says_which_is_under_way(start: Start) -> None:
    api = await start(clock_mode="wall", **PATIENT)
    hold = Hold()
    async with receiver(hold) as target:
        await task(api, target.url, START)
        await hold.arrived.wait()
        response = await api.send("POST", "/_emulator/clock/advance", {"seconds": 1})
        assert (response.status, response.headers["Retry-After"]) == (409, "1")
        assert (await response.json())["error"]["message"] == f"a delivery is under way, waiting for {target.url}"
        hold.leave.set()
        await eventually(api, 1)
        await api.advance(seconds=1)


async def test_a_receiver_has_its_time_in_real_seconds_however_fast_the_clock_runs(start: Start) -> None:
    api = await start(clock_mode="wall", speed=100_000, now_ms=FROZEN_START_MS, **PATIENT)
    hold = Hold()

    async def noon() -> bool:
        return await now(api) > "2026-01-01T12"

    async with receiver(hold) as target:
        await task(api, target.url, START, timeout_seconds=60)
        await hold.arrived.wait()
        await until(noon, "half a day to pass")
        hold.leave.set()
        assert [outcome for _, outcome in await eventually(api, 1)] == ["delivered"]


# Long work


async def busy(api: Api, *, days: int) -> asyncio.Future[Any]:
    """Begin an advance over a minutely cron that a script answers, and return once it is under way."""
    await api.script("*", 200)
    await api.call("cron.create", {"schedule": "* * * * *", "url": "https://api.acme.com/minutely"})
    advancing = asyncio.ensure_future(api.advance(seconds=days * 86_400))

    async def begun() -> bool:
        return "advancing" in await api.control("GET", "clock")

    await until(begun, "the advance to begin")
    return advancing


async def test_requests_are_answered_while_an_advance_makes_many_events_happen(api: Api) -> None:
    advancing = await busy(api, days=10)
    seen = []
    while not advancing.done():
        seen.append(await now(api))
        await api.call("queue.publish", {"queue": "orders", "payload": {}})
    assert await advancing == {"now": "2026-01-11T00:00:00.000Z", "fired": 14_400, "stopped": "until"}
    assert len(set(seen)) > 1
    assert seen == sorted(seen)
    assert (await api.call("queue.stats", queue="orders"))["available"] == len(seen)


async def test_a_short_advance_does_not_wait_for_the_end_of_a_long_one(api: Api) -> None:
    advancing = await busy(api, days=3650)
    done = await (await busy(api.with_key("ifr_other"), days=1))
    assert done == {"now": "2026-01-02T00:00:00.000Z", "fired": 1440, "stopped": "until"}
    assert not advancing.done()
    await api.control("POST", "reset")
    with pytest.raises(AssertionError, match="was reset"):
        await advancing


async def test_an_advance_of_a_sandbox_that_is_reset_meanwhile_ends_at_once(api: Api) -> None:
    advancing = await busy(api, days=3650)
    await api.control("POST", "reset")
    with pytest.raises(AssertionError, match="was reset, restored or forgotten during the advance"):
        await advancing
    assert await now(api) == START


async def test_a_clock_that_is_far_behind_is_brought_to_the_present_in_turns(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running_clock, "BEHIND_SECONDS", math.inf)  # a slow machine waits as long as it takes
    api = await start(clock_mode="wall", speed=0.001, now_ms=FROZEN_START_MS)
    await api.script("*", 200)
    await api.call("cron.create", {"schedule": "* * * * *", "url": "https://api.acme.com/minutely"})
    driver = api.app.sandboxes.hosted[KEY].driver
    driver.clock = RunningClock(FROZEN_START_MS + 10 * 86_400_000, 0.001)  # as when the process was stopped for long
    asked = asyncio.ensure_future(api.call("cron.list"))
    health = 0
    while not asked.done():
        await api.client.get("/_emulator/health")
        health += 1
    assert health > 1
    assert (await now(api))[:16] == "2026-01-11T00:00"
    assert len(await asked) == 1


# What interrupts a delivery


async def held(api: Api, do: Any) -> tuple[int, list[str]]:
    """Advance into a delivery, do something in the middle of it, then let it go. Return how the advance ended."""
    hold = Hold()
    async with receiver(hold) as target:
        await hourly(api, target.url)
        advancing = asyncio.ensure_future(api.send("POST", "/_emulator/clock/advance", {"seconds": 7200}))
        await hold.arrived.wait()
        await do()
        hold.leave.set()
        response = await advancing
        return response.status, target.paths


async def test_a_reset_in_mid_delivery_ends_the_advance_and_leaves_nothing_behind(api: Api) -> None:
    async def reset() -> None:
        assert await api.control("POST", "reset") == {"reset": True}

    assert await held(api, reset) == (409, ["/"])
    assert await now(api) == START
    assert await api.deliveries() == []
    assert (await api.control("GET", "timeline"))["items"] == []
    assert await api.advance(seconds=7200) == {"now": "2026-01-01T02:00:00.000Z", "fired": 0, "stopped": "until"}


async def test_a_sandbox_deleted_in_mid_delivery_is_gone(api: Api) -> None:
    async def delete() -> None:
        assert await api.control("DELETE", "sandbox") == {"deleted": True}

    assert await held(api, delete) == (409, ["/"])
    assert await now(api) == START
    assert await api.call("cron.list") == {"items": []}


async def test_a_sandbox_deleted_while_its_clock_ran_never_fires_again(start: Start) -> None:
    api = await start(clock_mode="wall", speed=600, **PATIENT)
    hold = Hold()
    third = asyncio.Event()

    async def count(_request: web.Request) -> int:
        if len(other.paths) == 3:
            third.set()
        return 200

    async with receiver(hold) as target, receiver(count) as other:
        minutely = {"schedule": "* * * * *", "url": target.url}
        await api.call("cron.create", minutely)
        await hold.arrived.wait()
        assert await api.control("DELETE", "sandbox") == {"deleted": True}
        sent = len(target.paths)
        hold.leave.set()
        await api.with_key("ifr_other").call("cron.create", {**minutely, "url": other.url})
        await third.wait()
        assert len(target.paths) == sent


async def test_a_sandbox_deleted_during_an_advance_on_a_running_clock_never_fires_again(start: Start) -> None:
    api = await start(clock_mode="wall", now_ms=FROZEN_START_MS, **PATIENT)

    async def delete() -> None:
        await api.control("DELETE", "sandbox")

    status, paths = await held(api, delete)
    assert (status, paths) == (409, ["/"])


async def test_a_snapshot_is_neither_taken_nor_restored_in_mid_delivery(api: Api) -> None:
    taken = await api.snapshot()

    async def take_and_restore() -> None:
        for method, body in (("GET", None), ("PUT", taken)):
            refused = await api.send(method, "/_emulator/snapshot", body)
            assert (refused.status, refused.headers["Retry-After"]) == (409, "1")

    assert await held(api, take_and_restore) == (200, ["/", "/"])
    assert await outcomes(api) == [("01:00:00", "delivered"), ("02:00:00", "delivered")]
    assert (await api.send("PUT", "/_emulator/snapshot", taken)).status == 200
    assert await api.deliveries() == []
