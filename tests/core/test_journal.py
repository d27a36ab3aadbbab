import pytest

from sched_emulator.config import Config
from sched_emulator.core import kept
from sched_emulator.core.records import Exchange, RequestEntry
from tests.core.harness import OK, START_MS, Box

HOOK = "https://api.acme.com/hook"
LOCAL = "http://127.0.0.1:9000/"


@pytest.fixture
def short() -> Box:
    """Return a sandbox that keeps three facts of each sort, so that a test need not make thousands."""
    return Box(keep_entries=3)


def test_requests_and_deliveries_count_in_one_numbering(box: Box) -> None:
    box.call("task.schedule", task=HOOK, run_at_ms=START_MS)
    box.advance()
    box.call("account.balance")
    facts = box.store.journal
    assert ([entry.seq for entry in facts.requests], [entry.seq for entry in facts.deliveries]) == ([1, 3], [2])


def test_a_request_is_kept_as_it_was_told(box: Box) -> None:
    box.call("queue.publish", queue="q", payload={"n": 1})
    exchange = Exchange(
        operation="scheduling.queue.publish",
        method="POST",
        path="/queue.publish",
        body=b'{"queue":"q","payload":{"n":1}}',
        status=200,
        response=b'{"message_id":"msg_000001"}',
    )
    assert box.store.journal.requests[0] == RequestEntry(seq=1, at_ms=START_MS, exchange=exchange)


def test_the_oldest_requests_are_dropped_and_counted(short: Box) -> None:
    for _ in range(5):
        short.call("account.balance")
    facts = short.store.journal
    assert ([entry.seq for entry in facts.requests], facts.dropped_requests, facts.seq) == ([3, 4, 5], 2, 5)
    short.restore(short.sandbox.snapshot())
    short.call("account.balance")
    facts = short.store.journal
    assert ([entry.seq for entry in facts.requests], facts.dropped_requests) == ([4, 5, 6], 3)


def test_the_oldest_deliveries_are_dropped_and_one_that_is_under_way_still_ends(short: Box) -> None:
    for url in (LOCAL, HOOK, HOOK, HOOK, HOOK):
        short.call("task.schedule", task=url, run_at_ms=START_MS)
    attempt = short.to_send()
    short.advance()
    facts = short.store.journal
    assert ([entry.seq for entry in facts.deliveries], facts.dropped_deliveries) == ([8, 9, 10], 2)
    assert facts.delivery(attempt.journal_seq) is None
    short.sandbox.settle(attempt.attempt_id, OK)
    assert short.states()[0] == ("run_000001", "succeeded")


def test_a_note_about_a_delivery_that_is_no_longer_kept_is_no_trouble(short: Box) -> None:
    short.publish("q", 1)
    short.call("queue.push_subscribe", queue="q", url=LOCAL)
    attempt = short.to_send()
    short.call("queue.purge", queue="q")
    for _ in range(3):
        short.call("task.schedule", task=HOOK, run_at_ms=START_MS)
    short.advance()
    short.sandbox.settle(attempt.attempt_id, OK)
    assert [entry.url for entry in short.store.journal.deliveries] == [HOOK] * 3


def test_ten_thousand_facts_of_each_sort_are_kept() -> None:
    assert Config().journal == kept.KEEP_ENTRIES == 10_000


def test_a_year_of_minutely_fires_is_kept_within_the_bound() -> None:
    box = Box()
    box.call("cron.create", cron_expr="* * * * *", task=HOOK)
    box.call("cron.retention.set", cron_id="cron_000001", retention_days=0)
    box.advance(10_500 * 60)
    facts = box.store.journal
    assert (len(facts.deliveries), facts.dropped_deliveries, box.store.runs) == (10_000, 500, {})
    assert box.second(facts.deliveries[0].at_ms) == 501 * 60
