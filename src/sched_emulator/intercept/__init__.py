"""What stands between a program and the gateway.

`sched-emulator run` lets an unmodified program find the emulator where it expects the gateway, or passes through to the
real one; `sched-emulator record` is a reverse proxy. Both of these can record what passes.
"""

from collections.abc import Mapping

HOST = "api.infrai.cc"
LOOPBACK = ("localhost", "127.0.0.1", "::1")
URL_VARIABLE = "SCHED_EMULATOR_URL"
TLS_PORT_VARIABLE = "SCHED_EMULATOR_TLS_PORT"  # set by `run` alone, where the other may be set by people


def emulator_of_run(environment: Mapping[str, str]) -> str | None:
    """Return the URL of the emulator that `run` has started for this process, None outside of `run`."""
    return environment.get(URL_VARIABLE) if TLS_PORT_VARIABLE in environment else None


def without_proxy(environment: Mapping[str, str]) -> list[str]:
    """Return the hosts that an environment exempts from its proxies."""
    given = environment.get("no_proxy") or environment.get("NO_PROXY") or ""
    return [entry for entry in map(str.strip, given.split(",")) if entry]


def leading(environment: Mapping[str, str], *, api_key: str, base_url: str) -> dict[str, str]:
    """Return the variables that lead the code under test to a sandbox, past any proxy."""
    exempt = without_proxy(environment)
    hosts = ",".join(exempt if "*" in exempt else dict.fromkeys([*exempt, *LOOPBACK]))
    return {"INFRAI_API_KEY": api_key, "INFRAI_BASE_URL": base_url, "NO_PROXY": hosts, "no_proxy": hosts}
