"""What scenarios and probes talk to: the documented operations by name, names and payloads of one's own, and time.

`call` expects success and what the documentation says is returned, `refused` that nothing was done, `attempt` takes
either. `expects` demands what rests on a choice of the emulator's: a target that does otherwise differs, and the check
goes on; so do the form and the status of each answer. `send` is for requests that no specification describes.
"""

import itertools
import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import partial
from typing import Any, Protocol, TypeVar
from urllib.parse import quote, urlencode

from .crons import CREATE_TAKES, cron_id, has_ended, is_within, messages_in
from .demands import Demands
from .described import Contract, routes
from .instants import instant_text
from .receivers import OK, Answer, Call, Receiver
from .reply import Reply, exchange
from .results import ARRIVED, Exchange, Failed, Flaw, NotChecked, equal, shown
from .stages import Stage

NEVER = "0 0 1 1 *"
NO_BODY: Any = object()
RUN_PAGES = 8
Thing = TypeVar("Thing")
NO_REFUSAL = frozenset({401, 402, 408, 429})  # which say nothing of the request itself


class Answers(Protocol):
    """Who knows the target's answers to the open questions."""

    def answer(self, question: str) -> str | int | None:
        """Return the answer observed, None where it is undetermined."""


class Api:
    """The target as one check sees it."""

    def __init__(
        self,
        stage: Stage,
        answers: Answers,
        name: str,
        prefix: str,
        *,
        contract: Contract | None = None,
        demands: Demands | None = None,
        meet: Callable[[Flaw], None] = lambda _flaw: None,
        address: str = "",
    ) -> None:
        self._stage = stage
        self.contract = contract
        self._demands = demands
        self._meet = meet
        self._address = address
        self.prefix = prefix
        self._answers = answers
        self._name = name
        self._numbers = itertools.count(1)

    def send(
        self,
        method: str,
        path: str,
        body: Any = NO_BODY,
        *,
        raw: bytes | None = None,
        headers: Mapping[str, str | None] | None = None,
        query: Mapping[str, Any] | None = None,
    ) -> Reply:
        """Send a request as it stands; a header that is None is left out."""
        sent: dict[str, str | None] = {"Authorization": f"Bearer {self._stage.key}"}
        if raw is None and body is not NO_BODY:
            raw = json.dumps(body, ensure_ascii=False).encode()
        if raw is not None:
            sent["Content-Type"] = "application/json"
        sent |= dict(headers or {})
        kept = {name: value for name, value in sent.items() if value is not None}
        url = self._stage.url + path + (f"?{urlencode(query)}" if query else "")
        reply = Reply(self._stage.session.request(method, url, data=raw, headers=kept, allow_redirects=False))
        self._stage.trace.append(exchange(method, url, kept, raw, reply, key=(self._stage.key, self._stage.key_shown)))
        self._stage.heard(url, raw, succeeded=reply.succeeded)
        return reply

    def attempt(self, operation: str, *, http_headers: Mapping[str, str] | None = None, **arguments: Any) -> Reply:
        """Send an operation and return whatever is answered; a success has what the documentation says is returned."""
        return self.looked_at(operation, self.operate(operation, http_headers=http_headers, **arguments))

    def looked_at(self, operation: str, reply: Reply) -> Reply:
        """Return an answer of an operation after a look at its form; what it lacks of what is documented is noted."""
        if self.contract is None:
            return reply
        if reply.status >= 500:
            raise Failed(f"{operation} answered {reply.status}, an error of the target's own", "2xx or 4xx")
        for choice, different in self.contract.form_problems(operation, reply):
            self._note(choice, None if different is None else (f"{operation}: {different}", ""))
        lack = self.contract.lack(operation, reply)
        if lack is not None:
            shown_by = self._stage.trace[-1]
            self._meet(Flaw(f"returns {lack.cause}", lack.told, f"{operation} returns what is documented", shown_by))
        return reply

    def call(self, operation: str, **arguments: Any) -> Any:
        """Send an operation that succeeds; return what the documentation calls "returns"."""
        reply = self.attempt(operation, **arguments)
        if not reply.succeeded:
            told = reply.error.get("message") or reply.text[:200]
            raise Failed(f"{operation} answered {reply.status}: {told}", f"{operation} answers 2xx")
        if self.contract is not None:
            self._status(operation, reply, self.contract.operations[operation].status)
        return reply.data

    def refused(self, operation: str, *statuses: int, **arguments: Any) -> Reply:
        """Send an operation that is refused; with which of the statuses is a choice (`http.statuses`)."""
        reply = self.attempt(operation, **arguments)
        if not 400 <= reply.status < 500 or reply.status in NO_REFUSAL - set(statuses):
            raise Failed(f"{operation} answered {reply.status}: {reply.text[:200]}", f"{operation} is refused")
        self._status(operation, reply, *statuses)
        return reply

    def invalid(self, operation: str, **arguments: Any) -> Reply:
        """Send an operation whose request does not fit the description."""
        statuses = (400, 422) if self.contract is None else (self.contract.invalid_status,)
        return self.refused(operation, *statuses, **arguments)

    # --- Demands that rest on choices

    def expects(self, choice: str, condition: object, came: str, expected: str = "") -> None:
        """Demand what the emulator has chosen to do, or what the vendor says elsewhere; a target may differ."""
        self._note(choice, None if condition else (came, expected))

    def expects_equal(self, choice: str, actual: Any, expected: Any, what: str) -> None:
        """Demand that a value is as the emulator has chosen; `what` names it in a sentence."""
        try:
            equal(actual, expected, what)
        except Failed as differs:
            self._note(choice, (differs.came, differs.expected))
        else:
            self._note(choice, None)

    def _note(self, choice: str, problem: tuple[str, str] | None) -> None:
        if self._demands is not None:
            self._demands.note(choice, self._address, problem, self._stage.trace)

    def _status(self, operation: str, reply: Reply, *statuses: int) -> None:
        listed = " or ".join(map(str, statuses))
        self.expects("http.statuses", reply.status in statuses, f"{operation} answered {reply.status}", listed)

    # --- What is created

    def name(self) -> str:
        """Return a name that nobody else has."""
        return f"{self.prefix}{self._name}-{next(self._numbers)}"

    def queue(self, **settings: Any) -> str:
        """Create a queue and return its name."""
        name = self.name()
        self.call("queue.create", name=name, **settings)
        return name

    def cron(self, expression: str = NEVER, url: str | None = None, **settings: Any) -> str:
        """Create a cron and return its id. Settings go by the names of `cron.update`.

        Those that the table of create does not have are set by an update, and it fires by its expression from then on.
        """
        if "retry" in settings:
            settings["retries"] = settings.pop("retry")
        later = {name: settings.pop(name) for name in list(settings) if name not in CREATE_TAKES | {"name"}}
        created = cron_id(self.cron_record(NEVER if later else expression, url, **settings))
        if later:
            changed = {} if expression == NEVER else {"cron_expr": expression}
            self.call("cron.update", id=created, **later, **changed)
        return created

    def cron_record(self, expression: str = NEVER, url: str | None = None, **settings: Any) -> dict[str, Any]:
        """Create a cron with settings of the table of create, and return the record answered."""
        by_example = self._answers.answer("cron.create.names") == "example"
        names = ("cron_expr", "task_url") if by_example else ("schedule", "url")
        fields = dict(zip(names, (expression, url or self.nowhere()), strict=True))
        fields["name"] = settings.pop("name", None) or self.name()
        record: dict[str, Any] = self.call("cron.create", **fields, **settings)
        return record

    def nowhere(self) -> str:
        """Return a URL that is never delivered to."""
        return f"https://receiver.example.com/{self.name()}"

    def publish(self, queue: str, payload: Any = None, **settings: Any) -> str:
        """Publish a message and return its id."""
        data = self.call("queue.publish", queue=queue, payload={} if payload is None else payload, **settings)
        return str(data["message_id"])

    def publish_many(self, queue: str, count: int) -> list[str]:
        """Publish messages numbered from 0 and return their ids in order."""
        return [self.publish(queue, {"number": number}) for number in range(count)]

    def consume(self, queue: str, **settings: Any) -> list[dict[str, Any]]:
        """Consume and return the messages."""
        return messages_in(self.call("queue.consume", queue=queue, **settings))

    def take(self, queue: str, **settings: Any) -> list[str]:
        """Consume and return the ids of the messages."""
        return [str(message["message_id"]) for message in self.consume(queue, **settings)]

    def dead(self, queue: str) -> list[str]:
        """Return the ids of a queue's dead letters."""
        return [item["message_id"] for item in self.pages("queue.dlq.list", queue=queue)]

    def stats(self, queue: str) -> dict[str, int]:
        """Return a queue's three counts."""
        data = self.call("queue.stats", queue=queue)
        return {name: data[name] for name in ("available", "in_flight", "dlq")}

    def pages(self, operation: str, limit: int | None = None, **arguments: Any) -> list[dict[str, Any]]:
        """Return all items of a list, page by page."""
        items: list[dict[str, Any]] = []
        given = dict(arguments) if limit is None else {**arguments, "limit": limit}
        for _ in range(200):
            page = self.call(operation, **given)
            items += page["items"]
            if not page.get("next_cursor"):
                return items
            given["cursor"] = page["next_cursor"]
        raise Failed("after 200 pages there still was a next_cursor", "a list has an end")

    # --- The target's answers to open questions

    def answer(self, question: str) -> str | int | None:
        """Return the target's answer to an open question, None where it could not be determined."""
        return self._answers.answer(question)

    def follows(self, question: str) -> str | int:
        """Return the target's answer to an open question; NotChecked where it is undetermined."""
        answer = self._answers.answer(question)
        if answer is None:
            raise NotChecked(f"it depends on {question}, which could not be determined")
        return answer

    def count(self, value: Any, expected: int, what: str) -> None:
        """Compare a count that may be a truth value (`queue.count_fields`): true may be "done"."""
        if value is not True:
            equal(value, expected > 0 if isinstance(value, bool) else expected, what)

    # --- Time and deliveries

    @property
    def key(self) -> str:
        """The API key that requests are sent with."""
        return self._stage.key

    @property
    def virtual(self) -> bool:
        """Whether time is virtual: it passes at once, however much of it."""
        return self._stage.virtual

    def some(self, things: Sequence[Thing], count: int) -> Sequence[Thing]:
        """Return all of some things that are alike; so many of them, evenly spread, where each request may cost."""
        return things[:: -(-len(things) // count)] if self.paid else things

    @property
    def paid(self) -> bool:
        """Whether each request may cost something."""
        return self._stage.paid

    @property
    def curious(self) -> bool:
        """Whether requests are worth it that only show what is a choice: not where they may cost, unless it is held."""
        return not self._stage.frugal

    def shared(self, make: Callable[["Api"], Thing]) -> Thing:
        """Return what `make` makes, once for this check, or for all where requests may cost; then nobody changes it."""
        return self._stage.sharing.get(make.__name__, partial(make, self), self._stage.trace)

    def lent(self, make: Callable[["Api"], Thing]) -> AbstractContextManager[Thing]:
        """Return what `make` makes as a context, for this check alone; who has it next gets it as it was left."""
        return self._stage.sharing.lend(make.__name__, partial(make, self), self._stage.trace)

    @property
    def margin(self) -> float:
        """How far, in seconds, an instant of the target is trusted."""
        return self._stage.margin

    def now(self) -> float:
        """Return the target's present in seconds since 1970."""
        return self._stage.now()

    def wait(self, done: Callable[[], bool], within: float) -> bool:
        """Let time pass until something is so, at most `within` seconds; say whether it came to be."""
        return self._stage.wait(done, within)

    def start_at(self, instant: str) -> None:
        """Begin at an instant, before anything has happened. NotChecked where time is real."""
        self._stage.start_at(instant)

    def set_balance(self, balance_usd: float | None) -> None:
        """Set the account's balance. NotChecked where the account is real."""
        self._stage.set_balance(balance_usd)

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self._stage.sleep(seconds)

    def soon(self, seconds: float) -> str:
        """Return the instant in so many seconds, as it is sent: use it in the very next request."""
        return instant_text(self._stage.soon(seconds))

    def just_before(self, seconds: float) -> None:
        """Let time pass until a hair before what is due `seconds` after the last request that named a duration.

        After the last of all where none did since the last wait. An answer that comes too late ends the check: again!
        """
        self._stage.just_before(seconds)

    def just_after(self) -> None:
        """Let the hair pass that `just_before` left, and as much again."""
        self._stage.just_after()

    def receiver(self, *answers: int | Answer) -> Receiver:
        """Return a receiver that answers so, the last answer again and again; without any, 200."""
        given = [Answer(item) if isinstance(item, int) else item for item in answers]
        return self._stage.receiver(given or [OK])

    def arrived(self, receiver: Receiver, count: int, within: float) -> list[Call]:
        """Wait for so many deliveries and return all that arrived; fail when they do not."""
        self._stage.wait(lambda: len(receiver.calls()) >= count, within)
        calls = receiver.calls()
        noted = sum(item.method == ARRIVED and item.url == receiver.url for item in self._stage.trace)
        self._stage.trace += [_arrival(receiver.url, call) for call in calls[noted:]]
        if len(calls) < count:
            raise Failed(f"{len(calls)} deliveries arrived within {within:g} s", f"{count} arrive")
        return calls

    def finished(self, cron: str, run_id: str, within: float) -> dict[str, Any]:
        """Wait for a run to end, at most so long, and return it: what an end looks like is not documented."""
        run: dict[str, Any] = {}

        def is_over() -> bool:
            run.clear()
            run.update(self.call("cron.runs.get", id=cron, run_id=run_id))
            return has_ended(run)

        self._stage.wait(is_over, within)
        return run

    def runs_of(self, field: str, owner: str) -> list[dict[str, Any]]:
        """Return the runs of a cron (`cron_id`) or a task (`task_id`) on the first page of run.list that has any.

        NotChecked when the first pages have none, and there are more: nobody documented in which order they come.
        """
        cursor: dict[str, str] = {}
        for _ in range(RUN_PAGES):
            page = self.call("run.list", limit=100, **cursor)
            found = [item for item in page["items"] if item.get(field) == owner]
            if found or not page.get("next_cursor"):
                return found
            cursor = {"cursor": page["next_cursor"]}
        raise NotChecked(f"it is not among the runs on the first {RUN_PAGES} pages")

    def payload_of(self, call: Call, sent: Any = NO_BODY) -> Any:
        """Return the payload in what a cron or a task delivered (`delivery.body`).

        Where the form is undetermined, it is `sent` if that is anywhere in the body, else the body; NotChecked without.
        """
        if sent is not NO_BODY and self.answer("delivery.body") is None:
            return sent if is_within(call.body, sent) else call.body
        if self.follows("delivery.body") == "payload":
            return call.body
        if not isinstance(call.body, dict) or "payload" not in call.body:
            raise Failed(f"the body was {shown(call.body)}", "an event with the payload")
        return call.body["payload"]

    def every_second(self, seconds: int) -> str:
        """Return an expression that fires every so many seconds; NotChecked where six fields are not understood."""
        position = self.follows("cron.seconds_position")
        return f"*/{seconds} * * * * *" if position == "first" else f"* * * * * */{seconds}"

    def operate(self, operation: str, *, http_headers: Mapping[str, str] | None = None, **arguments: Any) -> Reply:
        """Send an operation and return whatever is answered, without a look at it."""
        described, headers = routes()[operation], http_headers or {}
        body, path, query = dict(arguments), described.path, {}
        for parameter in described.parameters:
            name = parameter["name"]
            if parameter["in"] == "path":
                path = path.replace("{" + name + "}", quote(str(body.pop(name)), safe=""))
            elif described.method == "GET" and name in body:
                query[name] = body.pop(name)
        keyed = "idempotency_key" in body or "Idempotency-Key" in headers
        if described.creation and not keyed and self._answers.answer("idempotency.required") == "required":
            body["idempotency_key"] = self.name()
        if not body and described.method in {"GET", "DELETE"}:  # all others have a body in the documentation's examples
            return self.send(described.method, path, headers=headers, query=query)
        return self.send(described.method, path, body, headers=headers, query=query)


def _arrival(url: str, call: Call) -> Exchange:
    return Exchange(ARRIVED, url, call.headers, shown(call.body), None, {}, f"at {instant_text(call.at)}")
