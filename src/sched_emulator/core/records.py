"""The records a sandbox is made of. They are all of its state: a snapshot is their encoding, nothing else.

Instants and durations are whole milliseconds. Records refer to each other by id. What can be derived from them (heaps,
page indexes, counts) is rebuilt by `store.Store` and is not kept here. Those that come in great numbers refer to
nothing that leads back to them, so the collector need not look at them (`gc=False`).
"""

from typing import Any, Literal

from msgspec import UNSET, Struct, UnsetType

from .timeline import Entry

Place = Literal["available", "delayed", "in_flight", "dead"]


class Cron(Struct, kw_only=True):
    """A cron job: what it calls, when, and how its runs are going."""

    cron_id: str
    number: int
    name: str
    cron_expr: str
    task: str
    timezone: str
    retry: int
    timeout_ms: int
    overlap_policy: str | None
    max_runs: int | None
    payload: Any | UnsetType = UNSET
    headers: dict[str, str]
    on_failure_webhook: str | None
    run_at_ms: int | None
    enabled: bool = True
    runs_counted: int = 0
    retention_days: int
    next_run_ms: int | None = None
    fire_entry: int | None = None
    under_way: dict[str, None]
    waiting: list[str]


class Task(Struct, kw_only=True):
    """A one-off task."""

    task_id: str
    task: str
    name: str | None
    run_at_ms: int
    run_id: str


class Run(Struct, kw_only=True, gc=False):
    """One run of a cron or a task. `state` moves by the table in `runs`."""

    run_id: str
    number: int
    owner_id: str
    kind: Literal["cron", "task"]
    state: str
    scheduled_ms: int
    started_ms: int | None = None
    finished_ms: int | None = None
    finish_number: int = 0
    response_status: int | None = None
    error: str | None = None
    on_failure_webhook: str | None = None
    delivery_id: str | None = None
    entry: int | None = None


class Subscription(Struct, kw_only=True):
    """The push subscription of a queue."""

    subscription_id: str
    url: str
    secret: str | None
    max_retries: int
    visibility_timeout_ms: int | None
    dead_letter_queue: str | None


class Queue(Struct, kw_only=True):
    """A queue's settings. `implicit`: made by publishing, so the first explicit create may still configure it."""

    queue: str
    number: int
    type: str
    dead_letter_queue: str | None
    max_retries: int
    message_retention_days: int
    visibility_timeout_default_ms: int
    enable_priority: bool
    implicit: bool
    subscription: Subscription | None = None
    retention_entry: int | None = None
    push_entry: int | None = None


class Message(Struct, kw_only=True, gc=False):
    """A message. It is held by exactly one queue, in exactly one place; `origin` is where it was published.

    `arrival` numbers arrivals in queues (publishing, dying, redriving); `position` is the rank among equals; `failures`
    counts nacks and failed pushes since the arrival, `attempts` how often it was handed out. `retrying`: delayed after
    a failure. `pushed_by` is the attempt that holds the lease, None for a consumer's lease.
    """

    message_id: str
    queue: str
    origin: str
    payload: Any
    priority: int | None
    arrival: int
    position: int
    published_ms: int
    kept_from_ms: int
    place: Place
    attempts: int = 0
    failures: int = 0
    retrying: bool = False
    lease_expired: bool = False
    died_ms: int | None = None
    delivery_id: str | None = None
    pushed_by: str | None = None
    entry: int | None = None


class Delivery(Struct, kw_only=True, gc=False):
    """What is sent, over all its attempts. `numbered`: the body carries the attempt's number."""

    delivery_id: str
    kind: Literal["cron", "task", "push", "failure"]
    owner_id: str
    source_id: str
    url: str
    headers: dict[str, str]
    body: Any
    numbered: bool
    secret: str | None
    timeout_ms: int
    max_attempts: int
    attempt: int = 0


class Outcome(Struct, frozen=True, kw_only=True, gc=False):
    """How an attempt ended: `result` is one of the journal's outcomes, `duration_ms` its virtual length."""

    result: Literal["delivered", "failed", "timeout", "refused", "captured"]
    status: int | None = None
    error: str | None = None
    duration_ms: int = 0
    response_headers: dict[str, str] = {}
    response_body: str | None = None

    @property
    def succeeded(self) -> bool:
        """Whether the receiver took it: any 2xx, or captured."""
        return self.result in {"delivered", "captured"}


