"""What checks demand besides their own: demands of the emulator's choices, and of what the vendor says elsewhere.

A check fails for what is documented alone. On its way it sees much that is not: the order of a list, a code, the form
of an answer. Each such demand goes under the choice that it rests on, and each choice is judged once for the whole
target: one cause, one line, however many checks met it.
"""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from sched_emulator.spec import choices

from .results import Check, Exchange, Result, Status, Warrant


@dataclass(slots=True)
class _Seen:
    """How often a demand was made, by whom it was not met, and how that looked the first time."""

    made: int = 0
    missed_by: list[str] = field(default_factory=list)
    came: str = ""
    expected: str = ""
    exchanges: list[Exchange] = field(default_factory=list)


class Demands:
    """The demands made so far, by the choice that they rest on; several checks may note theirs at a time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seen: dict[str, _Seen] = {}

    def note(self, choice: str, address: str, problem: tuple[str, str] | None, trace: Sequence[Exchange]) -> None:
        """Note that a check has made a demand; a `problem` is what came and what was expected, None when it was met."""
        if choice not in choices.catalogue():
            raise ValueError(f"there is no choice {choice!r} to rest a demand on")
        with self._lock:
            seen = self._seen.setdefault(choice, _Seen())
            seen.made += 1
            if problem is None:
                return
            if not seen.missed_by:
                seen.came, seen.expected = problem
                seen.exchanges = list(trace[-2:])
            if address not in seen.missed_by:
                seen.missed_by.append(address)

    def absorb(self, others: "Demands") -> None:
        """Let the demands of one attempt at a check count, once its result does."""
        with self._lock:
            for choice, other in others._seen.items():  # noqa: SLF001 - another of the same kind
                seen = self._seen.setdefault(choice, _Seen())
                seen.made += other.made
                if other.missed_by and not seen.missed_by:
                    seen.came, seen.expected, seen.exchanges = other.came, other.expected, other.exchanges
                seen.missed_by += [address for address in other.missed_by if address not in seen.missed_by]

    def told(self) -> list[dict[str, Any]]:
        """Return all that was noted as plain values, for another process to `take`."""
        with self._lock:
            return [{"choice": choice, **asdict(seen)} for choice, seen in self._seen.items()]

    def take(self, told: Sequence[Mapping[str, Any]]) -> None:
        """Take over what another process has `told`."""
        for item in told:
            with self._lock:
                seen = self._seen.setdefault(item["choice"], _Seen())
                seen.made += item["made"]
                if item["missed_by"] and not seen.missed_by:
                    seen.came, seen.expected = item["came"], item["expected"]
                    seen.exchanges = [Exchange(**exchange) for exchange in item["exchanges"]]
                seen.missed_by += [address for address in item["missed_by"] if address not in seen.missed_by]

    def result(self, choice: str) -> Result:
        """Return what became of a choice on this target."""
        check = CHECKS[choice]
        with self._lock:
            seen = self._seen.get(choice)
            if seen is None:
                return Result(check, Status.NOT_CHECKED, choices.catalogue()[choice].unjudged or "nothing asked for it")
            if not seen.missed_by:
                return Result(check, Status.PASSED)
            others = f" (and in {len(seen.missed_by) - 1} more checks)" if len(seen.missed_by) > 1 else ""
            reason = f"{seen.came}, in {seen.missed_by[0]}{others}"
            first = seen.missed_by[0]
            return Result(check, Status.DIFFERS, reason, seen.expected, seen_in=first, exchanges=seen.exchanges)


def _never() -> None:
    """Stand for the body of what is judged by the way."""


def _checks() -> dict[str, Check]:
    """Return a check for each choice: what it is judged by are the demands that others make."""
    return {
        name: Check(
            f"choice/{name}",
            Warrant.VENDOR if choice.fact else Warrant.CHOICE,
            choice.does,
            "choices",
            (),
            choice.lines,
            _never,
            writes=False,
        )
        for name, choice in choices.catalogue().items()
    }


CHECKS = _checks()
