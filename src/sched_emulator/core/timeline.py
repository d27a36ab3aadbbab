"""What is due when, in one total order: by instant, then by order of scheduling.

The only timer of a sandbox. Housekeeping (retention, forgotten idempotency keys) is kept apart, because users do not
see it as events, but happens in the same order. What waits for a queue's messages (leases, delays) stands in a lane of
that queue, so that `close` lets all of it go at once; the first of each lane competes with the rest. Cancelled entries
leave the heaps lazily and in bulk.
"""

from collections.abc import Generator, Iterable, Iterator
from heapq import heapify, heappop, heappush, merge, nsmallest
from itertools import chain, islice
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

Kind = Literal[
    "cron",
    "run",
    "task",
    "retry",
    "failure",
    "message",
    "lease",
    "push",
    "attempt",
    "run_retention",
    "message_retention",
    "forget_keys",
]
Key = tuple[int, int]
ENTRIES_A_PIECE = 500  # of a listing that is long work
DROPPED_A_CHORE = 20  # records that one housekeeping entry drops at a time
DROPPED_AT_ONCE = 1000  # records that a request drops by itself, before it leaves the rest to housekeeping
Count = Annotated[int, Meta(ge=0, le=2**53)]  # what a snapshot may bring

# What each kind of event is in words, about its subject.
EVENT_WORDS: dict[Kind, str] = {
    "cron": "the fire of {}",
    "run": "the start of {}",
    "task": "the start of {}",
    "retry": "the retry of {}",
    "failure": "the failure webhook of {}",
    "message": "the end of the delay of {}",
    "lease": "the end of the lease of {}",
    "push": "the push from {}",
    "attempt": "the end of {}",
}
HOUSEKEEPING: frozenset[Kind] = frozenset({"run_retention", "message_retention", "forget_keys"})


class Entry(Struct, omit_defaults=True, gc=False):
    """One thing that will happen: `kind` says what, `subject` to whom (an id or a name), `queue` in whose lane."""

    due_ms: Count
    seq: Count
    kind: Kind
    subject: str
    queue: str | None = None


class _Lane:
    """The entries of one queue. `promised` is the key under which the lane stands among the others, None: not at all.

    It is never later than the first entry's, so that the lane is looked at in time.
    """

    def __init__(self) -> None:
        self.entries: dict[int, Entry] = {}
        self.heap: list[Key] = []
        self.promised: Key | None = None

    def first(self) -> Key | None:
        """Return the key of the first entry."""
        return _clean(self.heap, self.entries)


