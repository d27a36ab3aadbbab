"""What of JSON Schema is honoured here: a misspelt keyword or an unknown format would otherwise pass silently."""

from collections.abc import Callable
from typing import Any

SCHEMA_MAPS = frozenset({"properties", "patternProperties"})
SCHEMA_LISTS = frozenset({"allOf", "anyOf", "oneOf"})
SCHEMA_CHILDREN = frozenset(
    {"items", "additionalProperties", "unevaluatedProperties", "propertyNames", "not", "if", "then", "else"}
)
PLAIN_KEYWORDS = frozenset(
    {
        *("$ref", "title", "description", "default", "examples", "deprecated", "type", "enum", "const", "format"),
        *("pattern", "minLength", "maxLength", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"),
        *("multipleOf", "required", "minProperties", "maxProperties", "dependentRequired", "minItems", "maxItems"),
        "uniqueItems",
    }
)
FORMATS = frozenset({"cron", "timezone", "uri", "date-time", "uuid"})


def check(document: dict[str, Any]) -> None:
    """Raise ValueError when a resolved document uses a schema keyword or a format that we do not honour."""
    wrong: list[str] = []
    _visit_schemas(document, "#", wrong.append)
    if wrong:
        raise ValueError("The spec says what no validator here would check: " + "; ".join(wrong) + ".")


def _visit_schemas(node: Any, place: str, report: Callable[[str], None]) -> None:
    """Walk an OpenAPI document and check each schema met; examples are data, not schemas."""
    if isinstance(node, list):
        for index, item in enumerate(node):
            _visit_schemas(item, f"{place}/{index}", report)
    if not isinstance(node, dict):
        return
    for name, value in node.items():
        here = f"{place}/{name.replace('~', '~0').replace('/', '~1')}"
        if name == "schema":
            _check_schema(value, here, report)
        elif name == "schemas":
            for key, schema in value.items():
                _check_schema(schema, f"{here}/{key}", report)
        elif name not in {"example", "examples"}:
            _visit_schemas(value, here, report)


def _check_schema(schema: Any, place: str, report: Callable[[str], None]) -> None:
    if isinstance(schema, bool):
        return
    for keyword, value in schema.items():
        here = f"{place}/{keyword}"
        if keyword in SCHEMA_MAPS:
            for name, child in value.items():
                _check_schema(child, f"{here}/{name}", report)
        elif keyword in SCHEMA_LISTS:
            for index, child in enumerate(value):
                _check_schema(child, f"{here}/{index}", report)
        elif keyword in SCHEMA_CHILDREN:
            _check_schema(value, here, report)
        elif keyword not in PLAIN_KEYWORDS and not keyword.startswith("x-"):
            report(f"{here} is a keyword that is not honoured")
        elif keyword == "format" and value not in FORMATS:
            report(f"{here} names the unknown format {value!r}")
