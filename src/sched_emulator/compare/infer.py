"""What parts say of the open questions: what is inferred, ruled out and undetermined, and what nothing explains.

Constants are found by trying values that the traffic suggests where no world is left; an answer counts as ruled out
only where no such value saves it either.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice, pairwise

from sched_emulator.spec import assumptions

from . import numbers, shapes
from .bounds import bound, hidden
from .explain import Explained, constants_by_default, replayed
from .found import record_and_field
from .parts import Part, split
from .read import Traffic
from .step import Freedom
from .verdicts import ROUND, Bounds, Verdict
from .wording import number_of
from .worlds import behaviours

MONOTONE = ("queue.max_messages", "idempotency.")  # constants that do more, the greater they are
PROBES = 4  # values of the others that are tried for making a difference, where an answer is to be refuted
IN_ANOTHER_ORDER = "a standard queue hands out otherwise than in the order of publishing (choice queue.standard_order)"
SHOWN = {  # the constants that results show, by the field
    "max_retries": ("queue.max_retries", 1),
    "visibility_timeout_default_ms": ("queue.visibility_timeout_seconds", 1000),
    "retention_days": ("run.retention_days", 1),
}
MOST_REPAIRS = 4  # constants of one part that are not the default
MOST_WAYS = 3  # constants of which either may explain a difference, that are followed
MOST_VALUES = 40
ENDLESS = ("limits.message_bytes", "page.default_limit", "page.max_limit")  # in replays: see `numbers`
MOST_FINDINGS = 8  # of one part, after which the rest of it is not judged
MANY_AT_ONCE = "more ran side by side than whose orders can be tried; in which order a queue hands out is not judged"
TOO_MANY = f"what they belong to has {MOST_FINDINGS} findings already"
DAYS = (1, 2, 3, 4, 5, 7, 10, 14, 15, 20, 21, 28)
DAY_MS = 86_400_000


@dataclass(slots=True)
class Finding:
    """What no answer explains."""

    part: Part
    explained: Explained


@dataclass(slots=True)
class Judged:
    """All that came of comparing."""

    traffic: Traffic
    parts: list[tuple[Part, Explained]] = field(default_factory=list)
    verdicts: dict[str, Verdict] = field(default_factory=dict)
    constants: dict[str, Bounds] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    judged: int = 0


def judge(
    traffic: Traffic, given: Mapping[str, str | int] | None = None, progress: Callable[[int, int], object] | None = None
) -> Judged:
    """Compare all that was read with what the core would have done; `given` are answers that are known."""
    found = Judged(traffic, told=list(traffic.told))
    known = given or {}
    box = {name: frozenset({str(known[name])}) for name in behaviours() if name in known}
    constants = constants_by_default() | {name: value for name, value in known.items() if isinstance(value, int)}
    constants |= dict.fromkeys(ENDLESS, 10**9)
    traffic.items, found.constants = numbers.looked_up(traffic.items, known)
    parts = split(traffic)
    unjudged: dict[str, int] = {}
    compared: set[int] = set()
    for number, part in enumerate(parts):
        if part.unjudged:
            unjudged[part.unjudged] = unjudged.get(part.unjudged, 0) + len(part.items)
            continue
        explained, findings = explain(part, constants, box)
        found.parts.append((part, explained))
        _narrow_all(found, part, explained, constants, box)
        explained.worlds, explained.before = [], {}  # a long recording has many
        compared.update(explained.numbers)
        compared.update(alike for number in explained.numbers for alike in part.alike.get(number, ()))
        found.findings += [Finding(part, each) for each in findings]
        for why in explained.passed.values():
            unjudged[why] = unjudged.get(why, 0) + 1
        if explained.finding:
            unjudged[TOO_MANY] = unjudged.get(TOO_MANY, 0) + len(part.items) - explained.steps - 1
        if explained.freedom.order and not _side_by_side(part):
            found.told.append(f"{part.items[0].place} and on: {IN_ANOTHER_ORDER}")
        if explained.unordered is not None:
            found.told.append(f"{explained.unordered.place} and on: {MANY_AT_ONCE}")
        if explained.ended:
            unjudged[explained.ended] = unjudged.get(explained.ended, 0) + len(part.items) - explained.steps
        if progress is not None:
            progress(number + 1, len(parts))
    found.judged = len(compared)
    found.told += [f"{number_of(count, 'exchange', 'is/are not judged')}: {why}" for why, count in unjudged.items()]
    _conclude(found, constants, known)
    return found


def explain(
    part: Part, constants: Mapping[str, str | int], box: Mapping[str, frozenset[str]]
) -> tuple[Explained, list[Explained]]:
    """Replay a part; where no world is left, try other constants, and leave free what may have been free.

    What nothing explains is a finding: all goes on as it was answered, as often as something new is found. Return the
    last replay, and those that ended with a finding.
    """
    found = _explained(part, constants, box)
    findings: list[Explained] = []
    while found.finding and len(findings) < MOST_FINDINGS:
        assert found.item is not None
        assert found.difference is not None
        findings.append(found)
        told = (*record_and_field(found.item, found.difference), found.item.number)
        freedom = found.freedom._replace(told=(*found.freedom.told, told))
        like = (found, found.item.number)
        further = replayed(part, found.constants, box, freedom=freedom, like=like, bounded=False)
        further = _freer(part, found.constants, _repaired(part, further, box), box)
        further.ambiguous |= found.ambiguous
        found.worlds, found.before = [], {}
        found = further
    return found, findings


def _explained(part: Part, constants: Mapping[str, str | int], box: Mapping[str, frozenset[str]]) -> Explained:
    """Replay a part up to the first finding."""
    freedom = Freedom(order=_side_by_side(part))
    found = replayed(part, constants, box, freedom=freedom, bounded=False)
    if found.finding and any(item.operation == "scheduling.cron.create" for item in part.items):
        late = replayed(part, constants, box, freedom=freedom._replace(late=True), bounded=False)
        found = _further(found, late)
    return _freer(part, constants, _repaired(part, found, box), box)


def _freer(
    part: Part, constants: Mapping[str, str | int], found: Explained, box: Mapping[str, frozenset[str]]
) -> Explained:
    """Return the replay in which a standard queue may hand out in any order, where that leads further."""
    if found.finding and not found.freedom.order and _about_order(found):
        freer = replayed(part, constants, box, freedom=found.freedom._replace(order=True), bounded=False)
        found = _further(found, _repaired(part, freer, box))
    return found


def _further(found: Explained, freer: Explained) -> Explained:
    """Return the freer replay where it leads further."""
    return freer if not freer.finding or freer.steps > found.steps else found


def _about_order(found: Explained) -> bool:
    return found.item is not None and found.item.operation == "scheduling.queue.consume" and found.item.succeeded


def _side_by_side(part: Part) -> bool:
    ends_ms = -1
    for item in sorted(part.items, key=lambda item: item.raw.sent_at_ms):
        if item.raw.sent_at_ms < ends_ms:
            return True
        ends_ms = max(ends_ms, item.raw.received_at_ms)
    return False


def _repaired(part: Part, found: Explained, box: Mapping[str, frozenset[str]]) -> Explained:
    """Return a replay with another value of a constant where that leads further; at most a few of them."""
    part.tried = 0
    return _led_on(part, found, box, len(part.items), all_ways=True)


def _led_on(
    part: Part,
    found: Explained,
    box: Mapping[str, frozenset[str]],
    enough: int,
    *,
    all_ways: bool = False,
    repairs: int = MOST_REPAIRS,
) -> Explained:
    """Return a replay that leads as far as is enough, or as far as other values of constants lead.

    `all_ways`: try each constant that leads furthest, and note where there are several.
    """
    if _enough(found, enough) or not repairs:
        return found
    shown = _shown(part, found, box)
    if shown is not None:
        return _led_on(part, shown, box, enough, all_ways=all_ways, repairs=repairs - 1)
    ways = _ways(part, found, box, enough, all_ways=all_ways)
    furthest = max((_length(part, way) for way in ways.values()), default=(0, 0))
    best = {name: way for name, way in ways.items() if _length(part, way) == furthest}
    for way in list(best.values())[: MOST_WAYS if all_ways else 1]:
        led = _led_on(part, way, box, enough, all_ways=all_ways, repairs=repairs - 1)
        if len(best) > 1:
            led.ambiguous |= best.keys()
        if _length(part, led) > _length(part, found):
            found = led
        if _enough(found, enough):
            break
    return found


def _ways(
    part: Part, found: Explained, box: Mapping[str, frozenset[str]], enough: int, *, all_ways: bool
) -> dict[str, Explained]:
    """Return the replays that lead further, each under the best value of one constant; the first that is enough."""
    ways: dict[str, Explained] = {}
    for name in hidden(found):
        if (all_ways and not name.startswith(MONOTONE)) or _matters(part, found, box, name):
            way = _best(part, found, box, name, enough, all_ways=all_ways)
            if _length(part, way) > _length(part, found):
                ways[name] = way
            if not all_ways and _enough(way, enough):
                break
    return ways


def _length(part: Part, found: Explained) -> tuple[int, int]:
    """Return how far a replay led: to a difference, to a bound that refutes nothing, to the end."""
    if found.finding:
        return found.steps, found.reached
    return (len(part.items), found.steps) if found.ended else (len(part.items) + 1, 0)


def _shown(part: Part, found: Explained, box: Mapping[str, frozenset[str]]) -> Explained | None:
    """Return the replay under the value of a constant that a result shows, where that is what differs."""
    assert found.difference is not None
    name, unit = SHOWN.get(found.difference.field.rpartition(".")[2], ("", 1))
    came = found.difference.came
    if (
        name not in found.asked
        or not isinstance(came, int)
        or found.difference.expected != found.constants[name] * unit
    ):
        return None
    return _with(part, found, name, came // unit, box)


def _enough(found: Explained, enough: int) -> bool:
    return not found.finding or found.steps >= enough


def _best(
    part: Part, found: Explained, box: Mapping[str, frozenset[str]], name: str, enough: int, *, all_ways: bool
) -> Explained:
    """Return the replay under that value of a constant that leads furthest; the first that is enough."""
    best = found
    for value in _suggested(part, found, name):
        tried = _with(part, found, name, value, box)
        if _enough(tried, enough) and not (all_ways and tried.ended):
            return tried
        if _length(part, tried) > _length(part, best):
            best = tried
    return best


def _matters(part: Part, found: Explained, box: Mapping[str, frozenset[str]], name: str) -> bool:
    """Whether the least, the greatest or a likely value of a constant makes anything else of a difference."""
    entry = assumptions.catalogue()[name]
    values = [entry.minimum or 0, entry.maximum or 10**9]
    if not name.startswith(MONOTONE):
        values += _suggested(part, found, name)[:PROBES]
    tried = (_with(part, found, name, value, box) for value in values)
    return any(
        (each.steps, each.all_differences, each.ended) != (found.steps, found.all_differences, found.ended)
        for each in tried
    )


def _with(part: Part, found: Explained, name: str, value: int, box: Mapping[str, frozenset[str]]) -> Explained:
    constants = {**found.constants, name: value}
    return replayed(part, constants, box, freedom=found.freedom, like=(found, found.asked[name]))


def _suggested(part: Part, found: Explained, name: str) -> list[int]:
    """Return values of a constant that might explain a difference: the most likely first."""
    if name.endswith("_days"):
        suggested: Iterator[int] = _days(part, found)
    else:
        suggested = _seconds(part, found) if name.endswith("_seconds") else _counts(found)
    values = dict.fromkeys(suggested)
    entry = assumptions.catalogue()[name]
    least, most = entry.minimum or 0, entry.maximum or 10**9
    likely = (value for value in values if least <= value <= most and value != found.constants[name])
    return list(islice(likely, MOST_VALUES))


def _counts(found: Explained) -> Iterator[int]:
    assert found.item is not None
    assert found.difference is not None
    if isinstance(found.difference.came, int) and not isinstance(found.difference.came, bool):
        yield found.difference.came
    if isinstance(found.item.result, dict) and isinstance(found.item.result.get("messages"), list):
        yield len(found.item.result["messages"])
    yield from range(6)
    yield 10


def _days(part: Part, found: Explained) -> Iterator[int]:
    """Yield days that end before the exchange that differs, the longest first, and 0."""
    assert found.item is not None
    elapsed = (found.item.high_ms - part.items[0].low_ms) // DAY_MS
    yield from (value for value in reversed(DAYS) if value <= elapsed)
    yield 0


def _seconds(part: Part, found: Explained) -> Iterator[int]:
    """Yield durations that end between an earlier exchange and the one that differs: round ones first."""
    item, difference = found.item, found.difference
    assert item is not None
    assert difference is not None
    if isinstance(difference.came, int) and not isinstance(difference.came, bool):
        yield difference.came // 1000
    times_ms = [came.at_ms for came in part.came]
    gaps_ms = [later - earlier for earlier, later in pairwise(times_ms)]
    yield from (round(gap_ms / 1000) for gap_ms in sorted(set(gaps_ms))[:8])
    for other in reversed([other for other in part.items if other.high_ms <= item.low_ms][-4:]):
        elapsed = (item.low_ms - other.high_ms) // 1000
        yield from (value for value in reversed(ROUND) if elapsed // 2 <= value <= elapsed)
        yield elapsed
        yield elapsed + 1
    yield from ROUND


def _narrow_all(
    found: Judged,
    part: Part,
    explained: Explained,
    constants: Mapping[str, str | int],
    box: Mapping[str, frozenset[str]],
) -> None:
    """Put together what the parts say: an answer is possible where it is possible in every part.

    What was refuted first comes first, because it takes the least to look for what saves it.
    """
    names = [name for name in explained.asked if name in behaviours() and name not in box]
    verdicts = [found.verdicts.setdefault(name, Verdict(name, behaviours()[name])) for name in names]
    first: dict[str, int] = {}
    for (name, _), item in explained.refuted.items():
        first[name] = min(item.number, first.get(name, item.number))
    for verdict in sorted(verdicts, key=lambda verdict: first.get(verdict.question, 0)):
        _narrow(verdict, part, explained, constants, box)


def _conclude(found: Judged, constants: Mapping[str, str | int], known: Mapping[str, str | int]) -> None:
    """Judge the shapes; leave open where recordings contradict each other."""
    for name, verdict in shapes.judge(found.traffic.items).items():
        if name not in known:
            found.verdicts[name] = verdict
        elif known[name] not in verdict.possible:
            item = verdict.proof[str(known[name])]
            found.told.append(f"{item.place}: {name} is not {known[name]} here, which was taken for granted")
    for name, verdict in found.verdicts.items():
        if not verdict.possible:
            found.told.append(f"{name}: the recordings contradict each other, so it is undetermined")
            found.verdicts[name] = Verdict(name, frozenset(assumptions.catalogue()[name].answers))
    bound(found.parts, found.constants, constants)


def _narrow(
    verdict: Verdict,
    part: Part,
    explained: Explained,
    constants: Mapping[str, str | int],
    box: Mapping[str, frozenset[str]],
) -> None:
    for answer in sorted(behaviours()[verdict.question]):
        item = explained.refuted.get((verdict.question, answer))
        if item is None or answer in verdict.proof:
            continue
        alone = {**box, verdict.question: frozenset({answer})}
        if _saved(part, explained, constants, alone, verdict.question):
            verdict.saved.add(answer)
            continue
        verdict.possible -= {answer}
        verdict.proof[answer] = item


def _saved(
    part: Part,
    explained: Explained,
    constants: Mapping[str, str | int],
    box: Mapping[str, frozenset[str]],
    question: str,
) -> bool:
    """Whether an answer explains as much as was explained, once constants are left free."""
    starts = [explained.constants] if explained.constants == constants else [explained.constants, constants]
    for start in starts:
        only = (explained, question) if start is explained.constants else None
        found = replayed(part, start, box, freedom=explained.freedom, only=only)
        found = _led_on(part, found, box, explained.steps)
        if not found.finding or found.steps >= explained.steps:
            return True
    return False
