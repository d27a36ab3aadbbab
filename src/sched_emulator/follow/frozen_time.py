"""What freezegun and time-machine show, and how to move it: the two behind one interface.

Only what both libraries' users can reach is used; where that is no documented name, a comment says which and why.
"""

import calendar
import importlib.util
from abc import ABC, abstractmethod
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

__tracebackhide__ = True  # a failing test shows its own lines

_NAMES, _NAMES_BEFORE_3 = ("Traveller", "traveller_stack"), ("Coordinates", "coordinates_stack")


class Source(ABC):
    """A library that freezes time, and its methods: those that start a freeze, those that move it, silent ones.

    The silent ones move time without the test having said so.
    """

    starts: tuple[tuple[type, str], ...]
    moves: tuple[tuple[type, str], ...]
    silent: tuple[tuple[type, str], ...] = ()

    @abstractmethod
    def now_ns(self) -> int | None:
        """Return the instant shown, None while time is real."""

    @abstractmethod
    def set_ns(self, instant_ns: int) -> None:
        """Show an instant."""

    @abstractmethod
    def is_running(self) -> bool:
        """Say whether the time shown passes by itself."""

    @abstractmethod
    def last_set_ns(self) -> int:
        """Return the instant last set, without the real time that a running clock has added since."""


class Freezegun(Source):
    """freezegun: the last of its factories shows the time, in naive UTC."""

    def __init__(self) -> None:
        from freezegun import api  # noqa: PLC0415 - costs those who follow it

        self._api = api
        kinds = (api.FrozenDateTimeFactory, api.TickingDateTimeFactory, api.StepTickTimeFactory)
        self.starts = ((api._freeze_time, "start"),)  # noqa: SLF001 - the class of what `freeze_time()` returns
        self.moves = tuple((kind, name) for kind in kinds for name in ("tick", "move_to"))
        self.silent = ((api.StepTickTimeFactory, "__call__"),)

    def now_ns(self) -> int | None:
        """Return the instant shown; an auto-ticking factory is not called, which would move it."""
        if not self._api.freeze_factories:
            return None
        factory = self._api.freeze_factories[-1]
        return _to_ns(factory.time_to_freeze if isinstance(factory, self._api.StepTickTimeFactory) else factory())

    def set_ns(self, instant_ns: int) -> None:
        """Show an instant."""
        if instant_ns != self.now_ns():
            moment = self._api.real_datetime(1970, 1, 1) + timedelta(microseconds=instant_ns // 1000)
            self._api.freeze_factories[-1].move_to(moment)

    def is_running(self) -> bool:
        """Say whether `tick=True` was given."""
        return isinstance(self._api.freeze_factories[-1], self._api.TickingDateTimeFactory)

    def last_set_ns(self) -> int:
        """Return the instant last set."""
        return _to_ns(self._api.freeze_factories[-1].time_to_freeze)


class TimeMachine(Source):
    """time-machine: the last traveller shows the time."""

    def __init__(self) -> None:
        import time_machine  # noqa: PLC0415 - costs those who follow it

        kind, stack = _NAMES if hasattr(time_machine, _NAMES[0]) else _NAMES_BEFORE_3
        traveller = getattr(time_machine, kind)
        self._stack = getattr(time_machine, stack)
        self.starts = ((time_machine.travel, "start"),)
        self.moves = ((traveller, "shift"), (traveller, "move_to"))

    def now_ns(self) -> int | None:
        """Return the instant shown."""
        now_ns: int | None = self._stack[-1].time_ns() if self._stack else None
        return now_ns

    def set_ns(self, instant_ns: int) -> None:
        """Show an instant, in the time zone that was travelled to."""
        traveller = self._stack[-1]
        traveller.shift(timedelta(microseconds=(instant_ns - traveller.time_ns()) // 1000))

    def is_running(self) -> bool:
        """Say whether time passes while travelling, as it does by default."""
        running: bool = self._stack[-1]._tick  # noqa: SLF001 - shown nowhere else
        return running

    def last_set_ns(self) -> int:
        """Return the instant last set."""
        set_ns: int = self._stack[-1]._destination_timestamp_ns  # noqa: SLF001 - shown nowhere else
        return set_ns


def installed_sources() -> list[Source]:
    """Return the libraries that are installed; the first that shows an instant is the one that counts."""
    return [kind() for name, kind in _KINDS.items() if importlib.util.find_spec(name) is not None]


def shown_by(sources: list[Source]) -> Source | None:
    """Return the library that shows the time, None while time is real."""
    return next((source for source in sources if source.now_ns() is not None), None)


def methods(sources: list[Source], role: str) -> Iterator[tuple[Source, type, str]]:
    """Return the methods of a role (`starts`, `moves`, `silent`) of all libraries."""
    return ((source, owner, name) for source in sources for owner, name in getattr(source, role))


def _to_ns(moment: datetime) -> int:
    return (calendar.timegm(moment.timetuple()) * 1_000_000 + moment.microsecond) * 1000


_KINDS: dict[str, Any] = {"freezegun": Freezegun, "time_machine": TimeMachine}
