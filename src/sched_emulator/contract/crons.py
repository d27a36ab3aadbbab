"""Crons, runs and tasks as a target answers them, read by meaning; and how punctual fires can be."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .instants import instant_of
from .results import Failed, NotChecked, shown

if TYPE_CHECKING:
    from .api import Api

CREATE_TAKES = frozenset({"payload", "timezone", "retries", "idempotency_key"})  # besides name, expression and URL
LAST_STATES = frozenset({"succeeded", "failed", "skipped"})
PERIODS_SECONDS = (2, 3, 4, 5, 6, 10, 12, 15, 20, 30)


def cron_id(record: Mapping[str, Any]) -> str:
    """Return the id in a record that create or list returned (`cron.create.id_field`)."""
    found = record.get("cron_id") or record.get("job_id")
    if not isinstance(found, str):
        raise Failed(f"the record has no id: {shown(record)}", "create returns the cron's id")
    return found


def next_run(record: Mapping[str, Any]) -> float:
    """Return when a cron fires next, in seconds since 1970; NotChecked where the record does not say."""
    if record.get("next_run_at") is None:
        raise NotChecked("this target's records of crons do not say when they fire next")
    return instant_of(record["next_run_at"])


def has_ended(run: Mapping[str, Any]) -> bool:
    """Whether a run says that it is over. Nobody documented its last states, and `finished_at` may be absent."""
    return run.get("finished_at") is not None or run.get("state") in LAST_STATES


def lateness(api: "Api") -> float:
    """Return by how many seconds a fire may arrive later than the instant that its expression names."""
    jitter_seconds = int(api.answer("cron.jitter_seconds") or 0)
    if api.virtual:
        return 60.0 if jitter_seconds else api.margin
    return 3 * api.margin + 2 * jitter_seconds


def beat(api: "Api") -> tuple[str, float]:
    """Return an expression and the seconds between its fires: more than twice what each may be late.

    NotChecked where six fields are not understood, or fires come too late for any that is short enough to wait for.
    """
    if api.virtual:
        return "*/4 * * * *", 240.0
    late = lateness(api)
    for period in PERIODS_SECONDS:
        if period >= 2 * late:
            return api.every_second(period), float(period)
    raise NotChecked(f"fires may come {late:.0f} s late on this target")
