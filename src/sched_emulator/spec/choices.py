"""The choices: what the emulator does where nobody documented anything and nothing can be switched."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from .documents import load


@dataclass(frozen=True, slots=True)
class Choice:
    """One decision. ``fact`` is what the vendor says of it elsewhere; ``unjudged`` why no request shows it."""

    id: str
    does: str
    lines: tuple[int, ...]
    place: str
    fact: str
    why: str
    unjudged: str


@cache
def catalogue() -> dict[str, Choice]:
    """Every choice by its id, in the order of ``openapi/assumptions.yaml``."""
    return {entry["id"]: _choice(entry) for entry in load("assumptions")["choices"]}


def _choice(entry: Mapping[str, Any]) -> Choice:
    return Choice(
        id=entry["id"],
        does=entry["does"],
        lines=tuple(entry["documentation"]["lines"]),
        place=entry["documentation"]["says"],
        fact=entry.get("fact", ""),
        why=entry["why"],
        unjudged=entry.get("unjudged", ""),
    )
