"""Overlap policies: what a fire does while an earlier run is under way.

The first run takes two fires and a half; all others end at once. So `allow` starts the second while the first is under
way, `skip` starts nothing until the fourth fire, and under `queue` what was due meanwhile follows the first.
"""

from sched_emulator.contract import Answer, Api, Call, Group, beat, equal, lateness, require

overlap = Group("run/overlap", aspect="time")
LASTS = 2.5  # fires
LIMIT_SECONDS = 900


def started(api: Api, policy: str, count: int) -> tuple[list[Call], float, str]:
    """Return the first deliveries under a policy, the seconds between two fires, and the cron."""
    expression, period = beat(api)
    receiver = api.receiver(Answer(200, after_seconds=LASTS * period), Answer(200))
    settings = {"retry": 0, "timeout_seconds": LIMIT_SECONDS, "overlap_policy": policy}
    cron = api.cron(expression, receiver.url, **settings)
    calls = api.arrived(receiver, count, 5 * period + lateness(api))
    api.call("cron.pause", id=cron)
    return calls, period, cron


def after_the_first(calls: list[Call], number: int) -> float:
    """Return how long after the first delivery another one came."""
    return calls[number].at - calls[0].at


@overlap.documented(1, "cron.update:overlap_policy", lines=(174,), seconds=16)
def allowed(api: Api) -> None:
    """overlap_policy allow: a run starts while an earlier one is under way."""
    calls, period, _ = started(api, "allow", 2)
    gap = after_the_first(calls, 1)
    require(gap < LASTS * period, f"the second run started {gap:.1f} s after the first", "while that was under way")


@overlap.documented(2, "cron.update:overlap_policy", lines=(174,), seconds=26)
def skipped(api: Api) -> None:
    """overlap_policy skip: what is due while a run is under way is left out."""
    calls, period, cron = started(api, "skip", 3)
    second, third = after_the_first(calls, 1), after_the_first(calls, 2)
    ended = LASTS * period - api.margin
    require(second >= ended, f"the second run started {second:.1f} s after the first", "after that had ended")
    expected = "at the fifth fire: the second and third were left out"
    require(third > 3.5 * period, f"the third run started {third:.1f} s after the first", expected)
    if not api.curious:
        return
    told = [item["state"] for item in api.runs_of("cron_id", cron)]
    came = f"the states of the cron's runs were {', '.join(told)}"
    api.expects("run.skipped_leaves_a_run", told.count("skipped") == 2, came, "two of them are skipped")


@overlap.documented(3, "cron.update:overlap_policy", lines=(174,), seconds=24)
def queued(api: Api) -> None:
    """overlap_policy queue: what is due while a run is under way starts when that has ended."""
    calls, period, _ = started(api, "queue", 3)
    second, third = after_the_first(calls, 1), after_the_first(calls, 2)
    ended = LASTS * period - api.margin
    require(second >= ended, f"the second run started {second:.1f} s after the first", "after that had ended")
    expected = "before the fifth fire: what was due meanwhile was queued"
    require(third < 3.5 * period, f"the third run started {third:.1f} s after the first", expected)


@overlap.documented(4, "cron.update:overlap_policy", lines=(174,), seconds=16)
def is_what_an_update_says(api: Api) -> None:
    """An overlap_policy that is updated holds: the other one does not come back with the next update."""
    expression, period = beat(api)
    receiver = api.receiver(Answer(200, after_seconds=LASTS * period), Answer(200))
    cron = api.cron(url=receiver.url, retry=0, timeout_seconds=LIMIT_SECONDS, overlap_policy="allow")
    api.call("cron.update", id=cron, overlap_policy="skip")
    api.call("cron.update", id=cron, name=api.name(), cron_expr=expression)
    first = api.arrived(receiver, 1, period + lateness(api))[0]
    api.sleep(first.at + LASTS * period - api.margin - api.now())
    equal(len(receiver.calls()), 1, "the runs that had started before the first had ended")


@overlap.choice(5, "cron.trigger", seconds=8)
def does_not_concern_triggers(api: Api) -> None:
    """A manual trigger runs whatever the overlap policy says."""
    receiver = api.receiver(Answer(200, after_seconds=20 if api.virtual else 4))
    cron = api.cron(url=receiver.url, retry=0, timeout_seconds=60, overlap_policy="skip")
    for _ in range(2):
        api.call("cron.trigger", id=cron)
    api.wait(lambda: len(receiver.calls()) == 2, 2)
    api.expects_equal("cron.trigger_leaves_schedule", len(receiver.calls()), 2, "the deliveries of two triggers")
