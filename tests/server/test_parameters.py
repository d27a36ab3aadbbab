"""Every documented parameter has an effect that a user can see: one test each, named operation/parameter.

`test_every_documented_parameter_has_a_test_here` fails when the documentation has a parameter that no test names.
"""

import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from tests.server.harness import Api

OPERATIONS = json.loads((Path(__file__).parents[1] / "data" / "operations.json").read_text())["operations"]
WEEKLY = {"name": "weekly", "schedule": "0 9 * * 1", "url": "https://api.acme.com/weekly"}
HOURLY = {"name": "hourly", "schedule": "0 * * * *", "url": "https://api.acme.com/hourly"}
HOUR = 3600
DAY = 86_400

Check = Callable[[Api], Awaitable[None]]
CHECKS: dict[str, Check] = {}


def shows(*parameters: str) -> Callable[[Check], Check]:
    """Name the parameters, `operation/parameter`, whose effect a check shows."""

    def register(check: Check) -> Check:
        CHECKS.update(dict.fromkeys(parameters, check))
        return check

    return register


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


async def stats(api: Api, queue: str = "orders") -> tuple[int, int, int]:
    """Return how many messages of a queue are available, in flight and dead."""
    counts = await api.call("queue.stats", queue=queue)
    return counts["available"], counts["in_flight"], counts["dlq"]


async def statuses(api: Api) -> list[tuple[str, int, str]]:
    """Return instant, attempt and outcome of the deliveries so far."""
    return [(item["at"][11:19], item["attempt"], item["outcome"]) for item in await api.deliveries()]


@pytest.mark.parametrize(
    "parameter",
    [
        f"{item['id'].removeprefix('scheduling.')}/{parameter['name']}"
        for item in OPERATIONS
        for parameter in item["parameters"]
    ],
)
async def test_the_parameter_has_an_effect(api: Api, parameter: str) -> None:
    assert parameter in CHECKS, f"no test shows the effect of {parameter}"
    await CHECKS[parameter](api)


def test_no_check_names_a_parameter_that_is_not_documented() -> None:
    documented = {
        f"{item['id'].removeprefix('scheduling.')}/{parameter['name']}"
        for item in OPERATIONS
        for parameter in item["parameters"]
    }
    assert CHECKS.keys() == documented


# Crons


@shows("cron.create/name", "cron.create/schedule", "cron.create/url", "cron.get/cron_id")
async def create_stores_name_schedule_and_url(api: Api) -> None:
    cron_id = (await api.call("cron.create", WEEKLY))["cron_id"]
    assert await api.call("cron.get", id=cron_id) == {
        "cron_id": cron_id,
        "name": "weekly",
        "cron_expr": "0 9 * * 1",
        "task": "https://api.acme.com/weekly",
        "timezone": "UTC",
        "enabled": True,
        "next_run_at": "2026-01-05T09:00:00.000Z",
    }
    assert await api.error("cron.get", id="cron_999999") == (404, "NOT_FOUND", "cron 'cron_999999' not found")


@shows("cron.create/payload")
async def create_payload_is_posted(api: Api) -> None:
    await cron(api, payload=["any", {"json": None}])
    await api.advance(seconds=HOUR)
    assert [item["body"] for item in await api.deliveries()] == [["any", {"json": None}]]


@shows("cron.create/timezone")
async def create_timezone_decides_when_it_fires(api: Api) -> None:
    created = await api.call("cron.create", WEEKLY | {"timezone": "Asia/Shanghai"})
    assert created["next_run_at"] == "2026-01-05T01:00:00.000Z"


@shows("cron.create/retries")
async def create_retries_decide_how_often_it_is_tried(api: Api) -> None:
    await api.script("*", 500)
    await cron(api, retries=1)
    await api.advance(seconds=HOUR + 600)
    assert await statuses(api) == [("01:00:00", 1, "failed"), ("01:00:10", 2, "failed")]


