"""What is refused: the right status and code, one sentence that names the parameter, and nothing changed."""

import json
from typing import Any

import pytest

from tests.server.harness import Api, Start

JSON = {"Content-Type": "application/json"}
CRON = {"name": "n", "schedule": "0 9 * * 1", "url": "https://api.acme.com/weekly"}
TASK = {"task": "https://api.acme.com/once", "run_at": "2026-02-01T00:00:00Z"}
MESSAGE = {"queue": "orders", "payload": {"n": 1}}


async def refusal(api: Api, method: str, path: str, body: Any = None, **options: Any) -> tuple[int, str, str]:
    """Send a request that is refused; return status, code and message, having checked the envelope."""
    response = await api.send(method, path, body, **options)
    answer = await response.json()
    assert answer.keys() == {"ok", "data", "error", "metadata"}
    assert (answer["ok"], answer["data"]) == (False, None)
    assert answer["metadata"]["request_id"] == response.headers["X-Infrai-Request-Id"]
    return response.status, answer["error"]["code"], answer["error"]["message"]


@pytest.mark.parametrize(
    ("authorization", "message"),
    [
        (None, "the request has no key: the header `Authorization` is missing"),
        ("Basic dXNlcjpwYXNz", "the header `Authorization` must be `Bearer <key>`, got the scheme 'Basic'"),
        ("Bearer", "the header `Authorization` must be `Bearer <key>`, got the scheme 'Bearer'"),
        ("Bearer sk_live_1", "the key is not accepted"),
        ("Bearer ifr_", "the key is not accepted"),
        ("Bearer ifr_two words", "the key is not accepted"),
    ],
)
async def test_without_a_good_key_it_is_401(api: Api, authorization: str | None, message: str) -> None:
    api.headers = {} if authorization is None else {"Authorization": authorization}
    for method, path in [("GET", "/v1/scheduling/cron/list"), ("POST", "/v1/queue/publish")]:
        assert await refusal(api, method, path, {}) == (401, "UNAUTHORIZED", message)
    assert (await (await api.client.get("/_emulator/health")).json())["sandboxes"] == 0


async def test_keys_narrow_which_keys_are_accepted(start: Start) -> None:
    api = await start(keys=frozenset({"ifr_good"}))
    assert (await api.with_key("ifr_good").call("cron.list")) == {"items": []}
    assert (await refusal(api.with_key("ifr_other"), "GET", "/v1/cron/list"))[0] == 401


@pytest.mark.parametrize("key", ["ifr_other", "sk_live_1", "", None])
async def test_under_keys_nobody_is_told_how_a_key_begins(start: Start, key: str | None) -> None:
    api = await start(keys=frozenset({"ifr_good"}))
    api.headers = {} if key is None else {"Authorization": f"Bearer {key}"}
    for path in ("/v1/cron/list", "/_emulator/snapshot"):
        error = (await (await api.send("GET", path, headers=JSON)).json())["error"]
        if path.startswith("/v1") or key is not None:
            told = "Send one of the keys that the emulator was started with: --keys names them."
            assert (error["code"], error["hint"]) == ("UNAUTHORIZED", told)


@pytest.mark.parametrize("key", ["ifr_", "ifr_two words", "ifr_" + "x" * 509, "sk_live_1"])
async def test_a_key_that_cannot_be_one_is_told_what_one_is(api: Api, key: str) -> None:
    error = (await (await api.with_key(key).send("GET", "/v1/cron/list")).json())["error"]
    told = "A key starts with ifr_, goes on, and has at most 512 visible ASCII characters, no spaces."
    assert error["hint"] == told


@pytest.mark.parametrize("path", ["/v1/kv/get/a", "/v1/kv", "/v1/schedule/cron/list", "/v1/email/send?to=a"])
async def test_another_module_of_the_vendor_is_said_not_to_be_emulated(api: Api, path: str) -> None:
    for method in ("GET", "POST"):
        status, code, message = await refusal(api, method, path)
        assert (status, code) == (404, "NOT_FOUND")
        asked = path.partition("?")[0]
        told = f"the path '{asked}' was not found: of the vendor's API only scheduling is emulated, no other module"
        assert message == told


@pytest.mark.parametrize(
    ("path", "index"), [("/v1/cron/lists", "/openapi.yaml"), ("/v2", "/openapi.yaml"), ("/_emulator/x", "/_emulator/")]
)
async def test_an_unknown_path_is_told_where_the_others_are_listed(api: Api, path: str, index: str) -> None:
    error = (await (await api.send("GET", path)).json())["error"]
    assert error["hint"] == f"GET {index} lists what is served."
    assert (await api.client.get(index)).status == 200


