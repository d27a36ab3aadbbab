"""The schema part of the suite gives one verdict, whatever the seed; and a flaw is one line, whoever meets it."""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from sched_emulator.client.emulator import Emulator
from sched_emulator.contract.described import routes
from sched_emulator.contract.flaws import each_once
from sched_emulator.contract.measure import Silent
from sched_emulator.contract.report import Report
from sched_emulator.contract.results import Exchange, Flaw, Result, Status
from sched_emulator.contract.runner import Run
from sched_emulator.contract.settings import Settings
from tests.contract.test_judge import check
from tests.receivers import Asked, Told, envelope, serving
from tests.soak import TIMES, seeds

GENERATING = [name for name, operation in routes().items() if not operation.public]
FIRST = seeds(1).start
MANY = [*range(FIRST, FIRST + 44), 7, 8, 14, 20, 24, 209329]  # the last six failed where nothing was wrong
ASKED = MANY[:10] if TIMES == 1 else MANY


@pytest.fixture(scope="module")
def emulator() -> Iterator[Emulator]:
    with Emulator.start(clock="frozen") as started:
        yield started


def run(target: str, **settings: object) -> Report:
    return Run(Settings(target=target, **settings), Silent()).perform()  # type: ignore[arg-type]


def wrong(report: Report) -> list[str]:
    told = {Status.FAILED, Status.DIFFERS, Status.ERROR}
    return [f"{item.check.address}: {item.reason}" for item in report.results if item.status in told]


@pytest.mark.soak
@pytest.mark.parametrize("seed", ASKED)
def test_the_emulator_conforms_with_every_seed_held_to_everything_and_as_a_stranger(
    emulator: Emulator, seed: int
) -> None:
    if TIMES > 1:
        holds: list[tuple[str, ...]] = [(), ("documented",)] if seed % 5 == 0 else [()]
        reports = [run(emulator.url, seed=seed, only=("schema/*",), hold=hold) for hold in holds]
    else:  # two of the operations, others for each seed
        few = tuple(f"schema/{name}/fuzzing" for name in GENERATING[seed % 10 :: 15])
        hold = ("documented",) if seed % 2 else ()
        reports = [run(emulator.url, seed=seed, only=few, examples=5, hold=hold)]
    assert [(wrong(report), report.exit_status) for report in reports] == [([], 0)] * len(reports)


def judged(address: str, status: Status = Status.PASSED, **causes: str) -> Result:
    """Return a check that met flaws: what came, by cause."""
    found = Result(replace(check(None), address=address), status, "it failed" if status == Status.FAILED else "")
    for cause, came in causes.items():
        found.meet(Flaw(cause, came, f"no {cause}", Exchange("GET", f"http://x/{came}", {}, None, 200, {}, "")))
    return found


def test_a_flaw_fails_the_first_check_that_met_it_and_is_counted() -> None:
    met = [
        judged("schema/a", shape="a is wrong"),
        judged("schema/b", shape="b is wrong", other="b is odd"),
        judged("schema/c", shape="c is wrong"),
    ]
    assert [(item.check.address, item.status, item.reason) for item in each_once(met)] == [
        ("schema/a", Status.FAILED, "a is wrong (and in 2 more checks)"),
        ("schema/b", Status.FAILED, "b is odd"),
        ("schema/c", Status.NOT_CHECKED, "it met what schema/a tells, and nothing else"),
    ]


def test_a_check_that_failed_of_itself_tells_a_flaw_only_where_nobody_else_met_it() -> None:
    met = [
        judged("queue/a", Status.FAILED, shape="a is wrong", other="a is odd"),
        judged("queue/b", shape="b is wrong"),
    ]
    assert [(item.check.address, item.status, item.reason) for item in each_once(met)] == [
        ("queue/a", Status.FAILED, "it failed\na is odd"),
        ("queue/b", Status.FAILED, "b is wrong (and in 1 more check)"),
    ]


def test_of_many_exchanges_that_show_a_flaw_the_shortest_is_told() -> None:
    found = judged("schema/a", shape="a long one")
    for came in ("short", "another"):
        found.meet(Flaw("shape", came, "no shape", Exchange("GET", f"http://x/{came}", {}, None, 200, {}, "")))
    [result] = each_once([found])
    assert (result.reason, [item.url for item in result.exchanges]) == ("short", ["http://x/short"])


def besides_the_list(told: Told) -> Callable[[Asked], Told]:
    """Return what answers the list of queues, by which a target is recognised, and everything else with one answer."""
    return lambda asked: envelope({"items": []}) if asked.path.startswith("/v1/scheduling/queue/list") else told


def test_operations_that_are_missing_are_one_line_with_their_names() -> None:
    nothing = Told(404, b"<h1>Not Found</h1>", (("Content-Type", "text/html"),))
    with serving(besides_the_list(nothing)) as (url, _):
        report = run(url, seed=1, allow_writes=True, only=("schema/*/examples",))
    missing = "cron.create (404), cron.list (404), queue.create (404), run.list (404)"
    assert [(item.check.address, item.reason) for item in report.failures] == [
        ("schema/cron.create/examples", f"not there: {missing} (and in 3 more checks)")
    ]
    account = next(item for item in report.results if item.check.address == "schema/account.balance/examples")
    assert (account.status, account.reason) == (Status.NOT_CHECKED, "account.balance is not offered: 404")


@pytest.mark.parametrize(
    ("broken", "line"),
    [
        (envelope(None, 500), "an error of the target's own"),
        (Told(200, b"[]"), "what was returned"),
        (Told(200, b"nothing"), "which is no JSON"),
    ],
)
def test_what_is_wrong_with_every_answer_is_one_line(broken: Told, line: str) -> None:
    with serving(besides_the_list(broken)) as (url, _):
        report = run(url, seed=1, allow_writes=True, only=("schema/queue.*/examples",))
    [failure] = report.failures
    assert line in failure.reason
    assert re.search(r"\(and in \d+ more checks\)$", failure.reason)
    assert len(failure.exchanges) == 1
