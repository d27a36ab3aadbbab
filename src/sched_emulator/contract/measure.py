"""Measures how many requests each check sends, for the plans: run as a module, it writes costs.json."""

import json
from pathlib import Path

from .plan import Plan
from .report import Report
from .results import Result
from .runner import Run
from .settings import Settings


class Silent:
    """Listens and says nothing."""

    def planned(self, _plan: Plan) -> None:
        """Hear what will be done."""

    def finished(self, _result: Result, _done: int, _all_checks: int) -> None:
        """Hear what became of a check."""

    def say(self, _text: str) -> None:
        """Hear something else."""


def measured(report: Report) -> dict[str, int]:
    """Return the number of requests to the target by address, steps of a clock apart."""
    counts = {}
    for result in report.results:
        sent = [item for item in result.exchanges if item.status is not None and "/_emulator/" not in item.url]
        counts[result.check.address] = len(sent)
    return counts


def main() -> None:
    """Run probes and scenarios against an emulator in real time, and write what they cost."""
    only = ("[!s]*", "s[!c]*")  # all but schema/…
    report = Run(Settings(target="emulator", seed=1, only=only, real_time=True), Silent()).perform()
    text = json.dumps(dict(sorted(measured(report).items())), indent=2)
    Path(__file__).with_name("costs.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
