"""Measures which requests each check sends, for the plans: run as a module, it writes costs.json."""

import json
from collections import Counter
from pathlib import Path
from urllib.parse import urlsplit

from .created import operation_at
from .ledger import shapes
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

    def beat(self, _done: int, _all_checks: int) -> None:
        """Hear that the run goes on."""

    def say(self, _text: str) -> None:
        """Hear something else."""


def measured(report: Report) -> tuple[dict[str, dict[str, int]], dict[str, list[str]]]:
    """Return by address how often each operation was sent, steps of a clock apart; and the questions that were asked.

    What is no operation counts as `other`. Names and forms are known anyway where a check is made.
    """
    counts, asked = {}, {}
    for result in report.results:
        if result.check.aspect == "choices":  # what others have asked
            continue
        sent = [item for item in result.exchanges if item.status is not None and "/_emulator/" not in item.url]
        found = [operation_at(item.method, urlsplit(item.url).path) for item in sent]
        names = Counter("other" if item is None else item[0].short for item in found)
        counts[result.check.address] = dict(sorted(names.items()))
        known = set() if result.check.aspect == "probes" else set(shapes())
        if wanted := sorted(set(result.asked) - known):
            asked[result.check.address] = wanted
    return counts, asked


def main() -> None:
    """Run probes and scenarios against an emulator in real time, and write what they cost."""
    only = ("[!s]*",)  # all but schema/…
    report = Run(Settings(target="emulator", seed=1, only=only, real_time=True, measured=True), Silent()).perform()
    sends, asks = (
        ",\n".join(f"    {json.dumps(address)}: {json.dumps(said)}" for address, said in sorted(part.items()))
        for part in measured(report)
    )
    text = f'{{\n  "sends": {{\n{sends}\n  }},\n  "asks": {{\n{asks}\n  }}\n}}\n'
    Path(__file__).with_name("costs.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
