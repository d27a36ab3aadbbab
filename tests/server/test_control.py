"""The control API: what tests steer and read."""

import json
from typing import Any

import pytest

from sched_emulator.config import FROZEN_START_MS
from sched_emulator.core.instants import to_text
from sched_emulator.spec import assumptions
from tests.server.harness import Api, Start

HOURLY = {"name": "hourly", "schedule": "0 * * * *", "url": "https://api.acme.com/hourly"}
WAYS = "`seconds` or `duration` or `until` or `events`"
START = to_text(FROZEN_START_MS)


async def refusal(api: Api, method: str, path: str, body: Any = None, **options: Any) -> tuple[int, str]:
    """Send a control request that is refused; return status and message."""
    response = await api.send(method, f"/_emulator/{path}", body, **options)
    answer = await response.json()
    assert answer.keys() == {"error"}
    assert answer["error"].keys() <= {"code", "message", "hint", "retryable", "details"}
    return response.status, answer["error"]["message"]


async def test_health_needs_no_key_and_answers_head(api: Api) -> None:
    api.headers = {}
    health = await api.control("GET", "health")
    assert health.keys() == {"status", "version", "instance", "tzdata", "sandboxes"}
    assert (health["status"], health["sandboxes"]) == ("ok", 0)
    head = await api.client.head("/_emulator/health")
    assert (head.status, await head.read()) == (200, b"")


async def test_sandboxes_are_listed_with_shortened_keys_and_forgotten(api: Api) -> None:
    await api.call("cron.create", HOURLY)
    await api.with_key("ifr_secret_of_mine").call("queue.create", {"name": "q"})
    first, second = (await api.control("GET", "sandboxes"))["items"]
    assert START < first.pop("last_used_at") <= second.pop("last_used_at")  # in real time
    alike = {"now": START, "mode": "frozen", "requests": 1}
    assert first == {"id": "sbx_000001", "key": "ifr_test", "crons": 1, "queues": 0, **alike}
    assert second == {"id": "sbx_000002", "key": "ifr_secr…ine", "crons": 0, "queues": 1, **alike}
    assert (await api.control("GET", "sandbox"))["crons"] == 1
    assert await api.control("DELETE", "sandbox") == {"deleted": True}
    assert await api.control("DELETE", "sandbox") == {"deleted": False}
    assert await refusal(api, "GET", "sandbox") == (404, "the key ifr_test has no sandbox yet")
    assert (await api.control("GET", "health"))["sandboxes"] == 1
    assert await api.call("cron.list") == {"items": []}


async def test_without_a_key_the_only_sandbox_is_meant(api: Api) -> None:
    keyless = Api(api.client)
    keyless.headers = {}
    message = "the header `Authorization: Bearer <key>` must say which sandbox is meant: there are "
    assert await refusal(keyless, "GET", "clock") == (400, message + "0")
    await api.call("cron.list")
    assert (await keyless.control("GET", "clock"))["now"] == START
    await api.with_key("ifr_other").call("cron.list")
    assert await refusal(keyless, "GET", "clock") == (400, message + "2")


async def test_keys_are_sandboxes_of_their_own(api: Api) -> None:
    other = api.with_key("ifr_other")
    await api.call("cron.create", HOURLY)
    await api.advance(seconds=3600)
    assert await other.call("cron.list") == {"items": []}
    assert (await other.control("GET", "clock"))["now"] == START
    assert (await other.call("cron.create", HOURLY))["cron_id"] == "cron_000001"


async def test_the_clock_shows_what_is_due_next(api: Api) -> None:
    assert await api.control("GET", "clock") == {"now": START, "mode": "frozen", "speed": 1.0, "next_event_at": None}
    await api.call("cron.create", HOURLY)
    assert (await api.control("GET", "clock"))["next_event_at"] == "2026-01-01T01:00:00.000Z"
    assert await api.control("GET", "timeline?limit=1") == {
        "items": [{"at": "2026-01-01T01:00:00.000Z", "kind": "cron", "subject": "cron_000001", "name": "hourly"}]
    }


