"""Exchanges that ran side by side are judged in every order that they may have had, where an order is promised."""

import random
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from sched_emulator.compare.infer import MANY_AT_ONCE, Judged
from sched_emulator.core import messages, queues
from sched_emulator.core.dispatch import OPERATIONS
from sched_emulator.core.store import Store
from sched_emulator.recording.lines import Entry, Exchange
from tests.compare.recorded import Gateway, compared


def exchange(entry: Entry) -> Exchange:
    assert isinstance(entry, Exchange)
    return entry


def by_answers(gateway: Gateway) -> list[Entry]:
    """Return what was recorded in the order of the answers."""
    entries = sorted(gateway.entries, key=lambda entry: exchange(entry).received_at_ms)
    return [replace(entry, seq=number) for number, entry in enumerate(entries, 1)]


def fifo(clients: int, exchanges: int, seed: int = 1, answers: dict[str, str | int] | None = None) -> Gateway:
    """Return a gateway whose FIFO queue clients use side by side: half of them publish, the others consume and ack."""
    gateway = Gateway(answers or {"queue.fifo_in_flight": "allow"}, shift_ms=9000)
    chance = random.Random(seed)  # noqa: S311 - of a test
    gateway.ask("queue.list")
    gateway.ask("queue.create", {"name": "a", "type": "fifo"})
    gateway.advance(3)
    held: list[list[str]] = [[] for _ in range(clients)]
    free_ms = [chance.randrange(300) for _ in range(clients)]
    while len(gateway.entries) < exchanges:
        client = min(range(clients), key=lambda number: free_ms[number])
        before_ms, after_ms = chance.randrange(5, 100), chance.randrange(5, 100)
        now_ms = max(free_ms[client] + before_ms, gateway.sandbox.store.now_ms - gateway.started_ms)
        gateway.until(now_ms)
        lag_ms = (before_ms, after_ms)
        if held[client]:
            gateway.ask("queue.ack", {"queue": "a", "message_id": held[client].pop()}, lag_ms=lag_ms)
        elif client % 2:
            gateway.ask("queue.publish", {"queue": "a", "payload": {}}, lag_ms=lag_ms)
        else:
            taken = gateway.ask("queue.consume", {"queue": "a", "max_messages": 2}, lag_ms=lag_ms)
            held[client] = [message["message_id"] for message in taken["messages"]]
        free_ms[client] = now_ms + after_ms + chance.randrange(0, 120)
    return gateway


def fields(judged: Judged) -> list[str]:
    return [finding.explained.difference.field for finding in judged.findings if finding.explained.difference]


@pytest.mark.parametrize("in_flight", ["allow", "block"])
def test_clients_side_by_side_on_a_fifo_queue_lead_to_no_finding(in_flight: str) -> None:
    entries = by_answers(fifo(4, 120, answers={"queue.fifo_in_flight": in_flight}))
    judged = compared(Gateway({}), entries)
    assert (judged.findings, judged.told) == ([], [])
    assert judged.judged >= 0.9 * len(entries)
    assert in_flight in judged.verdicts["queue.fifo_in_flight"].possible


def last_first(store: Store, *, queue: str, max_messages: int = 1, **_given: Any) -> Any:
    """Hand out what was published last."""
    record, live = queues.find(store, queue), store.contents[queue].live
    there = [message for message in live.messages.values() if message.place == "available"][::-1][:max_messages]
    for message in there:
        messages.hand_out(store, record, message, 30_000)
    return {"messages": [messages.view(message) for message in there]}


def mistaken(monkeypatch: pytest.MonkeyPatch, operation: Callable[..., Any]) -> Gateway:
    with monkeypatch.context() as patch:
        patch.setitem(OPERATIONS, "scheduling.queue.consume", operation)
        return fifo(4, 60)


def test_an_order_that_none_of_theirs_explains_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    gateway = mistaken(monkeypatch, last_first)
    judged = compared(gateway, by_answers(gateway))
    assert fields(judged) == ["messages.0.message_id"]
    assert judged.judged >= 50


def two_publishes(gateway: Gateway) -> None:
    """Publish twice side by side: the first is answered last."""
    gateway.ask("queue.list")
    gateway.ask("queue.create", {"name": "a", "type": "fifo"})
    gateway.advance(3)
    gateway.ask("queue.publish", {"queue": "a", "payload": {"n": 1}}, lag_ms=(50, 200))
    gateway.advance(0.03)
    gateway.ask("queue.publish", {"queue": "a", "payload": {"n": 2}}, lag_ms=(60, 60))
    gateway.advance(3)


def test_what_comes_later_may_show_the_order_of_two_publishes() -> None:
    gateway = Gateway({})
    two_publishes(gateway)
    gateway.ask("queue.consume", {"queue": "a", "max_messages": 2})
    judged = compared(gateway, by_answers(gateway))
    assert (judged.findings, judged.judged, judged.told) == ([], 5, [])


def test_of_more_than_six_at_once_the_order_is_not_judged_and_the_rest_is() -> None:
    gateway = Gateway({})
    gateway.ask("queue.list")
    gateway.ask("queue.create", {"name": "a", "type": "fifo"})
    gateway.advance(3)
    for number in range(7):
        gateway.advance(0.01)
        gateway.ask("queue.publish", {"queue": "a", "payload": {"n": number}}, lag_ms=(200, 400 - 40 * number))
    gateway.advance(3)
    gateway.ask("queue.consume", {"queue": "a", "max_messages": 10})
    judged = compared(gateway, by_answers(gateway))
    told = f"session.jsonl, line 3 and on: {MANY_AT_ONCE}"
    assert (judged.findings, judged.judged, judged.told) == ([], 10, [told])
