"""The one that writes recordings: a file of its own for each, lines only added, nothing secret in them.

A disk that is full ends the recording, not the program that is recorded: it is said once, what was written last is cut
back to whole lines, and all that follows is let go.
"""

import contextlib
import errno
import json
import os
import threading
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from msgspec import Raw
from msgspec.json import Encoder

from .content import readable
from .errors import NameTakenError, RecordingError
from .lines import (
    BASE,
    Body,
    Command,
    Delivery,
    Exchange,
    Facts,
    Header,
    Headers,
    Line,
    command_text,
    delivery_line,
    exchange_line,
    header_line,
    to_object,
)
from .masks import Masks

_AS_IT_IS: int = getattr(os, "O_BINARY", 0)  # on Windows, where line feeds would become two bytes
_ENCODER = Encoder()

MOST_ALIKE = 1024

Later = Callable[[Callable[[], None]], object]


class Writer:
    """Writes a recording into a new file, which only its owner may read.

    RecordingError when it cannot be begun; NameTakenError when the file is there already.
    Bodies are given as bytes, and with the headers as they came: what must not stand in the file is taken out here.
    `redact` names fields to redact besides. `later` is what does something at the end of this turn of a loop, such as
    `call_soon`: a turn's lines are then one `write`; without it each line is. `complain` hears, once, why nothing more
    is recorded. `exchanges` and `deliveries` are how many are in the file. A process that was forked from the one that
    began the file does not write.
    """

    def __init__(
        self,
        path: Path,
        header: Header,
        *,
        redact: Collection[str] = (),
        later: Later | None = None,
        complain: Callable[[str], object],
    ) -> None:
        self.path = path
        self.exchanges = self.deliveries = 0
        self._masks = Masks(redact)
        self._later: Later | None = None
        self._complain = complain
        self._accounts: dict[str, int] = {}
        self._seq = 0
        self._waiting: list[tuple[Callable[..., Line], tuple[Any, ...]]] = []  # what makes the lines of this turn
        self._texts: list[bytes] = []  # of the exchanges among them
        self._clean = False  # whether there is nothing to hide in any of them, of what was known by then
        self._learnt = 0  # how many secrets that was
        self._alike: dict[Headers, Raw] = {}  # the headers of many requests, as they are written
        self._made = dict.fromkeys((Exchange, Delivery, Command), 0)
        self._length = 0
        self._lock = threading.RLock()
        self._process = os.getpid()
        self._failure: str | None = None
        self._file: int | None = _begun(path)
        self._do(self._header, header)
        if not self.is_whole:
            path.unlink(missing_ok=True)
            raise RecordingError(self._failure or "")
        self._later = later

    @property
    def is_whole(self) -> bool:
        """Whether everything was written so far."""
        return self._failure is None

    def exchange(self, exchange: Exchange) -> None:
        """Add an exchange; its account is found by the key that its request has."""
        self._do(self._exchange, exchange)

    def own_exchange(self, key: str, texts: tuple[bytes, ...], tell: Callable[..., Facts], *told: Any) -> None:
        """Add an emulator's own exchange, of a key: `tell`, given what was `told`, says it at the end of the turn.

        `texts` are its path and its bodies, as they came and left. The headers of its answer hold no secret.
        """
        self._texts += texts
        self._do(self._own_exchange, key, tell, told)

    def delivery(self, delivery: Delivery, key: str | None = None) -> None:
        """Add a delivery; an emulator's own is that of a key."""
        self._do(self._delivery, delivery, key)

    def base(self, key: str, snapshot: str, sandbox: Mapping[str, Any] | None = None) -> None:
        """Add what the session of a key begins with: the JSON of a snapshot, and what else of the sandbox."""
        self._do(self._command, key, BASE, snapshot, sandbox)

    def command(self, key: str, command: str, arguments: str) -> None:
        """Add a command of the core; its arguments are given as JSON, on one line."""
        self._do(self._command, key, command, arguments)

    def flush(self) -> None:
        """Write what waits."""
        with self._lock:
            waiting, self._waiting = self._waiting, []
            if self._file is None or self._process != os.getpid():
                return
            if self._learnt != self._masks.learnt:
                self._learnt = self._masks.learnt
                self._alike.clear()
            self._clean, self._texts = self._masks.has_nothing_in(self._texts), []
            lines = _encoded([make(*told) for make, told in waiting])
            try:
                _write(self._file, lines)
            except OSError as error:
                self._give_up(error)
                return
            self._length += len(lines)
            self.exchanges, self.deliveries = self._made[Exchange], self._made[Delivery]

    def close(self) -> None:
        """Write what waits, and end the recording."""
        self.flush()
        with self._lock:
            if self._file is not None:
                os.close(self._file)
                self._file = None

    def _do(self, make: Callable[..., Line], *told: Any) -> None:
        """Let a line be made at the end of the turn: many at once are made quicker than one by one."""
        if self._file is None:
            return
        with self._lock:
            self._waiting.append((make, told))
            if self._later is None:
                self.flush()
            elif len(self._waiting) == 1:
                self._later(self.flush)

    # Lines, in the order in which they are made

    def _header(self, header: Header) -> Line:
        return header_line(replace(header, target=self._masks.url(header.target)))

    def _exchange(self, exchange: Exchange) -> Line:
        masks, account = self._masks, self._account(_key_in(exchange.headers))
        headers, path = to_object(masks.headers(exchange.headers)), masks.url(exchange.path)
        body, answer = _read(exchange.body, exchange.headers), _read(exchange.response, exchange.response_headers)
        facts = (
            *(exchange.sent_at_ms, exchange.received_at_ms, exchange.method, path, headers, masks.body(body)),
            *(exchange.status, to_object(masks.headers(exchange.response_headers)), masks.body(answer)),
            *(exchange.error, exchange.journal),
        )
        return exchange_line(self._next(Exchange), account, facts)

    def _own_exchange(self, key: str, tell: Callable[..., Facts], told: tuple[Any, ...]) -> Line:
        masks, account = self._masks, self._account(key)
        sent, received, method, path, headers, body, status, answer_headers, answer, error, journal = tell(*told)
        written = self._alike.get(headers) if masks.learnt == self._learnt else None
        if written is None:
            written = self._written(headers)
        if not self._clean or masks.learnt != self._learnt:
            path, body, answer = masks.url(path), masks.body(_read(body, headers)), masks.body(answer)
        facts = sent, received, method, path, written, body, status, answer_headers, answer, error, journal
        return exchange_line(self._next(Exchange), account, facts)

    def _written(self, headers: Headers) -> Raw:
        """Return headers without secrets as they are written, and know them."""
        written = Raw(_json(to_object(self._masks.headers(headers))))
        if len(self._alike) >= MOST_ALIKE:
            self._alike.clear()
        self._alike[headers] = written
        return written

    def _delivery(self, delivery: Delivery, key: str | None) -> Line:
        masks, account = self._masks, self._account(key)
        masked = replace(
            delivery,
            url=masks.url(delivery.url),
            headers=masks.headers(delivery.headers),
            body=masks.body(_read(delivery.body, delivery.headers)),
            journal=delivery.journal and json.loads(masks.text(json.dumps(delivery.journal))),
        )
        return delivery_line(masked, self._next(Delivery), account)

    def _command(self, key: str, command: str, arguments: str, sandbox: Mapping[str, Any] | None = None) -> Line:
        account, hidden = self._account(key), self._masks.text(arguments)
        if sandbox is not None:
            sandbox = {"key": self._masks.secret(key), **sandbox}
        line = command_text(self._next(Command), account, command, hidden, sandbox)
        return Raw(line.encode(errors="backslashreplace"))

    def _next(self, kind: type) -> int:
        self._made[kind] += 1
        self._seq += 1
        return self._seq

    def _account(self, key: str | None) -> int | None:
        if key is None:
            return None
        account = self._accounts.get(key)
        if account is not None and self._masks.knows(key):
            return account
        self._masks.secret(key)  # so that it is known wherever it stands
        return self._accounts.setdefault(key, len(self._accounts) + 1)

    def _give_up(self, error: OSError) -> None:
        file, self._file = self._file, None
        assert file is not None
        with contextlib.suppress(OSError):
            os.ftruncate(file, self._length)
        os.close(file)
        self._failure = f"{self.path} cannot be written: {_reason(error)}"
        if self._seq:
            self._complain(f"{self._failure}; nothing more is recorded, all else goes on")