@shows("cron.update/cron_id", "cron.update/cron_expr", "cron.update/task", "cron.update/name", "cron.update/timezone")
async def update_changes_what_is_given(api: Api) -> None:
    cron_id, other = await cron(api), await cron(api)
    changes = {"cron_expr": "30 12 * * *", "task": "https://b.acme.com/", "name": "noon", "timezone": "Europe/Berlin"}
    updated = await api.call("cron.update", changes, id=cron_id)
    assert updated == {"cron_id": cron_id, "enabled": True, "next_run_at": "2026-01-01T11:30:00.000Z", **changes}
    assert (await api.call("cron.get", id=other))["name"] == "hourly"
    await api.advance(until="2026-01-01T12:00:00Z")
    assert [item["at"] for item in await api.deliveries() if item["url"] == "https://b.acme.com/"] == [
        "2026-01-01T11:30:00.000Z"
    ]


@shows("cron.update/retry")
async def update_retry_applies_from_the_next_run(api: Api) -> None:
    await api.script("*", 500)
    cron_id = await cron(api, retries=0)
    await api.call("cron.update", {"retry": 2}, id=cron_id)
    await api.advance(seconds=HOUR + 600)
    assert await statuses(api) == [
        ("01:00:00", 1, "failed"),
        ("01:00:10", 2, "failed"),
        ("01:00:30", 3, "failed"),
    ]


@shows("cron.update/timeout_seconds")
async def update_timeout_limits_an_attempt(api: Api) -> None:
    await api.script("*", status=200, latency_seconds=30)
    cron_id = await cron(api, retries=0)
    await api.call("cron.update", {"timeout_seconds": 2.5}, id=cron_id)
    await api.advance(seconds=HOUR + 60)
    assert [(item["outcome"], item["duration_seconds"]) for item in await api.deliveries()] == [("timeout", 2.5)]


@shows("cron.update/overlap_policy")
async def update_overlap_policy_decides_about_a_second_run(api: Api) -> None:
    await api.script("*", status=200, latency_seconds=5400)
    cron_id = await cron(api, timeout_seconds=900)
    await api.call("cron.update", {"overlap_policy": "skip", "cron_expr": "*/10 * * * *", "retry": 0}, id=cron_id)
    await api.advance(seconds=1400)
    runs = (await api.call("run.list"))["items"]
    assert [(run["started_at"][11:16], run["state"]) for run in runs] == [("00:20", "skipped"), ("00:10", "running")]


@shows("cron.update/max_runs")
async def update_max_runs_stops_the_cron(api: Api) -> None:
    cron_id = await cron(api)
    await api.call("cron.update", {"max_runs": 2}, id=cron_id)
    await api.advance(seconds=DAY)
    assert len(await api.deliveries()) == 2
    record = await api.call("cron.get", id=cron_id)
    assert (record["enabled"], "next_run_at" in record) == (False, False)


@shows("cron.update/payload", "cron.update/headers")
async def update_payload_and_headers_are_sent(api: Api) -> None:
    cron_id = await cron(api)
    await api.call("cron.update", {"payload": {"n": 1}, "headers": {"X-Team": "billing"}}, id=cron_id)
    await api.advance(seconds=HOUR)
    delivery = (await api.deliveries())[0]
    assert (delivery["body"], delivery["headers"]["X-Team"]) == ({"n": 1}, "billing")


@shows("cron.update/on_failure_webhook")
async def update_on_failure_webhook_is_called_once(api: Api) -> None:
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


@shows("cron.delete/cron_id")
async def delete_deletes_that_cron(api: Api) -> None:
    first, second = await cron(api), await cron(api)
    assert await api.call("cron.delete", id=first) == {"cron_id": first, "deleted": True}
    assert [item["cron_id"] for item in (await api.call("cron.list"))["items"]] == [second]


@shows("cron.pause/cron_id", "cron.resume/cron_id")
async def pause_and_resume_act_on_that_cron(api: Api) -> None:
    first, second = await cron(api), await cron(api)
    assert await api.call("cron.pause", id=first) == {"cron_id": first, "enabled": False}
    await api.advance(seconds=HOUR + 60)
    assert [run["cron_id"] for run in (await api.call("run.list"))["items"]] == [second]
    assert await api.call("cron.resume", id=first) == {
        "cron_id": first,
        "enabled": True,
        "next_run_at": "2026-01-01T02:00:00.000Z",
    }


