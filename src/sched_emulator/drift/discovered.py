"""What a gateway says of itself, read tolerantly: `GET /v1/discovery[/{capability}]` in any plausible form.

Nothing here knows what is expected. What is left out, or is in a form that is not understood, is None: unknown.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

Json = dict[str, Any]
Types = frozenset[str]
Group = frozenset[str]

LISTS = ("capabilities", "items", "operations", "data", "result")
ANY = "any"
MOST_GROUPS = 200
_WORDS = {
    "string": ("string", "str", "text", "date-time", "datetime", "timestamp", "uri", "url", "uuid"),
    "number": ("number", "integer", "int", "float", "double", "decimal"),
    "boolean": ("boolean", "bool"),
    "object": ("object", "dict", "map", "record"),
    "array": ("array", "list"),
    ANY: (ANY, "unknown", "json"),
}
_TYPES = {word: name for name, words in _WORDS.items() for word in words}


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter: the types of its value (the documentation knows one type of number) and the values allowed."""

    types: Types | None
    values: frozenset[str] | None


@dataclass(frozen=True, slots=True)
class Contract:
    """One capability. `needed` has sets of names of which one has to be sent; `errors` codes, with whether to retry."""

    capability: str
    method: str | None
    path: str | None
    available: bool | None
    parameters: Mapping[str, Parameter] | None
    needed: frozenset[Group] | None
    errors: Mapping[str, bool | None] | None


def records(body: Any) -> list[Json] | None:
    """Return the records of a listing, None when there is no list in it."""
    for _ in range(4):
        if isinstance(body, list):
            entries = [{"id": entry} if isinstance(entry, str) else entry for entry in body]
            return [entry for entry in entries if isinstance(entry, dict) and capability_of(entry)]
        if not isinstance(body, dict):
            return None
        inner = next((body[name] for name in LISTS if isinstance(body.get(name), dict | list)), None)
        if inner is None:
            return _keyed(body)
        body = inner
    return None


def next_cursor(body: Any) -> str | None:
    """Return where a listing goes on."""
    while isinstance(body, dict):
        if isinstance(body.get("next_cursor"), str) and body["next_cursor"]:
            return str(body["next_cursor"])
        body = body.get("data")
    return None


def record(body: Any) -> Json:
    """Return the record of one capability, out of whatever it is wrapped in."""
    for name in ("data", "capability", "contract", "result"):
        if isinstance(body, dict) and isinstance(body.get(name), dict) and not _is_described(body):
            body = body[name]
    return body if isinstance(body, dict) else {}


def capability_of(entry: Mapping[str, Any]) -> str | None:
    """Return the id of a capability, as the gateway writes it."""
    names = (entry.get(name) for name in ("id", "capability", "operation_id", "operationId", "name"))
    return next((name for name in names if isinstance(name, str) and name), None)


def read(entry: Mapping[str, Any]) -> Contract:
    """Return what a record says."""
    described = [entry[name] for name in ("params", "parameters", "input_schema", "request_schema") if name in entry]
    parameters, needed = _parameters(described)
    method, path, available = entry.get("method"), entry.get("path"), entry.get("available")
    return Contract(
        capability=capability_of(entry) or "",
        method=method.upper() if isinstance(method, str) else None,
        path=path if isinstance(path, str) else None,
        available=available if isinstance(available, bool) else None,
        parameters=parameters,
        needed=needed,
        errors=_errors(next((entry[name] for name in ("errors", "error_codes") if name in entry), None)),
    )


def types_of(schema: Mapping[str, Any]) -> Types | None:
    """Return the types that a schema or a description names; None when it names none that is known."""
    if schema.get("schema"):
        return types_of(schema["schema"])
    named = schema.get("type")
    words = named.split("|") if isinstance(named, str) else named if isinstance(named, list) else []
    found = {_type_of_word(str(word).strip()) for word in words} - {"null"}
    if not found and isinstance(schema.get("enum"), list):
        found = {_type_of_value(value) for value in schema["enum"]}
    if not found:
        branches = [types_of(branch) for name in ("anyOf", "oneOf") for branch in schema.get(name, ())]
        found = {name for branch in branches for name in branch or (None,)}
    if not found or None in found:
        return None
    return frozenset({ANY}) if ANY in found else frozenset(str(name) for name in found)


