"""Which checks there are: gathered from folders of Python files, ours and a user's own through the same door."""

import ast
import hashlib
import importlib
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import NoReturn

from sched_emulator.spec import assumptions

from .api import Api
from .declare import ATTACHED
from .results import Check, NotChecked, Warrant
from .settings import SettingsError


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Scenarios by address and probes by question, in the order in which they are written."""

    scenarios: dict[str, Check]
    probes: dict[str, Check]


def load(own: Path | None = None) -> Catalogue:
    """Gather the suite's checks, and those of a folder of the user's own; SettingsError says what is wrong there."""
    found: dict[str, tuple[Check, Path]] = {}
    for folder in _ours() if own is None else [*_ours(), own]:
        for path, check in gathered(folder):
            if check.address in found:
                raise SettingsError(
                    f"--scenarios: {check.address} is there twice, in {found[check.address][1]} and in {path}"
                )
            found[check.address] = (check, path)
    checks = [check for check, _ in found.values()]
    probes = {check.question: check for check in checks if check.aspect == "probes"}
    unprobed = {name: _unprobed(entry) for name, entry in assumptions.catalogue().items() if entry.unprobed}
    return Catalogue({check.address: check for check in checks if check.aspect != "probes"}, {**unprobed, **probes})


def _unprobed(entry: assumptions.Assumption) -> Check:
    """Return the check of a question that cannot be probed: all that it does is say so."""

    def tell(_api: Api) -> NoReturn:
        raise NotChecked(entry.unprobed)

    return Check(f"probe/{entry.id}", Warrant.OPEN, entry.id, "probes", (), (), tell)


@cache
def gathered(folder: Path) -> list[tuple[Path, Check]]:
    """Return every check in the files of a folder, file by file, each in order of definition."""
    if not folder.is_dir():
        raise SettingsError(f"--scenarios: {folder} is no folder; expected one of Python files with checks")
    checks = [(path, check) for path in sorted(folder.glob("*.py")) for check in _checks_of(_imported(folder, path))]
    if not checks:
        raise SettingsError(f"--scenarios: {folder} has no checks; `sched_emulator.contract` says how one is written")
    return checks


def _ours() -> list[Path]:
    """Return where the suite's own checks are: in this package in a wheel, beside `src` in a checkout."""
    inside = Path(__file__).parent / "checks"
    checks = inside if inside.is_dir() else Path(__file__).parents[3] / "contract_tests"
    return [checks / "scenarios", checks / "probes"]


def _checks_of(module: ModuleType) -> Iterator[Check]:
    for value in vars(module).values():
        if isinstance(check := getattr(value, ATTACHED, None), Check) and value.__module__ == module.__name__:
            yield check


def _imported(folder: Path, path: Path) -> ModuleType:
    """Import a file as a module of a package that stands for its folder, so that files may import each other."""
    package = f"contract_checks_{hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:12]}"
    if package not in sys.modules:
        sys.modules[package] = ModuleType(package)
        sys.modules[package].__path__ = [str(folder)]
    try:
        _refuse_repeated(path)
        return importlib.import_module(f"{package}.{path.stem}")
    except Exception as error:  # whatever a user's file does wrong is told in a sentence
        what = f"{type(error).__name__}: {' '.join(str(error).split())}"
        raise SettingsError(f"--scenarios: {path} cannot be imported: {what}") from error


def _refuse_repeated(path: Path) -> None:
    """Refuse two functions of one name: the second would silently take the place of the first."""
    seen: set[str] = set()
    for node in ast.parse(path.read_bytes(), path.name).body:
        if isinstance(node, ast.FunctionDef):
            if node.name in seen:
                raise ValueError(f"{node.name} is defined twice")
            seen.add(node.name)
