"""Crons and runs as targets answer them are read by meaning, whatever they are called and whatever may be absent."""

from typing import Any

import pytest

from sched_emulator.contract import Failed, NotChecked, cron_id, has_ended, next_run
from sched_emulator.contract.crons import is_within
from sched_emulator.contract.described import by_one_id


@pytest.mark.parametrize("record", [{"cron_id": "c1"}, {"job_id": "c1"}, {"cron_id": "c1", "job_id": "c1"}])
def test_a_cron_has_its_id_under_either_name(record: dict[str, str]) -> None:
    assert cron_id(record) == "c1"


def test_a_record_without_an_id_fails() -> None:
    with pytest.raises(Failed):
        cron_id({"name": "weekly"})


@pytest.mark.parametrize("text", ["2026-01-05T09:00:00Z", "2026-01-05T10:00:00.000+01:00", "2026-01-05T09:00:00"])
def test_a_next_run_is_an_instant_however_it_is_written(text: str) -> None:
    assert next_run({"next_run_at": text}) == 1767603600


@pytest.mark.parametrize("record", [{}, {"next_run_at": None}])
def test_a_record_that_does_not_tell_its_next_run_cannot_be_checked_by_it(record: dict[str, Any]) -> None:
    with pytest.raises(NotChecked):
        next_run(record)


@pytest.mark.parametrize(
    ("run", "ended"),
    [
        ({"state": "success", "finished_at": "2026-01-01T00:00:00Z"}, True),
        ({"state": "failed"}, True),
        ({"state": "success", "finished_at": None}, False),
        ({"state": "running"}, False),
    ],
)
def test_a_run_has_ended_when_it_says_when_or_has_a_last_state(run: dict[str, Any], *, ended: bool) -> None:
    assert has_ended(run) is ended


@pytest.mark.parametrize(
    ("body", "within"),
    [
        ({"n": 1}, True),
        ({"kind": "cron", "data": [{"n": 1}]}, True),
        ({"n": True}, False),
        ({"data": '{"n": 1}'}, False),
        (None, False),
    ],
)
def test_a_payload_is_within_a_body_as_a_value_and_not_as_text(body: Any, *, within: bool) -> None:
    assert is_within(body, {"n": 1}) is within


def test_a_listed_cron_may_call_its_id_as_create_does() -> None:
    expected = {"items": [{"cron_id": "c1", "name": "weekly"}]}
    for item in ({"job_id": "c1"}, {"job_id": "c1", "cron_id": "c1"}, {"cron_id": "c1"}):
        assert by_one_id("cron.list", {"items": [{**item, "name": "weekly"}]}) == expected
    assert by_one_id("cron.create", {"job_id": "c1"}) == {"job_id": "c1"}
