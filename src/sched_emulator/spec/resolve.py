"""Resolving: an annotated document and the answers to open questions make a plain OpenAPI document.

``resolve`` acts on these extensions and removes them; every other ``x-`` passes through to whoever reads it:
``x-when``, ``x-limits``, ``x-optional`` and ``x-either`` anywhere; ``x-common``, ``x-envelope``, ``x-created-status``
and ``x-response-headers`` at the root. ``x-aliases`` become sibling properties that carry ``x-alias-of``. First come
the answers, then what all operations share, then schemas, then what responses look like.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from .assumptions import Answer
from .documents import JSON_CONTENT, METHODS, Json, each_operation, json_body, merge_patch


def resolve(document: Mapping[str, Any], answers: Mapping[str, Answer]) -> Json:
    """Make a plain OpenAPI document of the annotated one; the input stays as it is.

    ``answers`` holds an answer to every shape and constant that the document asks for, and may hold others.
    """
    resolved: Json = _choose(document, answers)
    common = resolved.pop("x-common", [])
    headers = resolved.pop("x-response-headers", {})
    envelope = resolved.pop("x-envelope", {})
    created = resolved.pop("x-created-status", 200)
    for method, _, operation in each_operation(resolved):
        _join_common(method, operation, common)
    resolved = _expand(resolved)
    for _, _, operation in each_operation(resolved):
        _finish_success(operation, envelope, created)
    for response in _each_response(resolved):
        if headers and "$ref" not in response:
            response["headers"] = {**headers, **response.get("headers", {})}
    return resolved


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
    body = json_body(operation)
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
            written[alias].pop("x-line", None)
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


def _each_response(document: Json) -> Iterator[Json]:
    yield from document.get("components", {}).get("responses", {}).values()
    for _, _, operation in each_operation(document):
        yield from operation["responses"].values()
