"""`run --real`: the command's requests to the gateway pass through this process, and may be recorded.

They go on as the command's would have gone by themselves: with its own key, by the proxy that is configured, to a
gateway whose certificate is checked against what is trusted here.
"""

import asyncio
import os
import ssl
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

from sched_emulator.recording.lines import Exchange
from sched_emulator.recording.writer import Writer
from sched_emulator.server import logs
from sched_emulator.server.recorder import begun

from . import HOST, framing, recorder
from .certificates import Authority
from .environment import exempts
from .led import run_led
from .passing import Passing, Way
from .proxy import Upstream

URL = f"https://{HOST}"
WHO = "sched-emulator run --real"
NOTHING_CAME = f"""\
sched-emulator run: nothing that the command sent to {HOST} came by here. If it sent requests, they
went there by themselves, unrecorded: some programs take neither proxies nor start-up hooks from their environment
(Java, `python -I`). Let such a one use `sched-emulator record`.
"""


async def run(
    command: Sequence[str],
    *,
    record: Path | None,
    redact: tuple[str, ...],
    offline: bool,
    complain: Callable[[str], object],
) -> int:
    """Run a command whose requests to the gateway pass through; return its exit status. RecordingError."""
    logs.to_stderr("text")
    logs.watch(asyncio.get_running_loop())
    upstream = Upstream.of(os.environ)
    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    way = Way(HOST, 443, context, None if exempts(os.environ, HOST) else upstream)
    with ExitStack() as stack:
        writer = None
        if record is not None:
            writer = begun(record, URL, redact=redact, complain=complain)
            stack.callback(writer.close)
        counted = _Counted(writer)
        passing = Passing(way, counted.tell, WHO)
        authority = Authority()
        server = await asyncio.start_server(
            passing.accept, "127.0.0.1", 0, ssl=authority.server_context(), limit=framing.HEAD_BYTES
        )
        try:
            port = server.sockets[0].getsockname()[1]
            others = None if offline else upstream
            status = await run_led(command, authority, port, offline=offline, upstream=others)
        finally:
            server.close()
            await passing.close()
    if not counted.count:
        sys.stderr.write(NOTHING_CAME)
    elif writer is not None:
        sys.stderr.write(f"sched-emulator run: {recorder.summary(writer)}")
    return status


class _Counted:
    """How many exchanges there were, recorded or not."""

    def __init__(self, writer: Writer | None) -> None:
        self.count = 0
        self._writer = writer

    def tell(self, exchange: Exchange) -> None:
        self.count += 1
        if self._writer is not None:
            self._writer.exchange(exchange)
