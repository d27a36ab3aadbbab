"""Drives schemathesis' engine and turns its events into results. The only importer of `schemathesis.engine`."""

import contextlib
import os
import tempfile
import time
from collections.abc import Iterator
from typing import Any

import requests
import schemathesis
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import Status as EngineStatus
from schemathesis.engine import events, from_schema

from sched_emulator.contract.described import Contract
from sched_emulator.contract.gate import Closed, Gate, NoAnswer, Refused, adapter_class
from sched_emulator.contract.results import BODY_SHOWN_CHARS, Check, Exchange, Result, Status, Warrant

from . import checks, formats
from .document import Truth, narrowed

PHASES = ("examples", "coverage", "fuzzing")
STATEFUL = "schema/stateful"
FAILURES_SHOWN = 3
NOT_SENT = (Closed, Refused)


def never(*_: Any) -> None:
    """Stand for the body of checks that the engine runs."""


def plan(contract: Contract, phases: tuple[str, ...], *, stateful: bool, reads_only: bool) -> dict[str, Check]:
    """Return the checks of the schema part by address: one for each operation and phase, and one for chains."""
    found = {}
    for name, operation in contract.operations.items():
        if reads_only and operation.method != "GET":
            continue
        covers = (name, *[f"{name}:{parameter}" for parameter in _parameters(operation)])
        for phase in phases:
            address = f"schema/{name}/{phase}"
            title = f"Answers of {name} fit the specification ({phase})."
            lines = () if operation.line is None else (operation.line,)
            found[address] = Check(
                address, Warrant.DOCUMENTED, title, "schema", covers, lines, never, writes=operation.method != "GET"
            )
    if stateful:
        title = "Chains of operations along the links of the specification fit it."
        found[STATEFUL] = Check(STATEFUL, Warrant.DOCUMENTED, title, "schema", tuple(contract.operations), (), never)
    return found


def _parameters(operation: Any) -> list[str]:
    named = [item.get("x-argument", item["name"]) for item in operation.parameters if item["in"] != "header"]
    return [*named, *(operation.body_schema or {}).get("properties", {})]


