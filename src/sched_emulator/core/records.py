"""The records a sandbox is made of. They are all of its state: a snapshot is their encoding, nothing else.

Instants and durations are whole milliseconds. Records refer to each other by id. What can be derived from them (heaps,
page indexes, counts) is rebuilt by `store.Store` and is not kept here. Those that come in great numbers refer to
nothing that leads back to them, so the collector need not look at them (`gc=False`).
"""

from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from .instants import LAST_MS
from .timeline import Count, Entry

# What a snapshot may bring; what the sandbox itself writes lies within.
Instant = Count  # what is due may lie beyond the last instant that can be shown
Status = Annotated[int, Meta(ge=100, le=599)]
Seconds = Annotated[float, Meta(ge=0, le=86_400)]
Dollars = Annotated[float, Meta(ge=0, le=1e12)]
Name = Annotated[str, Meta(min_length=1)]
Speed = Annotated[float, Meta(gt=0, le=1_000_000)]

RunState = Literal["scheduled", "queued", "running", "succeeded", "failed", "skipped"]
OverlapPolicy = Literal["allow", "skip", "queue"]
Place = Literal["available", "delayed", "in_flight", "dead"]


class Cron(Struct, kw_only=True):
    """A cron job: what it calls, when, and how its runs are going."""

    cron_id: Name
    number: Count
    name: str
    cron_expr: str
    task: str
    timezone: str
    retry: Count
    timeout_ms: Count
    overlap_policy: OverlapPolicy | None
    max_runs: Count | None
    payload: Any | UnsetType = UNSET
    headers: dict[str, str]
    on_failure_webhook: str | None
    run_at_ms: Instant | None
    enabled: bool = True
    runs_counted: Count = 0
    retention_days: Count
    next_run_ms: Instant | None = None
    fire_entry: int | None = None
    under_way: dict[str, None]
    waiting: list[str]


class Task(Struct, kw_only=True):
    """A one-off task."""

    task_id: str
    task: str
    name: str | None
    run_at_ms: Instant
    run_id: str


class Run(Struct, kw_only=True, gc=False):
    """One run of a cron or a task. `state` moves by the table in `runs`."""

    run_id: str
    number: Count
    owner_id: str
    kind: Literal["cron", "task"]
    state: RunState
    scheduled_ms: Instant
    started_ms: Instant | None = None
    finished_ms: Instant | None = None
    finish_number: Count = 0
    response_status: int | None = None
    error: str | None = None
    on_failure_webhook: str | None = None
    delivery_id: str | None = None
    entry: int | None = None


class Subscription(Struct, kw_only=True):
    """The push subscription of a queue. `max_retries` None: nothing was given, see `queues.push_retries`."""

    subscription_id: str
    url: str
    secret: str | None
    max_retries: Count | None
    visibility_timeout_ms: Count | None
    dead_letter_queue: str | None


class Queue(Struct, kw_only=True):
    """A queue's settings. `implicit`: made by publishing, so the first explicit create may still configure it."""

    queue: str
    number: Count
    type: Literal["standard", "fifo"]
    dead_letter_queue: str | None
    max_retries: Count
    max_retries_given: bool
    message_retention_days: Count
    visibility_timeout_default_ms: Count
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
    arrival: Count
    position: Count
    published_ms: Instant
    kept_from_ms: Instant
    place: Place
    attempts: Count = 0
    failures: Count = 0
    retrying: bool = False
    lease_expired: bool = False
    died_ms: Instant | None = None
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
    timeout_ms: Count
    max_attempts: Count
    attempt: Count = 0


class Outcome(Struct, frozen=True, kw_only=True, gc=False):
    """How an attempt ended: `result` is one of the journal's outcomes, `duration_ms` its virtual length."""

    result: Literal["delivered", "failed", "timeout", "refused", "captured"]
    status: Status | None = None
    error: str | None = None
    duration_ms: Count = 0
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
    kind: Literal["cron", "task", "push", "failure"]
    owner_id: str
    queue: str | None
    url: str
    routed: bool
    headers: dict[str, str]
    body: str
    timeout_ms: Count
    journal_seq: Count
    number: Count
    outcome: Outcome | None = None


