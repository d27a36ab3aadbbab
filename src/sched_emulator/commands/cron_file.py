"""`sched-emulator cron --file`: all fires of several crons, where they meet, what changes of the clocks do to them."""

import tomllib
from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from sched_emulator.config import UsageError
from sched_emulator.core import account, instants, schedule
from sched_emulator.core.preview import Timed
from sched_emulator.core.schedule import ScheduleError, Zone

DAY_MS = 86_400_000
FIRES_MOST = 100_000
FIELDS = ("name", "expression", "timezone", "must_not_meet")


class Planned(NamedTuple):
    """A cron that will fire: as it is `timed`, or where some are `left`, so often from `since_ms` on; or `once_ms`."""

    name: str
    timed: Timed | None
    must_not_meet: tuple[str, ...]
    once_ms: int | None = None
    left: int | None = None
    since_ms: int = 0

    def between(self, from_ms: int, until_ms: int) -> Iterator[int]:
        """Yield the fires from an instant on and before another."""
        if self.timed is None:
            yield from (fire_ms for fire_ms in (self.once_ms,) if fire_ms is not None and from_ms <= fire_ms < until_ms)
        elif self.left is None:
            yield from self.timed.between(from_ms, until_ms)
        else:
            counted = islice(self.timed.between(self.since_ms, until_ms), self.left)
            yield from (fire_ms for fire_ms in counted if fire_ms >= from_ms)


class Change(NamedTuple):
    """A change of the clocks, and the local times at which a cron fires on that day and on the day before."""

    at_ms: int
    cron: str
    zone: str
    before_seconds: int
    after_seconds: int
    that_day: list[str]
    day_before: list[str]


