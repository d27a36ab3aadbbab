"""Each finding says whether what was expected is documented, the vendor's, or a choice; choices are no findings."""

from collections.abc import Callable
from typing import Any

import pytest

from sched_emulator.compare.report import Facts, facts
from sched_emulator.compare.texts import issue, markdown, sentence
from sched_emulator.core import crons, messages, queues
from sched_emulator.core.dispatch import OPERATIONS
from sched_emulator.core.store import Store
from tests.compare.recorded import HOOK, Gateway, compared


def session(gateway: Gateway) -> None:
    """Do what the mutations below meet."""
    gateway.ask("queue.list")
    gateway.ask("cron.list")
    gateway.ask("queue.create", {"name": "a", "type": "fifo"})
    gateway.ask("queue.create", {"name": "a", "type": "standard"})
    for number in range(3):
        gateway.ask("queue.publish", {"queue": "a", "payload": {"n": number}})
    gateway.ask("queue.stats", queue="a")
    gateway.ask("queue.consume", {"queue": "a", "max_messages": 1})
    gateway.ask("queue.purge", queue="none")
    gateway.ask("cron.create", {"name": "x", "schedule": "0 9 * * 1", "url": f"{HOOK}/x"})
    gateway.ask("cron.pause", id="cron_000001")
    gateway.ask("cron.get", id="cron_000001")
    gateway.ask("cron.trigger", id="cron_000001")
    gateway.advance(1)


def age_of_none(store: Store, **given: Any) -> Any:
    return {**queues.stats(store, **given), "oldest_age_seconds": 99}


def one_too_many(store: Store, **given: Any) -> Any:
    return {**queues.stats(store, **given), "available": 4}


def last_first(store: Store, **given: Any) -> Any:
    message = store.contents["a"].live.messages["msg_000003"]
    messages.hand_out(store, store.queues["a"], message, 30_000)
    return {"messages": [messages.view(message)]} if given else {}


def none_at_all(_store: Store, **_given: Any) -> Any:
    return {"messages": []}


def purge_of_any(_store: Store, *, queue: str) -> Any:
    return {"queue": queue, "purged": 0}


def running_at_once(store: Store, **given: Any) -> Any:
    return {**crons.trigger(store, **given), "state": "running"}


def next_run_of_paused(store: Store, **given: Any) -> Any:
    return {**crons.get(store, **given), "next_run_at": store.now_ms // 1000 * 1000 + 600_000}


def create_that_takes_all(store: Store, *, queue: str, **given: Any) -> Any:
    return queues.get(store, queue=queue) if queue in store.queues else queues.create(store, queue=queue, **given)


CHANGES: dict[str, tuple[str, Callable[..., Any], str, str, int | None]] = {
    "the oldest age": ("queue.stats", age_of_none, "choice", "queue.oldest_age", None),
    "a count": ("queue.stats", one_too_many, "documented", "", 731),
    "first in, first out": ("queue.consume", last_first, "documented", "", 522),
    "fewer than there are": ("queue.consume", none_at_all, "choice", "queue.consume_fills", None),
    "what is not there": ("queue.purge", purge_of_any, "choice", "values.unknown_things", None),
    "words for states": ("cron.trigger", running_at_once, "choice", "run.states", None),
    "the next run of a paused one": ("cron.get", next_run_of_paused, "choice", "cron.next_run_of_paused", None),
    "another create": ("queue.create", create_that_takes_all, "choice", "queue.create_conflict", None),
}


def told(monkeypatch: pytest.MonkeyPatch, operation: str, changed: Callable[..., Any]) -> Facts:
    """Return what the traffic of a gateway says that does something otherwise."""
    gateway = Gateway({}, shift_ms=1234)
    with monkeypatch.context() as patch:
        patch.setitem(OPERATIONS, f"scheduling.{operation}", changed)
        session(gateway)
    return facts(compared(gateway), ["session.jsonl"])


@pytest.mark.parametrize("name", CHANGES)
def test_what_was_expected_has_a_warrant_and_only_what_is_documented_is_a_finding(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    operation, changed, grade, choice, line = CHANGES[name]
    found = told(monkeypatch, operation, changed)
    [each] = found["findings"] + found["differences"]
    assert (each["warrant"], each["choice"], each["line"]) == (grade, choice, line)
    assert bool(found["findings"]) == (grade == "documented")


def test_differences_are_told_apart_from_findings(monkeypatch: pytest.MonkeyPatch) -> None:
    found = told(monkeypatch, "queue.stats", age_of_none)
    assert "no finding, 1 difference from what nobody promised, " in sentence(found)
    assert "## Differences" in markdown(found)
    assert "- Warrant: choice `queue.oldest_age`. `oldest_age_seconds` is the age of" in markdown(found)
    assert issue(found) == "There is nothing to report: what came otherwise nobody has promised.\n"
