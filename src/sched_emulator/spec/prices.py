"""What requests cost, by what a gateway says of itself (`GET /v1/discovery`)."""

import re
from functools import lru_cache
from typing import Any, NamedTuple

from .documents import each_operation, load
from .operations import short

FIRE = "scheduling.cron.fire"  # no operation: a run of a cron that begins
_CREATE = "scheduling.cron.create"
_BY_FIRE = re.compile(r"\b(run|fire|execution|invocation)s?\b")
MOST_USD = 1_000_000  # for one request: what is more is no price


class Price(NamedTuple):
    """What one unit of an operation costs, in US dollars; `by_message` where a batch costs one for each message."""

    usd: float
    by_message: bool = False


def read(discovery: Any) -> dict[str, Price]:
    """Return the prices in a discovery document by operation id; what is no price of an operation is passed over.

    A price of `cron.create` whose unit is a run is that of each fire (`FIRE`), and its call costs nothing.
    """
    listed = discovery.get("capabilities") if isinstance(discovery, dict) else None
    return dict(found for entry in listed if (found := _priced(entry))) if isinstance(listed, list) else {}


def _priced(entry: Any) -> tuple[str, Price] | None:
    billing = entry.get("billing") if isinstance(entry, dict) else None
    if not isinstance(billing, dict):
        return None
    usd, name = billing.get("price_usd"), entry.get("id")
    operation_id = _ids().get(name) if isinstance(name, str) else None
    if operation_id is None or isinstance(usd, bool) or not isinstance(usd, int | float) or not 0 <= usd <= MOST_USD:
        return None
    free = billing.get("free") is True or billing.get("is_billable") is False
    unit = str(billing.get("unit"))
    charged = FIRE if operation_id == _CREATE and _BY_FIRE.search(unit) else operation_id
    return charged, Price(0.0 if free else float(usd), "message" in unit)


@lru_cache(maxsize=1)
def _ids() -> dict[str, str]:
    """Return the ids of all operations, by themselves and by their short names."""
    found = [FIRE, *(operation["operationId"] for _, _, operation in each_operation(load("scheduling")))]
    return {name: operation_id for operation_id in found for name in (operation_id, short(operation_id))}
