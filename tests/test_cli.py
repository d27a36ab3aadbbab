import json
import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from sched_emulator import Emulator, __version__
from sched_emulator.cli import build_parser, main
from sched_emulator.commands import serve
from sched_emulator.commands.options import values_of
from sched_emulator.config import FROZEN_START_MS, Config
from sched_emulator.spec import assumptions

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
    ["drift"],
    ["completion"],
    ["tail"],
    ["spec"],
    *([name] for name in ("requests", "deliveries", "timeline", "sandboxes", "reset", "snapshot")),
    *(["snapshot", name] for name in ("save", "load")),
    *([name, *action] for name in ("targets", "faults", "routes") for action in ([], ["list"], ["add"], ["clear"])),
]


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("SCHED_EMULATOR_") or name == "INFRAI_API_KEY"]:
        monkeypatch.delenv(name)


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
    assert refused(capsys, "serve", "--bogus").endswith("`sched-emulator serve --help` shows how it is used")
    assert refused(capsys, "clock", "advance") == (
        "sched-emulator clock advance: the following arguments are required: DURATION; "
        "`sched-emulator clock advance --help` shows how it is used"
    )
    assert refused(capsys, "clock", "advance", "3p") == (
        "sched-emulator clock advance: DURATION: '3p' is no duration; "
        "expected a form like 90s, 15m, 2h, 3d, 1w or PT15M"
    )
    assert refused(capsys, "clock", "advance", "-1h") == (
        "sched-emulator clock advance: DURATION: '-1h' goes back, and time only moves forward; "
        "expected a form like 90s, 15m, 2h, 3d, 1w or PT15M"
    )
    assert refused(capsys, "clock", "set", "-1h").startswith(
        "sched-emulator clock set: INSTANT: '-1h' is no instant; expected "
    )
    assert refused(capsys, "completion", "tcsh") == (
        "sched-emulator completion: SHELL: 'tcsh' is not possible; expected bash or zsh or fish"
    )
    assert refused(capsys, "serve", "--delivery-timeout", "-1s").startswith(
        "sched-emulator serve: --delivery-timeout: '-1s' goes back, and time only moves forward; "
    )


def test_options_are_not_abbreviated(capsys: pytest.CaptureFixture[str]) -> None:
    assert "--por" in refused(capsys, "serve", "--por", "1")


def test_a_reader_that_has_seen_enough_is_no_error() -> None:
    ours = f"{sys.executable} -m sched_emulator"
    command = f"({ours} assumptions list --json; echo $? >&2) | head -n 1; ({ours} --help; echo $? >&2) | true"
    ended = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=True)  # noqa: S607 - ours
    assert (ended.stdout, ended.stderr) == ("{\n", "0\n0\n")


# --- What serve is started with.


def test_serve_without_options_has_the_documented_defaults() -> None:
    assert config_of() == Config(answers=assumptions.defaults())


def test_every_option_of_serve_reaches_the_configuration(tmp_path: Path) -> None:
    answers = tmp_path / "answers.toml"
    answers.write_text('[queue]\nnack_position = "back"\nnack_delay = "backoff"\n')
    snapshot = tmp_path / "snapshot.json"
    snapshot.write_text("{}")
    prices = tmp_path / "prices.json"
    prices.write_text('{"capabilities":[{"id":"queue.publish","billing":{"price_usd":0.001,"unit":"message"}}]}')
    config = config_of(
        *("--prices", str(prices)),
        *("--host", "::", "--port", "0", "--port-file", str(tmp_path / "port"), "--allow-host", "a.test,b.test"),
        *("--clock", "60x", "--now", "2026-01-01T00:00:00Z", "--dialect", "observed", "--assumptions", str(answers)),
        *("--assume", "queue.nack_delay=now", "--assume", "cron.retries=5"),
        *("--route", "https://a=http://127.0.0.1:1", "--route", "https://b=http://127.0.0.1:2"),
        *("--deliver", "all", "--uncovered", "refuse", "--strict-urls", "--delivery-timeout", "1m"),
        *("--delivery-concurrency", "1", "--signature-clock", "real", "--seed", "7", "--keys", "ifr_a,ifr_b"),
        *(
            "--load",
            str(snapshot),
            "--record",
            str(tmp_path / "all"),
            "--record-dir",
            str(tmp_path),
            "--log",
            "json",
            "--exit-with-stdin",
        ),
        *("--max-body", "1024", "--max-snapshot", "2048", "--keep", "1048576", "--journal", "20001"),
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
        answers={**assumptions.preset("observed"), **changed},
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
        prices={"scheduling.queue.publish": (0.001, True)},
        record=tmp_path / "all",
        record_dir=tmp_path,
        max_body=1024,
        max_snapshot=2048,
        keep=1024 * 1024,
        journal=20_001,
        log="json",
        exit_with_stdin=True,
    )


def test_more_entries_take_more_bytes_unless_these_are_said() -> None:
    mib = 1024 * 1024
    assert [config_of("--journal", number).keep // mib for number in ("1", "10000", "10001", "30000")] == [
        64,
        64,
        128,
        192,
    ]
    assert config_of("--journal", "30000", "--keep", "1048576").keep == mib


