import pytest
from msgspec.structs import replace

from sched_emulator.core.contents import Contents, Shelf
from sched_emulator.core.records import Message, Place
from tests.core.harness import START_MS
from tests.core.invariants import described


def message(number: int, place: Place, *, retrying: bool = False) -> Message:
    return Message(
        message_id=f"m{number}",
        queue="q",
        origin="q",
        payload=None,
        priority=None,
        arrival=number,
        position=number,
        published_ms=START_MS,
        kept_from_ms=START_MS,
        place=place,
        retrying=retrying,
    )


EMPTY = {
    "available": {},
    "engaged": {},
    "postponed": {},
    "dead": {},
    "kept_dead": {},
    "held": [],
    "kept": [],
    "pushes": [],
    "counts": (0, 0, 0),
}


@pytest.mark.parametrize(
    ("fifo", "place", "retrying", "expected"),
    [
        (False, "available", False, {"available": {"m1": 1}, "held": ["m1"]}),
        (False, "in_flight", False, {"held": ["m1"], "counts": (1, 0, 0)}),
        (False, "delayed", True, {"held": ["m1"], "counts": (0, 1, 0)}),
        (False, "dead", False, {"kept": ["m1"]}),
        (True, "available", False, {"available": {"m1": 1}, "held": ["m1"]}),
        (True, "in_flight", False, {"held": ["m1"], "counts": (1, 0, 0), "engaged": {"m1": 1}}),
        (True, "delayed", False, {"held": ["m1"], "counts": (0, 1, 0), "postponed": {"m1": 1}}),
        (True, "delayed", True, {"held": ["m1"], "counts": (0, 1, 0), "engaged": {"m1": 1}}),
        (True, "dead", False, {"kept": ["m1"]}),
    ],
)
def test_a_message_is_in_one_place_and_leaves_no_trace(
    *, fifo: bool, place: Place, retrying: bool, expected: dict[str, object]
) -> None:
    contents = Contents()
    contents.fifo = fifo
    entering = message(1, place, retrying=retrying)
    contents.enter(entering)
    assert described(contents) == EMPTY | expected
    contents.forget(entering)
    assert described(contents) == EMPTY


def test_a_message_that_changes_its_place_keeps_its_turn_in_retention() -> None:
    contents = Contents()
    first, second = message(1, "available"), message(2, "available")
    for item in (first, second):
        contents.enter(item)
    contents.leave(first)
    first.place = "in_flight"
    contents.enter(first)
    assert described(contents) == EMPTY | {"available": {"m2": 2}, "held": ["m1", "m2"], "counts": (1, 0, 0)}


def test_the_oldest_of_a_shelf_arrived_first() -> None:
    contents = Contents()
    assert (contents.live.oldest(), contents.kept.oldest()) == (None, None)
    dead, first, second = message(1, "dead"), message(2, "available"), message(4, "delayed")
    for item in (dead, first, message(3, "dead"), second):
        contents.enter(item)
    assert (contents.live.oldest(), contents.kept.oldest()) == (first, dead)
    contents.forget(first)
    assert (contents.live.oldest(), contents.kept.oldest()) == (second, dead)


def test_a_purge_is_one_assignment_that_returns_what_held_the_messages() -> None:
    contents = Contents()
    for item in (message(1, "available"), message(2, "dead"), message(3, "in_flight")):
        contents.enter(item)
    purged = contents.purge()
    assert [key for held in purged if isinstance(held, dict) for key in held] == ["m1", "m3", "m1"]
    assert described(contents) == EMPTY | {"kept": ["m2"]}


def test_dead_letters_of_a_queue_that_has_gone_are_their_holders_own() -> None:
    shelf = Contents().kept
    for item, origin in ((message(1, "dead"), "gone"), (message(2, "dead"), "q"), (message(3, "dead"), "gone")):
        item.origin = origin
        shelf.messages[item.message_id] = item
        shelf.list_dead(item)
    shelf.disown("gone", "q")
    shelf.disown("unknown", "q")
    assert {origin: list(index.items) for origin, index in shelf.dead.items()} == {"q": [1, 2, 3]}
    assert {item.origin for item in shelf.messages.values()} == {"q"}
    shelf.unlist_dead(shelf.messages["m2"])
    assert list(shelf.dead["q"].items) == [1, 3]


def test_orphans_become_those_of_their_holder_without_being_listed_anew() -> None:
    shelf = Shelf()
    for number in (1, 2):
        shelf.list_dead(replace(message(number, "dead"), origin="gone"))
    orphans = shelf.dead["gone"]
    shelf.disown("gone", "holder")
    assert shelf.dead == {"holder": orphans}
    assert [orphan.origin for orphan in orphans.items.values()] == ["holder", "holder"]
