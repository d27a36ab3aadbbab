"""Reading the discovery of gateways in whatever form it comes, and saying why it cannot be read."""

import json
import os
import socket
from collections.abc import Callable, Iterable
from typing import Any

import pytest

from sched_emulator import spec
from sched_emulator.cli import main
from sched_emulator.drift import compare, discovered
from sched_emulator.drift.gateway import Gateway, GatewayError
from tests.gateways import NAMES, CannedServer, Copy, Json, described, served, without
from tests.receivers import Told, as_json


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("SCHED_EMULATOR_") or name.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)


# --- Other forms of the same.


def newer(record: Json) -> Json:
    """Write a contract as the vendor's newer pages would."""
    path = record["path"].replace("/v1/scheduling/", "/v1/")
    return {**record, "id": spec.short(record["id"]), "path": path}


def with_list(record: Json) -> Json:
    params = record.pop("params")
    needed = {name for group in discovered.needed_by(params) or () for name in group if len(group) == 1}
    alternatives = [group for group in discovered.needed_by(params) or () if len(group) > 1]
    needed |= {max(group) for group in alternatives}
    names = {name: schema for name, schema in params["properties"].items() if schema.get("not") != {}}
    kept = {name: schema for name, schema in names.items() if not any(name in group for group in alternatives)}
    kept |= {name: names[name] for name in needed}
    record["parameters"] = [
        {"name": name, "required": name in needed, "schema": schema} for name, schema in kept.items()
    ]
    return record


def with_words(record: Json) -> Json:
    """Write the parameters as the documentation does: by name, with its words for types."""
    listed = with_list(record).pop("parameters")
    record["params"] = {
        item["name"]: {"type": word_of(item["schema"]), "required": item["required"]} for item in listed
    }
    return record


def word_of(schema: Json) -> str:
    if "enum" in schema:
        return " | ".join(f'"{value}"' for value in schema["enum"])
    word = str(schema.get("type", "unknown"))
    return {"integer": "number", "array": "QueueMessage[]"}.get(word, word)


def codes_only(record: Json) -> Json:
    return {**record, "errors": [error["code"] for error in record["errors"]]}


def codes_by_name(record: Json) -> Json:
    return {**record, "errors": {error["code"]: {"retryable": error["retryable"]} for error in record["errors"]}}


def other_placeholders(record: Json) -> Json:
    text = json.dumps(record).replace("{id}", "{cron_id}").replace('"id": {', '"cron_id": {')
    changed: Json = json.loads(text.replace('["id"', '["cron_id"'))
    return changed


def without_what_the_path_says(record: Json) -> Json:
    names = [name for name in record["params"]["properties"] if f"{{{name}}}" in record["path"]]
    for name in names:
        without(name)(record)
    return record


REWRITTEN = [
    newer,
    with_list,
    with_words,
    codes_only,
    codes_by_name,
    other_placeholders,
    without_what_the_path_says,
    lambda record: {**record, "parameters": record.pop("params")},
]


@pytest.mark.parametrize("rewrite", REWRITTEN)
def test_the_same_contract_in_another_form_is_no_drift(rewrite: Callable[[Json], Json]) -> None:
    report = compare.compare(rewrite(record) for record in described().values())
    assert (report.compared, report.changes, report.unknown) == (len(NAMES), [], {})


def listings(copied: Copy) -> dict[str, Any]:
    entries = [{"id": record["id"], "method": record["method"], "path": record["path"]} for record in copied.values()]
    return {
        "a list": entries,
        "items": {"items": entries},
        "an envelope": {"ok": True, "data": {"capabilities": entries}, "error": None},
        "an envelope around a list": {"ok": True, "data": entries},
        "ids": {"capabilities": [entry["id"] for entry in entries]},
        "by id": {entry["id"]: {"method": entry["method"], "path": entry["path"]} for entry in entries},
        "by id under a name": {"capabilities": {entry["id"]: entry for entry in entries}},
    }


@pytest.mark.parametrize("form", list(listings({})))
@pytest.mark.parametrize("wrapped", [False, True])
def test_listings_and_records_in_other_forms_are_read(form: str, wrapped: bool) -> None:  # noqa: FBT001 - a parameter
    copied = described()
    answers = {f"/v1/discovery/{name}": {"ok": True, "data": it} if wrapped else it for name, it in copied.items()}
    with CannedServer({**answers, "/v1/discovery": listings(copied)[form]}) as server:
        gateway = Gateway(server.url)
        report = compare.compare(gateway.contract(entry) for entry in gateway.listing()[1])
    assert (report.compared, report.changes, report.unknown) == (len(NAMES), [], {})


def test_a_listing_in_pages_is_read_to_its_end() -> None:
    copied = described()
    answers = served(copied)
    entries = answers["/v1/discovery"]["capabilities"]
    answers["/v1/discovery"] = {"items": entries[:20], "next_cursor": "a b"}
    answers["/v1/discovery?cursor=a+b"] = {"data": {"items": entries[20:], "next_cursor": None}}
    with CannedServer(answers) as server:
        assert [entry["id"] for entry in Gateway(server.url).listing()[1]] == list(copied)


# --- What cannot be judged.


def cannot(url: str, capsys: pytest.CaptureFixture[str]) -> str:
    """Run against a URL that cannot be judged and return the reason."""
    status = main(["drift", "--target", url])
    out, error = capsys.readouterr()
    assert (status, out, error.count("\n")) == (2, "", 1)
    return error.removeprefix("sched-emulator drift: ").removesuffix("\n").replace(url, "URL")


