"""Lists: every item once, while items come and go."""

from typing import Any

from sched_emulator.contract import (
    Api,
    Group,
    NotChecked,
    dead_letters,
    equal,
    idle_cron,
    idle_queue,
    require,
    would_refuse,
    would_take,
)

from .crons import switched_cron
from .examples import triggered_cron

LARGE_PAGE = 100
pages = Group("paging", aspect="paging")


def visited(api: Api, operation: str, field: str, mine: list[str], limit: int | None = None, **arguments: Any) -> None:
    """Walk a list in small pages; each of mine is visited exactly once, and no page is larger than asked."""
    seen: list[str] = []
    cursor: dict[str, str] = {}
    limit = limit or small_page(api, operation, **arguments)
    for _ in range(400):
        page = api.call(operation, limit=limit, **cursor, **arguments)
        require(len(page["items"]) <= limit, f"a page of limit {limit} had {len(page['items'])} items", "no more")
        seen += [item[field] for item in page["items"] if item.get(field) in mine]
        if not page.get("next_cursor"):
            break
        cursor = {"cursor": page["next_cursor"]}
    equal(sorted(seen), sorted(mine), "what was visited")


def small_page(api: Api, operation: str, **arguments: Any) -> int:
    """Return two, or more where the list has so much else in it that small pages would be many."""
    return max(2, -(-len(api.pages(operation, **arguments)) // (2 if api.paid else 4)))


@pages.documented(1, "queue.list", "queue.list:cursor", "queue.list:limit", lines=(585, 590, 591, 595))
def of_queues(api: Api) -> None:
    """queue.list visits every queue once, in pages of at most `limit`."""
    mine = [api.queue() for _ in range(4)] if not api.paid else list(api.shared(dead_letters)[:2])
    idle = api.shared(idle_queue)
    visited(api, "queue.list", "queue", [*mine, idle.name, idle.given["dead_letter_queue"]])


@pages.documented(2, "run.list", "run.list:cursor", "run.list:limit", lines=(489, 490, 494))
def of_runs(api: Api) -> None:
    """run.list visits every run once, in pages of at most `limit`."""
    cron, run = api.shared(triggered_cron)
    more = [api.call("cron.trigger", id=cron)["run_id"] for _ in range(1 if api.paid else 3)]
    visited(api, "run.list", "run_id", [run["run_id"], *more])


@pages.documented(3, "queue.dlq.list:cursor", "queue.dlq.list:limit", lines=(871, 906, 907, 911))
def of_dead_letters(api: Api) -> None:
    """queue.dlq.list visits every dead letter once, in pages of at most `limit`."""
    dead = api.shared(dead_letters)
    visited(api, "queue.dlq.list", "message_id", list(dead.payloads), limit=2, queue=dead.queue)


@pages.documented(4, "cron.list", lines=(67, 71))
def of_crons(api: Api) -> None:
    """cron.list visits every cron once."""
    field = "job_id" if api.answer("cron.create.id_field") == "job_id" else "cron_id"
    mine = [api.shared(idle_cron).name, api.shared(switched_cron).before["cron_id"], api.shared(triggered_cron)[0]]
    small = small_page(api, "cron.list")
    items = api.pages("cron.list", limit=small if api.answer("cron.list.paging") == "cursor" else None)
    seen = [item.get("cron_id") or item.get(field) for item in items]
    equal(sorted(item for item in seen if item in mine), sorted(mine), "what was visited")


@pages.documented(5, "queue.list:cursor", lines=(585, 590, 595))
def while_items_come_and_go(api: Api) -> None:
    """Items that are deleted or added between pages make no other item be missed or visited twice."""
    idle, dead = api.shared(idle_queue), api.shared(dead_letters)
    stay = [idle.given["dead_letter_queue"], idle.name, dead.dead_letter_queue, dead.queue]
    mine = [api.queue(), api.queue()]
    listed = [item["queue"] for item in api.pages("queue.list")]
    require({*stay, *mine} <= set(listed), "not all of the queues just created were listed", "each is")
    limit = min(min(map(listed.index, mine)) + 1, LARGE_PAGE)  # one of mine is on the first page, or on another
    seen: list[str] = []
    given: dict[str, str] = {}
    while not set(mine) & set(seen):
        page = api.call("queue.list", limit=limit, **given)
        seen += [item["queue"] for item in page["items"] if item["queue"] in {*stay, *mine}]
        require(page.get("next_cursor"), f"the list ended after {len(seen)} of six queues", "it goes on")
        given = {"cursor": page["next_cursor"]}
    if set(mine) <= set(seen):
        raise NotChecked("other queues came and went so fast that both were on one page")
    for name in mine:
        api.call("queue.delete", queue=name)
    added = api.queue()
    rest = api.pages("queue.list", limit=LARGE_PAGE, **given)
    seen += [item["queue"] for item in rest if item["queue"] in {*stay, *mine, added}]
    equal(sorted(name for name in seen if name in stay), sorted(stay), "what was visited")
    if api.curious:
        order = [name for name in seen if name not in mine]
        api.expects_equal("queue.list_order", order, [*stay, added], "the order of the queues listed")


@pages.choice(6, "queue.list:cursor", "run.list:cursor")
def made_up_cursors(api: Api) -> None:
    """A cursor that no page returned is refused."""
    for operation in ("queue.list", "run.list"):
        would_refuse(api, "values.cursors", operation, cursor="made-up")
    would_refuse(api, "values.cursors", "queue.dlq.list", queue=api.queue(), cursor="made-up")


@pages.documented(7, "queue.list:limit", lines=(591,), writes=False)
def limits_are_numbers(api: Api) -> None:
    """A limit that is no number is refused."""
    api.invalid("queue.list", limit="many")


@pages.choice(9, "queue.list:limit", writes=False)
def limits(api: Api) -> None:
    """A limit of 0 or less is refused; a very large one is not."""
    for limit in (0, -1):
        would_refuse(api, "values.limits_of_lists", "queue.list", limit=limit)
    would_take(api, "values.limits_of_lists", "queue.list", limit=1_000_000)


@pages.choice(8, "run.list", seconds=3)
def runs_are_newest_first(api: Api) -> None:
    """run.list begins with the newest run."""
    cron = api.cron()
    first = api.call("cron.trigger", id=cron)["run_id"]
    api.sleep(1)
    second = api.call("cron.trigger", id=cron)["run_id"]
    mine = [item["run_id"] for item in api.runs_of("cron_id", cron)]
    api.expects_equal("queue.list_order", mine, [second, first], "the order of runs")
