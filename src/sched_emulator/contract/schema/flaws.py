"""Flaws found by generated requests: told once for each cause, however many operations and phases met it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from sched_emulator.contract.results import Exchange, Result, Status

SHOWN = 5


@dataclass(slots=True)
class Flaw:
    """Something documented that is not so. What has one `cause` is one flaw; `subjects` are the operations missing."""

    cause: str
    came: str
    expected: str
    exchange: Exchange
    subjects: list[str] = field(default_factory=list)

    def sentence(self, more: int) -> str:
        """Return what came in one line, and in how many more checks."""
        came = f"{self.came}: {', '.join(self.subjects)}" if self.subjects else self.came
        return f"{came} (and in {more} more checks)" if more else came


@dataclass(slots=True)
class Judged:
    """What became of a check, and the flaws that it met, by cause."""

    result: Result
    flaws: dict[str, Flaw] = field(default_factory=dict)

    def meet(self, flaw: Flaw) -> None:
        """Note a flaw; of two exchanges that show it the shorter is kept."""
        known = self.flaws.setdefault(flaw.cause, flaw)
        known.subjects += [name for name in flaw.subjects if name not in known.subjects]
        if len(flaw.exchange.curl()) < len(known.exchange.curl()):
            known.came, known.exchange = flaw.came, flaw.exchange


def each_once(judged: Sequence[Judged]) -> Iterator[Result]:
    """Yield the results of checks that met flaws: each flaw fails the first check that met it, and no other."""
    met: dict[str, list[Judged]] = {}
    for item in judged:
        for cause in item.flaws:
            met.setdefault(cause, []).append(item)
    for item in judged:
        first = {cause: flaw for cause, flaw in item.flaws.items() if met[cause][0] is item}
        if first:
            yield _failed(
                item.result, [(_whole(flaw, met[flaw.cause]), len(met[flaw.cause])) for flaw in first.values()]
            )
        else:
            others = dict.fromkeys(met[cause][0].result.check.address for cause in item.flaws)
            item.result.status = Status.NOT_CHECKED
            item.result.reason = f"it met what {' and '.join(others)} tells, and nothing else"
            yield item.result


def _whole(flaw: Flaw, met: Sequence[Judged]) -> Flaw:
    subjects = dict.fromkeys(name for item in met for name in item.flaws[flaw.cause].subjects)
    return Flaw(flaw.cause, flaw.came, flaw.expected, flaw.exchange, list(subjects))


def _failed(result: Result, flaws: Sequence[tuple[Flaw, int]]) -> Result:
    lines = [flaw.sentence(count - 1) for flaw, count in flaws[:SHOWN]]
    if len(flaws) > SHOWN:
        lines.append(f"and {len(flaws) - SHOWN} more")
    result.status, result.reason = Status.FAILED, "\n".join(lines)
    result.expected = "; ".join(dict.fromkeys(flaw.expected for flaw, _ in flaws[:SHOWN]))
    result.exchanges = [flaw.exchange for flaw, _ in flaws[:SHOWN]]
    return result
