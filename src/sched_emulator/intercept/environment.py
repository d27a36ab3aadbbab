"""The environment in which the command runs: where programs look for a proxy, certificates, the key, the emulator."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from . import HOST
from .certificates import BUNDLE_VARIABLES

PRELOAD = Path(__file__).with_name("preload.cjs")
LOOPBACK = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True, slots=True)
class Places:
    """Where what the command needs is: URLs of the emulator and the proxy, the port with TLS, the bundle, the key."""

    emulator_url: str
    proxy_url: str
    tls_port: int
    bundle: Path
    key: str


def variables(before: Mapping[str, str], places: Places, *, offline: bool) -> dict[str, str]:
    """Return an environment with everything set that leads programs to the emulator.

    The key is a local one whatever it was before, so that nothing the command does can cost money.
    """
    proxied = ["HTTPS_PROXY"] + (["HTTP_PROXY", "ALL_PROXY"] if offline else [])
    after = {**before, "INFRAI_API_KEY": places.key, "SCHED_EMULATOR_URL": places.emulator_url}
    after |= {spelt: places.proxy_url for name in proxied for spelt in (name, name.lower())}
    after |= dict.fromkeys(BUNDLE_VARIABLES, str(places.bundle))
    after |= dict.fromkeys(("NO_PROXY", "no_proxy"), _exempt(before, offline=offline))
    after["NODE_OPTIONS"] = f'{before.get("NODE_OPTIONS", "")} --require "{_escaped(PRELOAD)}"'.strip()
    after["SCHED_EMULATOR_TLS_PORT"] = str(places.tls_port)
    if offline:
        after["SCHED_EMULATOR_OFFLINE"] = "1"
    return after


def _exempt(before: Mapping[str, str], *, offline: bool) -> str:
    """Return the hosts that need no proxy: the user's, but none that covers the gateway; offline none but loopback."""
    given = before.get("no_proxy") or before.get("NO_PROXY") or ""
    kept = [] if offline else [entry for entry in map(str.strip, given.split(",")) if entry and not _covers(entry)]
    return ",".join(dict.fromkeys([*kept, *LOOPBACK]))


def _covers(entry: str) -> bool:
    name = entry.lower().rpartition(":")[0] if entry.rpartition(":")[2].isdecimal() else entry.lower()
    name = name.removeprefix("*").strip(".")
    return not name or name == HOST or HOST.endswith(f".{name}")


def _escaped(path: Path) -> str:
    return str(path).replace("\\", "\\\\").replace('"', '\\"')
