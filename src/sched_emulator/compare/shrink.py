"""A finding, shrunk: the fewest exchanges of its part after which the last one still differs in the same way.

The target was not asked again: what is left is what it answered then, in the order in which it did.
"""

import re
from typing import Any

from .explain import Explained, replayed
from .fields import Difference
from .parts import Part, of_these
from .read import Item

MOST_REPLAYS = 300
_OURS = re.compile(r"\b(cron|task|run|msg|sub)_[0-9]{6}\b")  # ids that a replay gives, in the order of what is left


def shrunk(part: Part, explained: Explained) -> list[Item]:
    """Return the exchanges that show a finding: nothing of the rest is needed."""
    last = explained.item
    assert last is not None
    kept = [item for item in part.items[: explained.steps + 1] if item is not last]
    replays, size = 0, max(1, len(kept) // 2)
    while size and replays < MOST_REPLAYS:
        start = len(kept)
        while start > 0 and replays < MOST_REPLAYS:
            start = max(0, start - size)
            tried = [*kept[:start], *kept[start + size :]]
            replays += 1
            if _still(part, tried, last, explained):
                kept = tried
        size //= 2
    return [*kept, last]


def _still(part: Part, items: list[Item], last: Item, explained: Explained) -> bool:
    """Whether the rest comes out as recorded, and the last exchange differs as before."""
    less = of_these(part, [*items, last])
    found = replayed(less, explained.constants, {}, freedom=explained.freedom)
    return found.item is last and _form(found.difference) == _form(explained.difference)


def _form(difference: Difference | None) -> Any:
    return None if difference is None else [_OURS.sub("", str(each)) for each in difference]
