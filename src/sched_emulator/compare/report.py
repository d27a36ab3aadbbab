"""What comparing has shown, as plain values: for JSON, and for the pages and texts that are made of them."""

import json
import shlex
from collections import Counter
from collections.abc import Iterable
from typing import Any

from sched_emulator import spec
from sched_emulator.recording.lines import LeftOut
from sched_emulator.spec import assumptions

from .infer import Finding, Judged
from .read import Item
from .shrink import shrunk
from .verdicts import Bounds
from .warrants import warrant

Facts = dict[str, Any]
SECRET = frozenset({"payload", "body", "data", "headers", "secret", "messages"})
SHOWN_CHARS = 300
MASKED = "…"


def facts(judged: Judged, names: Iterable[str]) -> Facts:
    """Return all that is to be told."""
    items = judged.traffic.items
    found = [_finding(each) for each in judged.findings]
    verdicts = [judged.verdicts[name] for name in assumptions.catalogue() if name in judged.verdicts]
    operations = Counter(spec.short(item.operation) for item in items if item.operation)
    return {
        "recordings": list(names),
        "exchanges": len(items),
        "judged": judged.judged,
        "told": judged.told,
        "operations": dict(sorted(operations.items())),
        "parameters": sorted({f"{spec.short(item.operation)} {name}" for item in items for name in item.arguments}),
        "questions": [verdict.question for verdict in verdicts],
        "inferred": [
            {
                "question": verdict.question,
                "answer": verdict.inferred,
                "proof": [{"not": answer, **_place(item)} for answer, item in verdict.proof.items()],
            }
            for verdict in verdicts
            if verdict.inferred is not None
        ],
        "ruled_out": [
            {"question": verdict.question, "answer": answer, **_place(item)}
            for verdict in verdicts
            for answer, item in verdict.proof.items()
        ],
        "undetermined": [
            {
                "question": verdict.question,
                "possible": sorted(verdict.possible),
                "why": "it would take another value of a constant to tell" if verdict.saved else _WHY,
            }
            for verdict in verdicts
            if verdict.inferred is None
        ],
        "constants": [_constant(each) for each in judged.constants.values()],
        "findings": [each for each in found if each["warrant"] == "documented"],
        "differences": [each for each in found if each["warrant"] != "documented"],
    }


_WHY = "what was recorded comes out the same under each"


def _constant(each: Bounds) -> Facts:
    return {
        "constant": each.constant,
        "value": each.value if each.inferred is None else each.inferred,
        "low": each.low,
        "high": each.high,
        "between": each.between,
        "inferred": each.inferred is not None,
    }


def _place(item: Item) -> Facts:
    return {"where": item.place, "operation": spec.short(item.operation), "came": came(item, masked=False)}


def _finding(finding: Finding) -> Facts:
    explained = finding.explained
    item, difference = explained.item, explained.difference
    assert item is not None
    assert difference is not None
    steps = shrunk(finding.part, explained)
    rests_on = warrant(finding.part, item, difference)
    return {
        "where": item.place,
        "operation": spec.short(item.operation),
        "field": difference.field,
        "expected": shown(difference.expected),
        "came": shown(difference.came),
        "warrant": rests_on.grade,
        "line": rests_on.line,
        "choice": rests_on.choice,
        "rests_on": rests_on.told,
        "steps": [
            {
                "where": step.place,
                "curl": curl(step, masked=False),
                "came": came(step, masked=False),
                "masked_curl": curl(step, masked=True),
                "masked_came": came(step, masked=True),
            }
            for step in steps
        ],
    }


def shown(value: Any) -> str:
    """Return a value in a line."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= SHOWN_CHARS else text[: SHOWN_CHARS - 1] + MASKED


def curl(item: Item, *, masked: bool) -> str:
    """Return a request as a command line; the key is that of the environment. `masked`: without payloads."""
    raw = item.raw
    parts = ["curl", "-sS", "-X", raw.method, shlex.quote(f"$INFRAI_BASE_URL{raw.path}").replace("'", '"')]
    parts += ["-H", '"Authorization: Bearer $INFRAI_API_KEY"']
    if item.key is not None and not masked:
        parts += ["-H", shlex.quote(f"Idempotency-Key: {item.key}")]
    if raw.body and not isinstance(raw.body, LeftOut):
        text = raw.body if isinstance(raw.body, str) else raw.body.decode(errors="replace")
        parts += ["-H", "'Content-Type: application/json'", "-d", shlex.quote(_text(text, masked=masked))]
    return " ".join(parts)


def came(item: Item, *, masked: bool) -> str:
    """Return what was answered in a line."""
    raw = item.raw
    if raw.status is None:
        return raw.error or "nothing"
    text = raw.response if isinstance(raw.response, str) else ""
    return f"{raw.status} {_text(text, masked=masked)}".rstrip()


def _text(text: str, *, masked: bool) -> str:
    if masked:
        try:
            text = json.dumps(_masked(json.loads(text)), ensure_ascii=False)
        except ValueError:
            text = MASKED if text else ""
    return shown(text)


def _masked(value: Any) -> Any:
    """Return a JSON value in which what a user sends with it is left out."""
    if isinstance(value, list):
        return [_masked(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        name: MASKED if name in SECRET and not _holds_records(name, each) else _masked(each)
        for name, each in value.items()
    }


def _holds_records(name: str, value: Any) -> bool:
    """Whether a name that may hold what is secret holds records here: what was returned, and messages with ids."""
    if name == "data":
        return True
    return (
        name == "messages" and isinstance(value, list) and all(isinstance(e, dict) and "message_id" in e for e in value)
    )
