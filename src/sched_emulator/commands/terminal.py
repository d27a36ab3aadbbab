"""What commands write: lines, tables, and colours where a person looks."""

import json
import shutil
import sys
import textwrap
from collections.abc import Iterable, Sequence
from typing import Any

from sched_emulator.output import counted, ink, takes_colours, write

_CODES = {"bold": "1", "dim": "2", "green": "32", "red": "31", "yellow": "33"}


def say(line: str = "") -> None:
    """Write a line."""
    write(sys.stdout, line + "\n")


def complain(prog: str, error: object) -> None:
    """Write on stderr, in a line, what is wrong."""
    write(sys.stderr, f"{prog}: {' '.join(str(error).splitlines())}\n")


def paragraph(text: str, indent: str = "") -> None:
    """Write a text in lines as wide as the terminal, those after the first indented."""
    width = min(shutil.get_terminal_size().columns, 100)
    say(textwrap.fill(text, width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False))


def say_json(value: Any) -> None:
    """Write a value for scripts."""
    say(json.dumps(value, ensure_ascii=False, indent=2))


def say_dropped(count: int, one: str) -> None:
    """Say how many of the first entries a journal keeps no longer, and what keeps more."""
    kept = f"{one} is" if count == 1 else f"{counted(count, one)} are"
    say(f"the first {kept} no longer kept; `serve --journal N` keeps more")


def styled(text: str, style: str) -> str:
    """Return the text in a style on a terminal, and as it is elsewhere."""
    if not takes_colours(sys.stdout):
        return text
    return ink(text, f"{_CODES[style]}m")


def table(rows: Iterable[Sequence[str]], styles: Sequence[str | None] = ()) -> None:
    """Write rows in aligned columns; the last column is never padded."""
    listed = list(rows)
    if not listed:
        return
    widths = [max(len(row[column]) for row in listed) for column in range(len(listed[0]))]
    for row in listed:
        cells = []
        for column, text in enumerate(row):
            style = styles[column] if column < len(styles) else None
            shown = styled(text, style) if style else text
            cells.append(shown if column == len(row) - 1 else shown + " " * (widths[column] - len(text)))
        say("  ".join(cells).rstrip())
