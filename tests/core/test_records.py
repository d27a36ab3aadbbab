from typing import Any

import msgspec
import pytest

from sched_emulator.core import snapshot
from sched_emulator.core.records import Attempt, DeliveryEntry, Message, Outcome, RequestEntry, Run, State
from sched_emulator.core.store import fresh
from tests.core.harness import Box, settings

HOOK = "https://api.acme.com/hook"


@pytest.mark.parametrize(
    ("result", "succeeded"),
    [("delivered", True), ("captured", True), ("failed", False), ("timeout", False), ("refused", False)],
)
def test_an_attempt_succeeded_when_it_was_taken_or_captured(result: str, *, succeeded: bool) -> None:
    assert msgspec.convert({"result": result}, Outcome).succeeded is succeeded


def test_a_fresh_state_is_what_the_settings_say_and_nothing_else() -> None:
    given = settings({"cron.dst": "literal"}, mode="wall", speed=60.0, routes={"https://a.example": HOOK})
    state = fresh(given)
    assert (state.settings, state.now_ms, state.mode, state.speed) == (given, given.start_ms, "wall", 60.0)
    assert (state.answers, state.routes) == (given.answers, given.routes)
    known = {"settings", "now_ms", "mode", "speed", "answers", "routes", "version", "next_entry"}
    rest = {name: value for name, value in msgspec.structs.asdict(state).items() if name not in known}
    assert not any(rest.values())


@pytest.mark.parametrize("payload", [{}, {"payload": None}, {"payload": {"n": [1, 2.5]}}])
def test_no_payload_is_not_the_same_as_null(payload: dict[str, Any]) -> None:
    box = Box()
    box.call("cron.create", cron_expr="* * * * *", task=HOOK, **payload)
    restored = snapshot.unseal(box.sandbox.snapshot())
    assert restored.crons == list(box.store.crons.values())
    assert restored.crons[0].payload == payload.get("payload", msgspec.UNSET)


@pytest.mark.parametrize("record", [Attempt, DeliveryEntry, Message, RequestEntry, Run, State])
def test_records_are_made_by_keyword(record: type) -> None:
    with pytest.raises(TypeError, match="positional"):
        record(1)
