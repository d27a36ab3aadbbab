"""The report for a pull request's comment."""

from sched_emulator.contract.report import Report, Tally
from sched_emulator.contract.results import Result, Status
from sched_emulator.output import counted

MOST_FAILURES = 20
SYMBOLS = {0: "✅", 1: "❌", 2: "⚠️"}


def render(report: Report) -> str:
    """Return the report as Markdown."""
    seed, sent = report.settings.seed, counted(report.requests, "request")
    lines = [
        f"## {SYMBOLS[report.exit_status]} Contract: {report.verdict}",
        "",
        f"`{report.url}` ({report.kind}), {sent} in {report.seconds:.0f} s, seed {seed}.",
        "",
        "| | checked | passed |",
        "| --- | --- | --- |",
        _row("names, forms and behaviour", report.shapes),
        _row("what happens as time passes", report.times),
        f"| open questions answered | {report.probes.checked} of {report.probes.all} | |",
        "",
    ]
    for result in report.failures[:MOST_FAILURES]:
        lines += _failure(report, result)
    if len(report.failures) > MOST_FAILURES:
        lines += [f"… and {len(report.failures) - MOST_FAILURES} more.", ""]
    if report.differences:
        lines += [
            "### Your tests cannot rely on",
            "",
            "Nothing documented says so, and the target does otherwise than the emulator.",
            "",
        ]
        for result in report.differences:
            lines.append(f"- `{result.check.address}` {_inline(result.check.title)} Here: {_inline(result.reason)}")
        lines.append("")
    if report.changes is not None:
        lines += [
            "### Since the earlier run",
            "",
            *(f"- {_inline(item)}" for item in report.changes or ["nothing"]),
            "",
        ]
    if report.left_over:
        lines += ["**Could not be deleted:** " + ", ".join(f"`{name}`" for name in report.left_over), ""]
    lines += _not_checked(report)
    return "\n".join(lines).rstrip() + "\n"


def _row(name: str, tally: Tally) -> str:
    return f"| {name} | {tally.checked} of {tally.all} | {tally.passed} of {tally.checked} |"


def _failure(report: Report, result: Result) -> list[str]:
    place = ", ".join(f"line {line}" for line in result.check.lines)
    lines = [
        f"### `{result.check.address}` {result.check.title}",
        "",
        f"- **{result.check.warrant}**{f', documentation {place}' if place else ''}",
        f"- expected: {_inline(result.expected or result.check.title)}",
        f"- came: {_inline(result.reason)}",
        f"- repeat: `{report.repeat(result)}`",
    ]
    if result.exchanges:
        last = result.exchanges[-1]
        lines += ["", "```sh", last.curl(), f"# {last.came()[:500]}", "```"]
    return [*lines, ""]


def _not_checked(report: Report) -> list[str]:
    by_reason: dict[str, list[str]] = {}
    for result in report.results:
        if result.status in {Status.NOT_CHECKED, Status.ERROR, Status.UNDETERMINED}:
            by_reason.setdefault(result.reason, []).append(result.check.address)
    if not by_reason:
        return []
    lines = ["<details><summary>Not checked</summary>", ""]
    for reason, names in by_reason.items():
        lines.append(f"- {_inline(reason)}: {', '.join(f'`{name}`' for name in names)}")
    return [*lines, "", "</details>"]


def _inline(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")
