"""The sandboxes of a server, by key: each with its driver and the binding of its answers."""

import logging
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path
from uuid import uuid4

from msgspec import UNSET
from multidict import MultiMapping

from sched_emulator.config import FROZEN_START_MS, Config
from sched_emulator.core.beginning import Beginning
from sched_emulator.core.errors import Conflict, InvalidRequest, SchedulingError
from sched_emulator.core.records import Settings
from sched_emulator.core.sandbox import Sandbox
from sched_emulator.core.store import fresh
from sched_emulator.recording.errors import RecordingError
from sched_emulator.recording.writer import Writer

from . import loading
from .binding import Binding, bind
from .door import SANDBOX_HEADER
from .driver import Driver
from .http_errors import MalformedKey, NoSandbox, UnacceptedKey, Unauthorized
from .recorder import Folder, Recorder
from .replaying import GoneOn
from .secrets import shorten, shorten_credentials, shown_key
from .sender import Sender
from .turns import Turns, freeing

MAX_KEY_CHARS = 512
GIVE_FOLDER = "Start the emulator with `--record-dir DIR`, a folder to write into, and without `--record`."
FORGET_FIRST = "Use a fresh key, or DELETE /_emulator/sandbox first."
SHOWN_ID_CHARS = 40
_VISIBLE = re.compile("[!-~]+")
LONG_SECONDS = 1.0  # of saving or loading, worth a line of the log
log = logging.getLogger("sched_emulator")


class Reader:
    """Who is told what happens to sandboxes; this one takes no notice."""

    def sandbox(self, hosted: "Hosted", how: str) -> None:
        """Take notice that a sandbox is `new`, `leaving` its state, `reset`, `restored`, or about to be `forgotten`."""

    def refused(self, what: str, error: SchedulingError) -> None:
        """Take notice of a refused request that is in no journal."""


class Readers(Reader):
    """All who are told: the one that a server begins with, and who looks on for a while."""

    def __init__(self, first: Reader) -> None:
        self._all = [first]

    @contextmanager
    def joined(self, reader: Reader) -> Iterator[None]:
        """Tell one more, while the context is open."""
        self._all.append(reader)
        try:
            yield
        finally:
            self._all.remove(reader)

    def sandbox(self, hosted: "Hosted", how: str) -> None:
        """Tell everybody."""
        for reader in self._all:
            reader.sandbox(hosted, how)

    def refused(self, what: str, error: SchedulingError) -> None:
        """Tell everybody."""
        for reader in self._all:
            reader.refused(what, error)


class Hosted:
    """One sandbox as a server runs it."""

    def __init__(
        self, key: str, sandbox: Sandbox, driver: Driver, turns: Turns, reader: Reader, *, number: int
    ) -> None:
        self.key = key
        self.id = f"sbx_{number:06d}"
        self.changes = 0  # by the control API, which who looks on takes notice of
        self.used_ms = real_now_ms()
        self._reader = reader
        self.sandbox = sandbox
        self.driver = driver
        self.turns = turns
        self.recorder: Recorder | None = None
        self.proving = False  # what the session relied on, for a client that waits
        self.rebind()
        reader.sandbox(self, "new")

    def rebind(self) -> None:
        """Take the binding that the sandbox's answers ask for."""
        self.binding: Binding = bind(self.sandbox.store.answers.values)

    def reset(self, *, seed: int | None, now_ms: int | None, answers: Mapping[str, str | int]) -> None:
        """Make the sandbox as new, with what is given as its beginning; what is under way is cancelled."""
        self._reader.sandbox(self, "leaving")
        self.driver.abandon()
        self.turns.begin(freeing(self.sandbox.reset(seed=seed, now_ms=now_ms, answers=answers)))
        self._go_on("reset")

    def replace_state(self, document: bytes) -> None:
        """Take a snapshot's state. InvalidRequest when it is none; Conflict while something is under way."""
        self.driver.refuse_if_busy()
        self._reader.sandbox(self, "leaving")
        with timed("loading"):
            self.turns.begin(freeing(self.sandbox.restore(loading.read_snapshot(document))))
            self._go_on("restored")

    def _go_on(self, how: str) -> None:
        self.rebind()
        self._reader.sandbox(self, how)
        self.driver.restart()


