"""Runs as a whole: what they send, leave behind, and print."""

import io
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from sched_emulator.cli import main
from sched_emulator.client.emulator import Emulator
from sched_emulator.contract import catalogue, routes
from sched_emulator.contract.cleanup import Cleaner, by_prefix
from sched_emulator.contract.costs import Cost
from sched_emulator.contract.gate import Gate
from sched_emulator.contract.measure import Silent
from sched_emulator.contract.plan import Plan, make_plan
from sched_emulator.contract.report import Report
from sched_emulator.contract.reports.terminal import Terminal
from sched_emulator.contract.results import Status, Warrant
from sched_emulator.contract.runner import CannotJudge, Run
from sched_emulator.contract.settings import Settings, SettingsError
from sched_emulator.spec.prices import Price
from tests.contract.kill_mutants import judge
from tests.contract.mutants import MUTANTS, SURVIVORS
from tests.receivers import Asked, Told, as_json, envelope, serving

FEW = ("queue/ack/*", "cron/record/1", "queue/settings/1")
KEY = "ifr_service"


@pytest.fixture(scope="module")
def service() -> Iterator[Emulator]:
    """An emulator in real time, to be treated as a service."""
    with Emulator.start(clock="wall") as emulator:
        yield emulator


def run(target: str, **settings: object) -> Report:
    given = {"target": target, "seed": 1, "key": KEY, "real_time": True, **settings}
    return Run(Settings(**given), Silent()).perform()  # type: ignore[arg-type]


def names(emulator: Emulator) -> set[str]:
    """Return the queues and crons there are."""
    box = emulator.sandbox(KEY)
    found = set()
    for path in ("queue/list", "cron/list"):
        answer = box.client.get(f"/v1/scheduling/{path}?limit=100")
        found |= {str(item.get("queue") or item.get("name")) for item in answer["data"]["items"]}
    return found


def test_without_allow_writes_only_reads_and_requests_without_a_key_are_sent() -> None:
    with serving(lambda _: envelope({"items": [], "balance_usd": 1, "currency": "USD"})) as (url, asked):
        report = run(url, only=("[!s]*", "schema/queue.get/examples"))
    written = [item for item in asked if item.method != "GET" and item.headers.get("Authorization") == f"Bearer {KEY}"]
    assert written == []
    reasons = {item.reason for item in report.results if item.check.writes and item.status == Status.NOT_CHECKED}
    assert "it writes; --allow-writes lets it" in reasons


def test_everything_created_is_deleted_in_the_end(service: Emulator) -> None:
    report = run(service.url, allow_writes=True, only=FEW)
    assert (report.exit_status, report.left_over, names(service)) == (0, [], set())


def test_everything_created_is_deleted_after_a_failure_and_a_spent_budget(service: Emulator) -> None:
    report = run(service.url, allow_writes=True, only=FEW, max_requests=44)
    assert report.stopped is None or "budget of 44 requests is spent" in report.stopped
    assert ([name for name in report.left_over if not name.startswith("task ")], names(service)) == ([], set())


def test_everything_created_is_deleted_on_ctrl_c(service: Emulator) -> None:
    command = [sys.executable, "-m", "sched_emulator", "contract", "--target", service.url, "--real-time"]
    command += ["--allow-writes", "--only", "cron/*", "--only", "queue/*", "--seed", "3"]
    environment = {**os.environ, "INFRAI_API_KEY": KEY}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        while not names(service):
            assert process.poll() is None, "it ended before it made anything"
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate()
    assert (process.returncode, names(service)) == (2, set())
    assert b"interrupted" in out


