"""Instants: whole milliseconds since 1970 inside, `YYYY-MM-DDTHH:MM:SS.mmmZ` outside.

Wherever one is read, it is read here, by a grammar of our own: that of `datetime.fromisoformat` grows with Python's
versions (`24:00`, a small `t`, `2026W014`), and a test would pass on one and fail on the next.
"""

import re
from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LAST_MS = 253_402_300_799_999  # 9999-12-31T23:59:59.999Z, the last instant with four digits of year
DAY_MS = 86_400_000
EXPECTED = "an instant in RFC 3339 such as 2026-01-01T09:00:00Z"

_DATE = r"([0-9]{4})-([0-9]{2})-([0-9]{2})"
_TIME = r"([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:\.([0-9]+))?)?"
_OFFSET = r"(?:[Zz]|([+-])([01][0-9]|2[0-3]):([0-5][0-9]))"
_INSTANT = re.compile(f"{_DATE}(?:[Tt ]{_TIME}{_OFFSET}?)?")


def to_text(instant_ms: int) -> str:
    """Return an instant in the form in which the API writes it; one beyond the year 9999 as the last before."""
    moment = EPOCH + timedelta(milliseconds=min(instant_ms, LAST_MS))
    return moment.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def from_text(text: str) -> int:
    """Return the instant that a text names, cut to the millisecond. ValueError when it names none.

    RFC 3339, with `T` or a space; the offset may be missing (then it is UTC), and so may the fraction, the seconds, or
    the time as a whole (then it is midnight). Hours end at 23, seconds at 59.
    """
    match = _INSTANT.fullmatch(text)
    if match is None:
        raise ValueError(text)
    *fields, fraction, sign, offset_hours, offset_minutes = match.groups()
    year, month, day, hour, minute, second = (int(field or 0) for field in fields)
    local = datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    offset_ms = 60_000 * (60 * int(offset_hours or 0) + int(offset_minutes or 0))
    local_ms = (local - EPOCH) // timedelta(milliseconds=1) + int((fraction or "0")[:3].ljust(3, "0"))
    return local_ms + (offset_ms if sign == "-" else -offset_ms)


def to_ms(seconds: float) -> int:
    """Return a duration in whole milliseconds."""
    return round(1000 * seconds)


def to_seconds(duration_ms: int) -> float:
    """Return a duration in seconds: a whole number where it is one."""
    whole, rest = divmod(duration_ms, 1000)
    return duration_ms / 1000 if rest else whole
