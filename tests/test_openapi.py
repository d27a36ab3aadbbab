"""The documents under ``openapi/`` as a whole: against the documentation, against each other, under every answer."""

import json
import re
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import available_timezones

import jsonschema_rs
import pytest
import yaml
from openapi_spec_validator import validate

from sched_emulator import spec
from sched_emulator.spec import assumptions

OPERATIONS = json.loads((Path(__file__).parent / "data" / "operations.json").read_text(encoding="utf-8"))["operations"]

Json = dict[str, Any]


@cache
def resolved(**answers: str) -> Json:
    """The spec under the defaults and these answers, whose dots are written ``__``."""
    return document({name.replace("__", "."): answer for name, answer in answers.items()})


@cache
def operations(**answers: str) -> dict[str, spec.Operation]:
    return {operation.operation_id: operation for operation in spec.operations(resolved(**answers))}


def document(answers: dict[str, str]) -> Json:
    return spec.resolve(spec.load("scheduling"), {**assumptions.defaults(), **assumptions.parse_answers(answers)})


def shapes() -> Iterator[dict[str, str]]:
    """The defaults, each other answer of each shape, each form of a new cron, and what programs of the service do."""
    yield {}
    cron_create = ["cron.create.names", "cron.create.fields", "cron.create.id_field"]
    for assumption in assumptions.catalogue().values():
        if assumption.kind == "shape":
            yield from ({assumption.id: answer} for answer in list(assumption.answers)[1:])
    for name in cron_create:
        yield from ({name: answer, "cron.run_at": "accept"} for answer in assumptions.catalogue()[name].answers)
    yield {
        name: str(answer)
        for name, answer in assumptions.preset("observed").items()
        if answer != assumptions.defaults()[name]
    }


def named(answers: dict[str, str]) -> str:
    return ",".join(f"{name}={answer}" for name, answer in answers.items()) or "defaults"


every_shape = pytest.mark.parametrize("answers", list(shapes()), ids=named)


def walk(node: Any, place: str = "#") -> Iterator[tuple[str, Json]]:
    """Every object in a document, with its place."""
    if isinstance(node, dict):
        yield place, node
        for name, value in node.items():
            yield from walk(value, f"{place}/{name}")
    elif isinstance(node, list):
        for index, item in enumerate(node):
            yield from walk(item, f"{place}/{index}")


def validator(schema: Json) -> jsonschema_rs.Draft202012Validator:
    formats: dict[str, Callable[[str], bool]] = {
        "cron": lambda text: len(text.split()) in {5, 6},
        "timezone": lambda text: text in available_timezones(),
        "uri": lambda text: text.startswith(("http://", "https://")),
    }
    return jsonschema_rs.Draft202012Validator(schema, validate_formats=True, formats=formats)


# --- The spec and the documentation


def test_the_spec_has_every_documented_operation_and_gives_no_line_to_others() -> None:
    introduced = {name for name, operation in operations().items() if operation.line is not None}
    assert introduced == {operation["id"] for operation in OPERATIONS}


@pytest.mark.parametrize("documented", OPERATIONS, ids=lambda documented: documented["id"])
def test_an_operation_is_where_the_documentation_says(documented: Json) -> None:
    operation = operations()[documented["id"]]
    assert {
        "method": operation.method,
        "path": operation.path,
        "newer_path": operation.newer_path,
        "english": operation.definition["summary"],
        "doc_line": operation.line,
    } == {
        "method": documented["method"],
        "path": documented["path"],
        "newer_path": documented["path"].replace("/v1/scheduling/", "/v1/"),
        "english": documented["english"],
        "doc_line": documented["doc_line"],
    }


def documented_parameters() -> list[tuple[Json, Json]]:
    return [(operation, parameter) for operation in OPERATIONS for parameter in operation["parameters"]]


def in_path_or_query(operation: spec.Operation) -> dict[str, Json]:
    return {str(item.get("x-argument", item["name"])): item for item in operation.parameters if item["in"] != "header"}


