"""The answers in force to what the documentation leaves open, and which of them were asked.

Everything that depends on an open question asks here, by the id of `openapi/assumptions.yaml`; nothing else
in the core knows an answer.
"""

from collections.abc import Mapping


class Answers:
    """The answers of one sandbox. `values` holds every behaviour, shape and constant by id; others may share it.

    `asked` says which were asked, behaviours and constants, in order; it is no part of a snapshot.
    """

    def __init__(self, values: dict[str, str | int]) -> None:
        self.values = values
        self.asked: dict[str, None] = {}

    def change(self, changes: Mapping[str, str | int]) -> None:
        """Answer some questions otherwise, for this sandbox alone."""
        self.values = {**self.values, **changes}

    def take_asked(self) -> tuple[str, ...]:
        """Return what was asked since this was last called, in the order in which it was first asked."""
        asked, self.asked = tuple(self.asked), {}
        return asked

    def ask(self, assumption_id: str) -> str:
        """Return the answer to an open behaviour, and remember that it was asked."""
        self.asked[assumption_id] = None
        answer = self.values[assumption_id]
        assert isinstance(answer, str), assumption_id
        return answer

    def constant(self, assumption_id: str) -> int:
        """Return a constant, a whole number whose unit is in its id, and remember that it was asked."""
        self.asked[assumption_id] = None
        number = self.values[assumption_id]
        assert isinstance(number, int), assumption_id
        return number
