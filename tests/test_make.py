"""The commands of a checkout: `make run` and `make demo`, as a newcomer types them."""

import json
import os
import shutil
import signal
import subprocess
from pathlib import Path
from urllib.request import urlopen

import pytest

ROOT = Path(__file__).parents[1]

pytestmark = [
    pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed"),
    pytest.mark.skipif(not (ROOT / ".venv" / ".ready").exists(), reason="the tests were not started by `make test`"),
]


def test_make_run_starts_an_emulator_and_says_where() -> None:
    with subprocess.Popen(
        ["make", "run", "PORT=0"],  # noqa: S607 - the make on the path is what people type
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        try:
            control_api = next(line.split()[-1] for line in process.stdout if line.startswith("control API"))
            with urlopen(f"{control_api}/health") as response:  # noqa: S310 - our own address
                assert json.load(response)["status"] == "ok"
        finally:
            os.killpg(process.pid, signal.SIGTERM)


def test_make_demo_shows_what_fired_and_exits_0() -> None:
    command = ["make", "demo"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert "in America/New_York" in done.stdout
