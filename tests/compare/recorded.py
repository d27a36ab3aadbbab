"""Recordings of random sessions: a sandbox under chosen answers, seen through a proxy that renames ids and shifts time.

All of it is pure: the sandbox stands for a gateway, time is moved, nothing is sent.
"""

import json
import random
import re
from collections.abc import Mapping
from hashlib import blake2b
from typing import Any

from msgspec.structs import replace as replace_record
from multidict import CIMultiDict

from sched_emulator.core.encoding import encode
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
_DATE = "%a, %d %b %Y %H:%M:%S GMT"
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
    }
    for name in chance.sample(sorted(constants), 2):
        found[name] = constants[name]
    return found


class Gateway:
    """A target that is recorded. `entries` is what the recorder wrote."""

    def __init__(self, answers: Mapping[str, str | int], seed: int = 0, shift_ms: int = 0) -> None:
        chosen = settings(answers, seed=seed, deliver="none")
        self.sandbox = Sandbox(fresh(replace_record(chosen, start_ms=START_MS + 37_123_456)))
        self.sandbox.listen(self)
        self.entries: list[Entry] = []
        self._binding = bind(self.sandbox.store.answers.values)
        self._shift_ms = shift_ms
        self._chance = random.Random(seed)  # noqa: S311 - of a test
        self.renames = seed

    def command(self, method: str, arguments: Mapping[str, Any]) -> None:
        """Pass over the commands."""

    def delivered(self, entry: DeliveryEntry) -> None:
        """Record a delivery."""
        at_ms = entry.at_ms - self._shift_ms + self._chance.randrange(5)
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

    def ask(self, operation: str, body: Any = None, /, *, key: str | None = None, **path: str) -> Any:
        """Send a request and record it; return what it returned, None when it was refused."""
        found = self._binding.operations[f"scheduling.{operation}"].operation
        target = (found.newer_path or found.path) if self._chance.random() < 0.3 else found.path
        for name, value in path.items():
            target = target.replace(f"{{{name}}}", value)
        headers = {"Authorization": f"Bearer {_KEY}", "Content-Type": "application/json"}
        headers |= {"Idempotency-Key": key} if key is not None else {}
        raw = b"" if body is None else json.dumps(body).encode()
        self.advance(0.05)
        now_ms = self.sandbox.store.now_ms
        answered = perform(self.sandbox, self._binding, Received(found.method, target, CIMultiDict(headers), raw))
        before_ms, after_ms = self._chance.randrange(1, 20), self._chance.randrange(1, 20)
        text = answered.content.decode()
        self.entries.append(
            Exchange(
                sent_at_ms=now_ms - before_ms - self._shift_ms,
                received_at_ms=now_ms + after_ms - self._shift_ms,
                method=found.method,
                path=self.renamed(target),
                headers=tuple(headers.items()),
                body=self.renamed(raw.decode()),
                status=answered.status,
                response_headers=(("Content-Type", "application/json"), ("Date", _date(now_ms))),
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


def _date(now_ms: int) -> str:
    from datetime import UTC, datetime  # noqa: PLC0415 - used here alone

    return datetime.fromtimestamp(now_ms // 1000, UTC).strftime(_DATE)


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
        gateway, chance = self._gateway, self._chance
        name = chance.choice(("a", "a", "a", "b"))
        what = chance.choice(
            ("create", "publish", "publish", "publish", "consume", "consume", "settle", "settle", "settle", "more")
        )
        if what == "create":
            body: dict[str, Any] = {"queue": name}
            if chance.random() < 0.5:
                gateway.ask("queue.create", {"queue": "dead"})
                body["dead_letter_queue"] = "dead"
            if chance.random() < 0.4:
                body |= {"max_retries": chance.randrange(3), "visibility_timeout_default": chance.choice((5, 40))}
            if chance.random() < 0.4:
                body["type"] = "fifo"
            if chance.random() < 0.3:
                body["enable_priority"] = True
            gateway.ask("queue.create", body, key=chance.choice((None, "k1", "k2")))
        elif what == "publish":
            for _ in range(chance.randrange(1, 4)):
                self._made += 1
                body = {"queue": name, "payload": {"n": self._made}}
                if chance.random() < 0.4:
                    body["priority"] = chance.randrange(10)
                if chance.random() < 0.25:
                    body["delay_seconds"] = chance.choice((4, 20))
                gateway.ask("queue.publish", body, key=chance.choice((None, None, f"p{self._made // 2}")))
        elif what == "consume":
            source = chance.choice((name, name, name, "dead"))
            body = {"queue": source}
            if chance.random() < 0.6:
                body["max_messages"] = chance.randrange(1, 4)
            if chance.random() < 0.3:
                body["visibility_timeout"] = chance.choice((2, 10, 60))
            result = gateway.ask("queue.consume", body) or {}
            taken = result.get("messages", result.get("items", []))
            self._held += [(source, message["message_id"]) for message in taken]
        elif what == "settle" and self._held:
            source, message_id = self._held.pop(chance.randrange(len(self._held)))
            body = {"queue": source, "message_id": message_id}
            if chance.random() < 0.4:
                gateway.ask("queue.ack", body)
                return
            if chance.random() < 0.5:
                body["requeue"] = chance.choice((True, True, False))
            gateway.ask("queue.nack", body)
        elif what == "more":
            self._more(name)

    def _more(self, name: str) -> None:
        gateway, chance = self._gateway, self._chance
        other = chance.choice(("stats", "stats", "stats", "get", "dlq", "redrive", "purge", "delete", "ack", "push"))
        if other in {"stats", "get", "delete"}:
            gateway.ask(f"queue.{other}", queue=name)
        elif other == "dlq":
            gateway.ask("queue.dlq.list", queue=name)
        elif other == "redrive":
            gateway.ask("queue.dlq.redrive", {"queue": name, "max_messages": 1}, queue=name)
        elif other == "purge":
            gateway.ask("queue.purge", queue=name)
        elif other == "push":
            gateway.ask("queue.push_subscribe", {"url": f"{HOOK}/{name}"}, queue=name)
        else:
            gateway.ask("queue.ack", {"queue": name, "message_id": "msg_999999"})

    def _cron(self) -> None:
        gateway, chance = self._gateway, self._chance
        what = chance.choice(
            ("create", "create", "task", "trigger", "pause", "get", "resume", "list", "wait", "update")
        )
        if what == "create" or (not self._crons and what != "task"):
            expression = chance.choice(
                ("* * * * *", "*/5 * * * *", "0 9 * * 1", "30 0 9 * * 1", "15 0 8 * * *", "30 2 * * *")
            )
            old = self._answers["cron.create.names"] == "table" or (
                self._answers["cron.create.names"] != "example" and chance.random() < 0.5
            )
            name = chance.choice(("one", "two"))
            self._made += 1
            url = f"{HOOK}/c{self._made}"
            body: dict[str, Any] = (
                {"name": name, "schedule": expression, "url": url}
                if old
                else {"name": name, "cron_expr": expression, "task_url": url}
            )
            if chance.random() < 0.3 and self._answers["cron.create.names"] in {"any", "observed"}:
                body |= {"max_runs": chance.randrange(1, 3), "retries": chance.randrange(3)}
            if chance.random() < 0.4:
                body["timezone"] = "America/New_York"
            made = gateway.ask("cron.create", body) or {}
            if made:
                self._crons.append(made.get("cron_id", made.get("job_id")))
        elif what == "task":
            self._made += 1
            at = gateway.sandbox.store.now_ms // 1000 + chance.choice((-600, 30, 200))
            from datetime import UTC, datetime  # noqa: PLC0415 - used here alone

            run_at = datetime.fromtimestamp(at, UTC).isoformat()
            body = {"task": f"{HOOK}/t{self._made}", "run_at": run_at, "payload": {"n": self._made}}
            gateway.ask("task.schedule", body)
        elif what == "list":
            gateway.ask("cron.list")
        elif what == "wait":
            gateway.advance(chance.choice((70, 200)))
            gateway.ask("run.list")
        else:
            cron_id = chance.choice(self._crons)
            body = {"cron_expr": "*/7 * * * *"} if what == "update" else None
            gateway.ask(f"cron.{what}", body, id=cron_id)
