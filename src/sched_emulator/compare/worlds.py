"""Worlds: states that a target may be in, each with the answers that lead there, and what becomes of them.

A world is a state of a sandbox and, as boxes, the answers under which exactly this state was reached and everything so
far came out as recorded. A question is only decided where it was asked and made a difference: answers that lead to the
same state stay together. So an answer that no world has any longer is refuted, whatever the others.
"""

from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from itertools import combinations
from typing import NamedTuple

from sched_emulator.spec import assumptions

from .doubt import SURE, Doubt
from .forms import Form, form_of
from .held import Held, fresh_at

Box = Mapping[str, frozenset[str]]  # questions that are not wholly open: the answers that are left
MOST_WORLDS = 64


@cache
def behaviours() -> Mapping[str, frozenset[str]]:
    """Return all answers of each behaviour."""
    found = assumptions.catalogue().items()
    return {name: frozenset(item.answers) for name, item in found if item.kind == "behaviour"}


@cache
def firsts() -> Mapping[str, str]:
    """Return an answer of each behaviour."""
    return {name: min(answers) for name, answers in behaviours().items()}


@dataclass(frozen=True, slots=True)
class World:
    """A state with its answers, those of any of its boxes. `due_ms` are the instants of the next few events.

    `strain_ms` is how far off the middle of its interval an exchange was put at most. `passed` says why the last
    exchange could not be judged here.
    """

    held: Held
    boxes: tuple[Box, ...]
    now_ms: int
    due_ms: tuple[int, ...] = ()
    strain_ms: int = 0
    doubt: Doubt = SURE
    passed: str = ""

    def left(self, question: str) -> frozenset[str]:
        """Return the answers to a question under which this state was reached."""
        return frozenset[str]().union(*(left(box, question) for box in self.boxes))


def left(box: Box, question: str) -> frozenset[str]:
    """Return the answers to a question that a box holds."""
    return box.get(question) or behaviours()[question]


def allows(box: Box, answers: Mapping[str, str]) -> bool:
    """Whether a box holds these answers."""
    return all(answer in left(box, name) for name, answer in answers.items())


def beginning(now_ms: int, box: Box, width_ms: int, doubt: Doubt = SURE) -> World:
    """Return the world in which nothing has happened yet."""
    return World(Held(fresh_at(now_ms, width_ms)), (box,), now_ms, doubt=doubt)


def only_of(world: World, question: str, answers: frozenset[str]) -> World:
    """Return a world with these answers to a question alone; without a box where it has none of them."""
    boxes = [{**box, question: left(box, question) & answers} for box in world.boxes if left(box, question) & answers]
    return replace(world, boxes=tuple(boxes))


def merged(worlds: list[World], width_ms: int, *, rough: bool = False) -> list[World]:
    """Return worlds, of which those in one state are one, where the same is in doubt.

    Of those with the same answers, states that differ in instants alone, by no more than `width_ms`, are one too: that
    of the least strain is kept. Nobody can tell them apart, and they would double with every two things that happen at
    about the same time. `rough`: so are those with other answers, because it may have been in any order.
    """
    if len(worlds) == 1:
        return worlds
    groups: dict[Hashable, list[_Placed]] = {}
    for world in worlds:
        form = form_of(world.held.look(), in_order=not rough)
        group = groups.setdefault((form.digest, world.doubt, world.passed), [])
        for box in world.boxes:
            _put(group, _Placed(world, form, box), width_ms)
    return [world for group in groups.values() for world in _states(group, width_ms if rough else 0)]


class _Placed(NamedTuple):
    """A box of a world."""

    world: World
    form: Form
    box: Box


def _put(group: list[_Placed], new: _Placed, width_ms: int) -> None:
    """Put a box into a group; where it is there already with instants that nobody can tell from these, one is kept."""
    for number, other in enumerate(group):
        if other.box == new.box and new.form.near(other.form, width_ms):
            if new.world.strain_ms < other.world.strain_ms:
                group[number] = new
            return
    group.append(new)


def _states(group: list[_Placed], width_ms: int) -> Iterator[World]:
    """Yield a world for each state in a group."""
    rest = group
    while rest:
        world, form, _ = rest[0]
        same = [each.form.near(form, width_ms) for each in rest]
        yield replace(world, boxes=_joined([each.box for each, is_same in zip(rest, same, strict=True) if is_same]))
        rest = [each for each, is_same in zip(rest, same, strict=True) if not is_same]


def _joined(boxes: list[Box]) -> tuple[Box, ...]:
    """Return as few boxes as hold what these hold."""
    joined = True
    while joined:
        joined = False
        for first, second in combinations(range(len(boxes)), 2):
            together = _together(boxes[first], boxes[second])
            if together is not None:
                boxes[first] = together
                del boxes[second]
                joined = True
                break
    return tuple(boxes)


def _together(one: Box, other: Box) -> Box | None:
    """Return the box that holds exactly what two boxes hold; None where there is none."""
    different = [name for name in {**one, **other} if left(one, name) != left(other, name)]
    if all(left(one, name) <= left(other, name) for name in different):
        return other
    if all(left(one, name) >= left(other, name) for name in different):
        return one
    if len(different) != 1:
        return None
    name = different[0]
    both = left(one, name) | left(other, name)
    found = {**one, name: both}
    if both == behaviours()[name]:
        del found[name]
    return found
