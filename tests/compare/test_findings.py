"""What no answer explains is found, and the shortest sub-recording still shows it."""

from collections.abc import Callable
from typing import Any

import pytest

from sched_emulator.compare.explain import replayed
from sched_emulator.compare.infer import Judged
from sched_emulator.compare.parts import of_these
from sched_emulator.compare.report import facts
from sched_emulator.compare.shrink import shrunk
from sched_emulator.compare.texts import issue
from sched_emulator.core import crons, messages, queues
from sched_emulator.core.dispatch import OPERATIONS
from sched_emulator.core.store import Store
from tests.compare.recorded import HOOK, Gateway, compared

Operation = Callable[..., Any]


def session(gateway: Gateway) -> None:
    """Do a bit of everything."""
    gateway.ask("queue.list")
    gateway.ask("queue.create", {"name": "dead"})
    gateway.ask("queue.create", {"name": "a", "dead_letter_queue": "dead", "max_retries": 0})
    for number in range(4):
        gateway.ask("queue.publish", {"queue": "a", "payload": {"secret of a user": number}})
    gateway.ask("queue.consume", {"queue": "a", "max_messages": 2})
    gateway.ask("queue.ack", {"queue": "a", "message_id": "msg_000001"})
    gateway.ask("queue.stats", queue="a")
    gateway.ask("queue.nack", {"queue": "a", "message_id": "msg_000002", "requeue": True})
    gateway.ask("queue.dlq.list", queue="a")
    gateway.ask("queue.purge", queue="a")
    gateway.ask("queue.stats", queue="a")
    gateway.ask("queue.dlq.redrive", {"queue": "a"}, queue="a")
    gateway.ask("queue.stats", queue="a")
    gateway.ask("cron.create", {"name": "x", "schedule": "0 9 * * 1", "url": f"{HOOK}/x"})
    gateway.ask("cron.pause", id="cron_000001")
    gateway.ask("cron.get", id="cron_000001")


def ack_that_keeps(store: Store, **given: Any) -> Any:
    return {"message_id": given["message_id"], "acked": bool(store)}


def stats_that_miscount(store: Store, **given: Any) -> Any:
    counts = queues.stats(store, **given)
    return {**counts, "in_flight": counts["in_flight"] + 1}


def purge_of_nothing(_store: Store, *, queue: str) -> Any:
    return {"queue": queue, "purged": 0}


def pause_that_goes_on(store: Store, *, cron_id: str) -> Any:
    return {**crons.get(store, cron_id=cron_id), "enabled": False}


def redrive_of_none(_store: Store, *, queue: str, **_given: Any) -> Any:
    return {"queue": queue, "redriven": 1}


def nack_that_requeues(store: Store, **given: Any) -> Any:
    return {**messages.nack(store, **given), "requeued": True}


def consume_that_mixes_up(store: Store, **given: Any) -> Any:
    result = messages.consume(store, **given)
    return {"messages": [{**message, "payload": {}} for message in result["messages"]]}


MUTATIONS: dict[str, tuple[Operation, str]] = {
    "queue.ack": (ack_that_keeps, "in_flight"),
    "queue.stats": (stats_that_miscount, "in_flight"),
    "queue.purge": (purge_of_nothing, "purged"),
    "cron.pause": (pause_that_goes_on, "enabled"),
    "queue.dlq.redrive": (redrive_of_none, "available"),
    "queue.nack": (nack_that_requeues, "requeued"),
    "queue.consume": (consume_that_mixes_up, "messages.0.payload"),
}


def mutated(monkeypatch: pytest.MonkeyPatch, operation: str) -> tuple[Gateway, Judged]:
    """Return a gateway with a mistake, and what its traffic says of it."""
    gateway = Gateway({}, shift_ms=1234)
    with monkeypatch.context() as patch:
        patch.setitem(OPERATIONS, f"scheduling.{operation}", MUTATIONS[operation][0])
        session(gateway)
    return gateway, compared(gateway)


@pytest.mark.parametrize("operation", MUTATIONS)
def test_a_mutation_is_found_and_the_shrunk_recording_shows_it(monkeypatch: pytest.MonkeyPatch, operation: str) -> None:
    _, judged = mutated(monkeypatch, operation)
    [finding] = judged.findings
    difference = finding.explained.difference
    assert difference is not None
    assert difference.field == MUTATIONS[operation][1]
    few = shrunk(finding.part, finding.explained)
    again = replayed(of_these(finding.part, few), finding.explained.constants, {})
    assert again.difference is not None
    assert (again.difference.field, again.difference.came) == (difference.field, difference.came)
    assert len(few) < finding.explained.steps + 1


def test_nothing_is_found_without_a_mutation() -> None:
    gateway = Gateway({}, shift_ms=1234)
    session(gateway)
    judged = compared(gateway)
    assert (judged.findings, judged.judged, judged.told) == ([], len(gateway.entries), [])


def test_the_text_for_the_vendor_has_neither_keys_nor_payloads(monkeypatch: pytest.MonkeyPatch) -> None:
    _, judged = mutated(monkeypatch, "queue.ack")
    text = issue(facts(judged, ["session.jsonl"]))
    assert "ifr_recorded" not in text
    assert "secret of a user" not in text
    assert "### `queue.stats`: `in_flight` came otherwise\n\n- Expected: 1\n- Came: 2\n- Warrant: documented." in text
    assert '-d \'{"queue": "a", "message_id": "msg-' in text


def test_without_findings_the_text_says_so() -> None:
    gateway = Gateway({})
    session(gateway)
    told = "There is nothing to report: all that could be judged is explained.\n"
    assert issue(facts(compared(gateway), ["session.jsonl"])) == told
