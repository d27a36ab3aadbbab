"""Instants as the API writes them."""

from datetime import UTC, datetime


def instant_of(text: str) -> float:
    """Return the seconds since 1970 of an instant in an answer; without an offset it is in UTC."""
    at = datetime.fromisoformat(text)
    return (at if at.tzinfo is not None else at.replace(tzinfo=UTC)).timestamp()


def instant_text(seconds: float) -> str:
    """Return an instant as it is sent."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
