import json
import os
import re
import socket
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from sched_emulator import Emulator, Sandbox
from sched_emulator.cli import main
from sched_emulator.client.http import Client
from sched_emulator.spec import answer_files, assumptions


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("SCHED_EMULATOR_") or name == "INFRAI_API_KEY"]:
        monkeypatch.delenv(name)


@pytest.fixture
def box(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    monkeypatch.setenv("SCHED_EMULATOR_URL", emulator.url)
    with emulator.sandbox() as fresh:
        monkeypatch.setenv("INFRAI_API_KEY", fresh.api_key)
        client = Client(emulator.url, fresh.api_key)
        cron = {"cron_expr": "0 9 * * 1", "task_type": "http_url", "task_url": "https://api.acme.com/weekly"}
        client.request("POST", "/v1/scheduling/cron/create", cron)
        client.close()
        yield fresh


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """Run a command line that must be refused as wrong usage, and return its one line."""
    try:
        status: Any = main(arguments)
    except SystemExit as ended:
        status = ended.code
    out, error = capsys.readouterr()
    assert (status, out, error.count("\n")) == (2, "", 1)
    return error.removesuffix("\n")


# --- The sandbox meant.


def test_a_key_without_a_sandbox_is_refused_where_nothing_could_be_seen(
    emulator: Emulator, box: Sandbox, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = f"ifr_sa…{box.api_key[-2:]}"
    for command in (["clock"], ["clock", "advance", "3d"], ["assumptions", "relied"], ["assumptions", "list"]):
        told = refused(capsys, *command, "--key", "ifr_typo")
        assert told.endswith(f": --key: the key ifr_typo has no sandbox yet; there is {shown}")
    with emulator.sandbox("ifr_team"):
        told = refused(capsys, "clock", "advance", "3d", "--key", "ifr_tema")
        assert told.endswith(f"no sandbox yet; there are {shown}, ifr_team; did you mean ifr_team?")
        monkeypatch.setenv("INFRAI_API_KEY", "ifr_a_long_key_of_somebody")
        assert ": $INFRAI_API_KEY: the key ifr_a_lo… has no sandbox yet; there are " in refused(capsys, "clock")
        monkeypatch.delenv("INFRAI_API_KEY")
        told = refused(capsys, "clock")
        assert told == f"sched-emulator clock: --key must say which sandbox is meant; there are {shown}, ifr_team"
    box.delete()
    assert refused(capsys, "clock") == (
        "sched-emulator clock: there is no sandbox yet: the first request with a key makes one"
    )
    assert refused(capsys, "clock", "--key", "ifr_typo").endswith(
        "--key: the key ifr_typo has no sandbox yet, nor has any other: the first request with a key makes one"
    )
    assert emulator.sandboxes() == []


def test_a_key_that_is_not_accepted_is_told_without_a_word_of_headers(
    box: Sandbox, capsys: pytest.CaptureFixture[str]
) -> None:
    assert box.clock.mode == "frozen"
    assert refused(capsys, "clock", "--key", "sk_live_0123456789") == (
        "sched-emulator clock: --key: the emulator does not accept the key sk_live_…; "
        "expected one that starts with ifr_ and goes on, or that `serve --keys` lists"
    )


def test_a_command_that_sets_something_makes_the_sandbox_and_says_so(
    emulator: Emulator, box: Sandbox, capsys: pytest.CaptureFixture[str]
) -> None:
    assert box.clock.mode == "frozen"
    for command in (["freeze"], ["resume", "60x"], ["set", "2026-03-01"]):
        assert main(["clock", *command, "--key", "ifr_new"]) == 0
        told = f"sched-emulator clock {command[0]}: the key ifr_new had no sandbox yet; now it has one\n"
        assert capsys.readouterr().err == told
        emulator.sandbox("ifr_new").delete()


# --- Numbers.


def test_an_advance_counts_what_is_no_longer_kept(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with Emulator.start(journal=5) as emulator, emulator.sandbox("ifr_many") as box:
        monkeypatch.setenv("SCHED_EMULATOR_URL", emulator.url)
        cron = {"cron_expr": "* * * * *", "task_type": "http_url", "task_url": "https://api.acme.com/minutely"}
        box.client.request("POST", "/v1/scheduling/cron/create", cron)
        for minutes, lost, kept in ((3, 0, 3), (4, 0, 4), (12, 7, 5)):
            assert main(["clock", "advance", f"{minutes}m"]) == 0
            out = capsys.readouterr().out
            assert f"\n{minutes} events, {minutes} deliveries; it is now " in out
            told = f"the first {lost} deliveries are no longer kept; `serve --journal N` keeps more\n"
            assert out.startswith(told) is bool(lost)
            assert out.count("minutely") == kept
        assert main(["clock", "advance", "8m", "--json"]) == 0
        told = json.loads(capsys.readouterr().out)
        assert (told["fired"], len(told["deliveries"]), told["dropped"]) == (8, 5, 3)


# --- Variables of the environment.


def test_a_variable_that_is_no_option_is_told_in_one_line(
    box: Sandbox, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    of_services = {
        "SCHED_EMULATOR_PORT": "tcp://10.0.0.1:8420",
        "SCHED_EMULATOR_SERVICE_HOST": "10.0.0.1",
        "SCHED_EMULATOR_SERVICE_PORT": "8420",
        "SCHED_EMULATOR_SERVICE_PORT_HTTP": "8420",
        "SCHED_EMULATOR_PORT_8420_TCP": "tcp://10.0.0.1:8420",
        "SCHED_EMULATOR_PORT_8420_TCP_ADDR": "10.0.0.1",
        "SCHED_EMULATOR_0_SERVICE_PORT": "8420",
        "SCHED_EMULATOR_0_PORT": "tcp://10.0.0.2:8420",
        "SCHED_EMULATOR_0_PORT_8420_TCP_PROTO": "tcp",
    }
    ours = {"SCHED_EMULATOR_CLOCK": "frozen", "SCHED_EMULATOR_TLS_PORT": "1", "SCHED_EMULATOR_OFFLINE": "1"}
    for name, value in {**of_services, **ours, "SCHED_EMULATOR_EMPTY": ""}.items():
        monkeypatch.setenv(name, value)
    assert main(["clock", "--key", box.api_key]) == 0
    assert capsys.readouterr().err == ""
    monkeypatch.setenv("SCHED_EMULATOR_CLOK", "frozen")
    monkeypatch.setenv("SCHED_EMULATOR_XYZZY", "1")
    assert main(["clock", "--key", box.api_key]) == 0
    assert capsys.readouterr().err == (
        "sched-emulator clock: no option is set by SCHED_EMULATOR_CLOK (did you mean SCHED_EMULATOR_CLOCK?), "
        "SCHED_EMULATOR_XYZZY\n"
    )


# --- The clock.


def test_the_clock_is_shown(box: Sandbox, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["clock"]) == 0
    assert capsys.readouterr().out == (
        "now   2026-01-01T00:00:00.000Z\nmode  frozen\nnext  2026-01-05T09:00:00.000Z, in 4d 9h\n"
    )
    assert main(["clock", "show", "--json", "--key", box.api_key]) == 0
    assert json.loads(capsys.readouterr().out)["next_event_at"] == "2026-01-05T09:00:00.000Z"


def test_an_advance_prints_what_fired(box: Sandbox, capsys: pytest.CaptureFixture[str]) -> None:
    box.targets.script("*", [503, 200])
    assert main(["clock", "advance", "1w"]) == 0
    assert capsys.readouterr().out == (
        "2026-01-05T09:00:00.000Z  cron     https://api.acme.com/weekly  failed 503\n"
        "2026-01-05T09:00:10.000Z  cron     https://api.acme.com/weekly  delivered 200 (attempt 2)\n"
        "2 events, 2 deliveries; it is now 2026-01-08T00:00:00.000Z\n"
    )
    assert main(["clock", "advance", "1w", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [entry["at"] for entry in told.pop("deliveries")] == ["2026-01-12T09:00:00.000Z"]
    assert told == {"now": "2026-01-15T00:00:00.000Z", "fired": 1, "stopped": "until", "dropped": 0}


def test_a_long_list_of_deliveries_is_cut(box: Sandbox, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["clock", "advance", "104w"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert (len(lines), lines[-2]) == (102, "… and 4 more; --json shows them all")
    assert lines[-1].startswith("104 events, 104 deliveries; it is now ")
    assert box.clock.mode == "frozen"


def test_the_clock_is_set_frozen_and_let_go(box: Sandbox, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["clock", "set", "2026-01-05T10:00+01:00"]) == 0
    assert capsys.readouterr().out == (
        "2026-01-05T09:00:00.000Z  cron     https://api.acme.com/weekly  captured 200\n"
        "1 delivery; it is now 2026-01-05T09:00:00.000Z\n"
    )
    assert main(["clock", "resume", "60x"]) == 0
    assert "mode  running, 60 times real time\n" in capsys.readouterr().out
    assert main(["clock", "resume"]) == 0
    assert main(["clock", "freeze"]) == 0
    assert "mode  frozen\n" in capsys.readouterr().out
    assert box.clock.now >= datetime(2026, 1, 5, 9, tzinfo=UTC)


def test_a_clock_that_cannot_go_back_says_so(box: Sandbox, capsys: pytest.CaptureFixture[str]) -> None:
    box.clock.advance(days=30)
    assert refused(capsys, "clock", "set", "2026-01-02").startswith(
        "sched-emulator clock set: the clock is at 2026-01-31T00:00:00.000Z and cannot go back to 2026-01-02"
    )


def test_a_speed_that_is_none_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert refused(capsys, "clock", "resume", "frozen") == (
        "sched-emulator clock resume: SPEED: 'frozen' does not resume; expected a speed like 60x"
    )


def test_no_emulator_is_said_to_be_that(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    assert refused(capsys, "clock", "--url", url) == (
        f"sched-emulator clock: no emulator answers at {url}: connection refused "
        "(start one with `sched-emulator serve`, or give the URL of one that runs)"
    )
    assert refused(capsys, "clock", "show", "--url", "localhost").startswith(
        "sched-emulator clock show: --url: 'localhost' cannot be used: the URL must start with http:// or https://"
    )


# --- Assumptions.


def test_all_questions_are_listed_without_an_emulator(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["assumptions"]) == 0
    out = capsys.readouterr().out
    assert [name for name in assumptions.catalogue() if f"  {name} " not in out] == []
    assert main(["assumptions", "list", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == assumptions.defaults()


def test_the_answers_in_force_are_those_of_the_sandbox_named(box: Sandbox, capsys: pytest.CaptureFixture[str]) -> None:
    box.assumptions.set({"queue.nack_position": "back"})
    assert main(["assumptions", "list", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {**assumptions.defaults(), "queue.nack_position": "back"}
    assert main(["assumptions", "explain", "queue.nack_position"]) == 0
    assert "In force: back\n" in capsys.readouterr().out


def test_a_lock_holds_all_answers_in_force_and_which_of_them_were_measured(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    seen = tmp_path / "gateway.toml"
    seen.write_text('[queue]\nnack_position = "back"\nmax_retries = 7\nack_unknown = "reject"\n', encoding="utf-8")
    given = ["--assumptions", str(seen), "--assume", "queue.ack_unknown=accept"]
    assert main(["assumptions", "lock", *given, "--dialect", "observed"]) == 0
    text = capsys.readouterr().out
    measured: dict[str, str | int] = {"queue.nack_position": "back", "queue.max_retries": 7}
    expected = assumptions.preset("observed") | measured | {"queue.ack_unknown": "accept"}
    assert assumptions.parse_answers_toml(text, "locked") == expected
    assert answer_files.measured_in(text, "locked") == measured
    assert '\ncron.dst = "vixie"  # assumed\n' in text
    locked = tmp_path / "locked.toml"
    assert main(["assumptions", "lock", *given, "--dialect", "observed", "--out", str(locked)]) == 0
    assert locked.read_text(encoding="utf-8") == text
    capsys.readouterr()
    assert main(["assumptions", "lock", "--assumptions", str(locked)]) == 0
    assert capsys.readouterr().out == text


def test_the_lock_of_a_running_emulator_holds_what_its_sandbox_answers(
    box: Sandbox, capsys: pytest.CaptureFixture[str]
) -> None:
    box.assumptions.set({"queue.nack_position": "back"})
    assert main(["assumptions", "lock"]) == 0
    text = capsys.readouterr().out
    assert assumptions.parse_answers_toml(text, "locked") == box.assumptions.get()
    assert answer_files.measured_in(text, "locked") == {}
    assert refused(capsys, "assumptions", "lock", "--assume", "cron.dst=literal") == (
        "sched-emulator assumptions lock: --assume: the emulator of --url or --key is asked; expected one or the other"
    )


@pytest.mark.parametrize("name", list(assumptions.catalogue()))
def test_every_question_is_explained(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["assumptions", "explain", name]) == 0
    out = capsys.readouterr().out
    for title in (name, "The documentation", "Answers", "Default", "Why", "How to measure it", "How to set it"):
        assert re.search(rf"^{re.escape(title)}", out, re.MULTILINE), title
    setting = re.search(r"serve --assume (\S+)", out)
    assert setting is not None
    assert assumptions.parse_answers(dict([setting[1].split("=")])) != {name: assumptions.catalogue()[name].default}


def test_an_explanation_says_how_to_set_the_answer_everywhere(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["assumptions", "explain", "queue.nack_position"]) == 0
    assert capsys.readouterr().out.endswith(
        "How to set it\n"
        "  command line  sched-emulator serve --assume queue.nack_position=back\n"
        '  TOML file     queue.nack_position = "back"\n'
        '  Python        box.assumptions.set({"queue.nack_position": "back"})\n'
        '  control API   PUT /_emulator/assumptions {"queue.nack_position": "back"}\n'
    )


def test_an_explanation_for_scripts_is_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["assumptions", "explain", "cron.dst", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["id"], told["kind"], told["default"], set(told["answers"])) == (
        "cron.dst",
        "behaviour",
        "vixie",
        {"vixie", "literal"},
    )


def test_an_unknown_question_is_refused_with_the_one_meant(capsys: pytest.CaptureFixture[str]) -> None:
    assert refused(capsys, "assumptions", "explain", "queue.nack_positon") == (
        "sched-emulator assumptions explain: there is no assumption 'queue.nack_positon'; "
        "did you mean queue.nack_position?"
    )


def test_what_a_session_relied_on_is_printed_for_people(box: Sandbox, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["assumptions", "relied"]) == 0
    assert capsys.readouterr().out == (
        "idempotency.required = optional: Does a creation need an idempotency key?\n"
        "  under required: request 1, cron.create, would have been refused\n"
        "    INVALID_REQUEST: `idempotency_key` must be given for a creation, got none\n"
        f"It also used names or forms that the documentation leaves open: {', '.join(box.relied()['shapes'])}.\n"
    )
    assert main(["assumptions", "relied", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == box.relied()


def test_a_session_that_relied_on_nothing_is_told_so(emulator: Emulator, capsys: pytest.CaptureFixture[str]) -> None:
    with emulator.sandbox() as fresh:
        assert main(["assumptions", "relied", "--url", emulator.url, "--key", fresh.api_key]) == 0
    assert capsys.readouterr().out == (
        "No other answer to an open question would have changed anything in this session.\n"
    )


# --- Cron expressions.


def test_the_next_instants_of_an_expression_are_shown_in_both_times(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["0 9 * * 1", "--timezone", "America/New_York", "--from", "2026-03-01T00:00Z", "--count", "2"]
    assert main(["cron", *arguments]) == 0
    assert capsys.readouterr().out == (
        "2026-03-02 14:00:00 UTC  Mon 2026-03-02 09:00:00 -0500\n"
        "2026-03-09 13:00:00 UTC  Mon 2026-03-09 09:00:00 -0400\n"
    )
    assert main(["cron", *arguments, "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == [
        {"utc": "2026-03-02T14:00:00.000Z", "local": "2026-03-02T09:00:00-05:00"},
        {"utc": "2026-03-09T13:00:00.000Z", "local": "2026-03-09T09:00:00-04:00"},
    ]


def test_five_instants_from_now_are_shown_by_default(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["cron", "*", "*", "*", "*", "*"]) == 0
    assert capsys.readouterr().out.count(" UTC  ") == 5


def test_open_questions_about_expressions_are_options(capsys: pytest.CaptureFixture[str]) -> None:
    last = ["cron", "0 9 * * * 30", "--seconds-position", "last", "--from", "2026-01-01", "--count", "1"]
    assert main(last) == 0
    assert capsys.readouterr().out.startswith("2026-01-01 09:00:30 UTC")
    gap = ["cron", "30 2 * * *", "--timezone", "America/New_York", "--from", "2026-03-08T06:00Z", "--count", "1"]
    assert main([*gap, "--dst", "literal"]) == 0
    assert capsys.readouterr().out.startswith("2026-03-09 06:30:00 UTC")
    assert main(gap) == 0
    assert capsys.readouterr().out.startswith("2026-03-08 07:00:00 UTC")


def test_an_expression_that_cannot_be_is_status_1_and_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["cron", "0 9 30 2 *"]) == 1
    out, error = capsys.readouterr()
    assert (out, error.count("\n")) == ("", 1)
    assert error.startswith("sched-emulator cron: day of month: ")


def test_a_zone_that_does_not_exist_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert refused(capsys, "cron", "0 9 * * *", "--timezone", "Mars/Base").startswith(
        "sched-emulator cron: --timezone: 'Mars/Base' does not exist: expected "
    )
