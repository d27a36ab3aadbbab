"""Well-formed HTTP of any kind gets our answer, and what is no HTTP an error in JSON."""

import asyncio
import gzip
import json
from typing import Any, NamedTuple

import pytest
from aiohttp.test_utils import BaseTestServer
from multidict import CIMultiDict

from tests.server.harness import Api, Start

JSON = {"Content-Type": "application/json"}


class Answer(NamedTuple):
    """What came of bytes sent: the status, the headers, the body, and whether the connection was closed then."""

    status: int
    headers: dict[str, str]
    body: Any


async def exchanged(api: Api, request: str) -> Answer:
    """Send bytes to an emulator and return its one answer."""
    assert isinstance(api.client.server, BaseTestServer)
    reader, writer = await asyncio.open_connection("127.0.0.1", api.client.server.port)
    writer.write(request.encode("latin-1"))
    lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines[1:] if line)
    body = await reader.readexactly(int(headers["Content-Length"]))
    writer.close()
    return Answer(int(lines[0].split()[1]), headers, json.loads(body))


@pytest.mark.parametrize("coding", ["gzip", "br", "identity", "brew"])
async def test_an_encoded_body_is_415_whatever_its_coding(api: Api, coding: str) -> None:
    headers = JSON | {"Content-Encoding": coding}
    response = await api.send("POST", "/v1/queue/publish", gzip.compress(b"{}"), headers=headers)
    error = (await response.json())["error"]
    assert (response.status, error["code"]) == (415, "UNSUPPORTED_MEDIA_TYPE")
    assert error["message"] == "the body must come without `Content-Encoding`"
    [entry] = (await api.control("GET", "requests"))["items"]
    assert (entry["status"], entry["path"]) == (415, "/v1/queue/publish")
    control = await api.send("PUT", "/_emulator/snapshot", gzip.compress(b"{}"), headers=headers)
    assert control.status == 415


async def test_two_keys_at_once_are_401(api: Api) -> None:
    headers = CIMultiDict([("Authorization", "Bearer ifr_a"), ("Authorization", "Bearer ifr_b")])
    for path in ("/v1/cron/list", "/_emulator/clock"):
        response = await api.client.get(path, headers=headers)
        error = (await response.json())["error"]
        assert (response.status, error["message"]) == (401, "the request must have one header `Authorization`, got 2")
    assert len(api.app.sandboxes.hosted) == 0


@pytest.mark.parametrize("path", ["/v1/scheduling/queue/list", "/_emulator/timeline"])
async def test_a_query_parameter_given_twice_is_refused_by_name_also_with_the_same_value(api: Api, path: str) -> None:
    for values in ("limit=5&limit=5", "limit=5&limit=", "limit=5&limit=6&limit=7"):
        response = await api.send("GET", f"{path}?{values}")
        error = (await response.json())["error"]
        message = "`limit` must be given once, not several times"
        assert (response.status, error["message"], error["details"]) == (400, message, {"parameter": "limit"})


@pytest.mark.parametrize("path", ["/v1/scheduling/queue/publish", "/_emulator/clock/advance"])
@pytest.mark.parametrize("name", ["Content-Type", "content-type", "Origin", "Idempotency-Key"])
async def test_a_header_given_twice_is_refused_by_name(api: Api, path: str, name: str) -> None:
    if name == "Idempotency-Key" and path.startswith("/_emulator"):
        return  # the control API does not read it
    value = {"Origin": "http://localhost", "Idempotency-Key": "one"}.get(name, "application/json")
    headers = CIMultiDict([*api.headers.items(), (name, value), (name, value)])
    headers.setdefault("Content-Type", "application/json")
    response = await api.client.post(path, data=b'{"queue": "q", "payload": {}}', headers=headers)
    error = (await response.json())["error"]
    message = "must be given once, not several times"
    assert (response.status, error["message"].lower()) == (400, f"`{name}` {message}".lower())


async def test_of_a_member_that_stands_twice_in_a_body_the_last_counts(api: Api) -> None:
    body = b'{"queue":"a","queue":"q","payload":{"n":1,"n":2}}'
    await api.send("POST", "/v1/scheduling/queue/publish", body, headers=JSON)
    assert await api.call("queue.consume", {"queue": "q"}) == {
        "messages": [{"message_id": "msg_000001", "payload": {"n": 2}}]
    }


@pytest.mark.parametrize("key", ["ifr_a\tb", "ifr_a b"])
async def test_a_key_of_other_than_visible_characters_is_401(api: Api, key: str) -> None:
    answer = await exchanged(api, f"GET /v1/cron/list HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {key}\r\n\r\n")
    assert answer.status == 401


