"""What is kept of a session is bounded in bytes, and what is not kept is said."""

import pytest

from sched_emulator.config import Config
from sched_emulator.core import kept
from sched_emulator.core.records import Exchange, Outcome
from sched_emulator.core.relied import relied
from sched_emulator.core.replay import replay
from sched_emulator.core.sandbox import Sandbox
from sched_emulator.core.snapshot import unseal
from sched_emulator.core.store import fresh
from tests.core.harness import START_MS, Box, settings

HOOK = "https://api.acme.com/hook"
LOCAL = "http://127.0.0.1:9000/"
KEEP = 16_000  # 8,000 for the journal, of which one entry may take 2,000, and 8,000 for the log


@pytest.fixture
def box() -> Box:
    """A sandbox that keeps little."""
    return Box(keep_bytes=KEEP)


def request(body: bytes, ignored: list[str] | None = None) -> Exchange:
    return Exchange(
        operation=None, method="POST", path="/x", body=body, status=200, response=b"{}", ignored=ignored or []
    )


def weighed(box: Box) -> int:
    facts = box.store.journal
    requests = sum(kept.of_exchange(entry.exchange) for entry in facts.requests)
    return requests + sum(kept.of_delivery(entry) for entry in facts.deliveries)


def test_the_bound_is_the_one_that_serve_has_by_default() -> None:
    assert Config().keep == kept.KEEP_BYTES == 64 * 1024 * 1024


def test_values_weigh_their_text_and_an_object_each() -> None:
    assert kept.of_values([{}, "a" * 250]) == 257 + 3 * kept.VALUE_BYTES
    assert kept.of_values([{}, "abc"]) == 10 + kept.VALUE_BYTES


def test_an_exchange_weighs_the_bytes_that_came_and_left_and_the_names_ignored() -> None:
    assert kept.of_exchange(request(b"x" * 100)) == 104
    assert kept.of_exchange(request(b"", ["abc", "de"])) == 4 + 5 + 2 * kept.VALUE_BYTES


def test_the_oldest_facts_of_both_sorts_are_dropped_past_the_bound(box: Box) -> None:
    box.call("cron.create", cron_expr="* * * * *", task=HOOK, payload="x" * 500)
    for _ in range(40):
        box.advance(60)
        box.sandbox.record(request(b"y" * 500))
        facts = box.store.journal
        assert facts.weight == weighed(box) <= KEEP // 2
    assert facts.dropped_requests + len(facts.requests) == 41
    assert facts.dropped_deliveries + len(facts.deliveries) == 40
    assert abs(len(facts.requests) - len(facts.deliveries)) <= 1
    seqs = sorted([entry.seq for entry in facts.requests] + [entry.seq for entry in facts.deliveries])
    assert seqs == list(range(82 - len(seqs), 82))  # the newest, without a gap
    assert facts.delivery(2) is None


def test_what_a_receiver_answers_counts_when_it_comes(box: Box) -> None:
    attempts = []
    for number in range(4):
        box.call("task.schedule", task=f"{LOCAL}{number}", run_at_ms=START_MS)
        attempts.append(box.to_send())
    before = box.store.journal.weight
    for attempt in attempts:
        box.sandbox.settle(attempt.attempt_id, Outcome(result="delivered", status=200, response_body="z" * 3000))
        assert box.store.journal.weight == weighed(box) <= KEEP // 2
    assert before + 4 * 3000 > KEEP // 2
    assert box.store.journal.dropped_deliveries >= 2
    assert [run.state for run in box.store.runs.values()] == ["succeeded"] * 4