class Sandboxes:
    """All sandboxes of one server, the `instance`. A key's sandbox is made by the first request that brings the key.

    With a `writer` all of them are recorded from their beginning; in a `folder` those that are wanted to be.
    """

    writer: Writer | None = None
    folder: Folder | None = None

    def __init__(self, config: Config, sender: Sender, reader: Reader | None = None) -> None:
        self.reader = Readers(reader or Reader())
        self._config = config
        self._sender = sender
        self.turns = Turns()
        self._answers, self._routes = dict(config.answers), dict(config.routes)  # the same for all sandboxes
        self._loaded = None
        if config.load is not None:  # what cannot be loaded stops the start
            self._loaded = Beginning(loading.load(config.load, config, self._settings()))
        self.hosted: dict[str, Hosted] = {}
        self._made = 0
        self.instance = uuid4().hex

    @property
    def start_ms(self) -> int:
        """The instant at which a new sandbox begins."""
        if self._config.now_ms is not None:
            return self._config.now_ms
        return FROZEN_START_MS if self._config.clock_mode == "frozen" else real_now_ms()

    def of_key(self, key: str) -> Hosted:
        """Return the sandbox of a key, made if need be."""
        hosted = self.hosted.get(key)
        if hosted is None:
            hosted = self.hosted[key] = self._make(key)
        hosted.used_ms = real_now_ms()
        return hosted

    def record(self, key: str, name: str) -> Path:
        """Make the sandbox of a key, and record it from its beginning in a file of its own; return its path.

        Conflict when it is there already, or cannot be recorded.
        """
        if self.folder is None or self.writer is not None:
            told = "no folder is given" if self.writer is None else f"all is recorded in {self.writer.path}"
            raise Conflict(f"a sandbox cannot have a recording of its own: {told}", hint=GIVE_FOLDER)
        if key in self.hosted:
            raise Conflict("the sandbox is there already, and its recording begins with it", hint=FORGET_FIRST)
        try:
            writer = self.folder.begun(name)
        except RecordingError as error:
            raise Conflict(str(error), hint=GIVE_FOLDER) from None
        hosted = self.of_key(key)
        hosted.recorder = Recorder(writer, key, hosted.sandbox, alone=True)
        return writer.path

    def known(self, key: str) -> Hosted:
        """Return the sandbox of a key; NoSandbox when it has none yet."""
        if key not in self.hosted:
            raise NoSandbox(shown_key(key))
        return self.hosted[key]

    async def present(self, key: str) -> Hosted:
        """Return the sandbox of a key once all that was due by now has happened."""
        await self.of_key(key).driver.caught_up()
        return self.of_key(key)  # another one, when it was forgotten meanwhile

    def key_in(self, headers: "MultiMapping[str]") -> str:
        """Return the key in the one header `Authorization`; Unauthorized when there is none that is accepted."""
        sent = headers.getall("Authorization", ())
        if len(sent) > 1:
            told = f"the request must have one header `Authorization`, got {len(sent)}"
            raise Unauthorized(told, hint="Send the header once.")
        try:
            key = _bearer(sent[0] if sent else None)
        except Unauthorized as error:
            if self._config.keys is None:
                raise
            raise UnacceptedKey(error.message) from None
        if self._config.keys is not None and key not in self._config.keys:
            raise UnacceptedKey("the key is not accepted")
        return key

    def meant(self, headers: "MultiMapping[str]") -> str:
        """Return the key of the sandbox that a request names, by its id or its key.

        InvalidRequest when no sandbox has the id, or its key is not the one sent beside it; Unauthorized when neither
        is sent, or no accepted key.
        """
        named = headers.get(SANDBOX_HEADER)
        if named is None:
            return self.key_in(headers)
        key = next((hosted.key for hosted in self.hosted.values() if hosted.id == named), None)
        if key is None:
            told = f"`{SANDBOX_HEADER}` must be the id of a sandbox, as GET /_emulator/sandboxes lists them: no"
            raise InvalidRequest(f"{told} sandbox has the id '{named[:SHOWN_ID_CHARS]}'", about=SANDBOX_HEADER)
        if "Authorization" in headers and self.key_in(headers) != key:
            told = f"`{SANDBOX_HEADER}` and `Authorization` must mean the same sandbox: send one of them"
            raise InvalidRequest(told, about=SANDBOX_HEADER)
        return key

    def forget(self, key: str) -> bool:
        """Drop a key's sandbox, with what is under way; say whether there was one."""
        hosted = self.hosted.pop(key, None)
        if hosted is not None:
            self.reader.sandbox(hosted, "forgotten")
            hosted.driver.abandon()
            if hosted.recorder is not None:
                hosted.recorder.forget()
            self.turns.begin(freeing(hosted.sandbox.containers()))
        return hosted is not None

    def abandon(self) -> None:
        """Cancel everything under way, at the end."""
        for hosted in self.hosted.values():
            hosted.driver.abandon()
            if hosted.recorder is not None:
                hosted.recorder.end()
        self.hosted.clear()

    def _make(self, key: str) -> Hosted:
        state = fresh(self._settings()) if self._loaded is None else self._loaded.state()
        salt = blake2b(key.encode(), digest_size=8).hexdigest()
        config = self._config
        sandbox = Sandbox(state, salt=salt, keep_bytes=config.keep, keep_entries=config.journal, beginning=self._loaded)
        return self._host(key, sandbox)

    def go_on(self, with_: GoneOn) -> None:
        """Take a sandbox that was somewhere else before, under its key."""
        key, state, salt, keep_bytes, keep_entries = with_
        sandbox = Sandbox(state, salt=salt, keep_bytes=keep_bytes, keep_entries=keep_entries)
        self.hosted[key] = hosted = self._host(key, sandbox)
        hosted.driver.restart()

    def _host(self, key: str, sandbox: Sandbox) -> Hosted:
        config = self._config
        real = config.signature_clock == "real"
        driver = Driver(
            sandbox,
            self._sender,
            self.turns,
            concurrency=config.delivery_concurrency,
            name=f"the sandbox of {shorten(key, 8)}",
            real_now_ms=real_now_ms if real else None,
        )
        self._made += 1
        hosted = Hosted(key, sandbox, driver, self.turns, self.reader, number=self._made)
        if self.writer is not None:
            hosted.recorder = Recorder(self.writer, key, sandbox)
        return hosted

    def _settings(self) -> Settings:
        """Return the settings of a new sandbox."""
        config = self._config
        return Settings(
            seed=config.seed,
            start_ms=self.start_ms,
            mode=config.clock_mode,
            speed=config.speed,
            answers=self._answers,
            routes=self._routes,
            deliver=config.deliver,
            uncovered=config.uncovered,
            strict_urls=config.strict_urls,
            prices=dict(config.prices) or UNSET,
        )


