"""What checks cost, as `measure` has found: requests, what they leave to be deleted, and what they rest on."""

import json
from collections import Counter
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from .created import deletions, makers
from .gate import SLACK_SHARE
from .results import Check

SCHEMA_REQUESTS = {"examples": 4, "coverage": 55, "fuzzing": 11}
UNMEASURED = {"other": 6}


@cache
def _measured() -> dict[str, Any]:
    measured: dict[str, Any] = json.loads(Path(__file__).with_name("costs.json").read_text(encoding="utf-8"))
    return measured


def costs() -> dict[str, dict[str, int]]:
    """Return how often each check was measured to send each operation; what is no operation counts as `other`."""
    sends: dict[str, dict[str, int]] = _measured()["sends"]
    return sends


def needs(check: Check) -> tuple[str, ...]:
    """Return what a check was measured to rest on, all the way down: probes of open questions, and what is shared."""
    return _needs(check.address)


@cache
def _needs(address: str) -> tuple[str, ...]:
    found: list[str] = []
    waiting = [address]
    while waiting:
        new = [name for name in _measured()["needs"].get(waiting.pop(), ()) if name not in found]
        found += new
        waiting += new
    return tuple(found)


class Cost(NamedTuple):
    """About how often each operation is sent, and how many things of each kind are left to be deleted."""

    sends: Counter[str]
    leaves: Counter[str]

    def plus(self, other: "Cost") -> "Cost":
        """Return what both cost."""
        return Cost(self.sends + other.sends, self.leaves + other.leaves)

    @property
    def whole(self) -> Counter[str]:
        """How often each operation is sent, deleting included; one in ten is deleted twice."""
        again = Counter({deletions()[kind].short: left + left // SLACK_SHARE for kind, left in self.leaves.items()})
        return self.sends + again


FREE = Cost(Counter(), Counter())


def cost(check: Check) -> Cost:
    """Return what a check costs by itself."""
    phase = check.address.rpartition("/")[2]
    if check.aspect == "choices":
        return FREE
    if check.aspect == "schema":
        sends = {check.covers[0] if phase in SCHEMA_REQUESTS else "other": SCHEMA_REQUESTS.get(phase, 100)}
        return _leaving_all(sends)
    return cost_at(check.address)


def cost_at(address: str) -> Cost:
    """Return what is measured at an address of a check, or of something shared."""
    sends = costs().get(address)
    if sends is None:
        return _leaving_all(UNMEASURED)
    return Cost(Counter(sends), Counter(_measured()["leaves"].get(address, {})))


def _leaving_all(sends: Mapping[str, int]) -> Cost:
    """Return a cost of requests which have not been measured: what they may make is left."""
    return Cost(Counter(sends), Counter({kind: sends.get(makers()[kind].short, 0) for kind in deletions()}))
