"""docs/two-at-once.md: each row of its table, tried."""

import asyncio
import re
from pathlib import Path
from typing import Any

import pytest

from tests.receivers import Hold, receiver
from tests.server.harness import Start

DOCUMENT = (Path(__file__).parents[2] / "docs" / "two-at-once.md").read_text(encoding="utf-8")
ROWS = re.findall(
    r"^\| `(\w+) (\S+)`(?: with `now`)? \| (\d+)(?: `(\w+)`)? \| It (goes on|ends)", DOCUMENT, re.MULTILINE
)
BODIES: dict[str, Any] = {
    "/v1/queue/publish": {"queue": "q", "payload": {}},
    "/_emulator/targets": {"url": "https://other.example/*", "responses": [{"status": 200}]},
    "/_emulator/account": {"balance_usd": 5},
    "/_emulator/assumptions": {"queue.nack_position": "back"},
    "/_emulator/clock/advance": {"seconds": 1},
    "/_emulator/clock": {"now": "2026-01-01T05:00:00Z"},
    "/_emulator/reset": {},
}


def test_the_table_has_every_row() -> None:
    assert len(ROWS) == DOCUMENT.count("\n| `")


@pytest.mark.parametrize(("method", "path", "status", "code", "fate"), ROWS, ids=str)
async def test_a_second_request_is_answered_as_the_guide_says(
    start: Start, method: str, path: str, status: str, code: str, fate: str
) -> None:
    api = await start(delivery_timeout_seconds=600)
    hold = Hold()
    async with receiver(hold) as target:
        await api.call("task.schedule", {"task": target.url, "run_at": "2026-01-01T01:00:00Z"})
        taken = await api.snapshot()
        advancing = asyncio.create_task(api.send("POST", "/_emulator/clock/advance", {"seconds": 7200}))
        await hold.arrived.wait()
        body = taken if (method, path) == ("PUT", "/_emulator/snapshot") else BODIES.get(path)
        answer = await api.send(method, path, None if method == "GET" else body)
        told = await answer.json()
        hold.leave.set()
        ended = await advancing
    assert (answer.status, (told.get("error") or {}).get("code", "")) == (int(status), code)
    assert ended.status == (200 if fate == "goes on" else 409)
