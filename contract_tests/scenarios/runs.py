"""Runs: what is told of them, retries, time limits, history.

No line names a state, and `finished_at`, `response_status` and `error` may be absent. What a run came to is seen by
what arrives: another attempt, or the webhook of a failure.
"""

from itertools import pairwise
from typing import Any

from sched_emulator.contract import (
    NEVER,
    Answer,
    Api,
    Group,
    NotChecked,
    Receiver,
    beat,
    equal,
    fired_cron,
    idle_cron,
    idle_cron_retention,
    instant_of,
    lateness,
    require,
    shown,
    tells,
)

from .crons import switched_cron

states = Group("run/states", aspect="behaviour")
retries = Group("run/retries", aspect="time")
limits = Group("run/limits", aspect="time")
history = Group("run/history", aspect="behaviour")
LONG = 900_000
DAY = 86_400


def patience(api: Api) -> float:
    """Return how long retries may take to come: any time where it is virtual."""
    return LONG if api.virtual else 70


def after_retries(api: Api) -> None:
    """Let so much time pass that a further attempt would have come, or as much as one can wait for."""
    api.sleep(LONG if api.virtual else 2)


def triggered(api: Api, cron: str, within: float = 5) -> dict[str, object]:
    """Trigger a cron and return its run as it is when it has ended."""
    return api.finished(cron, api.call("cron.trigger", id=cron)["run_id"], within)


@states.documented(
    1, "cron.runs.get", "cron.runs.get:cron_id", "cron.runs.get:run_id", lines=(317, 344, 347, 353), seconds=2
)
def of_a_success(api: Api) -> None:
    """A run that was triggered is found under its id and its cron's; it succeeded if its delivery was answered 2xx."""
    cron, run_id, _ = api.shared(succeeding_cron)
    run = api.finished(cron, run_id, 5)
    tells(run, "the run", run_id=run_id, cron_id=cron)
    if run.get("finished_at") is not None:
        ended, started = instant_of(run["finished_at"]), instant_of(run["started_at"])
        require(ended >= started, shown(run), "it ends after it started")
    api.expects_equal("run.states", run["state"], "succeeded", "the state of a run whose delivery was answered 204")
    api.expects_equal("run.response_status", run.get("response_status"), 204, "response_status of that run")
    api.expects("run.errors", run.get("error") is None, f"error was {shown(run.get('error'))}", "none on success")


def succeeding_cron(api: Api) -> tuple[str, str, Receiver]:
    """Let a run of a cron succeed; return the cron, the run's id, and the webhook that hears of failures."""
    receiver, webhook = api.receiver(204), api.receiver(200)
    cron = api.cron(url=receiver.url, on_failure_webhook=webhook.url)
    run_id: str = api.call("cron.trigger", id=cron)["run_id"]
    api.arrived(receiver, 1, 5)
    return cron, run_id, webhook


@states.documented(2, "cron.create:retries", "cron.update:retry", lines=(40, 172), seconds=4)
def of_a_failure(api: Api) -> None:
    """A delivery that is answered 500, with 0 retries, is not attempted again; the run has failed."""
    created, updated = api.receiver(500), api.receiver(500)
    first = api.cron(url=created.url, retry=0)
    second = api.cron(url=updated.url, retry=1)
    api.call("cron.update", id=second, retry=0)
    runs = [api.call("cron.trigger", id=cron)["run_id"] for cron in (first, second)]
    api.arrived(created, 1, 5)
    api.arrived(updated, 1, 5)
    after_retries(api)
    equal((len(created.calls()), len(updated.calls())), (1, 1), "the attempts with 0 by create, and by update")
    if not api.curious:
        return
    run = api.finished(first, runs[0], 5)
    api.expects_equal("run.states", run["state"], "failed", "the state of a run whose delivery was answered 500")
    api.expects_equal("run.response_status", run.get("response_status"), 500, "response_status of that run")
    api.expects("run.errors", run.get("error"), f"error was {shown(run.get('error'))}", "a failed run has an error")


@states.choice(3, "cron.trigger", seconds=2)
def of_other_statuses(api: Api) -> None:
    """Redirects and refusals are failures: only a 2xx is success."""
    for status, choice in ((302, "delivery.redirects"), (404, "delivery.success")):
        cron = api.cron(url=api.receiver(status).url, retry=0)
        run = triggered(api, cron)
        succeeded = triggered(api, api.cron(url=api.receiver(200).url))["state"]
        what = f"the state of a run whose delivery was answered {status}"
        api.expects(choice, run["state"] != succeeded, f"{what} was {run['state']}", "as of one that failed")


@states.choice(4, "cron.runs.get")
def belong_to_their_cron(api: Api) -> None:
    """A run is not found under another cron."""
    cron, other = api.cron(), api.cron()
    run_id = api.call("cron.trigger", id=cron)["run_id"]
    reply = api.attempt("cron.runs.get", id=other, run_id=run_id)
    came = f"under another cron the run was answered {reply.status}"
    api.expects("run.of_its_cron", not reply.succeeded, came, "it is not found")


