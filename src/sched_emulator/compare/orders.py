"""Exchanges that ran side by side, in all orders in which they may have been performed.

One exchange came before another for certain only where it was answered before the other was sent. A *chain* is as many
exchanges as hang together by running side by side; after it there is one order again. Of a chain every order is
followed as long as all comes out as recorded; where more than six may be the next, it is not judged.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

from .doubt import queues_of
from .read import Item
from .step import Ground, Leaf, TooMany, leaves
from .worlds import World, merged

MOST_AT_ONCE = 6
MOST_STATES = 200  # that orders of one chain may lead to at a time
LOOKED_AT = 64  # exchanges after the first that is left, which may run beside it


class Ordered(NamedTuple):
    """The worlds after a chain; where there are none, the exchange that came furthest and how it failed."""

    worlds: list[World]
    item: Item | None = None
    failed: list[Leaf] = []  # noqa: RUF012 - of a tuple, never changed


class _Done(NamedTuple):
    """Which exchanges of a chain are done: the first so many, and some after them."""

    first: int = 0
    more: frozenset[int] = frozenset()

    def with_(self, number: int) -> "_Done":
        first, more = self.first, self.more | {number}
        while first in more:
            more -= {first}
            first += 1
        return _Done(first, more)


class Chain:
    """The chain that a replay is in. `worlds` are those before it; `again`: it was tried in all orders."""

    def __init__(self, items: list[Item]) -> None:
        self._all = items
        self._starts = _starts(items)
        self._fifo = {name for item in items for name in _fifo_queues(item)}
        self.start, self.end, self.again, self._ordered = -1, 0, False, False
        self.worlds: list[World] = []

    @property
    def promised(self) -> bool:
        """Whether all its orders are to be followed: it is about a FIFO queue, and later ones may show its order."""
        return self._ordered and not self.again

    def start_of(self, step: int) -> int:
        """Return where the chain of a step begins."""
        return self._starts[step]

    @property
    def items(self) -> list[Item]:
        """What is to be performed."""
        chain = self._all[self.start : self.end]
        return [item for item in chain if not item.passed or item.status is None]

    def reach(self, step: int, worlds: list[World]) -> None:
        """Go on to a step, before which there are these worlds."""
        start = self._starts[step]
        if start != self.start:
            self.start, self.again, self.worlds = start, False, worlds
            self.end = next((n for n in range(step, len(self._all)) if self._starts[n] != start), len(self._all))
            items = self.items
            self._ordered = len(items) > 1 and any(item.arguments.get("queue") in self._fifo for item in items)


def in_doubt(world: World, items: list[Item]) -> World:
    """Return a world in which nobody knows what the queues of these exchanges hold."""
    doubt = world.doubt
    for item in items:
        for name in queues_of(item):
            doubt = doubt.of(("queue", name), hazy=True)
    return replace(world, doubt=doubt)


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


def in_any_order(ground: Ground, worlds: list[World], chain: list[Item]) -> Ordered:
    """Follow all orders of a chain. TooMany where there are more than can be followed."""
    before = _Before(ground.part.items)
    level: dict[_Done, list[World]] = {_Done(): worlds}
    for _ in chain:
        following: dict[_Done, list[Leaf]] = {}
        failed: list[tuple[Item, Leaf]] = []
        for done, reached in level.items():
            for number in _next(chain, done, before):
                found = [leaf for world in reached for leaf in leaves(ground, world, chain[number], apart=True)]
                ground.part.tried += len(found)
                following.setdefault(done.with_(number), []).extend(leaf for leaf in found if leaf.world is not None)
                failed += [(chain[number], leaf) for leaf in found if leaf.world is None]
        level = {
            done: merged([leaf.world for leaf in alive if leaf.world is not None], rough=True)
            for done, alive in following.items()
            if alive
        }
        if not level:
            item = min((item for item, _ in failed), key=lambda item: (item.high_ms, item.number))
            return Ordered([], item, [leaf for each, leaf in failed if each is item])
        if sum(map(len, level.values())) > MOST_STATES:
            raise TooMany
    return Ordered([world for reached in level.values() for world in reached])


def _next(chain: list[Item], done: _Done, before: "_Before") -> list[int]:
    """Return the exchanges that may have been performed next."""
    near = range(done.first, min(done.first + LOOKED_AT, len(chain)))
    left = [number for number in near if number not in done.more]
    answered_ms = min(chain[number].raw.received_at_ms for number in left)
    candidates = [
        number
        for number in left
        if chain[number].raw.sent_at_ms < answered_ms or chain[number].raw.received_at_ms == answered_ms
    ]
    if len(candidates) > MOST_AT_ONCE:
        raise TooMany
    return [n for n in candidates if not any(before.came_first(chain[m], chain[n]) for m in candidates)]


class _Before:
    """Which message of a FIFO queue was published first, by which one was handed out first."""

    def __init__(self, items: list[Item]) -> None:
        self._shown: dict[str, tuple[Item, int]] = {}
        for item in items:
            if item.operation == "scheduling.queue.consume" and item.succeeded:
                for place, message in enumerate(item.result.get("messages", ())):
                    self._shown.setdefault(message.get("message_id"), (item, place))
        self._fifo = {name for item in items for name in _fifo_queues(item)}
        self._unsteady = {item.arguments.get("queue") for item in items if _may_take_unseen(item)}

    def came_first(self, one: Item, other: Item) -> bool:
        """Whether the one exchange has published a message before the other did, or nobody can ever tell."""
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
        return plain and item.arguments["queue"] in self._fifo


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
