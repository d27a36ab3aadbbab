"""After a finding all goes on as it was answered, and what was there before a recording is judged once it is shown."""

import random
from dataclasses import replace
from typing import Any

import pytest

from sched_emulator.compare.infer import Judged
from sched_emulator.core import queues
from sched_emulator.core.dispatch import OPERATIONS
from sched_emulator.core.errors import NotFound
from sched_emulator.core.store import Store
from sched_emulator.recording.lines import Entry
from tests import soak
from tests.compare.recorded import HOOK, Gateway, Session, compared, random_answers
from tests.compare.test_findings import Operation, nack_that_requeues, session, stats_that_miscount
from tests.compare.test_infer import wrong

CUTS = soak.sized(8, 8)  # of a test; `make soak` tries many times as many


def fields(judged: Judged) -> list[str]:
    """Return where what was found differs."""
    return [finding.explained.difference.field for finding in judged.findings if finding.explained.difference]


def mistaken(monkeypatch: pytest.MonkeyPatch, **wrong_ones: Operation) -> tuple[Gateway, Judged]:
    """Return a gateway with mistakes that a session used, and what its traffic says."""
    gateway = Gateway({}, shift_ms=1234)
    with monkeypatch.context() as patch:
        for name, operation in wrong_ones.items():
            patch.setitem(OPERATIONS, f"scheduling.queue.{name}", operation)
        session(gateway)
    return gateway, compared(gateway)


def numbered(entries: list[Entry]) -> list[Entry]:
    return [replace(entry, seq=number) for number, entry in enumerate(entries, 1)]


def test_after_a_finding_the_rest_is_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    gateway, judged = mistaken(monkeypatch, nack=nack_that_requeues)
    assert (fields(judged), judged.told) == (
        ["requeued"],
        ["2 exchanges are not judged: it is not known what the queue a held"],
    )
    assert judged.judged == len(gateway.entries) - 2


def test_two_mistakes_are_two_findings_each_told_once(monkeypatch: pytest.MonkeyPatch) -> None:
    _, judged = mistaken(monkeypatch, nack=nack_that_requeues, stats=stats_that_miscount)
    assert fields(judged) == ["in_flight", "requeued"]


def test_one_mistake_that_shows_twenty_times_is_one_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    gateway = Gateway({})
    with monkeypatch.context() as patch:
        patch.setitem(OPERATIONS, "scheduling.queue.stats", stats_that_miscount)
        gateway.ask("queue.list")
        gateway.ask("queue.create", {"name": "a"})
        for number in range(20):
            gateway.ask("queue.publish", {"queue": "a", "payload": {"n": number}})
            gateway.ask("queue.stats", queue="a")
    judged = compared(gateway)
    assert (fields(judged), judged.judged, judged.told) == (["in_flight"], 42, [])


def ack_that_refuses(_store: object, *, message_id: str, **_given: object) -> object:
    raise NotFound("message in flight", message_id)


def test_after_an_ack_that_was_refused_what_depends_on_it_is_left_out_and_the_rest_goes_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    gateway, judged = mistaken(monkeypatch, ack=ack_that_refuses)
    told = "2 exchanges are not judged: it is not known what the queue a held"
    assert (fields(judged), judged.told) == (["status"], [told])
    assert judged.judged == len(gateway.entries) - 2


def settings_of_another(store: Store, *, queue: str) -> dict[str, Any]:
    return {**queues.get(store, queue=queue), "max_retries": 0}


def test_a_queue_whose_settings_are_others_goes_on_with_those(monkeypatch: pytest.MonkeyPatch) -> None:
    gateway = Gateway({"queue.max_retries_counts": "retries"})
    with monkeypatch.context() as patch:
        patch.setitem(OPERATIONS, "scheduling.queue.get", settings_of_another)
        gateway.ask("queue.list")
        gateway.ask("queue.create", {"name": "a", "max_retries": 2})
        gateway.ask("queue.get", queue="a")
    gateway.sandbox.store.queues["a"].max_retries = 0
    gateway.ask("queue.publish", {"queue": "a", "payload": {}})
    gateway.ask("queue.consume", {"queue": "a"})
    gateway.ask("queue.nack", {"queue": "a", "message_id": "msg_000001", "requeue": True})
    judged = compared(gateway)
    assert (fields(judged), judged.judged, judged.told) == (["max_retries"], 6, [])


