"""What one sandbox holds: its records by id, what is due, what happened, and the indexes derived from them.

Data that the domain works on, made from a `State` and giving one back. It knows no operation, no event and no command:
who is given a store can neither let time pass nor write the log.
"""

from collections import OrderedDict, deque
from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from typing import Any, TypeVar

from msgspec import UNSET
from msgspec.structs import replace

from . import ids, paging, signing, urls
from .assumptions import Answers
from .contents import Contents
from .errors import InvalidRequest
from .journal import Journal
from .kept import KEEP_BYTES, KEEP_ENTRIES
from .paging import PagedIndex
from .records import Delivery, Message, Settings, State
from .timeline import Entry, Kind, Timeline

T = TypeVar("T")


class Store:
    """The records of one sandbox, and what is derived from them.

    `note` is what the request under way has to say in its journal entry; `signing_now_ms` stands for `now_ms` in
    signatures where it is given; `salt` tells the cursors of this sandbox from those of another; `untidy` that
    more is to be dropped than one request does by itself. None of them is part of the state.
    """

    salt: str = ""
    untidy: bool = False
    note: str | None = None
    signing_now_ms: int | None = None

    def __init__(self, state: State, *, keep_bytes: int = KEEP_BYTES, keep_entries: int = KEEP_ENTRIES) -> None:
        self.settings = state.settings
        self.now_ms = state.now_ms
        self.mode, self.speed = state.mode, state.speed
        self.fired = state.fired
        self.ids = ids.Ids(state.counters)
        alike = state.answers == state.settings.answers  # and are kept once: most of an idle sandbox is its answers
        self.answers = Answers(state.settings.answers if alike else state.answers)
        self.balance_usd = state.balance_usd
        self.prices = state.settings.prices or {}
        self.spent = dict(state.spent or {})
        self.routes, self.targets, self.faults = state.routes, state.targets, state.faults
        self.routes_used = state.routes_used  # how many attempts each has led elsewhere
        self.crons = {cron.cron_id: cron for cron in state.crons}
        self.tasks = {task.task_id: task for task in state.tasks}
        self.runs = {run.run_id: run for run in state.runs}
        self.queues = {queue.queue: queue for queue in state.queues}
        self.contents = {queue.queue: Contents() for queue in state.queues}
        self.deliveries = {each.delivery_id: each for each in state.deliveries if each.kind != "push"}
        self._fill(state)
        self.attempts = {attempt.attempt_id: attempt for attempt in state.attempts}
        self.retention_entries = state.retention_entries
        self.remembered = OrderedDict((call.scope, call) for call in state.remembered)
        self.timeline = Timeline(state.timeline, state.next_entry)
        self.journal = Journal(
            state.requests,
            state.delivered,
            seq=state.journal_seq,
            dropped_requests=state.dropped_requests,
            dropped_deliveries=state.dropped_deliveries,
            keep_bytes=keep_bytes,
            keep_entries=keep_entries,
        )
        self.cron_index = PagedIndex((cron.number, cron.cron_id) for cron in state.crons)
        self.run_index = PagedIndex((run.number, run.run_id) for run in state.runs)
        self.queue_index = PagedIndex((queue.number, queue.queue) for queue in state.queues)
        self.histories: dict[str, deque[str]] = {}  # finished runs, by the name of their history
        self.let_go: tuple[Any, ...] = ()  # containers of what the call under way has let go

    def state(self) -> State:
        """Return all of it as one record; what that refers to is the store's own."""
        return State(
            settings=self.settings,
            now_ms=self.now_ms,
            mode=self.mode,
            speed=self.speed,
            fired=self.fired,
            counters=self.ids.counters,
            answers=self.answers.values,
            balance_usd=self.balance_usd,
            spent=dict(self.spent) or UNSET,
            routes=self.routes,
            routes_used=self.routes_used,
            targets=self.targets,
            faults=self.faults,
            crons=list(self.crons.values()),
            tasks=list(self.tasks.values()),
            runs=list(self.runs.values()),
            queues=list(self.queues.values()),
            messages=list(self.messages.values()),
            deliveries=[*self.deliveries.values(), *self._pushes()],
            attempts=list(self.attempts.values()),
            retention_entries=self.retention_entries,
            remembered=list(self.remembered.values()),
            timeline=self.timeline.listed(),
            next_entry=self.timeline.next_seq,
            requests=list(self.journal.requests),
            delivered=list(self.journal.deliveries),
            journal_seq=self.journal.seq,
            dropped_requests=self.journal.dropped_requests,
            dropped_deliveries=self.journal.dropped_deliveries,
        )

    @property
    def untouched(self) -> bool:
        """Whether nothing has happened yet: no request, no event, nothing due."""
        return not (self.journal.seq or self.fired or len(self.timeline))

    @property
    def messages(self) -> dict[str, Message]:
        """All messages by id, queue by queue, gathered from the queues that hold them."""
        shelves = (shelf for contents in self.contents.values() for shelf in (contents.live, contents.kept))
        return {message_id: message for shelf in shelves for message_id, message in shelf.messages.items()}

    def find_message(self, message_id: str, *, likely: str) -> Message | None:
        """Return a message, whichever queue holds it; the `likely` one is asked first."""
        asked = [self.contents[likely]] if likely in self.contents else []
        found = (contents.find(message_id) for contents in chain(asked, self.contents.values()))
        return next((message for message in found if message is not None), None)

    def dead_letters(self, queue: str) -> list[PagedIndex[Message]]:
        """Return the lists of dead letters that came from a queue or are held by it."""
        own = self.contents[queue]
        if not (own.holders or own.live.dead or own.kept.dead):
            return []
        found = [*own.live.dead.values(), *own.kept.dead.values()]
        for holder in own.holders:
            if holder != queue and holder in self.contents:
                shelves = (self.contents[holder].live, self.contents[holder].kept)
                found += [shelf.dead[queue] for shelf in shelves if queue in shelf.dead]
        return found

    def list_dead(self, message: Message) -> None:
        """List a dead letter under the names of its origin and of the queue that holds it."""
        self.contents[message.queue].shelf_of(message).list_dead(message)
        self.contents[message.origin].holders[message.queue] = None

    def containers(self) -> list[Any]:
        """Return what holds most of all this, to be freed in slices once the store is let go."""
        return [
            *(held for contents in self.contents.values() for held in contents.containers()),
            *self.timeline.containers(),
            *(self.crons, self.tasks, self.runs, self.deliveries, self.attempts, self.remembered),
            *(self.journal.requests, self.journal.deliveries, *self.histories.values()),
        ]

    def the_rest(self, happening: Entry | None, kind: Kind, subject: str) -> int:
        """Return the number of the housekeeping entry that drops what is still to be dropped.

        It is the one that is `happening`, before all else; without one, `untidy` tells the edge to let it happen.
        """
        if happening is not None:
            return self.timeline.again(happening)
        self.untidy = True
        return self.timeline.schedule(self.now_ms, kind, subject)

    def replace_routes(self, routes: dict[str, str]) -> None:
        """Replace the routes; one that stays as it was keeps its count."""
        same = {source for source in routes if self.routes.get(source) == routes[source]}
        self.routes_used = {source: used for source, used in self.routes_used.items() if source in same}
        self.routes = routes

    def check_url(self, url: str, *, parameter: str, push: bool = False) -> None:
        """Refuse a URL that no delivery may lead to; an explicit route exempts from the address rules."""
        routed = urls.route(url, self.routes) is not None
        urls.check_target(url, parameter=parameter, push=push, strict=self.settings.strict_urls, routed=routed)

    def check_secret(self, secret: str | None) -> None:
        """Refuse a secret that the scheme in force (assumption `signature.scheme`) cannot sign with."""
        if secret is None or not secret.startswith(signing.WEBHOOK_PREFIX):
            return
        if self.answers.ask("signature.scheme") == "standard-webhooks":
            try:
                signing.webhook_key(secret)
            except ValueError as error:
                raise InvalidRequest(str(error), parameter="secret") from None

    def page(
        self,
        name: str,
        indexes: Sequence[PagedIndex[T]],
        view: Callable[[T], dict[str, Any]],
        *,
        cursor: str | None,
        limit: int | None,
        newest_first: bool = False,
    ) -> dict[str, Any]:
        """Return one page of a list: `items`, and `next_cursor` when there is more.

        `limit` None stands for `page.default_limit`, 0 for all.
        """
        owner = f"{self.settings.seed}.{self.salt}" if self.salt else str(self.settings.seed)
        after = None if cursor is None else paging.unseal(owner, name, cursor)
        if limit is None:
            limit = self.answers.constant("page.default_limit")
        most = min(limit, self.answers.constant("page.max_limit")) if limit else None
        found, last = paging.page(indexes, after, most, newest_first=newest_first)
        page: dict[str, Any] = {"items": [view(item) for item in found]}
        if last is not None:
            page["next_cursor"] = paging.seal(owner, name, last)
        return page

    def _fill(self, state: State) -> None:
        """Give each queue its messages, in order of arrival, and its pushes."""
        for message in sorted(state.messages, key=lambda message: message.arrival):
            contents = self.contents[message.queue]
            shelf = contents.shelf_of(message)
            shelf.messages[message.message_id] = message
            if message.died_ms is not None:
                self.list_dead(message)
        queues = {message.message_id: message.queue for message in state.messages if message.delivery_id is not None}
        for delivery in state.deliveries:
            if delivery.kind == "push":
                self.contents[queues[delivery.owner_id]].live.deliveries[delivery.delivery_id] = delivery
        for attempt in state.attempts:
            if attempt.queue in self.contents:
                self.contents[attempt.queue].pushing += 1

    def _pushes(self) -> Iterator[Delivery]:
        for contents in self.contents.values():
            yield from contents.live.deliveries.values()


def fresh(settings: Settings) -> State:
    """Return the state of a sandbox in which nothing has happened yet. Answers and routes are those of the settings."""
    settings = replace(settings, speed=float(settings.speed))  # as it comes back from a document
    return State(
        settings=settings,
        now_ms=settings.start_ms,
        mode=settings.mode,
        speed=settings.speed,
        answers=settings.answers,
        routes=settings.routes,
    )
