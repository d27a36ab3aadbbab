"""What is refused, and how: what has no meaning at all is documented to be, and how and what else is chosen."""

import json
from typing import Any

from sched_emulator.contract import (
    NEVER,
    Api,
    Group,
    Reply,
    changing_cron,
    dead_letters,
    empty_queue,
    equal,
    idle_cron,
    idle_cron_fetched,
    idle_queue,
    require,
    routes,
    senseless,
    would_refuse,
)

paths = Group("error/paths", aspect="errors")
bodies = Group("error/bodies", aspect="errors")
values = Group("error/values", aspect="errors")
missing = Group("error/missing", aspect="errors")
PUBLISH = "/v1/scheduling/queue/publish"
EMPTY = {"available": 0, "in_flight": 0, "dlq": 0}
UPDATE_LIMITS: tuple[tuple[str, tuple[Any, ...], tuple[Any, ...]], ...] = (
    ("retry", (0, 10), (-1, "3", 11)),
    ("timeout_seconds", (1, 900), (0, "5", 901)),
    ("overlap_policy", ("allow", "skip", "queue"), ("never", 1)),
    ("max_runs", (1,), ("2",)),
    ("headers", ({}, {"X-Good": "1"}), ("text",)),
)
QUEUE_MISTAKES: tuple[dict[str, Any], ...] = (
    {"type": "lifo"},
    {"type": 1},
    {"max_retries": "3"},
    {"enable_priority": "yes"},
    {"visibility_timeout_default": "30"},
    {"message_retention_days": "7"},
)


@paths.choice(1, "queue.get", writes=False)
def unknown_path(api: Api) -> None:
    """A path that nobody documented answers 404, in the form of every error."""
    reply = api.send("GET", "/v1/scheduling/queue/invent")
    api.expects_equal("http.statuses", reply.status, 404, "the status of an unknown path")
    form = {"code", "message"} <= reply.error.keys()
    api.expects("http.error_members", form, reply.text[:200], "an error with code and message")


@paths.choice(2, "queue.publish", writes=False)
def wrong_method(api: Api) -> None:
    """A path with another method answers 405 and says in Allow what is possible."""
    reply = api.send("GET", PUBLISH)
    api.expects_equal("http.statuses", reply.status, 405, "the status of another method")
    if reply.status == 405:
        allowed = reply.headers.get("Allow", "")
        api.expects("http.statuses", "POST" in allowed, f"Allow was {allowed!r}", "Allow names POST")


@paths.choice(3, "cron.create", "queue.publish")
def newer_paths(api: Api) -> None:
    """The vendor's newer paths serve the same operations."""
    queue = api.queue()
    newer = routes()["queue.publish"].newer_path
    reply = api.send("POST", str(newer), {"queue": queue, "payload": {"n": 1}, "idempotency_key": api.name()})
    came = f"{newer} answered {reply.status}: {reply.text[:120]}"
    api.expects("http.newer_paths", reply.succeeded, came, "2xx")
    if reply.succeeded:
        consumed = [item["payload"] for item in api.consume(queue)]
        api.expects_equal("http.newer_paths", consumed, [{"n": 1}], f"what was consumed after {newer}")


@bodies.documented(1, "queue.publish", lines=(16, 96, 99))
def no_json(api: Api) -> None:
    """A body that is no JSON, or no object, has none of what is required: it is refused, and nothing happens."""
    queue = api.shared(idle_queue).name
    for raw in api.some((b"{", b"not json", b"\xff\xfe", b"[]", b'"text"'), 2):
        refused_raw(api, raw)
    equal(api.stats(queue), EMPTY, "the counts afterwards")


def refused_raw(api: Api, raw: bytes) -> None:
    """Publish with these bytes for a body, which is refused."""
    reply = api.looked_at("queue.publish", api.send("POST", PUBLISH, raw=raw))
    require(400 <= reply.status < 500, f"{raw!r} was answered {reply.status}: {reply.text[:120]}", "it is refused")
    expects_invalid(api, reply)


def expects_invalid(api: Api, reply: Reply) -> None:
    """Demand softly that a refusal has the status and the message of what does not fit."""
    expected = 400 if api.contract is None else api.contract.invalid_status
    api.expects("http.statuses", reply.status in {400, expected}, f"a wrong body was answered {reply.status}", "400")
    api.expects("http.error_members", reply.error.get("message"), reply.text[:200], "an error with a message")


