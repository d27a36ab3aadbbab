"""The lines of `sched-emulator tail`, made of the events of a sandbox."""

from collections.abc import Callable, Iterator

from sched_emulator.client.watching import Event
from sched_emulator.core import globs, urls
from sched_emulator.output import facts
from sched_emulator.output.lines import Line


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
