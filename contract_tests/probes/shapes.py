"""Probes of names and forms. They read answers tolerantly: what form they have is what is being found out."""

from typing import Any

from sched_emulator.contract import (
    NEVER,
    Api,
    NotChecked,
    Reply,
    accepted,
    creations,
    empty_queue,
    idle_cron,
    idle_queue,
    listed_crons,
    probe,
    purged,
    pushed_queue,
    senseless,
    shown,
    spare_cron,
    standard_queue,
)

DOCUMENTED = {"schedule", "url"}
CANONICAL = {"cron_expr", "task", "timezone"}
SETTINGS: dict[str, tuple[Any, Any]] = {
    "overlap_policy": ("skip", "no-such-policy"),
    "timeout_seconds": (30, "no number"),
    "max_runs": (3, "no number"),
    "headers": ({"X-Set": "yes"}, "no object"),
    "on_failure_webhook": ("https://receiver.example.com/failed", "no URL"),
}
OWNERS = {"cron_id", "task_id"}
RUN_WITHIN_SECONDS = 8
CRON_CREATE = "/v1/scheduling/cron/create"


def create_cron(api: Api, **fields: Any) -> Reply:
    """Create a cron with exactly these fields."""
    return api.send("POST", CRON_CREATE, fields, headers={"Idempotency-Key": api.name()})


def either(record: dict[str, Any]) -> str:
    """Say which of the two forms of a cron's record this is."""
    documented, canonical = record.keys() >= DOCUMENTED, record.keys() >= CANONICAL
    if documented and canonical:
        return "both"
    if documented or canonical:
        return "documented" if documented else "canonical"
    raise NotChecked(f"the record has the fields {', '.join(record)}")


@probe("http.envelope", "cron.list", writes=False)
def envelope(api: Api) -> str:
    """How is a result wrapped?"""
    reply = api.shared(listed_crons)
    if not reply.succeeded or not isinstance(reply.body, dict):
        raise NotChecked(f"cron.list answered {reply.status}: {reply.text[:80]}")
    return "wrapped" if {"ok", "data"} <= reply.body.keys() else "bare"


@probe("http.created_status", "queue.create")
def created_status(api: Api) -> str:
    """Which status does a creation answer?"""
    return _one_for_all(api.shared(creations), {200: "ok", 201: "created"})


@probe("http.validation_status", "queue.create")
def validation_status(api: Api) -> str:
    """Which status does a request answer that does not fit the description?"""
    return _one_for_all(api.shared(senseless), {400: "bad_request", 422: "unprocessable"})


def _one_for_all(replies: dict[str, Reply], meaning: dict[int, str]) -> str:
    """Return what a status means that all operations asked have in common, those apart that answer something else."""
    met = {name: reply.status for name, reply in replies.items() if reply.status in meaning}
    if len(set(met.values())) != 1:
        told = ", ".join(f"{name} answered {reply.status}" for name, reply in replies.items())
        raise NotChecked(f"other: {told}")
    return meaning[set(met.values()).pop()]


@probe("http.unknown_fields", "queue.create")
def unknown_fields(api: Api) -> str:
    """What happens to fields of a body that are not documented?"""
    reply = api.attempt("queue.create", name=api.name(), invented_field=1, http_headers={"Idempotency-Key": api.name()})
    if accepted(reply):
        return "ignore"
    if not api.shared(creations)["queue.create"].succeeded:
        raise NotChecked("the same was refused without the field, too")
    return "reject"


@probe("cron.create.names", "cron.create")
def create_names(api: Api) -> str:
    """Which names do the parameters of cron.create have?"""
    url = api.nowhere()
    table = create_cron(api, name=api.name(), schedule=NEVER, url=url)
    example = create_cron(api, cron_expr=NEVER, task_type="http_url", task_url=url)
    if accepted(table) and accepted(example):
        if not _reads_settings(api):
            return "table"  # both spellings, and no more: whoever keeps to the table is understood
        programs = create_cron(api, name=api.name(), schedule=NEVER, http_url=url)
        return "observed" if accepted(programs) else "any"
    if accepted(table):
        return "table"
    if accepted(example):
        return "example"
    raise NotChecked(f"neither form was accepted: {table.text[:80]}")


def _reads_settings(api: Api) -> bool:
    """Whether create knows every setting of update: it takes good values and refuses those without meaning."""
    url = api.nowhere()
    good = {name: values[0] for name, values in SETTINGS.items()}
    if not accepted(create_cron(api, name=api.name(), schedule=NEVER, url=url, **good)):
        return False
    wrong = [{name: values[1]} for name, values in api.some(list(SETTINGS.items()), 2)]
    return not any(accepted(create_cron(api, name=api.name(), schedule=NEVER, url=url, **one)) for one in wrong)


@probe("cron.create.fields", "cron.create")
def create_fields(api: Api) -> str:
    """Which fields does the record have that cron.create returns?"""
    return either(api.shared(idle_cron).created)


@probe("cron.create.id_field", "cron.create")
def id_field(api: Api) -> str:
    """What is the id called in the record that cron.create returns?"""
    record = api.shared(idle_cron).created
    has_cron_id, has_job_id = "cron_id" in record, "job_id" in record
    if has_cron_id and has_job_id:
        return "both"
    if has_cron_id or has_job_id:
        return "cron_id" if has_cron_id else "job_id"
    raise NotChecked(f"the record has the fields {', '.join(record)}")