@pytest.mark.parametrize(
    ("how", "answer"),
    [
        ({"seconds": 0}, {"now": START, "fired": 0, "stopped": "until"}),
        ({"seconds": 3599.999}, {"now": "2026-01-01T00:59:59.999Z", "fired": 0, "stopped": "until"}),
        ({"seconds": 7200}, {"now": "2026-01-01T02:00:00.000Z", "fired": 2, "stopped": "until"}),
        ({"until": "2026-01-01T03:30:00+01:00"}, {"now": "2026-01-01T02:30:00.000Z", "fired": 2, "stopped": "until"}),
        ({"events": 3}, {"now": "2026-01-01T03:00:00.000Z", "fired": 3, "stopped": "events"}),
        ({"events": 9}, {"now": "2026-01-01T04:00:00.000Z", "fired": 4, "stopped": "idle"}),
        ({"seconds": 36000, "max_events": 2}, {"now": "2026-01-01T02:00:00.000Z", "fired": 2, "stopped": "max_events"}),
        ({"seconds": 36000, "max_events": 4}, {"now": "2026-01-01T10:00:00.000Z", "fired": 4, "stopped": "until"}),
        ({"events": 5, "max_events": 2}, {"now": "2026-01-01T02:00:00.000Z", "fired": 2, "stopped": "max_events"}),
    ],
)
async def test_advance_stops_where_it_says(api: Api, how: dict[str, Any], answer: dict[str, Any]) -> None:
    await api.call("cron.create", HOURLY | {"max_runs": 4})
    assert await api.advance(**how) == answer


async def test_setting_now_forward_makes_everything_due_on_the_way_happen(api: Api) -> None:
    await api.call("cron.create", HOURLY)
    clock = await api.control("PUT", "clock", {"now": "2026-01-01T02:30:00Z"})
    assert (clock["now"], clock["next_event_at"]) == ("2026-01-01T02:30:00.000Z", "2026-01-01T03:00:00.000Z")
    assert [item["at"] for item in await api.deliveries()] == ["2026-01-01T01:00:00.000Z", "2026-01-01T02:00:00.000Z"]


async def test_the_clock_goes_back_only_where_nothing_has_happened(api: Api) -> None:
    assert (await api.control("PUT", "clock", {"now": "1999-12-31T23:59:59Z"}))["now"] == "1999-12-31T23:59:59.000Z"
    await api.call("cron.list")
    message = "the clock is at 1999-12-31T23:59:59.000Z and cannot go back to 1999-01-01T00:00:00.000Z"
    assert await refusal(api, "PUT", "clock", {"now": "1999-01-01"}) == (409, message)
    assert await refusal(api, "POST", "clock/advance", {"until": "1999-01-01T00:00:00"}) == (409, message)


