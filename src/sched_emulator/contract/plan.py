"""What a run will do, and what it will cost: which checks, about how many requests, how long, what is created."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from fnmatch import fnmatchcase
from functools import reduce

from sched_emulator.output import counted
from sched_emulator.spec import assumptions
from sched_emulator.spec.prices import Price

from . import demands
from .catalogue import Catalogue
from .costs import FREE, Cost, cost, cost_at, needs
from .described import Contract, routes
from .gate import READS
from .ledger import shapes
from .prices import DISCOVERY
from .results import Check, Result, Status, Warrant
from .schema.engine import PHASES, STATEFUL, plan
from .settings import Settings, SettingsError

LONGEST_REAL_SECONDS = 95
SPARE_SHARE = 33  # of the budget, one in so many is left for waits that take longer than was measured


@dataclass(slots=True)
class Plan:
    """What will be done, in the order of importance."""

    settings: Settings
    catalogue: Catalogue
    virtual: bool
    questions: list[str] = field(default_factory=list)
    scenarios: list[Check] = field(default_factory=list)
    schema: dict[str, Check] = field(default_factory=dict)
    choices: list[Check] = field(default_factory=list)
    left_out: list[Result] = field(default_factory=list)
    prices: Mapping[str, Price] | None = None
    cost: Cost = field(default_factory=lambda: FREE)

    @property
    def requests(self) -> int:
        """About how many requests are sent, deleting included where what is made has to be deleted."""
        return (self.cost.sends if self.virtual else self.cost.whole).total()

    @property
    def usd(self) -> float:
        """About how many dollars that costs, and deleting everything again."""
        return dollars(self.cost.whole, self.prices or {})

    @property
    def count(self) -> int:
        """How many checks will be run."""
        return len(self.questions) + len(self.scenarios) + len(self.schema) + len(self.choices)

    @property
    def probes(self) -> list[Check]:
        """The probes of the questions."""
        return [self.catalogue.probes[name] for name in self.questions]

    @property
    def needs_contract(self) -> bool:
        """Whether answers are compared with the specification: not where only keys are tried."""
        return bool(self.schema) or any(check.aspect != "access" for check in self.scenarios)

    @property
    def generates(self) -> bool:
        """Whether requests are generated, for which the target's limits have to be known."""
        return any(not address.endswith("/examples") for address in self.schema)

    @property
    def seconds(self) -> float:
        """About how long it takes."""
        rate = self.settings.requests_per_second
        waits = 0 if self.virtual else max((check.seconds for check in [*self.scenarios, *self.probes]), default=0)
        sending = self.requests / rate if rate else self.requests / 60
        return max(sending, waits) + 5

    def order(self, address: str) -> tuple[int, str]:
        """Return where a result stands in the reports."""
        known = list(self.catalogue.scenarios)
        return (known.index(address), "") if address in known else (len(known), address)

    def sentences(self) -> Iterable[str]:
        """Say what will be done."""
        yield f"{counted(self.count, 'check')}, about {counted(self.requests, 'request')}, about {self.seconds:.0f} s."
        if self.settings.budget is not None:
            rate = self.settings.requests_per_second
            sent = f"{counted(self.settings.budget, 'request')} {'is' if self.settings.budget == 1 else 'are'} sent"
            yield f"At most {sent}{f', {rate:g} a second' if rate else ''}."
        if not self.virtual:
            yield self._price()
        if self.virtual:
            yield "It is an emulator: every check gets a sandbox of its own, nothing of yours is touched."
        elif any(check.writes for check in [*self.scenarios, *self.probes]):
            prefix = self.settings.prefix
            yield f"Crons, queues and tasks are created, named {prefix}…; crons and queues are deleted in the end."
        else:
            yield "Nothing is created: only reads, and requests without a good key, are sent."
        if self.left_out:
            left = counted(len(self.left_out), "check")
            yield f"{left} {'is' if len(self.left_out) == 1 else 'are'} left out; the report says why."
        asked, every = _lines(self.scenarios), _lines(self.catalogue.scenarios.values())
        if self.settings.budget is not None and asked < every and not self.settings.only:
            yield f"{len(asked)} of {len(every)} documented lines are asked about: --max-requests allows for more."

    def _price(self) -> str:
        """Say what it costs."""
        if self.prices is None:
            return f"What that costs is not known: {DISCOVERY} tells no prices."
        sends = self.cost.whole
        reads = Counter({name: count for name, count in sends.items() if is_read(name)})
        parts = [
            f"{counted(part.total(), what)} for ${dollars(part, self.prices):.2f}"
            for what, part in (("read", reads), ("write", sends - reads))
        ]
        most = "" if self.settings.max_usd is None else f"; at most ${self.settings.max_usd:.2f} are spent"
        return f"By the prices of {DISCOVERY}, about ${self.usd:.2f}, deleting included: {' and '.join(parts)}{most}."


