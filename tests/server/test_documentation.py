"""The documentation's examples, word for word, under both generations of paths."""

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.server.harness import Api, Start

OPERATIONS = json.loads((Path(__file__).parents[1] / "data" / "operations.json").read_text())["operations"]
CRON_RECORD = "{ cron_id, name, schedule, url, enabled, next_run_at? }"
QUEUE_RECORD = "{ queue, type, dead_letter_queue?, max_retries, visibility_timeout_default }"
RECORDS = {  # what the records that the documentation names without their fields consist of
    "scheduling.cron.list": CRON_RECORD,
    "scheduling.queue.list": QUEUE_RECORD,
    "scheduling.run.list": "{ run_id, cron_id?, task_id?, state, started_at?, finished_at?, response_status?, error? }",
    "scheduling.queue.consume": "{ message_id, payload }",
    "scheduling.queue.dlq.list": "{ message_id, payload }",
}


async def prepare(api: Api) -> dict[str, str]:
    """Make one of everything that the examples' placeholders stand for."""
    cron = await api.call(
        "cron.create", {"name": "weekly", "schedule": "0 9 * * 1", "url": "https://api.acme.com/weekly"}
    )
    await api.advance(seconds=7 * 86_400)
    await api.call("queue.create", {"name": "dead"})
    await api.call("queue.create", {"name": "orders", "dead_letter_queue": "dead"})
    for number in range(3):
        await api.call("queue.publish", {"queue": "orders", "payload": {"number": number}})
    taken = (await api.call("queue.consume", {"queue": "orders", "max_messages": 2}))["messages"]
    await api.call("queue.nack", {"queue": "orders", "message_id": taken[0]["message_id"], "requeue": False})
    runs = (await api.call("run.list"))["items"]
    return {
        "id": cron["cron_id"],
        "run_id": runs[0]["run_id"],
        "queue": "orders",
        "message_id": taken[1]["message_id"],
        "task": "https://api.acme.com/once",
        "run_at": "2026-02-01T00:00:00Z",
        "name": "invoices",
    }


def fill_in(body: Any, real: dict[str, str]) -> Any:
    """Replace the documentation's placeholders, `"..."`, by what is there."""
    if not isinstance(body, dict):
        return body
    return {name: real.get(name, real["id"]) if value == "..." else value for name, value in body.items()}


def fields(record: str) -> tuple[set[str], set[str]]:
    """Return the required and the optional fields of a record as the documentation writes it."""
    names = re.findall(r"(\w+)(\??)(?:: \w+\[\])?", record[record.index("{") :])
    return {name for name, mark in names if not mark}, {name for name, mark in names if mark}


def assert_documented(answer: dict[str, Any], record: str) -> None:
    """Assert that an answer has every required field, no undocumented one, and null nowhere."""
    required, optional = fields(record)
    assert required <= answer.keys() <= required | optional
    assert None not in answer.values()


@pytest.mark.parametrize("newer", [False, True], ids=["documented path", "newer path"])
@pytest.mark.parametrize("operation", OPERATIONS, ids=[operation["id"] for operation in OPERATIONS])
async def test_the_example_succeeds_and_answers_exactly_the_documented_fields(
    start: Start, operation: dict[str, Any], *, newer: bool
) -> None:
    api = await start()
    real = await prepare(api)
    body = fill_in(operation["example_body"], real)
    path = operation["path"].format(**real)
    if newer:
        path = path.replace("/v1/scheduling/", "/v1/")

    response = await api.send(operation["method"], path, body)

    answer = await response.json()
    assert (response.status, answer["ok"], answer["error"]) == (200, True, None)
    assert_documented(answer["data"], operation["returns"])
    if operation["id"] in RECORDS:
        items = answer["data"].get("items", answer["data"].get("messages"))
        assert items
        for item in items:
            assert_documented(item, RECORDS[operation["id"]])


async def test_the_weekly_cron_of_the_documentation_fires_52_times_in_52_weeks(api: Api) -> None:
    body = {"cron_expr": "0 9 * * 1", "task_type": "http_url", "task_url": "https://api.acme.com/weekly"}
    cron = await api.call("cron.create", body)
    await api.call("cron.retention.set", {"retention_days": 365}, id=cron["cron_id"])

    assert (await api.advance(seconds=52 * 7 * 86_400)) == {
        "now": "2026-12-31T00:00:00.000Z",
        "fired": 52,
        "stopped": "until",
    }

    instants = [monday(week) for week in range(52)]
    deliveries = await api.deliveries()
    assert [(item["at"], item["url"], item["outcome"]) for item in deliveries] == [
        (instant, "https://api.acme.com/weekly", "captured") for instant in instants
    ]
    listed: list[dict[str, Any]] = []
    query = "?limit=20"
    while True:
        page = await api.call("run.list", query=query)
        listed += page["items"]
        if "next_cursor" not in page:
            break
        query = f"?limit=20&cursor={page['next_cursor']}"
    assert [(run["cron_id"], run["started_at"], run["state"]) for run in reversed(listed)] == [
        (cron["cron_id"], instant, "succeeded") for instant in instants
    ]


def monday(week: int) -> str:
    """Return nine o'clock on a Monday of 2026, counted from the fifth of January."""
    moment = datetime(2026, 1, 5, 9, tzinfo=UTC) + timedelta(weeks=week)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.000Z")
