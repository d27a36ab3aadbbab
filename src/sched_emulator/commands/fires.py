"""What `sched-emulator cron` shows: the fires of an expression, or of the crons of a file, and a year as a picture."""

import argparse
import json
import time
from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from itertools import islice

from sched_emulator import files
from sched_emulator.config import UsageError
from sched_emulator.core import account, instants, preview, schedule
from sched_emulator.core.work import at_once

from . import connection, cron_file, cron_snapshot, year_picture
from .serve import prices_in
from .terminal import complain, counted, say, say_json, table

LISTED = 6  # local times, of a day around a change of the clocks
YEAR_DAYS = 366
READ_AS = ("timezone", "seconds_position", "dst")  # options for crons that do not say it


def of_expression(values: argparse.Namespace) -> int:
    """Show the next fires of one expression; status 1 when it cannot be."""
    after_ms = _from(values, present_ms())
    try:
        zone = schedule.load_zone(values.timezone)
    except schedule.ScheduleError as error:
        raise UsageError(f"--timezone: {str(error).removeprefix('time zone: ')}") from None
    try:
        parsed = schedule.parse(" ".join(values.expression), seconds_position=values.seconds_position)
    except schedule.ScheduleError as error:
        complain(values.prog, error)
        return 1
    timed = preview.Timed(parsed, zone, values.dst)
    fires = list(islice(timed.between(after_ms + 1, instants.LAST_MS + 1), values.count))
    if values.svg is not None:
        _draw(values, timed, after_ms)
    _show(fires, zone, as_json=values.json)
    return 0


def present_ms() -> int:
    """Return the real instant."""
    return int(time.time() * 1000)


def _from(values: argparse.Namespace, otherwise_ms: int) -> int:
    given: int | None = getattr(values, "from")
    return otherwise_ms if given is None else given


def _draw(values: argparse.Namespace, timed: preview.Timed, from_ms: int) -> None:
    """Write the picture of a year, as far as the calendar goes."""
    days = at_once(preview.days(timed, timed.first_ms(from_ms), YEAR_DAYS))
    if not days:
        raise UsageError("--svg: there is no year to draw before the year 10000")
    files.write(values.svg, year_picture.draw(days, f"{' '.join(values.expression)} · {timed.zone.name}"), "--svg")


def of_several(values: argparse.Namespace) -> int:
    """Show the fires of several crons from an instant on; status 1 when one cannot be, or two meet that must not."""
    try:
        planned, begin_ms, resting = _several(values)
    except schedule.ScheduleError as error:
        complain(values.prog, error)
        return 1
    planned = cron_file.kept_apart(planned, values.must_not_meet)
    start_ms = _from(values, begin_ms)
    days = values.days
    found = cron_file.fires(planned, start_ms, days)
    changed = cron_file.changes(planned, start_ms, days)
    met = [(at_ms, pair) for at_ms, names in found for pair in cron_file.forbidden(planned, names)]
    prices = None if values.prices is None else prices_in(values.prices)
    counts = Counter({each.name: 0 for each in planned})
    counts.update(name for _, names in found for name in names)
    if values.json:
        costs = {} if prices is None else cron_file.costs(counts, prices)
        say_json(cron_file.as_json(planned, found, changed) | costs)
        return 1 if met else 0
    _tell(found, changed, {at_ms for at_ms, _ in met})
    meeting = sum(len(names) > 1 for _, names in found)
    span = f"{days} day{'s' * (days != 1)}"
    say(f"{counted(counts.total(), 'fire')} in {span}; {counted(meeting, 'instant')} at which several meet")
    if resting:
        say(f"Nothing is due of {', '.join(resting)}: paused, or over.")
    if prices is not None:
        _tell_costs(counts, prices)
    for at_ms, (one, other) in met:
        complain(values.prog, f"{one} must not meet {other}, and does at {_utc(at_ms)}")
    return 1 if met else 0


def _several(values: argparse.Namespace) -> cron_snapshot.Held:
    """Return the crons of a file, or of a sandbox. UsageError where there are none to read."""
    if values.file is None:
        box = connection.sandbox_of(values)
        text, what = json.dumps(box.snapshot(), ensure_ascii=False), "the sandbox"
    else:
        text, what = files.read_text(values.file, "--file"), f"--file: {values.file}"
    if not text.lstrip().startswith("{"):
        read_as = {name: getattr(values, name) for name in READ_AS}
        return cron_snapshot.Held(cron_file.read(text, values.file, **read_as), present_ms(), [])
    for name in READ_AS:
        if name in values.given:
            raise UsageError(f"--{name.replace('_', '-')} has no effect with crons that say it themselves")
    return cron_snapshot.read(text.encode(), what)


def _tell(found: list[tuple[int, list[str]]], changed: list[cron_file.Change], wrong: set[int]) -> None:
    """Show fires and changes of the clocks; `wrong` are the instants at which some meet that must not."""
    table(
        [
            (_utc(at_ms), ", ".join(names), "must not meet" if at_ms in wrong else "meet" if len(names) > 1 else "")
            for at_ms, names in found
        ],
        [None, None, "yellow"],
    )
    for change in changed:
        say(_change(change))


def _tell_costs(counts: Counter[str], prices: Mapping[str, tuple[float, bool]]) -> None:
    """Show what each cron costs, and all of them; what the prices do not name is said, and not counted."""
    costs = cron_file.costs(counts, prices)
    rows = [(each["cron"], counted(each["fires"], "fire"), _usd(each["cost_usd"])) for each in costs["costs"]]
    table([*rows, ("together", counted(counts.total(), "fire"), _usd(costs["cost_usd"]))])
    of_fires = (
        f"{_usd(prices[account.FIRE][0])} for each fire"
        if account.FIRE in prices
        else "nothing for fires: the prices name none for them"
    )
    say(f"That is {_usd(prices.get(account.CREATE, account.FREE)[0])} for creating each, and {of_fires}.")


def _usd(amount: float) -> str:
    return f"{account.plain(amount)} USD"


def _change(change: cron_file.Change) -> str:
    """Return what a change of the clocks does to a cron."""
    hours = (change.after_seconds - change.before_seconds) / 3600
    when = (
        f"{_utc(change.at_ms)}: the clocks of {change.zone} go {'forward' if hours > 0 else 'back'} by {abs(hours):g} h"
    )
    if change.that_day == change.day_before:
        return f"{when}; {change.cron} fires as on other days"
    return f"{when}; {change.cron} fires at {_times(change.that_day)}, the day before at {_times(change.day_before)}"


def _times(times: list[str]) -> str:
    more = f" and {len(times) - LISTED} more" if len(times) > LISTED else ""
    return (", ".join(times[:LISTED]) or "no time") + more


def _utc(at_ms: int) -> str:
    text = instants.to_text(at_ms)
    return f"{text[:10]} {text[11:19]} UTC"


def _show(fires: list[int], zone: schedule.Zone, *, as_json: bool) -> None:
    rows = [(fire_ms, schedule.local_text(zone, fire_ms)) for fire_ms in fires]
    if as_json:
        say_json([{"utc": instants.to_text(fire_ms), "local": local} for fire_ms, local in rows])
        return
    if not rows:
        say("It does not fire again before the year 10000.")
    table([(_utc(fire_ms), f"{datetime.fromisoformat(local):%a %Y-%m-%d %H:%M:%S %z}") for fire_ms, local in rows])
