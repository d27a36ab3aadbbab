"""What a dashboard does as a client would, and what it asks about schedules."""

from typing import Any

import pytest

from sched_emulator.core.account import FIRE
from tests.server.harness import Api, Start

Json = dict[str, Any]


async def test_a_call_is_performed_answered_and_journaled_like_a_request(api: Api) -> None:
    answer = await api.control("POST", "call", {"operation": "queue.publish", "body": {"queue": "q", "payload": {}}})
    assert (answer["status"], answer["response"]["data"]) == (200, {"message_id": "msg_000001"})
    for name in ("scheduling.queue.stats", "queue.stats"):
        answer = await api.control("POST", "call", {"operation": name, "path": {"queue": "q"}})
        assert answer["response"]["data"]["available"] == 1
    answer = await api.control("POST", "call", {"operation": "queue.list", "query": {"limit": 1}})
    assert len(answer["response"]["data"]["items"]) == 1
    log = (await api.control("GET", "requests"))["items"]
    assert [(item["method"], item["path"]) for item in log] == [
        ("POST", "/v1/scheduling/queue/publish"),
        ("GET", "/v1/scheduling/queue/stats/q"),
        ("GET", "/v1/scheduling/queue/stats/q"),
        ("GET", "/v1/scheduling/queue/list?limit=1"),
    ]


async def test_a_call_that_is_refused_says_so_and_a_name_with_signs_is_one_name(api: Api) -> None:
    answer = await api.control("POST", "call", {"operation": "queue.purge", "path": {"queue": "a/b?c"}})
    assert (answer["status"], answer["response"]["error"]["code"]) == (404, "NOT_FOUND")
    assert "'a/b?c'" in answer["response"]["error"]["message"]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"operation": "queue.publsh"}, "`operation` names no operation"),
        ({"operation": "discovery.list"}, "`operation` names no operation"),
        ({"operation": "queue.purge"}, "`path` must have 'queue'"),
        ({"operation": "queue.purge", "path": {"queue": ""}}, "path"),
    ],
)
async def test_a_call_of_nothing_is_refused(api: Api, body: Json, message: str) -> None:
    response = await api.send("POST", "/_emulator/call", body)
    assert (response.status, message in (await response.json())["error"]["message"]) == (400, True)


async def test_schedules_are_shown_by_day_with_their_fires_and_meetings(api: Api) -> None:
    berlin = {"schedule": "0 9 * * *", "timezone": "Europe/Berlin"}
    asked = {"schedules": [berlin, {"schedule": "0 */8 * * *"}], "from": "2026-03-28T00:00:00Z", "days": 2}
    answer = await api.control("POST", "schedules", asked)
    first, second = answer["schedules"]
    assert first["days"] == [
        {"date": "2026-03-28", "fires": 1, "level": 4, "shift_seconds": 0},
        {"date": "2026-03-29", "fires": 1, "level": 4, "shift_seconds": 3600},
    ]
    assert first["fires"][0] == {"at": "2026-03-28T08:00:00.000Z", "local": "2026-03-28T09:00:00+01:00"}
    assert (second["total"], second["timezone"]) == (6, "UTC")
    assert (answer["meetings"], answer["complete"]) == ([{"at": "2026-03-28T08:00:00.000Z", "schedules": [0, 1]}], True)


async def test_schedules_are_shown_with_what_they_cost_where_prices_are_known(api: Api, start: Start) -> None:
    asked = {"schedules": [{"schedule": "0 9 * * *"}, {"schedule": "0 */8 * * *"}], "from": "2026-03-28", "days": 2}
    unpriced = await api.control("POST", "schedules", asked)
    assert "cost_usd" not in unpriced
    assert all("cost_usd" not in each for each in unpriced["schedules"])
    for fire, costs, together in (({}, [0.01, 0.01], 0.02), ({FIRE: (0.1, False)}, [0.21, 0.61], 0.82)):
        priced = await start(prices={"scheduling.cron.create": (0.01, False), **fire})
        answer = await priced.control("POST", "schedules", asked)
        assert [each.pop("cost_usd") for each in answer["schedules"]] == costs
        assert (answer.pop("cost_usd"), answer) == (together, unpriced)


async def test_a_schedule_is_read_as_the_sandbox_answers(api: Api) -> None:
    await api.control("PUT", "assumptions", {"cron.seconds_position": "last", "cron.dst": "literal"})
    asked = {"schedules": [{"schedule": "30 2 * * * 15", "timezone": "Europe/Berlin"}], "from": "2026-03-29", "days": 1}
    [shown] = (await api.control("POST", "schedules", asked))["schedules"]
    assert [day["fires"] for day in shown["days"]] == [0]


@pytest.mark.parametrize(
    ("schedule", "message"),
    [
        ({"schedule": "61 * * * *"}, "minute: '61' is out of range"),
        ({"schedule": "0 9 * * *", "timezone": "Mars/Olympus"}, "Mars/Olympus"),
        ({"schedule": "0 9"}, "has 2 fields"),
    ],
)
async def test_a_schedule_that_cannot_be_is_told_by_its_place(api: Api, schedule: Json, message: str) -> None:
    response = await api.send("POST", "/_emulator/schedules", {"schedules": [{"schedule": "0 9 * * *"}, schedule]})
    told = (await response.json())["error"]["message"]
    assert (response.status, "schedules[1]" in told, message in told) == (400, True, True)
