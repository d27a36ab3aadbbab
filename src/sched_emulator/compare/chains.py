"""What came before what, of exchanges that ran side by side.

One exchange came before another for certain only where it was answered before the other was sent. A *chain* is as many
exchanges as hang together by running side by side; after it there is one order again.
"""

from collections.abc import Iterator

from .read import Item


class Chains:
    """The chains of exchanges. `starts`: of each exchange, where its chain begins; `fifo`: queues that are FIFO."""

    def __init__(self, items: list[Item]) -> None:
        self.starts = _starts(items)
        self.fifo = {name for item in items for name in _fifo_queues(item)}
        self._unsteady = {item.arguments.get("queue") for item in items if _may_take_unseen(item)}
        self._shown: dict[str, tuple[Item, int]] = {}  # which exchange handed out a message first, at which place
        for item in items:
            if item.operation == "scheduling.queue.consume" and item.succeeded:
                for place, message in enumerate(item.result.get("messages", ())):
                    self._shown.setdefault(message.get("message_id"), (item, place))

    def came_first(self, one: Item, other: Item) -> bool:
        """Whether one exchange published to a FIFO queue before the other did, or nobody can ever tell."""
        if one is other or not all(self._publishes(each) for each in (one, other)):
            return False
        if one.arguments["queue"] != other.arguments["queue"] or one.arguments["queue"] in self._unsteady:
            return False
        shown, after = (self._shown.get(each.result.get("message_id")) for each in (one, other))
        if shown is None or after is None:  # what was handed out came before what never was
            return one.number < other.number if shown is after else after is None
        if shown[0] is after[0]:
            return shown[1] < after[1]
        return shown[0].raw.received_at_ms <= after[0].raw.sent_at_ms

    def _publishes(self, item: Item) -> bool:
        plain = item.operation == "scheduling.queue.publish" and item.succeeded and not item.arguments.get("delay_ms")
        return plain and item.arguments["queue"] in self.fifo


def _starts(items: list[Item]) -> list[int]:
    """Return for each exchange, in the order of answers, the number of the first one of its chain."""
    earliest_ms, earliest = float("inf"), []
    for item in reversed(items):
        earliest_ms = min(earliest_ms, item.raw.sent_at_ms)
        earliest.append(earliest_ms)
    earliest.reverse()
    starts: list[int] = []
    answered_ms = -1
    for number, item in enumerate(items):
        starts.append(number if answered_ms <= earliest[number] else starts[-1])
        answered_ms = max(answered_ms, item.raw.received_at_ms)
    return starts


def _may_take_unseen(item: Item) -> bool:
    """Whether an exchange may take messages out of a queue that no answer shows."""
    what = item.operation.removeprefix("scheduling.queue.")
    return what in {"purge", "push_subscribe", "delete", "update"} or (what == "consume" and item.status is None)


def _fifo_queues(item: Item) -> Iterator[str]:
    """Yield the queues that an answer shows to be FIFO."""
    result = item.result if isinstance(item.result, dict) else {}
    if item.operation.startswith("scheduling.queue."):
        for record in (result, *result.get("items", ())):
            if record.get("type") == "fifo":
                yield str(record.get("queue"))
