from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sched_emulator.core.timeline import Entry, Timeline
from tests.soak import examples


def drained(timeline: Timeline, until_ms: int | None = 10**9) -> list[str]:
    happened = []
    while (entry := timeline.pop_due(until_ms)) is not None:
        happened.append(entry.subject)
    return happened


def test_entries_happen_by_instant_then_in_the_order_of_scheduling() -> None:
    timeline = Timeline([])
    for due_ms, subject in [(5, "a"), (3, "b"), (5, "c"), (3, "d"), (4, "e")]:
        timeline.schedule(due_ms, "cron", subject)
    assert drained(timeline) == ["b", "d", "e", "a", "c"]


def test_housekeeping_stands_in_the_same_order() -> None:
    timeline = Timeline([])
    for due_ms, kind in [(5, "cron"), (5, "run_retention"), (5, "lease"), (4, "forget_keys"), (6, "message_retention")]:
        timeline.schedule(due_ms, kind, kind)
    assert timeline.next_due_ms() == 4
    assert timeline.next_event_ms() == 5
    assert drained(timeline) == ["forget_keys", "cron", "run_retention", "lease", "message_retention"]


def test_nothing_happens_before_its_instant() -> None:
    timeline = Timeline([])
    timeline.schedule(5, "cron", "a")
    assert timeline.pop_due(4) is None
    assert timeline.pop_due(5) == Entry(5, 1, "cron", "a")
    assert timeline.pop_due(5) is None


def test_without_an_instant_housekeeping_comes_only_on_the_way_to_an_event() -> None:
    timeline = Timeline([])
    for due_ms, kind in [(3, "forget_keys"), (5, "cron"), (7, "run_retention")]:
        timeline.schedule(due_ms, kind, kind)
    assert drained(timeline, None) == ["forget_keys", "cron"]
    assert timeline.next_event_ms() is None
    assert timeline.next_due_ms() == 7


def test_a_cancelled_entry_does_not_happen_and_cancelling_twice_is_no_trouble() -> None:
    timeline = Timeline([])
    first, second = (timeline.schedule(5, "cron", name) for name in ("a", "b"))
    for seq in (first, first, None, 99):
        timeline.cancel(seq)
    assert drained(timeline) == ["b"]
    timeline.cancel(second)
    assert (timeline.next_due_ms(), timeline.next_event_ms(), timeline.listed()) == (None, None, [])


def test_what_is_due_is_listed_in_order_without_housekeeping() -> None:
    timeline = Timeline([])
    for due_ms, kind in [(5, "cron"), (4, "forget_keys"), (3, "task"), (9, "lease")]:
        timeline.schedule(due_ms, kind, kind)
    timeline.cancel(4)
    assert [entry.kind for entry in timeline.due(9)] == ["task", "cron"]
    assert [entry.kind for entry in timeline.due(1)] == ["task"]


def test_what_was_scheduled_since_a_number_is_found_while_it_is_there() -> None:
    timeline = Timeline([])
    timeline.schedule(9, "cron", "before")
    number = timeline.next_seq
    for due_ms, kind in [(5, "task"), (1, "lease"), (3, "forget_keys"), (8, "push")]:
        timeline.schedule(due_ms, kind, kind)
    timeline.pop_due(1)
    timeline.cancel(number + 3)
    assert [entry.subject for entry in timeline.scheduled_since(number)] == ["task"]


def test_entries_go_on_from_a_snapshot_with_their_numbers() -> None:
    timeline = Timeline([])
    for due_ms in (5, 3, 5):
        timeline.schedule(due_ms, "cron", str(due_ms))
    timeline.cancel(1)
    restored = Timeline(timeline.listed(), timeline.next_seq)
    assert restored.listed() == timeline.listed() == [Entry(3, 2, "cron", "3"), Entry(5, 3, "cron", "5")]
    assert restored.schedule(3, "cron", "new") == 4
    assert drained(restored) == ["3", "new", "5"]


@pytest.mark.parametrize("kind", ["lease", "forget_keys"])
def test_cancelled_entries_do_not_pile_up(kind: str) -> None:
    timeline = Timeline([])
    kept = timeline.schedule(10**6, kind, "kept")
    for number in range(5000):
        timeline.cancel(timeline.schedule(number, kind, "gone"))
    assert len(timeline._events) + len(timeline._chores) < 1100  # noqa: SLF001 - memory is what this is about
    assert timeline.listed() == [Entry(10**6, kept, kind, "kept")]
    assert drained(timeline) == ["kept"]


KINDS = st.sampled_from(["cron", "lease", "forget_keys"])
ACTIONS = st.one_of(
    st.tuples(st.just("schedule"), st.integers(0, 20), KINDS),
    st.tuples(st.just("cancel"), st.integers(1, 30)),
    st.tuples(st.just("pop"), st.one_of(st.none(), st.integers(0, 20))),
)


@examples(100)
@given(st.lists(ACTIONS, max_size=60))
def test_it_agrees_with_a_sorted_list(actions: list[tuple[Any, ...]]) -> None:
    timeline, model = Timeline([]), list[Entry]()
    for action, *arguments in actions:
        if action == "schedule":
            due_ms, kind = arguments
            model.append(Entry(due_ms, timeline.schedule(due_ms, kind, "x"), kind, "x"))
        elif action == "cancel":
            timeline.cancel(arguments[0])
            model = [entry for entry in model if entry.seq != arguments[0]]
        else:
            model.sort(key=lambda entry: (entry.due_ms, entry.seq))
            until_ms = arguments[0]
            if until_ms is None:
                due = model[:1] if any(entry.kind != "forget_keys" for entry in model) else []
            else:
                due = [entry for entry in model if entry.due_ms <= until_ms][:1]
            assert timeline.pop_due(until_ms) == (due[0] if due else None)
            model = [entry for entry in model if entry not in due]
    assert timeline.listed() == sorted(model, key=lambda entry: entry.seq)
