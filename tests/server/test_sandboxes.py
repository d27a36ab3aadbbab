"""The sandboxes of a server: how a key's sandbox begins, and that it shares nothing with another."""

import asyncio
import dataclasses
import json
import re
from collections.abc import AsyncIterator, Callable
from hashlib import blake2b
from pathlib import Path
from typing import Any

import pytest

from sched_emulator import cli
from sched_emulator.commands import serve
from sched_emulator.commands.options import values_of
from sched_emulator.config import Config, UsageError
from sched_emulator.core.encoding import decode, encode_bytes
from sched_emulator.core.errors import Conflict
from sched_emulator.server.sandboxes import Sandboxes
from sched_emulator.server.sender import Sender
from sched_emulator.spec import assumptions
from tests.server.harness import Api, Start

LOCAL = "http://127.0.0.1:9000"

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


LATER = "2026-01-01T00:00:20.000Z"


def given(path: Path, *arguments: str) -> dict[str, Any]:
    """Return the fields of the configuration that `serve` has with these options."""
    parser = cli.build_parser().parse_args(["serve", "--load", str(path), *arguments])
    config = serve.config_of(values_of(parser.options, parser, {}))
    return {field.name: getattr(config, field.name) for field in dataclasses.fields(config)}


async def test_what_serve_is_told_wins_over_the_snapshot_it_loads(api: Api, start: Start, tmp_path: Path) -> None:
    await api.control("PUT", "routes", {"https://a.example": "http://127.0.0.1:1", "https://b.example": LOCAL})
    await api.control("PUT", "assumptions", {"queue.nack_position": "back", "cron.retries": 7})
    await api.control("PUT", "clock", {"mode": "frozen"})
    path = await saved(api, tmp_path)
    options = ("--clock", "0.001x", "--now", LATER, "--seed", "9", "--route", "https://a.example=http://127.0.0.1:2")
    answers = ("--assume", "queue.nack_position=front", "--assume", "cron.dst=literal")
    loaded = await start(**given(path, *options, *answers))
    for _ in range(2):  # a reset returns to the same
        clock = await loaded.control("GET", "clock")
        assert (clock["mode"], clock["speed"], clock["now"][:16]) == ("wall", 0.001, LATER[:16])
        routes = {"https://a.example": "http://127.0.0.1:2", "https://b.example": LOCAL}
        assert await loaded.control("GET", "routes") == routes
        in_force = await loaded.control("GET", "assumptions")
        names = ("queue.nack_position", "cron.dst", "cron.retries", "cron.duplicate_name")
        assert [in_force[name] for name in names] == ["front", "literal", 7, "allow"]
        assert (await loaded.control("PUT", "assumptions", {"cron.dst": None}))["cron.dst"] == "literal"
        await loaded.control("PUT", "clock", {"mode": "frozen"})
        assert json.loads(await loaded.snapshot())["settings"]["seed"] == 9
        await loaded.control("POST", "reset")


async def test_a_dialect_that_is_said_answers_all_questions_of_what_is_loaded(
    api: Api, start: Start, tmp_path: Path
) -> None:
    await api.control("PUT", "assumptions", {"queue.nack_position": "back"})
    loaded = await start(**given(await saved(api, tmp_path), "--dialect", "observed"))
    assert await loaded.control("GET", "assumptions") == assumptions.preset("observed")


async def test_what_serve_is_not_told_stays_as_the_snapshot_has_it(api: Api, start: Start, tmp_path: Path) -> None:
    await api.control("PUT", "assumptions", {"queue.nack_position": "back"})
    await api.control("PUT", "clock", {"mode": "wall", "speed": 0.002})
    path = await saved(api, tmp_path)
    loaded = await start(**given(path))
    assert (await loaded.control("GET", "clock"))["speed"] == 0.002
    assert (await loaded.control("GET", "assumptions"))["queue.nack_position"] == "back"


