"""The operations of a resolved document, each with all that is known of it."""

from dataclasses import dataclass

from .documents import JSON_CONTENT, Json, deref, each_operation, json_body


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of a resolved document; every schema in it is expanded, without any ``$ref``.

    ``returns`` is the schema of what the documentation calls "returns": inside the envelope where there is one.
    ``errors`` has code, status and whether a retry may help of each error (``x-errors`` of its responses).
    """

    operation_id: str
    method: str
    path: str
    newer_path: str | None
    parameters: tuple[Json, ...]
    body_schema: Json | None
    body_required: bool
    status: int
    returns: Json
    enveloped: bool
    responses: dict[str, Json]
    errors: tuple[Json, ...]
    public: bool
    definition: Json


def operations(document: Json) -> list[Operation]:
    """List the operations of a resolved document, in its order."""
    return [_operation(document, method, path) for method, path, _ in each_operation(document)]


def _operation(document: Json, method: str, path: str) -> Operation:
    item = document["paths"][path]
    definition = item[method]
    body = json_body(definition)
    responses = deref(document, definition["responses"])
    success = next(status for status in responses if status.startswith("2"))
    schema = responses[success].get("content", {}).get(JSON_CONTENT, {}).get("schema", {})
    inside = schema.get("x-returns")
    newer = document.get("x-path-generations", {}).items()
    return Operation(
        operation_id=definition["operationId"],
        method=method.upper(),
        path=path,
        newer_path=next((new + path.removeprefix(old) for old, new in newer if path.startswith(old)), None),
        parameters=tuple(deref(document, [*item.get("parameters", []), *definition.get("parameters", [])])),
        body_schema=deref(document, body["schema"]) if body else None,
        body_required=definition.get("requestBody", {}).get("required", False),
        status=int(success),
        returns=schema["properties"][inside] if inside else schema,
        enveloped=inside is not None,
        responses=responses,
        errors=tuple(
            {**error, "status": int(status)}
            for status, response in responses.items()
            for error in response.get("x-errors", ())
        ),
        public=definition.get("security", document.get("security")) == [],
        definition=definition,
    )
