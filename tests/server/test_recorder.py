"""A sandbox is recorded in a file of its own where that is asked for: from its beginning to its end."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sched_emulator.recording.lines import Command, Exchange
from sched_emulator.recording.reader import Recording
from sched_emulator.server import exchange
from sched_emulator.server.app import App
from sched_emulator.server.exchange import Received
from sched_emulator.server.replaying import Replay, going_on
from tests.costs import cheaper
from tests.server.harness import Api, Start

URL = "http://127.0.0.1:8420"
SENT = {"queue": "orders", "payload": {"n": 1}}


@pytest.fixture
async def app(api: Api, tmp_path: Path) -> App:
    api.app.record_into(tmp_path / "new" / "folder", URL)
    return api.app


def files_in(folder: Path) -> list[str]:
    return [path.name for path in folder.rglob("*") if path.is_file()]


async def begun(api: Api, name: str) -> Path:
    return Path((await api.control("PUT", "recording", {"name": name}))["file"])


async def refused(api: Api, body: Any) -> tuple[int, str]:
    answer = await api.send("PUT", "/_emulator/recording", body)
    return answer.status, (await answer.json())["error"]["message"]


@pytest.mark.usefixtures("app")
async def test_the_file_has_its_sandbox_from_its_beginning_to_its_end_and_goes_on_from_there(api: Api) -> None:
    path = await begun(api, "test_it")
    await api.with_key("ifr_other").call("queue.publish", SENT)
    await api.control("POST", "reset", {"now": "2027-01-01T00:00:00Z", "seed": 3})
    await api.call("queue.publish", SENT)
    await api.advance(seconds=60)
    await api.control("DELETE", "sandbox")
    await api.call("queue.publish", SENT)  # in the next sandbox of the same key
    with Recording(path) as recording:
        assert recording.header.target == URL
        told = [entry.command if isinstance(entry, Command) else type(entry) for entry in recording]
    assert told == ["base", "reset", Exchange, "poll", "poll"]
    replay = Replay()
    with Recording(path) as recording:
        assert [replay.play(entry) for entry in recording] == 5 * [None]
    assert [str(sandbox.state.now_ms) for sandbox in going_on(replay)] == ["1798761660000"]


@pytest.mark.usefixtures("app")
async def test_a_name_that_is_taken_gets_a_number_and_no_file_is_written_over(api: Api, tmp_path: Path) -> None:
    folder = tmp_path / "new" / "folder"
    (folder / "test_it-2.jsonl").write_text("another server's")
    names = [(await begun(api.with_key(f"ifr_{number}"), "test_it")).name for number in range(3)]
    assert names == ["test_it.jsonl", "test_it-3.jsonl", "test_it-4.jsonl"]
    assert (folder / "test_it-2.jsonl").read_text() == "another server's"


@pytest.mark.usefixtures("app")
@pytest.mark.parametrize("name", ["", "../up", "a/b", "..", ".hidden", "a\\b", "a\n", "x" * 201, 7])
async def test_a_name_leads_nowhere_else(api: Api, tmp_path: Path, name: Any) -> None:
    status, told = await refused(api, {"name": name})
    assert (status, told.partition(" ")[0]) == (400, "`name`")
    assert files_in(tmp_path) == []
    assert (await api.control("GET", "sandboxes"))["items"] == []


async def test_what_cannot_be_recorded_is_refused_and_makes_no_sandbox(start: Start, api: Api, tmp_path: Path) -> None:
    own = "a sandbox cannot have a recording of its own"
    assert await refused(api, {"name": "a"}) == (409, f"{own}: no folder is given")
    assert (await api.control("GET", "sandboxes"))["items"] == []
    api.app.record_into(tmp_path, URL)
    await api.call("queue.publish", SENT)
    there = "the sandbox is there already, and its recording begins with it"
    assert await refused(api, {"name": "a"}) == (409, there)
    recorded = await start()
    recorded.app.record_into(tmp_path, URL)
    recorded.app.record(tmp_path / "all", URL)
    assert await refused(recorded, {"name": "a"}) == (409, f"{own}: all is recorded in {tmp_path / 'all'}")
    other = api.with_key("ifr_other")
    other.app.record_into(tmp_path / "gone", URL)
    (tmp_path / "gone").rmdir()
    told = f"{tmp_path / 'gone' / 'a.jsonl'} cannot be written: no such file or directory"
    assert await refused(other, {"name": "a"}) == (409, told)
    assert files_in(tmp_path) == ["all"]


@pytest.mark.usefixtures("app")
async def test_it_ends_with_the_server_too(api: Api) -> None:
    path = await begun(api, "test_it")
    await api.call("queue.publish", SENT)
    await api.app.close()
    with Recording(path) as recording:
        assert [type(entry) for entry in recording] == [Command, Exchange]


async def test_recording_costs_at_most_a_quarter_of_a_request(api: Api, tmp_path: Path) -> None:
    """Half of what a request costs here is a fifth of what it costs over HTTP, whose whole `bench publish` measures."""
    writer = api.app.record(tmp_path / "all", URL)
    hosted = api.app.sandboxes.of_key("ifr_recorded")
    body = b'{"queue":"orders","payload":{"order_id":"o_123","note":"a payload of a usual size"}}'
    headers = {"Host": "localhost", "Authorization": "Bearer ifr_recorded", "Content-Type": "application/json"}
    received = Received("POST", "/v1/scheduling/queue/publish", headers, body)
    answered = exchange.perform(hosted.sandbox, hosted.binding, received)
    recorder = hosted.recorder
    assert recorder is not None

    def turns(do: Callable[[], object]) -> None:
        for _ in range(4):  # little, so that a busy machine leaves many rounds alone
            for _ in range(16):
                do()
            writer.flush()

    assert cheaper(
        lambda: turns(lambda: recorder.exchange(received, answered)),
        lambda: turns(lambda: exchange.perform(hosted.sandbox, hosted.binding, received)),
        times=0.5,
    )