def test_clean_up_finishes_the_job_later(service: Emulator) -> None:
    box = service.sandbox(KEY)
    dead = {"name": "ct-old-dead"}
    post = box.client.request
    post("POST", "/v1/scheduling/queue/create", dead)
    post("POST", "/v1/scheduling/queue/create", {"name": "ct-old-q", "dead_letter_queue": "ct-old-dead"})
    cron = {"name": "ct-old-cron", "schedule": "0 0 1 1 *", "url": "https://example.com/x"}
    post("POST", "/v1/scheduling/cron/create", cron)
    post("POST", "/v1/scheduling/queue/create", {"name": "mine"})
    said: list[str] = []
    assert by_prefix(Settings(target=service.url, key=KEY), "ct-old-", said.append) == []
    assert (said, names(service)) == (["1 cron and 2 queues have the prefix ct-old-"], {"mine"})
    post("DELETE", "/v1/scheduling/queue/delete/mine")


def test_the_same_seed_sends_the_same_requests() -> None:
    def sent() -> list[tuple[str, str, str | None]]:
        settings = Settings(target="emulator", seed=5, only=("queue/*", "cron/record/*"))
        report = Run(settings, Silent()).perform()
        exchanges = [item for result in report.results for item in result.exchanges]
        return [(item.method, item.url.split("/", 3)[3], item.body) for item in exchanges]

    assert sent() == sent()


def test_a_plan_keeps_within_the_budget_and_takes_what_is_documented_first() -> None:
    settings = Settings(target="https://api.example.com", key=KEY, allow_writes=True)
    plan = make_plan(settings, catalogue.load(), virtual=False)
    assert plan.requests <= 500
    groups = {check.address.rpartition("/")[0] for check in plan.scenarios}
    assert {"queue/lease", "queue/nack", "cron/record", "idempotency", "task", "push"} <= groups
    assert not any("fuzzing" in address or "coverage" in address for address in plan.schema)
    said = " ".join(plan.sentences())
    assert "At most 500 requests are sent, 5 a second." in said
    assert "named ct-" in said


def test_the_key_is_printed_nowhere(service: Emulator, capfd: pytest.CaptureFixture[str], tmp_path: object) -> None:
    os.environ["CONTRACT_TEST_KEY"] = "ifr_do_not_print_me"
    try:
        arguments = ["contract", "--target", service.url, "--real-time", "--api-key-env", "CONTRACT_TEST_KEY"]
        main([*arguments, "--allow-writes", "--only", "queue/ack/*", "--report-dir", str(tmp_path), "--seed", "1"])
    finally:
        del os.environ["CONTRACT_TEST_KEY"]
    captured = capfd.readouterr()
    assert "ifr_do_not_print_me" not in captured.out + captured.err


def test_a_failure_is_repeated_by_the_command_that_it_prints(capsys: pytest.CaptureFixture[str]) -> None:
    def answer(request: Asked) -> Told:
        return envelope({"items": {} if "cron" in request.path else []})

    with serving(answer) as (url, _):
        arguments = ["contract", "--target", url, "--seed", "1", "--only", "example/2", "--allow-writes"]
        assert main(arguments) == 1
        first = capsys.readouterr().out
        command = next(line.split("repeat:")[1] for line in first.splitlines() if "repeat:" in line)
        assert main([word.strip("'") for word in command.split()[1:]]) == 1


def test_without_a_check_of_what_is_documented_nothing_was_judged(capsys: pytest.CaptureFixture[str]) -> None:
    def answer(request: Asked) -> Told:
        return envelope({"items": []} if "list" in request.path else {"balance_usd": "1"})

    with serving(answer) as (url, _):
        assert main(["contract", "--target", url, "--only", "account/1"]) == 2
        assert main(["contract", "--target", url, "--only", "account/1", "--hold", "vendor"]) == 1
    assert "≠ choice/http.public Discovery and account are served" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--target", "nonsense"], "--target: 'nonsense' cannot be used: the URL must start with http:// or https://"),
        (["--prefix", "UPPER"], "--prefix: 'UPPER' cannot begin names"),
        (["--rate", "fast"], "--rate: 'fast' is no rate; expected requests in a second, such as 5/s"),
        (["--callback-listen", "here"], "--callback-listen: 'here' is no address"),
        (["--max-requests", "0"], "--max-requests: 0 is out of range"),
        (["--assumptions", "absent.toml"], "--assumptions: there is no file 'absent.toml'; expected the path of one"),
    ],
)
def test_mistakes_in_options_are_one_sentence(
    arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["contract", *arguments]) == 2
    assert sentence in capsys.readouterr().err


