"""A session over all operations gives the same bytes in every process, with every hash seed, on every Python."""

import os
import random
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from sched_emulator.server import discovery
from sched_emulator.server.binding import bind
from sched_emulator.spec import assumptions
from tests.soak import LONGER, seeds

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
SESSION = HERE / "session.txt"
NEEDED = "import aiohttp, croniter, jsonschema_rs, msgspec, tzdata, yaml"


def play(python: str, hash_seed: str, session: Path = SESSION) -> bytes:
    """Return a session as it comes out in a process of its own."""
    environment = os.environ | {"PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(ROOT / "src")}
    command = [python, str(HERE / "play.py"), str(session)]
    return subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=True).stdout


@pytest.mark.parametrize("hash_seed", ["1", "4294967295"])
def test_the_session_comes_out_as_recorded_with_any_hash_seed(hash_seed: str, request: pytest.FixtureRequest) -> None:
    played = play(sys.executable, hash_seed)
    if request.config.getoption("update_scenarios"):
        SESSION.write_bytes(played)
    else:
        assert played.decode() == SESSION.read_text(encoding="utf-8")


@pytest.mark.parametrize("version", ["3.11", "3.12", "3.13", "3.14"])
def test_the_session_comes_out_as_recorded_on_other_versions_of_python(version: str) -> None:
    python = shutil.which(f"python{version}")
    if version == f"{sys.version_info.major}.{sys.version_info.minor}" or python is None:
        pytest.skip("this version runs the suite" if python else f"there is no python{version} here")
    probe = subprocess.run([python, "-c", NEEDED], capture_output=True, text=True, check=False)
    if probe.returncode:
        complaint = probe.stderr.strip().splitlines()
        pytest.skip(f"python{version} cannot: {complaint[-1 if complaint[0].startswith('Traceback') else 0]}")
    assert play(python, "random").decode() == SESSION.read_text(encoding="utf-8")


def requests_of_the_session() -> list[str]:
    lines = SESSION.read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith((" ", "#"))]


@pytest.mark.soak
@pytest.mark.parametrize("seed", seeds(1))
def test_the_same_requests_in_any_order_come_out_the_same_in_every_process(seed: int, tmp_path: Path) -> None:
    dice = random.Random(seed)  # noqa: S311 - a test's dice
    session = tmp_path / "session.txt"
    session.write_text("\n".join(dice.choices(requests_of_the_session(), k=100 * LONGER)), encoding="utf-8")
    first, second = (play(sys.executable, hash_seed, session) for hash_seed in ("1", "4294967295"))
    assert first == second


def test_the_session_has_every_operation() -> None:
    requests = requests_of_the_session()
    missing = []
    for operation_id, bound in bind(assumptions.defaults()).operations.items():
        paths = [path for path in (bound.operation.path, bound.operation.newer_path) if path is not None]
        patterns = [f"{bound.operation.method} {re.sub('{[a-z_]+}', '[^/ ?]+', path)}([ ?].*)?" for path in paths]
        if not any(re.fullmatch(pattern, line, re.IGNORECASE) for pattern in patterns for line in requests):
            missing.append(operation_id)
    assert set(missing) == discovery.OPERATIONS.keys()
