"""One run: look at the target, say what will be done, do it side by side, delete what was made, and report."""

import contextlib
import itertools
import queue
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Any, Protocol, TypeAlias

from sched_emulator import files
from sched_emulator.client.http import EmulatorError
from sched_emulator.spec import assumptions

from . import baseline, cleanup, known, prices
from .catalogue import load
from .described import Contract, routes
from .flaws import each_once
from .gate import Closed, NoAnswer, Refused
from .judge import Judge, first_reply, held_on, open_ledger
from .ledger import Ledger, Observation, shapes
from .plan import Plan, make_plan, refuse_keyless, refuse_unmet
from .reply import Reply
from .report import Report
from .results import Check, Result, Status, Warrant
from .schema.parts import Job, has_processes, schema_results
from .settings import Settings, SettingsError
from .site import Site, open_site

THREADS_VIRTUAL, THREADS_LOOPBACK, THREADS_REMOTE = 4, 64, 12
SILENCE_SECONDS = 150
BEAT_SECONDS = 1
FLOODS = "limits."

Take: TypeAlias = Callable[[Result], None]


class CannotJudge(Exception):
    """The target cannot be judged at all; the message is a sentence for people."""


class Listener(Protocol):
    """Who watches a run."""

    def planned(self, plan: Plan) -> None:
        """Hear what will be done."""

    def finished(self, result: Result, done: int, all_checks: int) -> None:
        """Hear what became of a check."""

    def beat(self, done: int, all_checks: int) -> None:
        """Hear, every second at least, that the run goes on."""

    def say(self, text: str) -> None:
        """Hear something else."""


