"""Crons: their records, what update changes, pause, resume, trigger, delete."""

from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from sched_emulator.contract import (
    NEVER,
    Api,
    Failed,
    Group,
    Receiver,
    beat,
    due,
    equal,
    idle_cron,
    idle_cron_fetched,
    instant_of,
    instant_text,
    lateness,
    next_run,
    require,
    shown,
    tells,
    with_expression,
)

records = Group("cron/record", aspect="behaviour")
updates = Group("cron/update", aspect="behaviour")
switch = Group("cron/switch", aspect="behaviour")
ends = Group("cron/end", aspect="behaviour")
RECORD = ("cron_id", "name", "cron_expr", "task", "timezone", "enabled")
OTHER_NAMES = {"cron_expr": ("schedule",), "task": ("url",), "cron_id": ("job_id",)}
LONG = 900_000


def record_of(api: Api, cron: str) -> dict[str, Any]:
    """Return what is documented of a cron's record as get returns it, without the next run."""
    record = api.call("cron.get", id=cron)
    return {name: record[name] for name in RECORD}


def fires_no_more(api: Api, receiver: Receiver, period: float) -> None:
    """Fail when anything but what was under way arrives any more."""
    api.sleep(lateness(api))
    fired = len(receiver.calls())
    api.sleep(1.5 * period)
    equal(len(receiver.calls()), fired, "the number of deliveries")


@records.documented(
    1,
    "cron.create",
    "cron.create:name",
    "cron.create:schedule",
    "cron.create:url",
    "cron.create:timezone",
    "cron.get",
    "cron.get:cron_id",
    lines=(29, 32, 35, 39, 45, 134, 140),
)
def are_kept(api: Api) -> None:
    """What a cron is created with is what get returns."""
    cron, created, given = api.shared(idle_cron)
    equal(created["enabled"], True, "enabled in the record of create")
    tells(api.shared(idle_cron_fetched), "the record of get", cron_id=cron, enabled=True, **given)


@records.documented(2, "cron.list", lines=(67, 71, 140))
def are_listed(api: Api) -> None:
    """Each cron is listed once, and the list says of it what get says, of a paused one too."""
    changed, switched = api.shared(changed_cron), api.shared(switched_cron)
    for record in (changed.steps[-1][-1] or {}, switched.paused):
        found = [item for item in switched.listed if record["cron_id"] in {item.get("cron_id"), item.get("job_id")}]
        equal(len(found), 1, "how often it is listed")
        says_the_same(found[0], record)


def says_the_same(listed: dict[str, Any], fetched: dict[str, Any]) -> None:
    """Fail when an item of the list says of a cron otherwise than its record, where both say something."""
    for field in ("name", "cron_expr", "task", "timezone", "enabled"):
        for name in (field, *OTHER_NAMES.get(field, ())):
            if listed.get(name) is not None:
                equal(listed[name], fetched[field], f"{name} in the list")
    if listed.get("next_run_at") is not None and fetched.get("next_run_at") is not None:
        came = f"next_run_at in the list was {listed['next_run_at']}"
        require(next_run(listed) == next_run(fetched), came, fetched["next_run_at"])


@records.choice(3, "cron.create:timezone")
def zone_is_utc_by_default(api: Api) -> None:
    """Without a time zone a cron is in UTC."""
    record = api.call("cron.get", id=api.cron("0 5 1 6 *"))
    api.expects("cron.timezone_default", record["timezone"] in {"UTC", "Etc/UTC"}, shown(record["timezone"]), "UTC")


@records.documented(4, "cron.create:schedule", "cron.get", lines=(32, 129, 168))
def next_run_is_the_first_instant(api: Api) -> None:
    """The next run that get returns is the first instant later than now that the expression names."""
    now = api.now()
    record = with_expression(api, "* * * * *")
    if record.get("next_run_at") is None:
        raise Failed("next_run_at was absent", "cron.get returns the next run of a cron that is enabled")
    minute = next_run(record)
    require(-api.margin < minute - now <= 60 + api.margin, f"`* * * * *` is due in {minute - now:.1f} s", "in a minute")
    equal(minute % 60, 0.0, "the seconds of `* * * * *`")
    daily = due(api, "15 7 * * *")
    within = -api.margin < daily - now <= 86_400 + api.margin
    require(within, f"`15 7 * * *` is due in {daily - now:.0f} s", "within a day")
    equal(instant_text(daily)[11:16], "07:15", "the time of `15 7 * * *`")


