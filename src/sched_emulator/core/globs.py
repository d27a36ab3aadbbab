"""Patterns with `*` for any run of characters; everything else, `?` included, stands for itself."""

from collections.abc import Iterable
from difflib import get_close_matches

from .errors import InvalidRequest


def matches(pattern: str, text: str) -> bool:
    """Say whether the whole text fits the pattern.

    Each piece between stars is taken where it is first found: that is right whenever any place is, and nothing is
    looked at twice, so that no pattern takes longer than the text is long.
    """
    first, *others = pattern.split("*")
    if not others:
        return pattern == text
    *middle, last = others
    if not text.startswith(first) or not text.endswith(last):
        return False
    place, end = len(first), len(text) - len(last)
    for piece in middle:
        found = text.find(piece, place, end) if place <= end else -1
        if found < 0:
            return False
        place = found + len(piece)
    return place <= end


def names_operation(pattern: str, operation_id: str) -> bool:
    """Say whether a pattern fits an operation, named with or without the leading `scheduling.`."""
    return matches(pattern, operation_id) or matches(pattern, operation_id.removeprefix("scheduling."))


def refuse_unmet(pattern: str, operation_ids: Iterable[str]) -> None:
    """Refuse a pattern that fits none of the operations that there are, naming what is most like it."""
    names = [name.removeprefix("scheduling.") for name in operation_ids]
    if any(names_operation(pattern, name) for name in operation_ids):
        return
    groups = dict.fromkeys(f"{name.rpartition('.')[0]}.*" for name in names)
    close = get_close_matches(pattern.removeprefix("scheduling."), [*names, *groups], n=1)
    hint = f"did you mean '{close[0]}'?" if close else "expected one such as 'queue.publish' or 'cron.*'"
    raise InvalidRequest(f"must fit an operation, got '{pattern}'; {hint}", parameter="operation")