def _lines(checks: Iterable[Check]) -> set[int]:
    """Return the lines of the documentation that checks rest on."""
    return {line for check in checks if check.warrant == Warrant.DOCUMENTED for line in check.lines}


def make_plan(
    settings: Settings, catalogue: Catalogue, *, virtual: bool, prices: Mapping[str, Price] | None = None
) -> Plan:
    """Choose the checks of a run.

    Where the budget is short: what is needed to read answers, what is documented with the questions that it depends on
    (each line once before any a second time), the examples; then the other questions, and last what cannot fail, unless
    it is held against the target.
    """
    made = Plan(settings, catalogue, virtual, prices=prices)

    short: list[str] = []  # why something did not fit: then nothing is spent on what cannot fail
    paid_for: set[str] = set()  # addresses of what is paid for, also because a check depends on it

    ordered = _by_coverage(catalogue.scenarios.values())
    first, last = [[check for check in ordered if _is_held(settings, check) is held] for held in (True, False)]

    def admit(check: Check) -> bool:
        if settings.only and not any(fnmatchcase(check.address, glob) for glob in settings.only):
            return False
        reason = reason_against(settings, check, virtual=virtual)
        if reason is None and not virtual and check.seconds > LONGEST_REAL_SECONDS:
            reason = f"it takes {check.seconds:.0f} s of real time"
        new = [name for name in (check.address, *needs(check)) if name not in paid_for]
        more = reduce(Cost.plus, (cost(check) if name == check.address else cost_at(name) for name in new), FREE)
        if reason is None and short and not _is_held(settings, check):
            reason = short[0]
        if reason is None:
            reason = _beyond(made, made.cost.plus(more))
            short.extend([] if reason is None else [reason])
        if reason is not None:
            made.left_out.append(Result(check, Status.NOT_CHECKED, reason))
            return False
        made.cost = made.cost.plus(more)
        paid_for.update(new)
        return True

    made.questions = [name for name in shapes() if admit(catalogue.probes[name])]
    made.scenarios = [check for check in first if admit(check)]
    generated = _schema_checks(settings, virtual=virtual)
    made.schema = {check.address: check for check in generated if admit(check)}
    others = [name for name in assumptions.catalogue() if name not in shapes()]
    made.questions += [name for name in others if admit(catalogue.probes[name])]
    made.scenarios += [check for check in last if admit(check)]
    made.choices = list(demands.CHECKS.values()) if made.scenarios else []
    if not virtual and settings.budget is None:
        made.scenarios.sort(key=lambda check: -check.seconds)
    return made


def _is_held(settings: Settings, check: Check) -> bool:
    """Whether a check may fail: nobody pays to learn what cannot."""
    return check.warrant != Warrant.CHOICE or "choices" in settings.hold


def _beyond(made: Plan, whole: Cost) -> str | None:
    """Return why so many requests are too many, deleting included; None when they are not."""
    settings, all_sends = made.settings, whole.whole
    if settings.budget is not None and all_sends.total() > settings.budget - settings.budget // SPARE_SHARE:
        return f"it is beyond the budget of {counted(settings.budget, 'request')}; --max-requests allows more"
    if settings.max_usd is not None and dollars(all_sends, made.prices or {}) > settings.max_usd:
        return f"it is beyond the {settings.max_usd:g} dollars of --max-usd"
    return None


def dollars(sends: Mapping[str, int], prices: Mapping[str, Price]) -> float:
    """Return what so many requests cost."""
    return sum(prices[name].usd * count for name, count in sends.items() if name in prices)


def is_read(name: str) -> bool:
    """Whether an operation only reads."""
    return name in routes() and routes()[name].method in READS


