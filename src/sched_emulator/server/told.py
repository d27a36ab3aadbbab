"""What happens, told in lines: a line for each request, delivery, fire, clock move and refusal.

`serve` tells it of all sandboxes on stdout, `GET /_emulator/lines` of one to whoever asks, as `sched-emulator tail`
does: by the same teller. It is one more reader of the journal: it remembers how far it has told of each sandbox, looks
again twenty times a second, and writes what is new at one stroke. A request costs nothing for it. Of each sort of facts
so many lines are written in a second, the others are counted by name: a year that passes is a few lines, and costs next
to nothing.
"""

import asyncio
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from operator import attrgetter
from typing import Any, NamedTuple, TypeVar

from msgspec.structs import replace

from sched_emulator.core import globs, urls
from sched_emulator.core.encoding import encode_bytes
from sched_emulator.core.errors import SchedulingError
from sched_emulator.core.instants import to_text
from sched_emulator.core.records import DeliveryEntry, RequestEntry, Run
from sched_emulator.core.store import Store
from sched_emulator.output import counted, facts, lines
from sched_emulator.output.lines import Line, Tone

from .control_reading import delivery_view, request_view
from .events import BEAT_SECONDS, Told
from .sandboxes import Hosted, Reader
from .secrets import in_url, shown_key
from .unhurried import Unhurried
from .watched import Watched, began_ms, mode

FOLD_SECONDS = 1.0
SHOWN = 10  # lines of each sort in that time
PAST_SHOWN = 50  # of what had happened when somebody began to look: the newest of each sort
READ_BYTES = 64 * 1024  # of body and answer: longer ones are not looked into
Fact = TypeVar("Fact", RequestEntry, DeliveryEntry, Run)

_of_request = attrgetter("exchange.operation", "exchange.status")
_of_delivery = attrgetter("url", "outcome")
_of_run = attrgetter("owner_id")
_place = attrgetter("at_ms", "seq")


class _Found(NamedTuple):
    """A fact with its place among the others: the instant, and its number in the journal."""

    at_ms: int
    seq: float
    fact: RequestEntry | DeliveryEntry | Run


class Only(NamedTuple):
    """What somebody wants to be told of: one sandbox from the fact numbered `since` on, and of it all, or some.

    With one of the globs the sorts of facts that it is not about are left out.
    """

    hosted: Hosted
    since: int
    operation: str | None = None
    url: str | None = None

    @property
    def all(self) -> bool:
        """Whether nothing is left out."""
        return self.operation is None and self.url is None

    def requests(self, found: list[RequestEntry]) -> list[RequestEntry]:
        """Return those requests that are wanted."""
        if self.operation is None:
            return found if self.url is None else []
        fits = partial(globs.names_operation, self.operation)
        return [each for each in found if each.exchange.operation is not None and fits(each.exchange.operation)]

    def deliveries(self, found: list[DeliveryEntry]) -> list[DeliveryEntry]:
        """Return those deliveries that are wanted."""
        if self.url is None:
            return found if self.operation is None else []
        return [each for each in found if urls.fits(self.url, each.url)]


