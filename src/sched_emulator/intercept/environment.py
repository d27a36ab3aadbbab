"""The environment in which the command runs: where programs look for a proxy, certificates, the key, the emulator."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from . import HOST, LOOPBACK, TLS_PORT_VARIABLE, URL_VARIABLE, without_proxy
from .certificates import BUNDLE_VARIABLES

PRELOAD = Path(__file__).with_name("preload.cjs")
START_UP = Path(__file__).with_name("start_up")


@dataclass(frozen=True, slots=True)
class Places:
    """Where what the command needs is: URLs of the emulator and the proxy, the port with TLS, the key.

    The `bundle` holds all that is trusted, the `authority` the one of this run alone. Without an emulator, requests go
    through to the gateway, with the key that the command has.
    """

    emulator_url: str | None
    proxy_url: str
    tls_port: int
    bundle: Path
    authority: Path
    key: str | None


def variables(before: Mapping[str, str], places: Places, *, offline: bool) -> dict[str, str]:
    """Return an environment with everything set that leads programs to the emulator, or through to the gateway.

    With an emulator the key is a local one whatever it was before, so that nothing the command does can cost money.
    """
    proxied = ["HTTPS_PROXY"] + (["HTTP_PROXY", "ALL_PROXY"] if offline else [])
    after = {name: value for name, value in before.items() if name != URL_VARIABLE}
    after |= {} if places.key is None else {"INFRAI_API_KEY": places.key}
    after |= {} if places.emulator_url is None else {URL_VARIABLE: places.emulator_url}
    after |= {spelt: places.proxy_url for name in proxied for spelt in (name, name.lower())}
    after |= dict.fromkeys(BUNDLE_VARIABLES, str(places.bundle))
    after |= dict.fromkeys(("NO_PROXY", "no_proxy"), _exempt(before, offline=offline))
    after["NODE_OPTIONS"] = f'{before.get("NODE_OPTIONS", "")} --require "{_escaped(PRELOAD)}"'.strip()
    after["PYTHONPATH"] = os.pathsep.join([str(START_UP), *_python_path(before)])
    after["SCHED_EMULATOR_CA_FILE"] = str(places.authority)
    after[TLS_PORT_VARIABLE] = str(places.tls_port)
    if offline:
        after["SCHED_EMULATOR_OFFLINE"] = "1"
    return after


def exempts(environment: Mapping[str, str], host: str) -> bool:
    """Say whether a host is reached without the proxies that an environment names."""
    return host in LOOPBACK or any(_covers(entry, host.lower()) for entry in without_proxy(environment))


def _exempt(before: Mapping[str, str], *, offline: bool) -> str:
    """Return the hosts that need no proxy: the user's, but none that covers the gateway; offline none but loopback."""
    kept = [] if offline else [entry for entry in without_proxy(before) if not _covers(entry)]
    return ",".join(dict.fromkeys([*kept, *LOOPBACK]))


def _python_path(before: Mapping[str, str]) -> list[str]:
    """Return the entries that PYTHONPATH had, in a run within a run without this one's."""
    given = before.get("PYTHONPATH", "")
    return [entry for entry in given.split(os.pathsep) if entry != str(START_UP)] if given else []


def _covers(entry: str, host: str = HOST) -> bool:
    name = entry.lower().rpartition(":")[0] if entry.rpartition(":")[2].isdecimal() else entry.lower()
    name = name.removeprefix("*").strip(".")
    return not name or name == host or host.endswith(f".{name}")


def _escaped(path: Path) -> str:
    return str(path).replace("\\", "\\\\").replace('"', '\\"')
