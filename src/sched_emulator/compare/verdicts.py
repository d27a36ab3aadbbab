"""What is known of a question, and of a constant."""

from dataclasses import dataclass, field

from .read import Item


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
    def inferred(self) -> int | None:
        """The value to be proposed: known from both sides."""
        return None if self.low is None or self.high is None else self.value
