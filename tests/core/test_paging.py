import pytest
from hypothesis import given
from hypothesis import strategies as st

from sched_emulator.core.errors import InvalidRequest
from sched_emulator.core.paging import PagedIndex, page, seal, unseal
from tests.core.harness import Box
from tests.soak import examples


def filled(*numbers: int) -> PagedIndex[str]:
    index = PagedIndex[str]()
    for number in numbers:
        index.add(number, f"id{number}")
    return index


# --- The index


def test_a_page_follows_a_number_whether_or_not_it_is_still_there() -> None:
    index = filled(1, 3, 5, 7)
    index.discard(3)
    assert page([index], None, 2) == (["id1", "id5"], 5)
    assert page([index], 3, 2) == (["id5", "id7"], None)
    assert page([index], 4, 1) == (["id5"], 5)
    assert page([index], 7, 1) == ([], None)


def test_the_newest_can_come_first() -> None:
    index = filled(1, 3, 5, 7)
    index.discard(5)
    assert page([index], None, 2, newest_first=True) == (["id7", "id3"], 3)
    assert page([index], 5, 9, newest_first=True) == (["id3", "id1"], None)
    assert page([index], 1, 9, newest_first=True) == ([], None)


def test_several_indexes_are_one_list() -> None:
    indexes = [filled(1, 4, 6), filled(), filled(2, 3, 7)]
    assert page(indexes, None, 3) == (["id1", "id2", "id3"], 3)
    assert page(indexes, 3, 3) == (["id4", "id6", "id7"], None)
    assert page(indexes, 4, 2, newest_first=True) == (["id3", "id2"], 2)
    assert page([], None, 2) == ([], None)


def test_without_a_limit_everything_is_on_the_page() -> None:
    assert page([filled(1, 2, 3)], None, None) == (["id1", "id2", "id3"], None)


def test_a_full_page_with_nothing_behind_it_is_the_last() -> None:
    index = filled(1, 2, 3)
    index.discard(3)
    assert page([index], None, 2) == (["id1", "id2"], None)


def test_discarded_numbers_leave_in_bulk_and_nothing_is_lost() -> None:
    index = filled(*range(1, 2001))
    for number in range(1, 2001):
        if number % 200:
            index.discard(number)
        index.discard(-number)
    assert len(index) == 10
    assert page([index], None, None) == ([f"id{number}" for number in range(200, 2001, 200)], None)
    assert page([index], 900, 2) == (["id1000", "id1200"], 1200)


@examples(100)
@given(st.lists(st.tuples(st.booleans(), st.integers(1, 60)), max_size=60), st.integers(1, 5), st.booleans(), st.data())
def test_pages_visit_once_each_that_stays_while_others_come_and_go(
    before: list[tuple[bool, int]],
    limit: int,
    newest_first: bool,  # noqa: FBT001 - drawn
    data: st.DataObject,
) -> None:
    index, last = PagedIndex[str](), 0
    changes = before
    seen: list[str] = []
    after: int | None = None
    stayed: set[str] | None = None
    while True:
        for adds, number in changes:
            if adds:
                last += 1
                index.add(last, f"id{last}")
            else:
                index.discard(number)
        stayed = set(index.items.values()) if stayed is None else stayed & set(index.items.values())
        found, after = page([index], after, limit, newest_first=newest_first)
        seen += found
        if after is None:
            break
        changes = data.draw(st.lists(st.tuples(st.sampled_from([True, False, False]), st.integers(1, 60)), max_size=5))
    assert len(set(seen)) == len(seen)
    assert stayed <= set(seen)
    assert seen == sorted(seen, key=lambda item: int(item[2:]), reverse=newest_first)


# --- Cursors


@examples(100)
@given(st.integers(0, 2**32), st.text(), st.integers(0, 2**60))
def test_a_cursor_leads_back_to_its_number(seed: int, name: str, number: int) -> None:
    assert unseal(str(seed), name, seal(str(seed), name, number)) == number


