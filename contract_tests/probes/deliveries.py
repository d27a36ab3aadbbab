"""Probes of what is delivered, how it is signed, and when it is tried again."""

import json
from itertools import pairwise
from typing import Any

from sched_emulator.contract import (
    SCHEMES,
    SECRET,
    TRICKY,
    Answer,
    Api,
    Bound,
    NotChecked,
    is_signed,
    plain_push,
    plain_task,
    probe,
    shown,
    signed_task,
)

FIXED_SECONDS = 60


@probe("delivery.body", "task.schedule:payload", seconds=2)
def body(api: Api) -> str:
    """What is the body that a cron or a task posts?"""
    came = api.shared(plain_task).call.body
    if came == TRICKY:
        return "payload"
    if isinstance(came, dict) and came.get("payload") == TRICKY:
        return "event"
    raise NotChecked(f"a payload arrived as {shown(came)}")


@probe("push.body", "queue.push_subscribe:url", seconds=1)
def push_body(api: Api) -> str:
    """What is the body of a push?"""
    asked, _, _, call = api.shared(plain_push)
    came = call.body
    if came == TRICKY:
        return "payload"
    if isinstance(came, dict) and came.get("message_id") == asked["message_id"] and came.get("payload") == TRICKY:
        return "message"
    raise NotChecked(f"a message arrived as {shown(came)}")


@probe("signature.scheme", "task.schedule:secret", seconds=2)
def signature_scheme(api: Api) -> str:
    """How is the HMAC signature of a delivery written?"""
    call = api.shared(signed_task).call
    if call.raw is None:
        raise NotChecked("it needs a receiver on this machine, which sees the bytes")
    forms = [call.raw, *rewritten(call.body)]
    found = [scheme for scheme in SCHEMES if any(is_signed(call, SECRET, scheme, form) for form in forms)]
    if not found:
        names = (
            ", ".join(name for name in call.headers if "sign" in name or "webhook" in name) or "no header of the kind"
        )
        raise NotChecked(f"none of the known schemes fits; there was {names}")
    return found[0]


def rewritten(body: Any) -> list[bytes]:
    """Return other bytes for the same JSON: who signs those uses a scheme all the same, and signs what nobody got."""
    compact = (",", ":")
    return [
        json.dumps(body, sort_keys=sort_keys, separators=separators).encode()
        for sort_keys in (False, True)
        for separators in (None, compact)
    ]


def gaps(api: Api, failures: int, within: float) -> list[float]:
    """Return how long a failing task waited before each further attempt."""
    receiver = api.receiver(500)
    api.call("task.schedule", task=receiver.url, run_at=api.soon(1), retry=failures)
    calls = api.arrived(receiver, failures + 1, within)
    return [later.at - earlier.at for earlier, later in pairwise(calls)]


@probe("delivery.backoff", "task.schedule:retry", seconds=90)
def backoff(api: Api) -> str:
    """How long does a failed delivery wait before its next attempt?"""
    receiver = api.receiver(500)
    api.call("task.schedule", task=receiver.url, run_at=api.soon(1), retry=3)
    patience = 400_000 if api.virtual else 70
    for count in (2, 3):
        api.arrived(receiver, count, patience)
    first, second = [later.at - earlier.at for earlier, later in pairwise(receiver.calls()[:3])]
    slack = api.margin
    if first <= slack and second <= slack:
        return "immediate"
    if abs(first - FIXED_SECONDS) <= slack and abs(second - FIXED_SECONDS) <= slack:
        return "fixed"
    if abs(second - 2 * first) <= slack and second - first > slack:
        return "exponential"
    raise NotChecked(f"other: the attempts came after {first:.1f} s and {second:.1f} s")


@probe("delivery.backoff_first_seconds", "task.schedule:retry", seconds=20)
def backoff_first(api: Api) -> int:
    """How many seconds does the exponential backoff wait after the first failure?"""
    if api.answer("delivery.backoff") != "exponential":
        raise NotChecked("the backoff is not exponential")
    return round(gaps(api, 1, 86_500 if api.virtual else 70)[0])