def test_a_single_request_that_is_too_long_pushes_nothing_out(box: Box) -> None:
    box.call("account.balance")
    box.sandbox.record(request(b"x" * 1_000_000))
    box.sandbox.record(request(b"{}", ["name"] * 1000))
    first, second, third = box.store.journal.requests
    assert (first.exchange.not_kept_bytes, second.exchange.not_kept_bytes) == (0, 1_000_004)
    assert (second.exchange.body, second.exchange.response) == (None, b"null")
    assert (third.exchange.ignored, third.exchange.not_kept_bytes) == ([], 6 + 68 * 1000)
    assert box.sandbox.log_complete
    assert replay(box.sandbox.base, box.sandbox.log).snapshot() == box.sandbox.snapshot()


def test_a_single_delivery_that_is_too_long_is_sent_whole_and_kept_without_its_body(box: Box) -> None:
    box.call("task.schedule", task=LOCAL, run_at_ms=START_MS, payload="x" * 5000)
    attempt = box.to_send()
    assert len(attempt.body) > 5000
    assert attempt.headers
    [entry] = box.store.journal.deliveries
    assert (entry.body, entry.headers, entry.url) == (None, {}, LOCAL)
    assert entry.not_kept_bytes > 5000


def test_the_log_ends_where_the_bound_is_reached_and_has_no_gap(box: Box) -> None:
    for _ in range(4):
        box.sandbox.record(request(b"x" * 1900))
    assert box.sandbox.log_complete
    for _ in range(2):
        box.sandbox.record(request(b"x" * 1900))  # the first of them is too much
    box.sandbox.clear_faults()  # would fit again
    assert (len(box.sandbox.log), box.sandbox.log_complete) == (4, False)
    box.sandbox.reset()
    box.sandbox.clear_faults()
    assert (len(box.sandbox.log), box.sandbox.log_complete) == (1, True)


@pytest.mark.parametrize("payload", ["x" * 9000, [{}] * 200], ids=["long", "many values"])
def test_a_call_weighs_its_arguments(box: Box, payload: object) -> None:
    box.publish("q", payload)
    assert (box.sandbox.log, box.sandbox.log_complete) == ([], False)


def test_a_snapshot_that_is_too_large_for_the_log_is_restored_and_not_logged(box: Box) -> None:
    whole = Box()
    whole.publish("q", "x" * 20_000)
    box.restore(whole.sandbox.snapshot())
    box.call("account.balance")
    assert (box.sandbox.base, box.sandbox.log, box.sandbox.log_complete) == (b"", [], False)
    with pytest.raises(StopIteration) as ended:
        next(relied(box.sandbox, {}))
    assert ended.value.value == []
    box.sandbox.reset()
    assert (box.sandbox.base, box.sandbox.log_complete) == (Box().sandbox.snapshot(), True)


def test_a_snapshot_with_a_longer_journal_is_cut_to_the_bound(box: Box) -> None:
    whole = Box()
    whole.call("cron.create", cron_expr="* * * * *", task=HOOK)
    whole.advance(3600)
    for _ in range(10):
        whole.sandbox.record(request(b"x" * 1900))
    box.restore(whole.sandbox.snapshot())
    facts = box.store.journal
    assert facts.weight == weighed(box) <= KEEP // 2
    assert facts.dropped_requests + len(facts.requests) == 11
    assert facts.dropped_deliveries + len(facts.deliveries) == 60


def test_sandboxes_that_begin_alike_share_what_is_equal() -> None:
    given = settings()
    one, other = Sandbox(fresh(given)), Sandbox(fresh(given))
    assert one.store.answers.values is other.store.answers.values is given.answers
    assert one.store.routes is other.store.routes
    one.set_assumptions({"cron.dst": "literal"})
    one.set_routes({"https://a.example": LOCAL})
    assert (other.store.answers.values, other.store.routes) == (given.answers, {})
    one.reset(answers={"cron.dst": "literal"})
    assert one.store.answers.ask("cron.dst") == "literal"
    assert unseal(one.base).settings.answers["cron.dst"] == "literal"
    assert given == settings()


def test_answers_that_come_back_from_a_document_are_there_once() -> None:
    store = Sandbox(unseal(Box().sandbox.snapshot())).store
    assert store.answers.values is store.settings.answers
