"""The report for people: one file, no scripts, nothing loaded from elsewhere."""

from html import escape

from sched_emulator.contract.report import Report, Tally
from sched_emulator.contract.results import Check, Result, Status
from sched_emulator.output.page import page, table
from sched_emulator.spec.lines import promise

ASPECTS = {
    "examples": "documented examples",
    "schema": "schema",
    "access": "access",
    "errors": "errors",
    "shape": "public reads",
    "behaviour": "behaviour",
    "paging": "paging",
    "idempotency": "idempotency",
    "time": "time",
    "delivery": "deliveries",
}
WORST_FIRST = (Status.FAILED, Status.ERROR, Status.DIFFERS, Status.KNOWN, Status.NOT_CHECKED, Status.PASSED)
SIGNS = {
    Status.FAILED: "✗",
    Status.ERROR: "!",
    Status.DIFFERS: "≠",
    Status.KNOWN: "≈",
    Status.NOT_CHECKED: "–",
    Status.PASSED: "✓",
    Status.OBSERVED: "✓",
    Status.UNDETERMINED: "?",
}
CLASSES = {0: "good", 1: "bad", 2: "unsure"}


def render(report: Report) -> str:
    """Return the report as one page."""
    parts = [
        _summary(report),
        _failures(report),
        _differences(report),
        _changes(report),
        _matrix(report),
        _questions(report),
        _all_checks(report),
    ]
    return page(f"Contract of {report.url}", parts)


def _summary(report: Report) -> str:
    kind = CLASSES[report.exit_status]
    left = "".join(f"<li><code>{escape(name)}</code></li>" for name in report.left_over)
    return f"""
<h1>Does <code>{escape(report.url)}</code> behave as documented?</h1>
<p class="verdict {kind}">{escape(report.verdict)}</p>
<p>This page compares a server with the vendor's documentation of its scheduling API: crons, one-off tasks, message
queues. Every check sends real requests and looks at what comes back. Only what is <b>documented</b> can fail. What the
emulator had to <b>choose</b>, because nobody documented it, is told where the target does otherwise; open questions,
which the emulator answers either way, are only observed.</p>
<table class=numbers>
<tr><th></th><th>How much was checked</th><th>What of that passed</th></tr>
{_numbers("Names, forms and behaviour", report.shapes)}
{_numbers("What happens as time passes", report.times)}
<tr><th>Open questions</th><td>{report.probes.checked} of {report.probes.all} answered</td><td></td></tr>
</table>
<p class=facts>{escape(report.kind)} · {report.requests} requests · {report.seconds:.0f} s · {escape(report.began)} ·
seed {report.settings.seed} · names begin with <code>{escape(report.settings.prefix)}</code></p>
{f"<p><b>Could not be deleted:</b></p><ul>{left}</ul>" if left else ""}"""


def _numbers(name: str, tally: Tally) -> str:
    part = f"{100 * tally.passed / tally.checked:.0f} %" if tally.checked else "–"
    passed = f"{tally.passed} of {tally.checked} ({part})"
    return f"<tr><th>{name}</th><td>{tally.checked} of {tally.all}</td><td>{passed}</td></tr>"


def _failures(report: Report) -> str:
    shown = [item for item in report.results if item.status in {Status.FAILED, Status.KNOWN, Status.ERROR}]
    if not shown:
        return ""
    return "<h2>What fails</h2>" + "".join(_failure(report, result) for result in shown)


def _differences(report: Report) -> str:
    if not report.differences:
        return ""
    rows = "".join(
        f"<tr><th><code>{escape(result.check.address)}</code></th><td>{escape(result.check.title)}</td>"
        f"<td>{escape(result.reason)}</td></tr>"
        for result in report.differences
    )
    head = "<tr><th>choice</th><th>the emulator</th><th>this target</th></tr>"
    return (
        "<h2>What your tests cannot rely on</h2><p>Nothing documented says so, and the target does otherwise than the "
        f"emulator.</p><div class=wide><table>{head}{rows}</table></div>"
    )


def _changes(report: Report) -> str:
    if report.changes is None:
        return ""
    items = "".join(f"<li>{escape(sentence)}</li>" for sentence in report.changes or ["nothing changed"])
    return f"<h2>Since the earlier run</h2><ul>{items}</ul>"