@probe("cron.retries", "cron.create:retries", seconds=80)
def default_retries(api: Api) -> int:
    """How often is a failed attempt repeated when nothing is set?"""
    receiver = api.receiver(500)
    cron = api.cron(url=receiver.url)
    api.call("cron.retention.set", id=cron, retention_days=1)
    run_id = api.call("cron.trigger", id=cron)["run_id"]
    run = api.finished(cron, run_id, 900_000 if api.virtual else 74)
    if run["state"] != "failed":
        raise NotChecked(f"the run {run['state']}")
    return len(api.arrived(receiver, 1, 0)) - 1


@probe("push.max_retries", "queue.push_subscribe:max_retries", seconds=80)
def push_retries(api: Api) -> int:
    """How often is a failed push repeated when nothing is set?"""
    receiver = api.receiver(500)
    dead_letters = api.queue()
    queue = api.queue(dead_letter_queue=dead_letters)
    api.call("queue.push_subscribe", queue=queue, url=receiver.url)
    api.publish(queue)
    if not api.wait(lambda: api.stats(queue)["dlq"] == 1, 4_000_000 if api.virtual else 74):
        raise NotChecked("the message did not die in time")
    return len(api.arrived(receiver, 1, 0)) - 1


@probe("push.max_retries_from", "queue.push_subscribe:max_retries", seconds=8)
def push_max_retries_from(api: Api) -> str:
    """How often is a failed push repeated of a subscription without `max_retries`, on a queue that has one?"""
    receiver, dead_letters = api.receiver(500), api.queue()
    queue = api.queue(max_retries=0, dead_letter_queue=dead_letters)
    api.call("queue.push_subscribe", queue=queue, url=receiver.url)
    api.publish(queue)
    api.arrived(receiver, 1, 5)
    dead = api.wait(lambda: api.stats(queue)["dlq"] == 1, 2)
    return "queue" if dead and len(receiver.calls()) == 1 else "constant"


@probe("cron.timeout_seconds", "cron.update:timeout_seconds", seconds=900)
def default_timeout(api: Api) -> int:
    """After how many seconds does an attempt time out when nothing is set?"""
    if not api.virtual:
        raise NotChecked("it takes minutes of real time")
    receiver = api.receiver(Answer(200, after_seconds=901))
    cron = api.cron(url=receiver.url, retry=0)
    api.call("cron.retention.set", id=cron, retention_days=1)
    started = api.now()
    run_id = api.call("cron.trigger", id=cron)["run_id"]
    api.finished(cron, run_id, 1000)
    return round(api.now() - started)


@probe("cron.jitter_seconds", "cron.create:schedule", seconds=12)
def jitter(api: Api) -> Bound:
    """By how many seconds at most does a cron start late?"""
    receiver = api.receiver(200)
    cron = api.cron("* * * * *" if api.virtual else api.every_second(2), receiver.url)
    count, within = (20, 1400) if api.virtual else (4, 12)
    grid = 60 if api.virtual else 2
    calls = api.arrived(receiver, count, within)
    if api.paid:
        api.call("cron.delete", id=cron)
    late = max(call.at % grid for call in calls)
    seconds = 0 if late <= 2 * api.margin else -(-int(late * 1000) // 1000)
    return Bound(seconds, f"at least {late:.1f} s were seen in {count} fires")


@probe("push.concurrency", "queue.push_subscribe", seconds=3)
def push_concurrency(api: Api) -> int | Bound:
    """How many messages of a standard queue are pushed side by side?"""
    count, batch = (101, int(api.answer("limits.batch_messages") or 25)) if api.virtual else (12, 12)
    receiver, queue = api.receiver(Answer(200, after_seconds=2)), api.queue()
    for number in range(0, count, batch):
        items: list[Any] = [{"payload": {}}] * min(batch, count - number)
        api.call("queue.publish_batch", queue=queue, messages=items)
    api.call("queue.push_subscribe", queue=queue, url=receiver.url, visibility_timeout=30)
    api.arrived(receiver, 1, 5)
    api.sleep(1)
    side_by_side = len(api.arrived(receiver, 1, 0))
    if side_by_side >= count:
        return Bound(side_by_side, f"at least {side_by_side}")
    return side_by_side
