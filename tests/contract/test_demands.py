"""Demands that rest on choices: judged once for a target, held against it or told as differences."""

from collections.abc import Iterator

import pytest

from sched_emulator.contract import Api, catalogue, equal
from sched_emulator.contract.demands import CHECKS, Demands
from sched_emulator.contract.described import Contract
from sched_emulator.contract.judge import Judge, open_ledger
from sched_emulator.contract.results import Check, Exchange, Result, Status, Warrant
from sched_emulator.contract.settings import Settings, SettingsError
from sched_emulator.contract.site import Site, open_site
from sched_emulator.spec import choices

SENT = Exchange("GET", "http://x/", {}, None, 200, {}, "{}")


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    opened = open_site(Settings(target="emulator", seed=1))
    yield opened
    opened.close()


def judge(site: Site, *hold: str) -> Judge:
    settings = Settings(target="emulator", seed=1, hold=hold)
    return Judge(site, open_ledger(site, settings, catalogue.load().probes), settings)


def wants_another_order(api: Api) -> None:
    """Demand a documented thing after one that rests on a choice, and is not so."""
    queue = api.queue()
    api.expects_equal("queue.list_order", [2, 1], [1, 2], "the order")
    api.expects("run.states", condition=True, came="")
    equal(api.stats(queue)["available"], 0, "the number of messages available")


def check(address: str = "mine/1", warrant: Warrant = Warrant.DOCUMENTED) -> Check:
    return Check(address, warrant, "A title.", "behaviour", (), (96,), wants_another_order)


def told(result: Result) -> tuple[str, Warrant, Status, str, str]:
    return result.check.address, result.check.warrant, result.status, result.reason, result.seen_in


def test_a_choice_that_a_target_does_not_share_is_one_line_however_many_checks_met_it() -> None:
    demands = Demands()
    for address in ("queue/1", "queue/2", "queue/2", "paging/1"):
        demands.note("queue.list_order", address, ("the order was [2, 1]", "the order is [1, 2]"), [SENT, SENT, SENT])
    demands.note("queue.list_order", "queue/3", None, [])
    result = demands.result("queue.list_order")
    assert told(result) == (
        "choice/queue.list_order",
        Warrant.CHOICE,
        Status.DIFFERS,
        "the order was [2, 1], in queue/1 (and in 2 more checks)",
        "queue/1",
    )
    assert (result.expected, result.exchanges) == ("the order is [1, 2]", [SENT, SENT])


def test_a_choice_that_was_never_asked_for_was_not_checked() -> None:
    assert told(Demands().result("run.states"))[2:4] == (Status.NOT_CHECKED, "nothing asked for it")


def test_a_demand_rests_on_a_choice_that_there_is() -> None:
    with pytest.raises(ValueError, match=r"^there is no choice 'queue.colour' to rest a demand on$"):
        Demands().note("queue.colour", "mine/1", None, [])


def test_what_the_vendor_says_elsewhere_has_a_warrant_of_its_own() -> None:
    by_warrant = {name: found.warrant for name, found in CHECKS.items()}
    assert by_warrant == {
        name: Warrant.VENDOR if choice.fact else Warrant.CHOICE for name, choice in choices.catalogue().items()
    }
    assert {Warrant.VENDOR, Warrant.CHOICE} == set(by_warrant.values())


@pytest.mark.parametrize(
    ("hold", "status"),
    [
        ((), Status.FAILED),
        (("documented",), Status.DIFFERS),
        (("vendor",), Status.DIFFERS),
        (("choices",), Status.FAILED),
    ],
)
def test_a_check_goes_on_after_a_demand_that_was_not_met_and_the_choice_is_judged(
    site: Site, hold: tuple[str, ...], status: Status
) -> None:
    judging = judge(site, *hold)
    assert judging.scenario(check(), Contract({})).status == Status.PASSED
    assert judging.choice(CHECKS["queue.list_order"]).status == status
    assert judging.choice(CHECKS["run.states"]).status == Status.PASSED


@pytest.mark.parametrize(("hold", "status"), [((), Status.FAILED), (("documented",), Status.DIFFERS)])
def test_a_check_for_the_sake_of_a_choice_fails_nobody_who_is_not_held_to_it(
    site: Site, hold: tuple[str, ...], status: Status
) -> None:
    def fails(_api: Api) -> None:
        equal(1, 2, "one")

    scenario = Check("mine/2", Warrant.CHOICE, "A title.", "behaviour", (), (), fails)
    assert judge(site, *hold).scenario(scenario, Contract({})).status == status


def test_only_what_can_be_held_can_be_asked_for() -> None:
    with pytest.raises(
        SettingsError, match=r"^--hold: 'all' cannot be held; expected documented or vendor or choices$"
    ):
        Settings(target="emulator", hold=("all",))
