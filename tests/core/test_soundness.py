"""Documents from other hands: with one thing changed and the seal made anew, they are refused or can be worked on."""

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

from sched_emulator.core import snapshot
from sched_emulator.core.dispatch import OPERATIONS
from sched_emulator.core.encoding import decode, encode_bytes
from sched_emulator.core.errors import InvalidRequest, SchedulingError
from sched_emulator.core.records import State
from sched_emulator.core.sandbox import Sandbox
from sched_emulator.server.loading import read_snapshot
from tests.core.harness import FAILED, START_MS, Box, bound
from tests.core.test_snapshot import BUSY
from tests.soak import LONGER

HOOK = "https://api.acme.com/hook"
Json = dict[str, Any]
Path = tuple[str | int, ...]


def rich() -> bytes:
    """Return a snapshot with a bit of everything: dead letters, a real attempt, one that takes its time, retries."""
    box = Box()
    box.restore(BUSY)
    box.call("queue.create", queue="dead")
    box.call("queue.create", queue="origin", dead_letter_queue="dead")
    box.publish("origin", 1, 2)
    [first, _] = box.call("queue.consume", queue="origin", visibility_timeout=600)["messages"]
    box.call("queue.nack", queue="origin", message_id=first["message_id"], requeue=False)
    box.call("queue.push_subscribe", queue="dead", url="http://127.0.0.1:9000/push", secret="s")  # noqa: S106 - for tests
    box.call("cron.create", cron_expr="*/7 * * * *", task="http://127.0.0.1:9000/", on_failure_webhook=HOOK, retry=0)
    box.call("cron.trigger", cron_id="cron_000002")
    box.to_send()
    box.to_send()
    box.call("task.schedule", task=HOOK, run_at_ms=START_MS, payload={"a": [1]})
    box.advance(1)
    return box.sandbox.snapshot()


RICH = rich()
ODD: tuple[Any, ...] = (None, -1, 0, 2**62, 1e300, "", "x", "cron_000001", "run_000001", "msg_000001", [], {}, True)


def sealed(document: Json) -> bytes:
    """Return a document with a seal that fits."""
    content = encode_bytes({name: value for name, value in document.items() if name != "seal"})
    return b'{"seal":"' + snapshot._mark(content).encode() + b'",' + content[1:]  # noqa: SLF001 - as another hand would


def places(node: Any, path: Path = ()) -> Iterator[Path]:
    """Yield where each value of a document stands; of a longer list only the first two items."""
    yield path
    if isinstance(node, dict):
        for name, value in node.items():
            yield from places(value, (*path, name))
    elif isinstance(node, list):
        for number, value in enumerate(node[:2]):
            yield from places(value, (*path, number))


def changed(path: Path, change: Callable[[Any, str | int], None]) -> Json:
    """Return the rich document with one change: `change` gets what holds the value, and where in it."""
    document: Json = decode(RICH)
    holder: Any = document
    for step in path[:-1]:
        holder = holder[step]
    change(holder, path[-1])
    return document


def mutants() -> Iterator[tuple[Path, Any, Json]]:
    """Yield documents that differ from the rich one in one place: without it, with it twice, with something odd."""
    for path in places(decode(RICH)):
        if len(path) == 0 or path == ("seal",):
            continue
        yield path, "gone", changed(path, lambda holder, place: holder.__delitem__(place))
        if isinstance(path[-1], int):
            yield path, "twice", changed(path, lambda holder, place: holder.append(holder[place]))
        for value in ODD:
            yield path, value, changed(path, lambda holder, place, value=value: holder.__setitem__(place, value))  # type: ignore[misc]


def worked_on(state: State) -> None:
    """Do everything to a sandbox that can be done; only refusals may come of it."""
    sandbox = Sandbox(state)
    queues, crons = list(sandbox.store.queues)[:5], list(sandbox.store.crons)[:3]
    ends = {f"scheduling.{name}" for name in ("queue.purge", "queue.delete", "cron.delete")}
    for operation_id in OPERATIONS.keys() - ends:
        _call_each(sandbox, operation_id, queues, crons)
    for name in queues:
        _call(sandbox, "scheduling.queue.consume", {"queue": name, "max_messages": 3})
        _call(sandbox, "scheduling.queue.publish", {"queue": name, "payload": {}})
    for attempt_id in list(sandbox.store.attempts):
        sandbox.settle(attempt_id, FAILED)
    for _ in range(20):
        attempt = sandbox.poll(sandbox.store.now_ms + 200_000_000, max_events=100)
        if attempt is not None:
            sandbox.settle(attempt.attempt_id, FAILED)
    for operation_id in sorted(ends, reverse=True):
        _call_each(sandbox, operation_id, queues, crons)
    snapshot.unseal(sandbox.snapshot())


def _call_each(sandbox: Sandbox, operation_id: str, queues: list[str], crons: list[str]) -> None:
    """Call an operation for each thing that its path can name."""
    path = bound(operation_id).facts.path
    given: list[Json] = [{}]
    if path:
        given = [{path[0]: name} for name in (crons if path[0] == "cron_id" else queues)]
    for arguments in given:
        _call(sandbox, operation_id, arguments)


def _call(sandbox: Sandbox, operation_id: str, arguments: Json) -> None:
    try:
        sandbox.call(operation_id, arguments, facts=bound(operation_id).facts)
    except (SchedulingError, TypeError) as error:
        if isinstance(error, TypeError) and "required keyword-only argument" not in str(error):
            raise


def test_a_snapshot_with_one_thing_changed_is_refused_or_can_be_worked_on() -> None:
    every = 1 if LONGER > 1 else 29  # of some 7,400
    outcomes = {"refused": 0, "taken": 0}
    for path, value, document in islice(mutants(), 0, None, every):
        try:
            state = read_snapshot(sealed(document))
        except InvalidRequest as error:
            outcomes["refused"] += "\n" not in error.message
            continue
        try:
            worked_on(state)
        except Exception as error:
            raise AssertionError(f"{'.'.join(map(str, path))} = {value!r} was taken and led to {error!r}") from error
        outcomes["taken"] += 1
    assert min(outcomes.values()) > 20, outcomes
