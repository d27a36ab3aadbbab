"""What a JSON Schema validator found wrong, as one sentence for people that names the parameter."""

from collections.abc import Sequence
from difflib import get_close_matches
from typing import Any

from jsonschema_rs import ValidationError, Validator

from sched_emulator.core.encoding import encode
from sched_emulator.core.errors import InvalidRequest

from .secrets import hidden

SHOWN_CHARS = 60
LONGEST_CHARS, MOST_ITEMS, LEVELS = 10_000, 1_000, 4  # of what is given to the validator to explain

_TYPES = {
    "string": "a string",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "object": "an object",
    "array": "an array",
    "null": "null",
}
_LIMITS = {
    "minimum": "be at least {}",
    "maximum": "be at most {}",
    "exclusiveMinimum": "be more than {}",
    "exclusiveMaximum": "be less than {}",
    "minLength": "have at least {} characters",
    "maxLength": "have at most {} characters",
    "minItems": "have at least {} items",
    "maxItems": "have at most {} items",
    "minProperties": "have at least {} fields",
    "maxProperties": "have at most {} fields",
    "multipleOf": "be a multiple of {}",
    "const": "be {}",
}


def first_problem(validator: Validator, value: Any, schema: Any, *, root: str = "") -> InvalidRequest:
    """Return the error for the first thing that does not fit the schema.

    `root` names the value itself where it is a parameter; without it the value is the request's body.
    """
    short = _shortened(value)
    error = next(iter(validator.iter_errors(short)), None)
    if error is None:
        short, error = value, next(iter(validator.iter_errors(value)))
    path = _named(short, list(error.instance_path))
    parameter = _place(root, path)
    found = error.instance
    name, schema_path = error.kind.name, list(error.schema_path)
    unknown = _unknown(error, found, _at(schema, schema_path[:-1]))
    if unknown is not None:
        known = _documented(_at(schema, schema_path[:-1]))
        text = f"is not a documented field{among(unknown, known)}"
        return InvalidRequest(text, parameter=_cut(_place(root, [*path, unknown])))
    if name == "required":
        missing = _place(root, [*path, error.kind.value])
        return InvalidRequest("must be given", parameter=missing)
    if schema_path[-1] in {"anyOf", "oneOf"} and (names := _alternatives(_at(schema, schema_path))):
        choice = " or ".join(f"`{_place(root, [*path, item])}`" for item in names)
        one = "exactly one of " if schema_path[-1] == "oneOf" else ""
        return InvalidRequest(f"{one}{choice} must be given", about=_place(root, [*path, names[0]]))
    if name == "not":
        return InvalidRequest("must not be given", parameter=_cut(parameter))
    names = [step for step in (root, *path) if isinstance(step, str)]
    got = shown(hidden({names[-1]: found})[names[-1]] if names else found)
    demand = f"must {_expected(error, _at(schema, schema_path[:-1]))}, got {got}"
    if not parameter:
        return InvalidRequest(f"the body {demand}", about="body")
    return InvalidRequest(demand, parameter=_cut(parameter))


def shown(value: Any) -> str:
    """Return a value as it stands in JSON, cut to a length that a sentence bears."""
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return "an array"
    return _cut(encode(value))


def _unknown(error: ValidationError, found: Any, schema: Any) -> str | None:
    """Return the field that is not documented, also where it stands in place of one that must be given."""
    if error.kind.name in {"additionalProperties", "unevaluatedProperties"}:
        return str(error.kind.value[0])
    if error.kind.name == "required" and schema.get("additionalProperties") is False:
        return next((name for name in found if name not in schema["properties"]), None)
    return None


def among(unknown: str, known: Sequence[str]) -> str:
    """Return the end of a sentence about a name that is not known: the one that may be meant, and those there are."""
    close = get_close_matches(unknown[:SHOWN_CHARS], known, n=1)
    meant = f", did you mean `{close[0]}`?" if close else ""
    there_are = ", ".join(f"`{name}`" for name in known) or "none"
    return f"{meant} There are {there_are}" if meant else f"; there are {there_are}"


def _documented(schema: Any) -> list[str]:
    described = schema.get("properties", {}).items()
    return [name for name, item in described if "x-alias-of" not in item and item.get("not") != {}]


def _shortened(value: Any, levels: int = LEVELS) -> Any:
    """Return a value whose texts and lists are cut far beyond all limits: the validator writes out what it refuses."""
    if isinstance(value, str):
        return value[:LONGEST_CHARS]
    if isinstance(value, list) and levels:
        return [_shortened(item, levels - 1) for item in value[:MOST_ITEMS]]
    if isinstance(value, dict) and levels:
        return {name[:LONGEST_CHARS]: _shortened(item, levels - 1) for name, item in value.items()}
    return value


def _expected(error: ValidationError, schema: Any) -> str:
    name, detail = error.kind.name, error.kind.value
    if name == "type":
        types = sorted(detail, key=list(_TYPES).index)
        return "be " + " or ".join(_TYPES[item] for item in types)
    if name == "enum":
        return "be one of " + ", ".join(shown(item) for item in schema["enum"])
    if name in _LIMITS:
        demand = _LIMITS[name].format(shown(schema[name]))
        return demand.removesuffix("s") if schema[name] == 1 and demand.endswith("s") else demand
    if "x-expected" in schema:
        return f"be {schema['x-expected']}"
    if name == "pattern":
        return f"fit the pattern {_cut(detail)}"
    return "fit the documentation"


def _alternatives(branches: Any) -> list[str]:
    """Return the names of which one must be given, if that is all that the branches of an anyOf or oneOf ask."""
    names: list[str] = []
    for branch in branches if isinstance(branches, list) else []:
        if not branch.keys() <= {"required", "anyOf", "oneOf"}:
            return []
        names += branch.get("required", [])
        names += _alternatives(branch.get("anyOf", [])) + _alternatives(branch.get("oneOf", []))
    return names


def _at(schema: Any, path: list[str | int]) -> Any:
    for step in path:
        schema = schema[step]
    return schema


def _named(value: Any, path: list[str | int]) -> list[str | int]:
    """Return a validator's path with the names of fields as texts: it takes those of digits for places in a list."""
    named: list[str | int] = []
    for step in path:
        if isinstance(value, dict):
            named.append(str(step))
            value = value.get(
                str(step)
            )  # None for "007", which the validator calls 7, and within "", which it leaves out
        else:
            named.append(step)
            value = value[step] if isinstance(value, list) and isinstance(step, int) else None
    return named


def _place(root: str, path: list[str | int]) -> str:
    place = root
    for step in path:
        place += f"[{step}]" if isinstance(step, int) else f".{step}" if place else step
    return place


def _cut(text: str) -> str:
    return text if len(text) <= SHOWN_CHARS else text[:SHOWN_CHARS] + "…"
