"""`sched-emulator tail`: what happened and what happens, in the lines of `serve`."""

import json
import os
import subprocess
import sys
from itertools import islice
from typing import Any

import pytest

from sched_emulator import Emulator, EmulatorError
from sched_emulator.client import watching
from tests.emulated import create_cron

WEEKLY = "https://api.acme.com/weekly"


def tail(emulator: Emulator, *options: str) -> "subprocess.Popen[str]":
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SCHED_EMULATOR_")}
    command = [sys.executable, "-m", "sched_emulator", "tail", "--url", emulator.url, "--key", "ifr_tail", *options]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment, encoding="utf-8"
    )


def test_it_shows_what_happened_goes_on_and_ends_with_the_sandbox(emulator: Emulator) -> None:
    box = emulator.sandbox("ifr_tail", clock="frozen")
    create_cron(box, WEEKLY)
    with tail(emulator, "--json") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        told: list[dict[str, Any]] = [json.loads(process.stdout.readline())]
        box.clock.advance(weeks=1)
        told += [json.loads(process.stdout.readline()) for _ in range(3)]
        box.delete()
        told += [json.loads(line) for line in process.stdout]
        ended = process.stderr.read()
    assert [{**line, "at": ""} for line in told if line["kind"] != "clock"] == [
        {
            "at": "",
            "key": "ifr_tail",
            "kind": "request",
            "what": "cron.create",
            "outcome": "200",
            "seq": 1,
            "detail": 'ignored: task_type; {"cron_expr":"0 9 * * 1","task_type":"http_url","task_url":…',
        },
        {"at": "", "key": "ifr_tail", "kind": "fire", "what": "cron_000001", "detail": "run_000001"},
        {
            "at": "",
            "key": "ifr_tail",
            "kind": "cron",
            "what": WEEKLY,
            "outcome": "captured 200",
            "seq": 2,
            "duration_seconds": 0,
            "detail": "{}",
        },
        {"at": "", "key": "ifr_tail", "kind": "sandbox", "what": "forgotten", "outcome": "frozen"},
    ]
    assert [line["what"] for line in told if line["kind"] == "clock"] == ["7d later, 1 event"]
    assert (process.returncode, ended) == (0, "sched-emulator tail: the sandbox or the emulator has ended\n")


def test_a_reader_that_has_seen_enough_ends_it(emulator: Emulator) -> None:
    with emulator.sandbox("ifr_tail", clock="frozen") as box:
        create_cron(box)
        with tail(emulator) as process:
            assert process.stdout is not None
            assert "cron.create" in process.stdout.readline()
            process.stdout.close()
            create_cron(box)
            assert process.wait(60) == 0


def test_filters_leave_one_sort_of_facts_or_some_of_each(emulator: Emulator) -> None:
    with emulator.sandbox("ifr_tail", clock="frozen") as box:
        create_cron(box, WEEKLY)
        create_cron(box, "https://api.acme.com/other")
        box.clock.advance(weeks=1)

        def shown(count: int, *, since: int = 0, **globs: str) -> list[tuple[str, str]]:
            told = islice(watching.lines(box, since, **globs), count)
            return [(line["kind"], line["what"]) for line in told]

        request, weekly, other = ("request", "cron.create"), ("cron", WEEKLY), ("cron", "https://api.acme.com/other")
        fires = [("fire", "cron_000001"), ("fire", "cron_000002")]
        assert shown(6) == [request, request, fires[0], weekly, fires[1], other]
        assert shown(5, since=1) == [request, fires[0], weekly, fires[1], other]
        assert shown(2, since=3) == [fires[1], other]
        assert shown(2, operation="cron.*") == [request, request]
        assert shown(1, url="*weekly") == [weekly]
        assert shown(3, url="*weekly", operation="*") == [request, request, weekly]
        assert shown(0, operation="queue.*") == []
        with pytest.raises(EmulatorError, match="must fit an operation, got 'qeue'; did you mean 'queue"):
            shown(1, operation="qeue")
