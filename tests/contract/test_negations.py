"""An emulator that decided otherwise wherever nobody documented anything conforms, and what it does so is told."""

import tempfile
from collections.abc import Collection, Mapping
from pathlib import Path

import pytest

from sched_emulator.contract.measure import Silent
from sched_emulator.contract.report import Report
from sched_emulator.contract.results import Status
from sched_emulator.contract.runner import Run
from sched_emulator.contract.settings import Settings
from sched_emulator.spec import choices
from tests.contract import negations, negations_crons
from tests.contract.kill_mutants import copy_of, started
from tests.contract.mutant import Mutant
from tests.contract.mutants import MUTANTS
from tests.contract.test_emulators import SETS, SOAKED

SCENARIOS_AND_PROBES = ("[!s]*",)
SOME = SCENARIOS_AND_PROBES if SOAKED else ("queue/*", "choice/*")
NEGATIONS = {**negations.NEGATIONS, **negations_crons.NEGATIONS}
APART = (*negations.APART, *negations_crons.APART)
TOGETHER = frozenset(NEGATIONS).difference(*APART)
BROKEN = {  # by the name of a mutant, the line of the documentation that it breaks
    "redrive ignores message_id": 939,
    "a lease is a second too short": 797,
    "delay_seconds is ignored": 102,
    "an ack changes nothing": 823,
    "a nack with requeue false requeues": 871,
    "redrive ignores since": 940,
    "a dead-letter queue need not exist": 523,
    "a push goes to a plain http URL": 975,
    "max_messages takes one more": 796,
    "max_retries is ignored": 524,
}


def judged(
    chosen: Collection[str],
    *more: Mutant,
    only: tuple[str, ...] = SCENARIOS_AND_PROBES,
    assume: Mapping[str, str | int] | None = None,
) -> Report:
    """Judge as a stranger the emulator with the negations of some choices, and with further changes."""
    changes = [change for name in NEGATIONS if name in chosen for change in NEGATIONS[name]]
    with tempfile.TemporaryDirectory(prefix="negated-") as folder:
        copy_of(Path(folder), *changes, *more)
        with started(Path(folder), assume) as emulator:
            return Run(Settings(target=emulator.url, seed=1, only=only, hold=("documented",)), Silent()).perform()


def wrong(report: Report) -> list[str]:
    return [
        f"{item.check.address}: {item.reason} (expected {item.expected})"
        for item in report.results
        if item.status in {Status.FAILED, Status.ERROR}
    ]


def told(report: Report) -> set[str]:
    return {item.check.address.removeprefix("choice/") for item in report.differences}


def test_every_choice_is_negated_or_says_why_no_request_shows_it() -> None:
    judgeable = {name for name, choice in choices.catalogue().items() if not choice.unjudged}
    assert set(NEGATIONS) == judgeable
    assert [name for group in APART for name in group if name not in NEGATIONS] == []


def test_a_target_with_every_choice_negated_conforms_and_exactly_these_differences_are_told() -> None:
    report = judged(TOGETHER)
    assert (wrong(report), report.exit_status) == ([], 0)
    assert told(report) == TOGETHER


def test_a_broken_line_is_seen_among_all_negations_and_nothing_else_fails() -> None:
    name = "redrive ignores message_id"
    report = judged(TOGETHER, mutant(name), only=("queue/redrive/*", "queue/dead/*", "queue/ack/*"))
    assert (failed_lines(report, BROKEN[name]), report.exit_status) == ((True, []), 1)


def test_a_field_that_is_always_missing_is_one_line_and_what_is_behind_it_is_judged() -> None:
    lacks = Mutant("no in_flight", "core/queues.py", '"in_flight": live.in_flight, ', "")
    report = judged((), lacks, mutant("redrive ignores message_id"), only=("queue/*", "schema/queue.stats/examples"))
    told = sorted((item.check.address, item.reason.partition(" (and in ")[0]) for item in report.failures)
    assert [address for address, reason in told if "in_flight" not in reason] == ["queue/redrive/2"]
    assert [reason for _, reason in told if "in_flight" in reason] == [
        'what was returned: "in_flight" is a required property'
    ]


def mutant(name: str) -> Mutant:
    return next(item for item in MUTANTS if item.name == name)


def failed_lines(report: Report, line: int) -> tuple[bool, list[str]]:
    """Return whether anything failed that rests on a line, and what else failed."""
    resting = [item for item in report.failures if line in item.check.lines]
    return bool(resting), [f"{item.check.address}: {item.reason}" for item in report.failures if item not in resting]


@pytest.mark.soak
@pytest.mark.parametrize("name", BROKEN if SOAKED else ["a nack with requeue false requeues"])
def test_each_broken_line_is_seen_among_all_negations_and_nothing_else_fails(name: str) -> None:
    report = judged(TOGETHER, mutant(name), only=SOME)
    assert (failed_lines(report, BROKEN[name]), report.exit_status) == ((True, []), 1)


@pytest.mark.soak
@pytest.mark.parametrize(
    "chosen",
    [*APART, *({name} for name in list(NEGATIONS)[:: 1 if SOAKED else 100])],
    ids=lambda chosen: "+".join(sorted(chosen)),
)
def test_negated_alone_a_choice_is_told_alone(chosen: Collection[str]) -> None:
    report = judged(chosen, only=SOME)
    assert (wrong(report), report.exit_status, told(report)) == ([], 0, set(chosen))


@pytest.mark.soak
@pytest.mark.parametrize("answers", SETS if SOAKED else ["lenient queues"])
def test_with_other_answers_too_no_negation_fails_and_nothing_else_is_told(answers: str) -> None:
    report = judged(TOGETHER, only=SOME, assume=SETS[answers])
    assert (wrong(report), report.exit_status) == ([], 0)
    assert told(report) <= TOGETHER