@bodies.choice(2, "queue.publish")
def other_media_type(api: Api) -> None:
    """A body that says it is something else than JSON is refused with 415."""
    body = json.dumps({"queue": api.queue(), "payload": {}, "idempotency_key": api.name()}).encode()
    reply = api.send("POST", PUBLISH, raw=body, headers={"Content-Type": "text/plain"})
    api.expects_equal("http.media_types_refused", reply.status, 415, "the status of a body of text/plain")


@bodies.choice(3, "queue.publish:payload")
def too_large(api: Api) -> None:
    """A payload far beyond the limit is refused with 413, and nothing is published."""
    queue, limit = api.queue(), int(api.follows("limits.message_bytes"))
    reply = api.attempt("queue.publish", queue=queue, payload={"text": "x" * (limit + 1000)})
    api.expects_equal("http.media_types_refused", reply.status, 413, "the status of what is too large")
    if not reply.succeeded:
        equal(api.stats(queue)["available"], 0, "the number of messages available")


@bodies.choice(4, "cron.trigger", "queue.purge")
def bodies_may_be_absent(api: Api) -> None:
    """Operations whose parameters are all optional need no body; an empty one does as well."""
    queue = api.queue()
    for raw in (None, b""):
        reply = api.send("POST", f"/v1/scheduling/queue/purge/{queue}", raw=raw)
        came = f"the body {raw!r} was answered {reply.status}: {reply.text[:120]}"
        api.expects("http.bodies_optional", reply.succeeded, came, "2xx")


@bodies.choice(5, "queue.publish:payload")
def special_numbers(api: Api) -> None:
    """NaN, Infinity and lone surrogates in a body are refused."""
    queue = api.queue()
    for value in ("NaN", "-Infinity", "1e999", '"\\ud800"'):
        raw = f'{{"queue": "{queue}", "payload": {{"n": {value}}}, "idempotency_key": "{api.name()}"}}'
        reply = api.send("POST", PUBLISH, raw=raw.encode())
        came = f"a payload with {value} was answered {reply.status}: {reply.text[:120]}"
        api.expects("values.special_numbers", 400 <= reply.status < 500, came, "it is refused")


@bodies.choice(6, "queue.list", writes=False)
def unknown_parameters(api: Api) -> None:
    """A query parameter that nobody described changes nothing."""
    reply = api.send("GET", "/v1/scheduling/queue/list", query={"invented": "1"})
    came = f"a query with `invented` was answered {reply.status}: {reply.text[:120]}"
    api.expects("http.unknown_parameters", reply.succeeded, came, "2xx")


@bodies.choice(7, "queue.list:limit", writes=False)
def given_twice(api: Api) -> None:
    """A query parameter that is given twice is refused."""
    reply = api.send("GET", "/v1/scheduling/queue/list?limit=1&limit=1")
    came = f"`limit` given twice was answered {reply.status}: {reply.text[:120]}"
    api.expects("http.given_once", 400 <= reply.status < 500, came, "it is refused")


@bodies.choice(8, "queue.create:max_retries", "task.schedule:secret")
def nulls_and_empty_texts(api: Api) -> None:
    """A null for what may be absent is refused, and so is an empty secret."""
    would_refuse(api, "http.described_requests", "queue.create", name=api.name(), max_retries=None)
    would_refuse(api, "values.texts", "task.schedule", task=api.nowhere(), run_at=api.soon(86_400), secret="")


@values.documented(1, "cron.create:schedule", lines=(32, 168))
def impossible_expressions(api: Api) -> None:
    """Expressions that have no meaning at all are refused, and no cron is made."""
    refused(api, api.shared(wrong_crons), "expressions")


@values.choice(9, "cron.create:schedule")
def unusual_expressions(api: Api) -> None:
    """Macros, ranges that run backward and days that never come are refused."""
    for expression in ("@daily", "5-1 * * * *", "0 0 30 2 *"):
        would_refuse(api, "cron.expressions", "cron.create", **new_cron(api, expression))


