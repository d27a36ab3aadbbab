"""A set of ids in the order of their ranks.

Ids that come in order of rank wait in a line, the others in a heap, so that a queue that is used in order costs the
same whatever its length. Ids that were removed leave both when they come to the front, or in bulk.
"""

from collections import deque
from heapq import heappop, heappush
from typing import Any

Rank = tuple[int, int]
Item = tuple[Rank, str]


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
