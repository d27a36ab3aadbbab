"""One sandbox: its store, its command log, and the only dispatcher of requests and events.

Everything that can happen to a sandbox is one of the methods marked *command*, called with plain values; the same
commands give the same bytes. Time moves only in `poll` and `set_now`. Nothing waits, reads a clock or opens a socket.
"""

from collections import deque
from collections.abc import Generator, Mapping, Sequence
from typing import Any, Literal, NamedTuple

from msgspec.structs import replace

from . import account, faults, globs, idempotency, ids, kept, queues, runs, snapshot, targets, urls
from .beginning import Beginning
from .command_log import CommandLog, Listener, OpenPoll
from .dispatch import EVENTS, ON_ANSWERS, OPERATIONS, Facts, end_attempt
from .errors import Backward, Conflict, InvalidRequest
from .instants import to_ms
from .kept import KEEP_BYTES, KEEP_ENTRIES, Command
from .records import Attempt, Exchange, Fault, Outcome, RequestEntry, Settings, State, Target
from .store import Store, fresh
from .timeline import HOUSEKEEPING, Entry
from .work import at_once

EVENTS_A_PIECE = 20  # or chores, of a poll that is long work
HEARD_AT_ONCE = 1000  # deliveries at most that a poll holds back for who listens


class Answer(NamedTuple):
    """What an operation answered: plain canonical values, and what a fault adds to it.

    `let_go` has the containers of what the operation removed at one stroke, for the edge to free in slices.
    """

    result: Any
    replayed_from: int | None = None
    latency_ms: int = 0
    let_go: Sequence[Any] = ()
    cost_usd: float = 0


