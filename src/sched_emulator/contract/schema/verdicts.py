"""What is demanded of the answer to a generated request, and by what warrant.

A request that everybody has to take is answered with a 2xx, or as if what it names were not there; one that nobody may
take is refused. Both are documented. What lies between is only noted, under the choice that it rests on.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any

import jsonschema_rs
import requests
from requests.structures import CaseInsensitiveDict

from sched_emulator.contract.demands import Demands
from sched_emulator.contract.described import REPEATED, Contract, header_value
from sched_emulator.contract.reply import Reply
from sched_emulator.contract.results import BODY_SHOWN_CHARS, Exchange, Flaw, Result
from sched_emulator.spec import Operation, readings

from .wire import FALLBACK, Misfit, Reading, Sent, taken_apart

KEY_SHOWN = "Bearer $INFRAI_API_KEY"
ABSENT = frozenset({404, 405, 501})
SAYS_NOTHING = frozenset({401, 402, 408, 429})  # of the request itself
SPENT = frozenset({402, 413, 429})  # a limit, which is an answer
AS_IF_ABSENT = SPENT | {404, 409}
TAKEN, REFUSED = "what is described is taken", "what does not fit the description is refused"


class Verdicts:
    """Judges answers one by one; `held` is whether the target is held to choices, too."""

    def __init__(
        self, contract: Contract, url: str, key: str, demands: Demands, *, key_required: bool, held: bool
    ) -> None:
        self._contract = contract
        self._url = url
        self._key = key
        self._demands = demands
        self._key_required = key_required
        self._held = held
        self._own = Reading(contract.document)
        self._narrow = Reading(readings.narrow(contract.answers))
        self._wide = _wide()
        self._named: set[str] = set()
        self.not_offered: dict[str, str] = {}

    def look(self, judged: Result, name: str, *, valid: bool | None, request: Any, response: Any) -> None:
        """Judge the answer to a request that was meant to be valid, or invalid, or neither (None)."""
        operation = self._contract.operations[name]
        one = _Answered(self, judged, operation, request, response)
        sent = taken_apart(request, self._url, operation)
        known = self._names_known(operation, sent)
        if one.reply.status >= 500 and one.reply.status not in ABSENT:
            one.fails("5xx", f"{name} answered {one.reply.status}, an error of the target's own", "2xx or 4xx")
        elif not operation.public and one.authorization != f"Bearer {self._key}":
            if one.reply.succeeded:
                one.fails(
                    "keyless", f"{name} answered {one.reply.status} without a good key", "without a key nothing is done"
                )
        elif sent is not None:
            self._demand(one, sent, valid=valid, known=known)

    def _demand(self, one: "_Answered", sent: Sent, *, valid: bool | None, known: bool) -> None:
        operation = one.operation
        absent = valid and self._is_missing(one, sent)
        if absent and operation.line is None and not self._held:
            self.not_offered[one.address] = f"{operation.short} is not offered: {one.reply.status}"
            return
        if absent:
            one.fails("missing", "not there", "every documented operation is there", subject=True)
            return
        for choice, problem in self._contract.form_problems(operation.short, one.reply):
            one.notes(choice, problem)
        one.notes_headers()
        lack = self._contract.lack(operation.short, one.reply)
        if lack is not None:
            one.fails(f"returns {lack.cause}", lack.told, f"{operation.short} returns what is documented")
        if valid:
            self._accepts(one, sent, excused=known or self._needs_something(operation, sent))
        elif valid is not None:
            self._refuses(one, sent)

    def _accepts(self, one: "_Answered", sent: Sent, *, excused: bool) -> None:
        operation, status = one.operation, one.reply.status
        if self._own.described(operation.operation_id, sent) is not None:
            return  # as it went over the wire it is not valid, whatever it began as
        documented = self._narrow.promised(operation.operation_id, sent)
        came = f"{operation.short} answered {status} to a valid request: {one.told}"
        if one.reply.succeeded or status in (AS_IF_ABSENT if excused else SPENT):
            one.notes("http.statuses" if documented else FALLBACK, None)
        elif not documented:
            one.notes(FALLBACK, came, TAKEN)
        elif excused and 400 <= status < 500 and status not in SAYS_NOTHING:
            one.notes("http.statuses", came, "what is not there answers 404, a clash 409")
        else:
            one.fails(f"refused {status if status in SAYS_NOTHING else operation.short}", came, TAKEN)

    def _refuses(self, one: "_Answered", sent: Sent) -> None:
        operation_id = one.operation.operation_id
        misfit = self._own.described(operation_id, sent)
        accepted = one.reply.succeeded
        if not self._wide.admitted(operation_id, sent):
            wrong = misfit or Misfit("the request", "fit", "it fits no description")
            if accepted:
                cause = f"accepted {wrong.place} {wrong.keyword}"
                one.fails(
                    cause, f"{one.operation.short} took a request whose {wrong.place} is wrong: {wrong.told}", REFUSED
                )
        elif misfit is not None:
            came = f"{one.operation.short} took a request whose {misfit.place} is wrong: {misfit.told}"
            one.notes(misfit.choice, came if accepted else None, REFUSED)

    def _is_missing(self, one: "_Answered", sent: Sent) -> bool:
        """Whether a status says that the operation itself is not there."""
        status = one.reply.status
        if one.operation.line is None and status in {401, 403}:
            return True
        return status in ABSENT and (status != 404 or not self._needs_something(one.operation, sent))

    def _needs_something(self, operation: Operation, sent: Sent) -> bool:
        """Whether a request may be refused because what it names is not there, or because it has no key."""
        body = sent.body if isinstance(sent.body, dict) else {}
        lacks_key = self._key_required and operation.creation and "idempotency_key" not in body
        return bool(sent.path) or "queue" in body or lacks_key

    def _names_known(self, operation: Operation, sent: Sent | None) -> bool:
        """Whether a request has a name or an idempotency key that an earlier one had; both may clash."""
        if sent is None or operation.method == "GET":
            return False
        body = sent.body if isinstance(sent.body, dict) else {}
        given = {str(body[name]) for name in ("name", "queue", "idempotency_key") if name in body}
        given |= {*sent.path.values(), *dict(sent.query).values(), sent.headers.get("idempotency-key", "")} - {""}
        known = bool(given & self._named)
        self._named |= given
        return known


class _Answered:
    """One answer, and where what is found of it goes."""

    def __init__(
        self, verdicts: Verdicts, judged: Result, operation: Operation, request: requests.PreparedRequest, response: Any
    ) -> None:
        self.operation = operation
        self.address = judged.check.address
        headers = {name: value[0] if isinstance(value, list) else value for name, value in response.headers.items()}
        plain: Any = _Plain(response.status_code, CaseInsensitiveDict(headers), response.content)
        self.reply = Reply(plain)
        self.told = str(self.reply.error.get("message") or self.reply.text)[:200]
        self.authorization = _text(request.headers.get("Authorization", ""))
        self._judged = judged
        self._verdicts = verdicts
        self._request = request

    def fails(self, cause: str, came: str, expected: str, *, subject: bool = False) -> None:
        """Take note of something documented that is not so; what is not documented is the vendor's."""
        if self.operation.line is None:
            self.notes("http.public", came, expected)
            return
        subjects = [f"{self.operation.short} ({self.reply.status})"] if subject else []
        self._judged.meet(Flaw(cause, came, expected, self._exchange(), subjects))

    def notes(self, choice: str, came: str | None, expected: str = "") -> None:
        """Take note of a demand that rests on a choice; `came` is what came instead, None when it is met."""
        problem = None if came is None else (f"{self.operation.short}: {came}", expected)
        trace = [] if came is None else [self._exchange()]
        self._verdicts._demands.note(choice, self.address, problem, trace)  # noqa: SLF001 - it is a part of it

    def notes_headers(self) -> None:
        """Compare the headers described for the status with those that came."""
        described: Mapping[str, Any] = self.operation.responses.get(str(self.reply.status), {}).get("headers", {})
        for name, item in described.items():
            choice = "http.metadata" if name in REPEATED else "http.statuses"
            given = self.reply.headers.get(name)
            if given is None and not item.get("required", False):
                continue
            value = None if given is None else header_value(given, item["schema"])
            fits = jsonschema_rs.Draft202012Validator(item["schema"], validate_formats=True).is_valid(value)
            self.notes(choice, None if fits else f"the header {name} was {given!r}")

    def _exchange(self) -> Exchange:
        headers = {name: _text(value) for name, value in self._request.headers.items()}
        if self.authorization == f"Bearer {self._verdicts._key}":  # noqa: SLF001 - it is a part of it
            headers["Authorization"] = KEY_SHOWN
        shown = {
            name: headers[name] for name in headers if name in {"Authorization", "Content-Type", "Idempotency-Key"}
        }
        body = None if self._request.body is None else _text(self._request.body)
        text = self.reply.text[:BODY_SHOWN_CHARS]
        url, method = str(self._request.url), str(self._request.method)
        return Exchange(method, url, shown, body, self.reply.status, dict(self.reply.headers), text)


class _Plain:
    """An answer as `Reply` reads it."""

    def __init__(self, status_code: int, headers: Mapping[str, str], content: bytes) -> None:
        self.status_code = status_code
        self.headers = headers
        self.content = content


@cache
def _wide() -> Reading:
    return Reading(readings.wide())


def _text(value: Any) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)
