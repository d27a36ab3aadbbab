"""The specification, resolved for the shapes that a target was found to have, and answers compared with it."""

import re
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

import jsonschema_rs

from sched_emulator import spec
from sched_emulator.spec import assumptions

from .reply import Reply
from .results import shown

FORM = ("http.envelope_members", "http.metadata", "http.error_members", "http.further_members", "values.instants_out")
REPEATED = {"X-Infrai-Request-Id": "request_id", "X-Infrai-Cost-Usd": "cost_usd"}  # headers, and members of `metadata`
_NUMBER = re.compile(r"-?\d+(\.\d+)?([eE][+-]?\d+)?")
INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
LIMITS = frozenset({"minimum", "maximum", "pattern", "minLength", "maxLength"})  # of answers, which nobody documented
ALL_NAMES = "both"  # what an answer is called under which a thing has all the names that other answers give it


@lru_cache(maxsize=1)
def routes() -> dict[str, spec.Operation]:
    """Return every operation by its short name: methods and paths are the same under all answers.

    What an answer returns stands there under every name that it may have.
    """
    shapes = {name: ALL_NAMES for name, entry in assumptions.catalogue().items() if ALL_NAMES in entry.answers}
    return Contract(shapes).operations


class Lack(NamedTuple):
    """What an answer lacks: in one sentence, and what it has in common with others that lack the same."""

    cause: str
    told: str


class Contract:
    """What a target has to answer, given its answers to the open questions about shape."""

    def __init__(self, answers: Mapping[str, str | int]) -> None:
        self.answers = dict(answers)
        self.document = spec.resolve(spec.load("scheduling"), {**assumptions.defaults(), **answers})
        self.operations = {operation.short: operation for operation in spec.operations(self.document)}
        self.invalid_status = int(self.document["x-validation-status"])
        self._validators: dict[tuple[str, str], jsonschema_rs.Validator] = {}

    def lack(self, operation: str, reply: Reply) -> Lack | None:
        """Return what a success lacks of what is documented, the same cause for every operation and value.

        What is more is no matter.
        """
        if not reply.succeeded:
            return None
        returns = self.operations[operation].returns
        if returns and reply.body is None:
            return Lack("no JSON", f"{operation} answered {reply.text[:80]!r}, which is no JSON")
        validator = self._validator(operation, "returns", lambda: lenient(returns))
        for error in validator.iter_errors(without_nulls(by_one_id(operation, reply.data), returns)):
            place = "/".join(map(str, error.instance_path)) or "what was returned"
            detail = error.kind.value if error.kind.name == "required" else ""
            where = "/".join("" if isinstance(step, int) else step for step in error.instance_path)
            return Lack(f"{where} {error.kind.name} {detail}", f"{place}: {error.message[:300]}")
        return None

    def form_problems(self, operation: str, reply: Reply) -> Iterator[tuple[str, str | None]]:
        """Yield the choices about form that an answer shows, each with what is wrong, or None."""
        content_type = reply.headers.get("Content-Type", "")
        is_json = content_type.partition(";")[0].strip().lower() == spec.JSON_CONTENT
        yield "http.media_type", None if is_json else f"the Content-Type was {content_type!r}"
        described = self.operations[operation].responses
        if str(reply.status) not in described:
            yield "http.statuses", f"the status was {reply.status}; described are {', '.join(described)}"
            return
        schema = described[str(reply.status)].get("content", {}).get(spec.JSON_CONTENT, {}).get("schema")
        if schema is None:
            return
        validator = self._validator(operation, str(reply.status), lambda: schema)
        problems: dict[str, str | None] = dict.fromkeys(FORM if self.operations[operation].enveloped else FORM[-2:])
        data = by_one_id(operation, reply.data)
        body = data if reply.data is reply.body else {**reply.body, "data": data}
        for error in validator.iter_errors(body):
            place = "/".join(map(str, error.instance_path)) or "the body"
            if place.startswith("data") and error.kind.name == "required" and self.lack(operation, reply):
                continue  # which is no matter of form
            problems.setdefault(_choice_of(error), None)
            problems[_choice_of(error)] = problems[_choice_of(error)] or f"{place}: {error.message[:200]}"
        if "http.metadata" in problems and problems["http.metadata"] is None:
            problems["http.metadata"] = _repeated_problem(reply)
        if problems["values.instants_out"] is None:
            problems["values.instants_out"] = _instant_problem(reply.body)
        yield from problems.items()

    def _validator(self, operation: str, part: str, schema: Callable[[], Any]) -> jsonschema_rs.Validator:
        key = (operation, part)
        if key not in self._validators:
            self._validators[key] = jsonschema_rs.Draft202012Validator(
                schema(), validate_formats=True, ignore_unknown_formats=True
            )
        return self._validators[key]


