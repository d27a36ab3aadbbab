"""Lists of an account: which of them each part is compared with.

A page that shows nothing of a part says nothing of it, but that time has passed. Of many that show the same of it, with
nothing done between, the first and the last say all: what changes by itself never changes back.
"""

import json
from collections.abc import Collection, Iterable, Mapping
from typing import Any, NamedTuple

from .read import Came, Item
from .wording import LISTS

Names = Mapping[str, set[str]]  # of the things that each list may show


def whole(item: Item) -> bool:
    """Whether a list shows all that there is."""
    result = item.result or {}
    return "cursor" not in item.arguments and "next_cursor" not in result and "items" in result


def named(items: Iterable[Item], came: Iterable[Came]) -> Names:
    """Return the names of the things of a part, from its own exchanges and deliveries."""
    found: dict[str, set[str]] = {operation: set() for operation in LISTS}
    records: list[Any] = [body_of(each) for each in came]
    for item in items:
        result = item.result if isinstance(item.result, dict) else {}
        records += [item.arguments, result, *result.get("items", ())]
    for record in records:
        for operation, field in LISTS.items():
            if isinstance(record.get(field), str):
                found[operation].add(record[field])
        _follow(found["scheduling.queue.list"], record)
    return found


def _follow(queues: set[str], record: Mapping[str, Any]) -> None:
    if isinstance(record.get("dead_letter_queue"), str):
        queues.add(record["dead_letter_queue"])


def body_of(came: Came) -> dict[str, Any]:
    """Return what a delivery brought; nothing where that is no object."""
    try:
        found = json.loads(came.raw.body) if isinstance(came.raw.body, str | bytes) else None
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


class Kept(NamedTuple):
    """The exchanges with which a part is compared, and the numbers of the lists that some of them stand for."""

    items: list[Item]
    alike: dict[int, list[int]]


class _Alike(NamedTuple):
    """The first and the last of lists that show the same."""

    shown: Any
    first: int
    last: int


def kept(items: list[Item], own: Collection[int], names: Names) -> Kept:
    """Return which exchanges say something of a part, of its own and the lists of its account, all in order."""
    last = next((item for item in reversed(items) if item.number not in own), None)
    dropped: set[int] = set()
    alike: dict[int, list[int]] = {}
    latest: dict[str, _Alike] = {}
    for item in items:
        if item.number in own:
            latest.clear()
            continue
        operation, shown = item.operation, _shown(item, names)
        before = latest.get(operation)
        if not shown and item is not last and not (whole(item) and names[operation]):
            dropped.add(item.number)
        elif before is None or before.shown != (shown, whole(item), "limit" in item.arguments):
            latest[operation] = _Alike((shown, whole(item), "limit" in item.arguments), item.number, item.number)
        else:
            if before.last != before.first:
                dropped.add(before.last)
                alike[item.number] = alike.pop(before.last, [])
                alike[item.number].append(before.last)
            latest[operation] = before._replace(last=item.number)
    return Kept([item for item in items if item.number not in dropped], alike)


def _shown(item: Item, names: Names) -> dict[str, Any]:
    """Return what a list shows of the things of a part; the queues that take its dead letters belong to it."""
    field, own = LISTS[item.operation], names[item.operation]
    records = {record.get(field): record for record in item.result.get("items", ())}
    shown: dict[str, Any] = {}
    while new := (own & records.keys()) - shown.keys():
        for name in new:
            shown[name] = records[name]
            _follow(own, records[name])
    return shown
