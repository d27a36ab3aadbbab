"""Each documented example as it stands, with ids and names that exist in the place of the placeholders."""

from collections.abc import Callable
from typing import Any

from sched_emulator.contract import (
    NO_BODY,
    Api,
    Failed,
    Group,
    NotChecked,
    collected,
    cron_id,
    empty_queue,
    equal,
    idle_cron,
    idle_cron_fetched,
    idle_cron_retention,
    idle_queue,
    listed_crons,
    prioritised,
    pushed_queue,
    require,
    routes,
    spare_cron,
    tells,
    unkeyed_queue,
)

from .crons import changed_cron, deleted_cron, switched_cron
from .queues import deleted_queue

examples = Group("example", aspect="examples")
WEEKLY = "https://api.acme.com/weekly"


def send(api: Api, operation: str, path_id: str = "", body: Any = None, run_id: str = "", *, other: str = "") -> Any:
    """Send an example byte for byte as documented, and return what is returned.

    A creation has a key where the target requires one. `other` names the open question by whose answer the example is
    refused where the documentation says the same thing in another way.
    """
    described = routes()[operation]
    path = described.path.replace("{run_id}", run_id).replace("{id}", path_id).replace("{queue}", path_id)
    if described.creation and api.answer("idempotency.required") == "required":
        body = {**body, "idempotency_key": api.name()}
    headers: dict[str, str | None] = {"Content-Type": "application/json"} if body is not None else {}
    sent = api.send(described.method, path, NO_BODY if body is None else body, headers=headers)
    reply = api.looked_at(operation, sent)
    if not reply.succeeded:
        if other and 400 <= reply.status < 500 and api.answer(other) in {None, "table"}:
            raise NotChecked("this target takes the names of the table, which the example contradicts")
        raise Failed(f"{operation} answered {reply.status}: {reply.text[:200]}", "the documented example works")
    return reply.data


def of(number: int, operation: str, *lines: int) -> Callable[[Callable[[Api], None]], Callable[[Api], None]]:
    """Register the example of an operation at a line of the documentation; other lines say what it returns."""
    return examples.documented(number, operation, lines=lines)


def triggered_cron(api: Api) -> tuple[str, Any]:
    """Trigger a cron; return its id and the run."""
    cron = api.shared(spare_cron)
    return cron, send(api, "cron.trigger", cron, {"job_id": cron})


@of(1, "cron.create", 61, 140)
def create_cron(api: Api) -> None:
    """The example of cron.create works: cron_expr, task_type, task_url."""
    body = {"cron_expr": "0 9 * * 1", "task_type": "http_url", "task_url": WEEKLY}
    record = send(api, "cron.create", body=body, other="cron.create.names")
    fetched = api.call("cron.get", id=cron_id(record))
    tells(fetched, "the cron", cron_expr="0 9 * * 1", task=WEEKLY, enabled=True)
    api.call("cron.delete", id=cron_id(record))


@of(2, "cron.list", 85, 71)
def list_crons(api: Api) -> None:
    """The example of cron.list works."""
    reply = api.looked_at("cron.list", api.shared(listed_crons))
    require(reply.succeeded, f"cron.list answered {reply.status}: {reply.text[:200]}", "the documented example works")


@of(3, "queue.publish", 123, 107)
def publish(api: Api) -> None:
    """The example of queue.publish works, its undocumented priority too."""
    with empty_queue(api) as queue:
        sent = send(api, "queue.publish", body={"queue": queue, "payload": {"order_id": "o_123"}, "priority": 5})
        taken = collected(api, queue, 1)
        equal(len(taken), 1, "the number of messages handed out")
        tells(taken[0], "the message", message_id=sent["message_id"], payload={"order_id": "o_123"})


@of(4, "cron.get", 154, 140)
def get_cron(api: Api) -> None:
    """The example of cron.get works."""
    cron = api.shared(idle_cron).name
    equal(api.shared(idle_cron_fetched)["cron_id"], cron, "the cron's id")


@of(5, "cron.update", 199, 183)
def update_cron(api: Api) -> None:
    """The example of cron.update works: an empty object changes nothing."""
    cron, before = api.shared(idle_cron).name, api.shared(idle_cron_fetched)
    kept = {name: before[name] for name in ("cron_id", "name", "cron_expr", "task", "timezone", "enabled")}
    tells(send(api, "cron.update", cron, {}), "the cron", **kept)
    tells(api.call("cron.get", id=cron), "the cron afterwards", **kept)


@of(6, "cron.delete", 231, 217)
def delete_cron(api: Api) -> None:
    """The example of cron.delete works, and the cron is gone."""
    cron, deleted = api.shared(deleted_cron)
    tells(deleted, "what was returned", cron_id=cron)
    require(deleted["deleted"], f"deleted was {deleted['deleted']}", "it says that it was deleted")


@of(7, "cron.pause", 265, 249)
def pause_cron(api: Api) -> None:
    """The example of cron.pause works."""
    switched = api.shared(switched_cron)
    tells(switched.pause, "what was returned", cron_id=switched.before["cron_id"], enabled=False)


@of(8, "cron.resume", 299, 283)
def resume_cron(api: Api) -> None:
    """The example of cron.resume works."""
    switched = api.shared(switched_cron)
    tells(switched.resume, "what was returned", cron_id=switched.before["cron_id"], enabled=True)


@of(9, "cron.trigger", 333, 317)
def trigger_cron(api: Api) -> None:
    """The example of cron.trigger works, which calls the id job_id."""
    cron, run = api.shared(triggered_cron)
    equal(run["cron_id"], cron, "the run's cron")


