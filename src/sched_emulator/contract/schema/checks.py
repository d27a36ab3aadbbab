"""Checks of ours that schemathesis runs on every answer."""

import json
from typing import Any

import schemathesis

from sched_emulator.contract.described import REQUEST_ID

ERROR_PARTS = frozenset({"code", "message"})


def register(*, enveloped: bool, enveloped_operations: frozenset[str]) -> None:
    """Register the checks for the envelope that the target was found to have."""

    @schemathesis.check
    def envelope(_context: Any, response: Any, case: Any) -> None:
        """Ask for JSON in the envelope, also of answers to methods that are not described."""
        name = case.operation.definition.raw.get("operationId", "")
        complaint = _envelope_complaint(response, enveloped=enveloped, plain=name not in enveloped_operations)
        assert complaint is None, complaint

    @schemathesis.check
    def error_shape(_context: Any, response: Any, _case: Any) -> None:
        """Ask an error for a code for programs and a message for people."""
        body = _decoded(response)
        if response.status_code >= 400:
            error = body.get("error") if isinstance(body, dict) else None
            assert isinstance(error, dict), f"The error has no `error`: {response.text[:200]}"
            missing = ERROR_PARTS - set(error)
            assert not missing, f"The error has no {' and no '.join(sorted(missing))}"

    @schemathesis.check
    def request_id(_context: Any, response: Any, _case: Any) -> None:
        """Compare the request id in the envelope with the one in the header."""
        body = _decoded(response)
        header = response.headers.get(REQUEST_ID)
        outside = header[0] if isinstance(header, list) and header else header
        inside = (body.get("metadata") or {}).get("request_id") if isinstance(body, dict) else None
        if outside and inside:
            assert inside == outside, f"{REQUEST_ID} is {outside}, in the body {inside}"


def _envelope_complaint(response: Any, *, enveloped: bool, plain: bool) -> str | None:
    body = _decoded(response)
    if not isinstance(body, dict):
        return f"The answer is no JSON object: {response.text[:200]}"
    failed = response.status_code >= 400
    if (plain and not failed) or not (enveloped or failed):
        return None
    names = {"ok", "data", "error", "metadata"} if enveloped else {"error"}
    if set(body) != names:
        return f"The members are {sorted(body)}, not {sorted(names)}"
    if enveloped and body["ok"] is failed:
        return f"ok is {body['ok']} at status {response.status_code}"
    return None


def _decoded(response: Any) -> Any:
    try:
        return json.loads(response.content)
    except ValueError:
        return None
