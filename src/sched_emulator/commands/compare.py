"""`sched-emulator compare`: what recorded traffic says of the open questions, and what no answer explains."""

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sched_emulator import files
from sched_emulator.config import UsageError
from sched_emulator.output import printable, reason, write
from sched_emulator.recording.errors import RecordingError

from .options import Commands, Option, add_command
from .terminal import complain, paragraph, say, styled

if TYPE_CHECKING:
    from sched_emulator.compare.read import Traffic

OPTIONS = (
    Option("--assumptions", "answers that are known, a TOML file", "FILE", files.to_read),
    Option("--out", "write what is inferred there, as `serve --assumptions` loads it", "FILE.toml", files.to_write),
    Option("--report-dir", "write compare.html, .md and .json there", "DIR", files.folder_to_write),
    Option("--issue", "write the findings as a text for the vendor, without keys and payloads", default=False),
)
EXAMPLES = """  sched-emulator compare session.jsonl --out inferred.toml
  sched-emulator compare monday.jsonl tuesday.har --assumptions inferred.toml --report-dir reports
  sched-emulator compare session.jsonl --issue"""


def register(commands: Commands) -> None:
    """Add the command."""
    parser = add_command(
        commands,
        "compare",
        summary="Infer answers to the open questions from recorded traffic. "
        "Exit status 1 when something came that no answer explains, 2 when nothing can be judged.",
        examples=EXAMPLES,
        run=run,
        options=OPTIONS,
    )
    parser.add_argument(
        "recordings", type=Path, nargs="+", metavar="RECORDING", help="a recording, or a HAR file of another tool"
    )


def run(values: argparse.Namespace) -> int:
    """Compare, tell, write; 0 all is explained, 1 something is not, 2 nothing could be judged."""
    from sched_emulator.compare import infer, page, report, texts  # noqa: PLC0415 - nobody else pays for it
    from sched_emulator.spec import assumptions  # noqa: PLC0415 - reads YAML

    given: dict[str, Any] = {}
    if values.assumptions is not None:
        text = files.read_text(values.assumptions, "--assumptions")
        try:
            given = assumptions.parse_answers_toml(text, str(values.assumptions))
        except ValueError as error:
            raise UsageError(f"--assumptions: {error}") from None
    traffic = _read(values.recordings)
    judged = infer.judge(traffic, given, _progress)
    facts = report.facts(judged, [str(path) for path in values.recordings])
    if values.out is not None:
        files.write(values.out, texts.toml(facts), "--out")
    if values.report_dir is not None:
        told = {
            "compare.html": printable(page.render(facts)),
            "compare.md": texts.markdown(facts),
            "compare.json": json.dumps(facts, ensure_ascii=False, indent=2, default=str) + "\n",
        }
        _write(told, values.report_dir)
    if values.issue:
        write(sys.stdout, texts.issue(facts))
    else:
        _tell(facts, texts.sentence(facts))
    if not judged.judged and not judged.findings:
        complain(values.prog, "cannot judge: no exchange of the recording could be compared")
        return 2
    return 1 if facts["findings"] else 0


def _read(paths: list[Path]) -> "Traffic":
    from sched_emulator.compare.read import Traffic, add  # noqa: PLC0415 - as above
    from sched_emulator.recording.reader import Recording  # noqa: PLC0415 - as above

    traffic = Traffic()
    for path in paths:
        try:
            with Recording(path) as recording:
                add(traffic, path.name, recording, recording.header.receivers)
                if recording.cut_off:
                    traffic.told.append(f"{path.name}: the file ends within a line, which is left out")
        except RecordingError as error:
            raise UsageError(str(error)) from None
    return traffic


def _progress(done: int, of: int) -> None:
    if sys.stderr.isatty():
        write(sys.stderr, f"\r{done} of {of} parts compared" + ("\n" if done == of else ""), flush=True)


def _write(told: dict[str, str], folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"--report-dir: {folder} cannot be made: {reason(error)}") from None
    for name, text in told.items():
        files.write(folder / name, text, "--report-dir")


def _tell(facts: dict[str, Any], sentence: str) -> None:
    paragraph(sentence)
    for told in facts["told"]:
        paragraph(f"  {told}", indent="    ")
    for each in (*facts["findings"], *facts["differences"]):
        say()
        kind = styled("finding", "red") if each["warrant"] == "documented" else styled("difference", "yellow")
        paragraph(f"{kind}: {each['where']}, {each['operation']}: {each['field']}", indent="  ")
        paragraph(f"  expected {each['expected']}", indent="    ")
        paragraph(f"  came {each['came']}", indent="    ")
        paragraph(f"  {each['rests_on']}", indent="    ")
    if facts["inferred"] or facts["constants"]:
        say()
        say(styled("inferred", "bold"))
    for each in facts["inferred"]:
        proof = "; ".join(f"not {proof['not']}: {proof['where']}" for proof in each["proof"])
        paragraph(f"  {each['question']} = {each['answer']}  ({proof})", indent="    ")
    for each in facts["constants"]:
        value = f" = {each['value']}" if each["inferred"] else ""
        paragraph(f"  {each['constant']}{value}  ({each['between']})", indent="    ")
    if facts["undetermined"]:
        say()
        say(styled("undetermined", "bold"))
    for each in facts["undetermined"]:
        paragraph(f"  {each['question']}: {' or '.join(each['possible'])}", indent="    ")
