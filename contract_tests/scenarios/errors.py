"""What is refused, and how: statuses, codes, and sentences that name what is wrong."""

import json
from typing import Any

from sched_emulator.contract import Api, Group, equal, require, routes

paths = Group("error/paths", aspect="errors")
bodies = Group("error/bodies", aspect="errors")
values = Group("error/values", aspect="errors")
missing = Group("error/missing", aspect="errors")
PUBLISH = "/v1/scheduling/queue/publish"
UPDATE_LIMITS: tuple[tuple[str, tuple[Any, ...], tuple[Any, ...]], ...] = (
    ("retry", (0, 10), (-1, 11, 1.5, "3")),
    ("timeout_seconds", (1, 900), (0, 901, "5")),
    ("overlap_policy", ("allow", "skip", "queue"), ("never", 1)),
    ("max_runs", (1,), (0, -1, "2")),
    ("headers", ({},), ("text", {"X-Bad": 1})),
)
QUEUE_MISTAKES: tuple[dict[str, Any], ...] = (
    {"type": "lifo"},
    {"type": 1},
    {"max_retries": "3"},
    {"max_retries": -1},
    {"enable_priority": "yes"},
    {"visibility_timeout_default": "30"},
    {"message_retention_days": "7"},
)


@paths.choice(1, "queue.get", writes=False)
def unknown_path(api: Api) -> None:
    """A path that nobody documented answers 404, in the form of every error."""
    reply = api.send("GET", "/v1/scheduling/queue/invent")
    equal(reply.status, 404, "the status")
    require({"code", "message"} <= reply.error.keys(), reply.text[:200], "an error with code and message")


@paths.choice(2, "queue.publish", writes=False)
def wrong_method(api: Api) -> None:
    """A path with another method answers 405 and says in Allow what is possible."""
    reply = api.send("GET", PUBLISH)
    equal(reply.status, 405, "the status")
    require("POST" in reply.headers.get("Allow", ""), f"Allow was {reply.headers.get('Allow')!r}", "Allow names POST")


@paths.choice(3, "cron.create", "queue.publish")
def newer_paths(api: Api) -> None:
    """The vendor's newer paths serve the same operations."""
    queue = api.queue()
    newer = routes()["queue.publish"].newer_path
    reply = api.send("POST", str(newer), {"queue": queue, "payload": {"n": 1}}, headers={"Idempotency-Key": api.name()})
    require(reply.succeeded, f"{newer} answered {reply.status}: {reply.text[:120]}", "2xx")
    equal([item["payload"] for item in api.consume(queue)], [{"n": 1}], "what was consumed")


@bodies.choice(1, "queue.publish")
def no_json(api: Api) -> None:
    """A body that is no JSON, or no object, is refused, and nothing happens."""
    queue = api.queue()
    for raw in (b"{", b"not json", b"\xff\xfe", b'{"queue": NaN, "payload": {}}', b"[]", b'"text"'):
        reply = api.send("POST", PUBLISH, raw=raw)
        require(reply.status in {400, 422}, f"{raw!r} was answered {reply.status}: {reply.text[:120]}", "400")
        require("message" in reply.error, reply.text[:200], "an error with a message")
    equal(api.stats(queue)["available"], 0, "the number of messages available")


@bodies.choice(2, "queue.publish")
def other_media_type(api: Api) -> None:
    """A body that says it is something else than JSON is refused with 415."""
    body = json.dumps({"queue": api.queue(), "payload": {}}).encode()
    reply = api.send("POST", PUBLISH, raw=body, headers={"Content-Type": "text/plain"})
    equal(reply.status, 415, "the status")


@bodies.choice(3, "queue.publish:payload")
def too_large(api: Api) -> None:
    """A payload far beyond the limit is refused with 413, and nothing is published."""
    queue = api.queue()
    limit = int(api.answer("limits.message_bytes") or 262_144) if api.virtual else 262_144
    api.refused("queue.publish", 413, queue=queue, payload={"text": "x" * (limit + 1000)})
    equal(api.stats(queue)["available"], 0, "the number of messages available")


@bodies.choice(4, "cron.trigger", "queue.purge")
def bodies_may_be_absent(api: Api) -> None:
    """Operations whose parameters are all optional need no body; an empty object, and an empty body, do as well."""
    queue = api.queue()
    for raw in (None, b"{}", b""):
        reply = api.send("POST", f"/v1/scheduling/queue/purge/{queue}", raw=raw)
        require(reply.succeeded, f"the body {raw!r} was answered {reply.status}: {reply.text[:120]}", "2xx")


@values.documented(1, "cron.create:schedule", lines=(32, 168))
def impossible_expressions(api: Api) -> None:
    """Expressions that are none are refused, and the message says so."""
    for expression in ("not a cron", "61 * * * *", "* * * *", "* 25 * * *", "0 0 30 2 *", "@daily", "5-1 * * * *"):
        cron_refused(api, expression)


def cron_refused(api: Api, expression: str, **settings: str) -> None:
    """Create a cron that is refused."""
    fields = {"name": api.name(), "schedule": expression, "url": api.nowhere(), **settings}
    if api.answer("cron.create.names") == "example":
        fields["cron_expr"], fields["task_url"] = fields.pop("schedule"), fields.pop("url")
    reply = api.invalid("cron.create", **fields)
    require(reply.error.get("message"), reply.text[:200], "a message")


