"""What happens in a sandbox, as it happens: the lines of the control API, one after another."""

import json
from collections.abc import Iterator
from typing import Any

from .sandbox import Sandbox

__tracebackhide__ = True  # a failing test shows its own lines


def lines(
    box: Sandbox, since: int = 0, operation: str | None = None, url: str | None = None
) -> Iterator[dict[str, Any]]:
    """Yield what happened after the fact numbered `since`, and then what happens, until sandbox or emulator end.

    `operation` and `url` are globs over requests and deliveries. EmulatorError when it is refused, or when nothing
    answers.
    """
    globs = {"operation": operation, "url": url}
    given = {name: glob for name, glob in globs.items() if glob is not None}
    for line in box.client.lines("/_emulator/lines", since=since, **given):
        if line:
            yield json.loads(line)
