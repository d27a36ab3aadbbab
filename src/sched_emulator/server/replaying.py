"""Plays an emulator's own recording again, and says what comes out otherwise.

Pure: a sandbox for each account, given the commands and requests of the file in their order. What comes of each is
compared with what was recorded, byte for byte, but for secrets, which stand in the file as hashes of their form, and
for what is signed with them.
"""

import json
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from msgspec.structs import replace as replace_record
from multidict import CIMultiDict

from sched_emulator.core.errors import SchedulingError
from sched_emulator.core.kept import KEEP_BYTES, KEEP_ENTRIES
from sched_emulator.core.kept import Command as CoreCommand
from sched_emulator.core.records import DeliveryEntry, State
from sched_emulator.core.records import Exchange as Journaled
from sched_emulator.core.replay import apply
from sched_emulator.core.sandbox import Sandbox
from sched_emulator.core.signing import SIGNATURE, WEBHOOK_SIGNATURE
from sched_emulator.recording.lines import BASE, Body, Command, Delivery, Entry, Exchange, Headers, LeftOut
from sched_emulator.recording.masks import Forms

from . import exchange, recorded
from .binding import bind
from .exchange import Answered, Received

SIGNATURES = frozenset({SIGNATURE.lower(), WEBHOOK_SIGNATURE.lower()})
_FORMS = Forms()


class PlayError(ValueError):
    """An entry that cannot be played; the message is a sentence without a subject: the line is."""


@dataclass(frozen=True, slots=True)
class Difference:
    """What came out otherwise: an exchange or a delivery as it was recorded, as it was played; None: there was none.

    `fields` names what of it differs. `entry` is the line at which that was noticed.
    """

    entry: Entry
    recorded: Exchange | Delivery | None
    played: Exchange | Delivery | None
    fields: tuple[str, ...] = ()


class GoneOn(NamedTuple):
    """A sandbox that a server goes on with: its key, its state, and what bounds it."""

    key: str
    state: State
    salt: str
    keep_bytes: int
    keep_entries: int


class Played:
    """The sandbox of one account, as far as it has been played. `ended` are attempts not yet found in the file."""

    def __init__(self, sandbox: Sandbox, key: str | None) -> None:
        self.sandbox = sandbox
        self.key = key
        self.ended: deque[DeliveryEntry] = deque()
        sandbox.listen(self)
        self.rebind()

    def rebind(self) -> None:
        """Take the binding that the sandbox's answers ask for."""
        self.binding = bind(self.sandbox.store.answers.values)

    def command(self, method: str, arguments: Mapping[str, Any]) -> None:
        """Pass over the commands: they are those that are played."""

    def delivered(self, entry: DeliveryEntry) -> None:
        """Take note of an attempt that has ended."""
        self.ended.append(entry)


class Replay:
    """Plays the entries of a recording one by one. `compared` and `passed_over` count exchanges.

    Passed over are those that concern no sandbox, and those of accounts that have no beginning in the file.
    """

    def __init__(self) -> None:
        self.sandboxes: dict[int, Played] = {}
        self.begun = False  # whether there was a beginning at all
        self.compared = self.passed_over = self.deliveries = 0

    def play(self, entry: Entry) -> Difference | None:
        """Play an entry and return what came out otherwise, if anything. PlayError when it cannot be played."""
        if isinstance(entry, Delivery):
            return self._delivery(entry)
        played = None if entry.account is None else self.sandboxes.get(entry.account)
        if played is not None and played.ended:
            return Difference(entry, None, recorded.delivery(played.ended[0]))
        if isinstance(entry, Command):
            self._command(entry, played)
            return None
        if played is None or entry.journal is None:
            self.passed_over += 1
            return None
        return self._exchange(entry, played, entry.journal)

    def _command(self, entry: Command, played: Played | None) -> None:
        account = entry.account
        if account is None:
            raise PlayError(f"has the command {entry.command[:40]!r} of no account; expected a number")
        if entry.command == BASE:
            self.sandboxes[account] = _begun(entry)
            self.begun = True
            return
        if entry.command not in recorded.COMMANDS:
            raise PlayError(f"has the command {entry.command[:40]!r}, which this version does not know")
        if played is None:
            raise PlayError(f"has a command of account {account}, whose beginning is not in the file")
        if entry.command == recorded.FORGET:
            del self.sandboxes[account]
            return
        try:
            apply(played.sandbox, CoreCommand(entry.command, recorded.arguments_in(entry.command, entry.arguments)))
        except TypeError:
            raise PlayError(f"cannot be played: its arguments are none of {entry.command}") from None
        except ValueError as error:
            raise PlayError(f"cannot be played: {error}") from None
        if entry.command in {"set_assumptions", "reset", "restore"}:
            played.rebind()

    def _exchange(self, entry: Exchange, played: Played, journal: Mapping[str, Any]) -> Difference | None:
        if isinstance(entry.body, LeftOut):
            raise PlayError(f"cannot be played: its body was left out, because {entry.body.why}")
        raw = entry.body.encode(errors="surrogatepass") if isinstance(entry.body, str) else entry.body
        received = Received(entry.method, entry.path, CIMultiDict(entry.headers), raw)
        refused = bool(journal.get("refused"))
        if refused:
            answered = _refused(played.sandbox, entry)
        else:
            try:
                answered = exchange.perform(played.sandbox, played.binding, received)
            except UnicodeEncodeError:
                raise PlayError("cannot be played: its request has a sign that no request can have") from None
        self.compared += 1
        entry_again = played.sandbox.store.journal.requests[-1]
        again = Exchange.of(recorded.exchange(entry_again, received, answered, refused))
        if refused:  # the answer was the server's, and came from the file
            again = replace(again, response_headers=entry.response_headers)
        return _difference(entry, entry, again)

    def _delivery(self, entry: Delivery) -> Difference | None:
        played = None if entry.account is None else self.sandboxes.get(entry.account)
        if played is None:
            return None
        self.deliveries += 1
        if not played.ended:
            return Difference(entry, entry, None)
        return _difference(entry, entry, recorded.delivery(played.ended.popleft()))