class Run:
    """The suite against one target: the policy of a run. What becomes of one check is the judge's."""

    def __init__(self, settings: Settings, listener: Listener) -> None:
        self._settings = settings
        self._listener = listener
        self._stop = threading.Event()
        self._catalogue = load(settings.scenarios)
        self._baseline = None if settings.baseline is None else baseline.read(settings.baseline)
        self._known = {} if settings.known is None else known.read(settings.known)
        refuse_unmet("--only", settings.only, self._catalogue)
        refuse_unmet("--known", self._known, self._catalogue)
        refuse_keyless(settings, self._catalogue)
        self._expected = _expected(settings)
        self._interrupted: str | None = None

    def perform(self) -> Report:
        """Do everything and return the report; CannotJudge when the target cannot be looked at."""
        started = time.monotonic()
        site = _opened(self._settings)
        kind = "emulator, virtual time" if site.virtual else "service, real time"
        report = Report(self._settings, site.url, kind, site.virtual, datetime.now(UTC).isoformat(timespec="seconds"))
        report.held = held_on(site, self._settings)
        try:
            _look(site)
            self._check(site, report)
        except KeyboardInterrupt:
            self._interrupted = "interrupted; what was done until then is reported."
            site.gate.close("interrupted")
        finally:
            if not site.virtual:
                report.stopped = self._interrupted or site.gate.closed
                report.left_over = cleanup.after_run(site.gate, site.url, self._settings.prefix, self._listener.say)
                report.left_over += site.gate.created.lasting() if report.stopped else []
            report.stopped = self._interrupted or report.stopped or (site.gate.closed if site.virtual else None)
            report.requests = site.gate.sent
            site.close()
        report.gone_known = known.apply(self._known, report.results)
        report.changes = None if self._baseline is None else baseline.changes(self._baseline, report)
        report.seconds = time.monotonic() - started
        return report

    def _check(self, site: Site, report: Report) -> None:
        ledger = open_ledger(site, self._settings, self._catalogue.probes, self._expected)
        plan = make_plan(self._settings, self._catalogue, virtual=site.virtual, prices=_priced(site))
        self._listener.planned(plan)
        report.results += plan.left_out
        results: queue.Queue[Result | None] = queue.Queue()
        worker = threading.Thread(target=self._work, args=(site, ledger, plan, results), daemon=True)
        worker.start()
        flawed: list[Result] = []
        for result in _until_silence(results, site):
            if result is not None and result.flaws:
                flawed.append(result)
            elif result is not None:
                self._heard(report, result, plan)
            if flawed and self._settings.fail_fast:
                self._stop.set()
            self._listener.beat(len(report.results), plan.count)
        for result in each_once(sorted(flawed, key=lambda result: plan.order(result.check.address))):
            self._heard(report, result, plan)
        report.results.sort(key=lambda result: plan.order(result.check.address))
        report.observations = [] if site.gate.closed else [ledger.observe(name) for name in plan.questions]

    def _heard(self, report: Report, result: Result, plan: Plan) -> None:
        report.results.append(result)
        self._listener.finished(result, len(report.results) - len(plan.left_out), plan.count)
        if result.status == Status.FAILED and self._settings.fail_fast:
            self._stop.set()

    def _work(self, site: Site, ledger: Ledger, plan: Plan, results: "queue.Queue[Result | None]") -> None:
        """Run everything planned; what becomes of choices is known when all else has been done."""
        judge = Judge(site, ledger, self._settings)
        try:
            (self._virtually if site.virtual else self._in_real_time)(site, ledger, plan, judge, results.put)
            for check in plan.choices:
                result = judge.choice(check)
                if result.status != Status.NOT_CHECKED or not self._settings.only:
                    results.put(result)
        except (Closed, NoAnswer, Refused) as error:
            site.gate.close(str(error))
        except Exception as error:  # noqa: BLE001 - a mistake of ours must not hang the run: it ends, and says so
            site.gate.close(f"the suite made a mistake: {error!r}")
        finally:
            results.put(None)

    def _virtually(self, site: Site, ledger: Ledger, plan: Plan, judge: Judge, take: Take) -> None:
        """Do everything side by side, each check with a clock of its own; the schema too where it has processes."""
        contract = ledger.contract(limits=plan.generates) if plan.needs_contract else Contract({})
        schema = partial(self._schema, site, judge, contract, plan, take)
        apart = has_processes(site, plan.schema)
        jobs: list[Callable[[], object]] = [schema] if apart else []
        jobs += [partial(_tell, take, judge.probe, question) for question in plan.questions]
        jobs += [partial(_tell, take, self._scenario, judge, contract, check) for check in plan.scenarios]
        _side_by_side(_threads(site), jobs)
        if not apart:
            schema()

    def _in_real_time(self, site: Site, ledger: Ledger, plan: Plan, judge: Judge, take: Take) -> None:
        """Do the scenarios first, then the other questions, then what needs the target for itself.

        That is: what came too late to prove anything, probes that send much, and generated requests.
        """
        if plan.needs_contract:
            _side_by_side(_threads(site), [partial(ledger.observe, question) for question in shapes()])
        contract = ledger.contract(limits=False) if plan.needs_contract else Contract({})
        late: list[Check] = []

        def scenario(check: Check) -> None:
            result = self._scenario(judge, contract, check)
            late.append(check) if result.again else take(result)

        floods = [question for question in plan.questions if question.startswith(FLOODS)]
        jobs: list[Callable[[], object]] = [partial(scenario, check) for check in plan.scenarios]
        jobs += [partial(_tell, take, judge.probe, name) for name in plan.questions if name not in floods]
        _side_by_side(_threads(site), jobs)
        for check in late:
            take(self._alone(judge, contract, check))
        for question in floods:
            take(judge.probe(question))
        if plan.generates:
            contract = ledger.contract(limits=True)
        self._schema(site, judge, contract, plan, take)

    def _alone(self, judge: Judge, contract: Contract, check: Check) -> Result:
        """Make a check again, with nothing else under way, until there is a result."""
        return next(
            result
            for attempt in itertools.count(2)
            if not (result := self._scenario(judge, contract, check, attempt=attempt)).again
        )

    def _scenario(self, judge: Judge, contract: Contract, check: Check, *, attempt: int = 1) -> Result:
        if self._stop.is_set():
            return Result(check, Status.NOT_CHECKED, "the run stopped at the first failure")
        return judge.scenario(check, contract, attempt=attempt)

    def _schema(self, site: Site, judge: Judge, contract: Contract, plan: Plan, take: Take) -> None:
        if not plan.schema:
            return
        required = judge.answer("idempotency.required") == "required"
        held = Warrant.CHOICE in held_on(site, self._settings)
        job = Job(contract, self._settings, plan.schema, judge.demands, key_required=required, held=held)
        try:
            for result in schema_results(site, job, self._stop):
                take(result)
        except (OSError, EmulatorError, ValueError) as error:
            for check in plan.schema.values():
                take(Result(check, Status.ERROR, f"the schema part could not run: {error}"))


def _expected(settings: Settings) -> dict[str, str | int]:
    """Return the answers that the user expects the target to give."""
    if settings.assumptions is None:
        return {}
    text = files.read_text(settings.assumptions, "--assumptions")
    try:
        return assumptions.parse_answers_toml(text, str(settings.assumptions))
    except ValueError as error:
        raise SettingsError(f"--assumptions: {error}") from None


def _tell(take: Take, judge: Callable[..., Result], *arguments: Any) -> None:
    take(judge(*arguments))


