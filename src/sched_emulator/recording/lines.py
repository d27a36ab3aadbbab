"""What a recording holds, and the lines of format 1, the newest.

A header comes first, then exchanges, deliveries and commands in the order in which they ended. Instants are whole
milliseconds since 1970 here, and text in the file; headers are pairs here, in the order in which they came, and an
object in the file, where a name that came more than once has a list.
"""

import json
import re
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, TypeAlias

from msgspec import Raw

FORMAT = 1
INSTANT = "an instant such as 2026-01-01T09:00:00.000Z"
_BASE64 = "_base64"
_LEFT_OUT = "_left_out"

Headers: TypeAlias = tuple[tuple[str, str], ...]
Line: TypeAlias = dict[str, Any] | Raw  # what is written, and what is written already
Facts: TypeAlias = (  # of an exchange: `sent_at_ms` to `error` as in `Exchange`, and `journal`
    "tuple[int, int, str, str, Any, Body, int | None, Mapping[str, Any], Body, str | None, Mapping[str, Any] | None]"
)


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A body that was not recorded, and why."""

    why: str


Body: TypeAlias = str | bytes | LeftOut


@dataclass(frozen=True, slots=True)
class Header:
    """What was recorded, since when, by which version; the URLs of `receivers` were reached through the recorder."""

    target: str
    started_at_ms: int
    version: str
    receivers: tuple[str, ...] = ()
    recording: int = FORMAT


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request and what came of it.

    `sent_at_ms` is when its first byte left, `received_at_ms` when the last of its answer was there, or when it was
    given up: then `error` says why. `status` is None where no answer had begun. `account` tells keys apart. `origin` is
    where it was sent, such as https://api.infrai.cc, when that is not the target of the recording. `journal` is what an
    emulator's own recording says of it besides.
    """

    sent_at_ms: int
    received_at_ms: int
    method: str
    path: str
    headers: Headers
    body: Body
    status: int | None = None
    response_headers: Headers = ()
    response: Body = ""
    error: str | None = None
    account: int | None = None
    origin: str | None = None
    journal: Mapping[str, Any] | None = None
    seq: int = 0

    @classmethod
    def of(cls, facts: Facts) -> "Exchange":
        """Return the exchange that facts tell of."""
        answer_headers = tuple(facts[7].items())
        return cls(*facts[:7], answer_headers, *facts[8:-1], journal=facts[-1])


@dataclass(frozen=True, slots=True)
class Delivery:
    """A request that came for a receiver, and the status of the receiver's answer, else the `error` it ended in.

    `account` and `journal` are there in an emulator's own recording: whose it is, and what else the journal says of it.
    """

    at_ms: int
    url: str
    headers: Headers
    body: Body
    attempt: int | None = None
    status: int | None = None
    error: str | None = None
    account: int | None = None
    journal: Mapping[str, Any] | None = None
    seq: int = 0


@dataclass(frozen=True, slots=True)
class Command:
    """A command of an emulator's core; with the name `base`, the snapshot that an account's session began with.

    `arguments` is a JSON value whose fractions are `Decimal`, digit for digit. `sandbox` says, of a base, what else its
    sandbox began with.
    """

    account: int | None
    command: str
    arguments: Any
    sandbox: Mapping[str, Any] | None = None
    seq: int = 0


Entry: TypeAlias = Exchange | Delivery | Command
BASE = "base"


# --- To lines


def header_line(header: Header) -> dict[str, Any]:
    """Return the first line."""
    return {
        "recording": header.recording,
        "target": header.target,
        "started_at": instant_text(header.started_at_ms),
        "version": header.version,
        "receivers": list(header.receivers),
    }


