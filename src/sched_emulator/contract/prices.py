"""What requests cost, as the target's own discovery says, and a purse that is never overdrawn."""

import json
from collections.abc import Mapping
from typing import Any

import requests

from sched_emulator import spec
from sched_emulator.spec import prices
from sched_emulator.spec.prices import Price

from .created import deletions, operation_at
from .gate import Gate, NoAnswer

DISCOVERY = "/v1/discovery"


def read(gate: Gate, url: str) -> dict[str, Price] | None:
    """Return the prices by short names of operations, None where the target tells none. It needs no key."""
    try:
        with gate.session() as session:
            body = session.get(url + DISCOVERY, allow_redirects=False).json()
    except (NoAnswer, ValueError):
        return None
    return {spec.short(name): price for name, price in prices.read(body).items()} or None


class Purse:
    """What may be spent, what has been, and what has to be left for deleting what was made."""

    def __init__(self, prices: Mapping[str, Price], max_usd: float | None) -> None:
        self._prices = prices
        self.max_usd = max_usd
        self.spent_usd = 0.0

    def pay(self, request: requests.PreparedRequest, made: int) -> bool:
        """Pay for a request, if there is enough left to delete `made` things and what it makes itself; say whether."""
        usd = self._price(request)
        dearest = max((self._usd(operation.short) for operation in deletions().values()), default=0.0)
        reserve = dearest * (made + 1)
        if self.max_usd is not None and self.spent_usd + usd + reserve > self.max_usd and usd > 0:
            return False
        self.spent_usd += usd
        return True

    def _price(self, request: requests.PreparedRequest) -> float:
        found = operation_at(str(request.method), request.path_url)
        price = None if found is None else self._prices.get(found[0].short)
        if price is None:
            return 0.0
        return price.usd * (_messages(request.body) if price.by_message else 1)

    def _usd(self, name: str) -> float:
        return self._prices[name].usd if name in self._prices else 0.0


def _messages(raw: Any) -> int:
    try:
        body = json.loads(raw or b"{}")
    except ValueError:
        return 1
    messages = body.get("messages") if isinstance(body, dict) else None
    return max(len(messages), 1) if isinstance(messages, list) else 1
