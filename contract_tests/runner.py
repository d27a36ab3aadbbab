"""One run: look at the target, say what will be done, do it side by side, delete what was made, and report."""

import contextlib
import queue
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Any, Protocol

from sched_emulator.client.http import EmulatorError
from sched_emulator.spec import assumptions

from . import cleanup, known
from .api import Api, Reply
from .catalogue import PROBES, Bound
from .contract import Contract
from .gate import Closed, NoAnswer, Refused
from .ledger import Ledger, Observation
from .plan import Plan, make_plan, reason_against, unprobed
from .report import Report
from .results import Check, Exchange, Failed, NotChecked, Result, Status
from .schema.parts import schema_results
from .settings import Settings
from .worlds import Site, open_site

THREADS_VIRTUAL, THREADS_LOOPBACK, THREADS_REMOTE = 4, 64, 12
SILENCE_SECONDS = 150
UNREADABLE = (KeyError, TypeError, ValueError, IndexError, AttributeError)


class CannotJudge(Exception):
    """The target cannot be judged at all; the message is a sentence for people."""


class Listener(Protocol):
    """Who watches a run."""

    def planned(self, plan: Plan) -> None:
        """Hear what will be done."""

    def finished(self, result: Result, done: int, all_checks: int) -> None:
        """Hear what became of a check."""

    def say(self, text: str) -> None:
        """Hear something else."""


