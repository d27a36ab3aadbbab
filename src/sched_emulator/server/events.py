"""What happens in a sandbox, as it happens, for who looks on: Server-Sent Events, or whatever else is `Told`.

A stream is one more reader of the journal: it remembers how far it has told, looks again twenty times a second, and
tells what is new. Nothing is kept for a reader, so one that is slow holds nobody up, costs no memory, and is told what
it has missed; where nobody looks on, nothing is done. When a sandbox leaves its state, what was not told of it yet is
put aside, up to a bound.
"""

import asyncio
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from operator import attrgetter

from aiohttp import web
from aiohttp.web_request import BaseRequest

from sched_emulator.core.encoding import encode_bytes
from sched_emulator.core.records import DeliveryEntry, RequestEntry

from .asked import Json
from .control_reading import delivery_view, get_clock, request_view
from .sandboxes import Hosted, Reader, Sandboxes
from .watched import after

BEAT_SECONDS = 0.05
QUIET_SECONDS = 15.0  # real ones, after which a line without meaning shows that the connection lives
BATCH_BYTES = 64 * 1024
BATCH_FACTS = 200
LEFT_BYTES = 1024 * 1024  # about, of a state that is left
HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no", "Server": "sched-emulator"}


class Told(Reader, ABC):
    """What a stream tells of a sandbox. `quiet` is told when for long nothing is."""

    content_type: str
    quiet: bytes

    @abstractmethod
    def news(self) -> bytes:
        """Return what has happened since the last time, at most a batch; empty when nothing has."""

    @abstractmethod
    def ending(self) -> bytes:
        """Return what is left to be told when the sandbox is gone."""


class Watch(Told):
    """How far a reader has been told of a sandbox. `summary` shows the sandbox in short."""

    content_type = "text/event-stream"
    quiet = b":\n\n"

    def __init__(self, hosted: Hosted, since: int, summary: Callable[[Hosted], Json]) -> None:
        self._hosted = hosted
        self._summary = summary
        journal = hosted.sandbox.store.journal
        self._store = hosted.sandbox.store
        self._seq = since if since <= journal.seq else 0  # of another sandbox, or of an emulator that is gone
        self._under_way: dict[int, None] = {}
        self._change: str | None = "opened"
        self._changes = hosted.changes
        self._clock: Json = {}
        self._left = b""
        self._lost = 0

    def sandbox(self, hosted: Hosted, how: str) -> None:
        """Put aside what was not told yet of a state that the sandbox leaves."""
        if hosted is self._hosted and how in {"leaving", "forgotten"}:
            self._leave()

    def news(self) -> bytes:
        """Return what has happened since the last time, as events, at most a batch; empty when nothing has."""
        if self._left or self._lost:
            return self._aside()
        self._hosted.driver.catch_up()
        return b"".join(self._news())

    def ending(self) -> bytes:
        """Return the last events of a sandbox that is gone."""
        self._leave()
        return self._aside() + self._event("sandbox", {"change": "forgotten", **self._summary(self._hosted)})

    def _leave(self) -> None:
        """Put aside what was not told yet; what is too much for that is counted."""
        while len(self._left) < LEFT_BYTES:
            news = b"".join(self._news())
            if not news:
                return
            self._left += news
        self._follow()
        self._lost += self._store.journal.seq - self._seq
        self._seq = self._store.journal.seq

    def _aside(self) -> bytes:
        """Return what was put aside."""
        left, self._left = self._left, b""
        if self._lost:
            left += self._event("missed", {"count": self._lost})
            self._lost = 0
        return left

    def _follow(self) -> None:
        """Turn to the state that the sandbox has now."""
        if self._hosted.sandbox.store is not self._store:
            self._store, self._seq, self._change = self._hosted.sandbox.store, 0, "replaced"
            self._under_way.clear()

    def _news(self) -> Iterator[bytes]:
        hosted = self._hosted
        self._follow()
        if self._change is None and hosted.changes != self._changes:
            self._change = "changed"
        if self._change is not None:
            self._changes = hosted.changes
            yield self._event("sandbox", {"change": self._change, **self._summary(hosted)})
            self._change = None
        yield from self._ended()
        yield from self._facts()
        clock = get_clock(hosted.driver)
        if (told := _lasting(clock)) != self._clock:
            self._clock = told
            yield self._event("clock", clock)

    def _ended(self) -> Iterator[bytes]:
        """Tell again the attempts that were told as under way and have ended."""
        journal = self._store.journal
        for seq in [*self._under_way]:
            entry = journal.delivery(seq)
            if entry is None or entry.outcome != "running":
                del self._under_way[seq]
                if entry is not None:
                    yield self._event("delivery", delivery_view(entry))

    def _facts(self) -> Iterator[bytes]:
        journal = self._store.journal
        if journal.seq == self._seq:
            return
        facts: list[RequestEntry | DeliveryEntry] = [
            *after(journal.requests, self._seq),
            *after(journal.deliveries, self._seq),
        ]
        facts.sort(key=attrgetter("seq"))
        told_bytes = 0
        for fact in facts[:BATCH_FACTS]:
            yield from self._missed(fact.seq - 1)
            self._seq = fact.seq
            event = self._fact(fact)
            yield event
            told_bytes += len(event)
            if told_bytes >= BATCH_BYTES:
                return
        if len(facts) <= BATCH_FACTS:
            yield from self._missed(journal.seq)

    def _missed(self, until: int) -> Iterator[bytes]:
        """Tell how many facts up to a number are no longer kept: the older ones of either sort may be."""
        missed, self._seq = until - self._seq, until
        if missed:
            yield self._event("missed", {"count": missed})

    def _fact(self, fact: RequestEntry | DeliveryEntry) -> bytes:
        if isinstance(fact, RequestEntry):
            return self._event("request", request_view(self._hosted.binding, fact))
        if fact.outcome == "running":
            self._under_way[fact.seq] = None
        return self._event("delivery", delivery_view(fact))

    def _event(self, name: str, data: Json) -> bytes:
        return b"id: %d\nevent: %b\ndata: %b\n\n" % (self._seq, name.encode(), encode_bytes(data))


