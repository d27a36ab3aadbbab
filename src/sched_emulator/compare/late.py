"""Fires that come late: a target may let a cron fire some seconds after it is due, as `cron.jitter_seconds` says.

How late each fire was, its delivery shows. The chance is the target's own, so it is taken as it came.
"""

from sched_emulator.core.records import Cron
from sched_emulator.core.store import Store

from .doubt import Doubt
from .parts import Part

MOST_MS = 60_000  # the greatest `cron.jitter_seconds`


def put_off(store: Store, part: Part, taken: set[int], width_ms: int, doubt: Doubt) -> int:
    """Put off the fires that are due next to where their deliveries came; return how late the latest was."""
    latest_ms = 0
    for cron in store.crons.values():
        entry = store.timeline.get(cron.fire_entry)
        if entry is None or cron.next_run_ms is None or ("url", cron.task) in doubt.hazy:
            continue
        due_ms = cron.next_run_ms
        first = next(
            (
                came.at_ms
                for came in part.came_between(due_ms - width_ms, due_ms + MOST_MS + width_ms)
                if came.number not in taken
                and came.number not in part.triggered
                and came.raw.url == cron.task
                and came.raw.attempt in {None, 1}
            ),
            None,
        )
        if first is None and cron.under_way and _policy(store, cron) != "allow":  # it was skipped, or waits
            first = due_ms
        elif first is None:  # it may still come
            first = due_ms + MOST_MS + width_ms
        elif first <= max(due_ms, store.now_ms - 1):
            continue
        else:
            latest_ms = max(latest_ms, first - due_ms)
        if entry.due_ms == first:
            continue
        store.timeline.cancel(cron.fire_entry)
        cron.fire_entry = store.timeline.schedule(first, "cron", cron.cron_id)
    return latest_ms


def _policy(store: Store, cron: Cron) -> str:
    return cron.overlap_policy or store.answers.ask("cron.overlap_default")