def exchange_line(seq: int, account: int | None, facts: Facts) -> dict[str, Any]:
    """Return the line of an exchange, which its facts tell without secrets, headers as they stand in a line."""
    sent_ms, received_ms, method, path, headers, body, status, response_headers, response, error, journal = facts
    sent_at = instant_text(sent_ms)
    line: dict[str, Any] = {
        "seq": seq,
        "account": account,
        "sent_at": sent_at,
        "received_at": sent_at if received_ms == sent_ms else instant_text(received_ms),
        "method": method,
        "path": path,
        "headers": headers,
    }
    if isinstance(body, str):  # as nearly all are
        line["body"] = body
    else:
        _tell(line, "body", body)
    if status is not None:
        line["status"] = status
        line["response_headers"] = response_headers
        if isinstance(response, str):
            line["response"] = response
        else:
            _tell(line, "response", response)
    if error is not None:
        line["error"] = error
    if journal is not None:
        line["journal"] = journal
    return line


def delivery_line(entry: Delivery, seq: int, account: int | None) -> dict[str, Any]:
    """Return the line of a delivery, with its number and, of an emulator's own, its account."""
    whose = {} if account is None else {"account": account}
    line = {"seq": seq, **whose, "at": instant_text(entry.at_ms), "url": entry.url, "headers": to_object(entry.headers)}
    _tell(line, "body", entry.body)
    line |= {"attempt": entry.attempt, "status": entry.status}
    if entry.error is not None:
        line["error"] = entry.error
    if entry.journal is not None:
        line["journal"] = entry.journal
    return line


def command_text(seq: int, account: int | None, command: str, arguments: str, sandbox: Mapping[str, Any] | None) -> str:
    """Return the line of a command, whose arguments are given as the text of a JSON value."""
    began = f'{{"seq":{seq},"account":{json.dumps(account)},'
    if command != BASE:
        return f'{began}"command":{json.dumps(command)},"arguments":{arguments}}}'
    more = "" if sandbox is None else f',"sandbox":{json.dumps(sandbox)}'
    return f'{began}"base":{arguments}{more}}}'


@lru_cache(maxsize=64)  # many lines tell of the same instant
def instant_text(ms: int) -> str:
    """Return an instant as it stands in a file."""
    return f"{datetime.fromtimestamp(ms // 1000, UTC):%Y-%m-%dT%H:%M:%S}.{ms % 1000:03}Z"


def to_object(headers: Headers) -> dict[str, str | list[str]]:
    """Return headers as they stand in a line."""
    found: dict[str, str | list[str]] = dict(headers)  # most have each name but once
    if len(found) == len(headers):
        return found
    found = {}
    for name, value in headers:
        before = found.get(name)
        if before is None:
            found[name] = value
        else:
            found[name] = [*before, value] if isinstance(before, list) else [before, value]
    return found


def _tell(line: dict[str, Any], name: str, body: Body) -> None:
    if isinstance(body, str):
        line[name] = body
    elif isinstance(body, LeftOut):
        line[name + _LEFT_OUT] = body.why
    else:
        line[name + _BASE64] = b64encode(body).decode()


# --- From lines; ValueError says in a few words what is wrong with one