def found_parameter(operation: spec.Operation, name: str) -> tuple[bool, Json]:
    """Whether a parameter is required, and its schema with its description."""
    body = operation.body_schema or {}
    described: Json = body.get("properties", {}).get(name, {})
    if described and not described.get("x-ignored"):
        return name in body.get("required", []), described
    item = in_path_or_query(operation)[name]
    return item.get("required", False), {**item["schema"], "x-line": item["x-line"]}


def test_there_are_100_documented_parameters() -> None:
    assert len(documented_parameters()) == 100


@pytest.mark.parametrize(
    ("documented", "parameter"),
    documented_parameters(),
    ids=[f"{operation['id']}-{parameter['name']}" for operation, parameter in documented_parameters()],
)
def test_a_documented_parameter_has_its_type_its_requiredness_and_its_line(documented: Json, parameter: Json) -> None:
    tables = operations(cron__create__names="table", push__url_names="table")
    required, described = found_parameter(tables[documented["id"]], parameter["name"])
    assert required == parameter["required"]
    assert described.get("type", "unknown") in {
        "number": {"number", "integer"},
        "QueueMessage[]": {"array"},
        '"standard" | "fifo"': {"string"},
        '"allow" | "skip" | "queue"': {"string"},
    }.get(parameter["type"], {parameter["type"]})
    if "|" in parameter["type"]:
        assert described["enum"] == re.findall(r'"(\w+)"', parameter["type"])
    assert tables[documented["id"]].lines[parameter["name"]] == described["x-line"] == parameter["doc_line"]


def fields(notation: str) -> tuple[str, dict[str, bool], dict[str, str]]:
    """Read ``Record { a, b?, items: Other[] }``: the name, which fields are required, and what lists hold."""
    match = re.fullmatch(r"(\w*) ?\{ (.*) \}", notation)
    assert match is not None
    members = [member.split(": ") for member in match[2].split(", ")]
    names = {member[0].removesuffix("?"): not member[0].endswith("?") for member in members}
    return match[1], names, {member[0]: member[1].removesuffix("[]") for member in members if len(member) == 2}


def reference(schema: Json) -> str:
    return str(schema["$ref"]).rpartition("/")[2]


@pytest.mark.parametrize("documented", OPERATIONS, ids=lambda documented: documented["id"])
def test_an_operation_returns_exactly_the_documented_fields(documented: Json) -> None:
    record, names, lists = fields(documented["returns"])
    bare = resolved(cron__list__paging="none", http__envelope="bare")
    operation = next(item for item in spec.operations(bare) if item.operation_id == documented["id"])
    assert {name: name in operation.returns["required"] for name in operation.returns["properties"]} == names
    assert operation.returns["additionalProperties"] is False
    schema = operation.definition["responses"]["200"]["content"]["application/json"]["schema"]
    assert reference(schema).startswith(record)
    properties = spec.deref(bare, {"held": bare["components"]["schemas"][reference(schema)]})["held"]["properties"]
    for name, held in lists.items():
        items = bare["components"]["schemas"][reference(schema)]["properties"][name]["items"]
        assert reference(items).startswith(held)
        assert properties[name]["items"]["additionalProperties"] is False


def example_bodies() -> list[Json]:
    return [operation for operation in OPERATIONS if operation["example_body"] is not None]


def is_placeholder(value: Any) -> bool:
    return isinstance(value, str) and "..." in value


def fill_in(body: Json) -> Json:
    """Replace the placeholders of an example."""
    real = {"task": "https://api.acme.com/once", "run_at": "2026-01-05T09:00:00Z"}
    return {name: real.get(name, f"{name}_000001") if is_placeholder(value) else value for name, value in body.items()}


@pytest.mark.parametrize("documented", example_bodies(), ids=lambda documented: documented["id"])
@pytest.mark.parametrize("unknown_fields", ["ignore", "reject"])
def test_a_documented_example_is_accepted_with_every_field_that_it_sends(documented: Json, unknown_fields: str) -> None:
    operation = operations(http__unknown_fields=unknown_fields)[documented["id"]]
    body = fill_in(documented["example_body"])
    assert list(validator(operation.body_schema or {}).iter_errors(body)) == []
    assert set(body) <= set((operation.body_schema or {})["properties"])


