"""The report for programs."""

import json
from typing import Any

from sched_emulator.contract.report import Report, Tally
from sched_emulator.contract.results import Result, Status


def render(report: Report) -> str:
    """Return the report as JSON."""
    document = {
        "target": report.url,
        "kind": report.kind,
        "began": report.began,
        "seconds": round(report.seconds, 1),
        "requests": report.requests,
        "seed": report.settings.seed,
        "prefix": report.settings.prefix,
        "exit_status": report.exit_status,
        "verdict": report.verdict,
        "stopped": report.stopped,
        "tallies": {
            "shapes": _tally(report.shapes),
            "times": _tally(report.times),
            "probes": _tally(report.probes),
        },
        "answers": {
            item.question: item.answer for item in report.observations if item.answer is not None and not item.bound
        },
        "gone_known": report.gone_known,
        "left_over": report.left_over,
        "changes": report.changes,
        "checks": [_check(report, result) for result in report.results],
    }
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"


def _tally(tally: Tally) -> dict[str, int]:
    return {"all": tally.all, "checked": tally.checked, "passed": tally.passed}


def _check(report: Report, result: Result) -> dict[str, Any]:
    check = result.check
    told: dict[str, Any] = {
        "address": check.address,
        "warrant": check.warrant,
        "status": result.status,
        "title": check.title,
        "aspect": check.aspect,
        "covers": list(check.covers),
        "lines": list(check.lines),
        "seconds": round(result.seconds, 3),
        "reason": result.reason,
        "expected": result.expected,
        "answer": result.answer,
        "bound": result.bound,
    }
    if result.status in {Status.FAILED, Status.DIFFERS, Status.KNOWN, Status.ERROR}:
        told["repeat"] = report.repeat(result)
        told["exchanges"] = [{"request": item.curl(), "answer": item.came()} for item in result.exchanges]
    return {name: value for name, value in told.items() if value not in (None, "", [])}
