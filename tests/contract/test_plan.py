"""On a paid target the first requests buy the most: each documented line, then what else may fail, choices last."""

import pytest

from sched_emulator.contract.catalogue import load
from sched_emulator.contract.costs import cost, cost_at, needs
from sched_emulator.contract.plan import LONGEST_REAL_SECONDS, Plan, make_plan
from sched_emulator.contract.results import Check, Warrant
from sched_emulator.contract.settings import Settings

CATALOGUE = load()
IN_REAL_TIME = [check for check in CATALOGUE.scenarios.values() if not check.virtual]

DOCUMENTED = [
    check for check in IN_REAL_TIME if check.warrant == Warrant.DOCUMENTED and check.seconds <= LONGEST_REAL_SECONDS
]


def planned(max_requests: int) -> Plan:
    settings = Settings(
        target="https://gateway.example.com", key="ifr_x", allow_writes=True, seed=1, max_requests=max_requests
    )
    return make_plan(settings, CATALOGUE, virtual=False)


def lines(checks: list[Check]) -> set[int]:
    return {line for check in checks if check.warrant == Warrant.DOCUMENTED for line in check.lines}


def groups(checks: list[Check]) -> set[str]:
    return {check.address.rpartition("/")[0] for check in checks if check.warrant == Warrant.DOCUMENTED}


def test_by_default_every_documented_line_is_asked_about_that_real_time_can_show() -> None:
    plan = planned(500)
    assert plan.requests <= 500
    assert lines(DOCUMENTED) - lines(plan.scenarios) == set()


def test_a_third_more_makes_every_documented_check() -> None:
    plan = planned(675)
    assert plan.requests <= 675
    assert [check.address for check in DOCUMENTED if check not in plan.scenarios] == []


@pytest.mark.parametrize(("budget", "least"), [(300, 0.85), (400, 0.97)])
def test_a_small_budget_asks_about_most_documented_lines(budget: int, least: float) -> None:
    plan = planned(budget)
    assert plan.requests <= budget
    assert len(lines(plan.scenarios)) >= least * len(lines(IN_REAL_TIME))


def test_the_usual_budget_asks_something_of_every_group() -> None:
    assert groups(planned(500).scenarios) == groups(IN_REAL_TIME)


def test_what_a_check_depends_on_is_paid_for_with_it_and_only_once() -> None:
    plan = planned(500)
    wanted = {name for check in plan.scenarios for name in needs(check)}
    assert {"probe/idempotency.required", "shared/idle_queue"} <= wanted
    made = sum(cost(check).sends.total() for check in plan.scenarios)
    apart = sum(cost(plan.catalogue.probes[name]).sends.total() for name in plan.questions)
    shared = sum(cost_at(name).sends.total() for name in wanted if name.startswith("shared/"))
    assert made + shared <= plan.cost.sends.total() <= made + shared + apart + 60


def test_nobody_pays_for_what_cannot_fail_while_something_else_may() -> None:
    for budget in (500, 900, 1500):
        plan = planned(budget)
        choices = [check for check in plan.scenarios if check.warrant == Warrant.CHOICE]
        left_out = [result.check for result in plan.left_out if "beyond the budget" in result.reason]
        may_fail = [check for check in left_out if check.warrant in {Warrant.DOCUMENTED, Warrant.OPEN}]
        assert not choices or not may_fail


def test_a_short_plan_says_how_many_documented_lines_it_asks_about() -> None:
    said = [sentence for sentence in planned(400).sentences() if "documented lines" in sentence]
    everything = len(lines(list(CATALOGUE.scenarios.values())))
    asked = len(lines(planned(400).scenarios))
    assert said == [f"{asked} of {everything} documented lines are asked about: --max-requests allows for more."]


def test_one_request_is_told_in_the_singular() -> None:
    told = " ".join(planned(1).sentences())
    assert ("about 1 request, about" in told, "At most 1 request is sent, 5 a second." in told) == (True, True)
