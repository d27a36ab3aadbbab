"""A request that only the dialect `observed` takes is refused with a way out; any other refusal says nothing of it."""

from typing import Any

import pytest

from sched_emulator.server.observed import EXPLAINED_BYTES, HINT
from sched_emulator.spec import assumptions
from tests.server.harness import Api, Start

PLAIN = "Correct the named parameter and send the request again."
URL = "https://api.acme.com/x"
CRON = {"name": "n", "schedule": "0 9 * * 1", "url": URL}
FIFO = {"name": "q", "type": "standard"}


async def hint(api: Api, operation: str, body: Any, **path: Any) -> str:
    answer = await api.envelope(operation, body, **path)
    assert answer["status"] == 400, answer
    told: str = answer["error"]["hint"]
    return told


@pytest.mark.parametrize(
    ("operation", "body", "path", "told"),
    [
        ("cron.create", {"name": "n", "schedule": "0 9 * * 1", "http_url": URL}, {}, "; `http_url` is `url` there."),
        ("cron.create", {"name": "n", "url": URL, "run_at": "2026-02-01T00:00:00Z"}, {}, "."),
        ("queue.publish", {"queue": "q", "body": {"n": 1}}, {}, "; `body` is `payload` there."),
        ("queue.publish", {"queue": "q", "payload": "a text"}, {}, "."),
        ("queue.publish", {"queue": "q", "payload": [1]}, {}, "."),
        ("queue.publish_batch", {"queue": "q", "messages": [{"body": {"n": 1}}]}, {}, "."),
        ("queue.push_subscribe", {"queue": "q", "endpoint": URL}, {"queue": "q"}, "; `endpoint` is `url` there."),
    ],
)
async def test_a_name_or_a_form_that_the_dialect_observed_takes_is_said_to_be_that(
    start: Start, operation: str, body: dict[str, Any], path: dict[str, Any], told: str
) -> None:
    api = await start()
    await api.call("queue.create", FIFO)
    assert await hint(api, operation, body, **path) == HINT + told
    lenient = await start(answers=dict(assumptions.preset("observed")))
    await lenient.call("queue.create", FIFO)
    assert (await lenient.envelope(operation, body, **path))["status"] == 200


@pytest.mark.parametrize(
    ("operation", "body"),
    [
        ("cron.create", {**CRON, "schedule": 5}),
        ("cron.create", {**CRON, "retries": -1}),
        ("cron.create", {"name": "n", "schedule": "0 9 * * 1", "uri": URL}),
        ("queue.publish", {"payload": "a text"}),
        ("queue.publish", []),
        ("queue.publish", {"queue": "q", "payload": "a" * EXPLAINED_BYTES}),  # too long to be read twice
    ],
)
async def test_a_request_that_is_wrong_in_either_dialect_is_told_nothing_of_it(
    api: Api, operation: str, body: Any
) -> None:
    assert await hint(api, operation, body) == PLAIN


async def test_what_the_dialect_itself_refuses_is_told_nothing_of_it(start: Start) -> None:
    api = await start(answers=dict(assumptions.preset("observed")))
    assert await hint(api, "cron.create", {**CRON, "retries": -1}) == PLAIN
