from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

from sched_emulator import spec
from sched_emulator.core.assumptions import Answers
from sched_emulator.core.encoding import encode
from sched_emulator.spec import assumptions
from tests.core.harness import DAY, START_MS, Box
from tests.core.questions import HOOK, QUESTIONS, a_task, in_flight

BEHAVIOURS = {name: list(item.answers) for name, item in assumptions.catalogue().items() if item.kind == "behaviour"}
CONSTANTS = {name for name, item in assumptions.catalogue().items() if item.kind == "constant"}


# --- The accessor


def test_answers_and_constants_are_remembered_as_asked() -> None:
    answers = Answers({"queue.nack_position": "back", "queue.max_messages": 7, "cron.dst": "vixie"})
    assert (answers.ask("queue.nack_position"), answers.constant("queue.max_messages")) == ("back", 7)
    assert list(answers.asked) == ["queue.nack_position", "queue.max_messages"]


def test_what_was_asked_can_be_taken_command_by_command() -> None:
    box = Box()
    box.call("queue.create", queue="q")
    created = box.store.answers.take_asked()
    box.publish("q", 1)
    assert (created, box.store.answers.take_asked(), box.store.answers.take_asked()) == (
        ("idempotency.required", "queue.visibility_timeout_seconds", "queue.max_retries", "queue.retention_days"),
        ("idempotency.required", "limits.message_bytes"),
        (),
    )


def test_a_constant_is_no_answer_and_an_answer_no_constant() -> None:
    answers = Answers({"queue.nack_position": "back", "queue.max_messages": 7})
    with pytest.raises(AssertionError):
        answers.constant("queue.nack_position")
    with pytest.raises(AssertionError):
        answers.ask("queue.max_messages")


def test_the_answers_are_the_sandboxs_own() -> None:
    values: dict[str, str | int] = {"cron.dst": "vixie"}
    answers, others = Answers(values), Answers(values)
    assert answers.values is others.values  # what is equal is there once
    answers.change({"cron.dst": "literal"})
    assert (answers.ask("cron.dst"), others.ask("cron.dst"), values) == ("literal", "vixie", {"cron.dst": "vixie"})


# --- Behaviours


def test_every_answer_of_every_behaviour_has_a_test() -> None:
    assert {name: sorted(question.answers) for name, question in QUESTIONS.items()} == {
        name: sorted(answers) for name, answers in BEHAVIOURS.items()
    }


@pytest.mark.parametrize(
    ("name", "answer"), [(name, answer) for name, question in QUESTIONS.items() for answer in question.answers]
)
def test_an_answer_does_what_it_says(name: str, answer: str) -> None:
    assert QUESTIONS[name].observe(Box({name: answer})) == QUESTIONS[name].answers[answer]


@pytest.mark.parametrize("name", QUESTIONS)
def test_what_is_seen_tells_the_answers_apart(name: str) -> None:
    assert len({encode(seen) for seen in QUESTIONS[name].answers.values()}) == len(QUESTIONS[name].answers)


@pytest.mark.parametrize(
    ("name", "answer"), [(name, answer) for name, question in QUESTIONS.items() for answer in question.answers]
)
def test_an_answer_given_later_does_the_same(name: str, answer: str) -> None:
    box = Box()
    box.sandbox.set_assumptions({name: answer})
    assert QUESTIONS[name].observe(box) == QUESTIONS[name].answers[answer]
    box.sandbox.set_assumptions({name: None})
    assert box.store.answers.values == assumptions.defaults()


# --- Constants


class Constant(NamedTuple):
    """What a user sees of a constant by default, and under another value."""

    observe: Callable[[Box], Any]
    by_default: Any
    value: int
    under_value: Any


def seconds_timed_out(box: Box) -> float:
    box.script(HOOK, {"error": "timeout"})
    box.call("task.schedule", task=HOOK, run_at_ms=START_MS, retry=0)
    box.advance(DAY)
    duration_ms = box.store.journal.deliveries[0].duration_ms
    assert duration_ms is not None
    return duration_ms / 1000


def attempts_at_a_task(box: Box) -> list[float]:
    a_task(box, 500)
    return box.seconds_sent()


def minutely_fires(box: Box) -> list[float]:
    box.call("cron.create", cron_expr="* * * * *", task=HOOK)
    box.advance(180)
    return box.seconds_sent()


def retention_of_a_cron(box: Box) -> int:
    box.call("cron.create", cron_expr="* * * * *", task=HOOK)
    days: int = box.call("cron.retention.get", cron_id="cron_000001")["retention_days"]
    return days


def retention_of_tasks(box: Box) -> int:
    a_task(box, 200)
    box.advance(7 * DAY)
    return len(box.call("run.list")["items"])


def taken_at_once(box: Box) -> int:
    box.publish("q", *range(12))
    return len(box.consume("q"))


def queue_field(name: str) -> Callable[[Box], Any]:
    return lambda box: box.call("queue.create", queue="q")[name]


def after_a_day(box: Box) -> tuple[int, int, int]:
    box.publish("q", 1)
    box.advance(DAY)
    return box.counts("q")


def attempts_at_a_push(box: Box) -> int:
    box.script(HOOK, 500)
    box.publish("q", 1)
    box.call("queue.push_subscribe", queue="q", url=HOOK)
    box.advance(300)
    return len(box.sent())


def pushes_side_by_side(box: Box) -> int:
    box.script(HOOK, {"latency_seconds": 1})
    box.publish("q", *range(12))
    box.call("queue.push_subscribe", queue="q", url=HOOK)
    box.advance()
    return len(box.sent())


def key_an_hour_later(box: Box) -> list[str]:
    first = box.publish("q", 1, key="k")
    box.advance(3600)
    return first + box.publish("q", 1, key="k")