@pytest.mark.parametrize("documented", example_bodies(), ids=lambda documented: documented["id"])
def test_the_spec_shows_each_documented_example(documented: Json) -> None:
    media = operations()[documented["id"]].definition["requestBody"]["content"]["application/json"]
    shown = media["examples"]["documentation"]["value"]
    assert list(shown) == list(documented["example_body"])
    assert {name: shown[name] for name in shown if not is_placeholder(documented["example_body"][name])} == {
        name: value for name, value in documented["example_body"].items() if not is_placeholder(value)
    }


# --- The spec under every shape


@every_shape
def test_the_spec_is_valid_openapi(answers: dict[str, str]) -> None:
    validate(document(answers))


@every_shape
def test_the_spec_uses_only_what_is_honoured_and_leaves_no_annotation(answers: dict[str, str]) -> None:
    plain = document(answers)
    spec.check(plain)
    left = {name for _, node in walk(plain) for name in node if name.startswith("x-")}
    assert left <= {
        "x-alias-of",
        "x-argument",
        "x-arguments",
        "x-costly",
        "x-creation",
        "x-deletes",
        "x-enveloped",
        "x-errors",
        "x-expected",
        "x-from",
        "x-ignored",
        "x-line",
        "x-lists",
        "x-makes",
        "x-name-prefix",
        "x-narrow",
        "x-path-generations",
        "x-rests-on",
        "x-returns",
        "x-secret",
        "x-unit",
        "x-validation-status",
        "x-wide",
        "x-wrap",
    }


@every_shape
def test_every_example_fits_its_schema(answers: dict[str, str]) -> None:
    plain = spec.deref(document(answers), document(answers))
    wrong, count = [], 0
    for place, node in walk({name: plain[name] for name in ("paths", "webhooks", "components")}):
        if not isinstance(node.get("schema"), dict):
            continue
        values = [example["value"] for example in node.get("examples", {}).values()]
        values += [node["example"]] if "example" in node else []
        count += len(values)
        wrong += [(place, error.message) for value in values for error in validator(node["schema"]).iter_errors(value)]
    assert wrong == []
    assert count > 100


@every_shape
def test_every_example_of_a_kind_of_parameter_fits_it(answers: dict[str, str]) -> None:
    schemas = document(answers)["components"]["schemas"]
    examples = [(name, value) for name, schema in schemas.items() for value in schema.get("examples", [])]
    assert examples
    for name, value in examples:
        assert validator(schemas[name]).is_valid(value), name


@every_shape
def test_every_link_leads_to_an_operation_and_from_a_field_that_is_there(answers: dict[str, str]) -> None:
    plain = document(answers)
    known = {operation.operation_id: operation for operation in spec.operations(plain)}
    links = [
        (operation, link)
        for operation in known.values()
        for link in operation.responses[str(operation.status)].get("links", {}).values()
    ]
    assert len(links) > 20
    for operation, link in links:
        target = known[link["operationId"]]
        body = (target.body_schema or {}).get("properties", {})
        given = {**link.get("parameters", {}), **link.get("requestBody", {})}
        assert set(link.get("parameters", {})) <= {parameter["name"] for parameter in target.parameters}
        assert set(link.get("requestBody", {})) <= set(body)
        for expression in given.values():
            if isinstance(expression, str):
                assert_is_there(operation, expression)


def assert_is_there(operation: spec.Operation, expression: str) -> None:
    source, _, pointer = expression.partition("#/")
    content = operation.responses[str(operation.status)]["content"]["application/json"]
    schema = {"$response.body": content["schema"], "$request.body": operation.body_schema or {}}[source]
    for step in pointer.split("/"):
        schema = schema["items"] if step.isdecimal() else schema["properties"][step]


@pytest.mark.parametrize("answers", [{}, {"http__envelope": "bare"}], ids=["wrapped", "bare"])
def test_every_error_is_declared_where_it_can_happen(answers: dict[str, str]) -> None:
    found = operations(**answers).values()
    declared = {operation.short: sorted(operation.responses) for operation in found}
    names = {argument for operation in found for argument in operation.makes.values()} | {"capability"}
    assert declared == {
        operation.short: sorted(
            {
                *("200", "405", "429"),
                *(() if operation.public else ("400", "401")),
                *(("402",) if operation.method != "GET" and not operation.short.startswith("account.") else ()),
                *(("404",) if operation.short != "queue.create" and any(map(operation.sent_as, names)) else ()),
                *(("409",) if operation.honours_key else ()),
                *(("413", "415") if operation.body_schema is not None else ()),
            }
        )
        for operation in found
    }


