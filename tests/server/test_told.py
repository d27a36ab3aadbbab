"""What `serve` tells: a line for each thing that happens, bursts counted, next to no cost, and nobody waited for."""

import json
import os
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import TextIO

import pytest

from sched_emulator.config import FROZEN_START_MS, Config
from sched_emulator.core.instants import LAST_MS
from sched_emulator.output import lines
from sched_emulator.output.lines import Line
from sched_emulator.server import exchange, told
from sched_emulator.server.app import App
from sched_emulator.server.exchange import Received
from sched_emulator.server.told import Only, Teller
from sched_emulator.server.unhurried import LEFT_BYTES, Unhurried
from sched_emulator.spec import assumptions
from tests.costs import less, seconds
from tests.server.harness import KEY, Api, Start, served

START = "2026-01-01T00:00:00.000Z"
NIGHT = {"name": "night", "schedule": "0 2 * * *", "url": "https://api.acme.com/night"}
WRONG = 'INVALID_REQUEST: `type` must be one of "standard", "fifo", got "other"'
NOWHERE = "NOT_FOUND: the path '/v1/scheduling/nothing' was not found"


DAY_MS = 86_400_000


class Told:
    """What a teller has told, and the seconds that have passed for it."""

    def __init__(self, only: Only | None = None) -> None:
        self.lines: list[Line] = []
        self.seconds = 0.0
        self.teller = Teller(self.lines.extend, clock=lambda: self.seconds, only=only)

    def since(self) -> list[Line]:
        """Return what is new, a moment later."""
        self.seconds += 0.05
        self.teller.look()
        new, self.lines[:] = list(self.lines), []
        return new


@pytest.fixture
def heard() -> Told:
    return Told()


@pytest.fixture
async def api(heard: Told) -> AsyncIterator[Api]:
    config = Config(answers=assumptions.defaults(), clock_mode="frozen")
    async with served(App(config, reader=heard.teller)) as client:
        yield Api(client)


async def test_each_thing_that_happens_is_a_line(api: Api, heard: Told) -> None:
    await api.script("*night", status=503, latency_seconds=2)
    await api.call("cron.create", NIGHT | {"retries": 1, "overlap_policy": "skip"})
    await api.envelope("queue.create", {"name": "q", "type": "other"})
    await api.send("GET", "/v1/scheduling/nothing?api_key=ifr_secret_of_mine")
    assert [(line.kind, line.what, line.outcome, line.tone, line.detail) for line in heard.since()] == [
        ("sandbox", "new", "frozen", "plain", ""),
        ("request", "cron.create", "200", "good", '{"name":"night","schedule":"0 2 * * *","url":"https://api.a…'),
        ("request", "queue.create", "400", "bad", WRONG),
        ("refused", "GET /v1/scheduling/nothing?api_key=ifr_…", "404", "bad", NOWHERE),
    ]
    await api.advance(seconds=10_800)
    night = "2026-01-01T02:00:00.000Z"
    assert heard.since() == [
        Line(night, KEY, "fire", "night", detail="run_000001"),
        Line(night, KEY, "cron", NIGHT["url"], "failed 503", "bad", 2.0, "HTTP 503", 4),
        Line("2026-01-01T02:00:12.000Z", KEY, "cron", NIGHT["url"], "failed 503", "bad", 2.0, "attempt 2; HTTP 503", 5),
        Line("2026-01-01T03:00:00.000Z", KEY, "clock", "3h later, 4 events", "frozen"),
    ]
    assert heard.since() == []


