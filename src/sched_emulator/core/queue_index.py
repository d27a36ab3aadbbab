"""Where a queue's messages are, so that every question about a queue costs O(log n).

Derived from the messages, never part of a snapshot. `enter` and `leave` are the only ways in and out of a place, so a
message is in exactly one.
"""

from collections import OrderedDict

from .paging import PagedIndex
from .ranked import Rank, RankedSet
from .records import Message


class QueueIndex:
    """The messages that one queue holds, by place, and the dead letters listed under its name."""

    def __init__(self, *, fifo: bool) -> None:
        self.fifo = fifo
        self.available = RankedSet()
        self.engaged = RankedSet()  # FIFO: in flight or waiting to retry, by position
        self.postponed = RankedSet()  # FIFO: published with a delay that is not over, by position
        self.held: OrderedDict[str, None] = OrderedDict()  # every message that is not dead, by arrival
        self.kept: OrderedDict[str, None] = OrderedDict()  # every dead one that only dlq.list and redrive reach
        self.dead = PagedIndex()  # dead letters that came from here or are held here, by arrival
        self.in_flight = 0
        self.delayed = 0
        self.pushing = 0

    def enter(self, message: Message, rank: Rank) -> None:
        """Count a message in at its place; `rank` is its rank among the available ones."""
        message_id = message.message_id
        if message.place == "dead":
            self.kept[message_id] = None
            return
        self.held.setdefault(message_id)
        if message.place == "available":
            self.available.add(message_id, rank)
            return
        if message.place == "in_flight":
            self.in_flight += 1
        else:
            self.delayed += 1
        if self.fifo:
            engaged = message.place == "in_flight" or message.retrying
            (self.engaged if engaged else self.postponed).add(message_id, (0, message.position))

    def leave(self, message: Message) -> None:
        """Take a message out of its place; it keeps its turn in retention until `forget`."""
        message_id = message.message_id
        if message.place == "available":
            self.available.discard(message_id)
        elif message.place == "in_flight":
            self.in_flight -= 1
        elif message.place == "delayed":
            self.delayed -= 1
        if self.fifo:
            self.engaged.discard(message_id)
            self.postponed.discard(message_id)

    def forget(self, message: Message) -> None:
        """Take a message out of the queue."""
        self.leave(message)
        self.held.pop(message.message_id, None)
        self.kept.pop(message.message_id, None)

    def oldest(self) -> list[str]:
        """Return the ids that retention looks at first: the oldest held, the oldest dead one kept."""
        return [next(iter(ids)) for ids in (self.held, self.kept) if ids]
