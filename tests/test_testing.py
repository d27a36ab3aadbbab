import asyncio
import contextlib
import inspect
import signal
import socket
import subprocess
import sys
import textwrap
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import freezegun
import pytest

import sched_emulator
from sched_emulator import Emulator, EmulatorError, Sandbox, aio, handles
from sched_emulator.client import Client, UnreachableError
from sched_emulator.testing import serve_arguments

START = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def emulator() -> Iterator[Emulator]:
    with Emulator.start(now=START) as started:
        yield started


@pytest.fixture
def box(emulator: Emulator) -> Iterator[Sandbox]:
    with emulator.sandbox() as fresh:
        yield fresh


def call(emulator: Emulator, box: Sandbox, method: str, path: str, body: Any = None) -> Any:
    client = Client(emulator.url, box.api_key)
    try:
        return client.request(method, f"/v1/scheduling{path}", body)["data"]
    finally:
        client.close()


def create_cron(emulator: Emulator, box: Sandbox, url: str = "https://api.acme.com/weekly") -> str:
    body = {"cron_expr": "0 9 * * 1", "task_type": "http_url", "task_url": url}
    cron_id: str = call(emulator, box, "POST", "/cron/create", body)["cron_id"]
    return cron_id


def run_python(script: str, *, stdin: int | None = None) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-c", textwrap.dedent(script)]
    return subprocess.run(command, stdin=stdin, capture_output=True, text=True, check=True)  # noqa: S603 - ours


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
        sched_emulator.Simulator  # noqa: B018


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
        "seed": 7,
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
        "--seed=7",
    ]
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
    parent = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)  # noqa: S603 - ours
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


# --- The clock.


def test_time_passes_by_units_until_an_instant_and_by_events(emulator: Emulator, box: Sandbox) -> None:
    create_cron(emulator, box)
    monday = datetime(2026, 1, 5, 9, tzinfo=UTC)
    assert box.clock.next_event_at == monday
    assert box.clock.advance(weeks=0, days=1, hours=2, minutes=3, seconds=4.5) == {
        "now": "2026-01-02T02:03:04.500Z",
        "fired": 0,
        "stopped": "until",
    }
    assert box.clock.advance(until=monday)["now"] == "2026-01-05T09:00:00.000Z"
    moved = box.clock.advance(events=1)
    assert (moved["fired"], moved["stopped"]) == (1, "events")
    assert box.clock.settle()["now"] == moved["now"]
    assert box.clock.advance(until="2026-02-01T00:00:00+01:00")["now"] == "2026-01-31T23:00:00.000Z"
    assert box.clock.advance(weeks=52, max_events=1)["stopped"] == "max_events"


def test_a_naive_datetime_is_utc(box: Sandbox) -> None:
    naive = datetime(2026, 1, 3)  # noqa: DTZ001 - what is tested
    assert box.clock.advance(until=naive)["now"] == "2026-01-03T00:00:00.000Z"


def test_a_clock_is_set_frozen_and_let_go(box: Sandbox) -> None:
    assert box.clock.set(datetime(2026, 7, 1, tzinfo=UTC))["now"] == "2026-07-01T00:00:00.000Z"
    assert box.clock.resume(speed=5)["speed"] == 5
    assert box.clock.mode == "wall"
    assert box.clock.freeze()["mode"] == "frozen"
    assert box.clock.now >= datetime(2026, 7, 1, tzinfo=UTC)
    assert box.clock.resume()["mode"] == "wall"


def test_how_far_is_said_in_one_way(box: Sandbox) -> None:
    with pytest.raises(ValueError, match=r"^say how far in one way: units of time, until= or events=$"):
        box.clock.advance(hours=1, events=1)


def test_going_back_is_an_error_that_says_so(emulator: Emulator, box: Sandbox) -> None:
    create_cron(emulator, box)
    box.clock.advance(days=10)
    with pytest.raises(EmulatorError) as caught:
        box.clock.set(START)
    assert (caught.value.status, caught.value.code) == (409, "CONFLICT")
    with pytest.raises(EmulatorError) as caught:
        box.clock.advance(seconds=-1)
    assert (caught.value.status, "seconds" in caught.value.message) == (400, True)


# --- The outside world.


def test_scripted_receivers_answer_in_turn(emulator: Emulator, box: Sandbox) -> None:
    create_cron(emulator, box)
    script = box.targets.script("https://api.acme.com/*", [503, "timeout", {"status": 201, "latency_seconds": 2}])
    assert script == {
        "url": "https://api.acme.com/*",
        "responses": [{"status": 503}, {"error": "timeout"}, {"status": 201, "latency_seconds": 2}],
        "then": "repeat-last",
        "used": 0,
    }
    box.clock.advance(weeks=1)
    told = [(entry["attempt"], entry["outcome"], entry.get("status")) for entry in box.deliveries(url="*weekly*")]
    assert told == [(1, "failed", 503), (2, "timeout", None), (3, "delivered", 201)]
    assert [target["used"] for target in box.targets.list()] == [3]
    box.targets.clear()
    assert box.targets.list() == []


