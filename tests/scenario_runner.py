"""Plays scenarios: commands, each followed by what came of it, recorded in lines that are indented.

    # a comment
    start 2026-03-07 America/New_York cron.dst=literal   a new sandbox: its instant, a zone to show, its answers
    target https://api.acme.com/* 500 200 after 90s      script a receiver (also: timeout, refused, reset; then cycle)
    call queue.publish {queue: orders, payload: {}}      perform an operation, by the core's names, in YAML or JSON
    given queue.create {queue: orders}                   the same, without telling what came of it
    advance 1h · advance to 2026-03-08 · settle          let time pass
    assume queue.nack_position=back                      change answers under way
    now · timeline · runs · deliveries                   look

An answer is shown as it is. What else changed is told in one line a fact: attempts, runs, messages, crons.
"""

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import yaml
from msgspec import convert

from sched_emulator.config import parse_duration
from sched_emulator.core.dispatch import OPERATIONS
from sched_emulator.core.errors import SchedulingError
from sched_emulator.core.instants import from_text, to_ms, to_seconds, to_text
from sched_emulator.core.records import DeliveryEntry, Message, Run, Settings, Target
from sched_emulator.core.sandbox import Sandbox
from sched_emulator.spec import assumptions
from tests.core.harness import bound, in_ms

INDENT = "    "
ERRORS = ("timeout", "refused", "reset")
Facts = dict[tuple[str, str | int], str]


def play(text: str, story: "Story | None" = None) -> str:
    """Return a scenario with what comes of its commands now in place of what was recorded."""
    story = story or Story()
    told = []
    for line in text.splitlines():
        if line.startswith(INDENT):
            continue
        told.append(line)
        if line and not line.startswith("#"):
            name, _, rest = line.partition(" ")
            told += [INDENT + fact for fact in getattr(story, name)(rest)]
    return "\n".join(told) + "\n"


