"""One exchange in one world: time passes to it, attempts end as recorded, the call is made, the result is compared.

What is asked on the way and is not decided is tried under each answer that is left: the leaves of one step.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from sched_emulator.core.assumptions import Answers
from sched_emulator.core.errors import SchedulingError

from . import adopt
from .deliveries import none_left, outcome
from .doubt import Doubt, is_hazy_run, known
from .fields import IDS, Difference, Otherwise
from .hazy import OF_A_CRON, differs, handed_out, taken
from .held import Held, Standing, next_due
from .late import put_off
from .parts import Part
from .read import Item
from .wording import LISTS, always
from .worlds import Box, World, allows, behaviours, firsts, left

MOST_CRITICAL = 3  # instants near an exchange that are tried before and after
MOST_LEAVES = 256
MINUTE_MS, SECOND_MS = 60_000, 1000
AIMS = frozenset(f"scheduling.cron.{name}" for name in ("create", "update", "resume"))
COUNTS = ("available", "in_flight", "dlq", "oldest_age_seconds")


class TooMany(Exception):
    """A bound was hit: what follows would prove nothing."""


class Leaf(NamedTuple):
    """What became of one way through a step: the world after it, or the difference; and the answers on the way.

    `reached` says how far it led: by the deliveries that came as expected before a difference, and by what differs.
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
    usual_ms, instants = _instants(ground, world, item)
    ways = [
        _Way(now_ms, abs(now_ms - usual_ms), done, apart)
        for now_ms in instants
        for done in ((True, False) if item.status is None else (True,))
    ]
    if len(ways) > 1:
        world.held.keep()
    for way in ways:
        found += _under_all_answers(ground, world, item, way)
        if len(found) > MOST_LEAVES:
            raise TooMany
    return found


class _Way(NamedTuple):
    """How an exchange may have been performed: when, how far off the middle of its interval, and whether it was.

    `answers` are those that are in force.
    """

    now_ms: int
    strain_ms: int
    done: bool
    apart: bool
    answers: Mapping[str, str | int] = {}


def _under_all_answers(ground: Ground, world: World, item: Item, way: _Way) -> list[Leaf]:
    waiting: list[dict[str, str]] = [{}]
    found: list[Leaf] = []
    while waiting:
        decided = waiting.pop()
        boxes = [box for box in world.boxes if allows(box, decided)]
        usual = {**firsts(), **{name: min(answers) for name, answers in boxes[0].items()}, **decided}
        standing = world.held.standing()
        leaf = _played(ground, standing, world, item, way._replace(answers={**ground.constants, **usual}))
        for name in standing.sandbox.store.answers.take_asked():
            ground.asked.setdefault(name, item.number)
            if name in decided or name not in behaviours():
                continue
            others = frozenset[str]().union(*(left(box, name) for box in boxes)) - {usual[name]}
            waiting += [{**decided, name: other} for other in sorted(others)]
            decided[name] = usual[name]
            boxes = [box for box in boxes if usual[name] in left(box, name)]
        found.append(_after(leaf, boxes, decided))
        if len(found) + len(waiting) > MOST_LEAVES:
            raise TooMany
    return found


def _after(leaf: Leaf, boxes: Sequence[Box], decided: Mapping[str, str]) -> Leaf:
    if leaf.world is None:
        return leaf._replace(answers=decided)
    left_over = tuple({**box, **{name: frozenset({answer}) for name, answer in decided.items()}} for box in boxes)
    return leaf._replace(world=replace(leaf.world, boxes=left_over), answers=decided)


def _played(ground: Ground, standing: Standing, world: World, item: Item, way: _Way) -> Leaf:
    def again(standing: Standing) -> "_Play":
        standing.sandbox.store.answers = Answers(dict(way.answers))
        play = _Play(ground, standing, item, world.doubt)
        play.pass_time(way.now_ms)
        if way.done:
            play.call(apart=way.apart)
            play.put_off_fires()
        return play

    try:
        play = again(standing)
    except Otherwise as other:
        return Leaf(None, other.difference, {}, 3 * len(standing.taken) + _reached(other.difference))
    now_ms, strain_ms = standing.sandbox.store.now_ms, max(world.strain_ms, way.strain_ms)
    held = Held(standing, world.held, again)
    after = World(held, (), now_ms, next_due(standing), strain_ms, play.doubt, play.passed)
    return Leaf(after, None, {})