def new_cron(api: Api, expression: str, **settings: str) -> dict[str, Any]:
    """Return what a new cron is made of."""
    if api.answer("cron.create.names") == "example":
        return {"name": api.name(), "cron_expr": expression, "task_url": api.nowhere(), **settings}
    return {"name": api.name(), "schedule": expression, "url": api.nowhere(), **settings}


def wrong_crons(api: Api) -> dict[str, list[tuple[Reply, bool]]]:
    """Create crons that are to be refused, by what is wrong with them; return the answers, and whether it is listed."""
    expressions = api.some(("not a cron", "61 * * * *", "* * * *", "* 25 * * *"), 2)
    zones = api.some(("Mars/Olympus", "../etc/passwd", "Europe/berlin2"), 2)
    wrong: dict[str, list[dict[str, Any]]] = {
        "expressions": [new_cron(api, expression) for expression in expressions],
        "zones": [new_cron(api, NEVER, timezone=zone) for zone in zones],
        "fields": [{"name": api.name()}],
    }
    replies = {kind: [api.attempt("cron.create", **fields) for fields in crons] for kind, crons in wrong.items()}
    there = {item.get("name") for item in api.pages("cron.list")}
    return {
        kind: [(reply, fields["name"] in there) for reply, fields in zip(replies[kind], crons, strict=True)]
        for kind, crons in wrong.items()
    }


def refused(api: Api, made: dict[str, list[tuple[Reply, bool]]], kind: str) -> None:
    """Fail when a wrong cron of a kind was not refused, or is there."""
    for reply, is_listed in made[kind]:
        require(400 <= reply.status < 500, f"cron.create answered {reply.status}: {reply.text[:200]}", "it is refused")
        expects_invalid(api, reply)
        require(not is_listed, "a cron that was refused is listed", "there is none")


@values.documented(2, "cron.create:timezone", lines=(39,))
def unknown_zones(api: Api) -> None:
    """Time zones that do not exist are refused, and no cron is made."""
    refused(api, api.shared(wrong_crons), "zones")


@values.documented(
    3,
    "cron.update:retry",
    "cron.update:timeout_seconds",
    "cron.update:overlap_policy",
    "cron.update:max_runs",
    "cron.update:headers",
    lines=(172, 173, 174, 175, 177),
)
def limits_of_update(api: Api) -> None:
    """The types and limits of cron.update hold on both sides, and what is refused changes nothing."""
    name = api.name()
    with api.lent(changing_cron) as cron:
        for number in range(max(len(inside) for _, inside, _ in UPDATE_LIMITS)):
            good = {field: inside[number] for field, inside, _ in UPDATE_LIMITS if number < len(inside)}
            api.call("cron.update", id=cron, name=name, **good)
        for field, _, outside in UPDATE_LIMITS:
            for value in api.some(outside, 2):
                api.invalid("cron.update", id=cron, name=api.name(), **{field: value})
        equal(api.call("cron.get", id=cron)["name"], name, "the name, which came with what was refused")


@values.choice(10, "cron.update:retry", "cron.update:max_runs", "cron.update:headers")
def finer_limits_of_update(api: Api) -> None:
    """A fraction of a retry, a cron that never runs, and headers that are no texts are refused."""
    cron = api.cron()
    would_refuse(api, "values.whole_numbers", "cron.update", id=cron, retry=1.5)
    would_refuse(api, "values.max_runs", "cron.update", id=cron, max_runs=0)
    would_refuse(api, "values.max_runs", "cron.update", id=cron, max_runs=-1)
    would_refuse(api, "values.headers", "cron.update", id=cron, headers={"X-Bad": 1})


@values.documented(
    4,
    "queue.create:type",
    "queue.create:max_retries",
    "queue.create:enable_priority",
    lines=(522, 524, 525, 526, 527),
)
def wrong_types(api: Api) -> None:
    """Values of another type or outside the documented words are refused, and no queue is made."""
    mistakes = api.some(QUEUE_MISTAKES, 3)
    names = [api.name() for _ in mistakes]
    for name, fields in zip(names, mistakes, strict=True):
        api.invalid("queue.create", name=name, **fields)
    there = [item["queue"] for item in api.pages("queue.list") if item["queue"] in names]
    equal(there, [], "the queues listed of those that were refused")


