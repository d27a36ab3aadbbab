"""The judge of one check: it gets a stage of its own, and what becomes of it is a result."""

import re
import time
from collections.abc import Callable, Mapping
from functools import partial

from sched_emulator.client.http import EmulatorError

from .api import Api
from .declare import Bound
from .demands import Demands
from .described import Contract, routes
from .gate import Closed, NoAnswer, Refused
from .ledger import Ledger
from .plan import reason_against
from .reply import Reply
from .results import Check, Exchange, Failed, NotChecked, Result, Status, TooLate, Warrant
from .settings import HOLDABLE, Settings
from .site import Site

HELD_IF_ASKED = {Warrant.VENDOR: "vendor", Warrant.CHOICE: "choices"}
ATTEMPTS = 3
UNREADABLE = (KeyError, TypeError, ValueError, IndexError, AttributeError)


class Judge:
    """Judges probes and scenarios, one at a time; several may be under way."""

    def __init__(self, site: Site, ledger: Ledger, settings: Settings) -> None:
        self._site = site
        self._ledger = ledger
        self._settings = settings
        self.demands = Demands()

    def answer(self, question: str) -> str | int | None:
        """Return the target's answer to an open question, None where it is undetermined."""
        return self._ledger.answer(question)

    def choice(self, check: Check) -> Result:
        """Return what became of a choice, from the demands that all checks have made."""
        return self._weighed(self.demands.result(check.question))

    def _weighed(self, result: Result) -> Result:
        """Let a failure count where it is held against this target, and be a difference where it is not."""
        held = result.check.warrant in held_on(self._site, self._settings)
        if result.status in {Status.FAILED, Status.DIFFERS}:
            result.status = Status.FAILED if held else Status.DIFFERS
        return result

    def probe(self, question: str) -> Result:
        """Return the answer to an open question as a result; it fails where the user said otherwise."""
        started = time.monotonic()
        observation = self._ledger.observe(question)
        check = self._ledger.probes[question]
        result = Result(check, Status.OBSERVED, seconds=time.monotonic() - started, exchanges=observation.exchanges)
        result.answer, result.bound = observation.answer, observation.bound
        if observation.answer is None:
            result.status, result.reason = Status.UNDETERMINED, observation.reason
        expected = self._ledger.expected.get(question)
        if None not in {expected, observation.answer} and expected != observation.answer and not observation.bound:
            result.status, result.expected = Status.FAILED, f"{expected}, as {self._settings.assumptions} says"
            result.reason = f"the answer observed is {observation.answer}"
        return result

    def scenario(self, check: Check, contract: Contract, *, attempt: int = 1) -> Result:
        """Make a check and return what became of it; each answer is compared with the contract.

        Where time is real it may have to be made `again`, with nothing else under way: an answer came too late to prove
        anything, or something about time failed, and the company may have been the cause. The last attempt decides.
        """
        if self._site.gate.closed is not None:
            return Result(check, Status.NOT_CHECKED, self._site.gate.closed)
        name = check.address.replace("/", "-") + _again(attempt)
        started = time.monotonic()
        result, demands = Result(check, Status.PASSED), Demands()
        try:
            stage = self._site.stage(name)
        except EmulatorError as error:
            return Result(check, Status.ERROR, f"the control API: {error}")
        try:
            prefix, address = self._settings.prefix, check.address
            answers = _Noting(self._ledger, result.asked)
            hear = partial(Api, demands=demands, meet=result.meet, address=address)
            check.run(hear(stage, answers, name, prefix, contract=contract))
        except Failed as error:
            result.status, result.reason, result.expected = Status.FAILED, error.came, error.expected
            result.again = check.timed
        except Exception as error:  # noqa: BLE001 - a mistake of ours is told as such, and the other checks go on
            if not (result.flaws and isinstance(error, UNREADABLE)):  # what a flaw leaves out cannot be read
                result.status, result.reason = _became(error)
            result.again = isinstance(error, TooLate)
        finally:
            result.exchanges = list(stage.trace)
            result.seconds = time.monotonic() - started
            _close_quietly(stage.close)
        result.again = result.again and attempt < ATTEMPTS and not self._site.virtual
        if result.again:
            return result
        self.demands.absorb(demands)
        return self._weighed(result)


def held_on(site: Site, settings: Settings) -> frozenset[Warrant]:
    """Return whose promises are held against a target: an emulator keeps them all, unless the user says otherwise."""
    asked = settings.hold or (HOLDABLE if site.is_emulator else ())
    return frozenset(Warrant) - {warrant for warrant, word in HELD_IF_ASKED.items() if word not in asked}


def _became(error: Exception) -> tuple[Status, str]:
    """Return what an error says of a check, other than that what came was not what was expected."""
    if isinstance(error, NotChecked | Closed | Refused):
        return Status.NOT_CHECKED, str(error)
    if isinstance(error, NoAnswer):
        return Status.FAILED, f"a request got {error}"
    if isinstance(error, EmulatorError):
        return Status.ERROR, f"the control API: {error}"
    if isinstance(error, UNREADABLE):
        return Status.FAILED, f"an answer could not be read: {error!r}"
    return Status.ERROR, f"the suite made a mistake: {error!r}"


def _close_quietly(close: Callable[[], None]) -> None:
    try:
        close()
    except EmulatorError:
        return


def open_ledger(
    site: Site, settings: Settings, probes: Mapping[str, Check], expected: Mapping[str, str | int] | None = None
) -> Ledger:
    """Return a ledger of a target's answers, with those that the user expects."""
    return Ledger(probes, partial(_measure, site, settings), expected or {})


def _measure(site: Site, settings: Settings, check: Check, ledger: Ledger, trace: list[Exchange]) -> str | int | Bound:
    reason = reason_against(settings, check, virtual=site.virtual)
    if reason is not None:
        raise NotChecked(reason)
    for attempt in range(1, ATTEMPTS + 1):
        name = re.sub(r"[/._]", "-", check.address) + _again(attempt)
        stage = site.stage(name)
        try:
            found: str | int | Bound = check.run(Api(stage, ledger, name, settings.prefix))
        except TooLate:
            if attempt == ATTEMPTS:
                raise
        except (Closed, Refused, NoAnswer) as error:
            raise NotChecked(str(error)) from None
        else:
            return found
        finally:
            trace += stage.trace
            stage.close()
    raise AssertionError("the last attempt has returned or raised")


def _again(attempt: int) -> str:
    """Return what the names of a further attempt end with: those of the first are taken."""
    return f"-again{attempt}" if attempt > 1 else ""


class _Noting:
    """Knows what the ledger knows, and notes once each question that it was asked."""

    def __init__(self, ledger: Ledger, asked: list[str]) -> None:
        self._ledger = ledger
        self._asked = asked

    def answer(self, question: str) -> str | int | None:
        """Return the target's answer to an open question, None where it is undetermined."""
        if question not in self._asked:
            self._asked.append(question)
        return self._ledger.answer(question)


class _Nobody:
    """Knows no answers."""

    def answer(self, _question: str) -> None:
        """Return nothing."""


def first_reply(site: Site, *, has_key: bool) -> Reply:
    """Send the request by which a target is recognised, a list of queues, and return what came."""
    stage = site.stage("look")
    try:
        headers = {} if has_key else {"Authorization": None}
        return Api(stage, _Nobody(), "look", "").send("GET", routes()["queue.list"].path, headers=headers)
    finally:
        stage.close()
