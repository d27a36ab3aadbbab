import copy
import json
import pickle
from typing import Any

import pytest

import sched_emulator
from sched_emulator import Advanced, Delivery, Fault, Request, Sandbox, Script, TimelineEntry, spec
from sched_emulator.client.records import Field, Record
from tests.emulated import call, create_cron

SCHEMAS = spec.load("emulator")["components"]["schemas"]
DESCRIBED: dict[type[Record], str] = {
    Delivery: "Delivery",
    Request: "LoggedRequest",
    TimelineEntry: "DueEvent",
    Advanced: "Advanced",
    Script: "ScriptedTarget",
    Fault: "CountedFault",
}


def fields(kind: type[Record]) -> set[str]:
    return {name for name, value in vars(kind).items() if isinstance(value, Field)}


@pytest.mark.parametrize("kind", DESCRIBED)
def test_a_record_has_every_documented_field(kind: type[Record]) -> None:
    assert set(SCHEMAS[DESCRIBED[kind]]["properties"]) <= fields(kind)


@pytest.mark.parametrize("kind", DESCRIBED)
def test_no_field_hides_what_a_dict_can_do(kind: type[Record]) -> None:
    assert fields(kind) & set(dir(dict)) == set()
    assert kind.__name__ in sched_emulator.__all__


def everything_that_happens(box: Sandbox) -> list[Record]:
    create_cron(box)
    due = box.timeline()
    fault = box.faults.add("queue.create", status=503, times=1)
    script = box.targets.script("https://api.acme.com/*", {"status": 200, "body": "fine"})
    moved = box.clock.advance(weeks=1)
    listed = [*box.faults.list(), *box.targets.list()]
    return [*due, fault, script, moved, *listed, *box.deliveries(), *box.requests()]


def test_what_handles_return_has_keys_and_attributes(box: Sandbox) -> None:
    found = everything_that_happens(box)
    assert {type(record) for record in found} == set(DESCRIBED)
    for record in found:
        assert record.keys() <= fields(type(record))
        assert {name: getattr(record, name) for name in record} == record
    (delivery,) = box.deliveries()
    assert (delivery.url, delivery["url"]) == ("https://api.acme.com/weekly",) * 2
    assert (delivery.outcome, delivery.status, delivery.response_body) == ("delivered", 200, "fine")
    assert (delivery.routed_to, delivery.get("routed_to"), "routed_to" in delivery) == (None, None, False)


def test_a_record_is_a_dict_to_whom_expects_one() -> None:
    record = TimelineEntry(at="2026-01-01T00:00:00.000Z", kind="task", subject="task_000001")
    plain = {"at": "2026-01-01T00:00:00.000Z", "kind": "task", "subject": "task_000001"}
    assert (record, repr(record), json.dumps(record)) == (plain, repr(plain), json.dumps(plain))
    for again in (copy.copy(record), copy.deepcopy(record), pickle.loads(pickle.dumps(record))):  # noqa: S301 - ours
        assert (type(again), again) == (TimelineEntry, plain)


def test_a_misspelt_attribute_is_an_error_read_or_written(box: Sandbox) -> None:
    call(box, "GET", "/queue/list")
    record: Any = box.requests()[0]
    with pytest.raises(AttributeError, match=r"^'Request' object has no attribute 'pth'"):
        _ = record.pth
    with pytest.raises(AttributeError):
        record.status = 500