@pytest.mark.parametrize(
    ("method", "path", "body", "message"),
    [
        ("POST", "clock/advance", {}, f"exactly one of {WAYS} must be given"),
        ("POST", "clock/advance", None, f"exactly one of {WAYS} must be given"),
        ("POST", "clock/advance", {"seconds": 1, "events": 1}, f"exactly one of {WAYS}"),
        ("POST", "clock/advance", {"seconds": 1, "duration": "1s"}, f"exactly one of {WAYS}"),
        ("POST", "clock/advance", {"duration": "3 weeks"}, "duration: '3 weeks' is no duration; expected a form like"),
        ("POST", "clock/advance", {"duration": 3}, "`duration` must be a string, got 3"),
        (
            "POST",
            "clock/advance",
            {"second": 1},
            "`second` is not a documented field, did you mean `seconds`? There are `seconds`, `duration`, `until`, `ev",
        ),
        ("PUT", "clock", {"tempo": 2}, "`tempo` is not a documented field; there are `mode`, `speed`, `now`"),
        (
            "POST",
            "targets",
            {"url": "*", "responses": [200, {"latency": 1}]},
            "`responses[1].latency` is not a documented field, did you mean `latency_seconds`? There are `status`,",
        ),
        ("POST", "targets", {"url": "*", "response": 200}, "`response` is not a documented field, did you mean `resp"),
        (
            "POST",
            "faults",
            {"statuses": 503},
            "`statuses` is not a documented field, did you mean `status`? There are `operation`, `status`, `code`, `re",
        ),
        ("POST", "reset", {"sed": 1}, "`sed` is not a documented field, did you mean `seed`? There are `seed`, `now`,"),
        ("DELETE", "targets", {"url": "*"}, "`url` is no field of this request; there are none"),
        ("DELETE", "faults", {"operation": "*"}, "`operation` is no field of this request; there are none"),
        ("GET", "deliveries?ulr=x", None, "`ulr` is no parameter of this request, did you mean `url`? There are"),
        ("GET", "clock?now=x", None, "`now` is no parameter of this request; there are none"),
        ("POST", "targets", {"url": "*", "responses": [99]}, "`responses[0]` must be at least 200, got 99"),
        ("POST", "targets", {"url": "*", "responses": 99}, "`responses` must be at least 200, got 99"),
        (
            "POST",
            "targets",
            {"url": "*", "responses": "tiemout"},
            '`responses` must be a status, an object, or one of "timeout", "refused", "reset", got "tiemout"',
        ),
        (
            "POST",
            "targets",
            {"url": "*", "responses": [[503, {}]]},
            "`responses[0]` must be a string or a whole number or an object, got an array",
        ),
        ("POST", "targets", {"url": "*", "responses": {"status": "200"}}, "`responses.status` must be a whole number"),
        ("POST", "clock/advance", {"seconds": -1}, "`seconds` must be at least 0, got -1"),
        ("POST", "clock/advance", {"seconds": 1e12}, "`seconds` must be at most 31557600000, got 1000000000000.0"),
        ("POST", "clock/advance", {"seconds": 31557600000 * 0.999}, None),
        (
            "POST",
            "clock/advance",
            {"until": "in a while"},
            "`until` must be an instant in RFC 3339 such as 2026-01-01T09:00:00Z, got 'in a while'",
        ),
        ("POST", "clock/advance", [], "the body must be an object, got an array"),
        ("PUT", "clock", {"mode": "still"}, '`mode` must be one of "wall", "frozen", got "still"'),
        ("PUT", "clock", {"speed": 0}, "`speed` must be more than 0, got 0"),
        ("GET", "timeline?limit=0", None, "`limit` must be at least 1, got 0"),
        ("GET", "timeline?limits=5", None, "`limits` is no parameter of this request, did you mean `limit`? There"),
        ("POST", "targets", {"url": "*", "responses": []}, "`responses` must have at least 1 items, got an array"),
        ("POST", "targets", {"url": "*", "responses": [{"status": 99}]}, "`responses[0].status` must be at least 200"),
        (
            "POST",
            "targets",
            {"url": "*", "responses": [{"headers": {"A": "b"}}, {"headers": {"X-A": "1", "x-a": "2"}}]},
            "`responses[1].headers` must not have one header under two names, got 'X-A' and 'x-a'",
        ),
        ("POST", "faults", {"status": 200}, "`status` must be at least 400, got 200"),
        ("POST", "faults", {"status": 500, "times": 2**53 + 1}, "`times` must be at most 9007199254740992, got 90"),
        ("POST", "faults", {"operation": "queue.*"}, "`status` or `code` or `latency_seconds` or `drop` must be given"),
        ("PUT", "account", {"balance_usd": "5"}, '`balance_usd` must be a number or null, got "5"'),
        ("PUT", "assumptions", {"queue.nack_position": "middle"}, "queue.nack_position"),
        ("PUT", "assumptions", {"queue.nack_positon": "back"}, "queue.nack_position"),
        ("PUT", "assumptions", {"no.such": None}, "no.such"),
        ("PUT", "assumptions", {"cron.retries": 11}, "cron.retries"),
        ("PUT", "snapshot", {"version": 1}, "this is no snapshot of this version"),
        ("PUT", "routes", {"https://a.com": "ftp://b.com"}, "`https://a.com` must"),
    ],
)
async def test_wrong_control_requests_are_refused_in_one_sentence(
    api: Api, method: str, path: str, body: Any, message: str | None
) -> None:
    await api.call("cron.list")
    before = await api.snapshot()
    if message is None:
        assert (await api.send(method, f"/_emulator/{path}", body)).status in {200, 400}
        return
    status, came = await refusal(api, method, path, body)
    assert status == 400
    assert message in came
    assert await api.snapshot() == before


