"""A snapshot of an account that was read: a sandbox in which the same crons and queues were created, by its own calls.

A target may say less of a thing than it took to create it. What it does not say is at its default here, and told once.
A time zone that it does not say is inferred: from all zones, those in which the expression fires next at `next_run_at`.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from sched_emulator.core import instants, schedule
from sched_emulator.core.dispatch import Facts
from sched_emulator.core.errors import SchedulingError
from sched_emulator.core.records import Settings
from sched_emulator.core.sandbox import Sandbox

from .loading import read_snapshot

UTC = "UTC"
ZONES_NAMED = 4
NAMES_SHOWN = 5
NAMED = {"cron": ("name", "cron_id", "job_id", "id"), "queue": ("queue", "name")}


class Part(NamedTuple):
    """What a record may say: which argument of a call it is, its type or words, and what a number is multiplied by."""

    argument: str
    kind: type | tuple[str, ...]
    times: int = 1

    def value(self, said: Any) -> Any:
        """Return the argument for what is said; None when it is not understood."""
        if isinstance(self.kind, tuple):
            return said if said in self.kind else None
        if self.kind is int:
            return said * self.times if isinstance(said, int) and not isinstance(said, bool) and said >= 0 else None
        return said if isinstance(said, self.kind) else None


# By the names that records may have for them.
CRON = {
    "name": Part("name", str),
    "retry": Part("retry", int),
    "retries": Part("retry", int),
    "timeout_seconds": Part("timeout_ms", int, 1000),
    "overlap_policy": Part("overlap_policy", ("allow", "skip", "queue")),
    "max_runs": Part("max_runs", int),
    "payload": Part("payload", object),
    "headers": Part("headers", dict),
    "on_failure_webhook": Part("on_failure_webhook", str),
}
QUEUE = {
    "type": Part("type", ("standard", "fifo")),
    "max_retries": Part("max_retries", int),
    "message_retention_days": Part("message_retention_days", int),
    "visibility_timeout_default": Part("visibility_timeout_default_ms", int, 1000),
    "enable_priority": Part("enable_priority", bool),
}
NOT_READ = "Messages, push subscriptions and runs are not read."

Record = Mapping[str, Any]


class Pulled(NamedTuple):
    """The snapshot, which cron here is which there, and in sentences what could not be read or inferred."""

    document: bytes
    crons: list[tuple[str, str]]
    queues: list[str]
    remarks: list[str]


def build(crons: Iterable[Record], queues: Iterable[Record], now_ms: int, answers: Mapping[str, str | int]) -> Pulled:
    """Return a snapshot with these crons and queues; its clock is frozen at `now_ms`.

    InvalidRequest when nothing that could be loaded comes of them.
    """
    made = _Making(now_ms, answers)
    listed = list(crons), list(queues)
    for queue in listed[1]:
        made.queue(queue)
    for queue in listed[1]:
        made.dead_letters(queue)
    zones = _Zones(listed[0], now_ms, answers)
    for cron in listed[0]:
        made.cron(cron, zones)
    unsaid = [*_unsaid("crons", CRON, listed[0]), *_unsaid("queues", QUEUE, listed[1])]
    document = made.box.snapshot()
    read_snapshot(document)  # whoever loads it can
    return Pulled(document, made.crons, made.queues, [*made.remarks(), *unsaid, NOT_READ])


class _Making:
    """The sandbox in which things are created, and what there is to say of them."""

    def __init__(self, now_ms: int, answers: Mapping[str, str | int]) -> None:
        self.crons: list[tuple[str, str]] = []
        self.queues: list[str] = []
        self._remarks: dict[tuple[str, str], list[str]] = {}
        self.box = Sandbox.new(
            Settings(
                seed=0,
                start_ms=now_ms,
                mode="frozen",
                speed=1.0,
                answers=dict(answers),
                routes={},
                deliver="loopback",
                uncovered="capture",
                strict_urls=False,
            )
        )

    def queue(self, record: Record) -> None:
        """Create a queue without its dead-letter queue, which may come later."""
        name = _text(record, "queue", "name")
        if not name:
            self._remark("queue", record, "is not taken over, because it has no name")
        elif self._call("queue", record, "queue.create", queue=name, **self._said("queue", record)) is not None:
            self.queues.append(name)

    def dead_letters(self, record: Record) -> None:
        """Give a queue its dead-letter queue."""
        name, other = _text(record, "queue", "name"), record.get("dead_letter_queue")
        if name in self.queues and isinstance(other, str):
            self._call("queue", record, "queue.update", queue=name, dead_letter_queue=other)

    def cron(self, record: Record, zones: "_Zones") -> None:
        """Create a cron, paused where it is."""
        expression, next_ms = _text(record, "cron_expr", "schedule"), _instant(record)
        timing: dict[str, Any] = {"run_at_ms": next_ms}
        if expression:
            zone, remark = zones.of(record)
            timing = {"cron_expr": expression, "timezone": zone}
            self._remark("cron", record, remark)
        task = _text(record, "task", "url", "task_url")
        made = self._call("cron", record, "cron.create", task=task, **timing, **self._said("cron", record))
        if made is None:
            return
        here = made["cron_id"]
        days = record.get("retention_days")
        if isinstance(days, int) and days >= 0:
            self._call("cron", record, "cron.retention.set", cron_id=here, retention_days=days)
        if record.get("enabled") is False:
            self._call("cron", record, "cron.pause", cron_id=here)
        elif next_ms is not None and made.get("next_run_at") != next_ms:
            due = made.get("next_run_at")
            fires = "never" if due is None else f"at {instants.to_text(due)}"
            self._remark("cron", record, f"next fires {fires} here, and at {instants.to_text(next_ms)} there")
        self.crons.append((here, _text(record, *NAMED["cron"][1:])))

    def _said(self, kind: str, record: Record) -> dict[str, Any]:
        """Return what a record says as arguments of a call; what is not understood is a remark."""
        found: dict[str, Any] = {}
        for name, part in (CRON if kind == "cron" else QUEUE).items():
            if record.get(name) is not None:
                found[part.argument] = part.value(record[name])
                if found[part.argument] is None:
                    del found[part.argument]
                    self._remark(kind, record, f"has a {name} that is not understood, {record[name]!r:.60}")
        return found

    def _call(self, kind: str, record: Record, operation: str, **arguments: Any) -> dict[str, Any] | None:
        """Do something in the sandbox; what it refuses is a remark."""
        try:
            result: dict[str, Any] = self.box.call(f"scheduling.{operation}", arguments, facts=Facts()).result
        except SchedulingError as error:
            self._remark(kind, record, f"is not taken over as it is: {error.message}")
            return None
        return result

    def _remark(self, kind: str, record: Record, text: str) -> None:
        if text:
            self._remarks.setdefault((kind, text), []).append(repr(_text(record, *NAMED[kind])))

    def remarks(self) -> Iterator[str]:
        """Say what there is to say, and what is the same of several things once."""
        for (kind, text), names in self._remarks.items():
            more = f" and {len(names) - NAMES_SHOWN} more" if len(names) > NAMES_SHOWN else ""
            subject = f"{kind.capitalize()}" if len(names) == 1 else f"Each of the {kind}s"
            yield f"{subject} {', '.join(names[:NAMES_SHOWN])}{more} {text}."


class _Zones:
    """The zones of crons: told, or inferred from their next fires.

    Where several fit, it is the documented default, UTC, if that is one of them, else the one that fits most crons.
    """

    def __init__(self, crons: Iterable[Record], now_ms: int, answers: Mapping[str, str | int]) -> None:
        self._now_ms = now_ms
        self._answers = answers
        self._votes: Counter[str] = Counter()
        self._known: dict[tuple[str, int], list[str]] = {}
        for cron in crons:
            told = cron.get("timezone")
            self._votes.update([told] if isinstance(told, str) else self._fitting(cron))

    def of(self, cron: Record) -> tuple[str, str]:
        """Return the zone of a cron, and what is to be said of it; nothing where it was told."""
        told = cron.get("timezone")
        if isinstance(told, str):
            return told, ""
        fitting = self._fitting(cron)
        best = min(fitting or [UTC], key=lambda zone: (zone != UTC, -self._votes[zone], zone))
        if len(fitting) == 1:
            return best, f"has the time zone {best}, inferred from its next run"
        if fitting:
            others = [zone for zone in fitting if zone != best]
            shown = ", ".join(others[:ZONES_NAMED]) + (" …" if len(others) > ZONES_NAMED else "")
            return best, f"has a time zone that is not told: {best} is taken, and {len(others)} more fit ({shown})"
        why = "nothing tells it" if _instant(cron) is None else "its next run fits none"
        return best, f"has a time zone that cannot be inferred, because {why}: {best} is taken"

    def _fitting(self, cron: Record) -> list[str]:
        """Return the zones in which a cron fires next when it says."""
        expression, next_ms = _text(cron, "cron_expr", "schedule"), _instant(cron)
        if next_ms is None:
            return []
        if (expression, next_ms) not in self._known:
            self._known[expression, next_ms] = list(self._search(expression, next_ms))
        return self._known[expression, next_ms]

    def _search(self, expression: str, next_ms: int) -> Iterator[str]:
        position, dst = str(self._answers["cron.seconds_position"]), str(self._answers["cron.dst"])
        late_ms = 1000 * (1 + int(self._answers["cron.jitter_seconds"]))
        try:
            parsed = schedule.parse(expression, seconds_position=position)
        except schedule.ScheduleError:
            return
        for name in schedule.zone_names():
            fire_ms = schedule.next_fire_ms(parsed, schedule.load_zone(name), self._now_ms, dst=dst)
            if fire_ms is not None and 0 <= next_ms - fire_ms < late_ms:
                yield name


def _unsaid(things: str, known: Mapping[str, Part], records: list[Record]) -> Iterable[str]:
    """Say what no record of a kind says, under any name that an argument may have."""
    said = {known[name].argument for record in records for name in known if name in record}
    names = {part.argument: name for name, part in known.items() if part.argument not in said}
    if records and names:
        yield f"Of {things} the target does not say, and so it is as by default: {', '.join(names.values())}."


def _text(record: Record, *names: str) -> str:
    """Return the first of these members that is a text; nothing where none is."""
    return next((record[name] for name in names if isinstance(record.get(name), str)), "")


def _instant(record: Record) -> int | None:
    """Return when a cron runs next, None where it does not say."""
    try:
        return instants.from_text(_text(record, "next_run_at"))
    except ValueError:
        return None
