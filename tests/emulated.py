"""Calls of the emulated API for tests that steer a real emulator by its handles."""

from datetime import UTC, datetime
from typing import Any

from sched_emulator import Sandbox
from sched_emulator.config import FROZEN_START_MS

START = datetime.fromtimestamp(FROZEN_START_MS / 1000, UTC)  # where the clocks of the fixture `emulator` begin


def call(box: Sandbox, method: str, path: str, body: Any = None) -> Any:
    return box.client.request(method, f"/v1/scheduling{path}", body)["data"]


def create_cron(box: Sandbox, url: str = "https://api.acme.com/weekly") -> str:
    body = {"cron_expr": "0 9 * * 1", "task_type": "http_url", "task_url": url}
    cron_id: str = call(box, "POST", "/cron/create", body)["cron_id"]
    return cron_id
