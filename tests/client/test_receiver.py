import http.client
import json
import re
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import freezegun
import pytest
import time_machine

from sched_emulator import Emulator, Sandbox
from sched_emulator.client.http import Client
from sched_emulator.client.receiver import Received, Receiver
from sched_emulator.signatures import SignatureError


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as listening:
        yield listening


def send(receiver: Receiver, body: bytes = b"{}", path: str = "/hook", method: str = "POST") -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(receiver.url.removeprefix("http://"))
    try:
        connection.request(method, path, body)
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


def schedule(emulator: Emulator, box: Sandbox, url: str, **settings: Any) -> None:
    task = {"task": url, "run_at": "2026-01-01T00:00:00Z", "payload": {"order": 7}, **settings}
    client = Client(emulator.url, box.api_key)
    client.request("POST", "/v1/scheduling/task/schedule", task)
    client.close()


def test_it_records_what_it_is_sent(receiver: Receiver) -> None:
    assert send(receiver, b'{"a": 1}', "/hook?x=1") == (200, b"")
    (request,) = receiver.requests
    assert (request.method, request.path, request.json) == ("POST", "/hook?x=1", {"a": 1})
    assert (request.headers["content-LENGTH"], len(request.headers), "x-none" in request.headers) == ("8", 3, False)
    assert repr(request.headers).startswith("{'Host': '127.0.0.1:")


def test_it_answers_as_told(receiver: Receiver) -> None:
    receiver.respond(503, {"status": 201, "headers": {"X-A": "b"}, "body": "text"}, {"body": {"ok": True}})
    assert [send(receiver) for _ in range(4)] == [
        (503, b""),
        (201, b"text"),
        (200, b'{"ok": true}'),
        (200, b'{"ok": true}'),
    ]
    receiver.respond(500, {"body": b"raw"}, then="cycle")
    assert [send(receiver) for _ in range(3)] == [(500, b""), (200, b"raw"), (500, b"")]
    assert send(receiver, method="HEAD") == (200, b"")


def test_a_function_answers(receiver: Receiver) -> None:
    def answer(request: Received) -> int:
        return 200 if request.json["valid"] else 422

    receiver.respond(answer)
    assert [send(receiver, json.dumps({"valid": valid}).encode())[0] for valid in (True, False)] == [200, 422]


def test_what_a_function_raises_is_answered_500_and_raised_in_the_test(receiver: Receiver) -> None:
    def fail(request: Received) -> int:
        pytest.fail(f"{request.path} should not be called")

    receiver.raise_errors()
    receiver.respond(fail)
    assert send(receiver)[0] == 500
    with pytest.raises(pytest.fail.Exception, match=r"^/hook should not be called$"):
        receiver.raise_errors()


TAKES = "respond() takes a function of the request, a status or an object with status, headers and body, got"
WRONG_RESPONSES: list[tuple[Any, str]] = [
    ((201, {"ok": True}), f"""{TAKES} (201, {{'ok': True}}); say {{"status": …, "headers": …, "body": …}}"""),
    ([503, 200], "respond() takes its responses one by one, as in respond(503, 200), got a list"),
    ("timeout", f"{TAKES} 'timeout'"),
    (None, f"{TAKES} None"),
    (True, f"{TAKES} True"),
    (20, "a response's status is a whole number from 200 to 599, got 20"),
    ({"status": "200"}, "a response's status is a whole number from 200 to 599, got '200'"),
    ({"stauts": 200}, "a response has status, headers and body, no stauts"),
    ({"headers": ["X-A"]}, "a response's headers are an object of names and texts, got ['X-A']"),
    ({"headers": {"X A": "b"}}, "a response's headers have names such as Retry-After, got 'X A'"),
    ({"headers": {"X-A": "b\r\nX-B: c"}}, "a response's header is one line of text, got 'b\\r\\nX-B: c' for X-A"),
    ({"headers": {"X-A": "1", "x-a": "2"}}, "a response must not have one header under two names, got X-A, x-a"),
    ({"headers": {"X-A": None}}, "a response's header is one line of text, got None for X-A"),
    (
        {"body": {1, 2}},
        "a response's body is a text, bytes, or what becomes JSON: Object of type set is not JSON serializable",
    ),
]


@pytest.mark.parametrize(("response", "complaint"), WRONG_RESPONSES)
def test_a_response_that_cannot_be_meant_is_refused_by_the_call(
    receiver: Receiver, response: Any, complaint: str
) -> None:
    receiver.respond(201)
    with pytest.raises((TypeError, ValueError), match=f"^{re.escape(complaint)}$"):
        receiver.respond(200, response)
    assert send(receiver)[0] == 201


