"""What a run says that an earlier one, of which there is a contract.json, did not."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from sched_emulator import files

from .report import Report
from .results import Status
from .settings import SettingsError


class Baseline(NamedTuple):
    """An earlier run: what became of each check, and what was answered."""

    statuses: Mapping[str, str]
    answers: Mapping[str, Any]


def read(path: Path) -> Baseline:
    """Read the report of an earlier run. UsageError when the file is none."""
    text = files.read_text(path, "--baseline")
    try:
        told = json.loads(text)
        return Baseline({item["address"]: item["status"] for item in told["checks"]}, dict(told["answers"]))
    except (ValueError, KeyError, TypeError):
        raise SettingsError(f"--baseline: {path} is no contract.json of an earlier run") from None


def changes(before: Baseline, report: Report) -> list[str]:
    """Return in sentences what is otherwise than before; what either run did not check says nothing."""
    return [*_of_checks(before.statuses, report), *_of_answers(before.answers, report)]


def _of_checks(before: Mapping[str, str], report: Report) -> Iterator[str]:
    silent = {Status.NOT_CHECKED, Status.UNDETERMINED, Status.OBSERVED}
    for result in report.results:
        old = before.get(result.check.address)
        if old is not None and old != result.status and old not in silent and result.status not in silent:
            reason = f": {' '.join(result.reason.split())[:200]}" if result.reason else ""
            yield f"{result.check.address} was {old} and is {result.status}{reason}"


def _of_answers(before: Mapping[str, Any], report: Report) -> Iterator[str]:
    for seen in report.observations:
        old = before.get(seen.question)
        if None not in {old, seen.answer} and old != seen.answer and not seen.bound:
            yield f"the answer to {seen.question} was {old} and is {seen.answer}"
