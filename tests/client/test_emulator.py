import signal
import socket
import subprocess
import sys
import textwrap
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from urllib.parse import urlsplit

import freezegun
import pytest

import sched_emulator
from sched_emulator import Emulator, EmulatorError
from sched_emulator.client.emulator import serve_arguments
from sched_emulator.client.http import UnreachableError
from tests.emulated import START


def run_python(script: str, *, stdin: int | None = None) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-c", textwrap.dedent(script)]
    return subprocess.run(command, stdin=stdin, capture_output=True, text=True, check=True)


# --- What importing costs, and what is there.


def test_importing_the_package_imports_nothing_heavy() -> None:
    script = """
        import sys
        heavy = {"aiohttp", "yaml", "asyncio", "msgspec", "jsonschema_rs", "croniter", "http.client", "pytest"}
        import sched_emulator
        print(heavy & set(sys.modules))
        from sched_emulator import Emulator
        print(heavy & set(sys.modules))
    """
    assert run_python(script).stdout.splitlines() == ["set()", "{'http.client'}"]


def test_the_package_has_what_it_promises_and_nothing_else() -> None:
    assert {name: getattr(sched_emulator, name).__name__ for name in ("Emulator", "EmulatorError", "Sandbox")} == {
        "Emulator": "Emulator",
        "EmulatorError": "EmulatorError",
        "Sandbox": "Sandbox",
    }
    assert sched_emulator.__version__.count(".") == 2
    with pytest.raises(AttributeError, match=r"^module 'sched_emulator' has no attribute 'Simulator'$"):
        sched_emulator.Simulator  # type: ignore[attr-defined]  # noqa: B018


# --- Starting, stopping, finding.


def test_options_become_a_command_line() -> None:
    options = {
        "clock": "60x",
        "now": datetime(2026, 1, 1, 1, tzinfo=timezone(timedelta(hours=1))),
        "assume": {"queue.nack_position": "back", "cron.retries": 5},
        "assumptions": {"cron.dst": "literal"},
        "route": {"https://api.acme.com": "http://127.0.0.1:9000"},
        "strict_urls": True,
        "delivery_timeout": 0.5,
        "keys": ["ifr_a", "ifr_b"],
        "load": Path("seed.json"),
        "record_dir": Path("recordings"),
        "seed": 7,
        "journal": 20_000,
    }
    assert serve_arguments(options) == [
        "--clock=60x",
        "--now=2026-01-01T01:00:00+01:00",
        "--assume=queue.nack_position=back",
        "--assume=cron.retries=5",
        "--assume=cron.dst=literal",
        "--route=https://api.acme.com=http://127.0.0.1:9000",
        "--strict-urls",
        "--delivery-timeout=0.500000s",
        "--keys=ifr_a,ifr_b",
        "--load=seed.json",
        "--record-dir=recordings",
        "--seed=7",
        "--journal=20000",
    ]
    assert serve_arguments({"delivery_timeout": timedelta(seconds=90)}) == ["--delivery-timeout=90.000000s"]
    assert serve_arguments({"strict_urls": False, "assumptions": "answers.toml", "allow_host": "*"}) == [
        "--assumptions=answers.toml",
        "--allow-host=*",
    ]


def test_an_unknown_option_is_named_with_the_one_meant() -> None:
    with pytest.raises(TypeError, match=r"^Emulator\.start\(\) knows no option 'deliverr'; did you mean 'deliver'\?$"):
        Emulator.start(deliverr="all")  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="knows no option 'zzz'; there are allow_host, assume, "):
        Emulator.start(zzz=1)  # type: ignore[call-arg]


def test_an_emulator_is_ready_when_start_returns_and_gone_when_stop_returns() -> None:
    with Emulator.start(seed=3) as started:
        assert started.health()["status"] == "ok"
    with pytest.raises(UnreachableError):
        Emulator.connect(started.url)
    started.stop()


def test_an_emulator_that_does_not_start_says_why() -> None:
    with pytest.raises(EmulatorError) as caught:
        Emulator.start(load="nowhere.json")
    assert str(caught.value) == (
        "the emulator did not start (exit status 2):\n"
        "sched-emulator serve: --load: there is no file 'nowhere.json'; expected the path of one"
    )


def test_the_seed_of_a_key_cannot_be_given(emulator: Emulator) -> None:
    with pytest.raises(ValueError, match=r"^seed= is the beginning of a fresh sandbox; that of a key gets another by"):
        emulator.sandbox("ifr_mine", seed=7)
    assert emulator.sandboxes() == []


def test_connect_finds_an_emulator_and_leaves_it_running(emulator: Emulator) -> None:
    with Emulator.connect(emulator.url) as found:
        assert found.health()["instance"] == emulator.health()["instance"]
        with found.sandbox() as box:
            assert (box.clock.mode, box.api_key in {item["key"] for item in found.sandboxes()}) == ("frozen", False)
    assert emulator.health()["status"] == "ok"


