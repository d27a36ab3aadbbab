"""Files that people name: looked at before anything else is done, read and written by one rule.

Texts are UTF-8. A mark at their beginning (a BOM, as some editors on Windows write it) is passed over; UTF-16 and
UTF-32 are refused by name. What is written is written whole or not at all, beside what stands there until it is
complete, and only where an ordinary file can be. Every failure is a UsageError: one sentence with the option, the file
and what is wrong with it.
"""

import codecs
import contextlib
import os
from collections.abc import Callable
from pathlib import Path

from .config import UsageError
from .output import reason

_OTHER_MARKS = {
    codecs.BOM_UTF32_LE: "UTF-32",
    codecs.BOM_UTF32_BE: "UTF-32",
    codecs.BOM_UTF16_LE: "UTF-16",
    codecs.BOM_UTF16_BE: "UTF-16",
}


def to_read(text: str, option: str) -> Path:
    """Return the path of a file, or a pipe, that can be read."""
    path = _path(text, option)
    if _is(Path.is_file, path) or _is(Path.is_fifo, path):
        return path
    if not _is(Path.exists, path):
        raise UsageError(f"{option}: there is no file {text!r}; expected the path of one")
    raise UsageError(f"{option}: {text!r} is a {_kind(path)}; expected the path of a file")


def to_write(text: str, option: str) -> Path:
    """Return the path of an ordinary file, there or not yet, that can be written."""
    path = _path(text, option)
    folder = path.absolute().parent
    if not _is(Path.is_dir, folder):
        raise UsageError(f"{option}: there is no folder {str(folder)!r}; expected one to write into")
    if _is(Path.exists, path) and not path.is_file():
        raise UsageError(f"{option}: {text!r} is a {_kind(path)}; expected a file to write")
    _try(path, path, option)
    return path


def folder_to_read(text: str, option: str) -> Path:
    """Return the path of a folder of Python files."""
    path = _path(text, option)
    if not _is(Path.is_dir, path):
        raise UsageError(f"{option}: {text} is no folder; expected one of Python files")
    return path


def folder_to_write(text: str, option: str) -> Path:
    """Return the path of a folder, there or not yet, that can be written into."""
    path = _path(text, option)
    there = path.absolute()
    while not _is(Path.exists, there):
        there = there.parent
    if not there.is_dir():
        raise UsageError(f"{option}: {str(there)!r} is no folder; expected one to write into")
    _try(there / "report", path, option)
    return path


def _path(text: str, option: str) -> Path:
    if not text:
        raise UsageError(f"{option}: '' is no path; expected that of a file or a folder")
    return Path(text)


def _is(question: Callable[[Path], bool], path: Path) -> bool:
    """Whether something is true of a path; not of one that cannot even be asked for, because it is too long."""
    try:
        return question(path)
    except OSError:
        return False


def _kind(path: Path) -> str:
    return "folder" if path.is_dir() else "device or a pipe"


def read_bytes(path: Path, option: str) -> bytes:
    """Return what a file of UTF-8 holds, without a mark at its beginning."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UsageError(f"{option}: {path} cannot be read: {reason(error)}") from None
    for mark, name in _OTHER_MARKS.items():
        if content.startswith(mark):
            raise UsageError(f"{option}: {path} is {name}; expected UTF-8")
    return content.removeprefix(codecs.BOM_UTF8)


def read_text(path: Path, option: str) -> str:
    """Return the text of a file."""
    try:
        return read_bytes(path, option).decode()
    except UnicodeDecodeError as error:
        raise UsageError(f"{option}: {path} is no UTF-8: {error.reason} at byte {error.start}") from None


def write(path: Path, text: str, option: str) -> None:
    """Write a file so that whoever sees it sees all of it; nothing is left beside it."""
    beside = _beside(path)
    try:
        beside.write_text(text, encoding="utf-8")
        beside.replace(path)
    except OSError as error:
        raise UsageError(f"{option}: {path} cannot be written: {reason(error)}") from None
    finally:
        with contextlib.suppress(OSError):
            beside.unlink(missing_ok=True)


def _try(path: Path, named: Path, option: str) -> None:
    """See that a byte can be written where a file is to stand."""
    beside = _beside(path)
    try:
        beside.write_bytes(b"\n")
    except OSError as error:
        raise UsageError(f"{option}: {named} cannot be written: {reason(error)}") from None
    finally:
        with contextlib.suppress(OSError):
            beside.unlink(missing_ok=True)


def _beside(path: Path) -> Path:
    return path.with_name(f".{path.name}.{os.getpid()}")