@updates.documented(
    1,
    "cron.update",
    "cron.update:cron_id",
    "cron.update:cron_expr",
    "cron.update:task",
    "cron.update:name",
    "cron.update:timezone",
    lines=(160, 165, 168, 169, 170, 171, 183),
)
def changes_what_is_given(api: Api) -> None:
    """Update changes what is given, leaves the rest, and returns the cron as it is then."""
    idle, untouched = api.shared(idle_cron).name, api.shared(idle_cron_fetched)
    changed = api.shared(changed_cron)
    expected = {name: changed.before[name] for name in RECORD}
    for changes, told, record in changed.steps:
        expected |= changes
        tells(told, f"what was returned after changing {', '.join(changes)}", **expected)
        if record is not None:
            tells(record, f"the cron after changing {', '.join(changes)}", **expected)
    tells(record_of(api, idle), "another cron", **{name: untouched[name] for name in RECORD})


class Changed(NamedTuple):
    """A cron before it was changed, and each step: what was changed, what update answered, what get did."""

    before: dict[str, Any]
    steps: list[tuple[dict[str, str], dict[str, Any], dict[str, Any] | None]]


def changed_cron(api: Api) -> Changed:
    """Change a cron step by step; where requests may cost, get it only where its next run has moved."""
    day = datetime.fromtimestamp(api.now(), UTC) + timedelta(days=100)
    cron = api.cron(f"0 5 {day.day} {day.month} *", timezone="UTC")
    changed = Changed(api.call("cron.get", id=cron), [])
    zone, expression = {"timezone": "Asia/Shanghai"}, {"cron_expr": f"0 6 {day.day} {day.month} *"}
    for changes in ({"name": api.name()}, {"task": api.nowhere()}, zone, expression):
        told = api.call("cron.update", id=cron, **changes)
        is_told = api.paid and changes not in (zone, expression)
        changed.steps.append((changes, told, None if is_told else api.call("cron.get", id=cron)))
    return changed


@updates.documented(2, "cron.update:cron_expr", "cron.update:timezone", lines=(129, 168, 171))
def moves_the_next_run(api: Api) -> None:
    """A new expression or time zone moves the next run."""
    changed = api.shared(changed_cron)
    (_, by_zone_told, zoned), (_, by_expression_told, expressed) = changed.steps[-2:]
    before, by_zone, by_expression = [next_run(record or {}) for record in (changed.before, zoned, expressed)]
    equal(before - by_zone, 8 * 3600.0, "how much earlier 5:00 is in Shanghai, in seconds")
    equal(by_expression - by_zone, 3600.0, "how much later 6:00 is than 5:00, in seconds")
    came = [record.get("next_run_at") for record in (by_zone_told, by_expression_told)]
    instants = [None if text is None else instant_of(text) for text in came]
    what = f"next_run_at in the answers of the updates was {shown(came)}"
    api.expects("cron.update_counts_from_now", instants == [by_zone, by_expression], what, "the new next run")


@updates.documented(3, "cron.update:cron_expr", lines=(160, 168), seconds=14)
def replaces_the_old_schedule(api: Api) -> None:
    """After an update the old expression fires no more, and the new one does."""
    receiver, other = api.receiver(200), api.receiver(200)
    expression, period = beat(api)
    old = api.cron(expression, receiver.url)
    new = old if api.paid else api.cron(NEVER, other.url)
    api.call("cron.update", id=old, cron_expr=NEVER)
    if not api.paid:
        api.call("cron.update", id=new, cron_expr=expression)
    fires_no_more(api, receiver, period)
    if api.paid:  # one cron for both
        api.call("cron.update", id=new, cron_expr=expression, task=other.url)
    api.arrived(other, 1, period + lateness(api))
    api.call("cron.delete", id=new)


@updates.documented(
    4, "cron.update:task", "cron.update:payload", "cron.update:headers", lines=(169, 176, 177), seconds=3
)
def changes_what_is_delivered(api: Api) -> None:
    """An update of URL, payload and headers holds from the next run on; what it does not name stays."""
    old, new = api.receiver(200), api.receiver(200)
    cron = api.cron(NEVER, old.url, payload={"n": 1})
    api.call("cron.update", id=cron, task=new.url, payload={"n": 2}, headers={"X-Contract": "yes"})
    api.call("cron.update", id=cron, name=api.name())
    if not api.paid:
        api.call("cron.update", id=cron, cron_expr="0 0 2 6 *")
    api.call("cron.trigger", id=cron)
    call = api.arrived(new, 1, 5)[0]
    equal((api.payload_of(call, {"n": 2}), call.headers.get("x-contract")), ({"n": 2}, "yes"), "what was delivered")
    equal(len(old.calls()), 0, "the deliveries to the old URL")
    api.call("cron.update", id=cron, payload={}, headers={"X-Contract": "no"})
    api.call("cron.trigger", id=cron)
    call = api.arrived(new, 2, 5)[1]
    came = (api.payload_of(call, {}), call.headers.get("x-contract"))
    equal(came, ({}, "no"), "what was delivered after a further update, with an empty payload")