async def test_a_path_that_is_not_there_and_a_wrong_method_are_refused(api: Api) -> None:
    assert await refusal(api, "GET", "clocks") == (404, "the path '/_emulator/clocks' was not found")
    assert await refusal(api, "POST", "clock") == (405, "POST is not allowed on /_emulator/clock")


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "evil.example"}, 403),
        ({"Host": "evil.example:8420"}, 403),
        ({"Host": "127.0.0.1:8420"}, 200),
        ({"Host": "[::1]:8420"}, 200),
        ({"Host": "LOCALHOST"}, 200),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://localhost:3000"}, 200),
    ],
)
async def test_foreign_hosts_and_origins_are_refused(api: Api, headers: dict[str, str], status: int) -> None:
    assert (await api.send("GET", "/_emulator/health", headers=headers)).status == status


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "http://evil.example:8420", "Host": "evil.example:8420"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://[::1"}, 403),
        ({"Origin": "http://localhost:3000"}, 200),
        ({"Host": "api.infrai.cc"}, 200),
    ],
)
async def test_the_emulated_api_refuses_foreign_origins_whatever_the_host(
    api: Api, headers: dict[str, str], status: int
) -> None:
    response = await api.send("POST", "/v1/cron/create", HOURLY, headers=headers)
    answer = await response.json()
    assert (response.status, answer["ok"]) == (status, status == 200)
    if status == 403:
        assert answer["error"]["code"] == "FORBIDDEN"
        assert answer["metadata"]["request_id"] == response.headers["X-Infrai-Request-Id"]
        assert len(api.app.sandboxes.hosted) == 0
        assert (await api.send("GET", "/v1/discovery", headers=headers)).status == 403
    else:
        assert (await api.call("cron.list"))["items"] != []


@pytest.mark.parametrize("path", ["snapshot", "requests", "deliveries", "assumptions/relied"])
async def test_what_is_costly_to_read_wants_a_header_that_no_page_can_send(api: Api, path: str) -> None:
    await api.call("cron.list")
    read = f"/_emulator/{path}"
    for headers, status in [
        ({}, 401),
        ({"Content-Type": "text/plain"}, 401),
        ({"Content-Type": "application/json"}, 200),
        (api.headers, 200),
    ]:
        assert (await api.client.get(read, headers=headers)).status == status


async def test_more_hosts_may_be_allowed(start: Start) -> None:
    api = await start(allow_hosts=("emulator",))
    assert (await api.send("GET", "/v1/cron/list", headers={"Origin": "http://emulator:3000"})).status == 200
    assert (await api.send("GET", "/_emulator/health", headers={"Host": "emulator:8420"})).status == 200
    assert (await api.send("GET", "/_emulator/health", headers={"Host": "other:8420"})).status == 403
    everybody = await start(allow_hosts=("*",))
    assert (await everybody.send("GET", "/_emulator/health", headers={"Host": "other:8420"})).status == 200


