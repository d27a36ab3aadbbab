"""The operations of a resolved document, each with all that is known of it."""

from collections.abc import Mapping
from dataclasses import dataclass

from .documents import JSON_CONTENT, Json, deref, each_operation, json_body, load

KEY = "idempotency_key"
NAME_PREFIX = "x-name-prefix"


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of a resolved document; every schema in it is expanded, without any ``$ref``.

    ``returns`` is the schema of what the documentation calls "returns": inside the envelope where there is one.
    ``errors`` has code, status and whether a retry may help of each error (``x-errors`` of its responses).

    What it is, as the document says: ``creation``, whether it makes a resource; ``makes``, ``deletes`` and ``lists``,
    the kinds of things concerned, each with the argument or field that names one; ``costly``, what it costs or why it
    cannot be undone (empty: nothing of the kind); ``line``, where the documentation introduces it.
    """

    operation_id: str
    short: str
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
    creation: bool
    makes: Mapping[str, str]
    deletes: Mapping[str, str]
    lists: Mapping[str, str]
    costly: str
    line: int | None
    definition: Json

    @property
    def charged(self) -> bool:
        """Whether it needs credit: a 402 is described."""
        return "402" in self.responses

    @property
    def honours_key(self) -> bool:
        """Whether an idempotency key may be given."""
        return KEY in self.named

    @property
    def named(self) -> dict[str, Json]:
        """Everything that may be sent but headers, by the documentation's name; of two, the one that counts."""
        sent = {_argument(item): item for item in self.parameters if item["in"] != "header"}
        body = (self.body_schema or {}).get("properties", {})
        return {**sent, **{name: item for name, item in body.items() if name not in sent or "x-ignored" not in item}}

    @property
    def lines(self) -> dict[str, int]:
        """Where the documentation introduces what may be sent."""
        return {name: item["x-line"] for name, item in self.named.items() if "x-line" in item}

    def sent_as(self, argument: str) -> list[str]:
        """Return the names on the wire of an argument: of the path and the query, then of the body."""
        named = [item["name"] for item in self.parameters if item["in"] != "header" and _argument(item) == argument]
        body = (self.body_schema or {}).get("properties", {})
        return [*named, *(name for name, item in body.items() if item.get("x-argument", name) == argument)]

    def returned_as(self, argument: str) -> list[str]:
        """Return the names under which an answer has what the core calls so."""
        returned = self.returns.get("properties", {})
        return [name for name, item in returned.items() if item.get("x-from", name) == argument]


def operations(document: Json) -> list[Operation]:
    """List the operations of a resolved document, in its order."""
    known: Json = {}
    return [_operation(document, method, path, known) for method, path, _ in each_operation(document)]


def short(operation_id: str) -> str:
    """Return the short name of an operation of the API, also of one that is not described."""
    return operation_id.removeprefix(load("scheduling")[NAME_PREFIX])


def _operation(document: Json, method: str, path: str, known: Json) -> Operation:
    item = document["paths"][path]
    definition = item[method]
    body = json_body(definition)
    responses = deref(document, definition["responses"], known)
    sent = [*item.get("parameters", []), *definition.get("parameters", [])]
    success = next(status for status in responses if status.startswith("2"))
    schema = responses[success].get("content", {}).get(JSON_CONTENT, {}).get("schema", {})
    inside = schema.get("x-returns")
    newer = document.get("x-path-generations", {}).items()
    return Operation(
        operation_id=definition["operationId"],
        short=definition["operationId"].removeprefix(document.get(NAME_PREFIX, "")),
        method=method.upper(),
        path=path,
        newer_path=next((new + path.removeprefix(old) for old, new in newer if path.startswith(old)), None),
        parameters=tuple(deref(document, sent, known)),
        body_schema=deref(document, body["schema"], known) if body else None,
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
        creation=definition.get("x-creation", False),
        makes=definition.get("x-makes", {}),
        deletes=definition.get("x-deletes", {}),
        lists=definition.get("x-lists", {}),
        costly=definition.get("x-costly", ""),
        line=definition.get("x-line"),
        definition=definition,
    )


def _argument(parameter: Json) -> str:
    return str(parameter.get("x-argument", parameter["name"]))
