"""Every answer to an open question about shape, as a client sees it.

`SHAPES` maps a question to its answers, and each answer to a check; a new answer without a check fails.
"""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from sched_emulator.spec import assumptions
from tests.server.harness import Api, Start

CRON = {"name": "n", "schedule": "0 9 * * 1", "url": "https://api.acme.com/weekly"}
EXAMPLE = {"cron_expr": "0 9 * * 1", "task_type": "http_url", "task_url": "https://api.acme.com/weekly"}
DOCUMENTED = {"cron_id", "name", "schedule", "url", "enabled", "next_run_at"}
CANONICAL = {"cron_id", "name", "cron_expr", "task", "timezone", "enabled", "next_run_at"}
Check = Callable[[Api], Awaitable[Any]]


async def raw(api: Api, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    """Send a request and return status and body as they come."""
    response = await api.send(method, path, body)
    return response.status, await response.json()


async def created(api: Api, **body: Any) -> set[str]:
    """Create a cron and return the names of the fields answered."""
    return set(await api.call("cron.create", body or CRON))


async def taken(api: Api, body: dict[str, Any]) -> bool:
    """Say whether a body is accepted by cron.create."""
    return bool((await api.envelope("cron.create", body))["ok"])


def wrapped(*, expected: bool) -> Check:
    async def check(api: Api) -> None:
        status, answer = await raw(api, "GET", "/v1/cron/list")
        assert (status, answer == {"items": []}) == (200, not expected)
        assert not expected or answer.keys() == {"ok", "data", "error", "metadata"}
        status, answer = await raw(api, "GET", "/v1/cron/get/none")
        assert (status, answer["error"]["code"], "ok" in answer) == (404, "NOT_FOUND", expected)

    return check


def creation_status(status: int) -> Check:
    async def check(api: Api) -> None:
        assert (await raw(api, "POST", "/v1/cron/create", CRON))[0] == status
        assert (await raw(api, "POST", "/v1/queue/publish", {"queue": "q", "payload": {}}))[0] == status
        assert (await raw(api, "POST", "/v1/cron/trigger/cron_000001"))[0] == 200

    return check


def validation_status(status: int) -> Check:
    async def check(api: Api) -> None:
        assert (await raw(api, "POST", "/v1/queue/publish", {"queue": 5}))[0] == status
        assert (await raw(api, "POST", "/v1/cron/create", CRON | {"schedule": "no"}))[0] == status
        headers = {"Content-Type": "application/json"}
        assert (await api.send("POST", "/v1/queue/publish", b"{", headers=headers)).status == 400

    return check


def unknown_fields(status: int) -> Check:
    async def check(api: Api) -> None:
        await created(api)
        body = {"queue": "q", "payload": {}, "priority": 5}
        assert (await raw(api, "POST", "/v1/queue/publish", body))[0] == 200
        assert (await raw(api, "POST", "/v1/cron/trigger/cron_000001", {"job_id": "cron_01HX"}))[0] == 200
        assert (await raw(api, "POST", "/v1/queue/publish", body | {"group": "g"}))[0] == status

    return check


def names(*, table: bool, example: bool, task: bool, http_url: bool) -> Check:
    async def check(api: Api) -> None:
        assert await taken(api, CRON) is table
        assert await taken(api, EXAMPLE) is example
        assert await taken(api, {"cron_expr": "0 9 * * 1", "task": "https://api.acme.com/weekly"}) is task
        observed = {"name": "n", "schedule": "0 9 * * 1", "http_url": "https://api.acme.com/weekly"}
        assert await taken(api, observed) is http_url

    return check


def create_fields(expected: set[str]) -> Check:
    async def check(api: Api) -> None:
        assert await created(api) == expected

    return check


def list_fields(expected: set[str]) -> Check:
    async def check(api: Api) -> None:
        await created(api)
        assert set((await api.call("cron.list"))["items"][0]) == expected

    return check


def paging(*, pages: bool) -> Check:
    async def check(api: Api) -> None:
        for _ in range(60):
            await created(api)
        page = await api.call("cron.list")
        assert (len(page["items"]), "next_cursor" in page) == ((50, True) if pages else (60, False))
        if pages:
            rest = await api.call("cron.list", query=f"?limit=7&cursor={page['next_cursor']}")
            assert [item["cron_id"] for item in rest["items"]] == [f"cron_{number:06d}" for number in range(51, 58)]

    return check


def run_at(*, accepted: bool) -> Check:
    async def check(api: Api) -> None:
        body = {"name": "once", "url": "https://api.acme.com/once", "run_at": "2026-01-01T12:00:00Z"}
        assert await taken(api, body) is accepted
        assert not await taken(api, body | {"schedule": "* * * * *"})
        if accepted:
            record = await api.call("cron.get", id="cron_000001")
            assert (record["next_run_at"], "cron_expr" in record) == ("2026-01-01T12:00:00.000Z", False)
            await api.advance(seconds=7 * 86_400)
            assert [item["at"] for item in await api.deliveries()] == ["2026-01-01T12:00:00.000Z"]
            assert (await api.call("cron.get", id="cron_000001"))["enabled"] is False

    return check


def result_keys(*expected: str) -> Check:
    async def check(api: Api) -> None:
        await api.call("queue.publish", {"queue": "q", "payload": {"n": 1}})
        answer = await api.call("queue.consume", {"queue": "q"})
        message = {"message_id": "msg_000001", "payload": {"n": 1}}
        assert answer == {key: [message] for key in expected}

    return check


def message_fields(extra: dict[str, Any]) -> Check:
    async def check(api: Api) -> None:
        await api.call("queue.publish", {"queue": "q", "payload": {"n": 1}, "priority": 3})
        [message] = (await api.call("queue.consume", {"queue": "q"}))["messages"]
        assert message == {"message_id": "msg_000001", "payload": {"n": 1}, **extra}

    return check


def payload_field(*, body: bool) -> Check:
    async def check(api: Api) -> None:
        answer = await api.envelope("queue.publish", {"queue": "q", "body": {"n": 1}})
        assert answer["ok"] is body
        if body:
            [message] = (await api.call("queue.consume", {"queue": "q"}))["messages"]
            assert message["payload"] == {"n": 1}

    return check


def batch_message(*, anything: bool) -> Check:
    async def check(api: Api) -> None:
        items = [{"payload": {"n": 1}}, {"body": {"n": 2}, "delay_seconds": 0}, {"n": 3}]
        answer = await api.envelope("queue.publish_batch", {"queue": "q", "messages": items})
        assert answer["ok"] is anything
        await api.call("queue.publish_batch", {"queue": "q", "messages": items[:1]})
        messages = (await api.call("queue.consume", {"queue": "q"}))["messages"]
        assert [item["payload"]["n"] for item in messages] == ([1, 2, 3, 1] if anything else [1])

    return check


def payload_type(*, anything: bool) -> Check:
    async def check(api: Api) -> None:
        values = ["text", 5, None, [1], True]
        for value in values:
            assert (await api.envelope("queue.publish", {"queue": "q", "payload": value}))["ok"] is anything
        if anything:
            messages = (await api.call("queue.consume", {"queue": "q"}))["messages"]
            assert [message["payload"] for message in messages] == values

    return check


def counts(purged: Any, redriven: Any) -> Check:
    async def check(api: Api) -> None:
        for _ in range(3):
            await api.call("queue.publish", {"queue": "q", "payload": {}})
        await api.call("queue.consume", {"queue": "q", "max_messages": 1})
        await api.call("queue.nack", {"queue": "q", "message_id": "msg_000001", "requeue": False})
        assert (await api.call("queue.purge", queue="q"))["purged"] == purged
        assert (await api.call("queue.dlq.redrive", {}, queue="q"))["redriven"] == redriven

    return check


def push_names(*expected: str) -> Check:
    async def check(api: Api) -> None:
        await api.call("queue.create", {"name": "q"})
        for name in ("url", "forward_to", "endpoint"):
            answer = await api.envelope("queue.push_subscribe", {name: "https://api.acme.com/push"}, queue="q")
            assert answer["ok"] is (name in expected)

    return check


def run_fields(*, task_id: bool) -> Check:
    async def check(api: Api) -> None:
        await api.call("task.schedule", {"task": "https://api.acme.com/", "run_at": "2026-01-02T00:00:00Z"})
        [run] = (await api.call("run.list"))["items"]
        assert ("task_id" in run) is task_id

    return check


def topup_url(*expected: str) -> Check:
    async def check(api: Api) -> None:
        answer = await api.call("account.topup", {"amount_usd": 5})
        assert {name for name in answer if name.endswith("_url")} == set(expected)

    return check


SHAPES: dict[str, dict[str, Check]] = {
    "http.envelope": {"wrapped": wrapped(expected=True), "bare": wrapped(expected=False)},
    "http.created_status": {"ok": creation_status(200), "created": creation_status(201)},
    "http.validation_status": {"bad_request": validation_status(400), "unprocessable": validation_status(422)},
    "http.unknown_fields": {"ignore": unknown_fields(200), "reject": unknown_fields(400)},
    "cron.create.names": {
        "any": names(table=True, example=True, task=True, http_url=False),
        "table": names(table=True, example=False, task=False, http_url=False),
        "example": names(table=False, example=True, task=False, http_url=False),
        "observed": names(table=True, example=True, task=True, http_url=True),
    },
    "cron.create.fields": {
        "documented": create_fields(DOCUMENTED),
        "canonical": create_fields(CANONICAL),
        "both": create_fields(DOCUMENTED | CANONICAL),
    },
    "cron.create.id_field": {
        "cron_id": create_fields(DOCUMENTED),
        "job_id": create_fields(DOCUMENTED - {"cron_id"} | {"job_id"}),
        "both": create_fields(DOCUMENTED | {"job_id"}),
    },
    "cron.list.fields": {
        "documented": list_fields(DOCUMENTED),
        "canonical": list_fields(CANONICAL),
        "both": list_fields(DOCUMENTED | CANONICAL),
    },
    "cron.list.paging": {"cursor": paging(pages=True), "none": paging(pages=False)},
    "cron.run_at": {"reject": run_at(accepted=False), "accept": run_at(accepted=True)},
    "queue.consume.result_key": {
        "messages": result_keys("messages"),
        "items": result_keys("items"),
        "both": result_keys("messages", "items"),
    },
    "queue.message_fields": {
        "minimal": message_fields({}),
        "full": message_fields({"attempts": 1, "published_at": "2026-01-01T00:00:00.000Z", "priority": 3}),
    },
    "queue.payload_field": {"payload": payload_field(body=False), "any": payload_field(body=True)},
    "queue.batch_message": {"payload": batch_message(anything=False), "any": batch_message(anything=True)},
    "queue.payload_type": {"object": payload_type(anything=False), "any_json": payload_type(anything=True)},
    "queue.count_fields": {"number": counts(2, 1), "boolean": counts(purged=True, redriven=True)},
    "push.url_names": {
        "any": push_names("url", "forward_to"),
        "table": push_names("url"),
        "observed": push_names("url", "forward_to", "endpoint"),
    },
    "run.list.fields": {"with_task": run_fields(task_id=True), "cron_run": run_fields(task_id=False)},
    "account.topup_url": {
        "checkout_url": topup_url("checkout_url"),
        "next_action_url": topup_url("next_action_url"),
        "both": topup_url("checkout_url", "next_action_url"),
    },
}


@pytest.mark.parametrize(
    ("question", "answer"), [(question, answer) for question, answers in SHAPES.items() for answer in answers]
)
async def test_the_answer_has_the_shape_that_it_says(start: Start, question: str, answer: str) -> None:
    await SHAPES[question][answer](await start(answers={question: answer}))


def test_every_answer_about_shape_is_checked() -> None:
    documented = {item.id: set(item.answers) for item in assumptions.catalogue().values() if item.kind == "shape"}
    assert {question: set(answers) for question, answers in SHAPES.items()} == documented


async def test_the_dialect_observed_serves_public_programs(start: Start) -> None:
    api = await start(answers=assumptions.preset("observed"))
    cron = await api.call("cron.create", {"name": "n", "schedule": "0 9 * * *", "http_url": "https://api.acme.com/x"})
    assert cron["job_id"] == cron["cron_id"] == "cron_000001"
    assert await api.call("queue.consume", {"queue": "jobs"}) == {"messages": [], "items": []}
    await api.call("queue.publish", {"queue": "jobs", "body": "plain text"})
    assert (await api.call("queue.consume", {"queue": "jobs"}))["items"][0]["payload"] == "plain text"