async def test_requests_are_journaled_with_what_was_ignored_and_without_secrets(api: Api) -> None:
    await api.call("queue.publish", {"queue": "q", "payload": {"n": 1}, "message_group_id": "g"})
    task = {"task": "https://api.acme.com/", "run_at": "2026-01-02T00:00:00Z", "secret": "do not tell anybody"}
    await api.call("task.schedule", task)
    await api.send("GET", "/v1/nothing")
    log = await api.control("GET", "requests")
    assert (log["first_seq"], log["dropped"]) == (1, 0)
    publish, schedule, nothing = log["items"]
    response = publish.pop("response")
    assert response["data"] == {"message_id": "msg_000001"}
    assert publish == {
        "seq": 1,
        "at": START,
        "operation": "scheduling.queue.publish",
        "method": "POST",
        "path": "/v1/scheduling/queue/publish",
        "body": {"queue": "q", "payload": {"n": 1}, "message_group_id": "g"},
        "status": 200,
        "ignored": ["message_group_id"],
    }
    assert schedule["body"] == task | {"secret": "do n…"}
    assert "tell anybody" not in json.dumps(log)
    assert (nothing["status"], nothing["path"], "operation" in nothing) == (404, "/v1/nothing", False)
    assert [item["seq"] for item in (await api.control("GET", "requests?since=1"))["items"]] == [2, 3]
    assert [item["seq"] for item in (await api.control("GET", "requests?operation=queue.*"))["items"]] == [1]
    assert [item["seq"] for item in (await api.control("GET", "requests?operation=scheduling.task.*"))["items"]] == [2]


async def test_deliveries_are_journaled(api: Api) -> None:
    await api.script("*hourly", status=503, headers={"Retry-After": "5"}, body={"busy": True}, latency_seconds=1.5)
    await api.call("cron.create", HOURLY | {"retries": 0, "payload": {"n": 1}, "headers": {"X-Team": "billing"}})
    await api.advance(seconds=3600)
    [running] = await api.deliveries()
    assert running["outcome"] == "running"
    await api.advance(seconds=10)
    [delivery] = await api.deliveries()
    assert delivery == {
        "seq": 2,
        "at": "2026-01-01T01:00:00.000Z",
        "kind": "cron",
        "url": "https://api.acme.com/hourly",
        "headers": {
            "Content-Type": "application/json",
            "User-Agent": "Infrai-Scheduling/1.0 (sched-emulator)",
            "X-Infrai-Delivery-Id": "dlv_000001",
            "X-Infrai-Attempt": "1",
            "X-Infrai-Run-Id": "run_000001",
            "X-Team": "billing",
        },
        "body": {"n": 1},
        "attempt": 1,
        "run_id": "run_000001",
        "outcome": "failed",
        "status": 503,
        "error": "HTTP 503",
        "duration_seconds": 1.5,
        "response_headers": {"Retry-After": "5"},
        "response_body": '{"busy":true}',
    }
    assert (await api.control("GET", "deliveries?url=*nobody*"))["items"] == []
    assert (await api.control("GET", "deliveries?since=2"))["items"] == []


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ([503, 200], [{"status": 503}, {"status": 200}]),
        ([503.0, "timeout", {"status": 201}], [{"status": 503}, {"error": "timeout"}, {"status": 201}]),
        (204, [{"status": 204}]),
        ("reset", [{"error": "reset"}]),
        ({"latency_seconds": 2}, [{"status": 200, "latency_seconds": 2.0}]),
    ],
)
async def test_a_response_is_an_object_or_what_stands_for_one(api: Api, given: Any, kept: Any) -> None:
    added = await api.control("POST", "targets", {"url": "*", "responses": given})
    shown = [{"status": 200, "latency_seconds": 0.0} | response for response in added["responses"]]
    assert shown == [{"status": 200, "latency_seconds": 0.0} | response for response in kept]


async def test_an_advance_takes_a_duration_as_the_commands_do(api: Api) -> None:
    assert await api.advance(duration="1h30m") == {"now": "2026-01-01T01:30:00.000Z", "fired": 0, "stopped": "until"}
    too_far = "`duration` must not lead past the year 9999"
    await api.control("PUT", "clock", {"now": "9999-01-01"})
    assert await refusal(api, "POST", "clock/advance", {"duration": "99w"}) == (400, too_far)


async def test_scripts_answer_in_order_and_the_newest_that_fits_wins(api: Api) -> None:
    await api.script("*", 500)
    await api.control(
        "POST", "targets", {"url": "*hourly", "responses": [{"status": 503}, {"error": "reset"}], "then": "cycle"}
    )
    await api.call("cron.create", HOURLY | {"retries": 0})
    await api.advance(seconds=3 * 3600)
    assert [(item.get("status"), item["outcome"]) for item in await api.deliveries()] == [
        (503, "failed"),
        (None, "failed"),
        (503, "failed"),
    ]
    listed = (await api.control("GET", "targets"))["items"]
    assert [(item["url"], item["then"], item["used"]) for item in listed] == [
        ("*", "repeat-last", 0),
        ("*hourly", "cycle", 3),
    ]
    assert await api.control("DELETE", "targets") == {"cleared": 2}


