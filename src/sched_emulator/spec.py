"""The contract as data: load the YAML documents, resolve the annotated spec, list its operations.

Knows OpenAPI and nothing of scheduling: names of the API stand in ``openapi/scheduling.yaml``, open questions in
``openapi/assumptions.yaml``. Everything here is pure, but for ``load``, which reads a file once.

``resolve`` acts on these extensions and removes them; every other ``x-`` passes through to whoever reads it:
``x-when``, ``x-limits``, ``x-optional`` and ``x-either`` anywhere; ``x-common``, ``x-envelope``, ``x-created-status``
and ``x-response-headers`` at the root. ``x-aliases`` become sibling properties that carry ``x-alias-of``.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from sched_emulator import assumption_catalogue
from sched_emulator.assumption_catalogue import Answer, Assumption
from sched_emulator.spec_check import check

__all__ = [
    "JSON_CONTENT",
    "Answer",
    "Assumption",
    "Operation",
    "catalogue",
    "check",
    "defaults",
    "deref",
    "load",
    "merge_patch",
    "operations",
    "parse_answers",
    "preset",
    "read_answers_toml",
    "resolve",
]

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
JSON_CONTENT = "application/json"

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of a resolved document; every schema in it is expanded, without any ``$ref``.

    ``returns`` is the schema of what the documentation calls "returns": inside the envelope where there is one.
    ``errors`` has code, status and whether a retry may help of each error (``x-errors`` of its responses).
    """

    operation_id: str
    method: str
    path: str
    newer_path: str | None
    parameters: tuple[Json, ...]
    body_schema: Json | None
    body_required: bool
    status: int
    returns: Json
    enveloped: bool
    responses: dict[str, Json]
    errors: tuple[Json, ...]
    public: bool
    definition: Json


@cache
def load(name: str) -> Json:
    """Read ``openapi/<name>.yaml`` (``scheduling``, ``assumptions``, ``emulator``). All callers share the answer."""
    folder = Path(__file__).parent / "openapi"  # where a wheel has it
    if not folder.is_dir():
        folder = Path(__file__).parents[2] / "openapi"  # where a checkout has it
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    document: Json = yaml.load((folder / f"{name}.yaml").read_bytes(), Loader=loader)  # noqa: S506 - a safe loader
    return document


# --- Resolving: first the answers, then what all operations share, then schemas, then what responses look like.


def resolve(document: Mapping[str, Any], answers: Mapping[str, Answer]) -> Json:
    """Make a plain OpenAPI document of the annotated one; the input stays as it is.

    ``answers`` holds an answer to every shape and constant that the document asks for, and may hold others.
    """
    resolved: Json = _choose(document, answers)
    common = resolved.pop("x-common", [])
    headers = resolved.pop("x-response-headers", {})
    envelope = resolved.pop("x-envelope", {})
    created = resolved.pop("x-created-status", 200)
    for method, _, operation in _each_operation(resolved):
        _join_common(method, operation, common)
    resolved = _expand(resolved)
    for _, _, operation in _each_operation(resolved):
        _finish_success(operation, envelope, created)
    for response in _each_response(resolved):
        if headers and "$ref" not in response:
            response["headers"] = {**headers, **response.get("headers", {})}
    return resolved


def merge_patch(target: Any, patch: Any) -> Any:
    """Merge as RFC 7386 says: objects member by member, null deletes, anything else replaces."""
    if not isinstance(patch, dict):
        return patch
    merged = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = merge_patch(merged.get(name), value)
    return merged


def _choose(node: Any, answers: Mapping[str, Answer]) -> Any:
    """Copy ``node`` with the patches of the answers in force merged in and ``x-limits`` filled in."""
    if isinstance(node, list):
        return [_choose(item, answers) for item in node]
    if not isinstance(node, Mapping):
        return node
    chosen = dict(node)
    while "x-when" in chosen:  # a patch may bring further ones
        for question, patches in chosen.pop("x-when").items():
            chosen = merge_patch(chosen, patches.get(_answer(answers, question), {}))
    for keyword, constant in chosen.pop("x-limits", {}).items():
        chosen[keyword] = _answer(answers, constant)
    return {name: _choose(value, answers) for name, value in chosen.items()}


