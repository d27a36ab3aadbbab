"""The words of an exchange: names on the wire by the widest reading of the spec, and what of an answer is always there.

Shapes (names, envelope, statuses) never enter a replay: a request is read under every name that any answer admits, and
an answer is turned into what the core would have returned.
"""

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from sched_emulator.recording.lines import instant_ms
from sched_emulator.server.binding import Binding, bind, in_ms
from sched_emulator.spec import assumptions
from sched_emulator.spec.assumptions import Answer

Json = Any
Keys = dict[str, Any]  # canonical names, each with those inside it, or None

_BOTH: dict[str, Answer] = {
    "cron.create.fields": "both",
    "cron.create.id_field": "both",
    "cron.list.fields": "both",
    "cron.run_at": "accept",
    "queue.consume.result_key": "both",
    "queue.message_fields": "full",
    "account.topup_url": "both",
    "limits.delay_seconds": 10**9,
    "limits.max_messages": 10**9,
    "limits.batch_messages": 10**9,
    "limits.name_chars": 10**6,
}
_OTHERS = {
    "cron.create.fields": "canonical",
    "cron.create.id_field": "job_id",
    "cron.list.fields": "canonical",
    "queue.consume.result_key": "items",
    "run.list.fields": "cron_run",
    "account.topup_url": "next_action_url",
}
_NARROW = {
    "cron.create.names": "table",
    "cron.run_at": "reject",
    "queue.payload_field": "payload",
    "queue.batch_message": "payload",
    "queue.payload_type": "object",
    "push.url_names": "table",
    "http.unknown_fields": "reject",
}
LISTS = {  # of an account; the field that tells their things apart
    "scheduling.cron.list": "cron_id",
    "scheduling.run.list": "run_id",
    "scheduling.queue.list": "queue",
}


def number_of(count: int, what: str, rest: str = "") -> str:
    """Return so many of something in words, with what is said of them: a verb may stand as `is/are`."""
    parts = (part.partition("/")[::2] if "/" in part else (part, part) for part in rest.split(" "))
    told = " ".join(one if count == 1 else several for one, several in parts)
    return f"{count} {what}{'' if count == 1 else 's'} {told}".rstrip()


class Unreadable(ValueError):
    """An answer that is none of its operation's by any reading; the message is a clause."""


WIDEST: dict[str, Answer] = {**assumptions.preset("observed"), **_BOTH}


@cache
def widest() -> Binding:
    """Return the binding that reads every name any answer admits."""
    return bind(WIDEST)


@cache
def narrowest() -> Binding:
    """Return the binding whose requests have to be taken under every answer to a shape."""
    return bind({**assumptions.defaults(), **_NARROW})


@cache
def readers() -> Mapping[str, Callable[[Json], Json]]:
    """Return, for each operation, what makes a canonical result of the object that it returned."""
    return {name: _reader(bound.operation.returns) for name, bound in widest().operations.items()}


@cache
def always() -> Mapping[str, Keys]:
    """Return, for each operation, the canonical names that its results have whatever the shapes."""
    documents = [bind(assumptions.defaults()), bind({**assumptions.defaults(), **_OTHERS})]
    first, second = ({name: _keys(b.operation.returns) for name, b in d.operations.items()} for d in documents)
    return {name: _common(keys, second[name]) for name, keys in first.items()}


def _source(name: str, schema: Json) -> str:
    return str(schema.get("x-from", in_ms(name) if "x-unit" in schema else name))


def _reader(schema: Json) -> Callable[[Json], Json]:
    if "properties" in schema:
        parts = {name: (_source(name, item), _reader(item)) for name, item in schema["properties"].items()}

        def read_object(value: Json) -> Json:
            if not isinstance(value, dict):
                raise Unreadable("is no object")
            found: Json = {}
            for name, (source, read) in parts.items():
                if value.get(name) is not None:
                    found[source] = read(value[name])
            return found

        return read_object
    if schema.get("type") == "array":
        read_item = _reader(schema["items"])

        def read_list(value: Json) -> Json:
            if not isinstance(value, list):
                raise Unreadable("has no list where one is expected")
            return [read_item(item) for item in value]

        return read_list
    if schema.get("format") == "date-time":
        return _instant
    return _milliseconds if schema.get("x-unit") == "seconds" else lambda value: value


def _instant(value: Json) -> int:
    try:
        return instant_ms(value)
    except (ValueError, TypeError):
        raise Unreadable("has a text that is no instant") from None


def _milliseconds(value: Json) -> int:
    try:
        return round(float(value) * 1000)
    except (ValueError, TypeError):
        raise Unreadable("has a duration that is no number") from None


def _keys(schema: Json) -> Keys:
    inside = schema.get("items", schema)
    return {_source(name, item): _keys(item) or None for name, item in inside.get("properties", {}).items()}


def _common(one: Keys, other: Keys) -> Keys:
    return {
        name: _common(keys, other[name]) if keys and other[name] else None
        for name, keys in one.items()
        if name in other
    }
