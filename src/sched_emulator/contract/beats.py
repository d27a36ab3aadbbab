"""How punctual the fires of a target can be, how often a cron has to fire to be looked at, and when it is due."""

from typing import Any, NamedTuple

from .api import Api
from .crons import next_run
from .instants import instant_of
from .receivers import Call
from .results import NotChecked

TRICKY = {"z": 1, "a": {"text": 'é 订单 "\\/', "numbers": [1.5, -3, 0], "no": False}, "m": None, "e": {"": []}}
PERIODS_SECONDS = (2, 3, 4, 5, 6, 10, 12, 15, 20, 30)


def lateness(api: Api) -> float:
    """Return by how many seconds a fire may arrive later than the instant that its expression names."""
    jitter_seconds = int(api.answer("cron.jitter_seconds") or 0)
    if api.virtual:
        return 60.0 if jitter_seconds else api.margin
    return 3 * api.margin + 2 * jitter_seconds


def beat(api: Api) -> tuple[str, float]:
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


class Fired(NamedTuple):
    """A cron, the seconds between its fires, its first deliveries, and its record when the first had come."""

    cron: str
    period: float
    calls: list[Call]
    record: dict[str, Any]


def fired_cron(api: Api) -> Fired:
    """Let a cron fire three times, with a payload and headers, and pause it."""
    receiver = api.receiver(200)
    expression, period = beat(api)
    cron = api.cron(expression, receiver.url, payload=TRICKY, headers={"X-Contract": "cron", "X-Number": "007"})
    first = api.arrived(receiver, 1, period + lateness(api))[0]
    record: dict[str, Any] = {}

    def has_moved() -> bool:
        record.update(api.call("cron.get", id=cron))
        due_at = record.get("next_run_at")
        return due_at is None or instant_of(due_at) > first.at - first.at % period

    api.wait(has_moved, 2)
    calls = api.arrived(receiver, 3, 2 * period + lateness(api))
    api.call("cron.pause", id=cron)
    return Fired(cron, period, calls, record)


def due(api: Api, expression: str, timezone: str = "UTC") -> float:
    """Return when a cron with this expression fires next, in seconds since 1970."""
    return next_run(with_expression(api, expression, timezone))


def with_expression(api: Api, expression: str, timezone: str = "UTC") -> dict[str, Any]:
    """Get a cron with this expression; where requests may cost it is one that gets all, one after the other."""
    record: dict[str, Any]
    if not api.paid:
        record = api.call("cron.get", id=api.cron(expression, timezone=timezone))
        return record
    with api.lent(changing_cron) as cron:
        api.call("cron.update", id=cron, cron_expr=expression, timezone=timezone)
        record = api.call("cron.get", id=cron)
    return record


def changing_cron(api: Api) -> str:
    """Make a cron that is changed again and again, and stays enabled."""
    return api.cron(timezone="Pacific/Honolulu")