# --- What single shapes change


def accepts(operation_id: str, body: Any, **answers: str) -> bool:
    return validator(operations(**answers)[operation_id].body_schema or {}).is_valid(body)


TABLE = {"name": "n", "schedule": "* * * * *", "url": "https://a.example/"}
EXAMPLE = {"cron_expr": "* * * * *", "task_type": "http_url", "task_url": "https://a.example/"}


@pytest.mark.parametrize(
    ("body", "accepted"),
    [
        (TABLE, {"any", "table", "observed"}),
        (EXAMPLE, {"any", "example", "observed"}),
        ({"schedule": "* * * * *", "url": "https://a.example/"}, {"any", "observed"}),
        ({"cron_expr": "* * * * *", "task": "https://a.example/"}, {"any", "observed"}),
        ({"schedule": "* * * * *", "http_url": "https://a.example/"}, {"observed"}),
        ({"schedule": "* * * * *"}, set()),
        ({"url": "https://a.example/"}, set()),
        ({**TABLE, "retries": 11}, set()),
        ({**TABLE, "retries": 1.5}, set()),
        ({**TABLE, "timezone": None}, set()),
        ({**TABLE, "payload": None}, {"any", "table", "observed"}),
        ({**EXAMPLE, "timeout_seconds": 901}, {"example"}),
        ({**TABLE, "run_at": "2026-01-01T00:00:00Z"}, set()),
    ],
)
def test_cron_create_takes_the_names_of_its_answer(body: Json, accepted: set[str]) -> None:
    names = assumptions.catalogue()["cron.create.names"].answers
    assert {name for name in names if accepts("scheduling.cron.create", body, cron__create__names=name)} == accepted


def test_the_answer_table_has_only_the_names_of_the_table() -> None:
    body = operations(cron__create__names="table")["scheduling.cron.create"].body_schema or {}
    names = [parameter["name"] for parameter in OPERATIONS[0]["parameters"]]
    assert sorted(body["properties"]) == sorted([*names, "run_at"])
    assert body["properties"]["run_at"]["not"] == {}


@pytest.mark.parametrize("names", ["any", "table", "example", "observed"])
def test_an_instant_stands_in_place_of_an_expression_and_not_beside_it(names: str) -> None:
    full: Json = EXAMPLE if names == "example" else TABLE
    target = {name: value for name, value in full.items() if name not in {"schedule", "cron_expr"}}
    instant = {"run_at": "2026-01-01T00:00:00Z"}
    bodies = [full, target | instant, full | instant, target]
    answers = {"cron__create__names": names, "cron__run_at": "accept"}
    assert [accepts("scheduling.cron.create", body, **answers) for body in bodies] == [True, True, False, False]


def test_a_cron_that_fires_once_has_no_expression_to_return() -> None:
    for names in ("documented", "canonical", "both"):
        found = operations(cron__run_at="accept", cron__create__fields=names)
        required = {
            *found["scheduling.cron.create"].returns["required"],
            *found["scheduling.cron.get"].returns["required"],
        }
        assert required.isdisjoint({"schedule", "cron_expr", "next_run_at"})


@pytest.mark.parametrize(
    ("fields_answer", "id_answer", "names"),
    [
        ("documented", "cron_id", "cron_id name schedule url enabled next_run_at"),
        ("documented", "job_id", "name schedule url enabled next_run_at job_id"),
        ("documented", "both", "cron_id name schedule url enabled next_run_at job_id"),
        ("canonical", "cron_id", "cron_id name enabled next_run_at cron_expr task timezone"),
        ("both", "cron_id", "cron_id name schedule url enabled next_run_at cron_expr task timezone"),
    ],
)
def test_cron_create_returns_the_fields_of_its_answers(fields_answer: str, id_answer: str, names: str) -> None:
    answers = {"cron__create__fields": fields_answer, "cron__create__id_field": id_answer}
    returns = operations(**answers)["scheduling.cron.create"].returns
    assert list(returns["properties"]) == names.split()
    assert set(returns["properties"]) - set(returns["required"]) == {"next_run_at"}
    sources = {name: described.get("x-from", name) for name, described in returns["properties"].items()}
    assert set(sources.values()) <= {"cron_id", "name", "cron_expr", "task", "timezone", "enabled", "next_run_at"}


