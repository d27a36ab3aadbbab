"""Ids and chance, both from the sandbox's seed and counters, never from the machine.

Ids count up per kind (`cron_000001`); what looks random is a hash of the seed and of what it is for,
so it does not depend on the order in which it is asked for.
"""

from hashlib import blake2b
from uuid import UUID


class Ids:
    """Counters by kind of id; the counters are part of a snapshot."""

    def __init__(self, counters: dict[str, int]) -> None:
        self.counters = counters

    def number(self, kind: str) -> int:
        """Return the next whole number of a kind, from 1."""
        number = self.counters.get(kind, 0) + 1
        self.counters[kind] = number
        return number

    def next(self, kind: str) -> str:
        """Return the next id of a kind, such as `msg_000001`."""
        return f"{kind}_{self.number(kind):06d}"


def fraction(seed: int, purpose: str) -> float:
    """Return a number from 0 to below 1 that depends on the seed and the purpose alone."""
    return int.from_bytes(_digest(seed, purpose)[:6]) / (1 << 48)


def request_id(seed: int, now_ms: int, number: int) -> str:
    """Return the UUID v7 (RFC 9562) of the sandbox's request with this number."""
    tail = int.from_bytes(_digest(seed, f"request {number}")[:10])
    value = (max(now_ms, 0) & (1 << 48) - 1) << 80 | tail
    value = value & ~(0xF << 76) | 7 << 76
    value = value & ~(3 << 62) | 2 << 62
    return str(UUID(int=value))


def _digest(seed: int, purpose: str) -> bytes:
    return blake2b(f"{seed} {purpose}".encode(), digest_size=16).digest()
