"""What a server records of itself is played again byte for byte; what comes out otherwise is found."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import RawTestServer, TestClient
from hypothesis import given
from hypothesis import strategies as st

from sched_emulator import Receiver
from sched_emulator.config import Config
from sched_emulator.recording.lines import Command, Delivery, Entry, Exchange
from sched_emulator.recording.reader import Recording
from sched_emulator.server.app import App
from sched_emulator.server.replaying import Difference, PlayError, Replay, going_on
from sched_emulator.spec import assumptions

KEY, OTHER = "ifr_live_8Jk2PqZ7", "ifr_live_another_one"
SECRET = "S3cret-of-mine-42"  # noqa: S105 - nobody's
HOOK = "https://api.acme.com/hook"
DATA = Path(__file__).parents[1] / "data" / "recordings"


async def session(path: Path, url: str) -> None:
    """Do a bit of everything that a server can be asked."""
    app = App(Config(clock_mode="frozen", answers=assumptions.defaults(), max_body=1024))
    client: TestClient[Any, Any] = TestClient(RawTestServer(app.handle))

    async def ask(method: str, target: str, body: Any = None, key: str | None = KEY, **headers: str) -> Any:
        sent = {"Authorization": f"Bearer {key}"} if key else {}
        answer = await client.request(method, target, json=body, headers={**sent, **headers})
        return await answer.read()

    async with client:
        app.record(path, "http://127.0.0.1:8420")
        await ask("GET", "/v1/discovery", key=None)
        await ask("GET", "/v1/cron/list", key=None)
        await ask("PUT", "/_emulator/clock", {"now": "2026-02-01T00:00:00Z"})
        script = {"url": f"{HOOK}*", "responses": [503, {"status": 200, "latency_seconds": 1.5}]}
        await ask("POST", "/_emulator/targets", script)
        await ask("POST", "/_emulator/faults", {"operation": "queue.stats", "drop": True, "times": 1, "after": True})
        await ask("PUT", "/_emulator/account", {"balance_usd": 12.5})
        await ask("PUT", "/_emulator/assumptions", {"queue.nack_position": "back"})
        cron = {"cron_expr": "* * * * *", "task": HOOK, "headers": {"X-Api-Token": SECRET}, "retry": 2}
        await ask("POST", "/v1/scheduling/cron/create", cron, **{"Idempotency-Key": "once"})
        await ask("POST", "/v1/scheduling/cron/create", cron, **{"Idempotency-Key": "once"})
        await ask("POST", "/v1/scheduling/queue/publish", {"queue": "orders", "payload": 1.10})
        subscription = {"url": f"{HOOK}/push", "secret": SECRET}
        await ask("POST", "/v1/scheduling/queue/push_subscribe/orders", subscription)
        await ask("POST", "/v1/scheduling/queue/publish", {"queue": "orders", "payload": {"exact": 1.10, "é": ["✓"]}})
        await ask("POST", "/v1/scheduling/task/schedule", {"task": f"{url}/x", "run_at": "2026-02-01T00:01:00Z"})
        await ask("POST", "/_emulator/clock/advance", {"seconds": 300})
        for name in ("a", "b", "c"):
            await ask("POST", "/v1/scheduling/queue/publish", {"queue": name, "payload": KEY}, key=OTHER)
        page = json.loads(await ask("GET", "/v1/scheduling/run/list?limit=1"))["data"]
        page = json.loads(await ask("GET", f"/v1/scheduling/run/list?limit=1&cursor={page['next_cursor']}"))
        assert page["ok"]
        await ask("POST", "/v1/scheduling/queue/consume", {"queue": "a"}, key=OTHER)
        await ask("POST", "/v1/scheduling/queue/consume", {"queue": 7})
        await ask("PATCH", "/v1/scheduling/queue/consume")
        await ask("POST", "/v1/scheduling/queue/publish", {"queue": "orders", "payload": "x" * 2000})
        with pytest.raises(Exception):  # noqa: B017, PT011 - the connection is dropped
            await ask("GET", "/v1/scheduling/queue/stats/orders")
        state = await ask("GET", "/_emulator/snapshot")
        await ask("POST", "/_emulator/reset", {"seed": 7})
        await ask("POST", "/v1/scheduling/queue/publish", {"queue": "orders", "payload": 1})
        await client.put("/_emulator/snapshot", data=state, headers={"Authorization": f"Bearer {KEY}"})
        await ask("POST", "/_emulator/clock/advance", {"seconds": 60})
        await ask("DELETE", "/_emulator/sandbox", key=OTHER)
        await ask("GET", "/v1/scheduling/queue/list", key=OTHER)
        await app.close()


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("recordings") / "session.jsonl"
    with Receiver() as receiver:
        receiver.respond(500, 200)
        asyncio.run(session(path, receiver.url))
    return path


def entries(path: Path) -> list[Entry]:
    with Recording(path) as recording:
        return list(recording)


def played(found: list[Entry]) -> tuple[Replay, Difference | None]:
    replay = Replay()
    for entry in found:
        different = replay.play(entry)
        if different is not None:
            return replay, different
    return replay, None


def test_all_that_was_recorded_comes_out_again(recorded: Path) -> None:
    found = entries(recorded)
    replay, different = played(found)
    assert different is None
    commands = [entry.command for entry in found if isinstance(entry, Command)]
    told = {
        "base",
        "set_now",
        "set_clock",
        "add_target",
        "add_fault",
        "set_balance",
        "set_assumptions",
        "poll",
        "settle",
    }
    assert {*commands} == told | {"reset", "restore", "forget"}
    exchanges = [entry for entry in found if isinstance(entry, Exchange)]
    deliveries = [entry for entry in found if isinstance(entry, Delivery)]
    assert (replay.compared, replay.passed_over) == (len(exchanges) - 2, 2)
    assert replay.deliveries == len(deliveries) > 5
    assert [entry.error for entry in exchanges if entry.status is None] == [
        "the connection was dropped: a fault asked for it"
    ]
    assert [each.key is not None for each in replay.sandboxes.values()] == [True, True]


def test_no_key_and_no_secret_is_in_it(recorded: Path) -> None:
    content = recorded.read_bytes()
    assert [secret for secret in (KEY, OTHER, SECRET) if secret.encode() in content] == []


def test_the_instants_are_those_of_the_sandboxes_clock(recorded: Path) -> None:
    instants = {entry.sent_at_ms for entry in entries(recorded) if isinstance(entry, Exchange) and entry.account == 1}
    first = 1_769_904_000_000  # 2026-02-01T00:00:00Z
    assert instants == {first, first + 300_000, 1_767_225_600_000}


def otherwise(found: list[Entry], change: Callable[[Entry], Entry | None]) -> Difference | None:
    """Play a recording in which the first entry that a change takes is changed."""
    for at, entry in enumerate(found):
        changed = change(entry)
        if changed is not None:
            return played([*found[:at], changed, *found[at + 1 :]])[1]
    raise AssertionError("nothing was changed")


def in_exchange(**changes: Any) -> Callable[[Entry], Entry | None]:
    return lambda entry: (
        replace(entry, **changes) if isinstance(entry, Exchange) and "cron/create" in entry.path else None
    )


def in_delivery(**changes: Any) -> Callable[[Entry], Entry | None]:
    return lambda entry: replace(entry, **changes) if isinstance(entry, Delivery) else None


@pytest.mark.parametrize(
    ("change", "fields"),
    [
        (in_exchange(status=418), ("status",)),
        (in_exchange(response="{}"), ("response",)),
        (in_exchange(response_headers=()), ("response_headers",)),
        (in_exchange(error="it was late"), ("error",)),
        (in_exchange(journal={"seq": 1, "operation": "x"}), ("journal",)),
        (in_delivery(body='{"other":1}'), ("body",)),
        (in_delivery(at_ms=0, status=418), ("at_ms", "status")),
        (in_delivery(headers=()), ("headers",)),
        (in_delivery(journal={}), ("journal",)),
        (in_delivery(journal={"seq": Decimal("1.5")}), ("journal",)),
    ],
)
def test_what_was_recorded_otherwise_is_found(
    recorded: Path, change: Callable[[Entry], Entry | None], fields: tuple[str, ...]
) -> None:
    different = otherwise(entries(recorded), change)
    assert different is not None
    assert different.fields == fields


def test_a_delivery_that_is_not_there_on_one_side_is_found(recorded: Path) -> None:
    found = entries(recorded)
    at = next(at for at, entry in enumerate(found) if isinstance(entry, Delivery))
    missing = played([*found[:at], *(entry for entry in found[at:] if not isinstance(entry, Delivery))])[1]
    assert missing is not None
    assert (missing.recorded, missing.played and missing.played.journal is not None) == (None, True)
    twice = played([*found[: at + 1], found[at]])[1]
    assert twice is not None
    assert twice.played is None or twice.fields != ()


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        (Command(9, "poll", {}), "has a command of account 9, whose beginning is not in the file"),
        (Command(None, "poll", {}), "has the command 'poll' of no account; expected a number"),
        (Command(1, "explode", {}), "has the command 'explode', which this version does not know"),
        (Command(1, "poll", {"until": 1}), "cannot be played: its arguments are none of poll"),
        (Command(1, "poll", None), "cannot be played: its arguments are none of poll"),
        (
            Exchange(0, 0, "GET", "\ud800", (), "", 200, account=1, journal={}),
            "cannot be played: its request has a sign that no request can have",
        ),
        (Command(1, "settle", {"attempt_id": "x"}), "cannot be played: the arguments of settle are none of this"),
        (Command(1, "settle", {"attempt_id": "x", "outcome": {"result": 7}}), "cannot be played: the arguments of"),
        (Command(2, "base", {"seal": "", "version": 99}), "has a beginning that cannot be played: this is no snapshot"),
        (Command(2, "base", 7), "has a beginning that cannot be played: this is no snapshot of this version"),
    ],
)
def test_what_cannot_be_played_is_a_sentence(recorded: Path, entry: Entry, said: str) -> None:
    beginning = next(each for each in entries(recorded) if isinstance(each, Command) and each.command == "base")
    with pytest.raises(PlayError) as raised:
        played([beginning, entry])
    assert str(raised.value).startswith(said)


def test_a_sandbox_goes_on_with_the_state_that_was_reached(recorded: Path) -> None:
    replay, _ = played(entries(recorded))
    first, second = going_on(replay)
    assert first.key.startswith("ifr_")
    assert (first.key == KEY, len(first.key)) == (False, len(KEY))
    assert [cron.task for cron in first.state.crons] == [HOOK]
    assert (second.state.queues, second.state.journal_seq) == ([], 1)


@given(data=st.data())
def test_cut_off_at_any_byte_it_is_played_to_its_last_whole_line(recorded: Path, data: st.DataObject) -> None:
    content = recorded.read_bytes()
    first = content.index(b"\n") + 1
    cut = data.draw(st.integers(first, len(content)))
    path = recorded.with_name("cut.jsonl")
    path.write_bytes(content[:cut])
    with Recording(path) as recording:
        found = list(recording)
    assert played(found)[1] is None
    assert len(found) in {
        content[:cut].count(b"\n") - 1,
        content[:cut].count(b"\n"),
    }  # its line feed alone may be missing


@pytest.mark.parametrize("path", sorted(DATA.glob("emulator-*.jsonl")), ids=lambda path: path.name)
def test_recordings_of_all_formats_are_played(path: Path) -> None:
    found = entries(path)
    replay, different = played(found)
    assert different is None
    assert (replay.compared, replay.deliveries) == (6, 4)
