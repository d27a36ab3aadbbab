"""Effects of documented parameters that only the journal shows, or that the contract suite leaves to us.

That every documented parameter has a check at all, `tests/contract/test_catalogue.py` asserts.
"""

from typing import Any

import pytest

from tests.server.harness import Api

HOURLY = {"name": "hourly", "schedule": "0 * * * *", "url": "https://api.acme.com/hourly"}
HOUR = 3600
DAY = 86_400


async def cron(api: Api, **fields: Any) -> str:
    """Create an hourly cron and return its id."""
    return str((await api.call("cron.create", HOURLY | fields))["cron_id"])


async def publish(api: Api, *payloads: Any, queue: str = "orders", **fields: Any) -> list[str]:
    """Publish messages and return their ids."""
    bodies = [{"queue": queue, "payload": payload, **fields} for payload in payloads]
    return [(await api.call("queue.publish", body))["message_id"] for body in bodies]


async def consume(api: Api, queue: str = "orders", **fields: Any) -> list[str]:
    """Consume and return the ids of the messages handed out."""
    messages = (await api.call("queue.consume", {"queue": queue, **fields}))["messages"]
    return [message["message_id"] for message in messages]


async def statuses(api: Api) -> list[tuple[str, int, str]]:
    """Return instant, attempt and outcome of the deliveries so far."""
    return [(item["at"][11:19], item["attempt"], item["outcome"]) for item in await api.deliveries()]


async def test_retry_of_an_update_applies_from_the_next_run(api: Api) -> None:
    await api.script("*", 500)
    cron_id = await cron(api, retries=0)
    await api.call("cron.update", {"retry": 2}, id=cron_id)
    await api.advance(seconds=HOUR + 600)
    assert await statuses(api) == [
        ("01:00:00", 1, "failed"),
        ("01:00:10", 2, "failed"),
        ("01:00:30", 3, "failed"),
    ]


async def test_timeout_seconds_of_an_update_limits_an_attempt(api: Api) -> None:
    await api.script("*", status=200, latency_seconds=30)
    cron_id = await cron(api, retries=0)
    await api.call("cron.update", {"timeout_seconds": 2.5}, id=cron_id)
    await api.advance(seconds=HOUR + 60)
    assert [(item["outcome"], item["duration_seconds"]) for item in await api.deliveries()] == [("timeout", 2.5)]


async def test_overlap_policy_of_an_update_decides_about_a_second_run(api: Api) -> None:
    await api.script("*", status=200, latency_seconds=5400)
    cron_id = await cron(api, timeout_seconds=900)
    await api.call("cron.update", {"overlap_policy": "skip", "cron_expr": "*/10 * * * *", "retry": 0}, id=cron_id)
    await api.advance(seconds=1400)
    runs = (await api.call("run.list"))["items"]
    assert [(run["started_at"][11:16], run["state"]) for run in runs] == [("00:20", "skipped"), ("00:10", "running")]


async def test_max_runs_of_an_update_stops_the_cron(api: Api) -> None:
    cron_id = await cron(api)
    await api.call("cron.update", {"max_runs": 2}, id=cron_id)
    await api.advance(seconds=DAY)
    assert len(await api.deliveries()) == 2
    record = await api.call("cron.get", id=cron_id)
    assert (record["enabled"], "next_run_at" in record) == (False, False)


async def test_on_failure_webhook_of_an_update_is_called_once(api: Api) -> None:
    await api.script("*hourly", 500)
    cron_id = await cron(api, retries=1)
    await api.call("cron.update", {"on_failure_webhook": "https://api.acme.com/failed"}, id=cron_id)
    await api.advance(seconds=HOUR + 600)
    assert [(item["kind"], item["body"]) for item in await api.deliveries() if item["kind"] == "failure"] == [
        (
            "failure",
            {
                "type": "cron.run.failed",
                "cron_id": cron_id,
                "name": "hourly",
                "run_id": "run_000001",
                "attempts": 2,
                "response_status": 500,
                "error": "HTTP 500",
            },
        )
    ]


