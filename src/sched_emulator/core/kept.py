"""What of a session is kept, and how much in bytes: a sandbox has one bound, half for its journal, half for its log.

The log holds its commands. What is kept as text weighs its bytes; what is kept as values weighs more than its text,
because each value is an object of its own. One entry may take a quarter of the journal's half, so that none pushes out
all others.
"""

from typing import Any, NamedTuple

from .encoding import encode_bytes
from .records import DeliveryEntry, Exchange

KEEP_BYTES = 64 * 1024 * 1024
KEEP_ENTRIES = 10_000  # of each sort, in the journal
VALUE_BYTES = 64  # of a value beside its text
SHORT_BYTES = 256  # a text whose values need no counting: ten thousand of them are little whatever they are


class Command(NamedTuple):
    """One call of a sandbox's method, as the log keeps it."""

    method: str
    arguments: dict[str, Any]


def journal_bytes(keep_bytes: int) -> int:
    """Return how much of the bound is the journal's; the rest is the command log's."""
    return keep_bytes // 2


def longest_bytes(keep_bytes: int) -> int:
    """Return how much of the bound one entry of the journal may take."""
    return keep_bytes // 8


def of_values(values: Any) -> int:
    """Return what values weigh that JSON can hold."""
    text = encode_bytes(values)
    if len(text) <= SHORT_BYTES:
        return len(text) + VALUE_BYTES
    return len(text) + VALUE_BYTES * (text.count(b",") + text.count(b"[") + text.count(b"{"))


def of_exchange(exchange: Exchange) -> int:
    """Return what a request and its answer weigh."""
    weight = len(exchange.path) + len(exchange.response)
    if exchange.body is not None:
        weight += len(exchange.body)
    if exchange.ignored:
        weight += sum(map(len, exchange.ignored)) + VALUE_BYTES * len(exchange.ignored)
    return weight


def of_delivery(entry: DeliveryEntry) -> int:
    """Return what a delivery attempt weighs: what was sent and what was answered."""
    return len(entry.url) + of_values(entry.body) + of_headers(entry.headers) + of_answer(entry)


def of_answer(entry: DeliveryEntry) -> int:
    """Return what the answer to a delivery attempt weighs."""
    return of_headers(entry.response_headers) + len(entry.response_body or "") + len(entry.error or "")


def of_headers(headers: dict[str, str]) -> int:
    """Return what headers weigh."""
    return sum(len(name) + len(value) + VALUE_BYTES for name, value in headers.items())
