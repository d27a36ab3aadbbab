"""Where checks are registered: groups of scenarios with addresses and grades, and one probe for each open question."""

from collections.abc import Callable
from typing import Any, TypeAlias

from .api import Api
from .results import Check, Grade

Scenario: TypeAlias = Callable[[Api], None]
CHECKS: dict[str, Check] = {}
PROBES: dict[str, Check] = {}


class Bound:
    """A number that a probe could only bound."""

    def __init__(self, answer: int, text: str) -> None:
        self.answer = answer
        self.text = text


Probe: TypeAlias = Callable[[Api], str | int | Bound]


class Group:
    """Scenarios whose addresses begin alike. The docstring of a scenario is its title."""

    def __init__(self, address: str, aspect: str) -> None:
        self._address = address
        self._aspect = aspect

    def must(
        self, number: int, *covers: str, lines: tuple[int, ...] = (), **costs: Any
    ) -> Callable[[Scenario], Scenario]:
        """Register a scenario of what is documented."""
        return self._register(Grade.MUST, number, covers, lines, costs)

    def should(
        self, number: int, *covers: str, lines: tuple[int, ...] = (), **costs: Any
    ) -> Callable[[Scenario], Scenario]:
        """Register a scenario of what the documentation implies."""
        return self._register(Grade.SHOULD, number, covers, lines, costs)

    def _register(
        self, grade: Grade, number: int, covers: tuple[str, ...], lines: tuple[int, ...], costs: dict[str, Any]
    ) -> Callable[[Scenario], Scenario]:
        address = f"{self._address}/{number}"

        def register(scenario: Scenario) -> Scenario:
            assert address not in CHECKS, f"{address} is there twice"
            assert scenario.__doc__ is not None, f"{address} has no title"
            title = " ".join(scenario.__doc__.split())
            CHECKS[address] = Check(address, grade, title, self._aspect, covers, lines, scenario, **costs)
            return scenario

        return register


def probe(question: str, *covers: str, **costs: Any) -> Callable[[Probe], Probe]:
    """Register the probe of an open question; it returns one of its answers, or raises NotChecked."""

    def register(measure: Probe) -> Probe:
        assert question not in PROBES, f"{question} is probed twice"
        title = " ".join((measure.__doc__ or question).split())
        PROBES[question] = Check(f"probe/{question}", Grade.INFO, title, "probes", covers, (), measure, **costs)
        return measure

    return register
