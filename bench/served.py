"""A server in a process of its own that says how much CPU time it has used, and its loop's longest turn.

`python -m bench.served bare|emulator|recorded PORT_FILE` serves on a free port until its standard input ends. Whenever
a line comes there, it answers with a line of two numbers: the CPU seconds of the process so far, and those of the
longest turn of its event loop since it was last asked. A turn is what stands between two waits for something to do: so
long the loop serves nobody else.
"""

import asyncio
import os
import selectors
import sys
import threading
from pathlib import Path
from time import process_time, thread_time
from typing import TextIO

from bench import bare


class Watching(selectors.DefaultSelector):
    """Waits as any selector does, and measures the time between two waits."""

    longest = 0.0
    _began: float | None = None

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """End a turn, wait, begin the next one."""
        if self._began is not None:
            Watching.longest = max(Watching.longest, thread_time() - self._began)
        found = super().select(timeout)
        self._began = thread_time()
        return found


def answer(questions: TextIO, answers: TextIO) -> None:
    """Answer until nobody asks any more, then end the process."""
    for _ in questions:
        longest, Watching.longest = Watching.longest, 0.0
        answers.write(f"{process_time()} {longest}\n")
        answers.flush()
    os._exit(0)


def serve(which: str, port_file: Path) -> None:
    """Serve for ever; the emulator as its command line does."""
    if which == "bare":
        asyncio.run(bare.serve(port_file))
    else:
        from sched_emulator.cli import main  # noqa: PLC0415 - no weight for the bare handler

        recording = ["--record", str(port_file.with_name("session.jsonl"))] if which == "recorded" else []
        main(["serve", "--clock", "frozen", "--port", "0", "--port-file", str(port_file), *recording])


if __name__ == "__main__":
    selectors.DefaultSelector = Watching  # type: ignore[misc] # what a new event loop waits with
    answers, sys.stdout = sys.stdout, sys.stderr
    threading.Thread(target=answer, args=(sys.stdin, answers), daemon=True).start()
    serve(sys.argv[1], Path(sys.argv[2]))
