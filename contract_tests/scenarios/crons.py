"""Crons: their records, what update changes, pause, resume, trigger, delete."""

from sched_emulator.contract import NEVER, Api, Group, cron_id, equal, instant_text, next_run, require, shown

records = Group("cron/record", aspect="behaviour")
updates = Group("cron/update", aspect="behaviour")
switch = Group("cron/switch", aspect="behaviour")
ends = Group("cron/end", aspect="behaviour")


@records.documented(
    1,
    "cron.create",
    "cron.create:name",
    "cron.create:schedule",
    "cron.create:url",
    "cron.create:timezone",
    "cron.get",
    "cron.get:cron_id",
    lines=(29, 32, 35, 39, 140),
)
def are_kept(api: Api) -> None:
    """What a cron is created with is what get returns."""
    name, url = api.name(), api.nowhere()
    record = api.cron_record("30 4 1 1 *", url, name=name, timezone="Asia/Kathmandu")
    equal(record["enabled"], True, "enabled in the record of create")
    fetched = api.call("cron.get", id=cron_id(record))
    wanted = {"name": name, "cron_expr": "30 4 1 1 *", "task": url, "timezone": "Asia/Kathmandu", "enabled": True}
    equal({field: fetched[field] for field in wanted}, wanted, "the record of get")
    equal(fetched["cron_id"], cron_id(record), "the id")


@records.documented(2, "cron.list", lines=(71,))
def are_listed(api: Api) -> None:
    """A cron is listed with the same name and next run as get returns."""
    cron = api.cron()
    fetched = api.call("cron.get", id=cron)
    field = "job_id" if api.answer("cron.create.id_field") == "job_id" else "cron_id"
    listed = [item for item in api.pages("cron.list") if cron in {item.get("cron_id"), item.get(field)}]
    equal(len(listed), 1, "how often it is listed")
    for name in ("name", "enabled", "next_run_at"):
        equal(listed[0].get(name), fetched[name], name)


@records.choice(3, "cron.create:timezone")
def zone_is_utc_by_default(api: Api) -> None:
    """Without a time zone a cron is in UTC."""
    equal(api.call("cron.get", id=api.cron())["timezone"], "UTC", "timezone")


@updates.documented(
    1,
    "cron.update",
    "cron.update:cron_id",
    "cron.update:cron_expr",
    "cron.update:task",
    "cron.update:name",
    "cron.update:timezone",
    lines=(165, 168, 169, 170, 171),
)
def changes_what_is_given(api: Api) -> None:
    """Update changes what is given, leaves the rest, and returns the cron as it is then."""
    cron = api.cron("0 5 1 1 *")
    before = api.call("cron.get", id=cron)
    name, url = api.name(), api.nowhere()
    for changes in ({"name": name}, {"task": url}, {"timezone": "Asia/Shanghai"}, {"cron_expr": "0 6 1 1 *"}):
        updated = api.call("cron.update", id=cron, **changes)
        expected = {**before, **changes, "next_run_at": updated["next_run_at"]}
        equal(updated, expected, f"the cron after changing {', '.join(changes)}")
        before = updated
    equal(api.call("cron.get", id=cron), before, "the cron")


@updates.documented(2, "cron.update:cron_expr", "cron.update:timezone", lines=(127, 168, 171))
def moves_the_next_run(api: Api) -> None:
    """A new expression or time zone moves next_run_at in the same answer."""
    cron = api.cron("0 5 1 6 *")
    before = next_run(api.call("cron.get", id=cron))
    by_zone = next_run(api.call("cron.update", id=cron, timezone="Asia/Shanghai"))
    equal(before - by_zone, 8 * 3600.0, "how much earlier 5:00 is in Shanghai, in seconds")
    by_expression = next_run(api.call("cron.update", id=cron, cron_expr="0 6 1 6 *"))
    equal(by_expression - by_zone, 3600.0, "how much later 6:00 is than 5:00, in seconds")


@switch.documented(
    1, "cron.pause", "cron.pause:cron_id", "cron.resume", "cron.resume:cron_id", lines=(242, 248, 276, 282)
)
def pause_and_resume(api: Api) -> None:
    """A paused cron is not enabled and has no next run; resumed, it has both again."""
    cron = api.cron()
    before = api.call("cron.get", id=cron)
    equal(api.call("cron.pause", id=cron), {"cron_id": cron, "enabled": False}, "the answer of pause")
    paused = api.call("cron.get", id=cron)
    equal(paused["enabled"], False, "enabled while paused")
    require("next_run_at" not in paused, f"next_run_at was {shown(paused.get('next_run_at'))}", "nothing is due")
    resumed = api.call("cron.resume", id=cron)
    expected = {"cron_id": cron, "enabled": True, "next_run_at": before["next_run_at"]}
    equal(resumed, expected, "the answer of resume")
    equal(api.call("cron.get", id=cron), before, "the cron")


