import base64
import hashlib
import hmac
from typing import Any

import pytest

from sched_emulator.core import deliveries
from sched_emulator.core.encoding import decode
from sched_emulator.core.records import Outcome
from tests.core.harness import FAILED, HOUR, OK, START_MS, Box

HOOK = "https://api.acme.com/hook"
LOCAL = "http://127.0.0.1:9000/hook"
SECRET = "s3cret"  # noqa: S105 - a secret for tests


def schedule(box: Box, url: str = LOCAL, **options: Any) -> None:
    box.call("task.schedule", task=url, run_at_ms=START_MS, **options)


# --- Backoff


@pytest.mark.parametrize(
    ("answers", "seconds"),
    [
        ({}, [10, 20, 40, 80, 160, 320, 640, 1280, 2560, 3600, 3600]),
        ({"delivery.backoff_first_seconds": 0}, [0] * 11),
        ({"delivery.backoff_first_seconds": 86_400}, [3600] * 11),
        ({"delivery.backoff_max_seconds": 0}, [0] * 11),
        ({"delivery.backoff": "fixed", "delivery.backoff_max_seconds": 1}, [60] * 11),
        ({"delivery.backoff": "immediate"}, [0] * 11),
    ],
)
def test_the_backoff_by_number_of_failures(answers: dict[str, Any], seconds: list[int]) -> None:
    store = Box(answers).store
    assert [deliveries.backoff_ms(store, failures) for failures in range(1, 12)] == [1000 * item for item in seconds]


def test_the_backoff_of_a_thousand_failures_is_the_longest(box: Box) -> None:
    assert deliveries.backoff_ms(box.store, 1000) == 3_600_000


# --- What is sent


def test_an_attempt_is_all_that_the_edge_needs(box: Box) -> None:
    schedule(box, payload={"b": "ü", "a": 1.50}, headers={"X-Team": "ops"}, timeout_seconds=7)
    attempt = box.to_send()
    assert (attempt.url, attempt.routed, attempt.body, attempt.timeout_ms, attempt.number) == (
        LOCAL,
        False,
        '{"b":"ü","a":1.5}',
        7000,
        1,
    )
    assert attempt.headers == {
        "Content-Type": "application/json",
        "User-Agent": "Infrai-Scheduling/1.0 (sched-emulator)",
        "X-Infrai-Delivery-Id": "dlv_000001",
        "X-Infrai-Attempt": "1",
        "X-Infrai-Run-Id": "run_000001",
        "X-Team": "ops",
    }


def test_a_push_names_its_message_in_place_of_a_run(box: Box) -> None:
    box.publish("q", {})
    box.call("queue.push_subscribe", queue="q", url=LOCAL)
    headers = box.to_send().headers
    assert (headers["X-Infrai-Message-Id"], "X-Infrai-Run-Id" in headers) == ("msg_000001", False)


def test_a_users_header_of_the_same_name_wins_however_it_is_written(box: Box) -> None:
    own = {"content-type": "text/plain", "X-INFRAI-ATTEMPT": "mine", "x-infrai-signature": "none"}
    schedule(box, headers=own, secret=SECRET)
    headers = box.to_send().headers
    assert {name.lower(): value for name, value in headers.items()} == {
        "content-type": "text/plain",
        "user-agent": "Infrai-Scheduling/1.0 (sched-emulator)",
        "x-infrai-delivery-id": "dlv_000001",
        "x-infrai-attempt": "mine",
        "x-infrai-run-id": "run_000001",
        "x-infrai-signature": "none",
    }


def test_the_bytes_of_a_body_are_the_compact_json_of_the_payload(box: Box) -> None:
    given = r'{ "z" : 12345678901234567890123, "a": [0.1000000000000000055511151231257827, 1.50, -0.0],'
    given += r' "s": "\u0000\"\u00fc\n\ud83d\ude00/" }'
    schedule(box, payload=decode(given))
    assert box.to_send().body == (
        '{"z":12345678901234567890123,"a":[0.1000000000000000055511151231257827,1.5,-0.0],"s":"\\u0000\\"ü\\n😀/"}'
    )


