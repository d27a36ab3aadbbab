"""`sched-emulator assumptions`: what the documentation leaves open, what is answered, and what a session relied on."""

import argparse
import json
from dataclasses import asdict
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from sched_emulator import files
from sched_emulator.client import reliance
from sched_emulator.config import UsageError

from . import connection, serve
from .options import Commands, Option, Parser, add_command
from .terminal import paragraph, say, say_json, styled, table

if TYPE_CHECKING:
    from sched_emulator.spec.assumptions import Assumption
    from sched_emulator.spec.choices import Choice

OPTIONS = (*connection.OPTIONS, Option("--json", "write JSON", default=False))
GIVING = tuple(option for option in serve.OPTIONS if option.name in {"--dialect", "--assume", "--assumptions"})
LOCK_OPTIONS = (
    *connection.OPTIONS,
    *GIVING,
    Option("--out", "the file to write (default: standard output)", "FILE.toml", files.to_write),
)

_KINDS = {"behaviour": "Behaviours", "shape": "Shapes: names and forms", "constant": "Constants"}
_SOURCES = {"V": "the vendor", "C": "public programs", "A": "an article"}


def register(commands: Commands) -> None:
    """Add the command and what it can do."""
    parser = add_command(
        commands,
        "assumptions",
        summary="What the documentation leaves open, and what the emulator answers.",
        examples="  sched-emulator assumptions\n  sched-emulator assumptions explain queue.nack_position\n"
        "  sched-emulator assumptions relied --key ifr_my_tests",
        run=list_all,
        options=OPTIONS,
    )
    actions = parser.add_subparsers(title="actions", metavar="ACTION", parser_class=Parser)
    add_command(
        actions,
        "list",
        summary="List all questions and their answers: the defaults, or with --url or --key those in force.",
        examples="  sched-emulator assumptions list\n  sched-emulator assumptions list --key ifr_my_tests\n"
        "  sched-emulator assumptions list --choices",
        run=list_all,
        options=(*OPTIONS, Option("--choices", "list what cannot be switched: what the emulator chose", default=False)),
    )
    explain_parser = add_command(
        actions,
        "explain",
        summary="Explain one question: its answers, the default and why, the evidence, how to set it.",
        examples="  sched-emulator assumptions explain cron.dst",
        run=explain,
        options=OPTIONS,
    )
    explain_parser.add_argument("id", metavar="ID", help="such as cron.dst; `assumptions list` shows them all")
    add_command(
        actions,
        "relied",
        summary="Show which answers the session of a sandbox relied on, each with its proof.",
        examples="  sched-emulator assumptions relied --key ifr_my_tests",
        run=relied,
        options=OPTIONS,
    )
    add_command(
        actions,
        "lock",
        summary="Write all answers in force as TOML, for `serve --assumptions` and `pytest --sched-assumptions`: those "
        "of a running emulator with --url or --key, else the defaults and what is given over them.",
        examples="  sched-emulator assumptions lock --out answers.toml\n"
        "  sched-emulator assumptions lock --assumptions gateway.toml --out answers.toml\n"
        "  sched-emulator assumptions lock --key ifr_my_tests",
        run=lock,
        options=LOCK_OPTIONS,
    )


def list_all(values: argparse.Namespace) -> int:
    """List the questions and their answers, or the choices."""
    from sched_emulator.spec import assumptions  # noqa: PLC0415 - reads YAML

    if getattr(values, "choices", False):
        return _list_choices(as_json=values.json)
    in_force = _in_force(values)
    answers = assumptions.defaults() if in_force is None else in_force
    if values.json:
        say_json(answers)
        return 0
    for kind, title in _KINDS.items():
        say(styled(title, "bold"))
        entries = [entry for entry in assumptions.catalogue().values() if entry.kind == kind]
        table([(f"  {entry.id}", str(answers[entry.id]), entry.question) for entry in entries], [None, "green"])
        say()
    say("`sched-emulator assumptions explain ID` tells more about one.")
    return 0


def explain(values: argparse.Namespace) -> int:
    """Explain one question, or one choice."""
    from sched_emulator.spec import assumptions, choices  # noqa: PLC0415 - both read YAML

    catalogue = assumptions.catalogue()
    if values.id in choices.catalogue():
        _explain_choice(choices.catalogue()[values.id], as_json=values.json)
        return 0
    if values.id not in catalogue:
        close = get_close_matches(values.id, [*catalogue, *choices.catalogue()], n=1)
        hint = f"did you mean {close[0]}?" if close else "`sched-emulator assumptions list` shows them all"
        raise UsageError(f"there is no assumption {values.id!r}; {hint}")
    assumption = catalogue[values.id]
    in_force = _in_force(values)
    answer = None if in_force is None else in_force[assumption.id]
    if values.json:
        say_json(_as_json(assumption, answer))
    else:
        _explain(assumption, answer)
    return 0


def _list_choices(*, as_json: bool) -> int:
    from sched_emulator.spec import choices  # noqa: PLC0415 - reads YAML

    entries = choices.catalogue().values()
    if as_json:
        say_json({entry.id: entry.does for entry in entries})
        return 0
    say(styled("What the emulator does where nobody documented anything, without a switch", "bold"))
    for entry in entries:
        paragraph(f"  {entry.id}: {entry.does}", indent="    ")
    return 0


def _explain_choice(entry: "Choice", *, as_json: bool) -> None:
    if as_json:
        say_json(asdict(entry))
        return
    say(styled(entry.id, "bold"))
    paragraph(entry.does)
    lines = f" (lines {', '.join(map(str, entry.lines))})" if entry.lines else ""
    paragraph(f"The documentation{lines}: {entry.place}")
    if entry.fact:
        paragraph(f"The vendor says elsewhere: {entry.fact}")
    paragraph(f"Why: {entry.why}")
    paragraph(entry.unjudged or "`contract` tells whether a target does otherwise: your tests cannot rely on it there.")


