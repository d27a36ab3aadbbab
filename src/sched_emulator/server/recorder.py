"""`--record`: what a server's sandboxes are asked and do, told to the writer of a recording as it happens."""

import asyncio
import time
from collections.abc import Callable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from sched_emulator.core.records import DeliveryEntry
from sched_emulator.core.sandbox import Sandbox
from sched_emulator.core.snapshot import seal
from sched_emulator.recording.lines import Header
from sched_emulator.recording.writer import Writer

from . import recorded
from .exchange import Answered, Received


def begun(
    path: Path,
    target: str,
    *,
    receivers: tuple[str, ...] = (),
    redact: tuple[str, ...] = (),
    complain: Callable[[str], object],
) -> Writer:
    """Return the writer of a recording that begins now, on this loop. RecordingError."""
    header = Header(target, time.time_ns() // 1_000_000, version("sched-emulator"), receivers)
    return Writer(path, header, redact=redact, later=asyncio.get_running_loop().call_soon, complain=complain)


class Recorder:
    """Records one sandbox, from its state of now on, as the account of its key."""

    def __init__(self, writer: Writer, key: str, sandbox: Sandbox) -> None:
        self._writer = writer
        self._key = key
        self._sandbox = sandbox
        about = {"salt": sandbox.salt, "keep": sandbox.keep_bytes, "journal": sandbox.keep_entries}
        writer.base(key, seal(sandbox.store.state()).decode(), about)
        sandbox.listen(self)

    def exchange(self, received: Received, answered: Answered, *, refused: bool = False) -> None:
        """Record what has just been performed, or refused before that, and journaled."""
        entry = self._sandbox.store.journal.requests[-1]
        texts = received.target.encode(), received.raw, answered.content
        self._writer.own_exchange(self._key, texts, recorded.exchange, entry, received, answered, refused)

    def command(self, method: str, arguments: Mapping[str, Any]) -> None:
        """Record a command, but for those that an exchange stands for."""
        if method not in recorded.EXCHANGES:
            self._writer.command(self._key, method, recorded.arguments(method, arguments))

    def delivered(self, entry: DeliveryEntry) -> None:
        """Record a delivery attempt that has ended."""
        self._writer.delivery(recorded.delivery(entry), self._key)

    def forget(self) -> None:
        """Record that the sandbox is there no more."""
        self._sandbox.listen(None)
        self._writer.command(self._key, recorded.FORGET, "{}")

    def end(self) -> None:
        """Record the poll under way as what it has done so far, and nothing after it."""
        self._sandbox.listen(None)
