"""A sandbox with short ways to call it, for tests of the core: names without `scheduling.`, times in seconds."""

from collections.abc import Mapping
from typing import Any

from msgspec import convert

from sched_emulator.config import FROZEN_START_MS
from sched_emulator.core import snapshot
from sched_emulator.core.dispatch import OPERATIONS
from sched_emulator.core.encoding import encode_bytes
from sched_emulator.core.errors import SchedulingError
from sched_emulator.core.instants import to_ms, to_text
from sched_emulator.core.kept import KEEP_BYTES, KEEP_ENTRIES
from sched_emulator.core.records import Attempt, Exchange, Fault, Outcome, Settings, Target
from sched_emulator.core.sandbox import Sandbox
from sched_emulator.core.store import Store, fresh
from sched_emulator.server import binding
from sched_emulator.spec import assumptions

START_MS = FROZEN_START_MS  # 2026-01-01T00:00:00Z, a Thursday
MINUTE, HOUR, DAY = 60, 3600, 86_400
OK = Outcome(result="delivered", status=200)
FAILED = Outcome(result="failed", status=500, error="HTTP 500")
Json = dict[str, Any]
SECONDS = frozenset({"timeout_seconds", "delay_seconds", "visibility_timeout", "visibility_timeout_default"})

Answers = Mapping[str, str | int]


def settings(answers: Answers | None = None, **changes: Any) -> Settings:
    """Return the settings of a frozen sandbox that begins at START_MS."""
    values: Json = {
        "seed": 0,
        "start_ms": START_MS,
        "mode": "frozen",
        "speed": 1.0,
        "answers": {**assumptions.defaults(), **(answers or {})},
        "routes": {},
        "deliver": "loopback",
        "uncovered": "capture",
        "strict_urls": False,
    }
    return Settings(**(values | changes))


