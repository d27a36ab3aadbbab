"""The live view: a line of progress where a person looks, failures as they come, and a summary."""

import sys
import threading
import time
from collections.abc import Callable
from typing import TextIO

from sched_emulator.contract.plan import Plan
from sched_emulator.contract.report import Report, Tally
from sched_emulator.contract.results import Result, Status
from sched_emulator.output import counted, emit, for_terminal, ink

WIDTH = 24
HEARTBEAT_SECONDS = 10
SHOWN_BODY_CHARS = 700
CODES = {"good": "32", "bad": "31", "unsure": "33", "dim": "2", "bold": "1"}


class Terminal:
    """A listener of runs that writes to a terminal or a log."""

    def __init__(
        self,
        stream: TextIO | None = None,
        *,
        colour: bool | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._stream = stream or sys.stdout
        self._live = self._stream.isatty()
        self._colour = self._live if colour is None else colour
        self._lock = threading.Lock()
        self._clock = clock
        self._beaten_at: float | None = None

    def planned(self, plan: Plan) -> None:
        """Say what will be done."""
        self._beaten_at = None if plan.virtual else self._clock()
        for sentence in plan.sentences():
            self.say(sentence)

    def finished(self, result: Result, done: int, all_checks: int) -> None:
        """Move the line of progress; show a failure at once."""
        if result.status in {Status.FAILED, Status.ERROR}:
            self.say(f"{self._styled('✗', 'bad')} {result.check.address} {result.check.title}")
            self.say(f"    {' '.join(result.reason.split())[:300]}")
        if self._live:
            filled = WIDTH * done // max(all_checks, 1)
            bar = "█" * filled + "░" * (WIDTH - filled)
            with self._lock:
                emit(self._stream, f"\r\x1b[K{bar} {done}/{all_checks} {result.check.address}\r", flush=True)

    def beat(self, done: int, all_checks: int) -> None:
        """Write a line now and then that says how far a run in real time is, where nobody sees a line of progress."""
        now = self._clock()
        if not self._live and self._beaten_at is not None and now - self._beaten_at >= HEARTBEAT_SECONDS:
            self._beaten_at = now
            self.say(f"… {done} of {all_checks} checks done")

    def say(self, text: str) -> None:
        """Write a line."""
        with self._lock:
            emit(self._stream, ("\r\x1b[K" if self._live else "") + for_terminal(text) + "\n", flush=True)

    def summarise(self, report: Report) -> None:
        """Write what was found."""
        for result in report.failures:
            self._failure(report, result)
        self._differences(report)
        self._changes(report)
        self.say("")
        self._tally("names, forms and behaviour", report.shapes)
        self._tally("what happens as time passes", report.times)
        self.say(f"{'open questions':28} {report.probes.checked} of {report.probes.all} answered")
        self._not_checked(report)
        for name in report.left_over:
            self.say(self._styled(f"could not be deleted: {name}", "unsure"))
        if report.left_over:
            self.say(f"later: {report.settings.command(f'--cleanup {report.settings.prefix}')}")
        style = {0: "good", 1: "bad", 2: "unsure"}[report.exit_status]
        self.say(self._styled(report.verdict, style))
        self.say(f"{counted(report.requests, 'request')}, {report.seconds:.1f} s, seed {report.settings.seed}")

    def _failure(self, report: Report, result: Result) -> None:
        check = result.check
        lines = f", documentation {', '.join(f'line {line}' for line in check.lines)}" if check.lines else ""
        self.say("")
        self.say(self._styled(f"✗ {check.address} {check.title}", "bold"))
        self.say(f"  {check.warrant}{lines}")
        self.say(f"  expected: {result.expected or check.title}")
        self.say(f"  came:     {result.reason}")
        for exchange in result.exchanges[-2:]:
            self.say(f"    {exchange.curl()[:SHOWN_BODY_CHARS]}")
            self.say(self._styled(f"      {exchange.came()[:SHOWN_BODY_CHARS]}", "dim"))
        self.say(f"  repeat:   {report.repeat(result)}")

    def _differences(self, report: Report) -> None:
        """Tell what the target does otherwise than the emulator where nobody promised anything."""
        if report.differences:
            self.say("")
            self.say(self._styled("Your tests cannot rely on what follows: nothing documented says so.", "bold"))
        for result in report.differences:
            self.say(f"≠ {result.check.address} {result.check.title}")
            self.say(f"    here: {' '.join(result.reason.split())[:SHOWN_BODY_CHARS]}")

    def _changes(self, report: Report) -> None:
        if report.changes is not None:
            self.say("")
            self.say(
                self._styled("Since the earlier run:" if report.changes else "Nothing changed since then.", "bold")
            )
        for sentence in report.changes or ():
            self.say(f"  {sentence}")

    def _tally(self, name: str, tally: Tally) -> None:
        self.say(f"{name:28} {tally.checked} of {tally.all} checked, {tally.passed} of {tally.checked} passed")

    def _not_checked(self, report: Report) -> None:
        by_reason: dict[str, int] = {}
        for result in report.results:
            if result.status == Status.NOT_CHECKED:
                by_reason[result.reason] = by_reason.get(result.reason, 0) + 1
        for reason, count in by_reason.items():
            self.say(self._styled(f"not checked ({count}): {reason}", "dim"))

    def _styled(self, text: str, style: str) -> str:
        return ink(text, f"{CODES[style]}m") if self._colour else text