def values_of(schema: Mapping[str, Any]) -> frozenset[str] | None:
    """Return the values that a schema or a description allows; None when it names none."""
    if schema.get("schema"):
        return values_of(schema["schema"])
    if isinstance(schema.get("enum"), list):
        return frozenset(str(value) for value in schema["enum"])
    named = schema.get("type")
    quoted = re.findall(r'"([^"]*)"', named) if isinstance(named, str) else []
    return frozenset(quoted) or None


def needed_by(schema: Mapping[str, Any]) -> frozenset[Group] | None:
    """Return the sets of names of which a schema wants one each; None when it says nothing about it."""
    if not {"required", "allOf", "anyOf", "oneOf"} & schema.keys():
        return None
    required = schema.get("required", [])
    groups = {frozenset({str(name)}) for name in required} if isinstance(required, list) else set()
    for branch in schema.get("allOf", ()):
        groups |= needed_by(branch) or frozenset()
    for name in ("anyOf", "oneOf"):
        groups |= _one_of(needed_by(branch) or frozenset() for branch in schema.get(name, ()))
    return frozenset(groups)


def _one_of(branches: Iterable[frozenset[Group]]) -> set[Group]:
    """Return what holds whichever of the branches does."""
    listed = list(branches)
    if not listed:
        return set()
    chosen = list(_limited(product(*listed)))
    return {frozenset().union(*groups) for groups in chosen}


def _limited(combinations: Iterable[tuple[Group, ...]]) -> Iterator[tuple[Group, ...]]:
    for number, combination in enumerate(combinations):
        if number == MOST_GROUPS:
            return
        yield combination


def _keyed(body: Json) -> list[Json] | None:
    """Read an object whose names are capabilities."""
    entries = [
        {"id": name, **value} for name, value in body.items() if isinstance(value, dict) and _is_described(value)
    ]
    return entries or None


def _is_described(entry: Mapping[str, Any]) -> bool:
    return bool({"method", "path", "params", "parameters"} & entry.keys())


def _parameters(described: list[Any]) -> tuple[dict[str, Parameter] | None, frozenset[Group] | None]:
    """Return the parameters of all descriptions, and which are needed as far as any of them says so."""
    parameters: dict[str, Parameter] | None = None
    needed: frozenset[Group] | None = None
    for form in described:
        schema = _as_schema(form)
        if schema is None:
            continue
        properties = schema["properties"]
        found = {
            name: Parameter(types_of(value), values_of(value))
            for name, value in properties.items()
            if isinstance(value, dict) and value.get("not") != {}
        }
        parameters = {**(parameters or {}), **found}
        groups = needed_by(schema)
        if groups is not None:
            needed = (needed or frozenset()) | groups
    return parameters, needed


def _as_schema(form: Any) -> Json | None:
    """Return a description of parameters as a JSON Schema: it may be one, a list, or an object by name."""
    if isinstance(form, list):
        named = {item["name"]: item for item in form if isinstance(item, dict) and isinstance(item.get("name"), str)}
        return _with_flags(named) if named or not form else None
    if not isinstance(form, dict):
        return None
    if isinstance(form.get("properties"), dict):
        return form
    if form.get("type") == "object":
        return {**form, "properties": {}}
    described = {name: {"type": value} if isinstance(value, str) else value for name, value in form.items()}
    return _with_flags({name: value for name, value in described.items() if isinstance(value, dict)})


def _with_flags(named: Mapping[str, Json]) -> Json:
    """Return the schema of parameters that say each for itself whether they are required."""
    flags = {name: item["required"] for name, item in named.items() if isinstance(item.get("required"), bool)}
    schema: Json = {"properties": dict(named)}
    if flags or not named:
        schema["required"] = [name for name, required in flags.items() if required]
    return schema


def _errors(described: Any) -> dict[str, bool | None] | None:
    if isinstance(described, Mapping):
        described = [{"code": name, **(value if isinstance(value, dict) else {})} for name, value in described.items()]
    if not isinstance(described, list):
        return None
    entries = [{"code": entry} if isinstance(entry, str) else entry for entry in described]
    known = [entry for entry in entries if isinstance(entry, dict) and isinstance(entry.get("code"), str)]
    flags: dict[str, Any] = {str(entry["code"]): entry.get("retryable") for entry in known}
    return {code: flag if isinstance(flag, bool) else None for code, flag in flags.items()}


def _type_of_word(word: str) -> str | None:
    if word == "null":
        return "null"
    if word.endswith("[]"):
        return "array"
    if word.startswith('"'):
        return "string"
    return _TYPES.get(word.lower())


def _type_of_value(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    return {str: "string", int: "number", float: "number", list: "array", dict: "object"}.get(type(value), ANY)