@pytest.mark.parametrize("kind", ["cron", "task"])
def test_an_event_body_says_what_it_is_about(kind: str) -> None:
    box = Box({"delivery.body": "event"})
    box.script(HOOK, 500, 200)
    if kind == "cron":
        box.call("cron.create", cron_expr="* * * * *", task=HOOK, max_runs=1)
        box.advance(60)
    else:
        schedule(box, HOOK)
    box.advance(60)
    instant = "2026-01-01T00:01:00.000Z" if kind == "cron" else "2026-01-01T00:00:00.000Z"
    expected = {"type": f"{kind}.run", "run_id": "run_000001", f"{kind}_id": f"{kind}_000001", "scheduled_at": instant}
    assert [list(body.items()) for body in box.bodies()] == [
        list((expected | {"attempt": attempt, "payload": {}}).items()) for attempt in (1, 2)
    ]


def test_a_scalar_payload_is_pushed_as_it_is() -> None:
    box = Box({"push.body": "payload"})
    box.publish("q", "text")
    box.call("queue.push_subscribe", queue="q", url=LOCAL)
    assert box.to_send().body == '"text"'


# --- Signatures


def signed(key: str, content: bytes) -> bytes:
    return hmac.new(key.encode(), content, hashlib.sha256).digest()


@pytest.mark.parametrize(
    ("scheme", "expected"),
    [
        (
            "x-infrai-signature",
            lambda body, _: {"X-Infrai-Signature": "sha256=" + signed(SECRET, body).hex()},
        ),
        (
            "x-infrai-timestamp",
            lambda body, at: {
                "X-Infrai-Signature": "sha256=" + signed(SECRET, at.encode() + b"." + body).hex(),
                "X-Infrai-Timestamp": at,
            },
        ),
        (
            "standard-webhooks",
            lambda body, at: {
                "webhook-id": "dlv_000001",
                "webhook-timestamp": at,
                "webhook-signature": "v1,"
                + base64.b64encode(signed(SECRET, b"dlv_000001." + at.encode() + b"." + body)).decode(),
            },
        ),
    ],
)
def test_each_attempt_is_signed_for_its_own_instant(scheme: str, expected: Any) -> None:
    box = Box({"signature.scheme": scheme})
    schedule(box, payload={"n": "ü"}, secret=SECRET)
    first = box.to_send()
    box.sandbox.settle(first.attempt_id, FAILED)
    second = box.to_send(10)
    for attempt, at in ((first, START_MS // 1000), (second, START_MS // 1000 + 10)):
        wanted = expected(attempt.body.encode(), str(at))
        assert {name: attempt.headers.get(name) for name in wanted} == wanted
    assert first.body == second.body


def test_a_signature_can_show_the_receivers_own_time() -> None:
    box = Box({"signature.scheme": "x-infrai-timestamp"})
    schedule(box, secret=SECRET)
    attempt = box.sandbox.poll(box.store.now_ms, signing_now_ms=1_999_999_999_999)
    assert attempt is not None
    assert attempt.headers["X-Infrai-Timestamp"] == "1999999999"


def test_a_secret_is_nowhere_in_the_journal(box: Box) -> None:
    schedule(box, HOOK, secret=SECRET)
    box.advance()
    assert SECRET not in str(list(box.store.journal.deliveries))


# --- Where it goes


@pytest.mark.parametrize(
    ("deliver", "url", "sent"),
    [
        ("loopback", LOCAL, True),
        ("loopback", "http://localhost:9000/", True),
        ("loopback", HOOK, False),
        ("all", HOOK, True),
        ("none", LOCAL, False),
    ],
)
def test_what_no_script_and_no_route_covers_goes_by_the_setting(deliver: str, url: str, sent: bool) -> None:  # noqa: FBT001 - a column
    box = Box(deliver=deliver)
    schedule(box, url)
    attempt = box.sandbox.poll(box.store.now_ms)
    assert (attempt is not None) == sent
    assert box.sent() == [(0, url, 1, "running" if sent else "captured")]


def test_what_is_not_covered_can_be_refused() -> None:
    box = Box(uncovered="refuse")
    schedule(box, HOOK, retry=0)
    box.advance()
    assert (box.sent(), box.states()) == ([(0, HOOK, 1, "refused")], [("run_000001", "failed")])
    assert box.call("run.list")["items"][0]["error"] == "no scripted target and no route covers this URL"


def test_a_route_is_followed_wherever_it_leads_and_the_journal_says_so(box: Box) -> None:
    box.sandbox.set_routes({"https://api.acme.com": "https://10.0.0.1:8443/base"})
    schedule(box, f"{HOOK}?a=1")
    attempt = box.to_send()
    assert (attempt.url, attempt.routed) == ("https://10.0.0.1:8443/base/hook?a=1", True)
    entry = box.store.journal.deliveries[0]
    assert (entry.url, entry.routed_to) == (f"{HOOK}?a=1", "https://10.0.0.1:8443/base/hook?a=1")


def test_a_script_comes_before_a_route(box: Box) -> None:
    box.sandbox.set_routes({"https://api.acme.com": LOCAL})
    box.script("https://api.acme.com/*", 204)
    schedule(box, HOOK)
    box.advance()
    entry = box.store.journal.deliveries[0]
    assert (entry.outcome, entry.status, entry.routed_to) == ("delivered", 204, None)


def test_a_route_exempts_from_the_rules_for_addresses(box: Box) -> None:
    private = "http://10.0.0.7/hook"
    assert box.status("task.schedule", task=private, run_at_ms=START_MS) == 400
    box.sandbox.set_routes({"http://10.0.0.7": LOCAL})
    schedule(box, private)
    assert box.to_send().url == f"{LOCAL}/hook"


def test_crons_and_tasks_may_go_over_plain_http_where_a_push_may_not(box: Box) -> None:
    plain = "http://api.acme.com/hook"
    schedule(box, plain)
    box.call("cron.create", cron_expr="* * * * *", task=plain, on_failure_webhook=plain)
    box.call("queue.create", queue="q")
    assert box.refused("queue.push_subscribe", queue="q", url=plain) == (
        400,
        "`url` must be https unless it leads to loopback, got 'http://api.acme.com'",
    )


def test_strict_urls_refuse_loopback() -> None:
    assert Box(strict_urls=True).status("task.schedule", task=LOCAL, run_at_ms=START_MS) == 400


# --- How it ends


def test_the_journal_says_how_an_attempt_ended(box: Box) -> None:
    schedule(box, retry=0)
    attempt = box.to_send()
    entry = box.store.journal.deliveries[0]
    assert (entry.outcome, entry.status, entry.duration_ms) == ("running", None, None)
    outcome = Outcome(
        result="failed",
        status=404,
        error="HTTP 404",
        duration_ms=1500,
        response_headers={"Server": "x"},
        response_body="no",
    )
    box.sandbox.settle(attempt.attempt_id, outcome)
    assert (entry.outcome, box.due()) == ("running", [(1.5, "attempt", "dlv_000001.1")])
    box.advance(2)
    assert (entry.outcome, entry.status, entry.error, entry.duration_ms) == ("failed", 404, "HTTP 404", 1500)
    assert (entry.response_headers, entry.response_body) == ({"Server": "x"}, "no")


@pytest.mark.parametrize("status", [200, 201, 204, 299])
def test_any_2xx_is_success(box: Box, status: int) -> None:
    box.script(HOOK, status)
    schedule(box, HOOK)
    box.advance(HOUR)
    assert (box.sent(), box.states()) == ([(0, HOOK, 1, "delivered")], [("run_000001", "succeeded")])


@pytest.mark.parametrize("status", [300, 302, 307, 400, 404, 410, 429, 500, 503])
def test_anything_else_is_a_failure_and_a_redirect_is_not_followed(box: Box, status: int) -> None:
    box.script(HOOK, {"status": status, "headers": {"Location": LOCAL}})
    schedule(box, HOOK, retry=0)
    box.advance(HOUR)
    assert (box.sent(), box.states()) == ([(0, HOOK, 1, "failed")], [("run_000001", "failed")])


def test_an_attempt_that_is_unknown_or_settled_is_ignored(box: Box) -> None:
    schedule(box)
    attempt = box.to_send()
    for _ in range(2):
        box.sandbox.settle(attempt.attempt_id, OK)
    box.sandbox.settle("dlv_000009.1", FAILED)
    assert (box.sent(), box.states()) == ([(0, LOCAL, 1, "delivered")], [("run_000001", "succeeded")])
    assert box.store.attempts == {}
