"""Drift: none against the emulator, exactly what was changed against changed copies, unknown where nothing is said."""

import copy
import json
import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sched_emulator import Emulator, spec
from sched_emulator.cli import main
from sched_emulator.drift import compare
from sched_emulator.drift.compare import Change
from sched_emulator.spec import assumptions
from tests.gateways import NAMES, CannedServer, Copy, Json, described, served, without
from tests.soak import examples

SHAPES = {name: list(item.answers) for name, item in assumptions.catalogue().items() if item.kind == "shape"}
WORDS = {"integer": "number", "number": "number", "string": "string", "boolean": "boolean", "object": "object"}


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("SCHED_EMULATOR_") or name.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("COLUMNS", "100")


def drifted(*arguments: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    status = main(["drift", *arguments])
    out, error = capsys.readouterr()
    return status, out, error


# --- Against the emulator there is none.


@pytest.mark.parametrize("dialect", ["documented", "observed"])
def test_an_emulator_of_either_dialect_does_not_drift(dialect: Any, capsys: pytest.CaptureFixture[str]) -> None:
    with Emulator.start(dialect=dialect) as emulator:
        status, out, error = drifted("--target", emulator.url, capsys=capsys)
        assert (status, error) == (0, "")
        told = f"{len(NAMES)} operations of {emulator.url} (version 1.0.0) compared with openapi/scheduling.yaml"
        assert " ".join(out.split()) == f"{told}: no change."
        assert drifted("--target", f"{emulator.url}/v1/scheduling", "--json", capsys=capsys)[0] == 0


@examples(40)
@given(
    answers=st.fixed_dictionaries({name.replace(".", "__"): st.sampled_from(words) for name, words in SHAPES.items()})
)
def test_no_answer_to_a_question_about_shape_is_drift(answers: dict[str, str]) -> None:
    report = compare.compare(described(**answers).values())
    assert (report.compared, report.changes, report.unknown) == (len(NAMES), [], {})


# --- Against changed copies it is exactly what was changed.


def plain_parameters(record: Json) -> Iterator[str]:
    """Yield the parameters of a contract that have one name, stand in the body or the query, and are always there."""
    reference = compare.references()[spec.short(record["id"])]
    for expected in reference.parameters.values():
        in_path = f"{{{expected.name}}}" in record["path"]
        if len(expected.names) == 1 and expected.firm and not in_path:
            yield expected.name


def edits(record: Json) -> Iterator[tuple[Callable[[Json], None], Change]]:
    """Yield single changes of a contract, each with what drift has to say about it."""
    name = spec.short(record["id"])
    params = record["params"]
    yield lambda it: it.update(method="OPTIONS"), Change(name, "changed", "method", was=record["method"], now="OPTIONS")
    yield lambda it: it.update(path="/v9/x"), Change(name, "changed", "path", was=record["path"], now="/v9/x")
    gone = Change(name, "changed", "availability", was="available", now="not available")
    yield lambda it: it.update(available=False), gone
    colour = {"type": "string"}
    added = Change(name, "added", "parameter", "colour", now="string, optional")
    yield lambda it: it["params"]["properties"].update(colour=colour), added
    for parameter in plain_parameters(record):
        yield from edits_of_parameter(name, params, parameter)
    yield lambda it: it["errors"].append({"code": "TEAPOT"}), Change(name, "added", "error", "TEAPOT")
    for place, error in enumerate(record["errors"]):
        said = Change(name, "changed", "retryable", error["code"], *retryable(error["retryable"]))
        yield flipping(place), said
        if [item["code"] for item in record["errors"]].count(error["code"]) == 1:
            yield dropping(place), Change(name, "gone", "error", error["code"])


def edits_of_parameter(name: str, params: Json, parameter: str) -> Iterator[tuple[Callable[[Json], None], Change]]:
    schema, required = params["properties"][parameter], parameter in params["required"]
    word = WORDS.get(schema.get("type", ""), schema.get("type", "any"))
    expected = compare.references()[name].parameters[schema.get("x-argument", parameter)]
    if frozenset({"any"}) not in expected.types:
        other = "array" if word != "array" else "boolean"
        yield typed(parameter, other), Change(name, "changed", "type", parameter, was=word, now=other)
        how = "required" if required else "optional"
        yield without(parameter), Change(name, "gone", "parameter", parameter, was=f"{word}, {how}")
    if len(expected.required) == 1:
        was, now = ("required", "optional") if required else ("optional", "required")
        yield requiring(parameter, now == "required"), Change(name, "changed", "required", parameter, was=was, now=now)
    if "enum" in schema:
        was, now = ", ".join(sorted(schema["enum"])), ", ".join(sorted([*schema["enum"], "new"]))
        yield allowing(parameter, "new"), Change(name, "changed", "values", parameter, was=was, now=now)


def retryable(flag: bool) -> tuple[str, str]:  # noqa: FBT001 - a word for each
    return ("retryable", "not retryable") if flag else ("not retryable", "retryable")


def flipping(place: int) -> Callable[[Json], None]:
    return lambda record: record["errors"][place].update(retryable=not record["errors"][place]["retryable"])


def dropping(place: int) -> Callable[[Json], None]:
    def drop(record: Json) -> None:
        record["errors"] = [error for number, error in enumerate(record["errors"]) if number != place]

    return drop


def typed(parameter: str, word: str) -> Callable[[Json], None]:
    return lambda record: record["params"]["properties"].update({parameter: {"type": word}})


def requiring(parameter: str, required: bool) -> Callable[[Json], None]:  # noqa: FBT001 - one of two directions
    def require(record: Json) -> None:
        others = [name for name in record["params"]["required"] if name != parameter]
        record["params"]["required"] = [*others, parameter] if required else others

    return require


def allowing(parameter: str, value: str) -> Callable[[Json], None]:
    return lambda record: record["params"]["properties"][parameter]["enum"].append(value)


@pytest.mark.parametrize("name", NAMES)
def test_each_single_change_of_a_contract_is_named_and_nothing_else(name: str) -> None:
    original = described()
    key = next(key for key in original if spec.short(key) == name)
    for edit, change in edits(original[key]):
        changed = {**original, key: copy.deepcopy(original[key])}
        edit(changed[key])
        report = compare.compare(changed.values())
        assert (report.changes, report.unknown) == ([change], {}), change


def gone(name: str) -> Change:
    operation = compare.references()[name].operation
    return Change(name, "gone", "operation", was=f"{operation.method} {operation.path}")


CHANGED: list[tuple[Callable[[Copy], Any], list[Change]]] = [
    (lambda it: it.pop("scheduling.queue.purge"), [gone("queue.purge")]),
    (lambda it: it.pop("account.topup"), [gone("account.topup")]),
    (
        lambda it: it.update(x={"id": "scheduling.queue.shake", "method": "POST", "path": "/v1/scheduling/queue/peek"}),
        [Change("queue.shake", "added", "operation", now="POST /v1/scheduling/queue/peek")],
    ),
    (
        lambda it: it.update(x={"id": "peek", "method": "GET", "path": "/v1/queue/shake/{queue}"}),
        [Change("peek", "added", "operation", now="GET /v1/queue/shake/{queue}")],
    ),
    (
        lambda it: it.update(x={"id": "cron.next"}),
        [Change("cron.next", "added", "operation", now="method unknown path unknown")],
    ),
    (lambda it: it.update(x={"id": "mail.send", "method": "POST", "path": "/v1/mail/send"}), []),
    (
        lambda it: it["scheduling.queue.nack"].update(id="scheduling.queue.reject"),
        [Change("queue.nack", "changed", "id", was="scheduling.queue.nack", now="scheduling.queue.reject")],
    ),
    (lambda it: it["scheduling.cron.create"]["params"]["properties"].pop("cron_expr"), []),
    (lambda it: [it["scheduling.cron.create"]["params"]["properties"].pop(name) for name in ("url", "task")], []),
    (
        lambda it: [
            it["scheduling.cron.create"]["params"]["properties"].pop(name) for name in ("schedule", "cron_expr")
        ],
        [Change("cron.create", "gone", "parameter", "schedule", was="string, optional")],
    ),
    (
        lambda it: it["scheduling.cron.create"]["params"].update(allOf=[]),
        [
            Change("cron.create", "changed", "required", "url", was="required", now="optional"),
        ],
    ),
]


@pytest.mark.parametrize(("change", "expected"), CHANGED)
def test_operations_and_parameters_of_several_names_are_told_apart(
    change: Callable[[Copy], Any], expected: list[Change]
) -> None:
    changed = described()
    change(changed)
    assert compare.compare(changed.values()).changes == expected


@examples(25)
@given(data=st.data())
def test_several_changes_at_once_are_all_named(data: st.DataObject) -> None:
    copied = described()
    expected = []
    for key in data.draw(st.sets(st.sampled_from(list(copied)), min_size=1, max_size=6)):
        edit, change = data.draw(st.sampled_from(list(edits(copied[key]))))
        edit(copied[key])
        expected.append(change)
    assert sorted(compare.compare(copied.values()).changes, key=str) == sorted(expected, key=str)


# --- What is not said is unknown.


def test_what_a_gateway_leaves_out_is_unknown_and_not_changed(capsys: pytest.CaptureFixture[str]) -> None:
    copied = described()
    for record in copied.values():
        del record["errors"]
    del copied["scheduling.queue.purge"]["params"]
    del copied["scheduling.queue.stats"]["params"]["required"]
    del copied["scheduling.queue.publish"]["params"]["required"]
    del copied["scheduling.queue.publish"]["params"]["properties"]["delay_seconds"]["type"]
    del copied["scheduling.queue.create"]["params"]["properties"]["type"]["enum"]
    answers = served(copied)
    del answers["/v1/discovery/scheduling.run.list"]
    with CannedServer(answers) as server:
        status, out, error = drifted("--target", server.url, capsys=capsys)
        assert (status, error) == (0, "")
        told = out.split("The gateway does not say, so this is unknown:\n")[1]
        assert told.splitlines() == [
            "  all operations: error codes",
            "  run.list, queue.purge: parameters",
            "  queue.create: values of type",
            "  queue.stats, queue.publish: which parameters are required",
            "  queue.publish: type of delay_seconds",
        ]
        report = json.loads(drifted("--target", server.url, "--json", capsys=capsys)[1])
    assert (report["changes"], report["unknown"]["queue.purge"]) == ([], ["parameters", "error codes"])


def test_a_record_that_only_names_its_capability_says_nothing_of_it() -> None:
    report = compare.compare({"id": name} for name in described())
    assert (report.compared, report.changes) == (len(NAMES), [])
    assert set(map(tuple, report.unknown.values())) == {("method", "path", "parameters", "error codes")}


# --- For people and for jobs.


def test_the_diff_is_readable_and_the_status_is_1(capsys: pytest.CaptureFixture[str]) -> None:
    copied = described()
    copied["x"] = {"id": "queue.shake", "method": "POST", "path": "/v1/queue/shake"}
    del copied["scheduling.queue.purge"]
    publish = copied["scheduling.queue.publish"]["params"]["properties"]
    publish["colour"], publish["delay_seconds"] = {"type": "boolean"}, {"type": "string"}
    copied["scheduling.queue.publish"]["path"] = "/v2/queue/publish"
    copied["scheduling.cron.update"]["params"]["properties"]["overlap_policy"]["enum"].append("replace")
    copied["scheduling.cron.get"]["errors"].append({"code": "GONE"})
    for name in ("task.schedule", "queue.update", "queue.ack", "queue.nack"):
        del copied[f"scheduling.{name}"]["params"]["properties"]["idempotency_key"]
    with CannedServer(served(copied)) as server:
        status, out, error = drifted("--target", server.url, capsys=capsys)
        as_json = json.loads(drifted("--target", server.url, "--json", capsys=capsys)[1])
        assert server.keys_seen == []
    assert (status, error) == (1, "")
    head, *sections = out.split("\n\n")
    assert " ".join(head.split()) == (
        f"{len(NAMES) - 1} operations of {server.url} (version 2) compared with openapi/scheduling.yaml: 11 changes."
    )
    assert [section.strip().splitlines() for section in sections] == [
        ["cron.get", "  + error code GONE"],
        ["cron.update", "  ~ parameter overlap_policy: takes allow, queue, replace, skip, was allow, queue, skip"],
        [
            "task.schedule, queue.update, queue.ack, queue.nack",
            "  - parameter idempotency_key (string, optional)",
        ],
        [
            "queue.publish",
            "  ~ path: /v2/queue/publish, was /v1/scheduling/queue/publish",
            "  ~ parameter delay_seconds: of type string, was number",
            "  + parameter colour (boolean, optional)",
        ],
        ["queue.shake", "  + operation (POST /v1/queue/shake)"],
        ["queue.purge", "  - operation (POST /v1/scheduling/queue/purge/{queue})"],
    ]
    assert (as_json["version"], as_json["compared"], len(as_json["changes"])) == ("2", len(NAMES) - 1, 11)
    assert as_json["changes"][0] == {"operation": "cron.get", "kind": "added", "what": "error", "name": "GONE"}


def test_one_change_of_many_operations_is_told_once(capsys: pytest.CaptureFixture[str]) -> None:
    copied = described()
    for record in copied.values():
        record["errors"] = [error for error in record["errors"] if error["code"] != "METHOD_NOT_ALLOWED"]
    with CannedServer(served(copied)) as server:
        assert drifted("--target", server.url, capsys=capsys)[1].splitlines()[-2:] == [
            "all operations",
            "  - error code METHOD_NOT_ALLOWED",
        ]
