"""The control API and its document agree both ways: what is answered is described, and what is described is answered.

The one way is held by every request of `harness.Api`. The other is shown here: a session sees every status and every
property that the document names.
"""

import asyncio
import json
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from aiohttp import ClientError

from sched_emulator import spec
from tests.receivers import Hold, receiver
from tests.server import described
from tests.server.harness import Api, Start
from tests.server.test_others_are_served import Endless
from tests.waiting import until

HOURLY = {"name": "hourly", "schedule": "0 * * * *", "url": "https://api.acme.com/hourly"}
EACH_SECOND = {"schedule": "* * * * * *", "url": "https://api.acme.com/x"}
BODIES: dict[str, Any] = {
    "clock.set": {"mode": "frozen"},
    "clock.advance": {"seconds": 0},
    "targets.add": {"url": "*", "responses": [{}]},
    "routes.set": {},
    "faults.add": {"status": 503},
    "assumptions.set": {"cron.retries": 1},
    "account.set": {"balance_usd": None},
    "call": {"operation": "queue.list"},
    "recording.begin": {"name": "session"},
    "schedules.show": {"schedules": [{"schedule": "0 9 * * *"}]},
}

QUERIES = {"messages.list": "?queue=leased", "asked": "?seq=1"}


ENDING = ("snapshot.put", "reset", "sandbox.delete")  # come last, because they end the session


async def each(api: Api, status: str, snapshot: bytes = b"{}", query: str = "", **options: Any) -> None:
    """Send every request that may be answered with a status, and see that it is."""
    bodies = {**BODIES, "snapshot.put": snapshot}
    for (method, path), operation in sorted(described.operations().items(), key=lambda item: _turn(item[1])):
        if status in operation.responses and (path == operation.path or not query):
            fresh = operation.operation_id == "recording.begin" and status == "200"
            answer = await (api.with_key("ifr_recorded") if fresh else api).send(
                method,
                path + (query or QUERIES.get(operation.operation_id, "")),
                bodies.get(operation.operation_id),
                **options,
            )
            assert answer.status == int(status), (method, path)


def _turn(operation: spec.Operation) -> int:
    return ENDING.index(operation.operation_id) if operation.operation_id in ENDING else -1


async def see_answers(api: Api) -> None:
    """See every request answered once, in a session in which much has happened."""
    await api.script("*hourly", status=503, headers={"A": "b"}, body={"busy": True}, latency_seconds=1)
    await api.control("POST", "targets", {"url": "*timeout", "responses": [{"error": "timeout"}]})
    fault = {"operation": "queue.get", "status": 503, "code": "X", "retry_after_seconds": 1, "latency_seconds": 0.001}
    await api.control("POST", "faults", {**fault, "times": 1, "probability": 0.5, "after": True})
    await api.control("POST", "faults", {"operation": "queue.purge", "drop": True})
    await api.call("cron.create", HOURLY | {"retries": 1})
    await api.call("queue.publish", {"queue": "q", "payload": {"n": 1}, "message_group_id": "ignored"})
    with pytest.raises(ClientError):  # its answer is lost, which the journal notes
        await api.call("queue.purge", queue="q")
    for _ in range(2):
        await api.call("queue.create", {"name": "pushed", "type": "standard", "idempotency_key": "twice"})
    await api.call("queue.push_subscribe", {"queue": "pushed", "url": "https://api.acme.com/timeout"}, queue="pushed")
    await api.call("queue.publish", {"queue": "pushed", "payload": {}})
    await see_what_is_held(api)
    await api.advance(seconds=3700)
    await api.control("PUT", "routes", {"https://other.example": "http://127.0.0.1:1"})
    await api.script("https://nobody.example/*", 200)
    await api.control("GET", "unused")
    for path in ("crons", "tasks", "runs", "messages?queue=leased"):
        await api.control("GET", path)
    await api.control(
        "POST", "schedules", {"schedules": 2 * [{"schedule": "0 9 * * *"}], "from": "2026-01-01", "days": 3}
    )
    await each(api, "200", await api.snapshot())


