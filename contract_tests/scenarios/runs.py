"""Runs: states, retries, time limits, overlap, max_runs, history."""

from itertools import pairwise

from sched_emulator.contract import NEVER, Answer, Api, Group, NotChecked, equal, instant_of, require, shown

states = Group("run/states", aspect="behaviour")
retries = Group("run/retries", aspect="time")
limits = Group("run/limits", aspect="time")
overlap = Group("run/overlap", aspect="time")
history = Group("run/history", aspect="behaviour")
LONG = 900_000


def patience(api: Api) -> float:
    """Return how long retries may take to come: any time where it is virtual."""
    return LONG if api.virtual else 70


@states.documented(
    1, "cron.runs.get", "cron.runs.get:cron_id", "cron.runs.get:run_id", lines=(344, 347, 353), seconds=2
)
def of_a_success(api: Api) -> None:
    """A delivery that is answered 2xx makes a run that succeeded, with status and both instants."""
    receiver = api.receiver(204)
    cron = api.cron(url=receiver.url)
    run_id = api.call("cron.trigger", id=cron)["run_id"]
    run = api.finished(cron, run_id, 5)
    equal((run["run_id"], run["cron_id"], run["state"]), (run_id, cron, "succeeded"), "the run")
    equal(run.get("response_status"), 204, "response_status")
    require("error" not in run, f"error was {shown(run.get('error'))}", "no error on success")
    require(instant_of(run["finished_at"]) >= instant_of(run["started_at"]), shown(run), "it ends after it started")


@states.documented(2, "cron.runs.get", "cron.create:retries", lines=(40, 353), seconds=2)
def of_a_failure(api: Api) -> None:
    """A delivery that is answered 500, without retries, makes a run that failed, with status and error."""
    receiver = api.receiver(500)
    cron = api.cron(url=receiver.url, retry=0)
    run = api.finished(cron, api.call("cron.trigger", id=cron)["run_id"], 5)
    equal((run["state"], run.get("response_status")), ("failed", 500), "the run")
    require(run.get("error"), shown(run), "a failed run has an error")
    equal(len(receiver.calls()), 1, "the number of attempts")


@states.choice(3, "cron.trigger", seconds=2)
def of_other_statuses(api: Api) -> None:
    """Redirects and refusals are failures: only a 2xx is success."""
    for status in (302, 404):
        cron = api.cron(url=api.receiver(status).url, retry=0)
        run = api.finished(cron, api.call("cron.trigger", id=cron)["run_id"], 5)
        equal((run["state"], run.get("response_status")), ("failed", status), "the run")


@states.documented(4, "cron.runs.get", lines=(337,))
def belong_to_their_cron(api: Api) -> None:
    """A run is not found under another cron."""
    cron, other = api.cron(), api.cron()
    run_id = api.call("cron.trigger", id=cron)["run_id"]
    api.call("cron.runs.get", id=cron, run_id=run_id)
    api.refused("cron.runs.get", 404, id=other, run_id=run_id)


@states.documented(5, "run.list", lines=(482, 494), seconds=3)
def are_listed(api: Api) -> None:
    """A run by the schedule is in run.list, with the instant at which it was due."""
    receiver = api.receiver(200)
    cron = api.cron(api.every_second(2), receiver.url)
    call = api.arrived(receiver, 1, 4)[0]
    api.call("cron.pause", id=cron)
    runs = api.runs_of("cron_id", cron)
    require(runs, "no run of the cron is listed", "the run is listed")
    started = instant_of(runs[-1]["started_at"])
    require(abs(started - call.at) <= 4 * api.margin, f"started_at is {started - call.at:.2f} s off the delivery")


@retries.documented(1, "cron.create:retries", "cron.update:retry", lines=(40, 172), seconds=65)
def until_it_succeeds(api: Api) -> None:
    """A failed attempt is repeated, and the first success ends the run."""
    receiver = api.receiver(500, 200)
    cron = api.cron(url=receiver.url, retry=2)
    run = api.finished(cron, api.call("cron.trigger", id=cron)["run_id"], patience(api))
    equal((run["state"], run.get("response_status")), ("succeeded", 200), "the run")
    equal(len(receiver.calls()), 2, "the number of attempts")


@retries.documented(2, "cron.create:retries", "cron.update:retry", lines=(40, 172), virtual=True)
def as_often_as_configured(api: Api) -> None:
    """A run that keeps failing is attempted once and as often again as `retry` says."""
    for retry in (1, 4):
        receiver = api.receiver(500)
        cron = api.cron(url=receiver.url, retry=retry)
        run = api.finished(cron, api.call("cron.trigger", id=cron)["run_id"], LONG)
        equal((run["state"], len(receiver.calls())), ("failed", retry + 1), "the run, and the number of attempts")


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
    equal([round(wait) for wait in waits], [min(wait, round(longest)) for wait in wanted], "the waits in seconds")


@retries.choice(4, "task.schedule:retry", virtual=True)
def carry_the_same(api: Api) -> None:
    """Every attempt of a run carries the same payload."""
    receiver = api.receiver(500, 503, 200)
    api.call("task.schedule", task=receiver.url, run_at=api.soon(1), retry=3, payload={"n": 1})
    payloads = [api.payload_of(call) for call in api.arrived(receiver, 3, LONG)]
    equal(payloads, [{"n": 1}] * 3, "the payloads")
    api.sleep(LONG)
    equal(len(receiver.calls()), 3, "the number of attempts")