GENUINE = seal("0", "queue.list", 255)


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        ".",
        "ff",
        "ff.",
        "made-up",
        GENUINE + "0",
        GENUINE[:-1],
        "0" + GENUINE,
        GENUINE.upper(),
        GENUINE.replace("ff.", "fe.", 1),
        GENUINE.replace("ff.", "-1.", 1),
        GENUINE.replace("ff.", "0xff.", 1),
        GENUINE.replace("ff.", "f_f.", 1),
        GENUINE.replace("ff.", "ff..", 1),
        "f" * 5000 + ".x",
        seal("0", "run.list", 255),
        seal("1", "queue.list", 255),
        "\u0660." + GENUINE.partition(".")[2],
        "\ud800",
    ],
)
def test_any_other_text_is_refused(cursor: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        unseal("0", "queue.list", cursor)
    assert (caught.value.status, caught.value.details) == (400, {"parameter": "cursor"})
    assert caught.value.message == (
        "`cursor` must be the next_cursor of an earlier page of this list, got another text"
    )


@examples(100)
@given(st.text())
def test_nothing_that_was_not_sealed_is_taken_for_a_cursor(cursor: str) -> None:
    with pytest.raises(InvalidRequest):
        unseal("0", "queue.list", cursor)


# --- Lists


LISTS = ["cron.list", "run.list", "queue.list", "queue.dlq.list"]


def fill(box: Box) -> dict[str, str]:
    """Make two of everything that is listed, and return a cursor of each list."""
    box.call("queue.create", queue="other")
    box.publish("q", 1, 2)
    box.consume("q")
    for number in (1, 2):
        box.call("cron.create", cron_expr="* * * * *", task="https://api.acme.com/")
        box.call("cron.trigger", cron_id=f"cron_00000{number}")
        box.call("queue.nack", queue="q", message_id=f"msg_00000{number}", requeue=False)
    return {name: box.call(name, limit=1, **where(name))["next_cursor"] for name in LISTS}


def where(name: str) -> dict[str, str]:
    return {"queue": "q"} if name == "queue.dlq.list" else {}


@pytest.mark.parametrize("name", LISTS)
def test_a_cursor_counts_in_its_own_list_only(box: Box, name: str) -> None:
    cursors = fill(box)
    statuses = {
        of: box.status(name, cursor=cursor, **where(name)) for of, cursor in [*cursors.items(), ("none", "x.y")]
    }
    assert statuses == {of: 200 if of == name else 400 for of in (*LISTS, "none")}


def test_a_cursor_of_another_queues_dead_letters_is_foreign(box: Box) -> None:
    cursors = fill(box)
    assert box.status("queue.dlq.list", queue="other", cursor=cursors["queue.dlq.list"]) == 400


def test_a_cursor_of_a_sandbox_with_another_seed_is_foreign(box: Box) -> None:
    other = Box(seed=1)
    fill(other)
    assert other.status("queue.list", cursor=fill(box)["queue.list"]) == 400


@pytest.mark.parametrize("name", LISTS)
def test_an_empty_list_is_a_page_without_a_cursor(box: Box, name: str) -> None:
    if name == "queue.dlq.list":
        box.call("queue.create", queue="q")
    assert box.call(name, **where(name)) == {"items": []}


@pytest.mark.parametrize("name", LISTS)
def test_a_list_can_be_had_whole(box: Box, name: str) -> None:
    fill(box)
    box.sandbox.set_assumptions({"page.default_limit": 1, "page.max_limit": 1})
    assert len(box.call(name, **where(name))["items"]) == 1
    page = box.call(name, limit=0, **where(name))
    assert (len(page["items"]), "next_cursor" in page) == (2, False)


def test_an_index_takes_in_another_one_in_order() -> None:
    index, other = filled(1, 5, 9), filled(2, 6, 7)
    other.discard(6)
    index.join(other)
    assert page([index], None, None) == (["id1", "id2", "id5", "id7", "id9"], None)
    assert page([index], 2, 2) == (["id5", "id7"], 7)