def refuse_keyless(settings: Settings, catalogue: Catalogue) -> None:
    """Refuse a target that is not on this machine without a key, unless all that is asked for does without one.

    SettingsError says so before anything is sent.
    """
    asked = [
        check for check in every_check(catalogue) if any(fnmatchcase(check.address, glob) for glob in settings.only)
    ]
    if settings.key is None and not settings.loopback and not (asked and all(map(_keyless, asked))):
        raise SettingsError(
            f"there is no key in ${settings.key_variable}; set it, or name another variable with --api-key-env. "
            "Without a key, --only 'access/*' and --only 'discovery/*' can be checked."
        )


def _keyless(check: Check) -> bool:
    """Whether a check needs no key."""
    return check.aspect == "access" or check.address.startswith("discovery")


def _by_coverage(checks: Iterable[Check]) -> list[Check]:
    """Return checks in the order in which a short budget is best spent.

    Those of the most lines of the documentation for a request, which counts what is shared with the first that needs
    it; a line counts until the first check that asks about it. Then the cheapest of each group that has none yet. The
    further checks, and what rests on no line, come last.
    """
    left = sorted(checks, key=lambda check: _price(check, ()))
    ordered: list[Check] = []
    paid_for: set[str] = set()
    covered: set[int] = set()
    possible = [check for check in left if not check.virtual and check.seconds <= LONGEST_REAL_SECONDS]
    while possible:
        best = max(possible, key=lambda check: len(set(check.lines) - covered) / _price(check, paid_for))
        if covered.issuperset(best.lines):
            break
        covered.update(best.lines)
        paid_for.update(needs(best))
        possible.remove(best)
        ordered.append(best)
    groups = {check.address.rpartition("/")[0] for check in ordered}
    for check in possible:
        if check.lines and (group := check.address.rpartition("/")[0]) not in groups:
            groups.add(group)
            ordered.append(check)
    return [*ordered, *(check for check in left if check not in ordered)]


def _price(check: Check, paid_for: Collection[str]) -> int:
    """Return what a check costs, with what it rests on and is not paid for."""
    new = (cost_at(name) for name in needs(check) if name not in paid_for)
    return max(1, reduce(Cost.plus, new, cost(check)).whole.total())


def reason_against(settings: Settings, check: Check, *, virtual: bool) -> str | None:
    """Return why a check is not for this run, None when it is."""
    if virtual:
        return None
    if settings.key is None and not settings.loopback and not _keyless(check):
        return f"it needs a key in ${settings.key_variable}"
    if check.writes and not settings.may_write:
        return "it writes; --allow-writes lets it"
    if check.virtual:
        return "the waits between attempts add up to minutes"
    return None


def every_check(catalogue: Catalogue) -> list[Check]:
    """Return all checks that there are."""
    probed = [catalogue.probes[name] for name in assumptions.catalogue()]
    return [
        *catalogue.scenarios.values(),
        *plan(Contract({}), PHASES, stateful=True, reads_only=False).values(),
        *demands.CHECKS.values(),
        *probed,
    ]


def refuse_unmet(option: str, globs: Iterable[str], catalogue: Catalogue) -> None:
    """Refuse an option's globs over addresses that no check fits, naming the address most like it. SettingsError."""
    addresses = [check.address for check in every_check(catalogue)]
    for glob in globs:
        if not any(fnmatchcase(address, glob) for address in addresses):
            groups = dict.fromkeys(f"{address.rpartition('/')[0]}/*" for address in addresses)
            close = get_close_matches(glob, [*addresses, *groups], n=1)
            hint = f"did you mean {close[0]!r}?" if close else "`sched-emulator contract --list` shows them all"
            raise SettingsError(f"{option}: no check has an address like {glob!r}; {hint}")


def _schema_checks(settings: Settings, *, virtual: bool) -> list[Check]:
    phases = PHASES if settings.loopback else ("examples",)
    reads_only = not (virtual or settings.may_write)
    found = plan(Contract({}), phases, stateful=not reads_only and settings.loopback, reads_only=reads_only)
    if not virtual:
        costly = {name for name, operation in routes().items() if operation.costly}
        found = {name: check for name, check in found.items() if name == STATEFUL or check.covers[0] not in costly}
    return list(found.values())
