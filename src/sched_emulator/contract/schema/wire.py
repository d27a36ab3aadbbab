"""Requests as they went over the wire, compared with what the specification says of them, in its three readings.

What a generator calls valid or invalid is its opinion of the values it began with. What arrives is text: a number in a
query, a list that became the same parameter twice, bytes that are no UTF-8. Only that counts.
"""

import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, unquote, urlsplit

import jsonschema_rs
import requests

from sched_emulator import spec
from sched_emulator.spec import Operation

Json = dict[str, Any]
WHOLE = re.compile("-?[0-9]{1,400}")
PARAMETER = re.compile(r"\{([^{}]+)\}")
FALLBACK = "http.described_requests"


class Misfit(NamedTuple):
    """What of a request does not fit: where, which keyword says so, in words, and the choice that it rests on."""

    place: str
    keyword: str
    told: str
    choice: str = FALLBACK


@dataclass(frozen=True, slots=True)
class Sent:
    """A request taken apart. `body` is decoded, with fractions as text in `without_fractions`; None is no body."""

    path: Mapping[str, str]
    query: tuple[tuple[str, str], ...]
    headers: Mapping[str, str]
    body: Any
    without_fractions: Any
    malformed: bool

    @property
    def twice(self) -> str | None:
        """The name of a query parameter that is given twice."""
        names = [name for name, _ in self.query]
        return next((name for number, name in enumerate(names) if name in names[:number]), None)

    @property
    def is_plain(self) -> bool:
        """Whether the body says that it is JSON, or that it is nothing."""
        return self.headers.get("content-type") in {None, spec.JSON_CONTENT}


def taken_apart(request: requests.PreparedRequest, url: str, operation: Operation) -> Sent | None:
    """Return what was sent to an operation; None where it cannot be said to be meant for it, or to be one thing."""
    target = urlsplit(str(request.url).removeprefix(url))
    match = re.fullmatch(PARAMETER.sub("([^/]+)", operation.path), target.path)
    names = PARAMETER.findall(operation.path)
    raw = request.body.encode() if isinstance(request.body, str) else request.body or b""
    if not isinstance(raw, bytes) or (operation.method == "GET" and raw):
        return None
    try:
        values = [unquote(value, errors="strict") for value in match.groups()] if match else [""]
        query = tuple(parse_qsl(target.query, keep_blank_values=True, errors="strict", max_num_fields=1000))
        decoded = _decoded(raw)
    except (ValueError, RecursionError):
        return None
    if any(value in {"", ".", ".."} or set(value) & {"/", "\\", "\x00"} for value in values) or not isinstance(
        raw, bytes
    ):
        return None
    if operation.method == "GET" and raw:
        return None
    headers = {name.lower(): _header(value) for name, value in request.headers.items()}
    return Sent(dict(zip(names, values, strict=True)), query, headers, *decoded)


def _decoded(raw: bytes) -> tuple[Any, Any, bool]:
    """Return the value of a body, that with fractions as text, and whether it is no JSON.

    ValueError for what is JSON to some and to others not.
    """
    if not raw.strip():
        return None, None, False
    try:
        text = raw.decode()
        value, exact = json.loads(text, parse_constant=_special), json.loads(text, parse_float=str)
    except json.JSONDecodeError:
        return None, None, True
    except UnicodeDecodeError:
        return None, None, True
    json.dumps(
        value, ensure_ascii=False, allow_nan=False
    ).encode()  # ValueError: what is no text or no number everywhere
    return value, exact, False


def _special(name: str) -> float:
    raise ValueError(name)


def _header(value: str | bytes) -> str:
    raw = value if isinstance(value, bytes) else value.encode("latin-1", "replace")
    return raw.decode("utf-8", "surrogateescape").strip(" \t")