@limits.documented(1, "cron.update:timeout_seconds", lines=(173,), seconds=4)
def of_time(api: Api) -> None:
    """An attempt that takes longer than timeout_seconds has failed; a shorter one has not."""
    slow, quick = api.receiver(Answer(200, after_seconds=3)), api.receiver(Answer(200, after_seconds=1))
    failing = api.cron(url=slow.url, retry=0, timeout_seconds=2)
    passing = api.cron(url=quick.url, retry=0, timeout_seconds=2)
    failed = api.call("cron.trigger", id=failing)["run_id"]
    passed = api.call("cron.trigger", id=passing)["run_id"]
    equal(api.finished(failing, failed, 6)["state"], "failed", "the run of the slow receiver")
    equal(api.finished(passing, passed, 6)["state"], "succeeded", "the run of the quick receiver")


@limits.documented(2, "task.schedule:timeout_seconds", lines=(456,), seconds=5)
def of_time_for_tasks(api: Api) -> None:
    """A task's attempt that takes longer than its timeout_seconds has failed."""
    receiver = api.receiver(Answer(200, after_seconds=3))
    task = api.call("task.schedule", task=receiver.url, run_at=api.soon(1), retry=0, timeout_seconds=2)["task_id"]
    if api.answer("run.list.fields") != "with_task":
        raise NotChecked("runs of tasks cannot be told apart on this target")
    state: list[str] = []

    def is_over() -> bool:
        state[:] = [item["state"] for item in api.runs_of("task_id", task)]
        return state in (["failed"], ["succeeded"])

    api.wait(is_over, 8)
    equal(state, ["failed"], "the state of the task's run")


@limits.documented(3, "cron.update:max_runs", lines=(175,), seconds=9)
def of_runs(api: Api) -> None:
    """After max_runs runs a cron stops by itself and is not enabled any more."""
    receiver = api.receiver(200)
    cron = api.cron(api.every_second(2), receiver.url, max_runs=2)
    api.arrived(receiver, 2, 6)
    record = api.call("cron.get", id=cron)
    equal(record["enabled"], False, "enabled after the last run")
    require("next_run_at" not in record, shown(record), "nothing is due after the last run")
    api.sleep(3)
    equal(len(receiver.calls()), 2, "the number of deliveries")


@overlap.documented(1, "cron.update:overlap_policy", lines=(174,), seconds=9)
def allowed(api: Api) -> None:
    """overlap_policy allow: runs go side by side."""
    receiver = api.receiver(Answer(200, after_seconds=5))
    cron = api.cron(api.every_second(2), receiver.url, retry=0, overlap_policy="allow")
    calls = api.arrived(receiver, 3, 8)
    api.call("cron.pause", id=cron)
    gap = calls[2].at - calls[0].at
    require(abs(gap - 4) < 1, f"the third run started {gap:.1f} s after the first", "4 s, on the schedule")


@overlap.documented(2, "cron.update:overlap_policy", lines=(174,), seconds=11)
def skipped(api: Api) -> None:
    """overlap_policy skip: what is due while a run is under way is left out."""
    receiver = api.receiver(Answer(200, after_seconds=5))
    cron = api.cron(api.every_second(2), receiver.url, retry=0, overlap_policy="skip")
    calls = api.arrived(receiver, 2, 10)
    api.call("cron.pause", id=cron)
    gap, late = calls[1].at - calls[0].at, calls[1].at % 2
    require(gap >= 5 - api.margin, f"the second run started {gap:.1f} s after the first", "after that had ended")
    require(
        late < 0.8, f"the second run started {late:.1f} s after it was due", "on the schedule, not as the first ended"
    )


@overlap.documented(3, "cron.update:overlap_policy", lines=(174,), seconds=12)
def queued(api: Api) -> None:
    """overlap_policy queue: what is due while a run is under way starts when that has ended."""
    receiver = api.receiver(Answer(200, after_seconds=5))
    cron = api.cron(api.every_second(2), receiver.url, retry=0, overlap_policy="queue")
    calls = api.arrived(receiver, 2, 10)
    api.call("cron.pause", id=cron)
    gap = calls[1].at - calls[0].at
    require(abs(gap - 5) < 0.7, f"the second run started {gap:.1f} s after the first", "5 s, as the first ended")


@history.documented(
    1,
    "cron.retention.set",
    "cron.retention.set:cron_id",
    "cron.retention.set:retention_days",
    "cron.retention.get",
    "cron.retention.get:cron_id",
    lines=(378, 384, 409, 412),
)
def retention_is_kept(api: Api) -> None:
    """What retention.set sets is what it and retention.get return."""
    cron = api.cron()
    expected = {"cron_id": cron, "retention_days": 7}
    equal(api.call("cron.retention.set", id=cron, retention_days=7), expected, "the answer of set")
    equal(api.call("cron.retention.get", id=cron), expected, "the answer of get")


@history.documented(2, "cron.retention.set:retention_days", lines=(402, 412), seconds=86_400 * 3)
def retention_drops(api: Api) -> None:
    """A run is kept for retention_days after it finished, and then gone."""
    receiver = api.receiver(200)
    cron = api.cron(NEVER, receiver.url)
    api.call("cron.retention.set", id=cron, retention_days=2)
    run_id = api.call("cron.trigger", id=cron)["run_id"]
    api.finished(cron, run_id, 5)
    api.sleep(2 * 86_400 - 60)
    equal(api.call("cron.runs.get", id=cron, run_id=run_id)["state"], "succeeded", "the run before two days are over")
    api.sleep(120)
    api.refused("cron.runs.get", 404, id=cron, run_id=run_id)
