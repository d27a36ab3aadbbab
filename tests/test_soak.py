"""The soak's page: what it reads of pytest's report, and that it tries what it says."""

from datetime import UTC, datetime

import pytest
from tools import soak
from tools.soak import Figures

UNUSED = ("-p", "no:schemathesis")  # a plugin that only takes time
REPORT = """\
..F                                                                      [100%]
============================ Hypothesis Statistics =============================
tests/core/test_ids.py::test_one:

  - during generate phase (0.04 seconds):
    - 100 passing, 0 failing, and 3 invalid test cases

tests/core/test_ids.py::test_another:

  - during reuse phase (0.04 seconds):
    - 20 passing, 1 failing, and 0 invalid test cases

1 failed, 2 passed in 3.21s
"""


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        (REPORT, Figures(3, 1, 120, 4.5)),
        ("1 failed, 2 passed, 1 error in 3.21s", Figures(4, 2, 0, 4.5)),
        ("2 passed, 3 skipped, 7 deselected in 3.21s", Figures(2, 0, 0, 4.5)),
        ("no tests ran in 0.01s", Figures(0, 0, 0, 4.5)),
    ],
)
def test_the_figures_are_those_of_the_report(told: str, expected: Figures) -> None:
    assert soak.figures(told, 4.5) == expected


def test_the_page_says_what_was_tried_and_how_to_try_it_again() -> None:
    found = {"properties": Figures(48, 1, 12_345, 678.9), "sessions": Figures(50, 0, 0, 1.2)}
    at = datetime(2026, 3, 8, 7, tzinfo=UTC)
    told = soak.page(found, times=50, seed=7, commit="abc1234", now=at).splitlines()
    assert told[0] == "# The last soak"
    assert told[4].startswith("2026-03-08, commit abc1234, Python 3.")
    assert told[5] == "as in `make test`. `SOAK_TIMES=50 SOAK_SEED=7 make soak` tries the same again."
    assert told[7:] == [
        "| what | tests | examples | failed | CPU seconds |",
        "| --- | --- | --- | --- | --- |",
        "| properties | 48 | 12,345 | 1 | 679 |",
        "| sessions | 50 |  | 0 | 1 |",
        "",
    ]


def test_a_part_that_tries_nothing_is_no_success() -> None:
    status, figures = soak.run((*UNUSED, "-m", "soak", "tests/test_soak.py"), times=1, seed=0)
    assert (status, figures.tests) == (5, 0)


def test_a_part_tries_as_many_times_as_much() -> None:
    status, figures = soak.run((*UNUSED, "-m", "hypothesis", "tests/core/test_ids.py"), times=3, seed=0)
    assert (status, figures[:3]) == (0, (2, 0, 600))
