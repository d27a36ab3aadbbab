"""Long recordings, in which leases run out or crons fire: all of it is judged, and what it asks is inferred."""

import random

import pytest

from tests import soak
from tests.compare.recorded import HOOK, Gateway, compared
from tests.compare.test_infer import asked, recorded, wrong

EXCHANGES = soak.sized(300, 10_000)
FOUND = {  # by the session: what led to a finding
    185: "a fire that was skipped came late, and the run that it met ended before it had to be",
    208: "the same, met by a retry",
    445: "the same, where a skipped run was listed",
    1359: "the same, with a constant backoff",
    2027: "the same, where the next fire was listed",
    1248: "a fire that waited for the run before it came late, and a list shows when it began to wait",
    995: "a list says at once that a fire was late and that runs are not kept",
    1471: "two constants had to change at one exchange",
    1998: "neither the shortest nor the longest lease made a difference, the one between did",
}


def long(exchanges: int) -> Gateway:
    """Return a gateway with a queue whose consumers forget messages or give them back, and are slow."""
    gateway = Gateway({}, shift_ms=1500)
    chance = random.Random(1)  # noqa: S311 - of a test
    gateway.ask("queue.list")
    gateway.ask("queue.create", {"name": "dead"})
    lag_ms = (chance.randrange(300, 500), chance.randrange(300, 500))  # in which leases end
    settings = {"dead_letter_queue": "dead", "max_retries": 3, "visibility_timeout_default": 20}
    gateway.ask("queue.create", {"name": "a", **settings})
    held: list[str] = []
    while len(gateway.entries) < exchanges:
        gateway.advance(chance.choice((1.2, 3.1, 8.3)))
        what = chance.choice(("publish", "publish", "publish", "consume", "consume", "ack", "ack", "nack", "stats"))
        if what == "publish":
            gateway.ask("queue.publish", {"queue": "a", "payload": {"n": len(gateway.entries)}}, lag_ms=lag_ms)
        elif what == "consume":
            taken = gateway.ask("queue.consume", {"queue": "a", "max_messages": 2}, lag_ms=lag_ms)
            held = [*held[-10:], *(message["message_id"] for message in taken["messages"])]
        elif what == "stats":
            gateway.ask("queue.stats", queue="a", lag_ms=lag_ms)
        elif held:
            more = {"requeue": True} if what == "nack" else {}
            message_id = held.pop(chance.randrange(len(held)))
            gateway.ask(f"queue.{what}", {"queue": "a", "message_id": message_id, **more}, lag_ms=lag_ms)
    return gateway


@pytest.mark.soak
def test_a_long_recording_is_judged_to_its_end_and_what_it_asks_is_inferred() -> None:
    gateway = long(EXCHANGES)
    judged = compared(gateway)
    assert (judged.judged, wrong(judged, gateway)) == (len(gateway.entries), [])
    most = max(part.tried for part, _ in judged.parts)
    assert most <= 2 * EXCHANGES + 10_000
    inferred = {name for name, verdict in judged.verdicts.items() if verdict.inferred is not None}
    shown = asked(gateway)
    assert len(inferred & shown) >= 0.8 * len(shown), shown - inferred


def minutely(exchanges: int) -> Gateway:
    """Return a gateway with one cron that fires every minute, and sometimes in vain."""
    gateway = Gateway({}, shift_ms=700)
    chance = random.Random(2)  # noqa: S311 - of a test
    gateway.script(f"{HOOK}/*", 200, 200, 500)
    gateway.ask("queue.list")
    gateway.ask("cron.list")
    cron_id = gateway.ask("cron.create", {"name": "c", "schedule": "* * * * *", "url": f"{HOOK}/c"})["cron_id"]
    for _ in range(exchanges):
        gateway.advance(chance.choice((3.1, 8.3, 20)))
        if chance.randrange(2):
            gateway.ask("run.list")
        else:
            gateway.ask("cron.get", id=cron_id)
    return gateway


@pytest.mark.soak
def test_a_cron_that_fires_every_minute_is_judged_to_the_end() -> None:
    gateway = minutely(EXCHANGES)
    judged = compared(gateway)
    assert (judged.judged, wrong(judged, gateway), judged.told) == (EXCHANGES + 3, [], [])


def test_deliveries_are_looked_up_by_when_they_came() -> None:
    judged = compared(minutely(40))
    [part] = (part for part, _ in judged.parts if part.came)
    times_ms = [came.at_ms for came in part.came]
    assert times_ms == sorted(times_ms)
    first_ms, last_ms = times_ms[1], times_ms[3]
    assert [part.came.index(came) for came in part.came_between(first_ms, last_ms)] == [1, 2, 3]
    assert part.came_between(first_ms + 1, last_ms - 1) == [part.came[2]]


@pytest.mark.parametrize("number", FOUND)
def test_nothing_is_found_in_sessions_in_which_something_was(number: int) -> None:
    gateway = recorded(number)
    assert wrong(compared(gateway), gateway) == []
