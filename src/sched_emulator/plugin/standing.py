"""What the file of `--sched-assumptions` says of an answer that tests rely on: measured, contradicted or open."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import NamedTuple

MEASURED, CONTRADICTED, OPEN = "measured", "contradicted", "open"

Answer = str | int


class Reliance(NamedTuple):
    """An answer that tests rely on, and what is known of it: `standing` is None where no file says anything.

    `measured` is the answer that the file has instead, where they contradict each other.
    """

    assumption_id: str
    answer: Answer
    question: str
    tests: tuple[str, ...]
    standing: str | None = None
    measured: Answer | None = None

    @property
    def told(self) -> str:
        """The standing as a summary tells it, after a comma; nothing where there is none."""
        if self.standing is None:
            return ""
        return f", {self.standing}" + (f" (measured: {self.measured})" if self.measured is not None else "")

    @property
    def as_json(self) -> dict[str, object]:
        """The reliance as it stands in the file of `--sched-report`."""
        found: dict[str, object] = {"id": self.assumption_id, "answer": self.answer, "question": self.question}
        known = {"standing": self.standing, "measured": self.measured}
        return found | {"tests": list(self.tests)} | {name: value for name, value in known.items() if value is not None}


def stand(reliance: Reliance, measured: Mapping[str, Answer] | None) -> Reliance:
    """Return a reliance with what the measured answers of a file say of it; None where no file was given."""
    if measured is None:
        return reliance
    answer = measured.get(reliance.assumption_id)
    if answer is None:
        return reliance._replace(standing=OPEN)
    if answer == reliance.answer:
        return reliance._replace(standing=MEASURED)
    return reliance._replace(standing=CONTRADICTED, measured=answer)


def counted(reliances: Iterable[Reliance]) -> str:
    """Say how many answers have each standing."""
    counts = Counter(reliance.standing for reliance in reliances)
    return ", ".join(f"{counts[word]} {word}" for word in (MEASURED, CONTRADICTED, OPEN))
