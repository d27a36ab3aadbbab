"""The facts of a sandbox: requests and delivery attempts, in one numbering, the oldest dropped past a bound.

The bound is one of bytes over both sorts, and one of entries for each. An entry that alone would take too much of it is
kept without its body and its answer.
"""

from collections import deque
from collections.abc import Callable

from msgspec.structs import replace

from . import kept
from .kept import KEEP_BYTES, KEEP_ENTRIES
from .records import DeliveryEntry, Exchange, RequestEntry


class Journal:
    """Requests and delivery attempts, newest last. `seq` counts over both, `weight` is what both weigh.

    `ended` hears of each delivery attempt that has ended while it was kept.
    """

    ended: Callable[[DeliveryEntry], object] | None = None

    def __init__(
        self,
        requests: list[RequestEntry],
        deliveries: list[DeliveryEntry],
        *,
        seq: int = 0,
        dropped_requests: int = 0,
        dropped_deliveries: int = 0,
        keep_bytes: int = KEEP_BYTES,
        keep_entries: int = KEEP_ENTRIES,
    ) -> None:
        self.requests = deque(requests)
        self.deliveries = deque(deliveries)
        self.seq = seq
        self.dropped_requests = dropped_requests
        self.dropped_deliveries = dropped_deliveries
        self._by_seq = {entry.seq: entry for entry in deliveries}
        self._weights = {entry.seq: kept.of_delivery(entry) for entry in deliveries}
        self._most = keep_entries
        self._bound = kept.journal_bytes(keep_bytes)
        self._longest = kept.longest_bytes(keep_bytes)
        self.weight = sum(self._weights.values()) + sum(kept.of_exchange(entry.exchange) for entry in requests)
        self._drop()

    def next_seq(self) -> int:
        """Return the number of the next fact, and count it."""
        self.seq += 1
        return self.seq

    def fitted(self, exchange: Exchange) -> tuple[Exchange, int]:
        """Return a request as it is kept, without its body and answer when these are too long, and its weight."""
        weight = kept.of_exchange(exchange)
        if weight > self._longest:
            exchange = replace(exchange, body=None, response=b"null", ignored=[], not_kept_bytes=weight)
            weight = kept.of_exchange(exchange)
        return exchange, weight

    def add_request(self, entry: RequestEntry, weight: int) -> None:
        """Keep a request; its exchange has been `fitted`."""
        self.requests.append(entry)
        self.weight += weight
        if len(self.requests) > self._most:
            self._drop_request()
        if self.weight > self._bound:
            self._drop()

    def add_delivery(self, entry: DeliveryEntry) -> None:
        """Keep a delivery attempt."""
        weight = kept.of_delivery(entry)
        if weight > self._longest:
            entry.body, entry.headers, entry.not_kept_bytes = None, {}, weight
            weight = kept.of_delivery(entry)
        self.deliveries.append(entry)
        self._by_seq[entry.seq] = entry
        self._grow(entry.seq, weight)

    def end_delivery(self, entry: DeliveryEntry) -> None:
        """Take notice that a delivery attempt which is still kept has been answered."""
        self._grow(entry.seq, kept.of_answer(entry))
        if self.ended is not None:
            self.ended(entry)

    def delivery(self, seq: int) -> DeliveryEntry | None:
        """Return a delivery attempt, or None when it is no longer kept."""
        return self._by_seq.get(seq)

    def _grow(self, seq: int, weight: int) -> None:
        self._weights[seq] = self._weights.get(seq, 0) + weight
        self.weight += weight
        if self.weight > self._bound or len(self.deliveries) > self._most:
            self._drop()

    def _drop(self) -> None:
        """Drop the oldest facts until all bounds hold."""
        while len(self.requests) > self._most:
            self._drop_request()
        while len(self.deliveries) > self._most:
            self._drop_delivery()
        while self.weight > self._bound:
            if not self.deliveries or (self.requests and self.requests[0].seq < self.deliveries[0].seq):
                self._drop_request()
            else:
                self._drop_delivery()

    def _drop_request(self) -> None:
        self.weight -= kept.of_exchange(self.requests.popleft().exchange)
        self.dropped_requests += 1

    def _drop_delivery(self) -> None:
        seq = self.deliveries.popleft().seq
        del self._by_seq[seq]
        self.weight -= self._weights.pop(seq)
        self.dropped_deliveries += 1
