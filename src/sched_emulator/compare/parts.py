"""Which exchanges belong together: those that concern the same queues, crons, tasks, receivers or keys.

Each part is replayed by itself, in a sandbox of its own. A queue is known from its beginning where the recording shows
that it was not there before: a whole list without it, a 404, its end. Else nobody can tell what was in it: see `doubt`.
"""

from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from .asked import triggered
from .chains import Chains
from .lists import kept, named, whole
from .read import UNREAD, Came, Item, Traffic
from .wording import LISTS

QUEUE_404 = frozenset(
    f"scheduling.queue.{name}"
    for name in ("get", "update", "delete", "purge", "stats", "consume", "publish", "publish_batch", "dlq.list")
)
Key = tuple[Any, ...]
Thing = tuple[str, str]  # "queue" and its name, "cron" and the target's id of it, "url" and where deliveries go


@dataclass
class Part:
    """What is replayed together, with lists of the account that show something of it.

    `came` are the deliveries that may be its own, by their instants. `unjudged` says why nothing of it can be judged,
    `unseen` why some things of it cannot, until an answer shows them. `tried` counts the ways that were tried through
    its steps. `alike`: numbers of the lists that one stands for, because they show the same.
    """

    items: list[Item] = field(default_factory=list)
    came: list[Came] = field(default_factory=list)
    receivers: tuple[str, ...] = ()
    unjudged: str = ""
    unseen: dict[Thing, str] = field(default_factory=dict)
    tried: int = 0
    alike: dict[int, list[int]] = field(default_factory=dict)

    @cached_property
    def width_ms(self) -> int:
        """The longest time within which an exchange of the part was performed."""
        return max((item.high_ms - item.low_ms for item in self.items), default=0)

    def came_between(self, low_ms: int, high_ms: int) -> list[Came]:
        """Return the deliveries that came within two instants, both included."""
        return self.came[bisect_left(self._came_ms, low_ms) : bisect_right(self._came_ms, high_ms)]

    @cached_property
    def triggered(self) -> frozenset[int]:
        """The numbers of the deliveries that were asked for: no fire of a cron."""
        return triggered(self.items, self.came)

    @cached_property
    def _came_ms(self) -> list[int]:
        return [came.at_ms for came in self.came]

    @cached_property
    def chains(self) -> Chains:
        """Which exchanges ran side by side."""
        return Chains(self.items)


def of_these(part: Part, items: list[Item]) -> Part:
    """Return the part with these exchanges alone, and the deliveries that they may have led to."""
    urls = {url for item in items for url in urls_of(item)}
    return Part(items, [came for came in part.came if came.raw.url in urls], part.receivers, unseen=part.unseen)


class _Sets:
    """Union-find over keys."""

    def __init__(self) -> None:
        self._parent: dict[Key, Key] = {}

    def find(self, key: Key) -> Key:
        """Return the key that stands for all that belong together with this one."""
        parent = self._parent.setdefault(key, key)
        while parent != self._parent[parent]:
            self._parent[parent] = parent = self._parent[self._parent[parent]]
        return parent

    def join(self, keys: list[Key]) -> None:
        """Let all these belong together."""
        for key in keys[1:]:
            self._parent[self.find(key)] = self.find(keys[0])


def split(traffic: Traffic) -> list[Part]:
    """Return the parts, in the order of their first exchanges; what belongs to none is in no part."""
    sets, keys_of, unknown = _Sets(), {}, _Unknown()
    lists: list[Item] = []
    for item in in_order(traffic.items):
        lost = item.status is None and item.passed not in UNREAD  # and may have been done
        if not item.operation or (item.passed and not lost and not item.doubt):
            continue
        if item.operation in LISTS or item.doubt:
            lists.append(item)
            unknown.listed(item)
            continue
        keys = unknown.seen(item)
        if keys:
            sets.join(keys)
            keys_of[item.number] = keys[0]
    parts: dict[Key, Part] = {}
    for item in in_order(traffic.items):
        if item.number in keys_of:
            part = parts.setdefault(sets.find(keys_of[item.number]), Part())
            part.items.append(item)
            part.receivers = traffic.receivers[item.account[0]]
    for key, why in unknown.why.items():
        parts[sets.find(key)].unjudged = why
    for key, (thing, why) in unknown.unseen.items():
        parts[sets.find(key)].unseen[thing] = why
    for part in parts.values():
        _complete(part, lists, traffic)
    _show_the_rest(list(parts.values()), lists)
    return sorted(parts.values(), key=lambda part: part.items[0].number)


def _complete(part: Part, lists: list[Item], traffic: Traffic) -> None:
    """Give a part what was listed of its account, and the deliveries that may be its own."""
    [account] = {item.account for item in part.items}
    views = [view for view in lists if view.account == account and (view.succeeded or view.doubt)]
    urls = {url for item in part.items for url in urls_of(item)}
    came = (came for came in traffic.came if came.raw.url in urls and came.recording == account[0])
    part.came = sorted(came, key=lambda came: (came.at_ms, came.number))
    own = {item.number for item in (*part.items, *(view for view in views if view.doubt))}
    names = named(part.items, part.came)
    part.items, part.alike = kept(in_order([*part.items, *views]), own, names)