def test_responses_are_given_in_turn_and_answered_in_a_thread(receiver: Receiver) -> None:
    async def answer(_request: Received) -> int:
        return 200

    wrong: Any = "loop"
    with pytest.raises(ValueError, match=r"^respond\(\) needs at least one response, such as 200$"):
        receiver.respond()
    with pytest.raises(ValueError, match=r"^respond\(\) takes then='repeat-last' or then='cycle', got 'loop'$"):
        receiver.respond(200, then=wrong)
    with pytest.raises(TypeError, match=r"^respond\(\) calls its functions in a thread and awaits none, got "):
        receiver.respond(answer)  # type: ignore[arg-type]


def test_a_function_that_returns_no_response_is_answered_500_and_told_in_the_test(receiver: Receiver) -> None:
    receiver.respond(lambda _request: None)  # type: ignore[arg-type, return-value]
    assert send(receiver)[0] == 500
    with pytest.raises(
        TypeError, match=r"^a function given to respond\(\) must return a status or an object .*, got None$"
    ):
        receiver.raise_errors()


def test_headers_are_answered_in_utf_8(receiver: Receiver) -> None:
    receiver.respond({"headers": {"X-Place": "café 日本", "Retry-After": 5}})
    with urllib.request.urlopen(receiver.url) as response:  # noqa: S310 - on loopback
        told = {name: value.encode("latin-1").decode() for name, value in response.headers.items()}
    assert (told["X-Place"], told["Retry-After"]) == ("café 日本", "5")


def test_deliveries_arrive_and_their_signatures_are_checked(
    emulator: Emulator, box: Sandbox, receiver: Receiver
) -> None:
    schedule(emulator, box, f"{receiver.url}/task", secret="right")  # noqa: S106 - a test's
    box.clock.settle()
    (request,) = receiver.requests
    request.verify("right", now=box.clock.now)
    with pytest.raises(SignatureError):
        request.verify("wrong")
    assert (request.path, request.json) == ("/task", {"order": 7})


def test_with_a_secret_it_refuses_what_is_not_signed(emulator: Emulator, box: Sandbox, receiver: Receiver) -> None:
    receiver.secret = "right"  # noqa: S105 - a test's
    schedule(emulator, box, f"{receiver.url}/signed", secret="right")  # noqa: S106 - the same
    schedule(emulator, box, f"{receiver.url}/unsigned", retry=0)
    box.clock.settle()
    assert [(entry["url"].removeprefix(receiver.url), entry["status"]) for entry in box.deliveries()] == [
        ("/signed", 200),
        ("/unsigned", 401),
    ]


def test_routes_lead_public_urls_to_it(emulator: Emulator, box: Sandbox, receiver: Receiver) -> None:
    box.routes.set({"https://api.acme.com": receiver.url})
    schedule(emulator, box, "https://api.acme.com/hooks/task")
    box.clock.settle()
    assert [request.path for request in receiver.requests] == ["/hooks/task"]


def test_it_works_while_time_is_frozen(emulator: Emulator, box: Sandbox) -> None:
    instant = datetime(2030, 1, 1, tzinfo=UTC)
    with freezegun.freeze_time(instant), Receiver() as receiver:
        assert send(receiver) == (200, b"")
        schedule(emulator, box, f"{receiver.url}/task")
        box.clock.settle()
    with Receiver() as other, time_machine.travel(instant, tick=False):
        assert send(other) == (200, b"")
    assert (len(receiver.requests), len(other.requests)) == (2, 1)


def test_what_is_no_http_is_ignored(receiver: Receiver) -> None:
    connection = http.client.HTTPConnection(receiver.url.removeprefix("http://"))
    connection.connect()
    connection.close()
    assert send(receiver) == (200, b"")
    assert len(receiver.requests) == 1


def test_headers_of_any_script_arrive_as_they_were_given_and_as_the_journal_shows(
    emulator: Emulator, box: Sandbox, receiver: Receiver
) -> None:
    headers = {"X-Shop": "café", "X-Town": "日本", "X-Price": "5 €", "X-Bytes": "\xa0Å à\u2028\xa0", "X-None": ""}
    receiver.respond({"headers": {"X-Told": "Ünïcode 日本"}})
    schedule(emulator, box, receiver.url, headers=headers)
    box.clock.settle()
    [request], [delivery] = receiver.requests, box.deliveries()
    for seen in (request.headers, delivery["headers"]):
        assert {name: seen[name] for name in headers} == headers
    assert delivery["response_headers"]["X-Told"] == "Ünïcode 日本"
