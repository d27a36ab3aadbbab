import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from sched_emulator import Emulator, Sandbox, __version__, spec
from sched_emulator.cli import build_parser, main
from sched_emulator.client import Client
from sched_emulator.commands import serve
from sched_emulator.commands.options import values_of
from sched_emulator.config import FROZEN_START_MS, Config

COMMANDS = [
    ["serve"],
    ["demo"],
    ["clock"],
    ["clock", "show"],
    ["clock", "advance"],
    ["clock", "set"],
    ["clock", "freeze"],
    ["clock", "resume"],
    ["assumptions"],
    ["assumptions", "list"],
    ["assumptions", "explain"],
    ["assumptions", "relied"],
    ["cron"],
]


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("SCHED_EMULATOR_") or name == "INFRAI_API_KEY"]:
        monkeypatch.delenv(name)


@pytest.fixture(scope="module")
def emulator() -> Iterator[Emulator]:
    with Emulator.start(now="2026-01-01T00:00:00Z") as started:
        yield started


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


def config_of(*arguments: str, **environment: str) -> Config:
    namespace = build_parser().parse_args(["serve", *arguments])
    return serve.config_of(values_of(namespace.options, namespace, environment))


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """Run a command line that must be refused as wrong usage, and return its one line."""
    try:
        status: Any = main(arguments)
    except SystemExit as ended:
        status = ended.code
    out, error = capsys.readouterr()
    assert (status, out, error.count("\n")) == (2, "", 1)
    return error.removesuffix("\n")


# --- The command line itself.


def test_the_version_is_the_packages(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match=r"^0$"):
        main(["--version"])
    assert capsys.readouterr().out == f"sched-emulator {__version__}\n"


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_has_help_with_examples(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match=r"^0$"):
        main([*command, "--help"])
    assert re.search(
        rf"^examples:\n(  .*\n)*  sched-emulator {' '.join(command)}\b", capsys.readouterr().out, re.MULTILINE
    )


def test_wrong_usage_is_one_line_that_says_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    assert refused(capsys).endswith("`sched-emulator --help` shows how it is used")
    assert refused(capsys, "serve", "--bogus").endswith("`sched-emulator --help` shows how it is used")
    assert refused(capsys, "clock", "advance") == (
        "sched-emulator clock advance: the following arguments are required: DURATION; "
        "`sched-emulator clock advance --help` shows how it is used"
    )
    assert refused(capsys, "clock", "advance", "3p") == (
        "sched-emulator clock advance: DURATION: '3p' is no duration; "
        "expected a form like 90s, 15m, 2h, 3d, 1w or PT15M"
    )


def test_options_are_not_abbreviated(capsys: pytest.CaptureFixture[str]) -> None:
    assert "--por" in refused(capsys, "serve", "--por", "1")


def test_a_reader_that_has_seen_enough_is_no_error() -> None:
    command = f"{sys.executable} -m sched_emulator assumptions list --json | head -n 1"
    ended = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=True)  # noqa: S603, S607 - ours
    assert (ended.stdout, ended.stderr) == ("{\n", "")


# --- What serve is started with.


def test_serve_without_options_has_the_documented_defaults() -> None:
    assert config_of() == Config(answers=spec.defaults())


def test_every_option_of_serve_reaches_the_configuration(tmp_path: Path) -> None:
    answers = tmp_path / "answers.toml"
    answers.write_text('[queue]\nnack_position = "back"\nnack_delay = "backoff"\n')
    snapshot = tmp_path / "snapshot.json"
    snapshot.write_text("{}")
    config = config_of(
        *("--host", "::", "--port", "0", "--port-file", str(tmp_path / "port"), "--allow-host", "a.test,b.test"),
        *("--clock", "60x", "--now", "2026-01-01T00:00:00Z", "--dialect", "observed", "--assumptions", str(answers)),
        *("--assume", "queue.nack_delay=now", "--assume", "cron.retries=5"),
        *("--route", "https://a=http://127.0.0.1:1", "--route", "https://b=http://127.0.0.1:2"),
        *("--deliver", "all", "--uncovered", "refuse", "--strict-urls", "--delivery-timeout", "1m"),
        *("--delivery-concurrency", "1", "--signature-clock", "real", "--seed", "7", "--keys", "ifr_a,ifr_b"),
        *("--load", str(snapshot), "--log", "json", "--exit-with-stdin"),
    )
    changed: dict[str, str | int] = {"queue.nack_position": "back", "queue.nack_delay": "now", "cron.retries": 5}
    assert config == Config(
        host="::",
        port=0,
        port_file=tmp_path / "port",
        allow_hosts=("a.test", "b.test"),
        clock_mode="wall",
        speed=60.0,
        now_ms=FROZEN_START_MS,
        answers={**spec.preset("observed"), **changed},
        routes={"https://a": "http://127.0.0.1:1", "https://b": "http://127.0.0.1:2"},
        deliver="all",
        uncovered="refuse",
        strict_urls=True,
        delivery_timeout_seconds=60.0,
        delivery_concurrency=1,
        signature_clock="real",
        seed=7,
        keys=frozenset({"ifr_a", "ifr_b"}),
        load=snapshot,
        log="json",
        exit_with_stdin=True,
    )


def test_a_frozen_clock_starts_with_2026_and_a_running_one_at_the_present() -> None:
    assert config_of("--clock", "frozen").now_ms == FROZEN_START_MS
    assert config_of("--clock", "wall").now_ms is None
    assert config_of("--clock", "frozen", "--now", "1970-01-01").now_ms == 0