@values.documented(
    5, "queue.publish:delay_seconds", "queue.consume:max_messages", "queue.nack:requeue", lines=(102, 796, 797, 871)
)
def wrong_message_values(api: Api) -> None:
    """Delays, numbers of messages, leases and truth values of another type are refused, and nothing happens."""
    with empty_queue(api) as queue:
        message = api.publish(queue)
        api.invalid("queue.publish", queue=queue, payload={}, delay_seconds="soon")
        api.invalid("queue.consume", queue=queue, max_messages="5")
        api.invalid("queue.consume", queue=queue, visibility_timeout="long")
        equal(api.take(queue), [message], "what was consumed")
        api.invalid("queue.nack", queue=queue, message_id=message, requeue="yes")
        equal(api.stats(queue), {**EMPTY, "in_flight": 1}, "the counts after the nack that was refused")


@values.choice(11, "queue.publish:delay_seconds", "queue.consume:max_messages", "queue.create:max_retries")
def odd_numbers(api: Api) -> None:
    """Numbers below zero, no messages at all and half a message are refused."""
    queue = api.queue()
    would_refuse(api, "values.ranges", "queue.create", name=api.name(), max_retries=-1)
    would_refuse(api, "values.ranges", "queue.publish", queue=queue, payload={}, delay_seconds=-1)
    for count in (0, -1):
        would_refuse(api, "values.limits_of_lists", "queue.consume", queue=queue, max_messages=count)
    would_refuse(api, "values.whole_numbers", "queue.consume", queue=queue, max_messages=1.5)


@values.documented(6, "task.schedule:run_at", "queue.dlq.redrive:since", lines=(451, 871, 940))
def no_instants(api: Api) -> None:
    """Texts that are no instants are refused, and nothing is brought back."""
    for text in api.some(("tomorrow", "2026-13-01T00:00:00Z", ""), 2):
        api.invalid("task.schedule", task=api.nowhere(), run_at=text)
    queue, _, dead, _ = api.shared(dead_letters)
    api.invalid("queue.dlq.redrive", queue=queue, since="yesterday")
    equal(sorted(api.dead(queue)), sorted(dead), "the dead letters afterwards")


@values.documented(7, "queue.push_subscribe:url", lines=(975,))
def forbidden_push_urls(api: Api) -> None:
    """A push's URL that is none, of another scheme than https, or of a private address, is refused."""
    queue = api.shared(idle_queue).name
    private = ("https://10.0.0.1/x", "https://169.254.169.254/x")
    plain = ("ftp://example.com/x", "http://receiver.example.com/plain")
    for url in ("not a url", *api.some(plain, 1), *api.some(private, 1)):
        api.invalid("queue.push_subscribe", queue=queue, url=url)


@values.documented(12, "cron.create:url", "cron.update:task", "task.schedule:task", lines=(35, 169, 446))
def no_urls(api: Api) -> None:
    """A target of a cron or a task that is no URL is refused."""
    cron, before = api.shared(idle_cron).name, api.shared(idle_cron_fetched)
    api.invalid("task.schedule", task="not a url", run_at=api.soon(3600))
    api.invalid("cron.update", id=cron, task="not a url")
    equal(api.call("cron.get", id=cron), before, "the cron afterwards")


@values.choice(13, "cron.update:task", "task.schedule:task")
def forbidden_urls(api: Api) -> None:
    """Targets of other schemes and of private addresses are refused for crons and tasks, too."""
    cron = api.cron()
    urls = {
        "ftp://example.com/x": "values.url_schemes",
        "http://10.0.0.1/x": "values.private_addresses",
        "http://169.254.169.254/latest": "values.private_addresses",
    }
    for url, choice in urls.items():
        would_refuse(api, choice, "task.schedule", task=url, run_at=api.soon(86_400))
        would_refuse(api, choice, "cron.update", id=cron, task=url)


@values.documented(8, "queue.create:dead_letter_queue", lines=(523,))
def dead_letter_queue_must_exist(api: Api) -> None:
    """A dead-letter queue that does not exist is refused when a queue is made, and none is."""
    name = api.name()
    api.invalid("queue.create", name=name, dead_letter_queue=api.name())
    api.refused("queue.get", 404, queue=name)