def test_cron_list_without_paging_takes_no_parameters_and_asks_for_all() -> None:
    paging, whole = (operations(cron__list__paging=answer)["scheduling.cron.list"] for answer in ("cursor", "none"))
    assert [parameter["name"] for parameter in paging.parameters] == ["cursor", "limit"]
    assert whole.parameters == ()
    assert "x-arguments" not in paging.definition
    assert whole.definition["x-arguments"] == {"limit": 0}


@pytest.mark.parametrize(
    ("answer", "sources"),
    [
        ("messages", {"messages": "messages"}),
        ("items", {"items": "messages"}),
        ("both", {"messages": "messages", "items": "messages"}),
    ],
)
def test_consume_returns_messages_under_the_names_of_its_answer(answer: str, sources: dict[str, str]) -> None:
    returns = operations(queue__consume__result_key=answer)["scheduling.queue.consume"].returns
    assert {name: item.get("x-from", name) for name, item in returns["properties"].items()} == sources
    assert returns["required"] == list(sources)


@pytest.mark.parametrize(
    ("item", "accepted"),
    [
        ({"payload": {"a": 1}}, {"payload", "any"}),
        ({"payload": {"a": 1}, "delay_seconds": 0.5, "priority": -1}, {"payload", "any"}),
        ({"payload": {"a": 1}, "delay_seconds": 604801}, set()),
        ({"payload": {"a": 1}, "delay_seconds": None}, set()),
        ({"body": {"a": 1}}, {"any"}),
        ({"body": "text"}, set()),
        ({"a": 1, "delay_seconds": "soon"}, {"any"}),
        ({}, {"any"}),
        ("text", set()),
    ],
)
def test_a_batch_takes_the_items_of_its_answer(item: Any, accepted: set[str]) -> None:
    body = {"queue": "q", "messages": [item]}
    assert {
        answer
        for answer in ("payload", "any")
        if accepts("scheduling.queue.publish_batch", body, queue__batch_message=answer)
    } == accepted


def test_a_batch_refuses_unknown_fields_of_its_items_when_bodies_do() -> None:
    body = {"queue": "q", "messages": [{"payload": {}, "colour": "red"}]}
    answers = ("ignore", "reject")
    assert [accepts("scheduling.queue.publish_batch", body, http__unknown_fields=answer) for answer in answers] == [
        True,
        False,
    ]


@pytest.mark.parametrize(("answer", "accepted"), [("object", [True, False, False]), ("any_json", [True, True, True])])
def test_a_payload_is_of_the_type_of_its_answer(answer: str, accepted: list[bool]) -> None:
    payloads: list[Any] = [{"a": 1}, "text", None]
    for wrap in (lambda payload: {"payload": payload}, lambda payload: {"messages": [{"payload": payload}]}):
        operation = "scheduling.queue.publish" if "payload" in wrap(0) else "scheduling.queue.publish_batch"
        bodies = [{"queue": "q", **wrap(payload)} for payload in payloads]
        assert [accepts(operation, body, queue__payload_type=answer) for body in bodies] == accepted


@pytest.mark.parametrize(
    ("name", "accepted"),
    [("url", {"any", "table", "observed"}), ("forward_to", {"any", "observed"}), ("endpoint", {"observed"})],
)
def test_a_push_url_has_the_names_of_its_answer(name: str, accepted: set[str]) -> None:
    body = {name: "https://a.example/"}
    answers = assumptions.catalogue()["push.url_names"].answers
    assert {
        answer for answer in answers if accepts("scheduling.queue.push_subscribe", body, push__url_names=answer)
    } == accepted