class Attempt(Struct, kw_only=True, gc=False):
    """One try at a delivery. `outcome` is known beforehand when the receiver is scripted or the delivery captured."""

    attempt_id: str
    delivery_id: str
    kind: str
    owner_id: str
    queue: str | None
    url: str
    routed: bool
    headers: dict[str, str]
    body: str
    timeout_ms: int
    journal_seq: int
    number: int
    outcome: Outcome | None = None


class Exchange(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A request and its answer. `body` and `response` are the bytes that came and left; None: there was no body."""

    operation: str | None
    method: str
    path: str
    body: bytes | None
    status: int
    response: bytes
    ignored: list[str] = []
    replayed_from: int | None = None


class RequestEntry(Struct, kw_only=True, omit_defaults=True, gc=False):
    """A request in the journal."""

    seq: int
    at_ms: int
    exchange: Exchange
    note: str | None = None


class DeliveryEntry(Struct, kw_only=True, omit_defaults=True, gc=False):
    """An attempt in the journal. Its fields are those of `GET /_emulator/deliveries`, times in milliseconds."""

    seq: int
    at_ms: int
    kind: str
    url: str
    routed_to: str | None = None
    headers: dict[str, str]
    body: Any
    attempt: int
    run_id: str | None = None
    message_id: str | None = None
    outcome: str = "running"
    status: int | None = None
    error: str | None = None
    duration_ms: int | None = None
    response_headers: dict[str, str] = {}
    response_body: str | None = None
    note: str | None = None


class Response(Struct, kw_only=True, omit_defaults=True):
    """One answer of a scripted receiver."""

    status: int = 200
    headers: dict[str, str] = {}
    body: Any = None
    latency_seconds: float = 0.0
    error: Literal["timeout", "refused", "reset"] | None = None


class Target(Struct, kw_only=True):
    """A scripted receiver for the URLs that fit a glob."""

    url: str
    responses: list[Response]
    then: Literal["repeat-last", "cycle"] = "repeat-last"
    used: int = 0


class Fault(Struct, kw_only=True, omit_defaults=True):
    """What happens to calls of the operations that fit a glob."""

    operation: str | None = None
    status: int | None = None
    code: str | None = None
    retry_after_seconds: int | None = None
    latency_seconds: float = 0.0
    drop: bool = False
    times: int | None = None
    probability: float = 1.0
    after: bool = False
    used: int = 0


class RememberedCall(Struct, kw_only=True, gc=False):
    """The first answer under an idempotency key."""

    scope: str
    fingerprint: str
    result: Any
    at_ms: int
    request_seq: int


class Settings(Struct, frozen=True, kw_only=True):
    """What a sandbox starts from, and returns to when it is reset."""

    seed: int
    start_ms: int
    mode: Literal["wall", "frozen"]
    speed: float
    answers: dict[str, str | int]
    routes: dict[str, str]
    deliver: Literal["loopback", "all", "none"]
    uncovered: Literal["capture", "refuse"]
    strict_urls: bool


class State(Struct, kw_only=True):
    """The whole of a sandbox; `version` is that of this form."""

    version: Literal[2] = 2
    settings: Settings
    now_ms: int
    mode: Literal["wall", "frozen"]
    speed: float
    fired: int = 0
    counters: dict[str, int] = {}
    answers: dict[str, str | int]
    balance_usd: float | None = None
    routes: dict[str, str]
    targets: list[Target] = []
    faults: list[Fault] = []
    crons: list[Cron] = []
    tasks: list[Task] = []
    runs: list[Run] = []
    queues: list[Queue] = []
    messages: list[Message] = []
    deliveries: list[Delivery] = []
    attempts: list[Attempt] = []
    retention_entries: dict[str, int] = {}
    remembered: list[RememberedCall] = []
    timeline: list[Entry] = []
    next_entry: int = 1
    requests: list[RequestEntry] = []
    delivered: list[DeliveryEntry] = []
    journal_seq: int = 0
    dropped_requests: int = 0
    dropped_deliveries: int = 0
