"""Sets of ids in the order of their ranks.

Ids that come in order of rank wait in a line, the others in a heap, so that a queue that is used in order costs the
same whatever its length. Ids that were removed leave both when they come to the front, or in bulk.
"""

from bisect import bisect_left, insort
from collections import deque
from heapq import heappop, heappush
from typing import Any, Literal

Rank = int
Item = tuple[Rank, str]
Order = Literal["published", "high_first", "low_first"]


class RankedSet:
    """Ids by rank; no two ids have the same rank."""

    def __init__(self) -> None:
        self._ranks: dict[str, Rank] = {}
        self._line: deque[Item] = deque()
        self._heap: list[Item] = []

    def containers(self) -> list[Any]:
        """Return what holds the ids, to be freed in slices once the set is let go."""
        return [self._ranks, self._line, self._heap]

    def __len__(self) -> int:
        return len(self._ranks)

    def add(self, item_id: str, rank: Rank) -> None:
        """Add an id, or give it another rank."""
        self._ranks[item_id] = rank
        if not self._line or rank > self._line[-1][0]:
            self._line.append((rank, item_id))
        else:
            heappush(self._heap, (rank, item_id))
        if len(self._line) + len(self._heap) > 2 * len(self._ranks) + 1000:
            self._line = deque(sorted((rank, item_id) for item_id, rank in self._ranks.items()))
            self._heap = []

    def discard(self, item_id: str) -> None:
        """Remove an id if it is there."""
        self._ranks.pop(item_id, None)

    def first(self) -> Item | None:
        """Return the lowest rank and its id, or None."""
        line, heap = self._line, self._heap
        while line and self._ranks.get(line[0][1]) != line[0][0]:
            line.popleft()
        while heap and self._ranks.get(heap[0][1]) != heap[0][0]:
            heappop(heap)
        if heap and (not line or heap[0] < line[0]):
            return heap[0]
        return line[0] if line else None


class PrioritySet:
    """Ids by position, some of them with a priority, in three orders at once: who asks for the first says by which.

    Those without a priority stand among the others as if theirs were 0.
    """

    def __init__(self) -> None:
        self._plain = RankedSet()
        self._ranked = RankedSet()
        self._lanes: dict[int, RankedSet] = {}  # of those with a priority, by priority
        self._priorities: list[int] = []  # of the lanes, in order

    def containers(self) -> list[Any]:
        """Return what holds the ids, to be freed in slices once the set is let go."""
        sets = (self._plain, self._ranked, *self._lanes.values())
        return [held for ids in sets for held in ids.containers()]

    def __len__(self) -> int:
        return len(self._plain) + len(self._ranked)

    def add(self, item_id: str, position: Rank, priority: int | None) -> None:
        """Add an id that is not there."""
        if priority is None:
            self._plain.add(item_id, position)
            return
        self._ranked.add(item_id, position)
        lane = self._lanes.get(priority)
        if lane is None:
            lane = self._lanes[priority] = RankedSet()
            insort(self._priorities, priority)
        lane.add(item_id, position)

    def discard(self, item_id: str, priority: int | None) -> None:
        """Remove an id that was added with this priority, if it is there."""
        if priority is None:
            self._plain.discard(item_id)
            return
        self._ranked.discard(item_id)
        lane = self._lanes.get(priority)
        if lane is None:
            return
        lane.discard(item_id)
        if not lane:
            del self._lanes[priority]
            del self._priorities[bisect_left(self._priorities, priority)]

    def has_priorities(self) -> bool:
        """Whether any id has a priority: without one, all orders are the same."""
        return bool(self._priorities)

    def first(self, order: Order) -> Item | None:
        """Return the position and the id that come first in an order, or None."""
        plain = self._plain.first()
        if not self._priorities:
            return plain
        if order == "published":
            return _earlier(plain, self._ranked.first())
        priority = self._priorities[0 if order == "low_first" else -1]
        ahead = priority if order == "high_first" else -priority
        if ahead > 0 or plain is None:
            return self._lanes[priority].first()
        return plain if ahead < 0 else _earlier(plain, self._lanes[priority].first())


def _earlier(one: Item | None, other: Item | None) -> Item | None:
    return min((item for item in (one, other) if item is not None), default=None)
