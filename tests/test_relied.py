"""What a session relied on, as users meet it: over HTTP and on the command line."""

import time
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from sched_emulator import Emulator, Sandbox
from sched_emulator.cli import main
from sched_emulator.client import reliance
from sched_emulator.client.http import Client, EmulatorError
from sched_emulator.client.receiver import Receiver
from sched_emulator.config import Config
from sched_emulator.core.command_log import COMMANDS_KEPT
from sched_emulator.server.app import App
from sched_emulator.spec import assumptions
from tests.gateways import CannedServer
from tests.server.harness import served

HOOK = "https://api.acme.com/hook"
Json = dict[str, Any]


@pytest.fixture
def box(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    monkeypatch.setenv("SCHED_EMULATOR_URL", emulator.url)
    with emulator.sandbox() as fresh:
        monkeypatch.setenv("INFRAI_API_KEY", fresh.api_key)
        yield fresh


def call(box: Sandbox, path: str, **body: Any) -> Any:
    """Send a write to the emulated API and return its `data`. Each has an idempotency key, so that none is missed."""
    client = Client(box.base_url, box.api_key)
    try:
        keyed = {"idempotency_key": f"key {len(box.requests())}", **body}
        return client.request("POST", f"/{path}", keyed)["data"]
    finally:
        client.close()


def requeue_one_of_two(box: Sandbox) -> None:
    """Live through a session in which it matters where a requeued message stands."""
    for number in (1, 2):
        call(box, "queue/publish", queue="q", payload={"n": number})
    call(box, "queue/consume", queue="q", max_messages=1)
    call(box, "queue/nack", queue="q", message_id="msg_000001", requeue=True)
    call(box, "queue/consume", queue="q", max_messages=1)


def found(box: Sandbox, name: str) -> list[tuple[str, str, str, int]]:
    """Return answer, other answer, operation and number of each proof about one question."""
    return [
        (item["answer"], item["other"], item["operation"], item["seq"])
        for item in box.relied()["items"]
        if item["id"] == name
    ]


# --- Over HTTP.


async def test_beyond_the_logs_bound_the_answer_is_not_complete_and_proves_what_it_has() -> None:
    headers = {"Authorization": "Bearer ifr_long"}
    app = App(Config(clock_mode="frozen", answers=assumptions.defaults()))
    async with served(app) as client:
        body = {"name": "q", "idempotency_key": "one"}
        await client.post("/v1/queue/create", json=body, headers=headers)
        sandbox = app.sandboxes.hosted["ifr_long"].sandbox
        while len(sandbox.log) < COMMANDS_KEPT - 2:
            sandbox.set_routes({})
        await client.post("/v1/queue/create", json={"name": "kept"}, headers=headers)
        full = await (await client.get("/_emulator/assumptions/relied", headers=headers)).json()
        await client.post("/v1/cron/create", json={"schedule": "* * * * *", "url": HOOK}, headers=headers)
        cut = await (await client.get("/_emulator/assumptions/relied", headers=headers)).json()
    assert (full["complete"], cut["complete"]) == (True, False)
    proofs = [(item["id"], item["operation"], item["seq"]) for item in cut["items"]]
    assert proofs == [("idempotency.required", "scheduling.queue.create", 2)]


def test_what_real_receivers_answered_is_taken_from_the_log(box: Sandbox) -> None:
    with Receiver() as receiver:
        receiver.respond(500, 200)
        call(box, "task/schedule", task=f"{receiver.url}/hook", run_at="2026-01-01T00:01:00Z")
        box.clock.advance(hours=1)
        assert [entry["outcome"] for entry in box.deliveries()] == ["failed", "delivered"]
        relied = {(item["id"], item["other"]): item for item in box.relied()["items"]}
        assert len(receiver.requests) == 2
    retry = {"kind": "retry", "subject": "run_000001", "words": "the retry of run_000001"}
    assert relied["delivery.backoff", "fixed"] == {
        "id": "delivery.backoff",
        "answer": "exponential",
        "question": assumptions.catalogue()["delivery.backoff"].question,
        "other": "fixed",
        "seq": 2,
        "operation": "retry",
        "was": {"at": "2026-01-01T00:01:10.000Z", **retry},
        "would_be": {"at": "2026-01-01T00:02:00.000Z", **retry},
        "forms": {"was": "event", "would_be": "event"},
    }


def test_a_delivery_that_the_log_does_not_have_is_the_difference(box: Sandbox) -> None:
    box.assumptions.set({"cron.overlap_default": "skip"})
    with Receiver() as receiver:
        receiver.respond(500)
        call(box, "cron/create", schedule="* * * * *", url=receiver.url)
        box.clock.advance(minutes=2)
        assert [entry["at"][14:19] for entry in box.deliveries()] == ["01:00", "01:10", "01:30"]
        [item] = [
            item for item in box.relied()["items"] if (item["id"], item["other"]) == ("cron.overlap_default", "allow")
        ]
    assert (item["answer"], item["operation"], item["was"]["kind"]) == ("skip", "cron", "cron")
    assert (item["would_be"]["url"], item["would_be"]["at"]) == (receiver.url, "2026-01-01T00:02:00.000Z")


@pytest.mark.parametrize("when", ["before", "after"])
def test_an_answer_changed_in_mid_session_is_compared_with_the_session_as_it_was(box: Sandbox, when: str) -> None:
    if when == "before":
        box.assumptions.set({"queue.nack_position": "back"})
    requeue_one_of_two(box)
    if when == "after":
        box.assumptions.set({"queue.nack_position": "back"})
    answer, other = ("front", "back") if when == "after" else ("back", "front")
    assert found(box, "queue.nack_position") == [(answer, other, "scheduling.queue.consume", 5)]
    assert box.assumptions.get()["queue.nack_position"] == "back"


def test_a_session_under_two_answers_relied_on_both(box: Sandbox) -> None:
    requeue_one_of_two(box)
    box.assumptions.set({"queue.nack_position": "back"})
    call(box, "queue/consume", queue="q", max_messages=1)
    for message in ("msg_000002", "msg_000001"):
        call(box, "queue/nack", queue="q", message_id=message, requeue=True)
    call(box, "queue/consume", queue="q", max_messages=1)
    assert {(answer, other) for answer, other, _, _ in found(box, "queue.nack_position")} == {
        ("front", "back"),
        ("back", "front"),
    }


def test_a_restored_sandbox_tells_only_what_it_relied_on_since(box: Sandbox) -> None:
    requeue_one_of_two(box)
    box.restore(box.snapshot())
    relied = box.relied()
    assert (relied["items"], relied["complete"]) == ([], True)
    call(box, "queue/nack", queue="q", message_id="msg_000001", requeue=True)
    call(box, "queue/consume", queue="q", max_messages=1)
    assert found(box, "queue.nack_position") == [("front", "back", "scheduling.queue.consume", 7)]


def test_a_reset_sandbox_relied_on_nothing(box: Sandbox) -> None:
    requeue_one_of_two(box)
    box.reset()
    assert box.relied() == {"items": [], "shapes": [], "complete": True}


def test_a_run_that_failed_is_shown_as_the_api_shows_it(box: Sandbox) -> None:
    box.targets.script("*", [500])
    cron_id = call(box, "cron/create", name="n", schedule="0 9 * * *", url=HOOK, retries=0)["cron_id"]
    with closing(Client(box.base_url, box.api_key)) as client:
        client.request("PUT", f"/cron/retention/set/{cron_id}", {"retention_days": 0})
        run_id = call(box, f"cron/trigger/{cron_id}")["run_id"]
        box.clock.settle()
        with pytest.raises(EmulatorError, match="not found"):
            client.get(f"/cron/runs/get/{cron_id}/{run_id}")
    [item] = [item for item in box.relied()["items"] if item["id"] == "run.retention_zero"]
    assert item["would_be"] == {
        "run_id": run_id,
        "cron_id": cron_id,
        "state": "failed",
        "started_at": "2026-01-01T00:00:00.000Z",
        "finished_at": "2026-01-01T00:00:00.000Z",
        "response_status": 500,
        "error": "HTTP 500",
    }


def test_asking_changes_nothing(box: Sandbox) -> None:
    requeue_one_of_two(box)
    before = box.snapshot()
    assert box.relied() == box.relied()
    assert box.snapshot() == before


def test_fifty_calls_are_judged_under_all_answers(box: Sandbox) -> None:
    client = Client(box.base_url, box.api_key)
    client.request("POST", "/cron/create", {"schedule": "*/5 * * * *", "url": HOOK})
    for number in range(12):
        client.request("POST", "/queue/publish", {"queue": "q", "payload": {"n": number}, "delay_seconds": number})
    box.clock.advance(hours=1)
    for _ in range(12):
        message = client.request("POST", "/queue/consume", {"queue": "q", "max_messages": 1})["data"]["messages"][0]
        client.request("POST", "/queue/nack", {"queue": "q", "message_id": message["message_id"]})
        client.request("GET", "/queue/stats/q")
    client.request("POST", "/task/schedule", {"task": HOOK, "run_at": "2026-01-01T02:00:00Z", "secret": "s"})
    assert len(box.requests()) == 50
    started = time.perf_counter()
    relied = box.relied()
    print(f"50 calls under all other answers: {1000 * (time.perf_counter() - started):.0f} ms")  # noqa: T201 - shown by -rP
    client.close()
    assert {item["id"] for item in relied["items"]} == {
        "delivery.body",
        "idempotency.required",
        "queue.dead_without_dlq",
        "queue.max_retries_counts",
        "queue.nack_default",
        "queue.nack_delay",
        "queue.nack_position",
        "queue.publish_unknown",
    }


# --- For people.


def test_the_command_shows_only_what_differs(box: Sandbox, capsys: pytest.CaptureFixture[str]) -> None:
    requeue_one_of_two(box)
    assert main(["assumptions", "relied"]) == 0
    out = capsys.readouterr().out
    assert (
        "queue.nack_position = front: Where in a standard queue does a requeued message stand?\n"
        "  under back: request 5, queue.consume, would have answered otherwise\n"
        '    messages[0].message_id: was "msg_000001", would be "msg_000002"\n'
        "    messages[0].payload.n: was 1, would be 2\n"
    ) in out
    assert (
        "queue.nack_delay = now: When is a requeued message available again?\n"
        "  under backoff: the end of the delay of msg_000001 would have been due at 2026-01-01T00:00:10.000Z as well, "
        "before request 5, queue.consume\n"
    ) in out


def test_a_refusal_is_told_by_its_sentence(box: Sandbox, capsys: pytest.CaptureFixture[str]) -> None:
    call(box, "queue/publish", queue="never-created", payload={})
    assert main(["assumptions", "relied"]) == 0
    assert (
        "  under reject: request 1, queue.publish, would have been refused\n"
        "    NOT_FOUND: queue 'never-created' not found\n"
    ) in capsys.readouterr().out


def test_a_session_past_the_logs_bound_is_told_so_in_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    cut = {"items": [], "shapes": [], "complete": False}
    with CannedServer({"/_emulator/assumptions/relied": cut, "/_emulator/sandbox": {"key": "ifr_long"}}) as server:
        assert main(["assumptions", "relied", "--url", server.url, "--key", "ifr_long"]) == 0
    assert capsys.readouterr().out == (
        "No other answer to an open question would have changed anything in this session.\n"
        "The session was longer than what is kept of it: more may have been relied on.\n"
    )


def told(was: Any, would_be: Any, operation: str = "queue.consume") -> list[str]:
    shown = {"was": was, "would_be": would_be}
    forms = {side: form_of(seen) for side, seen in shown.items()}
    return list(reliance.sentences({"seq": 7, **shown, "forms": forms}, operation))


def form_of(seen: Any) -> str | None:
    if seen is None:
        return None
    return "delivery" if "url" in seen else "event" if "subject" in seen else "answer"


def delivery(**changes: Any) -> Json:
    return {"at": "T1", "kind": "cron", "url": HOOK, "headers": {}, "body": {"a": 1}, "attempt": 1, **changes}


def event(**changes: Any) -> Json:
    return {"at": "T1", "kind": "retry", "subject": "run_000001", "words": "the retry of run_000001", **changes}


def refusal(message: str) -> Json:
    return {"error": {"code": "CONFLICT", "message": message}}


@pytest.mark.parametrize(
    ("was", "would_be", "lines"),
    [
        (
            refusal("no"),
            {"acked": True},
            ["would not have been refused", "  was CONFLICT: no", '  would be {"acked": true}'],
        ),
        (
            refusal("no"),
            refusal("never"),
            ["would have answered otherwise", '  error.message: was "no", would be "never"'],
        ),
        ({"items": []}, {"items": [1]}, ["would have answered otherwise", "  items[0]: was absent, would be 1"]),
        ({"items": [1]}, {"items": []}, ["would have answered otherwise", "  items[0]: was 1, would be absent"]),
        ({"n": "a" * 500}, {"n": 1}, ["would have answered otherwise", f'  n: was "{"a" * 158}…, would be 1']),
        (
            {"n": [0] * 8},
            {"n": [1] * 8},
            [
                "would have answered otherwise",
                *(f"  n[{place}]: was 0, would be 1" for place in range(6)),
                "  and 2 more; --json shows them all",
            ],
        ),
    ],
)
def test_answers_are_compared_field_by_field(was: Json, would_be: Json, lines: list[str]) -> None:
    assert told(was, would_be) == [f"request 7, queue.consume, {lines[0]}", *lines[1:]]


@pytest.mark.parametrize(
    ("was", "would_be", "lines"),
    [
        (event(), event(at="T2"), ["the retry of run_000001 would have been due at T2, not at T1"]),
        (event(), None, ["the retry of run_000001, due at T1, would not have been"]),
        (None, event(), ["the retry of run_000001 would have been due at T1 as well"]),
        (delivery(), {"acked": True}, [f"the cron delivery to {HOOK}, sent at T1, would not have been"]),
        (delivery(), delivery(at="T2"), [f"the cron delivery to {HOOK} would have been sent at T2, not at T1"]),
        (
            delivery(),
            delivery(body={"b": 1}),
            [
                f"the cron delivery to {HOOK} would have been another",
                "  body.a: was 1, would be absent",
                "  body.b: was absent, would be 1",
            ],
        ),
        (
            event(),
            delivery(attempt=2),
            [
                f"the cron delivery to {HOOK}, attempt 2 would have been sent at T1",
                "  where the retry of run_000001 was, due at T1",
            ],
        ),
    ],
)
def test_deliveries_and_what_is_due_are_told_in_sentences(was: Any, would_be: Any, lines: list[str]) -> None:
    assert told(was, would_be, operation="cron") == lines
