"""Worlds: states that a target may be in, each with the answers that lead there, and what becomes of them.

A world is a state of a sandbox and, for each question, the answers under which exactly this state was reached and
everything so far came out as recorded. A question is only decided where it was asked and made a difference: answers
that lead to the same state stay together. So an answer that no world has any longer is refuted, whatever the others.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache

from sched_emulator.spec import assumptions

from .forms import Form, form_of
from .held import Held, fresh_at

Box = Mapping[str, frozenset[str]]  # questions that are not wholly open: the answers that are left
MOST_WORLDS = 64


@cache
def behaviours() -> Mapping[str, frozenset[str]]:
    """Return all answers of each behaviour."""
    found = assumptions.catalogue().items()
    return {name: frozenset(item.answers) for name, item in found if item.kind == "behaviour"}


@dataclass(frozen=True, slots=True)
class World:
    """A state with its answers. `due_ms` are the instants of the next few events.

    `strain_ms` is how far off the middle of its interval an exchange was put at most.
    """

    held: Held
    box: Box
    now_ms: int
    due_ms: tuple[int, ...] = ()
    strain_ms: int = 0

    def left(self, question: str) -> frozenset[str]:
        """Return the answers to a question under which this state was reached."""
        return self.box.get(question) or behaviours()[question]


def beginning(now_ms: int, box: Box, width_ms: int) -> World:
    """Return the world in which nothing has happened yet."""
    return World(Held(fresh_at(now_ms, width_ms)), box, now_ms)


def merged(worlds: list[World], width_ms: int) -> list[World]:
    """Return worlds, of which those in one state are put together where only one question tells them apart.

    Of those with the same answers, states that differ in instants alone, by no more than `width_ms`, are one too: that
    of the least strain is kept. Nobody can tell them apart, and they would double with every two things that happen at
    about the same time.
    """
    if len(worlds) == 1:
        return worlds
    groups: dict[bytes, list[tuple[World, Form]]] = {}
    for world in worlds:
        form = form_of(world.held.look())
        group = groups.setdefault(form.digest, [])
        near = _near(group, world, form, width_ms)
        if near is None:
            group.append((world, form))
        elif world.strain_ms < group[near][0].strain_ms:
            group[near] = world, form
    return [world for group in groups.values() for same in _same(group) for world in _joined(same)]


def _near(group: list[tuple[World, Form]], world: World, form: Form, width_ms: int) -> int | None:
    """Return which of a group has the same answers and instants that nobody can tell from these."""
    for number, (other, its_form) in enumerate(group):
        if other.box == world.box and form.near(its_form, width_ms):
            return number
    return None


def _same(group: list[tuple[World, Form]]) -> Iterator[list[World]]:
    """Yield the worlds of a group that are in exactly one state."""
    rest = group
    while rest:
        first = rest[0][1]
        yield [world for world, form in rest if form == first]
        rest = [(world, form) for world, form in rest if form != first]


def _joined(group: list[World]) -> list[World]:
    boxes = [dict(world.box) for world in group]
    joined = True
    while joined:
        joined = False
        for first, second in _pairs(len(boxes)):
            together = _together(boxes[first], boxes[second])
            if together is not None:
                boxes[first] = together
                del boxes[second]
                joined = True
                break
    return [replace(group[0], box=box) for box in boxes]


def _pairs(count: int) -> Iterator[tuple[int, int]]:
    return ((first, second) for first in range(count) for second in range(first + 1, count))


def _together(one: Box, other: Box) -> dict[str, frozenset[str]] | None:
    """Return the box that holds exactly what two boxes hold; None where there is none."""
    different = [
        name
        for name in {**one, **other}
        if (one.get(name) or behaviours()[name]) != (other.get(name) or behaviours()[name])
    ]
    inside = all((one.get(name) or behaviours()[name]) <= (other.get(name) or behaviours()[name]) for name in different)
    if inside:
        return dict(other)
    outside = all(
        (one.get(name) or behaviours()[name]) >= (other.get(name) or behaviours()[name]) for name in different
    )
    if outside:
        return dict(one)
    if len(different) != 1:
        return None
    name = different[0]
    both = (one.get(name) or behaviours()[name]) | (other.get(name) or behaviours()[name])
    found = {**one, name: both}
    if both == behaviours()[name]:
        del found[name]
    return found