async def test_faults_apply_before_the_operation_or_after_it(api: Api) -> None:
    body = {"queue": "q", "payload": {}}
    await api.control("POST", "faults", {"operation": "queue.publish", "status": 503, "times": 1})
    await api.control("POST", "faults", {"operation": "queue.publish", "status": 500, "times": 1, "after": True})
    assert await api.error("queue.publish", body) == (503, "UNAVAILABLE", "injected fault: 503 UNAVAILABLE")
    assert (await api.envelope("queue.stats", queue="q"))["status"] == 404
    assert (await api.error("queue.publish", body))[0] == 500
    assert (await api.call("queue.stats", queue="q"))["available"] == 1
    faults = (await api.control("GET", "faults"))["items"]
    assert [fault["used"] for fault in faults] == [1, 1]
    assert await api.control("DELETE", "faults") == {"cleared": 2}


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "faults", {"operation": "queues.consume", "status": 503}),
        ("GET", "requests?operation=queues.consume", None),
        ("GET", "requests?operation=scheduling.queues.consume", None),
    ],
)
async def test_a_glob_that_meets_no_operation_is_refused(api: Api, method: str, path: str, body: Any) -> None:
    status, message = await refusal(api, method, path, body)
    assert (status, message.endswith("; did you mean 'queue.consume'?")) == (400, True)


async def test_scripts_faults_and_routes_that_nothing_met_are_listed(start: Start) -> None:
    api = await start(routes={"https://of-serve.example": "http://127.0.0.1:9"})
    routes = {"https://of-serve.example": "http://127.0.0.1:9", "https://unmet.example": "http://127.0.0.1:9"}
    await api.control("PUT", "routes", routes | {"https://api.acme.com": "http://127.0.0.1:9"})
    for glob in ("https://api.acme.com/hourly", "https://api.acme.com/huorly", "https://other.example/*"):
        await api.control("POST", "targets", {"url": glob, "responses": [{"status": 200}]})
    for fault in ({"operation": "queue.stats"}, {"operation": "cron.create", "times": 1}, {"operation": "queue.*"}):
        await api.control("POST", "faults", {"latency_seconds": 0.001} | fault)
    await api.call("cron.create", HOURLY)
    await api.call("cron.create", HOURLY | {"url": "https://api.acme.com/real"})
    await api.call("queue.publish", {"queue": "q", "payload": {}})
    await api.advance(seconds=3600)
    items = (await api.control("GET", "unused"))["items"]
    assert [(item["kind"], item.get("url") or item.get("operation") or item.get("from")) for item in items] == [
        ("target", "https://api.acme.com/huorly"),
        ("target", "https://other.example/*"),
        ("fault", "queue.stats"),
        ("route", "https://unmet.example"),
    ]
    assert items[3] == {"kind": "route", "from": "https://unmet.example", "to": "http://127.0.0.1:9", "used": 0}
    await api.control("PUT", "routes", {"https://api.acme.com": "http://127.0.0.1:10"})
    assert (await api.control("GET", "unused"))["items"][3:] == [
        {"kind": "route", "from": "https://api.acme.com", "to": "http://127.0.0.1:10", "used": 0}
    ]


async def test_a_dropped_answer_closes_the_connection_though_the_write_happened(api: Api) -> None:
    await api.control("POST", "faults", {"drop": True, "after": True, "times": 1})
    with pytest.raises(Exception, match=r"disconnected|reset"):
        await api.call("queue.publish", {"queue": "q", "payload": {}})
    assert (await api.call("queue.stats", queue="q"))["available"] == 1
    [publish, _stats] = (await api.control("GET", "requests"))["items"]
    assert publish["note"] == "the connection was dropped: this answer was never sent"


