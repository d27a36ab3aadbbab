"""A command whose requests to the gateway's host come to a port of this machine: proxy, certificates, environment."""

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

from .certificates import Authority
from .environment import Places, variables
from .process import run_command
from .proxy import Proxy, Upstream


async def run_led(
    command: Sequence[str],
    authority: Authority,
    tls_port: int,
    *,
    offline: bool,
    upstream: Upstream | None,
    emulator_url: str | None = None,
    key: str | None = None,
) -> int:
    """Run a command to its end and return its exit status; NotStartedError when it cannot be run.

    The command gets the key, and the URL of the emulator, where there are such.
    """
    async with Proxy(tls_port=tls_port, offline=offline, upstream=upstream) as proxy:
        with tempfile.TemporaryDirectory(prefix="sched-emulator-") as folder:
            places = Places(
                emulator_url=emulator_url,
                proxy_url=f"http://127.0.0.1:{proxy.port}",
                tls_port=tls_port,
                bundle=_written(folder, "ca-bundle.pem", authority.bundle(os.environ)),
                authority=_written(folder, "ca.pem", authority.own()),
                key=key,
            )
            return await run_command(command, variables(os.environ, places, offline=offline))


def _written(folder: str, name: str, text: str) -> Path:
    path = Path(folder, name)
    path.write_text(text, encoding="utf-8")
    return path
