"""How the server is put together: what does not fit stops the start."""

import asyncio
import copy
import json
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

import pytest
from aiohttp.test_utils import BaseTestServer

from sched_emulator import spec
from sched_emulator.core.dispatch import OPERATIONS
from sched_emulator.server.app import check_handlers
from sched_emulator.server.binding import Binding, bind
from sched_emulator.spec import assumptions
from tests.server.harness import Api, Start


def binding(change: Any) -> Binding:
    """Return the binding of a changed copy of the spec."""
    document = copy.deepcopy(spec.resolve(spec.load("scheduling"), assumptions.defaults()))
    change(document["paths"])
    return Binding(document)


def test_an_operation_without_a_function_stops_the_start() -> None:
    def rename(paths: dict[str, Any]) -> None:
        paths["/v1/scheduling/cron/list"]["get"]["operationId"] = "scheduling.cron.listing"

    with pytest.raises(ValueError, match=r"^openapi/scheduling\.yaml and core/dispatch\.py differ: ") as raised:
        check_handlers(binding(rename))
    assert str(raised.value).partition("differ: ")[2] == (
        "the operation scheduling.cron.listing has no function; the function of scheduling.cron.list has no operation"
    )


def test_a_function_without_an_operation_stops_the_start() -> None:
    def remove(paths: dict[str, Any]) -> None:
        del paths["/v1/scheduling/queue/purge/{queue}"]

    with pytest.raises(ValueError, match=r"differ: the function of scheduling\.queue\.purge has no operation$"):
        check_handlers(binding(remove))


def test_a_misspelt_keyword_in_the_spec_stops_the_start() -> None:
    def misspell(paths: dict[str, Any]) -> None:
        body = paths["/v1/scheduling/queue/publish"]["post"]["requestBody"]["content"]["application/json"]
        body["schema"]["properties"]["payload"]["maxPropertys"] = 3

    with pytest.raises(ValueError, match="maxPropertys"):
        binding(misspell)


def test_every_operation_is_served_under_both_generations_of_paths() -> None:
    routes = bind(assumptions.defaults()).routes
    described: Mapping[str, Any] = spec.resolve(spec.load("scheduling"), assumptions.defaults())["paths"]
    for path, item in described.items():
        for method in item.keys() & {"get", "post", "put", "patch", "delete"}:
            for served in (path, path.replace("/v1/scheduling/", "/v1/")):
                target = served.replace("{", "").replace("}", "")  # each parameter's own name as its value
                assert routes.match(method.upper(), target).operation_id == item[method]["operationId"]
    assert len(OPERATIONS) == 30


async def exchanged(api: Api, request: bytes) -> bytes:
    """Send bytes to an emulator and return all that comes until it closes the connection."""
    assert isinstance(api.client.server, BaseTestServer)
    reader, writer = await asyncio.open_connection("127.0.0.1", api.client.server.port)
    writer.write(request)
    answer = await reader.read()
    writer.close()
    return answer


PUBLISH = b"POST /v1/queue/publish HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ifr_a\r\nConnection: close\r\n"
BODY = b'{"queue":"q","payload":{}}'


async def test_a_client_that_asks_before_it_sends_its_body_is_told_to_go_on(api: Api) -> None:
    answer = await exchanged(api, PUBLISH + b"Expect: 100-continue\r\nContent-Length: 26\r\n\r\n" + BODY)
    go_on, _, rest = answer.partition(b"\r\n\r\n")
    assert go_on == b"HTTP/1.1 100 Continue"
    assert rest.startswith(b"HTTP/1.1 200 OK\r\n")


async def test_a_client_that_expects_anything_else_is_told_so(api: Api) -> None:
    answer = await exchanged(api, PUBLISH + b"Expect: a miracle\r\nContent-Length: 26\r\n\r\n" + BODY)
    assert answer.startswith(b"HTTP/1.1 417 Expectation Failed\r\n")
    assert b"\r\nX-Infrai-Request-Id: " in answer
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["error"] == {
        "code": "EXPECTATION_FAILED",
        "message": "the header `Expect` must be 100-continue, got 'a miracle'",
        "hint": "Leave the header out.",
        "retryable": False,
    }


async def test_a_whole_url_is_taken_as_its_path(api: Api) -> None:
    request = PUBLISH.replace(b" /v1", b" http://api.example.com/v1")
    answer = await exchanged(api, request + b"Content-Length: 26\r\n\r\n" + BODY)
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    [entry] = (await api.with_key("ifr_a").control("GET", "requests"))["items"]
    assert entry["path"] == "/v1/queue/publish"


async def test_a_body_beyond_all_bounds_is_413(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sched_emulator.server.body.MIN_BODY_BYTES", 1000)
    api = await start(answers={"limits.message_bytes": 100, "limits.batch_messages": 10})
    sent = b"x" * 1_000_000
    assert await api.error("queue.publish", {"queue": "q", "payload": {"text": sent.decode()}}) == (
        413,
        "PAYLOAD_TOO_LARGE",
        "the body must be at most 2000 bytes, as --max-body says",
    )


@pytest.mark.parametrize("path", ["/_emulator/health", "/%5Femulator/health"])
async def test_the_control_api_is_found_however_its_path_is_written(api: Api, path: str) -> None:
    answer = await exchanged(api, f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
    assert b'"status":"ok"' in answer


def test_what_survives_a_whole_collection_is_not_looked_at_again() -> None:
    program = (
        "import gc; from sched_emulator.server import app; gc.callbacks.append(app._pass_over_what_stays);"
        "kept = [[] for _ in range(100_000)]; gc.collect();"
        "print(gc.get_freeze_count() >= 100_000, len(gc.get_objects()) < 10_000)"
    )
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert told.stdout == "True True\n"
