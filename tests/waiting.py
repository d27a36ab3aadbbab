"""Waiting for what comes by itself, with an end."""

import asyncio
from collections.abc import Awaitable, Callable

PATIENCE_SECONDS = 60  # real ones: far more than any machine needs


async def until(holds: Callable[[], Awaitable[bool]], what: str) -> None:
    """Ask again and again whether something holds; fail with `what` was waited for when it never does."""
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not await holds():  # noqa: ASYNC110 - what is waited for tells nobody
                await asyncio.sleep(0)
    except TimeoutError:
        raise AssertionError(f"waited {PATIENCE_SECONDS} s in vain for {what}") from None
