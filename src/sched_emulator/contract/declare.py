"""How checks are written: groups of scenarios with addresses and warrants, and one probe for each open question.

A decorator does nothing but attach the `Check` to the function. Which checks there are is gathered in `catalogue`.
"""

from collections.abc import Callable
from typing import TypeAlias

from sched_emulator.spec import assumptions

from .api import Api
from .results import Check, Warrant

ATTACHED = "contract_check"


class Bound:
    """A number that a probe could only bound."""

    def __init__(self, answer: int, text: str) -> None:
        self.answer = answer
        self.text = text


Scenario: TypeAlias = Callable[[Api], None]
Probe: TypeAlias = Callable[[Api], str | int | Bound]


class Group:
    """Scenarios whose addresses begin alike. The docstring of a scenario is its title.

    `documented` names what is covered (`queue.consume`, `queue.consume:visibility_timeout`) and the lines of the
    documentation that promise what is demanded; `own` is for what a user demands of a target without anybody having
    promised it; `choice` is for what is only done for the sake of demands that rest on choices of the emulator's, and
    itself demands nothing. `seconds` is how long a scenario takes where time is real, `writes` whether it changes
    anything on the target, and `virtual` that it can be made in virtual time alone.
    """

    def __init__(self, address: str, aspect: str = "behaviour") -> None:
        self._address = address
        self._aspect = aspect

    def documented(
        self,
        number: int,
        *covers: str,
        lines: tuple[int, ...],
        seconds: float = 0,
        writes: bool = True,
        virtual: bool = False,
    ) -> Callable[[Scenario], Scenario]:
        """Declare a scenario of what is documented."""
        return self._declare(
            Warrant.DOCUMENTED, number, covers, lines=lines, seconds=seconds, writes=writes, virtual=virtual
        )

    def own(
        self,
        number: int,
        *covers: str,
        seconds: float = 0,
        writes: bool = True,
        virtual: bool = False,
    ) -> Callable[[Scenario], Scenario]:
        """Declare a scenario of what a user demands."""
        return self._declare(Warrant.OWN, number, covers, lines=(), seconds=seconds, writes=writes, virtual=virtual)

    def choice(
        self,
        number: int,
        *covers: str,
        seconds: float = 0,
        writes: bool = True,
        virtual: bool = False,
    ) -> Callable[[Scenario], Scenario]:
        """Declare a scenario for the sake of demands that rest on the emulator's choices."""
        return self._declare(Warrant.CHOICE, number, covers, lines=(), seconds=seconds, writes=writes, virtual=virtual)

    def _declare(
        self,
        warrant: Warrant,
        number: int,
        covers: tuple[str, ...],
        *,
        lines: tuple[int, ...],
        seconds: float,
        writes: bool,
        virtual: bool,
    ) -> Callable[[Scenario], Scenario]:
        address = f"{self._address}/{number}"

        def declare(scenario: Scenario) -> Scenario:
            if scenario.__doc__ is None:
                raise ValueError(f"{address} has no docstring, which is its title")
            if warrant == Warrant.DOCUMENTED and not lines:
                raise ValueError(f"{address} names no line of the documentation that promises what it demands")
            title = _title(scenario.__doc__)
            check = Check(address, warrant, title, self._aspect, covers, lines, scenario, seconds, writes, virtual)
            setattr(scenario, ATTACHED, check)
            return scenario

        return declare


def probe(question: str, *covers: str, seconds: float = 0, writes: bool = True) -> Callable[[Probe], Probe]:
    """Declare the probe of an open question; it returns one of its answers, or raises NotChecked."""
    if question not in assumptions.catalogue():
        raise ValueError(f"there is no open question {question!r} to probe")

    def declare(measure: Probe) -> Probe:
        title = _title(measure.__doc__ or question)
        check = Check(
            f"probe/{question}", Warrant.OPEN, title, "probes", covers, (), measure, seconds=seconds, writes=writes
        )
        setattr(measure, ATTACHED, check)
        return measure

    return declare


def _title(text: str) -> str:
    return " ".join(text.split())
