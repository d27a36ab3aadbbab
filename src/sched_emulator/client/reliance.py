"""How the proof that a session relied on an answer is told: in sentences, and only what would have been different.

What came and what would have come are an operation's answer, a delivery, or something due later, as
`GET /_emulator/assumptions/relied` shows them; one of the two may be missing.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

FIELDS_SHOWN = 6
VALUE_SHOWN_CHARS = 160
_ABSENT = object()


class Sight(NamedTuple):
    """What came or would have come: an `answer`, a `delivery`, an `event`, or nothing."""

    form: str | None
    shown: Any

    @property
    def happens(self) -> bool:
        """Whether this is something that happens, rather than an answer or nothing."""
        return self.form in {"delivery", "event"}

    @property
    def thing(self) -> str:
        """What happens, in words."""
        if self.form == "event":
            return str(self.shown["words"])
        attempt = f", attempt {self.shown['attempt']}" if self.shown["attempt"] > 1 else ""
        return f"the {self.shown['kind']} delivery to {self.shown['url']}{attempt}"

    @property
    def when(self) -> str:
        """When it happens, in words."""
        return f"{'sent' if self.form == 'delivery' else 'due'} at {self.shown['at']}"


def sentences(item: Mapping[str, Any], operation: str) -> Iterator[str]:
    """Tell one item: a line that says what would have been different, and indented ones for its fields.

    `operation` is the short name of the item's operation.
    """
    was, would_be = (Sight(item["forms"][side], item[side]) for side in ("was", "would_be"))
    request = f"request {item['seq']}, {operation}"
    if not (was.happens or would_be.happens):
        yield from _answers(f"{request},", was.shown, would_be.shown)
    elif was.happens and would_be.happens and was.thing == would_be.thing:
        yield from _changed(was, would_be)
    elif not would_be.happens:
        yield f"{was.thing}, {was.when}, would not have been"
    elif was.happens:
        yield f"{would_be.thing} would have been {would_be.when}"
        yield f"  where {was.thing} was, {was.when}"
    else:
        before = "" if was.form is None else f", before {request}"
        yield f"{would_be.thing} would have been {would_be.when} as well{before}"


def differences(was: Any, would_be: Any, place: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Yield each place at which two JSON values differ, with both values; `_ABSENT` where one has nothing there."""
    if isinstance(was, dict) and isinstance(would_be, dict):
        for name in {**was, **would_be}:
            inside = f"{place}.{name}" if place else name
            yield from differences(was.get(name, _ABSENT), would_be.get(name, _ABSENT), inside)
    elif isinstance(was, list) and isinstance(would_be, list):
        for number in range(max(len(was), len(would_be))):
            left = was[number] if number < len(was) else _ABSENT
            right = would_be[number] if number < len(would_be) else _ABSENT
            yield from differences(left, right, f"{place}[{number}]")
    elif was != would_be:
        yield place, was, would_be


def _answers(request: str, was: Any, would_be: Any) -> Iterator[str]:
    before, after = _refusal(was), _refusal(would_be)
    if after and not before:
        yield f"{request} would have been refused"
        yield f"  {after}"
    elif before and not after:
        yield f"{request} would not have been refused"
        yield f"  was {before}"
        yield f"  would be {_shown(would_be)}"
    else:
        yield f"{request} would have answered otherwise"
        yield from _fields(was, would_be)


def _changed(was: Sight, would_be: Sight) -> Iterator[str]:
    """Tell how the same delivery, or the same thing due, would have been different."""
    found = list(differences(was.shown, would_be.shown))
    if [place for place, _, _ in found] == ["at"]:
        yield f"{would_be.thing} would have been {would_be.when}, not at {was.shown['at']}"
    else:
        yield f"{was.thing} would have been another"
        yield from _fields(was.shown, would_be.shown)


def _fields(was: Any, would_be: Any) -> Iterator[str]:
    found = list(differences(was, would_be))
    for place, left, right in found[:FIELDS_SHOWN]:
        yield f"  {place}: was {_shown(left)}, would be {_shown(right)}"
    if len(found) > FIELDS_SHOWN:
        yield f"  and {len(found) - FIELDS_SHOWN} more; --json shows them all"


def _refusal(answer: Any) -> str | None:
    """Return code and sentence of an answer that is a refusal."""
    error = answer.get("error") if isinstance(answer, dict) and len(answer) == 1 else None
    return f"{error['code']}: {error['message']}" if isinstance(error, dict) else None


def _shown(value: Any) -> str:
    if value is _ABSENT:
        return "absent"
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= VALUE_SHOWN_CHARS else text[: VALUE_SHOWN_CHARS - 1] + "…"
