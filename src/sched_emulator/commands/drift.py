"""`sched-emulator drift`: whether a gateway still says of itself what the specification says."""

import argparse
import json
from collections.abc import Iterable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from sched_emulator import files
from sched_emulator.config import UsageError
from sched_emulator.output import counted

from .options import Commands, Option, add_command, url
from .terminal import complain, paragraph, say, say_json, styled

if TYPE_CHECKING:
    from sched_emulator.drift.compare import Change, Report

OPTIONS = (
    Option("--target", "the gateway, such as https://api.infrai.cc", "URL", url),
    Option("--json", "write JSON", default=False),
    Option("--save", "keep what the gateway says there, for `serve --prices`", "FILE", files.to_write),
)
SPECIFICATION = "openapi/scheduling.yaml"
TOLD_SINGLY = 3
_MARKS = {"added": ("+", "green"), "gone": ("-", "red"), "changed": ("~", "yellow")}


def register(commands: Commands) -> None:
    """Add the command."""
    add_command(
        commands,
        "drift",
        summary="Compare a gateway's public, free /v1/discovery with the specification: "
        "exit status 1 when they differ, 2 when that could not be told.",
        examples="  sched-emulator drift --target https://api.infrai.cc\n"
        "  sched-emulator drift --target https://api.infrai.cc --save prices.json\n"
        "  sched-emulator drift --target http://127.0.0.1:8420 --json",
        run=run,
        options=OPTIONS,
    )


def run(values: argparse.Namespace) -> int:
    """Compare, tell, and say with the status whether anything has changed."""
    from sched_emulator.drift import compare  # noqa: PLC0415 - reads YAML
    from sched_emulator.drift.gateway import Gateway, GatewayError  # noqa: PLC0415 - nobody else pays for it

    if values.target is None:
        raise UsageError("--target: expected the URL of a gateway such as https://api.infrai.cc")
    gateway = Gateway(values.target)
    try:
        head, entries = gateway.listing()
        entries = [gateway.contract(entry) if compare.is_known(entry) else entry for entry in entries]
        report = compare.compare(entries)
    except GatewayError as error:
        complain(values.prog, f"cannot judge: {error}")
        return 2
    if not report.compared:
        listed = f"none of the {len(entries)} capabilities that {gateway.url} lists"
        complain(values.prog, f"cannot judge: {listed} is one of {SPECIFICATION}")
        return 2
    if values.save is not None:
        saved = {"target": gateway.url, **head, "capabilities": entries}
        files.write(values.save, json.dumps(saved, indent=1, ensure_ascii=False) + "\n", "--save")
    if values.json:
        say_json({"target": gateway.url, "version": head.get("version"), **_as_json(report)})
    else:
        _tell(gateway.url, head, report)
        if values.save is not None:
            say(f"Saved in {values.save}, {_priced(saved)}.")
    return 1 if report.changes else 0


def _priced(saved: dict[str, Any]) -> str:
    from sched_emulator.spec import prices  # noqa: PLC0415 - reads YAML

    found = prices.read(saved)
    billed = sum(price.usd > 0 for price in found.values())
    return f"with prices of {counted(len(found), 'operation')}, {billed} of them above 0" if found else "without prices"


def _as_json(report: "Report") -> dict[str, Any]:
    changes = [
        {name: value for name, value in asdict(change).items() if value is not None} for change in report.changes
    ]
    return {"compared": report.compared, "changes": changes, "unknown": report.unknown}


def _tell(url: str, head: dict[str, Any], report: "Report") -> None:
    version = f" (version {head['version']})" if "version" in head else ""
    count = len(report.changes)
    found = f"{count} change{'s' if count > 1 else ''}" if count else "no change"
    paragraph(f"{report.compared} operations of {url}{version} compared with {SPECIFICATION}: {styled(found, 'bold')}.")
    said = ((_sentence(change), change.operation) for change in report.changes)
    places = _by_places(said, all_of=report.compared, told_singly=TOLD_SINGLY)
    kinds = {_sentence(change): change.kind for change in report.changes}
    for place, sentences in places.items():
        say()
        paragraph(styled(place, "bold"))
        for sentence in sentences:
            mark, colour = _MARKS[kinds[sentence]]
            say(f"  {styled(mark, colour)} {sentence}")
    if report.unknown:
        say()
        say("The gateway does not say, so this is unknown:")
        parts = ((part, name) for name, parts in report.unknown.items() for part in parts)
        for place, names in _by_places(parts, all_of=report.compared, told_singly=1).items():
            paragraph(f"  {place}: {', '.join(names)}", indent="    ")


def _by_places(said: Iterable[tuple[str, str]], *, all_of: int, told_singly: int) -> dict[str, list[str]]:
    """Gather what is said by the operation it is said of; what is said of more than a few is said once for all."""
    operations: dict[str, list[str]] = {}
    for text, operation in said:
        operations.setdefault(text, []).append(operation)
    places: dict[str, list[str]] = {}
    for text, names in operations.items():
        joined = ["all operations"] if len(names) == all_of else [", ".join(names)]
        for name in names if len(names) <= told_singly else joined:
            places.setdefault(name, []).append(text)
    return places


def _sentence(change: "Change") -> str:
    """Say in a few words what has changed."""
    subject = {"error": "error code", "operation": "operation"}.get(change.what, "parameter")
    if change.what in {"id", "method", "path", "availability"}:
        return f"{change.what}: {change.now}, was {change.was}"
    if change.what == "retryable":
        return f"error code {change.name}: {change.now}, was {change.was}"
    if change.kind == "changed":
        aspect = {"type": " of type", "values": " takes", "required": ""}[change.what]
        return f"parameter {change.name}:{aspect} {change.now}, was {change.was}"
    details = change.now or change.was
    words = [subject, *([change.name] if change.name else [])]
    return " ".join(words) + (f" ({details})" if details else "")
