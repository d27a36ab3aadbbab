"""Crons that there are already, before they run: those of a snapshot, and of a sandbox of a running emulator."""

import json
from pathlib import Path

import pytest

from sched_emulator import Emulator
from sched_emulator.cli import main
from sched_emulator.core.sandbox import Sandbox
from tests.core.harness import Box

BERLIN = {"task": "https://api.acme.com/x", "timezone": "Europe/Berlin"}
MARCH_MS = 1_774_137_600_000  # 2026-03-22, a Sunday
CHANGED = "2026-03-29 01:00:00 UTC: the clocks of Europe/Berlin go forward by 1 h"
NIGHTS = [f"2026-03-{day} 01:30:00 UTC" for day in range(22, 29)]


def sandbox() -> Sandbox:
    """Return a sandbox with crons of all sorts, which stands a week before the clocks of Europe change."""
    box = Box(start_ms=MARCH_MS)
    box.call("cron.create", name="night", cron_expr="30 2 * * *", **BERLIN)
    box.call("cron.create", name="twice", cron_expr="0 4 * * *", max_runs=2, task=BERLIN["task"])
    paused = box.call("cron.create", name="paused", cron_expr="30 2 * * *", **BERLIN)["cron_id"]
    box.call("cron.pause", cron_id=paused)
    for _ in range(2):
        box.call("cron.create", name="same", cron_expr="0 5 29 3 *", task=BERLIN["task"])
    box.call("cron.create", name="", cron_expr="30 1 * * 0", task=BERLIN["task"])
    box.call("cron.create", name="once", run_at_ms=MARCH_MS + 5_400_000, task=BERLIN["task"])
    return box.sandbox


@pytest.fixture
def snapshot(tmp_path: Path) -> str:
    path = tmp_path / "account.json"
    path.write_bytes(sandbox().snapshot())
    return str(path)


def test_the_crons_of_a_snapshot_are_shown_as_they_will_fire(snapshot: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["cron", "--file", snapshot, "--days", "8"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        f"{NIGHTS[0]}  night, cron_000006, once                meet",
        "2026-03-22 04:00:00 UTC  twice",
        f"{NIGHTS[1]}  night",
        "2026-03-23 04:00:00 UTC  twice",
        *(f"{at}  night" for at in NIGHTS[2:]),
        "2026-03-29 01:00:00 UTC  night",
        "2026-03-29 01:30:00 UTC  cron_000006",
        "2026-03-29 05:00:00 UTC  same (cron_000004), same (cron_000005)  meet",
        f"{CHANGED}; night fires at 03:00:00, the day before at 02:30:00",
        "15 fires in 8 days; 2 instants at which several meet",
        "Nothing is due of paused: paused, or over.",
    ]


def test_two_that_must_not_meet_are_said_beside_a_file(
    snapshot: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ["cron", "--file", snapshot, "--days", "1", "--must-not-meet", "night=once"]
    assert main([*asked, "--must-not-meet", "twice=night"]) == 1
    told = capsys.readouterr()
    assert told.out.splitlines()[0].endswith("must not meet")
    assert told.err == f"sched-emulator cron: night must not meet once, and does at {NIGHTS[0]}\n"
    toml = tmp_path / "schedules.toml"
    toml.write_text("".join(f'[[cron]]\nname = "{name}"\nexpression = "0 9 * * *"\n' for name in ("a", "b")))
    assert main(["cron", "--file", str(toml), "--must-not-meet", "b=a", "--json", "--from", "2026-03-01"]) == 1
    assert len(json.loads(capsys.readouterr().out)["must_not_meet"]) == 31


def test_the_beginning_is_where_the_snapshot_stands_or_what_was_said_and_runs_are_counted_from_there(
    snapshot: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for begin, fires in (
        ("2026-03-23", ["night", "twice"]),
        ("2026-03-24", ["night"]),
        ("2026-03-21T01:00Z", ["night"]),
    ):
        assert main(["cron", "--file", snapshot, "--days", "1", "--from", begin, "--json"]) == 0
        told = json.loads(capsys.readouterr().out)["fires"]
        assert [name for fire in told for name in fire["crons"]] == fires, begin


def test_what_has_fired_at_the_instant_of_the_snapshot_is_over(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    box = Box(start_ms=MARCH_MS)
    box.call("cron.create", name="three", cron_expr="0 * * * *", max_runs=3, task=BERLIN["task"])
    box.advance(3600)
    path = tmp_path / "account.json"
    path.write_bytes(box.sandbox.snapshot())
    assert main(["cron", "--file", str(path), "--days", "1"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "2026-03-22 02:00:00 UTC  three",
        "2026-03-22 03:00:00 UTC  three",
        "2 fires in 1 day; 0 instants at which several meet",
    ]


def test_answers_of_the_snapshot_decide(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    box = Box({"cron.dst": "literal", "cron.seconds_position": "last"}, start_ms=MARCH_MS)
    box.call("cron.create", name="night", cron_expr="30 2 * * * 15", **BERLIN)
    path = tmp_path / "account.json"
    path.write_bytes(box.sandbox.snapshot())
    assert main(["cron", "--file", str(path), "--from", "2026-03-28", "--days", "2"]) == 0
    assert capsys.readouterr().out.splitlines()[:2] == [
        "2026-03-28 01:30:15 UTC  night",
        f"{CHANGED}; night fires at no time, the day before at 02:30:15",
    ]


def test_a_sandbox_of_a_running_emulator_is_read_too(emulator: Emulator, capsys: pytest.CaptureFixture[str]) -> None:
    with emulator.sandbox("ifr_month", clock="frozen") as box:
        box.restore(json.loads(sandbox().snapshot()))
        before = box.requests()
        where = ["--url", emulator.url, "--key", "ifr_month"]
        assert main(["cron", *where, "--days", "1"]) == 0
        assert capsys.readouterr().out.splitlines()[1] == "2026-03-22 04:00:00 UTC  twice"
        assert box.requests() == before
        assert main(["cron", *where, "--count", "3"]) == 2
        assert capsys.readouterr().err == "sched-emulator cron: --count has no effect with --url\n"


@pytest.mark.parametrize(
    ("text", "options", "told"),
    [
        ("{}", (), "--file: FILE cannot be used: this is no snapshot of this version: "),
        ('{"seal": 1', (), "--file: FILE cannot be used: this is no snapshot of this version: "),
        (None, ("--dst", "vixie"), "--dst has no effect with crons that say it themselves"),
        (None, ("--seconds-position", "last"), "--seconds-position has no effect with crons that say it themselves"),
        (None, ("--must-not-meet", "night"), "--must-not-meet: 'night' is not possible; expected two names, such as "),
        (
            None,
            ("--must-not-meet", "night=twise"),
            "--must-not-meet: there is no cron 'twise' (did you mean twice?)",
        ),
    ],
)
def test_what_is_wrong_is_one_line(
    text: str | None, options: tuple[str, ...], told: str, snapshot: str, capsys: pytest.CaptureFixture[str]
) -> None:
    if text is not None:
        Path(snapshot).write_text(text)
    assert main(["cron", "--file", snapshot, *options]) == 2
    error = capsys.readouterr().err.replace(snapshot, "FILE").removeprefix("sched-emulator cron: ")
    assert (error.startswith(told), error.count("\n")) == (True, 1), error
