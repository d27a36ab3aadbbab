"""The reference pages: every operation of the emulated API, and every request of the control API."""

from collections.abc import Iterator, Mapping
from typing import Any

from tools.markdown import Json, Row, field_table, introduced, json_block, linked, prose, rows, table, type_of

from sched_emulator import spec
from sched_emulator.spec import assumptions

GENERATED = "<!-- Generated from {source} by `python -m tools.write_docs`; change it there. -->"


def operations() -> list[str]:
    """Return the page of the emulated API, for the default answers."""
    annotated = spec.load("scheduling")
    document = spec.resolve(annotated, assumptions.defaults())
    found = spec.operations(document)
    lines = [
        "# Operations",
        "",
        GENERATED.format(source="openapi/scheduling.yaml"),
        "",
        *prose(document["info"]["description"]),
        *table(
            ("operation", "request", "what it does"),
            [
                (f"[`{item.short}`](#{_anchor(item)})", f"`{item.method} {item.path}`", item.definition["summary"])
                for item in found
            ],
        ),
    ]
    for tag in document["tags"]:
        lines += [f"## {tag['name'].capitalize()}", "", *prose(tag["description"])]
        for operation in found:
            if tag["name"] in operation.definition["tags"]:
                lines += _operation(operation, _questions(annotated, operation))
    return [*lines, "## Deliveries", "", *_deliveries(document)]


def control() -> list[str]:
    """Return the page of the control API."""
    document = spec.load("emulator")
    found = spec.operations(document)
    lines = [
        "# The control API",
        "",
        GENERATED.format(source="openapi/emulator.yaml"),
        "",
        *prose(document["info"]["description"]),
    ]
    for tag in document["tags"]:
        lines += [f"## {tag['name'].capitalize()}", "", *prose(tag["description"])]
        for operation in found:
            if tag["name"] in operation.definition["tags"]:
                lines += _control_request(operation)
    return lines


def _operation(operation: spec.Operation, questions: list[str]) -> Iterator[str]:
    definition = operation.definition
    yield from (f"### {operation.short}", "")
    paths = [path for path in (operation.path, operation.newer_path) if path is not None]
    yield from (" or ".join(f"`{operation.method} {path}`" for path in paths), "")
    yield from prose(definition["summary"])
    yield from prose(definition.get("description", ""))
    yield from field_table(_sent(operation), requests=True)
    yield from _examples(operation, "For example:")
    if operation.returns.get("properties"):
        inside = " (in `data`)" if operation.enveloped else ""
        yield from (f"It returns{inside}:", "")
        yield from field_table(rows(operation.returns), requests=False)
    codes = sorted({f"{error['status']} `{error['code']}`" for error in operation.errors})
    if codes:
        yield from (f"Errors: {', '.join(codes)}.", "")
    if questions:
        yield from (linked(f"Open questions: {', '.join(f'`{name}`' for name in questions)}."), "")
    if operation.line is not None:
        yield from (f"Line {operation.line} of the vendor's documentation.", "")


def _control_request(operation: spec.Operation) -> Iterator[str]:
    yield from (f"### {operation.method} {operation.path}", "")
    yield from prose(operation.definition["summary"])
    yield from prose(operation.definition.get("description", ""))
    yield from field_table(_sent(operation), requests=True)
    yield from _examples(operation, "For example:")
    success = operation.responses[str(operation.status)]
    yield from prose(f"It answers: {success['description']}")
    if operation.returns.get("properties"):
        yield from field_table(rows(operation.returns), requests=False)
    elif isinstance(operation.returns.get("additionalProperties"), dict):
        values = type_of(operation.returns["additionalProperties"])
        yield from (f"An object whose values are: {values}.", "")
    refusals = [status for status in operation.responses if not status.startswith("2")]
    if refusals:
        yield from (f"Refused with {', '.join(refusals)}.", "")


def _sent(operation: spec.Operation) -> Iterator[Row]:
    """Yield what is sent: parameters of path and query, then the fields of the body."""
    named = (operation.body_schema or {}).get("properties", {})
    for item in operation.parameters:
        if item["in"] == "header" or item["name"] in named:
            continue
        where = f" In the {item['in']}."
        description = introduced(item) + where
        yield Row(item["name"], type_of(item["schema"]), bool(item.get("required")), description.strip())
    yield from rows(operation.body_schema or {})


def _examples(operation: spec.Operation, title: str) -> Iterator[str]:
    media = operation.definition.get("requestBody", {}).get("content", {}).get(spec.JSON_CONTENT, {})
    examples = [example["value"] for example in media.get("examples", {}).values()]
    examples += [media["example"]] if "example" in media else []
    if examples:
        yield from (title, "")
    for example in examples:
        yield from json_block(example)


def _deliveries(document: Json) -> Iterator[str]:
    for name, item in document["webhooks"].items():
        definition = spec.deref(document, item["post"])
        yield from (f"### {name}", "")
        yield from prose(definition["summary"])
        yield from prose(definition["description"])
        yield from table(
            ("header", "type", "meaning"),
            [
                (f"`{each['name']}`", type_of(each["schema"]), linked(each.get("description", "")))
                for each in definition["parameters"]
            ],
        )
        body = definition.get("requestBody", {}).get("content", {}).get(spec.JSON_CONTENT, {})
        for example in body.get("examples", {}).values():
            yield from (linked(example.get("summary", "For example:")), "")
            yield from json_block(example["value"])


def _questions(annotated: Mapping[str, Any], operation: spec.Operation) -> list[str]:
    """Return the open questions that the description of an operation depends on or mentions."""
    definition = spec.deref(annotated, annotated["paths"][operation.path][operation.method.lower()])
    found: set[str] = set()
    _collect(definition, found)
    text = str(operation.definition.get("description", "")) + str(definition)
    return [name for name in assumptions.catalogue() if name in found or f"`{name}`" in text]


def _collect(node: Any, found: set[str]) -> None:
    if isinstance(node, list):
        for item in node:
            _collect(item, found)
    elif isinstance(node, dict):
        found.update(node.get("x-when", ()))
        found.update(node.get("x-limits", {}).values())
        for value in node.values():
            _collect(value, found)


def _anchor(operation: spec.Operation) -> str:
    return operation.short.replace(".", "")
