"""Clients of an emulator under load: one that behaves, and how it goes on being served."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

import aiohttp

Json = dict[str, Any]
PUBLISHED = {"queue": "healthy", "payload": {"n": 1}}


class Served(NamedTuple):
    """A running emulator."""

    pid: int
    port: int

    def resident_bytes(self) -> int | None:
        """Return how much memory the process has at present, None where nobody tells."""
        path = Path(f"/proc/{self.pid}/statm")
        return int(path.read_text().split()[1]) * 4096 if path.exists() else None

    @asynccontextmanager
    async def client(self, connections: int = 4) -> AsyncIterator["Client"]:
        """Open connections to it for clients that behave."""
        connector = aiohttp.TCPConnector(limit=connections)
        async with aiohttp.ClientSession(f"http://127.0.0.1:{self.port}", connector=connector) as session:
            yield Client(session)

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Open a connection for what is no client that behaves."""
        return await asyncio.open_connection("127.0.0.1", self.port)


class Client:
    """One that waits for each answer; the keys are `ifr_` and a name."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session

    async def send(self, method: str, path: str, body: Any = None, *, key: str) -> tuple[int, Json]:
        """Send a request and return status and body of the answer, which must be JSON whatever it says."""
        headers = {"Authorization": f"Bearer ifr_{key}"}
        async with self._session.request(method, path, json=body, headers=headers) as response:
            return response.status, json.loads(await response.read())

    async def call(self, method: str, path: str, body: Any = None, *, key: str) -> Json:
        """Send a request that must succeed."""
        status, answer = await self.send(method, path, body, key=key)
        assert status == 200, (method, path, answer)
        return answer

    async def is_served(self, times: int = 20) -> None:
        """Ask for the emulator's health, and publish in a sandbox of its own, again and again."""
        for _ in range(times):
            assert (await self.call("GET", "/_emulator/health", key="healthy"))["status"] == "ok"
            await self.call("POST", "/v1/queue/publish", PUBLISHED, key="healthy")


def request(method: str, path: str, body: bytes = b"", *, key: str = "rude") -> bytes:
    """Return a request as it is written to a connection."""
    head = f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ifr_{key}\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body
