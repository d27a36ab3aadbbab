"""Generated requests, judged by what went over the wire: nobody fails for a request that breaks no promise."""

import json
from functools import cache
from typing import Any, NamedTuple

import pytest
import requests

from sched_emulator.contract.demands import Demands
from sched_emulator.contract.described import Contract
from sched_emulator.contract.results import Check, Result, Status, Warrant
from sched_emulator.contract.schema.engine import never, plan
from sched_emulator.contract.schema.verdicts import Verdicts

URL, KEY = "http://target:1", "ifr_x"
REQUEST_ID = "019b76da-a800-7000-8000-000000000001"
RETURNED: dict[str, Any] = {
    "queue.create": {"queue": "q", "type": "standard", "max_retries": 3, "visibility_timeout_default": 30},
    "queue.list": {"items": []},
    "queue.publish": {"message_id": "m"},
    "queue.publish_batch": {"message_ids": []},
    "queue.purge": {"queue": "q", "purged": 0},
    "cron.update": {"cron_id": "c", "name": "n", "cron_expr": "x", "task": "t", "timezone": "UTC", "enabled": True},
    "cron.create": {"cron_id": "c", "name": "n", "schedule": "x", "url": "u", "enabled": True},
    "account.balance": {"balance_usd": 1, "currency": "USD"},
}
CRON = {"name": "n", "schedule": "0 9 * * 1", "url": "https://api.acme.com/x"}


class Answer(NamedTuple):
    """An answer, as the engine hands it over."""

    status_code: int
    content: bytes
    headers: dict[str, list[str]]


def answer(operation: str, status: int, data: Any = None) -> Answer:
    returned = RETURNED.get(operation, {}) if data is None else data
    error = {"code": "X", "message": "no", "hint": "none", "retryable": False}
    body = {"data": returned, "ok": True, "error": None} if status < 300 else {"error": error}
    return Answer(status, json.dumps(body).encode(), {"content-type": ["application/json"]})


@cache
def described_by_default() -> Contract:
    return Contract({})


class Told(NamedTuple):
    """What a stranger was found to do wrong, and the choices that it does not share."""

    flaws: list[str]
    differs: set[str]


def judge(
    operation: str, came: Answer, *, valid: bool, query: str = "", times: int = 1, path: str = "q", **sent: Any
) -> Told:
    """Judge an answer to a request, sent so many `times`; `json`, `data` and `headers` are those of `requests`."""
    contract, demands = described_by_default(), Demands()
    described = contract.operations[operation]
    verdicts = Verdicts(contract, URL, KEY, demands, key_required=False, held=False)
    check = Check(f"schema/{operation}/fuzzing", Warrant.DOCUMENTED, "A title.", "schema", (), (1,), never)
    judged = Result(check, Status.PASSED)
    headers = {"Authorization": f"Bearer {KEY}"} | sent.pop("headers", {})
    url = URL + described.path.replace("{queue}", path).replace("{id}", path) + query
    request = requests.Request(described.method, url, headers=headers, **sent).prepare()
    for _ in range(times):
        verdicts.look(judged, operation, valid=valid, request=request, response=came)
    missed = {item["choice"] for item in demands.told() if item["missed_by"]}
    form = {"http.envelope_members", "http.metadata", "http.error_members", "http.further_members"}
    return Told([flaw.cause for flaw in judged.flaws.values()], missed - form)


