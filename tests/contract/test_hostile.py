"""Against servers that answer nonsense, or nothing, a run ends soon and says what is wrong in a sentence."""

import socket
import threading
from collections.abc import Callable

import pytest

from sched_emulator.cli import main
from sched_emulator.contract.measure import Silent
from sched_emulator.contract.report import Report
from sched_emulator.contract.runner import CannotJudge, Run
from sched_emulator.contract.settings import Settings
from tests.receivers import Asked, Told, envelope, serving


def judged(url: str, **settings: object) -> Report:
    given = {"target": url, "seed": 1, "allow_writes": True, "request_timeout": 0.3, **settings}
    return Run(Settings(**given), Silent()).perform()  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (lambda _: envelope(None, 500), r"answered its first request with 500: it is not serving the API"),
        (lambda _: Told(502, b"<h1>Bad gateway</h1>", ()), r"answered its first request with 502"),
        (lambda _: Told(200, b"\x00\xff garbage"), r"not with a JSON object: something else than this API is there"),
        (lambda _: Told(200, b"[1, 2]"), r"not with a JSON object"),
        (lambda _: Told(404), r"has nothing at /v1/scheduling/queue/list \(404\)\. Is the URL right\?"),
        (lambda _: envelope(None, 401), r"refused the key in \$INFRAI_API_KEY \(401\)"),
        (lambda _: envelope(None, 402), r"no credit left"),
        (lambda _: Told(0), r"Nothing usable answers at .*: the connection broke"),
    ],
)
def test_a_first_answer_that_makes_no_sense_ends_the_run(answer: Callable[[Asked], Told], sentence: str) -> None:
    with serving(answer) as (url, _), pytest.raises(CannotJudge, match=sentence):
        judged(url)


def test_a_port_where_nobody_listens_ends_the_run() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(CannotJudge, match="the connection was refused"):
        judged(f"http://127.0.0.1:{port}")


def test_a_server_that_hangs_ends_the_run() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(CannotJudge, match=r"no answer within 0\.3 s"):
        judged(f"http://127.0.0.1:{silent.getsockname()[1]}")


def test_a_server_that_never_finishes_its_answer_ends_the_run() -> None:
    never = threading.Event()

    def drip(_: Asked) -> Told:
        return Told(200, (b" " for _ in iter(lambda: never.wait(0.02), None)))

    with serving(drip) as (url, _), pytest.raises(CannotJudge, match="an answer without end"):
        judged(url)


def test_a_server_that_breaks_after_its_first_answer_does_not_conform() -> None:
    def answer(request: Asked) -> Told:
        return envelope({"items": []}) if request.number <= 3 else envelope(None, 500)

    with serving(answer) as (url, asked):
        report = judged(url, only=("queue/stats/*", "queue/ack/*", "cron/record/*"))
    assert report.exit_status == 1
    assert "checks failed" in report.verdict
    assert len(asked) < 2000


def test_a_server_that_falls_silent_could_not_be_judged() -> None:
    def answer(request: Asked) -> Told:
        return envelope({"items": []}) if request.number <= 2 else Told(0)

    with serving(answer) as (url, asked):
        report = judged(url, only=("probe/*",))
    assert report.exit_status == 2
    assert "stopped answering" in report.verdict
    assert len(asked) < 200


def test_the_command_says_it_in_one_line_and_ends_with_2(capsys: pytest.CaptureFixture[str]) -> None:
    with serving(lambda _: envelope(None, 500)) as (url, _):
        assert main(["contract", "--target", url]) == 2
    assert capsys.readouterr().err == (
        f"sched-emulator contract: {url} answered its first request with 500: it is not serving the API at present.\n"
    )