def test_an_emulator_ends_with_its_parent_however_that_ends() -> None:
    script = """
        import sys, time
        from sched_emulator import Emulator
        emulator = Emulator.start()
        print(emulator.url, flush=True)
        sys.stdin.read()
    """
    command = [sys.executable, "-c", textwrap.dedent(script)]
    parent = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    with parent:
        assert parent.stdout is not None
        address = urlsplit(parent.stdout.readline().strip())
        with socket.create_connection((address.hostname, address.port)) as connection:
            connection.settimeout(60)
            parent.send_signal(signal.SIGKILL)
            assert connection.recv(1) == b""


def test_an_emulator_outlives_a_fork_of_its_parent() -> None:
    script = """
        import os, sys
        from sched_emulator import Emulator
        emulator = Emulator.start()
        child = os.fork()
        if child == 0:
            sys.exit(0)
        os.waitpid(child, 0)
        print(emulator.health()["status"])
    """
    assert run_python(script).stdout == "ok\n"


def test_an_emulator_starts_and_moves_while_the_time_of_the_test_is_frozen() -> None:
    with freezegun.freeze_time("2030-05-05"), Emulator.start(now=START) as started:
        moved = started.sandbox().clock.advance(hours=1)
    assert moved == {"now": "2026-01-01T01:00:00.000Z", "fired": 0, "stopped": "until"}


def test_the_environment_sets_options_that_start_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCHED_EMULATOR_ASSUME", "queue.nack_position=back")
    monkeypatch.setenv("SCHED_EMULATOR_PORT", "tcp://10.0.0.1:8420")
    monkeypatch.setenv("SCHED_EMULATOR_CLOCK", "wall")
    with Emulator.start() as started, started.sandbox() as box:
        assert (box.assumptions.get()["queue.nack_position"], box.clock.mode) == ("back", "frozen")


# --- Sandboxes.


def test_each_fresh_sandbox_is_frozen_at_the_start_and_alone(emulator: Emulator) -> None:
    with emulator.sandbox() as first, emulator.sandbox() as second:
        first.clock.advance(days=1)
        assert (first.clock.now, second.clock.now) == (START + timedelta(days=1), START)
        assert first.api_key != second.api_key
        assert (second.clock.mode, second.base_url) == ("frozen", f"{emulator.url}/v1/scheduling")


def test_keys_of_a_started_emulator_are_the_same_every_time() -> None:
    keys = []
    for _ in range(2):
        with Emulator.start() as started:
            keys.append([started.sandbox().api_key for _ in range(2)])
    assert keys[0] == keys[1] == ["ifr_sandbox_1", "ifr_sandbox_2"]


def test_a_sandbox_of_a_key_is_the_same_again(emulator: Emulator) -> None:
    with emulator.sandbox("ifr_mine") as box:
        box.clock.advance(hours=2)
        again = emulator.sandbox("ifr_mine")
        assert (again.api_key, again.clock.now) == ("ifr_mine", START + timedelta(hours=2))


def test_a_sandbox_takes_its_own_clock_and_answers(emulator: Emulator) -> None:
    with emulator.sandbox(now="2030-06-01", assumptions={"cron.dst": "literal"}) as box:
        assert (box.clock.now, box.assumptions.get()["cron.dst"]) == (datetime(2030, 6, 1, tzinfo=UTC), "literal")
    with emulator.sandbox(clock="1000x") as running:
        state = running.clock.state()
        assert (state["mode"], state["speed"]) == ("wall", 1000)


def test_a_fresh_frozen_sandbox_stands_where_it_was_told_though_the_emulators_clock_runs() -> None:
    with Emulator.start(clock="1000000x") as emulator:
        for box in (
            emulator.sandbox(clock="frozen", now="2026-03-01T00:00:00Z"),
            emulator.renewed("ifr_mine", clock="frozen", now="2026-03-01T00:00:00Z"),
        ):
            state = box.clock.state()
            assert (state["mode"], state["now"]) == ("frozen", "2026-03-01T00:00:00.000Z")


def test_fresh_sandboxes_have_the_clock_the_emulator_was_started_with() -> None:
    with Emulator.start(clock="60x") as started:
        state = started.sandbox().clock.state()
    assert (state["mode"], state["speed"]) == ("wall", 60)


def test_a_deleted_sandbox_is_forgotten(emulator: Emulator) -> None:
    before = emulator.health()["sandboxes"]
    box = emulator.sandbox()
    assert emulator.health()["sandboxes"] == before + 1
    box.delete()
    assert emulator.health()["sandboxes"] == before
