"""One sandbox: its store, its command log, and the only dispatcher of requests and events.

Everything that can happen to a sandbox is one of the methods marked *command*, called with plain values; the same
commands give the same bytes. Time moves only in `poll` and `set_now`. Nothing waits, reads a clock or opens a socket.
"""

from collections import deque
from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

import msgspec
from msgspec.structs import replace

from . import account, deliveries, faults, idempotency, ids, queues, runs, snapshot, targets, urls
from .dispatch import ATTEMPT_ENDED, EVENTS, OPERATIONS
from .errors import Backward, Conflict, InvalidRequest
from .instants import to_ms
from .records import Attempt, Fault, Outcome, RequestEntry, Settings, State, Target
from .store import Store, fresh
from .timeline import HOUSEKEEPING, Entry

COMMANDS_KEPT = 10_000


class Command(NamedTuple):
    """One call of a sandbox's method, as the log keeps it."""

    method: str
    arguments: dict[str, Any]


class Answer(NamedTuple):
    """What an operation answered: plain canonical values, and what a fault adds to it."""

    result: Any
    replayed_from: int | None = None
    latency_ms: int = 0


class Sandbox:
    """Crons, queues, tasks and runs of one key, with their own time."""

    store: Store
    log: list[Command]
    _unsent: deque[str]

    def __init__(self, state: State) -> None:
        self._origin = snapshot.seal(state)
        self._take(state)
        self._start_log(self._origin)

    @classmethod
    def new(cls, settings: Settings) -> "Sandbox":
        """Return a sandbox in which nothing has happened yet."""
        return cls(fresh(settings))

    def call(
        self,
        operation_id: str,
        arguments: dict[str, Any],
        *,
        scope: str = "",
        idempotency_key: str | None = None,
    ) -> Answer:
        """Perform an operation with validated arguments (*command*). SchedulingError when it is refused.

        `scope` distinguishes the paths under which an idempotency key counts.
        """
        self._keep("call", operation_id=operation_id, arguments=arguments, scope=scope, idempotency_key=idempotency_key)
        self.store.note = None
        operation = OPERATIONS[operation_id]
        fault = faults.next_fault(
            self.store.faults, operation_id, seed=self.store.settings.seed, call_number=self.store.journal.seq
        )
        if fault is not None and not fault.after:
            faults.raise_fault(fault)
        if operation.write:
            account.refuse_without_credit(self.store)
        result, replayed_from = idempotency.perform(
            self.store,
            scope=f"{operation_id} {scope}",
            key=idempotency_key if operation.deduplicated else None,
            creation=operation.creation,
            arguments=arguments,
            operation=lambda: operation.function(self.store, **arguments),
        )
        if fault is not None and fault.after:
            faults.raise_fault(fault)
        latency_ms = 0 if fault is None else to_ms(fault.latency_seconds)
        return Answer(result, replayed_from, latency_ms)

    def record(self, **facts: Any) -> RequestEntry:
        """Journal a request that has been answered, or refused at the edge (*command*)."""
        self._keep("record", **facts)
        entry = RequestEntry(seq=self.store.journal.next_seq(), at_ms=self.store.now_ms, note=self.store.note, **facts)
        self.store.note = None
        self.store.journal.add_request(entry)
        return entry

    def next_request_id(self) -> str:
        """Return the id of the request that is recorded next: a UUID v7."""
        return ids.request_id(self.store.settings.seed, self.store.now_ms, self.store.journal.seq + 1)

    def poll(
        self, until_ms: int | None, *, max_events: int | None = None, signing_now_ms: int | None = None
    ) -> Attempt | None:
        """Let time pass (*command*): make what is due happen, in order, up to `until_ms`, at most `max_events` events.

        Return the next attempt that the edge has to send, with time standing at its instant; None when nothing more
        is due: then time stands at `until_ms` (without `until_ms`: at the last event).
        """
        self._keep("poll", until_ms=until_ms, max_events=max_events, signing_now_ms=signing_now_ms)
        self.store.signing_now_ms = signing_now_ms
        while self._unsent:
            unsent = self.store.attempts.get(self._unsent.popleft())
            if unsent is not None and unsent.outcome is None:
                return unsent
        last = None if max_events is None else self.store.fired + max_events
        while last is None or self.store.fired < last:
            entry = self.store.timeline.pop_due(until_ms)
            if entry is None:
                if until_ms is not None:
                    self.store.now_ms = max(self.store.now_ms, until_ms)
                break
            attempt = self._happen(entry)
            if attempt is not None:
                return attempt
        return None

    def settle(self, attempt_id: str, outcome: Outcome) -> None:
        """Say what became of an attempt that the edge has sent (*command*).

        With a duration, the attempt stays under way for so long in virtual time. Attempts that are no longer known are
        ignored.
        """
        self._keep("settle", attempt_id=attempt_id, outcome=outcome)
        attempt = self.store.attempts.get(attempt_id)
        if attempt is not None and attempt.outcome is None:
            attempt.outcome = outcome
            self._conclude(attempt, outcome)

    def set_now(self, now_ms: int) -> None:
        """Set the instant of a sandbox in which nothing has happened yet (*command*). Conflict in any other."""
        self._keep("set_now", now_ms=now_ms)
        if not self.store.untouched:
            raise Backward(self.store.now_ms, now_ms)
        self.store.now_ms = now_ms

    def set_clock(self, mode: Literal["wall", "frozen"], speed: float) -> None:
        """Keep how the edge drives the clock (*command*)."""
        self._keep("set_clock", mode=mode, speed=speed)
        self.store.mode, self.store.speed = mode, float(speed)

    def set_assumptions(self, changes: Mapping[str, str | int | None]) -> None:
        """Merge answers that were checked before (*command*); None returns to the answer the sandbox began with."""
        self._keep("set_assumptions", changes=changes)
        for assumption_id, answer in changes.items():
            self.store.answers.values[assumption_id] = (
                self.store.settings.answers[assumption_id] if answer is None else answer
            )
        queues.build_indexes(self.store)
        for queue in self.store.queues.values():
            queues.want_push(self.store, queue)
        for history in list(self.store.histories):
            runs.apply_retention(self.store, history)
        idempotency.forget(self.store)

    def set_balance(self, balance_usd: float | None) -> None:
        """Set the account's balance (*command*); None is unlimited."""
        self._keep("set_balance", balance_usd=balance_usd)
        self.store.balance_usd = None if balance_usd is None else float(balance_usd)

    def set_routes(self, routes: dict[str, str]) -> None:
        """Replace the routes (*command*). InvalidRequest when one leads from or to what is no URL."""
        self._keep("set_routes", routes=routes)
        for source, destination in routes.items():
            try:
                urls.check_route(source, destination)
            except urls.UrlError as error:
                raise InvalidRequest(str(error), parameter="routes") from None
        self.store.routes = routes

    def add_target(self, target: dict[str, Any]) -> None:
        """Script a receiver (*command*), in the fields of `records.Target`."""
        self._keep("add_target", target=target)
        targets.script(self.store.targets, msgspec.convert(target, Target, strict=False))

    def clear_targets(self) -> None:
        """Remove all scripted receivers (*command*)."""
        self._keep("clear_targets")
        self.store.targets.clear()

    def add_fault(self, fault: dict[str, Any]) -> None:
        """Add a fault (*command*), in the fields of `records.Fault`."""
        self._keep("add_fault", fault=fault)
        self.store.faults.append(msgspec.convert(fault, Fault, strict=False))

    def clear_faults(self) -> None:
        """Remove all faults (*command*)."""
        self._keep("clear_faults")
        self.store.faults.clear()

    def reset(
        self, *, seed: int | None = None, now_ms: int | None = None, answers: Mapping[str, str | int] | None = None
    ) -> None:
        """Return to the state in which the sandbox began; the log begins anew.

        What is given counts as its beginning from now on. Conflict when an instant is given to one that began as a
        snapshot in which something had happened.
        """
        state = snapshot.unseal(self._origin)
        if now_ms is not None:
            if state.journal_seq or state.timeline:
                raise Conflict("`now` cannot be given to a sandbox that began as a snapshot with a past")
            state.now_ms = now_ms
        state.answers |= answers or {}
        settings = state.settings
        state.settings = replace(
            settings,
            seed=settings.seed if seed is None else seed,
            start_ms=settings.start_ms if now_ms is None else now_ms,
            answers={**settings.answers, **(answers or {})},
        )
        self._origin = snapshot.seal(state)
        self._take(state)
        self._start_log(self._origin)

    def restore(self, document: bytes) -> None:
        """Take the state of a snapshot; the log begins anew. InvalidRequest when it is none, or has been changed.

        Where deliveries may go stays as this sandbox was told, whatever the snapshot's sandbox was told.
        """
        state = snapshot.unseal(document)
        state.settings = replace(
            state.settings,
            deliver=self.store.settings.deliver,
            uncovered=self.store.settings.uncovered,
            strict_urls=self.store.settings.strict_urls,
        )
        self._take(state)
        self._start_log(snapshot.seal(state))

    def snapshot(self) -> bytes:
        """Return the whole state as a JSON document, sealed so that a changed one is noticed."""
        return snapshot.seal(self.store.state())

    def _happen(self, entry: Entry) -> Attempt | None:
        """Make an entry of the timeline happen; return an attempt if the edge has to send it."""
        self.store.now_ms = max(self.store.now_ms, entry.due_ms)
        if entry.kind not in HOUSEKEEPING:
            self.store.fired += 1
        if entry.kind == "attempt":
            attempt = self.store.attempts[entry.subject]
            assert attempt.outcome is not None
            self._end(attempt, attempt.outcome)
            return None
        started = EVENTS[entry.kind](self.store, entry.subject)
        if started is None or started.outcome is None:
            return started
        self._conclude(started, started.outcome)
        return None

    def _conclude(self, attempt: Attempt, outcome: Outcome) -> None:
        if outcome.duration_ms:
            self.store.timeline.schedule(self.store.now_ms + outcome.duration_ms, "attempt", attempt.attempt_id)
        else:
            self._end(attempt, outcome)

    def _end(self, attempt: Attempt, outcome: Outcome) -> None:
        deliveries.end(self.store, attempt, outcome)
        ATTEMPT_ENDED[attempt.kind](self.store, attempt, outcome)

    def _keep(self, method: str, /, **arguments: Any) -> None:
        if len(self.log) < COMMANDS_KEPT:
            self.log.append(Command(method, arguments))
        else:
            self.log_complete = False

    def _start_log(self, base: bytes) -> None:
        self.base = base
        self.log = []
        self.log_complete = True

    def _take(self, state: State) -> None:
        """Make a state this sandbox's own, and derive the indexes from it."""
        self.store = store = Store(state)
        self._unsent = deque(attempt.attempt_id for attempt in state.attempts if attempt.outcome is None)
        runs.build_histories(store)
        queues.build_indexes(store)
