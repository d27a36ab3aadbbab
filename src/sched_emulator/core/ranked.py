"""A set of ids in the order of their ranks; adding, removing and looking at the first cost O(log n) amortised."""

from heapq import heapify, heappop, heappush

Rank = tuple[int, int]


class RankedSet:
    """Ids by rank; no two ids have the same rank. Removed ids leave the heap lazily and in bulk."""

    def __init__(self) -> None:
        self._ranks: dict[str, Rank] = {}
        self._heap: list[tuple[Rank, str]] = []

    def __len__(self) -> int:
        return len(self._ranks)

    def add(self, item_id: str, rank: Rank) -> None:
        """Add an id, or give it another rank."""
        self._ranks[item_id] = rank
        heappush(self._heap, (rank, item_id))
        if len(self._heap) > 2 * len(self._ranks) + 1000:
            self._heap = [(rank, item_id) for item_id, rank in self._ranks.items()]
            heapify(self._heap)

    def discard(self, item_id: str) -> None:
        """Remove an id if it is there."""
        self._ranks.pop(item_id, None)

    def first(self) -> tuple[Rank, str] | None:
        """Return the lowest rank and its id, or None."""
        heap = self._heap
        while heap and self._ranks.get(heap[0][1]) != heap[0][0]:
            heappop(heap)
        return heap[0] if heap else None
