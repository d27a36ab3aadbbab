"""Probes of how crons behave."""

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sched_emulator.contract import Answer, Api, NotChecked, accepted, due, probe, shown


@probe("cron.seconds_position", "cron.create:schedule")
def seconds_position(api: Api) -> str:
    """Does the sixth field of a cron expression, the seconds, come first or last?"""
    at = datetime.fromtimestamp(due(api, "7 11 5 * * *"), UTC)
    if (at.hour, at.minute, at.second) == (5, 11, 7):
        return "first"
    if (at.day, at.hour, at.minute) == (5, 11, 7):
        return "last"
    raise NotChecked(f"`7 11 5 * * *` fires next at {at.isoformat()}")


@probe("cron.dst", "cron.create:timezone")
def dst(api: Api) -> str:
    """What happens to local times that a change of daylight saving time skips or repeats?"""
    if api.virtual:
        api.start_at("2026-03-29T00:30:00Z")
        expression = "30 2 * * *"
    else:
        gap = _next_gap(datetime.fromtimestamp(api.now(), ZoneInfo("UTC")))
        expression = f"30 2 {gap.day} {gap.month} *"
    record = api.call("cron.get", id=api.cron(expression, timezone="Europe/Berlin"))
    at = datetime.fromisoformat(record["next_run_at"])
    local = at.astimezone(ZoneInfo("Europe/Berlin"))
    if (local.hour, local.minute) == (3, 0):
        return "vixie"
    if (local.hour, local.minute) == (2, 30):
        return "literal"
    raise NotChecked(f"`{expression}` in Europe/Berlin fires next at {record['next_run_at']}")


def _next_gap(now: datetime) -> datetime:
    """Return the last Sunday of the next March: when clocks in Berlin jump from 2 to 3."""
    for year in (now.year, now.year + 1):
        for day in range(31, 24, -1):
            gap = datetime(year, 3, day, 1, tzinfo=ZoneInfo("UTC"))
            if gap.weekday() == 6 and gap > now:
                return gap
    raise AssertionError("every March has a last Sunday")


@probe("cron.duplicate_name", "cron.create:name")
def duplicate_name(api: Api) -> str:
    """May two crons have the same name?"""
    name = api.name()
    first = api.call("cron.get", id=api.cron(name=name))
    fields: dict[str, Any] = {"cron_expr": "0 0 2 1 *", "task_url": api.nowhere(), "name": name}
    if api.answer("cron.create.names") != "example":
        fields = {"schedule": "0 0 2 1 *", "url": first["task"], "name": name}
    return "allow" if accepted(api.attempt("cron.create", **fields), 409) else "reject"


@probe("cron.trigger_when_paused", "cron.trigger")
def trigger_when_paused(api: Api) -> str:
    """What does a manual trigger of a paused cron do?"""
    cron = api.cron()
    api.call("cron.pause", id=cron)
    return "run" if accepted(api.attempt("cron.trigger", id=cron), 409) else "reject"


@probe("cron.max_runs_counts", "cron.update:max_runs")
def max_runs_counts(api: Api) -> str:
    """Which runs count towards max_runs?"""
    cron = api.cron(max_runs=1)
    api.call("cron.trigger", id=cron)
    return "scheduled" if api.call("cron.get", id=cron)["enabled"] else "all"


@probe("cron.overlap_default", "cron.update:overlap_policy", seconds=8)
def overlap_default(api: Api) -> str:
    """Which overlap policy does a cron have that names none?"""
    expression, beat = _beat(api)
    receiver = api.receiver(Answer(200, after_seconds=2.5 * beat))
    api.cron(expression, receiver.url, retry=0, **_patience(api))
    calls = api.arrived(receiver, 2, 5 * beat)
    gap = (calls[1].at - calls[0].at) / beat
    if gap < 2:
        return "allow"
    return "queue" if gap < (2.6 if api.virtual else 2.75) else "skip"


@probe("cron.queue_depth", "cron.update:overlap_policy", seconds=14)
def queue_depth(api: Api) -> str:
    """How many fires wait under the overlap policy queue?"""
    expression, beat = _beat(api)
    receiver = api.receiver(Answer(200, after_seconds=3.5 * beat), Answer(200))
    cron = api.cron(expression, receiver.url, retry=0, overlap_policy="queue", **_patience(api))
    first = api.arrived(receiver, 1, 2 * beat)[0].at
    api.sleep(first + 3.45 * beat - api.now())
    api.call("cron.pause", id=cron)
    api.sleep(beat)
    waited = len(api.arrived(receiver, 1, 0)) - 1
    if waited < 1:
        raise NotChecked(f"{waited} runs followed the slow one")
    return "one" if waited == 1 else "all"


def _beat(api: Api) -> tuple[str, int]:
    """Return an expression and the seconds between its fires: many where time costs nothing, for starts may be late."""
    return ("*/4 * * * *", 240) if api.virtual else (api.every_second(2), 2)


def _patience(api: Api) -> dict[str, int]:
    """Return how long an attempt may take, where receivers take their time."""
    return {"timeout_seconds": 900} if api.virtual else {}


@probe("task.past_run_at", "task.schedule:run_at")
def past_run_at(api: Api) -> str:
    """What happens when a task's run_at lies in the past?"""
    reply = api.attempt("task.schedule", task=api.nowhere(), run_at="2020-01-01T00:00:00Z")
    return "fire_now" if accepted(reply) else "reject"


@probe("run.retention_zero", "cron.retention.set:retention_days", seconds=2)
def retention_zero(api: Api) -> str:
    """What does retention_days 0 mean?"""
    receiver = api.receiver(200)
    cron = api.cron(url=receiver.url)
    api.call("cron.retention.set", id=cron, retention_days=0)
    run_id = api.call("cron.trigger", id=cron)["run_id"]
    api.arrived(receiver, 1, 5)
    api.sleep(1)
    reply = api.attempt("cron.runs.get", id=cron, run_id=run_id)
    if reply.status == 404:
        return "none_kept"
    if reply.succeeded and reply.data.get("state") == "succeeded":
        return "forever"
    raise NotChecked(f"a finished run answered {reply.status}: {shown(reply.data)}")