class Reading:
    """One reading of the specification, that of `document`."""

    def __init__(self, document: Json) -> None:
        self.operations = {item.operation_id: item for item in spec.operations(document)}
        self._validators: dict[tuple[str, str], jsonschema_rs.Validator] = {}

    def described(self, operation_id: str, sent: Sent) -> Misfit | None:
        """Return what does not fit the specification as the emulator keeps it, None when everything does."""
        return next(self._described(self.operations[operation_id], sent), None)

    def promised(self, operation_id: str, sent: Sent) -> bool:
        """Whether everybody has to take the request: it has nothing that the specification does not name."""
        operation = self.operations[operation_id]
        named = {item["name"] for item in operation.parameters if item["in"] == "query"}
        if {name for name, _ in sent.query} - named or "idempotency-key" in sent.headers or not sent.is_plain:
            return False
        exact = Sent(sent.path, sent.query, sent.headers, sent.without_fractions, None, sent.malformed)
        return next(self._described(operation, exact), None) is None

    def admitted(self, operation_id: str, sent: Sent) -> bool:
        """Whether somebody may take the request; what is sent where nothing is needed may be left unread."""
        operation = self.operations[operation_id]
        if sent.twice is not None:
            return True  # which of the two counts stands nowhere
        for parameter, text in _parameters(operation, sent):
            value: Any = text
            if parameter["schema"].get("type") in {"integer", "number"}:
                value = _lenient_number(text)
            if value is not None and not self._fits(operation, parameter["name"], parameter["schema"], value):
                return False
        if operation.body_schema is None or not (sent.is_plain or sent.body is None):
            return True
        if not isinstance(sent.body, dict):
            return not operation.body_required
        return self._fits(operation, "", operation.body_schema, sent.body)

    def _described(self, operation: Operation, sent: Sent) -> Iterator[Misfit]:
        if sent.twice is not None and sent.twice in {item["name"] for item in operation.parameters}:
            yield Misfit(sent.twice, "twice", f"`{sent.twice}` was given twice", "http.given_once")
        for parameter, text in _parameters(operation, sent):
            name, schema = parameter["name"], parameter["schema"]
            value: Any = int(text) if schema.get("type") == "integer" and WHOLE.fullmatch(text) else text
            if not text.isascii() and any("\ud800" <= letter <= "\udfff" for letter in text):
                yield Misfit(name, "utf-8", f"`{name}` was no UTF-8")
            yield from self._misfits(operation, name, schema, value)
        if operation.body_schema is None:
            return
        if sent.malformed or not (sent.body is None or isinstance(sent.body, dict)):
            yield Misfit("the body", "object", "the body was no object")
        elif sent.body is not None or operation.body_required:
            yield from self._misfits(operation, "", operation.body_schema, sent.body or {})

    def _misfits(self, operation: Operation, name: str, schema: Json, value: Any) -> Iterator[Misfit]:
        for error in self._validator(operation, name, schema).iter_errors(value):
            path = [name] if name else []
            place = ".".join([*path, *("[]" if isinstance(step, int) else step for step in error.instance_path)])
            choice = _choice(schema, list(error.schema_path))
            yield Misfit(place or "the body", error.kind.name, error.message[:200], choice)

    def _fits(self, operation: Operation, name: str, schema: Json, value: Any) -> bool:
        return bool(self._validator(operation, name, schema).is_valid(value))

    def _validator(self, operation: Operation, name: str, schema: Json) -> jsonschema_rs.Validator:
        key = (operation.operation_id, name)
        if key not in self._validators:
            self._validators[key] = jsonschema_rs.Draft202012Validator(schema)
        return self._validators[key]


def _parameters(operation: Operation, sent: Sent) -> Iterator[tuple[Json, str]]:
    """Yield the parameters that were sent, with what was sent last."""
    sources: dict[str, Mapping[str, str]] = {"path": sent.path, "query": dict(sent.query), "header": sent.headers}
    for parameter in operation.parameters:
        name = parameter["name"].lower() if parameter["in"] == "header" else parameter["name"]
        if name in sources[parameter["in"]]:
            yield parameter, sources[parameter["in"]][name]


def _lenient_number(text: str) -> Any:
    """Return what somebody might read as a number; None for nothing, and the text itself where nobody would."""
    try:
        number = float(text.strip())
    except ValueError:
        return text if text.strip() else None
    return number if math.isfinite(number) else None


def _choice(schema: Any, path: list[Any]) -> str:
    """Return the choice by which a schema has the keyword at a path, or what that stands in."""
    found = FALLBACK
    for step in path:
        patches = schema.get("x-wide", {}) if isinstance(schema, dict) else {}
        found = next((choice for choice, patch in patches.items() if step in patch), found)
        schema = schema[step]
    return found
