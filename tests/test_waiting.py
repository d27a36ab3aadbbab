"""A wait ends: when it holds, or with what it waited for."""

import pytest

from tests import waiting


async def test_a_wait_ends_when_it_holds() -> None:
    asked = iter([False, False, True])

    async def third_time() -> bool:
        return next(asked)

    await waiting.until(third_time, "the third time")
    assert list(asked) == []


async def test_a_wait_in_vain_says_what_it_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "PATIENCE_SECONDS", 0.01)

    async def never() -> bool:
        return False

    with pytest.raises(AssertionError, match=r"^waited 0\.01 s in vain for the end of the world$"):
        await waiting.until(never, "the end of the world")
