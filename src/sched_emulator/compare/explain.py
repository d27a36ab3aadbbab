"""A part, replayed in all worlds at once: as far as they come, what they refute, and where the last of them ends."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from sched_emulator.spec import assumptions

from .fields import Difference
from .parts import Part
from .read import Item
from .step import NONE, Freedom, Ground, Leaf, TooMany, Unrecorded, leaves
from .worlds import MOST_WORLDS, Box, World, beginning, merged, only_of

NEAR = 64  # exchanges before and after one that are looked at for having run beside it
MOST_TRIED = 10_000  # ways through steps that are tried of one part, in all its replays after the first
MOST_TRIED_A_STEP = 3  # beside those, for each of its steps
KEPT_STEPS = 300  # of which the worlds are kept, to go on from there under another constant or one answer alone
KEPT_EVERY = 100  # steps, of those after them
READS = frozenset({"get", "list", "stats"})


@dataclass(slots=True)
class Explained:
    """What became of a part. `refuted`: the exchange by which an answer was left by no world.

    `numbers` are those of the exchanges that came out as recorded, `steps` how many exchanges it came to. `ended` says
    why not all of it could be judged; `item` and `difference` are where the last world ended, `all_differences` those
    of all worlds. `ambiguous`: constants of which one or another may explain what came. `before` has the worlds before
    some of the exchanges: the first, every so many, and those that refuted an answer.
    """

    worlds: list[World]
    constants: Mapping[str, str | int]
    refuted: dict[tuple[str, str], Item] = field(default_factory=dict)
    asked: dict[str, int] = field(default_factory=dict)
    numbers: set[int] = field(default_factory=set)
    steps: int = 0
    ended: str = ""
    item: Item | None = None
    difference: Difference | None = None
    freedom: Freedom = NONE
    all_differences: frozenset[str] = frozenset()
    late_ms: int = 0
    reached: int = 0
    ambiguous: set[str] = field(default_factory=set)
    before: dict[int, list[World]] = field(default_factory=dict)

    @property
    def finding(self) -> bool:
        """Whether something came that no world explains."""
        return self.difference is not None


def constants_by_default() -> dict[str, str | int]:
    """Return the constants by default."""
    return {name: item.default for name, item in assumptions.catalogue().items() if item.kind == "constant"}


def replayed(
    part: Part,
    constants: Mapping[str, str | int],
    box: Box,
    *,
    freedom: Freedom = NONE,
    like: tuple[Explained, str] | None = None,
    only: tuple[Explained, str] | None = None,
    bounded: bool = True,
) -> Explained:
    """Replay a part from its beginning, under these constants and every answer in the box.

    `bounded`: give up where too much was tried of the part. `like` is a replay that differed in one constant alone: up
    to where that was first asked, it was the same. `only` is one whose box held more answers to one question: up to
    where it was left without those of this box, it had the same worlds among others.
    """
    ground = Ground(part, constants, freedom, bounded)
    start_ms = min(item.low_ms for item in part.items) - part.width_ms
    found = Explained([beginning(max(start_ms, 0), box, part.width_ms)], constants, asked=ground.asked, freedom=freedom)
    first = 0
    if like is not None:
        first = _resumed(found, part, like[0], like[0].asked[like[1]])
    elif only is not None:
        first = _narrowed(found, part, *only, box[only[1]])
    for step, item in enumerate(part.items[first:], first):
        found.steps = step
        if step < KEPT_STEPS or step % KEPT_EVERY == 0:
            found.before[step] = found.worlds
        if item.doubt:
            found.ended = f"{item.place}: {item.passed}, yet it was done"
        elif not item.passed or item.status is None:
            try:
                _step(found, ground, item, apart=_apart(part, step))
            except (TooMany, Unrecorded) as reason:
                found.ended = _why(reason)
        if found.ended or found.finding:
            return found
    found.steps = len(part.items)
    found.late_ms = ground.late_ms
    return found


def _step(found: Explained, ground: Ground, item: Item, *, apart: bool) -> None:
    """Go on by an exchange in all worlds. TooMany and Unrecorded where that cannot be done."""
    after = [leaf for world in found.worlds for leaf in leaves(ground, world, item, apart=apart)]
    ground.part.tried += len(after)
    if ground.bounded and ground.part.tried > MOST_TRIED + MOST_TRIED_A_STEP * len(ground.part.items):
        raise TooMany
    alive = [leaf for leaf in after if leaf.world is not None]
    if not apart and len(alive) < len(after):
        if item.operation.rpartition(".")[2] not in READS:
            found.ended = "exchanges that ran side by side came out in more ways than can be told"
        return
    if not alive:
        found.item, found.difference = item, _nearest(after)
        found.all_differences = frozenset(str(leaf.difference) for leaf in after)
        found.reached = max(leaf.reached for leaf in after)
        return
    worlds = merged([leaf.world for leaf in alive if leaf.world is not None], ground.width_ms)
    if sum(len(world.boxes) for world in worlds) > MOST_WORLDS:
        raise TooMany
    if _note(found, worlds, item):
        found.before[found.steps] = found.worlds
    found.worlds = worlds
    if item.status is not None:
        found.numbers.add(item.number)


def _resumed(found: Explained, part: Part, other: Explained, number: int) -> int:
    """Take over what another replay came to before an exchange; return the number of the next step."""
    latest = next(step for step, item in enumerate(part.items) if item.number == number)
    first = max(step for step in other.before if step <= latest)
    found.worlds = other.before[first]
    found.before = {step: worlds for step, worlds in other.before.items() if step < first}
    numbers = {item.number for item in part.items[:first]}
    found.asked.update({each: number for each, number in other.asked.items() if number in numbers})
    found.refuted = {each: item for each, item in other.refuted.items() if item.number in numbers}
    found.numbers = other.numbers & numbers
    return first


def _narrowed(found: Explained, part: Part, other: Explained, question: str, answers: frozenset[str]) -> int:
    """Take over what another replay came to with these answers to a question; return the number of the next step."""
    numbers = {other.refuted[question, answer].number for answer in answers}
    first = _resumed(found, part, other, min(numbers))
    worlds = {step: [only_of(world, question, answers) for world in held] for step, held in other.before.items()}
    kept = {step: [world for world in held if world.boxes] for step, held in worlds.items() if step <= first}
    found.worlds = kept.pop(first)
    found.before = kept
    return first


def _why(reason: Exception) -> str:
    if isinstance(reason, Unrecorded):
        return f"what {reason} answered was not recorded"
    return "there are more ways in which it may have come about than can be tried"


def _apart(part: Part, step: int) -> bool:
    """Whether no other exchange ran beside one; what was found is kept for the next replay."""
    found = part.apart.get(step)
    if found is None:
        item = part.items[step]
        near = [*part.items[max(0, step - NEAR) : step], *part.items[step + 1 : step + NEAR + 1]]
        found = part.apart[step] = not any(
            other.raw.sent_at_ms < item.raw.received_at_ms and item.raw.sent_at_ms < other.raw.received_at_ms
            for other in near
        )
    return found


def _nearest(after: list[Leaf]) -> Difference:
    """Return the difference to be told: that of the answers that are in force by default, if it is among them."""
    usual = assumptions.defaults()
    told = [leaf for leaf in after if leaf.difference is not None]
    told.sort(key=lambda leaf: sum(usual[name] != answer for name, answer in leaf.answers.items()))
    found = told[0].difference
    assert found is not None
    return found


def _note(found: Explained, worlds: list[World], item: Item) -> bool:
    """Note which answers no world has any longer; return whether there are any."""
    known = len(found.refuted)
    names = {name for world in (*found.worlds, *worlds) for box in world.boxes for name in box}
    for name in names:
        before = frozenset[str]().union(*(world.left(name) for world in found.worlds))
        after = frozenset[str]().union(*(world.left(name) for world in worlds))
        for answer in sorted(before - after):
            found.refuted.setdefault((name, answer), item)
    return len(found.refuted) > known
