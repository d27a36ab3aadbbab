"""docs/run-states.md shows the transitions that the core makes, in its table and in its diagram."""

import re
from pathlib import Path

from sched_emulator.core.runs import TRANSITIONS

DOCUMENT = (Path(__file__).parents[1] / "docs" / "run-states.md").read_text(encoding="utf-8")
IN_THE_CORE = sorted((state, event, following) for (state, event), following in TRANSITIONS.items())


def test_the_table_is_up_to_date() -> None:
    assert sorted(re.findall(r"^\| `(\w+)` \| (\w+) \| `(\w+)` \| \S.*\|$", DOCUMENT, re.MULTILINE)) == IN_THE_CORE


def test_the_diagram_is_up_to_date() -> None:
    arrows = re.findall(r"^ +(\w+) --> (\w+): (\w+)$", DOCUMENT, re.MULTILINE)
    assert sorted((state, event, following) for state, following, event in arrows) == IN_THE_CORE
