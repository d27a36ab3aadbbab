"""Lines of requests and deliveries, made of what the control API answers about them."""

from collections.abc import Mapping
from typing import Any

from . import lines
from .lines import Line, Tone

FAILED = 400  # and above, of a status
OUTCOMES: dict[str, Tone] = {"delivered": "good", "captured": "good", "running": "odd"}


def of_request(view: Mapping[str, Any], key: str) -> Line:
    """Return the line of a request as the journal shows it."""
    status, ignored, note = view["status"], view["ignored"], view.get("note", "")
    operation = view.get("operation")
    details = [note, f"ignored: {', '.join(ignored)}" if ignored else ""]
    if status >= FAILED:
        error = (view["response"] or {}).get("error") or {}
        details.append(f"{error.get('code', '')}: {error.get('message', '')}")
    elif view.get("body") is not None:
        details.append(lines.brief(view["body"]))
    return Line(
        view["at"],
        key,
        "refused" if operation is None else "request",
        f"{view['method']} {view['path']}" if operation is None else short(operation),
        str(status),
        "bad" if status >= FAILED else "odd" if ignored or note else "good",
        _latency_seconds(view["response"]),
        detail="; ".join(filter(None, details)),
        seq=view["seq"],
    )


def of_delivery(view: Mapping[str, Any], key: str) -> Line:
    """Return the line of a delivery attempt as the journal shows it."""
    outcome, error = view["outcome"], view.get("error", "")
    details = [f"attempt {view['attempt']}" if view["attempt"] > 1 else "", error, view.get("note", "")]
    if not error and view["body"] is not None:
        details.append(lines.brief(view["body"]))
    return Line(
        view["at"],
        key,
        view["kind"],
        view["url"],
        f"{outcome} {view['status']}" if "status" in view else outcome,
        OUTCOMES.get(outcome, "bad"),
        view.get("duration_seconds"),
        "; ".join(filter(None, details)),
        view["seq"],
    )


def _latency_seconds(response: Any) -> float | None:
    """Return how long an answer was held back, by a fault; an answer says so itself, where it is enveloped."""
    metadata = response.get("metadata") if isinstance(response, dict) else None
    latency_ms: float = metadata.get("latency_ms", 0) if isinstance(metadata, dict) else 0
    return latency_ms / 1000 or None


def short(operation: str) -> str:
    """Return an operation's name as people say it."""
    return operation.removeprefix("scheduling.")
