"""The narrow and the wide reading of the specification: what everybody has to take, and what nobody may take."""

from functools import cache
from typing import Any

import jsonschema_rs
import pytest

from sched_emulator import spec
from sched_emulator.spec import assumptions, choices, readings

CRON = {"name": "report", "schedule": "0 9 * * 1", "url": "https://api.acme.com/weekly"}
TASK = {"task": "https://api.acme.com/once", "run_at": "2055-01-05T09:00:00Z"}
MESSAGE = {"queue": "orders", "payload": {"order_id": "o_123"}}
PUSH = {"url": "https://api.acme.com/order-handler"}
ACK = {"queue": "orders", "message_id": "msg_000001"}


@cache
def validator(operation: str, reading: str) -> jsonschema_rs.Validator:
    document = readings.wide() if reading == "wide" else readings.narrow({})
    found = {item.short: item for item in spec.operations(document)}
    return jsonschema_rs.Draft202012Validator(found[operation].body_schema or {})


@pytest.mark.parametrize(
    ("operation", "body"),
    [
        ("cron.create", CRON | {"retries": 10, "payload": [1], "timezone": "Europe/Berlin", "idempotency_key": "k"}),
        ("cron.update", {"timeout_seconds": 900, "retry": 0, "max_runs": 1, "overlap_policy": "queue", "headers": {}}),
        ("task.schedule", TASK | {"secret": "whsec_example", "timeout_seconds": 20}),
        ("queue.publish", MESSAGE | {"delay_seconds": 60, "priority": 5}),
        ("queue.publish_batch", {"queue": "orders", "messages": [{"payload": {}}]}),
        ("queue.publish_batch", {"queue": "orders", "messages": []}),
        ("queue.push_subscribe", PUSH | {"visibility_timeout": 60}),
        ("queue.nack", ACK | {"requeue": False}),
        ("queue.dlq.redrive", {"max_messages": 100}),
    ],
)
def test_what_the_tables_promise_is_in_both_readings(operation: str, body: Any) -> None:
    assert [validator(operation, reading).is_valid(body) for reading in ("narrow", "wide")] == [True, True]


@pytest.mark.parametrize(
    ("operation", "body"),
    [
        # other names and forms
        ("cron.create", {"cron_expr": "0 9 * * 1", "task_url": CRON["url"], "task_type": "http_url"}),
        ("cron.create", {"schedule": "0 9 * * 1", "http_url": CRON["url"]}),
        ("cron.create", {"run_at": "2055-01-05T09:00:00Z", "name": "n", "url": CRON["url"]}),
        ("cron.create", CRON | {"run_at": "2055-01-05T09:00:00Z"}),
        ("queue.publish", {"queue": "orders", "body": None}),
        ("queue.publish", {"queue": "orders", "payload": "text"}),
        ("queue.publish_batch", {"queue": "orders", "messages": [{"body": 1, "payload": {}}, {"order_id": "o"}, 7]}),
        ("queue.publish_batch", {"queue": "orders", "messages": [{"payload": {}, "delay_seconds": -1}]}),
        ("queue.publish_batch", {"queue": "orders", "messages": [{"payload": {}}] * 5000}),
        ("queue.push_subscribe", {"forward_to": PUSH["url"]}),
        ("queue.push_subscribe", {"endpoint": PUSH["url"]}),
        # what another table documents, or none
        ("cron.create", CRON | {"timeout_seconds": 0, "headers": 5, "max_runs": "x", "overlap_policy": 1}),
        ("queue.create", {"name": "orders", "unknown": 1}),
        ("queue.publish", MESSAGE | {"priority": "high"}),
        # numbers without a range, and their fractions
        ("cron.create", CRON | {"retries": 11}),
        ("cron.update", {"timeout_seconds": 1.5}),
        ("cron.update", {"max_runs": 0}),
        ("task.schedule", TASK | {"retry": 11, "timeout_seconds": 1000}),
        ("queue.create", {"name": "orders", "max_retries": -1}),
        ("queue.create", {"name": "orders", "message_retention_days": 0.5}),
        ("queue.consume", {"queue": "orders", "max_messages": 0, "visibility_timeout": 100_000}),
        ("cron.retention.set", {"retention_days": 100_000}),
        # texts, null, and what is repeated beside the path
        ("queue.create", {"name": ""}),
        ("queue.create", {"name": "a\n" + "b" * 5000}),
        ("queue.create", {"name": "orders", "idempotency_key": ""}),
        ("queue.ack", ACK | {"message_id": ""}),
        ("cron.update", {"headers": {"X-Bad": 1}}),
        ("cron.update", {"task": None, "retry": None}),
        ("queue.purge", {"queue": 5}),
        ("cron.trigger", {"job_id": []}),
    ],
)
def test_what_is_nobodys_duty_is_in_the_wide_reading_alone(operation: str, body: Any) -> None:
    assert [validator(operation, reading).is_valid(body) for reading in ("narrow", "wide")] == [False, True]