@values.documented(2, "cron.create:timezone", lines=(39,))
def unknown_zones(api: Api) -> None:
    """Time zones that do not exist are refused."""
    for zone in ("Mars/Olympus", "../etc/passwd", "Europe/berlin2"):
        cron_refused(api, "0 0 1 1 *", timezone=zone)


@values.documented(
    3, "cron.update:retry", "cron.update:timeout_seconds", "cron.update:overlap_policy", lines=(172, 173, 174)
)
def limits_of_update(api: Api) -> None:
    """The limits that the table of cron.update states hold, on both sides."""
    cron = api.cron()
    for field, inside, outside in UPDATE_LIMITS:
        for value in inside:
            api.call("cron.update", id=cron, **{field: value})
        for value in outside:
            api.invalid("cron.update", id=cron, **{field: value})


@values.documented(
    4, "queue.create:type", "queue.create:max_retries", "queue.create:enable_priority", lines=(522, 524, 527)
)
def wrong_types(api: Api) -> None:
    """Values of another type or outside the documented words are refused."""
    for fields in QUEUE_MISTAKES:
        api.invalid("queue.create", name=api.name(), **fields)


@values.documented(
    5, "queue.publish:delay_seconds", "queue.consume:max_messages", "queue.nack:requeue", lines=(102, 796, 871)
)
def wrong_message_values(api: Api) -> None:
    """Delays, numbers of messages, leases and truth values that are none are refused."""
    queue = api.queue()
    for delay in (-1, "soon"):
        api.invalid("queue.publish", queue=queue, payload={}, delay_seconds=delay)
    for count in (0, -1, "5", 1.5):
        api.invalid("queue.consume", queue=queue, max_messages=count)
    api.invalid("queue.consume", queue=queue, visibility_timeout="long")
    api.invalid("queue.nack", queue=queue, message_id="msg", requeue="yes")


@values.documented(6, "task.schedule:run_at", "queue.dlq.redrive:since", lines=(451, 940))
def no_instants(api: Api) -> None:
    """Texts that are no instants are refused."""
    for text in ("tomorrow", "2026-13-01T00:00:00Z", ""):
        api.invalid("task.schedule", task=api.nowhere(), run_at=text)
    api.invalid("queue.dlq.redrive", queue=api.queue(), since="yesterday")


@values.documented(7, "cron.create:url", "queue.push_subscribe:url", "task.schedule:task", lines=(975,))
def forbidden_urls(api: Api) -> None:
    """URLs that are none, of other schemes, or of private addresses, are refused; a push wants https."""
    queue = api.queue()
    for url in ("ftp://example.com/x", "not a url", "http://10.0.0.1/x", "http://169.254.169.254/latest"):
        api.invalid("task.schedule", task=url, run_at=api.soon(3600))
        api.invalid("queue.push_subscribe", queue=queue, url=url)
    api.invalid("queue.push_subscribe", queue=queue, url="http://receiver.example.com/plain")


@values.documented(8, "queue.create:dead_letter_queue", lines=(523,))
def dead_letter_queue_must_exist(api: Api) -> None:
    """A dead-letter queue that does not exist, or is the queue itself, is refused."""
    api.invalid("queue.create", name=api.name(), dead_letter_queue=api.name())
    queue = api.queue()
    api.invalid("queue.update", queue=queue, dead_letter_queue=queue)


@missing.documented(
    1, "queue.publish:queue", "queue.publish:payload", "queue.ack:message_id", "queue.nack:message_id", lines=(96, 99)
)
def required_parameters(api: Api) -> None:
    """What the tables mark as required is required."""
    queue = api.queue()
    api.invalid("queue.publish", queue=queue)
    api.invalid("queue.publish", payload={})
    api.invalid("queue.publish_batch", queue=queue)
    api.invalid("queue.consume")
    api.invalid("queue.ack", queue=queue)
    api.invalid("queue.nack", queue=queue)
    api.invalid("queue.create")
    api.invalid("queue.push_subscribe", queue=queue)
    api.invalid("task.schedule", task=api.nowhere())
    api.invalid("task.schedule", run_at=api.soon(3600))
    api.invalid("cron.retention.set", id=api.cron())
    api.invalid("cron.create", name=api.name())


@missing.documented(2, "cron.get:cron_id", "cron.runs.get:run_id", lines=(134, 344))
def unknown_crons(api: Api) -> None:
    """Every operation on a cron that does not exist answers 404 and says "not found"."""
    for name in ("get", "delete", "pause", "resume", "trigger", "retention.get"):
        reply = api.refused(f"cron.{name}", 404, id="cron_never_was")
        require("not found" in reply.text.lower(), reply.text[:200], "the words not found")
    api.refused("cron.update", 404, id="cron_never_was", name=api.name())
    api.refused("cron.retention.set", 404, id="cron_never_was", retention_days=3)
    api.refused("cron.runs.get", 404, id=api.cron(), run_id="run_never_was")


@missing.documented(3, "queue.get:queue", lines=(559,))
def unknown_queues(api: Api) -> None:
    """Every operation on a queue that does not exist answers 404 and says "not found"."""
    absent = api.name()
    for name in ("get", "delete", "purge", "stats", "dlq.list", "dlq.redrive"):
        reply = api.refused(f"queue.{name}", 404, queue=absent)
        require("not found" in reply.text.lower(), reply.text[:200], "the words not found")
    api.refused("queue.update", 404, queue=absent, max_retries=1)
    api.refused("queue.push_subscribe", 404, queue=absent, url=api.nowhere())