class Timeline:
    """The queue of entries; the heaps are derived from them."""

    def __init__(self, entries: Iterable[Entry] = (), next_seq: int = 1) -> None:
        self.next_seq = next_seq
        self._entries: dict[int, Entry] = {}
        self._events: list[Key] = []
        self._chores: list[Key] = []
        self._lanes: dict[str, _Lane] = {}
        self._firsts: list[tuple[int, int, str]] = []  # of lanes: instant, number, queue
        for entry in entries:
            self._add(entry)

    def __len__(self) -> int:
        return len(self._entries) + sum(len(lane.entries) for lane in self._lanes.values())

    def schedule(self, due_ms: int, kind: Kind, subject: str, *, queue: str | None = None) -> int:
        """Add an entry and return its number, by which it can be cancelled."""
        seq = self.next_seq
        self.next_seq = seq + 1
        self._add(Entry(due_ms, seq, kind, subject, queue))
        return seq

    def get(self, seq: int | None, *, queue: str | None = None) -> Entry | None:
        """Return an entry that is still to come."""
        entries = self._entries if queue is None else self._lane(queue).entries
        return None if seq is None else entries.get(seq)

    def cancel(self, seq: int | None, *, queue: str | None = None) -> None:
        """Remove an entry; None and entries that have happened are ignored."""
        if seq is None:
            return
        if queue is None:
            self._entries.pop(seq, None)
        elif (lane := self._lanes.get(queue)) is not None:
            lane.entries.pop(seq, None)

    def close(self, queue: str) -> list[Any]:
        """Remove the whole lane of a queue; return what held it, to be freed in slices."""
        lane = self._lanes.pop(queue, None)
        return [] if lane is None else [lane.entries, lane.heap]

    def pop_due(self, until_ms: int | None) -> Entry | None:
        """Remove and return the first entry that is due at `until_ms` or before; None when there is none.

        Without `until_ms` the next event, with the housekeeping before it; housekeeping after the last event waits.
        """
        event, lane = self._first_event()
        chore = _clean(self._chores, self._entries)
        if chore is not None and (event is None or chore < event) and not (until_ms is None and event is None):
            first, heap, entries = chore, self._chores, self._entries
        elif event is not None:
            first = event
            heap, entries = (self._events, self._entries) if lane is None else (lane.heap, lane.entries)
        else:
            return None
        if until_ms is not None and first[0] > until_ms:
            return None
        return entries.pop(heappop(heap)[1])

    def pop_chore(self, until_ms: int | None) -> Entry | None:
        """Remove and return the first housekeeping entry that is due at `until_ms` or before, whatever else is due."""
        chore = _clean(self._chores, self._entries)
        if chore is None or (until_ms is not None and chore[0] > until_ms):
            return None
        return self._entries.pop(heappop(self._chores)[1])

    def again(self, entry: Entry) -> int:
        """Put back an entry that has happened in part, at its place before all others; return its number."""
        self._add(entry)
        return entry.seq

    def next_event_ms(self) -> int | None:
        """Return the instant of the next event, housekeeping aside."""
        event, _ = self._first_event()
        return None if event is None else event[0]

    def next_of_queue_ms(self, queue: str) -> int | None:
        """Return the instant at which the first lease or delay of a queue's messages ends."""
        lane = self._lanes.get(queue)
        first = None if lane is None else lane.first()
        return None if first is None else first[0]

    def next_due_ms(self) -> int | None:
        """Return the instant of the next entry of either sort."""
        firsts = (self._first_event()[0], _clean(self._chores, self._entries))
        return min((first[0] for first in firsts if first is not None), default=None)

    def due(self, limit: int | None = None) -> list[Entry]:
        """Return the next events, at most `limit`, in the order in which they will happen."""
        events = (entry for entry in self._all() if entry.kind not in HOUSEKEEPING)
        return nsmallest(len(self) if limit is None else limit, events, key=_key)

    def listing(self, limit: int) -> Generator[None, None, list[Entry]]:
        """Do as `due`, as long work: it yields after each piece."""
        entries = list(self._all())
        pieces = []
        for start in range(0, len(entries), ENTRIES_A_PIECE):
            events = (entry for entry in entries[start : start + ENTRIES_A_PIECE] if entry.kind not in HOUSEKEEPING)
            pieces.append(sorted(events, key=_key))
            yield
        found = []
        for entry in islice(merge(*pieces, key=_key), limit):
            found.append(entry)
            if not len(found) % ENTRIES_A_PIECE:
                yield
        return found

    def listed(self) -> list[Entry]:
        """Return all entries in order of scheduling, for a snapshot."""
        return sorted(self._all(), key=lambda entry: entry.seq)

    def containers(self) -> list[Any]:
        """Return what holds the entries, to be freed in slices once the timeline is let go."""
        lanes = (held for lane in self._lanes.values() for held in (lane.entries, lane.heap))
        return [self._entries, self._events, self._chores, self._firsts, *lanes]

    def _all(self) -> Iterator[Entry]:
        return chain(self._entries.values(), *(lane.entries.values() for lane in self._lanes.values()))

    def _lane(self, queue: str) -> _Lane:
        lane = self._lanes.get(queue)
        if lane is None:
            lane = self._lanes[queue] = _Lane()
        return lane

    def _add(self, entry: Entry) -> None:
        key = (entry.due_ms, entry.seq)
        if entry.queue is None:
            self._entries[entry.seq] = entry
            _push(self._chores if entry.kind in HOUSEKEEPING else self._events, key, self._entries)
            return
        lane = self._lane(entry.queue)
        lane.entries[entry.seq] = entry
        _push(lane.heap, key, lane.entries)
        if lane.promised is None or key < lane.promised:
            self._promise(lane, entry.queue, key)

    def _promise(self, lane: _Lane, queue: str, key: Key) -> None:
        lane.promised = key
        heappush(self._firsts, (*key, queue))
        if len(self._firsts) > 2 * len(self._lanes) + 1000:
            lanes = self._lanes.items()
            self._firsts = [(*lane.promised, name) for name, lane in lanes if lane.promised is not None]
            heapify(self._firsts)

    def _first_event(self) -> tuple[Key | None, _Lane | None]:
        """Return the key of the next event, and the lane that it stands in."""
        event = _clean(self._events, self._entries)
        while self._firsts and (event is None or self._firsts[0] < event):
            due_ms, seq, queue = self._firsts[0]
            lane = self._lanes.get(queue)
            first = None if lane is None else lane.first()
            if lane is not None and lane.promised == (due_ms, seq) == first:
                return first, lane
            heappop(self._firsts)
            if lane is not None and lane.promised == (due_ms, seq):
                lane.promised = None
                if first is not None:
                    self._promise(lane, queue, first)
        return event, None


def _key(entry: Entry) -> Key:
    return entry.due_ms, entry.seq


def _push(heap: list[Key], key: Key, entries: dict[int, Entry]) -> None:
    heappush(heap, key)
    if len(heap) > 2 * len(entries) + 1000:
        heap[:] = [item for item in heap if item[1] in entries]
        heapify(heap)


def _clean(heap: list[Key], entries: dict[int, Entry]) -> Key | None:
    """Return the first key of a heap whose entry is still to come."""
    while heap and heap[0][1] not in entries:
        heappop(heap)
    return heap[0] if heap else None
