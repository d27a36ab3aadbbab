"""The facts of a sandbox: requests and delivery attempts, in one numbering, the oldest dropped past a bound."""

from collections import deque

from .records import DeliveryEntry, RequestEntry

REQUESTS_KEPT = 10_000
DELIVERIES_KEPT = 10_000


class Journal:
    """Requests and delivery attempts, newest last. `seq` counts over both."""

    def __init__(
        self,
        requests: list[RequestEntry],
        deliveries: list[DeliveryEntry],
        *,
        seq: int = 0,
        dropped_requests: int = 0,
        dropped_deliveries: int = 0,
    ) -> None:
        self.requests = deque(requests)
        self.deliveries = deque(deliveries)
        self.seq = seq
        self.dropped_requests = dropped_requests
        self.dropped_deliveries = dropped_deliveries
        self._by_seq = {entry.seq: entry for entry in deliveries}

    def next_seq(self) -> int:
        """Return the number of the next fact, and count it."""
        self.seq += 1
        return self.seq

    def add_request(self, entry: RequestEntry) -> None:
        """Keep a request."""
        self.requests.append(entry)
        if len(self.requests) > REQUESTS_KEPT:
            self.requests.popleft()
            self.dropped_requests += 1

    def add_delivery(self, entry: DeliveryEntry) -> None:
        """Keep a delivery attempt."""
        self.deliveries.append(entry)
        self._by_seq[entry.seq] = entry
        if len(self.deliveries) > DELIVERIES_KEPT:
            del self._by_seq[self.deliveries.popleft().seq]
            self.dropped_deliveries += 1

    def delivery(self, seq: int) -> DeliveryEntry | None:
        """Return a delivery attempt, or None when it is no longer kept."""
        return self._by_seq.get(seq)
