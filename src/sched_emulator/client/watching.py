"""What happens in a sandbox, as it happens: the events of the control API, one after another."""

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

from .sandbox import Sandbox

__tracebackhide__ = True  # a failing test shows its own lines


class Event(NamedTuple):
    """One event: its name, what it says, and the number of the last fact told until then."""

    name: str
    data: dict[str, Any]
    seq: int


def events(box: Sandbox, since: int = 0) -> Iterator[Event]:
    """Yield what happened after the fact numbered `since`, and then what happens, until sandbox or emulator end.

    EmulatorError when it is refused, or when nothing answers.
    """
    fields: dict[str, str] = {}
    for line in box.client.lines("/_emulator/events", since=since):
        name, _, value = line.partition(": ")
        if line:
            fields[name] = value
        elif "data" in fields:
            yield Event(fields["event"], json.loads(fields["data"]), int(fields["id"]))
            fields = {}
