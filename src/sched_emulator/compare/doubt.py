"""What a replay does not know: what was there before the recording began, and what a finding has left open.

A thing is *unseen* until an answer shows it: what needs it is not judged. It is *hazy* from then on: its settings are
as answered, but a queue may hold messages that nothing has shown, and a cron may have settings that no answer shows.
What is compared of a hazy thing is what was done to it in the recording alone.
"""

from collections.abc import Collection, Iterator
from typing import Any, NamedTuple

from sched_emulator.core.store import Store

from .parts import Part, Thing, urls_of
from .read import Item

QUEUE = "scheduling.queue."
COUNTS = ("available", "in_flight", "dlq", "oldest_age_seconds", "purged")
OF_RUNS = frozenset({"run_id", "cron_id", "task_id"})  # of a run whose deliveries are not judged
FIRES = ("enabled", "next_run_at")


class Doubt(NamedTuple):
    """What is not known of a part's things. `answered`: the exchange of a finding, which is taken as it came."""

    unseen: frozenset[Thing] = frozenset()
    hazy: frozenset[Thing] = frozenset()
    answered: int = -1

    def of(self, thing: Thing, *, unseen: bool = False, hazy: bool = False) -> "Doubt":
        """Return the doubt in which a thing is so, and all else as before."""
        alone = frozenset({thing})
        return self._replace(
            unseen=self.unseen | alone if unseen else self.unseen - alone,
            hazy=self.hazy | alone if hazy else self.hazy - alone,
        )

    def about(self, store: Store, queue: str) -> bool:
        """Whether a queue may hold messages that nothing has shown: its own, or dead letters of one that may."""
        return ("queue", queue) in self.hazy or any(
            record.dead_letter_queue == queue and ("queue", name) in self.hazy for name, record in store.queues.items()
        )


SURE = Doubt()


def at_first(part: Part) -> Doubt:
    """Return what is not known of a part when it begins: receivers too that something unknown may deliver to."""
    named: dict[str, int] = {}
    for item in part.items:
        for url in urls_of(item):
            named.setdefault(url, item.low_ms)
    used = {came.raw.url for came in part.came if came.at_ms < named[came.raw.url]}
    return Doubt(frozenset(part.unseen), frozenset(("url", url) for url in (named if part.unseen else used)))


def known(store: Store, doubt: Doubt, item: Item, *results: Any, width_ms: int) -> tuple[Any, ...]:
    """Return what was expected and what came, without what cannot be compared of a hazy thing."""
    if not all(isinstance(each, dict) for each in results) or not (doubt.hazy or doubt.unseen):
        return results
    expected, came = results
    if (run_id := expected.get("run_id")) is not None:
        others: Collection[str] = (expected.keys() | came.keys()) - OF_RUNS if is_hazy_run(store, doubt, run_id) else ()
    elif "cron_id" in expected:
        others = FIRES if _may_fire_otherwise(store, doubt, expected, came, width_ms) else ()
    else:
        others = _uncounted(store, doubt, item)
    return tuple({name: each[name] for name in each if name not in others} for each in results) if others else results


def _uncounted(store: Store, doubt: Doubt, item: Item) -> Collection[str]:
    """Return which counts of a queue nobody knows."""
    queue = item.arguments.get("queue")
    if not isinstance(queue, str):
        return ()
    if doubt.about(store, queue):
        return COUNTS
    return ("dlq",) if _may_get_dead(store, doubt, queue) else ()


def _may_fire_otherwise(store: Store, doubt: Doubt, expected: Any, came: Any, width_ms: int) -> bool:
    """Whether a cron, of which not all is known, may have fired later or ended."""
    cron = store.crons.get(expected["cron_id"])
    if cron is None or ("url", cron.task) not in doubt.hazy:
        return False
    due_ms = came.get("next_run_at")
    late = isinstance(due_ms, int) and due_ms <= store.now_ms + width_ms
    return late or not (came.get("enabled") and expected.get("enabled"))


def _may_get_dead(store: Store, doubt: Doubt, queue: str) -> bool:
    """Whether nobody knows which of a queue's dead letters are left where they went."""
    holder = store.queues[queue].dead_letter_queue if queue in store.queues else None
    return holder is not None and (("queue", holder) in doubt.unseen or doubt.about(store, holder))


def is_hazy_run(store: Store, doubt: Doubt, run_id: str) -> bool:
    """Whether nobody knows how a run ends, nor how long it is kept."""
    run = store.runs.get(run_id)
    if run is None:
        return False
    owner: Any = store.crons.get(run.owner_id) or store.tasks.get(run.owner_id)
    return ("url", owner.task) in doubt.hazy


def queues_of(item: Item) -> Iterator[str]:
    """Yield the queues that an exchange names."""
    for name in ("queue", "dead_letter_queue"):
        if isinstance(item.arguments.get(name), str):
            yield item.arguments[name]