async def test_without_credit_every_write_but_a_topup_is_402(api: Api) -> None:
    await api.call("queue.publish", MESSAGE)
    await api.control("PUT", "account", {"balance_usd": 0})
    expected = (402, "INSUFFICIENT_CREDIT", "the balance is 0 USD: this call needs credit")
    assert await api.error("queue.publish", MESSAGE) == expected
    assert await api.error("queue.consume", {"queue": "orders"}) == expected
    assert await api.error("cron.create", CRON) == expected
    assert await api.call("queue.stats", queue="orders")
    topup = await api.call("account.topup", {"amount": 50, "currency": "USD", "payment_method": "stripe"})
    assert (topup["topup_id"], topup["amount_usd"]) == ("topup_000001", 50)
    assert await api.call("account.balance") == {"balance_usd": 50.0, "currency": "USD"}
    assert await api.call("queue.publish", MESSAGE) == {"message_id": "msg_000002"}


@pytest.mark.parametrize(
    ("method", "path", "message"),
    [
        ("GET", "/v1/scheduling/cron/get/cron_9", "cron 'cron_9' not found"),
        ("DELETE", "/v1/cron/delete/cron_9", "cron 'cron_9' not found"),
        ("GET", "/v1/queue/get/no%2Fsuch%20queue", "queue 'no/such queue' not found"),
        ("POST", "/v1/queue/dlq/redrive/none", "queue 'none' not found"),
        ("GET", "/v1/scheduling/nothing", "the path '/v1/scheduling/nothing' was not found"),
        ("GET", "/v1/discovery/nothing", "capability 'nothing' not found"),
        ("POST", "/", "the path '/' was not found"),
    ],
)
async def test_what_is_not_there_is_404(api: Api, method: str, path: str, message: str) -> None:
    assert await refusal(api, method, path) == (404, "NOT_FOUND", message)


async def test_another_method_is_405_with_the_allowed_ones(api: Api) -> None:
    response = await api.send("PUT", "/v1/scheduling/cron/list")
    assert (response.status, response.headers["Allow"]) == (405, "GET")
    answer = await response.json()
    assert answer["error"] == {
        "code": "METHOD_NOT_ALLOWED",
        "message": "PUT is not allowed on /v1/scheduling/cron/list",
        "hint": "Use GET.",
        "retryable": False,
    }


async def test_conflicts_are_409(api: Api) -> None:
    await api.call("queue.create", {"name": "dead"})
    await api.call("queue.create", {"name": "orders", "dead_letter_queue": "dead"})
    assert await api.error("queue.delete", queue="dead") == (
        409,
        "CONFLICT",
        "queue 'dead' is the dead-letter queue of 'orders'",
    )
    assert await api.error("queue.create", {"name": "orders", "type": "fifo"}) == (
        409,
        "CONFLICT",
        "queue 'orders' exists with another type",
    )
    await api.call("queue.publish", MESSAGE | {"idempotency_key": "k"})
    assert await api.error("queue.publish", MESSAGE | {"idempotency_key": "k", "priority": 1}) == (
        409,
        "IDEMPOTENCY_CONFLICT",
        "`idempotency_key` 'k' was used before for a different request",
    )


