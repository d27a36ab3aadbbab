"""Ask the registry whether what is installed here has known weaknesses (`make audit`): one line for each.

Exit status 0: none is known, 1: some are, 2: nobody could be asked. With `--where-possible` the last is a line and
status 0, so that `make check` works without a network. What asks is pip-audit; an audit in which the registry knew none
of the packages, as behind a mirror that has no such service, is none.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from typing import Any

COMMAND = (
    sys.executable,
    "-m",
    "pip_audit",
    "--skip-editable",
    "--progress-spinner=off",
    "--format=json",
    "--timeout=5",
)
PATIENCE_SECONDS = 120
CLEAN, WEAK, NOT_ASKED = 0, 1, 2
Ask = Callable[[], tuple[str, str]]


def ask() -> tuple[str, str]:
    """Run pip-audit and return what it wrote on stdout and stderr."""
    try:
        done = subprocess.run(COMMAND, capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=False)  # noqa: S603 - our own
    except subprocess.TimeoutExpired:
        return "", f"no answer within {PATIENCE_SECONDS} s"
    return done.stdout, done.stderr


def judged(out: str, err: str) -> tuple[int, list[str]]:
    """Return the exit status and the lines that tell what pip-audit found."""
    try:
        packages: list[dict[str, Any]] = json.loads(out)["dependencies"]
    except (ValueError, KeyError, TypeError):
        told = [line.strip() for line in err.splitlines() if line.strip()]
        return NOT_ASKED, [
            f"not audited: the registry cannot be asked: {told[-1] if told else 'pip-audit said nothing'}"
        ]
    known = [package for package in packages if "vulns" in package]
    if not known:
        return NOT_ASKED, [f"not audited: the registry knows none of the {len(packages)} packages that are installed"]
    weak = [_weakness(package, found) for package in known for found in package["vulns"]]
    unknown = [package["name"] for package in packages if "vulns" not in package]
    lines = weak or [f"{len(known)} packages have no known weakness"]
    if unknown:
        lines.append(f"not audited, because the registry does not know them: {', '.join(unknown)}")
    return WEAK if weak else CLEAN, lines


def _weakness(package: dict[str, Any], found: dict[str, Any]) -> str:
    fixed = ", ".join(found.get("fix_versions", ())) or "no version yet"
    return f"{package['name']} {package['version']}: {found['id']}, fixed in {fixed}"


def main(arguments: Sequence[str] | None = None, asked: Ask = ask) -> int:
    """Audit and return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--where-possible", action="store_true", help="a registry that cannot be asked is no failure")
    given = parser.parse_args(arguments)
    status, lines = judged(*asked())
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    return CLEAN if status == NOT_ASKED and given.where_possible else status


if __name__ == "__main__":
    sys.exit(main())
