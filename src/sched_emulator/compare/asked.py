"""Deliveries of runs that somebody asked for: they are no fires of their cron, however late it may fire."""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Mapping

from .fields import LATE_MS
from .lists import body_of
from .read import Came, Item

TRIGGER = "scheduling.cron.trigger"


def triggered(items: list[Item], came: list[Came]) -> frozenset[int]:
    """Return the numbers of the deliveries of runs that were triggered, of those that came in this order.

    A delivery says which run it is of; one that does not say is that of the call during which it came.
    """
    calls = [item for item in items if item.operation == TRIGGER and item.succeeded]
    if not calls:
        return frozenset()
    runs = {item.result.get("run_id") for item in calls}
    named = [body_of(each).get("run_id") for each in came]
    times_ms, urls = [each.at_ms for each in came], _urls(items)
    found = {each.number for each, run_id in zip(came, named, strict=True) if run_id in runs - {None}}
    for item in calls:
        for place in range(bisect_left(times_ms, item.low_ms), bisect_right(times_ms, item.high_ms + LATE_MS)):
            each = came[place]
            first = each.raw.attempt in {None, 1} and named[place] is None and each.number not in found
            if first and each.raw.url in urls[item.arguments["cron_id"]]:
                found.add(each.number)
                break
    return frozenset(found)


def _urls(items: list[Item]) -> Mapping[str, set[str]]:
    """Return what answers show that each cron calls."""
    found: dict[str, set[str]] = defaultdict(set)
    for item in items:
        result = item.result if isinstance(item.result, dict) else {}
        for record in (result, *result.get("items", ())):
            if "task" in record:
                found[record.get("cron_id", item.arguments.get("cron_id"))].add(record["task"])
    return found
