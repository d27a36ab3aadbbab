"""Whatever arrives is answered in the envelope, or the connection ends: never a 500, a traceback, or silence.

Bytes are those of well-formed requests, changed at random; documents are drawn by schemathesis from the control API's
own description, well-formed ones and others. `make soak` tries many times as much.
"""

import json
import socket
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import given
from hypothesis import strategies as st
from schemathesis.core.result import Ok

from sched_emulator import Emulator, spec
from tests.soak import examples

KEY = "ifr_fuzz"
PATIENCE_SECONDS = 30  # for an answer that never comes; every other comes at once
LINES = (
    b"POST /v1/scheduling/queue/publish HTTP/1.1\r\n",
    b"GET /v1/scheduling/cron/list?limit=2&cursor=1.ab HTTP/1.1\r\n",
    b"DELETE /v1/queue/delete/orders HTTP/1.1\r\n",
    b"HEAD /_emulator/health HTTP/1.1\r\n",
    b"GET /_emulator/clock HTTP/1.1\r\n",
    b"POST /_emulator/clock/advance HTTP/1.1\r\n",
    b"PUT /_emulator/snapshot HTTP/1.1\r\n",
    b"OPTIONS * HTTP/1.1\r\n",
)
HEADERS = (
    b"Host: 127.0.0.1\r\n",
    b"Authorization: Bearer ifr_fuzz\r\n",
    b"Content-Type: application/json\r\n",
    b"Content-Length: 44\r\n",
    b"Transfer-Encoding: chunked\r\n",
    b"Expect: 100-continue\r\n",
    b"Connection: close\r\n",
    b"Content-Encoding: gzip\r\n",
    b"Idempotency-Key: k\r\n",
    b"Origin: http://evil.example\r\n",
    b"Upgrade: websocket\r\n",
)
BODIES = (
    b"",
    b'{"queue": "orders", "payload": {"n": [1, 2]}}',
    b'{"seconds": 60}',
    b"2c\r\n" + b'{"queue": "orders", "payload": {"n": [1,2]}}' + b"\r\n0\r\n\r\n",
)
ODD = (b"\0", b"\r", b"\n", b"\r\n", b" ", b"\t", b"\xff", b":", b"%", b"{", b'"', b"-1", b"9" * 30, b"A" * 70_000)
PIECES = st.sampled_from(ODD)
CHANGES = st.lists(st.tuples(st.sampled_from(["put", "cut", "twice"]), st.floats(0, 1), PIECES), max_size=4)


def changed(request: bytes, changes: list[tuple[str, float, bytes]]) -> bytes:
    """Put something into a request, cut a part out, or have a part twice, each at some place."""
    for change, where, piece in changes:
        place = int(where * len(request))
        if change == "put":
            request = request[:place] + piece + request[place:]
        elif change == "cut":
            request = request[:place] + request[place + len(piece) :]
        else:
            request = request[:place] + request[max(place - 20, 0) :]
    return request


def answers_to(url: str, request: bytes) -> bytes:
    """Send bytes and the end of them, and return all that comes back until the other side ends as well."""
    host, _, port = url.removeprefix("http://").rpartition(":")
    with socket.create_connection((host, int(port)), timeout=PATIENCE_SECONDS) as connection:
        try:
            connection.sendall(request)
            connection.shutdown(socket.SHUT_WR)
            received = b""
            while piece := connection.recv(65536):
                received += piece
        except ConnectionError:  # what was not read is answered with the end of the connection
            return b""
        return received


def first_answer(received: bytes) -> tuple[int, dict[str, str], bytes]:
    """Take the first answer apart: its status, its headers by their small names, its body."""
    head, _, rest = received.partition(b"\r\n\r\n")
    line, *lines = head.decode("ascii").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (each.partition(":") for each in lines)}
    return int(line.split(" ")[1]), headers, rest[: int(headers.get("content-length", "0"))]


TYPES = ("application/json", "application/yaml", "text/html; charset=utf-8")


def check_answer(status: int, headers: dict[str, str], body: bytes) -> None:
    """Assert that an answer is one of ours, and that nothing went wrong in making it."""
    assert status < 500, (status, body)
    assert headers["content-type"].startswith(TYPES), (status, headers, body)
    assert headers["server"] == "sched-emulator", headers
    if body and status >= 400:
        error = json.loads(body)["error"]
        assert error["code"] not in {"", "INTERNAL"}, error
        assert error["message"], error


@pytest.fixture(scope="module")
def fuzzed() -> Iterator[Emulator]:
    with Emulator.start() as emulator:
        emulator.sandbox(KEY)
        yield emulator


@examples(150)
@given(
    line=st.sampled_from(LINES),
    headers=st.lists(st.sampled_from(HEADERS), max_size=6),
    body=st.sampled_from(BODIES),
    changes=CHANGES,
)
def test_any_bytes_are_answered_or_end_the_connection(
    fuzzed: Emulator, line: bytes, headers: list[bytes], body: bytes, changes: list[tuple[str, float, bytes]]
) -> None:
    received = answers_to(fuzzed.url, changed(line + b"".join(headers) + b"\r\n" + body, changes))
    received = received.removeprefix(b"HTTP/1.1 100 Continue\r\n\r\n")
    if received:
        check_answer(*first_answer(received))
    assert fuzzed.sandbox(KEY).clock.mode == "frozen"


CONTROL = schemathesis.openapi.from_dict(spec.load("emulator"))
OPERATIONS = [found.ok() for found in CONTROL.get_all_operations() if isinstance(found, Ok)]
CASES = st.one_of(
    [
        operation.as_strategy(generation_mode=mode)
        for operation in OPERATIONS
        for mode in schemathesis.GenerationMode
        if operation.definition.raw["operationId"] not in {"sandbox.delete", "events", "lines"}  # streams have no end
    ]
)


@examples(200)
@given(CASES)
def test_any_document_is_taken_whole_or_refused_whole_by_the_control_api(fuzzed: Emulator, case: Any) -> None:
    case.headers = {**(case.headers or {}), "Authorization": f"Bearer {KEY}"}
    client = fuzzed.sandbox(KEY).client
    client.request("PUT", "/_emulator/clock", {"mode": "frozen"})
    before = client.get("/_emulator/snapshot")
    answer = case.call(base_url=fuzzed.url, timeout=PATIENCE_SECONDS)
    check_answer(answer.status_code, {name.lower(): value[0] for name, value in answer.headers.items()}, answer.content)
    after = client.get("/_emulator/snapshot")
    assert answer.status_code < 400 or after == before
