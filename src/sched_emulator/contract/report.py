"""What a run found, as a whole: scores, coverage, and the exit status."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from sched_emulator.output import counted

from .ledger import Observation
from .results import Result, Status, Warrant
from .settings import Settings

CONFORMS, DEVIATES, NOT_JUDGED = 0, 1, 2
GOOD = (Status.PASSED, Status.OBSERVED, Status.KNOWN)


@dataclass(frozen=True, slots=True)
class Tally:
    """How many of some checks were checked at all, and how many of those passed."""

    all: int
    checked: int
    passed: int

    @classmethod
    def of(cls, results: Iterable[Result]) -> "Tally":
        """Count results."""
        listed = list(results)
        checked = [item for item in listed if item.counts_as_checked]
        return cls(len(listed), len(checked), sum(item.status in GOOD for item in checked))


@dataclass(slots=True)
class Report:
    """Everything that the reports show. `held` has whose promises count: without any of them nothing was judged."""

    settings: Settings
    url: str
    kind: str
    virtual: bool
    began: str
    results: list[Result] = field(default_factory=list)
    observations: list[Observation] = field(default_factory=list)
    held: frozenset[Warrant] = frozenset(Warrant)
    gone_known: list[str] = field(default_factory=list)
    left_over: list[str] = field(default_factory=list)
    changes: list[str] | None = None
    stopped: str | None = None
    seconds: float = 0
    requests: int = 0

    @property
    def shapes(self) -> Tally:
        """The checks that take no time."""
        return Tally.of(item for item in self.results if not item.check.timed and item.check.aspect != "probes")

    @property
    def times(self) -> Tally:
        """The checks of what happens as time passes."""
        return Tally.of(item for item in self.results if item.check.timed and item.check.aspect != "probes")

    @property
    def probes(self) -> Tally:
        """The open questions."""
        return Tally.of(item for item in self.results if item.check.aspect == "probes")

    @property
    def failures(self) -> list[Result]:
        """What failed and was not known to."""
        return [item for item in self.results if item.status == Status.FAILED]

    @property
    def differences(self) -> list[Result]:
        """Where the target does otherwise than the emulator, without breaking what is documented."""
        return [item for item in self.results if item.status == Status.DIFFERS]

    @property
    def exit_status(self) -> int:
        """0 conforms, 1 does not, 2 could not be judged: nothing that is held against the target was."""
        if self.failures or self.gone_known:
            return DEVIATES
        judged = any(item.counts_as_checked for item in self.results if item.check.warrant in self.held)
        broken = any(item.status == Status.ERROR for item in self.results)
        return NOT_JUDGED if self.stopped or broken or not judged else CONFORMS

    @property
    def verdict(self) -> str:
        """The exit status in words."""
        if self.exit_status == DEVIATES:
            parts = []
            if self.failures:
                count = len(self.failures)
                parts.append(f"{counted(count, 'check')} failed")
            if self.gone_known:
                parts.append(f"known deviations no longer deviate: {', '.join(self.gone_known)}")
            return f"Does not conform: {'; '.join(parts)}."
        if self.exit_status == NOT_JUDGED:
            return f"Could not be judged: {self.stopped or 'nothing could be checked, see the reasons.'}"
        return "Conforms in everything that was checked."

    def repeat(self, result: Result) -> str:
        """Return the one command that repeats a check."""
        return self.settings.command(f"--only '{result.seen_in or result.check.address}'")
