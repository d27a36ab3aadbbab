"""What `sched-emulator replay` says of the first answer or delivery that comes out otherwise."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sched_emulator import __version__
from sched_emulator.output import printable
from sched_emulator.recording.lines import Delivery, Exchange, LeftOut, instant_text
from sched_emulator.server.replaying import Difference

SHOWN_CHARS = 300
BEFORE_CHARS = 80  # of what is shown, before the first sign that differs


def told(different: Difference, path: Path, version: str) -> str:
    """Return what comes out otherwise than in a recording, which `version` has written."""
    what = different.recorded or different.played
    kind = "answer" if isinstance(what, Exchange) else "delivery"
    lines = [
        f"{path} was recorded by version {version} and is replayed by version {__version__}",
        f"the first {kind} that comes out otherwise, seq {different.entry.seq}: {_name(what)}",
    ]
    if different.recorded is None:
        lines.append("  it is not in the recording")
    if different.played is None:
        lines.append("  it does not come any more")
    for field in different.fields:
        sides = _shown(getattr(different.recorded, field), field), _shown(getattr(different.played, field), field)
        start = max(0, _common(*sides) - BEFORE_CHARS)
        for side, text in zip(("recorded", "replayed"), sides, strict=True):
            more = "…" if start else ""
            rest = "…" if len(text) > start + SHOWN_CHARS else ""
            lines.append(f"  {field.removesuffix('_ms')}, {side}: {more}{text[start : start + SHOWN_CHARS]}{rest}")
    return printable("\n".join(lines)) + "\n"


def _name(what: Exchange | Delivery | None) -> str:
    if isinstance(what, Exchange):
        return f"{what.method} {what.path}"
    assert what is not None
    return f"{what.url}, attempt {what.attempt}"


def _shown(value: Any, field: str) -> str:
    if field.endswith("_ms") and isinstance(value, int):
        return instant_text(value)
    if isinstance(value, tuple):
        return ", ".join(f"{name}: {text}" for name, text in value)
    if isinstance(value, Mapping):
        return ", ".join(f"{name}: {text}" for name, text in sorted(value.items()))
    return f"(left out: {value.why})" if isinstance(value, LeftOut) else str(value)


def _common(left: str, right: str) -> int:
    """Return how many signs two texts begin with alike."""
    pairs = enumerate(zip(left, right, strict=False))
    return next((at for at, (one, other) in pairs if one != other), min(len(left), len(right)))
