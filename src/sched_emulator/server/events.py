"""What happens in a sandbox, as it happens: Server-Sent Events for who looks on.

A stream is one more reader of the journal: it remembers how far it has told, looks again twenty times a second, and
tells what is new. Nothing is kept for a reader, so one that is slow holds nobody up, costs no memory, and is told what
it has missed; where nobody looks on, nothing is done.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterator
from itertools import takewhile
from operator import attrgetter
from typing import TypeVar

from aiohttp import web
from aiohttp.web_request import BaseRequest

from sched_emulator.core.encoding import encode_bytes
from sched_emulator.core.records import DeliveryEntry, RequestEntry

from .asked import Json
from .control_reading import delivery_view, get_clock, request_view
from .sandboxes import Hosted, Sandboxes

BEAT_SECONDS = 0.05
QUIET_SECONDS = 15.0  # real ones, after which a line without meaning shows that the connection lives
BATCH_BYTES = 64 * 1024
BATCH_FACTS = 200
HEADERS = {
    "Content-Type": "text/event-stream",
    "Cache-Control": "no-store",
    "X-Accel-Buffering": "no",
    "Server": "sched-emulator",
}
Kept = TypeVar("Kept", RequestEntry, DeliveryEntry)


class Watch:
    """How far a reader has been told of a sandbox. `summary` shows the sandbox in short."""

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

    def news(self) -> bytes:
        """Return what has happened since the last time, as events, at most a batch; empty when nothing has."""
        return b"".join(self._news())

    def ending(self) -> bytes:
        """Return the last event of a sandbox that was forgotten."""
        return self._event("sandbox", {"change": "forgotten", **self._summary(self._hosted)})

    def _news(self) -> Iterator[bytes]:
        hosted = self._hosted
        hosted.driver.catch_up()
        if hosted.sandbox.store is not self._store:
            self._store, self._seq, self._change = hosted.sandbox.store, 0, "replaced"
            self._under_way.clear()
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
            *_after(journal.requests, self._seq),
            *_after(journal.deliveries, self._seq),
        ]
        facts.sort(key=attrgetter("seq"))
        missed = (facts[0].seq if facts else journal.seq + 1) - self._seq - 1
        if missed:
            self._seq += missed
            yield self._event("missed", {"count": missed})
        told_bytes = 0
        for fact in facts[:BATCH_FACTS]:
            self._seq = fact.seq
            event = self._fact(fact)
            yield event
            told_bytes += len(event)
            if told_bytes >= BATCH_BYTES:
                return

    def _fact(self, fact: RequestEntry | DeliveryEntry) -> bytes:
        if isinstance(fact, RequestEntry):
            return self._event("request", request_view(self._hosted.binding, fact))
        if fact.outcome == "running":
            self._under_way[fact.seq] = None
        return self._event("delivery", delivery_view(fact))

    def _event(self, name: str, data: Json) -> bytes:
        return b"id: %d\nevent: %b\ndata: %b\n\n" % (self._seq, name.encode(), encode_bytes(data))


async def stream(
    request: BaseRequest, sandboxes: Sandboxes, hosted: Hosted, since: int, summary: Callable[[Hosted], Json]
) -> web.StreamResponse:
    """Answer with what happens in a sandbox after `since`, until the client leaves or the sandbox is forgotten."""
    response = web.StreamResponse(headers=HEADERS)
    response.force_close()
    await response.prepare(request)
    if request.method == "HEAD":
        return response
    watch, quiet_since = Watch(hosted, since, summary), time.monotonic()
    while request.transport is not None and not request.transport.is_closing():
        if sandboxes.hosted.get(hosted.key) is not hosted:
            await response.write(watch.ending())
            break
        news = watch.news()
        if not news and time.monotonic() - quiet_since >= QUIET_SECONDS:
            news = b":\n\n"
        if news:
            await response.write(news)
            quiet_since = time.monotonic()
        await asyncio.sleep(0 if len(news) >= BATCH_BYTES else BEAT_SECONDS)
    return response


def _after(entries: deque[Kept], seq: int) -> list[Kept]:
    return list(takewhile(lambda entry: entry.seq > seq, reversed(entries)))


def _lasting(clock: Json) -> Json:
    """Return what of a clock is news when it changes: the instant of one that runs passes by itself."""
    lasting = {name: value for name, value in clock.items() if name != "behind_seconds"}
    if clock["mode"] == "wall" and "advancing" not in clock:
        del lasting["now"]
    if "advancing" in clock:
        waiting = [{**item, "real_seconds": 0} for item in clock["advancing"]["waiting_for"]]
        lasting["advancing"] = {**clock["advancing"], "waiting_for": waiting}
    return lasting
