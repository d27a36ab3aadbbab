"""What was found, as texts: TOML that a server loads, Markdown, and what one may send to the vendor."""

import textwrap
from collections.abc import Iterator

from sched_emulator.output import printable
from sched_emulator.spec import assumptions

from .report import Facts
from .wording import number_of

WIDTH = 118
NOBODY = "The documentation does not promise what was expected, so that these are no findings: tests cannot rely on it."


def toml(facts: Facts) -> str:
    """Return what is inferred, as `serve --assumptions` loads it; all else stands in comments."""
    head = [
        f"# Inferred by `sched-emulator compare` from {', '.join(facts['recordings'])}:",
        f"# {facts['judged']} of {number_of(facts['exchanges'], 'exchange')} judged.",
        "# `sched-emulator assumptions explain ID` explains a question.",
    ]
    return printable("\n".join([*head, *_inferred(facts), *_constants(facts), *_open(facts)]) + "\n")


def _inferred(facts: Facts) -> Iterator[str]:
    for each in facts["inferred"]:
        yield ""
        yield from _comment(assumptions.catalogue()[each["question"]].question)
        for proof in each["proof"]:
            yield from _comment(f"Not {proof['not']}: {proof['where']}, {proof['operation']} came as {proof['came']}")
        yield f'{each["question"]} = "{each["answer"]}"'


def _constants(facts: Facts) -> Iterator[str]:
    for each in facts["constants"]:
        yield ""
        if not each["inferred"]:
            yield from _comment(f"{each['constant']} is {each['between']}; to go on, {each['value']} was assumed.")
            continue
        only = ", of which no other is round" if None in {each["low"], each["high"]} else ""
        yield from _comment(f"What was recorded fits {each['between']}{only}.")
        yield f"{each['constant']} = {each['value']}"


def _open(facts: Facts) -> Iterator[str]:
    for each in facts["undetermined"]:
        yield ""
        yield from _comment(f"{each['question']} is undetermined: {' or '.join(each['possible'])}; {each['why']}.")


def _comment(text: str) -> Iterator[str]:
    text = printable(text, keep="")
    lines = textwrap.wrap(text, WIDTH, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False)
    return (f"# {line}" for line in lines)


def sentence(facts: Facts) -> str:
    """Say in a sentence what came of it."""
    found = number_of(len(facts["findings"]), "finding") if facts["findings"] else "no finding"
    if facts["differences"]:
        found += f", {number_of(len(facts['differences']), 'difference')} from what nobody promised"
    inferred, open_ = len(facts["inferred"]), len(facts["undetermined"])
    return (
        f"{facts['judged']} of {number_of(facts['exchanges'], 'exchange')} judged: {found}, "
        f"{number_of(inferred, 'answer')} inferred, "
        f"{len(facts['ruled_out'])} ruled out, {number_of(open_, 'question')} undetermined."
    )


def markdown(facts: Facts) -> str:
    """Return the report as Markdown."""
    lines = ["# What the traffic says", "", sentence(facts), ""]
    lines += [f"- {told}" for told in facts["told"]]
    lines += ["", "## Findings", ""] if facts["findings"] else []
    for each in facts["findings"]:
        lines += [*_finding(each, "curl", "came"), ""]
    lines += ["## Differences", "", f"{NOBODY}", ""] if facts["differences"] else []
    for each in facts["differences"]:
        lines += [*_finding(each, "curl", "came"), ""]
    lines += ["## Inferred", "", "| question | answer | proof |", "| --- | --- | --- |"]
    for each in facts["inferred"]:
        proof = "; ".join(f"not {p['not']}: {p['where']}" for p in each["proof"])
        lines.append(f"| `{each['question']}` | `{each['answer']}` | {_cell(proof)} |")
    for each in facts["constants"]:
        lines.append(f"| `{each['constant']}` | {each['value']} | {each['between']} |")
    lines += ["", "## Undetermined", ""]
    lines += [
        f"- `{each['question']}`: {' or '.join(each['possible'])}; {each['why']}" for each in facts["undetermined"]
    ]
    lines += ["", "## Covered", "", "| operation | exchanges |", "| --- | --- |"]
    lines += [f"| `{name}` | {count} |" for name, count in facts["operations"].items()]
    return printable("\n".join(lines) + "\n")


def issue(facts: Facts) -> str:
    """Return the findings as a text for the vendor: without keys and payloads."""
    if not facts["findings"]:
        why = (
            "what came otherwise nobody has promised"
            if facts["differences"]
            else "all that could be judged is explained"
        )
        return f"There is nothing to report: {why}.\n"
    lines = []
    for each in facts["findings"]:
        lines += [*_finding(each, "masked_curl", "masked_came"), ""]
    return printable("\n".join(lines))


def _finding(each: Facts, request: str, answer: str) -> Iterator[str]:
    masked = request != "curl" and any(word in each["field"] for word in ("payload", "body"))
    yield f"### `{each['operation']}`: `{each['field']}` came otherwise"
    yield ""
    yield f"- Expected: {'…' if masked else _cell(each['expected'])}"
    yield f"- Came: {'…' if masked else _cell(each['came'])}"
    yield f"- Warrant: {each['rests_on']}"
    yield "- The shortest part of the recording that shows it (the gateway was not asked again):"
    yield ""
    yield "```sh"
    for step in each["steps"]:
        yield step[request]
        yield f"# {step[answer]}"
    yield "```"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
