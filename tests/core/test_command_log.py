"""Who listens to a sandbox hears of each command in full, and of what ended by it after it."""

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from sched_emulator.core.records import DeliveryEntry, State
from tests.core.harness import OK, START_MS, Box

HOOK, LOCAL = "https://api.acme.com/hook", "http://127.0.0.1:9000/"


class Heard:
    """What was heard: the name of each command, polls with how many events they were for, and ended attempts."""

    def __init__(self) -> None:
        self.lines: list[Any] = []

    def command(self, method: str, arguments: Mapping[str, Any]) -> None:
        self.lines.append(("poll", arguments["max_events"]) if method == "poll" else method)

    def delivered(self, entry: DeliveryEntry) -> None:
        self.lines.append(f"{entry.outcome} {entry.attempt}")


def test_each_command_is_heard_and_what_ended_by_it_after_it(box: Box) -> None:
    heard = Heard()
    box.sandbox.listen(heard)
    box.script(HOOK, 200)
    box.call("task.schedule", task=HOOK, run_at_ms=START_MS)
    box.call("task.schedule", task=LOCAL, run_at_ms=START_MS)
    attempt = box.sandbox.poll(START_MS)
    assert attempt is not None
    box.sandbox.settle(attempt.attempt_id, OK)
    box.sandbox.set_balance(1)
    box.sandbox.reset()
    box.sandbox.restore(box.sandbox.store.state())
    box.sandbox.listen(None)
    box.sandbox.set_balance(2)
    said = [line for line in heard.lines if line not in {"call", "record"}]
    polled = [("poll", None), "delivered 1", "settle", "delivered 1", "set_balance", "reset", "restore"]
    assert said == ["add_target", *polled]


def test_a_poll_that_is_cut_is_heard_as_what_it_did_before_what_cut_it(box: Box) -> None:
    box.script(HOOK, 200)
    box.call("cron.create", cron_expr="* * * * *", task=HOOK)
    heard = Heard()
    box.sandbox.listen(heard)
    polling = box.sandbox.polling(START_MS + 3_600_000)
    next(polling)
    assert heard.lines == []
    box.sandbox.set_balance(1)
    done = box.store.fired
    assert heard.lines[0] == ("poll", done)
    assert heard.lines[-1] == "set_balance"
    assert 0 < len(heard.lines) - 2 <= done
    box.sandbox.listen(None)


def test_what_a_long_poll_holds_back_for_who_listens_is_bounded(box: Box) -> None:
    box.script(HOOK, 200)
    box.call("cron.create", cron_expr="* * * * *", task=HOOK)
    heard = Heard()
    box.sandbox.listen(heard)
    box.sandbox.poll(START_MS + 3000 * 60_000)
    polls = [at for at, line in enumerate(heard.lines) if isinstance(line, tuple)]
    assert len(polls) > 2
    assert max(after - before for before, after in pairwise(polls)) < 1100
    assert sum(isinstance(line, str) for line in heard.lines) == 3000


def test_a_restored_state_is_heard_as_it_is_taken(box: Box) -> None:
    states: list[State] = []

    class Keeping(Heard):
        def command(self, method: str, arguments: Mapping[str, Any]) -> None:
            states.extend([arguments["state"]] if method == "restore" else [])

    box.sandbox.listen(Keeping())
    box.sandbox.restore(box.sandbox.store.state())
    assert states == [box.sandbox.store.state()]