async def see_what_is_held(api: Api) -> None:
    """Fill what lists show: a task that fails, leased, delayed and dead messages of a queue with all settings."""
    await api.call(
        "task.schedule",
        {"name": "once", "run_at": "2026-01-01T00:30:00Z", "task": "https://x.example/timeout", "retry": 0},
    )
    for name in ("graveyard", "leased"):
        settings = {"dead_letter_queue": "graveyard", "enable_priority": True} if name == "leased" else {}
        await api.call("queue.create", {"name": name, "type": "standard", **settings})
    for delay in (0, 7200):
        await api.call(
            "queue.publish", {"queue": "leased", "payload": {"n": delay}, "priority": 3, "delay_seconds": delay}
        )
    await api.call("queue.consume", {"queue": "leased", "visibility_timeout": 7200})
    await api.control("GET", "queues")


async def see_refusals(api: Api) -> None:
    await api.send("GET", "/_emulator/", headers={"Accept": "text/html"}, allow_redirects=False)
    await each(api, "404")
    await each(api, "401", headers={"Authorization": "Bearer sk_live"})
    await each(api, "403", headers={"Origin": "https://evil.example"})
    await each(api, "400", query="?nonsense=1")


async def see_what_waits(api: Api) -> None:
    """See a clock that waits for a receiver, and what is refused meanwhile; a message whose receiver comes too late."""
    hold = Hold()
    async with receiver(hold) as target:
        await api.control("PUT", "routes", {"https://api.acme.com": target.url})
        cron = await api.call("cron.create", HOURLY)
        taken = await api.snapshot()
        advancing = asyncio.create_task(api.advance(seconds=3600))
        await hold.arrived.wait()
        await api.control("GET", "clock")
        for method, path, body in [
            ("POST", "clock/advance", {"seconds": 1}),
            ("PUT", "clock", {"now": "2027-01-01"}),
            ("GET", "snapshot", None),
            ("PUT", "snapshot", taken),
            ("PUT", "recording", {"name": "late"}),
        ]:
            assert (await api.send(method, f"/_emulator/{path}", body)).status == 409
        await api.call("cron.delete", id=cron["cron_id"])
        hold.leave.set()
        await advancing
    await api.control("GET", "deliveries")


async def see_what_is_proved(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """See what a session relied on, and that it is proved for one client at a time."""
    monkeypatch.setattr("sched_emulator.server.control_relied.relied", endless := Endless())
    asking = asyncio.create_task(api.send("GET", "/_emulator/assumptions/relied"))
    await until(endless.has_begun, "the first client to be heard")
    for path in ("relied", "asked?seq=1"):
        assert (await api.send("GET", f"/_emulator/assumptions/{path}")).status == 409
    asking.cancel()
    await until(endless.has_ended, "the work to end with its client")
    monkeypatch.undo()


async def see_a_clock_that_is_late(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sched_emulator.server.running_clock.BEHIND_SECONDS", 0)
    for number in range(10):
        await api.call("cron.create", {"name": f"c{number}", **EACH_SECOND})
    await api.control("PUT", "clock", {"mode": "wall", "speed": 1_000_000})

    async def late() -> bool:
        return "behind_seconds" in await api.control("GET", "clock")

    await until(late, "the clock to be told to be late")
    await api.control("PUT", "clock", {"mode": "frozen"})
    monkeypatch.undo()


async def test_a_session_shows_everything_that_the_document_describes(
    start: Start, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    api = await start(delivery_timeout_seconds=600, prices={"scheduling.queue.publish": (0.001, True)})
    api.app.record_into(tmp_path, "http://127.0.0.1:8420")
    await see_refusals(api)
    await see_answers(api)
    await see_what_waits(api)
    await see_what_is_proved(api, monkeypatch)
    await see_a_clock_that_is_late(api, monkeypatch)
    assert described.declared() - api.seen == set()
    assert api.seen <= described.declared()


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ({"items": [], "more": 1}, "more"),
        ({"items": [{"at": "2026-01-01T00:00:00.000Z", "kind": "cron", "subject": "c", "colour": "red"}]}, "colour"),
        ({"items": [{"at": "2026-01-01", "kind": "cron", "subject": "c"}]}, "date-time"),
        ({}, "items"),
    ],
)
def test_an_answer_that_is_not_as_described_is_noticed(answer: Any, message: str) -> None:
    with pytest.raises(jsonschema_rs.ValidationError, match=message):
        described.seen_in("GET", "/_emulator/timeline?limit=1", 200, spec.JSON_CONTENT, json.dumps(answer).encode())


def test_a_status_that_is_not_described_is_noticed() -> None:
    with pytest.raises(AssertionError, match=r"timeline\.list answers 409, which is not described"):
        described.seen_in("GET", "/_emulator/timeline", 409, spec.JSON_CONTENT, b"{}")