@shows("cron.trigger/cron_id", "cron.runs.get/cron_id", "cron.runs.get/run_id")
async def trigger_runs_that_cron_now(api: Api) -> None:
    first, second = await cron(api), await cron(api)
    run = await api.call("cron.trigger", id=first)
    started = {"run_id": run["run_id"], "cron_id": first, "started_at": "2026-01-01T00:00:00.000Z"}
    assert run == started | {"state": "queued"}
    await api.advance(seconds=0)
    assert await api.call("cron.runs.get", id=first, run_id=run["run_id"]) == started | {
        "state": "succeeded",
        "finished_at": "2026-01-01T00:00:00.000Z",
        "response_status": 200,
    }
    not_found = (404, "NOT_FOUND", f"run '{run['run_id']}' not found")
    assert await api.error("cron.runs.get", id=second, run_id=run["run_id"]) == not_found


@shows("cron.retention.get/cron_id", "cron.retention.set/cron_id", "cron.retention.set/retention_days")
async def retention_drops_old_runs_of_that_cron(api: Api) -> None:
    first, second = await cron(api), await cron(api)
    assert await api.call("cron.retention.set", {"retention_days": 1}, id=first) == {
        "cron_id": first,
        "retention_days": 1,
    }
    assert await api.call("cron.retention.get", id=second) == {"cron_id": second, "retention_days": 30}
    await api.advance(seconds=2 * DAY)
    kept = [run["cron_id"] for run in (await api.call("run.list", query="?limit=100"))["items"]]
    assert (kept.count(first), kept.count(second)) == (24, 48)


# Tasks and runs


@shows("task.schedule/task", "task.schedule/run_at", "task.schedule/payload", "task.schedule/headers")
async def a_task_posts_its_payload_once_at_its_instant(api: Api) -> None:
    body = {
        "task": "https://api.acme.com/once",
        "run_at": "2026-01-01T10:30:00+01:00",
        "payload": {"n": 1},
        "headers": {"X-Team": "billing"},
    }
    assert await api.call("task.schedule", body) == {
        "task_id": "task_000001",
        "task": "https://api.acme.com/once",
        "run_at": "2026-01-01T09:30:00.000Z",
        "state": "scheduled",
    }
    await api.advance(seconds=DAY)
    assert [(item["at"], item["url"], item["body"], item["headers"]["X-Team"]) for item in await api.deliveries()] == [
        ("2026-01-01T09:30:00.000Z", "https://api.acme.com/once", {"n": 1}, "billing")
    ]


@shows("task.schedule/name")
async def a_tasks_name_is_on_the_timeline(api: Api) -> None:
    await api.call("task.schedule", {"task": "https://a.acme.com", "run_at": "2026-01-02T00:00:00", "name": "invoice"})
    assert (await api.control("GET", "timeline"))["items"] == [
        {"at": "2026-01-02T00:00:00.000Z", "kind": "task", "subject": "task_000001", "name": "invoice"}
    ]


@shows("task.schedule/retry", "task.schedule/timeout_seconds")
async def a_task_is_tried_again_when_it_takes_too_long(api: Api) -> None:
    await api.script("*", status=200, latency_seconds=30)
    await api.call(
        "task.schedule",
        {"task": "https://a.acme.com", "run_at": "2026-01-01T01:00:00Z", "retry": 1, "timeout_seconds": 5},
    )
    await api.advance(seconds=DAY)
    assert await statuses(api) == [("01:00:00", 1, "timeout"), ("01:00:15", 2, "timeout")]


@shows("task.schedule/secret")
async def a_task_with_a_secret_is_signed(api: Api) -> None:
    body = {"task": "https://a.acme.com", "run_at": "2026-01-01T01:00:00Z", "secret": "s3cret-of-mine"}
    await api.call("task.schedule", body)
    await api.call("task.schedule", body | {"secret": "another secret"})
    await api.advance(seconds=DAY)
    first, second = [item["headers"]["X-Infrai-Signature"] for item in await api.deliveries()]
    assert first.startswith("sha256=")
    assert first != second