def test_one_response_needs_no_list(box: Sandbox) -> None:
    assert box.targets.script("https://a/*", 204, then="cycle")["responses"] == [{"status": 204}]
    assert box.targets.script("https://b/*", {"status": 204})["responses"] == [{"status": 204}]
    assert box.targets.script("https://c/*", "reset")["responses"] == [{"error": "reset"}]


def test_a_journal_is_read_on_from_a_number(emulator: Emulator, box: Sandbox) -> None:
    create_cron(emulator, box)
    box.clock.advance(weeks=2)
    first, second = box.deliveries()
    assert (first["outcome"], first["at"], second["at"]) == (
        "captured",
        "2026-01-05T09:00:00.000Z",
        "2026-01-12T09:00:00.000Z",
    )
    assert [entry["seq"] for entry in box.deliveries(since=first["seq"])] == [second["seq"]]
    log = box.requests(operation="cron.*")
    assert [(entry["operation"], entry["status"]) for entry in log] == [("scheduling.cron.create", 200)]
    assert (log.first_seq, log.dropped) == (log[0]["seq"], 0)
    assert box.requests(operation="queue.*") == []


def test_the_timeline_shows_what_is_due(emulator: Emulator, box: Sandbox) -> None:
    cron_id = create_cron(emulator, box)
    (due,) = box.timeline()
    assert (due["at"], due["subject"]) == ("2026-01-05T09:00:00.000Z", cron_id)
    assert box.timeline(limit=1) == [due]


def test_faults_meet_requests(emulator: Emulator, box: Sandbox) -> None:
    added = box.faults.add(operation="queue.*", status=503, times=1)
    assert (added["operation"], added["status"], added["times"], added["used"]) == ("queue.*", 503, 1, 0)
    with pytest.raises(EmulatorError) as caught:
        call(emulator, box, "GET", "/queue/list")
    assert caught.value.status == 503
    assert call(emulator, box, "GET", "/queue/list")["items"] == []
    box.faults.clear()
    assert box.faults.list() == []


def test_the_balance_is_set_like_an_attribute(emulator: Emulator, box: Sandbox) -> None:
    assert box.account.balance_usd is None
    box.account.balance_usd = 0
    assert box.account.balance_usd == 0
    with pytest.raises(EmulatorError) as caught:
        create_cron(emulator, box)
    assert (caught.value.status, caught.value.code) == (402, "INSUFFICIENT_CREDIT")
    box.account.balance_usd = None
    create_cron(emulator, box)


def test_answers_are_changed_and_returned_to_the_default(box: Sandbox) -> None:
    assert box.assumptions.set({"queue.nack_position": "back", "cron.retries": 5})["cron.retries"] == 5
    changed = box.assumptions.get()
    assert (changed["queue.nack_position"], changed["cron.retries"]) == ("back", 5)
    assert box.assumptions.set({"queue.nack_position": None})["queue.nack_position"] == "front"


def test_routes_are_replaced(box: Sandbox) -> None:
    assert box.routes.get() == {}
    routes = {"https://api.acme.com": "http://127.0.0.1:9000"}
    assert box.routes.set(routes) == routes
    assert box.routes.get() == routes


# --- State as a whole.


def test_a_restored_snapshot_has_the_same_future(emulator: Emulator, box: Sandbox) -> None:
    create_cron(emulator, box)
    box.clock.advance(days=3)
    snapshot = box.snapshot()
    box.clock.advance(weeks=2)
    first = box.deliveries()
    box.restore(snapshot)
    assert box.clock.now == START + timedelta(days=3)
    box.clock.advance(weeks=2)
    assert box.deliveries() == first
    assert len(first) == 2


def test_reset_makes_a_sandbox_as_new(emulator: Emulator, box: Sandbox) -> None:
    cron_id = create_cron(emulator, box)
    box.targets.script("https://*", 200)
    box.clock.advance(weeks=2)
    box.reset()
    assert (box.clock.now, box.targets.list(), list(box.requests()), list(box.deliveries())) == (START, [], [], [])
    assert create_cron(emulator, box) == cron_id


def test_relied_is_the_documented_object(box: Sandbox) -> None:
    assert box.relied() == {"items": [], "shapes": [], "complete": True}


# --- Coroutines.

