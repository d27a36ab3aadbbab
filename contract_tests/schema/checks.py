"""Checks of ours that schemathesis runs on every answer."""

import json
from typing import Any

import schemathesis

from ..contract import REQUEST_ID, short

ERROR_PARTS = frozenset({"code", "message"})


def register(*, enveloped: bool, enveloped_operations: frozenset[str]) -> None:
    """Register the checks for the envelope that the target was found to have."""

    @schemathesis.check
    def envelope(_context: Any, response: Any, case: Any) -> None:
        """Every answer is JSON in the envelope, also those to methods that are not described."""
        try:
            body = json.loads(response.content)
        except ValueError:
            raise AssertionError(f"The answer is no JSON: {response.text[:200]}") from None
        if short(case.operation.definition.raw.get("operationId", "")) not in enveloped_operations and response.status_code < 400:
            return
        names = {"ok", "data", "error", "metadata"} if enveloped else {"error"}
        if response.status_code >= 400 or enveloped:
            assert isinstance(body, dict) and set(body) == names, f"The members are {sorted(body)}, not {sorted(names)}"
        if enveloped:
            assert body["ok"] is (response.status_code < 400), f"ok is {body['ok']} at status {response.status_code}"

    @schemathesis.check
    def error_shape(_context: Any, response: Any, _case: Any) -> None:
        """An error has a code for programs and a message for people."""
        if response.status_code < 400:
            return
        try:
            error = json.loads(response.content)["error"]
        except (ValueError, KeyError, TypeError):
            raise AssertionError(f"The error has no `error`: {response.text[:200]}") from None
        missing = ERROR_PARTS - set(error)
        assert not missing, f"The error has no {' and no '.join(sorted(missing))}"

    @schemathesis.check
    def request_id(_context: Any, response: Any, _case: Any) -> None:
        """The request id in the envelope is the one in the header."""
        try:
            metadata = json.loads(response.content).get("metadata") or {}
        except (ValueError, AttributeError):
            return
        header = response.headers.get(REQUEST_ID)
        outside = header[0] if isinstance(header, list) and header else header
        if outside and "request_id" in metadata:
            assert metadata["request_id"] == outside, f"{REQUEST_ID} is {outside}, in the body {metadata['request_id']}"
