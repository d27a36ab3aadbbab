"""Runs the contract suite against each mutant of the emulator and shows which check killed it: `make mutants`.

A mutant is a copy of the package with one change, started as an emulator of its own. The suite stops at the first
failure; probes and scenarios come first, and only what survives them meets the schema part.
"""

import argparse
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from fnmatch import fnmatchcase
from pathlib import Path
from typing import NamedTuple

from sched_emulator.client.emulator import Emulator
from sched_emulator.client.http import EmulatorError
from sched_emulator.contract.measure import Silent
from sched_emulator.contract.results import Status
from sched_emulator.contract.runner import CannotJudge, Run
from sched_emulator.contract.settings import Settings
from tests.contract.mutant import Mutant
from tests.contract.mutants import MUTANTS, SURVIVORS

ROOT = Path(__file__).parents[2]
FIRST = ("[!s]*",)  # all but schema/…
THEN = ("schema/*",)
GOAL = 0.98


class Fate(NamedTuple):
    """What became of a mutant: the address of the check that killed it, or why there is none."""

    mutant: str
    killer: str | None
    why: str
    seconds: float


def original(mutant: Mutant) -> str:
    """Return the file that a mutant changes, as it is."""
    folder = ROOT if mutant.file.startswith("openapi/") else ROOT / "src" / "sched_emulator"
    return (folder / mutant.file).read_text(encoding="utf-8")


def copy_of(folder: Path, *mutants: Mutant) -> None:
    """Write the package with these changes; ValueError when a text to change is not there exactly once."""
    package = folder / "sched_emulator"
    shutil.copytree(ROOT / "src" / "sched_emulator", package)  # what is compiled of unchanged files holds there too
    shutil.copytree(ROOT / "openapi", package / "openapi")
    for mutant in mutants:
        path = package / mutant.file
        text = path.read_text(encoding="utf-8")
        if text.count(mutant.old) != 1:
            raise ValueError(f"{mutant.name}: {mutant.file} has the text to change {text.count(mutant.old)} times")
        path.write_text(text.replace(mutant.old, mutant.new), encoding="utf-8")


def started(folder: Path, assume: Mapping[str, str | int] | None = None) -> Emulator:
    """Start an emulator from the package in a folder; EmulatorError when it does not start."""
    before = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = str(folder)
    try:
        return Emulator.start(clock="frozen", assume=assume or {})
    finally:
        os.environ.pop("PYTHONPATH")
        if before is not None:
            os.environ["PYTHONPATH"] = before


def judge(mutant: Mutant) -> Fate:
    """Run the suite against a mutant."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="mutant-") as folder:
        try:
            copy_of(Path(folder), mutant)
        except ValueError as error:
            return Fate(mutant.name, None, str(error), 0)
        killer, why = _judge(Path(folder))
    return Fate(mutant.name, killer, why, time.monotonic() - began)


def _judge(folder: Path) -> tuple[str | None, str]:
    try:
        emulator = started(folder)
    except EmulatorError as error:
        return "start", str(error).splitlines()[-1]
    with emulator:
        for only in (FIRST, THEN):
            try:
                report = Run(Settings(target=emulator.url, seed=1, only=only, fail_fast=True), Silent()).perform()
            except CannotJudge as error:
                return "first request", str(error)
            broken = [item for item in report.results if item.status == Status.ERROR]
            if broken and not report.failures:
                return None, f"not judged: {broken[0].check.address} {broken[0].reason}"
            if report.failures:
                first = report.failures[0]
                return first.check.address, " ".join(first.reason.split())
    return None, "no check failed"


def main() -> int:
    """Judge the mutants whose names fit, and show the table; 1 when too many survive."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("only", nargs="?", default="*", help="a glob of names")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args()
    chosen = [mutant for mutant in MUTANTS if fnmatchcase(mutant.name, options.only)]
    killed = 0
    with ProcessPoolExecutor(options.jobs) as pool:
        for fate in _shown(pool.map(judge, chosen)):
            killed += fate.killer is not None
    sys.stdout.write(f"\n{killed} of {len(chosen)} killed\n")
    return 0 if killed >= GOAL * len(chosen) else 1


def _shown(fates: Iterator[Fate]) -> Iterator[Fate]:
    for fate in fates:
        mark = "killed  " if fate.killer else "SURVIVED"
        why = SURVIVORS.get(fate.mutant, fate.why) if fate.killer is None else fate.why
        sys.stdout.write(f"{mark} {fate.mutant:52} {fate.killer or '':22} {why[:90]}\n")
        sys.stdout.flush()
        yield fate


if __name__ == "__main__":
    sys.exit(main())
