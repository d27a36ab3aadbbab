"""An emulator in a process of its own, which the load of these tests does not slow down."""

import asyncio
import resource
import sys
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from tests.load.harness import Served

Serve = Callable[..., Awaitable[Served]]


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    """Start emulators with options of `serve`; each must end by itself, with nothing on its standard error."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    processes: list[asyncio.subprocess.Process] = []

    async def start(*options: str) -> Served:
        command = (sys.executable, "-m", "sched_emulator", "serve", "--port=0", "--clock=frozen", "--exit-with-stdin")
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(*command, *options, stdin=pipe, stdout=pipe, stderr=pipe)
        processes.append(process)
        assert process.stdout is not None
        first = await process.stdout.readline()
        return Served(process.pid, int(first.decode().split(":")[-1].split("/")[0]))

    yield start
    for process in processes:
        process.terminate()
        _, errors = await process.communicate()
        assert (process.returncode, errors.decode()) == (0, "")