def test_the_list_names_every_check(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["contract", "--list"]) == 0
    out = capsys.readouterr().out
    assert "queue/lease/1" in out
    assert "schema/queue.publish/fuzzing" in out
    assert "probe/queue.nack_position" in out


def test_a_prefix_is_made_of_the_seed() -> None:
    assert Settings(target="emulator", seed=1).prefix == Settings(target="emulator", seed=1).prefix
    assert Settings(target="emulator", seed=1).prefix != Settings(target="emulator", seed=2).prefix
    with pytest.raises(SettingsError):
        Settings(target="ftp://x")


def test_every_mutant_can_be_made_and_there_are_enough() -> None:
    from tests.contract.kill_mutants import original  # noqa: PLC0415 - only this test needs it

    assert len(MUTANTS) >= 60
    assert [item.name for item in MUTANTS if original(item).count(item.old) != 1] == []
    assert len({item.name for item in MUTANTS}) == len(MUTANTS)
    assert set(SURVIVORS) <= {item.name for item in MUTANTS}


@pytest.mark.parametrize("number", [60, 170])
def test_mutants_are_killed(number: int) -> None:
    fate = judge(MUTANTS[number])
    assert fate.killer is not None


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--only", "queues/*"], "--only: no check has an address like 'queues/*'; did you mean 'queue/"),
        (["--only", "queue/lease/*", "--only", "shcema/*"], "--only: no check has an address like 'shcema/*'; did you"),
        (["--list", "--only", "qqq"], "--only: no check has an address like 'qqq'; `sched-emulator contract --list`"),
        (["--known", "KNOWN"], "--known: no check has an address like 'queue/lease/99'; did you mean 'queue/lease/"),
    ],
)
def test_what_fits_no_check_is_refused_before_anything_is_sent(
    arguments: list[str], complaint: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    known = tmp_path / "known"
    known.write_text("queue/lease/1: longer here\nqueue/lease/99: gone\nschema/*/fuzzing: not looked into\n")
    assert main(["contract", *(str(known) if word == "KNOWN" else word for word in arguments)]) == 2
    out, error = capsys.readouterr()
    assert (out, error.count("\n"), complaint in error) == ("", 1, True)


def test_a_list_of_checks_shows_those_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["contract", "--list", "--only", "queue/lease/*", "--only", "probe/cron.dst"]) == 0
    addresses = [line.split()[0] for line in capsys.readouterr().out.splitlines()]
    assert addresses[-1] == "probe/cron.dst"
    assert {address.rpartition("/")[0] for address in addresses[:-1]} == {"queue/lease"}


def test_everything_created_is_deleted_after_a_402() -> None:
    """Credit runs out in the middle: what was made is still deleted, whatever a deletion costs."""
    there: set[str] = set()

    def answer(request: Asked) -> Told:
        name = json.loads(request.body or b"{}").get("name")
        if request.method == "DELETE":
            there.discard(request.path.rpartition("/")[2])
            return envelope({"deleted": True})
        if request.path.endswith("queue/create") and name is not None and len(there) < 3:
            there.add(name)
            return envelope({"queue": name, "type": "standard"})
        return envelope(None, 402) if request.method == "POST" else envelope({"items": []})

    with serving(answer) as (url, _):
        report = run(url, allow_writes=True, only=("queue/ack/*", "queue/lease/*"))
    assert ("no credit left" in (report.stopped or ""), report.left_over, there) == (True, [], set())


def test_a_key_that_is_missing_is_said_before_anything_is_sent() -> None:
    problem = r"there is no key in \$INFRAI_API_KEY; set it, or name another variable with --api-key-env"
    with pytest.raises(SettingsError, match=problem):
        Run(Settings("https://api.example.com"), Silent())
    Run(Settings("https://api.example.com", only=("access/*",)), Silent())


def prices(usd: float) -> dict[str, Price]:
    return {name: Price(usd if operation.method != "GET" else 0.0) for name, operation in routes().items()}


