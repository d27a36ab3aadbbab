"""Shapes: names, statuses and the envelope, by which answers fit the bytes. They never enter a replay."""

from collections.abc import Callable, Iterator, Mapping
from functools import cache
from itertools import product
from typing import Any

from multidict import CIMultiDict

from sched_emulator.core.errors import SchedulingError
from sched_emulator.server import json_body
from sched_emulator.server.binding import Binding, bind
from sched_emulator.spec import assumptions
from sched_emulator.spec.assumptions import Answer

from .read import Item, parsed
from .verdicts import Verdict
from .wording import WIDEST

Json = Any
ANSWERED = {  # by operation: the questions that its answer shows
    "scheduling.cron.create": ("cron.create.fields", "cron.create.id_field"),
    "scheduling.cron.list": ("cron.list.fields", "cron.list.paging"),
    "scheduling.queue.consume": ("queue.consume.result_key", "queue.message_fields"),
    "scheduling.queue.dlq.list": ("queue.message_fields",),
    "scheduling.queue.purge": ("queue.count_fields",),
    "scheduling.queue.dlq.redrive": ("queue.count_fields",),
    "scheduling.run.list": ("run.list.fields",),
    "account.topup": ("account.topup_url",),
}
TAKEN = {  # the questions that a request which was taken may show
    "scheduling.cron.create": ("cron.create.names", "cron.run_at", "http.unknown_fields"),
    "scheduling.queue.publish": ("queue.payload_field", "queue.payload_type", "http.unknown_fields"),
    "scheduling.queue.publish_batch": ("queue.batch_message", "queue.payload_type", "http.unknown_fields"),
    "scheduling.queue.push_subscribe": ("push.url_names", "http.unknown_fields"),
}


def judge(items: list[Item]) -> dict[str, Verdict]:
    """Return what the bytes of exchanges say of each shape that they show."""
    found: dict[str, Verdict] = {}
    for item in items:
        for question, fits in _shown(item):
            answers = frozenset(assumptions.catalogue()[question].answers)
            verdict = found.setdefault(question, Verdict(question, answers))
            for answer in sorted(verdict.possible):
                if not fits(answer):
                    verdict.possible -= {answer}
                    verdict.proof[answer] = item
    return found


def _shown(item: Item) -> Iterator[tuple[str, Callable[[str], bool]]]:
    """Yield the questions that an exchange shows, each with what says whether an answer fits."""
    content = parsed(item.raw) if item.raw.status is not None and item.operation else None
    if not isinstance(content, dict) or item.status is None:
        return
    wrapped = "ok" in content and ("data" in content or "error" in content)
    yield "http.envelope", lambda answer: (answer == "wrapped") == wrapped
    if not item.succeeded:
        if item.status in {400, 422} and item.facts.path is not None and _is_json(item):
            yield "http.validation_status", lambda answer: (answer == "bad_request") == (item.status == 400)
        return
    if item.facts.creation:
        yield "http.created_status", lambda answer: (answer == "created") == (item.status == 201)
    inside = content.get("data") if wrapped else content
    questions = ANSWERED.get(item.operation, ())
    fitting = [
        dict(zip(questions, answers, strict=True))
        for answers in product(*(assumptions.catalogue()[name].answers for name in questions))
        if questions and _fits(_returns(item.operation, answers), inside)
    ]
    for name in questions:
        if fitting:
            yield name, lambda answer, name=name: any(each[name] == answer for each in fitting)  # type: ignore[misc]
    if not item.narrow:
        for name in TAKEN.get(item.operation, ("http.unknown_fields",)):
            yield name, lambda answer, name=name: _takes(item, name, answer)  # type: ignore[misc]


def _is_json(item: Item) -> bool:
    body = item.raw.body
    try:
        return isinstance(json_body.parse(body.encode() if isinstance(body, str) else b""), dict | None)
    except (SchedulingError, UnicodeEncodeError):
        return False


@cache
def _returns(operation: str, answers: tuple[str, ...]) -> Json:
    chosen: Mapping[str, Answer] = dict(zip(ANSWERED[operation], answers, strict=True))
    return bind({**assumptions.defaults(), **chosen}).operations[operation].operation.returns


def _fits(schema: Json, value: Json) -> bool:
    """Whether a value has the names that a schema has, no other ones, and truth values where it has them."""
    if "properties" in schema:
        if not isinstance(value, dict):
            return False
        known, required = schema["properties"], schema.get("required", ())
        return (
            value.keys() <= known.keys()
            and all(name in value for name in required)
            and all(_fits(known[name], each) for name, each in value.items())
        )
    if schema.get("type") == "array":
        return isinstance(value, list) and all(_fits(schema["items"], each) for each in value)
    return schema.get("type") not in {"boolean", "integer"} or isinstance(value, bool) == (schema["type"] == "boolean")


@cache
def _taking(question: str, answer: str) -> Binding:
    return bind({**WIDEST, question: answer})


def _takes(item: Item, question: str, answer: str) -> bool:
    """Whether a request is taken under an answer, all else being read as widely as can be."""
    binding, raw = _taking(question, answer), item.raw
    body = raw.body.encode(errors="surrogatepass") if isinstance(raw.body, str) else b""
    headers = CIMultiDict(raw.headers)
    try:
        matched = binding.routes.match(raw.method, raw.path)
        content = json_body.parse(body) if raw.method != "GET" else None
        binding.operations[item.operation].read((matched.path, matched.query, headers), content)
    except SchedulingError:
        return False
    return True