MIRRORS: dict[type[Any], type[Any]] = {
    handles.Clock: aio.AsyncClock,
    handles.Targets: aio.AsyncTargets,
    handles.Faults: aio.AsyncFaults,
    handles.Account: aio.AsyncAccount,
    handles.Assumptions: aio.AsyncAssumptions,
    handles.Routes: aio.AsyncRoutes,
    handles.Sandbox: aio.AsyncSandbox,
}


@pytest.mark.parametrize("handle", MIRRORS)
def test_every_public_member_has_its_coroutine(handle: type[Any]) -> None:
    def public(kind: type[Any]) -> set[str]:
        return {name for name, _ in inspect.getmembers(kind) if not name.startswith("_")}

    assert public(MIRRORS[handle]) == public(handle) - {"aio"}


async def test_coroutines_do_what_the_methods_do(emulator: Emulator, box: Sandbox) -> None:
    mirror = box.aio
    assert (mirror.base_url, mirror.api_key) == (box.base_url, box.api_key)
    await mirror.targets.script("https://api.acme.com/*", [200])
    create_cron(emulator, box)
    assert await mirror.clock.advance(weeks=1) == {"now": "2026-01-08T00:00:00.000Z", "fired": 1, "stopped": "until"}
    assert [entry["outcome"] for entry in await mirror.deliveries(url="*weekly*")] == ["delivered"]
    assert await mirror.clock.now == START + timedelta(weeks=1)
    assert await mirror.clock.mode == "frozen"
    assert await mirror.clock.next_event_at == datetime(2026, 1, 12, 9, tzinfo=UTC)
    await mirror.account.set(5)
    assert (await mirror.account.balance_usd, await mirror.account.get()) == (5, 5)


async def test_a_sandbox_is_forgotten_at_the_end_of_an_async_block_too(emulator: Emulator) -> None:
    before = emulator.health()["sandboxes"]
    async with emulator.sandbox().aio:
        assert emulator.health()["sandboxes"] == before + 1
    assert emulator.health()["sandboxes"] == before


@contextlib.asynccontextmanager
async def receiver(handle: Callable[[bytes], Awaitable[None]]) -> AsyncIterator[str]:
    """Serve a receiver on the test's own loop, which hands on each request line and then answers 200; give its URL."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        await handle(head.split(b"\r\n")[0])
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def test_a_loop_that_serves_the_receiver_may_await_the_advance(emulator: Emulator, box: Sandbox) -> None:
    received: list[bytes] = []

    async def handle(line: bytes) -> None:
        received.append(line)

    async with receiver(handle) as url:
        await box.aio.routes.set({"https://api.acme.com": url})
        create_cron(emulator, box)
        await box.aio.clock.advance(weeks=1)
    assert received == [b"POST /weekly HTTP/1.1"]
    (delivery,) = box.deliveries()
    assert (delivery["outcome"], delivery["routed_to"]) == ("delivered", f"{url}/weekly")


async def test_a_receiver_that_advances_a_frozen_clock_in_its_delivery_is_refused(
    emulator: Emulator, box: Sandbox
) -> None:
    refusals: list[EmulatorError] = []

    async def handle(_line: bytes) -> None:
        try:
            await box.aio.clock.advance(hours=1)
        except EmulatorError as error:
            refusals.append(error)

    async with receiver(handle) as url:
        create_cron(emulator, box, url)
        moved = await box.aio.clock.advance(weeks=1)
    assert [(error.status, error.retry_after_seconds) for error in refusals] == [(409, 1)]
    assert moved == {"now": "2026-01-08T00:00:00.000Z", "fired": 1, "stopped": "until"}


async def test_an_advance_of_a_running_clock_waits_for_a_receiver(emulator: Emulator) -> None:
    called, release = asyncio.Event(), asyncio.Event()

    async def handle(_line: bytes) -> None:
        called.set()
        await release.wait()

    async with receiver(handle) as url, emulator.sandbox(clock="wall").aio as box:
        body = {"task": url, "run_at": "2026-01-01T00:00:00Z"}
        await asyncio.to_thread(call, emulator, box.handle, "POST", "/task/schedule", body)
        await called.wait()
        client = Client(emulator.url, box.api_key)
        with pytest.raises(EmulatorError) as caught:
            await asyncio.to_thread(client.request, "POST", "/_emulator/clock/advance", {"seconds": 60})
        client.close()
        advance = asyncio.create_task(box.clock.advance(seconds=60))
        release.set()
        moved = await advance
        outcomes = [entry["outcome"] for entry in await box.deliveries()]
    assert (caught.value.status, caught.value.retry_after_seconds) == (409, 1)
    assert (moved["stopped"], outcomes) == ("until", ["delivered"])
