"""What is written for people holds nothing that a terminal would obey, and a stream that is full is said to be."""

import errno
import io
import json
import os
import tomllib

import pytest

from sched_emulator.config import UsageError
from sched_emulator.output import counted, for_terminal, ink, printable, write

HOSTILE = "\x1b]0;owned\x07\x1b[2J\r\x00\x7f\x85\x9b31m\u202e\u2028\ud800\U000e0041"


def test_what_a_terminal_obeys_becomes_an_escape() -> None:
    assert printable(f"a{HOSTILE}b") == (
        r"a\u001b]0;owned\u0007\u001b[2J\u000d\u0000\u007f\u0085\u009b31m\u202e\u2028\ud800\udb40\udc41b"
    )


@pytest.mark.parametrize("text", ["plain", "Größe 天 🎉", "an ideographic\u3000space", "lines\nand\ttabs"])
def test_what_people_write_stays(text: str) -> None:
    assert printable(text) == text


def test_a_line_that_must_stay_one_line_does() -> None:
    assert printable("a\nb", keep="") == r"a\u000ab"


def test_documents_that_were_made_printable_still_mean_the_same() -> None:
    hostile = HOSTILE.replace("\ud800", "")
    assert json.loads(printable(json.dumps(hostile, ensure_ascii=False))) == hostile
    assert tomllib.loads(printable("text = 'a'  # \x1b\x7f\x85")) == {"text": "a"}


def test_colours_of_our_own_pass_and_those_of_a_target_do_not() -> None:
    assert for_terminal(ink("a \x1b[31mtarget's", "1m")) == "\x1b[1ma \\u001b[31mtarget's\x1b[0m"


class Full(io.StringIO):
    def write(self, _text: str) -> int:
        raise OSError(errno.ENOSPC, "whatever the version says")


def test_a_full_stream_is_said_to_be_that() -> None:
    with pytest.raises(UsageError, match=r"^the output cannot be written: no space left on device$"):
        write(Full(), "text")


def test_a_reader_that_has_seen_enough_misses_the_rest() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with open(writer, "w", encoding="utf-8") as left:  # noqa: PTH123 - a descriptor
        for _ in range(3):
            write(left, "text\n", flush=True)


@pytest.mark.parametrize(
    ("number", "one", "told"),
    [(0, "check", "0 checks"), (1, "check", "1 check"), (1234, "day", "1,234 days"), (2, "delivery", "2 deliveries")],
)
def test_one_of_something_is_told_in_the_singular(number: int, one: str, told: str) -> None:
    assert counted(number, one) == told
