"""A sandbox's story for the report of a failed test: its clock, what was asked, what was delivered, what is due."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from sched_emulator import spec
from sched_emulator.client.emulator import OWN_PREFIX, Emulator
from sched_emulator.client.http import EmulatorError
from sched_emulator.client.records import Log
from sched_emulator.client.sandbox import Sandbox
from sched_emulator.output import printable

SHOWN = 10
DUE_SHOWN = 5
WIDTH = 160
OWN_SHOWN = len("ifr_sa")  # how much lists show at least of the key of a fresh sandbox


class Strangers:
    """The requests that come with the keys of others, from now on: not those of fresh sandboxes."""

    def __init__(self, emulator: Emulator) -> None:
        self._emulator = emulator
        self.forget()

    def forget(self) -> None:
        """Begin anew."""
        try:
            self._before = self._counts()
        except EmulatorError:  # a test has stopped it
            self._before = Counter()

    def told(self) -> Iterator[str]:
        """Say how many came with which keys."""
        try:
            since = self._counts()
        except EmulatorError:
            return
        since.subtract(self._before)
        for key, count in sorted(since.items()):
            if count > 0:
                yield printable(
                    f"{count} request{'s' * (count > 1)} came with {key}, which is not this sandbox's key: code that"
                    " reads its settings at import needs `sched_emulator_env = session`"
                )

    def _counts(self) -> Counter[str]:
        counts: Counter[str] = Counter()
        for told in self._emulator.sandboxes():
            if not _is_own(told["key"]):
                counts[told["key"]] += told["requests"]
        return counts


def _is_own(key: str) -> bool:
    """Say whether a key, as lists show it, is that of a fresh sandbox."""
    shown = key.partition("…")[0]
    return key.startswith(OWN_PREFIX) or (shown != key and len(shown) >= OWN_SHOWN and OWN_PREFIX.startswith(shown))


def story(box: Sandbox) -> str:
    """Return the story, one line for each thing."""
    try:
        return printable("\n".join(_lines(box)))
    except EmulatorError as error:
        return printable(f"the sandbox cannot be asked: {error}")


def _lines(box: Sandbox) -> Iterator[str]:
    clock = box.clock.state()
    running = f"running at {clock['speed']:g}x" if clock["mode"] == "wall" else clock["mode"]
    yield f"clock: {clock['now']}, {running}"
    for waiting in clock.get("advancing", {}).get("waiting_for", ()):
        yield f"  an advance waits for {waiting['url']} (attempt {waiting['attempt']})"
    yield from _last("requests", box.requests(kept=True), _request)
    yield from _last("deliveries", box.deliveries(kept=True), _delivery)
    yield from (f"nothing met {thing}" for thing in unmet(box.unused()))
    due = box.timeline(limit=DUE_SHOWN)
    yield "due next:" if due else "due next: nothing"
    for entry in due:
        yield f"  {entry['at']}  {entry['kind']} {entry.get('name', entry['subject'])}"


def unmet(unused: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Say in words what nothing has met."""
    for item in unused:
        if item["kind"] == "target":
            yield f"the script for {item['url']}"
        elif item["kind"] == "route":
            yield f"the route from {item['from']}"
        else:
            yield f"the fault on {item['operation']}"


def _last(title: str, log: Log[Any], line: Any) -> Iterator[str]:
    count = len(log) + log.dropped
    if count <= SHOWN:
        yield f"{title}:" if count else f"{title}: none"
    else:
        yield f"{title}, the last {SHOWN} of {count}:"
    for entry in log[-SHOWN:]:
        yield _cut(f"  {entry['seq']:>4}  {entry['at']}  {line(entry)}")
        if entry.get("response_body"):
            yield _cut(f"        answered: {entry['response_body']}")
        if entry.get("note"):
            yield _cut(f"        note: {entry['note']}")


def _cut(text: str) -> str:
    text = " ".join(text.splitlines())
    return text if len(text) <= WIDTH else text[: WIDTH - 1] + "…"


def _request(entry: Mapping[str, Any]) -> str:
    operation = entry.get("operation") or f"{entry['method']} {entry['path']}"
    line = f"{spec.short(operation)}  {entry['status']}"
    error = _error(entry.get("response"))
    if error is not None:
        line += f" {error['code']}: {error['message']}"
    if entry.get("replayed_from") is not None:
        line += f" (the answer of request {entry['replayed_from']} again)"
    if entry["ignored"]:
        line += f" (ignored: {', '.join(entry['ignored'])})"
    return line


def _error(response: Any) -> Mapping[str, Any] | None:
    error = response.get("error") if isinstance(response, dict) else None
    return error if isinstance(error, dict) else None


def _delivery(entry: Mapping[str, Any]) -> str:
    routed = f" (sent to {entry['routed_to']})" if entry.get("routed_to") else ""
    line = f"{entry['kind']} to {entry['url']}{routed}, attempt {entry['attempt']}: {entry['outcome']}"
    if entry.get("status") is not None:
        return f"{line} {entry['status']}"
    return f"{line}, {entry['error']}" if entry.get("error") else line