@states.documented(5, "run.list", lines=(482, 494, 1035), seconds=8)
def are_listed(api: Api) -> None:
    """A run by the schedule is in run.list, and found by the id that it has there."""
    cron, _, calls, _ = api.shared(fired_cron)
    runs: list[dict[str, Any]] = []

    def is_listed() -> bool:
        runs[:] = api.runs_of("cron_id", cron)
        return bool(runs)

    require(api.wait(is_listed, 5), "no run of the cron is listed", "the run is listed")
    run = api.call("cron.runs.get", id=cron, run_id=runs[-1]["run_id"])
    tells(run, "the run as cron.runs.get returns it", cron_id=cron, run_id=runs[-1]["run_id"])
    if runs[-1].get("started_at") is not None:
        equal(instant_of(runs[-1]["started_at"]), instant_of(run["started_at"]), "started_at in the list")
    off = min((call.at - instant_of(run["started_at"]) for call in calls), key=abs)
    came = f"started_at lay {off:.2f} s before the delivery"
    api.expects("run.started_at", abs(off) <= lateness(api), came, "the instant at which it was due")


@retries.documented(1, "cron.create:retries", "cron.update:retry", lines=(40, 172), seconds=68)
def until_it_succeeds(api: Api) -> None:
    """A failed attempt is repeated, and after the first success no more."""
    receivers = [api.receiver(500, 200), api.receiver(500, 200)]
    created = api.cron(url=receivers[0].url, retry=2)
    updated = api.cron(url=receivers[1].url, retry=0)
    api.call("cron.update", id=updated, retry=2)
    runs = [api.call("cron.trigger", id=cron)["run_id"] for cron in (created, updated)]
    if not api.wait(lambda: all(len(each.calls()) > 1 for each in receivers), patience(api)) and not api.virtual:
        raise NotChecked(f"no second attempt came within {patience(api):.0f} s, and when it comes is an open question")
    after_retries(api)
    equal([len(each.calls()) for each in receivers], [2, 2], "the attempts with retries by create, and by update")
    if not api.curious:
        return
    run = api.finished(created, runs[0], 5)
    api.expects_equal("run.states", run["state"], "succeeded", "the state of a run whose second attempt succeeded")
    api.expects_equal("run.response_status", run.get("response_status"), 200, "response_status of that run")


@retries.documented(2, "cron.create:retries", "cron.update:retry", lines=(40, 172), virtual=True)
def as_often_as_configured(api: Api) -> None:
    """A run that keeps failing is attempted once and as often again as create, or else update, says."""
    for created, updated in ((1, None), (4, None), (3, 1), (1, 2), (2, 10)):
        receiver = api.receiver(500)
        cron = api.cron(url=receiver.url, retry=created)
        if updated is not None:
            api.call("cron.update", id=cron, retry=updated)
        api.call("cron.trigger", id=cron)
        api.sleep(LONG)
        expected = 1 + (created if updated is None else updated)
        equal(len(receiver.calls()), expected, f"the attempts with retries {created}, then updated to {updated}")


@retries.choice(3, "task.schedule:retry", virtual=True)
def wait_as_observed(api: Api) -> None:
    """The waits between attempts follow the backoff that was observed."""
    receiver = api.receiver(500)
    api.call("task.schedule", task=receiver.url, run_at=api.soon(1), retry=4)
    calls = api.arrived(receiver, 5, LONG)
    waits = [later.at - earlier.at for earlier, later in pairwise(calls)]
    first = int(api.answer("delivery.backoff_first_seconds") or 0)
    expected = {"fixed": [60] * 4, "immediate": [0] * 4, "exponential": [first * 2**number for number in range(4)]}
    wanted = expected[str(api.follows("delivery.backoff"))]
    longest = max(waits)
    came = [round(wait) for wait in waits]
    api.expects_equal("delivery.waits", came, [min(wait, round(longest)) for wait in wanted], "the waits in seconds")


@retries.documented(4, "task.schedule:retry", "task.schedule:payload", lines=(453, 455), virtual=True)
def carry_the_same(api: Api) -> None:
    """Every attempt of a task carries its payload, and after the first success no more are made."""
    receiver = api.receiver(500, 503, 200)
    api.call("task.schedule", task=receiver.url, run_at=api.soon(1), retry=3, payload={"n": 1})
    calls = api.arrived(receiver, 3, LONG)
    equal([api.payload_of(call, {"n": 1}) for call in calls], [{"n": 1}] * 3, "the payloads")
    api.sleep(LONG)
    equal(len(receiver.calls()), 3, "the number of attempts")
    ids = [{name: call.headers.get(name) for name in ("x-infrai-delivery-id", "x-infrai-run-id")} for call in calls]
    api.expects_equal("delivery.same_body", ids, [ids[0]] * 3, "the ids of the attempts")
    if api.answer("delivery.body") == "payload":
        bodies = [call.raw.decode() if call.raw is not None else shown(call.body) for call in calls]
        api.expects_equal("delivery.same_body", bodies, [bodies[0]] * 3, "the bodies of the attempts")
    attempts = [call.headers.get("x-infrai-attempt") for call in calls]
    api.expects_equal("delivery.headers", attempts, ["1", "2", "3"], "X-Infrai-Attempt")


