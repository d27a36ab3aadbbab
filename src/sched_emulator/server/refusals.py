"""What the edge refuses before the core hears of it."""

from sched_emulator.core.errors import SchedulingError


class Unauthorized(SchedulingError):
    """No key, or one that is not accepted."""

    code = "UNAUTHORIZED"
    status = 401
    hint = "Send `Authorization: Bearer <key>` with a key that starts with ifr_."


class Forbidden(SchedulingError):
    """A request to the control API from a foreign origin or for a foreign host."""

    code = "FORBIDDEN"
    status = 403
    hint = "Use the address that the emulator listens on, or allow the name with --allow-host."


class UnknownPath(SchedulingError):
    """Nothing is served there."""

    code = "NOT_FOUND"
    status = 404
    hint = "See openapi/scheduling.yaml for the paths that are served."


class MethodNotAllowed(SchedulingError):
    """The path is served, not with this method."""

    code = "METHOD_NOT_ALLOWED"
    status = 405

    def __init__(self, method: str, path: str, allowed: str) -> None:
        super().__init__(f"{method} is not allowed on {path}", hint=f"Use {allowed}.")
        self.allowed = allowed


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


class InternalError(SchedulingError):
    """A mistake of the emulator's own."""

    hint = "This is a bug of the emulator: please report it with the request that led to it."
