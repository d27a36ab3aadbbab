"""`sched-emulator clock`: look at a sandbox's clock, and move it."""

import argparse
import sys
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sched_emulator import config
from sched_emulator.client.sandbox import Sandbox
from sched_emulator.config import UsageError
from sched_emulator.output import counted, write
from sched_emulator.output.lines import span

from . import connection
from .options import Commands, Option, Parser, add_command, instant
from .terminal import say, say_dropped, say_json, styled, table

ROWS_SHOWN = 100
LONG_SECONDS = 0.5  # real ones, after which a receiver that is waited for is named

OPTIONS = (*connection.OPTIONS, Option("--json", "write JSON", default=False))

_OUTCOME_STYLES = {"delivered": "green", "captured": "green", "running": "yellow"}


def register(commands: Commands) -> None:
    """Add the command and what it can do."""
    parser = add_command(
        commands,
        "clock",
        summary="Show or move the clock of a sandbox.",
        examples="  sched-emulator clock\n  sched-emulator clock advance 3d\n  sched-emulator clock set 2026-03-01",
        run=show,
        options=OPTIONS,
    )
    actions = parser.add_subparsers(title="actions", metavar="ACTION", parser_class=Parser)
    _add(actions, "show", "Show what time it is, and what is due next.", "", show)
    advance_parser = _add(actions, "advance", "Let time pass and show what fired.", "3d", advance)
    advance_parser.set_defaults(typed={"seconds": "DURATION"})
    advance_parser.add_argument(
        "duration", metavar="DURATION", help="90s, 15m, 2h, 3d, 1w or PT15M; 0s: what is due now"
    )
    set_parser = _add(actions, "set", "Move the clock to an instant and show what fired.", "2026-03-01T09:00Z", set_to)
    set_parser.set_defaults(typed={"now": "INSTANT"})
    set_parser.add_argument("instant", metavar="INSTANT", help="with or without an offset (without: UTC)")
    _add(actions, "freeze", "Stop the clock.", "", freeze)
    resume_parser = _add(actions, "resume", "Let the clock run from where it stands.", "60x", resume)
    resume_parser.add_argument("speed", metavar="SPEED", nargs="?", help="60x runs sixty times real time")


def _add(
    actions: Commands, name: str, summary: str, example: str, run: Callable[[argparse.Namespace], int]
) -> argparse.ArgumentParser:
    examples = f"  sched-emulator clock {name} {example}".rstrip()
    return add_command(actions, name, summary=summary, examples=examples, run=run, options=OPTIONS)


def show(values: argparse.Namespace) -> int:
    """Show the clock."""
    _show_state(values, connection.sandbox_of(values).clock.state())
    return 0


def freeze(values: argparse.Namespace) -> int:
    """Stop the clock."""
    _show_state(values, connection.sandbox_of(values, making=True).clock.freeze())
    return 0


def resume(values: argparse.Namespace) -> int:
    """Let the clock run."""
    speed = None
    if values.speed is not None:
        mode, speed = config.parse_clock(values.speed, "SPEED")
        if mode == "frozen":
            raise UsageError("SPEED: 'frozen' does not resume; expected a speed like 60x")
    _show_state(values, connection.sandbox_of(values, making=True).clock.resume(speed))
    return 0


def advance(values: argparse.Namespace) -> int:
    """Let time pass, and show what fired."""
    seconds = config.parse_duration(values.duration, "DURATION")
    box = connection.sandbox_of(values)
    before = _before(box)
    box.clock.watch = Waiting().tell
    _show_passed(values, box.clock.advance(seconds=seconds), box, before)
    return 0


def set_to(values: argparse.Namespace) -> int:
    """Move the clock, and show what fired."""
    instant(values.instant, "INSTANT")
    box = connection.sandbox_of(values, making=True)
    before = _before(box)
    box.clock.watch = Waiting().tell
    _show_passed(values, box.clock.set(values.instant), box, before)
    return 0


class _Before(NamedTuple):
    """What had been delivered before time passed: the last entry's number, and how many there were."""

    seq: int
    deliveries: int


def _before(box: Sandbox) -> _Before:
    entries = box.deliveries(kept=True)
    return _Before(entries[-1]["seq"] if entries else 0, len(entries) + entries.dropped)


class Waiting:
    """Tells on stderr for whom a clock waits: each attempt once, when it has taken a while."""

    def __init__(self) -> None:
        self._told: set[tuple[str, int]] = set()

    def tell(self, waiting_for: list[dict[str, Any]]) -> None:
        """Take notice of what is waited for at this moment."""
        for each in waiting_for:
            attempt = (each["url"], each["attempt"])
            if each["real_seconds"] >= LONG_SECONDS and attempt not in self._told:
                self._told.add(attempt)
                write(sys.stderr, f"waits for {each['url']}, attempt {each['attempt']}\n", flush=True)


def _show_state(values: argparse.Namespace, state: dict[str, Any]) -> None:
    if values.json:
        say_json(state)
        return
    mode = state["mode"]
    if mode == "wall" and state["speed"] != 1:
        mode = f"running, {state['speed']:g} times real time"
    due = state["next_event_at"]
    table(
        [
            ("now", state["now"]),
            ("mode", "running" if mode == "wall" else mode),
            ("next", f"{due}, in {_span(state['now'], due)}" if due else "nothing is due"),
        ],
        ["bold"],
    )
    for waiting in state.get("advancing", {}).get("waiting_for", []):
        say(f"waits for {waiting['url']}, attempt {waiting['attempt']}, since {waiting['real_seconds']:.1f} s")


def _show_passed(values: argparse.Namespace, moved: dict[str, Any], box: Sandbox, before: _Before) -> None:
    entries = box.deliveries(since=before.seq, kept=True)
    lost = max(0, entries.dropped - before.deliveries)  # the oldest go first
    if values.json:
        say_json({**moved, "deliveries": entries, "dropped": lost})
        return
    if lost:
        say_dropped(lost, "delivery")
    for entry in entries[:ROWS_SHOWN]:
        say(delivery_line(entry))
    if len(entries) > ROWS_SHOWN:
        say(f"… and {len(entries) - ROWS_SHOWN:,} more; --json shows {'those too' if lost else 'them all'}")
    happened = f"{counted(moved['fired'], 'event')}, " if "fired" in moved else ""
    say(f"{happened}{counted(len(entries) + lost, 'delivery')}; it is now {moved['now']}")
    if moved.get("stopped") == "max_events":
        say("stopped early, after the most events an advance makes happen: advance again")


def delivery_line(entry: dict[str, Any]) -> str:
    """Return a delivery attempt as one line."""
    outcome = entry["outcome"]
    told = f"{outcome} {entry['status']}" if "status" in entry else outcome
    again = f" (attempt {entry['attempt']})" if entry["attempt"] > 1 else ""
    return (
        f"{entry['at']}  {entry['kind']:7}  {entry['url']}  {styled(told, _OUTCOME_STYLES.get(outcome, 'red'))}{again}"
    )


def _span(start: str, end: str) -> str:
    return span((datetime.fromisoformat(end) - datetime.fromisoformat(start)) / timedelta(seconds=1))
