"""Lines on a stream that may be read slowly, or not at all: who serves never waits for who reads."""

import os
import select
import sys
from collections.abc import Callable
from typing import TextIO

from sched_emulator.output.lines import Line

PIECE_BYTES = 4096  # what a pipe takes whole once it takes any
LEFT_BYTES = 1024 * 1024  # that wait for a reader


class Unhurried:
    """Writes lines to a stream as far as that takes them at once. What is too much for it is dropped, and counted."""

    def __init__(self, stream: TextIO, form: Callable[[Line], str]) -> None:
        self._form = form
        self._stream = stream
        self._left = bytearray()
        self._dropped = 0
        self._open = True

    def write(self, told: list[Line]) -> None:
        """Write lines, after what is left of those before."""
        if not self._open or not (told or self._left):
            return
        if len(self._left) > LEFT_BYTES:
            self._dropped += len(told)
        else:
            if self._dropped:
                told = [Line("", "", "more", "lines were not read", "in time", many=self._dropped), *told]
                self._dropped = 0
            self._left += "".join(f"{self._form(line)}\n" for line in told).encode(self._stream.encoding, "replace")
        try:
            while self._left and self._takes():
                del self._left[: os.write(self._stream.fileno(), self._left[:PIECE_BYTES])]
        except OSError:  # nobody is there any more, or the disk is full: serving goes on
            self._open = False

    def _takes(self) -> bool:
        """Say whether a piece can be written without waiting for a reader."""
        return sys.platform == "win32" or bool(select.select([], [self._stream], [], 0)[1])
