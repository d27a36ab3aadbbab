"""Flaws that several checks may meet: told once for each cause, however many met it."""

from collections.abc import Iterator, Sequence

from .results import Flaw, Result, Status, Warrant

SHOWN = 5


def each_once(results: Sequence[Result]) -> Iterator[Result]:
    """Yield the results of checks that met flaws: each flaw fails the first check that met it, and no other.

    The first that is documented and has not failed of itself, where there is one. A check that failed of itself stays
    as it is.
    """
    met: dict[str, list[Result]] = {}
    for item in sorted(results, key=lambda item: (_has_failed(item), item.check.warrant != Warrant.DOCUMENTED)):
        for cause in item.flaws:
            met.setdefault(cause, []).append(item)
    for item in results:
        first = {cause: flaw for cause, flaw in item.flaws.items() if met[cause][0] is item}
        if first:
            _fail(item, [(_whole(flaw, met[flaw.cause]), len(met[flaw.cause])) for flaw in first.values()])
        elif not _has_failed(item):
            others = dict.fromkeys(met[cause][0].check.address for cause in item.flaws)
            item.status = Status.NOT_CHECKED
            item.reason = f"it met what {' and '.join(others)} tells, and nothing else"
        yield item


def _has_failed(result: Result) -> bool:
    return result.status in {Status.FAILED, Status.DIFFERS, Status.ERROR}


def _whole(flaw: Flaw, met: Sequence[Result]) -> Flaw:
    subjects = dict.fromkeys(name for item in met for name in item.flaws[flaw.cause].subjects)
    return Flaw(flaw.cause, flaw.came, flaw.expected, flaw.exchange, list(subjects))


def _fail(result: Result, flaws: Sequence[tuple[Flaw, int]]) -> None:
    lines = [flaw.sentence(count - 1) for flaw, count in flaws[:SHOWN]]
    if len(flaws) > SHOWN:
        lines.append(f"and {len(flaws) - SHOWN} more")
    expected = dict.fromkeys(flaw.expected for flaw, _ in flaws[:SHOWN])
    if _has_failed(result):
        lines, expected = [result.reason, *lines], {result.expected: None, **expected}
    else:
        result.exchanges = [flaw.exchange for flaw, _ in flaws[:SHOWN]]
    result.status, result.reason, result.expected = Status.FAILED, "\n".join(lines), "; ".join(filter(None, expected))