@switch.documented(2, "cron.pause", "cron.resume", lines=(235, 269), seconds=8)
def pause_stops_fires(api: Api) -> None:
    """A paused cron does not fire; resumed, it fires from then on and makes up for nothing."""
    receiver = api.receiver(200)
    cron = api.cron(api.every_second(2), receiver.url)
    api.call("cron.pause", id=cron)
    api.sleep(5)
    equal(len(receiver.calls()), 0, "the deliveries while paused")
    resumed_at = api.now()
    api.call("cron.resume", id=cron)
    first = api.arrived(receiver, 1, 3)[0]
    require(first.at > resumed_at, f"it fired {resumed_at - first.at:.1f} s before it was resumed")
    api.sleep(0.5)
    equal(len(receiver.calls()), 1, "the deliveries within the first interval after resuming")


@switch.documented(3, "cron.trigger", "cron.trigger:cron_id", "cron.create:payload", lines=(310, 319), seconds=2)
def trigger_runs_now(api: Api) -> None:
    """A trigger delivers at once, and leaves next_run_at as it was."""
    receiver = api.receiver(200)
    cron = api.cron(NEVER, receiver.url, payload={"by": "hand"})
    before = api.call("cron.get", id=cron)
    run = api.call("cron.trigger", id=cron)
    equal(run["cron_id"], cron, "the run's cron")
    call = api.arrived(receiver, 1, 5)[0]
    equal((call.method, api.payload_of(call)), ("POST", {"by": "hand"}), "what was delivered")
    equal(api.call("cron.get", id=cron), before, "the cron afterwards")
    api.sleep(1)
    equal(len(receiver.calls()), 1, "the number of deliveries")


@ends.documented(1, "cron.delete", "cron.delete:cron_id", lines=(210, 216))
def deleted_is_gone(api: Api) -> None:
    """A deleted cron is gone for every operation, and not listed."""
    cron, other = api.cron(), api.cron()
    equal(api.call("cron.delete", id=cron), {"cron_id": cron, "deleted": True}, "the answer")
    for operation in ("get", "delete", "pause", "resume", "trigger", "retention.get"):
        api.refused(f"cron.{operation}", 404, id=cron)
    listed = {item.get("cron_id") or item.get("job_id") for item in api.pages("cron.list")}
    require(cron not in listed, "it is still listed", "a deleted cron is not listed")
    require(other in listed, "another cron is no longer listed", "other crons stay")


@ends.documented(2, "cron.delete", lines=(203,), seconds=5)
def deleted_does_not_fire(api: Api) -> None:
    """A deleted cron does not fire any more."""
    receiver = api.receiver(200)
    cron = api.cron(api.every_second(1), receiver.url)
    api.call("cron.delete", id=cron)
    fired = len(receiver.calls())
    api.sleep(3)
    require(len(receiver.calls()) <= fired + (not api.virtual), f"{len(receiver.calls())} deliveries arrived")


@records.documented(4, "cron.create:schedule", lines=(32, 168))
def next_run_is_the_first_instant(api: Api) -> None:
    """next_run_at is the first instant later than now that the expression names."""
    now = api.now()
    minute = next_run(api.call("cron.get", id=api.cron("* * * * *")))
    require(0 < minute - now <= 60 + api.margin, f"`* * * * *` is due in {minute - now:.1f} s", "within a minute")
    equal(minute % 60, 0.0, "the seconds of `* * * * *`")
    daily = next_run(api.call("cron.get", id=api.cron("15 7 * * *")))
    require(0 < daily - now <= 86_400, f"`15 7 * * *` is due in {daily - now:.0f} s", "within a day")
    equal(instant_text(daily)[11:16], "07:15", "the time of `15 7 * * *`")


@updates.choice(3, "cron.update:cron_expr", seconds=3)
def replaces_the_old_schedule(api: Api) -> None:
    """After an update the old expression fires no more."""
    receiver = api.receiver(200)
    cron = api.cron(api.every_second(2), receiver.url)
    api.call("cron.update", id=cron, cron_expr=NEVER)
    fired = len(receiver.calls())
    api.sleep(3)
    require(len(receiver.calls()) <= fired + (not api.virtual), f"{len(receiver.calls())} deliveries arrived")


@updates.documented(
    4, "cron.update:task", "cron.update:payload", "cron.update:headers", lines=(169, 176, 177), seconds=2
)
def changes_what_is_delivered(api: Api) -> None:
    """An update of URL, payload and headers holds from the next run on."""
    old, new = api.receiver(200), api.receiver(200)
    cron = api.cron(NEVER, old.url, payload={"n": 1})
    api.call("cron.update", id=cron, task=new.url, payload={"n": 2}, headers={"X-Contract": "yes"})
    api.call("cron.trigger", id=cron)
    call = api.arrived(new, 1, 5)[0]
    equal((api.payload_of(call), call.headers.get("x-contract")), ({"n": 2}, "yes"), "what was delivered")
    equal(len(old.calls()), 0, "the deliveries to the old URL")
