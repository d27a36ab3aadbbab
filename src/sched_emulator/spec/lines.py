"""What the lines of the vendor's scheduling page promise, in the words of ``openapi/scheduling.yaml``."""

from bisect import bisect_right
from collections.abc import Iterator
from functools import cache
from typing import Any

from .documents import each_operation, load
from .operations import short


def promise(line: int) -> str:
    """Return in a sentence what a line is about: what the spec says there, else the operation that it belongs to."""
    told = _annotated().get(line)
    if told is not None:
        return told
    headings = sorted(_headings())
    place = bisect_right(headings, line)
    return f"Belongs to {_headings()[headings[place - 1]]}." if place else "Belongs to the introduction."


@cache
def _annotated() -> dict[int, str]:
    found: dict[int, str] = {}
    for name, definition in _operations():
        for line, what, text in _walk(definition, ()):
            subject = f"{name}{f' `{what}`' if what else ''}"
            found.setdefault(line, f"{subject}: {' '.join(text.split())}")
    return found


@cache
def _headings() -> dict[int, str]:
    return {definition["x-line"]: name for name, definition in _operations() if "x-line" in definition}


def _operations() -> Iterator[tuple[str, Any]]:
    for *_, definition in each_operation(load("scheduling")):
        yield short(definition["operationId"]), definition


def _walk(node: Any, path: tuple[str, ...]) -> Iterator[tuple[int, str, str]]:
    """Yield each line in a part of the spec, the field or parameter it is about, and what is said of it."""
    if isinstance(node, list):
        for item in node:
            yield from _walk(item, path)
    if not isinstance(node, dict):
        return
    text = node.get("description") or node.get("summary") or ""
    if "x-line" in node and text:
        yield node["x-line"], node.get("name") or (path[-1] if path[-2:-1] == ("properties",) else ""), text
    for name, value in node.items():
        yield from _walk(value, (*path, str(name)))