def test_messages_that_were_there_before_are_judged_once_they_were_handed_out() -> None:
    gateway = Gateway({"queue.nack_default": "dead_letter", "queue.message_fields": "full"})
    gateway.ask("queue.create", {"name": "a"})
    gateway.ask("queue.publish", {"queue": "a", "payload": {"n": 1}})
    gateway.ask("queue.stats", queue="a")
    gateway.ask("queue.get", queue="a")
    gateway.ask("queue.consume", {"queue": "a"})
    gateway.ask("queue.nack", {"queue": "a", "message_id": "msg_000001"})
    judged = compared(gateway, numbered(gateway.entries[2:]))
    told = ["2 exchanges are not judged: nothing shows that the queue a was not there before"]
    assert (judged.findings, judged.judged, judged.told) == ([], 2, told)
    assert judged.verdicts["queue.nack_default"].inferred == "dead_letter"


def test_a_payload_that_changed_in_a_queue_of_unknown_contents_is_found() -> None:
    gateway = Gateway({})
    gateway.ask("queue.create", {"name": "a"})
    gateway.ask("queue.get", queue="a")
    gateway.ask("queue.publish", {"queue": "a", "payload": {"n": 1}})
    gateway.sandbox.store.contents["a"].live.messages["msg_000001"].payload = {"n": 2}
    gateway.ask("queue.consume", {"queue": "a"})
    assert fields(compared(gateway, numbered(gateway.entries[1:]))) == ["messages.0.payload"]


def test_the_next_runs_of_a_cron_that_was_there_before_are_judged() -> None:
    gateway = Gateway({"cron.seconds_position": "last"})
    body = {"name": "x", "schedule": "0 9 * * * 15", "url": f"{HOOK}/x", "timezone": "America/New_York"}
    gateway.ask("cron.create", body)
    gateway.ask("cron.get", id="cron_000001")
    gateway.advance(90_000)
    gateway.ask("cron.get", id="cron_000001")
    judged = compared(gateway, numbered(gateway.entries[1:]))
    assert (judged.findings, judged.judged) == ([], 1)
    assert judged.verdicts["cron.seconds_position"].inferred == "last"


def keyless(seed: int) -> Gateway:
    """Return a gateway under random answers that a random session has used without keys."""
    chance = random.Random(seed)  # noqa: S311 - of a test
    answers = random_answers(chance) | {"idempotency.required": "optional"}
    gateway = Keyless(answers, seed, shift_ms=chance.randrange(-90_000, 90_000))
    Session(gateway, seed).play(24)
    return gateway


class Keyless(Gateway):
    """A gateway to which nobody sends idempotency keys: those used before a recording began would be unknown."""

    def ask(self, operation: str, body: Any = None, /, **given: Any) -> Any:
        """Send a request without its key."""
        return super().ask(operation, body, **{name: value for name, value in given.items() if name != "key"})


@pytest.mark.soak
@pytest.mark.parametrize("seed", soak.seeds(1))
def test_of_sessions_that_are_cut_off_in_front_nothing_is_found_and_nothing_true_is_ruled_out(seed: int) -> None:
    judged_ones, all_of_them = 0, 0
    for number in range(CUTS * seed, CUTS * (seed + 1)):
        gateway = keyless(number)
        first = random.Random(number + 1).randrange(2, len(gateway.entries) // 2 + 2)  # noqa: S311 - of a test
        entries = numbered(gateway.entries[first:])
        judged = compared(gateway, entries)
        assert (number, wrong(judged, gateway)) == (number, [])
        judged_ones += judged.judged
        all_of_them += len(judged.traffic.items)
    assert judged_ones > 0.4 * all_of_them


def test_a_run_that_a_list_showed_may_be_asked_for() -> None:
    gateway = Gateway({})
    gateway.script(f"{HOOK}/*", 200)
    gateway.ask("cron.create", {"name": "x", "schedule": "* * * * *", "url": f"{HOOK}/x"})
    gateway.advance(70)
    gateway.ask("run.list")
    gateway.ask("cron.runs.get", id="cron_000001", run_id="run_000001")
    told = ["1 exchange is not judged: nothing shows which run it is about"]
    judged = compared(gateway)
    assert (judged.findings, judged.judged, judged.told) == ([], 2, told)
