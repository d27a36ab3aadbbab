"""`--record`, `--record-dir`: what sandboxes are asked and do, told to the writer of a recording as it happens."""

import asyncio
import itertools
import time
from collections.abc import Callable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from sched_emulator.core.records import DeliveryEntry
from sched_emulator.core.sandbox import Sandbox
from sched_emulator.core.snapshot import seal
from sched_emulator.recording.errors import NameTakenError
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


class Folder:
    """Where sandboxes have recordings of their own; `target` is the URL that they are asked at."""

    def __init__(self, path: Path, target: str, complain: Callable[[str], object]) -> None:
        path.mkdir(parents=True, exist_ok=True)
        self._path = path
        self._target = target
        self._complain = complain

    def begun(self, name: str) -> Writer:
        """Return the writer of a recording of that name, with a number after it where there are such already.

        RecordingError. Other servers may use the same folder: whoever makes a file first has it.
        """
        for number in itertools.count(1):
            path = self._path / (f"{name}.jsonl" if number == 1 else f"{name}-{number}.jsonl")
            try:
                return begun(path, self._target, complain=self._complain)
            except NameTakenError:
                continue
        raise AssertionError("there is always another number")


class Recorder:
    """Records one sandbox, from its state of now on, as the account of its key.

    `alone` says that nothing else is in the file: it ends with the sandbox, then, and what it was stays to go on with.
    """

    def __init__(self, writer: Writer, key: str, sandbox: Sandbox, *, alone: bool = False) -> None:
        self._writer = writer
        self._alone = alone
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
        self.end()
        if not self._alone:
            self._writer.command(self._key, recorded.FORGET, "{}")

    def end(self) -> None:
        """Record the poll under way as what it has done so far, and nothing after it."""
        self._sandbox.listen(None)
        if self._alone:
            self._writer.close()
