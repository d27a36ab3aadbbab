import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sched_emulator.core import snapshot
from sched_emulator.core.encoding import decode
from sched_emulator.core.errors import InvalidRequest
from sched_emulator.core.records import State
from tests.core.harness import START_MS, Box
from tests.soak import examples

HOOK = "https://api.acme.com/hook"
EXACT = '{"big":123456789012345678901234567890,"small":0.1000000000000000055511151231257827,"tiny":1E-400}'


def busy() -> Box:
    """Return a sandbox with one of everything, most of it under way."""
    box = Box()
    box.sandbox.set_balance(5)
    box.sandbox.set_routes({"https://routed.example": "http://127.0.0.1:9000"})
    box.fault({"operation": "cron.delete", "status": 503, "probability": 0.5})
    box.script(HOOK, {"latency_seconds": 90, "status": 500})
    box.call("cron.create", cron_expr="* * * * *", task=HOOK, overlap_policy="queue", headers={"X-A": "1"})
    box.call("task.schedule", task=HOOK, run_at_ms=START_MS + 1000, secret="s3cret", payload={"n": 1})  # noqa: S106 - a secret for tests
    box.call("queue.create", queue="f", type="fifo")
    box.publish("f", decode(EXACT), key="k")
    box.publish("f", 2, delay_seconds=300)
    box.call("queue.push_subscribe", queue="f", url=HOOK)
    box.publish("q", 1, 2, priority=5)
    box.consume("q", max_messages=1, visibility_timeout=300)
    box.call("queue.nack", queue="q", message_id="msg_000003", requeue=False)
    box.advance(130)
    return box


BUSY = busy().sandbox.snapshot()


def refusal(document: bytes) -> str:
    box = Box()
    before = box.sandbox.snapshot()
    with pytest.raises(InvalidRequest) as caught:
        box.restore(document)
    assert box.sandbox.snapshot() == before
    assert "\n" not in caught.value.message
    return caught.value.message


def test_a_snapshot_comes_back_as_the_same_bytes() -> None:
    box = Box()
    box.restore(BUSY)
    assert box.sandbox.snapshot() == BUSY
    assert EXACT.encode() in BUSY


def test_a_snapshot_is_json_with_its_seal_in_front() -> None:
    document = json.loads(BUSY)
    assert list(document)[:2] == ["seal", "version"]
    assert (document["version"], document["now_ms"]) == (2, START_MS + 130_000)


def test_a_snapshot_may_be_written_with_other_spaces() -> None:
    box = Box()
    box.restore(BUSY.replace(b'","', b'" ,\n "'))
    assert box.sandbox.snapshot() == BUSY


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"now_ms":17672257', b'"now_ms":17672258'),
        (b'"balance_usd":5.0', b'"balance_usd":5.5'),
        (b'"balance_usd":5.0', b'"balance_usd":null'),
        (b'"place":"dead"', b'"place":"available"'),
        (b'"s3cret"', b'"secret"'),
        (b'"X-A":"1"', b'"X-A":"2"'),
        (b"1E-400", b"1E-401"),
        (b'{"seal":"', b'{"seal":"0'),
    ],
)
def test_an_edited_snapshot_is_refused(old: bytes, new: bytes) -> None:
    assert BUSY.count(old) >= 1
    assert refusal(BUSY.replace(old, new, 1)) == ("the snapshot must be unchanged: its seal does not fit its content")


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"{}",
        b"[]",
        b"null",
        b"no JSON",
        b"\xff\xfe",
        BUSY[:-1],
        BUSY[: len(BUSY) // 2],
        BUSY + b"x",
        BUSY.replace(b'"version":2', b'"version":1'),
        BUSY.replace(b'"now_ms":', b'"later_ms":', 1),
        BUSY.replace(b'"mode":"frozen"', b'"mode":"melted"', 1),
        BUSY.replace(b'"fired":', b'"fired":1.5,"was":', 1),
        BUSY.replace(b'"seal"', b'"sale"', 1),
        b'{"seal":"x","answers":' + b"[" * 100_000,
        b'{"seal":"x","now_ms":' + b"9" * 5000 + b"}",
        b'{"seal":"x","answers":{"a":1e999}}',
    ],
)
def test_what_is_no_snapshot_of_this_version_is_refused(document: bytes) -> None:
    assert refusal(document).startswith("this is no snapshot of this version: ")


@examples(100)
@given(st.integers(0, len(BUSY) - 1), st.integers(0, 255))
def test_a_snapshot_with_one_byte_changed_is_refused_or_means_the_same(place: int, byte: int) -> None:
    document = BUSY[:place] + bytes([byte]) + BUSY[place + 1 :]
    try:
        state = snapshot.unseal(document)
    except InvalidRequest as error:
        assert error.status == 400  # noqa: PT017 - both ways are right
    else:
        assert snapshot.seal(state) == BUSY


def test_a_state_is_restored_record_by_record() -> None:
    box, restored = busy(), Box()
    restored.restore(box.sandbox.snapshot())
    for name in State.__struct_fields__:
        assert getattr(restored.sandbox.store.state(), name) == getattr(box.store.state(), name), name


def test_where_deliveries_may_go_stays_as_the_sandbox_was_told() -> None:
    told: dict[str, Any] = {"deliver": "none", "uncovered": "refuse", "strict_urls": True}
    box = Box(**told)
    box.restore(BUSY)
    kept = box.store.settings
    assert {name: getattr(kept, name) for name in told} == told
    assert (kept.seed, kept.start_ms) == (0, START_MS)


def test_a_reset_after_a_restore_leads_back_to_the_sandboxs_own_beginning() -> None:
    box = Box({"cron.dst": "literal"})
    beginning = box.sandbox.snapshot()
    box.restore(BUSY)
    box.sandbox.reset()
    assert box.sandbox.snapshot() == beginning
