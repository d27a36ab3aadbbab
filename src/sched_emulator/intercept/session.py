"""One run, put together from top to bottom: the emulator, TLS for the gateway's host, the proxy, the command."""

import asyncio
import os
import sys
from collections.abc import Sequence
from contextlib import ExitStack

from aiohttp import web
from aiohttp.web_request import BaseRequest

from sched_emulator.config import Config
from sched_emulator.server import logs, starting
from sched_emulator.server.app import App, target_of
from sched_emulator.server.control import is_control

from . import HOST
from .certificates import Authority
from .led import run_led
from .proxy import Upstream
from .recorder import summary

LOCAL_KEY = "ifr_local"
NEVER_CAME = f"""\
sched-emulator run: the command never asked the emulator. If it sent requests to {HOST}, they went to the
real one, with a key that is not accepted there: some programs take neither proxies nor start-up hooks from their
environment (Java, `python -I`). Let such a one use $SCHED_EMULATOR_URL.
"""


async def run(config: Config, command: Sequence[str], *, offline: bool) -> int:
    """Run a command whose requests to the gateway the emulator answers; return its exit status."""
    logs.to_stderr("text")
    logs.watch(asyncio.get_running_loop())
    upstream = None if offline else Upstream.of(os.environ)
    arrivals = _Arrivals(App(config))
    runner = arrivals.app.runner(arrivals.handle)
    await runner.setup()
    stack = ExitStack()
    try:
        authority = Authority()
        host = "127.0.0.1" if config.host == "localhost" else config.host
        [listening] = starting.listen(host, config.port)
        stack.enter_context(listening)
        url = f"http://{f'[{host}]' if ':' in host else host}:{listening.getsockname()[1]}"
        writer = None if config.record is None else arrivals.app.record(config.record, url)
        await web.SockSite(runner, listening).start()
        await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=authority.server_context()).start()
        status = await run_led(
            command,
            authority,
            runner.addresses[-1][1],
            offline=offline,
            upstream=upstream,
            emulator_url=url,
            key=min(config.keys) if config.keys else LOCAL_KEY,
        )
    finally:
        await runner.cleanup()
        stack.close()
    if not arrivals.came:
        sys.stderr.write(NEVER_CAME)
    if writer is not None:
        sys.stderr.write(f"sched-emulator run: {summary(writer)}")
    return status


class _Arrivals:
    """Whether a request for the API came."""

    def __init__(self, app: App) -> None:
        self.app = app
        self.came = False

    async def handle(self, request: BaseRequest) -> web.StreamResponse:
        self.came = self.came or not is_control(target_of(request))
        return await self.app.handle(request)
