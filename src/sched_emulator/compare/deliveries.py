"""How attempts ended, by the deliveries that were recorded of them: each is of one attempt, each attempt has one."""

import json
from typing import Any

from sched_emulator.core.records import Attempt, Outcome

from .doubt import Doubt
from .fields import IDS, LATE_MS, Difference, Matching, Otherwise
from .held import Standing
from .parts import Part
from .read import Came

SIGNS = ("x-infrai-signature", "x-infrai-timestamp", "webhook-signature")


class Unrecorded(Exception):
    """A delivery went where nothing was recorded: what became of it is open."""


def outcome(part: Part, standing: Standing, attempt: Attempt, doubt: Doubt, width_ms: int) -> Outcome:
    """Return how an attempt ended. Otherwise when no delivery of it came."""
    if ("url", attempt.url) in doubt.hazy:
        return Outcome(result="delivered", status=200)
    if not attempt.url.startswith(part.receivers or ("\0",)):
        raise Unrecorded(attempt.url)
    now_ms = standing.sandbox.store.now_ms
    wrong: Difference | None = None
    for came in part.came_between(now_ms - width_ms, now_ms + width_ms + LATE_MS):
        if came.number in standing.taken or came.raw.url != attempt.url:
            continue
        if came.raw.attempt not in {None, attempt.number}:
            continue
        wrong = _unlike(standing.matching, attempt, came)
        if wrong is None:
            standing.taken.add(came.number)
            status = came.raw.status
            if status is None:
                raise Unrecorded(attempt.url)
            delivered = 200 <= status < 300
            error = None if delivered else f"HTTP {status}"
            return Outcome(result="delivered" if delivered else "failed", status=status, error=error)
    wrong = wrong or Difference("delivery", f"{attempt.url}, attempt {attempt.number}", "nothing")
    raise Otherwise(wrong._replace(thing=attempt.url))


def none_left(part: Part, taken: set[int], doubt: Doubt, low_ms: int, high_ms: int) -> None:
    """Otherwise when a delivery is of no attempt that should have come at the latest between two instants."""
    for came in part.came_between(low_ms - LATE_MS, high_ms - LATE_MS - 1):
        if came.number not in taken and ("url", came.raw.url) not in doubt.hazy:
            raise Otherwise(Difference("delivery", "nothing", f"{came.raw.url} at {came.raw.at_ms}", came.raw.url))


def _unlike(matching: Matching, attempt: Attempt, came: Came) -> Difference | None:
    expected = {name.lower() for name in attempt.headers if name.lower() in SIGNS}
    signed = {name.lower() for name, _ in came.raw.headers if name.lower() in SIGNS}
    if expected != signed:
        return Difference("delivery.headers", ", ".join(sorted(expected)), ", ".join(sorted(signed)))
    body = came.raw.body
    try:
        theirs = json.loads(body) if isinstance(body, str | bytes) else None
    except ValueError:
        return Difference("delivery.body", "JSON", "another text")
    return _unlike_body(matching, json.loads(attempt.body), theirs)


def _unlike_body(matching: Matching, expected: Any, came: Any) -> Difference | None:
    event = isinstance(expected, dict) and isinstance(came, dict) and expected.keys() == came.keys()
    if event:
        ids = [name for name in expected if name in IDS]
        if all(isinstance(came[name], str) and matching.may_be(came[name], expected[name]) for name in ids):
            rest = [{k: v for k, v in each.items() if k not in {*ids, "scheduled_at"}} for each in (expected, came)]
            if rest[0] == rest[1]:
                for name in ids:
                    matching.bind(came[name], expected[name])
                return None
    return Difference("delivery.body", expected, came) if expected != came else None