def publish_twenty_bytes(box: Box) -> int:
    return box.status("queue.publish", queue="q", payload={"text": "12345678"})


def names_of_queues(limit: int | None) -> Callable[[Box], list[str]]:
    def listed(box: Box) -> list[str]:
        for name in ("a", "b", "c"):
            box.call("queue.create", queue=name)
        return [item["queue"] for item in box.call("queue.list", limit=limit)["items"]]

    return listed


def limit_in_the_spec(operation_id: str, keyword: str, *place: str) -> Callable[[Box], int]:
    """Return what reads the bound that the edge checks, for a constant that the core need not know."""

    def read(box: Box) -> int:
        document = spec.resolve(spec.load("scheduling"), box.store.answers.values)
        [found] = [item for item in spec.operations(document) if item.operation_id == f"scheduling.{operation_id}"]
        schema: Any = found.body_schema
        for name in place:
            schema = schema["properties"][name]
        bound: int = schema[keyword]
        return bound

    return read


CONSTANT_TESTS: dict[str, Constant] = {
    "cron.timeout_seconds": Constant(seconds_timed_out, 300, 60, 60),
    "cron.retries": Constant(attempts_at_a_task, [0, 10, 30, 70], 1, [0, 10]),
    "cron.jitter_seconds": Constant(minutely_fires, [60, 120, 180], 60, [92.302, 171.042]),
    "run.retention_days": Constant(retention_of_a_cron, 30, 7, 7),
    "queue.max_messages": Constant(taken_at_once, 10, 3, 3),
    "queue.visibility_timeout_seconds": Constant(queue_field("visibility_timeout_default_ms"), 30_000, 45, 45_000),
    "queue.max_retries": Constant(queue_field("max_retries"), 3, 0, 0),
    "queue.retention_days": Constant(after_a_day, (1, 0, 0), 1, (0, 0, 0)),
    "push.max_retries": Constant(attempts_at_a_push, 4, 1, 2),
    "push.concurrency": Constant(pushes_side_by_side, 10, 2, 2),
    "delivery.backoff_first_seconds": Constant(attempts_at_a_task, [0, 10, 30, 70], 5, [0, 5, 15, 35]),
    "delivery.backoff_max_seconds": Constant(attempts_at_a_task, [0, 10, 30, 70], 15, [0, 10, 25, 40]),
    "idempotency.window_seconds": Constant(key_an_hour_later, ["msg_000001"] * 2, 60, ["msg_000001", "msg_000002"]),
    "limits.message_bytes": Constant(publish_twenty_bytes, 200, 18, 413),
    "limits.delay_seconds": Constant(limit_in_the_spec("queue.publish", "maximum", "delay_seconds"), 604_800, 60, 60),
    "limits.max_messages": Constant(limit_in_the_spec("queue.consume", "maximum", "max_messages"), 100, 5, 5),
    "limits.batch_messages": Constant(limit_in_the_spec("queue.publish_batch", "maxItems", "messages"), 100, 5, 5),
    "limits.name_chars": Constant(limit_in_the_spec("queue.create", "maxLength", "name"), 256, 5, 5),
    "page.default_limit": Constant(names_of_queues(None), ["a", "b", "c"], 2, ["a", "b"]),
    "page.max_limit": Constant(names_of_queues(3), ["a", "b", "c"], 2, ["a", "b"]),
}


def test_every_constant_has_a_test() -> None:
    assert CONSTANT_TESTS.keys() == CONSTANTS


@pytest.mark.parametrize("name", CONSTANT_TESTS)
def test_a_constant_has_its_default(name: str) -> None:
    assert CONSTANT_TESTS[name].observe(Box()) == CONSTANT_TESTS[name].by_default


@pytest.mark.parametrize("name", CONSTANT_TESTS)
def test_a_constant_can_be_set(name: str) -> None:
    constant = CONSTANT_TESTS[name]
    assert constant.observe(Box({name: constant.value})) == constant.under_value


def test_tasks_share_the_retention_of_runs() -> None:
    assert (retention_of_tasks(Box()), retention_of_tasks(Box({"run.retention_days": 7}))) == (1, 0)


def test_a_lease_that_nobody_gave_is_the_queues() -> None:
    box = Box()
    box.call("queue.create", queue="q", visibility_timeout_default=45)
    box.publish("q", 1)
    box.consume("q")
    assert box.due() == [(45, "lease", "msg_000001")]


def test_the_jitter_depends_on_the_seed() -> None:
    starts = [minutely_fires(Box({"cron.jitter_seconds": 60}, seed=seed)) for seed in (0, 0, 1)]
    assert starts[0] == starts[1] != starts[2]


def test_a_shorter_window_counts_at_once_for_keys_that_are_remembered() -> None:
    box = Box()
    first = box.publish("q", 1, key="k")
    box.sandbox.set_assumptions({"idempotency.window_seconds": 60})
    box.advance(59)
    assert box.publish("q", 1, key="k") == first
    box.advance(1)
    assert box.publish("q", 1, key="k") == ["msg_000002"]


def test_another_answer_about_retention_counts_at_once() -> None:
    box = Box({"run.retention_zero": "forever", "run.retention_days": 0})
    a_task(box, 200)
    assert len(box.call("run.list")["items"]) == 1
    box.sandbox.set_assumptions({"run.retention_zero": "none_kept"})
    assert box.call("run.list")["items"] == []


def test_another_answer_about_order_counts_at_once() -> None:
    box = Box()
    in_flight(box, 1, 2, type="fifo")
    box.call("queue.push_subscribe", queue="q", url=HOOK)
    box.advance()
    assert box.sent() == []
    box.sandbox.set_assumptions({"queue.fifo_in_flight": "allow"})
    box.advance()
    assert box.sent() == [(0, HOOK, 1, "captured")]
