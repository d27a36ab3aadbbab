"""Recordings of random sessions: a sandbox under chosen answers, seen through a proxy that renames ids and shifts time.

All of it is pure: the sandbox stands for a gateway, time is moved, nothing is sent.
"""

import json
import random
import re
from collections.abc import Mapping
from email.utils import formatdate
from hashlib import blake2b
from typing import Any

from msgspec.structs import replace as replace_record
from multidict import CIMultiDict

from sched_emulator.compare.infer import Judged, judge
from sched_emulator.compare.read import Traffic, add
from sched_emulator.core.encoding import encode
from sched_emulator.core.instants import to_text
from sched_emulator.core.records import DeliveryEntry, Response, Target
from sched_emulator.core.sandbox import Sandbox
from sched_emulator.core.store import fresh
from sched_emulator.recording.lines import Delivery, Entry, Exchange
from sched_emulator.server.binding import bind
from sched_emulator.server.exchange import Received, perform
from sched_emulator.spec import assumptions
from tests.core.harness import START_MS, settings

HOOK = "https://api.acme.com/hook"
CATALOGUE = assumptions.catalogue()
_ID = re.compile(r"\b(cron|task|run|msg|sub|dlv|topup)_(\d{6})\b")
_CURSOR = re.compile(r'"next_cursor":"([^"]*)"')
_KEY = "ifr_recorded"
EXPRESSIONS = ("* * * * *", "*/5 * * * *", "0 9 * * 1", "30 0 9 * * 1", "15 0 8 * * *", "30 2 * * *")
Answers = dict[str, str | int]


def random_answers(chance: random.Random) -> Answers:
    """Return random answers to all behaviours and shapes, and a few random constants."""
    found: Answers = {
        name: chance.choice(list(item.answers)) for name, item in CATALOGUE.items() if item.kind != "constant"
    }
    constants: Answers = {
        "queue.visibility_timeout_seconds": chance.choice((5, 30, 45, 60)),
        "queue.max_retries": chance.randrange(5),
        "queue.max_messages": chance.choice((1, 2, 5, 10)),
        "delivery.backoff_first_seconds": chance.choice((5, 10, 30)),
        "cron.retries": chance.randrange(4),
        "page.default_limit": chance.choice((2, 50)),
        "cron.jitter_seconds": chance.choice((20, 60)),
        "idempotency.window_seconds": chance.choice((20, 3600)),
        "push.max_retries": chance.randrange(4),
        "push.concurrency": chance.choice((1, 10)),
        "delivery.backoff_max_seconds": chance.choice((15, 3600)),
        "run.retention_days": chance.choice((0, 30)),
    }
    for name in chance.sample(sorted(constants), 3):
        found[name] = constants[name]
    return found