@pytest.mark.parametrize(
    ("operation", "body"),
    [
        ("cron.create", {"name": "n", "url": CRON["url"]}),
        ("cron.create", {"schedule": "0 9 * * 1"}),
        ("cron.create", CRON | {"timezone": 5}),
        ("cron.update", {"retry": 11}),
        ("cron.update", {"timeout_seconds": 901}),
        ("cron.update", {"overlap_policy": "stop"}),
        ("cron.update", {"headers": []}),
        ("task.schedule", {"task": TASK["task"]}),
        ("queue.create", {}),
        ("queue.create", {"name": 5}),
        ("queue.create", {"name": "orders", "enable_priority": 1}),
        ("queue.publish", {"queue": "orders"}),
        ("queue.publish", MESSAGE | {"delay_seconds": "soon"}),
        ("queue.publish_batch", {"queue": "orders", "messages": {}}),
        ("queue.push_subscribe", {}),
        ("cron.retention.set", {}),
    ],
)
def test_what_no_answer_and_no_choice_explains_is_in_neither(operation: str, body: Any) -> None:
    assert [validator(operation, reading).is_valid(body) for reading in ("narrow", "wide")] == [False, False]


def test_a_key_in_the_header_or_the_query_is_no_parameter_that_a_stranger_has() -> None:
    for document in (readings.narrow({}), readings.wide()):
        named = {item["name"].lower() for one in spec.operations(document) for item in one.parameters}
        assert named == {"id", "run_id", "queue", "capability", *named & {"limit", "cursor"}}


def test_a_narrow_request_has_the_names_that_a_target_was_seen_to_take() -> None:
    def required(**answers: str) -> Any:
        given = {name.replace("__", "."): answer for name, answer in answers.items()}
        found = {item.short: item for item in spec.operations(readings.narrow(given))}
        return found["cron.create"].body_schema["required"]  # type: ignore[index]

    assert required(cron__create__names="observed", cron__run_at="accept") == ["name", "schedule", "url"]
    assert required(cron__create__names="example") == ["cron_expr", "task_url"]


def test_what_widens_or_rests_on_something_names_a_choice_or_a_question_that_there_is() -> None:
    named: set[str] = set()

    def gather(node: Any) -> None:
        if isinstance(node, dict):
            named.update(node.get("x-wide", {}), [node["x-rests-on"]] if "x-rests-on" in node else [])
        for child in node.values() if isinstance(node, dict) else node if isinstance(node, list) else []:
            gather(child)

    gather(spec.load("scheduling"))
    assert named - choices.catalogue().keys() - assumptions.catalogue().keys() == set()
    assert {"values.ranges", "values.texts", "idempotency.places"} <= named


def test_narrower_answers_are_answers_of_their_question() -> None:
    for entry in assumptions.catalogue().values():
        assert {*entry.narrow, *entry.narrow.values()} <= set(entry.answers), entry.id
