"""`sched-emulator tail`: what happens in a sandbox of an emulator that runs, from another terminal."""

import argparse
import shutil
import sys
from collections.abc import Callable, Iterator
from functools import partial

from sched_emulator import config
from sched_emulator.client.watching import Event, events
from sched_emulator.core import globs, urls
from sched_emulator.output import emit, facts, lines, takes_colours
from sched_emulator.output.lines import Line

from . import connection
from .options import Commands, Option, add_command
from .terminal import complain

OPTIONS = (
    *connection.OPTIONS,
    Option("--since", "only what came after the entry of this number", "SEQ", partial(config.parse_whole, least=0), 0),
    Option("--operation", "only requests for operations that fit, such as 'queue.*'", "GLOB"),
    Option("--to", "only deliveries to URLs that fit, such as '*weekly*'", "GLOB"),
    Option("--json", "write each line as a JSON object", default=False),
)


def register(commands: Commands) -> None:
    """Add the command."""
    add_command(
        commands,
        "tail",
        summary="Show what happened in a sandbox, and go on with what happens, until Ctrl-C.",
        examples="  sched-emulator tail --key ifr_local\n  sched-emulator tail --operation 'queue.*' --to '*weekly*'",
        run=run,
        options=OPTIONS,
    )


def run(values: argparse.Namespace) -> int:
    """Show what happens, until the sandbox or the emulator ends."""
    box = connection.sandbox_of(values)
    key = str(box.summary()["key"]) if box.api_key else ""
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    form = lines.as_json if values.json else partial(lines.text, coloured=takes_colours(sys.stdout), width=width)
    shown = Shown(key, values.operation, values.to)
    for event in events(box, values.since):
        for line in shown.lines(event):
            if not emit(sys.stdout, form(line) + "\n", flush=True):
                return 0
    complain(values.prog, "the sandbox or the emulator has ended")
    return 0


class Shown:
    """Turns events into lines. With one filter the sort of facts that it is not about is left out."""

    def __init__(self, key: str, operation: str | None = None, to: str | None = None) -> None:
        self._key = key
        self._operation = operation
        self._to = to
        self._filtered = operation is not None or to is not None
        self._clock: tuple[str, str] | None = None

    def lines(self, event: Event) -> Iterator[Line]:
        """Yield the line of an event, if it has one."""
        data = event.data
        if event.name == "request" and self._is_meant(self._operation, data.get("operation"), globs.names_operation):
            yield facts.of_request(data, self._key)
        elif (
            event.name == "delivery"
            and data["outcome"] != "running"
            and self._is_meant(self._to, data["url"], urls.fits)
        ):
            yield facts.of_delivery(data, self._key)
        elif event.name == "missed":
            yield Line("", self._key, "more", "facts were no longer kept", many=data["count"])
        elif event.name == "sandbox" and data["change"] in {"replaced", "forgotten"}:
            yield Line(data["now"], self._key, "sandbox", data["change"])
        elif event.name == "clock":
            yield from self._of_clock(data["now"], "frozen" if data["mode"] == "frozen" else f"runs {data['speed']:g}x")

    def _is_meant(self, glob: str | None, value: str | None, fits: Callable[[str, str], bool]) -> bool:
        if glob is None:
            return not self._filtered
        return value is not None and fits(glob, value)

    def _of_clock(self, now: str, mode: str) -> Iterator[Line]:
        """Yield a line when the clock was moved or set: an event also says that something else is due next."""
        before, self._clock = self._clock, (now, mode)
        if before is not None and before != self._clock and not self._filtered:
            yield Line(now, self._key, "clock", "", mode)
