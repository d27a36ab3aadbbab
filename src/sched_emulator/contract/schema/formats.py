"""What the formats of the specification look like, so that data meant to be valid is."""

import schemathesis
from hypothesis import strategies as st

CRONS = (
    "* * * * *",
    "*/5 * * * *",
    "0 9 * * 1",
    "0 9 * * MON-FRI",
    "15,45 8-18/2 1 JAN *",
    "0 0 29 2 *",
    "30 2 * * SUN",
    "59 23 31 12 7",
)
ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Asia/Shanghai", "Australia/Lord_Howe")


def register() -> None:
    """Tell schemathesis how to make expressions and zones."""
    schemathesis.openapi.format("cron", st.sampled_from(CRONS))
    schemathesis.openapi.format("timezone", st.sampled_from(ZONES))
