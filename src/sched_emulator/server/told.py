"""What `serve` tells on stdout: a line for each request, delivery, fire, clock move and refusal.

One more reader of the journal: it remembers how far it has told of each sandbox, looks again twenty times a second, and
writes what is new at one stroke. A request costs nothing for it. Of each sort of facts so many lines are written in a
second, the others are counted by name: a year that passes is a few lines, and costs next to nothing.
"""

import asyncio
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import islice
from operator import attrgetter
from typing import Any, NamedTuple, TypeVar

from msgspec.structs import replace

from sched_emulator.core.errors import SchedulingError
from sched_emulator.core.instants import to_text
from sched_emulator.core.records import DeliveryEntry, RequestEntry, Run
from sched_emulator.core.store import Store
from sched_emulator.output import facts, lines
from sched_emulator.output.lines import Line, Tone

from .control_reading import delivery_view, request_view
from .running_clock import RunningClock
from .sandboxes import Hosted, Reader
from .secrets import in_url, shown_key
from .unhurried import Unhurried

BEAT_SECONDS = 0.05
FOLD_SECONDS = 1.0
SHOWN = 10  # lines of each sort in that time
READ_BYTES = 64 * 1024  # of body and answer: longer ones are not looked into
Fact = TypeVar("Fact", RequestEntry, DeliveryEntry, Run)

_of_request = attrgetter("exchange.operation", "exchange.status")
_of_delivery = attrgetter("url", "outcome")
_outcome = attrgetter("outcome")
_of_run = attrgetter("owner_id")
_place = attrgetter("at_ms", "seq")


class _Found(NamedTuple):
    """A fact with its place among the others: the instant, and its number in the journal."""

    at_ms: int
    seq: float
    fact: RequestEntry | DeliveryEntry | Run


class _Watched:
    """How far a sandbox's facts have been told."""

    def __init__(self, hosted: Hosted) -> None:
        store = hosted.sandbox.store
        self.hosted = hosted
        self.store = store
        self.requests = _total_requests(store)
        self.deliveries = _total_deliveries(store)
        self.runs = store.ids.last("run")
        self.under_way: dict[int, DeliveryEntry] = {}
        self.clock: RunningClock = hosted.driver.clock
        self.mode = _mode(hosted)
        self.now_ms, self.fired = store.now_ms, store.fired

    def new_requests(self) -> list[RequestEntry]:
        """Return the requests since the last time, newest first."""
        total = _total_requests(self.store)
        found = list(islice(reversed(self.store.journal.requests), total - self.requests))
        self.requests = total
        return found

    def new_deliveries(self) -> list[DeliveryEntry]:
        """Return the attempts that have ended since the last time, the last to start first."""
        journal = self.store.journal
        ended = [entry for entry in reversed(self.under_way.values()) if entry.outcome != "running"]
        for entry in [*ended, *(entry for seq, entry in self.under_way.items() if journal.delivery(seq) is None)]:
            self.under_way.pop(entry.seq, None)
        total = _total_deliveries(self.store)
        if total != self.deliveries:
            found = list(islice(reversed(journal.deliveries), total - self.deliveries))
            self.deliveries = total
            if "running" in map(_outcome, found):
                self.under_way |= {entry.seq: entry for entry in reversed(found) if entry.outcome == "running"}
                found = [entry for entry in found if entry.outcome != "running"]
            ended = found + ended
        return ended

    def new_fires(self) -> tuple[list[Run], int]:
        """Return the runs that have begun since the last time, newest first, and how many of them have left again."""
        last = self.store.ids.last("run")
        found = list(islice(reversed(self.store.runs.values()), last - self.runs))
        while found and found[-1].number <= self.runs:
            found.pop()
        gone, self.runs = last - self.runs - len(found), last
        return found, gone


