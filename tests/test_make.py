"""The commands of a checkout: `make run` and `make demo`, as a newcomer types them, and what each of all installs."""

import json
import os
import shutil
import signal
import subprocess
from pathlib import Path
from urllib.request import urlopen

import pytest

ROOT = Path(__file__).parents[1]

pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
in_a_checkout = pytest.mark.skipif(
    not (ROOT / ".venv" / ".runtime").exists(), reason="the tests were not started by `make test`"
)

# Stands where the interpreters do: says what it was called for, makes venvs that hold it, and fails where `fails` is.
PYTHON = """\
#!/bin/sh
case "$*" in
    *"-m venv"*) mkdir -p .venv/bin && cp "$0" .venv/bin/python && cp "$0" .venv/bin/sched-emulator ;;
    *"import pip"*) ;;
    *"pip install"*) echo "pip: ${*##* }"; test ! -e fails ;;
    *"import sys"*) test ! -e old ;;
    *) echo "run: $*" ;;
esac
"""


class Checkout:
    """A folder with the project's Makefile, and interpreters that install nothing."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        shutil.copy(ROOT / "Makefile", folder)
        self.touch("pyproject.toml")
        self.python = folder / "python"
        self.python.write_text(PYTHON)
        self.python.chmod(0o755)

    def touch(self, name: str) -> None:
        (self.folder / name).touch()

    def make(self, *targets: str, status: int = 0) -> list[str]:
        """Return what is installed and run."""
        command = ["make", f"PYTHON={self.python}", *targets]
        done = subprocess.run(command, cwd=self.folder, capture_output=True, text=True, check=False)
        assert done.returncode == status, done.stderr
        return [line for line in done.stdout.splitlines() if line.startswith(("pip: ", "run: ", "Python "))]


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path)


@pytest.mark.parametrize(
    ("target", "installed", "started"),
    [
        ("run", ".", "serve --port 8420"),
        ("demo", ".", "demo"),
        ("contract", ".[contract]", "contract --target emulator --report-dir reports"),
        ("test", ".[dev]", "-m pytest -n auto"),
        ("mutants", ".[dev]", "-m tests.contract.kill_mutants"),
        ("bench", ".[dev]", "-m bench"),
        ("soak", ".[dev]", "-m tools.soak"),
        ("dist", ".[dev]", "-m tools.dist"),
        ("audit", ".[dev]", "-m tools.audit"),
    ],
)
def test_a_command_installs_what_it_needs_once(checkout: Checkout, target: str, installed: str, started: str) -> None:
    assert checkout.make(target) == [f"pip: {installed}", f"run: {started}"]
    assert checkout.make(target) == [f"run: {started}"]


def test_what_more_was_installed_for_serves_what_needs_less(checkout: Checkout) -> None:
    assert checkout.make("run", "contract", "setup", "demo") == [
        "pip: .",
        "run: serve --port 8420",
        "pip: .[contract]",
        "run: contract --target emulator --report-dir reports",
        "pip: .[dev]",
        "run: demo",
    ]
    assert checkout.make("contract", "run") == [
        "run: contract --target emulator --report-dir reports",
        "run: serve --port 8420",
    ]


def test_a_changed_list_of_dependencies_is_noticed(checkout: Checkout) -> None:
    checkout.make("setup")
    later = (checkout.folder / ".venv" / ".dev").stat().st_mtime + 10
    os.utime(checkout.folder / "pyproject.toml", (later, later))
    assert checkout.make("demo") == ["pip: .", "run: demo"]


def test_an_installation_that_failed_is_done_again(checkout: Checkout) -> None:
    checkout.touch("fails")
    assert checkout.make("demo", status=2) == ["pip: ."]
    (checkout.folder / "fails").unlink()
    assert checkout.make("demo") == ["pip: .", "run: demo"]


def test_a_venv_that_was_not_finished_is_made_again(checkout: Checkout) -> None:
    python = checkout.folder / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text("#!/bin/sh\nexit 1\n")
    python.chmod(0o755)
    assert checkout.make("demo") == ["pip: .", "run: demo"]


def test_an_old_python_is_refused_before_anything_is_made(checkout: Checkout) -> None:
    checkout.touch("old")
    assert checkout.make("run", status=2) == ["Python 3.11 or newer is needed: make PYTHON=python3.11"]
    assert not (checkout.folder / ".venv").exists()


@in_a_checkout
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


@in_a_checkout
def test_make_demo_shows_what_fired_and_exits_0() -> None:
    command = ["make", "demo"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert "in America/New_York" in done.stdout
