"""Random sessions: everything that can happen to a sandbox, as plain steps that Hypothesis draws and shrinks."""

from collections.abc import Iterable
from typing import Any, NamedTuple

from hypothesis import strategies as st
from msgspec import convert

from sched_emulator.core import snapshot
from sched_emulator.core.encoding import encode_bytes
from sched_emulator.core.errors import SchedulingError
from sched_emulator.core.records import Exchange, Fault, Outcome, Response, Target
from sched_emulator.core.sandbox import Sandbox
from sched_emulator.spec import assumptions
from tests.core.harness import FAILED, OK, START_MS, Answers, bound, in_ms
from tests.soak import LONGER

BEHAVIOURS = {name: tuple(item.answers) for name, item in assumptions.catalogue().items() if item.kind == "behaviour"}
TIMED_OUT = Outcome(result="timeout", error="no answer", duration_ms=30_000)
GOOD, BAD, SLOW = "https://good.example/", "https://bad.example/", "https://slow.example/"
CAPTURED, REAL = "https://captured.example/", "http://127.0.0.1:9/"
Json = dict[str, Any]


class Pick(NamedTuple):
    """One of the ids that there are when the step is played, or one that is not."""

    kind: str
    number: int

    def of(self, sandbox: Sandbox) -> str:
        """Return the id: of the messages one in flight, if there is any."""
        ids = list(getattr(sandbox.store, self.kind))
        if self.kind == "messages":
            ids = [item for item in ids if sandbox.store.messages[item].place == "in_flight"] or ids
        return ids[self.number % len(ids)] if ids and self.number else "nothing"


class Call(NamedTuple):
    """A request."""

    operation: str
    arguments: Json
    key: str | None


class Pass(NamedTuple):
    """Let time pass; `events` bounds how many events happen."""

    duration_ms: int
    events: int | None


class Settle(NamedTuple):
    """Say what became of the oldest, or the newest, attempt that was sent."""

    newest: bool
    outcome: Outcome


class Steer(NamedTuple):
    """What the control API does: a method of the sandbox and its arguments."""

    method: str
    arguments: Json


class Restore(NamedTuple):
    """Take a snapshot and go on from it."""


Step = Call | Pass | Settle | Steer | Restore


class Player:
    """Gives a sandbox steps, as an edge would. `answers` holds what each step brought."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.under_way: list[str] = []

    def play(self, step: Step) -> Any:
        """Do a step; return what came of it, an error as its code and sentence."""
        match step:
            case Call(operation, arguments, key):
                return self._call(operation, arguments, key)
            case Pass(duration_ms, events):
                return self._pass(self.sandbox.store.now_ms + duration_ms, events)
            case Settle(newest, outcome):
                if self.under_way:
                    self.sandbox.settle(self.under_way.pop(-1 if newest else 0), outcome)
            case Steer(method, arguments):
                getattr(self.sandbox, method)(**arguments)
            case Restore():
                self.sandbox.restore(snapshot.unseal(self.sandbox.snapshot()))
                self.under_way.clear()
        return None

    def play_all(self, steps: Iterable[Step]) -> list[Any]:
        """Do steps one after another; return what came of each."""
        return [self.play(step) for step in steps]

    def take_over(self, other: "Player") -> None:
        """Go on from another player's sandbox; the attempts that its edge has under way are not sent twice."""
        self.sandbox.restore(snapshot.unseal(other.sandbox.snapshot()))
        again = [self.sandbox.poll(self.sandbox.store.now_ms) for _ in other.under_way]
        assert {attempt.attempt_id for attempt in again if attempt} == set(other.under_way)
        self.under_way = list(other.under_way)

    def _call(self, operation: str, arguments: Json, key: str | None) -> Any:
        arguments = self._resolved(arguments)
        status, response = 200, None
        try:
            answer = self.sandbox.call(operation, in_ms(arguments), facts=bound(operation).facts, idempotency_key=key)
            response = answer.result
        except SchedulingError as error:
            status, response = error.status, {"error": {"code": error.code, "message": error.message}}
        self.sandbox.record(
            Exchange(
                operation=operation,
                method="POST",
                path=operation,
                body=None,
                status=status,
                response=encode_bytes(response),
            )
        )
        return response

    def _resolved(self, arguments: Json) -> Json:
        """Put ids in place of picks."""
        found = dict(arguments)
        for name, value in arguments.items():
            if isinstance(value, Pick):
                found[name] = value.of(self.sandbox)
        message = self.sandbox.store.messages.get(found.get("message_id", ""))
        if "queue" not in found and "message_id" in found:
            found["queue"] = "a" if message is None else message.queue
        return found

    def _pass(self, until_ms: int, events: int | None) -> list[str]:
        sent = []
        while (attempt := self.sandbox.poll(until_ms, max_events=events)) is not None:
            sent.append(attempt.attempt_id)
        self.under_way += sent
        return sent


