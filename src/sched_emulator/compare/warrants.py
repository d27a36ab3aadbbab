"""What an expectation rests on: a line of the documentation, what the vendor says elsewhere, or a choice of ours.

The words are those of the contract's reports. What a target does otherwise than a choice, or than the vendor says
elsewhere, is a difference and no finding: nobody promised it.
"""

import re
from typing import Any, NamedTuple

from sched_emulator.spec import choices
from sched_emulator.spec.lines import promise

from .fields import ABSENT, Difference
from .parts import Part
from .read import Item
from .wording import widest

SUCCESS = 200


class Warrant(NamedTuple):
    """What was expected rests on this: the grade, what is said there, and the line or the id of the choice."""

    grade: str
    why: str
    line: int | None = None
    choice: str = ""

    @property
    def told(self) -> str:
        """The grade, the line or the choice, and what is said there."""
        choice = f" `{self.choice}`" if self.choice else ""
        return f"{self.grade}{choice}. {self.why}"


BY_FIELD = {  # of any answer: the choice that a field rests on
    "state": "run.states",
    "started_at": "run.started_at",
    "response_status": "run.response_status",
    "oldest_age_seconds": "queue.oldest_age",
    "message_ids": "queue.batch",
}
PAUSED = "paused"
NEXT_RUN = {  # by operation: the choice that `next_run_at` rests on
    "scheduling.cron.resume": "cron.resume_counts_from_now",
    "scheduling.cron.update": "cron.update_counts_from_now",
    PAUSED: "cron.next_run_of_paused",
}
REFUSED = {  # by operation and what was refused: the choice, where the documentation does not speak of it
    ("scheduling.queue.create", 409): "queue.create_conflict",
    ("scheduling.queue.delete", 409): "queue.dead_letter_queue",
    ("scheduling.queue.update", 400): "queue.dead_letter_queue",
    ("scheduling.queue.push_subscribe", 400): "queue.dead_letter_queue",
    ("scheduling.queue.dlq.redrive", 404): "queue.redrive_unknown",
    ("scheduling.cron.resume", 409): "cron.max_runs_disables",
    ("scheduling.cron.runs.get", 404): "run.of_its_cron",
}
LINES = {"scheduling.queue.create": 532}  # of what must exist, beside the line of its parameter
FIFO_LINE = 522
RETRY = re.compile(r", attempt [2-9]")


def warrant(part: Part, item: Item, difference: Difference) -> Warrant:
    """Return what the expectation rests on that a difference is from."""
    if difference.field.startswith("delivery"):
        return _of_delivery(part, item, difference)
    if difference.field == "status":
        return _of_status(item, difference)
    if item.operation == "scheduling.queue.consume":
        return _of_consume(part, item, difference)
    name = difference.field.rpartition(".")[2]
    if name in BY_FIELD:
        return chosen(BY_FIELD[name])
    if name == "next_run_at":
        operation = PAUSED if difference.expected == ABSENT else item.operation
        return chosen(NEXT_RUN[operation]) if operation in NEXT_RUN else _of_answer(item)
    return _of_answer(item)


def chosen(name: str) -> Warrant:
    """Return the warrant of a choice: the vendor's, where the vendor says so elsewhere."""
    choice = choices.catalogue()[name]
    return Warrant("vendor" if choice.fact else "choice", choice.does, choice=name)


def documented(line: int) -> Warrant:
    """Return the warrant of a line of the documentation."""
    return Warrant("documented", f"line {line}: {promise(line)}", line)


def _of_answer(item: Item) -> Warrant:
    """Return where the documentation says what an operation returns, else what it does."""
    operation = widest().operations[item.operation].operation
    found = re.search(r"Documentation lines? ([0-9]+)", operation.returns.get("description", ""))
    line = int(found[1]) if found else operation.line
    return chosen("http.described_requests") if line is None else documented(line)


def _of_operation(item: Item, parameter: str = "") -> Warrant:
    operation = widest().operations[item.operation].operation
    line = operation.lines.get(parameter, operation.line)
    return chosen("http.described_requests") if line is None else documented(line)


def _of_status(item: Item, difference: Difference) -> Warrant:
    expected = int(difference.expected)
    if expected == SUCCESS:
        return _of_operation(item)
    if not item.succeeded:
        return chosen("http.statuses")
    if item.operation in LINES and expected != 409 and "dead_letter_queue" in item.arguments:
        return documented(LINES[item.operation])
    if (item.operation, expected) in REFUSED:
        return chosen(REFUSED[item.operation, expected])
    return chosen("values.unknown_things")


def _of_consume(part: Part, item: Item, difference: Difference) -> Warrant:
    place, _, name = difference.field.rpartition(".")
    if name == "messages":
        expected, came = (int(str(each).split(" ")[0]) for each in (difference.expected, difference.came))
        return _of_operation(item, "max_messages") if came > expected else chosen("queue.consume_fills")
    if name == "message_id" or not place:
        return documented(FIFO_LINE) if _is_fifo(part, item) else chosen("queue.standard_order")
    return _of_answer(item)


def _is_fifo(part: Part, item: Item) -> bool:
    name = item.arguments.get("queue")
    shown: list[Any] = [record for other in part.items for record in _records(other)]
    return any(record.get("queue") == name and record.get("type") == "fifo" for record in shown)


def _records(item: Item) -> list[Any]:
    if not item.operation.startswith("scheduling.queue.") or not isinstance(item.result, dict):
        return []
    return [{"queue": item.arguments.get("queue"), **item.arguments}, item.result, *item.result.get("items", ())]


def _of_delivery(part: Part, item: Item, difference: Difference) -> Warrant:
    made_it = (
        each for each in part.items if difference.thing in {each.arguments.get("task"), each.arguments.get("url")}
    )
    maker = next(made_it, item)
    if difference.field == "delivery.headers":
        return chosen("delivery.unsigned") if not difference.expected else _of_operation(maker, "secret")
    if difference.field == "delivery.body":
        return chosen("delivery.no_payload") if difference.expected == {} else _of_operation(maker, "payload")
    if RETRY.search(str(difference.expected)):
        return _of_operation(maker, "retry" if "retry" in maker.arguments else "max_retries")
    return _of_operation(maker)
