"""Instants: whole milliseconds since 1970 inside, `YYYY-MM-DDTHH:MM:SS.mmmZ` outside."""

from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LAST_MS = 253_402_300_799_999  # 9999-12-31T23:59:59.999Z, the last instant with four digits of year
DAY_MS = 86_400_000


def to_text(instant_ms: int) -> str:
    """Return an instant in the form in which the API writes it; one beyond the year 9999 as the last before."""
    moment = EPOCH + timedelta(milliseconds=min(instant_ms, LAST_MS))
    return moment.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def from_text(text: str) -> int:
    """Return the instant that an ISO-8601 text names; without an offset it is UTC. ValueError when it names none."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return (moment - EPOCH) // timedelta(milliseconds=1)


def to_ms(seconds: float) -> int:
    """Return a duration in whole milliseconds."""
    return round(1000 * seconds)


def to_seconds(duration_ms: int) -> float:
    """Return a duration in seconds: a whole number where it is one."""
    whole, rest = divmod(duration_ms, 1000)
    return duration_ms / 1000 if rest else whole