@probe("cron.list.fields", "cron.list")
def list_fields(api: Api) -> str:
    """Which fields does a cron have in cron.list?"""
    api.shared(idle_cron)
    items = api.call("cron.list")["items"]
    if not items:
        raise NotChecked("cron.list was empty")
    return either(items[-1])


@probe("cron.list.paging", "cron.list")
def list_paging(api: Api) -> str:
    """Does cron.list page?"""
    api.shared(idle_cron)
    api.shared(spare_cron)
    page = api.call("cron.list", limit=1)
    return "cursor" if len(page["items"]) == 1 else "none"


@probe("cron.run_at", "cron.create")
def one_shot(api: Api) -> str:
    """Does cron.create take run_at for a cron that fires once?"""
    fields: dict[str, Any] = {"name": api.name(), "run_at": "2099-01-01T00:00:00Z"}
    fields["task_url" if api.answer("cron.create.names") == "example" else "url"] = api.nowhere()
    if not accepted(create_cron(api, **fields)):
        return "reject"
    del fields["run_at"]
    if accepted(create_cron(api, **{**fields, "name": api.name()})):
        raise NotChecked("a cron with neither schedule nor run_at is taken as well")
    return "accept"


@probe("queue.consume.result_key", "queue.consume")
def result_key(api: Api) -> str:
    """Under which name does queue.consume return messages?"""
    data = api.call("queue.consume", queue=api.shared(idle_queue).name)
    keys = {"messages", "items"} & set(data)
    if len(keys) == 2:
        return "both"
    if not keys:
        raise NotChecked(f"consume returned {shown(data)}")
    return keys.pop()


@probe("queue.message_fields", "queue.consume")
def message_fields(api: Api) -> str:
    """Which fields does a message have that is handed out or listed?"""
    with empty_queue(api) as queue:
        api.publish(queue)
        messages = api.consume(queue)
    if not messages:
        raise NotChecked("consume returned no message")
    return "full" if {"attempts", "published_at"} & messages[0].keys() else "minimal"


@probe("queue.payload_field", "queue.publish")
def payload_field(api: Api) -> str:
    """Which names may the payload of queue.publish have?"""
    with api.lent(standard_queue) as queue:
        if not accepted(api.attempt("queue.publish", queue=queue, body={"n": 1})):
            return "payload"
        return "any" if _came_back(api, queue) == {"n": 1} else "payload"


@probe("queue.batch_message", "queue.publish_batch")
def batch_message(api: Api) -> str:
    """What is an item of queue.publish_batch?"""
    with api.lent(standard_queue) as queue:
        reply = api.attempt("queue.publish_batch", queue=queue, messages=[{"bare": 1}])
        if not accepted(reply):
            return "payload"
        taken = api.consume(queue)
        purged(api, queue)
    if taken and taken[0]["payload"] == {"bare": 1}:
        return "any"
    raise NotChecked(f"the bare object came back as {shown(taken)}")


@probe("queue.payload_type", "queue.publish")
def payload_type(api: Api) -> str:
    """May the payload of a message be something else than an object?"""
    with api.lent(standard_queue) as queue:
        if not accepted(api.attempt("queue.publish", queue=queue, payload="text")):
            return "object"
        came = _came_back(api, queue)
    if came != "text":
        raise NotChecked(f"the text came back as {shown(came)}")
    return "any_json"


def _came_back(api: Api, queue: str) -> Any:
    """Return the payload of a queue's only message, None when there is no message."""
    came = next((message.get("payload") for message in api.consume(queue)), None)
    purged(api, queue)
    return came


@probe("queue.count_fields", "queue.purge")
def count_fields(api: Api) -> str:
    """Are purged and redriven numbers or truth values?"""
    purged = api.call("queue.purge", queue=api.shared(idle_queue).name)["purged"]
    return "boolean" if isinstance(purged, bool) else "number"


@probe("push.url_names", "queue.push_subscribe")
def push_url_names(api: Api) -> str:
    """What is the URL of a push subscription called?"""
    queue, url = api.shared(pushed_queue), api.nowhere()
    if accepted(api.attempt("queue.push_subscribe", queue=queue)):
        raise NotChecked("a subscription without any URL is taken as well")
    if not accepted(api.attempt("queue.push_subscribe", queue=queue, forward_to=url)):
        return "table"
    return "observed" if accepted(api.attempt("queue.push_subscribe", queue=queue, endpoint=url)) else "any"


@probe("run.list.fields", "run.list", seconds=4)
def run_fields(api: Api) -> str:
    """Which fields does a run have in run.list?"""
    task = api.call("task.schedule", task=api.nowhere(), run_at=api.soon(1))
    known: list[dict[str, Any]] = []

    def has_run() -> bool:
        known[:] = api.runs_of("task_id", task["task_id"]) or api.call("run.list", limit=100)["items"]
        return any(not OWNERS & run.keys() or run.get("task_id") == task["task_id"] for run in known)

    if not api.wait(has_run, RUN_WITHIN_SECONDS):
        raise NotChecked(f"{RUN_WITHIN_SECONDS} s after it was due, run.list had no run of a task")
    return "with_task" if any("task_id" in run for run in known) else "cron_run"