@pytest.mark.parametrize(
    ("now", "complaint"),
    [
        ("2025-12-31", "stands at 2026-01-01T00:00:10.000Z, and its time does not go back; leave --now out, or give a"),
        ("2026-01-02", "stands at 2026-01-01T00:00:10.000Z, and the fire of cron_000001 is due at 2026-01-01T01:00:00"),
    ],
)
async def test_an_instant_at_which_the_snapshot_cannot_be_is_refused(
    api: Api, start: Start, tmp_path: Path, now: str, complaint: str
) -> None:
    await api.call("cron.create", {"name": "hourly", "schedule": "0 * * * *", "url": "https://api.acme.com/hourly"})
    await api.advance(seconds=10)
    path = tmp_path / "team.json"
    path.write_bytes(await api.snapshot())
    with pytest.raises(UsageError, match=re.escape(f"--now: {path} {complaint}")):
        await start(**given(path, "--now", now))
    same = await start(**given(path, "--now", "2026-01-01T00:00:10Z", "--clock", "frozen"))
    assert (await same.control("GET", "clock"))["now"] == "2026-01-01T00:00:10.000Z"


async def test_a_snapshot_in_which_nothing_has_happened_may_be_at_any_instant(
    api: Api, start: Start, tmp_path: Path
) -> None:
    path = tmp_path / "new.json"
    path.write_bytes(await api.snapshot())
    loaded = await start(**given(path, "--now", "2020-01-01", "--clock", "frozen"))
    await loaded.call("cron.list")
    await loaded.control("POST", "reset")
    assert (await loaded.control("GET", "clock"))["now"] == "2020-01-01T00:00:00.000Z"


@pytest.mark.parametrize(
    ("method", "path"),
    [("PUT", "snapshot?now=2026-02-01"), ("DELETE", "sandbox?key=ifr_x"), ("GET", "sandboxes?limit=1")],
)
async def test_a_parameter_that_a_request_has_not_is_refused_on_every_route(api: Api, method: str, path: str) -> None:
    await api.call("cron.list")
    answer = await api.send(method, f"/_emulator/{path}", await api.snapshot() if method == "PUT" else None)
    assert (answer.status, (await answer.json())["error"]["code"]) == (400, "INVALID_REQUEST")
    assert (await api.control("GET", "health"))["sandboxes"] == 1


async def test_a_reset_returns_to_the_loaded_snapshot(api: Api, start: Start, tmp_path: Path) -> None:
    loaded = await start(load=await saved(api, tmp_path))
    before = await loaded.snapshot()
    await loaded.call("queue.publish", {"queue": "other", "payload": {}})
    await loaded.control("POST", "reset")
    assert await loaded.snapshot() == before


def test_what_is_no_snapshot_stops_the_start(tmp_path: Path) -> None:
    path = tmp_path / "snapshot.json"
    path.write_text("{}")
    with pytest.raises(UsageError, match=r"^--load: .* cannot be used: this is no snapshot of this version"):
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


# --- Snapshots from other hands and other versions


def forged(document: bytes, change: Callable[[dict[str, Any]], object]) -> bytes:
    """Change a snapshot and seal it anew, as anybody can."""
    written = {name: value for name, value in decode(document).items() if name != "seal"}
    change(written)
    content = encode_bytes(written)
    return b'{"seal":"' + blake2b(content, digest_size=16).hexdigest().encode() + b'",' + content[1:]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (
            lambda it: it["messages"][0].update(queue="gone"),
            "the snapshot must hang together: something refers to 'gone', which is not there",
        ),
        (
            lambda it: it["answers"].update({"page.max_limit": "x"}),
            "the snapshot must have answers that are known: page.max_limit cannot be 'x'",
        ),
        (
            lambda it: it["answers"].update({"cron.colour": "red"}),
            "the snapshot must have answers that are known: There is no assumption 'cron.colour'",
        ),
        (lambda it: it.update(counters={}), "the snapshot must hang together: the counter of cron lies behind"),
        (lambda it: it.update(now_ms=2**62), "this is no snapshot of this version: Expected `int` <= 253402300799999"),
        (
            lambda it: it.update(speed=1e300, mode="wall"),
            "this is no snapshot of this version: Expected `float`",
        ),
        (
            lambda it: it.update(faults=[{"status": 253_402_300_800}]),
            "this is no snapshot of this version: Expected `int`",
        ),
        (lambda it: it.update(version=3), "this is no snapshot of this version: its form is 3, expected 2"),
    ],
)
async def test_a_snapshot_that_does_not_hang_together_is_refused_and_changes_nothing(
    api: Api, start: Start, tmp_path: Path, change: Callable[[dict[str, Any]], object], sentence: str
) -> None:
    document = forged((await saved(api, tmp_path)).read_bytes(), change)
    before = await api.snapshot()
    answer = await api.send("PUT", "/_emulator/snapshot", document)
    error = (await answer.json())["error"]
    assert (answer.status, error["code"], error["message"][: len(sentence)]) == (400, "INVALID_REQUEST", sentence)
    assert await api.snapshot() == before
    (tmp_path / "forged.json").write_bytes(document)
    with pytest.raises(UsageError, match=f"^--load: .* cannot be used: {re.escape(sentence)}"):
        await start(load=tmp_path / "forged.json")