async def test_a_tasks_name_is_on_the_timeline(api: Api) -> None:
    await api.call("task.schedule", {"task": "https://a.acme.com", "run_at": "2026-01-02T00:00:00", "name": "invoice"})
    assert (await api.control("GET", "timeline"))["items"] == [
        {"at": "2026-01-02T00:00:00.000Z", "kind": "task", "subject": "task_000001", "name": "invoice"}
    ]


async def test_a_task_is_tried_again_when_it_takes_too_long(api: Api) -> None:
    await api.script("*", status=200, latency_seconds=30)
    await api.call(
        "task.schedule",
        {"task": "https://a.acme.com", "run_at": "2026-01-01T01:00:00Z", "retry": 1, "timeout_seconds": 5},
    )
    await api.advance(seconds=DAY)
    assert await statuses(api) == [("01:00:00", 1, "timeout"), ("01:00:15", 2, "timeout")]


async def test_a_push_subscription_delivers_and_gives_up_by_its_own_settings(api: Api) -> None:
    await api.script("*", status=200, latency_seconds=60)
    for name in ("orders", "dead"):
        await api.call("queue.create", {"name": name})
    settings = {"max_retries": 1, "visibility_timeout": 5, "dead_letter_queue": "dead"}
    subscribed = await api.call("queue.push_subscribe", {"url": "https://p.acme.com/x", **settings}, queue="orders")
    assert subscribed == {"subscription_id": "sub_000001", "queue": "orders", "url": "https://p.acme.com/x"}
    [message_id] = await publish(api, {"n": 1})
    await api.advance(seconds=HOUR)
    assert await statuses(api) == [("00:00:00", 1, "timeout"), ("00:00:15", 2, "timeout")]
    assert await consume(api, queue="dead") == [message_id]


KEYED: list[tuple[str, dict[str, Any], dict[str, str]]] = [
    ("cron.create", HOURLY, {}),
    ("cron.update", {"name": "other"}, {"id": "cron_000001"}),
    ("cron.delete", {}, {"id": "cron_000001"}),
    ("cron.pause", {}, {"id": "cron_000001"}),
    ("cron.resume", {}, {"id": "cron_000001"}),
    ("cron.trigger", {}, {"id": "cron_000001"}),
    ("cron.retention.set", {"retention_days": 3}, {"id": "cron_000001"}),
    ("task.schedule", {"task": "https://a.acme.com/", "run_at": "2026-01-02T00:00:00Z"}, {}),
    ("queue.create", {"name": "another"}, {}),
    ("queue.update", {"max_retries": 1}, {"queue": "orders"}),
    ("queue.delete", {}, {"queue": "orders"}),
    ("queue.purge", {}, {"queue": "orders"}),
    ("queue.publish", {"queue": "orders", "payload": {}}, {}),
    ("queue.publish_batch", {"queue": "orders", "messages": [{"payload": {}}]}, {}),
    ("queue.ack", {"queue": "orders", "message_id": "msg_000001"}, {}),
    ("queue.nack", {"queue": "orders", "message_id": "msg_000001"}, {}),
    ("queue.dlq.redrive", {}, {"queue": "orders"}),
    ("queue.push_subscribe", {"url": "https://p.acme.com/"}, {"queue": "orders"}),
]


@pytest.mark.parametrize(("operation", "body", "path"), KEYED, ids=[operation for operation, _, _ in KEYED])
async def test_with_a_key_the_same_request_counts_once(
    api: Api, operation: str, body: dict[str, Any], path: dict[str, str]
) -> None:
    await cron(api)
    await cron(api)
    await publish(api, {"n": 1}, {"n": 2})
    await consume(api)
    keyed = body | {"idempotency_key": "k1"}
    first = await api.call(operation, keyed, **path)
    before = len((await api.control("GET", "timeline"))["items"]), await stats_or_none(api)
    assert await api.call(operation, keyed, **path) == first
    assert (len((await api.control("GET", "timeline"))["items"]), await stats_or_none(api)) == before
    requests = (await api.control("GET", "requests"))["items"]
    named = [item for item in requests if item["operation"] == f"scheduling.{operation}"]
    assert named[-1]["replayed_from"] == named[-2]["seq"]


async def stats_or_none(api: Api) -> Any:
    """Return the counts of the queue, None where it is gone."""
    answer = await api.envelope("queue.stats", queue="orders")
    return answer["data"]
