"""Emulators in this process, spoken to over real HTTP, for tests of the edge."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp.test_utils import TestClient

from sched_emulator.config import Config
from sched_emulator.server.app import App
from sched_emulator.spec import assumptions
from tests.server.harness import Api, Start, served


@pytest.fixture
async def start() -> AsyncIterator[Start]:
    """Start emulators with settings of `Config`; `answers` is merged over the defaults."""
    clients: list[TestClient[Any, Any]] = []

    async def start_one(*, answers: dict[str, Any] | None = None, **settings: Any) -> Api:
        settings.setdefault("clock_mode", "frozen")
        config = Config(answers=assumptions.defaults() | (answers or {}), **settings)
        client = served(App(config))
        await client.start_server()
        clients.append(client)
        return Api(client)

    yield start_one
    for client in clients:
        await client.close()


@pytest.fixture
async def api(start: Start) -> Api:
    """A client of an emulator with default settings and a frozen clock."""
    return await start()
