import copy
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from sched_emulator import spec

# --- resolve
from sched_emulator.spec import assumptions

# --- resolve


def document(schema: dict[str, Any], **root: Any) -> dict[str, Any]:
    """One operation that takes a body of this schema."""
    operation = {
        "operationId": "thing.make",
        "requestBody": {"content": {"application/json": {"schema": schema}}},
        "responses": {"200": {"description": "Made.", "content": {"application/json": {"schema": {"type": "string"}}}}},
    }
    return {"openapi": "3.1.0", "paths": {"/v1/old/thing": {"post": operation}}, **root}


def body_schema(resolved: dict[str, Any]) -> Any:
    return resolved["paths"]["/v1/old/thing"]["post"]["requestBody"]["content"]["application/json"]["schema"]


def test_merge_patch_follows_the_examples_of_rfc_7386() -> None:
    cases: list[tuple[Any, Any, Any]] = [
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b"}, {"a": None}, {}),
        ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
        (["a", "b"], ["c", "d"], ["c", "d"]),
        ({"a": "b"}, ["c"], ["c"]),
        ({"a": "foo"}, None, None),
        ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
        ([1, 2], {"a": "b", "c": None}, {"a": "b"}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
    ]
    assert [spec.merge_patch(target, patch) for target, patch, _ in cases] == [result for _, _, result in cases]


def test_the_patch_of_the_answer_in_force_is_merged_and_others_are_not() -> None:
    annotated = document(
        {
            "type": "object",
            "maxProperties": 3,
            "x-when": {"q": {"strict": {"maxProperties": None, "additionalProperties": False}}},
        }
    )
    assert body_schema(spec.resolve(annotated, {"q": "lenient"})) == {"type": "object", "maxProperties": 3}
    assert body_schema(spec.resolve(annotated, {"q": "strict"})) == {"type": "object", "additionalProperties": False}


def test_a_patch_may_bring_further_questions() -> None:
    annotated = document(
        {"type": "string", "x-when": {"q": {"a": {"type": "number", "x-when": {"r": {"b": {"minimum": 1}}}}}}}
    )
    assert [body_schema(spec.resolve(annotated, {"q": q, "r": r})) for q in "ab" for r in "ab"] == [
        {"type": "number"},
        {"type": "number", "minimum": 1},
        {"type": "string"},
        {"type": "string"},
    ]


def test_limits_take_the_number_of_their_constant() -> None:
    annotated = document({"type": "string", "x-limits": {"maxLength": "limits.chars"}})
    assert body_schema(spec.resolve(annotated, {"limits.chars": 7})) == {"type": "string", "maxLength": 7}


@pytest.mark.parametrize("schema", [{"x-limits": {"maxLength": "the.question"}}, {"x-when": {"the.question": {}}}])
def test_a_missing_answer_is_named(schema: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"^The spec depends on the\.question, to which there is no answer\.$"):
        spec.resolve(document(schema), {})


def test_aliases_become_properties_in_order_that_say_what_they_stand_for() -> None:
    annotated = document(
        {
            "type": "object",
            "required": ["url", "name"],
            "properties": {
                "url": {"type": "string", "description": "Where to.", "x-argument": "target", "x-aliases": ["uri"]},
                "name": {"type": "string"},
                "body": {"type": "object", "x-aliases": ["data"]},
            },
        }
    )
    assert body_schema(spec.resolve(annotated, {})) == {
        "type": "object",
        "properties": {
            "url": {"type": "string", "description": "Where to.", "x-argument": "target"},
            "uri": {
                "type": "string",
                "description": "Another name for `url`, which wins when both are sent.",
                "x-alias-of": "url",
                "x-argument": "target",
            },
            "name": {"type": "string"},
            "body": {"type": "object"},
            "data": {
                "type": "object",
                "description": "Another name for `body`, which wins when both are sent.",
                "x-alias-of": "body",
                "x-argument": "body",
            },
        },
        "required": ["name"],
        "allOf": [{"anyOf": [{"required": ["url"]}, {"required": ["uri"]}]}],
    }


def test_exactly_one_of_alternatives_is_required_under_any_of_its_names() -> None:
    annotated = document(
        {"type": "object", "x-either": [["at", "every"]], "properties": {"at": {}, "every": {"x-aliases": ["cron"]}}}
    )
    assert body_schema(spec.resolve(annotated, {}))["allOf"] == [
        {"oneOf": [{"required": ["at"]}, {"anyOf": [{"required": ["every"]}, {"required": ["cron"]}]}]}
    ]


def test_a_record_requires_what_is_not_optional() -> None:
    annotated = document({"type": "object", "x-optional": ["b", "gone"], "properties": {"a": {}, "b": {}, "c": {}}})
    assert body_schema(spec.resolve(annotated, {})) == {
        "type": "object",
        "properties": {"a": {}, "b": {}, "c": {}},
        "required": ["a", "c"],
    }


def test_operations_get_what_they_share_and_keep_what_they_say_themselves() -> None:
    annotated = document(
        {"type": "object", "properties": {"key": {}}},
        **{
            "x-common": [
                {"to": {}, "responses": {"400": {"description": "Bad."}, "401": {"description": "Who?"}}},
                {"to": {"methods": ["get"]}, "responses": {"404": {"description": "Gone."}}},
                {
                    "to": {"property": "key"},
                    "parameters": [{"name": "Key"}],
                    "responses": {"409": {"description": "!"}},
                },
                {"to": {"property": "other"}, "parameters": [{"name": "Other"}]},
                {"to": {"body": True}, "schema": {"additionalProperties": False}},
            ]
        },
    )
    responses = annotated["paths"]["/v1/old/thing"]["post"]["responses"]
    responses |= {"400": {"description": "Very bad."}, "401": None}
    operation = spec.resolve(annotated, {})["paths"]["/v1/old/thing"]["post"]
    assert operation == {
        "operationId": "thing.make",
        "parameters": [{"name": "Key"}],
        "requestBody": {
            "content": {
                "application/json": {
                    "schema": {"type": "object", "properties": {"key": {}}, "additionalProperties": False}
                }
            }
        },
        "responses": {"200": responses["200"], "400": {"description": "Very bad."}, "409": {"description": "!"}},
    }


def test_a_success_is_wrapped_and_links_look_inside() -> None:
    annotated = document(
        {},
        **{
            "x-created-status": 201,
            "x-response-headers": {"X-Id": {"schema": {"type": "string"}}},
            "x-envelope": {
                "property": "data",
                "schema": {"type": "object", "properties": {"ok": {"const": True}, "data": {}}},
                "example": {"ok": True, "data": {}},
            },
        },
    )
    operation = annotated["paths"]["/v1/old/thing"]["post"]
    operation["x-creation"] = True
    operation["responses"]["200"]["content"]["application/json"]["examples"] = {"one": {"value": "a"}}
    operation["responses"]["200"]["links"] = {"use": {"parameters": {"id": "$response.body#/id", "n": 1}}}
    assert spec.resolve(annotated, {})["paths"]["/v1/old/thing"]["post"]["responses"] == {
        "201": {
            "description": "Made.",
            "content": {
                "application/json": {
                    "schema": {
                        "type": "object",
                        "properties": {"ok": {"const": True}, "data": {"type": "string"}},
                        "x-returns": "data",
                    },
                    "examples": {"one": {"value": {"ok": True, "data": "a"}}},
                }
            },
            "links": {"use": {"parameters": {"id": "$response.body#/data/id", "n": 1}}},
            "headers": {"X-Id": {"schema": {"type": "string"}}},
        }
    }


def test_resolving_changes_nothing_of_its_input_and_shares_nothing_with_it() -> None:
    annotated = copy.deepcopy(spec.load("scheduling"))
    before = copy.deepcopy(annotated)
    first = spec.resolve(annotated, assumptions.preset("observed"))
    second = spec.resolve(annotated, assumptions.preset("observed"))
    assert annotated == before
    assert first == second
    first["paths"].clear()
    first["components"]["schemas"]["Name"].clear()
    assert annotated == before
    assert spec.resolve(annotated, assumptions.preset("observed")) == second


# --- operations


def test_operations_have_their_newer_path_and_schemas_without_references() -> None:
    annotated = document(
        {"$ref": "#/components/schemas/Body", "description": "Beside."},
        **{
            "components": {
                "schemas": {
                    "Body": {"description": "Own.", "properties": {"name": {"$ref": "#/components/schemas/Name"}}},
                    "Name": {"type": "string"},
                }
            },
            "security": [{"bearer": []}],
            "x-path-generations": {"/v1/old/": "/v1/"},
            "x-name-prefix": "thing.",
        },
    )
    (operation,) = spec.operations(spec.resolve(annotated, {}))
    assert operation == spec.Operation(
        operation_id="thing.make",
        short="make",
        method="POST",
        path="/v1/old/thing",
        newer_path="/v1/thing",
        parameters=(),
        body_schema={"description": "Beside.", "properties": {"name": {"type": "string"}}},
        body_required=False,
        status=200,
        returns={"type": "string"},
        enveloped=False,
        responses={"200": {"description": "Made.", "content": {"application/json": {"schema": {"type": "string"}}}}},
        errors=(),
        public=False,
        creation=False,
        makes={},
        deletes={},
        lists={},
        costly="",
        line=None,
        definition=annotated["paths"]["/v1/old/thing"]["post"],
    )


def test_an_operation_has_its_facts_from_the_document() -> None:
    annotated = document({"properties": {"title": {"x-argument": "thing", "x-line": 7}, "idempotency_key": {}}})
    definition = annotated["paths"]["/v1/old/thing"]["post"]
    definition |= {"x-line": 5, "x-creation": True, "x-makes": {"thing": "thing"}, "x-costly": "It costs."}
    definition["parameters"] = [
        {"name": "id", "in": "path", "x-argument": "thing", "x-line": 6, "schema": {}},
        {"name": "X-Other", "in": "header", "x-argument": "thing", "x-line": 8, "schema": {}},
    ]
    definition["responses"]["200"]["content"]["application/json"]["schema"] = {
        "properties": {"name": {"x-from": "thing"}, "thing": {}, "other": {}}
    }
    definition["responses"]["402"] = {"description": "Refused."}
    (operation,) = spec.operations(annotated)
    assert (operation.line, operation.lines) == (5, {"thing": 6, "title": 7})
    assert (operation.creation, operation.makes, operation.costly) == (True, {"thing": "thing"}, "It costs.")
    assert (operation.charged, operation.honours_key) == (True, True)
    assert operation.sent_as("thing") == ["id", "title"]
    assert operation.returned_as("thing") == ["name", "thing"]


@pytest.mark.parametrize(
    ("reference", "sentence"),
    [
        ("#/components/schemas/Gone", "The spec refers to #/components/schemas/Gone, which is not there."),
        ("other.yaml#/Name", "The spec refers to other.yaml#/Name, which is not inside the document."),
    ],
)
def test_a_reference_to_nothing_is_named(reference: str, sentence: str) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the whole sentence is compared
        spec.operations(spec.resolve(document({"$ref": reference}), {}))
    assert str(caught.value) == sentence


# --- check


def test_a_keyword_that_is_not_honoured_is_refused_with_its_place() -> None:
    resolved = document(
        {"type": "object", "properties": {"a": {"maxLenght": 3}, "b": {"items": {"anyOf": [{"format": "colour"}]}}}}
    )
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the whole sentence is compared
        spec.check(resolved)
    place = "#/paths/~1v1~1old~1thing/post/requestBody/content/application~1json/schema/properties"
    assert str(caught.value) == (
        "The spec says what no validator here would check: "
        f"{place}/a/maxLenght is a keyword that is not honoured; "
        f"{place}/b/items/anyOf/0/format names the unknown format 'colour'."
    )


def test_examples_are_data_and_not_checked() -> None:
    resolved = document({"examples": [{"schema": {"maxLenght": 3}}], "additionalProperties": False, "x-note": 1})
    spec.check(resolved)


# --- imports of the module


def test_importing_the_spec_imports_neither_a_server_nor_a_validator() -> None:
    program = (
        "import sys, sched_emulator.spec; print(sorted({'aiohttp', 'asyncio', 'jsonschema_rs'} & set(sys.modules)))"
    )
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, text=True)
    assert found.stdout == "[]\n"


def test_a_package_that_was_installed_reads_its_own_documents(tmp_path: Path) -> None:
    room = Path(spec.__file__).parent
    package = tmp_path / "sched_emulator"
    (package / "openapi").mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "openapi" / "scheduling.yaml").write_text("openapi: 3.1.0", encoding="utf-8")
    shutil.copytree(room, package / room.name)
    program = "; ".join(
        [
            f"import sys; sys.path.insert(0, {str(tmp_path)!r})",
            "from sched_emulator import spec",
            "print(spec.load('scheduling'))",
        ]
    )
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, text=True)
    assert found.stdout == "{'openapi': '3.1.0'}\n"
