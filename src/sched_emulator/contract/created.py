"""What a run has made on a target, as the specification says of each operation: what it makes, deletes and lists."""

import json
import re
import threading
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any
from urllib.parse import quote, unquote

import requests

from sched_emulator import spec

from .described import routes
from .results import short


class Created:
    """What stands on the target and has not been deleted yet: names by kind, such as `cron` or `queue`."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: dict[str, dict[str, None]] = {}

    def note(self, request: requests.PreparedRequest, response: requests.Response) -> None:
        """Learn from an exchange what is there now, or no longer."""
        if response.ok:
            self.learn(str(request.method), request.path_url, request.body, response.content)

    def learn(self, method: str, path_url: str, body: Any, answer: Any) -> None:
        """Learn from a request that was obeyed what is there now, or no longer."""
        found = operation_at(method, path_url)
        if found is None:
            return
        operation, in_path = found
        got = _json(answer)
        inside = got.get("data")
        sent, data = {**_json(body), **in_path}, inside if isinstance(inside, dict) else got
        with self._lock:
            for kind, argument in operation.makes.items():
                names = [*_texts(sent, operation.sent_as(argument)), *_texts(data, operation.returned_as(argument))]
                self._known.setdefault(kind, {}).update(dict.fromkeys(names[:1]))
            for kind, argument in operation.deletes.items():
                for name in _texts(sent, operation.sent_as(argument)):
                    self._known.get(kind, {}).pop(name, None)

    @property
    def count(self) -> int:
        """How many things there are that can be deleted."""
        with self._lock:
            return sum(len(names) for kind, names in self._known.items() if kind in deletions())

    def names(self, kind: str) -> list[str]:
        """Return what there is of a kind."""
        with self._lock:
            return list(self._known.get(kind, ()))

    def lasting(self) -> list[str]:
        """Return what no operation deletes, each with its kind."""
        with self._lock:
            kinds = [kind for kind in self._known if kind not in deletions()]
        return [f"{kind} {short(name)}" for kind in kinds for name in self.names(kind)]


@cache
def deletions() -> dict[str, spec.Operation]:
    """Return by kind the operation that deletes one."""
    return {kind: operation for operation in routes().values() for kind in operation.deletes}


@cache
def makers() -> dict[str, spec.Operation]:
    """Return by kind the operation that makes one, first of all."""
    return {kind: operation for operation in reversed(routes().values()) for kind in operation.makes}


def path_of_deletion(kind: str, name: str) -> str:
    """Return the path at which one thing is deleted."""
    operation = deletions()[kind]
    parameter = operation.sent_as(operation.deletes[kind])[0]
    return operation.path.replace(f"{{{parameter}}}", quote(name, safe=""))


@cache
def _patterns() -> list[tuple[str, re.Pattern[str], spec.Operation]]:
    return [
        (operation.method, re.compile(".*" + re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", path)), operation)
        for operation in routes().values()
        for path in (operation.path, operation.newer_path)
        if path is not None
    ]


def operation_at(method: str, path_url: str) -> tuple[spec.Operation, dict[str, str]] | None:
    """Return which operation a method and a path are, and what the path says; None when they are none."""
    path = path_url.partition("?")[0]
    for of_operation, pattern, operation in _patterns():
        match = pattern.fullmatch(path) if of_operation == method else None
        if match is not None:
            return operation, {name: unquote(text) for name, text in match.groupdict().items()}
    return None


def _texts(values: Mapping[str, Any], names: Iterable[str]) -> list[str]:
    return [values[name] for name in names if isinstance(values.get(name), str) and values[name]]


def _json(raw: Any) -> dict[str, Any]:
    try:
        value = json.loads(raw or b"{}")
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