def test_statuses_follow_their_answers() -> None:
    created = {name: operation.status for name, operation in operations(http__created_status="created").items()}
    creations = {name for name, operation in operations().items() if operation.creation}
    assert {name for name, status in created.items() if status == 201} == creations
    assert {operation.status for operation in operations().values()} == {200}
    assert [
        resolved(http__validation_status=answer)["x-validation-status"] for answer in ("bad_request", "unprocessable")
    ] == [400, 422]
    assert "422" in operations(http__validation_status="unprocessable")["scheduling.cron.get"].responses


def test_what_makes_something_new_needs_credit_and_all_that_does_but_consume_honours_keys() -> None:
    described = {name: operation for name, operation in operations().items() if not operation.public}
    assert [name for name, operation in described.items() if operation.creation and not operation.charged] == []
    assert {name for name, operation in described.items() if operation.honours_key != operation.charged} == {
        "scheduling.queue.consume",
        "account.topup",
    }


@every_shape
def test_what_an_operation_makes_deletes_or_lists_is_named_where_it_says(answers: dict[str, str]) -> None:
    found = spec.operations(document(answers))
    for operation in found:
        for argument in {**operation.makes, **operation.deletes}.values():
            assert operation.sent_as(argument) or operation.returned_as(argument), operation.short
        for argument in operation.lists.values():
            (items,) = (item for item in operation.returns["properties"].values() if item.get("type") == "array")
            assert argument in {item.get("x-from", name) for name, item in items["items"]["properties"].items()}
    assert all(operation.creation for operation in found if operation.makes)


def test_what_an_operation_makes_can_be_deleted_and_listed_or_cannot_be_undone() -> None:
    found = operations().values()
    deleted = {kind for operation in found for kind in operation.deletes}
    listed = {kind for operation in found for kind in operation.lists}
    made = {kind for operation in found if not operation.costly for kind in operation.makes}
    assert deleted == listed == made == {"cron", "queue"}
    assert {operation.short for operation in found if operation.costly} == {"account.topup", "task.schedule"}


def test_only_discovery_is_public_and_never_wrapped() -> None:
    found = operations()
    assert {name for name, operation in found.items() if operation.public} == {"discovery.list", "discovery.get"}
    assert {name for name, operation in found.items() if not operation.enveloped} == {"discovery.list", "discovery.get"}
    assert not any(operation.enveloped for operation in operations(http__envelope="bare").values())


@pytest.mark.parametrize(
    ("operation_id", "body"),
    [
        ("scheduling.queue.create", {"name": ""}),
        ("scheduling.queue.create", {"name": "n" * 257}),
        ("scheduling.queue.create", {"name": "a\x00b"}),
        ("scheduling.queue.create", {"name": "a\nb"}),
        ("scheduling.queue.create", {"name": 5}),
        ("scheduling.queue.create", {"name": "q", "max_retries": 1001}),
        ("scheduling.queue.create", {"name": "q", "max_retries": -1}),
        ("scheduling.queue.create", {"name": "q", "max_retries": True}),
        ("scheduling.queue.create", {"name": "q", "message_retention_days": 0}),
        ("scheduling.queue.create", {"name": "q", "message_retention_days": 31}),
        ("scheduling.queue.create", {"name": "q", "visibility_timeout_default": 0.5}),
        ("scheduling.queue.create", {"name": "q", "visibility_timeout_default": 43200.5}),
        ("scheduling.queue.create", {"name": "q", "type": "stack"}),
        ("scheduling.queue.create", {"name": "q", "enable_priority": "yes"}),
        ("scheduling.queue.create", {"name": "q", "dead_letter_queue": None}),
        ("scheduling.queue.consume", {"queue": "q", "max_messages": 0}),
        ("scheduling.queue.consume", {"queue": "q", "max_messages": 101}),
        ("scheduling.queue.consume", {"queue": "q", "max_messages": 1.5}),
        ("scheduling.queue.publish", {"queue": "q", "payload": {}, "delay_seconds": -1}),
        ("scheduling.queue.publish", {"queue": "q", "payload": {}, "idempotency_key": ""}),
        ("scheduling.queue.publish_batch", {"queue": "q", "messages": [{"payload": {}}] * 101}),
        ("scheduling.cron.retention.set", {"retention_days": 3651}),
        ("scheduling.cron.retention.set", {"retention_days": 0.5}),
        ("scheduling.cron.update", {"timeout_seconds": 0}),
        ("scheduling.cron.update", {"max_runs": 0}),
        ("scheduling.cron.update", {"overlap_policy": "wait"}),
        ("scheduling.cron.update", {"headers": {"a b": "c"}}),
        ("scheduling.cron.update", {"headers": {"a": "b\r\nc: d"}}),
        ("scheduling.cron.update", {"headers": {"a": 1}}),
        ("scheduling.cron.update", {"payload": None}),
        ("scheduling.cron.update", {"payload": []}),
        ("scheduling.task.schedule", {"task": "https://a.example/", "run_at": 5}),
        ("scheduling.task.schedule", {"task": "https://a.example/"}),
        ("account.topup", {"amount": 0}),
        ("account.topup", {}),
    ],
)
def test_what_is_out_of_bounds_is_refused(operation_id: str, body: Json) -> None:
    assert not accepts(operation_id, body)


