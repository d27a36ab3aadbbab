import re
import threading
from typing import Any

import freezegun
import pytest

from sched_emulator import Emulator, Sandbox
from tests.emulated import call


def test_a_running_clock_is_waited_for(emulator: Emulator) -> None:
    with emulator.sandbox(clock="3600x") as box:
        call(box, "POST", "/task/schedule", {"task": "https://api.acme.com/remind", "run_at": "2026-01-01T00:05:00Z"})
        (delivery,) = box.wait_for(lambda: box.deliveries(url="*remind"), within=60)
    assert delivery.at == "2026-01-01T00:05:00.000Z"


def test_what_is_true_already_is_returned_at_once(box: Sandbox) -> None:
    assert box.wait_for(lambda: "value", within=0) == "value"


@pytest.mark.parametrize("frozen", [False, True])
def test_real_seconds_pass_while_a_test_freezes_time(box: Sandbox, *, frozen: bool) -> None:
    asked: list[str] = []

    def nothing() -> list[str]:
        asked.append("again")
        return []

    with freezegun.freeze_time("2026-01-01") if frozen else threading.Lock(), pytest.raises(TimeoutError) as caught:
        box.wait_for(nothing, within=0.05)
    assert len(asked) > 1
    assert str(caught.value) == (
        "within 0.05 real seconds the condition did not become true: it was [] to the last"
        " (the sandbox's clock is frozen at 2026-01-01T00:00:00.000Z and moves by advance() alone)"
    )


def test_what_a_condition_raises_is_raised(box: Sandbox) -> None:
    with pytest.raises(ZeroDivisionError):
        box.wait_for(lambda: 1 / 0)


@pytest.mark.parametrize("within", [-1, float("nan"), "5s", None, True, 1e9])
def test_only_real_seconds_say_how_long(box: Sandbox, within: Any) -> None:
    complaint = f"within= takes real seconds, from 0 to 86400, got {within!r}"
    with pytest.raises(ValueError, match=f"^{re.escape(complaint)}$"):
        box.wait_for(lambda: True, within=within)


def test_a_coroutine_is_no_condition_here(box: Sandbox) -> None:
    async def condition() -> bool:
        return True

    with pytest.raises(TypeError, match=r"^the condition is a coroutine: await box\.aio\.wait_for"):
        _ = box.wait_for(condition)
