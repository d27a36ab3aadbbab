"""What is due when, in one total order: by instant, then by order of scheduling.

The only timer of a sandbox. Housekeeping (retention, forgotten idempotency keys) is kept apart, because users do not
see it as events, but happens in the same order. Cancelled entries leave the heap lazily and in bulk.
"""

from heapq import heapify, heappop, heappush, nsmallest

from msgspec import Struct

HOUSEKEEPING = frozenset({"run_retention", "message_retention", "forget_keys"})


class Entry(Struct):
    """One thing that will happen: `kind` says what, `subject` to whom (an id or a name)."""

    due_ms: int
    seq: int
    kind: str
    subject: str


class Timeline:
    """The queue of entries. `entries` is the state; the heaps are derived from it."""

    def __init__(self, entries: list[Entry], next_seq: int = 1) -> None:
        self.entries = {entry.seq: entry for entry in entries}
        self.next_seq = next_seq
        self._events: list[tuple[int, int]] = []
        self._chores: list[tuple[int, int]] = []
        for entry in entries:
            self._heap(entry.kind).append((entry.due_ms, entry.seq))
        heapify(self._events)
        heapify(self._chores)

    def schedule(self, due_ms: int, kind: str, subject: str) -> int:
        """Add an entry and return its number, by which it can be cancelled."""
        seq = self.next_seq
        self.next_seq = seq + 1
        self.entries[seq] = Entry(due_ms, seq, kind, subject)
        heap = self._heap(kind)
        heappush(heap, (due_ms, seq))
        if len(heap) > 2 * len(self.entries) + 1000:
            heap[:] = [item for item in heap if item[1] in self.entries]
            heapify(heap)
        return seq

    def cancel(self, seq: int | None) -> None:
        """Remove an entry; None and entries that have happened are ignored."""
        if seq is not None:
            self.entries.pop(seq, None)

    def pop_due(self, until_ms: int | None) -> Entry | None:
        """Remove and return the first entry that is due at `until_ms` or before; None when there is none.

        Without `until_ms` the next event, with the housekeeping before it; housekeeping after the last event waits.
        """
        events, chores = self._clean(self._events), self._clean(self._chores)
        if until_ms is None and not events:
            return None
        heap = chores if chores and (not events or chores[0] < events[0]) else events
        if not heap or (until_ms is not None and heap[0][0] > until_ms):
            return None
        return self.entries.pop(heappop(heap)[1])

    def next_event_ms(self) -> int | None:
        """Return the instant of the next event, housekeeping aside."""
        events = self._clean(self._events)
        return events[0][0] if events else None

    def next_due_ms(self) -> int | None:
        """Return the instant of the next entry of either sort."""
        heads = [heap[0][0] for heap in (self._clean(self._events), self._clean(self._chores)) if heap]
        return min(heads, default=None)

    def due(self, limit: int) -> list[Entry]:
        """Return the next events, at most `limit`, in the order in which they will happen."""
        alive = (item for item in self._events if item[1] in self.entries)
        return [self.entries[seq] for _, seq in nsmallest(limit, alive)]

    def scheduled_since(self, seq: int) -> list[Entry]:
        """Return the events scheduled under the number `seq` or later that have neither happened nor been cancelled."""
        added = (self.entries.get(number) for number in range(seq, self.next_seq))
        return [entry for entry in added if entry is not None and entry.kind not in HOUSEKEEPING]

    def listed(self) -> list[Entry]:
        """Return all entries in order of scheduling, for a snapshot."""
        return sorted(self.entries.values(), key=lambda entry: entry.seq)

    def _heap(self, kind: str) -> list[tuple[int, int]]:
        return self._chores if kind in HOUSEKEEPING else self._events

    def _clean(self, heap: list[tuple[int, int]]) -> list[tuple[int, int]]:
        while heap and heap[0][1] not in self.entries:
            heappop(heap)
        return heap