async def test_latency_is_shown_in_the_metadata(api: Api) -> None:
    await api.control("POST", "faults", {"latency_seconds": 0.002})
    assert (await api.envelope("cron.list"))["metadata"]["latency_ms"] == 2


async def test_assumptions_are_merged_and_null_returns_to_the_beginning(start: Start) -> None:
    api = await start(answers={"cron.retries": 5})
    answers = await api.control("PUT", "assumptions", {"http.envelope": "bare", "cron.retries": 7})
    assert (answers["http.envelope"], answers["cron.retries"]) == ("bare", 7)
    assert await (await api.send("GET", "/v1/cron/list")).json() == {"items": []}
    assert await (await api.send("GET", "/v1/queue/get/q")).json() == {
        "error": {
            "code": "NOT_FOUND",
            "message": "queue 'q' not found",
            "hint": "Check the id or the name: it may have been deleted, or belong to another key.",
            "retryable": False,
        }
    }
    answers = await api.control("PUT", "assumptions", {"http.envelope": None, "cron.retries": None})
    assert (answers["http.envelope"], answers["cron.retries"]) == ("wrapped", 5)
    assert await api.call("cron.list") == {"items": []}


async def test_a_request_is_shown_with_the_open_questions_that_it_met(api: Api) -> None:
    await api.call("queue.create", {"name": "q", "colour": "red"})
    await api.control("PUT", "assumptions", {"queue.publish_unknown": "reject"})
    await api.send("POST", "/v1/scheduling/queue/publish", {"queue": "other", "payload": {}})
    answer = await api.control("GET", "assumptions/asked?seq=2")
    unknown = [item for item in answer["items"] if item["id"] == "queue.publish_unknown"]
    question = assumptions.catalogue()["queue.publish_unknown"].question
    assert unknown == [{"id": "queue.publish_unknown", "kind": "behaviour", "question": question, "answer": "reject"}]
    kinds = [(item["id"], item["kind"]) for item in (await api.control("GET", "assumptions/asked?seq=1"))["items"]]
    assert ("http.unknown_fields", "shape") in kinds
    assert ("http.unknown_fields", "shape") not in [(item["id"], item["kind"]) for item in answer["items"]]
    assert await api.control("GET", "assumptions/asked?seq=3") == {"seq": 3, "items": [], "complete": False}


async def test_relied_names_what_would_have_been_different(api: Api) -> None:
    await api.call("queue.create", {"name": "q"})
    for number in (1, 2):
        await api.call("queue.publish", {"queue": "q", "payload": {"n": number}, "idempotency_key": f"k{number}"})
    await api.call("queue.consume", {"queue": "q", "max_messages": 1})
    await api.call("queue.nack", {"queue": "q", "message_id": "msg_000001", "requeue": True})
    await api.call("queue.consume", {"queue": "q", "max_messages": 1})
    answer = await api.control("GET", "assumptions/relied")
    found = {(item["id"], item["other"]): item for item in answer["items"]}
    assert found["queue.nack_position", "back"] == {
        "id": "queue.nack_position",
        "answer": "front",
        "question": assumptions.catalogue()["queue.nack_position"].question,
        "other": "back",
        "seq": 6,
        "operation": "scheduling.queue.consume",
        "was": {"messages": [{"message_id": "msg_000001", "payload": {"n": 1}}]},
        "would_be": {"messages": [{"message_id": "msg_000002", "payload": {"n": 2}}]},
        "forms": {"was": "answer", "would_be": "answer"},
    }
    assert answer["complete"] is True
    assert answer["shapes"] == [
        "http.envelope",
        "queue.consume.result_key",
        "queue.message_fields",
        "queue.payload_field",
        "queue.payload_type",
    ]


