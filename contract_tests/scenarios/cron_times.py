"""When crons fire: fields, ranges, zones, daylight saving time. On a virtual clock, months pass in a moment.

Expected instants are written down here, so that no second implementation can be wrong in the same way.
"""

from sched_emulator.contract import Api, Group, equal, instant_of, instant_text, next_run, require

fields = Group("cron/fields", aspect="time")
zones = Group("cron/zones", aspect="time")
fires = Group("cron/fires", aspect="time")
START = "2026-01-01T00:00:00Z"  # a Thursday

FIELDS = (
    ("5 * * * *", "2026-01-01T00:05"),
    ("0 9 * * 1", "2026-01-05T09:00"),
    ("0 9 * * MON", "2026-01-05T09:00"),
    ("0 0 * * 0", "2026-01-04T00:00"),
    ("0 0 * * 7", "2026-01-04T00:00"),
    ("0 12 15 * *", "2026-01-15T12:00"),
    ("0 0 29 2 *", "2028-02-29T00:00"),
    ("0 0 1 MAR *", "2026-03-01T00:00"),
    ("*/20 * * * *", "2026-01-01T00:20"),
    ("7-9 3 * * *", "2026-01-01T03:07"),
    ("10,50 4 * * *", "2026-01-01T04:10"),
    ("0 2-6/2 2 * *", "2026-01-02T02:00"),
    ("0 0 * 3-5 *", "2026-03-01T00:00"),
    ("0 0 * 4,6 *", "2026-04-01T00:00"),
    ("30 23 31 12 *", "2026-12-31T23:30"),
    ("0 0 13 * 5", "2026-01-02T00:00"),
)


def at_start(api: Api) -> None:
    """Begin at the start of 2026 where the clock can be set."""
    api.start_at(START)


@fields.documented(1, "cron.create:schedule", lines=(32, 168), seconds=86_400 * 365)
def name_the_first_instant(api: Api) -> None:
    """Single values, lists, ranges, steps, names, and both numbers for Sunday, name the right first instant."""
    at_start(api)
    for expression, first in FIELDS:
        record = api.call("cron.get", id=api.cron(expression))
        equal(record.get("next_run_at"), f"{first}:00.000Z", f"the next run of `{expression}`")


@fields.documented(2, "cron.create:schedule", lines=(32, 168))
def refuse_other_instants(api: Api) -> None:
    """Every field restricts: an expression that names one instant a year names that one."""
    for expression, expected in (("23 5 17 6 *", "06-17T05:23"), ("41 22 3 11 *", "11-03T22:41")):
        at = instant_text(next_run(api.call("cron.get", id=api.cron(expression))))
        equal(at[5:16], expected, f"the next run of `{expression}`")
    for expression, allowed in (
        ("3-4 * * * *", {"03", "04"}),
        ("10,40 * * * *", {"10", "40"}),
        ("*/30 * * * *", {"00", "30"}),
    ):
        at = instant_text(next_run(api.call("cron.get", id=api.cron(expression))))
        require(at[14:16] in allowed, f"`{expression}` is due at {at}", f"at minute {' or '.join(sorted(allowed))}")


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


@fires.documented(1, "cron.create:schedule", "cron.create:url", lines=(22, 32), seconds=86_400 * 5)
def at_each_instant_and_no_other(api: Api) -> None:
    """Crons fire at each instant that their expression names, and at no other."""
    at_start(api)
    receivers = {expression: api.receiver(200) for expression, _ in SEQUENCES}
    for expression, receiver in receivers.items():
        api.cron(expression, receiver.url)
    api.sleep(4 * 86_400 + 9 * 3600 - 1)
    for expression, expected in SEQUENCES:
        came = [instant_text(call.at)[8:16] for call in receivers[expression].calls()]
        equal(came, expected, f"when `{expression}` fired in January 2026")


@fires.documented(2, "cron.create:url", lines=(22, 61), seconds=86_400 * 365)
def weekly_for_a_year(api: Api) -> None:
    """The documentation's weekly cron fires 52 times in 52 weeks, on Mondays at nine."""
    at_start(api)
    receiver = api.receiver(200)
    api.cron("0 9 * * 1", receiver.url)
    api.sleep(52 * 7 * 86_400)
    first = instant_of("2026-01-05T09:00:00Z")
    equal([call.at for call in receiver.calls()], [first + week * 7 * 86_400 for week in range(52)], "when it fired")


