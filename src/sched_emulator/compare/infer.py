"""What parts say of the open questions: what is inferred, ruled out and undetermined, and what nothing explains.

Constants are found by trying values that the traffic suggests where no world is left; an answer counts as ruled out
only where no such value saves it either.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from sched_emulator.spec import assumptions

from . import numbers, shapes
from .bounds import bound
from .explain import Explained, constants_by_default, replayed
from .found import record_and_field
from .parts import Part, split
from .read import Traffic
from .repairs import length, paired, repaired, saved
from .step import Freedom
from .verdicts import Bounds, Verdict
from .wording import number_of
from .worlds import behaviours

IN_ANOTHER_ORDER = "a standard queue hands out otherwise than in the order of publishing (choice queue.standard_order)"
ENDLESS = ("limits.message_bytes", "page.default_limit", "page.max_limit")  # in replays: see `numbers`
MOST_FINDINGS = 8  # of one part, after which the rest of it is not judged
MANY_AT_ONCE = "more ran side by side than whose orders can be tried; in which order a queue hands out is not judged"
TOO_MANY = f"what they belong to has {MOST_FINDINGS} findings already"


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
        _Narrowing(part, explained, constants, box).all(found)
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
        further = _led_on(part, found.constants, further, box)
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
        found = _further(part, found, late)
    return _led_on(part, constants, found, box)


def _led_on(
    part: Part, constants: Mapping[str, str | int], found: Explained, box: Mapping[str, frozenset[str]]
) -> Explained:
    """Return the replay under other constants, with a standard queue that may hand out in any order, under pairs.

    Each where that leads further than what needs less.
    """
    found = repaired(part, found, box)
    if found.finding and not found.freedom.order and _about_order(found):
        freer = replayed(part, constants, box, freedom=found.freedom._replace(order=True), bounded=False)
        found = _further(part, found, repaired(part, freer, box))
    return paired(part, found, box) if found.finding else found


def _further(part: Part, found: Explained, freer: Explained) -> Explained:
    """Return the freer replay where it leads further."""
    return freer if length(part, freer) > length(part, found) else found


def _about_order(found: Explained) -> bool:
    return found.item is not None and found.item.operation == "scheduling.queue.consume" and found.item.succeeded


def _side_by_side(part: Part) -> bool:
    ends_ms = -1
    for item in sorted(part.items, key=lambda item: item.raw.sent_at_ms):
        if item.raw.sent_at_ms < ends_ms:
            return True
        ends_ms = max(ends_ms, item.raw.received_at_ms)
    return False


class _Narrowing(NamedTuple):
    """What a part says of the questions that it asked, under these constants and every answer in the box."""

    part: Part
    explained: Explained
    constants: Mapping[str, str | int]
    box: Mapping[str, frozenset[str]]

    def all(self, found: Judged) -> None:
        """Put together what the parts say: an answer is possible where it is possible in every part.

        What was refuted first comes first, because it takes the least to look for what saves it.
        """
        names = [name for name in self.explained.asked if name in behaviours() and name not in self.box]
        verdicts = [found.verdicts.setdefault(name, Verdict(name, behaviours()[name])) for name in names]
        first: dict[str, int] = {}
        for (name, _), item in self.explained.refuted.items():
            first[name] = min(item.number, first.get(name, item.number))
        for verdict in sorted(verdicts, key=lambda verdict: first.get(verdict.question, 0)):
            self._narrow(verdict)

    def _narrow(self, verdict: Verdict) -> None:
        for answer in sorted(behaviours()[verdict.question]):
            item = self.explained.refuted.get((verdict.question, answer))
            if item is None or answer in verdict.proof:
                continue
            if self._saved(verdict.question, answer):
                verdict.saved.add(answer)
                continue
            verdict.possible -= {answer}
            verdict.proof[answer] = item

    def _saved(self, question: str, answer: str) -> bool:
        """Whether an answer explains as much as was explained, once constants are left free."""
        explained, alone = self.explained, {**self.box, question: frozenset({answer})}
        for start in (explained.constants, *([] if explained.constants == self.constants else [self.constants])):
            only = (explained, question) if start is explained.constants else None
            found = replayed(self.part, start, alone, freedom=explained.freedom, only=only)
            if saved(self.part, found, alone, explained.steps):
                return True
        return False


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
