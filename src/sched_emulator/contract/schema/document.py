"""The suite's copy of the resolved document, to generate requests from.

Names carry the run's prefix, URLs lead nowhere, and what a schema cannot say (that a cursor comes from a page, that a
dead-letter queue exists) is left out. What is narrowed here must not make false failures: `Truth` holds the document
as it was, and says whether a request that the target accepted was valid after all.
"""

import copy
from typing import Any

import jsonschema_rs
from schemathesis.core import NOT_SET

from sched_emulator import spec
from sched_emulator.contract.described import Contract
from sched_emulator.contract.results import NotChecked

Json = dict[str, Any]
URL = "https://receiver.example.com/schema"
INSTANTS = "^20[5-8][0-9]-(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]Z$"
NAMES = ("queue", "name")
LEFT_OUT = ("dead_letter_queue",)


def narrowed(contract: Contract, prefix: str, *, key_required: bool, spare_costly: bool) -> Json:
    """Return the document to generate requests from; `spare_costly` leaves out what costs or cannot be undone."""
    document: Json = copy.deepcopy(contract.document)
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
    schemas["Limit"] |= {"maximum": 1_000_000}
    for path, item in list(document["paths"].items()):
        described = [item[method] for method in spec.METHODS if method in item]
        for operation in described:
            _narrow_operation(operation, prefix, key_required=key_required)
        if spare_costly and any("x-costly" in operation for operation in described):
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


class Truth:
    """The document before it was narrowed."""

    def __init__(self, contract: Contract) -> None:
        self._operations = {item.operation_id: item for item in contract.operations.values()}
        self._bodies: dict[str, jsonschema_rs.Validator] = {}

    def allows(self, operation_id: str, body: Any, query: Json, path: Json) -> bool:
        """Whether a request fits the description of its operation; `NOT_SET` is no body at all."""
        operation = self._operations.get(operation_id)
        if operation is None:
            raise NotChecked(f"{operation_id} is not described")
        for parameter in operation.parameters:
            given = {"query": query, "path": path}.get(parameter["in"], {})
            if parameter["name"] in given and not _fits(parameter["schema"], given[parameter["name"]]):
                return False
        if operation.body_schema is None or (body in (None, NOT_SET) and not operation.body_required):
            return True
        validator = self._validator(operation_id, operation.body_schema)
        return isinstance(body, dict) and bool(validator.is_valid(body))

    def _validator(self, name: str, schema: Json) -> jsonschema_rs.Validator:
        if name not in self._bodies:
            self._bodies[name] = jsonschema_rs.Draft202012Validator(schema)
        return self._bodies[name]


def _fits(schema: Json, value: Any) -> bool:
    number = schema.get("type") == "integer" and str(value).lstrip("-").isdecimal()
    given = int(value) if number else value if isinstance(value, str) else str(value)
    return bool(jsonschema_rs.Draft202012Validator(schema).is_valid(given))
