"""What a check is, and what became of it: plain values that runner and reports share."""

import json
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

BODY_SHOWN_CHARS = 4000
NAME_SHOWN_CHARS = 80
WAIT, ARRIVED = "WAIT", "ARRIVED"


class Warrant(StrEnum):
    """Who promised what a check demands; only what is documented, or a user's own demand, is held against everyone."""

    DOCUMENTED = "documented"
    OWN = "own"
    VENDOR = "vendor"
    CHOICE = "choice"
    OPEN = "open question"


class Status(StrEnum):
    """What became of a check."""

    PASSED = "passed"
    FAILED = "failed"
    DIFFERS = "differs"
    KNOWN = "known"
    OBSERVED = "observed"
    UNDETERMINED = "undetermined"
    NOT_CHECKED = "not checked"
    ERROR = "error"


class Failed(Exception):
    """The target did not do what was expected; the message is one sentence about what came."""

    def __init__(self, came: str, expected: str = "") -> None:
        super().__init__(came)
        self.came = came
        self.expected = expected


class NotChecked(Exception):
    """The target cannot show it within this run; the message says why."""


class TooLate(NotChecked):
    """An answer arrived after the instant that it should have spoken of, and so proves nothing: try again."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request and what came of it, without the key. A step of a clock and a delivery are exchanges, too.

    `shared` names what it made for other checks as well.
    """

    method: str
    url: str
    headers: Mapping[str, str]
    body: str | None
    status: int | None
    response_headers: Mapping[str, str]
    response: str
    shared: str = ""

    def curl(self) -> str:
        """Return the request as a command line; `CURL` already is one, and what is no request becomes a comment."""
        if self.method == "CURL":
            return self.url
        if self.status is None and self.method in {WAIT, ARRIVED}:
            return f"# {self.method.lower()} {self.url}".rstrip()
        parts = ["curl", "-sS", "-X", self.method, shlex.quote(self.url)]
        for name, value in self.headers.items():
            text = f"{name}: {value}"
            quoted = f'"{text}"' if name.lower() == "authorization" else shlex.quote(text)
            parts += ["-H", quoted]
        if self.body is not None:
            parts += ["-d", shlex.quote(self.body)]
        return " ".join(parts)

    def came(self) -> str:
        """Return what was answered in one line."""
        if self.status is None:
            return self.response
        return f"{self.status} {self.response[:BODY_SHOWN_CHARS]}"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that is asked of a target.

    `address` is stable; `covers` names the operations and parameters concerned (`queue.consume`,
    `queue.consume:visibility_timeout`), `lines` those of the documentation that its demands rest on. `seconds` is how
    long it takes where time is real; a `virtual` one takes too long there.
    """

    address: str
    warrant: Warrant
    title: str
    aspect: str
    covers: tuple[str, ...]
    lines: tuple[int, ...]
    run: Callable[..., Any]
    seconds: float = 0
    writes: bool = True
    virtual: bool = False

    @property
    def question(self) -> str:
        """The open question that a probe is about, or the choice."""
        return self.address.removeprefix("probe/").removeprefix("choice/")

    @property
    def operations(self) -> list[str]:
        """The operations that it is about."""
        return list(dict.fromkeys(name.partition(":")[0] for name in self.covers))

    @property
    def timed(self) -> bool:
        """Whether it is about time passing."""
        return self.seconds > 0 or self.virtual


@dataclass(slots=True)
class Flaw:
    """Something documented that is not so. What has one `cause` is one flaw; `subjects` are the operations missing."""

    cause: str
    came: str
    expected: str
    exchange: Exchange
    subjects: list[str] = field(default_factory=list)

    def sentence(self, more: int) -> str:
        """Return what came in one line, and in how many more checks."""
        came = f"{self.came}: {', '.join(self.subjects)}" if self.subjects else self.came
        return f"{came} (and in {more} more check{'s' if more > 1 else ''})" if more else came


@dataclass(slots=True)
class Result:
    """What became of a check. `answer` is what a probe observed, `seen_in` the check that repeats what is told.

    `again` says that nothing is known yet: the check has to be made another time. `asked` are the open questions whose
    answers it wanted to know. `flaws` are what it met, by cause, that other checks may have met, too.
    """

    check: Check
    status: Status
    reason: str = ""
    expected: str = ""
    answer: str | int | None = None
    bound: str = ""
    seconds: float = 0
    seen_in: str = ""
    again: bool = False
    asked: list[str] = field(default_factory=list)
    exchanges: list[Exchange] = field(default_factory=list)
    flaws: dict[str, Flaw] = field(default_factory=dict)

    def meet(self, flaw: Flaw) -> None:
        """Note a flaw; of two exchanges that show it the shorter is kept."""
        known = self.flaws.setdefault(flaw.cause, flaw)
        known.subjects += [name for name in flaw.subjects if name not in known.subjects]
        if len(flaw.exchange.curl()) < len(known.exchange.curl()):
            known.came, known.exchange = flaw.came, flaw.exchange

    @property
    def counts_as_checked(self) -> bool:
        """Whether the target had to show something."""
        return self.status not in {Status.NOT_CHECKED, Status.UNDETERMINED, Status.ERROR}


def shown(value: Any, limit: int = 300) -> str:
    """Return a value as JSON, cut to a length that a sentence bears."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= limit else text[: limit - 1] + "…"


def short(name: str) -> str:
    """Return a name as a line of a report bears it."""
    return name if len(name) <= NAME_SHOWN_CHARS else f"{name[: NAME_SHOWN_CHARS - 20]}… ({len(name)} characters)"


def require(condition: object, came: str, expected: str = "") -> None:
    """Fail with what came when a condition does not hold."""
    if not condition:
        raise Failed(came, expected)


def equal(actual: Any, expected: Any, what: str) -> None:
    """Fail when a value is not the expected one; `what` names it in a sentence."""
    if actual != expected or isinstance(actual, bool) is not isinstance(expected, bool):
        raise Failed(f"{what} was {shown(actual)}", f"{what} is {shown(expected)}")
