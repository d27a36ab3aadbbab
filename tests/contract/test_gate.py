"""The gate: budget, rate, 402, 429, writes, the key."""

import pytest
import requests

from sched_emulator.contract.gate import PLACEHOLDER_KEY, Closed, Gate, NoAnswer, Refused
from tests.receivers import Asked, Told, envelope, serving

HEADERS = {"Authorization": f"Bearer {PLACEHOLDER_KEY}"}


class Time:
    """A clock that moves when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


def fine(_request: Asked) -> Told:
    return envelope({"items": []})


def test_after_the_budget_no_request_is_sent() -> None:
    with serving(fine) as (url, asked), Gate(key="ifr_secret", budget=3).session() as session:
        for _ in range(3):
            session.get(url, headers=HEADERS)
        with pytest.raises(Closed, match="The budget of 3 requests is spent; --max-requests allows more"):
            session.get(url, headers=HEADERS)
        assert len(asked) == 3


def test_requests_are_spaced_as_the_rate_says() -> None:
    time = Time()
    gate = Gate(key="ifr_secret", rate=5, clock=lambda: time.now, sleep=time.sleep)
    with serving(fine) as (url, _), gate.session() as session:
        for _ in range(4):
            session.get(url, headers=HEADERS)
    assert [round(seconds, 6) for seconds in time.slept] == [0.2, 0.2, 0.2]


def test_429_is_waited_out_as_long_as_it_asks() -> None:
    def answer(request: Asked) -> Told:
        return envelope(None, 429, (("Retry-After", "7"),)) if request.number == 1 else fine(request)

    time = Time()
    gate = Gate(key="ifr_secret", clock=lambda: time.now, sleep=time.sleep)
    with serving(answer) as (url, asked), gate.session() as session:
        assert session.get(url, headers=HEADERS).status_code == 200
    assert (len(asked), time.slept) == (2, [7.0])


def test_a_target_that_keeps_answering_429_ends_the_run() -> None:
    time = Time()
    gate = Gate(key="ifr_secret", clock=lambda: time.now, sleep=time.sleep)
    with (
        serving(lambda _: envelope(None, 429, (("Retry-After", "1"),))) as (url, asked),
        gate.session() as session,
        pytest.raises(Closed, match="keeps answering 429"),
    ):
        session.get(url, headers=HEADERS)
    assert len(asked) == 5


def test_402_stops_at_once_and_says_what_to_do() -> None:
    gate = Gate(key="ifr_secret")
    with serving(lambda _: envelope(None, 402)) as (url, asked), gate.session() as session:
        for _ in range(2):
            with pytest.raises(Closed, match="no credit left"):
                session.post(url, headers=HEADERS, json={})
    assert len(asked) == 1


def test_writes_are_refused_unless_allowed_and_reads_are_not() -> None:
    with serving(fine) as (url, asked), Gate(key="ifr_secret", allow_writes=False).session() as session:
        session.get(url, headers=HEADERS)
        for method in ("POST", "PUT", "PATCH", "DELETE"):
            with pytest.raises(Refused, match="--allow-writes lets it"):
                session.request(method, url, headers=HEADERS)
        session.post(url, headers={"Authorization": "Bearer not-a-key"}, json={})
        assert [request.method for request in asked] == ["GET", "POST"]


def test_the_key_goes_out_and_is_nowhere_else() -> None:
    with serving(fine) as (url, asked), Gate(key="ifr_secret").session() as session:
        response = session.get(url, headers=HEADERS)
        assert asked[0].headers["Authorization"] == "Bearer ifr_secret"
        assert response.request.headers["Authorization"] == f"Bearer {PLACEHOLDER_KEY}"


def test_three_silences_in_a_row_close_the_gate() -> None:
    gate = Gate(key=None)
    with serving(lambda _: Told(0)) as (url, _), gate.session() as session:
        for _ in range(3):
            with pytest.raises(NoAnswer, match="the connection broke"):
                session.get(url)
        with pytest.raises(Closed, match="stopped answering"):
            session.get(url)


def test_the_time_of_a_run_is_bounded() -> None:
    time = Time()
    gate = Gate(key=None, deadline=60, clock=lambda: time.now, sleep=time.sleep)
    with serving(fine) as (url, _), gate.session() as session:
        session.get(url)
        time.now = 61
        with pytest.raises(Closed, match="The time that a run may take is over"):
            session.get(url)


def test_what_is_created_is_noted_and_what_is_deleted_forgotten() -> None:
    def answer(request: Asked) -> Told:
        return envelope({"cron_id": "c1"} if "cron" in request.path else {"queue": "q/1"})

    gate = Gate(key="ifr_secret")
    base = "/v1/scheduling"
    with serving(answer) as (url, _), gate.session() as session:
        session.post(f"{url}{base}/cron/create", json={})
        session.post(f"{url}{base}/queue/create", json={"name": "q/1"})
        session.post(f"{url}{base}/queue/publish", json={"queue": "q2", "payload": {}})
        assert (gate.created.names("cron"), gate.created.names("queue")) == (["c1"], ["q/1", "q2"])
        session.delete(f"{url}{base}/queue/delete/q%2F1")
        session.delete(f"{url}{base}/cron/delete/c1")
        assert (gate.created.names("cron"), gate.created.names("queue")) == ([], ["q2"])


def test_what_is_created_is_recognised_by_either_path_and_under_any_name_of_its_id() -> None:
    def answer(request: Asked) -> Told:
        return envelope({"job_id": "c1"} if "cron" in request.path else {"task_id": "t1"})

    gate = Gate(key="ifr_secret")
    with serving(answer) as (url, _), gate.session() as session:
        session.post(f"{url}/v1/cron/create", json={})
        session.post(f"{url}/v1/task/schedule", json={})
        session.get(f"{url}/v1/cron/list")
    assert (gate.created.names("cron"), gate.created.names("queue")) == (["c1"], [])
    assert gate.created.lasting() == ["task t1"]


def test_proxies_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    with serving(fine) as (url, asked), Gate(key=None).session() as session:
        assert isinstance(session.get(url), requests.Response)
        assert len(asked) == 1
