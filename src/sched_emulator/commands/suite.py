"""What `contract` and `calibrate` do: the contract suite for the values of their options."""

import argparse
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from sched_emulator import files
from sched_emulator.config import UsageError
from sched_emulator.contract import calibration, catalogue, cleanup, reliance, reports
from sched_emulator.contract.calibration import Finding
from sched_emulator.contract.plan import every_check, refuse_keyless, refuse_unmet
from sched_emulator.contract.reports.terminal import Terminal
from sched_emulator.contract.results import Result, Warrant
from sched_emulator.contract.runner import CannotJudge, Run
from sched_emulator.contract.settings import Settings
from sched_emulator.output import counted
from sched_emulator.spec import assumptions

from .options import key_in
from .terminal import complain, paragraph, say, styled, table


def judge(values: argparse.Namespace) -> int:
    """Run the suite, or list it, or clean up after it."""
    settings = settings_of(values)
    if values.list:
        return _list(settings)
    if values.cleanup is not None:
        return _clean_up(settings, values.cleanup)
    return _judge(settings, values.prog)


def _judge(settings: Settings, prog: str) -> int:
    terminal = Terminal()
    try:
        report = Run(settings, terminal).perform()
    except CannotJudge as error:
        complain(prog, error)
        return 2
    terminal.summarise(report)
    if settings.report_dir is not None:
        for path in reports.write(report, settings.report_dir):
            say(f"wrote {path}")
    return report.exit_status


def settings_of(values: argparse.Namespace) -> Settings:
    """Return the suite's settings for the values of the options; `calibrate` has fewer of them."""
    paths = {
        name: getattr(values, name, None)
        for name in ("known", "report_dir", "assumptions", "scenarios", "baseline", "record")
    }
    given: dict[str, Any] = {name: Path(text) for name, text in paths.items() if text is not None}
    more = ("allow_writes", "max_requests", "max_usd", "rate", "callback_url", "callback_listen", "real_time")
    given |= {name: getattr(values, name) for name in more}
    given |= {
        name: getattr(values, name) for name in ("only", "fail_fast", "examples", "hold") if hasattr(values, name)
    }
    if values.seed is not None:
        given["seed"] = values.seed
    key = key_in(values.api_key_env)
    return Settings(values.target, key=key, key_variable=values.api_key_env, prefix_given=values.prefix, **given)


def _list(settings: Settings) -> int:
    found = catalogue.load(settings.scenarios)
    refuse_unmet("--only", settings.only, found)
    for check in every_check(found):
        if settings.only and not any(fnmatchcase(check.address, glob) for glob in settings.only):
            continue
        say(f"{check.address:34} {check.warrant:13} {check.title}")
    return 0


def _clean_up(settings: Settings, prefix: str) -> int:
    refuse_keyless(settings, catalogue.load())
    left = cleanup.by_prefix(settings, prefix, say)
    for name in left:
        say(f"could not be deleted: {name}")
    return 1 if left else 0


def calibrate(values: argparse.Namespace) -> int:
    """Probe the target and write what was observed; status 2 when the target cannot be looked at."""
    date = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    settings = settings_of(values)
    before, questions = "", list(assumptions.catalogue())
    if (relied := getattr(values, "for")) is not None:
        wanted = reliance.open_questions(relied)
        if not wanted:
            say(f"{relied} has no open question: nothing was asked, and nothing was written")
            return 0
        questions = reliance.with_what_they_need(wanted, catalogue.load())
        before = _said_before(values.out)
    terminal = Terminal()
    try:
        report = Run(_asking(settings, questions, choices=relied is None), terminal).perform()
    except CannotJudge as error:
        complain(values.prog, error)
        return 2
    findings = [calibration.finding(item) for item in calibration.observed(report.results, questions, report.stopped)]
    text = calibration.document(
        findings,
        target=settings.target,
        date=date,
        secret=settings.key,
        requests=report.requests,
        results=report.results,
    )
    files.write(values.out, calibration.continued(text, before, questions) if before else text, "--out")
    for line in [report.stopped, *(f"could not be deleted: {name}" for name in report.left_over)]:
        if line is not None:
            terminal.say(line)
    _tell(findings, report.differences)
    say(f"wrote {values.out}, for `sched-emulator serve --assumptions {values.out}`")
    return 0


def _asking(settings: Settings, questions: Sequence[str], *, choices: bool) -> Settings:
    """Return the settings of a run that asks questions and, where requests cost nothing, for what cannot be set."""
    only = [f"probe/{question}" for question in questions]
    if choices and not settings.paid:
        found = catalogue.load().scenarios.values()
        only += [check.address for check in found if check.warrant == Warrant.CHOICE]
    return replace(settings, only=tuple(only), hold=("documented",))


def _said_before(out: Path) -> str:
    """Return what stands in the file to write, to be gone on with. UsageError when that cannot be."""
    if not out.exists():
        return ""
    text = files.read_text(out, "--out")
    if re.search(r"^\s*\[", text, re.MULTILINE):
        raise UsageError(f"--out: {out} has tables; expected a file that `calibrate` has written, or a new one")
    return text


def _tell(findings: Sequence[Finding], differences: Sequence[Result]) -> None:
    """Tell what is known now: answers other than the defaults, why others are not known, and what cannot be set."""
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
    if differences:
        things, are = counted(len(differences), "thing"), "is" if len(differences) == 1 else "are"
        say(styled(f"{things} that no answer sets {are} otherwise than here: the file's end says which.", "bold"))
