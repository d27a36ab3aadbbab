"""Constants that one exchange shows by itself: limits by what is taken and refused, pages by how long they are.

They never enter a replay. A refusal is a limit's where the same operation took less, and nothing was taken that had as
much; one that everyone would have to take otherwise.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from sched_emulator.core.encoding import encode_bytes
from sched_emulator.spec import assumptions

from .read import Item
from .verdicts import Bounds, roundest

TOO_MUCH = "a limit refuses it"
LIKELY = {  # the least that a limit may be: what is refused below it is refused for another reason
    "limits.message_bytes": 1024,
    "limits.delay_seconds": 1,
    "limits.max_messages": 2,
    "limits.batch_messages": 2,
    "limits.name_chars": 32,
}
PAGES = frozenset({"scheduling.run.list", "scheduling.queue.list", "scheduling.queue.dlq.list", "scheduling.cron.list"})
UNPAGED = "scheduling.cron.list"  # may come whole, however long it is
DEFAULT, MOST = "page.default_limit", "page.max_limit"
TOO_LARGE = 413
OTHER_REASONS = frozenset({"dead_letter_queue", "run_at_ms", "cron_expr"})  # to refuse a request, by what there is
_Kind = tuple[str, str, bool]


@dataclass(slots=True)
class _Range:
    """What is known of a constant: it is at least, and at most."""

    low: int | None = None
    high: int | None = None

    def at_least(self, value: int) -> None:
        self.low = value if self.low is None else max(self.low, value)

    def at_most(self, value: int) -> None:
        self.high = value if self.high is None else min(self.high, value)


def looked_up(items: Iterable[Item], known: Mapping[str, Any]) -> tuple[list[Item], dict[str, Bounds]]:
    """Return the exchanges, those marked that a limit refuses, and between which values the constants lie."""
    listed = list(items)
    ranges = {name: _Range() for name in (*LIKELY, DEFAULT, MOST)}
    taken: set[_Kind] = set()
    for item in listed:
        if item.succeeded and not item.passed:
            _pages(item, ranges)
            for name, value in _values(item):
                ranges[name].at_least(value)
                taken.add(_kind(item, name))
    found = [_refused(item, ranges, taken) for item in listed]
    bounds = {}
    for name, each in ranges.items():
        entry = assumptions.catalogue()[name]
        told = each.high is not None or (each.low is not None and each.low > int(entry.default))
        if told and name not in known and (each.low is None or each.high is None or each.low <= each.high):
            bounds[name] = _bounds(name, each, entry.minimum or 0)
    return found, bounds


def _bounds(name: str, found: _Range, least: int) -> Bounds:
    value = found.low if found.high is None else roundest(max(found.low or least, least), found.high)
    assert value is not None
    return Bounds(name, found.low, found.high, value)


def _kind(item: Item, name: str) -> _Kind:
    """Return what exchanges have in common of which one shows that the other was refused for its number alone."""
    return item.operation, name, item.key is not None


def _refused(item: Item, ranges: Mapping[str, _Range], taken: set[_Kind]) -> Item:
    """Return an exchange that was refused, as one that is not compared where a limit may have refused it."""
    if item.status not in {400, TOO_LARGE, 422} or item.passed or not OTHER_REASONS.isdisjoint(item.arguments):
        return item
    beyond = [
        (name, value)
        for name, value in _values(item)
        if (name == "limits.message_bytes") == (item.status == TOO_LARGE)
        and _kind(item, name) in taken
        and value > max(ranges[name].low or 0, LIKELY[name] - 1)
    ]
    if len(beyond) == 1:
        [(name, value)] = beyond
        ranges[name].at_most(value - 1)
    return replace(item, passed=TOO_MUCH) if beyond else item


def _values(item: Item) -> Iterator[tuple[str, int]]:
    """Yield what a request has of each thing that there is a limit of."""
    what, given = item.operation.removeprefix("scheduling."), item.arguments
    messages = {"queue.publish": [given], "queue.publish_batch": given.get("messages", [])}.get(what, [])
    sizes = [len(encode_bytes(message["payload"])) for message in messages if "payload" in message]
    delays = [int(message.get("delay_ms", 0)) for message in messages]
    if sizes:
        yield "limits.message_bytes", max(sizes)
    if any(delays):
        yield "limits.delay_seconds", -(-max(delays) // 1000)
    if what == "queue.publish_batch":
        yield "limits.batch_messages", len(messages)
    if what == "queue.consume" and isinstance(given.get("max_messages"), int):
        yield "limits.max_messages", given["max_messages"]
    names = [len(given[name]) for name in ("queue", "name") if isinstance(given.get(name), str)]
    if names:
        yield "limits.name_chars", max(names)


def _pages(item: Item, ranges: Mapping[str, _Range]) -> None:
    """Take what the length of a page shows."""
    if item.operation not in PAGES or not isinstance(item.result.get("items"), list):
        return
    count, limit, more = len(item.result["items"]), item.arguments.get("limit"), "next_cursor" in item.result
    if not count or (item.operation == UNPAGED and not more):
        return
    if more and (limit is None or count < limit):
        ranges[DEFAULT if limit is None else MOST].at_most(count)
    if limit is None:
        ranges[DEFAULT].at_least(count)
    ranges[MOST].at_least(count)