def test_a_plan_says_what_it_costs_and_keeps_within_the_dollars_allowed() -> None:
    found = catalogue.load()
    settings = Settings("https://api.example.com", key=KEY, allow_writes=True, only=("queue/ack/1",))
    cost = Cost(Counter({"queue.create": 2, "queue.publish": 3, "queue.get": 1}), Counter(queue=2))
    assert list(Plan(settings, found, virtual=False, prices=prices(0.01), cost=cost).sentences())[2] == (
        "By the prices of /v1/discovery, about $0.07, deleting included: 1 read for $0.00 and 7 writes for $0.07."
    )
    dear = replace(settings, max_usd=0.01)
    assert make_plan(dear, found, virtual=False, prices=prices(0.01)).scenarios == []
    assert (
        "What that costs is not known: /v1/discovery tells no prices."
        in make_plan(settings, found, virtual=False).sentences()
    )


def test_what_is_documented_is_planned_first_and_what_cannot_fail_last() -> None:
    settings = Settings("https://api.example.com", key=KEY, allow_writes=True, max_requests=900)
    planned = [check.warrant for check in make_plan(settings, catalogue.load(), virtual=False).scenarios]
    assert planned == sorted(planned, key=lambda warrant: warrant == Warrant.CHOICE)


def test_no_more_dollars_are_spent_than_allowed_and_those_for_deleting_are_kept() -> None:
    spent: list[str] = []

    def answer(request: Asked) -> Told:
        if request.path.startswith("/v1/discovery"):
            billing = {"price_usd": 0.01, "free": False, "unit": "request"}
            listed = [{"id": operation.operation_id, "billing": billing} for operation in routes().values()]
            return as_json({"capabilities": listed})
        spent.append(request.method)
        return envelope({"items": [], "queue": json.loads(request.body or b"{}").get("name", "q"), "message_id": "m"})

    with serving(answer) as (url, _):
        report = run(url, allow_writes=True, only=("probe/queue.*",), max_usd=0.5)
    assert (len(spent) <= 50, spent.count("DELETE") > 0, report.left_over) == (True, True, [])


def test_dollars_cannot_be_limited_where_nobody_tells_prices() -> None:
    with serving(lambda _: envelope({"items": []})) as (url, _), pytest.raises(CannotJudge, match="tells no prices"):
        run(url, only=("discovery/*",), max_usd=0.5)


def test_without_a_terminal_a_line_every_ten_seconds_says_that_a_run_in_real_time_goes_on() -> None:
    seconds, log = [0.0], io.StringIO()
    terminal = Terminal(log, clock=lambda: seconds[0])
    terminal.planned(Plan(Settings("https://api.example.com", key=KEY), catalogue.load(), virtual=False))
    log.truncate(0)
    for seconds[0] in range(31):
        terminal.beat(int(seconds[0]), 40)
    told = log.getvalue().lstrip("\0").splitlines()
    assert told == [f"… {done} of 40 checks done" for done in (10, 20, 30)]
    terminal.planned(Plan(Settings("emulator"), catalogue.load(), virtual=True))
    before = log.getvalue()
    seconds[0] = 99
    terminal.beat(1, 40)
    assert log.getvalue() == before


def test_clean_up_says_in_a_sentence_that_nothing_can_be_listed() -> None:
    with (
        serving(lambda _: envelope(None, 401)) as (url, _),
        pytest.raises(SettingsError, match=r"--cleanup: /v1/scheduling/.*/list answered 401, and no list"),
    ):
        by_prefix(Settings(url, key=KEY), "ct-", lambda _: None)


def test_no_name_makes_a_line_longer_than_a_screen() -> None:
    told: list[str] = []
    with serving(lambda _: envelope(None, 500)) as (url, _):
        cleaner = Cleaner(Gate(key=KEY, cleaning=True), url, told.append)
        assert cleaner.delete({"queue": ["q" * 2000]}) == [f"queue {'q' * 60}… (2000 characters)"]
