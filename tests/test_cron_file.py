"""Several crons before they run: their fires, where they meet, and what changes of the clocks do to them."""

import json
from pathlib import Path

import pytest

from sched_emulator.cli import main

SAY = "say an EXPRESSION, --file with several, or --url of an emulator that has some"
MONTH = ("--from", "2026-03-22", "--days", "8")
NIGHT = '[[cron]]\nname = "night"\nexpression = "30 2 * * *"\ntimezone = "Europe/Berlin"\n'
BACKUP = '[[cron]]\nname = "backup"\nexpression = "30 1 * * 0"\n'


def ran(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, *options: str
) -> tuple[int | str | None, list[str], str]:
    path = tmp_path / "schedules.toml"
    path.write_text(text)
    status = main(["cron", "--file", str(path), *options])
    out, error = capsys.readouterr()
    return status, out.splitlines(), error.replace(str(path), "FILE").removeprefix("sched-emulator cron: ").rstrip()


def test_fires_are_listed_where_they_meet_and_where_they_must_not(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    moved = "night fires at 03:00:00, the day before at 02:30:00"
    status, lines, error = ran(tmp_path, capsys, NIGHT + BACKUP, *MONTH)
    assert (status, error) == (0, "")
    assert lines[0] == "2026-03-22 01:30:00 UTC  night, backup  meet"
    assert lines[7:] == [
        "2026-03-29 01:00:00 UTC  night",
        "2026-03-29 01:30:00 UTC  backup",
        f"2026-03-29 01:00:00 UTC: the clocks of Europe/Berlin go forward by 1 h; {moved}",
        "10 fires in 8 days; 1 instant at which several meet",
    ]
    for text in (NIGHT + 'must_not_meet = ["backup"]\n' + BACKUP, NIGHT + BACKUP + 'must_not_meet = ["night"]\n'):
        status, lines, error = ran(tmp_path, capsys, text, *MONTH)
        assert (status, lines[0]) == (1, "2026-03-22 01:30:00 UTC  night, backup  must not meet")
        assert "must not meet" in error
        assert error.endswith(", and does at 2026-03-22 01:30:00 UTC")


def test_scripts_get_all_of_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = NIGHT + 'must_not_meet = ["backup"]\n' + BACKUP
    status, lines, _ = ran(tmp_path, capsys, text, "--from", "2026-03-29", "--days", "1", "--json")
    assert (status, json.loads("\n".join(lines))) == (
        0,
        {
            "fires": [
                {"at": "2026-03-29T01:00:00.000Z", "crons": ["night"]},
                {"at": "2026-03-29T01:30:00.000Z", "crons": ["backup"]},
            ],
            "must_not_meet": [],
            "changes": [
                {
                    "at": "2026-03-29T01:00:00.000Z",
                    "cron": "night",
                    "timezone": "Europe/Berlin",
                    "offset_before_seconds": 3600,
                    "offset_after_seconds": 7200,
                    "that_day": ["03:00:00"],
                    "day_before": ["02:30:00"],
                }
            ],
        },
    )


@pytest.mark.parametrize(
    ("expression", "dst", "told"),
    [
        ("30 2 * * *", "literal", "fires at 02:30:00, 02:30:00, the day before at 02:30:00"),
        ("30 2 * * *", "vixie", "fires as on other days"),
        (
            "*/30 2 * * *",
            "vixie",
            "fires at 02:00:00, 02:30:00, 02:00:00, 02:30:00, the day before at 02:00:00, 02:30:00",
        ),
        ("0 12 25 10 *", "vixie", "fires at 12:00:00, the day before at no time"),
        ("0 * * * *", "literal", "fires at 00:00:00, 01:00:00, 02:00:00, 02:00:00, 03:00:00, 04:00:00 and 19 more"),
    ],
)
def test_a_change_in_autumn_is_told_by_what_it_does(
    expression: str, dst: str, told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = NIGHT.replace("30 2 * * *", expression)
    _, lines, _ = ran(tmp_path, capsys, text, "--from", "2026-10-25", "--days", "1", "--dst", dst)
    assert told in next(line for line in lines if "the clocks of Europe/Berlin go back by 1 h" in line)


@pytest.mark.parametrize(
    ("text", "status", "told"),
    [
        ("", 2, "--file: FILE must hold tables [[cron]] and nothing else"),
        ("[cron]\nname = 1", 2, "--file: FILE must hold tables [[cron]] and nothing else"),
        ("cron = [1]", 2, "--file: FILE must hold tables [[cron]] and nothing else"),
        ("[[cron]", 2, "--file: FILE is no TOML: "),
        ("[[cron]]\nname = 1", 2, "--file: [[cron]] number 1 must say its `name` as a text"),
        (BACKUP + "[[cron]]\nname = 'x'", 2, "--file: [[cron]] number 2 must say its `expression` as a text"),
        (BACKUP + "timezne = 'UTC'", 2, "--file: [[cron]] number 1 has no field 'timezne' (did you mean timezone?); "),
        (BACKUP + "timezone = 1", 2, "--file: [[cron]] number 1: `timezone` must be a text such as 'Europe/Berlin'"),
        (BACKUP + "must_not_meet = 'x'", 2, "--file: [[cron]] number 1: `must_not_meet` must be a list of names"),
        (
            NIGHT + BACKUP + "must_not_meet = ['nigth']",
            2,
            "--file: backup must not meet 'nigth' (did you mean night?), and there is no such cron",
        ),
        (BACKUP + BACKUP, 2, "--file: there are two crons named 'backup'; expected names of their own"),
        (BACKUP.replace("30 1", "61 1"), 1, "backup: minute: "),
        (BACKUP + "timezone = 'Mars/Base'", 1, "backup: time zone: "),
        (
            BACKUP.replace("30 1 * * 0", "* * * * * *"),
            2,
            "--days: these are more than 100,000 fires; expected fewer days",
        ),
    ],
)
def test_what_is_wrong_with_a_file_is_one_line(
    text: str, status: int, told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ended, lines, error = ran(tmp_path, capsys, text, "--days", "9")
    assert (ended, lines, error.count("\n")) == (status, [], 0)
    assert error.startswith(told)


def priced(tmp_path: Path, **billing: object) -> str:
    path = tmp_path / "prices.json"
    entry = {"id": "scheduling.cron.create", "billing": {"price_usd": 0.01, "unit": "request", **billing}}
    path.write_text(json.dumps({"capabilities": [entry]}))
    return str(path)


def test_what_crons_cost_is_told_by_cron_and_in_sum_and_what_has_no_price_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for billing, costs, together, why in (
        (
            {},
            ("0.01", "0.01"),
            0.02,
            "0.01 USD for creating each, and nothing for fires: the prices name none for them.",
        ),
        (
            {"price_usd": 0.0001, "unit": "run"},
            ("0.0008", "0.0002"),
            0.001,
            "0 USD for creating each, and 0.0001 USD for each fire.",
        ),
    ):
        asked = (*MONTH, "--prices", priced(tmp_path, **billing))
        status, lines, _ = ran(tmp_path, capsys, NIGHT + BACKUP, *asked)
        assert (status, lines[-4:]) == (
            0,
            [
                f"night     8 fires   {costs[0]} USD",
                f"backup    2 fires   {costs[1]} USD",
                f"together  10 fires  {together} USD",
                f"That is {why}",
            ],
        )
        _, lines, _ = ran(tmp_path, capsys, NIGHT + BACKUP, *asked, "--json")
        told = json.loads("\n".join(lines))
        assert (told["costs"], told["cost_usd"]) == (
            [
                {"cron": "night", "fires": 8, "cost_usd": float(costs[0])},
                {"cron": "backup", "fires": 2, "cost_usd": float(costs[1])},
            ],
            together,
        )
    never = BACKUP.replace("30 1 * * 0", "30 1 1 6 *")
    _, lines, _ = ran(tmp_path, capsys, never, *asked)
    assert lines[-3] == "backup    0 fires  0 USD"


def test_options_go_with_what_they_are_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert ran(tmp_path, capsys, BACKUP, "--count", "3")[2] == "--count has no effect with --file"
    assert ran(tmp_path, capsys, BACKUP, "0 9 * * *")[2] == SAY
    assert main(["cron", "0 9 * * *", "--days", "3"]) == 2
    assert main(["cron", "0 9 * * *", "--prices", priced(tmp_path)]) == 2
    assert main(["cron", "0 9 * * *", "--must-not-meet", "a=b"]) == 2
    assert main(["cron"]) == 2
    assert capsys.readouterr().err.splitlines() == [
        "sched-emulator cron: --days has no effect without --file or --url",
        "sched-emulator cron: --prices has no effect without --file or --url",
        "sched-emulator cron: --must-not-meet has no effect without --file or --url",
        f"sched-emulator cron: {SAY}",
    ]
