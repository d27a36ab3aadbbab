"""The report for people: one page in the look of the contract's, no scripts, nothing loaded from elsewhere."""

from html import escape

from sched_emulator.output.page import page, table

from .report import Facts
from .texts import NOBODY, sentence


def render(facts: Facts) -> str:
    """Return the report as one page."""
    kind = "bad" if facts["findings"] else "good"
    told = "".join(f"<li>{escape(each)}</li>" for each in facts["told"])
    parts = [
        f"<h1>What {escape(', '.join(facts['recordings']))} says</h1>",
        f'<p class="verdict {kind}">{escape(sentence(facts))}</p><ul>{told}</ul>',
        "".join(_finding(each, "failed") for each in facts["findings"]),
        f"<h2>Differences</h2><p>{escape(NOBODY)}</p>" if facts["differences"] else "",
        "".join(_finding(each, "known") for each in facts["differences"]),
        _inferred(facts),
        _undetermined(facts),
        _covered(facts),
    ]
    return page("What the traffic says", parts)


def _finding(each: Facts, kind: str) -> str:
    steps = "".join(
        f"<li><pre>{escape(step['curl'])}</pre><pre class=answer>{escape(step['came'])}</pre></li>"
        for step in each["steps"]
    )
    return f"""
<section class="failure {kind}"><h3><code>{escape(each["operation"])}</code> {escape(each["field"])}</h3>
<p>{escape(each["rests_on"])}</p>
<dl><dt>Expected</dt><dd>{escape(each["expected"])}</dd><dt>Came</dt><dd>{escape(each["came"])}</dd></dl>
<p>The shortest part of the recording that shows it; the target was not asked again.</p><ol>{steps}</ol></section>"""


def _inferred(facts: Facts) -> str:
    answers = (
        f"<tr><th><code>{escape(each['question'])}</code></th><td><b>{escape(each['answer'])}</b></td><td>"
        + "<br>".join(f"not {escape(p['not'])}: {escape(p['where'])}, {escape(p['operation'])}" for p in each["proof"])
        + "</td></tr>"
        for each in facts["inferred"]
    )
    constants = (
        f"<tr><th><code>{escape(each['constant'])}</code></th><td><b>{each['value']}</b></td>"
        f"<td>{each['between']}</td></tr>"
        for each in facts["constants"]
    )
    return table("Inferred", [_heads("Question", "Answer", "Ruled out"), *answers, *constants])


def _undetermined(facts: Facts) -> str:
    rows = (
        f"<tr><th><code>{escape(each['question'])}</code></th><td>{escape(' or '.join(each['possible']))}</td>"
        f"<td>{escape(each['why'])}</td></tr>"
        for each in facts["undetermined"]
    )
    return table("Undetermined", [_heads("Question", "Possible", "Why"), *rows])


def _covered(facts: Facts) -> str:
    sent: dict[str, list[str]] = {}
    for parameter in facts["parameters"]:
        operation, _, name = parameter.partition(" ")
        sent.setdefault(operation, []).append(f"<code>{escape(name)}</code>")
    rows = (
        f"<tr><th><code>{escape(name)}</code></th><td>{count}</td><td>{', '.join(sent.get(name, []))}</td></tr>"
        for name, count in facts["operations"].items()
    )
    return table("What this traffic covered", [_heads("Operation", "Exchanges", "Parameters"), *rows])


def _heads(*names: str) -> str:
    return f"<tr>{''.join(f'<th>{name}</th>' for name in names)}</tr>"
