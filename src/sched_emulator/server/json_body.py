"""Request bodies: from bytes to values, or one sentence about what is wrong with them."""

import re
from typing import Any

import msgspec

from sched_emulator.core.encoding import decode

from .http_errors import MalformedBody, UnsupportedMediaType

MAX_LEVELS = 200
_BRACKETS = re.compile(rb'"(?:[^"\\]|\\.)*"|[\[\]{}]', re.DOTALL)


def decoded(raw: bytes, content_type: str | None) -> Any:
    """Return the value of a body that says it is JSON, or says nothing; None for an empty one."""
    refuse_foreign_type(content_type)
    return parse(raw)


def refuse_foreign_type(content_type: str | None) -> None:
    """Refuse a body that says it is something else than JSON; one that says nothing is read as JSON."""
    if content_type is None or content_type == "application/json":
        return
    essence = content_type.partition(";")[0].strip().lower()
    if essence != "application/json" and not (essence.startswith("application/") and essence.endswith("+json")):
        raise UnsupportedMediaType(f"the body must be application/json, got {content_type[:80]!r}")


def parse(raw: bytes) -> Any:
    """Return the value of a JSON body; None for an empty one. MalformedBody when it is no JSON."""
    if not raw or raw.isspace():
        return None
    if raw.count(b"[") + raw.count(b"{") > MAX_LEVELS:
        _refuse_deep(raw)
    try:
        return decode(raw)
    except UnicodeDecodeError as error:
        raise MalformedBody(f"the body must be JSON in UTF-8: {error.reason}") from None
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        reason = str(error).partition(" - at ")[0]
        raise MalformedBody(f"the body must be JSON: {reason}") from None


def _refuse_deep(raw: bytes) -> None:
    """Refuse a body that nests deeper than any payload may, without recursion."""
    depth = 0
    for token in _BRACKETS.findall(raw):
        if token in b"[{":
            depth += 1
            if depth > MAX_LEVELS:
                raise MalformedBody(f"the body must nest at most {MAX_LEVELS} levels deep")
        elif token in b"]}":
            depth -= 1
