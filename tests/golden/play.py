"""Plays a golden session: requests, each followed by what was answered, recorded in lines that are indented.

`python tests/golden/play.py tests/golden/session.txt` prints the session as it comes out now, with one emulator in this
process, spoken to over HTTP.
"""

import asyncio
import sys
from collections.abc import AsyncIterator
from hashlib import blake2b
from pathlib import Path
from typing import Any

from aiohttp import ClientResponse
from aiohttp.test_utils import RawTestServer, TestClient

from sched_emulator.config import Config
from sched_emulator.server.app import App
from sched_emulator.spec import assumptions

INDENT = "    "


async def play(session: str) -> str:
    """Return a session with what is answered now in place of what was recorded."""
    told = []
    app = App(Config(clock_mode="frozen", seed=42, answers=assumptions.preset("documented")))
    client: TestClient[Any, Any] = TestClient(RawTestServer(app.handle))
    async with client:
        for line in session.splitlines():
            if line.startswith(INDENT):
                continue
            told.append(line)
            if line and not line.startswith("#"):
                method, path, body = (*line.split(" ", 2), "")[:3]
                headers = {"Authorization": "Bearer ifr_golden", "Content-Type": "application/json"}
                response = await client.request(method, path, data=body.encode() or None, headers=headers)
                told += [INDENT + fact async for fact in facts(response)]
    return "\n".join(told) + "\n"


async def facts(response: ClientResponse) -> AsyncIterator[str]:
    """Yield status, virtual date and body of an answer; of a snapshot, what is too long to be read, the hash."""
    dated = f" {response.headers['Date']}" if "X-Infrai-Request-Id" in response.headers else ""
    yield f"{response.status}{dated}"
    body = await response.read()
    yield blake2b(body, digest_size=16).hexdigest() if response.url.path.endswith("snapshot") else body.decode()


if __name__ == "__main__":
    sys.stdout.buffer.write(asyncio.run(play(Path(sys.argv[1]).read_text(encoding="utf-8"))).encode())
