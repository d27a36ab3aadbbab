"""Tasks: one delivery at an instant."""

from datetime import UTC, datetime, timedelta, timezone

from sched_emulator.contract import (
    LATE_SECONDS,
    TRICKY,
    Api,
    Group,
    NotChecked,
    equal,
    instant_of,
    named_task,
    plain_task,
    require,
    would_take,
)

tasks = Group("task", aspect="time")


@tasks.documented(
    1, "task.schedule", "task.schedule:task", "task.schedule:run_at", "task.schedule:name", lines=(448, 451, 452, 462)
)
def record(api: Api) -> None:
    """The record of a task says what was scheduled; a name is taken."""
    asked, _, task, _ = api.shared(named_task)
    expected = asked["task"], instant_of(asked["run_at"])
    equal((task["task"], instant_of(task["run_at"])), expected, "URL and instant")


@tasks.documented(2, "task.schedule:run_at", "task.schedule:payload", lines=(441, 451, 453), seconds=5)
def delivered_at_its_instant(api: Api) -> None:
    """A task is delivered once, at run_at and not before, with its payload."""
    asked, receiver, _, call = api.shared(plain_task)
    off = call.at - instant_of(asked["run_at"])
    late = api.margin if api.virtual else max(LATE_SECONDS, 4 * api.margin)
    require(-api.margin <= off <= late, f"it was delivered {off:.2f} s after run_at", "at run_at")
    equal(api.payload_of(call, TRICKY), TRICKY, "what was delivered")
    api.expects_equal("delivery.method", call.method, "POST", "the method of a task's delivery")
    api.sleep(1)
    equal(len(receiver.calls()), 1, "the number of deliveries")


@tasks.documented(3, "task.schedule:headers", lines=(454,), seconds=2)
def headers(api: Api) -> None:
    """A task carries its headers."""
    came = api.shared(named_task).call.headers
    equal((came.get("x-contract"), came.get("x-other")), ("a b", "2"), "the headers")


@tasks.documented(4, "run.list", "task.schedule", lines=(482, 494), seconds=3)
def run_is_listed(api: Api) -> None:
    """The run of a task is in run.list when it was delivered, where that says which task a run is of."""
    if api.follows("run.list.fields") != "with_task":
        raise NotChecked("runs of tasks cannot be told apart on this target")
    task = api.shared(named_task).record["task_id"]
    states: list[str] = []

    def has_ended() -> bool:
        states[:] = [item["state"] for item in api.runs_of("task_id", task)]
        return states == ["succeeded"]

    api.wait(has_ended, 3)
    equal(len(states), 1, "the number of the task's runs")
    api.expects_equal("run.states", states, ["succeeded"], "the states of the task's runs")


@tasks.documented(5, "task.schedule:retry", lines=(455,), seconds=4)
def without_retries(api: Api) -> None:
    """With retry 0 a failing task is attempted once."""
    receiver = api.receiver(500)
    api.call("task.schedule", task=receiver.url, run_at=api.soon(1), retry=0)
    api.arrived(receiver, 1, 1 + LATE_SECONDS)
    api.sleep(100_000 if api.virtual else 2)
    equal(len(receiver.calls()), 1, "the number of attempts")


@tasks.documented(6, "task.schedule:run_at", lines=(451,), seconds=5)
def offsets_are_honoured(api: Api) -> None:
    """A run_at with an offset from UTC, where it is taken, names the same instant; without one it is UTC."""
    for offset in api.some((timezone(timedelta(hours=2)), timezone(timedelta(hours=-3, minutes=-30)), None), 2):
        receiver = api.receiver(200)
        wanted = instant_of(api.soon(2))
        at = datetime.fromtimestamp(wanted, offset or UTC)
        text = (at if offset else at.replace(tzinfo=None)).isoformat(timespec="milliseconds")
        reply = would_take(api, "values.offsets", "task.schedule", task=receiver.url, run_at=text)
        if reply.succeeded:
            equal(instant_of(reply.data["run_at"]), wanted, f"run_at, in seconds, for {text}")
            call = api.arrived(receiver, 1, 2 + LATE_SECONDS)[0]
            require(call.at - wanted >= -api.margin, f"for {text} it was delivered {wanted - call.at:.1f} s early")


@tasks.documented(7, "task.schedule:retry", lines=(455,), virtual=True)
def as_often_as_configured(api: Api) -> None:
    """A task that keeps failing is attempted once and as often again as `retry` says."""
    for retry in (1, 3):
        receiver = api.receiver(500)
        api.call("task.schedule", task=receiver.url, run_at=api.soon(1), retry=retry)
        api.sleep(900_000)
        equal(len(receiver.calls()), retry + 1, f"the attempts with retry {retry}")