def _reached(difference: Difference) -> int:
    """Return how much of an exchange came as expected: nothing before the call, not even whether it was refused."""
    return 0 if difference.field.startswith("delivery") else 1 if difference.field == "status" else 2


class _Play:
    """One way through a step."""

    def __init__(self, ground: Ground, standing: Standing, item: Item, doubt: Doubt) -> None:
        self._ground, self._item, self._standing = ground, item, standing
        self._sandbox, self.matching, self.taken = standing
        self.doubt, self.passed = doubt, ""

    def pass_time(self, now_ms: int) -> None:
        """Let time pass; Otherwise when a delivery that came is not made, or one that is made did not come."""
        width_ms, before_ms = self._ground.width_ms, self._sandbox.store.now_ms
        self.put_off_fires()
        while (attempt := self._sandbox.poll(now_ms)) is not None:
            ended = outcome(self._ground.part, self._standing, attempt, self.doubt, width_ms)
            self._sandbox.settle(attempt.attempt_id, ended)
            self.put_off_fires()
        none_left(self._ground.part, self.taken, self.doubt, before_ms - width_ms, now_ms - width_ms)

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
                expected, came = self._known(by_id[mine], self._begun(by_id[mine], record))
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

    def _begun(self, ours: Mapping[str, Any], theirs: dict[str, Any]) -> dict[str, Any]:
        """Return a record of a list; where fires may come late, a run that waited may have begun before ours did."""
        begun_ms = theirs.get("started_at")
        run = self._sandbox.store.runs.get(ours.get("run_id", ""))
        if not self._ground.freedom.late or run is None or begun_ms is None or "started_at" not in ours:
            return theirs
        return {**theirs, "started_at": max(begun_ms, ours["started_at"])} if begun_ms >= run.scheduled_ms else theirs

    def _hand_out(self) -> None:
        """Hand out what was handed out, in whatever order: Otherwise when it cannot be had."""
        item, store = self._item, self._sandbox.store
        queue = store.queues[item.arguments["queue"]]
        live = store.contents[queue.queue].live
        for number, shown in enumerate(item.result.get("messages", ())):
            message = live.messages.get(self.matching.ids.get(shown.get("message_id"), ""))
            if message is None or message.place != "available":
                raise Otherwise(
                    Difference(f"messages.{number}", "a message that is available", shown.get("message_id"))
                )
            differs(self.matching, item, number, handed_out(store, item, queue, message), shown)

    def _ours(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        ids = self.matching.ids
        return {name: ids.get(value, value) if name in IDS else value for name, value in arguments.items()}


def _page(expected: Any, came: Any) -> Any:
    """Return a list as long as the page of it that came."""
    if not isinstance(came, dict) or "next_cursor" not in came:
        return expected
    return {**expected, "items": expected["items"][: len(came["items"])]}


def _class(status: int) -> int:
    """Return what refusals are compared by: that a request does not fit is 400, 413 or 422."""
    return 400 if status in {413, 422} else status


def _instants(ground: Ground, world: World, item: Item) -> tuple[int, Sequence[int]]:
    """Return when a call was most likely made, and when it may have been.

    Before and after what lies so near that nobody can tell.
    """
    half_ms = (ground.width_ms + 1) // 2
    low_ms, high_ms = item.low_ms - half_ms, item.high_ms + half_ms
    now_ms = world.now_ms
    critical = set(_critical(world, item, low_ms, high_ms))
    usual_ms = max((item.low_ms + item.high_ms) // 2, now_ms)
    if not critical:
        return usual_ms, [usual_ms]
    if len(critical) > MOST_CRITICAL:
        raise TooMany
    near = {max(now_ms, near) for at_ms in critical for near in (at_ms - 1, at_ms)}
    return usual_ms, sorted({usual_ms, *near})


def _critical(world: World, item: Item, low_ms: int, high_ms: int) -> Iterator[int]:
    yield from (due_ms for due_ms in world.due_ms if low_ms < due_ms <= high_ms)
    if item.operation in AIMS:
        unit_ms = SECOND_MS if len(str(item.arguments.get("cron_expr", "")).split()) == 6 else MINUTE_MS
        first_ms = -(-low_ms // unit_ms) * unit_ms
        yield from range(first_ms, high_ms + 1, unit_ms)
    run_at_ms = item.arguments.get("run_at_ms")
    if isinstance(run_at_ms, int) and low_ms <= run_at_ms < high_ms:
        yield run_at_ms + 1