@values.choice(14, "queue.update:dead_letter_queue", "queue.push_subscribe:dead_letter_queue")
def other_dead_letter_queues(api: Api) -> None:
    """A dead-letter queue that does not exist is refused later on, too, and so is the queue itself."""
    queue = api.queue()
    would_refuse(api, "queue.dead_letter_queue", "queue.update", queue=queue, dead_letter_queue=queue)
    would_refuse(api, "queue.dead_letter_queue", "queue.update", queue=queue, dead_letter_queue=api.name())


@missing.documented(
    1,
    "queue.publish:queue",
    "queue.publish:payload",
    "queue.ack:message_id",
    "queue.nack:message_id",
    lines=(32, 35, 96, 99, 412, 446, 449, 519, 759, 793, 831, 868, 975),
)
def required_parameters(api: Api) -> None:
    """What the tables mark as required is required, and without it nothing happens."""
    queue = api.shared(idle_queue).name
    api.invalid("queue.publish", queue=queue)
    api.invalid("queue.publish", payload={})
    api.invalid("queue.publish_batch", queue=queue)
    for reply in api.shared(senseless).values():
        require(400 <= reply.status < 500, f"{reply.status} was answered: {reply.text[:200]}", "it is refused")
    api.invalid("queue.nack", queue=queue)
    api.invalid("queue.push_subscribe", queue=queue)
    api.invalid("task.schedule", task=api.nowhere())
    api.invalid("task.schedule", run_at=api.soon(3600))
    api.invalid("cron.retention.set", id=api.shared(idle_cron).name)
    refused(api, api.shared(wrong_crons), "fields")
    equal(api.stats(queue), EMPTY, "the counts afterwards")


@missing.documented(
    2,
    "cron.get:cron_id",
    "cron.update:cron_id",
    "cron.pause:cron_id",
    "cron.resume:cron_id",
    "cron.trigger:cron_id",
    "cron.runs.get:cron_id",
    "cron.runs.get:run_id",
    lines=(140, 183, 249, 283, 317, 353),
)
def unknown_crons(api: Api) -> None:
    """An operation that returns the record of a cron or of a run is refused where there is none."""
    for name in ("get", "pause", "resume", "trigger"):
        tells_it_is_missing(api, api.refused(f"cron.{name}", 404, id="cron_never_was"))
    tells_it_is_missing(api, api.refused("cron.update", 404, id="cron_never_was", name=api.name()))
    tells_it_is_missing(api, api.refused("cron.runs.get", 404, id=api.shared(idle_cron).name, run_id="run_never_was"))


@missing.documented(3, "queue.get:queue", "queue.update:queue", lines=(565, 632))
def unknown_queues(api: Api) -> None:
    """An operation that returns the record of a queue is refused where there is none, and makes none."""
    absent = api.name()
    tells_it_is_missing(api, api.refused("queue.get", 404, queue=absent))
    tells_it_is_missing(api, api.refused("queue.update", 404, queue=absent, max_retries=1))
    api.refused("queue.get", 404, queue=absent)


@missing.choice(4, "cron.delete:cron_id", "queue.delete:queue", "queue.stats:queue", "queue.dlq.list:queue")
def other_unknown_things(api: Api) -> None:
    """Whatever is done to a cron or a queue that does not exist is refused, also where there is nothing to do."""
    choice, absent = "values.unknown_things", api.name()
    for name in ("cron.delete", "cron.retention.get"):
        would_refuse(api, choice, name, 404, id="cron_never_was")
    would_refuse(api, choice, "cron.retention.set", 404, id="cron_never_was", retention_days=3)
    for name in ("delete", "purge", "stats", "dlq.list", "dlq.redrive"):
        would_refuse(api, choice, f"queue.{name}", 404, queue=absent)
    would_refuse(api, choice, "queue.push_subscribe", 404, queue=absent, url=api.nowhere())


def tells_it_is_missing(api: Api, reply: Reply) -> None:
    """Demand softly what the emulator says of a thing that is not there."""
    api.expects_equal("http.error_codes", reply.error.get("code"), "NOT_FOUND", "the code of what is not there")
    words = "not found" in str(reply.error.get("message")).lower()
    api.expects("http.error_codes", words, reply.text[:200], 'the message says "not found"')
