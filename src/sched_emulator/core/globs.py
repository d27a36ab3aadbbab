"""Patterns with `*` for any run of characters; everything else, `?` included, stands for itself."""

import re
from functools import lru_cache


def matches(pattern: str, text: str) -> bool:
    """Say whether the whole text fits the pattern."""
    return _compiled(pattern).fullmatch(text) is not None


def names_operation(pattern: str, operation_id: str) -> bool:
    """Say whether a pattern fits an operation, named with or without the leading `scheduling.`."""
    return matches(pattern, operation_id) or matches(pattern, operation_id.removeprefix("scheduling."))


@lru_cache(maxsize=1024)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(".*".join(map(re.escape, re.split(r"\*+", pattern))), re.DOTALL)
