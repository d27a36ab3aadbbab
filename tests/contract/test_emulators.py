"""The suite passes on the emulator, whatever it was told to assume."""

import pytest

from sched_emulator.client.emulator import Emulator
from sched_emulator.contract.measure import Silent
from sched_emulator.contract.report import Report
from sched_emulator.contract.results import Result, Status
from sched_emulator.contract.runner import Listener, Run
from sched_emulator.contract.settings import Settings
from sched_emulator.spec import assumptions
from tests.soak import TIMES

UNPROBED = {name for name, entry in assumptions.catalogue().items() if entry.unprobed}
SOAKED = TIMES > 1
MOST = (
    *("[!s]*", "schema/stateful", "schema/*/examples", "schema/*/fuzzing"),
    "schema/*/coverage" if SOAKED else "schema/queue.[cu]*/coverage",  # all of which take longer than all else
)
PARTS = () if SOAKED else ("[!s]*", "schema/*/examples")  # scenarios, probes and examples; in the soak everything
SETS: dict[str, dict[str, str | int]] = {
    "observed": dict(assumptions.preset("observed").items() - assumptions.defaults().items()),
    "bare": {"http.envelope": "bare"},
    "created and unprocessable": {"http.created_status": "created", "http.validation_status": "unprocessable"},
    "the table's names, nothing else": {
        "cron.create.names": "table",
        "push.url_names": "table",
        "http.unknown_fields": "reject",
    },
    "the example's names": {
        "cron.create.names": "example",
        "cron.create.fields": "canonical",
        "cron.list.fields": "both",
    },
    "job_id, and no pages of crons": {"cron.create.id_field": "job_id", "cron.list.paging": "none"},
    "keys required": {"idempotency.required": "required", "idempotency.conflict": "replay"},
    "seconds last, literal clocks": {
        "cron.seconds_position": "last",
        "cron.dst": "literal",
        "cron.overlap_default": "queue",
        "cron.queue_depth": "one",
        "cron.max_runs_counts": "all",
        "cron.trigger_when_paused": "reject",
        "cron.duplicate_name": "reject",
    },
    "strict queues": {
        "queue.publish_unknown": "reject",
        "queue.create_existing": "reject",
        "queue.max_retries_counts": "total",
        "queue.expiry_counts": "counted",
        "queue.nack_default": "dead_letter",
        "queue.nack_position": "back",
        "queue.ack_expired": "reject",
        "task.past_run_at": "reject",
    },
    "lenient queues": {
        "queue.nack_delay": "backoff",
        "queue.dead_without_dlq": "dropped",
        "queue.dlq_consumable": "held",
        "queue.ack_unknown": "accept",
        "queue.fifo_in_flight": "allow",
        "queue.fifo_delayed": "pass",
        "queue.priority_off": "honour",
        "queue.priority_order": "low_first",
        "queue.stats_delayed": "available",
        "queue.redrive_max": "ignore",
    },
    "events, signed by the standard": {
        "delivery.body": "event",
        "push.body": "payload",
        "push.max_retries_from": "constant",
        "signature.scheme": "standard-webhooks",
        "delivery.backoff": "fixed",
        "run.list.fields": "cron_run",
    },
    "timestamps, at once, counts as truth": {
        "signature.scheme": "x-infrai-timestamp",
        "delivery.backoff": "immediate",
        "run.retention_zero": "forever",
        "queue.count_fields": "boolean",
        "queue.message_fields": "full",
        "queue.consume.result_key": "items",
        "queue.payload_type": "any_json",
    },
    "small numbers": {
        "limits.message_bytes": 2000,
        "limits.max_messages": 30,
        "limits.batch_messages": 30,
        "limits.name_chars": 90,
        "page.default_limit": 7,
        "page.max_limit": 20,
        "queue.max_messages": 3,
        "queue.max_retries": 1,
        "delivery.backoff_first_seconds": 1,
    },
}
TOGETHER = (  # which are tried at once in the suite: nothing is seen less for the others. In the soak, each by itself.
    ("observed", "small numbers"),
    (
        *("bare", "created and unprocessable", "job_id, and no pages of crons", "the example's names", "keys required"),
        *("seconds last, literal clocks", "strict queues", "timestamps, at once, counts as truth"),
    ),
    ("the table's names, nothing else", "lenient queues", "events, signed by the standard"),
)


class Order(Silent):
    """Hears the addresses of checks in the order in which they end."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    def finished(self, result: Result, done: int, all_checks: int) -> None:
        super().finished(result, done, all_checks)
        self.heard.append(result.check.address)


def run(listener: Listener | None = None, **settings: object) -> Report:
    return Run(Settings(seed=1, **settings), listener or Silent()).perform()  # type: ignore[arg-type]


def wrong(report: Report) -> list[str]:
    found = [*report.failures, *(item for item in report.results if item.status is Status.ERROR)]
    return [f"{item.check.address}: {item.reason} (expected {item.expected})" for item in found]


@pytest.mark.soak
def test_everything_passes_on_a_fresh_emulator() -> None:
    report = run(target="emulator", only=MOST)
    assert (wrong(report), report.exit_status) == ([], 0)
    assert report.verdict == "Conforms in everything that was checked."
    assert [item.check.address for item in report.results if item.status in {Status.NOT_CHECKED, Status.ERROR}] == []
    assert {item.question for item in report.observations if item.answer is None} == UNPROBED


def test_every_set_is_tried() -> None:
    assert sorted(name for names in TOGETHER for name in names) == sorted(SETS)


@pytest.mark.soak
@pytest.mark.parametrize("names", [(name,) for name in SETS] if SOAKED else TOGETHER, ids="; ".join)
def test_other_assumptions_pass_too_and_are_recognised(names: tuple[str, ...]) -> None:
    answers: dict[str, str | int] = {}
    for name in names:
        assert answers.keys().isdisjoint(SETS[name])
        answers |= SETS[name]
    with Emulator.start(assume=answers) as emulator:
        report = run(order := Order(), target=emulator.url, only=PARTS)
    assert (wrong(report), report.stopped, report.exit_status) == ([], None, 0)
    if not SOAKED:  # few checks of the schema are made in this process, where nothing may run beside them
        assert order.heard == sorted(order.heard, key=lambda address: address.startswith(("schema/", "choice/")))
    seen = {item.question: item.answer for item in report.observations}
    assert {question for question in answers if seen[question] is None} <= UNPROBED
    assert {
        question: answers[question] if seen[question] is None else seen[question] for question in answers
    } == answers


def test_an_emulator_with_listed_keys_is_judged_in_real_time_like_any_service(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INFRAI_API_KEY", "ifr_only_me")
    with Emulator.start(keys="ifr_only_me", clock="wall") as emulator:
        report = run(target=emulator.url, key="ifr_only_me", allow_writes=True, only=("queue/ack/*", "cron/record/1"))
    assert (wrong(report), report.exit_status, report.virtual) == ([], 0, False)
