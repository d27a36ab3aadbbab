"""Each documented example as it stands, with ids and names that exist in the place of the placeholders."""

from collections.abc import Callable
from typing import Any

from sched_emulator.contract import NO_BODY, Api, Failed, Group, NotChecked, cron_id, equal, routes

examples = Group("example", aspect="examples")
WEEKLY = "https://api.acme.com/weekly"


def send(api: Api, operation: str, path_id: str = "", body: Any = None, run_id: str = "") -> Any:
    """Send an example byte for byte as documented, and return what is returned."""
    described = routes()[operation]
    path = described.path.replace("{run_id}", run_id).replace("{id}", path_id).replace("{queue}", path_id)
    headers: dict[str, str | None] = {"Content-Type": "application/json"} if body is not None else {}
    if api.answer("idempotency.required") == "required" and described.method == "POST":
        headers["Idempotency-Key"] = api.name()
    sent = api.send(described.method, path, NO_BODY if body is None else body, headers=headers)
    reply = api.looked_at(operation, sent)
    if not reply.succeeded:
        raise Failed(f"{operation} answered {reply.status}: {reply.text[:200]}", "the documented example works")
    return reply.data


def of(number: int, operation: str, line: int) -> Callable[[Callable[[Api], None]], Callable[[Api], None]]:
    """Register the example of an operation at a line of the documentation."""
    return examples.documented(number, operation, lines=(line,))


@of(1, "cron.create", 61)
def create_cron(api: Api) -> None:
    """The example of cron.create works: cron_expr, task_type, task_url."""
    if api.answer("cron.create.names") == "table":
        raise NotChecked("this target takes the names of the table, which the example contradicts")
    record = send(api, "cron.create", body={"cron_expr": "0 9 * * 1", "task_type": "http_url", "task_url": WEEKLY})
    fetched = api.call("cron.get", id=cron_id(record))
    equal((fetched["cron_expr"], fetched["task"], fetched["enabled"]), ("0 9 * * 1", WEEKLY, True), "the cron")
    api.call("cron.delete", id=cron_id(record))


@of(2, "cron.list", 85)
def list_crons(api: Api) -> None:
    """The example of cron.list works."""
    send(api, "cron.list")


@of(3, "queue.publish", 123)
def publish(api: Api) -> None:
    """The example of queue.publish works, its undocumented priority too."""
    queue = api.queue()
    sent = send(api, "queue.publish", body={"queue": queue, "payload": {"order_id": "o_123"}, "priority": 5})
    taken = api.consume(queue)[0]
    equal((taken["message_id"], taken["payload"]), (sent["message_id"], {"order_id": "o_123"}), "the message")


@of(4, "cron.get", 154)
def get_cron(api: Api) -> None:
    """The example of cron.get works."""
    cron = api.cron()
    equal(send(api, "cron.get", cron)["cron_id"], cron, "the cron's id")


@of(5, "cron.update", 199)
def update_cron(api: Api) -> None:
    """The example of cron.update works: an empty object changes nothing."""
    cron = api.cron()
    before = api.call("cron.get", id=cron)
    equal(send(api, "cron.update", cron, {}), before, "the cron")


@of(6, "cron.delete", 231)
def delete_cron(api: Api) -> None:
    """The example of cron.delete works, and the cron is gone."""
    cron = api.cron()
    equal(send(api, "cron.delete", cron), {"cron_id": cron, "deleted": True}, "what was returned")
    api.refused("cron.get", 404, id=cron)


@of(7, "cron.pause", 265)
def pause_cron(api: Api) -> None:
    """The example of cron.pause works."""
    cron = api.cron()
    equal(send(api, "cron.pause", cron, {"cron_id": cron}), {"cron_id": cron, "enabled": False}, "what was returned")


@of(8, "cron.resume", 299)
def resume_cron(api: Api) -> None:
    """The example of cron.resume works."""
    cron = api.cron()
    api.call("cron.pause", id=cron)
    equal(send(api, "cron.resume", cron, {"cron_id": cron})["enabled"], True, "enabled")


@of(9, "cron.trigger", 333)
def trigger_cron(api: Api) -> None:
    """The example of cron.trigger works, which calls the id job_id."""
    cron = api.cron()
    equal(send(api, "cron.trigger", cron, {"job_id": cron})["cron_id"], cron, "the run's cron")


@of(10, "cron.runs.get", 367)
def get_run(api: Api) -> None:
    """The example of cron.runs.get works."""
    cron = api.cron()
    run_id = api.call("cron.trigger", id=cron)["run_id"]
    equal(send(api, "cron.runs.get", cron, run_id=run_id)["run_id"], run_id, "the run's id")