def _some(required: dict[str, st.SearchStrategy[Any]], **optional: st.SearchStrategy[Any]) -> st.SearchStrategy[Json]:
    return st.fixed_dictionaries(required, optional=optional)


def _pick(kind: str) -> st.SearchStrategy[Pick]:
    return st.builds(Pick, st.just(kind), st.sampled_from([1, 2, 3, 4, 0]))


QUEUES = st.sampled_from(["a", "a", "f", "f", "p", "dead", "new"])
URLS = st.sampled_from([GOOD, BAD, SLOW, CAPTURED, REAL])
EXPRESSIONS = st.sampled_from(["* * * * *", "* * * * *", "*/5 * * * *", "30 0 9 * * 1", "45 30 9 * * 1", "never"])
PAYLOADS = st.sampled_from([{}, {"n": 1}, {"n": 2, "m": [1.5]}])
PRIORITIES = st.sampled_from([None, 1, 5, 9])
DELAYS = st.sampled_from([0, 0, 1.5, 60])
LEASES = st.sampled_from([1, 30, 300])
SMALL = st.integers(0, 2)
INSTANTS = st.integers(-2, 4).map(lambda minutes: START_MS + 60_000 * minutes)
PAGES = {"limit": st.integers(1, 3), "cursor": st.just("made-up")}
CRON_FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "name": st.sampled_from(["x", "y"]),
    "timezone": st.sampled_from(["UTC", "America/New_York", "Nowhere/Land"]),
    "retry": SMALL,
    "timeout_seconds": st.sampled_from([1, 60]),
    "overlap_policy": st.sampled_from(["allow", "skip", "queue"]),
    "max_runs": st.integers(1, 3),
    "payload": PAYLOADS,
    "on_failure_webhook": URLS,
}
QUEUE_FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "dead_letter_queue": st.sampled_from(["a", "f", "dead", "deader", "nowhere"]),
    "max_retries": SMALL,
    "message_retention_days": st.just(1),
    "visibility_timeout_default": LEASES,
    "enable_priority": st.booleans(),
}
ITEMS = _some({"payload": PAYLOADS}, delay_seconds=DELAYS, priority=PRIORITIES)
ONE_CRON: dict[str, st.SearchStrategy[Any]] = {"cron_id": _pick("crons")}
ONE_QUEUE: dict[str, st.SearchStrategy[Any]] = {"queue": QUEUES}
ONE_MESSAGE: dict[str, st.SearchStrategy[Any]] = {"message_id": _pick("messages")}

ARGUMENTS: dict[str, st.SearchStrategy[Json]] = {
    "scheduling.cron.create": st.one_of(
        _some({"task": URLS, "cron_expr": EXPRESSIONS}, **CRON_FIELDS),
        _some({"task": URLS, "run_at_ms": INSTANTS}, **CRON_FIELDS),
    ),
    "scheduling.cron.list": _some({}, **PAGES),
    "scheduling.cron.get": _some(ONE_CRON),
    "scheduling.cron.update": _some(ONE_CRON, **CRON_FIELDS, cron_expr=EXPRESSIONS, task=URLS),
    "scheduling.cron.delete": _some(ONE_CRON),
    "scheduling.cron.pause": _some(ONE_CRON),
    "scheduling.cron.resume": _some(ONE_CRON),
    "scheduling.cron.trigger": _some(ONE_CRON),
    "scheduling.cron.runs.get": _some({**ONE_CRON, "run_id": _pick("runs")}),
    "scheduling.cron.retention.get": _some(ONE_CRON),
    "scheduling.cron.retention.set": _some({**ONE_CRON, "retention_days": st.integers(0, 1)}),
    "scheduling.task.schedule": _some(
        {"task": URLS, "run_at_ms": INSTANTS}, payload=PAYLOADS, retry=SMALL, secret=st.just("s3cret")
    ),
    "scheduling.run.list": _some({}, **PAGES),
    "scheduling.queue.create": _some(ONE_QUEUE, **QUEUE_FIELDS, type=st.sampled_from(["standard", "fifo"])),
    "scheduling.queue.get": _some(ONE_QUEUE),
    "scheduling.queue.list": _some({}, **PAGES),
    "scheduling.queue.update": _some(ONE_QUEUE, **QUEUE_FIELDS),
    "scheduling.queue.delete": _some(ONE_QUEUE),
    "scheduling.queue.purge": _some(ONE_QUEUE),
    "scheduling.queue.stats": _some(ONE_QUEUE),
    "scheduling.queue.publish": _some({**ONE_QUEUE, "payload": PAYLOADS}, delay_seconds=DELAYS, priority=PRIORITIES),
    "scheduling.queue.publish_batch": _some({**ONE_QUEUE, "messages": st.lists(ITEMS, max_size=3)}),
    "scheduling.queue.consume": _some(ONE_QUEUE, max_messages=st.integers(1, 3), visibility_timeout=LEASES),
    "scheduling.queue.ack": _some(ONE_MESSAGE),
    "scheduling.queue.nack": _some(ONE_MESSAGE, requeue=st.booleans()),
    "scheduling.queue.dlq.list": _some(ONE_QUEUE, **PAGES),
    "scheduling.queue.dlq.redrive": _some(
        ONE_QUEUE, message_id=_pick("messages"), since_ms=INSTANTS, max_messages=st.integers(1, 2)
    ),
    "scheduling.queue.push_subscribe": _some(
        {**ONE_QUEUE, "url": URLS}, max_retries=SMALL, visibility_timeout=LEASES, dead_letter_queue=QUEUES
    ),
    "account.balance": _some({}),
    "account.topup": _some({"amount_usd": st.just(5)}),
}
KEYS = st.sampled_from([None, None, None, None, "k1", "k2"])
OFTEN = ("publish", "publish", "publish_batch", "consume", "consume", "consume", "ack", "nack", "nack")


