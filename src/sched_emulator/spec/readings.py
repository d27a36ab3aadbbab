"""The two readings of the specification by which strangers are judged: what is promised to be taken, and what may be.

``narrow`` is what tables and types promise: no alias, no fraction, no member beyond the table. A request that fits it
has to be taken by everyone. ``wide`` is what any reading admits: every answer to every question, without what rests on
choices of the emulator's. A request that does not fit it has to be refused by everyone. In between nobody owes
anything. Both concern requests alone; answers are described as ever.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from itertools import product
from typing import Any, TypeAlias

from . import assumptions
from .assumptions import Answer
from .documents import JSON_CONTENT, Json, deref, each_operation, json_body, load, lookup, merge_patch
from .resolve import resolve

RESTS_ON, NARROW, WIDE, IGNORED = "x-rests-on", "x-narrow", "x-wide", "x-ignored"
NOT_OWED = {IGNORED, RESTS_ON}
Patches: TypeAlias = Callable[[Json], Iterable[Json]]


def narrow(answers: Mapping[str, Answer]) -> Json:
    """Return the document whose requests are promised to be taken, resolved for the answers of a target."""
    promised = {**assumptions.defaults(), **answers}
    for name, entry in assumptions.catalogue().items():
        promised[name] = entry.narrow.get(str(promised[name]), promised[name])
    document: Json = _patched(resolve(load("scheduling"), promised), _narrowing)
    schemas = document["components"]["schemas"]
    for name, schema in schemas.items():
        if any(RESTS_ON in item for item in schema.get("properties", {}).values()):
            schemas[name] = _closed(document, schema)
    for _, _, operation in each_operation(document):
        given = operation.get("parameters", [])
        operation["parameters"] = [item for item in given if RESTS_ON not in deref(document, item)]
        body = json_body(operation)
        if body is not None:
            body["schema"] = _closed(document, body["schema"])
    return document


@cache
def wide() -> Json:
    """Return the document outside of which a request is invalid by every reading; of what is answered it says nothing.

    All callers share the answer.
    """
    unlimited: Json = _without(load("scheduling"), "x-limits")
    document = resolve(unlimited, assumptions.defaults())
    for method, path, operation in each_operation(document):
        readings = list(_readings(unlimited, method, path))
        known = set.intersection(*({item["name"] for item in parameters} for parameters, _ in readings))
        operation["parameters"] = [item for item in readings[0][0] if item["name"] in known]
        bodies: list[Json] = []
        for _, schema in readings:
            bodies += [schema] if schema not in bodies else []
        if operation.get("requestBody"):
            operation["requestBody"]["content"][JSON_CONTENT]["schema"] = {"anyOf": bodies}
    return document


def _readings(annotated: Json, method: str, path: str) -> Iterator[tuple[list[Json], Json]]:
    """Yield an operation's parameters and the schema of its body ({}: none) under every answer that they depend on."""
    item = annotated["paths"][path][method]
    parts = {name: annotated["components"][name] for name in ("schemas", "parameters")}
    common = [{**shared, "responses": {}} for shared in annotated.get("x-common", [])]
    responses = {"200": {"description": "Any.", "content": {JSON_CONTENT: {"schema": {}}}}}
    alone = {**annotated, "components": parts, "x-common": common, "x-response-headers": {}, "webhooks": {}}
    alone["paths"] = {path: {method: {**item, "responses": responses}}}
    asked = sorted(_questions(annotated, {**item, "responses": {}}))
    for answers in product(*(assumptions.catalogue()[name].answers for name in asked)):
        document = resolve(alone, assumptions.defaults() | dict(zip(asked, answers, strict=True)))
        operation = document["paths"][path][method]
        body = json_body(operation)
        schema = {} if body is None else _nullable(_patched(deref(document, body["schema"]), _widening))
        yield _parameters(document, operation), schema


def _questions(document: Json, node: Any) -> set[str]:
    """Return the questions that a part of a document depends on, also through what it refers to."""
    if isinstance(node, list):
        return set().union(*(_questions(document, item) for item in node))
    if not isinstance(node, dict):
        return set()
    asked = set(node.get("x-when", {}))
    if isinstance(node.get("$ref"), str):
        asked |= _questions(document, lookup(document, node["$ref"]))
    return asked.union(*(_questions(document, value) for name, value in node.items() if name != "examples"))


def _parameters(document: Json, operation: Json) -> list[Json]:
    """Return the parameters of an operation but those that rest on a choice, widened."""
    parameters = deref(document, operation.get("parameters", []))
    return [_patched(item, _widening) for item in parameters if RESTS_ON not in item]


def _narrowing(schema: Json) -> Iterable[Json]:
    yield schema.get(NARROW, {})


def _widening(schema: Json) -> Iterable[Json]:
    yield from schema.get(WIDE, {}).values()


def _patched(node: Any, patches: Patches) -> Any:
    """Copy ``node`` with the patches of every schema in it merged in."""
    if isinstance(node, list):
        return [_patched(item, patches) for item in node]
    if not isinstance(node, dict):
        return node
    merged = node
    for patch in patches(node):
        merged = merge_patch(merged, patch)
    return {name: _patched(value, patches) for name, value in merged.items() if name not in {NARROW, WIDE}}


def _closed(document: Json, schema: Json) -> Json:
    """Return the schema of an object without members that change nothing or stand nowhere, and without further ones."""
    described = {name: deref(document, item) for name, item in schema["properties"].items()}
    kept = {name: item for name, item in schema["properties"].items() if _is_owed(described[name])}
    return {**schema, "properties": kept, "additionalProperties": False}


def _is_owed(schema: Json) -> bool:
    return "enum" in schema or not schema.keys() & NOT_OWED


def _nullable(schema: Json) -> Json:
    """Return the schema of a body to which null for what may be absent is as good as absence."""
    required = schema.get("required", [])
    changed = dict(schema)
    if "properties" in schema:
        changed["properties"] = {
            name: item if name in required else {"anyOf": [{"type": "null"}, item]}
            for name, item in _of_items(schema["properties"]).items()
            if not item.keys() & NOT_OWED
        }
    if "then" in schema:
        changed["then"] = _nullable(schema["then"])
    return changed


def _of_items(properties: Json) -> Json:
    return {
        name: {**item, "items": _nullable(item["items"])} if isinstance(item.get("items"), dict) else item
        for name, item in properties.items()
    }


def _without(node: Any, keyword: str) -> Any:
    if isinstance(node, list):
        return [_without(item, keyword) for item in node]
    if not isinstance(node, dict):
        return node
    return {name: _without(value, keyword) for name, value in node.items() if name != keyword}
