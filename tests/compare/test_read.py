"""Exchanges as the core takes them, by whatever names and in whatever envelope they came."""

from dataclasses import replace

import pytest

from sched_emulator.compare.read import Clock, Traffic, add, clock_of
from sched_emulator.recording.lines import Entry, Exchange
from tests.compare.recorded import Gateway

ANSWERED_429 = "it was answered 429, which depends on more than what there is"


def exchange(method: str, path: str, body: str = "", status: int = 200, response: str = "{}") -> Exchange:
    sent_ms = 1_767_225_600_000
    headers = (("Content-Type", "application/json"),)
    return Exchange(sent_ms, sent_ms + 40, method, path, headers, body, status, (), response, account=1, seq=1)


def read(*entries: Entry) -> Traffic:
    traffic = Traffic()
    add(traffic, "x", entries, ())
    return traffic


@pytest.mark.parametrize("envelope", ["wrapped", "bare"])
@pytest.mark.parametrize("fields", ["documented", "canonical", "both"])
@pytest.mark.parametrize("id_field", ["cron_id", "job_id"])
def test_a_cron_is_read_the_same_under_all_names(envelope: str, fields: str, id_field: str) -> None:
    shapes = {"http.envelope": envelope, "cron.create.fields": fields, "cron.create.id_field": id_field}
    gateway = Gateway(shapes)
    gateway.ask("cron.create", {"name": "x", "schedule": "0 9 * * 1", "url": "https://api.acme.com/x"})
    [item] = read(*gateway.entries).items
    assert (item.operation, item.arguments) == (
        "scheduling.cron.create",
        {"name": "x", "cron_expr": "0 9 * * 1", "task": "https://api.acme.com/x"},
    )
    result = {name: item.result.get(name) for name in ("name", "cron_expr", "task", "enabled", "next_run_at")}
    assert result == {
        "name": "x",
        "cron_expr": "0 9 * * 1",
        "task": "https://api.acme.com/x",
        "enabled": True,
        "next_run_at": 1_767_603_600_000,
    }


@pytest.mark.parametrize(
    ("entry", "why"),
    [
        (exchange("GET", "/v1/kv/x"), "its path is none of the API's"),
        (exchange("GET", "/v1/account/balance"), "it concerns no cron, task or queue"),
        (
            exchange("GET", "/v1/queue/list", status=429),
            "it was answered 429, which depends on more than what there is",
        ),
        (exchange("GET", "/v1/queue/list", response="<html>"), "its answer is no JSON"),
        (exchange("GET", "/v1/queue/list", response="[]"), "its answer is no object"),
        (exchange("POST", "/v1/queue/publish", "{}", 400), "no reading of the spec takes its request"),
        (exchange("POST", "/v1/queue/publish", '{"queue":"a","body":{}}', 400), "not everyone has to take its request"),
    ],
)
def test_what_is_not_compared_says_why(entry: Exchange, why: str) -> None:
    [item] = read(entry).items
    assert item.passed == why


def test_a_request_that_nobody_understands_and_that_was_done_leaves_doubt() -> None:
    [item] = read(exchange("POST", "/v1/queue/publish", "{}", 200, '{"message_id":"m"}')).items
    assert item.doubt


def test_the_clocks_are_as_far_apart_as_all_dates_allow() -> None:
    one = exchange("GET", "/v1/queue/list")
    ahead = replace(one, response_headers=(("Date", "Thu, 01 Jan 2026 00:01:30 GMT"),))
    assert clock_of([one]) == (Clock(-2000, 2000), "")
    assert clock_of([ahead]) == (Clock(89_960, 90_999), "")
    later = replace(ahead, sent_at_ms=one.sent_at_ms + 700, received_at_ms=one.sent_at_ms + 740)
    assert clock_of([ahead, later]) == (Clock(89_960, 90_299), "")


def test_clocks_that_drift_apart_are_told() -> None:
    one = exchange("GET", "/v1/queue/list", response='{"items":[]}')
    dates = ("Thu, 01 Jan 2026 00:00:00 GMT", "Thu, 01 Jan 2026 00:01:00 GMT")
    traffic = read(*(replace(one, response_headers=(("Date", date),), seq=n) for n, date in enumerate(dates, 1)))
    assert traffic.told == ["x: the clocks drift apart: the target's is ahead by -0.04 s to 60.999 s"]


def test_lists_that_show_a_thing_unchanged_hold_one_record_of_it() -> None:
    shown = '{"items":[{"queue":"a","type":"standard","max_retries":%s},{"queue":"b","type":"fifo","max_retries":1}]}'
    one, same, other = read(*(exchange("GET", "/v1/queue/list", response=shown % n) for n in (1, 1, 2))).items
    assert [a is b for a, b in zip(one.result["items"], same.result["items"], strict=True)] == [True, True]
    assert [a is b for a, b in zip(same.result["items"], other.result["items"], strict=True)] == [False, True]
    assert [record["max_retries"] for record in other.result["items"]] == [2, 1]
