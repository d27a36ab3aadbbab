"""The catalogue of open questions and their possible answers; what a user answers is checked here and nowhere else."""

import difflib
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal, TypeAlias

from .documents import load

Answer: TypeAlias = str | int
Kind: TypeAlias = Literal["behaviour", "shape", "constant"]

CANNOT_BE_PROBED = "cannot be probed: "
DIALECTS = ("documented", "observed")


@dataclass(frozen=True, slots=True)
class Evidence:
    """Something that speaks for an answer: ``strength`` is V (the vendor), C (client programs) or A (an article)."""

    strength: str
    says: str


@dataclass(frozen=True, slots=True)
class Assumption:
    """One question that the documentation leaves open.

    ``answers`` has a sentence for each possible word, the default first; a constant has ``minimum`` and ``maximum``
    (None: no bound) instead. ``observed`` is the answer of the dialect of that name where it is not the default.
    ``narrow`` names, for an answer by which more requests are taken than is promised, the one that takes no more.
    """

    id: str
    kind: Kind
    question: str
    lines: tuple[int, ...]
    place: str
    answers: Mapping[str, str]
    default: Answer
    observed: Answer | None
    narrow: Mapping[str, str]
    minimum: int | None
    maximum: int | None
    why: str
    evidence: tuple[Evidence, ...]
    probe: str

    @property
    def possible(self) -> str:
        """Say in words what may be answered."""
        if self.kind != "constant":
            return "one of " + ", ".join(self.answers)
        if self.maximum is None:
            return f"a whole number from {self.minimum} up"
        return f"a whole number from {self.minimum} to {self.maximum}"

    @property
    def unprobed(self) -> str:
        """Why no probe can tell the answer of a live gateway; empty where one can."""
        told, _, why = self.probe.rpartition(CANNOT_BE_PROBED)
        return "" if told or why == self.probe else why.removesuffix(".")


@cache
def catalogue() -> dict[str, Assumption]:
    """Every assumption by its id, in the order of ``openapi/assumptions.yaml``."""
    return {entry["id"]: _assumption(entry) for entry in load("assumptions")["assumptions"]}


def defaults() -> dict[str, Answer]:
    """Return the answer or number of every assumption when nobody chose one."""
    return {name: assumption.default for name, assumption in catalogue().items()}


def _assumption(entry: Mapping[str, Any]) -> Assumption:
    bounds = entry.get("range", {})
    return Assumption(
        id=entry["id"],
        kind=entry["kind"],
        question=entry["question"],
        lines=tuple(entry["documentation"]["lines"]),
        place=entry["documentation"]["says"],
        answers=entry.get("answers", {}),
        default=entry["default"],
        observed=entry.get("observed"),
        narrow=entry.get("narrow", {}),
        minimum=bounds.get("minimum"),
        maximum=bounds.get("maximum"),
        why=entry["why"],
        evidence=tuple(Evidence(item["strength"], item["says"]) for item in entry.get("evidence", [])),
        probe=entry["probe"],
    )


def preset(name: str) -> dict[str, Answer]:
    """Every answer of a dialect: ``documented`` is the defaults, ``observed`` what public programs send and expect."""
    if name not in DIALECTS:
        raise ValueError(f"There is no dialect {name!r}; possible: {', '.join(DIALECTS)}.")
    observed = name == "observed"
    return {
        key: entry.observed if observed and entry.observed is not None else entry.default
        for key, entry in catalogue().items()
    }


def parse_answers(pairs: Mapping[str, Any]) -> dict[str, Answer]:
    """Check answers that a user gave and return them; ValueError with one sentence says what is wrong and possible.

    Constants may come as text, as they do from a command line.
    """
    return {name: _parse(_known(name), value) for name, value in pairs.items()}


def parse_answers_toml(text: str, name: str) -> dict[str, Answer]:
    """Read answers from TOML, where ``[queue]`` ``nack_position`` and ``"queue.nack_position"`` are the same.

    ``name`` is the file's, for what ValueError says.
    """
    return parse_answers(_read_toml(text, name))


def _known(name: str) -> Assumption:
    if name in catalogue():
        return catalogue()[name]
    close = difflib.get_close_matches(name, catalogue(), n=1)
    hint = f"did you mean {close[0]}?" if close else "`sched-emulator assumptions list` shows them all."
    raise ValueError(f"There is no assumption {name!r}; {hint}")


def _parse(assumption: Assumption, value: Any) -> Answer:
    answer = _whole_number(value) if assumption.kind == "constant" else value
    if isinstance(answer, str) and answer in assumption.answers:
        return answer
    if isinstance(answer, int) and _within(assumption, answer):
        return answer
    raise ValueError(f"{assumption.id} cannot be {_shown(value)}; possible: {assumption.possible}.")


def _within(assumption: Assumption, number: int) -> bool:
    if assumption.kind != "constant" or isinstance(number, bool):
        return False
    above = assumption.minimum is None or number >= assumption.minimum
    return above and (assumption.maximum is None or number <= assumption.maximum)


def _whole_number(value: Any) -> Any:
    text = value.strip() if isinstance(value, str) else ""
    return int(text) if text.removeprefix("-").isdecimal() and text.isascii() and len(text) <= 18 else value


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _read_toml(text: str, file: str) -> dict[str, Any]:
    """Read TOML and join the names of nested tables with dots."""
    try:
        document = tomllib.loads(text)
    except ValueError as error:
        raise ValueError(f"{file} is not TOML: {error}.") from error
    flat: dict[str, Any] = {}
    for name, value in _flatten(document, ""):
        if name in flat:
            raise ValueError(f"{file} answers {name} twice.")
        flat[name] = value
    return flat


def _flatten(table: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Any]]:
    for name, value in table.items():
        if isinstance(value, dict):
            yield from _flatten(value, f"{prefix}{name}.")
        else:
            yield prefix + name, value
