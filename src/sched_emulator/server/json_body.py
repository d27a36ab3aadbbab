"""Request bodies: from bytes to values, or one sentence about what is wrong with them."""

from typing import Any

import msgspec

from sched_emulator.core.encoding import decode

from .http_errors import MalformedBody, UnsupportedMediaType

MAX_LEVELS = 200
_CONTAINERS = frozenset({dict, list})


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
    try:
        value = decode(raw)
    except UnicodeDecodeError as error:
        raise MalformedBody(f"the body must be JSON in UTF-8: {error.reason}") from None
    except RecursionError:
        raise _too_deep() from None
    except (msgspec.MsgspecError, ValueError) as error:
        reason = str(error).partition(" - at ")[0]
        raise MalformedBody(f"the body must be JSON: {reason}") from None
    if len(raw) > 2 * MAX_LEVELS and (_is_often_in(raw, b"[") or _is_often_in(raw, b"{")):
        _refuse_deep(value)
    return value


def _is_often_in(raw: bytes, bracket: bytes) -> bool:
    """Whether a bracket is there so often that a body may nest too deep: without looking on when it is."""
    place = -1
    for _ in range(MAX_LEVELS // 2 + 1):
        place = raw.find(bracket, place + 1)
        if place < 0:
            return False
    return True


def _refuse_deep(value: Any) -> None:
    """Refuse a body that nests deeper than any payload may, without recursion: level by level."""
    level = [value]
    for _ in range(MAX_LEVELS):
        parts = (each.values() if type(each) is dict else each for each in level)
        level = [part for items in parts for part in items if type(part) in _CONTAINERS]
        if not level:
            return
    raise _too_deep()


def _too_deep() -> MalformedBody:
    return MalformedBody(f"the body must nest at most {MAX_LEVELS} levels deep")
