"""Scripted receivers: what answers a delivery in virtual time, without any network."""

from . import urls
from .encoding import encode
from .instants import to_ms
from .records import Outcome, Response, Target

KEPT_BYTES = 4096  # of an answer's body, as of a real one's


def script(targets: list[Target], target: Target) -> None:
    """Add a scripted receiver; one for the same glob is replaced, and the new one counts as newest."""
    targets[:] = [other for other in targets if other.url != target.url]
    targets.append(target)


def answer(targets: list[Target], url: str, timeout_ms: int) -> Outcome | None:
    """Return what the newest receiver that fits says to a delivery now, or None when none fits."""
    for target in reversed(targets):
        if urls.fits(target.url, url):
            return _outcome(_next_response(target), timeout_ms)
    return None


def _next_response(target: Target) -> Response:
    last = len(target.responses) - 1
    index = target.used % (last + 1) if target.then == "cycle" else min(target.used, last)
    target.used += 1
    return target.responses[index]


def _outcome(response: Response, timeout_ms: int) -> Outcome:
    latency_ms = to_ms(response.latency_seconds)
    if response.error == "timeout" or latency_ms >= timeout_ms:
        return Outcome(result="timeout", error=f"no answer within {timeout_ms / 1000:g} s", duration_ms=timeout_ms)
    if response.error == "refused":
        return Outcome(result="refused", error="connection refused", duration_ms=latency_ms)
    if response.error == "reset":
        return Outcome(result="failed", error="connection reset", duration_ms=latency_ms)
    body = response.body if isinstance(response.body, str | None) else encode(response.body)
    if body is not None:
        body = body.encode()[:KEPT_BYTES].decode(errors="replace")
    return of_status(response.status, duration_ms=latency_ms, headers=response.headers, body=body)


def of_status(
    status: int, *, duration_ms: int = 0, headers: dict[str, str] | None = None, body: str | None = None
) -> Outcome:
    """Return the outcome of an HTTP answer: any 2xx is success."""
    succeeded = 200 <= status < 300
    return Outcome(
        result="delivered" if succeeded else "failed",
        status=status,
        error=None if succeeded else f"HTTP {status}",
        duration_ms=duration_ms,
        response_headers=headers or {},
        response_body=body,
    )