def _begun(path: Path) -> int:
    """Return a new file. No other process can have it: it was not there before."""
    try:
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | _AS_IT_IS, 0o600)
    except FileExistsError:
        sentence = f"{path} is there already, and a recording is never written over another; choose another name"
        raise NameTakenError(sentence) from None
    except OSError as error:
        raise RecordingError(f"{path} cannot be written: {_reason(error)}") from None


def _write(file: int, lines: bytes) -> None:
    left = memoryview(lines)
    while left:
        left = left[os.write(file, left) :]


def _encoded(lines: list[Line]) -> bytes:
    try:
        return _ENCODER.encode_lines(lines)
    except UnicodeEncodeError:
        return b"".join([_json(line) + b"\n" for line in lines])


def _json(value: Any) -> bytes:
    try:
        return _ENCODER.encode(value)
    except UnicodeEncodeError:  # half of a pair, which UTF-8 cannot hold
        return _FOR_HALVES.encode(value).encode(errors="backslashreplace")


def _of_raw(written: Raw) -> Any:
    return json.loads(bytes(written))


_FOR_HALVES = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=_of_raw)


def _read(body: Body, headers: Headers) -> Body:
    return readable(body, headers) if isinstance(body, bytes) else body


def _key_in(headers: Headers) -> str | None:
    """Return the key that a request was sent with."""
    sent = next((value for name, value in headers if name.lower() == "authorization"), "")
    scheme, _, rest = sent.partition(" ")
    return (rest.strip() if scheme.lower() == "bearer" else sent) or None


def _reason(error: OSError) -> str:
    return os.strerror(error.errno or errno.EIO).lower()