@contextmanager
def timed(what: str) -> Iterator[None]:
    """Log how long it took to save or load a whole snapshot, during which nobody else is served, when it was long."""
    began = time.monotonic()
    yield
    seconds = time.monotonic() - began
    if seconds >= LONG_SECONDS:
        log.warning("%s a snapshot took %.1f s, in which nobody else was served", what, seconds)


def real_now_ms() -> int:
    """Return the real instant: for a running clock's beginning, `--signature-clock real`, and a sandbox's last use."""
    return time.time_ns() // 1_000_000


@lru_cache(maxsize=64)
def _bearer(authorization: str | None) -> str:
    """Return the well-formed key in an `Authorization` header. Unauthorized when there is none."""
    if authorization is None:
        raise Unauthorized("the request has no key: the header `Authorization` is missing")
    scheme, _, key = authorization.partition(" ")
    key = key.strip()
    if scheme.lower() != "bearer" or not key:
        shown = shorten_credentials(scheme)
        raise Unauthorized(f"the header `Authorization` must be `Bearer <key>`, got the scheme {shown!r}")
    if not key.startswith("ifr_") or not 4 < len(key) <= MAX_KEY_CHARS or not _VISIBLE.fullmatch(key):
        raise MalformedKey(MAX_KEY_CHARS)
    return key
