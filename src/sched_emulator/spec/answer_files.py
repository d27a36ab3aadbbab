"""Answers as TOML: how one stands in a file that the emulator, the plugin and the suite load, and what it rests on.

A file of answers holds what was measured. An answer that is only assumed, so that a suite goes on with it whatever the
defaults become, bears a mark at the end of its line.
"""

import re
from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet

from .assumptions import Answer, catalogue, parse_answers_toml

ASSUMED = "# assumed"
_MARKED = re.compile(rf'^\s*"?([a-z0-9_.]+)"?\s*=[^#\n]*{ASSUMED}\s*$', re.MULTILINE)


def setting(name: str, answer: Answer) -> str:
    """Return the line that sets an answer."""
    return f"{name} = {answer}" if isinstance(answer, int) else f'{name} = "{answer}"'


def locked(answers: Mapping[str, Answer], measured: AbstractSet[str], origin: str) -> str:
    """Return a file of all answers in force; those that are not `measured` bear the mark. `origin` says whose."""
    return "\n".join([*_head(len(answers), origin), *_settings(answers, measured)]) + "\n"


def _head(count: int, origin: str) -> Iterator[str]:
    yield f"# All {count} answers in force, {origin}, written by `sched-emulator assumptions lock`:"
    yield "# with this file, no default that changes later changes what tests see."
    yield f"# A line that ends in `{ASSUMED}` is what the emulator went by; any other answer was measured."


def _settings(answers: Mapping[str, Answer], measured: AbstractSet[str]) -> Iterator[str]:
    for name, assumption in catalogue().items():
        yield from ("", f"# {assumption.question}")
        yield setting(name, answers[name]) + ("" if name in measured else f"  {ASSUMED}")


def measured_in(text: str, file: str) -> dict[str, Answer]:
    """Return the answers of a file that were measured: all it sets but those that bear the mark.

    ValueError with one sentence when the text is no file of answers; `file` is its name for that.
    """
    assumed = set(_MARKED.findall(text))
    return {name: answer for name, answer in parse_answers_toml(text, file).items() if name not in assumed}
