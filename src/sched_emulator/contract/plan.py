"""What a run will do, and what it will cost: which checks, about how many requests, how long, what is created."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from difflib import get_close_matches
from fnmatch import fnmatchcase
from functools import lru_cache
from pathlib import Path

from sched_emulator.spec import assumptions

from .catalogue import Catalogue
from .described import Contract, routes
from .results import Check, Grade, Result, Status
from .schema.engine import PHASES, STATEFUL, plan
from .settings import Settings, SettingsError

CLEAN_UP_SHARE = 0.15
SCHEMA_REQUESTS = {"examples": 4, "coverage": 55, "fuzzing": 11}
LONGEST_REAL_SECONDS = 95


@dataclass(slots=True)
class Plan:
    """What will be done, in the order of importance."""

    settings: Settings
    catalogue: Catalogue
    virtual: bool
    questions: list[str] = field(default_factory=list)
    scenarios: list[Check] = field(default_factory=list)
    schema: dict[str, Check] = field(default_factory=dict)
    left_out: list[Result] = field(default_factory=list)
    requests: int = 0

    @property
    def count(self) -> int:
        """How many checks will be run."""
        return len(self.questions) + len(self.scenarios) + len(self.schema)

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
        yield f"{self.count} checks, about {self.requests} requests, about {self.seconds:.0f} s."
        if self.settings.budget is not None:
            rate = self.settings.requests_per_second
            yield f"At most {self.settings.budget} requests are sent{f', {rate:g} a second' if rate else ''}."
        if self.virtual:
            yield "It is an emulator: every check gets a sandbox of its own, nothing of yours is touched."
        elif any(check.writes for check in [*self.scenarios, *self.probes]):
            prefix = self.settings.prefix
            yield f"Crons, queues and tasks are created, named {prefix}…; crons and queues are deleted in the end."
        else:
            yield "Nothing is created: only reads, and requests without a good key, are sent."
        if self.left_out:
            yield f"{len(self.left_out)} checks are left out; the report says why."


@lru_cache(maxsize=1)
def costs() -> dict[str, int]:
    """Return how many requests each check was measured to send."""
    measured: dict[str, int] = json.loads(Path(__file__).with_name("costs.json").read_text(encoding="utf-8"))
    return measured


def cost(check: Check) -> int:
    """Return about how many requests a check sends."""
    phase = check.address.rpartition("/")[2]
    if check.aspect == "schema":
        return SCHEMA_REQUESTS.get(phase, 100)
    return costs().get(check.address, 6)


def make_plan(settings: Settings, catalogue: Catalogue, *, virtual: bool) -> Plan:
    """Choose the checks of a run."""
    made = Plan(settings, catalogue, virtual)
    budget = None if settings.budget is None else int(settings.budget * (1 - CLEAN_UP_SHARE))

    def admit(check: Check) -> bool:
        if settings.only and not any(fnmatchcase(check.address, glob) for glob in settings.only):
            return False
        reason = reason_against(settings, check, virtual=virtual)
        if reason is None and not virtual and check.seconds > LONGEST_REAL_SECONDS:
            reason = f"it takes {check.seconds:.0f} s of real time"
        if reason is None and budget is not None and made.requests + cost(check) > budget:
            reason = f"it is beyond the budget of {settings.budget} requests; --max-requests allows more"
        if reason is not None:
            made.left_out.append(Result(check, Status.NOT_CHECKED, reason))
            return False
        made.requests += cost(check)
        return True

    shapes = [name for name, assumption in assumptions.catalogue().items() if assumption.kind == "shape"]
    made.questions = [name for name in shapes if admit(catalogue.probes[name])]
    made.scenarios = [check for check in sorted(catalogue.scenarios.values(), key=_importance) if admit(check)]
    made.schema = {check.address: check for check in _schema_checks(settings, virtual=virtual) if admit(check)}
    others = [name for name in assumptions.catalogue() if name not in shapes]
    made.questions += [name for name in others if admit(catalogue.probes[name])]
    if not virtual and budget is None:
        made.scenarios.sort(key=lambda check: -check.seconds)
    return made


def _importance(check: Check) -> tuple[bool, int]:
    """Return what decides when the budget is short: what is documented first, and the first of each group first."""
    return check.grade != Grade.MUST, int(check.address.rpartition("/")[2])


def reason_against(settings: Settings, check: Check, *, virtual: bool) -> str | None:
    """Return why a check is not for this run, None when it is."""
    if virtual:
        return None
    if (
        settings.key is None
        and not settings.loopback
        and check.aspect != "access"
        and not check.address.startswith("discovery")
    ):
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
