"""The contract as data: load the YAML documents, resolve the annotated spec, list its operations.

Knows OpenAPI and nothing of scheduling: names of the API stand in ``openapi/scheduling.yaml``, open questions in
``openapi/assumptions.yaml`` (read by ``spec.assumptions``). Everything is pure, but for ``load``, which reads a file
once.
"""

from .check import check
from .documents import JSON_CONTENT, METHODS, Json, as_yaml, deref, load, merge_patch, text
from .operations import Operation, operations, short
from .resolve import resolve

__all__ = [
    "JSON_CONTENT",
    "METHODS",
    "Json",
    "Operation",
    "as_yaml",
    "check",
    "deref",
    "load",
    "merge_patch",
    "operations",
    "resolve",
    "short",
    "text",
]
