"""The suite's copy of the resolved document, to generate requests from.

Names carry the run's prefix, URLs lead nowhere, and what a schema cannot say (that a cursor comes from a page, that a
dead-letter queue exists) is left out. What is narrowed here makes no false failures: `wire` says what a request is.
"""

import copy
from typing import Any

from sched_emulator import spec

Json = dict[str, Any]
URL = "https://receiver.example.com/schema"
INSTANTS = "^20[5-8][0-9]-(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]Z$"
NAMES = ("queue", "name")
LEFT_OUT = ("dead_letter_queue",)


def narrowed(described: Json, prefix: str, *, key_required: bool, spare_costly: bool) -> Json:
    """Return the document to generate requests from; `spare_costly` leaves out what costs or cannot be undone."""
    document: Json = copy.deepcopy(described)
    schemas = document["components"]["schemas"]
    schemas["Name"] |= {
        "pattern": f"^{prefix}[a-c]{{1,2}}$",
        "minLength": len(prefix) + 1,
        "maxLength": len(prefix) + 2,
    }
    schemas["Url"] = {"type": "string", "pattern": "^https://receiver\\.example\\.com/[a-z]{1,8}$", "examples": [URL]}
    schemas["Instant"] |= {"pattern": INSTANTS, "examples": ["2055-01-05T09:00:00Z"]}
    schemas["DeliveryHeaders"]["propertyNames"] = {"pattern": "^X-[A-Z][a-z]{1,8}$"}
    schemas["DeliveryHeaders"]["maxProperties"] = 5
    schemas["DeliveryHeaders"]["additionalProperties"] = {"type": "string", "pattern": "^[!-~]{1,20}$"}
    schemas["IdempotencyKey"] |= {"pattern": "^[!-~]{1,40}$", "maxLength": 40}
    schemas["Limit"].setdefault("maximum", 1_000_000)
    for path, item in list(document["paths"].items()):
        operations = [item[method] for method in spec.METHODS if method in item]
        for operation in operations:
            _narrow_operation(operation, prefix, key_required=key_required)
        if spare_costly and any("x-costly" in operation for operation in operations):
            del document["paths"][path]
    document.pop("webhooks", None)
    return document


def _narrow_operation(operation: Json, prefix: str, *, key_required: bool) -> None:
    operation["parameters"] = [
        _renamed(parameter, prefix)
        for parameter in operation.get("parameters", [])
        if parameter.get("name") != "cursor"
    ]
    media = operation.get("requestBody", {}).get("content", {}).get(spec.JSON_CONTENT)
    if media is None:
        return
    schema = media["schema"]
    properties = schema.get("properties", {})
    for name in [*LEFT_OUT, *[name for name, child in properties.items() if child.get("not") == {}]]:
        properties.pop(name, None)
    if key_required and operation.get("x-creation"):
        schema["required"] = [*schema.get("required", []), "idempotency_key"]
    for example in media.get("examples", {}).values():
        example["value"] = _example(example["value"], prefix, key_required=key_required and "required" in schema)


def _renamed(parameter: Json, prefix: str) -> Json:
    if parameter.get("name") == "queue" and "example" in parameter:
        return {**parameter, "example": f"{prefix}a"}
    return parameter


def _example(value: Json, prefix: str, *, key_required: bool) -> Json:
    changed = {name: item for name, item in value.items() if name not in LEFT_OUT}
    for name, item in changed.items():
        if name in NAMES:
            changed[name] = f"{prefix}a"
        elif isinstance(item, str) and item.startswith("https://"):
            changed[name] = URL
        elif name in {"run_at", "since"}:
            changed[name] = "2055-01-05T09:00:00Z"
        elif name == "headers":
            changed[name] = {"X-Team": "reports"}
    if key_required:
        changed["idempotency_key"] = f"{prefix}example"
    return changed