async def test_answers_that_an_older_version_did_not_know_are_the_default_ones(
    api: Api, start: Start, tmp_path: Path
) -> None:
    def forget(document: dict[str, Any]) -> None:
        for place in (document["answers"], document["settings"]["answers"]):
            for name in ("cron.create.names", "cron.dst", "push.concurrency"):
                del place[name]
        del document["fired"]

    path = await saved(api, tmp_path)
    expected = await api.snapshot()
    path.write_bytes(forged(expected, forget))
    loaded = await start(load=path)
    assert await loaded.snapshot() == expected
    assert (await api.send("PUT", "/_emulator/snapshot", path.read_bytes())).status == 200
    assert await api.snapshot() == expected


@pytest.mark.parametrize(("limit", "lines"), [(0, 2), (3600, 0)])
async def test_a_snapshot_that_takes_long_to_save_or_load_is_logged(
    api: Api, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, limit: float, lines: int
) -> None:
    monkeypatch.setattr("sched_emulator.server.sandboxes.LONG_SECONDS", limit)
    assert (await api.send("PUT", "/_emulator/snapshot", await api.snapshot())).status == 200
    told = [re.sub(r"[0-9.]+", "#", record.getMessage()) for record in caplog.records]
    assert (
        told
        == [f"{what} a snapshot took # s, in which nobody else was served" for what in ("saving", "loading")][:lines]
    )


@pytest.mark.parametrize(("key", "status", "scripts"), [("with", 200, ["*"]), ("without", 400, [])])
async def test_a_control_request_looks_its_sandbox_up_when_its_body_has_come(
    api: Api, key: str, status: int, scripts: list[str]
) -> None:
    await api.call("queue.list")
    half, forgotten = asyncio.Event(), asyncio.Event()

    async def body() -> AsyncIterator[bytes]:
        yield b'{"url":"*",'
        half.set()
        await forgotten.wait()
        yield b'"responses":[{"status":200}]}'

    headers = api.headers if key == "with" else {}
    adding = asyncio.ensure_future(api.client.post("/_emulator/targets", data=body(), headers=headers))
    await half.wait()
    assert await api.control("DELETE", "sandbox") == {"deleted": True}
    forgotten.set()
    response = await adding
    assert response.status == status
    assert [target["url"] for target in (await api.control("GET", "targets"))["items"]] == scripts


async def test_a_clock_is_not_set_in_a_sandbox_forgotten_meanwhile(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    api = await start(clock_mode="wall")
    await api.call("queue.list")
    hosted = next(iter(api.app.sandboxes.hosted.values()))

    async def forget() -> None:
        api.app.sandboxes.forget(hosted.key)

    monkeypatch.setattr(hosted.driver, "caught_up", forget)
    with pytest.raises(Conflict, match="the sandbox was forgotten meanwhile"):
        await hosted.driver.set_clock(mode="frozen", speed=None)
    assert hosted.sandbox.store.mode == "wall"
