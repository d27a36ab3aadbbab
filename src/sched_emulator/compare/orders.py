"""Exchanges that ran side by side, in all orders in which they may have been performed.

Of a chain every order is followed as long as all comes out as recorded; where more than six may be the next, it is not
judged.
"""

from dataclasses import replace
from typing import NamedTuple

from .chains import Chains
from .doubt import queues_of
from .parts import Part
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
    """The chain that a replay is in. `worlds` are those before it; `again`: it was tried in all orders.

    `doubtful` is the first exchange of it of which nobody can tell what was asked, and that was or may have been done.
    """

    def __init__(self, part: Part) -> None:
        self._all, self._chains = part.items, part.chains
        self.start, self.end, self.again, self._ordered = -1, 0, False, False
        self.worlds: list[World] = []
        self.doubtful: Item | None = None

    @property
    def promised(self) -> bool:
        """Whether all its orders are to be followed: it is about a FIFO queue, and later ones may show its order."""
        return self._ordered and not self.again

    @property
    def apart(self) -> bool:
        """Whether it is one exchange, beside which no other ran."""
        return self.end - self.start == 1

    @property
    def items(self) -> list[Item]:
        """What is to be performed."""
        chain = self._all[self.start : self.end]
        return [item for item in chain if not item.passed or item.status is None]

    def reach(self, step: int, worlds: list[World]) -> bool:
        """Go on to a step, before which there are these worlds; whether a chain begins there."""
        starts, start = self._chains.starts, self._chains.starts[step]
        if start == self.start:
            return False
        self.start, self.again, self.worlds = start, False, worlds
        self.end = next((n for n in range(step, len(starts)) if starts[n] != start), len(starts))
        self.doubtful = next((item for item in self._all[start : self.end] if item.doubt), None)
        items = self.items
        self._ordered = len(items) > 1 and any(item.arguments.get("queue") in self._chains.fifo for item in items)
        return True


def in_doubt(world: World, items: list[Item]) -> World:
    """Return a world in which nobody knows what the queues of these exchanges hold."""
    doubt = world.doubt
    for item in items:
        for name in queues_of(item):
            doubt = doubt.of(("queue", name), hazy=True)
    return replace(world, doubt=doubt)


def in_any_order(ground: Ground, worlds: list[World], chain: list[Item]) -> Ordered:
    """Follow all orders of a chain. TooMany where there are more than can be followed."""
    level: dict[_Done, list[World]] = {_Done(): worlds}
    for _ in chain:
        following: dict[_Done, list[Leaf]] = {}
        failed: list[tuple[Item, Leaf]] = []
        for done, reached in level.items():
            numbers = _next(chain, done, ground.part.chains)
            for world in reached if len(numbers) > 1 else ():
                world.held.keep()
            for number in numbers:
                found = [leaf for world in reached for leaf in leaves(ground, world, chain[number], apart=True)]
                ground.part.tried += len(found)
                following.setdefault(done.with_(number), []).extend(leaf for leaf in found if leaf.world is not None)
                failed += [(chain[number], leaf) for leaf in found if leaf.world is None]
        level = {
            done: merged([leaf.world for leaf in alive if leaf.world is not None], ground.width_ms, rough=True)
            for done, alive in following.items()
            if alive
        }
        if not level:
            item = min((item for item, _ in failed), key=lambda item: (item.high_ms, item.number))
            return Ordered([], item, [leaf for each, leaf in failed if each is item])
        if sum(map(len, level.values())) > MOST_STATES:
            raise TooMany
    return Ordered([world for reached in level.values() for world in reached])


def _next(chain: list[Item], done: _Done, chains: Chains) -> list[int]:
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
    return [n for n in candidates if not any(chains.came_first(chain[m], chain[n]) for m in candidates)]