class Teller(Reader):
    """Tells of the sandboxes of a server. `write` is given lines twenty times a second, `clock` tells seconds."""

    def __init__(self, write: Callable[[list[Line]], None], clock: Callable[[], float] = time.monotonic) -> None:
        self._write = write
        self._clock = clock
        self._watched: dict[str, _Watched] = {}
        self._lines: list[Line] = []
        self._since = clock()
        self._shown: Counter[str] = Counter()
        self._folded: dict[tuple[str, str], int] = {}  # by key and what they are

    async def tell(self) -> None:
        """Look again and again, until cancelled."""
        while True:
            await asyncio.sleep(BEAT_SECONDS)
            self.look()

    def look(self) -> None:
        """Write what is new."""
        for watched in self._watched.values():
            self._read(watched)
        if self._clock() - self._since >= FOLD_SECONDS:
            self._unfold()
        self._put()

    def close(self) -> None:
        """Write what is left."""
        self.look()
        self._unfold()
        self._put()

    def sandbox(self, hosted: Hosted, how: str) -> None:
        """Take notice that a sandbox has begun, is about to be let go, or goes on from another state."""
        if how in {"leaving", "forgotten"} and hosted.key in self._watched:
            self._read(self._watched[hosted.key])
        if how != "leaving":
            self._watched.pop(hosted.key, None)
            now = to_text(hosted.sandbox.store.now_ms)
            self._say(Line(now, shown_key(hosted.key), "sandbox", how, _mode(hosted)))
        if how not in {"leaving", "forgotten"}:
            self._watched[hosted.key] = _Watched(hosted)

    def refused(self, what: str, error: SchedulingError) -> None:
        """Take notice of a request that belongs to no sandbox, or was one of the control API."""
        self._say(Line("", "", "refused", what, str(error.status), "bad", detail=f"{error.code}: {error.message}"))

    def _read(self, watched: _Watched) -> None:
        """Take notice of what has happened in a sandbox since the last time."""
        key, store = shown_key(watched.hosted.key), watched.store
        requests = self._first("request", key, watched.new_requests(), _of_request, _like_request)
        deliveries = self._first("delivery", key, watched.new_deliveries(), _of_delivery, _like_delivery)
        runs, gone = watched.new_fires()
        fires = self._first("fire", key, runs, _of_run, lambda owner: f"fires of {_name(store, owner)}")
        if gone:
            self._fold(key, "runs that are over and no longer kept", gone)
        if requests or deliveries or fires:
            for found in sorted(_placed(requests, deliveries, fires), key=_place):
                self._lines.append(_line(watched.hosted, key, found))
        self._read_clock(watched, key)

    def _first(
        self,
        sort: str,
        key: str,
        facts: list[Fact],
        alike: Callable[[Fact], Any],
        named: Callable[[Any], str],
    ) -> list[Fact]:
        """Return those facts that get a line of their own, the oldest, and count the others by what they are."""
        others = max(len(facts) - max(SHOWN - self._shown[sort], 0), 0)
        for what, count in Counter(map(alike, islice(facts, others))).items():
            self._fold(key, named(what), count)
        first = facts[others:]
        self._shown[sort] += len(first)
        return first

    def _read_clock(self, watched: _Watched, key: str) -> None:
        """Take notice of a clock that has been moved or set; that of one that runs moves by itself."""
        store, driver = watched.store, watched.hosted.driver
        passed_ms, mode = store.now_ms - watched.now_ms, _mode(watched.hosted)
        by_itself = store.mode == "wall" and driver.clock is watched.clock and not driver.advancing
        if not by_itself and (passed_ms or mode != watched.mode):
            if driver.advancing and self._shown["clock"]:
                return  # on the way it is told once in a while
            self._shown["clock"] += 1
            self._tell_folded()
            events, moved = store.fired - watched.fired, passed_ms and mode == watched.mode
            what = f"{lines.span(passed_ms / 1000)} later, {events:,} event{'s' * (events != 1)}" if moved else ""
            told = "advancing" if driver.advancing else mode
            self._lines.append(Line(to_text(store.now_ms), key, "clock", what, told))
        watched.now_ms, watched.fired, watched.mode, watched.clock = store.now_ms, store.fired, mode, driver.clock

    def _say(self, line: Line) -> None:
        """Let a line be written, or count it where there are too many of its kind."""
        self._shown[line.kind] += 1
        if self._shown[line.kind] <= SHOWN:
            self._lines.append(line)
        else:
            self._fold(line.key, f"{line.kind} {line.what} {line.outcome}", 1)

    def _fold(self, key: str, what: str, count: int) -> None:
        """Count what gets no line of its own."""
        self._folded[key, what] = self._folded.get((key, what), 0) + count

    def _tell_folded(self) -> None:
        seconds = max(self._clock() - self._since, BEAT_SECONDS)
        for (key, what), count in self._folded.items():
            self._lines.append(Line("", key, "more", what, f"in {seconds:.1f} s", many=count))
        self._folded.clear()

    def _unfold(self) -> None:
        """Tell what was counted, and let lines be written again."""
        self._tell_folded()
        self._shown.clear()
        self._since = self._clock()

    def _put(self) -> None:
        told, self._lines = self._lines, []
        self._write(told)


