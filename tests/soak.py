"""How much random tests try: a sample in the suite, the same one each time; `make soak` tries many times as much anew.

`SOAK_TIMES` says how many times as much, `SOAK_SEED` what the seeds begin with. A test that draws nothing with
Hypothesis takes its seeds from `seeds` and is marked `soak`. Under load, the soak goes on for `SOAK_SECONDS`.
"""

import os

from hypothesis import HealthCheck, settings

TIMES = int(os.environ.get("SOAK_TIMES", "1"))
LOAD_SECONDS = 0 if TIMES == 1 else int(os.environ.get("SOAK_SECONDS", "600"))
LONGER = 1 if TIMES == 1 else 5  # times as long as in the suite a random session may be


def examples(sample: int) -> settings:
    """Return the settings of a property that tries so many examples, however slow the machine."""
    if TIMES == 1:
        return settings(max_examples=sample, deadline=None, derandomize=True, database=None)
    return settings(max_examples=sample * TIMES, deadline=None, database=None, suppress_health_check=list(HealthCheck))


def seeds(sample: int) -> range:
    """Return the seeds with which a test is repeated."""
    first = int(os.environ.get("SOAK_SEED", "0"))
    return range(first, first + sample * TIMES)


def sized(sample: int, soaked: int) -> int:
    """Return how many of something there are: a few in the suite, in the soak as many as there may ever be."""
    return sample if TIMES == 1 else soaked