def _show_the_rest(parts: list[Part], lists: list[Item]) -> None:
    """Give the lists that show nothing of any part to the first one of their account."""
    shown = {
        number for part in parts for item in part.items for number in (item.number, *part.alike.get(item.number, ()))
    }
    first: dict[Key, Part] = {}
    for part in sorted(parts, key=lambda part: part.unjudged != ""):
        first.setdefault(part.items[0].account, part)
    rest: dict[Key, list[Item]] = {}
    for view in lists:
        if view.succeeded and view.number not in shown and view.account in first:
            rest.setdefault(view.account, []).append(view)
    for account, views in rest.items():
        first[account].items = in_order([*first[account].items, *views])


def _order(item: Item) -> tuple[int, int]:
    return item.high_ms, item.number


def in_order(items: list[Item]) -> list[Item]:
    """Return exchanges in the order of their answers; what made a thing comes before what shows it."""
    makers: dict[str, Item] = {}
    for item in items:
        if item.operation in {"scheduling.queue.publish", "scheduling.queue.publish_batch"} and item.result is not None:
            for message_id in item.result.get("message_ids", [item.result.get("message_id")]):
                makers.setdefault(message_id, item)
    done: set[int] = set()
    found: list[Item] = []
    for item in sorted(items, key=_order):
        shown = item.result.get("messages", ()) if item.operation == "scheduling.queue.consume" and item.result else ()
        for message in shown:
            maker = makers.get(message.get("message_id"))
            if maker is not None and maker.number not in done and maker.low_ms <= item.high_ms:
                done.add(maker.number)
                found.append(maker)
        if item.number not in done:
            done.add(item.number)
            found.append(item)
    return found


class _Unknown:
    """What is known of each thing as exchanges go by: which life of a queue it is, and whether its past is known."""

    def __init__(self) -> None:
        self.why: dict[Key, str] = {}
        self.unseen: dict[Key, tuple[Thing, str]] = {}
        self._lives: dict[Key, int] = {}
        self._absent: set[Key] = set()
        self._listed: dict[Key, set[str]] = {}  # the queues that there were when all were listed
        self._made: set[Key] = set()
        self._cron_names: dict[Key, set[str]] = {}  # of the crons that there were when all were listed

    def listed(self, item: Item) -> None:
        """Take what a list shows: queues and crons that are not in a whole one are not there."""
        if item.operation == "scheduling.cron.list" and whole(item) and item.account not in self._cron_names:
            self._cron_names[item.account] = {cron.get("name") for cron in item.result["items"]}
        if item.operation == "scheduling.queue.list" and whole(item) and item.account not in self._listed:
            self._listed[item.account] = {queue.get("queue") for queue in item.result["items"]}

    def seen(self, item: Item) -> list[Key]:
        """Return the keys of an exchange."""
        arguments, result = item.arguments, item.result or {}
        account = item.account
        keys: list[Key] = []
        named = dict.fromkeys(
            [arguments.get("queue"), arguments.get("dead_letter_queue"), result.get("dead_letter_queue")]
        )
        keys += [self._queue(item, name) for name in named if isinstance(name, str)]
        for name in ("cron_id", "task_id"):
            given = arguments.get(name, result.get(name))
            if given is not None:
                keys.append((account, name, given))
        if item.operation == "scheduling.cron.create" and item.status == 409:
            names = self._cron_names.get(account)
            if names is None or arguments.get("name") in names:
                alone: Key = (account, "alone", item.number)
                self.why[alone] = "nothing shows that no cron of that name was there before"
                return [alone]
        if item.operation == "scheduling.cron.create":
            self._made.update(keys)
            keys.append((account, "name", arguments.get("name", ("none", item.number))))
        elif "cron_id" in arguments and keys[0] not in self._made and item.status != 404:
            self.unseen[keys[0]] = ("cron", arguments["cron_id"]), "the cron was made before the recording began"
        keys += [(account, "url", url) for url in (_url(arguments), _url(result)) if url is not None]
        if item.key is not None:
            keys.append((account, "key", item.operation, item.key))
        return keys or [(account, "alone", item.number)]

    def _queue(self, item: Item, name: str) -> Key:
        thing = (item.account, "queue", name)
        key = (*thing, self._lives.get(thing, 0))
        listed = self._listed.get(item.account)
        known = thing in self._absent or (listed is not None and name not in listed)
        if item.status == 404 and item.operation in QUEUE_404 and item.arguments.get("queue") == name:
            self._absent.add(thing)
        elif not known and key not in self.unseen:
            self.unseen[key] = ("queue", name), f"nothing shows that the queue {name} was not there before"
        if item.operation == "scheduling.queue.delete" and item.succeeded:
            self._lives[thing] = self._lives.get(thing, 0) + 1
            self._absent.add(thing)
        return key


def urls_of(item: Item) -> set[str]:
    """Return the receivers that an exchange names."""
    return {url for url in (_url(item.arguments), _url(item.result or {})) if url is not None}


def _url(arguments: dict[str, Any]) -> str | None:
    url = arguments.get("task", arguments.get("url"))
    return url if isinstance(url, str) else None
