"""What can be wrong with a call, by whose fault it is. Raised in the core, rendered in one place at the edge.

Codes and statuses are those of the vendor's conventions: 401, 402, 404, 409, 413, 415, 429 and
`INVALID_REQUEST` for what does not fit the documentation (its status is the assumption `http.validation_status`).
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from .instants import to_text


class SchedulingError(Exception):
    """A call that was refused: `code`, `status`, one sentence for people, and what to do about it.

    `headers` are what its answer carries besides, such as `Retry-After`.
    """

    code = "INTERNAL"
    status = 500
    hint: str | None = None
    retryable = False
    headers: Mapping[str, str] = MappingProxyType({})

    def __init__(self, message: str, *, hint: str | None = None, details: dict[str, Any] | None = None) -> None:
        super().__init__(message)
        self.message = message
        if hint is not None:
            self.hint = hint
        self.details = details


class InvalidRequest(SchedulingError):
    """A value does not fit the documentation; `details["parameter"]` names it.

    `text` goes on from `parameter`, as in "`name` must be given"; it is the whole sentence when only `about` is given,
    or neither.
    """

    code = "INVALID_REQUEST"
    status = 400
    hint: str | None = "Correct the named parameter and send the request again."

    def __init__(self, text: str, *, parameter: str | None = None, about: str | None = None) -> None:
        named = parameter or about
        super().__init__(
            text if parameter is None else f"`{parameter}` {text}",
            details={"parameter": named} if named else None,
        )
        self.text = text
        self.parameter = parameter

    def called(self, parameter: str) -> "InvalidRequest":
        """Return the same error about a parameter that the request called otherwise."""
        renamed = InvalidRequest(self.text, parameter=parameter)
        renamed.hint = self.hint
        return renamed


class NotFound(SchedulingError):
    """Nothing of that kind has that id or name; the message says "not found", which clients test for."""

    code = "NOT_FOUND"
    status = 404
    hint = "Check the id or the name: it may have been deleted, or belong to another key."

    def __init__(self, kind: str, name: str) -> None:
        super().__init__(f"{kind} '{_short(name)}' not found")


class Conflict(SchedulingError):
    """The call contradicts the present state."""

    code = "CONFLICT"
    status = 409


class Backward(Conflict):
    """Time would go back."""

    code = "BACKWARD"
    hint = "Reset the sandbox, or use a fresh key."

    def __init__(self, now_ms: int, wanted_ms: int) -> None:
        super().__init__(f"the clock is at {to_text(now_ms)} and cannot go back to {to_text(wanted_ms)}")


class IdempotencyConflict(SchedulingError):
    """The same idempotency key came with a different request."""

    code = "IDEMPOTENCY_CONFLICT"
    status = 409
    hint = "Use a new idempotency key for a different request."


class InsufficientCredit(SchedulingError):
    """The account's balance is used up."""

    code = "INSUFFICIENT_CREDIT"
    status = 402
    hint = "POST /v1/account/topup and open the returned checkout_url."


class PayloadTooLarge(SchedulingError):
    """A payload is larger than `limits.message_bytes`."""

    code = "PAYLOAD_TOO_LARGE"
    status = 413
    hint = "Store the data elsewhere and send a reference to it."


class InjectedFault(SchedulingError):
    """What a fault of the control API makes of a call: an error after `latency_ms`, or a dropped connection."""

    hint = "A fault set through /_emulator/faults answered."

    def __init__(
        self,
        status: int,
        code: str | None,
        *,
        retry_after_seconds: int | None = None,
        latency_ms: int = 0,
        drop: bool = False,
    ) -> None:
        self.code = code or _FAULT_CODES.get(status, "INTERNAL")
        super().__init__(f"injected fault: {status} {self.code}")
        self.status = status
        self.retryable = status == 429 or status >= 500
        if retry_after_seconds is not None:
            self.headers = {"Retry-After": str(retry_after_seconds)}
        self.latency_ms = latency_ms
        self.drop = drop


_FAULT_CODES = {
    400: "INVALID_REQUEST",
    401: "UNAUTHORIZED",
    402: "INSUFFICIENT_CREDIT",
    404: "NOT_FOUND",
    405: "METHOD_NOT_ALLOWED",
    409: "CONFLICT",
    413: "PAYLOAD_TOO_LARGE",
    415: "UNSUPPORTED_MEDIA_TYPE",
    429: "RATE_LIMITED",
    503: "UNAVAILABLE",
}


def _short(name: str, limit: int = 80) -> str:
    return name if len(name) <= limit else name[:limit] + "…"
