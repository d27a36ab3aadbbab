"""Runs in real time against a target that is far away, or busy: the same verdict as of one that is near and idle."""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from sched_emulator.client.emulator import Emulator
from sched_emulator.contract.measure import Silent
from sched_emulator.contract.report import Report
from sched_emulator.contract.results import Status
from sched_emulator.contract.runner import Run
from sched_emulator.contract.settings import Settings
from tests.relay import far_away
from tests.soak import TIMES

KEY = "ifr_far"
TIMED = ("queue/delay/1", "queue/lease/[12]", "queue/settings/4", "task/2", "probe/queue.ack_expired")
VERDICTS = 5
BUSY_CLIENTS = 4


def run(url: str, **settings: object) -> Report:
    given = {"target": url, "key": KEY, "seed": 1, "real_time": True, "allow_writes": True, "max_requests": 3000}
    return Run(Settings(**{**given, **settings}), Silent()).perform()  # type: ignore[arg-type]


def verdict(report: Report) -> tuple[int, Counter[Status], list[str], list[str]]:
    wrong = [item.check.address for item in report.results if item.status in {Status.FAILED, Status.ERROR}]
    return report.exit_status, Counter(item.status for item in report.results), wrong, report.left_over


def test_a_round_trip_of_300_ms_fails_nothing_that_is_about_time() -> None:
    with Emulator.start(clock="wall") as emulator, far_away(emulator.url, 0.3) as url:
        report = run(url, only=TIMED, rate=100.0)
    found = {item.check.address: item.status for item in report.results if item.check.aspect != "choices"}
    assert found == {
        "queue/delay/1": Status.PASSED,
        "queue/lease/1": Status.PASSED,
        "queue/lease/2": Status.PASSED,
        "queue/settings/4": Status.PASSED,
        "task/2": Status.PASSED,
        "probe/queue.ack_expired": Status.OBSERVED,
    }
    assert (report.exit_status, report.left_over, report.stopped) == (0, [], None)


@contextmanager
def busy(emulator: Emulator) -> Iterator[None]:
    """Keep an emulator busy with other clients' work meanwhile."""
    over = threading.Event()

    def work(number: int) -> None:
        with emulator.sandbox(f"ifr_busy_{number}") as box:
            box.client.request("POST", "/v1/scheduling/queue/create", {"name": "busy"})
            while not over.is_set():
                items = [{"payload": {"text": "x" * 1000}}] * 100
                box.client.request("POST", "/v1/scheduling/queue/publish_batch", {"queue": "busy", "messages": items})
                box.client.request("POST", "/v1/scheduling/queue/purge/busy", {})

    threads = [threading.Thread(target=work, args=(number,)) for number in range(BUSY_CLIENTS)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        over.set()
        for thread in threads:
            thread.join()


@pytest.mark.soak
@pytest.mark.skipif(TIMES == 1, reason="it takes a quarter of an hour of real time")
def test_the_verdict_on_a_busy_server_at_five_requests_a_second_is_the_same_five_times() -> None:
    with Emulator.start(clock="wall") as emulator, busy(emulator):
        verdicts = [verdict(run(emulator.url, rate=5.0, only=("queue/*", "task/*", "run/*"))) for _ in range(VERDICTS)]
    assert verdicts == [verdicts[0]] * VERDICTS
    assert verdicts[0][0::2] == (0, [])
