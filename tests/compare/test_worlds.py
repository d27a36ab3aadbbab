"""Worlds stay together where nothing tells them apart, and a box holds exactly what it is said to hold."""

from dataclasses import replace
from itertools import product

from sched_emulator.compare.doubt import Doubt
from sched_emulator.compare.held import Held
from sched_emulator.compare.worlds import World, beginning, behaviours, merged

POSITION, DELAY = "queue.nack_position", "queue.nack_delay"


def world(now_ms: int = 0, **answers: str) -> World:
    """Return the world of a beginning in which these questions are decided."""
    names = {"position": POSITION, "delay": DELAY}
    return beginning(now_ms, {names[name]: frozenset({answer}) for name, answer in answers.items()}, 0)


def held(worlds: list[World]) -> list[tuple[str, ...]]:
    """Return the answers to both questions that boxes hold, each as often as it is held."""
    found: list[tuple[str, ...]] = []
    for box in (box for world in worlds for box in world.boxes):
        sides = [box.get(name, behaviours()[name]) for name in (POSITION, DELAY)]
        found += list(product(*sides))
    return sorted(found)


def test_worlds_in_one_state_that_differ_in_one_answer_are_one() -> None:
    [whole] = merged([world(position="front"), world(position="back")], 0)
    assert whole.boxes == ({},)


def test_worlds_that_differ_in_several_stay_apart_and_hold_what_they_held() -> None:
    worlds = [world(position="front", delay="now"), world(position="back", delay="backoff")]
    apart = merged(worlds, 0)
    assert held(apart) == held(worlds)
    assert [len(each.boxes) for each in apart] == [2]


def test_all_combinations_are_no_decision() -> None:
    worlds = [world(position=one, delay=other) for one in ("front", "back") for other in ("now", "backoff")]
    assert [each.boxes for each in merged(worlds, 0)] == [({},)]


def test_a_world_within_another_is_part_of_it() -> None:
    assert [each.boxes for each in merged([world(position="front", delay="now"), world(position="front")], 0)] == [
        ({POSITION: frozenset({"front"})},)
    ]


def test_another_instant_is_another_state_where_it_can_be_told_or_other_answers_led_to_it() -> None:
    assert len(merged([world(0), world(20)], 19)) == 2
    assert [each.now_ms for each in merged([world(0), world(20)], 20)] == [0]
    assert len(merged([world(0, position="front"), world(20, position="back")], 20)) == 2


def test_states_in_which_other_things_are_in_doubt_stay_apart() -> None:
    hazy = replace(world(0), doubt=Doubt(hazy=frozenset({("queue", "a")})))
    passed = replace(world(0), passed="it is not known what the queue a held")
    worlds = [world(0), hazy, passed, hazy]
    assert [(each.doubt, each.passed) for each in merged(worlds, 0)] == [
        (each.doubt, each.passed) for each in worlds[:3]
    ]


def test_where_an_order_is_open_instants_that_nobody_can_tell_apart_are_one_whatever_the_answers() -> None:
    worlds = [world(0, position="front"), world(20, position="back")]
    assert [each.boxes for each in merged(worlds, 20, rough=True)] == [({},)]
    assert len(merged(worlds, 19, rough=True)) == 2


def test_of_worlds_that_nobody_can_tell_apart_the_least_strained_is_kept() -> None:
    strained = replace(world(0), strain_ms=9)
    assert [each.now_ms for each in merged([strained, world(20), strained], 20)] == [20]


def test_a_state_that_somebody_went_on_from_is_made_again_as_it_was() -> None:
    first = world(5).held
    standing = first.standing()
    standing.sandbox.set_now(70)
    again = Held(standing, first, lambda standing: standing.sandbox.set_now(70))
    for _ in range(3):
        assert [each.look().sandbox.store.now_ms for each in (first, again)] == [5, 70]
        assert again.standing().sandbox.store.now_ms == 70
