from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sched_emulator.core.timeline import Entry, Kind, Timeline
from tests.soak import examples


def drained(timeline: Timeline, until_ms: int | None = 10**9) -> list[str]:
    happened = []
    while (entry := timeline.pop_due(until_ms)) is not None:
        happened.append(entry.subject)
    return happened


def test_entries_happen_by_instant_then_in_the_order_of_scheduling() -> None:
    timeline = Timeline()
    for due_ms, subject in [(5, "a"), (3, "b"), (5, "c"), (3, "d"), (4, "e")]:
        timeline.schedule(due_ms, "cron", subject)
    assert drained(timeline) == ["b", "d", "e", "a", "c"]


def test_housekeeping_stands_in_the_same_order() -> None:
    timeline = Timeline()
    entries: list[tuple[int, Kind]] = [
        (5, "cron"),
        (5, "run_retention"),
        (5, "lease"),
        (4, "forget_keys"),
        (6, "message_retention"),
    ]
    for due_ms, kind in entries:
        timeline.schedule(due_ms, kind, kind)
    assert timeline.next_due_ms() == 4
    assert timeline.next_event_ms() == 5
    assert drained(timeline) == ["forget_keys", "cron", "run_retention", "lease", "message_retention"]


def test_nothing_happens_before_its_instant() -> None:
    timeline = Timeline()
    timeline.schedule(5, "cron", "a")
    assert timeline.pop_due(4) is None
    assert timeline.pop_due(5) == Entry(5, 1, "cron", "a")
    assert timeline.pop_due(5) is None


def test_without_an_instant_housekeeping_comes_only_on_the_way_to_an_event() -> None:
    timeline = Timeline()
    entries: list[tuple[int, Kind]] = [(3, "forget_keys"), (5, "cron"), (7, "run_retention")]
    for due_ms, kind in entries:
        timeline.schedule(due_ms, kind, kind)
    assert drained(timeline, None) == ["forget_keys", "cron"]
    assert timeline.next_event_ms() is None
    assert timeline.next_due_ms() == 7


def test_a_cancelled_entry_does_not_happen_and_cancelling_twice_is_no_trouble() -> None:
    timeline = Timeline()
    first, second = (timeline.schedule(5, "cron", name) for name in ("a", "b"))
    for seq in (first, first, None, 99):
        timeline.cancel(seq)
    assert drained(timeline) == ["b"]
    timeline.cancel(second)
    assert (timeline.next_due_ms(), timeline.next_event_ms(), timeline.listed()) == (None, None, [])


def test_what_is_due_is_listed_in_order_without_housekeeping() -> None:
    timeline = Timeline()
    entries: list[tuple[int, Kind]] = [(5, "cron"), (4, "forget_keys"), (3, "task"), (9, "lease")]
    for due_ms, kind in entries:
        timeline.schedule(due_ms, kind, kind)
    timeline.cancel(4)
    assert [entry.kind for entry in timeline.due(9)] == ["task", "cron"]
    assert [entry.kind for entry in timeline.due(1)] == ["task"]


def test_entries_go_on_from_a_snapshot_with_their_numbers() -> None:
    timeline = Timeline()
    for due_ms in (5, 3, 5):
        timeline.schedule(due_ms, "cron", str(due_ms))
    timeline.cancel(1)
    restored = Timeline(timeline.listed(), timeline.next_seq)
    assert restored.listed() == timeline.listed() == [Entry(3, 2, "cron", "3"), Entry(5, 3, "cron", "5")]
    assert restored.schedule(3, "cron", "new") == 4
    assert drained(restored) == ["3", "new", "5"]


@pytest.mark.parametrize("kind", ["lease", "forget_keys"])
def test_cancelled_entries_do_not_pile_up(kind: Kind) -> None:
    timeline = Timeline()
    kept = timeline.schedule(10**6, kind, "kept")
    for number in range(5000):
        timeline.cancel(timeline.schedule(number, kind, "gone"))
    assert len(timeline._events) + len(timeline._chores) < 1100  # noqa: SLF001 - memory is what this is about
    assert timeline.listed() == [Entry(10**6, kept, kind, "kept")]
    assert drained(timeline) == ["kept"]


