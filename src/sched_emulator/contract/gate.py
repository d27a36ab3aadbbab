"""The one gate that every request to the target passes, schemathesis' too.

It counts against the budget, keeps the rate, obeys 429, stops at 402, refuses writes that were not allowed, puts the
real key in the place of the placeholder, notes what was created, and gives up on a target that no longer answers.
"""

import re
import threading
import time
from collections.abc import Callable
from typing import Any, Protocol

import requests
from requests.adapters import HTTPAdapter

from sched_emulator.output import counted

from .created import Created, deletions, operation_at
from .pace import Lane, Pace
from .results import short

PLACEHOLDER_KEY = "contract-suite-key"
SCHEMATHESIS_PROBE = "X-Schemathesis-Probe"
READS = frozenset({"GET", "HEAD", "OPTIONS"})
MAX_ANSWER_BYTES = 8 * 1024 * 1024
SILENCES_ALLOWED = 3
PAUSES_ALLOWED = 5
LONGEST_PAUSE_SECONDS = 120.0
CLEAN_UP_SECONDS = 120.0
SLACK_SHARE = 10  # of what was made, one in ten may have to be deleted twice


class Purse(Protocol):
    """Who pays for requests."""

    max_usd: float | None
    spent_usd: float

    def pay(self, request: requests.PreparedRequest, made: int) -> bool:
        """Pay for a request, if what is left is enough for it and for deleting what was made; say whether."""


class Recorder(Protocol):
    """Who takes down what is sent and what comes."""

    def sent(
        self, request: requests.PreparedRequest, seconds: float, came: requests.Response | None, error: str | None
    ) -> None:
        """Take down a request that has just been answered, or given up."""


class Closed(Exception):
    """No further request is sent in this run; the message says why and what to do."""


class Refused(Exception):
    """A request is not sent, because it writes and writing was not allowed."""


class NoAnswer(Exception):
    """The target did not answer one request in time, or not with HTTP."""


