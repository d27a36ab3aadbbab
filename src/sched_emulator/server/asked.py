"""What a request of the control API asks of a sandbox, as the functions of its operations take it."""

from typing import Any, NamedTuple

from sched_emulator.core.sandbox import Sandbox
from sched_emulator.core.store import Store

from .driver import Driver
from .sandboxes import Hosted
from .turns import Work

Json = dict[str, Any]
Performed = Json | bytes | Work[Json]  # what is answered: a value, the JSON of it, or the long work that makes it


class Asked(NamedTuple):
    """A sandbox and what was sent, checked: the body and the query by name, or the body as it came."""

    hosted: Hosted
    body: Json
    query: Json
    document: bytes

    @property
    def sandbox(self) -> Sandbox:
        """The sandbox itself."""
        return self.hosted.sandbox

    @property
    def store(self) -> Store:
        """What it holds."""
        return self.hosted.sandbox.store

    @property
    def driver(self) -> Driver:
        """What drives its time."""
        return self.hosted.driver
