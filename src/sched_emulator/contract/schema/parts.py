"""The schema part of a run: in this process, or, where many requests cost nothing, in two of their own at a time."""

import contextlib
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from queue import Queue
from typing import Any

from sched_emulator.contract.described import Contract
from sched_emulator.contract.gate import Gate
from sched_emulator.contract.results import Check, Exchange, Result, Status
from sched_emulator.contract.settings import Settings
from sched_emulator.contract.site import Site
from sched_emulator.contract.stages import Stage

from .engine import STATEFUL, SchemaRun, plan

PARTS = 2
FEW = 40  # checks that are made here before two processes have started


def has_processes(site: Site, wanted: dict[str, Check]) -> bool:
    """Whether the checks are made in processes of their own; where not, nothing else may run beside them.

    Hypothesis looks through the garbage collector's objects, and what another thread is just making may break by that.
    """
    return site.virtual and len(wanted) > FEW


def schema_results(
    site: Site,
    contract: Contract,
    settings: Settings,
    wanted: dict[str, Check],
    *,
    key_required: bool,
    stop: threading.Event,
) -> Iterator[Result]:
    """Run the checks wanted and yield what became of each."""
    job = {
        "answers": contract.answers,
        "url": site.url,
        "prefix": f"{settings.prefix}s-",
        "seed": settings.seed,
        "examples": settings.examples,
        "key_required": key_required,
    }
    if not has_processes(site, wanted):
        yield from _here(site, contract, settings, wanted, job)
        return
    with contextlib.ExitStack() as stack:
        stages = [site.stage(f"schema-{number}") for number in range(PARTS)]
        results: Queue[Result | None] = Queue()
        for number, (addresses, stage) in enumerate(zip(_shares(wanted), stages, strict=True)):
            stack.callback(stage.close)
            part = {**job, "key": stage.key, "addresses": addresses, "prefix": f"{job['prefix']}{number}-"}
            stack.callback(_start(part, wanted, site.gate, results))
        for _ in range(PARTS):
            while (result := results.get()) is not None:
                yield result
                if stop.is_set():
                    return


def _here(
    site: Site, contract: Contract, settings: Settings, wanted: dict[str, Check], job: dict[str, Any]
) -> Iterator[Result]:
    stage: Stage = site.stage("schema")
    try:
        names = ("url", "prefix", "seed", "examples", "key_required")
        run = SchemaRun(
            contract=contract,
            gate=site.gate,
            key=stage.key,
            free=settings.loopback,
            spare_costly=not site.virtual,
            **{name: job[name] for name in names},
        )
        yield from run.perform(wanted)
    finally:
        stage.close()


def _shares(wanted: dict[str, Check]) -> list[list[str]]:
    """Deal out the operations; all phases of one go to the same process, chains to the last."""
    operations = list(dict.fromkeys(check.covers[0] for address, check in wanted.items() if address != STATEFUL))
    shares: list[list[str]] = [[] for _ in range(PARTS)]
    for address, check in wanted.items():
        number = PARTS - 1 if address == STATEFUL else operations.index(check.covers[0]) % PARTS
        shares[number].append(address)
    return shares


def _start(job: dict[str, Any], wanted: dict[str, Check], gate: Gate, results: "Queue[Result | None]") -> Any:
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
        process.stdin.write(json.dumps(job))
        process.stdin.close()
        missing = set(job["addresses"])
        for line in process.stdout:
            told = json.loads(line)
            if "sent" in told:
                gate.sent += told["sent"]
                continue
            missing.discard(told["address"])
            results.put(_result(told, wanted))
        complaint = process.stderr.read().strip() if process.stderr is not None else ""
        for address in sorted(missing):
            why = complaint.splitlines()[-1] if complaint else f"it ended with status {process.wait()}"
            results.put(Result(wanted[address], Status.ERROR, f"the process of the schema part failed: {why}"))
        results.put(None)

    threading.Thread(target=read, daemon=True).start()

    def end() -> None:
        process.kill()
        process.wait()
        for stream in (process.stdout, process.stderr):
            if stream is not None:
                stream.close()

    return end


def _result(told: dict[str, Any], wanted: dict[str, Check]) -> Result:
    exchanges = [Exchange("CURL", code, {}, None, None, {}, came) for code, came in told["exchanges"]]
    return Result(
        wanted[told["address"]],
        Status(told["status"]),
        told["reason"],
        told["expected"],
        seconds=told["seconds"],
        exchanges=exchanges,
    )


def _tell(told: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(told) + "\n")
    sys.stdout.flush()


def main() -> None:
    """Do the job that standard input describes, and write a line of JSON for each result."""
    job = json.load(sys.stdin)
    contract = Contract(job["answers"])
    gate = Gate(key=None, strict=False)
    run = SchemaRun(
        contract=contract,
        gate=gate,
        url=job["url"],
        key=job["key"],
        prefix=job["prefix"],
        seed=job["seed"],
        examples=job["examples"],
        free=True,
        spare_costly=False,
        key_required=job["key_required"],
    )
    every = plan(contract, ("examples", "coverage", "fuzzing"), stateful=True, reads_only=False)
    for result in run.perform({address: every[address] for address in job["addresses"]}):
        told = {
            "address": result.check.address,
            "status": result.status,
            "reason": result.reason,
            "expected": result.expected,
            "seconds": result.seconds,
            "exchanges": [[exchange.url, exchange.response] for exchange in result.exchanges],
        }
        _tell(told)
    _tell({"sent": gate.sent})


if __name__ == "__main__":
    main()
