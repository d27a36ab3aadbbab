"""From the lines of recordings to exchanges as the core takes them: operation, arguments, result or refusal."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from email.utils import parsedate_to_datetime
from typing import Any, NamedTuple

from multidict import CIMultiDict

from sched_emulator.core.dispatch import Facts
from sched_emulator.core.errors import SchedulingError
from sched_emulator.recording.lines import Command, Delivery, Entry, Exchange, LeftOut
from sched_emulator.server import discovery, json_body
from sched_emulator.server.binding import BoundOperation

from .wording import LISTS, Unreadable, narrowest, number_of, readers, widest

NEW_LIFE = frozenset({"base", "forget", "reset", "restore", "set_assumptions"})  # commands after which nothing is known
AS_IT_CAME = {401, 402, 403, 405, 408, 415, 417, 429}  # refusals that say nothing of what there is
NO_FACTS = Facts()
UNKNOWN_CLOCK_MS = 2000  # how far a clock may be off that nothing tells of


@dataclass(frozen=True, slots=True)
class Item:
    """An exchange. `low_ms` to `high_ms`: when it was performed, by the target's clock. `account` is one life of a key.

    `status` 2xx has a `result`, canonical; None: the answer was lost, and whether it was done is open. `passed` says
    why it is not compared. `narrow`: everyone has to take the request. `doubt`: it was done, and nobody can tell what
    it did.
    """

    number: int
    place: str
    account: tuple[int, int | None, int]
    low_ms: int
    high_ms: int
    raw: Exchange
    operation: str = ""
    arguments: dict[str, Any] = field(default_factory=dict)
    key: str | None = None
    facts: Facts = NO_FACTS
    status: int | None = None
    result: Any = None
    narrow: bool = True
    passed: str = ""
    doubt: bool = False

    @property
    def succeeded(self) -> bool:
        """Whether it was answered 2xx."""
        return self.status is not None and 200 <= self.status < 300


@dataclass(frozen=True, slots=True)
class Came:
    """A delivery that came; `at_ms` by the target's clock."""

    number: int
    recording: int
    at_ms: int
    raw: Delivery


@dataclass(slots=True)
class Traffic:
    """All that was read. `receivers` are those of each recording; `told` are sentences about what is odd."""

    items: list[Item] = field(default_factory=list)
    came: list[Came] = field(default_factory=list)
    receivers: dict[int, tuple[str, ...]] = field(default_factory=dict)
    told: list[str] = field(default_factory=list)


class Clock(NamedTuple):
    """How far the target's clock is ahead of the recorder's: between two bounds."""

    low_ms: int
    high_ms: int


def add(traffic: Traffic, name: str, entries: Iterable[Entry], receivers: tuple[str, ...]) -> None:
    """Read the entries of one more recording."""
    recording = len(traffic.receivers)
    found = list(entries)
    whole = any(isinstance(entry, Command) for entry in found)  # an emulator's own has every delivery
    traffic.receivers[recording] = ("http",) if whole else receivers
    exchanges = [entry for entry in found if isinstance(entry, Exchange)]
    clock, sentence = clock_of(exchanges)
    told = [f"{name}: {sentence}"] if sentence else []
    lives: dict[int | None, int] = {}
    gaps, not_json, expected = 0, 0, None
    shown: dict[Any, dict[str, Any]] = {}
    for entry in found:
        if expected is not None and entry.seq > expected:
            gaps += 1
            missing = number_of(entry.seq - expected, "line", f"is/are missing before {entry.seq}")
            told += [f"{name}: {missing}; what is after is read anew"]
            lives = {account: life + 1 for account, life in lives.items()} | {None: gaps}
        expected = entry.seq + 1
        if isinstance(entry, Delivery):
            at_ms = entry.at_ms + (clock.low_ms + clock.high_ms) // 2
            traffic.came.append(Came(len(traffic.came), recording, at_ms, entry))
        elif isinstance(entry, Command):
            if entry.command in NEW_LIFE:
                lives[entry.account] = lives.get(entry.account, gaps) + 1
        else:
            life = lives.setdefault(entry.account, gaps)
            item = Item(
                number=len(traffic.items),
                place=f"{name}, line {entry.seq}",
                account=(recording, entry.account, life),
                low_ms=entry.sent_at_ms + clock.low_ms,
                high_ms=entry.received_at_ms + clock.high_ms,
                raw=entry,
            )
            item = _understood(item)
            _share(item, shown)
            not_json += item.passed == NO_JSON
            traffic.items.append(item)
    if not_json:
        told.append(f"{name}: {number_of(not_json, 'answer', 'is/are no JSON')}; {_OPEN}")
    proxies = sum((entry.status or 0) >= 500 for entry in exchanges)
    if proxies:
        told.append(f"{name}: {number_of(proxies, 'answer', 'is/are 5xx')}; {_OPEN}")
    traffic.told += told


