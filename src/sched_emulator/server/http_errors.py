"""What the edge refuses before the core hears of it, and how an error is told in a body."""

from collections.abc import Sequence
from types import MappingProxyType
from typing import Any

from sched_emulator.core.errors import Conflict, SchedulingError

from .secrets import in_url


class Unauthorized(SchedulingError):
    """No key, or one that is not accepted."""

    code = "UNAUTHORIZED"
    status = 401
    hint = "Send `Authorization: Bearer <key>` with a key that starts with ifr_."


class UnacceptedKey(Unauthorized):
    """A key that is none of those named by `--keys`."""

    hint = "Send one of the keys that the emulator was started with: --keys names them."


class MalformedKey(Unauthorized):
    """A key that could be none, whichever are accepted."""

    def __init__(self, most_chars: int) -> None:
        hint = f"A key starts with ifr_, goes on, and has at most {most_chars} visible ASCII characters, no spaces."
        super().__init__("the key is not accepted", hint=hint)


class Forbidden(SchedulingError):
    """A request from a foreign origin, or to the control API for a foreign host."""

    code = "FORBIDDEN"
    status = 403
    hint = "Use the address that the emulator listens on, or allow the name with --allow-host."


class UnknownPath(SchedulingError):
    """Nothing is served there; `index` is where the paths stand that are."""

    code = "NOT_FOUND"
    status = 404

    def __init__(self, message: str, index: str) -> None:
        super().__init__(message, hint=f"GET {index} lists what is served.")


class NoSandbox(SchedulingError):
    """A key that no request has come with."""

    code = "NO_SANDBOX"
    status = 404
    hint = "Its first request makes it one."

    def __init__(self, key: str) -> None:
        super().__init__(f"the key {key} has no sandbox yet")


class MethodNotAllowed(SchedulingError):
    """The path is served, not with this method."""

    code = "METHOD_NOT_ALLOWED"
    status = 405

    def __init__(self, method: str, path: str, allowed: str) -> None:
        super().__init__(f"{method} is not allowed on {path}", hint=f"Use {allowed}.")
        self.headers = {"Allow": allowed}


class BodyTooLarge(SchedulingError):
    """A body beyond what any operation takes."""

    code = "PAYLOAD_TOO_LARGE"
    status = 413
    hint = "Send less in one request."


class MalformedBody(SchedulingError):
    """A body that is no JSON, which is 400 whatever `http.validation_status` says."""

    code = "INVALID_REQUEST"
    status = 400
    hint = "Send one JSON object in UTF-8."

    def __init__(self, message: str) -> None:
        super().__init__(message, details={"parameter": "body"})


class UnsupportedMediaType(SchedulingError):
    """A body that says it is no JSON."""

    code = "UNSUPPORTED_MEDIA_TYPE"
    status = 415
    hint = "Send JSON with `Content-Type: application/json`."


class EncodedBody(UnsupportedMediaType):
    """A body that is compressed, or encoded otherwise."""

    hint = "Send the body as it is, without `Content-Encoding`."

    def __init__(self) -> None:
        super().__init__("the body must come without `Content-Encoding`")


class ExpectationFailed(SchedulingError):
    """An expectation that nobody knows."""

    code = "EXPECTATION_FAILED"
    status = 417
    hint = "Leave the header out."

    def __init__(self, expected: str) -> None:
        super().__init__(f"the header `Expect` must be 100-continue, got {expected[:80]!r}")


class BodyTooLate(SchedulingError):
    """A body that did not come."""

    code = "REQUEST_TIMEOUT"
    status = 408
    hint = "Send the whole request at once."
    retryable = True


class MalformedRequest(SchedulingError):
    """What is no request at all; `repeated` is a header that stands in it more than once, but may only once."""

    code = "INVALID_REQUEST"
    status = 400
    hint = "Send HTTP/1.1."

    def __init__(self, repeated: str | None = None) -> None:
        told = "the request must be well-formed HTTP/1.1 with short lines and headers"
        super().__init__(told if repeated is None else f"`{repeated[:80]}` must be given once, not several times")


class Busy(Conflict):
    """What is under way for a sandbox leaves no room for this now."""

    code = "BUSY"
    hint = "Try again when it has ended."
    retryable = True
    headers = MappingProxyType({"Retry-After": "1"})


class ClockBusy(Busy):
    """The clock cannot be moved now: an advance or a real attempt is under way; `urls` are waited for."""

    def __init__(self, *, advancing: bool, urls: Sequence[str]) -> None:
        what = "an advance is under way" if advancing else "a delivery is under way"
        waiting_for = [in_url(url) for url in urls]
        shown = f", waiting for {', '.join(waiting_for)}" if urls else ""
        super().__init__(f"{what}{shown}", details={"waiting_for": waiting_for})


class AlreadyAsked(Busy):
    """What a session relied on is being proved for another client."""

    hint = "Try again when it has been answered."

    def __init__(self) -> None:
        super().__init__("another client waits for what this sandbox's session relied on")


class InternalError(SchedulingError):
    """A mistake of the emulator's own."""

    hint = "This is a bug of the emulator: please report it with the request that led to it."


def error_object(error: SchedulingError) -> dict[str, Any]:
    """Return what an error body says of an error; what it has nothing to say about is absent."""
    facts = {
        "code": error.code,
        "message": error.message,
        "hint": error.hint,
        "retryable": error.retryable,
        "details": error.details,
    }
    return {name: value for name, value in facts.items() if value is not None}
