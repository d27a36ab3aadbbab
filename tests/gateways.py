"""A gateway for tests: a server on this machine that answers as it was told, and what an emulator would tell it."""

import copy
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Self

from sched_emulator import spec
from sched_emulator.server import discovery
from sched_emulator.server.binding import bind
from sched_emulator.spec import assumptions
from tests.receivers import Asked, Told, as_json, serving

Json = dict[str, Any]
Copy = dict[str, Json]
NAMES = [
    operation.operation_id.removeprefix("scheduling.")
    for operation in spec.operations(spec.resolve(spec.load("scheduling"), assumptions.defaults()))
    if not operation.public
]  # of all that a gateway describes


class CannedServer:
    """Answers by path and query, others with 404; `keys_seen` has any Authorization.

    An answer is a `Told`, a list of them (one after another, the last one repeated), or what is told as JSON.
    """

    def __init__(self, answers: Mapping[str, Any]) -> None:
        self.asked: list[str] = []
        self.keys_seen: list[str] = []
        self._answers = {path: _queue(answer) for path, answer in answers.items()}

    def __enter__(self) -> Self:
        self._serving = serving(self._answer)
        self.url, _ = self._serving.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._serving.__exit__(kind, error, trace)

    def _answer(self, request: Asked) -> Told:
        self.asked.append(request.path)
        if "Authorization" in request.headers:
            self.keys_seen.append(request.headers["Authorization"])
        queue = self._answers.get(request.path, [as_json({"error": {"code": "NOT_FOUND"}}, 404)])
        return queue.pop(0) if len(queue) > 1 else queue[0]


def _queue(answer: Any) -> list[Told]:
    listed = answer if isinstance(answer, list) and answer and isinstance(answer[0], Told) else [answer]
    return [item if isinstance(item, Told) else as_json(item) for item in listed]


def described(**answers: str) -> Copy:
    """Return the contract of every capability as an emulator with these answers tells it."""
    binding = bind(assumptions.defaults() | {name.replace("__", "."): answer for name, answer in answers.items()})
    names = [entry["id"] for entry in discovery.listing(binding)["capabilities"]]
    return {name: copy.deepcopy(discovery.contract(binding, name)) for name in names}


def served(copied: Copy, **head: Any) -> dict[str, Any]:
    """Return the answers of a gateway that describes itself so."""
    short = ("id", "method", "path", "available")
    entries = [{name: record[name] for name in short if name in record} for record in copied.values()]
    details = {f"/v1/discovery/{record['id']}": record for record in copied.values()}
    return {"/v1/discovery": {"version": "2", "capabilities": entries, **head}, **details}


def without(parameter: str) -> Callable[[Json], None]:
    """Return what takes a parameter away from a contract."""

    def drop(record: Json) -> None:
        del record["params"]["properties"][parameter]
        record["params"]["required"] = [name for name in record["params"]["required"] if name != parameter]

    return drop
