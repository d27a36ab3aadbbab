"""One exchange in one world: time passes to it, attempts end as recorded, the call is made, the result is compared.

What is asked on the way and is not decided is tried under each answer that is left: the leaves of one step.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from sched_emulator.core import messages
from sched_emulator.core.errors import SchedulingError
from sched_emulator.core.records import Attempt, Outcome
from sched_emulator.core.sandbox import Sandbox

from . import adopt
from .doubt import is_hazy_run, known
from .fields import IDS, LATE_MS, Difference, Matching, Otherwise
from .hazy import OF_A_CRON, taken
from .late import put_off
from .parts import LISTS, Part
from .read import Came, Item
from .wording import always
from .worlds import World, awake, behaviours, document_of

MOST_CRITICAL = 3  # instants near an exchange that are tried before and after
MOST_LEAVES = 256
MINUTE_MS, SECOND_MS = 60_000, 1000
AIMS = frozenset(f"scheduling.cron.{name}" for name in ("create", "update", "resume"))
COUNTS = ("available", "in_flight", "dlq", "oldest_age_seconds")
SIGNS = ("x-infrai-signature", "x-infrai-timestamp", "webhook-signature")


class Unrecorded(Exception):
    """A delivery went where nothing was recorded: what became of it is open."""


class TooMany(Exception):
    """A bound was hit: what follows would prove nothing."""


class Leaf(NamedTuple):
    """What became of one way through a step: the world after it, or the difference; and the answers on the way.

    `reached`: how many deliveries came as expected before a difference, and whether the call was made.
    """

    world: World | None
    difference: Difference | None
    answers: Mapping[str, str]
    reached: int = 0


class Freedom(NamedTuple):
    """What is not held against a target: in which order a standard queue hands out, how late a cron fires.

    `told`: findings after which the state is made as answered, each as record, field, and number of the exchange.
    """

    order: bool = False
    late: bool = False
    told: tuple[tuple[str, str, int], ...] = ()


NONE = Freedom()


@dataclass(slots=True)
class Ground:
    """What all steps of a replay have in common. What was asked so far is noted in `asked`; `late_ms`: see `late`."""

    part: Part
    constants: Mapping[str, str | int]
    freedom: Freedom = NONE
    bounded: bool = False
    asked: dict[str, int] = field(default_factory=dict)
    width_ms: int = field(init=False)
    late_ms: int = 0

    def __post_init__(self) -> None:
        """Look at the part once."""
        self.width_ms = self.part.width_ms


def leaves(ground: Ground, world: World, item: Item, *, apart: bool) -> list[Leaf]:
    """Return all that may become of a world by an exchange. `apart`: no other exchange ran beside it."""
    found = []
    for now_ms in _instants(ground, world, item):
        for done in (True, False) if item.status is None else (True,):
            found += _under_all_answers(ground, world, item, _Way(now_ms, done, apart))
            if len(found) > MOST_LEAVES:
                raise TooMany
    return found


class _Way(NamedTuple):
    now_ms: int
    done: bool
    apart: bool


def _under_all_answers(ground: Ground, world: World, item: Item, way: _Way) -> list[Leaf]:
    usual = {name: min(answers) for name, answers in behaviours().items()}
    usual |= {name: min(answers) for name, answers in world.box.items()}
    waiting: list[dict[str, str]] = [{}]
    found: list[Leaf] = []
    while waiting:
        chosen = waiting.pop()
        sandbox = awake(world, {**ground.constants, **usual, **chosen})
        leaf = _played(ground, sandbox, world, item, way)
        decided = dict(chosen)
        for name in sandbox.store.answers.take_asked():
            ground.asked.setdefault(name, item.number)
            if name in decided or name not in behaviours():
                continue
            waiting += [{**decided, name: other} for other in world.left(name) if other != usual[name]]
            decided[name] = usual[name]
        found.append(_after(leaf, world, decided))
        if len(found) + len(waiting) > MOST_LEAVES:
            raise TooMany
    return found


def _after(leaf: Leaf, world: World, decided: Mapping[str, str]) -> Leaf:
    if leaf.world is None:
        return leaf._replace(answers=decided)
    box = {**world.box, **{name: frozenset({answer}) for name, answer in decided.items()}}
    return leaf._replace(world=replace(leaf.world, box=box), answers=decided)


def _played(ground: Ground, sandbox: Sandbox, world: World, item: Item, way: _Way) -> Leaf:
    play = _Play(ground, sandbox, world, item)
    try:
        play.pass_time(way.now_ms)
        if way.done:
            play.call(apart=way.apart)
            play.put_off_fires()
    except Otherwise as other:
        return Leaf(None, other.difference, {}, len(play.taken) + (not other.difference.field.startswith("delivery")))
    state = sandbox.store.state()
    ids, taken = play.matching.ids, frozenset(play.taken)
    due_ms = tuple(entry.due_ms for entry in sandbox.store.timeline.due(MOST_CRITICAL + 5))
    after = World(document_of(state), {}, ids, taken, state.now_ms, due_ms, play.doubt, play.passed)
    return Leaf(after, None, {})


class _Play:
    """One way through a step."""

    def __init__(self, ground: Ground, sandbox: Sandbox, world: World, item: Item) -> None:
        self._ground, self._sandbox, self._item = ground, sandbox, item
        self.matching = Matching(world.ids, ground.width_ms)
        self.taken = set(world.taken)
        self.doubt = world.doubt
        self.passed = ""

    def pass_time(self, now_ms: int) -> None:
        """Let time pass; Otherwise when a delivery that came is not made, or one that is made did not come."""
        self.put_off_fires()
        while (attempt := self._sandbox.poll(now_ms)) is not None:
            self._sandbox.settle(attempt.attempt_id, self._outcome(attempt))
            self.put_off_fires()
        overdue_ms = now_ms - self._ground.width_ms - LATE_MS
        for came in self._ground.part.came:
            if came.number in self.taken or ("url", came.raw.url) in self.doubt.hazy:
                continue
            if came.at_ms < overdue_ms:
                raise Otherwise(Difference("delivery", "nothing", f"{came.raw.url} at {came.raw.at_ms}", came.raw.url))

    def call(self, *, apart: bool) -> None:
        """Perform the operation; Otherwise when it answers otherwise than recorded."""
        item, sandbox = self._item, self._sandbox
        self.doubt, self.passed, done = taken(sandbox.store, self.matching, self.doubt, item, self._ground.part.unseen)
        if done:
            return
        if self.doubt.answered == item.number:
            self._take_as_answered()
        elif item.operation in LISTS:
            self._look()
        elif self._in_any_order():
            self._hand_out()
        else:
            self._perform(apart=apart)

    def _in_any_order(self) -> bool:
        """Whether the exchange hands out in whatever order."""
        item = self._item
        if not self._ground.freedom.order or item.operation != "scheduling.queue.consume" or not item.succeeded:
            return False
        queue = self._sandbox.store.queues.get(item.arguments["queue"])
        return queue is not None and queue.type == "standard"

    def _perform(self, *, apart: bool) -> None:
        item, sandbox = self._item, self._sandbox
        try:
            answer = sandbox.call(
                item.operation, self._ours(item.arguments), facts=item.facts, idempotency_key=item.key
            )
        except SchedulingError as error:
            self._refused(error.status)
            return
        if item.status is None:
            return
        if not item.succeeded:
            self._refused(200)
            return
        expected, came = self._known(_page(answer.result, item.result), item.result)
        if not apart and item.operation == "scheduling.queue.stats":
            expected, came = ({k: v for k, v in each.items() if k not in COUNTS} for each in (expected, came))
        found = self.matching.difference(expected, came, always()[item.operation])
        if found is not None:
            raise Otherwise(found)
        self._follow(answer.result, item.result, expected)

    def _follow(self, result: Any, came: Any, compared: Any) -> None:
        """Take over what of a cron was not compared."""
        if compared is not result and isinstance(came, dict) and "enabled" in came:
            adopt.follow(self._sandbox.store, self.matching, {**self._item.arguments, **came})

    def _take_as_answered(self) -> None:
        """Perform what was done, and make its things as they were answered, whatever was expected."""
        item, store = self._item, self._sandbox.store
        if not item.succeeded or item.operation in LISTS:
            return
        try:
            made = self._sandbox.call(item.operation, self._ours(item.arguments), facts=item.facts).result
        except SchedulingError:
            made = {}
        for name in IDS & made.keys() & item.result.keys():
            self.matching.bind(item.result[name], made[name])
        adopt.shown(store, self.matching, item)

    def _refused(self, status: int) -> None:
        """Compare refusals: Otherwise where they are of another kind, and all is known that they depend on."""
        came = self._item.status
        if came is None or _class(status) == _class(came):
            return
        cron = self._sandbox.store.crons.get(self.matching.ids.get(self._item.arguments.get("cron_id", ""), ""))
        of_a_run = "run_id" in self._item.arguments
        if cron is None or ("url", cron.task) not in self.doubt.hazy or (404 in {status, came} and not of_a_run):
            raise Otherwise(Difference("status", status, came))
        self.passed = OF_A_CRON

    def _known(self, expected: Any, came: Any) -> tuple[Any, ...]:
        store, width_ms = self._sandbox.store, self._ground.width_ms
        return known(store, self.doubt, self._item, expected, came, width_ms=width_ms)

    def put_off_fires(self) -> None:
        """Let crons fire when their deliveries came, where that is free."""
        if self._ground.freedom.late:
            store, part = self._sandbox.store, self._ground.part
            late_ms = put_off(store, part, self.taken, self._ground.width_ms, self.doubt)
            self._ground.late_ms = max(self._ground.late_ms, late_ms)

    def _look(self) -> None:
        """Compare what a list says of the part's things with what they are like."""
        item, name = self._item, LISTS[self._item.operation]
        limits = {"page.default_limit": 10**9, "page.max_limit": 10**9}
        self._sandbox.store.answers.change(limits)
        ours = self._sandbox.call(item.operation, {}, facts=item.facts).result["items"]
        by_id = {record[name]: record for record in ours}
        keys = always()[item.operation]["items"]
        seen = set()
        for record in item.result.get("items", ()):
            theirs = record.get(name)
            mine = theirs if name == "queue" else self.matching.ids.get(theirs)
            if mine in by_id:
                seen.add(mine)
                expected, came = self._known(by_id[mine], record)
                found = self.matching.difference(expected, came, keys, f"items.{theirs}")
                if found is not None:
                    raise Otherwise(found._replace(thing=theirs))
                self._follow(by_id[mine], record, expected)
        whole = not item.arguments.keys() & {"cursor", "limit"} and "next_cursor" not in item.result
        bound = set(self.matching.ids.values())
        missing = [each for each in by_id if each not in seen and (name == "queue" or each in bound)]
        missing = [each for each in missing if not is_hazy_run(self._sandbox.store, self.doubt, each)]
        if whole and missing:
            raise Otherwise(Difference("items", missing[0], "nothing", missing[0]))

    def _hand_out(self) -> None:
        """Hand out what was handed out, in whatever order: Otherwise when it cannot be had."""
        item, store = self._item, self._sandbox.store
        queue = store.queues[item.arguments["queue"]]
        live = store.contents[queue.queue].live
        lease_ms = item.arguments.get("visibility_timeout_ms") or queue.visibility_timeout_default_ms
        for number, shown in enumerate(item.result.get("messages", ())):
            message = live.messages.get(self.matching.ids.get(shown.get("message_id"), ""))
            if message is None or message.place != "available":
                raise Otherwise(
                    Difference(f"messages.{number}", "a message that is available", shown.get("message_id"))
                )
            messages.hand_out(store, queue, message, lease_ms)
            keys = always()[item.operation]["messages"]
            found = self.matching.difference(messages.view(message), shown, keys, f"messages.{number}")
            if found is not None:
                raise Otherwise(found)

    def _ours(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        ids = self.matching.ids
        return {name: ids.get(value, value) if name in IDS else value for name, value in arguments.items()}

    def _outcome(self, attempt: Attempt) -> Outcome:
        """Return how an attempt ended, by the delivery that was recorded of it."""
        if ("url", attempt.url) in self.doubt.hazy:
            return Outcome(result="delivered", status=200)
        if not attempt.url.startswith(self._ground.part.receivers or ("\0",)):
            raise Unrecorded(attempt.url)
        now_ms, width_ms = self._sandbox.store.now_ms, self._ground.width_ms
        wrong: Difference | None = None
        for came in self._ground.part.came:
            on_time = now_ms - width_ms <= came.at_ms <= now_ms + width_ms + LATE_MS
            if came.number in self.taken or came.raw.url != attempt.url or not on_time:
                continue
            if came.raw.attempt not in {None, attempt.number}:
                continue
            wrong = self._unlike(attempt, came)
            if wrong is None:
                self.taken.add(came.number)
                status = came.raw.status
                if status is None:
                    raise Unrecorded(attempt.url)
                delivered = 200 <= status < 300
                error = None if delivered else f"HTTP {status}"
                return Outcome(result="delivered" if delivered else "failed", status=status, error=error)
        wrong = wrong or Difference("delivery", f"{attempt.url}, attempt {attempt.number}", "nothing")
        raise Otherwise(wrong._replace(thing=attempt.url))

    def _unlike(self, attempt: Attempt, came: Came) -> Difference | None:
        expected = {name.lower() for name in attempt.headers if name.lower() in SIGNS}
        signed = {name.lower() for name, _ in came.raw.headers if name.lower() in SIGNS}
        if expected != signed:
            return Difference("delivery.headers", ", ".join(sorted(expected)), ", ".join(sorted(signed)))
        body = came.raw.body
        try:
            theirs = json.loads(body) if isinstance(body, str | bytes) else None
        except ValueError:
            return Difference("delivery.body", "JSON", "another text")
        matching = Matching(self.matching.ids, self._ground.width_ms)
        found = _unlike_body(matching, json.loads(attempt.body), theirs)
        if found is None:
            self.matching = matching
        return found


def _page(expected: Any, came: Any) -> Any:
    """Return a list as long as the page of it that came."""
    if not isinstance(came, dict) or "next_cursor" not in came:
        return expected
    return {**expected, "items": expected["items"][: len(came["items"])]}


def _unlike_body(matching: Matching, expected: Any, came: Any) -> Difference | None:
    event = isinstance(expected, dict) and isinstance(came, dict) and expected.keys() == came.keys()
    if event:
        ids = [name for name in expected if name in IDS]
        if all(isinstance(came[name], str) and matching.bind(came[name], expected[name]) for name in ids):
            rest = [{k: v for k, v in each.items() if k not in {*ids, "scheduled_at"}} for each in (expected, came)]
            if rest[0] == rest[1]:
                return None
    return Difference("delivery.body", expected, came) if expected != came else None


def _class(status: int) -> int:
    """Return what refusals are compared by: that a request does not fit is 400, 413 or 422."""
    return 400 if status in {413, 422} else status


def _instants(ground: Ground, world: World, item: Item) -> Sequence[int]:
    """Return when a call may have been made: before and after what lies so near that nobody can tell."""
    half_ms = (ground.width_ms + 1) // 2
    low_ms, high_ms = item.low_ms - half_ms, item.high_ms + half_ms
    now_ms = world.now_ms
    critical = set(_critical(world, item, low_ms, high_ms))
    usual = max((item.low_ms + item.high_ms) // 2, now_ms)
    if not critical:
        return [usual]
    if len(critical) > MOST_CRITICAL:
        raise TooMany
    return sorted({max(now_ms, near) for at_ms in critical for near in (at_ms - 1, at_ms)})


def _critical(world: World, item: Item, low_ms: int, high_ms: int) -> Iterator[int]:
    yield from (due_ms for due_ms in world.due_ms if low_ms < due_ms <= high_ms)
    if item.operation in AIMS:
        unit_ms = SECOND_MS if len(str(item.arguments.get("cron_expr", "")).split()) == 6 else MINUTE_MS
        first_ms = -(-low_ms // unit_ms) * unit_ms
        yield from range(first_ms, high_ms + 1, unit_ms)
    run_at_ms = item.arguments.get("run_at_ms")
    if isinstance(run_at_ms, int) and low_ms <= run_at_ms < high_ms:
        yield run_at_ms + 1
