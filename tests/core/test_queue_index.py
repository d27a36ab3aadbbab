import pytest

from sched_emulator.core.queue_index import QueueIndex
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


EMPTY = {"available": {}, "engaged": {}, "postponed": {}, "held": [], "kept": [], "dead": [], "counts": (0, 0, 0)}


@pytest.mark.parametrize(
    ("fifo", "place", "retrying", "expected"),
    [
        (False, "available", False, {"available": {"m1": (0, 1)}, "held": ["m1"]}),
        (False, "in_flight", False, {"held": ["m1"], "counts": (1, 0, 0)}),
        (False, "delayed", True, {"held": ["m1"], "counts": (0, 1, 0)}),
        (False, "dead", False, {"kept": ["m1"]}),
        (True, "available", False, {"available": {"m1": (0, 1)}, "held": ["m1"]}),
        (True, "in_flight", False, {"held": ["m1"], "counts": (1, 0, 0), "engaged": {"m1": (0, 1)}}),
        (True, "delayed", False, {"held": ["m1"], "counts": (0, 1, 0), "postponed": {"m1": (0, 1)}}),
        (True, "delayed", True, {"held": ["m1"], "counts": (0, 1, 0), "engaged": {"m1": (0, 1)}}),
        (True, "dead", False, {"kept": ["m1"]}),
    ],
)
def test_a_message_is_in_one_place_and_leaves_no_trace(
    *, fifo: bool, place: Place, retrying: bool, expected: dict[str, object]
) -> None:
    index = QueueIndex(fifo=fifo)
    entering = message(1, place, retrying=retrying)
    index.enter(entering, (0, 1))
    assert described(index) == EMPTY | expected
    index.forget(entering)
    assert described(index) == EMPTY


def test_a_message_that_changes_its_place_keeps_its_turn_in_retention() -> None:
    index = QueueIndex(fifo=False)
    first, second = message(1, "available"), message(2, "available")
    for item in (first, second):
        index.enter(item, (0, item.position))
    index.leave(first)
    first.place = "in_flight"
    index.enter(first, (0, 1))
    assert described(index) == EMPTY | {"available": {"m2": (0, 2)}, "held": ["m1", "m2"], "counts": (1, 0, 0)}


def test_retention_looks_at_the_oldest_held_and_the_oldest_kept() -> None:
    index = QueueIndex(fifo=False)
    assert index.oldest() == []
    for item in (message(1, "dead"), message(2, "available"), message(3, "dead"), message(4, "delayed")):
        index.enter(item, (0, item.position))
    assert index.oldest() == ["m2", "m1"]
    index.forget(message(2, "available"))
    assert index.oldest() == ["m4", "m1"]
