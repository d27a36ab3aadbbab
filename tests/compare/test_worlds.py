"""Worlds stay together where nothing tells them apart, and a box holds exactly what it is said to hold."""

from itertools import product

from sched_emulator.compare.worlds import Box, World, beginning, behaviours, digest, merged

POSITION, DELAY = "queue.nack_position", "queue.nack_delay"


def world(**answers: str) -> World:
    """Return the world of a beginning in which these questions are decided."""
    names = {"position": POSITION, "delay": DELAY}
    return beginning(0, {names[name]: frozenset({answer}) for name, answer in answers.items()})


def held(boxes: list[Box]) -> list[tuple[str, ...]]:
    """Return the answers to both questions that boxes hold, each as often as it is held."""
    found: list[tuple[str, ...]] = []
    for box in boxes:
        sides = [box.get(name, behaviours()[name]) for name in (POSITION, DELAY)]
        found += list(product(*sides))
    return sorted(found)


def test_worlds_in_one_state_that_differ_in_one_answer_are_one() -> None:
    [whole] = merged([world(position="front"), world(position="back")])
    assert whole.box == {}


def test_worlds_that_differ_in_several_stay_apart_and_hold_what_they_held() -> None:
    worlds = [world(position="front", delay="now"), world(position="back", delay="backoff")]
    apart = merged(worlds)
    assert held([each.box for each in apart]) == held([each.box for each in worlds])
    assert len(apart) == 2


def test_all_combinations_are_no_decision() -> None:
    worlds = [world(position=one, delay=other) for one in ("front", "back") for other in ("now", "backoff")]
    assert [each.box for each in merged(worlds)] == [{}]


def test_a_world_within_another_is_part_of_it() -> None:
    assert [each.box for each in merged([world(position="front", delay="now"), world(position="front")])] == [
        {POSITION: frozenset({"front"})}
    ]


def test_another_instant_is_another_state() -> None:
    assert digest(beginning(0, {})) != digest(beginning(1, {}))
