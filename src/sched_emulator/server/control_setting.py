"""The control operations that change a sandbox: clock, scripts, routes, faults, answers, account, state, reset."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from msgspec import convert

from sched_emulator.config import UsageError, parse_duration
from sched_emulator.core.errors import InvalidRequest
from sched_emulator.core.instants import EXPECTED, LAST_MS, from_text, to_text
from sched_emulator.core.records import Fault, Target
from sched_emulator.core.sandbox import Sandbox
from sched_emulator.spec import assumptions

from .asked import Asked, Json, Performed
from .control_reading import fault_view, get_clock, target_view
from .driver import MAX_EVENTS, Driver
from .sandboxes import Hosted
from .turns import Work


async def set_clock(
    driver: Driver, *, mode: str | None = None, speed: float | None = None, now: str | None = None
) -> Json:
    """Set mode, speed and instant; forward makes everything due on the way happen."""
    sandbox = driver.sandbox
    if mode == "frozen":
        await driver.set_clock(mode="frozen", speed=None)
    if now is not None:
        now_ms = read_instant(now, "now")
        if now_ms < sandbox.store.now_ms or sandbox.store.untouched:
            driver.refuse_if_busy()
            sandbox.set_now(now_ms)
            driver.restart()
        else:
            await driver.advance(until_ms=now_ms)
    await driver.set_clock(mode=mode, speed=speed)
    return get_clock(driver)


async def advance(
    driver: Driver,
    *,
    seconds: float | None = None,
    duration: str | None = None,
    until: str | None = None,
    events: int | None = None,
    max_events: float = MAX_EVENTS,
) -> Json:
    """Let time pass."""
    until_ms = by_ms = None
    named = "seconds" if duration is None else "duration"
    if duration is not None:
        seconds = _seconds(duration)
    if seconds is not None:
        by_ms = round(1000 * seconds)
        if driver.sandbox.store.now_ms + by_ms > LAST_MS:
            raise InvalidRequest("must not lead past the year 9999", parameter=named)
    elif until is not None:
        until_ms = read_instant(until, "until")
    done = await driver.advance(until_ms=until_ms, by_ms=by_ms, events=events, max_events=int(max_events))
    return {"now": to_text(done.now_ms), "fired": done.fired, "stopped": done.stopped}


def reset(hosted: Hosted, *, seed: int | None = None, now: str | None = None, assumptions: Json | None = None) -> Json:
    """Make the sandbox as new; what is given counts as its beginning from now on."""
    now_ms = None if now is None else read_instant(now, "now")
    hosted.reset(seed=seed, now_ms=now_ms, answers=_checked(assumptions or {}))
    return {"reset": True}


def put_snapshot(hosted: Hosted, document: bytes) -> Json:
    """Replace the state by that of a snapshot."""
    hosted.replace_state(document)
    return {"restored": True}


def add_target(sandbox: Sandbox, target: Json) -> Json:
    """Script a receiver."""
    given = target["responses"]
    responses = [_response(item) for item in (given if isinstance(given, list) else [given])]
    sandbox.add_target(convert(target | {"responses": responses}, Target, strict=False))
    return target_view(sandbox.store.targets[-1])


def clear_targets(sandbox: Sandbox) -> Json:
    """Drop all scripted receivers."""
    cleared = len(sandbox.store.targets)
    sandbox.clear_targets()
    return {"cleared": cleared}


def set_routes(sandbox: Sandbox, routes: dict[str, str]) -> Json:
    """Replace the routes."""
    sandbox.set_routes(routes)
    return dict(routes)


def add_fault(sandbox: Sandbox, fault: Json) -> Json:
    """Make requests fail, wait or lose their answer."""
    sandbox.add_fault(convert(fault, Fault, strict=False))
    return fault_view(sandbox.store.faults[-1])


def clear_faults(sandbox: Sandbox) -> Json:
    """Drop all faults."""
    cleared = len(sandbox.store.faults)
    sandbox.clear_faults()
    return {"cleared": cleared}


def set_assumptions(hosted: Hosted, answers: Mapping[str, Any]) -> Work[Json]:
    """Merge answers; null returns to the one that the sandbox began with (long work: much may expire with them)."""
    chosen = {name: answer for name, answer in answers.items() if answer is not None}
    checked = _checked(chosen)
    _checked({name: assumptions.defaults().get(name, "") for name in answers.keys() - chosen.keys()})
    hosted.sandbox.set_assumptions({name: checked.get(name) for name in answers})
    hosted.rebind()
    yield from hosted.driver.tidying()
    hosted.driver.stir()
    return dict(hosted.sandbox.store.answers.values)


def set_account(sandbox: Sandbox, *, balance_usd: float | None) -> Json:
    """Set the balance; None is without limit."""
    sandbox.set_balance(balance_usd)
    return {"balance_usd": sandbox.store.balance_usd}


def _checked(answers: Json) -> dict[str, str | int]:
    try:
        return assumptions.parse_answers(answers)
    except ValueError as error:
        raise InvalidRequest(str(error)) from None


def _response(given: Json | float | str) -> Json:
    """Return the object that a status or the name of an error stands for."""
    if isinstance(given, str):
        return {"error": given}
    return given if isinstance(given, dict) else {"status": given}


def _seconds(duration: str) -> float:
    try:
        return parse_duration(duration, "duration")
    except UsageError as error:
        raise InvalidRequest(str(error), about="duration") from None


def read_instant(text: str, name: str) -> int:
    """Return the instant that a field names; InvalidRequest when it names none."""
    try:
        instant_ms = from_text(text)
    except ValueError:
        raise InvalidRequest(f"must be {EXPECTED}, got '{text}'", parameter=name) from None
    if not 0 <= instant_ms <= LAST_MS:
        raise InvalidRequest(f"must lie between 1970 and 9999, got '{text}'", parameter=name)
    return instant_ms


OPERATIONS: Mapping[str, Callable[[Asked], Performed]] = {
    "reset": lambda asked: reset(asked.hosted, **asked.body),
    "snapshot.put": lambda asked: put_snapshot(asked.hosted, asked.document),
    "targets.add": lambda asked: add_target(asked.sandbox, asked.body),
    "targets.clear": lambda asked: clear_targets(asked.sandbox),
    "routes.set": lambda asked: set_routes(asked.sandbox, asked.body),
    "faults.add": lambda asked: add_fault(asked.sandbox, asked.body),
    "faults.clear": lambda asked: clear_faults(asked.sandbox),
    "assumptions.set": lambda asked: set_assumptions(asked.hosted, asked.body),
    "account.set": lambda asked: set_account(asked.sandbox, **asked.body),
}
AWAITED: Mapping[str, Callable[[Asked], Awaitable[Json]]] = {
    "clock.set": lambda asked: set_clock(asked.driver, **asked.body),
    "clock.advance": lambda asked: advance(asked.driver, **asked.body),
}