def test_what_was_said_is_known_whatever_it_says() -> None:
    config = config_of("--clock", "wall", "--assume", "cron.dst=vixie", SCHED_EMULATOR_SEED="0", SCHED_EMULATOR_PORT="")
    assert config.given == {"clock", "assume", "seed"}
    assert config.given_answers == {"cron.dst": "vixie"}
    assert config_of("--dialect", "documented").given_answers == assumptions.defaults()


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
        answers={**assumptions.defaults(), **changed},
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
        (["--keys", ","], "--keys: ',' names nothing; expected one name, or several separated by commas"),
        (["--allow-host", ""], "--allow-host: '' names nothing; expected one name, or several separated by commas"),
        (["--load", ""], "--load: '' is no path; expected that of a file or a folder"),
        (["--port-file", ""], "--port-file: '' is no path; expected that of a file or a folder"),
        (["--record-dir", ""], "--record-dir: '' is no path; expected that of a file or a folder"),
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
    for command in (["serve", "--port", "0", "--load", str(snapshot)], ["run", "--load", str(snapshot), "--", "true"]):
        assert refused(capsys, *command).startswith(
            f"sched-emulator {command[0]}: --load: {snapshot} cannot be used: this is no snapshot of this version: "
        )


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_serve_ends_well_on_a_signal(number: signal.Signals, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "sched_emulator", "serve", "--port", "0", "--port-file", str(tmp_path / "port")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert "127.0.0.1" in process.stdout.readline()
        process.send_signal(number)
        assert process.wait(60) == 0


def test_what_happens_is_told_as_the_option_says() -> None:
    serve_ = [sys.executable, "-m", "sched_emulator", "serve", "--port=0", "--exit-with-stdin"]
    quiet = subprocess.run([*serve_, "--log=quiet"], stdin=subprocess.DEVNULL, capture_output=True, check=True)
    assert (quiet.stdout, quiet.stderr) == (b"", b"")
    with subprocess.Popen([*serve_, "--log=json"], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        started = json.loads(process.stdout.readline())
        Emulator(started.pop("what")).sandbox("ifr_a", clock="frozen")
        process.stdin.close()
        told = [json.loads(line) for line in process.stdout]
    assert started == {"kind": "started"}
    assert [line.pop("at")[:2] for line in told] == 2 * ["20"]
    assert told == [
        {"key": "ifr_a", "kind": "sandbox", "what": "new", "outcome": "runs 1x"},
        {"key": "ifr_a", "kind": "clock", "outcome": "frozen"},
    ]


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("sreve", "sched-emulator: there is no command 'sreve' (did you mean serve?)"),
        ("xyzzy", "sched-emulator: there is no command 'xyzzy'"),
        ("clock advanse 3d", "sched-emulator clock: there is no action 'advanse' (did you mean advance?)"),
        ("serve --prot=80", "sched-emulator serve: there is no option '--prot=80' (did you mean --port?)"),
        (
            "cron * * * * * --timezon UTC",
            "sched-emulator cron: there is no option '--timezon' (did you mean --timezone?)",
        ),
        ("snapshot save x --jsn", "sched-emulator snapshot save: there is no option '--jsn' (did you mean --json?)"),
        ("serve --xyzzy", "sched-emulator serve: there is no option '--xyzzy'"),
        (
            "faults add --latency 1",
            "sched-emulator faults add: there is no option '--latency' (did you mean --latency-seconds?)",
        ),
        (
            "tail --n",
            "sched-emulator tail: there is no option '--n'",
        ),
        (
            "serve --timeout 3s",
            "sched-emulator serve: there is no option '--timeout' (did you mean --delivery-timeout?)",
        ),
        (
            "faults add --after-seconds",
            "sched-emulator faults add: there is no option '--after-seconds' (did you mean --retry-after-seconds?)",
        ),
        ("serve --port", "sched-emulator serve: --port: expected a value after it"),
        ("faults add --drop=1", "sched-emulator faults add: --drop: takes no value, got '1'"),
        ("serve now", "sched-emulator serve: nothing is done with 'now'"),
        ("--vresion", "sched-emulator: there is no option '--vresion' (did you mean --version?)"),
        ("", "sched-emulator: say which command, such as serve"),
    ],
)
def test_what_there_is_none_of_is_told_with_what_was_meant(
    typed: str, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(typed.split())
    prog = told.partition(":")[0]
    assert (ended.value.code, capsys.readouterr().err) == (2, f"{told}; `{prog} --help` shows how it is used\n")


@pytest.mark.parametrize(
    "words",
    [
        "clock --url",
        "tail --url",
        "drift --target",
        "contract --target",
        "contract --callback-url",
        "calibrate --target",
        "pull --target",
        "record --target",
        "record --out a --target http://h --receiver-port 0 --receiver",
    ],
)
def test_a_url_that_nothing_can_be_asked_at_is_told_with_its_option(
    words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    option = words.rsplit(maxsplit=1)[-1]
    for url, wrong in (
        ("http://127.0.0.1:99999", "must have a port from 1 to 65535, or none"),
        ("http://127.0.0.1:abc", "must have a port from 1 to 65535, or none"),
        ("http://[::1", "must have a valid name or address as its host"),
        ("http://[x]:1", "must have a valid IPv6 address in its brackets"),
        ("http://", "must have a host"),
        ("http://a b", "must not contain whitespace, control characters or backslashes"),
        ("127.0.0.1:8420", "must start with http:// or https://"),
        ("http://h/?a", "must have neither query nor fragment"),
    ):
        line = refused(capsys, *words.split(), url)
        told = f"{option}: {url!r} cannot be used: the URL {wrong}; expected something like https://api.infrai.cc"
        assert line.partition(": ")[2] == told