def test_lanes_and_the_rest_are_one_order() -> None:
    timeline = Timeline()
    for due_ms, queue in [(5, "a"), (3, None), (4, "b"), (5, None), (3, "a"), (1, "b")]:
        timeline.schedule(due_ms, "lease", f"{due_ms}{queue}", queue=queue)
    assert [entry.subject for entry in timeline.due()] == ["1b", "3None", "3a", "4b", "5a", "5None"]
    assert timeline.next_event_ms() == 1
    assert drained(timeline) == ["1b", "3None", "3a", "4b", "5a", "5None"]


def test_a_lane_is_closed_at_one_stroke() -> None:
    timeline = Timeline()
    for due_ms, queue in [(1, "a"), (2, "b"), (3, "a"), (4, None)]:
        timeline.schedule(due_ms, "lease", f"{due_ms}{queue}", queue=queue)
    entries, heap = timeline.close("a")
    assert (sorted(entries), sorted(heap), timeline.close("a")) == ([1, 3], [(1, 1), (3, 3)], [])
    timeline.schedule(3, "lease", "new", queue="a")
    assert (len(timeline), drained(timeline)) == (3, ["2b", "new", "4None"])


def test_an_entry_is_cancelled_in_its_own_lane() -> None:
    timeline = Timeline()
    seq = timeline.schedule(1, "lease", "x", queue="a")
    timeline.cancel(seq)
    timeline.cancel(seq, queue="b")
    assert timeline.get(seq, queue="a") == Entry(1, seq, "lease", "x", "a")
    timeline.cancel(seq, queue="a")
    assert (timeline.get(seq, queue="a"), timeline.next_event_ms()) == (None, None)


def test_what_lanes_have_promised_does_not_pile_up() -> None:
    timeline = Timeline()
    timeline.schedule(10**6, "message", "kept", queue="a")
    for number in range(5000):
        timeline.cancel(timeline.schedule(number, "lease", "gone", queue="a"), queue="a")
        assert timeline.next_event_ms() == 10**6
    assert len(timeline._firsts) < 1100  # noqa: SLF001 - memory is what this is about
    assert drained(timeline) == ["kept"]


KINDS: st.SearchStrategy[Kind] = st.sampled_from(["cron", "lease", "forget_keys"])
LANES = st.sampled_from([None, "a", "b"])
ACTIONS = st.one_of(
    st.tuples(st.just("schedule"), st.integers(0, 20), KINDS, LANES),
    st.tuples(st.just("cancel"), st.integers(1, 30), LANES),
    st.tuples(st.just("close"), LANES),
    st.tuples(st.just("pop"), st.one_of(st.none(), st.integers(0, 20))),
)


@examples(100)
@given(st.lists(ACTIONS, max_size=60))
def test_it_agrees_with_a_sorted_list(actions: list[tuple[Any, ...]]) -> None:
    timeline, model = Timeline(), list[Entry]()
    for action, *arguments in actions:
        if action == "schedule":
            due_ms, kind, queue = arguments
            queue = queue if kind == "lease" else None
            model.append(Entry(due_ms, timeline.schedule(due_ms, kind, "x", queue=queue), kind, "x", queue))
        elif action == "cancel":
            timeline.cancel(arguments[0], queue=arguments[1])
            model = [entry for entry in model if (entry.seq, entry.queue) != tuple(arguments)]
        elif action == "close":
            timeline.close(arguments[0] or "c")
            model = [entry for entry in model if entry.queue is None or entry.queue != arguments[0]]
        else:
            model.sort(key=lambda entry: (entry.due_ms, entry.seq))
            until_ms = arguments[0]
            if until_ms is None:
                due = model[:1] if any(entry.kind != "forget_keys" for entry in model) else []
            else:
                due = [entry for entry in model if entry.due_ms <= until_ms][:1]
            assert timeline.pop_due(until_ms) == (due[0] if due else None)
            model = [entry for entry in model if entry not in due]
        assert len(timeline) == len(model)
    assert timeline.listed() == sorted(model, key=lambda entry: entry.seq)
