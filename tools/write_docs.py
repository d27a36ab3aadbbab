"""Write the pages under docs/ that are made of openapi/ (`python -m tools.write_docs`); `--check` only compares."""

import sys
from collections.abc import Iterator
from pathlib import Path

from tools import reference
from tools.markdown import anchor, linked, table

from sched_emulator.spec import assumptions, choices

ROOT = Path(__file__).parents[1]
KINDS = {
    "behaviour": "Behaviours",
    "shape": "Shapes",
    "constant": "Constants",
}
ABOUT = {
    "behaviour": """\
Switchable at any time, also in mid-session. `assumptions relied` proves which of them a session relied on, and
`pytest --sched-vary` runs the tests that rely on one again under its other answers.""",
    "shape": """\
Names and forms. They decide what the specification itself looks like; `assumptions relied` mentions them in one line,
and `--sched-vary` leaves them alone.""",
    "constant": "Whole numbers, with the unit in the id. They are never varied.",
}
SOURCES = {"V": "the vendor says so", "C": "public programs behave so", "A": "an article says so"}
INTRODUCTION = """\
The vendor's documentation is thin and contradicts itself in places. Wherever it leaves something open, the emulator
does not guess quietly: the question has a name, a default, a reason and evidence, and can be answered otherwise.

**The rule for defaults.** Where the documentation speaks, the default is the strict answer: code that passes here
relies on nothing that was not promised. Lenient is the default only where the documentation contradicts itself. What
only real programs do belongs to the dialect `observed` (`--dialect observed`).

**Answering otherwise.** `sched-emulator serve --assume queue.nack_position=back`, a TOML file
(`--assumptions FILE.toml`), `PUT /_emulator/assumptions` for one sandbox, `box.assumptions.set({...})` in Python, or
the pytest plugin's marker.

**Finding out.** `sched-emulator assumptions list` and `explain ID` show this page in a terminal; `assumptions relied`
proves what a session relied on. `sched-emulator calibrate --target URL --out FILE.toml` measures a gateway's answers
and writes a file for `--assumptions`; how each question is measured stands below as its *probe*. `assumptions lock`
writes all answers in force, so that a default that changes later changes no suite unseen."""


ABOUT_CHOICES = """\
Where the emulator had to do something that nobody documented, and no test is known to need another answer, it chose.
A choice has no switch. A gateway that does otherwise is no worse for it: `contract` judges it by what is documented,
and tells where it does otherwise than the emulator, for there your tests cannot rely on what they see here. With
`--hold choices`, and `--hold vendor` for what the vendor says on other pages, such a difference fails. In a terminal:
`sched-emulator assumptions list --choices`."""


def open_questions() -> list[str]:
    """Return the page of the open questions."""
    lines = ["# Assumptions", "", reference.GENERATED.format(source="openapi/assumptions.yaml"), ""]
    lines += [*INTRODUCTION.splitlines(), ""]
    for kind, title in KINDS.items():
        entries = [entry for entry in assumptions.catalogue().values() if entry.kind == kind]
        lines += [f"## {title}", "", *ABOUT[kind].splitlines(), ""]
        lines += table(
            ("id", "question", "default", "observed"),
            [
                (f"[`{entry.id}`](#{anchor(entry.id)})", entry.question, f"`{entry.default}`", _observed(entry))
                for entry in entries
            ],
        )
        for entry in entries:
            lines += _explained(entry)
    return lines


def all_choices() -> list[str]:
    """Return the page of the choices."""
    lines = ["# Choices", "", reference.GENERATED.format(source="openapi/assumptions.yaml"), ""]
    lines += [*ABOUT_CHOICES.splitlines(), ""]
    for entry in choices.catalogue().values():
        places = ", ".join(map(str, entry.lines))
        place = f"The documentation, line{'s' * (len(entry.lines) > 1)} {places}: " if places else "The documentation: "
        lines += [f"### {entry.id}", "", f"**{linked(' '.join(entry.does.split()))}**", "", f"{place}{entry.place}", ""]
        if entry.fact:
            lines += [f"*The vendor elsewhere:* {linked(' '.join(entry.fact.split()))}", ""]
        lines += [f"*Why:* {linked(' '.join(entry.why.split()))}", ""]
        if entry.unjudged:
            lines += [f"*Not judged:* {linked(' '.join(entry.unjudged.split()))}", ""]
    return lines


def _observed(entry: assumptions.Assumption) -> str:
    return "" if entry.observed is None else f"`{entry.observed}`"


def _explained(entry: assumptions.Assumption) -> Iterator[str]:
    yield from (f"### {entry.id}", "", f"**{entry.question}**", "")
    lines = ", ".join(map(str, entry.lines))
    place = f"line {lines}: " if len(entry.lines) == 1 else f"lines {lines}: " if lines else ""
    yield from (f"The documentation, {place}{entry.place}" if place else f"The documentation: {entry.place}", "")
    default = {str(entry.default): " (default)"} | (
        {} if entry.observed is None else {str(entry.observed): " (observed)"}
    )
    if entry.answers:
        for word, sentence in entry.answers.items():
            yield f"- `{word}`{default.get(word, '')}: {linked(' '.join(sentence.split()))}"
        yield ""
    else:
        yield from (f"{entry.possible[0].upper()}{entry.possible[1:]}; the default is `{entry.default}`.", "")
    yield from (f"*Why:* {linked(' '.join(entry.why.split()))}", "")
    for item in entry.evidence:
        source = SOURCES.get(item.strength, item.strength)
        yield from (f"*Evidence* ({source}): {linked(' '.join(item.says.split()))}", "")
    yield from (f"*Probe:* {linked(' '.join(entry.probe.split()))}", "")


PAGES = {
    "docs/assumptions.md": open_questions,
    "docs/choices.md": all_choices,
    "docs/operations.md": reference.operations,
    "docs/control-api.md": reference.control,
}


def text_of(path: str) -> str:
    """Return what a page has to say."""
    return "\n".join(PAGES[path]()).rstrip() + "\n"


def main(arguments: list[str]) -> int:
    """Write all pages; with `--check`, name those that are out of date and return 1 if there are any."""
    stale = [path for path in PAGES if not _is_current(path)]
    for path in stale:
        if "--check" in arguments:
            sys.stderr.write(f"{path} is out of date: run `python -m tools.write_docs`\n")
        else:
            (ROOT / path).write_text(text_of(path), encoding="utf-8")
            sys.stdout.write(f"wrote {path}\n")
    return int(bool(stale) and "--check" in arguments)


def _is_current(path: str) -> bool:
    page = ROOT / path
    return page.is_file() and page.read_text(encoding="utf-8") == text_of(path)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
