"""`sched-emulator calibrate`: what a target answers to the open questions, as a file that the emulator loads."""

import argparse
import os
import sys
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sched_emulator.config import UsageError

from .contract import TARGET_OPTIONS, settings_of, suite
from .options import Commands, Option, add_command
from .terminal import paragraph, say, styled, table


def _out(text: str, option: str) -> Path:
    path = Path(text)
    if path.is_dir() or not path.absolute().parent.is_dir():
        raise UsageError(f"{option}: {text!r} cannot be written; expected a file in a folder that exists")
    return path


OPTIONS = (*TARGET_OPTIONS, Option("--out", "the file to write", "FILE.toml", _out))


def register(commands: Commands) -> None:
    """Add the command."""
    add_command(
        commands,
        "calibrate",
        summary="Measure what a target answers to the open questions, and write it as a file for --assumptions. "
        "The rules of `contract` for targets that cost money are kept.",
        examples="  sched-emulator calibrate --target https://api.infrai.cc --allow-writes --out gateway.toml\n"
        "  sched-emulator calibrate --target http://127.0.0.1:8420 --out local.toml\n"
        "  sched-emulator serve --assumptions gateway.toml",
        run=run,
        options=OPTIONS,
    )


def run(values: argparse.Namespace) -> int:
    """Probe the target and write the file; status 2 when the target cannot be looked at."""
    if values.out is None:
        raise UsageError("--out: expected the file to write, such as gateway.toml")
    runner, calibration = suite("runner"), suite("calibration")
    settings = settings_of(values)
    date = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    try:
        observations, requests = runner.observe(settings, Listener())
    except runner.CannotJudge as error:
        sys.stderr.write(f"{values.prog}: {error}\n")
        return 2
    findings = [calibration.finding(observation) for observation in observations]
    text = calibration.document(findings, target=settings.target, date=date, secret=settings.key, requests=requests)
    _write(values.out, text)
    _tell(findings)
    say(f"wrote {values.out}, for `sched-emulator serve --assumptions {values.out}`")
    return 0


class Listener:
    """Tells what is planned, and what else there is to say."""

    def planned(self, plan: Any) -> None:
        """Say what will be done, before it is."""
        for sentence in plan.sentences():
            paragraph(sentence)

    def finished(self, result: Any, done: int, all_checks: int) -> None:
        """Nothing is said of single checks."""

    def say(self, text: str) -> None:
        """Pass on what else there is to say."""
        paragraph(text)


def _write(path: Path, text: str) -> None:
    """Write the file whole or not at all."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        beside.write_text(text, encoding="utf-8")
        beside.replace(path)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise UsageError(f"--out: {path} cannot be written: {error.strerror}") from None


def _tell(findings: Sequence[Any]) -> None:
    """Tell what is known now: answers other than the defaults, and why others are not known."""
    from sched_emulator.spec import assumptions  # noqa: PLC0415 - reads YAML

    defaults = assumptions.defaults()
    other = [item for item in findings if item.value not in {None, defaults[item.observation.question]}]
    known = sum(item.value is not None for item in findings)
    say()
    say(styled(f"{known} of {len(findings)} questions answered, {len(other)} otherwise than by default:", "bold"))
    table([(f"  {item.observation.question}", str(item.value), item.remark) for item in other], [None, "green"])
    reasons = Counter(item.remark for item in findings if item.value is None)
    if reasons:
        say(styled(f"{len(findings) - known} left at their defaults:", "bold"))
    for reason, count in reasons.most_common():
        names = [item.observation.question for item in findings if item.value is None and item.remark == reason]
        paragraph(f"  {', '.join(names) if count <= 3 else f'{count} questions'}: {reason}", indent="    ")
