"""What a gateway says of itself, compared with the specification: what was added, what has gone, what is another.

The specification is taken under every answer to the open questions about shape: what one of them allows is no drift,
and only what all of them have can be missing. Paths may be of either generation, ids with or without `scheduling.`, and
one of several names of a parameter is enough. What the gateway leaves out is unknown, not changed.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Literal

from sched_emulator import spec
from sched_emulator.spec import assumptions

from . import discovered
from .discovered import ANY, Contract, Types

Kind = Literal["added", "gone", "changed"]


@dataclass(frozen=True, slots=True)
class Change:
    """One difference: `was` is what the specification says, `now` what the gateway does.

    `what` is operation, id, method, path, availability, parameter, required, type, values, error or retryable; `name`
    is the parameter or the error code concerned.
    """

    operation: str
    kind: Kind
    what: str
    name: str | None = None
    was: str | None = None
    now: str | None = None


@dataclass(slots=True)
class Report:
    """What a comparison found: changes, and by operation what the gateway does not say."""

    compared: int = 0
    changes: list[Change] = field(default_factory=list)
    unknown: dict[str, list[str]] = field(default_factory=dict)


@dataclass(slots=True)
class Expected:
    """A parameter as the specification has it. The sets hold what is so under one answer or another."""

    name: str
    names: set[str] = field(default_factory=set)
    types: set[Types] = field(default_factory=set)
    values: set[frozenset[str] | None] = field(default_factory=set)
    required: set[bool] = field(default_factory=set)
    firm: int = 0


@dataclass(slots=True)
class Reference:
    """An operation as the specification has it; what is `firm` is so under every answer."""

    operation: spec.Operation
    parameters: dict[str, Expected] = field(default_factory=dict)
    errors: dict[str, bool] = field(default_factory=dict)
    firm_errors: set[str] = field(default_factory=set)

    @property
    def name(self) -> str:
        """Its short name."""
        return self.operation.short

    @property
    def paths(self) -> set[str]:
        """Its paths, whatever the placeholders in them are called."""
        return {_blank(path) for path in (self.operation.path, self.operation.newer_path) if path is not None}


def compare(records: Iterable[Mapping[str, Any]]) -> Report:
    """Compare the records of all capabilities, each with whatever is known of it, with the specification."""
    report, found = Report(), set()
    contracts = [discovered.read(record) for record in records]
    for contract in contracts:
        reference = _meant(contract)
        if reference is not None:
            found.add(reference.name)
            report.changes += _changes(reference, contract)
            report.unknown.setdefault(reference.name, []).extend(_unknown(reference, contract))
        elif _is_ours(contract):
            now = f"{contract.method or 'method unknown'} {contract.path or 'path unknown'}"
            name = spec.short(contract.capability)
            report.changes.append(Change(name, "added", "operation", now=now))
    report.compared = len(found)
    for name, reference in references().items():
        if name not in found:
            was = f"{reference.operation.method} {reference.operation.path}"
            report.changes.append(Change(name, "gone", "operation", was=was))
    report.changes = list(dict.fromkeys(report.changes))
    report.unknown = {name: list(dict.fromkeys(parts)) for name, parts in report.unknown.items() if parts}
    return report


def is_known(record: Mapping[str, Any]) -> bool:
    """Whether a capability is an operation of the specification."""
    return _meant(discovered.read(record)) is not None


# --- What the specification says.


@cache
def references() -> dict[str, Reference]:
    """Return every operation that is listed in discovery, by its id without prefix."""
    found: dict[str, Reference] = {}
    documents = list(_documents())
    for document in documents:
        for operation in spec.operations(document):
            if not operation.public:
                reference = Reference(operation)
                _add(found.setdefault(reference.name, reference), operation)
    for reference in found.values():
        for expected in reference.parameters.values():
            expected.firm = int(expected.firm == len(documents))
    return found


def _documents() -> Iterator[spec.Json]:
    """Yield the specification under each answer to each question about shape, the documented ones first."""
    annotated, defaults = spec.load("scheduling"), assumptions.defaults()
    yield spec.resolve(annotated, defaults)
    for assumption in assumptions.catalogue().values():
        if assumption.kind == "shape":
            for answer in assumption.answers:
                if answer != assumption.default:
                    yield spec.resolve(annotated, {**defaults, assumption.id: answer})


def _add(reference: Reference, operation: spec.Operation) -> None:
    schema = operation.body_schema or {}
    properties = {name: value for name, value in schema.get("properties", {}).items() if value.get("not") != {}}
    beside = {item["name"]: item for item in operation.parameters if item["in"] != "header"}
    needed = (discovered.needed_by(schema) or frozenset()) | {
        frozenset({name}) for name, item in beside.items() if item.get("required")
    }
    groups: dict[str, list[str]] = {}
    for name, described in {**properties, **beside}.items():
        groups.setdefault(described.get("x-argument", name), []).append(name)
    for argument, names in groups.items():
        described = {**beside.get(names[0], {}).get("schema", {}), **properties.get(names[0], {})}
        expected = reference.parameters.setdefault(argument, Expected(names[0]))
        expected.names.update(names)
        expected.types.add(discovered.types_of(described) or frozenset({ANY}))
        expected.values.add(discovered.values_of(described))
        expected.required.add(_is_needed(needed, names))
        expected.firm += not described.get("x-ignored", False)
    codes = {error["code"]: error["retryable"] for error in operation.errors}
    reference.firm_errors = reference.firm_errors & codes.keys() if reference.errors else set(codes)
    reference.errors |= codes


def _is_needed(needed: frozenset[discovered.Group], names: Iterable[str]) -> bool:
    return any(group <= set(names) for group in needed)


# --- Which operation a capability is.


def _meant(contract: Contract) -> Reference | None:
    """Return the operation that a capability is: the one of its id, else the one of its method and path."""
    known = references()
    named = known.get(spec.short(contract.capability))
    if named is not None or contract.path is None:
        return named
    path = _blank(contract.path)
    same = (item for item in known.values() if path in item.paths and item.operation.method == contract.method)
    return next(same, None)


def _is_ours(contract: Contract) -> bool:
    """Whether an unknown capability belongs to what the specification describes, and not to another module."""
    families = {item.name.split(".")[0] for item in references().values() if item.operation.newer_path is not None}
    stems = {
        re.escape(item.operation.path.split("/")[2]) for item in references().values() if item.operation.newer_path
    }
    by_path = re.match(rf"/v1/(?:{'|'.join(stems | families)})/", contract.path or "")
    return bool(by_path) or spec.short(contract.capability).split(".")[0] in families


def _blank(path: str) -> str:
    """Return a path with its placeholders (`{id}`, `:id`, `<id>`) made alike."""
    return re.sub(r"\{[^/}]*\}|:[^/]+|<[^/>]*>", "{}", path.rstrip("/"))


def _placeholders(path: str) -> list[str]:
    return [name.strip("{}:<>") for name in re.findall(r"\{[^/}]*\}|:[^/]+|<[^/>]*>", path)]


# --- What is another.


def _changes(reference: Reference, contract: Contract) -> Iterator[Change]:
    name, operation = reference.name, reference.operation
    if spec.short(contract.capability) != name:
        yield Change(name, "changed", "id", was=operation.operation_id, now=contract.capability)
    if contract.method is not None and contract.method != operation.method:
        yield Change(name, "changed", "method", was=operation.method, now=contract.method)
    if contract.path is not None and _blank(contract.path) not in reference.paths:
        yield Change(name, "changed", "path", was=operation.path, now=contract.path)
    if contract.available is False:
        yield Change(name, "changed", "availability", was="available", now="not available")
    if contract.parameters is not None:
        yield from _parameter_changes(reference, contract)
    if contract.errors is not None:
        yield from _error_changes(reference, contract.errors)


def _parameter_changes(reference: Reference, contract: Contract) -> Iterator[Change]:
    given, needed = _given(reference, contract)
    for expected in reference.parameters.values():
        names = [name for name in given if name in expected.names]
        if not names and expected.firm:
            yield Change(reference.name, "gone", "parameter", expected.name, was=_described(expected))
        for name in names[:1]:
            yield from _value_changes(reference.name, expected, name, given[name])
            if needed is not None and _is_needed(needed, expected.names) not in expected.required:
                was, now = ("required", "optional") if True in expected.required else ("optional", "required")
                yield Change(reference.name, "changed", "required", name, was=was, now=now)
    known = {name for expected in reference.parameters.values() for name in expected.names}
    for name, parameter in given.items():
        if name not in known:
            how = [] if needed is None else ["required" if _is_needed(needed, [name]) else "optional"]
            shown = ", ".join([_types_shown(parameter.types or frozenset({"type unknown"})), *how])
            yield Change(reference.name, "added", "parameter", name, now=shown)


def _given(
    reference: Reference, contract: Contract
) -> tuple[dict[str, discovered.Parameter], frozenset[discovered.Group] | None]:
    """Return the parameters of a capability and which are needed, those of its path called as in the specification.

    What stands in its path is a parameter and needed, whether or not the capability repeats it among the parameters.
    """
    renamed = _renamed(reference, contract)
    given = {name: discovered.Parameter(None, None) for name in renamed.values()}
    given |= {renamed.get(name, name): value for name, value in (contract.parameters or {}).items()}
    if contract.needed is None:
        return given, None
    groups = {frozenset(renamed.get(name, name) for name in group) for group in contract.needed}
    return given, frozenset(groups | {frozenset({name}) for name in renamed.values()})


def _value_changes(operation: str, expected: Expected, name: str, given: discovered.Parameter) -> Iterator[Change]:
    if given.types is not None and given.types not in expected.types:
        was = " or ".join(sorted(_types_shown(types) for types in expected.types))
        yield Change(operation, "changed", "type", name, was=was, now=_types_shown(given.types))
    elif given.values is not None and given.values not in expected.values:
        listed = [values for values in expected.values if values is not None]
        was = _values_shown(listed[0]) if listed else "anything"
        yield Change(operation, "changed", "values", name, was=was, now=_values_shown(given.values))


def _error_changes(reference: Reference, errors: Mapping[str, bool | None]) -> Iterator[Change]:
    for code in sorted(reference.firm_errors - errors.keys()):
        yield Change(reference.name, "gone", "error", code)
    for code, retryable in errors.items():
        if code not in reference.errors:
            yield Change(reference.name, "added", "error", code)
        elif retryable is not None and retryable != reference.errors[code]:
            words = {True: "retryable", False: "not retryable"}
            was, now = words[reference.errors[code]], words[retryable]
            yield Change(reference.name, "changed", "retryable", code, was=was, now=now)


def _unknown(reference: Reference, contract: Contract) -> Iterator[str]:
    """Yield what a capability does not say."""
    parts = {"method": contract.method, "path": contract.path, "parameters": contract.parameters}
    yield from (name for name, said in {**parts, "error codes": contract.errors}.items() if said is None)
    if contract.parameters is None:
        return
    if contract.needed is None and any(True in expected.required for expected in reference.parameters.values()):
        yield "which parameters are required"
    renamed = _renamed(reference, contract)
    for given, parameter in contract.parameters.items():
        name = renamed.get(given, given)
        for expected in reference.parameters.values():
            if name in expected.names and parameter.types is None and frozenset({ANY}) not in expected.types:
                yield f"type of {name}"
            elif name in expected.names and _lacks_values(expected, parameter):
                yield f"values of {name}"


def _lacks_values(expected: Expected, parameter: discovered.Parameter) -> bool:
    """Whether a parameter that takes only certain values does not say which, of a type that could."""
    return parameter.values is None and parameter.types in expected.types and None not in expected.values


def _renamed(reference: Reference, contract: Contract) -> dict[str, str]:
    """Return what the placeholders of a capability's path are called in the specification."""
    theirs, ours = _placeholders(contract.path or ""), _placeholders(reference.operation.path)
    return dict(zip(theirs, ours, strict=True)) if len(theirs) == len(ours) else {}


def _described(expected: Expected) -> str:
    types = " or ".join(sorted(_types_shown(types) for types in expected.types))
    return f"{types}, {'required' if False not in expected.required else 'optional'}"


def _types_shown(types: Types) -> str:
    return " or ".join(sorted(types))


def _values_shown(values: frozenset[str]) -> str:
    return ", ".join(sorted(values))
