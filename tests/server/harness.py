"""An emulator in this process, spoken to over real HTTP, for tests of the edge."""

import json
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import ClientResponse
from aiohttp.test_utils import BaseTestServer, TestClient
from aiohttp.web import ServerRunner

from sched_emulator.server.app import App
from sched_emulator.server.binding import bind
from sched_emulator.spec import assumptions
from tests.server import described

KEY = "ifr_test"
Json = dict[str, Any]


class _Served(BaseTestServer):
    """An application served on a free port, as `TestClient` takes it."""

    def __init__(self, app: App) -> None:
        super().__init__()
        self.app = app

    async def _make_runner(self, **options: Any) -> ServerRunner:
        options.pop("handler_cancellation", None)  # as it is served: what a client that leaves has begun goes on
        return self.app.runner(**options)


def served(app: App) -> TestClient[Any, Any]:
    """Return a client of an application, which serves while the client is open."""
    return TestClient(_Served(app))


class Api:
    """A client of one emulator, with a key."""

    def __init__(self, client: TestClient[Any, Any], key: str = KEY) -> None:
        self.client = client
        self.headers = {"Authorization": f"Bearer {key}"}
        self.seen: described.Seen = set()

    @property
    def app(self) -> App:
        """What is served, for tests that reach behind the sockets."""
        assert isinstance(self.client.server, _Served)
        return self.client.server.app

    def with_key(self, key: str) -> "Api":
        """Return the same client with another key."""
        other = Api(self.client, key)
        other.seen = self.seen
        return other

    async def send(self, method: str, path: str, body: Any = None, **options: Any) -> ClientResponse:
        """Send a request as it stands; `body` is JSON unless it is bytes. The control API is held to its document."""
        headers = {**self.headers, **options.pop("headers", {})}
        if isinstance(body, bytes):
            options["data"] = body
        elif body is not None:
            options["json"] = body
        response = await self.client.request(method, path, headers=headers, **options)
        type_ = response.headers["Content-Type"]
        endless = type_ in {"text/event-stream", "application/x-ndjson"}
        content = b"" if endless else await response.read()
        self.seen |= described.seen_in(method, path, response.status, type_, content)
        return response

    async def envelope(self, operation: str, body: Any = None, *, newer: bool = False, **path: str) -> Json:
        """Perform an operation by its id and return the whole answer."""
        found = bind(assumptions.defaults()).operations.get(f"scheduling.{operation}")
        described = (found or bind(assumptions.defaults()).operations[operation]).operation
        url = (described.newer_path if newer else described.path) or ""
        query = path.pop("query", "")
        response = await self.send(described.method, url.format(**path) + query, body)
        answer: Json = await response.json()
        answer.setdefault("status", response.status)
        return answer

    async def call(self, operation: str, body: Any = None, **path: Any) -> Any:
        """Perform an operation that succeeds and return its `data`."""
        answer = await self.envelope(operation, body, **path)
        assert answer["ok"], answer
        return answer["data"]

    async def error(self, operation: str, body: Any = None, **path: Any) -> tuple[int, str, str]:
        """Perform an operation that is refused and return status, code and message."""
        answer = await self.envelope(operation, body, **path)
        assert not answer["ok"], answer
        return answer["status"], answer["error"]["code"], answer["error"]["message"]

    async def control(self, method: str, path: str, body: Any = None) -> Json:
        """Perform a request of the control API that succeeds."""
        response = await self.send(method, f"/_emulator/{path}", body)
        answer: Json = json.loads(await response.read())
        assert response.status == 200, answer
        return answer

    async def advance(self, **how: Any) -> Json:
        """Let time pass: `seconds`, `until` or `events`."""
        return await self.control("POST", "clock/advance", how)

    async def script(self, url: str, *statuses: int, **response: Any) -> None:
        """Script a receiver by the statuses it answers, or by one response."""
        responses = [{"status": status} for status in statuses] or [response]
        await self.control("POST", "targets", {"url": url, "responses": responses})

    async def deliveries(self) -> list[Json]:
        """Return the delivery attempts so far."""
        items: list[Json] = (await self.control("GET", "deliveries"))["items"]
        return items

    async def snapshot(self) -> bytes:
        """Return the sandbox's snapshot."""
        return await (await self.send("GET", "/_emulator/snapshot")).read()


Start = Callable[..., Awaitable[Api]]
