"""What tells the requests that do not fit the description from those that only do not fit the suite's narrower one."""

from typing import Any

import pytest
from schemathesis.core import NOT_SET

from sched_emulator.contract.described import Contract
from sched_emulator.contract.schema.document import Truth


@pytest.mark.parametrize(
    ("operation", "body", "allowed"),
    [
        ("scheduling.queue.dlq.redrive", NOT_SET, True),
        ("scheduling.queue.dlq.redrive", {}, True),
        ("scheduling.queue.dlq.redrive", [], False),
        ("scheduling.queue.publish", NOT_SET, False),
        ("scheduling.queue.publish", {"queue": "orders", "payload": {}}, True),
    ],
)
def test_a_body_that_may_be_left_out_is_allowed_to_be(operation: str, body: Any, *, allowed: bool) -> None:
    assert Truth(Contract({})).allows(operation, body, {}, {"queue": "orders"}) is allowed
