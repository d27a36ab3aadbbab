"""The reports: for a terminal, for people without one, for a pull request, for machines."""

from pathlib import Path

from sched_emulator import files
from sched_emulator.config import UsageError
from sched_emulator.contract.report import Report
from sched_emulator.output import printable, reason

from . import as_json, html, junit, markdown


def write(report: Report, folder: Path) -> list[Path]:
    """Write every report into a folder and return where. UsageError when that fails."""
    texts = {
        "contract.html": html.render(report),
        "contract.md": markdown.render(report),
        "contract.xml": junit.render(report),
        "contract.json": as_json.render(report),
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"--report-dir: {folder} cannot be made: {reason(error)}") from None
    for name, text in texts.items():
        files.write(folder / name, printable(text), "--report-dir")
    return [folder / name for name in texts]