def read(text: str, path: Path, *, timezone: str, seconds_position: str, dst: str) -> list[Planned]:
    """Return the crons of a file; UsageError where it is none, ScheduleError where one of them cannot be."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"--file: {path} is no TOML: {error}") from None
    given = document.get("cron")
    if document.keys() != {"cron"} or not isinstance(given, list) or not all(isinstance(each, dict) for each in given):
        raise UsageError(f"--file: {path} must hold tables [[cron]] and nothing else")
    planned: list[Planned] = []
    for number, each in enumerate(given, start=1):
        one = _planned(each, f"--file: [[cron]] number {number}", timezone, seconds_position, dst)
        if one.name in {other.name for other in planned}:
            raise UsageError(f"--file: there are two crons named {one.name!r}; expected names of their own")
        planned.append(one)
    names = [each.name for each in planned]
    for each in planned:
        for other in each.must_not_meet:
            if other not in names:
                raise UsageError(f"--file: {each.name} must not meet {_meant(other, names)}, and there is no such cron")
    return planned


def kept_apart(planned: list[Planned], pairs: Iterable[tuple[str, str]]) -> list[Planned]:
    """Return the crons, of which these pairs must not meet either. UsageError where one of them is not there."""
    names = [each.name for each in planned]
    apart: dict[str, list[str]] = {name: [] for name in names}
    for one, other in pairs:
        for name in (one, other):
            if name not in apart:
                raise UsageError(f"--must-not-meet: there is no cron {_meant(name, names)}")
        apart[one].append(other)
    return [each._replace(must_not_meet=(*each.must_not_meet, *apart[each.name])) for each in planned]


def fires(planned: list[Planned], start_ms: int, days: int) -> list[tuple[int, list[str]]]:
    """Return the instants from `start_ms` on at which something fires, and what does, in the order of the file."""
    found: dict[int, list[str]] = {}
    count = 0
    for each in planned:
        for fire_ms in each.between(start_ms, start_ms + days * DAY_MS):
            found.setdefault(fire_ms, []).append(each.name)
            count += 1
            if count > FIRES_MOST:
                raise UsageError(f"--days: these are more than {FIRES_MOST:,} fires; expected fewer days")
    return sorted(found.items())


def forbidden(planned: list[Planned], names: list[str]) -> list[tuple[str, str]]:
    """Return those that fire together and must not meet, by twos."""
    return [(each.name, other) for each in planned for other in each.must_not_meet if {each.name, other} <= {*names}]


def changes(planned: list[Planned], start_ms: int, days: int) -> list[Change]:
    """Return the changes of the clocks, one for each cron whose local time changes."""
    return sorted(
        Change(
            at_ms, each.name, each.timed.zone.name, before, after, *_around(each, each.timed.zone, at_ms, before, after)
        )
        for each in planned
        if each.timed is not None
        for at_ms, before, after in _of_zone(each.timed.zone, start_ms, start_ms + days * DAY_MS)
    )


def _planned(given: dict[str, Any], where: str, timezone: str, seconds_position: str, dst: str) -> Planned:
    for name in given:
        if name not in FIELDS:
            raise UsageError(f"{where} has no field {_meant(name, list(FIELDS))}; there are {', '.join(FIELDS)}")
    for name in ("name", "expression"):
        if not isinstance(given.get(name), str) or not given[name]:
            raise UsageError(f"{where} must say its `{name}` as a text")
    zone, others = given.get("timezone", timezone), given.get("must_not_meet", [])
    if not isinstance(zone, str):
        raise UsageError(f"{where}: `timezone` must be a text such as 'Europe/Berlin'")
    if not isinstance(others, list) or not all(isinstance(other, str) for other in others):
        raise UsageError(f"{where}: `must_not_meet` must be a list of names")
    try:
        parsed = schedule.parse(given["expression"], seconds_position=seconds_position)
        return Planned(given["name"], Timed(parsed, schedule.load_zone(zone), dst), tuple(others))
    except ScheduleError as error:
        raise ScheduleError(f"{given['name']}: {error}") from None


def _of_zone(zone: Zone, start_ms: int, end_ms: int) -> Iterator[tuple[int, int, int]]:
    """Yield the changes of a zone: the instant, and the offsets before and after it."""
    segment = zone.segment(start_ms // 1000)
    while segment.end * 1000 < end_ms:
        at, before = segment.end, segment.offset
        segment = zone.segment(at)
        yield at * 1000, before, segment.offset


def _around(planned: Planned, zone: Zone, at_ms: int, before: int, after: int) -> tuple[list[str], list[str]]:
    """Return the local times of the fires on the local day of a change, and on the day before."""
    midnight_ms = (at_ms // 1000 + before) // 86_400 * DAY_MS - before * 1000
    next_ms = midnight_ms + DAY_MS - (after - before) * 1000
    that_day = [_clock(zone, fire_ms) for fire_ms in planned.between(midnight_ms, next_ms)]
    day_before = [_clock(zone, fire_ms) for fire_ms in planned.between(midnight_ms - DAY_MS, midnight_ms)]
    return that_day, day_before


def _clock(zone: Zone, fire_ms: int) -> str:
    return schedule.local_text(zone, fire_ms)[11:19]


def _meant(word: str, known: list[str]) -> str:
    close = get_close_matches(word, known, n=1)
    return f"{word!r} (did you mean {close[0]}?)" if close else repr(word)


def costs(counts: Mapping[str, int], prices: Mapping[str, tuple[float, bool]]) -> dict[str, Any]:
    """Return what crons cost that fire so often, by name and in sum, for scripts."""
    listed: list[dict[str, Any]] = [
        {"cron": name, "fires": fires, "cost_usd": account.schedule_usd(prices, fires)}
        for name, fires in counts.items()
    ]
    return {"costs": listed, "cost_usd": account.total_usd(each["cost_usd"] for each in listed)}


def as_json(planned: list[Planned], found: list[tuple[int, list[str]]], changed: list[Change]) -> dict[str, Any]:
    """Return all of it for scripts."""
    return {
        "fires": [{"at": instants.to_text(at_ms), "crons": names} for at_ms, names in found],
        "must_not_meet": [
            {"at": instants.to_text(at_ms), "crons": list(pair)}
            for at_ms, names in found
            for pair in forbidden(planned, names)
        ],
        "changes": [
            {
                "at": instants.to_text(change.at_ms),
                "cron": change.cron,
                "timezone": change.zone,
                "offset_before_seconds": change.before_seconds,
                "offset_after_seconds": change.after_seconds,
                "that_day": change.that_day,
                "day_before": change.day_before,
            }
            for change in changed
        ],
    }
