"""`make audit` tells known weaknesses and fails; where nobody can be asked it says so, and `make check` goes on."""

import json
import subprocess
from typing import Any

import pytest
from tools import audit

SOUND = {"name": "yarl", "version": "1.25.0", "vulns": []}
WEAK = {
    "name": "aiohttp",
    "version": "3.0.0",
    "vulns": [{"id": "PYSEC-1", "fix_versions": ["3.1.0", "4.0"]}, {"id": "PYSEC-2", "fix_versions": []}],
}
UNKNOWN = {"name": "ours", "skip_reason": "not found"}
WEAKNESSES = "aiohttp 3.0.0: PYSEC-1, fixed in 3.1.0, 4.0\naiohttp 3.0.0: PYSEC-2, fixed in no version yet\n"
NO_NETWORK = ("", "Traceback\n  File …\nConnectionError: refused\n")


def told(*packages: dict[str, Any]) -> tuple[str, str]:
    return json.dumps({"dependencies": packages, "fixes": []}), ""


@pytest.mark.parametrize(
    ("answer", "status", "lines"),
    [
        (told(SOUND), 0, "1 packages have no known weakness\n"),
        (told(SOUND, WEAK), 1, WEAKNESSES),
        (
            told(SOUND, UNKNOWN),
            0,
            "1 packages have no known weakness\nnot audited, because the registry does not know them: ours\n",
        ),
        (told(UNKNOWN), 2, "not audited: the registry knows none of the 1 packages that are installed\n"),
        (NO_NETWORK, 2, "not audited: the registry cannot be asked: ConnectionError: refused\n"),
        (("[]", ""), 2, "not audited: the registry cannot be asked: pip-audit said nothing\n"),
    ],
)
def test_what_is_known_of_the_packages_is_told(
    answer: tuple[str, str], status: int, lines: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert audit.main([], lambda: answer) == status
    assert capsys.readouterr().out == lines


@pytest.mark.parametrize(("answer", "status"), [(NO_NETWORK, 0), (told(UNKNOWN), 0), (told(WEAK), 1), (told(SOUND), 0)])
def test_where_nobody_can_be_asked_a_check_goes_on(answer: tuple[str, str], status: int) -> None:
    assert audit.main(["--where-possible"], lambda: answer) == status


def test_pip_audit_takes_the_options_that_it_is_given() -> None:
    done = subprocess.run([*audit.COMMAND, "--dry-run"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