def _answer(answers: Mapping[str, Answer], question: str) -> Answer:
    if question not in answers:
        raise ValueError(f"The spec depends on {question}, to which there is no answer.")
    return answers[question]


def _join_common(method: str, operation: Json, common: list[Json]) -> None:
    """Give an operation what it shares with others; what it says itself wins, and null takes a response away."""
    body = _json_body(operation)
    responses: Json = {}
    for shared in common:
        if not _is_selected(shared["to"], method, body):
            continue
        responses |= shared.get("responses", {})
        if "parameters" in shared:
            operation["parameters"] = [*operation.get("parameters", []), *shared["parameters"]]
        if "schema" in shared and body is not None:
            body["schema"] = merge_patch(body["schema"], shared["schema"])
    operation["responses"] = merge_patch(responses, operation["responses"])


def _is_selected(selector: Json, method: str, body: Json | None) -> bool:
    if method not in selector.get("methods", METHODS):
        return False
    if body is None:
        return not selector.get("body") and "property" not in selector
    return "property" not in selector or selector["property"] in body["schema"].get("properties", {})


def _expand(node: Any) -> Any:
    """Copy ``node`` with aliases, optional and alternative properties of every schema in it written out."""
    if isinstance(node, list):
        return [_expand(item) for item in node]
    if not isinstance(node, dict):
        return node
    expanded = {name: _expand(value) for name, value in node.items()}
    if isinstance(expanded.get("properties"), dict):
        _expand_properties(expanded)
    return expanded


def _expand_properties(schema: Json) -> None:
    if "x-optional" in schema:
        optional = schema.pop("x-optional")
        schema["required"] = [name for name in schema["properties"] if name not in optional]
    names = {name: [name, *child.get("x-aliases", [])] for name, child in schema["properties"].items()}
    schema["properties"] = _with_aliases(schema["properties"])
    conditions = [
        {"oneOf": [_one_given(names[name]) for name in alternatives]} for alternatives in schema.pop("x-either", [])
    ]
    required = schema.pop("required", [])
    conditions += [_one_given(names[name]) for name in required if len(names.get(name, [])) > 1]
    if plain := [name for name in required if len(names.get(name, [])) <= 1]:
        schema["required"] = plain
    if conditions:
        schema["allOf"] = [*schema.get("allOf", []), *conditions]


def _with_aliases(properties: Json) -> Json:
    written: Json = {}
    for name, schema in properties.items():
        aliases = schema.pop("x-aliases", [])
        written[name] = schema
        for alias in aliases:
            description = f"Another name for `{name}`, which wins when both are sent."
            argument = schema.get("x-argument", name)
            written[alias] = {**schema, "description": description, "x-alias-of": name, "x-argument": argument}
    return written


def _one_given(names: list[str]) -> Json:
    """Write the condition that at least one of these names is there."""
    return {"required": names} if len(names) == 1 else {"anyOf": [{"required": [name]} for name in names]}


def _finish_success(operation: Json, envelope: Json, created: int) -> None:
    """Give the success response its status, its envelope, and links that look inside the envelope."""
    responses = operation["responses"]
    success = next(status for status in responses if status.startswith("2"))
    response = responses[success]
    if operation.get("x-creation"):
        operation["responses"] = {str(created): response} | {
            name: responses[name] for name in responses if name != success
        }
    if not envelope or operation.get("x-enveloped") is False:
        return
    inside = envelope["property"]
    media = response["content"][JSON_CONTENT]
    media["schema"] = merge_patch(
        {**envelope["schema"], "x-returns": inside}, {"properties": {inside: media["schema"]}}
    )
    for example in media.get("examples", {}).values():
        example["value"] = {**envelope["example"], inside: example["value"]}
    if "links" in response:
        response["links"] = _look_inside(response["links"], f"$response.body#/{inside}/")


def _look_inside(node: Any, prefix: str) -> Any:
    if isinstance(node, dict):
        return {name: _look_inside(value, prefix) for name, value in node.items()}
    return node.replace("$response.body#/", prefix) if isinstance(node, str) else node


