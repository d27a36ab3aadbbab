"""The three YAML documents as data, and how one walks and patches such a document."""

from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
JSON_CONTENT = "application/json"

Json = dict[str, Any]


@cache
def load(name: str) -> Json:
    """Read ``openapi/<name>.yaml`` (``scheduling``, ``assumptions``, ``emulator``). All callers share the answer."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    document: Json = yaml.load(text(name), Loader=loader)  # noqa: S506 - a safe loader
    return document


@cache
def text(name: str) -> bytes:
    """Return a document as it is written."""
    folder = Path(__file__).parents[1] / "openapi"  # where a wheel has it
    if not folder.is_dir():
        folder = Path(__file__).parents[3] / "openapi"  # where a checkout has it
    return (folder / f"{name}.yaml").read_bytes()


class _Dumper(getattr(yaml, "CSafeDumper", yaml.SafeDumper)):  # type: ignore[misc] # which one depends on the machine
    """Writes every part out, also those that a document has twice."""

    def ignore_aliases(self, _data: Any) -> bool:
        return True


def as_yaml(document: Json) -> bytes:
    """Write a document, its parts in their order."""
    written: str = yaml.dump(document, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120)
    return written.encode()


def merge_patch(target: Any, patch: Any) -> Any:
    """Merge as RFC 7386 says: objects member by member, null deletes, anything else replaces."""
    if not isinstance(patch, dict):
        return patch
    merged = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = merge_patch(merged.get(name), value)
    return merged


def deref(document: Mapping[str, Any], node: Any, known: dict[str, Any] | None = None) -> Any:
    """Copy ``node`` with every local ``$ref`` in it, also nested ones, replaced by what it names.

    Keys beside a ``$ref`` are added to what it names and win over it. What several places name is copied once
    and shared by them; ``known`` keeps it from call to call, for one document.
    """
    known = {} if known is None else known
    if isinstance(node, list):
        return [deref(document, item, known) for item in node]
    if not isinstance(node, Mapping):
        return node
    reference = node.get("$ref")
    if not isinstance(reference, str):
        return {name: deref(document, value, known) for name, value in node.items()}
    if len(node) > 1:
        beside = {name: value for name, value in node.items() if name != "$ref"}
        return deref(document, {**lookup(document, reference), **beside}, known)
    if reference not in known:
        known[reference] = deref(document, lookup(document, reference), known)
    return known[reference]


def lookup(document: Mapping[str, Any], reference: str) -> Any:
    """Return what a local ``$ref`` names; ValueError when it names nothing there."""
    found: Any = document
    if not reference.startswith("#/"):
        raise ValueError(f"The spec refers to {reference}, which is not inside the document.")
    for step in reference.removeprefix("#/").split("/"):
        name = step.replace("~1", "/").replace("~0", "~")
        if not isinstance(found, Mapping) or name not in found:
            raise ValueError(f"The spec refers to {reference}, which is not there.")
        found = found[name]
    return found


def each_operation(document: Json) -> Iterator[tuple[str, str, Json]]:
    """Yield method, path and definition of each operation, in the document's order."""
    for path, item in document["paths"].items():
        for method in METHODS:
            if method in item:
                yield method, path, item[method]


def json_body(operation: Json) -> Json | None:
    """Return what an operation's JSON body is described as, None when it takes none."""
    body: Json | None = operation.get("requestBody", {}).get("content", {}).get(JSON_CONTENT)
    return body
