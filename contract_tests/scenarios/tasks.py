"""Tasks: one delivery at an instant."""

from sched_emulator.contract import Api, Group, NotChecked, equal, instant_of, require

tasks = Group("task", aspect="time")


@tasks.documented(
    1, "task.schedule", "task.schedule:task", "task.schedule:run_at", "task.schedule:name", lines=(448, 451, 452, 464)
)
def record(api: Api) -> None:
    """The record of a task says what was scheduled."""
    url, run_at = api.nowhere(), api.soon(2)
    task = api.call("task.schedule", task=url, run_at=run_at, name=api.name())
    equal((task["task"], instant_of(task["run_at"])), (url, instant_of(run_at)), "URL and instant")


@tasks.documented(2, "task.schedule:run_at", "task.schedule:payload", lines=(451, 453), seconds=4)
def delivered_at_its_instant(api: Api) -> None:
    """A task is delivered once, at run_at, with its payload."""
    receiver = api.receiver(200)
    run_at = api.soon(2)
    api.call("task.schedule", task=receiver.url, run_at=run_at, payload={"n": [1, 2]})
    api.just_before(1)
    equal(len(receiver.calls()), 0, "the deliveries before run_at")
    call = api.arrived(receiver, 1, 3)[0]
    off = call.at - instant_of(run_at)
    require(-0.05 <= off <= 4 * api.margin, f"it was delivered {off:.2f} s after run_at", "at run_at")
    equal((call.method, api.payload_of(call)), ("POST", {"n": [1, 2]}), "what was delivered")
    api.sleep(1)
    equal(len(receiver.calls()), 1, "the number of deliveries")


@tasks.documented(3, "task.schedule:headers", lines=(454,), seconds=2)
def headers(api: Api) -> None:
    """A task carries its headers."""
    receiver = api.receiver(200)
    api.call("task.schedule", task=receiver.url, run_at=api.soon(1), headers={"X-Contract": "a b", "X-Other": "2"})
    came = api.arrived(receiver, 1, 4)[0].headers
    equal((came.get("x-contract"), came.get("x-other")), ("a b", "2"), "the headers")


@tasks.choice(4, "run.list", "task.schedule", seconds=3)
def run_is_listed(api: Api) -> None:
    """The run of a task is in run.list, and has succeeded when it was delivered."""
    if api.answer("run.list.fields") != "with_task":
        raise NotChecked("runs of tasks cannot be told apart on this target")
    receiver = api.receiver(200)
    task = api.call("task.schedule", task=receiver.url, run_at=api.soon(1))["task_id"]
    api.arrived(receiver, 1, 4)
    states: list[str] = []

    def has_ended() -> bool:
        states[:] = [item["state"] for item in api.runs_of("task_id", task)]
        return states == ["succeeded"]

    api.wait(has_ended, 3)
    equal(states, ["succeeded"], "the states of the task's runs")


@tasks.documented(5, "task.schedule:retry", lines=(455,), seconds=3)
def without_retries(api: Api) -> None:
    """With retry 0 a failing task is attempted once."""
    receiver = api.receiver(500)
    api.call("task.schedule", task=receiver.url, run_at=api.soon(1), retry=0)
    api.arrived(receiver, 1, 4)
    api.sleep(100_000 if api.virtual else 2)
    equal(len(receiver.calls()), 1, "the number of attempts")


@tasks.choice(6, "task.schedule:run_at")
def offsets_are_honoured(api: Api) -> None:
    """run_at may have an offset from UTC; without one it is UTC."""
    for text, utc in (
        ("2099-01-01T10:00:00+02:00", "2099-01-01T08:00:00Z"),
        ("2099-01-01T10:00:00", "2099-01-01T10:00:00Z"),
    ):
        if not api.virtual:
            raise NotChecked("a task cannot be deleted, and it would wait there for decades")
        task = api.call("task.schedule", task=api.nowhere(), run_at=text)
        equal(instant_of(task["run_at"]), instant_of(utc), f"run_at for {text}")