@updates.choice(5, "cron.update:payload", "cron.update:task", virtual=True)
def applies_from_the_next_run(api: Api) -> None:
    """A run under way goes on as it began: an update applies from the next."""
    old, new = api.receiver(500, 200), api.receiver(200)
    cron = api.cron(NEVER, old.url, payload={"n": 1}, retry=1)
    api.call("cron.trigger", id=cron)
    api.arrived(old, 1, 5)
    api.call("cron.update", id=cron, task=new.url, payload={"n": 2})
    api.sleep(LONG)
    came = [api.payload_of(call) for call in old.calls()]
    api.expects_equal("cron.update_counts_from_now", came, [{"n": 1}] * 2, "what the run under way delivered")


@updates.documented(6, "cron.update:retry", "cron.update:timeout_seconds", lines=(160, 172), virtual=True)
def keeps_the_retries(api: Api) -> None:
    """Retries stay as they were set over updates that do not name them."""
    receiver = api.receiver(500)
    cron = api.cron(NEVER, receiver.url, retry=1)
    api.call("cron.update", id=cron, retry=2)
    api.call("cron.update", id=cron, timeout_seconds=5)
    api.call("cron.update", id=cron, cron_expr="0 0 2 6 *")
    api.call("cron.trigger", id=cron)
    api.sleep(LONG)
    equal(len(receiver.calls()), 3, "the number of attempts")


@switch.documented(
    1, "cron.pause", "cron.pause:cron_id", "cron.resume", "cron.resume:cron_id", lines=(242, 249, 276, 283)
)
def pause_and_resume(api: Api) -> None:
    """A paused cron is not enabled; resumed, it is again, and all else is as it was."""
    switched = api.shared(switched_cron)
    before, paused, resumed = switched.before, switched.paused, switched.resume
    tells(switched.pause, "the answer of pause", cron_id=before["cron_id"], enabled=False)
    equal(paused["enabled"], False, "enabled while paused")
    equal(switched.other["enabled"], True, "enabled of another cron")
    choice, due = "cron.next_run_of_paused", paused.get("next_run_at")
    api.expects(choice, due is None, f"next_run_at was {shown(due)} while paused", "none: nothing is due")
    tells(resumed, "the answer of resume", cron_id=before["cron_id"], enabled=True)
    tells(switched.after, "the cron afterwards", **{name: before[name] for name in RECORD})
    api.expects(choice, resumed.get("next_run_at") is not None, "resume answered no next_run_at", "when it fires next")
    if before.get("next_run_at") is not None:
        equal(next_run(switched.after), next_run(before), "the next run afterwards, in seconds")


class Switched(NamedTuple):
    """What a cron was before, while it was paused, and afterwards; meanwhile, all crons as listed, and another one."""

    before: dict[str, Any]
    pause: dict[str, Any]
    paused: dict[str, Any]
    other: dict[str, Any]
    listed: list[dict[str, Any]]
    resume: dict[str, Any]
    after: dict[str, Any]


def switched_cron(api: Api) -> Switched:
    """Pause and resume a cron, by the documentation's examples."""
    cron, other = api.cron(), api.shared(changed_cron).before["cron_id"]
    return Switched(
        api.call("cron.get", id=cron),
        api.call("cron.pause", id=cron, cron_id=cron),
        api.call("cron.get", id=cron),
        api.call("cron.get", id=other),
        api.pages("cron.list"),
        api.call("cron.resume", id=cron, cron_id=cron),
        api.call("cron.get", id=cron),
    )


@switch.documented(2, "cron.pause", "cron.resume", lines=(237, 271), seconds=20)
def pause_stops_fires(api: Api) -> None:
    """A paused cron does not fire; resumed, it does again."""
    receiver = api.receiver(200)
    expression, period = beat(api)
    cron = api.cron(expression, receiver.url)
    api.call("cron.pause", id=cron)
    fires_no_more(api, receiver, period)
    api.sleep(period)
    fired, resumed_at = len(receiver.calls()), api.now()
    api.call("cron.resume", id=cron)
    first = api.arrived(receiver, fired + 1, period + lateness(api))[fired]
    api.call("cron.delete", id=cron)
    choice, came = "cron.resume_counts_from_now", f"it fired {first.at - resumed_at:.1f} s after it was resumed"
    late = first.at % period
    at_once = first.at - resumed_at < period / 4 and late > lateness(api)
    api.expects(choice, not at_once, f"{came}, and {late:.1f} s after an instant of its expression", "at the next one")
    more = len(receiver.calls()) - fired
    api.expects(choice, more == 1, f"{more} deliveries came at once when it was resumed", "one")