@pytest.mark.parametrize(
    ("operation", "sent"),
    [
        ("queue.create", {"json": {"name": "abcde"}}),  # said to break a length and a pattern
        ("queue.create", {"json": {"name": ""}}),
        ("queue.create", {"json": {"name": "q", "idempotency_key": ""}}),
        ("queue.create", {"json": {"name": "q"}, "query": "?idempotency_key="}),
        ("queue.create", {"json": {"name": "q"}, "query": "?unknown=1&idempotency_key=a&idempotency_key=b"}),
        ("queue.create", {"json": {"name": "q"}, "headers": {"Idempotency-Key": ""}}),
        ("queue.create", {"json": {"name": "q"}, "headers": {"Idempotency-Key": "\x7f"}}),
        ("queue.create", {"json": {"name": "q", "unknown": 1, "type": None}}),
        ("queue.create", {"data": b'{"name": 5}', "headers": {"Content-Type": "text/plain"}}),
        ("queue.create", {"data": b'{"name": "q", "max_retries": NaN}'}),
        ("queue.create", {"data": b'{"name": "\\ud800", "type": 5}'}),
        ("queue.list", {"query": "?limit=5&limit=x"}),
        ("queue.list", {"query": "?limit=5.0"}),
        ("queue.list", {"query": "?limit="}),
        ("queue.list", {"query": "?limit=0"}),
        ("queue.list", {"query": "?cursor="}),
        ("queue.list", {"query": "?cursor=%FF"}),
        ("queue.publish", {"json": {"queue": "q", "body": None}}),
        ("queue.publish_batch", {"json": {"queue": "q", "messages": [{"body": 1, "payload": 2}, 7]}}),
        ("queue.purge", {"json": {"queue": 5}}),
        ("queue.purge", {"json": []}),
        ("queue.purge", {"data": b"\x00"}),
        ("queue.purge", {"path": "%2F"}),
        ("queue.purge", {"path": "a/b"}),
    ],
)
def test_a_stranger_may_take_what_breaks_no_promise_whatever_a_generator_calls_it(
    operation: str, sent: dict[str, Any]
) -> None:
    assert judge(operation, answer(operation, 200), valid=False, **sent).flaws == []


@pytest.mark.parametrize(
    ("operation", "sent", "cause"),
    [
        ("queue.create", {"json": {"name": 5}}, "accepted name type"),
        ("queue.create", {"json": {}}, "accepted the body required"),
        ("queue.create", {"data": b"\x00"}, "accepted the body object"),
        ("queue.create", {}, "accepted the body required"),
        ("queue.list", {"query": "?limit=many"}, "accepted limit type"),
        ("cron.update", {"json": {"timeout_seconds": 901}}, "accepted timeout_seconds maximum"),
        ("queue.publish", {"json": {"queue": "q", "payload": {}, "delay_seconds": "x"}}, "accepted delay_seconds type"),
    ],
)
def test_a_stranger_that_takes_what_nobody_may_take_fails(operation: str, sent: dict[str, Any], cause: str) -> None:
    assert judge(operation, answer(operation, 200), valid=False, **sent).flaws == [cause]
    assert judge(operation, answer(operation, 418), valid=False, **sent).flaws == []


@pytest.mark.parametrize(
    ("operation", "sent"),
    [
        ("queue.create", {"json": {"name": "q", "max_retries": 1000}}),
        ("queue.create", {"json": {"name": "q", "visibility_timeout_default": 30.5}}),
        ("queue.create", {"json": {"name": "q", "unknown": 1}}),
        ("queue.create", {"json": {"name": "q"}, "query": "?idempotency_key=k"}),
        ("queue.create", {"json": {"name": "q"}, "headers": {"Idempotency-Key": "k"}}),
        ("cron.create", {"json": {"cron_expr": "0 9 * * 1", "task_url": "https://api.acme.com/x"}}),
        ("cron.create", {"json": CRON | {"max_runs": 3}}),
        ("queue.list", {"query": "?limit=1000"}),
        ("queue.list", {"query": "?further=1"}),
    ],
)
def test_a_stranger_may_refuse_what_is_not_promised_and_the_difference_is_told(
    operation: str, sent: dict[str, Any]
) -> None:
    assert judge(operation, answer(operation, 400), valid=True, **sent) == Told([], {"http.described_requests"})


def test_a_stranger_that_refuses_what_is_promised_fails_once_for_each_operation() -> None:
    sent: dict[str, Any] = {"json": {"name": "q", "max_retries": 3}}
    assert judge("queue.create", answer("queue.create", 400), valid=True, **sent).flaws == ["refused queue.create"]
    assert judge("queue.create", answer("queue.create", 403), valid=True, **sent).flaws == ["refused queue.create"]
    assert judge("queue.create", answer("queue.create", 401), valid=True, **sent).flaws == ["refused 401"]
    assert judge("queue.create", answer("queue.create", 413), valid=True, **sent) == Told([], set())


def test_what_is_not_there_may_be_refused_with_any_status() -> None:
    assert judge("queue.purge", answer("queue.purge", 404), valid=True, json={}) == Told([], set())
    assert judge("queue.purge", answer("queue.purge", 410), valid=True, json={}) == Told([], {"http.statuses"})
    assert judge("queue.publish", answer("", 404), valid=True, json={"queue": "q", "payload": {}}) == Told([], set())


