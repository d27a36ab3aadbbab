"""The report for people: one page in the look of the contract's, no scripts, nothing loaded from elsewhere."""

from html import escape

from .report import Facts
from .texts import sentence


def render(facts: Facts, style: str) -> str:
    """Return the report as one page in a style."""
    kind = "bad" if facts["findings"] else "good"
    told = "".join(f"<li>{escape(each)}</li>" for each in facts["told"])
    parts = [
        "<!doctype html><html lang=en><head><meta charset=utf-8>",
        "<meta name=viewport content='width=device-width, initial-scale=1'>",
        f"<title>What the traffic says</title><style>{style}</style></head><body><main>",
        f"<h1>What {escape(', '.join(facts['recordings']))} says</h1>",
        f'<p class="verdict {kind}">{escape(sentence(facts))}</p><ul>{told}</ul>',
        "".join(_finding(each) for each in facts["findings"]),
        _inferred(facts),
        _undetermined(facts),
        _covered(facts),
        "</main></body></html>",
    ]
    return "\n".join(parts) + "\n"


def _finding(each: Facts) -> str:
    steps = "".join(
        f"<li><pre>{escape(step['curl'])}</pre><pre class=answer>{escape(step['came'])}</pre></li>"
        for step in each["steps"]
    )
    return f"""
<section class="failure failed"><h3><code>{escape(each["operation"])}</code> {escape(each["field"])}</h3>
<p><b>{each["warrant"]}</b> {escape(each["why"])}</p>
<dl><dt>Expected</dt><dd>{escape(each["expected"])}</dd><dt>Came</dt><dd>{escape(each["came"])}</dd></dl>
<p>The shortest part of the recording that shows it; the target was not asked again.</p><ol>{steps}</ol></section>"""


def _inferred(facts: Facts) -> str:
    rows = "".join(
        f"<tr><th><code>{escape(each['question'])}</code></th><td><b>{escape(each['answer'])}</b></td><td>"
        + "<br>".join(f"not {escape(p['not'])}: {escape(p['where'])}, {escape(p['operation'])}" for p in each["proof"])
        + "</td></tr>"
        for each in facts["inferred"]
    )
    rows += "".join(
        f"<tr><th><code>{escape(each['constant'])}</code></th><td><b>{each['value']}</b></td>"
        f"<td>from {each['low']} to {each['high']}</td></tr>"
        for each in facts["constants"]
    )
    return f"<h2>Inferred</h2><div class=wide><table>{rows}</table></div>"


def _undetermined(facts: Facts) -> str:
    rows = "".join(
        f"<tr><th><code>{escape(each['question'])}</code></th><td>{escape(' or '.join(each['possible']))}</td>"
        f"<td>{escape(each['why'])}</td></tr>"
        for each in facts["undetermined"]
    )
    return f"<h2>Undetermined</h2><div class=wide><table>{rows}</table></div>"


def _covered(facts: Facts) -> str:
    rows = "".join(
        f"<tr><th><code>{escape(name)}</code></th><td>{count}</td></tr>" for name, count in facts["operations"].items()
    )
    parameters = ", ".join(f"<code>{escape(name)}</code>" for name in facts["parameters"])
    return f"<h2>What this traffic covered</h2><div class=wide><table>{rows}</table></div><p>{parameters}</p>"
