from sched_emulator.core.dispatch import Facts
from sched_emulator.core.errors import NotFound
from sched_emulator.core.kept import Command
from sched_emulator.core.replay import apply, replay
from sched_emulator.core.sandbox import Answer
from tests.core.harness import FAILED, OK, START_MS, Box

HOOK, LOCAL = "https://api.acme.com/hook", "http://127.0.0.1:9000/"


def lively(box: Box) -> None:
    """Do a bit of everything, with real receivers that fail and succeed, and calls that are refused."""
    box.sandbox.set_now(START_MS + 5000)
    box.sandbox.set_clock("wall", 60)
    box.sandbox.set_assumptions({"queue.nack_position": "back", "cron.retries": 1})
    box.sandbox.set_routes({"https://routed.example": LOCAL})
    box.script(HOOK, 503, {"latency_seconds": 1}, then="cycle")
    box.fault({"operation": "queue.stats", "status": 503, "times": 1})
    box.call("cron.create", cron_expr="* * * * *", task=HOOK)
    box.call("task.schedule", task="https://routed.example/", run_at_ms=START_MS, payload={"n": 1})
    box.refused("queue.consume", queue="q")
    box.publish("q", {"n": 1}, key="k")
    box.status("queue.stats", queue="q")
    for outcome in (FAILED, OK):
        box.sandbox.settle(box.to_send(30).attempt_id, outcome)
    box.consume("q")
    box.call("queue.nack", queue="q", message_id="msg_000001")
    box.advance(120)
    box.sandbox.clear_faults()
    box.sandbox.clear_targets()
    box.sandbox.set_balance(0)
    box.refused("queue.purge", queue="q")


def test_replaying_the_log_gives_the_same_bytes(box: Box) -> None:
    lively(box)
    again = replay(box.sandbox.base, box.sandbox.log)
    assert again.snapshot() == box.sandbox.snapshot()
    assert again.log == box.sandbox.log


def test_the_same_commands_give_the_same_bytes() -> None:
    boxes = [Box(), Box()]
    for box in boxes:
        lively(box)
    assert boxes[0].sandbox.snapshot() == boxes[1].sandbox.snapshot()


def test_another_seed_gives_other_cursors_and_the_same_ids() -> None:
    boxes = [Box(seed=seed) for seed in (0, 1)]
    for box in boxes:
        for name in ("a", "b"):
            box.call("queue.create", queue=name)
    pages = [box.call("queue.list", limit=1) for box in boxes]
    assert pages[0]["items"] == pages[1]["items"]
    assert pages[0]["next_cursor"] != pages[1]["next_cursor"]


def test_the_log_begins_anew_with_a_restore_and_replays_from_there(box: Box) -> None:
    lively(box)
    box.restore(box.sandbox.snapshot())
    assert box.sandbox.log == []
    box.sandbox.set_balance(None)
    box.publish("q", 3)
    box.advance(60)
    assert replay(box.sandbox.base, box.sandbox.log).snapshot() == box.sandbox.snapshot()


def test_a_command_answers_what_it_returned_or_the_error_that_it_raised(box: Box) -> None:
    asked = Command("call", {"operation_id": "account.balance", "arguments": {}, "facts": Facts()})
    assert apply(box.sandbox, asked) == Answer({"balance_usd": 1_000_000, "currency": "USD"})
    missed = Command("call", {"operation_id": "scheduling.queue.get", "arguments": {"queue": "q"}, "facts": Facts()})
    assert isinstance(apply(box.sandbox, missed), NotFound)