class Gateway:
    """A target that is recorded. `entries` is what the recorder wrote."""

    def __init__(self, answers: Mapping[str, str | int], seed: int = 0, shift_ms: int = 0) -> None:
        chosen = settings(answers, seed=seed, deliver="none")
        self.sandbox = Sandbox(fresh(replace_record(chosen, start_ms=START_MS + 37_123_456)))
        self.sandbox.listen(self)
        self.entries: list[Entry] = []
        self.started_ms = self.sandbox.store.now_ms
        self._binding = bind(self.sandbox.store.answers.values)
        self.shift_ms = shift_ms
        self._chance = random.Random(seed)  # noqa: S311 - of a test
        self.renames = seed

    def command(self, method: str, arguments: Mapping[str, Any]) -> None:
        """Pass over the commands."""

    def delivered(self, entry: DeliveryEntry) -> None:
        """Record a delivery."""
        at_ms = entry.at_ms - self.shift_ms + self._chance.randrange(5)
        headers = tuple((name, self.renamed(value)) for name, value in entry.headers.items())
        body = self.renamed(encode(entry.body))
        status = entry.status
        self.entries.append(Delivery(at_ms, entry.url, headers, body, entry.attempt, status, seq=len(self.entries) + 1))

    def script(self, url: str, *statuses: int) -> None:
        """Let a receiver answer so."""
        self.sandbox.add_target(Target(url=url, responses=[Response(status=status) for status in statuses]))

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        assert self.sandbox.poll(self.sandbox.store.now_ms + round(1000 * seconds)) is None

    def until(self, elapsed_ms: int) -> None:
        """Let time pass until so long after the beginning."""
        assert self.sandbox.poll(self.started_ms + elapsed_ms) is None

    def ask(
        self,
        operation: str,
        body: Any = None,
        /,
        *,
        key: str | None = None,
        lag_ms: tuple[int, int] | None = None,
        **path: str,
    ) -> Any:
        """Send a request and record it; return what it returned, None when it was refused.

        `lag_ms`: how long it takes there and back, while others may ask; by default they come one after another.
        """
        found = self._binding.operations[f"scheduling.{operation}"].operation
        target = (found.newer_path or found.path) if self._chance.random() < 0.3 else found.path
        for name, value in path.items():
            target = target.replace(f"{{{name}}}", value)
        headers = {"Authorization": f"Bearer {_KEY}", "Content-Type": "application/json"}
        headers |= {"Idempotency-Key": key} if key is not None else {}
        raw = b"" if body is None else json.dumps(body).encode()
        if lag_ms is None:
            self.advance(0.05)
        now_ms = self.sandbox.store.now_ms
        answered = perform(self.sandbox, self._binding, Received(found.method, target, CIMultiDict(headers), raw))
        before_ms, after_ms = lag_ms or (self._chance.randrange(1, 20), self._chance.randrange(1, 20))
        text = answered.content.decode()
        self.entries.append(
            Exchange(
                sent_at_ms=now_ms - before_ms - self.shift_ms,
                received_at_ms=now_ms + after_ms - self.shift_ms,
                method=found.method,
                path=self.renamed(target),
                headers=tuple(headers.items()),
                body=self.renamed(raw.decode()),
                status=answered.status,
                response_headers=(
                    ("Content-Type", "application/json"),
                    ("Date", formatdate(now_ms // 1000, usegmt=True)),
                ),
                response=self.renamed(text),
                account=1,
                seq=len(self.entries) + 1,
            )
        )
        content = json.loads(text)
        if answered.status >= 300:
            return None
        return content["data"] if "data" in content and "ok" in content else content

    def renamed(self, text: str) -> str:
        """Return a text in which every id and cursor has another name."""

        def name(match: re.Match[str]) -> str:
            mark = blake2b(f"{self.renames} {match[0]}".encode(), digest_size=6).hexdigest()
            return f"{match[1]}-{mark}"

        return _CURSOR.sub('"next_cursor":"elsewhere"', _ID.sub(name, text))


class Session:
    """A random program that uses a gateway."""

    def __init__(self, gateway: Gateway, seed: int) -> None:
        self._gateway = gateway
        self._chance = random.Random(seed)  # noqa: S311 - of a test
        self._held: list[tuple[str, str]] = []
        self._crons: list[str] = []
        self._answers = gateway.sandbox.store.answers.values
        self._made = 0

    def play(self, steps: int) -> None:
        """Do so many things; half of the sessions are about queues, the others about crons, tasks or all."""
        gateway, chance = self._gateway, self._chance
        gateway.script(f"{HOOK}/*", *(chance.choice((200, 200, 204, 500)) for _ in range(6)))
        gateway.ask("queue.list")
        gateway.ask("cron.list")
        kinds = chance.choice((("queue",), ("queue", "queue", "cron"), ("cron",)))
        for _ in range(steps):
            gateway.advance(chance.choice((0.2, 0.7, 3.1, 8.3, 31.7, 65.3)) + chance.random())
            getattr(self, f"_{chance.choice(kinds)}")()
        gateway.advance(5)
        gateway.ask("queue.list")
        gateway.ask("run.list")

    def _queue(self) -> None:
        what = self._chance.choice((*["_publish"] * 3, *["_settle"] * 3, *["_consume"] * 2, "_create", "_more"))
        getattr(self, what)(self._chance.choice(("a", "a", "a", "b")))

    def _create(self, name: str) -> None:
        gateway, chance = self._gateway, self._chance
        body: dict[str, Any] = {"name": name}
        if chance.random() < 0.5:
            gateway.ask("queue.create", {"name": "dead"})
            body["dead_letter_queue"] = "dead"
        if chance.random() < 0.4:
            body |= {"max_retries": chance.randrange(3), "visibility_timeout_default": chance.choice((5, 40))}
        if chance.random() < 0.4:
            body["type"] = "fifo"
        if chance.random() < 0.3:
            body["enable_priority"] = True
        gateway.ask("queue.create", body, key=chance.choice((None, "k1", "k2")))

    def _publish(self, name: str) -> None:
        chance = self._chance
        for _ in range(chance.randrange(1, 4)):
            self._made += 1
            body: dict[str, Any] = {"queue": name, "payload": {"n": self._made}}
            if chance.random() < 0.4:
                body["priority"] = chance.randrange(10)
            if chance.random() < 0.25:
                body["delay_seconds"] = chance.choice((4, 20))
            self._gateway.ask("queue.publish", body, key=chance.choice((None, None, f"p{self._made // 2}")))

    def _consume(self, name: str) -> None:
        chance = self._chance
        source = chance.choice((name, name, name, "dead"))
        body: dict[str, Any] = {"queue": source}
        if chance.random() < 0.6:
            body["max_messages"] = chance.randrange(1, 4)
        if chance.random() < 0.3:
            body["visibility_timeout"] = chance.choice((2, 10, 60))
        result = self._gateway.ask("queue.consume", body) or {}
        taken = result.get("messages", result.get("items", []))
        self._held += [(source, message["message_id"]) for message in taken]

    def _settle(self, _name: str) -> None:
        chance = self._chance
        if not self._held:
            return
        source, message_id = self._held.pop(chance.randrange(len(self._held)))
        body: dict[str, Any] = {"queue": source, "message_id": message_id}
        if chance.random() < 0.4:
            self._gateway.ask("queue.ack", body)
            return
        if chance.random() < 0.5:
            body["requeue"] = chance.choice((True, True, False))
        self._gateway.ask("queue.nack", body)

    def _more(self, name: str) -> None:
        gateway = self._gateway
        other = self._chance.choice((*["stats"] * 3, "get", "dlq.list", "redrive", "purge", "delete", "ack", "push"))
        if other == "redrive":
            gateway.ask("queue.dlq.redrive", {"queue": name, "max_messages": 1}, queue=name)
        elif other == "push":
            gateway.ask("queue.push_subscribe", {"url": f"{HOOK}/{name}"}, queue=name)
        elif other == "ack":
            gateway.ask("queue.ack", {"queue": name, "message_id": "msg_999999"})
        else:
            gateway.ask(f"queue.{other}", queue=name)

    def _cron(self) -> None:
        gateway, chance = self._gateway, self._chance
        others = ("trigger", "pause", "get", "resume", "update") if self._crons else ("create",)
        what = chance.choice(("create", "create", "task", "list", "wait", *others))
        if what == "create":
            self._create_cron()
        elif what == "task":
            self._made += 1
            run_at = to_text((gateway.sandbox.store.now_ms // 1000 + chance.choice((-600, 30, 200))) * 1000)
            body: Any = {"task": f"{HOOK}/t{self._made}", "run_at": run_at, "payload": {"n": self._made}}
            gateway.ask("task.schedule", body)
        elif what == "list":
            gateway.ask("cron.list")
        elif what == "wait":
            gateway.advance(chance.choice((70, 200)))
            gateway.ask("run.list")
        else:
            body = {"cron_expr": "*/7 * * * *"} if what == "update" else None
            gateway.ask(f"cron.{what}", body, id=chance.choice(self._crons))

    def _create_cron(self) -> None:
        chance, names = self._chance, self._answers["cron.create.names"]
        of_table = names == "table" or (names != "example" and chance.random() < 0.5)
        self._made += 1
        body: dict[str, Any] = {
            "name": chance.choice(("one", "two")),
            "schedule" if of_table else "cron_expr": chance.choice(EXPRESSIONS),
            "url" if of_table else "task_url": f"{HOOK}/c{self._made}",
        }
        if chance.random() < 0.3 and names in {"any", "observed"}:
            body |= {"max_runs": chance.randrange(1, 3), "retries": chance.randrange(3)}
        if chance.random() < 0.4:
            body["timezone"] = "America/New_York"
        made = self._gateway.ask("cron.create", body) or {}
        if made:
            self._crons.append(made["cron_id"] if "cron_id" in made else made["job_id"])


def fired_late(gateway: Gateway, times: int) -> Gateway:
    """Let a cron of a gateway with jitter fire so often, its runs listed after each, and return the gateway."""
    gateway.script(f"{HOOK}/*", 200)
    gateway.ask("cron.create", {"name": "x", "schedule": "*/2 * * * *", "url": f"{HOOK}/x"})
    for _ in range(times):
        gateway.advance(120)
        gateway.ask("run.list")
    return gateway


def compared(gateway: Gateway, entries: list[Entry] | None = None) -> Judged:
    """Compare what was recorded of a gateway, or other entries, with the core."""
    traffic = Traffic()
    add(traffic, "session.jsonl", gateway.entries if entries is None else entries, (HOOK,))
    return judge(traffic)
