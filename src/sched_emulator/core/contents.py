"""What a queue holds: its messages, where each of them is, and the pushes that have begun.

`enter` and `leave` are the only ways in and out of a place, so a message is in exactly one, and every question about a
queue costs O(log n). Nobody else holds a message, so that a purge or the end of a queue lets them go by assignment.
The places are derived from the messages and never part of a snapshot.
"""

from collections import OrderedDict
from typing import Any

from .paging import PagedIndex
from .ranked import PrioritySet, RankedSet
from .records import Delivery, Message


class Shelf:
    """Messages by id, in order of arrival, and the dead letters among them by the queue that they came from."""

    def __init__(self) -> None:
        self.messages: OrderedDict[str, Message] = OrderedDict()
        self.dead: dict[str, PagedIndex[Message]] = {}

    def oldest(self) -> Message | None:
        """Return the message that arrived first."""
        return next(iter(self.messages.values()), None)

    def list_dead(self, message: Message) -> None:
        """List a dead letter."""
        self.dead.setdefault(message.origin, PagedIndex()).add(message.arrival, message)

    def unlist_dead(self, message: Message) -> None:
        """Take a message off the list of dead letters."""
        index = self.dead[message.origin]
        index.discard(message.arrival)
        if not index:
            del self.dead[message.origin]

    def disown(self, origin: str, heir: str) -> None:
        """Make dead letters of a queue that has gone those of the queue that holds them."""
        orphans = self.dead.pop(origin, None)
        if orphans is None:
            return
        for message in orphans.items.values():
            message.origin = heir
        own = self.dead.setdefault(heir, orphans)
        if own is not orphans:
            own.join(orphans)


class Live(Shelf):
    """The messages that can be consumed or will be, by place: a purge lets all of this go at once.

    FIFO alone fills `engaged` (in flight or waiting to retry) and `postponed` (published with a delay that is not
    over), both by position.
    """

    def __init__(self) -> None:
        super().__init__()
        self.deliveries: dict[str, Delivery] = {}
        self.clear_places()

    def clear_places(self) -> None:
        """Forget where the messages are."""
        self.available = PrioritySet()
        self.engaged = RankedSet()
        self.postponed = RankedSet()
        self.in_flight = 0
        self.delayed = 0

    def containers(self) -> list[Any]:
        """Return what holds the messages, to be freed in slices once this is let go."""
        ranks = [held for places in (self.available, self.engaged, self.postponed) for held in places.containers()]
        return [self.messages, self.deliveries, *(index.items for index in self.dead.values()), *ranks]


class Contents:
    """What one queue holds. `kept` has the dead messages that only dlq.list and redrive reach.

    `pushing` counts pushes under way, those too whose message has gone; `holders` names the queues that have held dead
    letters from here.
    """

    def __init__(self) -> None:
        self.fifo = False
        self.live = Live()
        self.kept = Shelf()
        self.pushing = 0
        self.holders: dict[str, None] = {}

    def find(self, message_id: str) -> Message | None:
        """Return a message held here."""
        return self.live.messages.get(message_id) or self.kept.messages.get(message_id)

    def shelf_of(self, message: Message) -> Shelf:
        """Return where a message held here lies."""
        return self.kept if message.place == "dead" else self.live

    def enter(self, message: Message) -> None:
        """Count a message in at its place."""
        place, message_id = message.place, message.message_id
        self.shelf_of(message).messages.setdefault(message_id, message)
        live = self.live
        if place == "available":
            live.available.add(message_id, message.position, message.priority)
            return
        if place == "in_flight":
            live.in_flight += 1
        elif place == "delayed":
            live.delayed += 1
        if self.fifo and place != "dead":
            engaged = place == "in_flight" or message.retrying
            (live.engaged if engaged else live.postponed).add(message_id, message.position)

    def leave(self, message: Message) -> None:
        """Take a message out of its place; it keeps its turn in retention until `forget`."""
        live = self.live
        if message.place == "available":
            live.available.discard(message.message_id, message.priority)
        elif message.place == "in_flight":
            live.in_flight -= 1
        elif message.place == "delayed":
            live.delayed -= 1
        if self.fifo:
            live.engaged.discard(message.message_id)
            live.postponed.discard(message.message_id)

    def forget(self, message: Message) -> None:
        """Take a message out of the queue."""
        self.leave(message)
        del self.shelf_of(message).messages[message.message_id]

    def arrange(self, *, fifo: bool) -> None:
        """Put every message in its place anew: after a restore, or when the queue has become another type's."""
        self.fifo = fifo
        self.live.clear_places()
        for message in self.live.messages.values():
            self.enter(message)

    def purge(self) -> list[Any]:
        """Let go of everything but the dead messages kept; return what held it, to be freed in slices."""
        live, self.live = self.live, Live()
        return live.containers()

    def containers(self) -> list[Any]:
        """Return what holds the messages, to be freed in slices once this is let go."""
        return [*self.live.containers(), self.kept.messages, *(index.items for index in self.kept.dead.values())]
