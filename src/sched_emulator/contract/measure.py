"""Measures which requests each check sends, for the plans: run as a module, it writes costs.json."""

import json
from collections import Counter
from http import HTTPStatus
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from .created import Created, deletions, operation_at
from .ledger import shapes
from .plan import Plan
from .report import Report
from .results import Exchange, Result
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


class Measured(NamedTuple):
    """By address: how often each operation was sent, what was left to delete, and on what answers and things it rests.

    What is no operation counts as `other`. What is shared has an address of its own.
    """

    sends: dict[str, dict[str, int]]
    leaves: dict[str, dict[str, int]]
    needs: dict[str, list[str]]


def measured(report: Report) -> Measured:
    """Return what the checks of a report have cost. Names and forms are known anyway where a check is made."""
    found = Measured({}, {}, {})
    for result in report.results:
        if result.check.aspect == "choices":  # what others have asked
            continue
        sent = [item for item in result.exchanges if item.status is not None and "/_emulator/" not in item.url]
        known = set() if result.check.aspect == "probes" else set(shapes())
        needs = {f"probe/{name}" for name in set(result.asked) - known}
        needs |= {f"shared/{item.shared}" for item in sent if item.shared}
        counts, left = _counts(result.check.address, sent), _left(result.check.address, sent)
        found.sends.update(counts)
        found.leaves.update(left)
        if needs:
            found.needs[result.check.address] = sorted(needs)
    return found


def _address(check: str, item: Exchange) -> str:
    """Return where an exchange counts: with the check, or with what it made for others, too."""
    return f"shared/{item.shared}" if item.shared else check


def _counts(check: str, sent: list[Exchange]) -> dict[str, dict[str, int]]:
    """Return by address how often each operation was sent."""
    counts: dict[str, Counter[str]] = {check: Counter()}
    for item in sent:
        operation = operation_at(item.method, urlsplit(item.url).path)
        counts.setdefault(_address(check, item), Counter())["other" if operation is None else operation[0].short] += 1
    return {address: dict(sorted(names.items())) for address, names in counts.items()}


def _left(check: str, sent: list[Exchange]) -> dict[str, dict[str, int]]:
    """Return by address how many things of each kind were made there, and are left."""
    there = Created()
    made_at: dict[tuple[str, str], str] = {}
    for item in sent:
        if item.status is not None and item.status < HTTPStatus.BAD_REQUEST:
            there.learn(item.method, urlsplit(item.url).path, item.body, item.response)
        for kind in deletions():
            for name in there.names(kind):
                made_at.setdefault((kind, name), _address(check, item))
    left: dict[str, Counter[str]] = {}
    for (kind, name), address in made_at.items():
        if name in there.names(kind):
            left.setdefault(address, Counter())[kind] += 1
    return {address: dict(sorted(kinds.items())) for address, kinds in left.items()}


def main() -> None:
    """Run probes and scenarios against an emulator in real time, and write what they cost."""
    only = ("[!s]*",)  # all but schema/…
    report = Run(Settings(target="emulator", seed=1, only=only, real_time=True, measured=True), Silent()).perform()
    parts = (
        f'  "{name}": {{\n'
        + ",\n".join(f"    {json.dumps(address)}: {json.dumps(said)}" for address, said in sorted(part.items()))
        + "\n  }"
        for name, part in measured(report)._asdict().items()
    )
    text = "{\n" + ",\n".join(parts) + "\n}\n"
    Path(__file__).with_name("costs.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
