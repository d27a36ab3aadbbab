"""Where the spec meets the core: requests become validated keyword arguments, results become bodies.

Everything is compiled once from a resolved document. The binding knows OpenAPI and its `x-` extensions, and nothing of
scheduling: names, aliases, types and limits are data in `openapi/scheduling.yaml`.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

import jsonschema_rs
from msgspec import Struct
from multidict import MultiMapping

from sched_emulator import spec
from sched_emulator.core.dispatch import Facts
from sched_emulator.core.errors import InvalidRequest
from sched_emulator.core.instants import EXPECTED, LAST_MS, from_text, to_ms, to_seconds, to_text
from sched_emulator.spec import assumptions

from . import secrets
from .routes import Route, Routes
from .validation_errors import first_problem, shown

Json = dict[str, Any]
Convert = Callable[[Any, str], Any]
Sources = tuple[Mapping[str, str], Mapping[str, str], Mapping[str, str]]
PLACES = ("path", "query", "header")  # what each of the sources is
KEY_FIELD = "idempotency_key"
GIVEN_ONCE = "must be given once, not several times"
API_DOCUMENT = "/openapi.yaml"
OTHER_MODULE = ": of the vendor's API only scheduling is emulated, no other module"
_WHOLE_NUMBER = re.compile("-?[0-9]{1,400}")


class Call(Struct, frozen=True):
    """A request as the core takes it, and what of it had no effect."""

    arguments: Json
    idempotency_key: str | None
    ignored: list[str]


class Field(NamedTuple):
    """A body field: its name on the wire, the keyword it becomes (None: without effect), and its conversion."""

    name: str
    argument: str | None
    convert: Convert | None


class Parameter(NamedTuple):
    """A path, query or header parameter; `place` is its number in `PLACES`."""

    name: str
    place: int
    argument: str
    schema: Json
    validator: jsonschema_rs.Validator
    convert: Convert | None


class BoundOperation:
    """One operation, compiled."""

    def __init__(self, operation: spec.Operation) -> None:
        self.operation = operation
        self.operation_id = operation.operation_id
        self.status = operation.status
        self.enveloped = operation.enveloped
        self.fixed_arguments: Json = operation.definition.get("x-arguments", {})
        self.parameters = [_parameter(item) for item in operation.parameters]
        in_path = tuple(item.argument for item in self.parameters if item.place == PLACES.index("path"))
        self.facts = Facts(operation.charged, operation.creation, in_path)
        self._schema = operation.body_schema
        self._validator = None if self._schema is None else jsonschema_rs.Draft202012Validator(self._schema)
        self._fields = [] if self._schema is None else _fields(self._schema)
        self._known = {field.name for field in self._fields}
        self._secrets = _secret_names(self._schema or {})
        self.render = _renderer(operation.returns)

    def read(self, sources: Sources, body: Any) -> Call:
        """Return the call that a request asks for; `body` is decoded, or None. InvalidRequest when they do not fit."""
        self.check_body(body)
        body = {} if body is None else body
        arguments = dict(self.fixed_arguments)
        ignored = [] if self._known.issuperset(body) else [name for name in body if name not in self._known]
        for name, argument, convert in self._fields:
            if name not in body:
                continue
            if argument is None or argument in arguments:
                ignored.append(name)
            else:
                arguments[argument] = body[name] if convert is None else convert(body[name], name)
        key = arguments.pop(KEY_FIELD, None)
        for parameter, value in self.read_parameters(sources):
            if parameter.argument == KEY_FIELD:
                key = value if PLACES[parameter.place] == "header" or key is None else key
            else:
                arguments[parameter.argument] = value
        return Call(arguments, key, ignored)

    def check_body(self, body: Any) -> None:
        """Raise InvalidRequest when a body does not fit its schema; None, no body, counts as an empty object."""
        if body is not None and not isinstance(body, dict):
            raise InvalidRequest(f"the body must be an object, got {shown(body)}", about="body")
        if self._validator is not None and not self._validator.is_valid(body or {}):
            raise first_problem(self._validator, body or {}, self._schema)

    def read_parameters(self, sources: Sources) -> Iterator[tuple[Parameter, Any]]:
        """Yield the path, query and header parameters that were sent, with their values, checked and converted."""
        for parameter in self.parameters:
            source = sources[parameter.place]
            if parameter.name in source:
                yield parameter, _read(parameter, source)

    def name_as_sent(self, error: InvalidRequest, body: Any) -> InvalidRequest:
        """Return an error of the core with the parameter called as the request called it."""
        sent = body if isinstance(body, dict) else {}
        names = (field.name for field in self._fields if field.argument == error.parameter and field.name in sent)
        name = next(names, None)
        return error if name is None else error.called(name)

    def hide_secrets(self, body: Any) -> Any:
        """Return a body as the journal may show it."""
        return secrets.hidden(body, self._secrets)


class Binding:
    """All operations of a resolved spec, and how it wraps and names errors."""

    def __init__(self, document: Json) -> None:
        spec.check(document)
        self.document = document
        self.operations = {item.operation_id: BoundOperation(item) for item in spec.operations(document)}
        paths = [
            Route(bound.operation.method, path, bound.operation_id)
            for bound in self.operations.values()
            for path in (bound.operation.path, bound.operation.newer_path)
            if path is not None
        ]
        self.routes = Routes(paths, index=API_DOCUMENT, beside=OTHER_MODULE)
        self.invalid_status = int(document["x-validation-status"])
        self.enveloped = any(operation.enveloped for operation in self.operations.values())


def bind(answers: Mapping[str, str | int]) -> Binding:
    """Return the binding for these answers; bindings are shared by all who gave the same ones about shape."""
    return _bind(tuple(answers[name] for name in _shaping()))


@lru_cache(maxsize=64)
def _bind(shape: tuple[str | int, ...]) -> Binding:
    answers = dict(zip(_shaping(), shape, strict=True))
    return Binding(spec.resolve(spec.load("scheduling"), answers))


@lru_cache(maxsize=1)
def _shaping() -> tuple[str, ...]:
    """Return the ids of all answers that the resolved spec may depend on."""
    return tuple(
        name for name, assumption in assumptions.catalogue().items() if assumption.kind in {"shape", "constant"}
    )


def _parameter(item: Json) -> Parameter:
    schema = item["schema"]
    argument, convert = _conversion(item["name"], {**schema, **_extensions(item)})
    if argument is None:
        raise ValueError(f"parameter {item['name']} of the spec leads to no argument")
    return Parameter(
        item["name"], PLACES.index(item["in"]), argument, schema, jsonschema_rs.Draft202012Validator(schema), convert
    )


def _extensions(item: Json) -> Json:
    return {name: value for name, value in item.items() if name.startswith("x-")}


def _read(parameter: Parameter, source: Mapping[str, str]) -> Any:
    """Return the value of a parameter that was sent, checked and converted."""
    text = source[parameter.name]
    refuse_repeated(source, parameter.name)
    if not text.isascii() and any("\ud800" <= letter <= "\udfff" for letter in text):
        raise InvalidRequest("must be UTF-8, got other bytes", parameter=parameter.name)
    value: Any = text
    if parameter.schema.get("type") == "integer":
        value = int(text) if _WHOLE_NUMBER.fullmatch(text) else text
    if not parameter.validator.is_valid(value):
        raise first_problem(parameter.validator, value, parameter.schema, root=parameter.name)
    return value if parameter.convert is None else parameter.convert(value, parameter.name)


def refuse_repeated(source: Mapping[str, str], name: str) -> None:
    """Raise InvalidRequest for what is given, and more than once: nobody can tell which value is meant."""
    if isinstance(source, MultiMapping) and len(source.getall(name)) > 1:
        raise InvalidRequest(GIVEN_ONCE, parameter=name)


def _fields(schema: Json) -> list[Field]:
    """Return a body's fields, documented names before their aliases, so that the first one sent counts."""
    properties = schema.get("properties", {})
    fields = []
    for name in sorted(properties, key=lambda name: "x-alias-of" in properties[name]):
        if properties[name].get("x-ignored"):
            fields.append(Field(name, None, None))
        else:
            described = properties[name]
            fields.append(Field(name, *_conversion(described.get("x-alias-of", name), described)))
    return fields


