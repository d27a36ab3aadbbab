"""What happens, in lines for people and for programs: how `serve` and whoever looks on show it.

A line says when (virtual time), in whose sandbox, what, and how it went. In text it is aligned and never broken; what
came from elsewhere is printable and shortened.
"""

import json
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, Literal, NamedTuple

from . import printable, takes_colours

Tone = Literal["good", "odd", "bad", "plain"]

WHAT_CHARS, OUTCOME_CHARS, DETAIL_CHARS = 40, 13, 60
LEAST_WHAT_CHARS = 10
KEY_CHARS, KIND_CHARS, GAP_CHARS = 12, 8, 2
NARROW_CHARS, NARROWEST_CHARS = 105, 65  # below them an instant is told in short, and whose it is not at all
LONGEST_CHARS = 1000
_COLOURS: dict[Tone, str] = {"good": "32", "odd": "33", "bad": "31", "plain": ""}
_DIM = "2"
_COLOURED, _PLAIN = "\x1b[{0}m{1}\x1b[0m", "{1}"


class Line(NamedTuple):
    """One thing that happened. `at` is empty where no sandbox's clock tells it, `key` where there is no sandbox.

    `seq` is its number in the journal, `tone` whether that is `good`, worth a look (`odd`), or `bad`. A line of the
    kind `more` stands for so `many` that are alike.
    """

    at: str
    key: str
    kind: str
    what: str
    outcome: str = ""
    tone: Tone = "plain"
    duration_seconds: float | None = None
    detail: str = ""
    seq: int | None = None
    many: int | None = None


def text(line: Line, *, coloured: bool = False, width: int | None = None) -> str:
    """Return a line for people, at most `width` characters long."""
    ink = _COLOURED if coloured else _PLAIN
    instant, key, what_chars = _columns(line, width)
    if line.many is not None:
        told = f"… {line.many:,} {line.what} {line.outcome}"
        return _cut([(instant, ""), *key, (told, _DIM)], ink, width)
    duration = f"{line.duration_seconds:g} s" if line.duration_seconds else ""
    cells = [
        (instant, _DIM),
        *key,
        (f"{line.kind:<{KIND_CHARS}}", _DIM if line.kind == "request" else ""),
        (f"{shortened(line.what, what_chars):<{what_chars}}", ""),
        (f"{shortened(line.outcome, OUTCOME_CHARS):<{OUTCOME_CHARS}}", _COLOURS[line.tone]),
        (f"{duration:<6}", ""),
        (line.detail, _DIM),
    ]
    return _cut(cells, ink, width)


def _columns(line: Line, width: int | None) -> tuple[str, list[tuple[str, str]], int]:
    """Return a line's instant, its key as a cell or none, and how wide what happened is where how it went fits."""
    instant, key = f"{line.at:<24}", [(f"{line.key:<{KEY_CHARS}}", "")]
    if width is None or width >= NARROW_CHARS:
        return instant, key, WHAT_CHARS
    instant = f"{line.at[5:19].replace('T', ' '):<14}"
    if width < NARROWEST_CHARS:
        instant, key = f"{line.at[11:19]:<8}", []
    others = [len(instant), *(len(cell) for cell, _ in key), KIND_CHARS, OUTCOME_CHARS]
    return instant, key, min(max(width - sum(others) - GAP_CHARS * len(others), LEAST_WHAT_CHARS), WHAT_CHARS)


def as_json(line: Line) -> str:
    """Return a line for programs: one JSON object, without what there is nothing to say of."""
    said = {name: value for name, value in as_object(line).items() if name != "tone"}
    return printable(json.dumps(said, ensure_ascii=False, separators=(",", ":")), keep="")


def as_object(line: Line) -> dict[str, Any]:
    """Return what a line says, its tone too, without what there is nothing to say of."""
    return {name: value for name, value in line._asdict().items() if value not in {"", None}}


def of_object(said: Mapping[str, Any]) -> Line:
    """Return the line that an object says, as `as_object` makes it; what a later emulator says besides is left out."""
    return Line(**{"at": "", "key": ""} | {name: value for name, value in said.items() if name in Line._fields})


def shortened(told: str, chars: int) -> str:
    """Return a text of at most so many characters, its end left out where it has more."""
    return told if len(told) <= chars else f"{told[: chars - 1]}…"


def brief(value: Any, chars: int = DETAIL_CHARS) -> str:
    """Return the beginning of a JSON value; however large it is, no more of it is written than is shown."""
    written = ""
    for piece in _pieces(value, chars):
        written += piece
        if len(written) > chars:
            break
    return shortened(written, chars)


def _pieces(value: Any, chars: int) -> Iterator[str]:
    if isinstance(value, dict):
        yield "{"
        for number, (name, inside) in enumerate(value.items()):
            yield f"{',' if number else ''}{json.dumps(str(name)[:chars], ensure_ascii=False)}:"
            yield from _pieces(inside, chars)
        yield "}"
    elif isinstance(value, list):
        yield "["
        for number, inside in enumerate(value):
            yield "," if number else ""
            yield from _pieces(inside, chars)
        yield "]"
    else:
        yield json.dumps(value[: chars + 1] if isinstance(value, str) else value, ensure_ascii=False)


def span(seconds: float) -> str:
    """Return a length of time in its two largest units."""
    rest, parts = round(seconds), []
    for unit, size in (("d", 86_400), ("h", 3600), ("m", 60), ("s", 1)):
        count, rest = divmod(rest, size)
        if count:
            parts.append(f"{count}{unit}")
    return " ".join(parts[:2]) or f"{seconds:g}s"


def _cut(cells: list[tuple[str, str]], ink: str, width: int | None) -> str:
    """Return cells side by side, each in its colour, together at most `width` characters."""
    shown, room = [], LONGEST_CHARS if width is None else width
    for cell, code in cells:
        part = printable(cell, keep="")[: max(room, 0)]
        room -= len(part) + 2
        shown.append(ink.format(code, part) if code and part.strip() else part)
    return "  ".join(shown).rstrip()


def for_stdout(*, as_objects: bool) -> Callable[[Line], str]:
    """Return how lines are written on standard output: as JSON objects, or as text, no wider than a terminal is."""
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    return as_json if as_objects else partial(text, coloured=takes_colours(sys.stdout), width=width)
