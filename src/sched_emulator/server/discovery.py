"""What the gateway says of itself, built from the resolved spec: public, free, not enveloped."""

from collections.abc import Callable, Mapping
from typing import Any

from sched_emulator import spec
from sched_emulator.core.errors import NotFound

from .binding import Binding

DESCRIBED_AT = "2026-11-25T00:00:00.000Z"  # when the spec was written from the documentation
Json = dict[str, Any]


def listing(binding: Binding) -> Json:
    """Return every capability in short (`GET /v1/discovery`)."""
    return {
        "version": binding.document["info"]["version"],
        "generated_at": DESCRIBED_AT,
        "capabilities": [
            _capability(bound.operation) for bound in binding.operations.values() if _listed(bound.operation)
        ],
    }


def contract(binding: Binding, capability: str) -> Json:
    """Return the whole contract of one capability, named with or without the leading `scheduling.`."""
    for bound in binding.operations.values():
        if capability in {bound.operation_id, bound.operation.short} and _listed(bound.operation):
            return _contract(bound.operation)
    raise NotFound("capability", capability)


def _listed(operation: spec.Operation) -> bool:
    return not operation.public


def _capability(operation: spec.Operation) -> Json:
    return {
        "id": operation.operation_id,
        "method": operation.method,
        "path": operation.path,
        "available": True,
        "regions": ["local"],
        "vendors": ["infrai"],
        "billing": {
            "is_billable": False,
            "free": True,
            "unit": "request",
            "price_usd": 0,
            "currency": "USD",
            "new_account_trial_uses": 0,
        },
    }


def _contract(operation: spec.Operation) -> Json:
    body = operation.body_schema or {"type": "object"}
    sent = {item["name"]: item["schema"] for item in operation.parameters if item["in"] != "header"}
    required = [item["name"] for item in operation.parameters if item.get("required")]
    media = operation.definition.get("requestBody", {}).get("content", {}).get(spec.JSON_CONTENT, {})
    return {
        **_capability(operation),
        "summary": operation.definition["summary"],
        "params": {
            **body,
            "properties": {**body.get("properties", {}), **sent},
            "required": [*required, *body.get("required", [])],
        },
        "returns": operation.returns,
        "errors": list(operation.errors),
        "examples": [example["value"] for example in media.get("examples", {}).values()],
    }


OPERATIONS: Mapping[str, Callable[..., Json]] = {"discovery.list": listing, "discovery.get": contract}
