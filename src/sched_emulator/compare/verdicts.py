"""What is known of a question, and of a constant."""

from dataclasses import dataclass, field

from sched_emulator.spec import assumptions

from .read import Item

ROUND = (1, 2, 5, 10, 15, 20, 30, 45, 60, 90, 100, 120, 300, 600, 900, 1800, 3600, 86400)


@dataclass(slots=True)
class Verdict:
    """What is known of one question. `possible`: the answers that are left; `proof`: of each other, what refuted it.

    `saved`: answers that the traffic refutes unless a constant is not the default.
    """

    question: str
    possible: frozenset[str]
    proof: dict[str, Item] = field(default_factory=dict)
    saved: set[str] = field(default_factory=set)

    @property
    def inferred(self) -> str | None:
        """The only answer that is left, where another was refuted."""
        return next(iter(self.possible)) if len(self.possible) == 1 and self.proof else None


@dataclass(slots=True)
class Bounds:
    """A constant: the least and the greatest value that explains all; None where any would do on that side."""

    constant: str
    low: int | None
    high: int | None
    value: int

    @property
    def between(self) -> str:
        """Say where it lies."""
        if self.low is None or self.high is None:
            return f"at most {self.high}" if self.low is None else f"at least {self.low}"
        return f"exactly {self.low}" if self.low == self.high else f"from {self.low} to {self.high}"

    @property
    def inferred(self) -> int | None:
        """The value to be proposed: known from both sides, or the only round one that is left on the open side."""
        if self.low is not None and self.high is not None:
            return self.value
        entry = assumptions.catalogue()[self.constant]
        low = self.low if self.low is not None else entry.minimum
        high = self.high if self.high is not None else entry.maximum
        if low is None or high is None:
            return None
        inside = [value for value in ROUND if low <= value <= high]
        return inside[0] if len(inside) == 1 else None


def roundest(low: int, high: int) -> int:
    """Return the value between two bounds that somebody would most likely have chosen."""
    for unit in (86400, 3600, 600, 60, 30, 15, 10, 5):
        first = -(-low // unit) * unit
        if first <= high and first > 0:
            return first
    return low
