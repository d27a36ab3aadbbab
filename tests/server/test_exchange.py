"""One exchange without a socket: what is answered, byte by byte, and what the journal keeps of it."""

import json
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

import pytest
from msgspec import UNSET

from sched_emulator.config import FROZEN_START_MS
from sched_emulator.core.errors import SchedulingError
from sched_emulator.core.records import Fault, Settings
from sched_emulator.core.sandbox import Sandbox
from sched_emulator.server import exchange
from sched_emulator.server.binding import bind
from sched_emulator.server.exchange import Answered, Received
from sched_emulator.server.http_errors import Unauthorized
from sched_emulator.spec import assumptions

START_MS = FROZEN_START_MS
PUBLISH = "/v1/scheduling/queue/publish"
MESSAGE = b'{"queue":"orders","payload":{"n":1}}'
DATE = "Thu, 01 Jan 2026 00:00:00 GMT"
Json = dict[str, Any]


class Box:
    """A sandbox, and the binding of its answers."""

    def __init__(self, *, prices: Mapping[str, tuple[float, bool]] | None = None, **answers: str) -> None:
        chosen = assumptions.defaults() | {name.replace("__", "."): answer for name, answer in answers.items()}
        self.binding = bind(chosen)
        self.sandbox = Sandbox.new(
            Settings(
                seed=0,
                start_ms=START_MS,
                mode="frozen",
                speed=1,
                answers=chosen,
                routes={},
                deliver="none",
                uncovered="capture",
                strict_urls=False,
                prices=dict(prices or {}) or UNSET,
            )
        )

    def send(self, method: str, target: str, raw: bytes = b"", headers: Mapping[str, str] | None = None) -> Answered:
        return exchange.perform(self.sandbox, self.binding, Received(method, target, headers or {}, raw))

    def journaled(self) -> list[tuple[Any, ...]]:
        return [
            (entry.exchange.operation, entry.exchange.method, entry.exchange.path, entry.exchange.status)
            for entry in self.sandbox.store.journal.requests
        ]


@pytest.fixture
def box() -> Box:
    return Box()


def test_a_request_is_performed_answered_and_journaled(box: Box) -> None:
    answered = box.send("POST", PUBLISH, MESSAGE)
    identity = answered.headers["X-Infrai-Request-Id"]
    assert answered == Answered(
        200,
        {"X-Infrai-Request-Id": identity, "Date": DATE},
        b'{"ok":true,"data":{"message_id":"msg_000001"},"error":null,"metadata":{"cost_usd":0,"latency_ms":0,'
        b'"vendor":"infrai","cache_hit":false,"request_id":"' + identity.encode() + b'"}}',
    )
    assert box.journaled() == [("scheduling.queue.publish", "POST", PUBLISH, 200)]


def test_the_same_requests_give_the_same_bytes() -> None:
    def session() -> list[Answered]:
        some = Box()
        return [
            some.send("POST", PUBLISH, MESSAGE),
            some.send("GET", "/v1/queue/stats/orders"),
            some.send("GET", "/v1/nothing"),
        ]

    assert session() == session()


def error(answered: Answered) -> tuple[int, str, str]:
    told = json.loads(answered.content)
    assert (told["ok"], told["data"]) == (False, None)
    return answered.status, told["error"]["code"], told["error"]["message"]


JSON = {"Content-Type": "application/json"}


@pytest.mark.parametrize(
    ("request_", "expected", "operation"),
    [
        (
            ("GET", "/v1/cron/nothing", b"", {}),
            (404, "NOT_FOUND", "the path '/v1/cron/nothing' was not found"),
            None,
        ),
        (
            ("PUT", "/v1/queue/publish", b"{", {}),
            (405, "METHOD_NOT_ALLOWED", "PUT is not allowed on /v1/queue/publish"),
            None,
        ),
        (
            ("GET", "/v1/discovery/nothing", b"", {}),
            (404, "NOT_FOUND", "capability 'nothing' not found"),
            None,
        ),
        (
            ("POST", PUBLISH, MESSAGE, {"Content-Type": "text/plain"}),
            (415, "UNSUPPORTED_MEDIA_TYPE", "the body must be application/json, got 'text/plain'"),
            "scheduling.queue.publish",
        ),
        (
            ("POST", PUBLISH, b"{", JSON),
            (400, "INVALID_REQUEST", "the body must be JSON: Input data was truncated"),
            "scheduling.queue.publish",
        ),
        (
            ("POST", PUBLISH, b'{"queue":"q"}', JSON),
            (400, "INVALID_REQUEST", "`payload` must be given"),
            "scheduling.queue.publish",
        ),
        (
            ("GET", "/v1/queue/get/none", b"", {}),
            (404, "NOT_FOUND", "queue 'none' not found"),
            "scheduling.queue.get",
        ),
    ],
)
def test_what_is_refused_is_answered_and_journaled(
    box: Box, request_: tuple[str, str, bytes, Mapping[str, str]], expected: tuple[int, str, str], operation: str | None
) -> None:
    method, target, raw, headers = request_
    answered = box.send(method, target, raw, headers)
    assert error(answered) == expected
    assert answered.headers.keys() - {"Allow"} == {"X-Infrai-Request-Id", "Date"}
    assert answered.headers.get("Allow") == ("POST" if expected[0] == 405 else None)
    assert box.journaled() == [(operation, method, target, expected[0])]


def test_what_is_refused_from_outside_is_answered_and_journaled_too(box: Box) -> None:
    received = Received("POST", PUBLISH, {}, b"")
    answered = exchange.refuse(box.sandbox, box.binding, received, SchedulingError("it went wrong"))
    assert error(answered) == (500, "INTERNAL", "it went wrong")
    assert box.journaled() == [(None, "POST", PUBLISH, 500)]


