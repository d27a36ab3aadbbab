"""How much random tests try: a sample in the suite, the same one each time; `make soak` tries many times as much anew.

`SOAK_TIMES` says how many times as much. Where what is tried is no matter of Hypothesis, `repeated` says how often.
"""

import os

from hypothesis import HealthCheck, settings

TIMES = int(os.environ.get("SOAK_TIMES", "1"))
LONGER = 1 if TIMES == 1 else 5  # times as long as in the suite a random session may be


def examples(sample: int) -> settings:
    """Return the settings of a property that tries so many examples, however slow the machine."""
    if TIMES == 1:
        return settings(max_examples=sample, deadline=None, derandomize=True, database=None)
    return settings(max_examples=sample * TIMES, deadline=None, database=None, suppress_health_check=list(HealthCheck))


def repeated(sample: int) -> range:
    """Return the seeds of a test that is repeated with several."""
    return range(sample * TIMES)