@switch.documented(
    3, "cron.trigger", "cron.trigger:cron_id", "cron.create:payload", lines=(38, 305, 310, 317), seconds=3
)
def trigger_runs_now(api: Api) -> None:
    """A trigger delivers at once, and once."""
    receiver, other = api.receiver(200), api.receiver(200)
    cron = api.cron(NEVER, receiver.url, payload={"by": "hand"})
    api.cron(NEVER, other.url)
    before = api.call("cron.get", id=cron) if api.curious else {}
    run = api.call("cron.trigger", id=cron)
    equal(run["cron_id"], cron, "the run's cron")
    call = api.arrived(receiver, 1, 5)[0]
    equal((call.method, api.payload_of(call, {"by": "hand"})), ("POST", {"by": "hand"}), "what was delivered")
    api.sleep(1)
    equal((len(receiver.calls()), len(other.calls())), (1, 0), "the deliveries of it, and of another cron")
    if api.curious:
        after = api.call("cron.get", id=cron)
        what = "next_run_at after a trigger"
        api.expects_equal("cron.trigger_leaves_schedule", after.get("next_run_at"), before.get("next_run_at"), what)


@switch.choice(4, "cron.pause", virtual=True)
def pause_spares_what_is_under_way(api: Api) -> None:
    """A pause stops new fires, not the retries of a run under way."""
    receiver = api.receiver(500, 200)
    cron = api.cron(NEVER, receiver.url, retry=1)
    api.call("cron.trigger", id=cron)
    api.arrived(receiver, 1, 5)
    api.call("cron.pause", id=cron)
    api.sleep(LONG)
    what = "the attempts of a run that was under way when its cron was paused"
    api.expects_equal("cron.pause_spares_runs", len(receiver.calls()), 2, what)


@ends.documented(1, "cron.delete", "cron.delete:cron_id", lines=(205, 210, 217))
def deleted_is_gone(api: Api) -> None:
    """A deleted cron can be neither fetched nor triggered, and is not listed."""
    other = api.shared(idle_cron).name
    cron, answer = api.shared(deleted_cron)
    tells(answer, "the answer", cron_id=cron)
    require(answer["deleted"], f"deleted was {shown(answer['deleted'])}", "it says that it was deleted")
    api.refused("cron.trigger", 404, id=cron)
    for operation in ("delete", "pause", "resume", "retention.get") if api.curious else ():
        reply = api.attempt(f"cron.{operation}", id=cron)
        came = f"cron.{operation} of a deleted cron answered {reply.status}"
        api.expects("values.unknown_things", not reply.succeeded, came, "it is refused")
    listed = {item.get("cron_id") or item.get("job_id") for item in api.pages("cron.list")}
    require(cron not in listed, "it is still listed", "a deleted cron is not listed")
    require(other in listed, "another cron is no longer listed", "other crons stay")


def deleted_cron(api: Api) -> tuple[str, dict[str, Any]]:
    """Delete a cron, which is then gone; return its id and what was answered."""
    cron = api.cron()
    answer: dict[str, Any] = api.call("cron.delete", id=cron)
    api.refused("cron.get", 404, id=cron)
    return cron, answer


@ends.documented(2, "cron.delete", lines=(205,), seconds=8)
def deleted_does_not_fire(api: Api) -> None:
    """A deleted cron does not fire any more."""
    receiver = api.receiver(200)
    expression, period = beat(api)
    cron = api.cron(expression, receiver.url)
    api.call("cron.delete", id=cron)
    fires_no_more(api, receiver, period)


@ends.choice(3, "cron.delete", "cron.runs.get", virtual=True)
def takes_its_runs_along(api: Api) -> None:
    """With a cron its runs are gone, and what they still wait for."""
    receiver, choice = api.receiver(500), "cron.delete_ends_runs"
    cron = api.cron(NEVER, receiver.url, retry=1)
    run_id = api.call("cron.trigger", id=cron)["run_id"]
    api.arrived(receiver, 1, 5)
    api.call("cron.delete", id=cron)
    reply = api.attempt("cron.runs.get", id=cron, run_id=run_id)
    api.expects(choice, not reply.succeeded, f"its run was answered {reply.status}", "it is not found")
    already = len(receiver.calls())
    api.sleep(LONG)
    api.expects_equal(choice, len(receiver.calls()) - already, 0, "the attempts after the deletion of a run's cron")