def test_a_name_or_a_key_that_was_sent_before_may_clash() -> None:
    refused = answer("cron.create", 409)
    assert judge("cron.create", refused, valid=True, json=CRON).flaws == ["refused cron.create"]
    clashing = judge("cron.create", answer("cron.create", 200), valid=True, json=CRON, times=2)
    assert clashing == Told([], set())


def test_what_a_choice_refuses_is_told_under_that_choice() -> None:
    def differs(**sent: Any) -> set[str]:
        return judge("cron.update", answer("cron.update", 200), valid=False, **sent).differs

    assert differs(json={"retry": 1.5}) == {"values.whole_numbers"}
    assert differs(json={"max_runs": 0}) == {"values.max_runs"}
    assert differs(json={"idempotency_key": ""}) == {"idempotency.empty_keys"}
    assert differs(json={"headers": {"X": 1}}) == {"values.headers"}
    assert differs(query="?idempotency_key=a&idempotency_key=a", json={}) == {"http.given_once"}


def test_an_operation_that_nobody_documented_is_not_offered_where_it_is_missing() -> None:
    for status in (401, 404):
        assert judge("account.balance", answer("", status), valid=True) == Told([], set())
    assert judge("account.balance", answer("", 200, data={"money": 1}), valid=True) == Told([], {"http.public"})


def test_the_same_flaw_has_the_same_cause_in_every_answer() -> None:
    broken = Answer(500, b"oops", {})
    assert judge("queue.list", broken, valid=True).flaws == judge("queue.purge", broken, valid=False).flaws == ["5xx"]
    text = Answer(200, b"<html>", {"content-type": ["text/html"]})
    assert judge("queue.list", text, valid=True).flaws == ["returns no JSON"]
    gone = [judge(name, answer("", 404), valid=True, json=CRON).flaws for name in ("queue.list", "cron.create")]
    assert gone == [[], ["missing"]]  # a list takes no body
    keyless = judge("queue.list", answer("queue.list", 200), valid=True, headers={"Authorization": "Bearer ifr_other"})
    assert keyless.flaws == ["keyless"]


def test_checks_of_what_is_documented_rest_on_lines() -> None:
    for check in plan(Contract({}), ("examples",), stateful=True, reads_only=False).values():
        assert (check.warrant == Warrant.DOCUMENTED) == bool(check.lines), check.address


def missed_headers(status: int, cost: str | None, **headers: str) -> list[str]:
    """Return what is noted of an answer's headers, by both ways in which answers are looked at."""
    metadata = {"cost_usd": 0.00001, "latency_ms": 1, "vendor": "v", "cache_hit": False, "request_id": REQUEST_ID}
    body = {"data": RETURNED["queue.list"], "ok": True, "error": None, "metadata": metadata}
    sent = {"Content-Type": "application/json"} | ({} if cost is None else {"X-Infrai-Cost-Usd": cost}) | headers
    contract, demands = described_by_default(), Demands()
    verdicts = Verdicts(contract, URL, KEY, demands, key_required=False, held=False)
    check = Check("schema/queue.list/fuzzing", Warrant.DOCUMENTED, "A title.", "schema", (), (1,), never)
    url, authorization = URL + contract.operations["queue.list"].path, {"Authorization": f"Bearer {KEY}"}
    request = requests.Request("GET", url, headers=authorization).prepare()
    came = Answer(status, json.dumps(body).encode(), {name.lower(): [value] for name, value in sent.items()})
    verdicts.look(Result(check, Status.PASSED), "queue.list", valid=True, request=request, response=came)
    assert "http.metadata" in {item["choice"] for item in demands.told()}
    return sorted(item["choice"] for item in demands.told() if item["missed_by"])


@pytest.mark.parametrize("cost", [None, "0.00001", "1e-05", "0.0000100"])
def test_what_a_request_cost_may_stand_in_a_header_or_not(cost: str | None) -> None:
    assert missed_headers(200, cost) == []


@pytest.mark.parametrize("cost", ["0.5", "-1", "free", "", "nan"])
def test_a_cost_in_a_header_is_a_number_and_that_of_the_metadata(cost: str) -> None:
    assert missed_headers(200, cost) == ["http.metadata"]


def test_an_id_in_a_header_is_that_of_the_metadata() -> None:
    assert missed_headers(200, None, **{"X-Infrai-Request-Id": REQUEST_ID}) == []
    assert missed_headers(200, None, **{"X-Infrai-Request-Id": REQUEST_ID[::-1]}) == ["http.metadata"]
