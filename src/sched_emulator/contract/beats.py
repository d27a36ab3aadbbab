"""How punctual the fires of a target can be, and how often a cron has to fire to be looked at."""

from .api import Api
from .results import NotChecked

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