async def test_the_readme_shows_the_lines_of_its_first_minute(heard: Told) -> None:
    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    shown = readme.partition("what serve told")[2].partition("```text\n")[2].partition("```")[0].splitlines()
    cron = {"cron_expr": "0 9 * * 1", "task_type": "http_url", "task_url": "https://api.acme.com/weekly"}
    config = Config(answers=assumptions.defaults(), now_ms=FROZEN_START_MS + DAY_MS // 2)
    async with served(App(config, reader=heard.teller)) as client:
        api = Api(client, "ifr_local")
        await api.call("cron.create", cron)
        await api.control("PUT", "clock", {"mode": "frozen"})
        heard.teller.look()
        await api.advance(seconds=21 * 86_400)
        told_then = heard.since()
    assert [lines.text(line)[26:] for line in told_then] == [line[26:] for line in shown]
    assert [line.at[:10] for line in told_then] == [line[:10] for line in shown]


async def test_an_answer_that_a_fault_held_back_says_for_how_long(api: Api, heard: Told) -> None:
    late = {"operation": "queue.list", "latency_seconds": 0.25}
    await api.control("POST", "faults", {**late, "status": 503, "times": 1})
    await api.control("POST", "faults", {**late, "times": 1, "after": True})
    for _ in range(3):
        await api.envelope("queue.list")
    assert [line[3:7] for line in heard.since()[1:]] == [
        ("queue.list", "503", "bad", 0.25),
        ("queue.list", "200", "good", 0.25),
        ("queue.list", "200", "good", None),
    ]


async def test_a_request_without_a_sandbox_is_told_too_and_what_a_handle_repeats_is_not(api: Api, heard: Told) -> None:
    await api.send("POST", "/v1/scheduling/queue/publish", {}, headers={"Authorization": "sk_live_of_somebody"})
    await api.send("GET", "/_emulator/clok")
    await api.send("GET", "/_emulator/health", headers={"Origin": "https://evil.example"})
    assert [line[3:6] for line in heard.since()] == [
        ("POST /v1/scheduling/queue/publish", "401", "bad"),
        ("GET /_emulator/clok", "404", "bad"),
        ("GET /_emulator/health", "403", "bad"),
    ]


async def test_fields_without_effect_are_named(api: Api, heard: Told) -> None:
    await api.call("queue.publish", {"queue": "q", "payload": {"n": 1}, "message_group_id": "g"})
    assert heard.since()[1:] == [
        Line(
            *(START, KEY, "request", "queue.publish", "200", "odd", None),
            'ignored: message_group_id; {"queue":"q","payload":{"n":1},"message_group_id":"g"}',
            1,
        )
    ]


async def test_what_happened_just_before_a_sandbox_was_let_go_is_told(api: Api, heard: Told) -> None:
    snapshot = await api.snapshot()
    for end in ("reset", "restored", "forgotten"):
        await api.call("queue.create", {"name": "q", "type": "standard"})
        if end == "restored":
            await api.control("PUT", "snapshot", json.loads(snapshot))
        else:
            await api.control(*(("POST", "reset") if end == "reset" else ("DELETE", "sandbox")))
        assert [line[2:5] for line in heard.since()][-2:] == [
            ("request", "queue.create", "200"),
            ("sandbox", end, "frozen"),
        ]
    assert heard.since() == []


async def test_a_sandbox_that_goes_on_from_a_snapshot_does_not_tell_its_past(api: Api, heard: Told) -> None:
    await api.call("cron.create", NIGHT)
    await api.advance(seconds=10_800)
    other = api.with_key("ifr_other")
    heard.since()
    await other.send("PUT", "/_emulator/snapshot", await api.snapshot(), headers={"Content-Type": "application/json"})
    assert [line[2:5] for line in heard.since()] == [("sandbox", "new", "frozen"), ("sandbox", "restored", "frozen")]
    await other.advance(seconds=86_400)
    assert [line.kind for line in heard.since()] == ["fire", "cron", "clock"]


async def test_a_clock_that_is_set_is_told_and_one_that_runs_passes_in_silence(api: Api, heard: Told) -> None:
    await api.control("PUT", "clock", {"now": "2026-03-01"})
    await api.control("PUT", "clock", {"mode": "wall", "speed": 60})
    assert [line[2:5] for line in heard.since()] == [("sandbox", "new", "frozen"), ("clock", "", "runs 60x")]
    assert heard.since() == []
    await api.control("PUT", "clock", {"mode": "frozen"})
    assert [line[2:5] for line in heard.since()] == [("clock", "", "frozen")]


async def test_a_year_is_a_few_lines_and_every_delivery_is_counted(api: Api, heard: Told) -> None:
    await api.call("cron.create", NIGHT | {"schedule": "0 * * * *"})
    await api.call("cron.create", NIGHT | {"schedule": "0 0 * * 1", "name": "weekly", "url": "https://api.acme.com/w"})
    heard.since()
    await api.advance(seconds=365 * 86_400)
    year = heard.since()
    one_by_one = [line for line in year if line.kind == "cron"]
    counted = {line.what: line.many for line in year if line.many}
    assert (len(year) < 30, len(one_by_one), year[-1].what) == (True, told.SHOWN, "365d later, 8,812 events")
    assert {line.what for line in one_by_one} == {NIGHT["url"]}
    assert counted["deliveries to https://api.acme.com/night captured"] == 8760 - told.SHOWN
    assert counted["deliveries to https://api.acme.com/w captured"] == 52
    fires = sum(line.kind == "fire" for line in year) + sum(
        many or 0 for what, many in counted.items() if "fires of" in what or "no longer kept" in what
    )
    assert fires == 8812


async def test_lines_come_again_when_a_second_is_over_and_what_was_counted_is_told(api: Api, heard: Told) -> None:
    for number in range(told.SHOWN + 3):
        await api.call("queue.publish", {"queue": "q", "payload": {"n": number}})
    assert [line.kind for line in heard.since()] == ["sandbox", *told.SHOWN * ["request"]]
    heard.seconds += told.FOLD_SECONDS
    assert heard.since() == [Line("", KEY, "more", "queue.publish 200", "in 1.1 s", many=3)]
    await api.call("queue.publish", {"queue": "q", "payload": {}})
    heard.teller.close()
    assert [line.what for line in heard.lines] == ["queue.publish"]


async def test_a_burst_of_one_is_the_line_itself(api: Api, heard: Told) -> None:
    for number in range(told.SHOWN):
        await api.call("queue.publish", {"queue": "q", "payload": {"n": number}})
    await api.call("queue.list")
    heard.since()
    heard.seconds += told.FOLD_SECONDS
    assert [(line.kind, line.what, line.outcome, line.many) for line in heard.since()] == [
        ("request", "queue.list", "200", None)
    ]


async def test_a_task_fires_when_it_begins_and_not_when_it_is_made(api: Api, heard: Told) -> None:
    task = {"name": "invoice", "task": "https://api.acme.com/invoice", "run_at": "2026-01-01T02:00:00Z"}
    await api.call("task.schedule", task | {"retry": 1})
    assert [line[2:4] for line in heard.since()] == [("sandbox", "new"), ("request", "task.schedule")]
    await api.script("*", 503, 200)
    await api.call("cron.create", NIGHT)
    await api.advance(seconds=10_800)
    assert [line[:4] for line in heard.since()][1:-1] == [
        ("2026-01-01T02:00:00.000Z", KEY, "fire", "invoice"),
        ("2026-01-01T02:00:00.000Z", KEY, "task", task["task"]),
        ("2026-01-01T02:00:00.000Z", KEY, "fire", "night"),
        ("2026-01-01T02:00:00.000Z", KEY, "cron", NIGHT["url"]),
        ("2026-01-01T02:00:10.000Z", KEY, "task", task["task"]),
    ]


async def test_who_looks_on_later_is_told_the_same_as_who_was_there(api: Api, heard: Told) -> None:
    await api.call("cron.create", NIGHT)
    await api.call("queue.publish", {"queue": "q", "payload": {}})
    await api.call("task.schedule", {"task": "https://api.acme.com/once", "run_at": "2026-01-02T05:00:00Z"})
    for day in range(2):
        await api.advance(seconds=86_400)
        await api.call("queue.publish", {"queue": "q", "payload": {"day": day}})
        heard.teller.look()
    [hosted] = api.app.sandboxes.hosted.values()
    of_facts = [line for line in heard.lines if line.kind not in {"sandbox", "clock"}]
    later = Told(Only(hosted, 0))
    assert later.since() == of_facts
    since = next(line.seq for line in of_facts if line.kind == "cron")
    assert since is not None
    assert Told(Only(hosted, since)).since() == of_facts[of_facts.index(heard.lines[5]) + 1 :]
    assert Told(Only(hosted, 900)).since() == of_facts  # of an emulator that is gone
    with api.app.sandboxes.reader.joined(later.teller):
        heard.since()
        await api.with_key("ifr_other").call("queue.list")
        await api.advance(seconds=86_400)
        everything = heard.since()
        assert [line.kind for line in everything if line.key != KEY] == ["sandbox", "request"]
        assert [line.kind for line in everything if line.key == KEY] == ["fire", "cron", "clock"]
        assert [line.kind for line in later.since()] == ["fire", "cron", "clock"]


async def test_of_a_long_past_the_end_is_told_and_the_rest_is_counted(start: Start) -> None:
    api = await start(journal=told.PAST_SHOWN + 20)
    await api.call("cron.create", NIGHT | {"schedule": "0 * * * *"})
    await api.advance(seconds=3600 * (told.PAST_SHOWN + 30))
    [hosted] = api.app.sandboxes.hosted.values()
    past = Told(Only(hosted, 0)).since()
    assert [(line.many, line.what, line.outcome) for line in past if line.many] == [
        (20, f"deliveries to {NIGHT['url']} captured", "before"),
        (30, "fires of night", "before"),
        (10, "requests and deliveries that are no longer kept", "before"),
    ]
    assert [line.kind for line in past[3:]] == ["request", *told.PAST_SHOWN * ["fire", "cron"]]
    assert past[-1].at == "2026-01-04T08:00:00.000Z"


async def test_what_was_dropped_before_it_was_told_is_counted(start: Start) -> None:
    api = await start(journal=3)
    await api.call("queue.list")
    [hosted] = api.app.sandboxes.hosted.values()
    looking = Told(Only(hosted, 0))
    looking.since()
    for _ in range(5):
        await api.call("queue.list")
    looking.teller.close()
    assert [(line.kind, line.what, line.many) for line in looking.lines] == [
        *3 * [("request", "queue.list", None)],
        ("more", "requests and deliveries that are no longer kept", 2),
    ]


async def test_lines_stream_until_the_sandbox_is_forgotten(api: Api) -> None:
    await api.call("queue.list")
    response = await api.send("GET", "/_emulator/lines")
    assert (response.status, response.headers["Content-Type"]) == (200, "application/x-ndjson")
    first = json.loads(await response.content.readline())
    assert first == {
        "at": START, "key": KEY, "kind": "request", "what": "queue.list", "outcome": "200", "tone": "good", "seq": 1,
    }  # fmt: skip
    for number in range(told.SHOWN + 5):
        await api.call("queue.publish", {"queue": "q", "payload": {"n": number}})
    await api.control("DELETE", "sandbox")
    rest = [json.loads(line) async for line in response.content]
    assert [line["kind"] for line in rest if "many" not in line] == [*told.SHOWN * ["request"], "sandbox"]
    assert [line["many"] for line in rest if "many" in line] == [5]
    refused = await api.send("GET", "/_emulator/lines?operation=qeue")
    assert refused.status == 400


class Costs:
    """CPU seconds of what a sandbox does, and of its lines, written to a file twenty times a second."""

    def __init__(self, file: TextIO) -> None:
        self.teller = Teller(Unhurried(file, lines.text).write)
        app = App(Config(answers=assumptions.defaults(), clock_mode="frozen"), reader=self.teller)
        self.hosted = app.sandboxes.of_key(KEY)
        self.send("cron/create", b'{"schedule": "* * * * *", "url": "https://api.acme.com/minutely"}')

    def send(self, path: str, body: bytes, times: int = 1) -> None:
        received = Received("POST", f"/v1/scheduling/{path}", {"Content-Type": "application/json"}, body)
        for _ in range(times):
            assert exchange.perform(self.hosted.sandbox, self.hosted.binding, received).status == 200

    def beats(self, work: Callable[[], object], times: int) -> tuple[float, float]:
        """Return the cost of the lines and that of the work, which takes about a twentieth of a second each time."""
        spent = [(seconds(work), seconds(self.teller.look)) for _ in range(times)]
        return sum(look for _, look in spent), sum(work for work, _ in spent)

    def advancing(self) -> tuple[float, float]:
        return self.beats(lambda: self.hosted.sandbox.poll(LAST_MS, max_events=4000), 4)

    def publishing(self) -> tuple[float, float]:
        body = b'{"queue": "orders", "payload": {"order_id": "o_123", "note": "a payload of a usual size"}}'
        return self.beats(lambda: self.send("queue/publish", body, times=800), 4)


def test_lines_cost_a_few_percent(tmp_path: Path) -> None:
    with (tmp_path / "lines").open("w") as file:
        costs = Costs(file)
        assert less(costs.advancing, 0.03)
        assert less(costs.publishing, 0.15)  # of what a request costs besides HTTP, which costs more than all else


def test_who_does_not_read_holds_nobody_up_and_is_told_what_is_left_out() -> None:
    reading, writing = os.pipe()
    with open(writing, "w", encoding="utf-8") as stream, open(reading, "rb", buffering=0) as reader:  # noqa: PTH123
        unhurried = Unhurried(stream, lines.text)
        line = Line(START, KEY, "request", "queue.publish", "200", detail=60 * "x")
        size = len(lines.text(line)) + 1
        batches = 2 * LEFT_BYTES // size // 100
        for _ in range(batches):
            unhurried.write([line] * 100)
        os.set_blocking(reading, False)
        read = b""
        while chunk := reader.read():
            read += chunk
            unhurried.write([])
            unhurried.write([])
        unhurried.write([line])
        *whole, left_out, last = (read + reader.read()).decode().splitlines()
        assert {*whole, last} == {lines.text(line)}
        assert left_out.split() == [
            "…",
            f"{100 * batches - len(whole):,}",
            "lines",
            "were",
            "not",
            "read",
            "in",
            "time",
        ]


def test_a_reader_that_has_gone_is_written_to_no_more() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with open(writing, "w", encoding="utf-8") as stream:  # noqa: PTH123
        unhurried = Unhurried(stream, lines.text)
        for _ in range(2):
            unhurried.write([Line(START, KEY, "request", "queue.publish")])