_OPEN = "whether what was asked was done is left open"


def _share(item: Item, shown: dict[Any, dict[str, Any]]) -> None:
    """Let a list hold the records that lists before it held, where they show the same: a long recording has many."""
    if item.operation not in LISTS or not item.succeeded or item.result is None:
        return
    records = item.result.get("items", [])
    for number, record in enumerate(records):
        key = item.operation, record.get(LISTS[item.operation])
        before = shown.setdefault(key, record)
        if before == record:
            records[number] = before
        else:
            shown[key] = record


NO_JSON = "its answer is no JSON"
NO_MATTER = "it concerns no cron, task or queue"
NO_BODY = "its body was not recorded"
NO_READING = "no reading of the spec takes its request"
UNREAD = frozenset({NO_MATTER, NO_BODY, NO_READING})  # with these there is nothing that could be asked again


def clock_of(exchanges: Iterable[Exchange]) -> tuple[Clock, str]:
    """Return how far the target's clock is ahead, by its Date headers and its request ids, and what is odd about it."""
    bounds = [bound for exchange in exchanges for bound in _bounds(exchange)]
    if not bounds:
        return Clock(-UNKNOWN_CLOCK_MS, UNKNOWN_CLOCK_MS), ""
    low, high = max(low for low, _ in bounds), min(high for _, high in bounds)
    if low <= high:
        return Clock(low, high), ""
    low, high = min(low for low, _ in bounds), max(high for _, high in bounds)
    return Clock(low, high), f"the clocks drift apart: the target's is ahead by {low / 1000:g} s to {high / 1000:g} s"


def _bounds(exchange: Exchange) -> Iterator[tuple[int, int]]:
    for name, value in exchange.response_headers:
        if name.lower() == "date":
            try:
                at_ms = round(parsedate_to_datetime(value).timestamp() * 1000)
            except ValueError:
                continue
            yield at_ms - exchange.received_at_ms, at_ms + 999 - exchange.sent_at_ms


def _understood(item: Item) -> Item:
    """Return an exchange read by the widest reading of the spec."""
    raw, binding = item.raw, widest()
    body = b"" if isinstance(raw.body, LeftOut) else _bytes(raw.body)
    try:
        matched = binding.routes.match(raw.method, raw.path)
    except SchedulingError:
        return replace(item, passed="its path is none of the API's", status=raw.status)
    if matched.operation_id in discovery.OPERATIONS or matched.operation_id.startswith("account."):
        return replace(item, passed=NO_MATTER, operation=matched.operation_id)
    bound = binding.operations[matched.operation_id]
    item = replace(item, operation=bound.operation_id, facts=bound.facts, status=raw.status)
    if isinstance(raw.body, LeftOut):
        return replace(item, passed=NO_BODY, doubt=item.succeeded or item.status is None)
    headers = CIMultiDict(raw.headers)
    sources = (matched.path, matched.query, headers)
    try:
        content = json_body.decoded(body, headers.get("Content-Type")) if body and raw.method != "GET" else None
        call = bound.read(sources, content)
    except SchedulingError:
        return replace(item, passed=NO_READING, doubt=item.succeeded)
    item = replace(item, arguments=call.arguments, key=call.idempotency_key, narrow=_narrow(bound, sources, content))
    return _answered(item)


def _bytes(body: str | bytes) -> bytes:
    return body.encode(errors="surrogatepass") if isinstance(body, str) else body


def _narrow(bound: BoundOperation, sources: Any, content: Any) -> bool:
    try:
        narrowest().operations[bound.operation_id].read(sources, content)
    except SchedulingError:
        return False
    return True


def _answered(item: Item) -> Item:
    """Return an exchange with what came of it."""
    raw = item.raw
    if raw.status is None or raw.error is not None or raw.status >= 500:
        return replace(item, status=None)
    if raw.status in AS_IT_CAME or 300 <= raw.status < 400:
        return replace(item, passed=f"it was answered {raw.status}, which depends on more than what there is")
    content = parsed(raw)
    if content is None:
        return replace(item, status=None, passed=NO_JSON)
    if not item.succeeded:
        refused = not item.narrow and raw.status in {400, 413, 422}
        return replace(item, passed="not everyone has to take its request") if refused else item
    inside = content["data"] if isinstance(content, dict) and "data" in content and "ok" in content else content
    try:
        return replace(item, result=readers()[item.operation](inside))
    except Unreadable as error:
        return replace(item, status=None, passed=f"its answer {error}")


def parsed(raw: Exchange) -> Any:
    """Return the JSON value of an answer; None where it is none."""
    if isinstance(raw.response, LeftOut):
        return None
    try:
        text = raw.response if isinstance(raw.response, str) else raw.response.decode()
        return json_body.decoded(text.encode(errors="surrogatepass"), None) if text else None
    except (SchedulingError, UnicodeDecodeError, json.JSONDecodeError):
        return None