class Run:
    """The suite against one target."""

    def __init__(self, settings: Settings, listener: Listener) -> None:
        self._settings = settings
        self._listener = listener
        self._stop = threading.Event()
        self._known = {} if settings.known is None else known.read(settings.known)
        self._expected = {} if settings.assumptions is None else assumptions.read_answers_toml(settings.assumptions)
        self._interrupted: str | None = None

    def perform(self) -> Report:
        """Do everything and return the report; CannotJudge when the target cannot be looked at."""
        started = time.monotonic()
        try:
            site = open_site(self._settings)
        except EmulatorError as error:
            raise CannotJudge(str(error)) from None
        kind = "emulator, virtual time" if site.virtual else "service, real time"
        report = Report(self._settings, site.url, kind, site.virtual, datetime.now(UTC).isoformat(timespec="seconds"))
        try:
            self._look(site)
            self._check(site, report)
        except KeyboardInterrupt:
            self._interrupted = "interrupted; what was done until then is reported."
            site.gate.close("interrupted")
        finally:
            if not site.virtual:
                report.stopped = self._interrupted or site.gate.closed
                report.left_over = cleanup.after_run(site.gate, site.url, self._listener.say)
                report.left_over += [f"task {name}" for name in site.gate.created.tasks] if report.stopped else []
            report.stopped = self._interrupted or report.stopped or (site.gate.closed if site.virtual else None)
            report.requests = site.gate.sent
            site.close()
        report.gone_known = known.apply(self._known, report.results)
        report.seconds = time.monotonic() - started
        return report

    def _look(self, site: Site) -> None:
        """Send one request; CannotJudge when what answers is not this API, or not for us."""
        has_key = site.virtual or self._settings.key is not None or self._settings.loopback
        world = site.world("look")
        try:
            headers = {} if has_key else {"Authorization": None}
            reply = Api(world, _Nobody(), "look", "").send("GET", "/v1/scheduling/queue/list", headers=headers)
        except NoAnswer as error:
            raise CannotJudge(
                f"Nothing usable answers at {site.url}: {error}. Is it running, and is the URL right?"
            ) from None
        except Closed as error:
            raise CannotJudge(str(error)) from None
        finally:
            world.close()
        problem = _first_impression(reply, has_key=has_key, variable=self._settings.key_variable)
        if problem is not None:
            raise CannotJudge(f"{site.url} {problem}")

    def _check(self, site: Site, report: Report) -> None:
        ledger = Ledger(lambda question, trace: self._measure(site, ledger, question, trace), self._expected)
        plan = make_plan(self._settings, virtual=site.virtual)
        self._listener.planned(plan)
        report.results += plan.left_out
        results: queue.Queue[Result | None] = queue.Queue()
        worker = threading.Thread(target=self._work, args=(site, ledger, plan, results), daemon=True)
        worker.start()
        for done, result in enumerate(_until_silence(results, site), start=1):
            report.results.append(result)
            self._listener.finished(result, done, plan.count)
            if result.status == Status.FAILED and self._settings.fail_fast:
                self._stop.set()
        report.results.sort(key=lambda result: plan.order(result.check.address))
        report.observations = [] if site.gate.closed else [ledger.observe(name) for name in plan.questions]

    def _work(self, site: Site, ledger: Ledger, plan: Plan, results: "queue.Queue[Result | None]") -> None:
        """Run everything planned: probes and scenarios side by side; the schema with them where time is virtual."""
        try:
            contract = ledger.contract(limits=plan.generates) if plan.needs_contract else Contract({})
            threads = (
                THREADS_VIRTUAL if site.virtual else THREADS_LOOPBACK if self._settings.loopback else THREADS_REMOTE
            )
            jobs = [partial(self._put, results, self._probe, ledger, question) for question in plan.questions]
            jobs += [
                partial(self._put, results, self._scenario, site, ledger, contract, check) for check in plan.scenarios
            ]
            if site.virtual:
                jobs.insert(0, partial(self._schema, site, ledger, contract, plan, results.put))
            _side_by_side(threads, jobs)
            if not site.virtual:
                self._schema(site, ledger, contract, plan, results.put)
        except (Closed, NoAnswer, Refused) as error:
            site.gate.close(str(error))
        except Exception as error:  # noqa: BLE001 - a mistake of ours must not hang the run: it ends, and says so
            site.gate.close(f"the suite made a mistake: {error!r}")
        finally:
            results.put(None)

    @staticmethod
    def _put(results: "queue.Queue[Result | None]", judge: Callable[..., Result], *arguments: Any) -> None:
        results.put(judge(*arguments))

    def _schema(
        self, site: Site, ledger: Ledger, contract: Contract, plan: Plan, take: Callable[[Result], None]
    ) -> None:
        if not plan.schema:
            return
        required = ledger.answer("idempotency.required") == "required"
        try:
            for result in schema_results(
                site, contract, self._settings, plan.schema, key_required=required, stop=self._stop
            ):
                take(result)
        except (OSError, EmulatorError, ValueError) as error:
            for check in plan.schema.values():
                take(Result(check, Status.ERROR, f"the schema part could not run: {error}"))

    def _measure(self, site: Site, ledger: Ledger, question: str, trace: list[Exchange]) -> str | int | Bound:
        check = PROBES[question]
        reason = reason_against(self._settings, check, virtual=site.virtual)
        if reason is not None:
            raise NotChecked(reason)
        name = check.address.replace("/", "-").replace(".", "-").replace("_", "-")
        world = site.world(name)
        try:
            found: str | int | Bound = check.run(Api(world, ledger, name, self._settings.prefix))
        except (Closed, Refused, NoAnswer) as error:
            raise NotChecked(str(error)) from None
        else:
            return found
        finally:
            trace += world.trace
            world.close()

    def _probe(self, ledger: Ledger, question: str) -> Result:
        started = time.monotonic()
        observation = ledger.observe(question)
        check = PROBES.get(question) or unprobed(question)
        result = Result(check, Status.OBSERVED, seconds=time.monotonic() - started, exchanges=observation.exchanges)
        result.answer, result.bound = observation.answer, observation.bound
        if observation.answer is None:
            result.status, result.reason = Status.UNDETERMINED, observation.reason
        expected = self._expected.get(question)
        if None not in {expected, observation.answer} and expected != observation.answer and not observation.bound:
            result.status, result.expected = Status.FAILED, f"{expected}, as {self._settings.assumptions} says"
            result.reason = f"the answer observed is {observation.answer}"
        return result

    def _scenario(self, site: Site, ledger: Ledger, contract: Contract, check: Check) -> Result:
        if self._stop.is_set():
            return Result(check, Status.NOT_CHECKED, "the run stopped at the first failure")
        if site.gate.closed is not None:
            return Result(check, Status.NOT_CHECKED, site.gate.closed)
        name = check.address.replace("/", "-")
        started = time.monotonic()
        result = Result(check, Status.PASSED)
        try:
            world = site.world(name)
        except EmulatorError as error:
            return Result(check, Status.ERROR, f"the control API: {error}")
        try:
            check.run(Api(world, ledger, name, self._settings.prefix, contract))
        except Failed as error:
            result.status, result.reason, result.expected = Status.FAILED, error.came, error.expected
        except (NotChecked, Closed, Refused) as error:
            result.status, result.reason = Status.NOT_CHECKED, str(error)
        except NoAnswer as error:
            result.status, result.reason = Status.FAILED, f"a request got {error}"
        except EmulatorError as error:
            result.status, result.reason = Status.ERROR, f"the control API: {error}"
        except UNREADABLE as error:
            result.status, result.reason = Status.FAILED, f"an answer could not be read: {error!r}"
        except Exception as error:  # noqa: BLE001 - a mistake of ours is told as such, and the other checks go on
            result.status, result.reason = Status.ERROR, f"the suite made a mistake: {error!r}"
        finally:
            result.exchanges = list(world.trace)
            result.seconds = time.monotonic() - started
            _close_quietly(world.close)
        return result


