"""What happens is told as it happens, to whom looks on, in bounded memory; and a stream holds nobody up."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import ClientResponse

from sched_emulator.server import events
from sched_emulator.server.events import BATCH_BYTES, Watch
from tests.receivers import Hold, receiver
from tests.server.harness import KEY, Api, Start
from tests.waiting import until

HOURLY = {"name": "hourly", "schedule": "0 * * * *", "url": "https://api.acme.com/hourly"}
Json = dict[str, Any]


class Told:
    """A stream as a client reads it: `next` waits for the next event."""

    def __init__(self, response: ClientResponse) -> None:
        self.response = response

    async def next(self) -> tuple[str, Json]:
        """Return the name and the data of the next event; its `id` is under `event_id`."""
        fields: dict[str, str] = {}
        line = b""
        while "data" not in fields or line != b"\n":
            line = await self.response.content.readline()
            if not line:
                raise EOFError
            name, _, value = line.decode().partition(":")
            fields[name] = value.strip()
        return fields["event"], {"event_id": int(fields["id"]), **json.loads(fields["data"])}

    async def until(self, name: str) -> Json:
        """Return the data of the next event of that name."""
        while True:
            event, data = await self.next()
            if event == name:
                return data

    async def names(self, count: int) -> list[str]:
        return [(await self.next())[0] for _ in range(count)]


@asynccontextmanager
async def looking(api: Api, query: str = "", **headers: str) -> AsyncIterator[Told]:
    response = await api.send("GET", f"/_emulator/events{query}", headers=headers)
    assert (response.status, response.headers["Content-Type"]) == (200, "text/event-stream")
    yield Told(response)
    response.close()


def told_at_once(api: Api, since: int = 0) -> list[tuple[str, Json]]:
    """Return what a new reader is told, batch by batch, without waiting."""
    [hosted] = api.app.sandboxes.hosted.values()
    watch, text = Watch(hosted, since, lambda _: {}), b""
    while news := watch.news():
        text += news
    return read(text)


def read(text: bytes) -> list[tuple[str, Json]]:
    blocks = [dict(line.split(": ", 1) for line in block.split("\n")) for block in text.decode().split("\n\n")[:-1]]
    return [(block["event"], {"event_id": int(block["id"]), **json.loads(block["data"])}) for block in blocks]


async def test_a_stream_tells_each_fact_clock_move_and_change(api: Api) -> None:
    await api.script("*", 200)
    async with looking(api) as told:
        name, opened = await told.next()
        assert (name, opened["change"], opened["crons"], opened["event_id"]) == ("sandbox", "opened", 0, 0)
        assert (await told.until("clock"))["next_event_at"] is None
        await api.call("cron.create", HOURLY)
        request = await told.until("request")
        assert (request["seq"], request["event_id"], request["operation"]) == (1, 1, "scheduling.cron.create")
        assert (await told.until("clock"))["next_event_at"] == "2026-01-01T01:00:00.000Z"
        await api.advance(seconds=3600)
        delivery = await told.until("delivery")
        assert {"event_id": 2, **(await api.deliveries())[0]} == delivery
        assert (await told.until("clock"))["now"] == "2026-01-01T01:00:00.000Z"
        await api.control("POST", "faults", {"status": 503, "times": 1})
        assert (await told.until("sandbox"))["change"] == "changed"
        await api.control("POST", "reset")
        assert (replaced := await told.until("sandbox"))["change"] == "replaced"
        assert (replaced["event_id"], replaced["crons"]) == (0, 0)
        await api.control("DELETE", "sandbox")
        assert (await told.until("sandbox"))["change"] == "forgotten"
        with pytest.raises(EOFError):
            await told.next()


async def test_an_attempt_under_way_is_told_again_when_it_ends(api: Api) -> None:
    hold = Hold()
    async with receiver(hold) as target, looking(api) as told:
        await api.call("cron.create", HOURLY | {"url": target.url})
        advancing = asyncio.create_task(api.advance(seconds=3600))
        await hold.arrived.wait()
        first = await told.until("delivery")
        waiting = await told.until("clock")
        hold.leave.set()
        await advancing
        second = await told.until("delivery")
    assert [first["outcome"], second["outcome"]] == ["running", "delivered"]
    assert first["seq"] == second["seq"]
    assert [item["url"] for item in waiting["advancing"]["waiting_for"]] == [target.url]


async def test_a_stream_resumes_after_the_last_event_that_was_read(api: Api) -> None:
    for _ in range(3):
        await api.call("queue.list")
    for query, headers in (("?since=2", {}), ("", {"Last-Event-ID": "2"}), ("?since=1", {"Last-Event-ID": "2"})):
        async with looking(api, query, **headers) as told:
            assert (await told.until("request"))["seq"] == 3
    async with looking(api, "?since=900") as told:  # of an emulator that is gone
        assert (await told.until("request"))["seq"] == 1


async def test_what_happened_just_before_a_state_was_left_is_told(api: Api) -> None:
    snapshot = await api.snapshot()
    [hosted] = api.app.sandboxes.hosted.values()
    watch = Watch(hosted, 0, lambda _: {})
    ends = [("POST", "reset", None), ("PUT", "snapshot", json.loads(snapshot)), ("DELETE", "sandbox", None)]
    with api.app.sandboxes.reader.joined(watch):
        watch.news()
        for end in ends:
            await api.call("queue.create", {"name": "q", "type": "standard"})
            await api.control(*end)
            told = read(watch.ending() if end is ends[-1] else watch.news() + watch.news())
            assert [(name, data.get("change", data.get("status"))) for name, data in told if name != "clock"] == [
                ("request", 200),
                ("sandbox", "forgotten" if end is ends[-1] else "replaced"),
            ]


async def test_a_state_that_was_left_is_put_aside_up_to_a_bound_and_the_rest_is_counted(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "LEFT_BYTES", 100_000)
    hosted = api.app.sandboxes.of_key(KEY)
    watch = Watch(hosted, 0, lambda _: {})
    watch.news()
    with api.app.sandboxes.reader.joined(watch):
        for _ in range(2):
            for number in range(7):
                await api.call("queue.publish", {"queue": "q", "payload": {"n": number, "x": "x" * 40_000}})
            await api.control("POST", "reset")
    told = read(watch.news())
    assert [data.get("count", data.get("seq")) for name, data in told if name in {"request", "missed"}] == [
        1,
        2,
        3,
        4,
        10,
    ]
    assert [name for name, _ in read(watch.news())] == ["sandbox"]


async def test_a_stream_that_ends_with_its_sandbox_tells_what_was_last(api: Api) -> None:
    async with looking(api) as told:
        await told.until("clock")
        for end in ("reset", "sandbox"):
            await api.call("queue.list")
            await api.control(*(("POST", "reset") if end == "reset" else ("DELETE", "sandbox")))
            assert (await told.until("request"))["operation"] == "scheduling.queue.list"
        assert (await told.until("sandbox"))["change"] == "forgotten"


async def test_who_comes_too_late_is_told_what_was_missed(start: Start) -> None:
    api = await start(journal=3)
    for _ in range(5):
        await api.call("queue.list")
    told = told_at_once(api)
    assert [name for name, _ in told] == ["sandbox", "missed", "request", "request", "request", "clock"]
    assert (told[1][1], told[2][1]["seq"]) == ({"event_id": 2, "count": 2}, 3)
    assert [name for name, _ in told_at_once(api, since=2)] == ["sandbox", "request", "request", "request", "clock"]


async def test_what_was_dropped_of_one_sort_is_told_where_it_was(start: Start) -> None:
    api = await start(journal=2)
    await api.call("cron.create", HOURLY)
    await api.advance(seconds=4 * 3600)
    told = told_at_once(api)
    assert [(name, data.get("seq", data.get("count"))) for name, data in told] == [
        ("sandbox", None),
        ("request", 1),
        ("missed", 2),
        ("delivery", 4),
        ("delivery", 5),
        ("clock", None),
    ]


async def test_a_batch_is_bounded_in_facts_and_in_bytes(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "BATCH_FACTS", 3)
    await api.call("queue.publish", {"queue": "q", "payload": {"x": "x" * 40_000}})
    await api.call("queue.publish", {"queue": "q", "payload": {"x": "x" * 40_000}})
    [hosted] = api.app.sandboxes.hosted.values()
    watch = Watch(hosted, 0, lambda _: {})
    assert [len([name for name, _ in read(watch.news()) if name == "request"]) for _ in range(2)] == [2, 0]
    for _ in range(4):
        await api.call("queue.list")
    await api.call("queue.publish", {"queue": "q", "payload": {"x": "x" * 2 * BATCH_BYTES}})
    await api.call("queue.list")
    assert [len([name for name, _ in read(watch.news()) if name == "request"]) for _ in range(3)] == [3, 2, 1]


class Counted(Watch):
    """Counts what is told to a reader."""

    last: "Counted"

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.told_bytes = 0
        Counted.last = self

    def news(self) -> bytes:
        news = super().news()
        self.told_bytes += len(news)
        return news


async def test_a_reader_that_does_not_read_holds_nobody_up_and_keeps_nothing(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "Watch", Counted)
    async with looking(api):
        for _ in range(200):
            await api.call("queue.publish", {"queue": "q", "payload": {"x": "x" * 100_000}})
        assert 0 < Counted.last.told_bytes < 15_000_000  # of twenty million bytes: what connections of the machine take


async def test_quiet_streams_say_that_they_live_and_end_with_the_emulator(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "QUIET_SECONDS", 0)
    async with looking(api) as told:
        lines: list[bytes] = []
        while b":\n" not in lines:
            lines.append(await told.response.content.readline())
        await api.app.close()
        assert (await told.until("sandbox"))["change"] == "forgotten"


async def test_a_client_that_leaves_ends_its_stream(api: Api) -> None:
    before = len(asyncio.all_tasks())
    async with looking(api) as told:
        await told.next()

    async def ended() -> bool:
        return len(asyncio.all_tasks()) <= before

    await until(ended, "the stream to end")


async def test_a_head_request_shows_only_the_headers(api: Api) -> None:
    response = await api.client.head("/_emulator/events", headers=api.headers)
    assert (response.status, response.headers["Content-Type"]) == (200, "text/event-stream")


async def test_what_is_told_is_not_for_a_page_of_elsewhere(api: Api) -> None:
    await api.call("queue.list")
    assert (await api.client.get("/_emulator/events")).status == 401
    answer = await api.send("GET", "/_emulator/events", headers={"Last-Event-ID": "x"})
    assert (answer.status, "Last-Event-ID" in await answer.text()) == (400, True)


async def test_the_id_of_a_sandbox_stands_in_place_of_its_key(api: Api) -> None:
    other = api.with_key("ifr_other")
    for box in (api, other):
        await box.call("queue.list")
    ids = [item["id"] for item in (await api.control("GET", "sandboxes"))["items"]]
    assert ids == ["sbx_000001", "sbx_000002"]
    other.headers = {"X-Emulator-Sandbox": "sbx_000002"}
    await other.control("PUT", "clock", {"now": "2026-01-01T05:00:00Z"})
    assert (await api.control("GET", "clock"))["now"] == "2026-01-01T00:00:00.000Z"
    assert (await other.control("GET", "requests"))["items"][0]["seq"] == 1
    assert (await other.control("GET", "sandbox"))["key"] == "ifr_other"
    async with looking(other) as told:
        assert (await told.next())[1]["key"] == "ifr_other"
    assert await other.control("DELETE", "sandbox") == {"deleted": True}
    assert [item["id"] for item in (await api.control("GET", "sandboxes"))["items"]] == ids[:1]


@pytest.mark.parametrize(
    ("headers", "message"),
    [
        ({"X-Emulator-Sandbox": "sbx_9"}, "no sandbox has the id 'sbx_9'"),
        ({"X-Emulator-Sandbox": ""}, "no sandbox has the id ''"),
        (
            {"X-Emulator-Sandbox": "sbx_000001", "Authorization": "Bearer ifr_else"},
            "must mean the same sandbox: send one of them",
        ),
    ],
)
async def test_an_id_that_means_no_sandbox_is_refused(api: Api, headers: dict[str, str], message: str) -> None:
    await api.call("queue.list")
    for method, path in (("GET", "clock"), ("GET", "events"), ("GET", "sandbox"), ("DELETE", "sandbox")):
        response = await api.client.request(method, f"/_emulator/{path}", headers=headers)
        error = (await response.json())["error"]
        assert (response.status, error["code"]) == (400, "INVALID_REQUEST")
        assert message in error["message"]
    assert len(api.app.sandboxes.hosted) == 1