def relied(values: argparse.Namespace) -> int:
    """Show what a session relied on."""
    from sched_emulator import spec  # noqa: PLC0415 - reads YAML

    found = connection.sandbox_of(values).relied()
    if values.json:
        say_json(found)
        return 0
    told: set[str] = set()
    for item in found["items"]:
        if item["id"] not in told:
            told.add(item["id"])
            say(f"{styled(item['id'], 'bold')} = {styled(item['answer'], 'green')}: {item['question']}")
        first, *further = reliance.sentences(item, spec.short(item["operation"]))
        say(f"  under {styled(item['other'], 'yellow')}: {first}")
        for line in further:
            say(f"  {line}")
    if not told:
        say("No other answer to an open question would have changed anything in this session.")
    if found["shapes"]:
        say(f"It also used names or forms that the documentation leaves open: {', '.join(found['shapes'])}.")
    if not found["complete"]:
        say(styled("The session was longer than what is kept of it: more may have been relied on.", "yellow"))
    return 0


def lock(values: argparse.Namespace) -> int:
    """Write all answers in force."""
    said = [option.name for option in GIVING if option.dest in values.given]
    in_force = _in_force(values)
    if in_force is None:
        text = _locked(values)
    elif said:
        raise UsageError(f"{said[0]}: the emulator of --url or --key is asked; expected one or the other")
    else:
        from sched_emulator.spec import answer_files  # noqa: PLC0415 - reads YAML

        text = answer_files.locked(in_force, set(), "of a running emulator")
    if values.out is None:
        say(text.removesuffix("\n"))
    else:
        files.write(values.out, text, "--out")
        say(f"wrote {values.out}, for `serve --assumptions` and `pytest --sched-assumptions`")
    return 0


def _locked(values: argparse.Namespace) -> str:
    """Return the file of the answers given over the defaults; what the file given has measured stays measured."""
    from sched_emulator import __version__  # noqa: PLC0415 - read from the package's metadata only when asked for
    from sched_emulator.spec import answer_files, assumptions  # noqa: PLC0415 - both read YAML

    answers = assumptions.preset(values.dialect) | serve.answers_said(values.assumptions, dict(values.assume))
    known: dict[str, str | int] = {}
    if values.assumptions is not None:
        text = files.read_text(values.assumptions, "--assumptions")
        known = answer_files.measured_in(text, str(values.assumptions))
    measured = {name for name, answer in known.items() if answers[name] == answer}
    return answer_files.locked(answers, measured, f"of sched-emulator {__version__}")


def _in_force(values: argparse.Namespace) -> dict[str, Any] | None:
    """Return the answers of a running emulator's sandbox, if one was named."""
    if values.url is None and values.key is None:
        return None
    return connection.sandbox_of(values).assumptions.get()


def _as_json(assumption: "Assumption", answer: str | int | None) -> dict[str, Any]:
    told: dict[str, Any] = {
        "id": assumption.id,
        "kind": assumption.kind,
        "question": assumption.question,
        "documentation": {"lines": list(assumption.lines), "says": assumption.place},
        "answers": dict(assumption.answers),
        "minimum": assumption.minimum,
        "maximum": assumption.maximum,
        "default": assumption.default,
        "observed": assumption.observed,
        "why": assumption.why,
        "evidence": [{"strength": item.strength, "says": item.says} for item in assumption.evidence],
        "probe": assumption.probe,
        "in_force": answer,
    }
    return {name: value for name, value in told.items() if value not in (None, {}, [])}


def _explain(assumption: "Assumption", answer: str | int | None) -> None:
    paragraph(f"{styled(assumption.id, 'bold')}: {assumption.question}")
    lines = ", ".join(map(str, assumption.lines))
    place = f"line {lines}: " if len(assumption.lines) == 1 else f"lines {lines}: " if lines else ""
    _told("The documentation", f"{place}{assumption.place}")
    if assumption.answers:
        say(styled("Answers", "bold"))
        for word, sentence in assumption.answers.items():
            paragraph(f"  {styled(word, 'green')}: {sentence}", indent="    ")
    else:
        _told("Answers", assumption.possible)
    default = str(assumption.default)
    if assumption.observed is not None:
        default += f"; in the dialect observed {assumption.observed}"
    _told("Default", default)
    if answer is not None:
        _told("In force", str(answer))
    _told("Why", assumption.why)
    for item in assumption.evidence:
        _told(f"Evidence from {_SOURCES.get(item.strength, item.strength)}", item.says)
    _told("How to measure it", assumption.probe)
    _how_to_set(assumption)


def _told(title: str, text: str) -> None:
    paragraph(f"{styled(title, 'bold')}: {' '.join(text.split())}", indent="  ")


def _how_to_set(assumption: "Assumption") -> None:
    other = _other_answer(assumption)
    body = json.dumps({assumption.id: other})
    say(styled("How to set it", "bold"))
    table(
        [
            ("  command line", f"sched-emulator serve --assume {assumption.id}={other}"),
            ("  TOML file", f"{assumption.id} = {json.dumps(other)}"),
            ("  Python", f"box.assumptions.set({body})"),
            ("  control API", f"PUT /_emulator/assumptions {body}"),
        ]
    )


def _other_answer(assumption: "Assumption") -> str | int:
    if assumption.answers:
        return next(word for word in assumption.answers if word != assumption.default)
    assert isinstance(assumption.default, int)
    top = assumption.maximum
    return assumption.default + 1 if top is None or assumption.default < top else assumption.default - 1