def _call(operation: str) -> st.SearchStrategy[Step]:
    return st.builds(Call, st.just(operation), ARGUMENTS[operation], KEYS)


def _steer(method: str, **arguments: st.SearchStrategy[Any]) -> st.SearchStrategy[Step]:
    return st.builds(Steer, st.just(method), st.fixed_dictionaries(arguments))


ANSWERS = st.sampled_from([(name, answer) for name, answers in BEHAVIOURS.items() for answer in answers])
RESPONSES = st.sampled_from([{"status": 200}, {"status": 503}, {"latency_seconds": 45}, {"error": "timeout"}])
TARGETS = st.fixed_dictionaries(
    {
        "url": st.sampled_from([GOOD, BAD, SLOW, REAL]),
        "responses": st.lists(RESPONSES, min_size=1, max_size=2),
        "then": st.just("cycle"),
    }
)
FAULTS = st.sampled_from([{"operation": "queue.*", "status": 503, "times": 1}, {"drop": True, "probability": 0.1}])
STEERS: tuple[st.SearchStrategy[Step], ...] = (
    _steer("set_assumptions", changes=st.lists(ANSWERS, max_size=2).map(dict)),
    _steer("set_assumptions", changes=st.sampled_from([{"push.concurrency": 1}, {"idempotency.window_seconds": 60}])),
    _steer("add_target", target=TARGETS.map(lambda fields: convert(fields, Target, strict=False))),
    _steer("clear_targets"),
    _steer("add_fault", fault=FAULTS.map(lambda fields: convert(fields, Fault, strict=False))),
    _steer("clear_faults"),
    _steer("set_balance", balance_usd=st.sampled_from([None, None, 0, 3])),
)
MOVES: tuple[st.SearchStrategy[Step], ...] = (
    st.builds(Pass, st.sampled_from([0, 1000, 30_000, 60_000, 90_000]), st.none()),
    st.builds(Pass, st.sampled_from([60_000, 600_000, 90_000_000]), st.sampled_from([None, 1, 3])),
    st.builds(Settle, st.booleans(), st.sampled_from([OK, FAILED, TIMED_OUT])),
)
CALLS = tuple(map(_call, ARGUMENTS))
QUEUE_WORK = tuple(_call(f"scheduling.queue.{name}") for name in (*OFTEN, "push_subscribe"))
CRON_WORK = tuple(_call(f"scheduling.cron.{name}") for name in ("create", "create", "trigger", "update"))
OPENING: tuple[Step, ...] = (
    Steer("add_target", {"target": Target(url=GOOD, responses=[Response(status=200)])}),
    Steer("add_target", {"target": Target(url=BAD, responses=[Response(status=500)])}),
    Steer(
        "add_target",
        {"target": Target(url=SLOW, responses=[Response(latency_seconds=90.0), Response(latency_seconds=1.0)])},
    ),
    Call("scheduling.queue.create", {"queue": "deader"}, None),
    Call("scheduling.queue.create", {"queue": "dead", "dead_letter_queue": "deader", "max_retries": 1}, None),
    Call("scheduling.queue.create", {"queue": "f", "type": "fifo", "dead_letter_queue": "dead"}, None),
    Call("scheduling.queue.create", {"queue": "p", "enable_priority": True, "max_retries": 0}, None),
)


def answers() -> st.SearchStrategy[Answers]:
    """Return some answers other than the default ones."""
    return st.lists(ANSWERS, max_size=8).map(dict)


def sessions(*, steered: bool = True, restored: bool = False, size: int = 20) -> st.SearchStrategy[list[Step]]:
    """Return sessions that begin with some receivers and queues.

    `size` is the least number of steps that follow; twice as many are the most, in a soak more.
    """
    kinds = [*3 * MOVES, *CALLS, *4 * QUEUE_WORK, *2 * CRON_WORK]
    kinds += STEERS if steered else ()
    kinds += [st.just(Restore())] if restored else []
    steps = st.sampled_from(kinds).flatmap(lambda kind: kind)
    return st.lists(steps, min_size=size, max_size=2 * size * LONGER).map(lambda drawn: [*OPENING, *drawn])