@shows("run.list/cursor", "run.list/limit")
async def runs_are_listed_page_by_page_newest_first(api: Api) -> None:
    await cron(api)
    await api.advance(seconds=3 * HOUR)
    first = await api.call("run.list", query="?limit=2")
    assert [run["run_id"] for run in first["items"]] == ["run_000003", "run_000002"]
    second = await api.call("run.list", query=f"?limit=2&cursor={first['next_cursor']}")
    assert [run["run_id"] for run in second["items"]] == ["run_000001"]
    assert "next_cursor" not in second


# Queues


@shows(
    "queue.create/name",
    "queue.create/type",
    "queue.create/dead_letter_queue",
    "queue.create/max_retries",
    "queue.create/visibility_timeout_default",
    "queue.get/queue",
)
async def create_stores_a_queues_settings(api: Api) -> None:
    await api.call("queue.create", {"name": "dead"})
    settings = {"type": "fifo", "dead_letter_queue": "dead", "max_retries": 0, "visibility_timeout_default": 7.5}
    assert await api.call("queue.create", {"name": "orders", **settings}) == {"queue": "orders", **settings}
    assert await api.call("queue.get", queue="orders") == {"queue": "orders", **settings}
    first, second = await publish(api, {"n": 1}, {"n": 2})
    assert await consume(api, max_messages=1) == [first]
    assert await consume(api) == []
    await api.advance(seconds=7.5)
    assert await consume(api, max_messages=1) == [first]
    await api.call("queue.nack", {"queue": "orders", "message_id": first})
    assert await consume(api, queue="dead") == [first]
    assert await consume(api) == [second]


@shows("queue.create/message_retention_days", "queue.update/message_retention_days")
async def messages_are_dropped_after_the_retention(api: Api) -> None:
    await api.call("queue.create", {"name": "orders", "message_retention_days": 2})
    await publish(api, {"n": 1})
    await api.advance(seconds=2 * DAY - 1)
    assert await stats(api) == (1, 0, 0)
    await api.advance(seconds=1)
    assert await stats(api) == (0, 0, 0)
    await publish(api, {"n": 2})
    await api.call("queue.update", {"message_retention_days": 1}, queue="orders")
    await api.advance(seconds=DAY)
    assert await stats(api) == (0, 0, 0)


@shows("queue.create/enable_priority", "queue.update/enable_priority")
async def priority_counts_where_it_is_enabled(api: Api) -> None:
    await api.call("queue.create", {"name": "orders", "enable_priority": True})
    low = await publish(api, {"n": 1}, priority=1)
    high = await publish(api, {"n": 2}, priority=9)
    assert await consume(api, max_messages=1) == high
    third = await publish(api, {"n": 3}, priority=9)
    await api.call("queue.update", {"enable_priority": False}, queue="orders")
    assert await consume(api) == [*low, *third]


@shows("queue.list/cursor", "queue.list/limit")
async def queues_are_listed_page_by_page(api: Api) -> None:
    for name in ("a", "b", "c"):
        await api.call("queue.create", {"name": name})
    first = await api.call("queue.list", query="?limit=2")
    assert [queue["queue"] for queue in first["items"]] == ["a", "b"]
    second = await api.call("queue.list", query=f"?cursor={first['next_cursor']}")
    assert [queue["queue"] for queue in second["items"]] == ["c"]


@shows("queue.update/queue", "queue.update/max_retries", "queue.update/dead_letter_queue")
async def update_changes_where_messages_die(api: Api) -> None:
    for name in ("orders", "dead"):
        await api.call("queue.create", {"name": name})
    changes = {"max_retries": 0, "dead_letter_queue": "dead"}
    assert await api.call("queue.update", changes, queue="orders") == {
        "queue": "orders",
        "max_retries": 0,
        "visibility_timeout_default": 30,
    }
    [message_id] = await publish(api, {"n": 1})
    await consume(api)
    await api.call("queue.nack", {"queue": "orders", "message_id": message_id})
    assert (await stats(api), await stats(api, "dead")) == ((0, 0, 1), (1, 0, 1))