async def test_a_snapshot_leads_to_the_same_future_also_under_another_key(api: Api) -> None:
    await api.script("*", 500, 200)
    await api.call("cron.create", HOURLY)
    await api.call("queue.publish", {"queue": "q", "payload": {"big": 2**70}, "delay_seconds": 60})
    await api.advance(seconds=3605)
    snapshot = await api.snapshot()
    other = api.with_key("ifr_other")
    assert (await api.send("PUT", "/_emulator/snapshot", snapshot)).status == 200
    assert (await other.send("PUT", "/_emulator/snapshot", snapshot)).status == 200
    for each in (api, other):
        await each.advance(seconds=7200)
        await each.call("queue.consume", {"queue": "q"})
    assert await api.snapshot() == await other.snapshot()
    assert await api.control("POST", "reset") == {"reset": True}
    assert await api.control("GET", "clock") == {"now": START, "mode": "frozen", "speed": 1.0, "next_event_at": None}
    assert await api.call("cron.create", HOURLY) == (await other.call("cron.list"))["items"][0] | {
        "next_run_at": "2026-01-01T01:00:00.000Z"
    }


async def test_reset_may_give_another_seed(api: Api) -> None:
    first = (await api.envelope("cron.list"))["metadata"]["request_id"]
    await api.control("POST", "reset", {"seed": 7})
    other = (await api.envelope("cron.list"))["metadata"]["request_id"]
    await api.control("POST", "reset")
    assert (await api.envelope("cron.list"))["metadata"]["request_id"] == other != first


async def test_reset_may_give_another_beginning(api: Api) -> None:
    beginning = {"now": "2030-05-01T00:00:00Z", "assumptions": {"cron.retries": 0}}
    await api.control("POST", "reset", beginning)
    await api.call("cron.create", HOURLY)
    await api.control("PUT", "assumptions", {"cron.retries": 9})
    await api.advance(seconds=60)
    await api.control("POST", "reset")
    assert (await api.control("GET", "clock"))["now"] == "2030-05-01T00:00:00.000Z"
    assert (await api.control("GET", "assumptions"))["cron.retries"] == 0
    wrong = {"assumptions": {"cron.retries": 99}}
    assert (await refusal(api, "POST", "reset", wrong))[0] == 400


async def test_a_changed_snapshot_is_refused(api: Api) -> None:
    await api.call("cron.create", HOURLY)
    snapshot = (await api.snapshot()).replace(b"hourly", b"weekly")
    status, message = await refusal(api, "PUT", "snapshot", snapshot)
    assert (status, message) == (
        400,
        "the snapshot must be unchanged: its seal does not fit its content",
    )


async def test_routes_are_set_and_followed(api: Api) -> None:
    routes = {"https://api.acme.com": "http://127.0.0.1:1"}
    assert await api.control("PUT", "routes", routes) == routes
    await api.call("cron.create", HOURLY | {"retries": 0})
    await api.advance(seconds=3600)
    [delivery] = await api.deliveries()
    assert (delivery["routed_to"], delivery["outcome"]) == ("http://127.0.0.1:1/hourly", "refused")


async def test_time_that_would_go_back_is_an_error_of_its_own(api: Api) -> None:
    await api.call("queue.publish", {"queue": "q", "payload": {}})
    await api.advance(seconds=60)
    for method, path, body in [
        ("PUT", "clock", {"now": "2026-01-01T00:00:00Z"}),
        ("POST", "clock/advance", {"until": "2026-01-01T00:00:00Z"}),
    ]:
        response = await api.send(method, f"/_emulator/{path}", body)
        error = (await response.json())["error"]
        assert (response.status, error["code"], error["retryable"]) == (409, "BACKWARD", False)
        assert "Retry-After" not in response.headers


async def test_scripts_and_filters_meet_every_spelling_of_a_url(api: Api) -> None:
    await api.script("https://api.acme.com/*", 503)
    spellings = ["https://api.acme.com", "HTTPS://API.acme.com:443/x", "https://api.acme.com./x#part"]
    for url in spellings:
        await api.call("task.schedule", {"task": url, "run_at": "2026-01-01T00:00:00Z", "retries": 0})
    await api.advance(seconds=0)
    found = (await api.control("GET", "deliveries?url=https://api.acme.com/*"))["items"]
    assert [(item["url"], item["outcome"]) for item in found] == [(url, "failed") for url in spellings]