@limits.documented(1, "cron.update:timeout_seconds", "cron.update:on_failure_webhook", lines=(173, 178), seconds=14)
def of_time(api: Api) -> None:
    """An attempt that takes longer than timeout_seconds has failed, so its webhook is called; a shorter one has not."""
    limit = max(2, round(3 * api.margin + 1))
    slow, quick = api.receiver(Answer(200, after_seconds=3 * limit)), api.receiver(Answer(200, after_seconds=limit / 4))
    webhooks = api.receiver(200), api.receiver(200)
    failing, passing = (
        api.cron(url=each.url, retry=0, timeout_seconds=limit, on_failure_webhook=webhook.url)
        for each, webhook in zip((slow, quick), webhooks, strict=True)
    )
    runs = [api.call("cron.trigger", id=cron)["run_id"] for cron in (failing, passing)]
    told = api.arrived(webhooks[0], 1, 3 * limit + 2)[0]
    took = told.at - slow.calls()[0].at
    require(took < 3 * limit, f"a limit of {limit} s was noticed after {took:.1f} s", "before the receiver answers")
    api.sleep(1)
    equal(len(webhooks[1].calls()), 0, "the calls of the webhook of the quick one")
    if api.curious:
        states = [api.finished(cron, run, 5)["state"] for cron, run in zip((failing, passing), runs, strict=True)]
        api.expects_equal("run.states", states, ["failed", "succeeded"], "the states of the slow run and the quick one")


@limits.documented(2, "task.schedule:timeout_seconds", lines=(455, 456), seconds=70)
def of_time_for_tasks(api: Api) -> None:
    """A task's attempt that takes longer than its timeout_seconds has failed and is repeated; a shorter one is not."""
    limit = max(2, round(3 * api.margin + 1))
    slow = api.receiver(Answer(200, after_seconds=3 * limit), Answer(200))
    quick = api.receiver(Answer(200, after_seconds=limit / 4))
    for each in (slow, quick):
        api.call("task.schedule", task=each.url, run_at=api.soon(1), retry=1, timeout_seconds=limit)
    api.arrived(slow, 1, 5)
    if not api.wait(lambda: len(slow.calls()) > 1, patience(api)) and not api.virtual:
        raise NotChecked(f"no second attempt came within {patience(api):.0f} s, and when it comes is an open question")
    after_retries(api)
    equal((len(slow.calls()), len(quick.calls())), (2, 1), "the attempts at the slow receiver, and at the quick one")


@limits.documented(3, "cron.update:max_runs", lines=(175,), seconds=20)
def of_runs(api: Api) -> None:
    """After max_runs runs a cron stops by itself."""
    receiver = api.receiver(200)
    expression, period = beat(api)
    cron = api.cron(expression, receiver.url, max_runs=2)
    api.arrived(receiver, 2, 2 * period + lateness(api))
    api.sleep(period + lateness(api))
    equal(len(receiver.calls()), 2, "the number of deliveries")
    if not api.curious:
        return
    record = api.call("cron.get", id=cron)
    api.expects_equal("cron.max_runs_disables", record["enabled"], False, "enabled after the last run")
    due = record.get("next_run_at")
    api.expects("cron.max_runs_disables", due is None, f"next_run_at was {shown(due)}", "none after the last run")


@history.documented(
    1,
    "cron.retention.set",
    "cron.retention.set:cron_id",
    "cron.retention.set:retention_days",
    "cron.retention.get",
    "cron.retention.get:cron_id",
    lines=(378, 384, 409, 412, 419),
)
def retention_is_kept(api: Api) -> None:
    """What retention.set sets is what it and retention.get return."""
    cron, other = api.shared(switched_cron).before["cron_id"], api.shared(idle_cron).name
    before = api.shared(idle_cron_retention)["retention_days"]
    days = 6 if before == 7 else 7
    tells(api.call("cron.retention.set", id=cron, retention_days=days), "what set returns", retention_days=days)
    tells(api.call("cron.retention.get", id=cron), "what get returns", cron_id=cron, retention_days=days)
    equal(api.call("cron.retention.get", id=other)["retention_days"], before, "retention_days of another cron")


@history.documented(2, "cron.retention.set:retention_days", lines=(402, 412), virtual=True)
def retention_drops(api: Api) -> None:
    """A run is kept for retention_days, and is gone at the latest a day after those."""
    receiver = api.receiver(200)
    cron = api.cron(NEVER, receiver.url)
    api.call("cron.retention.set", id=cron, retention_days=2)
    run_id = api.call("cron.trigger", id=cron)["run_id"]
    api.arrived(receiver, 1, 5)
    api.sleep(2 * DAY - 60)
    api.call("cron.runs.get", id=cron, run_id=run_id)
    api.sleep(120)
    reply = api.attempt("cron.runs.get", id=cron, run_id=run_id)
    came = f"two days and a minute after it finished, the run was answered {reply.status}"
    api.expects("run.retention_counts", not reply.succeeded, came, "it is gone")
    api.sleep(DAY)
    api.refused("cron.runs.get", 404, id=cron, run_id=run_id)
