import inspect
import json
from pathlib import Path
from typing import get_args

import pytest

from sched_emulator import spec
from sched_emulator.core.dispatch import ATTEMPT_ENDED, EVENTS, OPERATIONS
from sched_emulator.core.timeline import EVENT_WORDS, HOUSEKEEPING, Kind
from sched_emulator.spec import assumptions

DOCUMENTED = json.loads((Path(__file__).parents[1] / "data" / "operations.json").read_text())


def test_every_operation_of_the_spec_has_a_function_and_the_reverse() -> None:
    document = spec.resolve(spec.load("scheduling"), assumptions.defaults())
    assert {item.operation_id for item in spec.operations(document) if not item.public} == OPERATIONS.keys()


def test_every_documented_operation_has_a_function() -> None:
    assert {item["id"] for item in DOCUMENTED["operations"]} <= OPERATIONS.keys()


@pytest.mark.parametrize("name", OPERATIONS)
def test_an_operation_takes_the_store_and_keywords(name: str) -> None:
    first, *others = inspect.signature(OPERATIONS[name]).parameters.values()
    assert first.name == "store"
    assert {parameter.kind for parameter in others} <= {
        inspect.Parameter.KEYWORD_ONLY,
        inspect.Parameter.VAR_KEYWORD,
    }


def test_every_kind_of_event_and_of_delivery_has_a_function() -> None:
    assert set(EVENTS) == set(get_args(Kind)) == EVENT_WORDS.keys() | HOUSEKEEPING
    assert set(ATTEMPT_ENDED) == {"cron", "task", "push", "failure"}