def going_on(replay: Replay) -> list[GoneOn]:
    """Return the sandboxes of a replay as a server goes on with them: it sends nothing beyond this machine."""
    found = []
    for account, played in replay.sandboxes.items():
        sandbox = played.sandbox
        sandbox.listen(None)
        state = sandbox.store.state()
        if state.settings.deliver == "all":
            state = replace_record(state, settings=replace_record(state.settings, deliver="loopback"))
        key = played.key or f"ifr_account_{account}"
        found.append(GoneOn(key, state, sandbox.salt, sandbox.keep_bytes, sandbox.keep_entries))
    return found


def _begun(entry: Command) -> Played:
    about = entry.sandbox or {}
    try:
        state = recorded.state_in(entry.arguments)
        salt, keep, journal = about.get("salt", ""), about.get("keep", KEEP_BYTES), about.get("journal", KEEP_ENTRIES)
        if not (isinstance(salt, str) and isinstance(keep, int) and isinstance(journal, int) and journal > 0):
            raise PlayError("has a beginning whose `sandbox` is none: expected texts and whole numbers")
    except SchedulingError as error:
        raise PlayError(f"has a beginning that cannot be played: {error.message}") from None
    key = about.get("key")
    sandbox = Sandbox(state, salt=salt, keep_bytes=keep, keep_entries=journal)
    return Played(sandbox, key if isinstance(key, str) else None)


def _refused(sandbox: Sandbox, entry: Exchange) -> Answered:
    """Journal what the server refused before the sandbox was asked, with the answer that the file has."""
    response = _bytes(entry.response)
    status = entry.status or 0
    sandbox.record(
        Journaled(
            operation=None,
            method=entry.method,
            path=entry.path,
            body=None,
            status=status,
            response=response or b"null",
            ignored=[],
        )
    )
    return Answered(status, {}, response)


def _bytes(body: Body) -> bytes:
    if isinstance(body, LeftOut):
        return b""
    return body.encode(errors="surrogatepass") if isinstance(body, str) else body


# --- What is equal


_OF_EXCHANGE = ("status", "response_headers", "response", "error", "journal", "sent_at_ms", "received_at_ms")
_OF_DELIVERY = ("at_ms", "url", "headers", "body", "attempt", "status", "error", "journal")


def _difference(entry: Entry, recorded: Exchange | Delivery, again: Exchange | Delivery) -> Difference | None:
    names = _OF_DELIVERY if isinstance(recorded, Delivery) else _OF_EXCHANGE
    different = tuple(name for name in names if not _alike(getattr(recorded, name), getattr(again, name)))
    return Difference(entry, recorded, again, different) if different else None


def _alike(recorded: Any, again: Any) -> bool:
    return bool(recorded == again) or _form(recorded) == _form(again)


def _form(value: Any) -> Any:
    """Return what is compared: a value in which secrets, and what is signed with them, are but their forms."""
    if isinstance(value, str):
        return _FORMS.text(value)
    if isinstance(value, tuple):
        return _headers_form(value)
    if isinstance(value, Mapping):
        return _FORMS.text(json.dumps(value, sort_keys=True, ensure_ascii=False, default=float))
    return value


def _headers_form(headers: Headers) -> Headers:
    unsigned = (
        (name, f"{len(value)} signs") if name.lower() in SIGNATURES else (name, value) for name, value in headers
    )
    return _FORMS.headers(tuple(unsigned))