@pytest.mark.parametrize(
    ("operation_id", "body"),
    [
        ("scheduling.queue.create", {"name": "n" * 256, "max_retries": 1000, "visibility_timeout_default": 43200}),
        ("scheduling.queue.create", {"name": "имя 名 é", "message_retention_days": 1, "visibility_timeout_default": 1}),
        ("scheduling.queue.consume", {"queue": "q", "max_messages": 100, "visibility_timeout": 1.001}),
        ("scheduling.queue.publish", {"queue": "q", "payload": {}, "delay_seconds": 604800}),
        ("scheduling.queue.publish_batch", {"queue": "q", "messages": [{"payload": {}}] * 100}),
        ("scheduling.cron.retention.set", {"retention_days": 3650}),
        ("scheduling.cron.update", {"retry": 0, "timeout_seconds": 0.5 + 1, "max_runs": 1, "headers": {"X-A": "é\tb"}}),
        ("scheduling.cron.update", {"colour": "red"}),
    ],
)
def test_what_is_just_within_bounds_is_accepted(operation_id: str, body: Json) -> None:
    assert accepts(operation_id, body)


# --- The documents together


def test_the_spec_asks_only_questions_of_the_catalogue_and_every_one_of_shape() -> None:
    asked: set[str] = set()
    for place, node in walk(spec.load("scheduling")):
        for question, patches in node.get("x-when", {}).items():
            asked.add(question)
            assert set(patches) <= set(assumptions.catalogue()[question].answers), place
        for constant in node.get("x-limits", {}).values():
            assert assumptions.catalogue()[constant].kind == "constant", place
    assert asked == {name for name, entry in assumptions.catalogue().items() if entry.kind == "shape"}


def test_the_spec_names_every_question_where_it_belongs() -> None:
    text = json.dumps(spec.load("scheduling"))
    questions = {name for name, entry in assumptions.catalogue().items() if entry.kind != "constant"}
    assert {name for name in questions if f"`{name}`" not in text} == set()


@pytest.mark.parametrize("name", ["scheduling", "assumptions", "emulator"])
def test_a_document_is_plain_json_without_repeated_keys(name: str) -> None:
    class Strict(yaml.SafeLoader):
        """Refuses a key that is written twice in one mapping."""

    def construct(loader: yaml.SafeLoader, node: yaml.MappingNode) -> dict[Any, Any]:
        keys = [key.value for key, _ in node.value if key.tag != "tag:yaml.org,2002:merge"]
        assert len(keys) == len(set(keys)), node.start_mark
        loader.flatten_mapping(node)
        return dict(loader.construct_pairs(node, deep=True))

    Strict.add_constructor("tag:yaml.org,2002:map", construct)
    file = Path(__file__).parents[1] / "openapi" / f"{name}.yaml"
    document = yaml.load(file.read_bytes(), Loader=Strict)  # noqa: S506 - derived from the safe loader
    assert json.loads(json.dumps(document)) == document == spec.load(name)