@dataclass(frozen=True, slots=True)
class _Fields:
    """The members of a line, taken one by one."""

    line: Mapping[str, Any]

    def text(self, name: str, default: Any = ...) -> Any:
        return self._of(name, str, "a text", default)

    def number(self, name: str, default: Any = ...) -> Any:
        value = self._of(name, int, "a whole number", default)
        if isinstance(value, bool):
            raise ValueError(f"`{name}` is {shown(value)}; expected a whole number")  # noqa: TRY004 - of the file
        return value

    def instant(self, name: str) -> int:
        try:
            return instant_ms(self.text(name))
        except (ValueError, OverflowError):
            raise ValueError(f"`{name}` is {shown(self.line.get(name))}; expected {INSTANT}") from None

    def object(self, name: str) -> Mapping[str, Any] | None:
        found: Mapping[str, Any] | None = self._of(name, dict, "an object", None)
        return found

    def headers(self, name: str) -> Headers:
        given = self._of(name, dict, "an object of headers", {})
        pairs = [
            (key, each) for key, value in given.items() for each in (value if isinstance(value, list) else [value])
        ]
        for key, value in pairs:
            if not isinstance(value, str):
                raise ValueError(f"{shown(key)} in `{name}` is {shown(value)}; expected a text")  # noqa: TRY004 - of the file
        return tuple(pairs)

    def body(self, name: str) -> Body:
        if name + _LEFT_OUT in self.line:
            return LeftOut(self.text(name + _LEFT_OUT))
        if name + _BASE64 not in self.line:
            text: str = self.text(name, "")
            return text
        try:
            return b64decode(self.text(name + _BASE64), validate=True)
        except ValueError:
            raise ValueError(f"`{name + _BASE64}` is no base64") from None

    def texts(self, name: str) -> tuple[str, ...]:
        given = self._of(name, list, "a list of texts", [])
        if not all(isinstance(each, str) for each in given):
            raise ValueError(f"`{name}` is {shown(given)}; expected a list of texts")
        return tuple(given)

    def _of(self, name: str, kind: type, expected: str, default: Any) -> Any:
        """Return a member; one that has a default may be missing or null."""
        value = self.line.get(name, ...)
        if default is not ... and (value is ... or value is None):
            return default
        if value is ...:
            raise ValueError(f"there is no `{name}`; expected {expected}")
        if not isinstance(value, kind):
            raise ValueError(f"`{name}` is {shown(value)}; expected {expected}")  # noqa: TRY004 - of the file
        return value


def header_of(line: Mapping[str, Any]) -> Header:
    """Return what the first line says."""
    fields = _Fields(line)
    return Header(
        fields.text("target"),
        fields.instant("started_at"),
        fields.text("version"),
        fields.texts("receivers"),
        fields.number("recording"),
    )


def entry_of(line: Mapping[str, Any]) -> Entry:
    """Return what another line says."""
    fields = _Fields(line)
    if "method" in line:
        return _exchange(fields)
    if "url" in line:
        return Delivery(
            at_ms=fields.instant("at"),
            url=fields.text("url"),
            headers=fields.headers("headers"),
            body=fields.body("body"),
            attempt=fields.number("attempt", None),
            status=fields.number("status", None),
            error=fields.text("error", None),
            account=fields.number("account", None),
            journal=fields.object("journal"),
            seq=fields.number("seq"),
        )
    account, seq = fields.number("account", None), fields.number("seq")
    if BASE in line:
        return Command(account, BASE, line[BASE], fields.object("sandbox"), seq)
    if "command" in line:
        return Command(account, fields.text("command"), line.get("arguments"), seq=seq)
    raise ValueError("this is neither an exchange, nor a delivery, nor a command")


def _exchange(fields: _Fields) -> Exchange:
    status, error = fields.number("status", None), fields.text("error", None)
    if status is None and error is None:
        raise ValueError("there is neither a `status` nor an `error`")
    return Exchange(
        sent_at_ms=fields.instant("sent_at"),
        received_at_ms=fields.instant("received_at"),
        method=fields.text("method"),
        path=fields.text("path"),
        headers=fields.headers("headers"),
        body=fields.body("body"),
        status=status,
        response_headers=fields.headers("response_headers"),
        response=fields.body("response"),
        error=error,
        account=fields.number("account", None),
        journal=fields.object("journal"),
        seq=fields.number("seq"),
    )


def instant_ms(text: str) -> int:
    """Return the milliseconds of an ISO-8601 instant; without an offset it is UTC. ValueError when it is none."""
    match = re.fullmatch(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d.*", text, re.ASCII)
    if match is None:
        raise ValueError(text)
    instant = datetime.fromisoformat(text.replace("t", "T"))
    instant = instant if instant.tzinfo is not None else instant.replace(tzinfo=UTC)
    since = instant - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86400 + since.seconds) * 1000 + since.microseconds // 1000


def shown(value: Any) -> str:
    """Return how a JSON value is named in a sentence."""
    text = json.dumps(value, ensure_ascii=False, default=float)
    return text if len(text) <= 40 else f"{text[:40]}…"
