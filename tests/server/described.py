"""Whether an answer of the control API is as `openapi/emulator.yaml` describes it, with nothing more in it."""

import json
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import jsonschema_rs

from sched_emulator import spec

Json = dict[str, Any]
Seen = set[tuple[str, str, str]]  # an operation, a status, and a property of its answer: `items[].at`; none: ""
EDGE = {405, 408, 413, 415, 417}  # what any request may be refused with, as the document's introduction says


@cache
def operations() -> Mapping[tuple[str, str], spec.Operation]:
    """Return what is described, by method and path."""
    described = spec.operations(spec.load("emulator"))
    return {(item.method, path): item for item in described for path in (item.path, *_also_at(item))}


def _also_at(operation: spec.Operation) -> list[str]:
    paths: list[str] = operation.definition.get("x-also-at", [])
    return paths


def seen_in(method: str, target: str, status: int, content_type: str, body: bytes) -> Seen:
    """Return which parts of the description an answer shows. AssertionError when it is not as described."""
    operation = operations().get((method, target.partition("?")[0]))
    if operation is None:
        return set()
    if status in EDGE:
        _validator("health", "403").validate(json.loads(body))
        return set()
    name, code = operation.operation_id, str(status)
    assert code in operation.responses, f"{name} answers {status}, which is not described"
    [media] = operation.responses[code]["content"]
    assert content_type.partition(";")[0] == media, f"{name} answers {content_type}"
    if media != spec.JSON_CONTENT:
        return {(name, code, "")}
    answer = json.loads(body)
    _validator(name, code).validate(answer)
    return {_entry(operation, code, place) for place in ["", *_shown(schema_of(operation, code), answer, "")]}


def declared() -> Seen:
    """Return all that is described."""
    return {
        _entry(operation, status, place)
        for operation in operations().values()
        for status in operation.responses
        for place in ["", *_named(schema_of(operation, status), "")]
    }


def _entry(operation: spec.Operation, status: str, place: str) -> tuple[str, str, str]:
    """Name a part of the description; a property of a form that several answers share needs to be seen in one."""
    if place.startswith(".error"):
        return "any", "error", place
    shared: str = operation.definition["responses"][status].get("$ref", "").rpartition("/")[2]
    return (shared, "any", place) if shared and place else (operation.operation_id, status, place)


def schema_of(operation: spec.Operation, status: str) -> Json:
    """Return the schema of an answer."""
    [media] = operation.responses[status]["content"].values()
    schema: Json = media["schema"]
    return schema


@cache
def _validator(name: str, status: str) -> jsonschema_rs.Draft202012Validator:
    operation = next(item for item in operations().values() if item.operation_id == name)
    return jsonschema_rs.Draft202012Validator(closed(schema_of(operation, status)), validate_formats=True)


def closed(schema: Any) -> Any:
    """Return a schema under which an object has the properties that are named and no others, unless it says so."""
    if isinstance(schema, list):
        return [closed(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    shut = {name: closed(value) for name, value in schema.items()}
    return {"additionalProperties": False, **shut} if isinstance(schema.get("properties"), dict) else shut


def _named(schema: Json, place: str) -> Iterator[str]:
    for name, child in schema.get("properties", {}).items():
        yield f"{place}.{name}"
        yield from _named(child, f"{place}.{name}")
    if "items" in schema:
        yield from _named(schema["items"], f"{place}[]")


def _shown(schema: Json, value: Any, place: str) -> Iterator[str]:
    if isinstance(value, list):
        for item in value:
            yield from _shown(schema.get("items", {}), item, f"{place}[]")
    elif isinstance(value, dict):
        for name in value.keys() & schema.get("properties", {}).keys():
            yield f"{place}.{name}"
            yield from _shown(schema["properties"][name], value[name], f"{place}.{name}")
