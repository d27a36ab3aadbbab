"""What a dashboard does to a sandbox as a client would, and asks about a schedule before it runs."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import quote, urlencode

from msgspec import Raw
from multidict import CIMultiDict

from sched_emulator import spec
from sched_emulator.core import account, preview
from sched_emulator.core.encoding import encode_bytes
from sched_emulator.core.errors import InvalidRequest
from sched_emulator.core.instants import to_text
from sched_emulator.core.preview import Timed
from sched_emulator.core.schedule import ScheduleError, local_text
from sched_emulator.core.zones import DAY

from . import discovery, exchange
from .asked import Asked, Json, Performed
from .control_looking import timed
from .control_setting import read_instant
from .exchange import Received
from .turns import Work, freeing
from .validation_errors import among

YEAR_DAYS = 366
MEETINGS_SHOWN = 200
FIRES_SEEN = 50_000
FIRES_SHOWN = 1500  # a month of every half hour


async def call(
    asked: Asked, *, operation: str, path: Json | None = None, query: Json | None = None, body: Json | None = None
) -> Json:
    """Perform an operation of the emulated API as if a client had sent it. InvalidRequest when there is none."""
    operations = asked.hosted.binding.operations
    bound = operations.get(operation) or operations.get(f"scheduling.{operation}")
    if bound is None or bound.operation_id in discovery.OPERATIONS:
        raise InvalidRequest(f"names no operation{among(operation, [*operations])}", parameter="operation")
    values = {name: quote(str(value), safe="") for name, value in (path or {}).items()}
    try:
        target = bound.operation.path.format_map(values)
    except KeyError as missing:
        raise InvalidRequest(f"must have {missing}, which the path has", parameter="path") from None
    if query:
        target += "?" + urlencode(query)
    headers = CIMultiDict({"Content-Type": spec.JSON_CONTENT})
    raw = b"" if body is None else encode_bytes(body)
    answered = exchange.perform(
        asked.sandbox, asked.hosted.binding, Received(bound.operation.method, target, headers, raw)
    )
    if asked.store.untidy:
        await asked.hosted.turns.finish(asked.driver.tidying())
    asked.driver.stir()
    if answered.let_go:
        asked.hosted.turns.begin(freeing(answered.let_go))
    return {"status": answered.status, "response": Raw(answered.content)}


def show_schedules(asked: Asked, *, schedules: list[Json], now: str | None = None, days: int = YEAR_DAYS) -> Work[Json]:
    """Return what schedules will do from the day of an instant on (long work), and where they meet."""
    from_ms = asked.store.now_ms if now is None else read_instant(now, "from")
    read = [_timed(asked, number, given) for number, given in enumerate(schedules)]
    shown = []
    for given, item in zip(schedules, read, strict=True):
        shown.append((yield from _shown(given, item, from_ms, days)))
    until_ms = from_ms + 1000 * DAY * days
    met, complete = yield from preview.meetings(read, from_ms, until_ms, most=MEETINGS_SHOWN, most_fires=FIRES_SEEN)
    answer = {
        "schedules": shown,
        "meetings": [{"at": to_text(at_ms), "schedules": numbers} for at_ms, numbers in met],
        "complete": complete,
    }
    prices = asked.store.prices
    if prices:
        for each in shown:
            each["cost_usd"] = account.schedule_usd(prices, each["total"])
        answer["cost_usd"] = account.total_usd(each["cost_usd"] for each in shown)
    return answer


def _timed(asked: Asked, number: int, given: Json) -> Timed:
    try:
        return timed(asked.store, given["schedule"], given.get("timezone", "UTC"))
    except ScheduleError as error:
        raise InvalidRequest(str(error), parameter=f"schedules[{number}]") from None


def _shown(given: Json, item: Timed, from_ms: int, count: int) -> Work[Json]:
    first_ms = item.first_ms(from_ms)
    found = yield from preview.days(item, first_ms, count)
    fires = yield from preview.fires_between(item, from_ms, first_ms + 1000 * DAY * count, FIRES_SHOWN)
    most = max((day.fires for day in found), default=0)
    return {
        "schedule": given["schedule"],
        "timezone": item.zone.name,
        "total": sum(day.fires for day in found),
        "days": [
            {
                "date": day.date,
                "fires": day.fires,
                "level": preview.level(day.fires, most),
                "shift_seconds": day.shift_seconds,
            }
            for day in found
        ],
        "fires": [{"at": to_text(fire_ms), "local": local_text(item.zone, fire_ms)} for fire_ms in fires],
    }


OPERATIONS: Mapping[str, Callable[[Asked], Performed]] = {
    "schedules.show": lambda asked: show_schedules(asked, **_renamed(asked.body)),
}
AWAITED: Mapping[str, Callable[[Asked], Awaitable[Json]]] = {
    "call": lambda asked: call(asked, **asked.body),
}


def _renamed(body: Json) -> dict[str, Any]:
    """Return a body with `from`, which Python has for itself, as `now`."""
    return {"now" if name == "from" else name: value for name, value in body.items()}
