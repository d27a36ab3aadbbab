"""What a test suite relies on, as `pytest --sched-report` writes it: which questions are still to be asked."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from sched_emulator import files
from sched_emulator.spec import assumptions

from .catalogue import Catalogue
from .costs import needs
from .settings import SettingsError

ANSWERED = ("measured", "contradicted")


def open_questions(path: Path) -> list[str]:
    """Return the questions on which tests rely and that no file has answered, in the catalogue's order.

    UsageError when the file is none of `pytest --sched-report`, or names a question that there is not.
    """
    text = files.read_text(path, "--for")
    try:
        told = json.loads(text)
        relied: list[dict[str, Any]] = [*told["relied"], *told.get("shapes", ())]
        found = {str(item["id"]) for item in relied if item.get("standing") not in ANSWERED}
    except (ValueError, KeyError, TypeError, AttributeError):
        raise SettingsError(f"--for: {path} is no file of `pytest --sched-report`") from None
    strange = sorted(found - set(assumptions.catalogue()))
    if strange:
        raise SettingsError(f"--for: {path} names {strange[0]!r}, which is no question of this version")
    return [name for name in assumptions.catalogue() if name in found]


def with_what_they_need(questions: Iterable[str], catalogue: Catalogue) -> list[str]:
    """Return questions and those on whose answers their probes depend, and so on."""
    found: dict[str, None] = {}
    for question in questions:
        probed = [name for name in needs(catalogue.probes[question]) if name.startswith("probe/")]
        found.update(dict.fromkeys([question, *(name.removeprefix("probe/") for name in probed)]))
    return list(found)
