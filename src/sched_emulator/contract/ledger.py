"""The target's answers to the open questions: each probed when it is first asked for, and only once."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from sched_emulator.client.http import EmulatorError
from sched_emulator.spec import assumptions

from .declare import Bound
from .described import Contract
from .results import Check, Exchange, Failed, NotChecked


@dataclass(frozen=True, slots=True)
class Observation:
    """What a probe found: an answer, perhaps only a bound of it, or the reason why there is none."""

    question: str
    answer: str | int | None
    reason: str = ""
    bound: str = ""
    exchanges: list[Exchange] = field(default_factory=list)


class Ledger:
    """Observations by question. `measure` runs a probe on a stage of its own, and may ask the ledger meanwhile."""

    def __init__(self, probes: Mapping[str, Check], measure: "Measure", expected: Mapping[str, str | int]) -> None:
        self.probes = probes
        self.expected = expected
        self._measure = measure
        self._locks = {question: threading.RLock() for question in assumptions.catalogue()}
        self._found: dict[str, Observation] = {}
        self._asked: dict[str, list[str]] = {}
        self._under_way = threading.local()

    def observe(self, question: str) -> Observation:
        """Return what is known of a question, after probing it if need be."""
        with self._locks[question]:
            if question not in self._found:
                self._found[question] = self._probe(question)
            return self._found[question]

    def answer(self, question: str) -> str | int | None:
        """Return the answer to a question: observed, else as the user said; None when it is undetermined."""
        probing = self._probing()
        if question in probing:  # a probe that asks about its own question has to do without
            return None
        if probing and question not in (asked := self._asked.setdefault(probing[-1], [])):
            asked.append(question)
        observed = self.observe(question).answer
        return observed if observed is not None else self.expected.get(question)

    def asked_by(self, question: str) -> list[str]:
        """Return the questions whose answers the probe of a question wanted to know, as far as it has come."""
        return list(self._asked.get(question, ()))

    def contract(self, *, limits: bool) -> Contract:
        """Return the specification, resolved for the shapes found, and for the limits where they are needed.

        What is undetermined is taken by default.
        """
        answers = {name: self.answer(name) for name in shapes()}
        if limits:
            answers |= {name: self.answer(name) for name in assumptions.catalogue() if name.startswith("limits.")}
        return Contract({name: answer for name, answer in answers.items() if answer is not None})

    def _probe(self, question: str) -> Observation:
        trace: list[Exchange] = []
        probing = self._probing()
        probing.append(question)
        try:
            found = self._measure(self.probes[question], self, trace)
        except (NotChecked, Failed, EmulatorError) as error:
            return Observation(question, None, str(error), exchanges=trace)
        except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
            return Observation(question, None, f"an answer could not be read ({error!r})", exchanges=trace)
        finally:
            probing.pop()
        if isinstance(found, Bound):
            return Observation(question, found.answer, bound=found.text, exchanges=trace)
        return Observation(question, found, exchanges=trace)

    def _probing(self) -> list[str]:
        """Return the questions that are being probed by this thread, each because of the one before it."""
        questions: list[str] = self._under_way.__dict__.setdefault("questions", [])
        return questions


def shapes() -> list[str]:
    """Return the questions about names and forms, without whose answers no answer of the target can be read."""
    return [name for name, assumption in assumptions.catalogue().items() if assumption.kind == "shape"]


Measure: TypeAlias = Callable[[Check, Ledger, list[Exchange]], str | int | Bound]
