"""What the server says on stderr: few lines, whatever clients do.

A client that leaves or sends no HTTP is no event for a log: the client knows. Of lines that come again within a second
the first is written and the others are counted. What stands in a line is printable.
"""

import asyncio
import errno
import json
import logging
from collections.abc import Callable
from typing import Any, TextIO

from aiohttp.http_exceptions import HttpProcessingError

from sched_emulator.output import printable, reason

FLOOD_SECONDS = 1.0
KIND_CHARS = 60  # of a line's template, by which lines are alike: asyncio's go on with what is different
OUT_OF_MEANS = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
ACCEPTING = "socket.accept()"  # how asyncio begins to say that it could not
WRITING = "socket.send() raised exception"  # what asyncio says of each write to a client that has left

log = logging.getLogger("sched_emulator")
connections = logging.getLogger("sched_emulator.connections")
Later = Callable[[float, Callable[[], None]], object]


def to_stderr(form: str) -> None:
    """Write what is logged to stderr, as `text` or `json`; `quiet` is text, and errors alone."""
    handler = Counted()
    handler.setFormatter(formatter(form))
    logging.basicConfig(level=logging.ERROR if form == "quiet" else logging.INFO, handlers=[handler])


def formatter(form: str) -> logging.Formatter:
    """Return what makes lines of records, as `text` or `json`."""
    return _JsonLines() if form == "json" else _Text("%(levelname)s %(message)s")


def watch(loop: asyncio.AbstractEventLoop) -> None:
    """Have a loop tell in a line that it can accept no connection, where it would write a traceback for each try."""
    loop.set_exception_handler(_told)


def _told(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    error = context.get("exception")
    accepting = context["message"].startswith(ACCEPTING)
    if accepting and isinstance(error, OSError) and error.errno in OUT_OF_MEANS:
        log.warning("no further connection can be accepted: %s", reason(error))
    else:
        loop.default_exception_handler(context)


def is_of_interest(record: logging.LogRecord) -> bool:
    """Say whether a record is about more than a client that left or sent no HTTP."""
    if record.name == "asyncio" and str(record.msg).startswith(WRITING):
        return False
    error = record.exc_info[1] if record.exc_info else None
    return not (record.name == connections.name and isinstance(error, HttpProcessingError | OSError))


class _Flood:
    """Like lines since the first of them, which was written."""

    def __init__(self, first: logging.LogRecord) -> None:
        self.first = first
        self.more = 0


class Counted(logging.StreamHandler[TextIO]):
    """Writes the first of like lines in a second, and then how many more there were."""

    def __init__(self, stream: TextIO | None = None, later: Later | None = None) -> None:
        super().__init__(stream)
        self._later = later or _later
        self._floods: dict[tuple[str, str], _Flood] = {}
        self.addFilter(is_of_interest)

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record, or count it; tell of what went before and is over."""
        for flood in list(self._floods.values()):
            if record.created - flood.first.created >= FLOOD_SECONDS:
                self._end(flood)
        flood = self._floods.setdefault(_kind(record), _Flood(record))
        if flood.first is record:
            super().emit(record)
            self._later(FLOOD_SECONDS, lambda: self._end(flood))
        else:
            flood.more += 1

    def close(self) -> None:
        """Tell of what was counted last."""
        for flood in list(self._floods.values()):
            self._end(flood)
        super().close()

    def _end(self, flood: _Flood) -> None:
        if self._floods.get(_kind(flood.first)) is not flood:
            return
        del self._floods[_kind(flood.first)]
        if flood.more:
            first = flood.first
            told = f"… {flood.more} more in {FLOOD_SECONDS:g} s: {first.getMessage()}"
            super().emit(logging.LogRecord(first.name, first.levelno, first.pathname, first.lineno, told, None, None))


def _kind(record: logging.LogRecord) -> tuple[str, str]:
    return record.name, str(record.msg)[:KIND_CHARS]


def _later(seconds: float, action: Callable[[], None]) -> None:
    """Do something later where a loop runs; elsewhere it is done when the next line comes, or at the end."""
    try:
        asyncio.get_running_loop().call_later(seconds, action)
    except RuntimeError:
        return


class _Text(logging.Formatter):
    """A line for people; a traceback follows in lines of its own."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - the name of the method overridden
        return printable(super().formatMessage(record), keep="")

    def formatException(self, ei: Any) -> str:  # noqa: N802 - the name of the method overridden
        return printable(super().formatException(ei))


class _JsonLines(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        line = {"level": record.levelname.lower(), "logger": record.name, "message": record.getMessage()}
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return printable(json.dumps(line))
