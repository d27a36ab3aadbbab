"""Ids and chance, both from the sandbox's seed and counters, never from the machine.

Ids count up per kind (`cron_000001`); what looks random is a hash of the seed and of what it is for,
so it does not depend on the order in which it is asked for.
"""

from functools import lru_cache
from hashlib import blake2b


class Ids:
    """Counters by kind of id; the counters are part of a snapshot."""

    def __init__(self, counters: dict[str, int]) -> None:
        self.counters = counters

    def number(self, kind: str) -> int:
        """Return the next whole number of a kind, from 1."""
        number = self.counters.get(kind, 0) + 1
        self.counters[kind] = number
        return number

    def last(self, kind: str) -> int:
        """Return the last number of a kind, 0 before the first."""
        return self.counters.get(kind, 0)

    def next(self, kind: str) -> str:
        """Return the next id of a kind, such as `msg_000001`."""
        return f"{kind}_{self.number(kind):06d}"


def fraction(seed: int, purpose: str) -> float:
    """Return a number from 0 to below 1 that depends on the seed and the purpose alone."""
    return int.from_bytes(blake2b(f"{seed} {purpose}".encode(), digest_size=6).digest()) / (1 << 48)


def request_id(seed: int, now_ms: int, number: int) -> str:
    """Return the UUID v7 (RFC 9562) of the sandbox's request with this number."""
    hashed = _hash_of_requests(seed).copy()
    hashed.update(b"%d" % number)
    random = hashed.hexdigest()
    return f"{_instant(now_ms)}-7{random[:3]}-{_VARIANT[random[3]]}{random[4:7]}-{random[7:19]}"


_VARIANT = dict(zip("0123456789abcdef", "89ab" * 4, strict=True))


@lru_cache(maxsize=64)
def _hash_of_requests(seed: int) -> blake2b:
    return blake2b(f"{seed} request ".encode(), digest_size=10)


@lru_cache(maxsize=64)
def _instant(now_ms: int) -> str:
    instant = f"{now_ms:012x}"
    return f"{instant[:8]}-{instant[8:]}"
