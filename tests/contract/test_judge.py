"""The judge of one check, apart from any run: what becomes of a scenario, of a probe, and of mistakes in either."""

from collections.abc import Iterator
from typing import Any

import pytest

from sched_emulator.client.http import EmulatorError
from sched_emulator.contract import Api, Failed, NotChecked, catalogue
from sched_emulator.contract.described import Contract
from sched_emulator.contract.gate import NoAnswer, Refused
from sched_emulator.contract.judge import Judge, open_ledger
from sched_emulator.contract.results import Check, Status, Warrant
from sched_emulator.contract.settings import Settings
from sched_emulator.contract.site import Site, open_site

SETTINGS = Settings(target="emulator", seed=1)


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    opened = open_site(SETTINGS)
    yield opened
    opened.close()


def judge(site: Site, **expected: str) -> Judge:
    """Return a judge to whom it was said what to expect; dots of a question are written ``__``."""
    answers = {name.replace("__", "."): answer for name, answer in expected.items()}
    return Judge(site, open_ledger(site, SETTINGS, catalogue.load().probes, answers), SETTINGS)


def check(run: Any) -> Check:
    return Check("mine/1", Warrant.DOCUMENTED, "A title.", "behaviour", (), (), run)


def test_a_scenario_has_a_stage_of_its_own_and_leaves_what_was_sent(site: Site) -> None:
    def scenario(api: Api) -> None:
        assert api.pages("queue.list") == []
        api.queue()

    for _ in range(2):
        result = judge(site).scenario(check(scenario), Contract({}))
        assert (result.status, result.reason) == (Status.PASSED, "")
        assert [item.url.removeprefix(site.url) for item in result.exchanges] == [
            "/v1/scheduling/queue/list",
            "/v1/scheduling/queue/create",
        ]


@pytest.mark.parametrize(
    ("error", "status", "reason"),
    [
        (Failed("it was 1", "it is 2"), Status.FAILED, "it was 1"),
        (NotChecked("it would take days"), Status.NOT_CHECKED, "it would take days"),
        (Refused("it writes"), Status.NOT_CHECKED, "it writes"),
        (NoAnswer("an answer without end"), Status.FAILED, "a request got an answer without end"),
        (EmulatorError(500, "GONE", "it is gone"), Status.ERROR, "the control API: 500 GONE: it is gone"),
        (KeyError("items"), Status.FAILED, "an answer could not be read: KeyError('items')"),
        (ZeroDivisionError("x"), Status.ERROR, "the suite made a mistake: ZeroDivisionError('x')"),
    ],
)
def test_what_a_scenario_raises_says_what_became_of_it(
    site: Site, error: Exception, status: Status, reason: str
) -> None:
    def scenario(_api: Api) -> None:
        raise error

    result = judge(site).scenario(check(scenario), Contract({}))
    assert (result.status, result.reason) == (status, reason)


def test_a_probe_tells_the_answer_and_fails_where_another_was_expected(site: Site) -> None:
    observed = judge(site).probe("queue.nack_position")
    assert (observed.status, observed.answer, observed.check.address) == (
        Status.OBSERVED,
        "front",
        "probe/queue.nack_position",
    )
    assert observed.exchanges
    contradicted = judge(site, queue__nack_position="back").probe("queue.nack_position")
    assert (contradicted.status, contradicted.reason) == (Status.FAILED, "the answer observed is front")


def test_a_question_that_cannot_be_probed_is_undetermined_for_the_reason_that_the_catalogue_gives(site: Site) -> None:
    result = judge(site).probe("account.topup_url")
    assert (result.status, result.reason) == (Status.UNDETERMINED, "it would begin a payment")