def _each_operation(document: Json) -> Iterator[tuple[str, str, Json]]:
    for path, item in document["paths"].items():
        for method in METHODS:
            if method in item:
                yield method, path, item[method]


def _each_response(document: Json) -> Iterator[Json]:
    yield from document.get("components", {}).get("responses", {}).values()
    for _, _, operation in _each_operation(document):
        yield from operation["responses"].values()


def _json_body(operation: Json) -> Json | None:
    body: Json | None = operation.get("requestBody", {}).get("content", {}).get(JSON_CONTENT)
    return body


# --- Reading a resolved document.


def deref(document: Mapping[str, Any], node: Any) -> Any:
    """Copy ``node`` with every local ``$ref`` in it, also nested ones, replaced by what it names.

    Keys beside a ``$ref`` are added to what it names and win over it.
    """
    if isinstance(node, list):
        return [deref(document, item) for item in node]
    if not isinstance(node, Mapping):
        return node
    if isinstance(node.get("$ref"), str):
        beside = {name: value for name, value in node.items() if name != "$ref"}
        return deref(document, {**_lookup(document, node["$ref"]), **beside})
    return {name: deref(document, value) for name, value in node.items()}


def _lookup(document: Mapping[str, Any], reference: str) -> Any:
    found: Any = document
    if not reference.startswith("#/"):
        raise ValueError(f"The spec refers to {reference}, which is not inside the document.")
    for step in reference.removeprefix("#/").split("/"):
        name = step.replace("~1", "/").replace("~0", "~")
        if not isinstance(found, Mapping) or name not in found:
            raise ValueError(f"The spec refers to {reference}, which is not there.")
        found = found[name]
    return found


def operations(document: Json) -> list[Operation]:
    """List the operations of a resolved document, in its order."""
    return [_operation(document, method, path) for method, path, _ in _each_operation(document)]


def _operation(document: Json, method: str, path: str) -> Operation:
    item = document["paths"][path]
    definition = item[method]
    body = _json_body(definition)
    responses = deref(document, definition["responses"])
    success = next(status for status in responses if status.startswith("2"))
    schema = responses[success].get("content", {}).get(JSON_CONTENT, {}).get("schema", {})
    inside = schema.get("x-returns")
    newer = document.get("x-path-generations", {}).items()
    return Operation(
        operation_id=definition["operationId"],
        method=method.upper(),
        path=path,
        newer_path=next((new + path.removeprefix(old) for old, new in newer if path.startswith(old)), None),
        parameters=tuple(deref(document, [*item.get("parameters", []), *definition.get("parameters", [])])),
        body_schema=deref(document, body["schema"]) if body else None,
        body_required=definition.get("requestBody", {}).get("required", False),
        status=int(success),
        returns=schema["properties"][inside] if inside else schema,
        enveloped=inside is not None,
        responses=responses,
        errors=tuple(
            {**error, "status": int(status)}
            for status, response in responses.items()
            for error in response.get("x-errors", ())
        ),
        public=definition.get("security", document.get("security")) == [],
        definition=definition,
    )


# --- The catalogue of assumptions, read from its file.


@cache
def catalogue() -> dict[str, Assumption]:
    """Every assumption by its id, in the order of ``openapi/assumptions.yaml``."""
    return assumption_catalogue.build(load("assumptions"))


def defaults() -> dict[str, Answer]:
    """Return the answer or number of every assumption when nobody chose one."""
    return {name: assumption.default for name, assumption in catalogue().items()}


def preset(name: str) -> dict[str, Answer]:
    """Every answer of a dialect: ``documented`` is the defaults, ``observed`` what public programs send and expect."""
    return assumption_catalogue.preset(catalogue(), name)


def parse_answers(pairs: Mapping[str, Any]) -> dict[str, Answer]:
    """Check answers that a user gave and return them; ValueError with one sentence says what is wrong and possible."""
    return assumption_catalogue.parse_answers(catalogue(), pairs)


def read_answers_toml(path: str | Path) -> dict[str, Answer]:
    """Read answers from a TOML file, where ``[queue]`` ``nack_position`` and ``"queue.nack_position"`` are the same."""
    return parse_answers(assumption_catalogue.read_toml(Path(path)))