class Sandbox:
    """Crons, queues, tasks and runs of one key, with their own time.

    `keep_bytes` bounds journal and command log together, `keep_entries` each sort of facts in the journal. `beginning`
    is given where several sandboxes begin alike. `salt` tells its cursors from another's.
    """

    store: Store
    _commands: CommandLog
    _listener: Listener | None = None
    _unsent: deque[str]
    _chores: int = 0  # since the last event, or since the poll under way began

    def __init__(
        self,
        state: State,
        *,
        salt: str = "",
        keep_bytes: int = KEEP_BYTES,
        keep_entries: int = KEEP_ENTRIES,
        beginning: Beginning | None = None,
    ) -> None:
        self.salt = salt
        self.keep_bytes = keep_bytes
        self.keep_entries = keep_entries
        self._log_bound = keep_bytes - kept.journal_bytes(keep_bytes)
        self._origin = Beginning(state) if beginning is None else beginning  # one of settings alone has no length
        self._take(state)
        self._start_log(self._origin)

    @classmethod
    def new(cls, settings: Settings) -> "Sandbox":
        """Return a sandbox in which nothing has happened yet."""
        return cls(fresh(settings))

    def call(
        self, operation_id: str, arguments: dict[str, Any], *, facts: Facts, idempotency_key: str | None = None
    ) -> Answer:
        """Perform an operation with validated arguments (*command*). SchedulingError when it is refused."""
        self._keep("call", operation_id=operation_id, arguments=arguments, facts=facts, idempotency_key=idempotency_key)
        store = self.store
        store.note = None
        fault = faults.next_fault(store.faults, operation_id, seed=store.settings.seed, call_number=store.journal.seq)
        if fault is not None and not fault.after:
            faults.raise_fault(fault)
        cost_usd = account.price(store, operation_id, arguments, charged=facts.charged)
        operation, replayed_from = OPERATIONS[operation_id], None
        if idempotency_key is None:
            idempotency.refuse_without_key(store, creation=facts.creation)
            result = operation(store, **arguments)
        else:
            result, replayed_from = idempotency.perform(
                store,
                operation_id=operation_id,
                path=facts.path,
                key=idempotency_key,
                arguments=arguments,
                operation=lambda: operation(store, **arguments),
            )
        cost_usd = cost_usd if replayed_from is None else 0
        account.pay(store, operation_id, cost_usd)
        if fault is not None and fault.after:
            faults.raise_fault(fault)
        let_go, store.let_go = store.let_go, ()
        return Answer(result, replayed_from, 0 if fault is None else to_ms(fault.latency_seconds), let_go, cost_usd)

    def record(self, exchange: Exchange) -> RequestEntry:
        """Journal a request that has been answered, or refused at the edge (*command*)."""
        exchange, weight = self.store.journal.fitted(exchange)
        self._keep("record", weight, exchange=exchange)
        store = self.store
        entry = RequestEntry(seq=store.journal.next_seq(), at_ms=store.now_ms, exchange=exchange, note=store.note)
        store.note = None
        store.journal.add_request(entry, weight)
        return entry

    def next_request_id(self) -> str:
        """Return the id of the request that is recorded next: a UUID v7."""
        return ids.request_id(self.store.settings.seed, self.store.now_ms, self.store.journal.seq + 1)

    def poll(
        self,
        until_ms: int | None,
        *,
        max_events: int | None = None,
        chores: int = 0,
        signing_now_ms: int | None = None,
    ) -> Attempt | None:
        """Let time pass (*command*): make what is due happen, in order, up to `until_ms`, at most `max_events` events.

        Return the next attempt that the edge has to send, with time standing at its instant; None when nothing more
        is due: then time stands at `until_ms` (without `until_ms`: at the last event). After `max_events` events, so
        many `chores` of housekeeping happen too: a poll that was cut in the midst of them ends there.
        """
        return at_once(self.polling(until_ms, max_events=max_events, chores=chores, signing_now_ms=signing_now_ms))

    def polling(
        self,
        until_ms: int | None,
        *,
        max_events: int | None = None,
        chores: int = 0,
        signing_now_ms: int | None = None,
    ) -> Generator[None, None, Attempt | None]:
        """Do as `poll` (*command*), as long work: it yields after every few events or chores.

        Where another command comes between, the log has what happened before it and after it as two polls.
        """
        store = self.store
        last = None if max_events is None else store.fired + max_events
        passing = self._passing(until_ms, last, chores)
        opened = None
        while True:
            if opened is None or self._commands.under_way is not opened:
                left = None if last is None else last - store.fired
                more = {"chores": chores} if chores else {}
                opened = self._open_poll(until_ms=until_ms, max_events=left, signing_now_ms=signing_now_ms, **more)
            store.signing_now_ms = signing_now_ms
            try:
                next(passing)
            except StopIteration as done:
                self._commands.close_poll()
                return done.value  # type: ignore[no-any-return]
            if len(opened.delivered) > HEARD_AT_ONCE:
                self._cut_poll()
            yield
            if self.store is not store:  # a reset or restore has come between: this time is over
                return None

    @property
    def base(self) -> bytes:
        """The document of the state that the log began with; empty when it is too large to be kept with the log."""
        return b"" if self._commands.base is None else self._commands.base.document()

    @property
    def log(self) -> list[Command]:
        """The commands that are kept."""
        return self._commands.commands

    @property
    def log_complete(self) -> bool:
        """Whether all commands are kept."""
        return self._commands.complete

    def commands(self) -> tuple[Command, ...]:
        """Return the log so far; of a poll under way, what it has done."""
        self._cut_poll()
        return tuple(self.log)

    def listen(self, listener: Listener | None) -> None:
        """Let somebody hear of all that happens from now on, in place of who heard of it before."""
        self._cut_poll()
        self._listener = self._commands.listener = listener
        self._watch()

    def _passing(self, until_ms: int | None, last: int | None, chores: int) -> Generator[None, None, Attempt | None]:
        """Make happen what is due up to an event, and so many chores after it; yield after every few."""
        store, happened = self.store, 0
        while self._unsent and store.fired != last:
            unsent = store.attempts.get(self._unsent.popleft())
            if unsent is not None and unsent.outcome is None:
                return unsent
        while last is None or store.fired < last:
            entry = store.timeline.pop_due(until_ms)
            if entry is None:
                if until_ms is not None:
                    store.now_ms = max(store.now_ms, until_ms)
                return None
            attempt = self._happen(entry)
            if attempt is not None:
                return attempt
            happened += 1
            if not happened % EVENTS_A_PIECE and store.fired != last:
                yield
        for _ in range(chores):
            entry = store.timeline.pop_chore(until_ms)
            if entry is None:
                break
            self._happen(entry)
            yield
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
        beginning = self.store.settings.answers
        self.store.answers.change(
            {name: beginning[name] if answer is None else answer for name, answer in changes.items()}
        )
        for derive in ON_ANSWERS:
            derive(self.store)

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
                raise InvalidRequest(str(error), about="routes") from None
        self.store.replace_routes(routes)

    def add_target(self, target: Target) -> None:
        """Script a receiver (*command*). InvalidRequest when a response has one header under two names."""
        for number, response in enumerate(target.responses):
            urls.check_header_names(response.headers, parameter=f"responses[{number}].headers")
        self._keep("add_target", target=target)
        targets.script(self.store.targets, replace(target))

    def clear_targets(self) -> None:
        """Remove all scripted receivers (*command*)."""
        self._keep("clear_targets")
        self.store.targets.clear()

    def add_fault(self, fault: Fault) -> None:
        """Add a fault (*command*). InvalidRequest when it could meet no operation."""
        self._keep("add_fault", fault=fault)
        globs.refuse_unmet(fault.operation or "*", OPERATIONS)
        self.store.faults.append(replace(fault))

    def clear_faults(self) -> None:
        """Remove all faults (*command*)."""
        self._keep("clear_faults")
        self.store.faults.clear()

    def reset(
        self, *, seed: int | None = None, now_ms: int | None = None, answers: Mapping[str, str | int] | None = None
    ) -> list[Any]:
        """Return to the state in which the sandbox began; the log begins anew.

        What is given counts as its beginning from now on. Conflict when an instant is given to one that began as a
        snapshot in which something had happened. Return the containers of what is let go, to be freed in slices.
        """
        state = self._origin.state()
        if now_ms is not None:
            if state.journal_seq or state.timeline:
                raise Conflict("`now` cannot be given to a sandbox that began as a snapshot with a past")
            state.now_ms = now_ms
        settings = state.settings
        state.answers = {**state.answers, **(answers or {})}
        state.settings = replace(
            settings,
            seed=settings.seed if seed is None else seed,
            start_ms=settings.start_ms if now_ms is None else now_ms,
            answers={**settings.answers, **(answers or {})},
        )
        self._origin = Beginning(state)
        self._cut_poll()
        self._commands.tell("reset", {"seed": seed, "now_ms": now_ms, "answers": answers})
        return self._begin(state, self._origin)

    def restore(self, state: State) -> list[Any]:
        """Take the state of a snapshot; the log begins anew.

        Where deliveries may go stays as this sandbox was told, whatever the snapshot's sandbox was told. Return the
        containers of what is let go, to be freed in slices.
        """
        state = snapshot.at_home(state, self.store.settings)
        self._cut_poll()
        self._commands.tell("restore", {"state": state})
        return self._begin(state, Beginning(state))

    def containers(self) -> list[Any]:
        """Return what holds most of the sandbox, to be freed in slices once it is let go."""
        return [*self.store.containers(), self.log]

    def snapshot(self) -> bytes:
        """Return the whole state as a JSON document, sealed so that a changed one is noticed."""
        return snapshot.seal(self.store.state())

    def _happen(self, entry: Entry) -> Attempt | None:
        """Make an entry of the timeline happen; return an attempt if the edge has to send it."""
        self.store.now_ms = max(self.store.now_ms, entry.due_ms)
        if entry.kind in HOUSEKEEPING:
            self._chores += 1
        else:
            self.store.fired += 1
            self._chores = 0
        started = EVENTS[entry.kind](self.store, entry)
        if started is None or started.outcome is None:
            return started
        self._conclude(started, started.outcome)
        return None

    def _conclude(self, attempt: Attempt, outcome: Outcome) -> None:
        if outcome.duration_ms:
            self.store.timeline.schedule(self.store.now_ms + outcome.duration_ms, "attempt", attempt.attempt_id)
        else:
            end_attempt(self.store, attempt, outcome)

    def _open_poll(self, **arguments: Any) -> OpenPoll:
        self._cut_poll()
        self._chores = 0
        return self._commands.open_poll(self.store.fired, arguments)

    def _cut_poll(self) -> None:
        if self._commands.under_way is not None:
            self._commands.cut_poll(self._commands.under_way, self.store.fired, self._chores)

    def _keep(self, method: str, weight: int | None = None, /, **arguments: Any) -> None:
        self._cut_poll()
        self._commands.keep(method, arguments, weight)

    def _begin(self, state: State, base: Beginning) -> list[Any]:
        """Go on from another state; return the containers of what is let go."""
        store, log = self.store, self.log
        self._take(state)
        self._start_log(base)
        return [*store.containers(), log]

    def _start_log(self, base: Beginning) -> None:
        base_bytes = 0 if base is self._origin else len(base)  # what it returns to is kept anyway
        self._commands = CommandLog(base, base_bytes=base_bytes, bound_bytes=self._log_bound, listener=self._listener)
        self._watch()

    def _watch(self) -> None:
        """Let the journal say which attempts have ended, where somebody listens."""
        self.store.journal.ended = None if self._listener is None else self._commands.delivered

    def _take(self, state: State) -> None:
        """Make a state this sandbox's own, and derive what the domain derives from it."""
        store = Store(state, keep_bytes=self.keep_bytes, keep_entries=self.keep_entries)
        store.salt = self.salt
        runs.build_histories(store)
        queues.arrange(store)
        self.store = store
        self._unsent = deque(attempt.attempt_id for attempt in state.attempts if attempt.outcome is None)