def _until_silence(results: "queue.Queue[Result | None]", site: Site) -> Iterator[Result]:
    """Yield results up to the last; close the gate when none comes for so long that something must hang."""
    while True:
        try:
            result = results.get(timeout=SILENCE_SECONDS)
        except queue.Empty:
            site.gate.close(f"no check ended for {SILENCE_SECONDS} s: the target, or its clock, hangs.")
            return
        if result is None:
            return
        yield result


def _side_by_side(threads: int, jobs: Sequence[Callable[[], object]]) -> None:
    """Do all jobs, so many at a time, in threads that do not outlive the program."""
    waiting: queue.SimpleQueue[Callable[[], object]] = queue.SimpleQueue()
    for job in jobs:
        waiting.put(job)

    def work() -> None:
        with contextlib.suppress(queue.Empty):
            while True:
                waiting.get_nowait()()

    workers = [threading.Thread(target=work, daemon=True) for _ in range(min(threads, len(jobs)))]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()


class _Nobody:
    """Knows no answers."""

    def answer(self, _question: str) -> None:
        """Return nothing."""


def _close_quietly(close: Callable[[], None]) -> None:
    try:
        close()
    except EmulatorError:
        return


def _first_impression(reply: Reply, *, has_key: bool, variable: str) -> str | None:
    if reply.status == 401 and isinstance(reply.body, dict):
        return f"refused the key in ${variable} (401). Is it the right one?" if has_key else None
    if reply.status == 404:
        return "has nothing at /v1/scheduling/queue/list (404). Is the URL right? It should end before /v1."
    if reply.status >= 500:
        return f"answered its first request with {reply.status}: it is not serving the API at present."
    if not isinstance(reply.body, dict):
        what = reply.headers.get("Content-Type", "no Content-Type")
        return f"answered {reply.status} with {what}, not with a JSON object: something else than this API is there."
    if not reply.succeeded:
        return f"answered its first request, a list of queues, with {reply.status}: {reply.text[:150]}"
    return None


def observe(settings: Settings, listener: Listener) -> tuple[list[Observation], int]:
    """Run the probes alone, under the same rules; return what was observed and how many requests it took.

    CannotJudge when the target cannot be looked at.
    """
    run = Run(settings, listener)
    try:
        site = open_site(settings)
    except EmulatorError as error:
        raise CannotJudge(str(error)) from None
    try:
        run._look(site)  # noqa: SLF001 - the same module's own
        plan = make_plan(replace(settings, only=("probe/*",)), virtual=site.virtual)
        listener.planned(plan)
        ledger = Ledger(lambda question, trace: run._measure(site, ledger, question, trace), {})  # noqa: SLF001 - the same
        found = _observe_all(site, settings, ledger, plan)
        return [found[question] for question in assumptions.catalogue()], site.gate.sent
    finally:
        if not site.virtual:
            for name in cleanup.after_run(site.gate, site.url, listener.say):
                listener.say(f"could not be deleted: {name}")
        site.close()


def _observe_all(site: Site, settings: Settings, ledger: Ledger, plan: Plan) -> dict[str, Observation]:
    left_out = {result.check.address.removeprefix("probe/"): result.reason for result in plan.left_out}
    found = {question: Observation(question, None, reason) for question, reason in left_out.items()}
    threads = THREADS_VIRTUAL if site.virtual else THREADS_LOOPBACK if settings.loopback else THREADS_REMOTE
    try:
        _side_by_side(threads, [partial(ledger.observe, question) for question in plan.questions])
    except KeyboardInterrupt:
        site.gate.close("interrupted")
        raise
    found |= {question: ledger.observe(question) for question in plan.questions}
    return found
