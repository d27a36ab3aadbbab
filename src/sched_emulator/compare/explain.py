"""A part, replayed in all worlds at once: as far as they come, what they refute, and where the last of them ends."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from sched_emulator.spec import assumptions

from .deliveries import Unrecorded
from .doubt import at_first
from .fields import Difference
from .found import as_answered, record_and_field
from .orders import Chain, in_any_order, in_doubt
from .parts import Part
from .read import Item
from .step import NONE, Freedom, Ground, Leaf, TooMany, leaves
from .worlds import MOST_WORLDS, Box, World, beginning, merged, only_of

MOST_TRIED = 10_000  # ways through steps that are tried of one part, in all its replays after the first
MOST_TRIED_A_STEP = 3  # beside those, for each of its steps
MOST_DIFFERENCES = 20  # of one exchange, after findings
KEPT_STEPS = 300  # of which the worlds are kept, to go on from there under another constant or one answer alone
KEPT_EVERY = 100  # steps, of those after them
READS = frozenset({"get", "list", "stats"})


@dataclass(slots=True)
class Explained:
    """What became of a part. `refuted`: the exchange by which an answer was left by no world.

    `numbers` are those of the exchanges that were compared, `passed` says why others were not, `steps` is how many
    exchanges it came to. `ended` says why not all of it could be judged; `item` and `difference` are where the last
    world ended, `all_differences` those of all worlds. `ambiguous`: constants of which one or another may explain what
    came. `before` has the worlds before some of the exchanges: many of the first, every so many, and those that refuted
    an answer. `unordered`: from where on nobody can tell in which order a queue hands out.
    """

    worlds: list[World]
    constants: Mapping[str, str | int]
    refuted: dict[tuple[str, str], Item] = field(default_factory=dict)
    asked: dict[str, int] = field(default_factory=dict)
    numbers: set[int] = field(default_factory=set)
    passed: dict[int, str] = field(default_factory=dict)
    steps: int = 0
    ended: str = ""
    item: Item | None = None
    difference: Difference | None = None
    freedom: Freedom = NONE
    all_differences: frozenset[str] = frozenset()
    late_ms: int = 0
    reached: int = 0
    unordered: Item | None = None
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
    like: tuple[Explained, int] | None = None,
    only: tuple[Explained, str] | None = None,
    bounded: bool = True,
) -> Explained:
    """Replay a part from its beginning, under these constants and every answer in the box.

    `bounded`: give up where too much was tried of the part. `like` is a replay that was the same before an exchange:
    that which first asked a constant, or the one of a finding. `only` is one whose box held more answers to one
    question: up to where it was left without those of this box, it had the same worlds among others.
    """
    ground = Ground(part, constants, freedom, bounded)
    start_ms = min(item.low_ms for item in part.items) - part.width_ms
    found = Explained([], constants, asked=ground.asked, freedom=freedom)
    step = 0
    if like is not None:
        step = _resumed(found, part, *like)
    elif only is not None:
        step = _narrowed(found, part, *only, box[only[1]])
    else:
        found.worlds = [beginning(max(start_ms, 0), box, part.width_ms, at_first(part))]
    chain = Chain(part)
    while step < len(part.items):
        item = part.items[step]
        found.steps = step
        if chain.reach(step, found.worlds) and (step < KEPT_STEPS or step >= max(found.before) + KEPT_EVERY):
            found.before[step] = found.worlds
        step += 1
        if (doubtful := chain.doubtful) is not None:
            done = "yet it was done" if doubtful.succeeded else "and it may have been done"
            found.ended = f"{doubtful.place}: {doubtful.passed}, {done}"
        elif not item.passed or item.status is None:
            try:
                if chain.promised or not _step(found, ground, chain, item):
                    step = _in_any_order(found, ground, chain, item)
            except (TooMany, Unrecorded) as reason:
                found.ended = _why(reason)
        if found.ended or found.finding:
            return found
    found.steps = len(part.items)
    found.late_ms = ground.late_ms
    return found


def _step(found: Explained, ground: Ground, chain: Chain, item: Item) -> bool:
    """Go on by an exchange in all worlds; whether that can be done. TooMany and Unrecorded where it cannot be told."""
    before = found.worlds
    after = _tried(ground, before, item, apart=chain.apart)
    alive = [leaf for leaf in after if leaf.world is not None]
    told: list[Difference] = []
    while not alive and len(told) < MOST_DIFFERENCES and _is_told(found.freedom, item, _nearest(after)):
        told.append(_nearest(after))
        again = told[-1].field in [each.field for each in told[:-1]]
        before = [as_answered(ground, world, item, told[-1], again=again) for world in before]
        after = _tried(ground, before, item, apart=chain.apart)
        alive = [leaf for leaf in after if leaf.world is not None]
    if not chain.apart and len(alive) < len(after):
        return item.operation.rpartition(".")[2] in READS
    if not alive:
        _differs(found, item, after)
        return True
    worlds = merged([leaf.world for leaf in alive if leaf.world is not None], ground.width_ms)
    if sum(len(world.boxes) for world in worlds) > MOST_WORLDS:
        raise TooMany
    _go_on(found, chain, worlds, item)
    if not told and all(world.passed for world in worlds):
        found.passed[item.number] = worlds[0].passed
    elif item.status is not None:
        found.numbers.add(item.number)
    return True


def _differs(found: Explained, item: Item, after: list[Leaf]) -> None:
    """Note where the last world ended."""
    found.item, found.difference = item, _nearest(after)
    found.all_differences = frozenset(str(leaf.difference) for leaf in after)
    found.reached = max(leaf.reached for leaf in after)


def _in_any_order(found: Explained, ground: Ground, chain: Chain, item: Item) -> int:
    """Go on by all that ran side by side with an exchange, in any order; return the number of the next step.

    Where it has to be done again, because its things are in doubt from now on, that is its first one.
    """
    if not chain.again:
        try:
            ordered = in_any_order(ground, chain.worlds, chain.items)
        except TooMany:
            found.unordered = found.unordered or item
            return _in_doubt(found, chain, [in_doubt(world, chain.items) for world in chain.worlds])
        if ordered.worlds:
            found.worlds = chain.worlds
            _go_on(found, chain, ordered.worlds, item)
            found.numbers.update(each.number for each in chain.items if each.status is not None)
            return chain.end
        assert ordered.item is not None
        difference = _nearest(ordered.failed)
        if not _is_told(found.freedom, ordered.item, difference):
            _differs(found, ordered.item, ordered.failed)
            return chain.end
        worlds = [as_answered(ground, world, ordered.item, difference, again=False) for world in chain.worlds]
        return _in_doubt(found, chain, [in_doubt(world, [ordered.item]) for world in worlds])
    found.ended = "exchanges that ran side by side came out in more ways than can be told"
    return chain.end


def _in_doubt(found: Explained, chain: Chain, worlds: list[World]) -> int:
    found.worlds, chain.again = worlds, True
    return chain.start


def _tried(ground: Ground, worlds: list[World], item: Item, *, apart: bool) -> list[Leaf]:
    """Return all that may become of worlds by an exchange."""
    after = [leaf for world in worlds for leaf in leaves(ground, world, item, apart=apart)]
    ground.part.tried += len(after)
    if ground.bounded and ground.part.tried > MOST_TRIED + MOST_TRIED_A_STEP * len(ground.part.items):
        raise TooMany
    return after


def _is_told(freedom: Freedom, item: Item, difference: Difference) -> bool:
    """Whether a difference is a finding that was told, or what came of one."""
    key = record_and_field(item, difference)
    return any(key == each[:2] and item.number >= each[2] for each in freedom.told)


def _resumed(found: Explained, part: Part, other: Explained, number: int) -> int:
    """Take over what another replay came to before an exchange; return the number of the next step."""
    latest = next(step for step, item in enumerate(part.items) if item.number == number)
    first = max(step for step in other.before if step <= part.chains.starts[latest])
    found.worlds = other.before[first]
    found.before = {step: worlds for step, worlds in other.before.items() if step < first}
    numbers = {item.number for item in part.items[:first]}
    found.asked.update({each: number for each, number in other.asked.items() if number in numbers})
    found.refuted = {each: item for each, item in other.refuted.items() if item.number in numbers}
    found.numbers = other.numbers & numbers
    if other.unordered is not None and other.unordered.number in numbers:
        found.unordered = other.unordered
    found.passed = {number: why for number, why in other.passed.items() if number in numbers}
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


def _nearest(after: list[Leaf]) -> Difference:
    """Return the difference to be told: that of the answers that are in force by default, if it is among them."""
    usual = assumptions.defaults()
    told = [leaf for leaf in after if leaf.difference is not None]
    told.sort(key=lambda leaf: sum(usual[name] != answer for name, answer in leaf.answers.items()))
    found = told[0].difference
    assert found is not None
    return found


def _go_on(found: Explained, chain: Chain, worlds: list[World], item: Item) -> None:
    """Go on with the worlds after an exchange, and note which answers none of them has any longer."""
    known = len(found.refuted)
    names = {name for world in (*found.worlds, *worlds) for box in world.boxes for name in box}
    for name in names:
        before = frozenset[str]().union(*(world.left(name) for world in found.worlds))
        after = frozenset[str]().union(*(world.left(name) for world in worlds))
        for answer in sorted(before - after):
            found.refuted.setdefault((name, answer), item)
    if len(found.refuted) > known:
        found.before[chain.start] = chain.worlds
    found.worlds = worlds