async def test_a_payload_beyond_the_limit_is_413_and_counts_the_compact_bytes(api: Api) -> None:
    fits = {"text": "é" * ((262_144 - len('{"text":""}')) // 2)}
    await api.call("queue.publish", {"queue": "orders", "payload": fits})
    body = {"queue": "orders", "payload": {"text": fits["text"] + "éé"}}
    expected = (413, "PAYLOAD_TOO_LARGE", "`payload` must be at most 262144 bytes of compact JSON, got 262147")
    assert await api.error("queue.publish", body) == expected
    batch = {"queue": "orders", "messages": [{"payload": {}}, {"payload": body["payload"]}]}
    assert (await api.error("queue.publish_batch", batch))[2].startswith("`messages[1].payload` must be at most")
    assert (await api.call("queue.stats", queue="orders"))["available"] == 1


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"])
async def test_a_body_that_says_it_is_no_json_is_415(api: Api, content_type: str) -> None:
    assert await refusal(api, "POST", "/v1/queue/publish", b"{}", headers={"Content-Type": content_type}) == (
        415,
        "UNSUPPORTED_MEDIA_TYPE",
        f"the body must be application/json, got '{content_type}'",
    )


@pytest.mark.parametrize("content_type", ["application/json; charset=utf-8", "application/vnd.acme+json", None])
async def test_json_under_another_name_or_none_is_taken(api: Api, content_type: str | None) -> None:
    headers = {} if content_type is None else {"Content-Type": content_type}
    skipped = ["Content-Type"] if content_type is None else []
    response = await api.send(
        "POST", "/v1/queue/publish", json.dumps(MESSAGE).encode(), headers=headers, skip_auto_headers=skipped
    )
    assert response.status == 200


async def test_writes_without_a_body_whatever_they_say_it_is_are_taken(api: Api) -> None:
    cron_id = (await api.call("cron.create", CRON))["cron_id"]
    for content_type in ("application/json", "text/plain"):
        path = f"/v1/cron/trigger/{cron_id}"
        assert (await api.send("POST", path, b"", headers={"Content-Type": content_type})).status == 200
    assert (await api.send("DELETE", f"/v1/cron/delete/{cron_id}", {})).status == 200
    assert (await api.send("GET", "/v1/cron/list", b"null")).status == 200


async def test_a_fault_makes_429_with_retry_after(api: Api) -> None:
    await api.control("POST", "faults", {"operation": "queue.*", "status": 429, "retry_after_seconds": 7, "times": 1})
    response = await api.send("POST", "/v1/queue/publish", MESSAGE)
    assert (response.status, response.headers["Retry-After"]) == (429, "7")
    error = (await response.json())["error"]
    assert (error["code"], error["retryable"]) == ("RATE_LIMITED", True)
    assert await api.call("queue.publish", MESSAGE) == {"message_id": "msg_000001"}


NOT_JSON = "the body must be JSON: JSON is malformed: "
RAW_BODIES = {
    b"{": "the body must be JSON: Input data was truncated",
    b"{'a': 1}": NOT_JSON + "object keys must be strings (byte 1)",
    b'{"queue": "q", "payload": {}} x': NOT_JSON + "trailing characters (byte 31)",
    b'{"queue": "q", "payload": {"n": NaN}}': NOT_JSON + "invalid character (byte 32)",
    b'{"queue": "q", "payload": {"n": -Infinity}}': NOT_JSON + "invalid character (byte 33)",
    b'{"queue": "q", "payload": {"n": 1e999}}': "the body must be JSON: a number is too large",
    b'{"queue": "q", "payload": {"n": "\\ud800"}}': "the body must be JSON: Input data was truncated",
    b'{"queue": "q\xff", "payload": {}}': "the body must be JSON in UTF-8: invalid start byte",
    b'{"queue": "q", "payload": ' + b'{"a":' * 5000 + b"1" + b"}" * 5001: "the body must nest at most 200 levels deep",
    b"[" * 100_000: "the body must nest at most 200 levels deep",
    b"\xef\xbb\xbf{}": NOT_JSON + "invalid character (byte 0)",
    b'{"queue": "q", "payload": {"n": ' + b"9" * 5000 + b"}}": "the body must be JSON: Integer value out of range",
    b"[]": "the body must be an object, got an array",
    b'"text"': 'the body must be an object, got "text"',
    b"null": "`queue` must be given",
    b"": "`queue` must be given",
}


@pytest.mark.parametrize("raw", RAW_BODIES, ids=lambda raw: ascii(raw[:24]))
async def test_a_body_that_is_no_json_object_is_400(api: Api, raw: bytes) -> None:
    before = await api.snapshot()
    status, code, message = await refusal(api, "POST", "/v1/queue/publish", raw, headers=JSON)
    assert (status, code, message) == (400, "INVALID_REQUEST", RAW_BODIES[raw])
    await assert_only_journaled(api, before)


async def assert_only_journaled(api: Api, before: bytes) -> None:
    """Assert that nothing but the journal has changed since a snapshot."""
    journal = {"seal", "requests", "journal_seq", "dropped_requests", "asked"}
    then, now = json.loads(before), json.loads(await api.snapshot())
    assert {name: then[name] for name in then.keys() - journal} == {name: now[name] for name in now.keys() - journal}


LONG = "x" * 100_000
WRONG: list[tuple[str, dict[str, Any], str, str]] = [
    ("cron.create", CRON | {"schedule": 5}, "schedule", "`schedule` must be a string, got 5"),
    ("cron.create", CRON | {"url": None}, "url", "`url` must be a string, got null"),
    ("cron.create", {"name": "n", "url": "https://a.acme.com"}, "schedule", "`schedule` or `cron_expr` must be given"),
    ("cron.create", CRON | {"retries": 11}, "retries", "`retries` must be at most 10, got 11"),
    ("cron.create", CRON | {"retries": 1.5}, "retries", "`retries` must be a whole number, got 1.5"),
    ("cron.create", CRON | {"retries": True}, "retries", "`retries` must be a whole number, got true"),
    ("cron.create", CRON | {"retries": 10**30}, "retries", f"`retries` must be at most 10, got {10**30}"),
    ("cron.create", CRON | {"max_runs": 0}, "max_runs", "`max_runs` must be at least 1, got 0"),
    (
        "cron.create",
        CRON | {"timeout_seconds": 901},
        "timeout_seconds",
        "`timeout_seconds` must be at most 900, got 901",
    ),
    (
        "cron.create",
        CRON | {"overlap_policy": "stop"},
        "overlap_policy",
        '`overlap_policy` must be one of "allow", "skip", "queue", got "stop"',
    ),
    ("cron.create", CRON | {"name": LONG}, "name", f'`name` must have at most 256 characters, got "{"x" * 59}…'),
    ("cron.create", CRON | {"name": ""}, "name", '`name` must have at least 1 character, got ""'),
    (
        "cron.create",
        CRON | {"schedule": "0 9 30 2 *"},
        "schedule",
        "`schedule` is no cron expression: day of month: '30' never occurs in month 2: expected a day up to 29",
    ),
    ("cron.create", CRON | {"url": "ftp://acme.com"}, "url", ""),
    ("cron.create", CRON | {"url": "http://169.254.169.254/latest"}, "url", ""),
    ("cron.create", CRON | {"url": "http://user:pw@acme.com/"}, "url", ""),
    ("cron.create", CRON | {"headers": {"X-A": "a\r\nX-B: b"}}, "headers.X-A", ""),
    ("cron.create", CRON | {"headers": {"Transfer-Encoding": "chunked"}}, "headers", ""),
    ("cron.create", CRON | {"run_at": "2026-02-01T00:00:00Z"}, "run_at", "`run_at` must not be given"),
    (
        "task.schedule",
        TASK | {"run_at": "tomorrow"},
        "run_at",
        '`run_at` must be an instant in RFC 3339 such as 2026-01-01T09:00:00Z, got "tomorrow"',
    ),
    ("task.schedule", TASK | {"run_at": "0001-01-01T00:00:00+23:59"}, "run_at", ""),
    ("task.schedule", TASK | {"run_at": 1767225600}, "run_at", "`run_at` must be a string, got 1767225600"),
    ("queue.create", {"name": "a\x00b"}, "name", ""),
    (
        "queue.create",
        {"name": "q", "dead_letter_queue": "q"},
        "dead_letter_queue",
        "`dead_letter_queue` must be another queue than 'q' itself",
    ),
    (
        "queue.create",
        {"name": "q", "dead_letter_queue": "none"},
        "dead_letter_queue",
        "`dead_letter_queue` must name an existing queue, got 'none'",
    ),
    ("queue.create", {"name": "q", "type": "FIFO"}, "type", '`type` must be one of "standard", "fifo", got "FIFO"'),
    ("queue.publish", {"queue": "q"}, "payload", "`payload` must be given"),
    ("queue.publish", {"queue": "q", "payload": "text"}, "payload", '`payload` must be an object, got "text"'),
    ("queue.publish", MESSAGE | {"delay_seconds": -1}, "delay_seconds", "`delay_seconds` must be at least 0, got -1"),
    (
        "queue.publish",
        MESSAGE | {"delay_seconds": 604801},
        "delay_seconds",
        "`delay_seconds` must be at most 604800, got 604801",
    ),
    ("queue.publish", MESSAGE | {"delay_seconds": "5"}, "delay_seconds", '`delay_seconds` must be a number, got "5"'),
    (
        "queue.publish_batch",
        {"queue": "q", "messages": [{"payload": {}}, {}]},
        "messages[1].payload",
        "`messages[1].payload` must be given",
    ),
    (
        "queue.publish_batch",
        {"queue": "q", "messages": [{"payload": {}}] * 101},
        "messages",
        "`messages` must have at most 100 items, got an array",
    ),
    (
        "queue.consume",
        {"queue": "q", "max_messages": 101},
        "max_messages",
        "`max_messages` must be at most 100, got 101",
    ),
    (
        "queue.consume",
        {"queue": "q", "visibility_timeout": 0},
        "visibility_timeout",
        "`visibility_timeout` must be at least 1, got 0",
    ),
    (
        "queue.nack",
        {"queue": "q", "message_id": "m", "requeue": "yes"},
        "requeue",
        '`requeue` must be true or false, got "yes"',
    ),
    ("account.topup", {"amount_usd": 0}, "amount_usd", "`amount_usd` must be more than 0, got 0"),
]


@pytest.mark.parametrize(
    ("operation", "body", "parameter", "message"),
    WRONG,
    ids=[f"{item[0]} {item[2]} {number}" for number, item in enumerate(WRONG)],
)
async def test_a_value_that_does_not_fit_is_400_and_names_the_parameter(
    api: Api, operation: str, body: dict[str, Any], parameter: str, message: str
) -> None:
    before = await api.snapshot()
    answer = await api.envelope(operation, body)
    error = answer["error"]
    assert (answer["status"], error["code"], error["details"]) == (400, "INVALID_REQUEST", {"parameter": parameter})
    assert error["message"] == message or (not message and f"`{parameter}`" in error["message"])
    assert len(error["message"]) < 300
    await assert_only_journaled(api, before)


@pytest.mark.parametrize("name", ["9", "0", "007", "+5", "-1", "18446744073709551615", "", "a.b/c~d"])
async def test_a_field_may_be_called_anything_and_what_stands_there_is_refused_all_the_same(
    api: Api, name: str
) -> None:
    cron: dict[str, Any] = CRON | {"headers": {name: []}}
    for method, path, body in (("PUT", "/_emulator/assumptions", {name: []}), ("POST", "/v1/cron/create", cron)):
        response = await api.send(method, path, body)
        error = (await response.json())["error"]
        assert (response.status, error["code"]) == (400, "INVALID_REQUEST")
        assert error["message"].endswith(", got an array")


@pytest.mark.parametrize(
    "zone",
    ["Mars/Olympus", "../../etc/passwd", "/etc/localtime", "europe/berlin", "UTC\x00", "Europe\\Berlin", LONG[:128]],
)
async def test_an_unknown_time_zone_is_400(api: Api, zone: str) -> None:
    status, _, message = await api.error("cron.create", CRON | {"timezone": zone})
    assert status == 400
    assert message.startswith("`timezone` is unknown: ")


@pytest.mark.parametrize("limit", ["0", "-1", "1.5", "ten", "", "1" * 401, "٣", "+5", "1_0"])
async def test_a_limit_that_is_no_count_is_400(api: Api, limit: str) -> None:
    status, code, message = await api.error("run.list", query=f"?limit={limit.replace('+', '%2B')}")
    assert (status, code) == (400, "INVALID_REQUEST")
    assert message.startswith("`limit` must be ")


@pytest.mark.parametrize("cursor", ["x", "1", "1.", "ffffffffffffffff.00", "../..", "1.deadbeefdeadbeefde"])
async def test_a_made_up_cursor_is_400(api: Api, cursor: str) -> None:
    assert await api.error("run.list", query=f"?cursor={cursor}") == (
        400,
        "INVALID_REQUEST",
        "`cursor` must be the next_cursor of an earlier page of this list, got another text",
    )


async def test_a_cursor_of_another_list_is_400(api: Api) -> None:
    for name in ("a", "b"):
        await api.call("queue.create", {"name": name})
    cursor = (await api.call("queue.list", query="?limit=1"))["next_cursor"]
    assert (await api.error("run.list", query=f"?cursor={cursor}"))[0] == 400


async def test_validation_errors_are_422_where_that_is_the_answer(start: Start) -> None:
    api = await start(answers={"http.validation_status": "unprocessable"})
    assert (await api.error("queue.publish", {}))[:2] == (422, "INVALID_REQUEST")
    assert (await api.error("queue.get", queue="none"))[0] == 404


async def test_a_mistake_of_our_own_is_an_envelope_without_a_stack_trace(api: Api, caplog: Any) -> None:
    await api.call("cron.list")
    del api.app.sandboxes.hosted["ifr_test"].sandbox.store.crons
    status, code, message = await refusal(api, "GET", "/v1/cron/get/cron_1")
    assert (status, code, message) == (500, "INTERNAL", "the emulator made a mistake")
    assert "GET /v1/cron/get/cron_1 failed" in caplog.text
