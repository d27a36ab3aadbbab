"""Markdown of schemas, tables and links, for the pages that are generated."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from sched_emulator.drift import discovered
from sched_emulator.spec import assumptions

Json = dict[str, Any]
_FORMATS = {
    "cron": "cron expression",
    "timezone": "IANA time zone",
    "uri": "URL",
    "date-time": "instant",
    "uuid": "UUID",
}


class Row(NamedTuple):
    """One field of a schema: its name with the way to it, its type in words, whether it is required, what it means."""

    name: str
    type: str
    required: bool
    description: str


def rows(schema: Mapping[str, Any], way: str = "") -> Iterator[Row]:
    """Yield the fields of an object, those of objects in it under `name.field` and of items under `name[].field`."""
    properties = schema.get("properties", {})
    needed = discovered.needed_by(schema) or frozenset()
    for name, described in properties.items():
        if "x-alias-of" in described:
            continue
        names = {name, *(other for other, item in properties.items() if item.get("x-alias-of") == name)}
        others = [f"`{other}`" for other in properties if other in names - {name}]
        description = introduced(described)
        if others:
            description += f" Also called {', '.join(others)}."
        if described.get("x-ignored"):
            description += " Without effect."
        required = any(group <= names for group in needed)
        yield Row(f"{way}{name}", type_of(described), required, description.strip())
        inner, mark = (described.get("items", {}), "[].") if "array" in described.get("type", "") else (described, ".")
        yield from rows(inner, f"{way}{name}{mark}")


def introduced(described: Mapping[str, Any]) -> str:
    """Return what is said of something that may be sent, and where the documentation introduces it."""
    line = [f"Documentation line {described['x-line']}."] if "x-line" in described else []
    return " ".join([*str(described.get("description", "")).split(), *line])


def type_of(schema: Mapping[str, Any]) -> str:
    """Say in words what a schema takes."""
    if schema.get("not") == {}:
        return "refused"
    if "const" in schema:
        return json.dumps(schema["const"])
    if "enum" in schema:
        return " or ".join(f"`{value}`" for value in schema["enum"])
    branches = [type_of(branch) for name in ("anyOf", "oneOf") for branch in schema.get(name, ()) if "type" in branch]
    named = schema.get("type", " or ".join(dict.fromkeys(branches)) or "any")
    words = [str(word) for word in (named if isinstance(named, list) else [named])]
    if "array" in words:
        inner = type_of(schema.get("items", {}))
        inner = f"({inner})" if len(words) > 1 else inner
        words[words.index("array")] = "array" if inner == "any" else f"array of {inner}"
    if schema.get("format") in _FORMATS:
        words[words.index("string")] = _FORMATS[schema["format"]]
    text = " or ".join(words)
    default = f", default {json.dumps(schema['default'])}" if "default" in schema else ""
    return text + _bounds(schema) + default


def _bounds(schema: Mapping[str, Any]) -> str:
    """Say the bounds of numbers, lengths and lists; those that only keep numbers exact say nothing to people."""
    least, most = schema.get("minimum"), schema.get("maximum")
    most = None if most is not None and most >= 2**31 - 1 else most
    least = None if least is not None and least <= -(2**31) else least
    if least is not None and most is not None:
        return f", {least} to {most}"
    bounds = [
        (f"at least {least}", least not in {None, 0}),
        (f"more than {schema.get('exclusiveMinimum')}", "exclusiveMinimum" in schema),
        (f"at most {most}", most is not None),
        (f"at most {schema.get('maxLength')} characters", "maxLength" in schema and "format" not in schema),
        (f"at most {schema.get('maxItems')}", "maxItems" in schema),
    ]
    return "".join(f", {text}" for text, holds in bounds if holds)


def table(head: Sequence[str], lines: Iterable[Sequence[str]]) -> list[str]:
    """Return a table, nothing when it has no lines."""
    listed = [[_cell(cell) for cell in line] for line in lines]
    if not listed:
        return []
    return [_line(head), _line(["---"] * len(head)), *map(_line, listed), ""]


def field_table(fields: Iterable[Row], *, requests: bool) -> list[str]:
    """Return the table of the fields of a request or of an answer."""
    named = [(row, f"`{row.name}`") for row in fields]
    if requests:
        return table(
            ("field", "type", "required", "meaning"),
            [(name, row.type, "yes" if row.required else "", linked(row.description)) for row, name in named],
        )
    return table(
        ("field", "type", "meaning"),
        [(name if row.required else f"{name}?", row.type, linked(row.description)) for row, name in named],
    )


def json_block(value: Any) -> list[str]:
    """Return a value as a block of JSON: in one line if it is short."""
    text = json.dumps(value, ensure_ascii=False)
    return ["```json", text if len(text) <= 100 else json.dumps(value, ensure_ascii=False, indent=2), "```", ""]


def linked(text: str) -> str:
    """Return a text in which the ids of open questions lead to their explanation."""
    return re.sub(r"`([a-z_]+(?:\.[a-z_]+)+)`", lambda match: _link(match[1]) or match[0], text)


def anchor(name: str) -> str:
    """Return what a link to the heading `name` ends with."""
    return re.sub(r"[^a-z0-9_ -]", "", name.lower()).replace(" ", "-")


def prose(text: str) -> list[str]:
    """Return the paragraphs of a description, each in one line."""
    parts = [" ".join(part.split()) for part in text.split("\n\n")]
    return [line for part in parts if part for line in (linked(part), "")]


def _link(name: str) -> str | None:
    return f"[`{name}`](assumptions.md#{anchor(name)})" if name in assumptions.catalogue() else None


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
