"""The command log of one sandbox: what is kept of its commands, and who hears of each.

A command is in the log before it takes effect. A poll is long work: where another command comes between, it is kept as
what it has done so far, so its place in the log is written over then, and who listens hears of it at its end only.
What is kept is bounded; what is heard is not.
"""

from collections.abc import Mapping
from typing import Any, Protocol

from . import kept
from .beginning import Beginning
from .kept import Command
from .records import DeliveryEntry

COMMANDS_KEPT = 10_000


class Listener(Protocol):
    """Who hears of a sandbox: each command, then the delivery attempts that have ended by it."""

    def command(self, method: str, arguments: Mapping[str, Any]) -> object:
        """Hear of a command that is known in full, which takes effect now, or, a poll, has taken effect."""

    def delivered(self, entry: DeliveryEntry) -> object:
        """Hear of a delivery attempt that has ended."""


class OpenPoll:
    """A poll under way: its place in the log (None: the log is full), and how many events had happened before it."""

    def __init__(self, place: int | None, fired: int, arguments: Mapping[str, Any]) -> None:
        self.place = place
        self.fired = fired
        self.arguments = arguments
        self.delivered: list[DeliveryEntry] = []


class CommandLog:
    """The commands since a beginning. `complete` says whether all are kept; `base` is None where not even that is."""

    __slots__ = ("_bound", "_bytes", "base", "commands", "complete", "listener", "under_way")

    def __init__(self, base: Beginning, *, base_bytes: int, bound_bytes: int, listener: Listener | None) -> None:
        self.complete = base_bytes <= bound_bytes
        self.base = base if self.complete else None
        self.commands: list[Command] = []
        self.listener = listener
        self.under_way: OpenPoll | None = None
        self._bytes = base_bytes
        self._bound = bound_bytes

    def keep(self, method: str, arguments: dict[str, Any], weight: int | None = None) -> None:
        """Keep a command, unless the log has ended: it ends at the first command that is too much, so has no gap."""
        self._add(method, arguments, weight)
        self.tell(method, arguments)

    def tell(self, method: str, arguments: Mapping[str, Any]) -> None:
        """Let who listens hear of a command: of one with which the log begins anew, without keeping it."""
        if self.listener is not None:
            self.listener.command(method, arguments)

    def open_poll(self, fired: int, arguments: dict[str, Any]) -> OpenPoll:
        """Keep a poll that begins."""
        self._add("poll", arguments)
        self.under_way = OpenPoll(len(self.commands) - 1 if self.complete else None, fired, arguments)
        return self.under_way

    def cut_poll(self, poll: OpenPoll, fired: int, chores: int) -> None:
        """Let the poll under way be one that ends here: with the events, and chores, that it has made happen so far."""
        more = {"chores": chores} if chores else {}
        poll.arguments = {**poll.arguments, "max_events": fired - poll.fired, **more}
        if poll.place is not None:
            self.commands[poll.place] = Command("poll", dict(poll.arguments))
        self.close_poll()

    def close_poll(self) -> None:
        """Take notice that the poll under way has ended."""
        poll, self.under_way = self.under_way, None
        if poll is not None and self.listener is not None:
            self.listener.command("poll", poll.arguments)
            for entry in poll.delivered:
                self.listener.delivered(entry)

    def delivered(self, entry: DeliveryEntry) -> None:
        """Take notice of a delivery attempt that has ended, for who listens."""
        if self.under_way is not None:
            self.under_way.delivered.append(entry)
        elif self.listener is not None:
            self.listener.delivered(entry)

    def _add(self, method: str, arguments: dict[str, Any], weight: int | None = None) -> None:
        if not self.complete:
            return
        self._bytes += kept.of_values(arguments) if weight is None else weight
        if len(self.commands) < COMMANDS_KEPT and self._bytes <= self._bound:
            self.commands.append(Command(method, arguments))
        else:
            self.complete = False