@of(10, "cron.runs.get", 367, 353)
def get_run(api: Api) -> None:
    """The example of cron.runs.get works."""
    cron, run = api.shared(triggered_cron)
    run_id = run["run_id"]
    equal(send(api, "cron.runs.get", cron, run_id=run_id)["run_id"], run_id, "the run's id")


@of(11, "cron.retention.get", 398, 384)
def get_retention(api: Api) -> None:
    """The example of cron.retention.get works."""
    cron = api.shared(idle_cron).name
    equal(api.shared(idle_cron_retention)["cron_id"], cron, "the cron's id")


@of(12, "cron.retention.set", 435, 419)
def set_retention(api: Api) -> None:
    """The example of cron.retention.set works, with 0 days."""
    cron = api.shared(changed_cron).before["cron_id"]
    equal(send(api, "cron.retention.set", cron, {"retention_days": 0})["retention_days"], 0, "retention_days")


@of(13, "task.schedule", 478, 462)
def schedule_task(api: Api) -> None:
    """The example of task.schedule works."""
    url = api.nowhere()
    equal(send(api, "task.schedule", body={"task": url, "run_at": api.soon(2)})["task"], url, "the task's URL")


@of(14, "run.list", 508, 494)
def list_runs(api: Api) -> None:
    """The example of run.list works."""
    send(api, "run.list")


@of(15, "queue.create", 548, 532)
def create_queue(api: Api) -> None:
    """The example of queue.create works."""
    name, reply = api.shared(unkeyed_queue)
    created = api.looked_at("queue.create", reply)
    record = created.data if created.succeeded else send(api, "queue.create", body={"name": name})
    tells(record, "the queue", queue=name)


@of(16, "queue.get", 579, 565)
def get_queue(api: Api) -> None:
    """The example of queue.get works."""
    queue = api.shared(idle_queue).name
    equal(send(api, "queue.get", queue)["queue"], queue, "the queue")


@of(17, "queue.list", 609, 595)
def list_queues(api: Api) -> None:
    """The example of queue.list works."""
    send(api, "queue.list")


@of(18, "queue.update", 648, 632)
def update_queue(api: Api) -> None:
    """The example of queue.update works: an empty object changes nothing."""
    queue, _, given = api.shared(idle_queue)
    equal(send(api, "queue.update", queue, {})["max_retries"], given["max_retries"], "max_retries")


@of(19, "queue.delete", 680, 666)
def delete_queue(api: Api) -> None:
    """The example of queue.delete works, and the queue is gone."""
    queue, deleted = api.shared(deleted_queue)
    tells(deleted, "what was returned", queue=queue)
    require(deleted["deleted"], f"deleted was {deleted['deleted']}", "it says that it was deleted")


@of(20, "queue.purge", 714, 698)
def purge_queue(api: Api) -> None:
    """The example of queue.purge works."""
    queue = api.shared(idle_queue).name
    equal(send(api, "queue.purge", queue, {"queue": queue})["queue"], queue, "the queue")


@of(21, "queue.stats", 745, 731)
def queue_stats(api: Api) -> None:
    """The example of queue.stats works."""
    queue = api.shared(idle_queue).name
    equal(send(api, "queue.stats", queue)["queue"], queue, "the queue")


@of(22, "queue.publish_batch", 782, 766)
def publish_batch(api: Api) -> None:
    """The example of queue.publish_batch works, with no messages at all."""
    queue = api.shared(idle_queue).name
    equal(send(api, "queue.publish_batch", body={"queue": queue, "messages": []})["message_ids"], [], "the ids")


@of(23, "queue.consume", 817, 801)
def consume(api: Api) -> None:
    """The example of queue.consume works."""
    send(api, "queue.consume", body={"queue": api.shared(idle_queue).name})


@of(24, "queue.ack", 854, 838)
def ack(api: Api) -> None:
    """The example of queue.ack works."""
    queue, (message, *_), _ = api.shared(prioritised)
    acked = send(api, "queue.ack", body={"queue": queue, "message_id": message})
    tells(acked, "what was returned", message_id=message)
    require(acked["acked"], f"acked was {acked['acked']}", "it was acknowledged")


@of(25, "queue.nack", 892, 876)
def nack(api: Api) -> None:
    """The example of queue.nack works."""
    queue, (*_, message), _ = api.shared(prioritised)
    nacked = send(api, "queue.nack", body={"queue": queue, "message_id": message})
    tells(nacked, "what was returned", message_id=message)
    require(nacked["nacked"], f"nacked was {nacked['nacked']}", "it was given back")


@of(26, "queue.dlq.list", 925, 911)
def list_dead(api: Api) -> None:
    """The example of queue.dlq.list works."""
    queue = api.shared(idle_queue).name
    equal(send(api, "queue.dlq.list", queue)["items"], [], "the list")


@of(27, "queue.dlq.redrive", 961, 945)
def redrive(api: Api) -> None:
    """The example of queue.dlq.redrive works, its undocumented max_messages too."""
    queue = api.shared(idle_queue).name
    equal(send(api, "queue.dlq.redrive", queue, {"queue": queue, "max_messages": 100})["queue"], queue, "the queue")


@of(28, "queue.push_subscribe", 1002, 986)
def subscribe(api: Api) -> None:
    """The example of queue.push_subscribe works, which calls the URL forward_to."""
    queue, url = api.shared(pushed_queue), "https://api.acme.com/order-handler"
    record = send(api, "queue.push_subscribe", queue, {"queue": queue, "forward_to": url}, other="push.url_names")
    tells(record, "the subscription", queue=queue, url=url)