@of(11, "cron.retention.get", 398)
def get_retention(api: Api) -> None:
    """The example of cron.retention.get works."""
    cron = api.cron()
    equal(send(api, "cron.retention.get", cron)["cron_id"], cron, "the cron's id")


@of(12, "cron.retention.set", 435)
def set_retention(api: Api) -> None:
    """The example of cron.retention.set works, with 0 days."""
    cron = api.cron()
    equal(send(api, "cron.retention.set", cron, {"retention_days": 0})["retention_days"], 0, "retention_days")


@of(13, "task.schedule", 478)
def schedule_task(api: Api) -> None:
    """The example of task.schedule works."""
    url = api.nowhere()
    equal(send(api, "task.schedule", body={"task": url, "run_at": api.soon(2)})["task"], url, "the task's URL")


@of(14, "run.list", 508)
def list_runs(api: Api) -> None:
    """The example of run.list works."""
    send(api, "run.list")


@of(15, "queue.create", 548)
def create_queue(api: Api) -> None:
    """The example of queue.create works."""
    name = api.name()
    record = send(api, "queue.create", body={"name": name})
    equal((record["queue"], record["type"]), (name, "standard"), "the queue")


@of(16, "queue.get", 579)
def get_queue(api: Api) -> None:
    """The example of queue.get works."""
    queue = api.queue()
    equal(send(api, "queue.get", queue)["queue"], queue, "the queue")


@of(17, "queue.list", 609)
def list_queues(api: Api) -> None:
    """The example of queue.list works."""
    send(api, "queue.list")


@of(18, "queue.update", 648)
def update_queue(api: Api) -> None:
    """The example of queue.update works: an empty object changes nothing."""
    queue = api.queue(max_retries=7)
    equal(send(api, "queue.update", queue, {})["max_retries"], 7, "max_retries")


@of(19, "queue.delete", 680)
def delete_queue(api: Api) -> None:
    """The example of queue.delete works, and the queue is gone."""
    queue = api.queue()
    equal(send(api, "queue.delete", queue), {"queue": queue, "deleted": True}, "what was returned")
    api.refused("queue.get", 404, queue=queue)


@of(20, "queue.purge", 714)
def purge_queue(api: Api) -> None:
    """The example of queue.purge works."""
    queue = api.queue()
    equal(send(api, "queue.purge", queue, {"queue": queue})["queue"], queue, "the queue")


@of(21, "queue.stats", 745)
def queue_stats(api: Api) -> None:
    """The example of queue.stats works."""
    queue = api.queue()
    equal(send(api, "queue.stats", queue)["queue"], queue, "the queue")


@of(22, "queue.publish_batch", 782)
def publish_batch(api: Api) -> None:
    """The example of queue.publish_batch works, with no messages at all."""
    equal(send(api, "queue.publish_batch", body={"queue": api.queue(), "messages": []}), {"message_ids": []}, "the ids")


@of(23, "queue.consume", 817)
def consume(api: Api) -> None:
    """The example of queue.consume works."""
    send(api, "queue.consume", body={"queue": api.queue()})


@of(24, "queue.ack", 854)
def ack(api: Api) -> None:
    """The example of queue.ack works."""
    queue = api.queue()
    message = api.publish(queue)
    api.take(queue)
    acked = send(api, "queue.ack", body={"queue": queue, "message_id": message})
    equal(acked, {"message_id": message, "acked": True}, "what was returned")


@of(25, "queue.nack", 892)
def nack(api: Api) -> None:
    """The example of queue.nack works."""
    queue = api.queue()
    message = api.publish(queue)
    api.take(queue)
    equal(send(api, "queue.nack", body={"queue": queue, "message_id": message})["nacked"], True, "nacked")


@of(26, "queue.dlq.list", 925)
def list_dead(api: Api) -> None:
    """The example of queue.dlq.list works."""
    equal(send(api, "queue.dlq.list", api.queue()), {"items": []}, "the list")


@of(27, "queue.dlq.redrive", 961)
def redrive(api: Api) -> None:
    """The example of queue.dlq.redrive works, its undocumented max_messages too."""
    queue = api.queue()
    equal(send(api, "queue.dlq.redrive", queue, {"queue": queue, "max_messages": 100})["queue"], queue, "the queue")


@of(28, "queue.push_subscribe", 1002)
def subscribe(api: Api) -> None:
    """The example of queue.push_subscribe works, which calls the URL forward_to."""
    if api.answer("push.url_names") == "table":
        raise NotChecked("this target takes the table's name of the URL, which the example contradicts")
    queue = api.queue()
    url = "https://api.acme.com/order-handler"
    record = send(api, "queue.push_subscribe", queue, {"queue": queue, "forward_to": url})
    equal((record["queue"], record["url"]), (queue, url), "the subscription")