def _conversion(name: str, schema: Json) -> tuple[str | None, Convert | None]:
    """Return the keyword that a value is given under, and how it is converted (None: as it is)."""
    argument = schema.get("x-argument", name)
    if schema.get("format") == "date-time":
        return f"{argument}_ms", _instant
    if schema.get("x-unit") == "seconds":
        return in_ms(argument), _duration
    if schema.get("type") == "integer":
        return argument, _whole
    if schema.get("type") == "array" and ("properties" in schema["items"] or "x-wrap" in schema["items"]):
        return argument, _items(schema["items"])
    return argument, None


def _instant(text: str, name: str) -> int:
    try:
        instant_ms = from_text(text)
    except ValueError:
        raise InvalidRequest(f"must be {EXPECTED}, got {shown(text)}", parameter=name) from None
    if not 0 <= instant_ms <= LAST_MS:
        raise InvalidRequest(f"must lie between 1970 and 9999, got {shown(text)}", parameter=name)
    return instant_ms


def in_ms(name: str) -> str:
    """Return what the core calls a duration that the spec gives in seconds: `delay_seconds` is `delay_ms`."""
    return name.removesuffix("_seconds") + "_ms"


def _duration(seconds: Any, _name: str) -> int:
    return to_ms(seconds)


def _whole(number: Any, _name: str) -> int:
    return int(number)


def _items(schema: Json) -> Convert:
    """Return the conversion of a list of objects; with `x-wrap`, an item without that field is its value itself."""
    fields = _fields(schema.get("then", schema))
    wrap = schema.get("x-wrap")
    wrapped_names = {field.name for field in fields if field.argument == wrap}

    def convert_item(item: Any, name: str) -> Json:
        if wrap is not None and (not isinstance(item, dict) or wrapped_names.isdisjoint(item)):
            return {wrap: item}
        arguments: Json = {}
        for field, argument, change in fields:
            if field in item and argument is not None and argument not in arguments:
                arguments[argument] = item[field] if change is None else change(item[field], f"{name}.{field}")
        return arguments

    return lambda items, name: [convert_item(item, f"{name}[{number}]") for number, item in enumerate(items)]


def _secret_names(schema: Json) -> frozenset[str]:
    properties = schema.get("properties", {})
    return frozenset(name for name, described in properties.items() if described.get("x-secret"))


def _renderer(schema: Json) -> Callable[[Any], Any]:
    """Return the function that makes a body of a core's result: exactly the properties that the schema names."""
    if "properties" in schema:
        parts = [
            (name, described.get("x-from", in_ms(name) if "x-unit" in described else name), _renderer(described))
            for name, described in schema["properties"].items()
        ]

        def render_object(result: Json) -> Json:
            return {name: render(result[source]) for name, source, render in parts if source in result}

        return render_object
    if schema.get("type") == "array":
        render_item = _renderer(schema["items"])
        return lambda items: [render_item(item) for item in items]
    if schema.get("format") == "date-time":
        return to_text
    if schema.get("x-unit") == "seconds":
        return to_seconds
    if schema.get("type") == "boolean":
        return bool
    return _as_it_is


def _as_it_is(value: Any) -> Any:
    return value