def _placed(requests: list[RequestEntry], deliveries: list[DeliveryEntry], fires: list[Run]) -> Iterator[_Found]:
    """Yield facts with their places; a fire comes just before what is sent for it."""
    yield from (_Found(entry.at_ms, entry.seq, entry) for entry in requests)
    yield from (_Found(entry.at_ms, entry.seq, entry) for entry in deliveries)
    sent = {entry.run_id: entry.seq for entry in deliveries}
    for run in fires:
        at_ms = run.scheduled_ms if run.started_ms is None else run.started_ms
        yield _Found(at_ms, sent.get(run.run_id, 0) - 0.5, run)


def _line(hosted: Hosted, key: str, found: _Found) -> Line:
    fact = found.fact
    if isinstance(fact, RequestEntry):
        exchange = fact.exchange
        if len(exchange.body or b"") + len(exchange.response) > READ_BYTES:
            fact = replace(fact, exchange=replace(exchange, body=None, response=b"null"))
        return facts.of_request(request_view(hosted.binding, fact), key)
    if isinstance(fact, DeliveryEntry):
        return facts.of_delivery(delivery_view(fact), key)
    outcome = fact.state if fact.state in {"queued", "skipped"} else ""
    tone: Tone = "odd" if outcome else "plain"
    name = _name(hosted.sandbox.store, fact.owner_id)
    return Line(to_text(found.at_ms), key, "fire", name, outcome, tone, detail=fact.run_id)


def _like_request(alike: tuple[str | None, int]) -> str:
    operation, status = alike
    return f"{'requests for nothing there is' if operation is None else facts.short(operation)} {status}"


def _like_delivery(alike: tuple[str, str]) -> str:
    url, outcome = alike
    return f"deliveries to {in_url(url)} {outcome}"


def _name(store: Store, owner_id: str) -> str:
    """Return the name of a cron or a task, or its id where it has none any more."""
    owner = store.crons.get(owner_id) or store.tasks.get(owner_id)
    return owner_id if owner is None else owner.name or owner_id


def _mode(hosted: Hosted) -> str:
    store = hosted.sandbox.store
    return "frozen" if store.mode == "frozen" else f"runs {store.speed:g}x"


def _total_requests(store: Store) -> int:
    return store.journal.dropped_requests + len(store.journal.requests)


def _total_deliveries(store: Store) -> int:
    return store.journal.dropped_deliveries + len(store.journal.deliveries)


def started(url: str) -> str:
    """Return what is said at the start, as a line of JSON."""
    return lines.as_json(Line("", "", "started", url)) + "\n"


def on_stdout(form: str) -> Teller:
    """Return who tells on standard output, as `text` or `json`; on a terminal a line is no wider than that."""
    return Teller(Unhurried(sys.stdout, lines.for_stdout(as_objects=form == "json")).write)
