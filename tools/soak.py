"""Run the random tests many times as long as the suite does, and write what was tried to docs/soak.md (`make soak`).

`SOAK_TIMES` says how many times as long, `SOAK_SEED` with which seed: with the same seed the same is tried again. Under
load, many clients go on for `SOAK_SECONDS` (600).
"""

import os
import platform
import re
import resource
import subprocess
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from secrets import randbelow
from typing import NamedTuple

from tools.markdown import table

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "soak.md"
TIMES = 10
PARTS = {
    "properties, over random values and long random sessions": ("-m", "hypothesis", "tests"),
    "golden sessions of random requests, each in two processes": ("-m", "soak", "tests/golden"),
    "the suite: random answers are recovered, no choice negated fails, one verdict for 50 seeds": (
        "-m",
        "soak",
        "tests/contract",
        "tests/test_calibrate.py",
    ),
    "random sessions, recorded: what they ask is inferred, nothing true is ruled out": (
        "-m",
        "soak",
        "tests/compare",
    ),
    "load: many clients, clients and receivers that misbehave": ("-m", "soak", "tests/load"),
    "20,000 idle sandboxes": ("-m", "soak", "tests/server"),
    "the dashboard with 100,000 requests": ("-m", "soak", "tests/browser"),
}


class Figures(NamedTuple):
    """What a part tried: tests, those of them that failed, and examples, where a test tries several."""

    tests: int
    failed: int
    examples: int
    cpu_seconds: float


def figures(told: str, cpu_seconds: float) -> Figures:
    """Read what pytest told of a run."""
    ended = {word: int(count) for count, word in re.findall(r"(\d+) (passed|failed|errors?)\b", told.splitlines()[-1])}
    examples = sum(int(count) for count in re.findall(r"(\d+) passing,", told))
    return Figures(sum(ended.values()), sum(ended.values()) - ended.get("passed", 0), examples, cpu_seconds)


def run(arguments: Iterable[str], *, times: int, seed: int) -> tuple[int, Figures]:
    """Run a part and return pytest's exit status beside the figures."""
    command = [sys.executable, "-m", "pytest", "-q", *arguments]
    command += ["--hypothesis-show-statistics", f"--hypothesis-seed={seed}"]
    environment = os.environ | {"SOAK_TIMES": str(times), "SOAK_SEED": str(seed)}
    before = _cpu_seconds()
    ended = subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, check=False)  # noqa: S603 - our own tests
    if ended.returncode:
        sys.stdout.write(ended.stdout)
    return ended.returncode, figures(ended.stdout, _cpu_seconds() - before)


def page(found: dict[str, Figures], *, times: int, seed: int, commit: str, now: datetime) -> str:
    """Return the page that says what was tried, and what came of it."""
    python = platform.python_version()
    rows = [
        (
            part,
            f"{ran.tests:,}",
            f"{ran.examples:,}" if ran.examples else "",
            f"{ran.failed:,}",
            f"{ran.cpu_seconds:,.0f}",
        )
        for part, ran in found.items()
    ]
    lines = [
        "# The last soak",
        "",
        "<!-- Written by `make soak`. -->",
        "",
        f"{now:%Y-%m-%d}, commit {commit}, Python {python}: the random tests of the suite, {times} times as long",
        f"as in `make test`. `SOAK_TIMES={times} SOAK_SEED={seed} make soak` tries the same again.",
        "",
        *table(("what", "tests", "examples", "failed", "CPU seconds"), rows),
    ]
    return "\n".join(lines) + "\n"


def main() -> int:
    """Run all parts, say how each ended, and write the page."""
    times = int(os.environ.get("SOAK_TIMES", TIMES))
    seed = int(os.environ.get("SOAK_SEED", randbelow(1_000_000)))
    found, worst = {}, 0
    for part, arguments in PARTS.items():
        status, found[part] = run(("-n", "auto", *arguments), times=times, seed=seed)
        worst = max(worst, status)
        sys.stdout.write(f"{part}: {found[part]}\n")
        sys.stdout.flush()
    PAGE.write_text(page(found, times=times, seed=seed, commit=_commit(), now=datetime.now(UTC)), encoding="utf-8")
    return worst


def _cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _commit() -> str:
    told = [
        subprocess.run(["git", *arguments], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True).stdout.strip()  # noqa: S603, S607 - the git on the path
        for arguments in (("rev-parse", "--short", "HEAD"), ("status", "--porcelain"))
    ]
    return f"{told[0]} with changes" if told[1] else told[0]


if __name__ == "__main__":
    sys.exit(main())
