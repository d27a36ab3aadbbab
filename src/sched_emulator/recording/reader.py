"""The one that reads recordings: those of every number of the format so far, and HAR 1.2.

Entries come one after the other, so that memory does not grow with the file. What was cut off, at whatever byte, is
read to its last whole line.
"""

import codecs
import errno
import json
import os
from collections.abc import Iterator, Mapping
from decimal import Decimal
from io import BufferedReader
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

from . import har, lines
from .errors import RecordingError
from .lines import Entry, Header

LONGEST_LINE_BYTES = 1024 * 1024 * 1024
BEGINNING_BYTES = 64 * 1024
_OTHERS = {
    b"\x1f\x8b": "compressed",
    b"PK\x03\x04": "an archive",
    codecs.BOM_UTF16_LE: "UTF-16",
    codecs.BOM_UTF16_BE: "UTF-16",
}


class Entries(Protocol):
    """What reads one kind of file: its header, then its entries; `cut_off` when the file ends within one."""

    header: Header
    cut_off: bool

    def __iter__(self) -> Iterator[Entry]: ...


class Recording:
    """A recording, opened: `header`, and the entries by iterating, once. RecordingError names the line that is wrong.

    As a context manager it closes the file. `done_bytes` of `size_bytes` are read. `cut_off` is known at the end: the
    file ended within a line, which is not among the entries.
    """

    def __init__(self, path: Path) -> None:
        self._file = _opened(path)
        self.size_bytes = os.fstat(self._file.fileno()).st_size
        try:
            self._entries: Entries = _entries(self._file, str(path))
        except OSError as error:
            self._file.close()
            raise _unreadable(path, error) from None
        except BaseException:
            self._file.close()
            raise
        self._path = path
        self.header = self._entries.header

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __iter__(self) -> Iterator[Entry]:
        try:
            yield from self._entries
        except OSError as error:
            raise _unreadable(self._path, error) from None

    @property
    def done_bytes(self) -> int:
        """How much of the file is read."""
        return self._file.tell()

    @property
    def cut_off(self) -> bool:
        """Whether the file ended within an entry."""
        return self._entries.cut_off

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def _opened(path: Path) -> BufferedReader:
    try:
        return path.open("rb")
    except IsADirectoryError:
        raise RecordingError(f"{path} is a folder; expected a recording, a file") from None
    except FileNotFoundError:
        raise RecordingError(f"there is no file {path}; expected a recording") from None
    except OSError as error:
        raise _unreadable(path, error) from None


def _unreadable(path: Path, error: OSError) -> RecordingError:
    return RecordingError(f"{path} cannot be read: {os.strerror(error.errno or errno.EIO).lower()}")


def _entries(file: BufferedReader, name: str) -> Entries:
    beginning = file.peek(BEGINNING_BYTES)
    if not beginning:
        raise RecordingError(f"{name} is empty; expected a recording")
    for mark, what in _OTHERS.items():
        if beginning.startswith(mark):
            raise RecordingError(f"{name} is {what}; expected a recording as it was written, or HAR, in UTF-8")
    return har.Har(file, name) if har.is_har(beginning) else _Lines(file, name)


class _Lines:
    """The entries of a recording of ours."""

    def __init__(self, file: BufferedReader, name: str) -> None:
        self._file = file
        self._name = name
        self._number = 0
        self.cut_off = False
        first = self._next()
        if first is None or "recording" not in first:
            cut = ", cut off before its first line ended" if self.cut_off else ""
            raise RecordingError(
                f"{name} is no recording{cut}; expected JSON Lines that begin with `recording`, or HAR"
            )
        number = first["recording"]
        if isinstance(number, bool) or not isinstance(number, int) or number < 1:
            raise self._wrong(f"`recording` is {json.dumps(number)[:40]}; expected the number of a format")
        if number > lines.FORMAT:
            newer = f"is a recording of format {number}, and this version reads none above {lines.FORMAT}"
            raise RecordingError(f"{name} {newer}; it takes a newer sched-emulator")
        try:
            self.header = lines.header_of(first)
        except ValueError as error:
            raise self._wrong(str(error)) from None

    def __iter__(self) -> Iterator[Entry]:
        while (line := self._next()) is not None:
            try:
                if "recording" in line:
                    raise self._wrong("another recording begins here; a file holds one")
                yield lines.entry_of(line)
            except ValueError as error:
                raise self._wrong(str(error)) from None

    def _next(self) -> Mapping[str, Any] | None:
        """Return the next whole line that is not blank, None at the end."""
        raw = b"\n"
        while raw.isspace():
            raw = self._file.readline(LONGEST_LINE_BYTES if self._number else BEGINNING_BYTES)
            self._number += 1
        if not raw:
            return None
        if self._number == 1:
            raw = raw.removeprefix(codecs.BOM_UTF8)
        ends = raw.endswith(b"\n")
        try:
            line = json.loads(raw, parse_float=Decimal)
        except (ValueError, RecursionError):
            line = None
        if isinstance(line, dict):
            return line
        if not ends and not self._file.peek(1):
            self.cut_off = True
            return None
        if self._number == 1:
            return {}
        raise self._wrong("this is no JSON object, and not the last line")

    def _wrong(self, what: str) -> RecordingError:
        return RecordingError(f"{self._name}, line {self._number}: {what}")