@fires.documented(3, "cron.create:schedule", lines=(168,), seconds=10)
def with_seconds(api: Api) -> None:
    """A cron of six fields fires to the second."""
    receiver = api.receiver(200)
    api.cron(api.every_second(3), receiver.url)
    slack = 4 * api.margin
    calls = api.arrived(receiver, 3, 10)
    for call in calls:
        require(call.at % 3 <= slack, f"it fired {call.at % 3:.2f} s late", "every third second")
    equal(round(calls[2].at - calls[0].at), 6, "the seconds from the first to the third fire")


@fires.documented(4, "cron.create:schedule", lines=(32,), seconds=62)
def every_minute(api: Api) -> None:
    """A cron of five fields fires at the full minute."""
    receiver = api.receiver(200)
    api.cron("* * * * *", receiver.url)
    call = api.arrived(receiver, 1, 61)[0]
    require(call.at % 60 <= 4 * api.margin, f"it fired at second {call.at % 60:.1f}", "at second 0")


@fires.choice(5, "cron.get", seconds=5)
def next_run_moves_on(api: Api) -> None:
    """After a fire next_run_at is the next instant, and not in the past."""
    receiver = api.receiver(200)
    cron = api.cron(api.every_second(2), receiver.url)
    fired = api.arrived(receiver, 1, 4)[0]
    due = next_run(api.call("cron.get", id=cron))
    require(due > fired.at - api.margin, f"next_run_at lies {fired.at - due:.1f} s before the fire")
    equal(due % 2, 0.0, "next_run_at on the grid of two seconds")


@zones.documented(1, "cron.create:timezone", "cron.update:timezone", lines=(39, 171))
def local_times(api: Api) -> None:
    """An expression is read in the cron's time zone."""
    for zone, utc in (("Asia/Kathmandu", "03:15"), ("America/Phoenix", "16:00"), ("Asia/Tokyo", "00:00")):
        record = api.call("cron.get", id=api.cron("0 9 10 6 *", timezone=zone))
        equal(record["next_run_at"][11:16], utc, f"9:00 in {zone} as UTC")


@zones.documented(2, "cron.create:timezone", lines=(39,), seconds=86_400 * 300)
def summer_and_winter(api: Api) -> None:
    """A daily cron keeps its local time over a change of daylight saving time."""
    api.start_at("2026-03-28T12:00:00Z")
    berlin, york = api.receiver(200), api.receiver(200)
    api.cron("0 9 * * *", berlin.url, timezone="Europe/Berlin")
    api.cron("0 9 31 10 *", york.url, timezone="America/New_York")
    api.cron("0 9 2 11 *", york.url, timezone="America/New_York")
    api.sleep(2 * 86_400)
    equal([instant_text(call.at)[8:16] for call in berlin.calls()], ["29T07:00", "30T07:00"], "when it fired in Berlin")
    api.sleep(220 * 86_400)
    came = [instant_text(call.at)[5:16] for call in york.calls()]
    equal(came, ["10-31T13:00", "11-02T14:00"], "when it fired in New York")


@zones.choice(3, "cron.create:timezone", seconds=86_400 * 3)
def the_skipped_hour(api: Api) -> None:
    """A time that the spring change skips fires right after the gap, or not at all that day."""
    api.start_at("2026-03-28T12:00:00Z")
    receiver = api.receiver(200)
    api.cron("30 2 * * *", receiver.url, timezone="Europe/Berlin")
    api.sleep(2 * 86_400)
    came = [instant_text(call.at)[8:16] for call in receiver.calls()]
    one_of(api, came, {"vixie": ["29T01:00", "30T00:30"], "literal": ["30T00:30"]})


@zones.choice(4, "cron.create:timezone", seconds=86_400 * 3)
def the_repeated_hour(api: Api) -> None:
    """A time that the autumn change repeats fires once, or twice; an hourly cron fires in each real hour."""
    api.start_at("2026-10-24T12:00:00Z")
    fixed, hourly = api.receiver(200), api.receiver(200)
    api.cron("30 2 * * *", fixed.url, timezone="Europe/Berlin")
    api.cron("15 * * * *", hourly.url, timezone="Europe/Berlin")
    api.sleep(86_400)
    came = [instant_text(call.at)[8:16] for call in fixed.calls()]
    one_of(api, came, {"vixie": ["25T00:30"], "literal": ["25T00:30", "25T01:30"]})
    equal(len(hourly.calls()), 24, "the fires of the hourly cron in 24 hours")


def one_of(api: Api, came: list[str], by_answer: dict[str, list[str]]) -> None:
    """Compare fires with what the answer to `cron.dst` means; where that is undetermined, with every answer."""
    answer = api.answer("cron.dst")
    possible = list(by_answer.values()) if answer is None else [by_answer[str(answer)]]
    require(came in possible, f"it fired {came}", f"it fires {' or '.join(map(str, possible))}")