def test_a_request_without_a_key_is_answered_with_an_id_of_its_own(box: Box) -> None:
    answers = [
        exchange.refuse_keyless(box.binding, Unauthorized("no key"), now_ms=START_MS, number=number)
        for number in (1, 2, 1)
    ]
    assert error(answers[0]) == (401, "UNAUTHORIZED", "no key")
    assert answers[0] == answers[2] != answers[1]
    assert answers[0].headers["Date"] == DATE


def test_the_status_of_what_does_not_fit_is_an_answer() -> None:
    assert Box(http__validation_status="unprocessable").send("POST", PUBLISH, b"{}", JSON).status == 422


def test_without_the_envelope_the_result_and_the_error_stand_alone() -> None:
    box = Box(http__envelope="bare")
    assert box.send("POST", PUBLISH, MESSAGE).content == b'{"message_id":"msg_000001"}'
    assert json.loads(box.send("GET", "/v1/queue/get/none").content) == {
        "error": {
            "code": "NOT_FOUND",
            "message": "queue 'none' not found",
            "hint": "Check the id or the name: it may have been deleted, or belong to another key.",
            "retryable": False,
        }
    }


def test_discovery_needs_no_sandbox_and_leaves_no_trace(box: Box) -> None:
    answered = box.send("GET", "/v1/discovery/queue.publish")
    assert (answered.status, answered.headers) == (200, {})
    assert json.loads(answered.content)["id"] == "scheduling.queue.publish"
    assert len(json.loads(box.send("GET", "/v1/discovery").content)["capabilities"]) > 20
    assert box.journaled() == []


def test_a_fault_says_how_long_the_answer_waits_and_whether_it_is_dropped(box: Box) -> None:
    box.sandbox.add_fault(Fault(operation="queue.publish", latency_seconds=0.25, times=1))
    box.sandbox.add_fault(Fault(operation="queue.publish", drop=True, latency_seconds=0.5, times=1))
    late, dropped, plain = (box.send("POST", PUBLISH, MESSAGE) for _ in range(3))
    assert [(answer.status, answer.latency_ms, answer.drop) for answer in (late, dropped, plain)] == [
        (200, 250, False),
        (503, 500, True),
        (200, 0, False),
    ]
    assert json.loads(late.content)["metadata"]["latency_ms"] == 250
    notes = [entry.note for entry in box.sandbox.store.journal.requests]
    assert notes == [None, "the connection was dropped: this answer was never sent", None]


def test_a_repeated_key_says_which_request_it_repeats(box: Box) -> None:
    keyed = b'{"queue":"orders","payload":{},"idempotency_key":"k","color":"red"}'
    first, again = box.send("POST", PUBLISH, keyed), box.send("POST", PUBLISH, keyed)
    assert json.loads(first.content)["data"] == json.loads(again.content)["data"]
    assert [(entry.exchange.replayed_from, entry.exchange.ignored) for entry in box.sandbox.store.journal.requests] == [
        (None, ["color"]),
        (1, ["color"]),
    ]


@pytest.mark.parametrize("module", ["exchange", "binding", "routes", "discovery", "json_body"])
def test_an_exchange_knows_nothing_of_sockets(module: str) -> None:
    code = f"import sys, sched_emulator.server.{module}; print(sorted({{'aiohttp', 'asyncio'}} & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("raw", "kept"), [(b"", None), (b" \n", b"null"), (b" null", b"null"), (b"{}", b"{}"), (b"{", None)]
)
def test_the_journal_keeps_the_body_as_it_came_where_it_is_json(box: Box, raw: bytes, kept: bytes | None) -> None:
    box.send("POST", "/v1/account/topup", raw)
    [entry] = box.sandbox.store.journal.requests
    assert entry.exchange.body == kept


# --- What a request costs


def test_what_a_request_costs_stands_in_its_metadata_and_in_a_header() -> None:
    box = Box(prices={"scheduling.queue.publish": (0.00001, False)})
    told = [
        (json.loads(answered.content)["metadata"]["cost_usd"], answered.headers["X-Infrai-Cost-Usd"])
        for answered in (
            box.send("POST", PUBLISH, MESSAGE),
            box.send("GET", "/v1/scheduling/queue/list"),
            box.send("POST", PUBLISH, b"{}"),
            box.send("POST", "/v1/scheduling/nothing"),
        )
    ]
    assert told == [(0.00001, "0.00001"), (0, "0"), (0, "0"), (0, "0")]
    assert b'"cost_usd":0.00001,' in box.send("POST", PUBLISH, MESSAGE).content
    bare = Box(prices={"scheduling.queue.publish": (0.5, False)}, http__envelope="bare")
    assert bare.send("POST", PUBLISH, MESSAGE).headers["X-Infrai-Cost-Usd"] == "0.5"


def test_without_prices_no_header_says_so(box: Box) -> None:
    answered = [box.send("POST", PUBLISH, MESSAGE), box.send("POST", PUBLISH, b"{}")]
    assert [sorted(each.headers) for each in answered] == 2 * [["Date", "X-Infrai-Request-Id"]]


def test_every_header_that_an_answer_may_have_is_described() -> None:
    box = Box(prices={"scheduling.queue.publish": (0.5, False)})
    for body in (MESSAGE, b"[]"):
        answered = box.send("POST", PUBLISH, body)
        described = box.binding.operations["scheduling.queue.publish"].operation.responses[str(answered.status)]
        assert answered.headers.keys() - {"Date"} == described["headers"].keys()