@shows("queue.update/visibility_timeout_default")
async def update_changes_the_default_lease(api: Api) -> None:
    await publish(api, {"n": 1})
    await api.call("queue.update", {"visibility_timeout_default": 5}, queue="orders")
    await consume(api)
    await api.advance(seconds=5)
    assert await stats(api) == (1, 0, 0)


@shows("queue.delete/queue", "queue.purge/queue", "queue.stats/queue")
async def delete_and_purge_act_on_that_queue(api: Api) -> None:
    for name in ("a", "b", "c"):
        await publish(api, {"n": 1}, {"n": 2}, queue=name)
    assert await api.call("queue.delete", queue="a") == {"queue": "a", "deleted": True}
    assert await api.call("queue.purge", queue="b") == {"queue": "b", "purged": 2}
    assert await api.error("queue.get", queue="a") == (404, "NOT_FOUND", "queue 'a' not found")
    assert await api.call("queue.stats", queue="b") == {"queue": "b", "available": 0, "in_flight": 0, "dlq": 0}
    assert await api.call("queue.stats", queue="c") == {
        "queue": "c",
        "available": 2,
        "in_flight": 0,
        "dlq": 0,
        "oldest_age_seconds": 0,
    }


@shows("queue.publish/queue", "queue.publish/payload", "queue.consume/queue")
async def publish_puts_the_payload_into_that_queue(api: Api) -> None:
    [message_id] = await publish(api, {"order_id": "o_123"})
    assert await api.call("queue.consume", {"queue": "orders"}) == {
        "messages": [{"message_id": message_id, "payload": {"order_id": "o_123"}}]
    }


@shows("queue.publish/delay_seconds")
async def publish_delay_holds_the_message_back(api: Api) -> None:
    [message_id] = await publish(api, {"n": 1}, delay_seconds=0.25)
    await api.advance(seconds=0.249)
    assert await consume(api) == []
    await api.advance(seconds=0.001)
    assert await consume(api) == [message_id]


@shows("queue.publish_batch/queue", "queue.publish_batch/messages")
async def publish_batch_publishes_all(api: Api) -> None:
    items = [{"payload": {"n": 1}}, {"payload": {"n": 2}, "delay_seconds": 60}]
    ids = (await api.call("queue.publish_batch", {"queue": "orders", "messages": items}))["message_ids"]
    assert await consume(api) == ids[:1]
    await api.advance(seconds=60)
    assert ids[1] in await consume(api)


@shows("queue.consume/max_messages", "queue.consume/visibility_timeout")
async def consume_takes_so_many_for_so_long(api: Api) -> None:
    ids = await publish(api, {"n": 1}, {"n": 2}, {"n": 3})
    assert await consume(api, max_messages=2, visibility_timeout=1.5) == ids[:2]
    await api.advance(seconds=1.5)
    assert await stats(api) == (3, 0, 0)


@shows("queue.ack/queue", "queue.ack/message_id")
async def ack_removes_that_message(api: Api) -> None:
    first, second = await publish(api, {"n": 1}, {"n": 2})
    await consume(api)
    assert await api.call("queue.ack", {"queue": "orders", "message_id": first}) == {
        "message_id": first,
        "acked": True,
    }
    await api.advance(seconds=30)
    assert await consume(api) == [second]
    assert (await api.error("queue.ack", {"queue": "others", "message_id": second}))[0] == 404


@shows("queue.nack/queue", "queue.nack/message_id", "queue.nack/requeue")
async def nack_gives_back_or_lets_die(api: Api) -> None:
    first, second = await publish(api, {"n": 1}, {"n": 2})
    await consume(api)
    body = {"queue": "orders", "message_id": first}
    assert await api.call("queue.nack", body | {"requeue": True}) == {
        "message_id": first,
        "nacked": True,
        "requeued": True,
    }
    assert await api.call("queue.nack", body | {"message_id": second, "requeue": False}) == {
        "message_id": second,
        "nacked": True,
        "requeued": False,
    }
    assert await stats(api) == (1, 0, 1)
    assert (await api.error("queue.nack", body | {"queue": "others"}))[0] == 404


