"""Probes of numbers that an operation tells, or that a request just beyond them shows.

None sends more than a person would call small: a thousand messages, five megabytes, names that a URL carries.
"""

import math
from collections.abc import Callable
from typing import Any

from sched_emulator.contract import Api, Bound, NotChecked, accepted, probe

MINUTES = 1200
MOST_MESSAGES = 1000
MOST_BYTES = 5_000_000
MOST_NAME_CHARS = 2000  # what every URL carries


@probe("run.retention_days", "cron.retention.get")
def run_retention(api: Api) -> int:
    """For how many days are finished runs kept when nothing is set?"""
    return int(api.call("cron.retention.get", id=api.cron())["retention_days"])


@probe("queue.visibility_timeout_seconds", "queue.create:visibility_timeout_default")
def lease(api: Api) -> int:
    """How long is a lease when neither the request nor the queue says?"""
    return int(api.call("queue.get", queue=api.queue())["visibility_timeout_default"])


@probe("queue.max_retries", "queue.create:max_retries")
def max_retries(api: Api) -> int:
    """How many nacks does a queue allow that sets no number?"""
    return int(api.call("queue.get", queue=api.queue())["max_retries"])


@probe("queue.max_messages", "queue.consume:max_messages")
def consume_default(api: Api) -> int | Bound:
    """How many messages does a consume take that names no number?"""
    queue = api.queue()
    published, batch = 0, int(api.answer("limits.batch_messages") or 25) if api.virtual else 25
    while published < 101:
        items: list[Any] = [{"payload": {}}] * min(batch, 101 - published)
        api.call("queue.publish_batch", queue=queue, messages=items)
        published += len(items)
    taken = len(api.take(queue))
    return Bound(taken, f"at least {taken}") if taken == published else taken


@probe("limits.message_bytes", "queue.publish:payload")
def message_bytes(api: Api) -> int | Bound:
    """How many bytes may the payload of a message have?"""
    queue = api.queue()

    def fits(size: int) -> bool:
        return accepted(api.attempt("queue.publish", queue=queue, payload={"x": "a" * (size - 8)}), 413, 400, 422)

    return _largest(api, fits, 262_144, least=8, most=1_048_576, spend=MOST_BYTES)


@probe("limits.delay_seconds", "queue.publish:delay_seconds")
def delay_seconds(api: Api) -> int | Bound:
    """By how many seconds may a message be delayed?"""
    queue = api.queue()
    return _largest(
        api,
        lambda delay: accepted(api.attempt("queue.publish", queue=queue, payload={}, delay_seconds=delay)),
        604_800,
        most=31_622_400,
    )


@probe("limits.max_messages", "queue.consume:max_messages")
def max_messages(api: Api) -> int | Bound:
    """How many messages may one consume ask for?"""
    queue = api.queue()
    return _largest(
        api, lambda count: accepted(api.attempt("queue.consume", queue=queue, max_messages=count)), 100, most=10_000
    )


@probe("limits.batch_messages", "queue.publish_batch:messages")
def batch_messages(api: Api) -> int | Bound:
    """How many messages may one batch publish?"""
    queue = api.queue()

    def fits(count: int) -> bool:
        items: list[Any] = [{"payload": {}}] * count
        return accepted(api.attempt("queue.publish_batch", queue=queue, messages=items), 400, 413, 422)

    return _largest(api, fits, 100, most=MOST_MESSAGES, spend=MOST_MESSAGES)


@probe("limits.name_chars", "queue.create:name")
def name_chars(api: Api) -> int | Bound:
    """How many characters may a name have, of those that a URL can carry?"""

    def fits(length: int) -> bool:
        name = api.name().ljust(length, "x")[:length]
        reply = api.attempt("queue.create", name=name, http_headers={"Idempotency-Key": api.name()})
        return accepted(reply, 400, 422, 409, 413, 414)

    least = len(api.name()) + 2
    if not fits(least):
        raise NotChecked(f"names of {least} characters are too long already")
    return _largest(api, fits, 256, least=least, most=MOST_NAME_CHARS)


def _largest(
    api: Api, fits: Callable[[int], bool], usual: int, *, most: int, spend: float = math.inf, least: int = 1
) -> int | Bound:
    """Return the largest number that fits, asked for around the usual one first, and `least` does fit.

    Where requests may cost money, no number beyond `most` is asked for, and what was accepted adds up to no more than
    `spend`: what is known by then is a bound.
    """
    if api.virtual:
        spend = math.inf
    spent = 0

    def tried(number: int) -> bool:
        nonlocal spent
        fitted = fits(number)
        spent += number if fitted else 0
        return fitted

    low, high = least, usual
    if tried(usual):
        low, high, next_high = usual, usual + 1, 2 * usual
        while tried(high):
            low, high, next_high = high, min(next_high, most), 2 * next_high
            if low >= most or spent + high > spend:
                return Bound(low, f"at least {low}")
    while high - low > 1:
        middle = (low + high) // 2
        if spent + middle > spend:
            return Bound(low, f"at least {low}, and less than {high}")
        low, high = (middle, high) if tried(middle) else (low, middle)
    return low


@probe("page.default_limit", "run.list:limit")
def default_limit(api: Api) -> int | Bound:
    """How many items has a page when no limit is given?"""
    return _page(api, None)


@probe("page.max_limit", "run.list:limit")
def max_limit(api: Api) -> int | Bound:
    """How many items has a page at most?"""
    return _page(api, 1_000_000)


def _page(api: Api, limit: int | None) -> int | Bound:
    """List the runs of a cron that has fired often, which costs nothing where time is virtual."""
    if not api.virtual:
        raise NotChecked("it takes more runs than a real target makes in the time of a test")
    cron = api.cron("* * * * *", api.nowhere())
    api.call("cron.retention.set", id=cron, retention_days=3650)
    api.sleep(MINUTES * 60)
    page = api.call("run.list") if limit is None else api.call("run.list", limit=limit)
    seen = len(page["items"])
    return seen if page.get("next_cursor") else Bound(seen, f"at least {seen}")
