"""The sandboxes of a server: how a key's sandbox begins, and that it shares nothing with another."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sched_emulator.config import Config
from sched_emulator.core.errors import InvalidRequest
from sched_emulator.server.sandboxes import Sandboxes
from sched_emulator.server.sender import Sender
from sched_emulator.spec import assumptions
from tests.server.harness import Api, Start

CRON = {"schedule": "0 9 * * *", "url": "https://api.acme.com/daily"}


async def saved(api: Api, folder: Path) -> Path:
    """Save a session with a cron and a message that is leased."""
    await api.call("cron.create", CRON)
    await api.call("queue.publish", {"queue": "orders", "payload": {"n": 1}})
    await api.call("queue.consume", {"queue": "orders"})
    path = folder / "snapshot.json"
    path.write_bytes(await api.snapshot())
    return path


async def test_every_sandbox_begins_as_the_loaded_snapshot_and_shares_nothing(
    api: Api, start: Start, tmp_path: Path
) -> None:
    path = await saved(api, tmp_path)
    loaded = await start(load=path, deliver="none")
    one, two = loaded.with_key("ifr_one"), loaded.with_key("ifr_two")
    assert await one.snapshot() == await two.snapshot()
    before = await two.snapshot()
    [cron] = (await one.call("cron.list"))["items"]
    await one.call("cron.pause", id=cron["cron_id"])
    await one.call("queue.ack", {"queue": "orders", "message_id": "msg_000001"})
    await one.advance(seconds=86_400)
    assert await two.snapshot() == before
    assert (await two.call("cron.list"))["items"] == [cron]
    assert (await two.call("queue.stats", queue="orders"))["in_flight"] == 1


async def test_where_deliveries_may_go_is_as_the_server_was_told_not_as_the_snapshot_says(
    api: Api, start: Start, tmp_path: Path
) -> None:
    path = await saved(api, tmp_path)
    loaded = await start(load=path, deliver="none", uncovered="refuse", strict_urls=True, seed=99)
    settings = json.loads(await loaded.snapshot())["settings"]
    assert {name: settings[name] for name in ("deliver", "uncovered", "strict_urls", "seed")} == {
        "deliver": "none",
        "uncovered": "refuse",
        "strict_urls": True,
        "seed": 0,
    }


async def test_a_reset_returns_to_the_loaded_snapshot(api: Api, start: Start, tmp_path: Path) -> None:
    loaded = await start(load=await saved(api, tmp_path))
    before = await loaded.snapshot()
    await loaded.call("queue.publish", {"queue": "other", "payload": {}})
    await loaded.control("POST", "reset")
    assert await loaded.snapshot() == before


def test_what_is_no_snapshot_stops_the_start(tmp_path: Path) -> None:
    path = tmp_path / "snapshot.json"
    path.write_text("{}")
    with pytest.raises(InvalidRequest, match="this is no snapshot of this version"):
        Sandboxes(Config(answers=assumptions.defaults(), load=path), Sender())


async def test_a_request_whose_body_comes_after_its_sandbox_was_forgotten_meets_the_new_one(api: Api) -> None:
    await api.call("queue.publish", {"queue": "orders", "payload": {"n": 1}})
    half, forgotten = asyncio.Event(), asyncio.Event()

    async def body() -> AsyncIterator[bytes]:
        yield b'{"queue":"orders",'
        half.set()
        await forgotten.wait()
        yield b'"payload":{}}'

    headers = {**api.headers, "Content-Type": "application/json"}
    publishing = asyncio.ensure_future(api.client.post("/v1/queue/publish", data=body(), headers=headers))
    await half.wait()
    assert await api.control("DELETE", "sandbox") == {"deleted": True}
    forgotten.set()
    assert (await (await publishing).json())["data"] == {"message_id": "msg_000001"}
    assert (await api.call("queue.stats", queue="orders"))["available"] == 1


@pytest.mark.parametrize("let_go", ["purge", "delete", "reset", "forget"])
async def test_what_is_let_go_is_out_of_sight_at_once(api: Api, let_go: str) -> None:
    for _ in range(3):
        messages = [{"payload": {"n": number}} for number in range(100)]
        await api.call("queue.publish_batch", {"queue": "orders", "messages": messages})
    match let_go:
        case "purge":
            assert await api.call("queue.purge", queue="orders") == {"queue": "orders", "purged": 300}
        case "delete":
            await api.call("queue.delete", queue="orders")
        case "reset":
            await api.control("POST", "reset")
        case _:
            await api.control("DELETE", "sandbox")
    assert (await api.call("queue.publish", {"queue": "orders", "payload": {}}))["message_id"] == (
        "msg_000301" if let_go in {"purge", "delete"} else "msg_000001"
    )
    assert (await api.call("queue.stats", queue="orders"))["available"] == 1
