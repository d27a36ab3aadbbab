"""The reports: for a terminal, for people without one, for a pull request, for machines."""

from pathlib import Path

from sched_emulator.contract.report import Report
from sched_emulator.output import printable

from . import as_json, html, junit, markdown


def write(report: Report, folder: Path) -> list[Path]:
    """Write every report into a folder and return where."""
    folder.mkdir(parents=True, exist_ok=True)
    texts = {
        "contract.html": html.render(report),
        "contract.md": markdown.render(report),
        "contract.xml": junit.render(report),
        "contract.json": as_json.render(report),
    }
    for name, text in texts.items():
        (folder / name).write_text(printable(text), encoding="utf-8")
    return [folder / name for name in texts]
