"""Make the sdist and the wheel (`make dist`), and see that each works where nothing else of the project is.

Each is installed into an environment of its own that has nothing but pip, and used from an empty folder.
"""

import os
import subprocess
import sys
import tempfile
import venv
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
DIST = ROOT / "dist"
DOCUMENTS = "from sched_emulator import spec; [spec.load(name) for name in ('scheduling', 'assumptions', 'emulator')]"
WHERE = "import sched_emulator; print(sched_emulator.__file__)"


def built(folder: Path) -> list[Path]:
    """Make the sdist, and of it the wheel; return both. CalledProcessError when they cannot be made."""
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603 - our own words
    return [*folder.glob("*.tar.gz"), *folder.glob("*.whl")]


def checked(archive: Path, folder: Path, *, dependencies: str = "") -> Iterator[str]:
    """Install an archive into a new environment and use it; yield what was found to be right.

    `dependencies` is a folder that has what it depends on, where no index is to be asked. CalledProcessError when a
    command fails; ValueError when it says something else.
    """
    environment = folder / "environment"
    venv.create(environment)
    python, script = str(environment / "bin" / "python"), str(environment / "bin" / "sched-emulator")
    offline = ("--no-index", "--no-deps") if dependencies else ()
    pip = (sys.executable, "-m", "pip", "--python", python)
    _run(folder, "", *pip, "install", "-qq", *offline, f"{archive}[run]")
    yield "installs"
    inside = _run(folder, dependencies, python, "-c", WHERE)
    if not inside.startswith(str(environment)):
        raise ValueError(f"{archive.name} was not used: {inside}")
    version = archive.name.removeprefix("sched_emulator-").removesuffix(".tar.gz").partition("-")[0]
    told = _run(folder, dependencies, script, "--version")
    if told != f"sched-emulator {version}":
        raise ValueError(f"{archive.name} says that it is {told}")
    yield told
    _run(folder, dependencies, python, "-c", DOCUMENTS)
    yield "has its specs"
    _run(folder, dependencies, script, "demo")
    yield "takes the tour"


def _run(folder: Path, path: str, *command: str) -> str:
    """Run a command where nothing of the checkout is to be found; return what it says."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("SCHED_EMULATOR_")}
    clean["PYTHONPATH"] = path
    done = subprocess.run(command, cwd=folder, env=clean, check=True, capture_output=True, text=True)  # noqa: S603 - ours
    return done.stdout.strip()


def main() -> int:
    """Make both and check both; 1 when something is wrong."""
    try:
        for archive in built(DIST):
            with tempfile.TemporaryDirectory() as folder:
                for right in checked(archive, Path(folder)):
                    sys.stdout.write(f"{archive.name}: {right}\n")
    except subprocess.CalledProcessError as error:
        sys.stderr.write(f"{' '.join(error.cmd)} failed:\n{error.stdout}{error.stderr}")
        return 1
    except ValueError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
