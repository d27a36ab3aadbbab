"""docs/message-states.md shows where the core takes messages, in its table and in its diagram."""

import re
from pathlib import Path

from sched_emulator.core.places import PLACES

DOCUMENT = (Path(__file__).parents[1] / "docs" / "message-states.md").read_text(encoding="utf-8")
IN_THE_CORE = sorted((place or "[*]", event, following or "[*]") for (place, event), following in PLACES.items())
NAME = r"([a-z_]+|\[\*\])"


def test_the_table_is_up_to_date() -> None:
    rows = re.findall(rf"^\| `{NAME}` \| (\w+) \| `{NAME}` \| \S.*\|$", DOCUMENT, re.MULTILINE)
    assert sorted(rows) == IN_THE_CORE


def test_the_diagram_is_up_to_date() -> None:
    arrows = re.findall(rf"^ +{NAME} --> {NAME}: (\w+)$", DOCUMENT, re.MULTILINE)
    assert sorted((place, event, following) for place, following, event in arrows) == IN_THE_CORE