class Box:
    """A sandbox under test. `answers` is merged over the defaults; other keywords are settings."""

    def __init__(
        self,
        answers: Answers | None = None,
        *,
        keep_bytes: int = KEEP_BYTES,
        keep_entries: int = KEEP_ENTRIES,
        **changes: Any,
    ) -> None:
        beginning = fresh(settings(answers, **changes))
        self.sandbox = Sandbox(beginning, keep_bytes=keep_bytes, keep_entries=keep_entries)
        self.start_ms = self.sandbox.store.now_ms

    @property
    def store(self) -> Store:
        """What the sandbox holds at present."""
        return self.sandbox.store

    def call(self, operation: str, /, *, key: str | None = None, **arguments: Any) -> Any:
        """Perform an operation and return its result; afterwards it stands in the journal, as at the edge."""
        operation_id = operation if operation in OPERATIONS else f"scheduling.{operation}"
        status, response, replayed_from = 200, None, None
        try:
            facts, honoured = bound(operation_id).facts, bound(operation_id).operation.honours_key
            answer = self.sandbox.call(
                operation_id, in_ms(arguments), facts=facts, idempotency_key=key if honoured else None
            )
            response, replayed_from = answer.result, answer.replayed_from
        except SchedulingError as error:
            status, response = error.status, error.message
            raise
        finally:
            self.sandbox.record(
                Exchange(
                    operation=operation_id,
                    method="POST",
                    path=f"/{operation}",
                    body=encode_bytes(arguments),
                    status=status,
                    response=encode_bytes(response),
                    replayed_from=replayed_from,
                )
            )
        return response

    def refused(self, operation: str, /, *, key: str | None = None, **arguments: Any) -> tuple[int, str]:
        """Perform an operation that is refused; return the status and the sentence."""
        try:
            result = self.call(operation, key=key, **arguments)
        except SchedulingError as error:
            return error.status, error.message
        raise AssertionError(f"{operation} was not refused: {result}")

    def status(self, operation: str, /, *, key: str | None = None, **arguments: Any) -> int:
        """Perform an operation and return its status, whatever it is."""
        try:
            self.call(operation, key=key, **arguments)
        except SchedulingError as error:
            return error.status
        return 200

    def advance(self, seconds: float = 0) -> None:
        """Let time pass; nothing may come up that the edge would have to send."""
        attempt = self.sandbox.poll(self.sandbox.store.now_ms + to_ms(seconds))
        assert attempt is None, attempt.url

    def to_send(self, seconds: float = 0) -> Attempt:
        """Let time pass up to the next attempt that the edge has to send, and return it."""
        attempt = self.sandbox.poll(self.sandbox.store.now_ms + to_ms(seconds))
        assert attempt is not None
        return attempt

    def script(self, url: str, *responses: int | Json, then: str = "repeat-last") -> None:
        """Script a receiver; a number is a status."""
        answers = [{"status": item} if isinstance(item, int) else item for item in responses]
        self.target({"url": url, "responses": answers, "then": then})

    def target(self, fields: Json) -> None:
        """Script a receiver, in the fields of its record."""
        self.sandbox.add_target(convert(fields, Target, strict=False))

    def restore(self, document: bytes) -> None:
        """Go on from a snapshot."""
        self.sandbox.restore(snapshot.unseal(document))

    def fault(self, fields: Json) -> None:
        """Add a fault, in the fields of its record."""
        self.sandbox.add_fault(convert(fields, Fault, strict=False))

    def publish(self, queue: str, *payloads: Any, **options: Any) -> list[str]:
        """Publish messages one after another and return their ids."""
        return [self.call("queue.publish", queue=queue, payload=item, **options)["message_id"] for item in payloads]

    def consume(self, queue: str, **options: Any) -> list[Any]:
        """Consume and return the payloads."""
        return [message["payload"] for message in self.call("queue.consume", queue=queue, **options)["messages"]]

    def dead(self, queue: str) -> list[Any]:
        """Return the payloads of a queue's dead letters."""
        return [message["payload"] for message in self.call("queue.dlq.list", queue=queue)["items"]]

    def counts(self, queue: str) -> tuple[int, int, int]:
        """Return what stats count: available, in flight, dead."""
        stats = self.call("queue.stats", queue=queue)
        return stats["available"], stats["in_flight"], stats["dlq"]

    def sent(self) -> list[tuple[float, str, int, str]]:
        """Return all attempts: second of the start, URL, number, outcome."""
        return [
            (self.second(entry.at_ms), entry.url, entry.attempt, entry.outcome)
            for entry in self.sandbox.store.journal.deliveries
        ]

    def seconds_sent(self) -> list[float]:
        """Return the second at which each attempt started."""
        return [second for second, *_ in self.sent()]

    def bodies(self) -> list[Any]:
        """Return the bodies of all attempts."""
        return [entry.body for entry in self.sandbox.store.journal.deliveries]

    def states(self) -> list[tuple[str, str]]:
        """Return all runs, oldest first, with their states."""
        return [(run.run_id, run.state) for run in self.sandbox.store.runs.values()]

    def due(self) -> list[tuple[float, str, str]]:
        """Return the events due: second, kind, subject."""
        entries = self.sandbox.store.timeline.due(1000)
        return [(self.second(entry.due_ms), entry.kind, entry.subject) for entry in entries]

    def second(self, instant_ms: int | None = None) -> float:
        """Return an instant, or the present one, in seconds since the beginning."""
        since_ms = (self.sandbox.store.now_ms if instant_ms is None else instant_ms) - self.start_ms
        return since_ms / 1000 if since_ms % 1000 else since_ms // 1000

    def next_run(self, cron_id: str) -> str | None:
        """Return when a cron fires next, as the API writes it."""
        instant_ms = self.call("cron.get", cron_id=cron_id).get("next_run_at")
        return None if instant_ms is None else to_text(instant_ms)


def in_ms(arguments: Json) -> Json:
    """Return arguments as the core takes them: durations, which tests write in seconds, in milliseconds."""
    found = dict(arguments)
    for name in SECONDS & arguments.keys():
        seconds = found.pop(name)
        found[binding.in_ms(name)] = None if seconds is None else to_ms(seconds)
    if "messages" in found:
        found["messages"] = [in_ms(item) for item in found["messages"]]
    return found


def bound(operation_id: str) -> binding.BoundOperation:
    """Return an operation as the spec describes it."""
    return binding.bind(assumptions.defaults()).operations[operation_id]
