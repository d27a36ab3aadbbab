"""Crons, runs and messages as a target answers them, read by meaning."""

import json
from collections.abc import Mapping
from typing import Any

from .instants import instant_of
from .results import Failed, NotChecked, shown

CREATE_TAKES = frozenset({"payload", "timezone", "retries", "idempotency_key"})  # besides name, expression and URL
LAST_STATES = frozenset({"succeeded", "failed", "skipped"})


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


def is_within(body: Any, value: Any) -> bool:
    """Whether a value is a body, or a part of it."""
    if json.dumps(body, sort_keys=True) == json.dumps(value, sort_keys=True):  # for 1 is no true
        return True
    parts = body.values() if isinstance(body, dict) else body if isinstance(body, list) else ()
    return any(is_within(part, value) for part in parts)


def has_ended(run: Mapping[str, Any]) -> bool:
    """Whether a run says that it is over. Nobody documented its last states, and `finished_at` may be absent."""
    return run.get("finished_at") is not None or run.get("state") in LAST_STATES


def messages_in(data: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the messages that consume returned (`queue.consume.result_key`)."""
    found = data.get("messages", data.get("items"))
    if not isinstance(found, list):
        raise Failed(f"consume returned {shown(data)}", "consume returns messages")
    return found