class Gate:
    """The policy of a run. `strict` is for targets that are services: 402 stops, 429 is waited out.

    As many requests of the budget as there are things to delete are kept for deleting them; a gate for `cleaning` may
    use those, and a 402 does not stop it.
    """

    def __init__(
        self,
        *,
        key: str | None,
        budget: int | None = None,
        rate: float | None = None,
        allow_writes: bool = True,
        strict: bool = True,
        cleaning: bool = False,
        timeout: float = 10.0,
        deadline: float | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.clock = clock
        self._sleep = sleep
        self._key = key
        self._budget = budget
        self.pace = Pace(0.0 if rate is None else 1 / rate, clock, sleep)
        self._allow_writes = allow_writes
        self._strict = strict
        self._cleaning = cleaning
        self._timeout = timeout
        self._ends_at = None if deadline is None else clock() + deadline
        self._lock = threading.Lock()
        self._nobody_under_way = threading.Condition(self._lock)
        self._under_way = 0
        self._making = 0
        self._silences = 0
        self.over = threading.Event()
        self.sent = 0
        self.lost = 0
        self.purse: Purse | None = None
        self.recorder: Recorder | None = None
        self.closed: str | None = None
        self.created = Created()

    def close(self, reason: str) -> None:
        """Let no further request through, and wake those who wait."""
        if self.closed is None:
            self.closed = reason
        self.over.set()

    def drained(self, within: float) -> bool:
        """Wait until no request is under way; say whether that came to be."""
        with self._lock:
            return self._nobody_under_way.wait_for(lambda: self._under_way == 0, within)

    def successor(self) -> "Gate":
        """Return a gate for cleaning up after this one, which stays closed to those who still wait."""
        after = Gate(
            key=self._key,
            budget=None if self._budget is None else max(self._budget - self.sent, 0),
            rate=None if not self.pace.seconds_apart else 1 / self.pace.seconds_apart,
            strict=self._strict,
            cleaning=True,
            timeout=self._timeout,
            deadline=CLEAN_UP_SECONDS,
            clock=self.clock,
            sleep=self._sleep,
        )
        after.recorder = self.recorder
        return after

    def session(self, lane: Lane | None = None) -> requests.Session:
        """Return a session whose requests pass this gate, on a lane of their own."""
        session = requests.Session()
        session.trust_env = False
        adapter = adapter_class(self, lane)()
        session.mount("http://", adapter)
        session.mount("https://", adapter)
        return session

    def pass_through(
        self,
        request: requests.PreparedRequest,
        send: Callable[[requests.PreparedRequest, float], requests.Response],
        lane: Lane,
    ) -> requests.Response:
        """Send one request as the policy says. Closed, Refused or NoAnswer when there is no answer to return."""
        if SCHEMATHESIS_PROBE in request.headers:
            return _made_up_answer(request)
        real = request.copy()
        has_key = self._put_key(real)
        if has_key and not self._allow_writes and request.method not in READS:
            raise Refused(f"{request.method} {short(request.path_url)} writes; --allow-writes lets it")
        makes = _makes(real)
        for _ in range(PAUSES_ALLOWED):
            self._admit(lane, real, makes)
            try:
                response = self._send(real, send, lane)
                self.created.note(request, response)
            finally:
                self._leave(makes)
            if not (self._strict and response.status_code == 429):
                break
            self._sleep(self._pause_asked_for(response))
        else:
            self._stop(
                "The target keeps answering 429: it wants fewer requests. Try again later, or with a lower --rate."
            )
        if self._strict and not self._cleaning and response.status_code == 402:
            self._stop(
                "The account has no credit left (402). Top it up (POST /v1/account/topup and open the URL returned), "
                "then run this again; `--cleanup PREFIX` deletes what is left over."
            )
        response.request = request
        return response

    def _put_key(self, real: requests.PreparedRequest) -> bool:
        """Replace the placeholder by the key; say whether the request carries it."""
        given = str(real.headers.get("Authorization", ""))
        if PLACEHOLDER_KEY not in given:
            return False
        if self._key is None:
            del real.headers["Authorization"]
            return False
        real.headers["Authorization"] = given.replace(PLACEHOLDER_KEY, self._key)
        return True

    def _admit(self, lane: Lane, request: requests.PreparedRequest, makes: int) -> None:
        with self._lock:
            if self._ends_at is not None and self.clock() > self._ends_at:
                self.close("The time that a run may take is over: the target answers too slowly to be judged.")
            made = 0 if self._cleaning else self.created.count + self._making + makes
            if self._budget is not None and self.sent + made + made // SLACK_SHARE >= self._budget:
                self.close(f"The budget of {counted(self._budget, 'request')} is spent; --max-requests allows more.")
            elif self.purse is not None and self.closed is None and not self.purse.pay(request, made):
                self.close(f"The {self.purse.max_usd:g} dollars of --max-usd are spent.")
            if self.closed is not None:
                raise Closed(self.closed)
            self.sent += 1
            self._under_way += 1
            self._making += makes
        if not self.pace.wait(lane, self.over.is_set):
            with self._lock:
                self.sent -= 1
            self._leave(makes)
            raise Closed(self.closed or "the run is over")

    def _leave(self, makes: int) -> None:
        with self._lock:
            self._under_way -= 1
            self._making -= makes
            self._nobody_under_way.notify_all()

    def _send(
        self,
        real: requests.PreparedRequest,
        send: Callable[[requests.PreparedRequest, float], requests.Response],
        lane: Lane,
    ) -> requests.Response:
        lane.left = self.clock()
        try:
            response = send(real, self._timeout)
            _read(response, self._timeout)
        except (requests.RequestException, OSError, ValueError, NoAnswer) as error:
            self._silences += 1
            self.lost += 1
            if self._silences >= SILENCES_ALLOWED:
                self.close(f"The target stopped answering: {self._silences} requests in a row had no answer.")
            reason = _reason(error, self._timeout)
            self._take_down(real, lane, None, reason)
            raise NoAnswer(reason) from None
        finally:
            lane.arrived = self.clock()
        self._take_down(real, lane, response, None)
        self.pace.note(lane)
        self._silences = 0
        return response

    def _take_down(
        self, real: requests.PreparedRequest, lane: Lane, came: requests.Response | None, error: str | None
    ) -> None:
        if self.recorder is not None:
            self.recorder.sent(real, self.clock() - lane.left, came, error)

    def _pause_asked_for(self, response: requests.Response) -> float:
        text = response.headers.get("Retry-After", "")
        seconds = float(text) if re.fullmatch(r"[0-9]{1,6}", text) else 1.0
        if seconds > LONGEST_PAUSE_SECONDS:
            self._stop(f"The target asks for a pause of {seconds:.0f} s (429): try again later.")
        self.pace.hold(seconds)
        return seconds

    def _stop(self, reason: str) -> None:
        self.close(reason)
        raise Closed(reason)


def adapter_class(gate: Gate, lane: Lane | None = None) -> type[HTTPAdapter]:
    """Return a transport adapter for `requests` that sends through a gate, on a lane that may wait if none is given."""

    class GateAdapter(HTTPAdapter):
        def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:  # type: ignore[override]
            def forward(real: requests.PreparedRequest, timeout: float) -> requests.Response:
                return super(GateAdapter, self).send(real, **{**options, "stream": True, "timeout": timeout})

            return gate.pass_through(request, forward, Lane() if lane is None else lane)

    return GateAdapter


def _read(response: requests.Response, timeout: float) -> None:
    """Read an answer within bounds of size and time, however slowly it comes."""
    ends_at = time.monotonic() + timeout
    parts: list[bytes] = []
    size = 0
    while chunk := response.raw.read1(65536, decode_content=True):
        parts.append(chunk)
        size += len(chunk)
        if size > MAX_ANSWER_BYTES or time.monotonic() > ends_at:
            response.close()
            raise NoAnswer("an answer without end")
    response._content = b"".join(parts)  # noqa: SLF001 - requests has no public way to hand it what was read
    response._content_consumed = True  # noqa: SLF001 - the same
    response.raw.release_conn()


def _makes(request: requests.PreparedRequest) -> int:
    """Return how many things a request makes, if it succeeds, that have to be deleted."""
    found = operation_at(str(request.method), request.path_url)
    return 0 if found is None else sum(kind in deletions() for kind in found[0].makes)


def _made_up_answer(request: requests.PreparedRequest) -> requests.Response:
    response = requests.Response()
    response.status_code = 404
    response._content = b"{}"  # noqa: SLF001 - requests has no public way to make an answer
    response.request = request
    response.url = request.url or ""
    response.raw = None
    return response


def _reason(error: Exception, timeout: float) -> str:
    if isinstance(error, NoAnswer):
        return str(error)
    if isinstance(error, requests.Timeout):
        return f"no answer within {timeout:g} s"
    if isinstance(error, requests.ConnectionError):
        text = str(error)
        return "the connection was refused" if "refused" in text else "the connection broke"
    return "an answer that is not HTTP"
