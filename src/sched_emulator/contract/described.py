"""The specification, resolved for the shapes that a target was found to have, and answers compared with it."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import jsonschema_rs

from sched_emulator import spec
from sched_emulator.spec import assumptions

from .results import shown

REQUEST_ID = "X-Infrai-Request-Id"
ALL_NAMES = "both"  # what an answer is called under which a thing has all the names that other answers give it


@lru_cache(maxsize=1)
def routes() -> dict[str, spec.Operation]:
    """Return every operation by its short name: methods and paths are the same under all answers.

    What an answer returns stands there under every name that it may have.
    """
    shapes = {name: ALL_NAMES for name, entry in assumptions.catalogue().items() if ALL_NAMES in entry.answers}
    return Contract(shapes).operations


class Contract:
    """What a target has to answer, given its answers to the open questions about shape."""

    def __init__(self, answers: Mapping[str, str | int]) -> None:
        self.answers = dict(answers)
        self.document = spec.resolve(spec.load("scheduling"), {**assumptions.defaults(), **answers})
        self.operations = {operation.short: operation for operation in spec.operations(self.document)}
        self.invalid_status = int(self.document["x-validation-status"])
        self._validators: dict[tuple[str, int], jsonschema_rs.Validator | None] = {}

    def problem(self, operation: str, status: int, headers: Mapping[str, str], body: Any) -> str | None:
        """Return what is wrong with an answer in one sentence, or None."""
        if status >= 500:
            return f"the answer was {status}, an error of the target's own"
        described = self.operations[operation].responses
        if str(status) not in described:
            return f"the status was {status}; documented are {', '.join(described)}"
        content_type = headers.get("Content-Type", "")
        if "json" not in content_type:
            return f"the Content-Type was {content_type!r}, not JSON"
        validator = self._validator(operation, status)
        if validator is not None:
            for error in validator.iter_errors(body):
                place = "/".join(map(str, error.instance_path)) or "the body"
                return f"{place}: {error.message}"
        return self._request_id_problem(operation, headers, body)

    def _validator(self, operation: str, status: int) -> jsonschema_rs.Validator | None:
        key = (operation, status)
        if key not in self._validators:
            schema = self.operations[operation].responses[str(status)].get("content", {})
            schema = schema.get(spec.JSON_CONTENT, {}).get("schema")
            self._validators[key] = (
                None
                if schema is None
                else jsonschema_rs.Draft202012Validator(schema, validate_formats=True, ignore_unknown_formats=True)
            )
        return self._validators[key]

    def _request_id_problem(self, operation: str, headers: Mapping[str, str], body: Any) -> str | None:
        if not self.operations[operation].enveloped or not isinstance(body, dict) or "metadata" not in body:
            return None
        inside, outside = body["metadata"].get("request_id"), headers.get(REQUEST_ID)
        if outside is not None and inside != outside:
            return f"{REQUEST_ID} was {shown(outside)} and metadata.request_id {shown(inside)}; they are the same"
        return None
