"""Worlds: states that a target may be in, each with the answers that lead there, and what becomes of them.

A world is a state of a sandbox and, for each question, the answers under which exactly this state was reached and
everything so far came out as recorded. A question is only decided where it was asked and made a difference: answers
that lead to the same state stay together. So an answer that no world has any longer is refuted, whatever the others.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import msgspec

from sched_emulator.core import snapshot
from sched_emulator.core.assumptions import Answers
from sched_emulator.core.beginning import Beginning
from sched_emulator.core.records import Settings, State
from sched_emulator.core.sandbox import Sandbox
from sched_emulator.core.store import fresh
from sched_emulator.spec import assumptions

from .doubt import SURE, Doubt

Box = Mapping[str, frozenset[str]]  # questions that are not wholly open: the answers that are left
MOST_WORLDS = 64
_LEFT_OUT = (
    "seal",
    "counters",
    "requests",
    "delivered",
    "journal_seq",
    "next_entry",
    "fired",
    "answers",
    "settings",
    "routes_used",
)
_NUMBERS = ("entry", "fire_entry", "push_entry", "retention_entry", "journal_seq", "request_seq", "seq")


@cache
def behaviours() -> Mapping[str, frozenset[str]]:
    """Return all answers of each behaviour."""
    found = assumptions.catalogue().items()
    return {name: frozenset(item.answers) for name, item in found if item.kind == "behaviour"}


@dataclass(frozen=True, slots=True)
class World:
    """A state, as a document, with its answers. `ids`: the target's id of each thing, to ours. `taken`: deliveries.

    `due_ms` are the instants of the next few events. `passed` says why the last exchange could not be judged here.
    """

    document: bytes
    box: Box
    ids: Mapping[str, str]
    taken: frozenset[int]
    now_ms: int
    due_ms: tuple[int, ...] = ()
    doubt: Doubt = SURE
    passed: str = ""

    def left(self, question: str) -> frozenset[str]:
        """Return the answers to a question under which this state was reached."""
        return self.box.get(question) or behaviours()[question]


def beginning(now_ms: int, box: Box, doubt: Doubt = SURE) -> World:
    """Return the world in which nothing has happened yet."""
    return World(document_of(_new(now_ms)), box, {}, frozenset(), now_ms, doubt=doubt)


def _new(now_ms: int) -> State:
    settings = Settings(
        seed=1,
        start_ms=now_ms,
        mode="frozen",
        speed=1.0,
        answers={},
        routes={},
        deliver="all",
        uncovered="capture",
        strict_urls=False,
    )
    return fresh(settings)


@cache
def _origin() -> Beginning:
    return Beginning(_new(0))


def awake(world: World, answers: Mapping[str, str | int]) -> Sandbox:
    """Return a sandbox in the state of a world, under these answers."""
    sandbox = Sandbox(snapshot.unseal(world.document), keep_bytes=1000, keep_entries=1, beginning=_origin())
    sandbox.store.answers = Answers(dict(answers))
    return sandbox


def document_of(state: State) -> bytes:
    """Return the document of a state, without the answers and the journal."""
    bare = msgspec.structs.replace(state, answers={}, settings=msgspec.structs.replace(state.settings, answers={}))
    bare.requests, bare.delivered = [], []
    return snapshot.seal(bare)


def digest(world: World, *, rough: bool = False) -> str:
    """Return what two states have in common exactly when nothing can ever tell them apart by itself.

    `rough`: nor instants that lie within the width of exchanges which ran side by side.
    """
    plain = json.loads(world.document, parse_float=str)
    for name in (*_LEFT_OUT, *(("now_ms",) if rough else ())):
        plain.pop(name, None)
    for name in ("arrival", "position"):
        ranks = {number: rank for rank, number in enumerate(sorted(message[name] for message in plain["messages"]))}
        for message in plain["messages"]:
            message[name] = ranks[message[name]]
    for run in plain["runs"]:
        run.pop("finish_number", None)
    if rough:
        for message in plain["messages"]:
            del message["published_ms"], message["kept_from_ms"]
        for entry in plain["timeline"]:
            entry["due_ms"], entry["seq"] = 0, (entry["kind"], entry["subject"])
    plain["timeline"] = [
        [entry["due_ms"], entry["kind"], entry["subject"], entry.get("queue")]
        for entry in sorted(plain["timeline"], key=lambda entry: (entry["due_ms"], entry["seq"]))
    ]
    plain["retention_entries"] = sorted(plain["retention_entries"])
    _forget_numbers(plain)
    return json.dumps([plain, sorted(world.ids.items()), sorted(world.taken)], sort_keys=True)


def _forget_numbers(value: Any) -> None:
    for kind in ("crons", "runs", "queues", "messages", "attempts", "remembered"):
        for record in value[kind]:
            for name in _NUMBERS:
                record.pop(name, None)


def merged(worlds: list[World], *, rough: bool = False) -> list[World]:
    """Return worlds, of which those in one state are put together where only one question tells them apart."""
    if len(worlds) == 1:
        return worlds
    by_state: dict[str, list[World]] = {}
    for world in worlds:
        by_state.setdefault(digest(world, rough=rough), []).append(world)
    return [world for group in by_state.values() for world in _joined(group)]


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
