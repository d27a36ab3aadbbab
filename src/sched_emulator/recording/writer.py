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
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

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
    command_text,
    delivery_line,
    exchange_line,
    header_line,
)
from .masks import Masks

_AS_IT_IS: int = getattr(os, "O_BINARY", 0)  # on Windows, where line feeds would become two bytes
_encode = msgspec.json.Encoder().encode
_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))

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
        self._waiting: list[Callable[[], bytes]] = []  # what makes the lines of this turn
        self._texts: list[bytes] = []  # of the exchanges among them
        self._clean = False  # whether there is nothing to hide in any of them
        self._made = dict.fromkeys((Exchange, Delivery, Command), 0)
        self._length = 0
        self._lock = threading.RLock()
        self._process = os.getpid()
        self._failure: str | None = None
        self._file: int | None = _begun(path)
        self._do(partial(self._header, header))
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
        self._do(partial(self._exchange, exchange))

    def own_exchange(self, key: str, texts: tuple[bytes, ...], tell: Callable[..., Facts], *told: Any) -> None:
        """Add an emulator's own exchange, of a key: `tell`, given what was `told`, says it at the end of the turn.

        `texts` are its path and its bodies, as they came and left. The headers of its answer hold no secret.
        """
        self._texts += texts
        self._do(partial(self._own_exchange, key, tell, *told))

    def delivery(self, delivery: Delivery, key: str | None = None) -> None:
        """Add a delivery; an emulator's own is that of a key."""
        self._do(partial(self._delivery, delivery, key))

    def base(self, key: str, snapshot: str, sandbox: Mapping[str, Any] | None = None) -> None:
        """Add what the session of a key begins with: the JSON of a snapshot, and what else of the sandbox."""
        self._do(partial(self._command, key, BASE, snapshot, sandbox))

    def command(self, key: str, command: str, arguments: str) -> None:
        """Add a command of the core; its arguments are given as JSON, on one line."""
        self._do(partial(self._command, key, command, arguments))

    def flush(self) -> None:
        """Write what waits."""
        with self._lock:
            waiting, self._waiting = self._waiting, []
            if self._file is None or self._process != os.getpid():
                return
            self._clean, self._texts = self._masks.has_nothing_in(self._texts), []
            lines = b"".join([make() for make in waiting])
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

    def _do(self, make: Callable[[], bytes]) -> None:
        """Let a line be made at the end of the turn: many at once are made quicker than one by one."""
        if self._file is None:
            return
        with self._lock:
            self._waiting.append(make)
            if self._later is None:
                self.flush()
            elif len(self._waiting) == 1:
                self._later(self.flush)

    # Lines, in the order in which they are made

    def _header(self, header: Header) -> bytes:
        return _encoded(header_line(replace(header, target=self._masks.url(header.target))))

    def _exchange(self, exchange: Exchange) -> bytes:
        masks, account = self._masks, self._account(_key_in(exchange.headers))
        facts = (
            exchange.sent_at_ms,
            exchange.received_at_ms,
            exchange.method,
            masks.url(exchange.path),
            masks.headers(exchange.headers),
            masks.body(_read(exchange.body, exchange.headers)),
            exchange.status,
            masks.headers(exchange.response_headers),
            masks.body(_read(exchange.response, exchange.response_headers)),
            exchange.error,
            exchange.journal,
        )
        return _encoded(exchange_line(self._next(Exchange), account, facts))

    def _own_exchange(self, key: str, tell: Callable[..., Facts], *told: Any) -> bytes:
        masks, account = self._masks, self._account(key)
        sent, received, method, path, headers, body, status, response_headers, response, *rest = tell(*told)
        if not self._clean:
            path = masks.url(path)
            body = masks.body(_read(body, headers))
            response = masks.body(_read(response, response_headers))
        headers = masks.headers(headers)
        facts = sent, received, method, path, headers, body, status, response_headers, response, *rest
        return _encoded(exchange_line(self._next(Exchange), account, facts))  # type: ignore[arg-type] # which `rest` is

    def _delivery(self, delivery: Delivery, key: str | None) -> bytes:
        self._clean = False  # what is known from here on may stand in what follows
        masks, account = self._masks, self._account(key)
        masked = replace(
            delivery,
            url=masks.url(delivery.url),
            headers=masks.headers(delivery.headers),
            body=masks.body(_read(delivery.body, delivery.headers)),
            journal=delivery.journal and json.loads(masks.text(json.dumps(delivery.journal))),
        )
        return _encoded(delivery_line(masked, self._next(Delivery), account))

    def _command(self, key: str, command: str, arguments: str, sandbox: Mapping[str, Any] | None = None) -> bytes:
        self._clean = False  # as above
        account, hidden = self._account(key), self._masks.text(arguments)
        if sandbox is not None:
            sandbox = {"key": self._masks.secret(key), **sandbox}
        line = command_text(self._next(Command), account, command, hidden, sandbox)
        return line.encode(errors="backslashreplace") + b"\n"

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


def _encoded(line: dict[str, Any]) -> bytes:
    try:
        return _encode(line) + b"\n"
    except UnicodeEncodeError:  # half of a pair, which UTF-8 cannot hold
        return _ENCODER.encode(line).encode(errors="backslashreplace") + b"\n"


def _read(body: Body, headers: Headers) -> Body:
    return readable(body, headers) if isinstance(body, bytes) else body


def _key_in(headers: Headers) -> str | None:
    """Return the key that a request was sent with."""
    sent = next((value for name, value in headers if name.lower() == "authorization"), "")
    scheme, _, rest = sent.partition(" ")
    return (rest.strip() if scheme.lower() == "bearer" else sent) or None


def _reason(error: OSError) -> str:
    return os.strerror(error.errno or errno.EIO).lower()
