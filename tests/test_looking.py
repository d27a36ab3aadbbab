"""The commands that show a sandbox: tables for people, JSON for scripts, the filters of the control API."""

import json
import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from sched_emulator import Emulator, Sandbox
from sched_emulator.cli import main
from sched_emulator.client.http import Client, EmulatorError
from sched_emulator.commands import clock

WEEKLY = {"schedule": "0 9 * * 1", "name": "weekly", "url": "https://api.acme.com/weekly", "retries": 1}
Shown = Callable[..., list[str]]


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch, emulator: Emulator) -> None:
    for name in [name for name in os.environ if name.startswith("SCHED_EMULATOR_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("SCHED_EMULATOR_URL", emulator.url)
    monkeypatch.setenv("INFRAI_API_KEY", "ifr_looked_at")


@pytest.fixture
def box(emulator: Emulator) -> Iterator[Sandbox]:
    with emulator.sandbox("ifr_looked_at", clock="frozen") as fresh:
        call(emulator, "cron/create", WEEKLY)
        with pytest.raises(EmulatorError):
            call(emulator, "queue/publish", {"queue": "q", "payload": {}, "delay_seconds": -1})
        fresh.targets.script("*weekly", [503, {"status": 200, "latency_seconds": 90}])
        yield fresh


@pytest.fixture
def shown(capsys: pytest.CaptureFixture[str]) -> Shown:
    def show(*words: str) -> list[str]:
        assert main(words) == 0
        return capsys.readouterr().out.splitlines()

    return show


def call(emulator: Emulator, path: str, body: dict[str, Any]) -> None:
    client = Client(emulator.url, "ifr_looked_at")
    client.request("POST", f"/v1/scheduling/{path}", body)
    client.close()


def test_requests_and_deliveries_are_tables_with_the_filters_of_the_control_api(box: Sandbox, shown: Shown) -> None:
    box.clock.advance(weeks=1)
    start, monday = box.requests()[0]["at"], box.deliveries()[0]["at"]
    assert shown("requests") == [
        "seq  at                        what           how it went",
        f'1    {start}  cron.create    200          {{"schedule":"0 9 * * 1","name":"weekly","url":"https://api.…',
        f"2    {start}  queue.publish  400          INVALID_REQUEST: `delay_seconds` must be at least 0, got -1",
    ]
    assert [line.split()[2] for line in shown("requests", "--operation", "queue.*")[1:]] == ["queue.publish"]
    first, second = shown("deliveries")[1:]
    assert first == f"3    {monday}  cron     https://api.acme.com/weekly  failed 503     HTTP 503"
    assert second.endswith("cron     https://api.acme.com/weekly  delivered 200  attempt 2; took 90 s")
    assert [line[0] for line in shown("deliveries", "--since", "3", "--to", "*week*")] == ["s", "4"]
    assert shown("deliveries", "--to", "*other*") == ["there are no deliveries"]
    told = json.loads("\n".join(shown("deliveries", "--since", "3", "--json")))
    assert (told["items"], told["dropped"]) == (box.deliveries(since=3), 0)


def test_what_is_due_is_a_table(box: Sandbox, shown: Shown) -> None:
    [due] = box.timeline()
    assert shown("timeline")[1] == f"{due['at']}  cron  cron_000001, weekly"
    assert json.loads("\n".join(shown("timeline", "--limit", "1", "--json"))) == [due]
    box.reset()
    assert shown("timeline") == ["nothing is due"]


def test_sandboxes_are_told_apart_and_by_their_last_use(emulator: Emulator, box: Sandbox, shown: Shown) -> None:
    with emulator.sandbox("ifr_of_one_of_us_a"), emulator.sandbox("ifr_of_one_of_us_b"):
        call(emulator, "queue/create", {"name": "q", "type": "standard"})
        listed = emulator.sandboxes()
        rows = shown("sandboxes")
    assert [line.split()[0] for line in rows] == ["key", "ifr_lo…at", "ifr_of_o…s_a", "ifr_of_o…s_b"]
    assert rows[1].split()[1:] == [
        *(listed[0]["id"], listed[0]["last_used_at"], listed[0]["now"], "frozen", "1", "1", "3"),
    ]
    assert max(listed, key=lambda item: str(item["last_used_at"]))["key"] == "ifr_lo…at"
    box.delete()
    assert shown("sandboxes") == ["there is no sandbox yet: the first request with a key makes one"]


def test_an_advance_shows_on_stderr_for_whom_it_waits_each_attempt_once(capsys: pytest.CaptureFixture[str]) -> None:
    waiting = clock.Waiting()
    for seconds in (0.1, 0.6, 1.2):
        first = {"url": "http://127.0.0.1:9000/slow", "attempt": 1, "real_seconds": seconds}
        waiting.tell([first, {**first, "url": "http://127.0.0.1:9000/\x1b]0;", "real_seconds": seconds - 0.6}])
    assert capsys.readouterr().err.splitlines() == [
        "waits for http://127.0.0.1:9000/slow, attempt 1",
        "waits for http://127.0.0.1:9000/\\u001b]0;, attempt 1",
    ]


@pytest.mark.parametrize(
    "command",
    [["timeline"], ["tail"], ["clock"], ["pull", "--target", "http://127.0.0.1:1", "--out", "x"], ["contract"]],
)
def test_a_key_that_can_be_none_is_told_by_where_it_came_from(
    command: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INFRAI_API_KEY", "ifr_mine\r")
    assert main(command) == 2
    assert (
        "$INFRAI_API_KEY: the key ends with a line end; expected visible ASCII characters alone"
        in capsys.readouterr().err
    )
    if command[0] in {"pull", "contract"}:
        return
    assert main([*command, "--key", "ifr_\u65e5"]) == 2
    assert "--key: the key has signs that no key can have; expected visible ASCII" in capsys.readouterr().err