def _failure(report: Report, result: Result) -> str:
    check = result.check
    lines = ", ".join(f'<abbr title="{escape(promise(line))}">line {line}</abbr>' for line in check.lines)
    steps = "".join(
        f"<li><pre>{escape(item.curl())}</pre><pre class=answer>{escape(item.came())}</pre></li>"
        for item in result.exchanges
    )
    return f"""
<section id="{escape(check.address)}" class="failure {result.status.replace(" ", "-")}">
<h3><code>{escape(check.address)}</code> {escape(check.title)}</h3>
<p><b>{check.warrant}</b>{f", documentation {lines}" if lines else ""} · {", ".join(map(escape, check.covers[:6]))}</p>
<dl><dt>Expected</dt><dd>{escape(result.expected or check.title)}</dd>
<dt>Came</dt><dd>{escape(result.reason)}</dd>
<dt>Repeat it</dt><dd><pre>{escape(report.repeat(result))}</pre></dd></dl>
{_promises(check)}<details><summary>What was sent and what was answered ({len(result.exchanges)} steps)</summary>
<ol>{steps}</ol></details>
</section>"""


def _promises(check: Check) -> str:
    """Return what the lines say that a check rests on, where one can read it without a mouse."""
    items = "".join(f"<li>line {line}: {escape(promise(line))}</li>" for line in check.lines)
    return f"<details><summary>What the documentation promises</summary><ul>{items}</ul></details>\n" if items else ""


def _matrix(report: Report) -> str:
    cells: dict[tuple[str, str], list[Result]] = {}
    operations: dict[str, None] = {}
    for result in report.results:
        for operation in result.check.operations:
            if result.check.aspect in ASPECTS:
                operations[operation] = None
                cells.setdefault((operation, result.check.aspect), []).append(result)
    head = "".join(f"<th>{title}</th>" for title in ASPECTS.values())
    rows = []
    for operation in sorted(operations):
        row = "".join(_cell(cells.get((operation, aspect), [])) for aspect in ASPECTS)
        rows.append(f"<tr><th><code>{escape(operation)}</code></th>{row}</tr>")
    legend = "✓ passed · ✗ failed · ≠ differs · ≈ known deviation · – not checked · empty: nothing to check"
    return (
        table("Operations and aspects", [f"<tr><th></th>{head}</tr>", *rows], "matrix") + f"<p class=facts>{legend}</p>"
    )


def _cell(results: list[Result]) -> str:
    if not results:
        return "<td></td>"
    worst = next((status for status in WORST_FIRST if any(item.status == status for item in results)), Status.PASSED)
    title = "\n".join(f"{SIGNS[item.status]} {item.check.address} {item.check.title}" for item in results)
    passed = sum(item.status == Status.PASSED for item in results)
    kind = worst.replace(" ", "-")
    first = next((item for item in results if item.status == worst), results[0]).check.address
    shown = Status.FAILED, Status.ERROR, Status.KNOWN
    place = escape(first if worst in shown else f"all-{first}")
    return (
        f'<td class="{kind}" title="{escape(title)}"><a href="#{place}">{SIGNS[worst]} {passed}/{len(results)}</a></td>'
    )


def _questions(report: Report) -> str:
    rows = []
    for result in report.results:
        if result.check.aspect != "probes":
            continue
        question = result.check.address.partition("/")[2]
        answer = "undetermined" if result.answer is None else str(result.answer)
        more = result.bound or result.reason
        rows.append(
            f"<tr><th><code>{escape(question)}</code></th><td>{escape(result.check.title)}</td>"
            f"<td><b>{escape(answer)}</b></td><td>{escape(more)}</td></tr>"
        )
    head = "<tr><th>question</th><th></th><th>observed</th><th></th></tr>"
    return table("Open questions", [head, *rows]) if rows else ""


def _all_checks(report: Report) -> str:
    rows = []
    for result in report.results:
        if result.check.aspect == "probes":
            continue
        reason = "" if result.status == Status.PASSED else result.reason
        rows.append(
            f'<tr id="all-{escape(result.check.address)}" class="{result.status.replace(" ", "-")}">'
            f"<td>{SIGNS[result.status]}</td>"
            f"<th><code>{escape(result.check.address)}</code></th><td>{result.check.warrant}</td>"
            f"<td>{escape(result.check.title)}</td><td>{escape(reason)}</td></tr>"
        )
    return table("All checks", rows, "all")