class Story:
    """One scenario under way: each command is a method that takes the rest of its line and returns what to tell."""

    def __init__(self) -> None:
        self.sandboxes: list[Sandbox] = []
        self.start("2026-01-01")

    def start(self, rest: str) -> list[str]:
        """Begin anew."""
        instant, *words = rest.split()
        self.zone = next((ZoneInfo(word) for word in words if "=" not in word), None)
        settings = Settings(
            seed=0,
            start_ms=from_text(instant),
            mode="frozen",
            speed=1.0,
            answers=assumptions.defaults() | _answers(words),
            routes={},
            deliver="none",
            uncovered="refuse",
            strict_urls=False,
        )
        self.sandbox = Sandbox.new(settings)
        self.sandboxes.append(self.sandbox)
        return []

    def assume(self, rest: str) -> list[str]:
        """Change answers."""
        before = self._facts()
        self.sandbox.set_assumptions(_answers(rest.split()))
        return list(self._changes(before))

    def target(self, rest: str) -> list[str]:
        """Script a receiver."""
        glob, *words = rest.split()
        target: dict[str, Any] = {"url": glob, "responses": []}
        if words[-2:] == ["then", "cycle"]:
            target["then"], words = "cycle", words[:-2]
        for previous, word in zip(["", *words], words, strict=False):
            if previous == "after":
                target["responses"][-1]["latency_seconds"] = parse_duration(word, "target")
            elif word != "after":
                target["responses"].append({"error": word} if word in ERRORS else {"status": int(word)})
        self.sandbox.add_target(convert(target, Target, strict=False))
        return []

    def given(self, rest: str) -> list[str]:
        """Perform an operation that succeeds, and tell nothing."""
        shown = self.call(rest)
        assert not shown[0][:3].isdigit(), shown
        return []

    def call(self, rest: str) -> list[str]:
        """Perform an operation."""
        name, _, written = rest.partition(" ")
        operation = name if name in OPERATIONS else f"scheduling.{name}"
        arguments = yaml.safe_load(written or "{}")
        key = arguments.pop("idempotency_key", None)
        for word in {"run_at", "since"} & arguments.keys():
            arguments[f"{word}_ms"] = from_text(arguments.pop(word))
        before = self._facts()
        try:
            result = self.sandbox.call(
                operation, in_ms(arguments), facts=bound(operation).facts, idempotency_key=key
            ).result
        except SchedulingError as error:
            return [f"{error.status} {error.code}: {error.message}"]
        items = next((result[word] for word in ("items", "messages") if word in result), None)
        shown = [self._show(result)] if items is None else [self._show(item) for item in items] or ["none"]
        return shown + list(self._changes(before))

    def advance(self, rest: str) -> list[str]:
        """Let time pass, from one thing that is due to the next."""
        sandbox, told = self.sandbox, []
        until = rest.removeprefix("to ")
        until_ms = from_text(until) if until != rest else sandbox.store.now_ms + to_ms(parse_duration(rest, "advance"))
        while (due_ms := sandbox.store.timeline.next_due_ms()) is not None and due_ms <= until_ms:
            before = self._facts()
            assert sandbox.poll(due_ms, max_events=1) is None, "every receiver is scripted"
            told += [f"{self._instant(sandbox.store.now_ms)}  {change}" for change in self._changes(before)]
        sandbox.poll(until_ms)
        return told or ["nothing happens"]

    def settle(self, _rest: str) -> list[str]:
        """Let happen what is due now."""
        return self.advance("0s")

    def now(self, _rest: str) -> list[str]:
        """Tell the instant."""
        return [self._instant(self.sandbox.store.now_ms)]

    def timeline(self, _rest: str) -> list[str]:
        """Tell what is due."""
        due = self.sandbox.store.timeline.due(100)
        return [f"{self._instant(entry.due_ms)}  {entry.kind} {entry.subject}" for entry in due] or ["nothing is due"]

    def runs(self, _rest: str) -> list[str]:
        """List the runs, newest first."""
        return self.call("run.list")

    def deliveries(self, _rest: str) -> list[str]:
        """List the attempts with what they sent."""
        entries = self.sandbox.store.journal.deliveries
        return [
            f"{self._instant(entry.at_ms)}  {_attempt(entry)} → {entry.url} {self._show(entry.body)}{_ending(entry)}"
            for entry in entries
        ]

    def _facts(self) -> Facts:
        sandbox = self.sandbox
        facts: Facts = {
            (entry.url, entry.seq): _attempt(entry) + _ending(entry) for entry in sandbox.store.journal.deliveries
        }
        facts |= {("run", run.run_id): self._run(run) for run in sandbox.store.runs.values()}
        messages = sorted(sandbox.store.messages.items())
        facts |= {("message", message_id): self._message(message) for message_id, message in messages}
        enabled = {True: "enabled", False: "disabled"}
        facts |= {
            ("cron", cron.cron_id): f"{cron.cron_id} {enabled[cron.enabled]}" for cron in sandbox.store.crons.values()
        }
        return facts

    def _changes(self, before: Facts) -> Iterator[str]:
        after = self._facts()
        for (kind, name), fact in after.items():
            if before.get((kind, name)) == fact or fact.endswith(" running"):
                continue
            if isinstance(name, int) and (kind, name) not in before:
                entry = self.sandbox.store.journal.delivery(name)
                assert entry is not None
                yield f"{_attempt(entry)} → {entry.url}{_ending(entry)}"
            elif kind != "cron" or (kind, name) in before:
                yield fact
        yield from (f"{name} is gone" for kind, name in before if (kind, name) not in after)

    def _run(self, run: Run) -> str:
        if run.state == "running" and run.entry is not None and run.delivery_id is not None:
            attempt = self.sandbox.store.deliveries[run.delivery_id].attempt + 1
            return f"{run.run_id} waits for attempt {attempt} until {self._due(run.entry)}"
        return f"{run.run_id} {run.state}"

    def _message(self, message: Message) -> str:
        place = f"{message.message_id} {message.place.replace('_', ' ')} in {message.queue}"
        if message.entry is not None:
            place += f" until {self._due(message.entry)}"
        dead = message.died_ms is not None and message.place != "dead"
        return f"{place}, a dead letter of {message.origin}" if dead else place

    def _due(self, entry: int) -> str:
        [due_ms] = [item.due_ms for item in self.sandbox.store.timeline.listed() if item.seq == entry]
        return self._instant(due_ms)

    def _instant(self, instant_ms: int) -> str:
        text = to_text(instant_ms).replace("T", " ").removesuffix("Z").removesuffix(".000")
        if self.zone is None:
            return text
        return f"{text} ({datetime.fromtimestamp(instant_ms / 1000, self.zone):%a %H:%M:%S %Z})"

    def _show(self, value: Any, name: str = "") -> str:
        if isinstance(value, dict):
            return (
                "{"
                + ", ".join(f"{key.removesuffix('_ms')}: {self._show(item, key)}" for key, item in value.items())
                + "}"
            )
        if isinstance(value, list):
            return "[" + ", ".join(map(self._show, value)) + "]"
        if name.endswith("_ms"):
            return json.dumps(to_seconds(value))
        if name.endswith("_at") and isinstance(value, int):
            return self._instant(value)
        return value if isinstance(value, str) else json.dumps(value)


def _answers(words: list[str]) -> dict[str, str | int]:
    return assumptions.parse_answers(dict(word.split("=") for word in words if "=" in word))


def _attempt(entry: DeliveryEntry) -> str:
    if entry.kind == "failure":
        return f"{entry.run_id} failure webhook"
    return f"{entry.message_id or entry.run_id} attempt {entry.attempt}"


def _ending(entry: DeliveryEntry) -> str:
    if entry.outcome == "running":
        return ""
    status = "" if entry.status is None else f" {entry.status}"
    duration = f" after {entry.duration_ms / 1000:g} s" if entry.duration_ms else ""
    note = "" if entry.note is None else f" ({entry.note})"
    return f": {entry.outcome}{status}{duration}{note}"