def _threads(site: Site) -> int:
    """Return how many checks are made at a time."""
    return THREADS_VIRTUAL if site.virtual else THREADS_LOOPBACK if site.settings.loopback else THREADS_REMOTE


def _until_silence(results: "queue.Queue[Result | None]", site: Site) -> Iterator[Result | None]:
    """Yield results up to the last, and None each second that there is none.

    The gate is closed when none comes for so long that something must hang.
    """
    heard_at = time.monotonic()
    while True:
        try:
            result = results.get(timeout=BEAT_SECONDS)
        except queue.Empty:
            if time.monotonic() - heard_at > SILENCE_SECONDS:
                site.gate.close(f"no check ended for {SILENCE_SECONDS} s: the target, or its clock, hangs.")
                return
            yield None
            continue
        if result is None:
            return
        heard_at = time.monotonic()
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


def observe(settings: Settings, listener: Listener) -> tuple[list[Observation], int]:
    """Run the probes alone, under the same rules; return what was observed and how many requests it took.

    CannotJudge when the target cannot be looked at.
    """
    catalogue = load(settings.scenarios)
    refuse_keyless(settings, catalogue)
    site = _opened(settings)
    try:
        _look(site)
        only_probes = replace(settings, only=("probe/*",))
        plan = make_plan(only_probes, catalogue, virtual=site.virtual, prices=_priced(site))
        listener.planned(plan)
        found = _observe_all(site, open_ledger(site, settings, catalogue.probes), plan)
        return [found[question] for question in assumptions.catalogue()], site.gate.sent
    finally:
        if not site.virtual:
            for name in cleanup.after_run(site.gate, site.url, settings.prefix, listener.say):
                listener.say(f"could not be deleted: {name}")
        site.close()


def _observe_all(site: Site, ledger: Ledger, plan: Plan) -> dict[str, Observation]:
    left_out = {result.check.question: result.reason for result in plan.left_out}
    found = {question: Observation(question, None, reason) for question, reason in left_out.items()}
    try:
        floods = [question for question in plan.questions if question.startswith(FLOODS)]
        others = [partial(ledger.observe, question) for question in plan.questions if question not in floods]
        _side_by_side(_threads(site), others)
        _side_by_side(1, [partial(ledger.observe, question) for question in floods])
    except KeyboardInterrupt:
        site.gate.close("interrupted")
        raise
    found |= {question: ledger.observe(question) for question in plan.questions}
    return found


def _opened(settings: Settings) -> Site:
    try:
        return open_site(settings)
    except EmulatorError as error:
        raise CannotJudge(str(error)) from None


def _priced(site: Site) -> dict[str, prices.Price] | None:
    """Return what requests cost, and let the gate pay; CannotJudge when dollars are limited and nobody tells prices."""
    if site.virtual:
        return None
    found = prices.read(site.gate, site.url)
    if found is None and site.settings.max_usd is not None:
        raise CannotJudge(f"{site.url} tells no prices at {prices.DISCOVERY}, and --max-usd needs them.")
    site.gate.purse = prices.Purse(found or {}, site.settings.max_usd)
    return found


def _look(site: Site) -> None:
    """Send one request; CannotJudge when what answers is not this API, or not for us."""
    has_key = site.virtual or site.settings.key is not None or site.settings.loopback
    try:
        reply = first_reply(site, has_key=has_key)
    except NoAnswer as error:
        raise CannotJudge(
            f"Nothing usable answers at {site.url}: {error}. Is it running, and is the URL right?"
        ) from None
    except Closed as error:
        raise CannotJudge(str(error)) from None
    problem = _first_impression(reply, has_key=has_key, variable=site.settings.key_variable)
    if problem is not None:
        raise CannotJudge(f"{site.url} {problem}")


def _first_impression(reply: Reply, *, has_key: bool, variable: str) -> str | None:
    if reply.status == 401 and isinstance(reply.body, dict):
        return f"refused the key in ${variable} (401). Is it the right one?" if has_key else None
    if reply.status == 404:
        path = routes()["queue.list"].path
        return f"has nothing at {path} (404). Is the URL right? It should end before /v1."
    if reply.status >= 500:
        return f"answered its first request with {reply.status}: it is not serving the API at present."
    if not isinstance(reply.body, dict):
        what = reply.headers.get("Content-Type", "no Content-Type")
        return f"answered {reply.status} with {what}, not with a JSON object: something else than this API is there."
    if not reply.succeeded:
        return f"answered its first request, a list of queues, with {reply.status}: {reply.text[:150]}"
    return None
