from typing import Any

import pytest

from sched_emulator.core import errors


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (
            errors.InvalidRequest("is wrong", parameter="limit"),
            ("INVALID_REQUEST", 400, "`limit` is wrong", {"parameter": "limit"}),
        ),
        (
            errors.InvalidRequest("is wrong", parameter="limit").called("most"),
            ("INVALID_REQUEST", 400, "`most` is wrong", {"parameter": "most"}),
        ),
        (
            errors.InvalidRequest("the body is wrong", about="body"),
            ("INVALID_REQUEST", 400, "the body is wrong", {"parameter": "body"}),
        ),
        (errors.InvalidRequest("no"), ("INVALID_REQUEST", 400, "no", None)),
        (errors.NotFound("queue", "q"), ("NOT_FOUND", 404, "queue 'q' not found", None)),
        (errors.Conflict("no", details={"a": 1}), ("CONFLICT", 409, "no", {"a": 1})),
        (errors.IdempotencyConflict("no"), ("IDEMPOTENCY_CONFLICT", 409, "no", None)),
        (errors.InsufficientCredit("no"), ("INSUFFICIENT_CREDIT", 402, "no", None)),
        (errors.PayloadTooLarge("no"), ("PAYLOAD_TOO_LARGE", 413, "no", None)),
        (errors.InjectedFault(429, None), ("RATE_LIMITED", 429, "injected fault: 429 RATE_LIMITED", None)),
        (errors.SchedulingError("no"), ("INTERNAL", 500, "no", None)),
    ],
)
def test_an_error_says_code_status_and_one_sentence(error: errors.SchedulingError, expected: tuple[Any, ...]) -> None:
    assert (error.code, error.status, error.message, error.details) == expected
    assert str(error) == error.message


def test_a_hint_can_be_given_or_is_that_of_the_sort() -> None:
    assert errors.Conflict("no", hint="Wait.").hint == "Wait."
    assert errors.Conflict("no").hint is None
    assert errors.IdempotencyConflict("no").hint == "Use a new idempotency key for a different request."


def test_an_error_does_not_say_to_try_again_unless_it_helps() -> None:
    assert [errors.Conflict("no").retryable, errors.Conflict("no").headers] == [False, {}]
    assert [errors.InjectedFault(status, None).retryable for status in (404, 429, 499, 500, 599)] == [
        False,
        True,
        False,
        True,
        True,
    ]


def test_a_long_name_is_shortened() -> None:
    assert errors.NotFound("queue", "q" * 80).message == f"queue '{'q' * 80}' not found"
    assert errors.NotFound("queue", "q" * 300).message == f"queue '{'q' * 80}…' not found"