class Teller(Reader):
    """Tells of the sandboxes of a server, or `only` of one, beginning with what has happened in it.

    `write` is given lines twenty times a second, `clock` tells seconds.
    """

    def __init__(
        self,
        write: Callable[[list[Line]], None],
        clock: Callable[[], float] = time.monotonic,
        only: Only | None = None,
    ) -> None:
        self._write = write
        self._clock = clock
        self._only = only
        self._watched: dict[str, Watched] = {}
        self._lines: list[Line] = []
        self._since = clock()
        self._shown: Counter[str] = Counter()
        self._folded: dict[tuple[str, str], tuple[int, Line | None]] = {}  # by key and what they are; the line of one
        if only is not None:
            self._tell_past(only)

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
        if self._only is not None and hosted is not self._only.hosted:
            return
        if how in {"leaving", "forgotten"} and hosted.key in self._watched:
            self._read(self._watched[hosted.key])
        if how != "leaving":
            self._watched.pop(hosted.key, None)
            now = to_text(hosted.sandbox.store.now_ms)
            self._say(Line(now, shown_key(hosted.key), "sandbox", how, mode(hosted)))
        if how not in {"leaving", "forgotten"}:
            self._watched[hosted.key] = Watched(hosted)

    def refused(self, what: str, error: SchedulingError) -> None:
        """Take notice of a request that belongs to no sandbox, or was one of the control API."""
        self._say(Line("", "", "refused", what, str(error.status), "bad", detail=f"{error.code}: {error.message}"))

    def _tell_past(self, only: Only) -> None:
        """Tell what had happened: the newest facts of each sort, and before them how many there were."""
        watched = self._watched[only.hosted.key] = Watched(only.hosted, only.since)
        self._read(watched, past=True)
        told, self._lines = self._lines, []
        self._tell_folded("before")
        self._lines += told
        self._shown.clear()

    def _read(self, watched: Watched, *, past: bool = False) -> None:
        """Take notice of what has happened in a sandbox since the last time."""
        key, store, only = shown_key(watched.hosted.key), watched.store, self._only
        new_requests, new_deliveries = watched.new_requests(), watched.new_deliveries()
        runs, gone = watched.new_fires()
        if only is not None and not only.all:
            new_requests, new_deliveries = only.requests(new_requests), only.deliveries(new_deliveries)
            runs, gone = [], 0
        hosted = watched.hosted
        requests = self._first("request", hosted, new_requests, _of_request, _like_request, past=past)
        deliveries = self._first("delivery", hosted, new_deliveries, _of_delivery, _like_delivery, past=past)
        fires = self._first("fire", hosted, runs, _of_run, lambda owner: f"fires of {_name(store, owner)}", past=past)
        if gone:
            told = "run that is over and no longer kept" if gone == 1 else "runs that are over and no longer kept"
            self._fold(key, told, gone)
        if watched.missed:
            told = "request or delivery that is" if watched.missed == 1 else "requests and deliveries that are"
            self._fold(key, f"{told} no longer kept", watched.missed)
            watched.missed = 0
        if requests or deliveries or fires:
            for found in sorted(_placed(requests, deliveries, fires), key=_place):
                self._lines.append(_line(watched.hosted, key, found))
        if only is None or only.all:
            self._read_clock(watched, key)

    def _first(
        self,
        sort: str,
        hosted: Hosted,
        facts: list[Fact],
        alike: Callable[[Fact], Any],
        named: Callable[[Any], str],
        *,
        past: bool = False,
    ) -> list[Fact]:
        """Return those facts that get a line of their own, and count the others by what they are.

        The oldest get one, as they come; of what is `past`, the newest.
        """
        others = max(len(facts) - (PAST_SHOWN if past else max(SHOWN - self._shown[sort], 0)), 0)
        shown = len(facts) - others
        first, rest = (facts[:shown], facts[shown:]) if past else (facts[others:], facts[:others])
        counts, key = Counter(map(alike, rest)), shown_key(hosted.key)
        alone = {alike(fact): fact for fact in rest} if 1 in counts.values() else {}
        for what, count in counts.items():
            self._fold(key, named(what), count, _line(hosted, key, _found(alone[what])) if count == 1 else None)
        self._shown[sort] += len(first)
        return first

    def _read_clock(self, watched: Watched, key: str) -> None:
        """Take notice of a clock that has been moved or set; that of one that runs moves by itself."""
        store, driver = watched.store, watched.hosted.driver
        passed_ms, now_mode = store.now_ms - watched.now_ms, mode(watched.hosted)
        by_itself = store.mode == "wall" and driver.clock is watched.clock and not driver.advancing
        if not by_itself and (passed_ms or now_mode != watched.mode):
            if driver.advancing and self._shown["clock"]:
                return  # on the way it is told once in a while
            self._shown["clock"] += 1
            self._tell_folded()
            events, moved = store.fired - watched.fired, passed_ms and now_mode == watched.mode
            what = f"{lines.span(passed_ms / 1000)} later, {counted(events, 'event')}" if moved else ""
            told = "advancing" if driver.advancing else now_mode
            self._lines.append(Line(to_text(store.now_ms), key, "clock", what, told))
        watched.now_ms, watched.fired, watched.mode, watched.clock = store.now_ms, store.fired, now_mode, driver.clock

    def _say(self, line: Line) -> None:
        """Let a line be written, or count it where there are too many of its kind."""
        self._shown[line.kind] += 1
        if self._shown[line.kind] <= SHOWN:
            self._lines.append(line)
        else:
            self._fold(line.key, f"{line.kind} {line.what} {line.outcome}", 1, line)

    def _fold(self, key: str, what: str, count: int, line: Line | None = None) -> None:
        """Count what gets no line of its own, unless it stays alone: then that is its `line`."""
        before, _ = self._folded.get((key, what), (0, None))
        self._folded[key, what] = before + count, None if before else line

    def _tell_folded(self, when: str | None = None) -> None:
        if when is None:
            when = f"in {max(self._clock() - self._since, BEAT_SECONDS):.1f} s"
        for (key, what), (count, line) in self._folded.items():
            self._lines.append(line or Line("", key, "more", what, when, many=count))
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
    yield from map(_found, requests)
    yield from map(_found, deliveries)
    sent = {entry.run_id: entry.seq for entry in deliveries}
    for run in fires:
        yield _Found(began_ms(run), sent.get(run.run_id, 0) - 0.5, run)


def _found(fact: RequestEntry | DeliveryEntry | Run) -> _Found:
    """Return a fact that stands alone, with its place."""
    return _Found(began_ms(fact), 0, fact) if isinstance(fact, Run) else _Found(fact.at_ms, fact.seq, fact)


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


class Telling(Told):
    """What happens in one sandbox, as lines of JSON for who looks on; a reader that is slow is told less."""

    content_type = "application/x-ndjson"
    quiet = b"\n"

    def __init__(self, only: Only) -> None:
        self._lines: list[Line] = []
        self._teller = Teller(self._lines.extend, only=only)

    def sandbox(self, hosted: Hosted, how: str) -> None:
        """Take notice of what becomes of the sandbox."""
        self._teller.sandbox(hosted, how)

    def news(self) -> bytes:
        """Return what is new."""
        self._teller.look()
        return self._written()

    def ending(self) -> bytes:
        """Return what is left when the sandbox is gone."""
        self._teller.close()
        return self._written()

    def _written(self) -> bytes:
        written = b"".join(encode_bytes(lines.as_object(line)) + b"\n" for line in self._lines)
        self._lines.clear()
        return written


def started(url: str) -> str:
    """Return what is said at the start, as a line of JSON."""
    return lines.as_json(Line("", "", "started", url)) + "\n"


def on_stdout(form: str) -> Teller:
    """Return who tells on standard output, as `text` or `json`; on a terminal a line is no wider than that."""
    return Teller(Unhurried(sys.stdout, lines.for_stdout(as_objects=form == "json")).write)
