from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from sched_emulator.core.ranked import Order, PrioritySet, RankedSet
from tests.soak import examples


def test_the_lowest_rank_is_first() -> None:
    ranked = RankedSet()
    assert (ranked.first(), len(ranked)) == (None, 0)
    for item, rank in [("b", 2), ("a", 1), ("c", -9)]:
        ranked.add(item, rank)
    assert (ranked.first(), len(ranked)) == ((-9, "c"), 3)
    ranked.discard("c")
    ranked.discard("nothing")
    assert (ranked.first(), len(ranked)) == ((1, "a"), 2)


def test_an_id_can_be_given_another_rank_and_its_old_one_again() -> None:
    ranked = RankedSet()
    for rank in (5, 1, 9, 1):
        ranked.add("a", rank)
        assert (ranked.first(), len(ranked)) == ((rank, "a"), 1)


def test_removed_ids_do_not_pile_up() -> None:
    ranked = RankedSet()
    ranked.add("kept", 10**6)
    for number in range(5000):
        ranked.add("gone", number)
        ranked.discard("gone")
    held = sum(len(part) for part in vars(ranked).values())
    assert (held < 1200, ranked.first()) == (True, (10**6, "kept"))


STEPS = st.tuples(st.sampled_from(["add", "add", "discard", "take"]), st.sampled_from("abcdef"), st.integers(0, 9))


@examples(100)
@given(st.lists(STEPS, max_size=80), st.booleans())
def test_it_agrees_with_a_sorted_dictionary(steps: list[tuple[str, str, int]], rising: bool) -> None:  # noqa: FBT001 - drawn
    ranked, model = RankedSet(), dict[str, int]()
    for number, (action, item, far) in enumerate(steps):
        if action == "add":
            model[item] = number if rising else far * 100 + number
            ranked.add(item, model[item])
        elif action == "discard":
            model.pop(item, None)
            ranked.discard(item)
        elif model:
            first = min(model, key=model.__getitem__)
            assert ranked.first() == (model.pop(first), first)
            ranked.discard(first)
        lowest = min(((rank, item) for item, rank in model.items()), default=None)
        assert (ranked.first(), len(ranked)) == (lowest, len(model))


def test_a_thousand_that_are_taken_in_another_order_than_they_came() -> None:
    ranked = RankedSet()
    for number in range(3000):
        ranked.add(str(number), number % 7 * 10_000 + number)
    taken = []
    while (first := ranked.first()) is not None:
        taken.append(first[0])
        ranked.discard(first[1])
    assert taken == sorted(number % 7 * 10_000 + number for number in range(3000))


ORDERS: list[Order] = ["published", "high_first", "low_first"]
ADDED = st.tuples(st.just("add"), st.one_of(st.none(), st.integers(-2, 2), st.integers(-(10**9), 10**9)))
TAKEN = st.tuples(st.sampled_from(["discard", *ORDERS]), st.integers(0, 5))


@examples(200)
@given(st.lists(st.one_of(ADDED, TAKEN), max_size=60))
def test_ids_with_priorities_stand_in_three_orders_at_once(steps: list[tuple[str, int | None]]) -> None:
    ids, model = PrioritySet(), dict[str, int | None]()
    positions = {str(number): number for number in range(len(steps))}
    keys: dict[str, Callable[[str], tuple[int, int]]] = {
        "published": lambda item: (0, positions[item]),
        "high_first": lambda item: (-(model[item] or 0), positions[item]),
        "low_first": lambda item: (model[item] or 0, positions[item]),
    }
    for number, (action, value) in enumerate(steps):
        if action == "add":
            model[str(number)] = value
            ids.add(str(number), number, value)
        elif model:
            which = list(model)[(value or 0) % len(model)] if action == "discard" else min(model, key=keys[action])
            ids.discard(which, model.pop(which))
        expected = [min(model, key=keys[order], default=None) for order in ORDERS]
        found = [ids.first(order) for order in ORDERS]
        assert found == [None if item is None else (positions[item], item) for item in expected]
        assert len(ids) == len(model)
        assert ids.has_priorities() == any(priority is not None for priority in model.values())