def lenient(schema: Any) -> Any:
    """Return a schema that asks for what is documented by meaning: no word against further members, nor of limits."""
    if isinstance(schema, list):
        return [lenient(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    dropped = {"additionalProperties", "unevaluatedProperties", *LIMITS}
    return {name: lenient(value) for name, value in schema.items() if name not in dropped}


def by_one_id(operation: str, data: Any) -> Any:
    """Return what cron.list returned with `cron_id` for the ids, which may be called as in the record of create."""
    items = data.get("items") if operation == "cron.list" and isinstance(data, dict) else None
    if not isinstance(items, list):
        return data
    return {**data, "items": [_by_cron_id(item) for item in items]}


def _by_cron_id(item: Any) -> Any:
    if not isinstance(item, dict) or "job_id" not in item:
        return item
    return {"cron_id": item["job_id"], **{name: value for name, value in item.items() if name != "job_id"}}


def without_nulls(value: Any, schema: Any) -> Any:
    """Return a value without members that are null where they may be absent."""
    if isinstance(value, list):
        items = schema.get("items", {}) if isinstance(schema, dict) else {}
        return [without_nulls(item, items) for item in value]
    if not isinstance(value, dict) or not isinstance(schema, dict):
        return value
    described, required = schema.get("properties", {}), schema.get("required", [])
    return {
        name: without_nulls(item, described.get(name, {}))
        for name, item in value.items()
        if item is not None or name in required
    }


def _choice_of(error: jsonschema_rs.ValidationError) -> str:
    """Return the choice about form that an answer is not as."""
    if error.kind.name in {"additionalProperties", "unevaluatedProperties"}:
        return "http.further_members"
    path = list(error.instance_path)
    if path[:1] in (["metadata"], ["error"]):
        return "http.metadata" if path[0] == "metadata" else "http.error_members"
    if path and error.kind.name in {"format", "pattern"}:
        return "values.instants_out"
    return "http.envelope_members"


def header_value(given: str, schema: Mapping[str, Any]) -> Any:
    """Return what a header says, as the number that its schema asks for where it is one."""
    kind = schema.get("type")
    if kind == "integer" and given.isdecimal():
        return int(given)
    if kind == "number" and _NUMBER.fullmatch(given):
        return float(given)
    return given


def _repeated_problem(reply: Reply) -> str | None:
    metadata = reply.body.get("metadata") if isinstance(reply.body, dict) else None
    for name, member in REPEATED.items():
        outside = reply.headers.get(name)
        inside = metadata.get(member) if isinstance(metadata, dict) else None
        number = isinstance(inside, int | float)
        if outside is not None and inside != header_value(outside, {"type": "number"} if number else {}):
            return f"{name} was {shown(outside)} and metadata.{member} {shown(inside)}; they are the same"
    return None


def _instant_problem(value: Any, name: str = "") -> str | None:
    """Return what is wrong with how the first instant outside of payloads is written, or None."""
    if isinstance(value, str) and name.endswith("_at") and not INSTANT.fullmatch(value):
        return f"{name} was {shown(value)}"
    parts = (
        value.items()
        if isinstance(value, dict)
        else [(name, item) for item in value]
        if isinstance(value, list)
        else []
    )
    problems = (_instant_problem(item, key) for key, item in parts if key != "payload")
    return next((problem for problem in problems if problem is not None), None)
