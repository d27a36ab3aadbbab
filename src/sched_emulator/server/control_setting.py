"""The control operations that change a sandbox: its clock, scripts, routes, faults, answers, account, and reset."""

from collections.abc import Awaitable, Callable
from typing import Any

from sched_emulator.core.errors import InvalidRequest
from sched_emulator.core.instants import LAST_MS, from_text, to_text
from sched_emulator.spec import assumptions

from .control_reading import fault_view, get_account, get_assumptions, get_clock, get_routes, target_view
from .driver import MAX_EVENTS
from .hosted import Hosted

Json = dict[str, Any]


async def set_clock(hosted: Hosted, body: Json, query: Json) -> Json:
    """Set mode, speed and instant; forward makes everything due on the way happen."""
    driver, sandbox = hosted.driver, hosted.sandbox
    if body.get("mode") == "frozen":
        driver.set_clock(mode="frozen", speed=None)
    if "now" in body:
        now_ms = _instant(body["now"], "now")
        if now_ms < sandbox.store.now_ms or sandbox.store.untouched:
            driver.refuse_if_busy()
            sandbox.set_now(now_ms)
            driver.restart()
        else:
            await driver.advance(until_ms=now_ms, events=None)
    driver.set_clock(mode=body.get("mode"), speed=body.get("speed"))
    return await get_clock(hosted, {}, query)


async def advance(hosted: Hosted, body: Json, _query: Json) -> Json:
    """Let time pass."""
    until_ms = None
    if "seconds" in body:
        until_ms = hosted.sandbox.store.now_ms + round(1000 * body["seconds"])
        if until_ms > LAST_MS:
            raise InvalidRequest("`seconds` must not lead past the year 9999", parameter="seconds")
    elif "until" in body:
        until_ms = _instant(body["until"], "until")
    done = await hosted.driver.advance(
        until_ms=until_ms, events=body.get("events"), max_events=int(body.get("max_events", MAX_EVENTS))
    )
    return {"now": to_text(done.now_ms), "fired": done.fired, "stopped": done.stopped}


async def reset(hosted: Hosted, body: Json, _query: Json) -> Json:
    """Make the sandbox as new; what is given counts as its beginning from now on."""
    now_ms = _instant(body["now"], "now") if "now" in body else None
    hosted.reset(seed=body.get("seed"), now_ms=now_ms, answers=_checked(body.get("assumptions", {})))
    return {"reset": True}


async def add_target(hosted: Hosted, body: Json, _query: Json) -> Json:
    """Script a receiver."""
    hosted.sandbox.add_target(body)
    return target_view(hosted.sandbox.store.targets[-1])


async def clear_targets(hosted: Hosted, _body: Json, _query: Json) -> Json:
    """Drop all scripted receivers."""
    cleared = len(hosted.sandbox.store.targets)
    hosted.sandbox.clear_targets()
    return {"cleared": cleared}


async def set_routes(hosted: Hosted, body: Json, query: Json) -> Json:
    """Replace the routes."""
    hosted.sandbox.set_routes(body)
    return await get_routes(hosted, {}, query)


async def add_fault(hosted: Hosted, body: Json, _query: Json) -> Json:
    """Make requests fail, wait or lose their answer."""
    hosted.sandbox.add_fault(body)
    return fault_view(hosted.sandbox.store.faults[-1])


async def clear_faults(hosted: Hosted, _body: Json, _query: Json) -> Json:
    """Drop all faults."""
    cleared = len(hosted.sandbox.store.faults)
    hosted.sandbox.clear_faults()
    return {"cleared": cleared}


async def set_assumptions(hosted: Hosted, body: Json, query: Json) -> Json:
    """Merge answers; null returns to the one that the sandbox began with."""
    chosen = {name: answer for name, answer in body.items() if answer is not None}
    checked = _checked(chosen)
    _checked({name: assumptions.defaults().get(name, "") for name in body.keys() - chosen.keys()})
    hosted.sandbox.set_assumptions({name: checked.get(name) for name in body})
    hosted.rebind()
    hosted.driver.stir()
    return await get_assumptions(hosted, {}, query)


async def set_account(hosted: Hosted, body: Json, query: Json) -> Json:
    """Set the balance."""
    hosted.sandbox.set_balance(body["balance_usd"])
    return await get_account(hosted, {}, query)


def _checked(answers: Json) -> dict[str, str | int]:
    try:
        return assumptions.parse_answers(answers)
    except ValueError as error:
        raise InvalidRequest(str(error)) from None


def _instant(text: str, name: str) -> int:
    try:
        instant_ms = from_text(text)
    except ValueError:
        raise InvalidRequest(f"`{name}` must be an ISO-8601 instant, got '{text}'", parameter=name) from None
    if not 0 <= instant_ms <= LAST_MS:
        raise InvalidRequest(f"`{name}` must lie between 1970 and 9999, got '{text}'", parameter=name)
    return instant_ms


OPERATIONS: dict[str, Callable[[Hosted, Json, Json], Awaitable[Json]]] = {
    "clock.set": set_clock,
    "clock.advance": advance,
    "reset": reset,
    "targets.add": add_target,
    "targets.clear": clear_targets,
    "routes.set": set_routes,
    "faults.add": add_fault,
    "faults.clear": clear_faults,
    "assumptions.set": set_assumptions,
    "account.set": set_account,
}