class SchemaRun:
    """One run of schemathesis over some operations."""

    def __init__(
        self,
        *,
        contract: Contract,
        gate: Gate,
        url: str,
        key: str,
        prefix: str,
        seed: int,
        examples: int,
        free: bool,
        spare_costly: bool,
        key_required: bool,
    ) -> None:
        self._contract = contract
        self._gate = gate
        self._url = url
        self._key = key
        self._seed = seed
        self._examples = examples
        self._free = free
        self._truth = Truth(contract)
        self._document = narrowed(contract, prefix, key_required=key_required, spare_costly=spare_costly)
        self._names = {operation.operation_id: name for name, operation in contract.operations.items()}
        enveloped = frozenset(item.operation_id for item in contract.operations.values() if item.enveloped)
        formats.register()
        checks.register(enveloped=bool(enveloped), enveloped_operations=enveloped)

    def perform(self, wanted: dict[str, Check]) -> Iterator[Result]:
        """Run the checks wanted and yield what became of each, as it is known."""
        for phase in PHASES:
            names = [check.covers[0] for address, check in wanted.items() if address.endswith(f"/{phase}")]
            if names:
                yield from self._run(wanted, phase, names)
        if STATEFUL in wanted:
            yield from self._run(wanted, "stateful", None)

    def _run(self, wanted: dict[str, Check], phase: str, names: list[str] | None) -> Iterator[Result]:
        found: dict[str, Result] = {}
        started = time.monotonic()
        with self._environment():
            schema: Any = schemathesis.openapi.from_dict(self._document, config=self._config(phase))
            if names is not None:
                ids = [self._contract.operations[name].operation_id for name in names]
                schema = schema.include(operation_id=ids)
            schema.hook(self._filter())
            stream = from_schema(schema).execute()
            for event in stream:
                self._take(event, phase, wanted, found)
                if self._gate.closed is not None and isinstance(event, events.ScenarioFinished):
                    stream.stop()
        seconds = time.monotonic() - started
        for address, check in wanted.items():
            if address in found:
                yield found[address]
            elif address.endswith(f"/{phase}") and (names is None or check.covers[0] in names):
                reason = self._gate.closed or "there was nothing to send"
                yield Result(check, Status.NOT_CHECKED, reason, seconds=seconds)

    def _config(self, phase: str) -> SchemathesisConfig:
        enabled: dict[str, dict[str, Any]] = {name: {"enabled": name == phase} for name in (*PHASES, "stateful")}
        enabled["examples"]["fill-missing"] = True
        enabled["coverage"]["unexpected-methods"] = []
        enabled["stateful"] |= {"max-steps": 6, "generation": {"max-examples": self._examples}}
        return SchemathesisConfig.from_dict(
            {
                "seed": self._seed,
                "base-url": self._url,
                "headers": {"Authorization": f"Bearer {self._key}"},
                "workers": 1,
                "continue-on-failure": True,
                "cache": {"enabled": False},
                "warnings": False,
                "generation": {
                    "max-examples": self._examples,
                    "database": "none",
                    "mode": "all" if self._free else "positive",
                    "no-shrink": not self._free,
                },
                "output": {
                    "sanitization": {"keys-to-sanitize": ["authorization"], "sensitive-markers": ["authorization"]}
                },
                "phases": enabled,
            }
        )

    def _filter(self) -> Any:
        def filter_failure(_context: Any, failure: Any, case: Any, _response: Any) -> bool:
            """Drop "accepted invalid data" where the data was invalid only by our narrowing."""
            if type(failure).__name__ != "AcceptedNegativeData":
                return True
            operation_id = case.operation.definition.raw["operationId"]
            return not self._truth.allows(
                operation_id, case.body, dict(case.query or {}), dict(case.path_parameters or {})
            )

        return filter_failure

    def _take(self, event: Any, phase: str, wanted: dict[str, Check], found: dict[str, Result]) -> None:
        if isinstance(event, events.ScenarioFinished) and event.recorder is not None:
            check = wanted.get(self._address(event.label, phase))
            if check is None:
                return
            if event.status == EngineStatus.SKIP:
                return
            result = found.setdefault(check.address, Result(check, Status.PASSED))
            for case_checks in event.recorder.checks.values():
                for item in case_checks:
                    if item.status == EngineStatus.FAILURE:
                        _add_failure(result, item)
        elif isinstance(event, events.NonFatalError):
            check = wanted.get(self._address(event.label, phase))
            if check is None:
                return
            closed = isinstance(event.value, NOT_SENT)
            result = found.setdefault(check.address, Result(check, Status.NOT_CHECKED))
            if result.status != Status.FAILED:
                result.status = (
                    Status.NOT_CHECKED
                    if closed
                    else Status.FAILED
                    if isinstance(event.value, NoAnswer)
                    else Status.ERROR
                )
                result.reason = f"{event.info.title}: {event.info.message}" if not closed else str(event.value)

    def _address(self, label: str | None, phase: str) -> str:
        if phase == "stateful":
            return STATEFUL
        for path, item in self._document["paths"].items():
            for method, operation in item.items():
                if f"{method.upper()} {path}" == label:
                    return f"schema/{self._names[operation['operationId']]}/{phase}"
        return ""

    @contextlib.contextmanager
    def _environment(self) -> Iterator[None]:
        """Let every session of the engine pass the gate, and keep its files out of the working directory."""
        sessions: Any = requests.sessions
        plain = sessions.HTTPAdapter
        sessions.HTTPAdapter = adapter_class(self._gate)
        with tempfile.TemporaryDirectory(prefix="contract-") as folder:
            os.environ["HYPOTHESIS_STORAGE_DIRECTORY"] = folder
            try:
                yield
            finally:
                sessions.HTTPAdapter = plain


def _add_failure(result: Result, item: Any) -> None:
    failure = item.failure_info.failure
    result.status = Status.FAILED
    told = " ".join(f"{failure.title}: {failure.message}".split())[:600]
    if result.reason.count("\n") < FAILURES_SHOWN and told not in result.reason:
        result.reason = f"{result.reason}\n{told}".strip()
        code = item.failure_info.code_sample.replace(
            "'Authorization: [Filtered]'", '"Authorization: Bearer $INFRAI_API_KEY"'
        )
        result.exchanges.append(Exchange("CURL", code[:BODY_SHOWN_CHARS], {}, None, None, {}, told))
    result.expected = "answers as openapi/scheduling.yaml describes"
