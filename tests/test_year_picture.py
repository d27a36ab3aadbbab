"""`cron EXPR --svg FILE` draws the calendar of a year, well-formed, each day with its fires."""

import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from sched_emulator.cli import main
from sched_emulator.commands.year_picture import draw
from sched_emulator.core.preview import Day

SVG = "{http://www.w3.org/2000/svg}"


def days_in(text: str) -> list[tuple[str, str]]:
    """Return class and title of each day drawn."""
    found = []
    for box in ET.fromstring(text).iter(f"{SVG}rect"):  # noqa: S314 - our own
        title = box.find(f"{SVG}title")
        if title is not None:
            found.append((box.attrib["class"], title.text or ""))
    return found


def test_a_year_is_drawn_with_the_changes_of_the_clocks(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "year.svg"
    arguments = ["cron", "0 9 * * 1", "--timezone", "Europe/Berlin", "--from", "2026-01-01", "--svg", str(file)]
    assert main(arguments) == 0
    assert "2026-01-05 08:00:00 UTC" in capsys.readouterr().out
    text = file.read_text(encoding="utf-8")
    days = days_in(text)
    assert len(days) == 366
    assert days[0] == ("l0", "2026-01-01: 0 fires")
    assert days[4] == ("l4", "2026-01-05: 1 fire")
    assert [title for kind, title in days if "shift" in kind] == [
        "2026-03-29: 0 fires, clocks forward",
        "2026-10-25: 0 fires, clocks back",
    ]
    assert "0 9 * * 1 · Europe/Berlin: 52 fires in 366 days" in text


def test_what_stands_in_a_title_is_text() -> None:
    assert days_in(draw([Day("2026-01-01", 3, 0)], "<script>&")) == [("l4", "2026-01-01: 3 fires")]


def test_a_schedule_at_the_end_of_time_has_no_year(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "year.svg"
    assert main(["cron", "0 9 * * 1", "--from", "9999-12-30T12:00Z", "--svg", str(file)]) == 2
    assert "--svg: there is no year to draw" in capsys.readouterr().err
    assert not file.exists()