async def kill(api: Api, *payloads: Any) -> list[str]:
    """Publish messages and let them die, a minute apart."""
    ids = await publish(api, *payloads)
    await consume(api, visibility_timeout=40_000)
    for message_id in ids:
        await api.call("queue.nack", {"queue": "orders", "message_id": message_id, "requeue": False})
        await api.advance(seconds=60)
    return ids


@shows("queue.dlq.list/queue", "queue.dlq.list/cursor", "queue.dlq.list/limit")
async def dead_letters_are_listed_page_by_page(api: Api) -> None:
    ids = await kill(api, {"n": 1}, {"n": 2}, {"n": 3})
    first = await api.call("queue.dlq.list", queue="orders", query="?limit=2")
    assert [item["message_id"] for item in first["items"]] == ids[:2]
    second = await api.call("queue.dlq.list", queue="orders", query=f"?cursor={first['next_cursor']}")
    assert second == {"items": [{"message_id": ids[2], "payload": {"n": 3}}]}
    assert (await api.error("queue.dlq.list", queue="others"))[0] == 404


@shows("queue.dlq.redrive/queue", "queue.dlq.redrive/message_id", "queue.dlq.redrive/since")
async def redrive_brings_back_one_or_those_since(api: Api) -> None:
    ids = await kill(api, {"n": 1}, {"n": 2}, {"n": 3})
    assert await api.call("queue.dlq.redrive", {"message_id": ids[1]}, queue="orders") == {
        "queue": "orders",
        "redriven": 1,
    }
    assert await api.call("queue.dlq.redrive", {"since": "2026-01-01T00:02:00Z"}, queue="orders") == {
        "queue": "orders",
        "redriven": 1,
    }
    assert await consume(api) == [ids[1], ids[2]]
    assert await stats(api) == (0, 2, 1)
    assert (await api.error("queue.dlq.redrive", {}, queue="others"))[0] == 404


@shows(
    "queue.push_subscribe/queue",
    "queue.push_subscribe/url",
    "queue.push_subscribe/max_retries",
    "queue.push_subscribe/visibility_timeout",
    "queue.push_subscribe/dead_letter_queue",
)
async def a_push_subscription_delivers_and_gives_up_by_its_own_settings(api: Api) -> None:
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


@shows("queue.push_subscribe/secret")
async def a_push_with_a_secret_is_signed(api: Api) -> None:
    await api.call("queue.create", {"name": "orders"})
    await publish(api, {"n": 1})
    await api.call("queue.push_subscribe", {"url": "https://p.acme.com/x", "secret": "hush hush"}, queue="orders")
    await api.advance(seconds=0)
    assert [("X-Infrai-Signature" in item["headers"]) for item in await api.deliveries()] == [True]


# Idempotency keys


def once(operation: str, body: dict[str, Any], **path: str) -> None:
    """Register the check that a key makes the same request count once, and refuses another one."""

    @shows(f"{operation}/idempotency_key")
    async def check(api: Api) -> None:
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


once("cron.create", HOURLY)
once("cron.update", {"name": "other"}, id="cron_000001")
once("cron.delete", {}, id="cron_000001")
once("cron.pause", {}, id="cron_000001")
once("cron.resume", {}, id="cron_000001")
once("cron.trigger", {}, id="cron_000001")
once("cron.retention.set", {"retention_days": 3}, id="cron_000001")
once("task.schedule", {"task": "https://a.acme.com/", "run_at": "2026-01-02T00:00:00Z"})
once("queue.create", {"name": "another"})
once("queue.update", {"max_retries": 1}, queue="orders")
once("queue.delete", {}, queue="orders")
once("queue.purge", {}, queue="orders")
once("queue.publish", {"queue": "orders", "payload": {}})
once("queue.publish_batch", {"queue": "orders", "messages": [{"payload": {}}]})
once("queue.ack", {"queue": "orders", "message_id": "msg_000001"})
once("queue.nack", {"queue": "orders", "message_id": "msg_000001"})
once("queue.dlq.redrive", {}, queue="orders")
once("queue.push_subscribe", {"url": "https://p.acme.com/"}, queue="orders")
