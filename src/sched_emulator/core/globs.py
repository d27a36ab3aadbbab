"""Patterns with `*` for any run of characters; everything else, `?` included, stands for itself."""


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
