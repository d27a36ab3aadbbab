"""Lists: every item once, while items come and go."""

from typing import Any

from sched_emulator.contract import Api, Group, equal, require

pages = Group("paging", aspect="paging")


def visited(api: Api, operation: str, field: str, mine: list[str], **arguments: Any) -> None:
    """Walk a list in pages of two; each of mine is visited exactly once, and no page is larger."""
    seen: list[str] = []
    cursor: dict[str, str] = {}
    for _ in range(400):
        page = api.call(operation, limit=2, **cursor, **arguments)
        require(len(page["items"]) <= 2, f"a page of limit 2 had {len(page['items'])} items", "at most 2")
        seen += [item[field] for item in page["items"] if item.get(field) in mine]
        if "next_cursor" not in page:
            break
        cursor = {"cursor": page["next_cursor"]}
    equal(sorted(seen), sorted(mine), "what was visited")


@pages.documented(1, "queue.list", "queue.list:cursor", "queue.list:limit", lines=(590, 591, 596))
def of_queues(api: Api) -> None:
    """queue.list visits every queue once, in pages of at most `limit`."""
    visited(api, "queue.list", "queue", [api.queue() for _ in range(5)])


@pages.documented(2, "run.list", "run.list:cursor", "run.list:limit", lines=(489, 490, 494))
def of_runs(api: Api) -> None:
    """run.list visits every run once, in pages of at most `limit`."""
    cron = api.cron()
    visited(api, "run.list", "run_id", [api.call("cron.trigger", id=cron)["run_id"] for _ in range(5)])


@pages.documented(3, "queue.dlq.list:cursor", "queue.dlq.list:limit", lines=(906, 907, 911))
def of_dead_letters(api: Api) -> None:
    """queue.dlq.list visits every dead letter once, in pages of at most `limit`."""
    queue = api.queue(dead_letter_queue=api.queue())
    sent = api.publish_many(queue, 5)
    for message in api.take(queue, max_messages=5):
        api.call("queue.nack", queue=queue, message_id=message, requeue=False)
    visited(api, "queue.dlq.list", "message_id", sent, queue=queue)


@pages.choice(4, "cron.list")
def of_crons(api: Api) -> None:
    """cron.list visits every cron once."""
    field = "job_id" if api.answer("cron.create.id_field") == "job_id" else "cron_id"
    mine = [api.cron() for _ in range(3)]
    items = api.pages("cron.list") if api.answer("cron.list.paging") == "none" else api.pages("cron.list", limit=2)
    seen = [item.get("cron_id") or item.get(field) for item in items]
    equal(sorted(item for item in seen if item in mine), sorted(mine), "what was visited")


@pages.documented(5, "queue.list:cursor", lines=(590,))
def while_items_come_and_go(api: Api) -> None:
    """Items that are deleted or added between pages make no other item be missed or visited twice."""
    mine = [api.queue() for _ in range(6)]
    first = api.call("queue.list", limit=1)
    seen = [item["queue"] for item in first["items"]]
    for _ in range(400):
        if mine[1] in seen:
            break
        first = api.call("queue.list", limit=1, cursor=first["next_cursor"])
        seen += [item["queue"] for item in first["items"]]
    api.call("queue.delete", queue=mine[0])
    api.call("queue.delete", queue=mine[3])
    mine.append(api.queue())
    seen += [item["queue"] for item in api.pages("queue.list", limit=2, cursor=first["next_cursor"])]
    left = [name for name in mine if name != mine[3]]
    equal([name for name in seen if name in mine], left, "what was visited")


@pages.choice(6, "queue.list:cursor", "run.list:cursor")
def made_up_cursors(api: Api) -> None:
    """A cursor that no page returned, or another list's, is refused."""
    for operation in ("queue.list", "run.list"):
        api.invalid(operation, cursor="made-up")
    api.invalid("queue.dlq.list", queue=api.queue(), cursor="made-up")


@pages.choice(7, "queue.list:limit")
def limits(api: Api) -> None:
    """A limit that is no positive number is refused; a very large one is not."""
    for limit in (0, -1, "many"):
        api.invalid("queue.list", limit=limit)
    api.call("queue.list", limit=1_000_000)


@pages.choice(8, "run.list", seconds=3)
def runs_are_newest_first(api: Api) -> None:
    """run.list begins with the newest run."""
    cron = api.cron()
    first = api.call("cron.trigger", id=cron)["run_id"]
    api.sleep(1)
    second = api.call("cron.trigger", id=cron)["run_id"]
    mine = [item["run_id"] for item in api.runs_of("cron_id", cron)]
    equal(mine, [second, first], "the order")
