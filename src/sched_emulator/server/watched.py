"""What is new in a sandbox since somebody last looked: requests, ended attempts, and runs that have begun."""

from collections import deque
from itertools import islice, takewhile
from operator import attrgetter
from typing import TypeVar

from sched_emulator.core.journal import Journal
from sched_emulator.core.records import DeliveryEntry, RequestEntry, Run
from sched_emulator.core.store import Store

from .running_clock import RunningClock
from .sandboxes import Hosted

Kept = TypeVar("Kept", RequestEntry, DeliveryEntry)
_outcome = attrgetter("outcome")
_kind = attrgetter("kind")


class Watched:
    """How far a sandbox's facts have been told: up to now, or only to the fact numbered `since`.

    `missed` counts the facts that are new, and no longer kept.
    """

    def __init__(self, hosted: Hosted, since: int | None = None) -> None:
        self.store = store = hosted.sandbox.store
        self.hosted = hosted
        self.missed = 0
        self._requests = _total_requests(store.journal)
        self._deliveries = _total_deliveries(store.journal)
        self._runs = store.ids.last("run")
        self._under_way: dict[int, DeliveryEntry] = {}
        self._begun: list[Run] = []  # of tasks, whose runs are made long before
        self.clock: RunningClock = hosted.driver.clock
        self.mode = mode(hosted)
        self.now_ms, self.fired = store.now_ms, store.fired
        if since is not None:
            self._go_back(since if since <= store.journal.seq else 0)  # else of another sandbox, or an emulator's end

    def _go_back(self, since: int) -> None:
        """Take as new what came after a fact."""
        journal, store = self.store.journal, self.store
        requests, deliveries = after(journal.requests, since), after(journal.deliveries, since)
        self._requests -= len(requests)
        self._deliveries -= len(deliveries)
        self.missed = journal.seq - since - len(requests) - len(deliveries)
        told = (store.runs.get(entry.run_id or "") for entry in journal.deliveries if entry.seq <= since)
        self._runs = max((run.number for run in told if run is not None and run.kind == "cron"), default=0)

    def new_requests(self) -> list[RequestEntry]:
        """Return the requests since the last time, newest first."""
        journal = self.store.journal
        total = _total_requests(journal)
        found = list(islice(reversed(journal.requests), total - self._requests))
        self.missed += total - self._requests - len(found)
        self._requests = total
        return found

    def new_deliveries(self) -> list[DeliveryEntry]:
        """Return the attempts that have ended since the last time, the last to start first."""
        journal = self.store.journal
        ended = [entry for entry in reversed(self._under_way.values()) if entry.outcome != "running"]
        for entry in [*ended, *(entry for seq, entry in self._under_way.items() if journal.delivery(seq) is None)]:
            self._under_way.pop(entry.seq, None)
        total = _total_deliveries(journal)
        if total != self._deliveries:
            found = list(islice(reversed(journal.deliveries), total - self._deliveries))
            self.missed += total - self._deliveries - len(found)
            self._deliveries = total
            if self._tasks and "task" in map(_kind, found):
                self._begun = [run for entry in found if (run := self._run_of_task(entry)) is not None]
            if "running" in map(_outcome, found):
                self._under_way |= {entry.seq: entry for entry in reversed(found) if entry.outcome == "running"}
                found = [entry for entry in found if entry.outcome != "running"]
            ended = found + ended
        return ended

    def new_fires(self) -> tuple[list[Run], int]:
        """Return the runs that have begun since the last time, newest first, and how many of them have left again.

        Those of tasks are among the deliveries that were new the last time.
        """
        last = self.store.ids.last("run")
        found = list(islice(reversed(self.store.runs.values()), last - self._runs))
        while found and found[-1].number <= self._runs:
            found.pop()
        gone, self._runs = last - self._runs - len(found), last
        if self._tasks and "task" in map(_kind, found):
            found = [run for run in found if run.kind == "cron"]
        if self._begun:
            found = sorted([*self._begun, *found], key=began_ms, reverse=True)
            self._begun = []
        return found, gone

    @property
    def _tasks(self) -> int:
        """How many tasks there have been: where none was, none is looked for."""
        return self.store.ids.last("task")

    def _run_of_task(self, entry: DeliveryEntry) -> Run | None:
        """Return the run of a task that began with an attempt."""
        return self.store.runs.get(entry.run_id or "") if entry.kind == "task" and entry.attempt == 1 else None


def began_ms(run: Run) -> int:
    """Return when a run began; of one that is skipped, when it would have."""
    return run.scheduled_ms if run.started_ms is None else run.started_ms


def after(entries: deque[Kept], seq: int) -> list[Kept]:
    """Return the entries after a number, newest first."""
    return list(takewhile(lambda entry: entry.seq > seq, reversed(entries)))


def mode(hosted: Hosted) -> str:
    """Say how a sandbox's clock goes."""
    store: Store = hosted.sandbox.store
    return "frozen" if store.mode == "frozen" else f"runs {store.speed:g}x"


def _total_requests(journal: Journal) -> int:
    return journal.dropped_requests + len(journal.requests)


def _total_deliveries(journal: Journal) -> int:
    return journal.dropped_deliveries + len(journal.deliveries)
