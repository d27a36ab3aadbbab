"""Where a machine has not what Linux has: what can go on without it does, and the table of platforms says so."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

# What Windows has not, of that which is used here. The standard library has looked for it before.
WITHOUT = """
import asyncio, asyncio.unix_events, os, signal, subprocess, sys

def refuse(*_):
    raise NotImplementedError

asyncio.unix_events._UnixSelectorEventLoop.add_signal_handler = refuse
sys.modules["resource"] = None
for name in ("fork", "register_at_fork", "setsid", "getpgrp", "tcgetpgrp", "O_NOCTTY"):
    delattr(os, name)
for name in ("SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2"):
    delattr(signal, name)
"""
STEERED = """
from sched_emulator import Emulator
with Emulator.start() as emulator, emulator.sandbox() as box:
    print(box.clock.advance("1h").now)
"""
TABLE = Path(__file__).parents[1] / "docs" / "platforms.md"


@pytest.mark.parametrize(
    ("arguments", "output"),
    [
        (["-c", STEERED], "2026-01-01T01:00:00.000Z\n"),
        (["-m", "sched_emulator", "run", "--", sys.executable, "-c", "print('it ran')"], "it ran\n"),
    ],
)
def test_an_emulator_starts_where_there_are_no_forks_and_no_signals(
    arguments: list[str], output: str, tmp_path: Path
) -> None:
    (tmp_path / "sitecustomize.py").write_text(WITHOUT)
    environment = {**os.environ, "PYTHONPATH": str(tmp_path), "SCHED_EMULATOR_PORT": "0"}
    done = subprocess.run([sys.executable, *arguments], env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, output), done.stderr


def test_the_table_claims_to_be_tried_what_ci_tries() -> None:
    [head, _, *lines] = [line for line in TABLE.read_text(encoding="utf-8").splitlines() if line.startswith("|")]
    assert head == "| what | Linux (tried) | macOS (not tried) | Windows (not tried) |"
    assert all(line.count("|") == 5 for line in lines)
