"""What probes send to a target that limits nothing, and what they conclude from one that answers otherwise."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from sched_emulator.client.emulator import Emulator
from sched_emulator.contract.measure import Silent
from sched_emulator.contract.results import Result, Status
from sched_emulator.contract.runner import Run
from sched_emulator.contract.settings import Settings
from tests.receivers import Asked, Told, envelope, serving

Found = tuple[Status, str | int | None, str]


def sent(request: Asked) -> dict[str, Any]:
    body = json.loads(request.body or b"{}")
    return body if isinstance(body, dict) else {}


def takes_everything(_request: Asked) -> Told:
    return envelope({"items": [], "messages": [], "message_id": "m", "queue": "q", "cron_id": "c", "task_id": "t"})


def probed(answer: Callable[[Asked], Told], *questions: str) -> tuple[dict[str, Found], list[Asked]]:
    """Probe a server that answers so, and return what was found and what was sent."""
    only = tuple(f"probe/{question}" for question in questions)
    with serving(answer) as (url, asked):
        report = Run(Settings(url, key="k", seed=1, allow_writes=True, only=only), Silent()).perform()
        return {item.check.question: found(item) for item in report.results}, list(asked)


def found(result: Result) -> Found:
    return result.status, result.answer, result.bound or result.reason


def test_probes_send_little_to_a_target_that_limits_nothing() -> None:
    findings, asked = probed(takes_everything, "limits.*")
    assert findings == {
        "limits.batch_messages": (Status.OBSERVED, 400, "at least 400"),
        "limits.delay_seconds": (Status.OBSERVED, 31_622_400, "at least 31622400"),
        "limits.max_messages": (Status.OBSERVED, 10_000, "at least 10000"),
        "limits.message_bytes": (Status.OBSERVED, 1_048_576, "at least 1048576"),
        "limits.name_chars": (Status.OBSERVED, 2000, "at least 2000"),
    }
    assert sum(max(len(sent(item).get("messages", ())), 1) for item in asked) < 1000
    assert sum(len(item.body) for item in asked) < 5_000_000
    assert max(len(item.path) for item in asked) < 2100


@pytest.mark.parametrize(("most", "expected"), [(100, 100), (250, 250), (60, 60), (10, 10), (1, 1)])
def test_a_limit_near_the_usual_one_is_found_exactly(most: int, expected: int) -> None:
    def answer(request: Asked) -> Told:
        too_many = len(sent(request).get("messages", ())) > most
        return envelope(None, 413) if too_many else takes_everything(request)

    findings, asked = probed(answer, "limits.batch_messages")
    assert findings == {"limits.batch_messages": (Status.OBSERVED, expected, "")}
    assert sum(size for item in asked if (size := len(sent(item).get("messages", ()))) <= most) <= 1000


def test_a_name_that_is_too_large_for_the_target_is_a_name_that_is_too_long() -> None:
    def answer(request: Asked) -> Told:
        return envelope(None, 413) if len(sent(request).get("name", "")) > 300 else takes_everything(request)

    assert probed(answer, "limits.name_chars")[0] == {"limits.name_chars": (Status.OBSERVED, 300, "")}


def test_settings_that_create_does_not_read_are_no_names_of_it() -> None:
    assert probed(takes_everything, "cron.create.names")[0] == {"cron.create.names": (Status.OBSERVED, "table", "")}


def test_settings_that_create_refuses_when_they_have_no_meaning_are_read() -> None:
    def answer(request: Asked) -> Told:
        return (
            envelope(None, 400) if "no " in json.dumps(sent(request)) or "no-" in str(sent(request)) else fine(request)
        )

    def fine(request: Asked) -> Told:
        return envelope(None, 400) if "http_url" in sent(request) else takes_everything(request)

    assert probed(answer, "cron.create.names")[0] == {"cron.create.names": (Status.OBSERVED, "any", "")}


def test_a_status_of_one_operation_is_not_the_status_of_all() -> None:
    def answer(request: Asked) -> Told:
        told = takes_everything(request)
        return told._replace(status=201) if request.path.endswith("queue/create") else told

    findings, _ = probed(answer, "http.created_status")
    others = ("queue.publish", "queue.push_subscribe", "cron.create")
    assert findings["http.created_status"] == (
        Status.UNDETERMINED,
        None,
        f"other: queue.create answered 201, {', '.join(f'{name} answered 200' for name in others)}",
    )


@pytest.mark.parametrize(
    ("question", "reason"),
    [
        ("push.url_names", "a subscription without any URL is taken as well"),
        ("cron.run_at", "a cron with neither schedule nor run_at is taken as well"),
        ("queue.payload_type", "the text came back as null"),
        ("idempotency.conflict", "the second request was obeyed, as though it had no key"),
    ],
)
def test_from_a_target_that_takes_everything_nothing_is_concluded(question: str, reason: str) -> None:
    assert probed(takes_everything, question)[0] == {question: (Status.UNDETERMINED, None, reason)}


def test_a_payload_by_another_name_that_is_lost_is_not_taken() -> None:
    assert probed(takes_everything, "queue.payload_field")[0] == {
        "queue.payload_field": (Status.OBSERVED, "payload", "")
    }


def test_waits_that_never_grow_are_no_exponential_backoff() -> None:
    with Emulator.start(clock="frozen") as emulator:
        answers = {"delivery.backoff_first_seconds": 3, "delivery.backoff_max_seconds": 3}
        with emulator.sandbox("ifr_fixed", assumptions=answers):
            only = ("probe/delivery.backoff", "probe/queue.nack_delay")
            report = Run(Settings(emulator.url, key="ifr_fixed", seed=1, only=only), Silent()).perform()
    assert {item.check.question: found(item) for item in report.results} == {
        "delivery.backoff": (Status.UNDETERMINED, None, "other: the attempts came after 3.0 s and 3.0 s"),
        "queue.nack_delay": (Status.OBSERVED, "now", ""),
    }


def test_where_a_backoff_is_no_time_at_all_a_requeued_message_is_there_at_once() -> None:
    with Emulator.start(clock="frozen") as emulator:
        answers = {"delivery.backoff": "immediate", "queue.nack_delay": "backoff"}
        with emulator.sandbox("ifr_now", assumptions=answers):
            report = Run(
                Settings(emulator.url, key="ifr_now", seed=1, only=("probe/queue.nack_delay",)), Silent()
            ).perform()
    assert [found(item) for item in report.results] == [(Status.OBSERVED, "now", "")]
