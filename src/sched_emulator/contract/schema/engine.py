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

from sched_emulator.contract.demands import Demands
from sched_emulator.contract.described import Contract
from sched_emulator.contract.gate import Closed, Gate, NoAnswer, Refused, adapter_class
from sched_emulator.contract.results import Check, Exchange, Flaw, Result, Status, Warrant
from sched_emulator.spec import readings

from . import formats
from .document import narrowed
from .verdicts import Verdicts

PHASES = ("examples", "coverage", "fuzzing")
STATEFUL = "schema/stateful"
OURS = "judged_by_the_contract"
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
            warrant = Warrant.DOCUMENTED if lines else Warrant.CHOICE
            writes = operation.method != "GET"
            found[address] = Check(address, warrant, title, "schema", covers, lines, never, writes=writes)
    if stateful:
        title = "Chains of operations along the links of the specification fit it."
        linked = tuple(item.line for item in contract.operations.values() if item.line and _links(item))
        found[STATEFUL] = Check(
            STATEFUL, Warrant.DOCUMENTED, title, "schema", tuple(contract.operations), linked, never
        )
    return found


def _links(operation: Any) -> bool:
    return any(response.get("links") for response in operation.responses.values())


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
        held: bool,
        demands: Demands,
    ) -> None:
        self._contract = contract
        self._gate = gate
        self._url = url
        self._key = key
        self._seed = seed
        self._examples = examples
        self._free = free
        described = contract.document if held else readings.narrow(contract.answers)
        self._document = narrowed(described, prefix, key_required=key_required, spare_costly=spare_costly)
        self._names = {operation.operation_id: name for name, operation in contract.operations.items()}
        self._verdicts = Verdicts(contract, url, key, demands, key_required=key_required, held=held)
        self._met: dict[str, Result] = {}
        formats.register()

    def perform(self, wanted: dict[str, Check]) -> Iterator[Result]:
        """Run the checks wanted and yield what became of each, as it is known."""
        for phase in PHASES:
            names = [check.covers[0] for address, check in wanted.items() if address.endswith(f"/{phase}")]
            if names:
                yield from self._run(wanted, phase, names)
        if STATEFUL in wanted:
            yield from self._run(wanted, "stateful", None)

    def _run(self, wanted: dict[str, Check], phase: str, names: list[str] | None) -> Iterator[Result]:
        self._met = {}
        started = time.monotonic()
        self._judge_all(wanted, phase)
        with self._environment():
            schema: Any = schemathesis.openapi.from_dict(self._document, config=self._config(phase))
            if names is not None:
                ids = [self._contract.operations[name].operation_id for name in names]
                schema = schema.include(operation_id=ids)
            stream = from_schema(schema).execute()
            for event in stream:
                self._take(event, phase, wanted)
                if self._gate.closed is not None and isinstance(event, events.ScenarioFinished):
                    stream.stop()
        seconds = time.monotonic() - started
        for address, check in wanted.items():
            if address in self._met:
                yield self._met[address]
            elif address.endswith(f"/{phase}") and (names is None or check.covers[0] in names):
                reason = self._gate.closed or "there was nothing to send"
                yield Result(check, Status.NOT_CHECKED, reason, seconds=seconds)

    def _judge_all(self, wanted: dict[str, Check], phase: str) -> None:
        """Have every answer of a phase judged, in place of the engine's checks, which take values for what is sent."""

        def judged_by_the_contract(_context: Any, response: Any, case: Any) -> None:
            check = wanted.get(self._address(case.operation.label, phase))
            if check is None:
                return
            judged = self._met.setdefault(check.address, Result(check, Status.PASSED))
            name = self._names[case.operation.definition.raw["operationId"]]
            valid = None if case.meta is None else not case.meta.generation.mode.is_negative
            self._verdicts.look(judged, name, valid=valid, request=response.request, response=response)

        schemathesis.check(judged_by_the_contract)

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
                "checks": {"enabled": False, OURS: {"enabled": True}},
            }
        )

    def _take(self, event: Any, phase: str, wanted: dict[str, Check]) -> None:
        """Take note of what was done, and of what could not be; what is wrong with answers is noted as they come."""
        if not isinstance(event, events.ScenarioFinished | events.NonFatalError):
            return
        check = wanted.get(self._address(event.label, phase))
        if check is None:
            return
        if isinstance(event, events.ScenarioFinished):
            if event.status != EngineStatus.SKIP:
                self._met.setdefault(check.address, Result(check, Status.PASSED))
            if check.address in self._verdicts.not_offered:
                judged = self._met[check.address]
                judged.status, judged.reason = (
                    Status.NOT_CHECKED,
                    self._verdicts.not_offered[check.address],
                )
            return
        judged = self._met.setdefault(check.address, Result(check, Status.PASSED))
        if isinstance(event.value, NOT_SENT):
            judged.status, judged.reason = Status.NOT_CHECKED, str(event.value)
        elif isinstance(event.value, NoAnswer):
            method, _, path = str(event.label).partition(" ")
            exchange = Exchange(method, self._url + path, {}, None, None, {}, str(event.value))
            judged.meet(Flaw("no answer", f"a request got {event.value}", "every request is answered", exchange))
        else:
            judged.status = Status.ERROR
            judged.reason = f"{event.info.title}: {event.info.message}"

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
