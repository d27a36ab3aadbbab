"""The one that writes recordings: a file of its own for each, lines only added, nothing secret in them.

A disk that is full ends the recording, not the program that is recorded: it is said once, what was written last is cut
back to whole lines, and all that follows is let go.
"""

import contextlib
import errno
import json
import os
import threading
from collections.abc import Callable, Collection
from dataclasses import replace
from pathlib import Path
from typing import Any

from .content import readable
from .lines import BASE, Body, Command, Delivery, Entry, Exchange, Header, Headers, RecordingError, header_line, line_of
from .masks import Masks

_AS_IT_IS: int = getattr(os, "O_BINARY", 0)  # on Windows, where line feeds would become two bytes
_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))

Later = Callable[[Callable[[], None]], object]


class Writer:
    """Writes a recording into a new file, which only its owner may read. RecordingError when it cannot be begun.

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
        self._later = later
        self._complain = complain
        self._accounts: dict[str, int] = {}
        self._seq = 0
        self._waiting: list[tuple[type, bytes]] = []
        self._length = 0
        self._lock = threading.RLock()
        self._process = os.getpid()
        self._failure: str | None = None
        self._file: int | None = _begun(path)
        self._add(Header, header_line(replace(header, target=self._masks.url(header.target))))
        self.flush()
        if not self.is_whole:
            path.unlink(missing_ok=True)
            raise RecordingError(self._failure or "")

    @property
    def is_whole(self) -> bool:
        """Whether everything was written so far."""
        return self._failure is None

    def exchange(self, exchange: Exchange) -> None:
        """Add an exchange; its account is found by the key that its request has."""
        if self._is_over():
            return
        with self._lock:
            account = self._account(_key_in(exchange.headers))
            masks = self._masks
            self._entry(
                replace(
                    exchange,
                    account=account,
                    path=masks.url(exchange.path),
                    headers=masks.headers(exchange.headers),
                    body=masks.body(_read(exchange.body, exchange.headers)),
                    response_headers=masks.headers(exchange.response_headers),
                    response=masks.body(_read(exchange.response, exchange.response_headers)),
                )
            )

    def delivery(self, delivery: Delivery) -> None:
        """Add a delivery."""
        if self._is_over():
            return
        with self._lock:
            masks = self._masks
            headers, body = masks.headers(delivery.headers), masks.body(_read(delivery.body, delivery.headers))
            self._entry(replace(delivery, url=masks.url(delivery.url), headers=headers, body=body))

    def base(self, key: str, snapshot: Any) -> None:
        """Add what the session of a key begins with, a JSON value."""
        self.command(key, BASE, snapshot)

    def command(self, key: str, command: str, arguments: Any) -> None:
        """Add a command of the core; its arguments are a JSON value."""
        if self._is_over():
            return
        with self._lock:
            account = self._account(key)
            hidden = json.loads(self._masks.text(json.dumps(arguments)))
            self._entry(Command(account, command, hidden))

    def flush(self) -> None:
        """Write what waits."""
        with self._lock:
            waiting, self._waiting = self._waiting, []
            if self._file is None or self._process != os.getpid():
                return
            lines = b"".join(line for _, line in waiting)
            try:
                _write(self._file, lines)
            except OSError as error:
                self._give_up(error)
                return
            self._length += len(lines)
            self.exchanges += sum(kind is Exchange for kind, _ in waiting)
            self.deliveries += sum(kind is Delivery for kind, _ in waiting)

    def close(self) -> None:
        """Write what waits, and end the recording."""
        self.flush()
        with self._lock:
            if self._file is not None:
                os.close(self._file)
                self._file = None

    def _is_over(self) -> bool:
        return self._file is None or self._process != os.getpid()

    def _entry(self, entry: Entry) -> None:
        self._seq += 1
        self._add(type(entry), line_of(replace(entry, seq=self._seq)))
        if self._later is None:
            self.flush()
        elif len(self._waiting) == 1:
            self._later(self.flush)

    def _add(self, kind: type, line: dict[str, Any]) -> None:
        text = _ENCODER.encode(line)
        self._waiting.append((kind, text.encode(errors="backslashreplace") + b"\n"))

    def _account(self, key: str | None) -> int | None:
        if key is None:
            return None
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
        raise RecordingError(sentence) from None
    except OSError as error:
        raise RecordingError(f"{path} cannot be written: {_reason(error)}") from None


def _write(file: int, lines: bytes) -> None:
    left = memoryview(lines)
    while left:
        left = left[os.write(file, left) :]


def _read(body: Body, headers: Headers) -> Body:
    return readable(body, headers) if isinstance(body, bytes) else body


def _key_in(headers: Headers) -> str | None:
    """Return the key that a request was sent with."""
    sent = next((value for name, value in headers if name.lower() == "authorization"), "")
    scheme, _, rest = sent.partition(" ")
    return (rest.strip() if scheme.lower() == "bearer" else sent) or None


def _reason(error: OSError) -> str:
    return os.strerror(error.errno or errno.EIO).lower()
