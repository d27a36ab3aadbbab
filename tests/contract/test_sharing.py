"""Where each request may cost, checks share what they make, and what is shared is paid for and counted once."""

import threading
from collections import Counter

import pytest

from sched_emulator.client.emulator import Emulator
from sched_emulator.contract.catalogue import load
from sched_emulator.contract.measure import Silent, measured
from sched_emulator.contract.plan import make_plan
from sched_emulator.contract.results import Exchange, Status
from sched_emulator.contract.runner import Run
from sched_emulator.contract.settings import Settings
from sched_emulator.contract.sharing import Sharing

QUICK = ("example/*", "error/*", "cron/record/*", "cron/zones/*", "cron/switch/1", "queue/dead/*", "queue/redrive/[12]")


def exchange(url: str) -> Exchange:
    return Exchange("GET", url, {}, None, 200, {}, "{}")


def test_a_thing_is_made_once_and_whoever_uses_it_shows_how() -> None:
    sharing, first, second = Sharing(), [exchange("/own")], [exchange("/other")]
    made = Counter[str]()

    def inner() -> str:
        made["inner"] += 1
        first.append(exchange("/inner"))
        return "i"

    def outer() -> str:
        made["outer"] += 1
        found = sharing.get("inner", inner, first)
        first.append(exchange("/outer"))
        return found + "o"

    assert [sharing.get("outer", outer, trace) for trace in (first, second, second)] == ["io"] * 3
    assert made == {"inner": 1, "outer": 1}
    assert [(item.url, item.shared) for item in first] == [("/own", ""), ("/inner", "inner"), ("/outer", "outer")]
    assert [(item.url, item.shared) for item in second] == [("/other", ""), ("/inner", "inner"), ("/outer", "outer")]


def test_what_could_not_be_made_is_tried_again_by_the_next() -> None:
    sharing, answers = Sharing(), iter([None, "thing"])

    def make() -> str:
        found = next(answers)
        if found is None:
            raise ValueError("not this time")
        return found

    with pytest.raises(ValueError, match="not this time"):
        sharing.get("it", make, [])
    assert sharing.get("it", make, []) == "thing"


def test_what_is_lent_is_one_checks_at_a_time_and_who_fails_has_spoilt_it() -> None:
    sharing, numbers, held, most = Sharing(), iter(range(9)), [], []

    def use() -> None:
        with sharing.lend("it", lambda: next(numbers), []) as number:
            held.append(number)
            most.append(len(held))
            held.remove(number)

    threads = [threading.Thread(target=use) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1] * 8
    with pytest.raises(ZeroDivisionError), sharing.lend("it", lambda: next(numbers), []) as number:
        _ = 1 // number
    assert sharing.get("it", lambda: next(numbers), []) == 1


def test_a_run_that_pays_for_each_request_passes_leaves_nothing_and_keeps_to_its_plan() -> None:
    with Emulator.start(clock="wall") as emulator:
        given = {"target": emulator.url, "key": "ifr_paid", "seed": 1, "allow_writes": True, "hold": ("documented",)}
        settings = Settings(**given, only=QUICK, real_time=True, measured=True)  # type: ignore[arg-type]
        report = Run(settings, Silent()).perform()
    wrong = [item.check.address for item in report.results if item.status in {Status.FAILED, Status.ERROR}]
    assert (wrong, report.exit_status, report.left_over) == ([], 0, [])
    found = measured(report)
    assert found.leaves["shared/idle_queue"] == {"queue": 2}
    users = {address for address, names in found.needs.items() if "shared/idle_queue" in names}
    assert {"error/bodies/1", "error/missing/1", "example/16", "example/21"} <= users
    made = [item for result in report.results for item in result.exchanges if item.shared == "idle_queue"]
    assert len({id(item) for item in made}) == found.sends["shared/idle_queue"]["queue.create"] == 2
    planned = make_plan(settings, load(), virtual=False)
    assert report.requests <= planned.requests
