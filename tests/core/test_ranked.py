from hypothesis import given
from hypothesis import strategies as st

from sched_emulator.core.ranked import RankedSet
from tests.soak import examples


def test_the_lowest_rank_is_first() -> None:
    ranked = RankedSet()
    assert (ranked.first(), len(ranked)) == (None, 0)
    for item, rank in [("b", (0, 2)), ("a", (0, 1)), ("c", (-9, 3))]:
        ranked.add(item, rank)
    assert (ranked.first(), len(ranked)) == (((-9, 3), "c"), 3)
    ranked.discard("c")
    ranked.discard("nothing")
    assert (ranked.first(), len(ranked)) == (((0, 1), "a"), 2)


def test_an_id_can_be_given_another_rank_and_its_old_one_again() -> None:
    ranked = RankedSet()
    for rank in (5, 1, 9, 1):
        ranked.add("a", (0, rank))
        assert (ranked.first(), len(ranked)) == (((0, rank), "a"), 1)


def test_removed_ids_do_not_pile_up() -> None:
    ranked = RankedSet()
    ranked.add("kept", (0, 10**6))
    for number in range(5000):
        ranked.add("gone", (0, number))
        ranked.discard("gone")
    held = sum(len(part) for part in vars(ranked).values())
    assert (held < 1200, ranked.first()) == (True, ((0, 10**6), "kept"))


STEPS = st.tuples(st.sampled_from(["add", "add", "discard", "take"]), st.sampled_from("abcdef"), st.integers(0, 9))


@examples(100)
@given(st.lists(STEPS, max_size=80), st.booleans())
def test_it_agrees_with_a_sorted_dictionary(steps: list[tuple[str, str, int]], rising: bool) -> None:  # noqa: FBT001 - drawn
    ranked, model = RankedSet(), dict[str, tuple[int, int]]()
    for number, (action, item, priority) in enumerate(steps):
        if action == "add":
            model[item] = (0 if rising else priority, number)
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
        ranked.add(str(number), (number % 7, number))
    taken = []
    while (first := ranked.first()) is not None:
        taken.append(first[0])
        ranked.discard(first[1])
    assert taken == sorted((number % 7, number) for number in range(3000))