class Exchange(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A request and its answer. `body` and `response` are the bytes that came and left; None: there was no body.

    `not_kept_bytes` is what both weigh where they are too long to be kept.
    """

    operation: str | None
    method: str
    path: str
    body: bytes | None
    status: Annotated[int, Meta(ge=100, le=999)]
    response: bytes
    ignored: list[str] = []
    replayed_from: Count | None = None
    not_kept_bytes: Count = 0


class RequestEntry(Struct, kw_only=True, omit_defaults=True, gc=False):
    """A request in the journal."""

    seq: Count
    at_ms: Instant
    exchange: Exchange
    note: str | None = None


class DeliveryEntry(Struct, kw_only=True, omit_defaults=True, gc=False):
    """An attempt in the journal. Its fields are those of `GET /_emulator/deliveries`, times in milliseconds.

    `not_kept_bytes` is what headers and body weigh where they are too long to be kept.
    """

    seq: Count
    at_ms: Instant
    kind: str
    url: str
    routed_to: str | None = None
    headers: dict[str, str]
    body: Any
    attempt: Count
    run_id: str | None = None
    message_id: str | None = None
    outcome: str = "running"
    status: Status | None = None
    error: str | None = None
    duration_ms: Count | None = None
    response_headers: dict[str, str] = {}
    response_body: str | None = None
    note: str | None = None
    not_kept_bytes: Count = 0


class Response(Struct, kw_only=True, omit_defaults=True):
    """One answer of a scripted receiver."""

    status: Annotated[int, Meta(ge=200, le=599)] = 200
    headers: dict[str, str] = {}
    body: Any = None
    latency_seconds: Seconds = 0.0
    error: Literal["timeout", "refused", "reset"] | None = None


class Target(Struct, kw_only=True):
    """A scripted receiver for the URLs that fit a glob."""

    url: str
    responses: Annotated[list[Response], Meta(min_length=1)]
    then: Literal["repeat-last", "cycle"] = "repeat-last"
    used: Count = 0


class Fault(Struct, kw_only=True, omit_defaults=True):
    """What happens to calls of the operations that fit a glob."""

    operation: str | None = None
    status: Annotated[int, Meta(ge=400, le=599)] | None = None
    code: str | None = None
    retry_after_seconds: Annotated[int, Meta(ge=0, le=86_400)] | None = None
    latency_seconds: Seconds = 0.0
    drop: bool = False
    times: Count | None = None
    probability: Annotated[float, Meta(ge=0, le=1)] = 1.0
    after: bool = False
    used: Count = 0


class RememberedCall(Struct, kw_only=True, gc=False):
    """The first answer under an idempotency key."""

    scope: str
    fingerprint: str
    result: Any
    at_ms: Instant
    request_seq: Count


class Settings(Struct, frozen=True, kw_only=True):
    """What a sandbox starts from, and returns to when it is reset."""

    seed: int
    start_ms: Annotated[int, Meta(ge=0, le=LAST_MS)]
    mode: Literal["wall", "frozen"]
    speed: Speed
    answers: dict[str, str | int]
    routes: dict[str, str]
    deliver: Literal["loopback", "all", "none"]
    uncovered: Literal["capture", "refuse"]
    strict_urls: bool
    prices: dict[str, tuple[Dollars, bool]] | UnsetType = UNSET  # by operation: of one request, or of each message


VERSION = 2  # of the form of a snapshot


class State(Struct, kw_only=True):
    """The whole of a sandbox; `version` is that of this form."""

    version: int = VERSION
    settings: Settings
    now_ms: Annotated[int, Meta(ge=0, le=LAST_MS)]
    mode: Literal["wall", "frozen"]
    speed: Speed
    fired: Count = 0
    counters: dict[str, Count] = {}
    answers: dict[str, str | int]
    balance_usd: Annotated[float, Meta(ge=-1e9, le=1e9)] | None = None
    spent: dict[str, tuple[Count, Dollars]] | UnsetType = UNSET  # by operation: how many requests, for how much
    routes: dict[str, str]
    routes_used: dict[str, Count] = {}
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
    next_entry: Count = 1
    requests: list[RequestEntry] = []
    delivered: list[DeliveryEntry] = []
    journal_seq: Count = 0
    dropped_requests: Count = 0
    dropped_deliveries: Count = 0
