import re

import pytest

from sched_emulator.cli import main


def test_the_tour_shows_a_month_with_two_failures_in_two_times(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo"]) == 0
    out = capsys.readouterr().out
    table = out[out.index("31 days pass\n") : out.index("It is now 2026-04-01T00:00:00.000Z")]
    assert [re.split(r"  +", line) for line in table.splitlines()[1:-1]] == [
        ["UTC", "in America/New_York", "what", "where", "attempt", "outcome"],
        [
            "Sun 01 Mar 00:00:00",
            "Sat 28 Feb 19:00:00 EST",
            "push",
            "https://api.acme.com/order-handler",
            "1",
            "timeout",
        ],
        [
            "Sun 01 Mar 00:00:40",
            "Sat 28 Feb 19:00:40 EST",
            "push",
            "https://api.acme.com/order-handler",
            "2",
            "delivered 200",
        ],
        ["Mon 02 Mar 14:00:00", "Mon 02 Mar 09:00:00 EST", "cron", "https://api.acme.com/weekly", "1", "failed 503"],
        ["Mon 02 Mar 14:00:10", "Mon 02 Mar 09:00:10 EST", "cron", "https://api.acme.com/weekly", "2", "delivered 200"],
        ["Mon 09 Mar 13:00:00", "Mon 09 Mar 09:00:00 EDT", "cron", "https://api.acme.com/weekly", "1", "delivered 200"],
        ["Mon 16 Mar 13:00:00", "Mon 16 Mar 09:00:00 EDT", "cron", "https://api.acme.com/weekly", "1", "delivered 200"],
        [
            "Fri 20 Mar 17:30:00",
            "Fri 20 Mar 13:30:00 EDT",
            "task",
            "https://api.acme.com/reminder",
            "1",
            "delivered 200",
        ],
        ["Mon 23 Mar 13:00:00", "Mon 23 Mar 09:00:00 EDT", "cron", "https://api.acme.com/weekly", "1", "delivered 200"],
        ["Mon 30 Mar 13:00:00", "Mon 30 Mar 09:00:00 EDT", "cron", "https://api.acme.com/weekly", "1", "delivered 200"],
    ]
    assert out.index("POST /v1/scheduling/cron/create ") < out.index("DELETE /v1/scheduling/cron/delete/")