@pytest.mark.parametrize(
    ("answers", "reason"),
    [
        ({}, "URL/v1/discovery answered 404"),
        ({"/v1/discovery": as_json("oops", 500)}, "URL/v1/discovery answered 500"),
        ({"/v1/discovery": Told(200, b"<html>")}, "URL/v1/discovery answered something that is no JSON"),
        ({"/v1/discovery": Told(200, b"[" * 100_000)}, "URL/v1/discovery answered something that is no JSON"),
        ({"/v1/discovery": {"capabilities": []}}, "URL/v1/discovery lists no capabilities"),
        ({"/v1/discovery": {"hello": "world"}}, "URL/v1/discovery lists no capabilities"),
        ({"/v1/discovery": 7}, "URL/v1/discovery lists no capabilities"),
        ({"/v1/discovery": as_json({}, 429, (("Retry-After", "900"),))}, "URL/v1/discovery answered 429"),
        (
            {"/v1/discovery": as_json({}, 429, (("Retry-After", "0"),))},
            "URL/v1/discovery answered 429 5 times: it wants fewer requests, so try again later",
        ),
        (
            {"/v1/discovery": {"items": [{"id": "mail.send"}], "next_cursor": "on"}, "/v1/discovery?cursor=on": 7},
            "none of the 1 capabilities that URL lists is one of openapi/scheduling.yaml",
        ),
        (
            {"/v1/discovery": ["queue.purge"], "/v1/discovery/queue.purge": as_json({}, 503)},
            "URL/v1/discovery/queue.purge answered 503",
        ),
    ],
)
def test_a_gateway_that_cannot_be_read_is_status_2_with_the_reason(
    answers: Json, reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with CannedServer(answers) as server:
        assert cannot(server.url, capsys) == f"cannot judge: {reason}"


def test_a_listing_without_end_is_given_up(capsys: pytest.CaptureFixture[str]) -> None:
    endless = {"items": ["queue.purge"], "next_cursor": "on"}
    with CannedServer({"/v1/discovery": endless, "/v1/discovery?cursor=on": endless}) as server:
        assert cannot(server.url, capsys) == "cannot judge: URL/v1/discovery goes on after 100 pages"


def test_a_request_for_a_pause_is_obeyed() -> None:
    answers = served(described())
    busy = as_json({}, 429, (("Retry-After", "0"),))
    answers["/v1/discovery"] = [busy, busy, as_json(answers["/v1/discovery"])]
    with CannedServer(answers) as server:
        assert len(Gateway(server.url).listing()[1]) == len(NAMES)
        assert server.asked == ["/v1/discovery"] * 3


def test_a_gateway_that_does_not_answer_is_given_up(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(GatewayError, match="does not answer: no answer in time"):
            Gateway(url, seconds_per_answer=0.05).listing()
    assert cannot(url, capsys) == "cannot judge: URL/v1/discovery does not answer: connection refused"


@pytest.mark.parametrize("target", ["api.infrai.cc", "ftp://api.infrai.cc", "https://"])
def test_a_target_that_is_no_url_is_wrong_usage(target: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cannot(target, capsys).startswith("--target: ")


def test_a_target_is_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["drift"]) == 2
    assert capsys.readouterr() == (
        "",
        "sched-emulator drift: --target: expected the URL of a gateway such as https://api.infrai.cc\n",
    )


# --- Reading types.


@pytest.mark.parametrize(
    ("schema", "types"),
    [
        ({"type": "int"}, {"number"}),
        ({"type": ["string", "null"]}, {"string"}),
        ({"type": "string | number"}, {"string", "number"}),
        ({"enum": ["a", True]}, {"string", "boolean"}),
        ({"anyOf": [{"type": "string"}, {"type": "array"}]}, {"string", "array"}),
        ({"schema": {"type": "boolean"}}, {"boolean"}),
        ({"type": "unknown"}, {"any"}),
        ({"type": "frobnicator"}, None),
        ({"anyOf": [{"type": "string"}, {}]}, None),
        ({}, None),
    ],
)
def test_types_are_read_by_many_names(schema: Json, types: set[str] | None) -> None:
    assert discovered.types_of(schema) == types


def groups(*names: Iterable[str]) -> frozenset[frozenset[str]]:
    return frozenset(frozenset(group) for group in names)


@pytest.mark.parametrize(
    ("schema", "needed"),
    [
        ({}, None),
        ({"required": []}, groups()),
        ({"required": ["a", "b"]}, groups("a", "b")),
        ({"required": ["a"], "anyOf": [{"required": ["b"]}, {"required": ["c"]}]}, groups("a", "bc")),
        ({"oneOf": [{"required": ["a", "b"]}, {"required": ["c"]}]}, groups("ac", "bc")),
        ({"oneOf": [{"required": ["a"]}, {"type": "object"}]}, groups()),
        ({"allOf": [{"anyOf": [{"required": ["a"]}, {"required": ["b"]}]}, {"required": ["c"]}]}, groups("ab", "c")),
    ],
)
def test_what_has_to_be_sent_is_read_out_of_conditions(schema: Json, needed: frozenset[frozenset[str]] | None) -> None:
    assert discovered.needed_by(schema) == needed