async def stream(request: BaseRequest, sandboxes: Sandboxes, hosted: Hosted, told: Told) -> web.StreamResponse:
    """Answer with what happens in a sandbox, until the client leaves or the sandbox is forgotten."""
    response = web.StreamResponse(headers={"Content-Type": told.content_type, **HEADERS})
    response.force_close()
    await response.prepare(request)
    if request.method == "HEAD":
        return response
    with sandboxes.reader.joined(told):
        await _tell(request, response, sandboxes, hosted, told)
    return response


async def _tell(
    request: BaseRequest, response: web.StreamResponse, sandboxes: Sandboxes, hosted: Hosted, told: Told
) -> None:
    quiet_since = time.monotonic()
    while request.transport is not None and not request.transport.is_closing():
        if sandboxes.hosted.get(hosted.key) is not hosted:
            await response.write(told.ending())
            break
        news = told.news()
        if not news and time.monotonic() - quiet_since >= QUIET_SECONDS:
            news = told.quiet
        if news:
            await response.write(news)
            quiet_since = time.monotonic()
        await asyncio.sleep(0 if len(news) >= BATCH_BYTES else BEAT_SECONDS)


def _lasting(clock: Json) -> Json:
    """Return what of a clock is news when it changes: the instant of one that runs passes by itself."""
    lasting = {name: value for name, value in clock.items() if name != "behind_seconds"}
    if clock["mode"] == "wall" and "advancing" not in clock:
        del lasting["now"]
    if "advancing" in clock:
        waiting = [{**item, "real_seconds": 0} for item in clock["advancing"]["waiting_for"]]
        lasting["advancing"] = {**clock["advancing"], "waiting_for": waiting}
    return lasting
