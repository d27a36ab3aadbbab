"""What is written for people: texts that a terminal does not obey, on streams that may be full.

Much of what is printed came from elsewhere: from a gateway, a receiver, a request. Whatever prints sends its text
through `printable`; colours of our own are put in with `ink`, whose mark nobody else can know.
"""

import os
import unicodedata
from typing import TextIO

from sched_emulator.config import UsageError

KEPT = "\n\t"
_MARK = f"\x1b{os.urandom(8).hex()}"


def counted(number: int, one: str) -> str:
    """Return how many there are of something, in its plural but for one."""
    if number == 1:
        return f"1 {one}"
    return f"{number:,} {one.removesuffix('y')}ies" if one.endswith("ry") else f"{number:,} {one}s"


def printable(text: str, keep: str = KEPT) -> str:
    r"""Return a text with nothing in it that a terminal would obey: control and format characters as `\u001b`.

    The escapes are those of JSON and TOML, so that a document of either still means the same.
    """
    if text.isprintable():
        return text
    return "".join(sign if sign in keep or not _is_obeyed(sign) else _escaped(sign) for sign in text)


def ink(text: str, code: str, end: str = "0m") -> str:
    """Return a text between two commands to a terminal, such as `1m` and `0m`, as `for_terminal` lets them pass."""
    return f"{_MARK}[{code}{text}{_MARK}[{end}"


def for_terminal(text: str) -> str:
    """Return a text as a terminal may get it: printable but for the commands of `ink`."""
    return "\x1b".join(printable(part) for part in text.split(_MARK))


def write(stream: TextIO, text: str, *, flush: bool = False) -> None:
    """Write a text for people. UsageError when the stream takes no more."""
    emit(stream, for_terminal(text), flush=flush)


def emit(stream: TextIO, text: str, *, flush: bool = False) -> bool:
    """Write a text that may move the cursor, and say whether somebody reads. UsageError when the stream takes no more.

    A reader that has seen enough, as `head` has, is nothing to stop for: the rest is dropped, and what a command has to
    say with its exit status it says.
    """
    try:
        stream.write(text)
        if flush:
            stream.flush()
    except BrokenPipeError:
        drop(stream)
        return False
    except OSError as error:
        raise UsageError(f"the output cannot be written: {reason(error)}") from None
    return True


def drop(stream: TextIO) -> None:
    """Let whatever is still written to a stream go nowhere."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


def reason(error: OSError) -> str:
    """Return what went wrong in a few words; those of Python itself differ by version."""
    return (os.strerror(error.errno) if error.errno else str(error)).lower()


def takes_colours(stream: TextIO) -> bool:
    """Say whether a stream is a terminal on which colours are wanted."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def _is_obeyed(sign: str) -> bool:
    category = unicodedata.category(sign)
    return category.startswith("C") or category in {"Zl", "Zp"}


def _escaped(sign: str) -> str:
    units = sign.encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[start : start + 4]}" for start in range(0, len(units), 4))
