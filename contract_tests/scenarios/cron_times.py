"""When crons fire: fields, ranges, zones, daylight saving time. On a virtual clock, months pass in a moment.

Expected instants are written down here, so that no second implementation can be wrong in the same way.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

from sched_emulator.contract import (
    Api,
    Call,
    Group,
    NotChecked,
    beat,
    cron_id,
    due,
    equal,
    fired_cron,
    idle_cron_fetched,
    instant_of,
    instant_text,
    lateness,
    next_run,
    require,
)

fields = Group("cron/fields", aspect="time")
zones = Group("cron/zones", aspect="time")
fires = Group("cron/fires", aspect="time")
OFTEN = (
    ("10,40 3-4 * * *", ("03:10", "03:40", "04:10", "04:40")),
    ("3-4 * * * *", (":03", ":04")),
    ("*/30 * * * *", (":00", ":30")),
    ("10,40 * * * *", (":10", ":40")),
)
START = "2026-01-01T00:00:00Z"  # a Thursday
IDLE_CRON_DUE = "12-31T22:45"

FIELDS = (
    ("5 * * * *", "2026-01-01T00:05"),
    ("0 9 * * 1", "2026-01-05T09:00"),
    ("0 0 * * 0", "2026-01-04T00:00"),
    ("0 12 15 * *", "2026-01-15T12:00"),
    ("0 0 29 2 *", "2028-02-29T00:00"),
    ("*/20 * * * *", "2026-01-01T00:20"),
    ("7-9 3 * * *", "2026-01-01T03:07"),
    ("10,50 4 * * *", "2026-01-01T04:10"),
    ("0 2-6/2 2 * *", "2026-01-02T02:00"),
    ("0 0 * 3-5 *", "2026-03-01T00:00"),
    ("0 0 * 4,6 *", "2026-04-01T00:00"),
    ("30 23 31 12 *", "2026-12-31T23:30"),
    ("0 0 13 * 5", "2026-01-02T00:00"),
    ("0 0 3 * 1", "2026-01-03T00:00"),
)
SAME = (
    ("cron.names", "0 9 * * MON", "0 9 * * 1"),
    ("cron.names", "0 9 * * tue-thu", "0 9 * * 2-4"),
    ("cron.names", "0 0 1 MAR *", "0 0 1 3 *"),
    ("cron.names", "0 0 * * 7", "0 0 * * 0"),
    ("cron.steps", "0 0 1/2 * *", "0 0 1-31/2 * *"),
    ("cron.steps", "0 7/90 * * *", "0 7 * * *"),
)


def at_start(api: Api) -> None:
    """Begin at the start of 2026 where the clock can be set."""
    api.start_at(START)


def punctual(api: Api, calls: list[Call], expected: list[str], what: str) -> None:
    """Fail when deliveries did not come at these instants, each at most as late as fires of this target may be."""
    wanted = [instant_of(text) for text in expected]
    allowed = lateness(api)
    fits = len(calls) == len(wanted) and all(
        0 <= call.at - at <= allowed for call, at in zip(calls, wanted, strict=True)
    )
    came = [instant_text(call.at)[:19] for call in calls]
    require(fits, f"{what} fired at {', '.join(came) or 'no time'}", ", ".join(expected))


@fields.documented(1, "cron.create:schedule", lines=(32, 129, 168), virtual=True)
def name_the_first_instant(api: Api) -> None:
    """Single values, lists, ranges and steps name the right first instant; of two day fields either may match."""
    at_start(api)
    for expression, first in FIELDS:
        equal(instant_text(due(api, expression))[:16], first, f"the next run of `{expression}`")


@fields.documented(2, "cron.create:schedule", lines=(32, 129, 168))
def refuse_other_instants(api: Api) -> None:
    """Every field restricts: an expression that names one instant a year names that one."""
    created = next_run(api.shared(idle_cron_fetched))
    equal(instant_text(created)[5:16], IDLE_CRON_DUE, "the next run of `30 4 1 1 *` in Kathmandu, in UTC")
    for expression, expected in api.some((("23 5 17 6 *", "06-17T05:23"), ("41 22 3 11 *", "11-03T22:41")), 1):
        equal(instant_text(due(api, expression))[5:16], expected, f"the next run of `{expression}`")
    for expression, allowed in api.some(OFTEN, 2):
        at = instant_text(due(api, expression))
        require(any(at[11:16].endswith(end) for end in allowed), f"`{expression}` is due at {at}", " or ".join(allowed))
    combined_days(api)


def combined_days(api: Api) -> None:
    """Fail when a day of the month and a day of the week are combined otherwise than by "either"."""
    now = datetime.fromtimestamp(api.now(), UTC)
    day, weekday = now + timedelta(days=3), now + timedelta(days=2)
    expression = f"30 12 {day.day} * {weekday.isoweekday() % 7}"
    expected = weekday.replace(hour=12, minute=30).strftime("%Y-%m-%dT%H:%M")
    equal(instant_text(due(api, expression))[:16], expected, f"the next run of `{expression}`")
    expression = f"30 12 {weekday.day} * {day.isoweekday() % 7}"
    equal(instant_text(due(api, expression))[:16], expected, f"the next run of `{expression}`")


@fields.choice(3, "cron.create:schedule")
def read_as_debian_reads_them(api: Api) -> None:
    """Names, both numbers for Sunday, steps, and day fields that begin with `*`, are read as by Debian's cron."""
    for choice, expression, plain in SAME:
        would_be_due(api, choice, expression, due(api, plain))
    now = datetime.fromtimestamp(api.now(), UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    days = (now + timedelta(days=number) for number in range(1, 1000))
    both = next(day for day in days if day.day in {1, 11, 21, 31} and day.isoweekday() == 1)
    would_be_due(api, "cron.day_fields", "0 0 */10 * 1", both.timestamp())


def would_be_due(api: Api, choice: str, expression: str, at: float) -> None:
    """Demand softly that an expression is taken, and fires next at an instant."""
    names = ("cron_expr", "task_url") if api.answer("cron.create.names") == "example" else ("schedule", "url")
    fields: dict[str, Any] = dict(zip(names, (expression, api.nowhere()), strict=True))
    reply = api.attempt("cron.create", name=api.name(), timezone="UTC", **fields)
    came = f"`{expression}` was answered {reply.status}"
    if reply.succeeded:
        came = f"`{expression}` fires next at {instant_text(next_run(api.call('cron.get', id=cron_id(reply.data))))}"
    api.expects(choice, came.endswith(instant_text(at)), came, f"at {instant_text(at)}")


LOCAL = (
    ("Europe/Berlin", "0 9 10 1 *", "08:00"),
    ("Asia/Tokyo", "0 9 10 6 *", "00:00"),
    ("America/Phoenix", "0 9 10 6 *", "16:00"),
    ("Europe/Berlin", "0 9 10 7 *", "07:00"),
    ("America/New_York", "0 9 10 1 *", "14:00"),
    ("America/New_York", "0 9 10 7 *", "13:00"),
    ("Asia/Kathmandu", "0 9 10 6 *", "03:15"),
)
SEQUENCES = (
    ("40 */12 1-2 * *", ["01T00:40", "01T12:40", "02T00:40", "02T12:40"]),
    (
        "10,50 23 * * *",
        ["01T23:10", "01T23:50", "02T23:10", "02T23:50", "03T23:10", "03T23:50", "04T23:10", "04T23:50"],
    ),
    ("0 8-10 * * 1-5", ["01T08:00", "01T09:00", "01T10:00", "02T08:00", "02T09:00", "02T10:00", "05T08:00"]),
    ("0 0 2,4 * *", ["02T00:00", "04T00:00"]),
    ("0 6 5 * 0", ["04T06:00", "05T06:00"]),
)


@fires.documented(1, "cron.create:schedule", "cron.create:url", lines=(22, 32, 168), virtual=True)
def at_each_instant_and_no_other(api: Api) -> None:
    """Crons fire at each instant that their expression names, and at no other."""
    at_start(api)
    receivers = {expression: api.receiver(200) for expression, _ in SEQUENCES}
    for expression, receiver in receivers.items():
        api.cron(expression, receiver.url, timezone="UTC")
    api.sleep(4 * 86_400 + 9 * 3600 - 1)
    for expression, times in SEQUENCES:
        expected = [f"2026-01-{time}:00Z" for time in times]
        punctual(api, receivers[expression].calls(), expected, f"`{expression}`")


@fires.documented(2, "cron.create:url", lines=(22, 61), virtual=True)
def weekly_for_a_year(api: Api) -> None:
    """The documentation's weekly cron fires 52 times in 52 weeks, on Mondays at nine."""
    at_start(api)
    receiver = api.receiver(200)
    api.cron("0 9 * * 1", receiver.url, timezone="UTC")
    api.sleep(52 * 7 * 86_400)
    first = instant_of("2026-01-05T09:00:00Z")
    expected = [instant_text(first + week * 7 * 86_400) for week in range(52)]
    punctual(api, receiver.calls(), expected, "the weekly cron")


@fires.documented(3, "cron.create:schedule", lines=(168,), seconds=12)
def with_seconds(api: Api) -> None:
    """A cron of six fields fires to the second: as soon after it as this target's fires come, and at no other."""
    if api.paid:
        _, period, calls, _ = api.shared(fired_cron)
    else:
        receiver = api.receiver(200)
        expression, period = (api.every_second(3), 3.0) if api.virtual else beat(api)
        cron = api.cron(expression, receiver.url)
        calls = api.arrived(receiver, 3, 3 * period + lateness(api))
        api.call("cron.pause", id=cron)
    if lateness(api) >= period:
        raise NotChecked("fires may come later on this target than the next is due")
    for call in calls:
        late = call.at % period
        require(late <= lateness(api), f"it fired {late:.2f} s late", f"every {period:g} seconds")
    apart = round((calls[2].at - calls[0].at) / period)
    equal(apart, 2, f"how many times {period:g} s the third fire came after the first")


@fires.documented(4, "cron.create:schedule", lines=(32,), seconds=62)
def every_minute(api: Api) -> None:
    """A cron of five fields fires at the full minute."""
    receiver = api.receiver(200)
    api.cron("* * * * *", receiver.url)
    call = api.arrived(receiver, 1, 60 + lateness(api))[0]
    if lateness(api) < 30:
        require(call.at % 60 <= lateness(api), f"it fired at second {call.at % 60:.1f}", "at second 0")


@fires.documented(5, "cron.get", lines=(129, 140), seconds=8)
def next_run_moves_on(api: Api) -> None:
    """After a fire next_run_at is a later instant of the expression."""
    _, period, (first, *_), record = api.shared(fired_cron)
    due_at = next_run(record)
    moved = due_at > first.at - first.at % period
    require(moved, f"next_run_at still was {instant_text(due_at)} after the fire", "it moves on")
    equal(due_at % period, 0.0, f"how far next_run_at is off the grid of {period:g} seconds")


@zones.documented(1, "cron.create:timezone", "cron.update:timezone", lines=(39, 129, 171))
def local_times(api: Api) -> None:
    """An expression is read in the cron's time zone, with the offset that is in force at the instant it names."""
    for zone, expression, utc in api.some(LOCAL, 3):
        equal(instant_text(due(api, expression, zone))[11:16], utc, f"`{expression}` in {zone} as UTC")
        if api.paid:  # an update of the zone it was, and the idle cron was created in its own
            continue
        cron = api.cron(expression, timezone="Pacific/Honolulu")
        api.call("cron.update", id=cron, timezone=zone)
        updated = next_run(api.call("cron.get", id=cron))
        equal(instant_text(updated)[11:16], utc, f"`{expression}` in {zone} as UTC, after an update of the zone")


@zones.documented(2, "cron.create:timezone", lines=(22, 39), virtual=True)
def summer_and_winter(api: Api) -> None:
    """A daily cron keeps its local time over a change of daylight saving time."""
    api.start_at("2026-03-28T12:00:00Z")
    berlin, york = api.receiver(200), api.receiver(200)
    daily = api.cron("0 9 * * *", berlin.url, timezone="Europe/Berlin")
    api.cron("0 9 31 10 *", york.url, timezone="America/New_York")
    api.cron("0 9 2 11 *", york.url, timezone="America/New_York")
    api.sleep(2 * 86_400)
    punctual(api, berlin.calls(), ["2026-03-29T07:00:00Z", "2026-03-30T07:00:00Z"], "the daily cron in Berlin")
    api.call("cron.pause", id=daily)
    api.sleep(220 * 86_400)
    punctual(api, york.calls(), ["2026-10-31T13:00:00Z", "2026-11-02T14:00:00Z"], "the crons in New York")


@zones.documented(3, "cron.create:timezone", lines=(39, 129), virtual=True)
def winter_again(api: Api) -> None:
    """next_run_at of a daily cron keeps its local time when the clocks go back."""
    api.start_at("2026-10-23T12:00:00Z")
    cron = api.cron("0 9 * * *", timezone="Europe/Berlin")
    for expected in ("2026-10-24T07:00", "2026-10-25T08:00", "2026-10-26T08:00"):
        came = instant_text(next_run(api.call("cron.get", id=cron)))[:16]
        equal(came, expected, "the next run at nine in Berlin")
        api.sleep(86_400)


@zones.choice(4, "cron.create:timezone", virtual=True)
def the_skipped_hour(api: Api) -> None:
    """A time that the spring change skips fires right after the gap, or not at all that day."""
    api.start_at("2026-03-28T12:00:00Z")
    receiver = api.receiver(200)
    api.cron("30 2 * * *", receiver.url, timezone="Europe/Berlin")
    api.sleep(2 * 86_400)
    one_of(api, receiver.calls(), {"vixie": ["29T01:00", "30T00:30"], "literal": ["30T00:30"]})


@zones.choice(5, "cron.create:timezone", virtual=True)
def the_repeated_hour(api: Api) -> None:
    """A time that the autumn change repeats fires once, or twice; an hourly cron fires in each real hour."""
    api.start_at("2026-10-24T12:00:00Z")
    fixed, hourly = api.receiver(200), api.receiver(200)
    api.cron("30 2 * * *", fixed.url, timezone="Europe/Berlin")
    api.cron("15 * * * *", hourly.url, timezone="Europe/Berlin")
    api.sleep(86_400)
    one_of(api, fixed.calls(), {"vixie": ["25T00:30"], "literal": ["25T00:30", "25T01:30"]})
    api.expects_equal("cron.clock_changes", len(hourly.calls()), 24, "the fires of the hourly cron in 24 hours")


def one_of(api: Api, calls: list[Call], by_answer: dict[str, list[str]]) -> None:
    """Compare fires softly with what the answer to `cron.dst` means; where it is none of them, with each."""
    came = [instant_text(call.at)[8:16] for call in calls]
    answer = api.answer("cron.dst")
    possible = list(by_answer.values()) if answer is None else [by_answer[str(answer)]]
    expected = " or ".join(map(", ".join, possible))
    api.expects("cron.clock_changes", came in possible, f"it fired at {', '.join(came)}", f"at {expected}")
