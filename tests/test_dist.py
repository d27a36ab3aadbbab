"""The sdist and the wheel hold what they should, and whatever is said to install the emulator does."""

import os
import re
import shlex
import subprocess
import sys
import sysconfig
import tarfile
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from tools import dist

from sched_emulator.commands.extras import installing

ROOT = Path(__file__).parents[1]
PATTERNS = (
    "*.md",
    "docs/*.md",
    "Dockerfile",
    "src/**/*.py",
    "examples/*.md",
    "examples/**/*.yml",
    "examples/**/*.toml",
)
SHOWN = sorted(path for pattern in PATTERNS for path in ROOT.glob(pattern))
EXAMPLES = sorted(ROOT.glob("examples/*/pyproject.toml"))
COMMAND = re.compile(r"(pip install|uvx --from) ([^`#\n]+)")
OURS = re.compile(r"(?:\.|\.\./\.\.|/path/to/sched_emulator|(?P<wheel>[\w/.-]+\.whl))(?:\[(?P<extras>[\w,]+)\])?")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
OTHERS = {"pytest", "pytest-xdist", "pytest-asyncio", "aiohttp", "pip-audit", "tzdata"}  # are on an index


@pytest.fixture(scope="module")
def archives(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return dist.built(tmp_path_factory.mktemp("project") / "dist")


def commands() -> Iterator[tuple[str, list[str]]]:
    """Yield what a text says to install, by its file: without options, the variables of a workflow filled in."""
    for path in SHOWN:
        text = path.read_text(encoding="utf-8")
        for value in re.findall(r"^  EMULATOR: (.+)$", text, re.MULTILINE):
            text = text.replace("${EMULATOR}", value).replace("$EMULATOR", value)
        for tool, rest in COMMAND.findall(text):
            words = shlex.split(rest.strip().rstrip(":);"))
            named = words[:1] if tool.startswith("uvx") else words
            yield str(path.relative_to(ROOT)), [word for word in named if not word.startswith("-")]


def test_what_is_said_to_install_the_emulator_names_something_that_there_is(archives: list[Path]) -> None:
    wheel = archives[1].name
    told: set[str] = set()
    for file, words in commands():
        for word in words:
            ours = OURS.fullmatch(word)
            if ours is None:
                assert word in OTHERS, f"{file} installs {word}"
                continue
            assert set((ours["extras"] or "").split(",")) <= {"", *PROJECT["optional-dependencies"]}, (file, word)
            assert ours["wheel"] is None or ours["wheel"].endswith(f"/{wheel}"), (file, word)
            told.add(file)
    assert told >= {"README.md", "docs/conformance.md", "examples/README.md", "examples/github-actions/tests.yml"}


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.parent.name)
def test_no_example_wants_the_emulator_from_an_index(example: Path) -> None:
    settings = tomllib.loads(example.read_text())
    wanted = [*settings["project"].get("dependencies", ()), *settings["dependency-groups"]["test"]]
    assert set(wanted) <= OTHERS


def test_what_the_readme_types_installs() -> None:
    typed = "pip install '.[run]'"
    assert f"\n{typed} " in (ROOT / "README.md").read_text()
    offline = {"PIP_NO_INDEX": "1", "PIP_NO_DEPS": "1", "PIP_NO_BUILD_ISOLATION": "0"}
    tried = {"PIP_DRY_RUN": "1", "PIP_FORCE_REINSTALL": "1", **offline}
    command = [sys.executable, "-m", *shlex.split(typed)]
    done = subprocess.run(command, cwd=ROOT, env=os.environ | tried, capture_output=True, text=True, check=False)
    assert "Would install sched-emulator-" in done.stdout, done.stdout + done.stderr


def test_a_missing_package_is_named_with_what_to_type_however_the_emulator_came() -> None:
    for extra in ("run", "contract"):
        words = shlex.split(installing(extra))
        assert (words[:2], sorted(words[2:])) == (["pip", "install"], sorted(PROJECT["optional-dependencies"][extra]))


def test_the_wheel_works_where_nothing_else_of_the_project_is(archives: list[Path], tmp_path: Path) -> None:
    right = dist.checked(archives[1], tmp_path, dependencies=sysconfig.get_path("purelib"))
    version = PROJECT["version"]
    assert list(right) == ["installs", f"sched-emulator {version}", "has its specs", "takes the tour"]


def test_the_wheel_holds_every_file_of_the_package_and_the_sdist_the_rest(archives: list[Path]) -> None:
    sdist, wheel = archives
    with zipfile.ZipFile(wheel) as opened:
        names = set(opened.namelist())
    source = {str(path.relative_to(ROOT / "src")) for path in (ROOT / "src").glob("**/*") if path.is_file()}
    specs = {f"sched_emulator/openapi/{name}.yaml" for name in ("scheduling", "assumptions", "emulator")}
    assert {name for name in source if "__pycache__" not in name} | specs <= names
    with tarfile.open(sdist) as opened_sdist:
        kept = {name.partition("/")[2] for name in opened_sdist.getnames()}
    assert {
        "README.md",
        "Makefile",
        "Dockerfile",
        "compose.yaml",
        "openapi/emulator.yaml",
        "tests/test_dist.py",
    } <= kept
