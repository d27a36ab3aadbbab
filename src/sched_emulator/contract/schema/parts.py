"""The schema part of a run: in this process, or, where many requests cost nothing, in two of their own at a time."""

import contextlib
import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from queue import Queue
from typing import Any

from sched_emulator.contract.demands import Demands
from sched_emulator.contract.described import Contract
from sched_emulator.contract.gate import Gate
from sched_emulator.contract.results import Check, Exchange, Flaw, Result, Status
from sched_emulator.contract.settings import Settings
from sched_emulator.contract.site import Site

from .engine import PHASES, STATEFUL, SchemaRun, plan

PARTS = 2
FEW = 40  # checks that are made here before two processes have started


def has_processes(site: Site, wanted: dict[str, Check]) -> bool:
    """Whether the checks are made in processes of their own; where not, nothing else may run beside them.

    Hypothesis looks through the garbage collector's objects, and what another thread is just making may break by that.
    """
    return site.virtual and len(wanted) > FEW


@dataclass(frozen=True, slots=True)
class Job:
    """What is to be done: `wanted` by address, `held` to choices or not; what rests on them is noted in `demands`."""

    contract: Contract
    settings: Settings
    wanted: dict[str, Check]
    demands: Demands
    key_required: bool
    held: bool

    def described(self, url: str, key: str) -> dict[str, Any]:
        """Return it as plain values, for a process of its own."""
        return {
            "answers": self.contract.answers,
            "url": url,
            "key": key,
            "prefix": f"{self.settings.prefix}s-",
            "seed": self.settings.seed,
            "examples": self.settings.examples,
            "key_required": self.key_required,
            "held": self.held,
        }


def schema_results(site: Site, job: Job, stop: threading.Event) -> Iterator[Result]:
    """Run the checks wanted and yield what became of each; those that met a flaw have neither failed nor passed yet."""
    for result in _results(site, job):
        yield result
        if stop.is_set():
            return


def _results(site: Site, job: Job) -> Iterator[Result]:
    if not has_processes(site, job.wanted):
        stage = site.stage("schema")
        with contextlib.closing(stage):
            told = job.described(site.url, stage.key)
            free, spare = job.settings.loopback, not site.virtual
            yield from _run(told, job.contract, site.gate, job.demands, free=free, spare=spare).perform(job.wanted)
        return
    with contextlib.ExitStack() as stack:
        stages = [site.stage(f"schema-{number}") for number in range(PARTS)]
        results: Queue[Result | None] = Queue()
        for addresses, stage in zip(_shares(job.wanted), stages, strict=True):
            stack.callback(stage.close)
            part = {**job.described(site.url, stage.key), "addresses": addresses}
            stack.callback(_start(part, job, site.gate, results))
        for _ in range(PARTS):
            while (result := results.get()) is not None:
                yield result


def _run(
    told: Mapping[str, Any], contract: Contract, gate: Gate, demands: Demands, *, free: bool, spare: bool
) -> SchemaRun:
    given = {name: value for name, value in told.items() if name not in {"answers", "addresses"}}
    return SchemaRun(contract=contract, gate=gate, demands=demands, free=free, spare_costly=spare, **given)


def _shares(wanted: dict[str, Check]) -> list[list[str]]:
    """Deal out the operations; all phases of one go to the same process, chains to the last."""
    operations = list(dict.fromkeys(check.covers[0] for address, check in wanted.items() if address != STATEFUL))
    shares: list[list[str]] = [[] for _ in range(PARTS)]
    for address, check in wanted.items():
        number = PARTS - 1 if address == STATEFUL else operations.index(check.covers[0]) % PARTS
        shares[number].append(address)
    return shares


def _start(part: dict[str, Any], job: Job, gate: Gate, results: "Queue[Result | None]") -> Callable[[], None]:
    """Start a process for a job, put its results into the queue, None in the end; return what ends it."""
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "sched_emulator.contract.schema.parts"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )

    def read() -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps(part))
        process.stdin.close()
        missing = set(part["addresses"])
        for line in process.stdout:
            told = json.loads(line)
            if "sent" in told:
                gate.sent += told["sent"]
                job.demands.take(told["demands"])
                continue
            missing.discard(told["address"])
            results.put(_heard(told, job.wanted))
        complaint = process.stderr.read().strip() if process.stderr is not None else ""
        for address in sorted(missing):
            why = complaint.splitlines()[-1] if complaint else f"it ended with status {process.wait()}"
            reason = f"the process of the schema part failed: {why}"
            results.put(Result(job.wanted[address], Status.ERROR, reason))
        results.put(None)

    threading.Thread(target=read, daemon=True).start()

    def end() -> None:
        process.kill()
        process.wait()
        for stream in (process.stdout, process.stderr):
            if stream is not None:
                stream.close()

    return end


def _heard(told: dict[str, Any], wanted: dict[str, Check]) -> Result:
    flaws = {item["cause"]: Flaw(**{**item, "exchange": Exchange(**item["exchange"])}) for item in told["flaws"]}
    check = wanted[told["address"]]
    return Result(check, Status(told["status"]), told["reason"], seconds=told["seconds"], flaws=flaws)


def _tell(told: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(told) + "\n")
    sys.stdout.flush()


def main() -> None:
    """Do the job that standard input describes, and write a line of JSON for each result."""
    job = json.load(sys.stdin)
    contract, gate, demands = Contract(job["answers"]), Gate(key=None, strict=False), Demands()
    run = _run(job, contract, gate, demands, free=True, spare=False)
    every = plan(contract, PHASES, stateful=True, reads_only=False)
    for result in run.perform({address: every[address] for address in job["addresses"]}):
        told = {"address": result.check.address, "status": result.status, "reason": result.reason}
        _tell({**told, "seconds": result.seconds, "flaws": [asdict(flaw) for flaw in result.flaws.values()]})
    _tell({"sent": gate.sent, "demands": demands.told()})


if __name__ == "__main__":
    main()