async def test_a_cursor_of_another_sandbox_is_400(api: Api) -> None:
    for name in ("a", "b"):
        await api.call("queue.create", {"name": name})
    cursor = (await api.call("queue.list", query="?limit=1"))["next_cursor"]
    assert (await api.call("queue.list", query=f"?cursor={cursor}"))["items"][0]["queue"] == "b"
    await api.control("POST", "reset")
    assert await api.call("queue.list", query=f"?cursor={cursor}") == {"items": []}
    assert (await api.with_key("ifr_other").error("queue.list", query=f"?cursor={cursor}"))[0] == 400


async def test_head_is_answered_as_get_without_a_body(api: Api) -> None:
    await api.call("queue.create", {"name": "a"})
    await api.call("queue.publish", {"queue": "a", "payload": {"text": "x" * 100_000}})
    for path in ("/v1/queue/list", "/v1/discovery", "/_emulator/health", "/_emulator/clock", "/_emulator/snapshot"):
        head, got = await api.send("HEAD", path), await api.send("GET", path)
        assert (head.status, await head.read()) == (200, b"")
        if path != "/_emulator/snapshot":  # it holds the requests in between
            assert head.headers["Content-Length"] == got.headers["Content-Length"]
    assert (await api.send("HEAD", "/v1/queue/publish")).status == 405
    assert (await api.send("HEAD", "/v1/nothing")).status == 404


BREW = "BREW /v1/queue/list HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ifr_test\r\n"


@pytest.mark.parametrize(
    ("request_text", "message"),
    [
        (f"{BREW}\r\n", "BREW is not allowed on /v1/queue/list"),
        (f"{BREW}Content-Length: 2\r\n\r\n{{}}", "BREW is not allowed on /v1/queue/list"),
        (BREW.replace("BREW", "get") + "\r\n", "get is not allowed on /v1/queue/list"),
        (BREW.replace("BREW", "PROPFIND") + "\r\n", "PROPFIND is not allowed on /v1/queue/list"),
    ],
)
async def test_a_method_that_nobody_knows_is_405_and_journaled(api: Api, request_text: str, message: str) -> None:
    answer = await exchanged(api, request_text)
    assert (answer.status, answer.body["error"]["message"]) == (405, message)
    assert answer.headers["Allow"] == "GET"
    assert answer.headers["Date"] == "Thu, 01 Jan 2026 00:00:00 GMT"
    [entry] = (await api.control("GET", "requests"))["items"]
    assert (entry["status"], entry["method"]) == (405, message.partition(" ")[0])
    assert (await exchanged(api, BREW.replace("/v1/queue/list", "/_emulator/clock") + "\r\n")).status == 405


@pytest.mark.parametrize(
    "request_text",
    [
        "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\r\n\r\n",
        "GET /v1/cron/list HTTP/9.9\r\n\r\n",
        "GET /v1/cron/list HTTP/1.1\r\nno colon\r\n\r\n",
        "GET /v1/cron/list HTTP/1.1\r\nContent-Length: one\r\n\r\n",
        "BREW /v1/cron/list HTTP/1.1\r\nno colon\r\n\r\n",
        f"{'B' * 33} /v1/cron/list HTTP/1.1\r\n\r\n",
        f"GET /v1/cron/list HTTP/1.1\r\nX: {'x' * 70_000}\r\n\r\n",
    ],
)
async def test_malformed_http_gets_a_json_error_and_the_end_of_the_connection(api: Api, request_text: str) -> None:
    answer = await exchanged(api, request_text)
    assert (answer.status, answer.headers["Connection"]) == (400, "close")
    assert answer.body["error"]["message"] == "the request must be well-formed HTTP/1.1 with short lines and headers"
    assert answer.body["metadata"]["request_id"] == answer.headers["X-Infrai-Request-Id"]
    assert answer.headers["Date"] == "Thu, 01 Jan 2026 00:00:00 GMT"


async def test_a_body_that_does_not_come_is_408(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sched_emulator.server.app.BODY_SECONDS", 0)
    head = "HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ifr_test\r\nContent-Length: 9\r\n\r\n{"
    for path in ("/v1/queue/publish", "/_emulator/targets"):
        answer = await exchanged(api, f"POST {path} {head}")
        assert (answer.status, answer.body["error"]["code"]) == (408, "REQUEST_TIMEOUT")


@pytest.mark.parametrize("begun", ["", "GET /v1/cron/list HT", "GET /v1/discovery HTTP/1.1\r\nHost: a\r\n\r\n"])
async def test_an_idle_connection_and_one_with_half_a_head_end(
    start: Start, monkeypatch: pytest.MonkeyPatch, begun: str
) -> None:
    monkeypatch.setattr("sched_emulator.server.connections.IDLE_SECONDS", 0.01)
    api = await start()
    assert isinstance(api.client.server, BaseTestServer)
    reader, writer = await asyncio.open_connection("127.0.0.1", api.client.server.port)
    writer.write(begun.encode())
    await asyncio.wait_for(reader.read(), 60)
    writer.close()