def test_every_option_can_be_set_by_a_variable_and_the_command_line_wins() -> None:
    config = config_of(
        "--seed",
        "8",
        SCHED_EMULATOR_SEED="9",
        SCHED_EMULATOR_PORT="9000",
        SCHED_EMULATOR_STRICT_URLS="1",
        SCHED_EMULATOR_EXIT_WITH_STDIN="off",
        SCHED_EMULATOR_ASSUME="cron.retries=5, cron.dst=literal",
        SCHED_EMULATOR_ALLOW_HOST="a.test,b.test",
        SCHED_EMULATOR_DELIVERY_TIMEOUT="",
    )
    changed: dict[str, str | int] = {"cron.retries": 5, "cron.dst": "literal"}
    assert config == Config(
        port=9000,
        strict_urls=True,
        seed=8,
        allow_hosts=("a.test", "b.test"),
        answers={**spec.defaults(), **changed},
    )


def test_what_kubernetes_puts_into_the_environment_is_ignored() -> None:
    assert config_of(SCHED_EMULATOR_PORT="tcp://10.0.0.1:8420").port == 8420


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--port", "web"], "--port: 'web' is no whole number; expected one from 0 to 65535"),
        (["--clock", "fast"], "--clock: 'fast' is no clock; expected wall, frozen or a speed like 60x"),
        (["--dialect", "loose"], "--dialect: 'loose' is not possible; expected documented or observed"),
        (
            ["--keys", "ifr_a,sk_live_secret"],
            "--keys: 'sk_live_' begins no key; expected keys that start with ifr_ and go on",
        ),
        (["--delivery-timeout", "0s"], "--delivery-timeout: '0s' leaves no time to answer; expected more than 0s"),
        (
            ["--assume", "cron.dst"],
            "--assume: 'cron.dst' is incomplete; expected ID=ANSWER such as queue.nack_position=back",
        ),
        (["--assume", "cron.dts=x"], "--assume: There is no assumption 'cron.dts'; did you mean cron.dst?"),
        (["--assume", "cron.dst=x"], "--assume: cron.dst cannot be 'x'; possible: one of vixie, literal."),
        (["--load", "nowhere"], "--load: there is no file 'nowhere'; expected the path of one"),
        (["--port-file", "/nowhere/port"], "--port-file: there is no folder '/nowhere'; expected one to write into"),
    ],
)
def test_a_wrong_value_is_one_line(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert refused(capsys, "serve", *arguments) == f"sched-emulator serve: {message}"


def test_a_wrong_value_in_the_environment_names_the_variable(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SCHED_EMULATOR_PORT", "web")
    assert refused(capsys, "serve") == (
        "sched-emulator serve: SCHED_EMULATOR_PORT: 'web' is no whole number; expected one from 0 to 65535"
    )


def test_a_port_in_use_is_said_to_be_that(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert refused(capsys, "serve", "--host", "127.0.0.1", "--port", str(port)) == (
            f"sched-emulator serve: cannot listen on 127.0.0.1:{port}: address already in use; choose another --port"
        )


def test_a_snapshot_that_is_none_is_said_to_be_that(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    snapshot = tmp_path / "seed.json"
    snapshot.write_text("{}")
    assert refused(capsys, "serve", "--port", "0", "--load", str(snapshot)).startswith(
        f"sched-emulator serve: --load: {snapshot} cannot be used: "
    )


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_serve_ends_well_on_a_signal(number: signal.Signals, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "sched_emulator", "serve", "--port", "0", "--port-file", str(tmp_path / "port")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603 - ours
        assert process.stdout is not None
        assert "127.0.0.1" in process.stdout.readline()
        process.send_signal(number)
        assert process.wait(60) == 0


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
    assert told == {"now": "2026-01-15T00:00:00.000Z", "fired": 1, "stopped": "until"}


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
    assert refused(capsys, "clock", "set", "2026-01-02").startswith("sched-emulator clock set: 409 CONFLICT: ")


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
        "sched-emulator clock show: --url: 'localhost' is no URL of an emulator; expected something like http://"
    )


# --- Assumptions.


def test_all_questions_are_listed_without_an_emulator(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["assumptions"]) == 0
    out = capsys.readouterr().out
    assert [name for name in spec.catalogue() if f"  {name} " not in out] == []
    assert main(["assumptions", "list", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == spec.defaults()


def test_the_answers_in_force_are_those_of_the_sandbox_named(box: Sandbox, capsys: pytest.CaptureFixture[str]) -> None:
    box.assumptions.set({"queue.nack_position": "back"})
    assert main(["assumptions", "list", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {**spec.defaults(), "queue.nack_position": "back"}
    assert main(["assumptions", "explain", "queue.nack_position"]) == 0
    assert "In force: back\n" in capsys.readouterr().out


@pytest.mark.parametrize("name", list(spec.catalogue()))
def test_every_question_is_explained(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["assumptions", "explain", name]) == 0
    out = capsys.readouterr().out
    for title in (name, "The documentation", "Answers", "Default", "Why", "How to measure it", "How to set it"):
        assert re.search(rf"^{re.escape(title)}", out, re.MULTILINE), title
    setting = re.search(r"serve --assume (\S+)", out)
    assert setting is not None
    assert spec.parse_answers(dict([setting[1].split("=")])) != {name: spec.catalogue()[name].default}


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
        "  under required, scheduling.cron.create (number 1) would differ\n"
        '    was       {"cron_id": "cron_000001", "name": "cron_000001", "schedule": "0 9 * * 1", '
        '"url": "https://api.acme.com/weekly", "enabled": true, "next_run_at": "2026-01-05T09:00:00.000Z"}\n'
        '    would be  {"error": {"code": "INVALID_REQUEST", '
        '"message": "`idempotency_key` must be given for a creation, got none"}}\n'
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
