"""Pulling: what a target says of an account becomes a snapshot that fires as the target would."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from sched_emulator import Emulator
from sched_emulator.cli import main
from sched_emulator.core import instants
from sched_emulator.server import pulled
from sched_emulator.spec import assumptions
from tests.emulated import call
from tests.gateways import CannedServer

NOW = "2026-03-27T12:00:00Z"  # two days before clocks change in Europe
NOW_MS = instants.from_text(NOW)
KEY = "ifr_account"


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INFRAI_API_KEY", KEY)
    monkeypatch.setenv("COLUMNS", "100")


def cron(name: str, expression: str | None, **more: Any) -> dict[str, Any]:
    return {"cron_id": f"job-{name}", "name": name, "cron_expr": expression, "task": "https://api.acme.com/x", **more}


def built(*crons: Mapping[str, Any], queues: tuple[Mapping[str, Any], ...] = (), **answers: str) -> pulled.Pulled:
    return pulled.build(crons, queues, NOW_MS, assumptions.defaults() | answers)


@pytest.mark.parametrize(
    "shapes",
    [
        {"http.envelope": "wrapped"},
        {"http.envelope": "bare", "cron.create.id_field": "job_id", "cron.list.fields": "documented"},
        {"http.envelope": "bare", "cron.list.fields": "both", "cron.list.paging": "none"},
    ],
    ids=["as documented", "bare, job_id", "no pages"],
)
def test_an_account_is_pulled_and_loaded_as_it_is(
    emulator: Emulator, tmp_path: Path, capsys: pytest.CaptureFixture[str], shapes: dict[str, str | int]
) -> None:
    path = tmp_path / "account.json"
    with emulator.sandbox(KEY, now=NOW) as box:
        for number in range(30):
            body = {"cron_expr": f"{number} 3 * * *", "task": f"https://api.acme.com/{number}", "name": f"c{number}"}
            zone = {"timezone": "Europe/Berlin"} if number % 2 else {}
            made = call(box, "POST", "/cron/create", {**body, **zone})["cron_id"]
        call(box, "POST", f"/cron/pause/{made}")
        call(box, "PUT", f"/cron/retention/set/{made}", {"retention_days": 3})
        queues: list[dict[str, Any]] = [
            {"name": "dead"},
            {"name": "jobs", "type": "fifo", "dead_letter_queue": "dead", "max_retries": 9},
        ]
        for queue in queues:
            call(box, "POST", "/queue/create", queue)
        before = box.timeline()
        box.assumptions.set(shapes)
        assert main(["pull", "--target", emulator.url, "--out", str(path)]) == 0
        assert {entry["method"] for entry in box.requests()[34:]} == {"GET"}
        box.assumptions.set(dict.fromkeys(shapes))
        said = [
            call(box, "GET", name) for name in ("/cron/list?limit=100", "/queue/list", f"/cron/retention/get/{made}")
        ]
    out = capsys.readouterr().out
    assert out.startswith("30 crons and 2 queues of ")
    assert "\nMessages, push subscriptions and runs are not read.\n" in out
    assert "Of crons the target does not say, and so it is as by default: retries, timeout_seconds," in out
    with Emulator.start(load=path) as again, again.sandbox("ifr_any") as loaded:
        assert loaded.timeline() == before
        names = ("/cron/list?limit=100", "/queue/list", f"/cron/retention/get/{made}")
        assert [call(loaded, "GET", name) for name in names] == said


def test_a_zone_that_is_not_told_is_inferred_from_the_next_run_and_said_to_be_ambiguous() -> None:
    made = built(
        cron("tokyo", "0 9 * * *", next_run_at="2026-03-28T00:00:00Z", enabled=True),
        cron("changes", "30 2 29 3 *", next_run_at="2026-03-29T01:00:00Z", enabled=True),
        cron("berlin", "0 9 * * *", timezone="Europe/Berlin"),
        cron("winter", "0 9 * * *", next_run_at="2026-03-28T08:00:00Z", enabled=True),
        cron("kathmandu", "0 0 * * *", next_run_at="2026-03-27T18:15:00Z", enabled=True),
        cron("any", "*/15 * * * *", next_run_at="2026-03-27T12:15:00Z", enabled=True),
        cron("none", "0 0 * * *", next_run_at="2026-03-28T00:07:00Z", enabled=True),
        cron("paused", "0 0 * * *", enabled=False),
        *(cron(f"other {number}", "0 9 * * *", next_run_at="2026-03-28T08:00:00Z") for number in range(7)),
    )
    document = json.loads(made.document)
    by_name = {item["name"]: item["timezone"] for item in document["crons"]}
    assert by_name["berlin"] == by_name["winter"] == by_name["changes"] == "Europe/Berlin"
    assert by_name["kathmandu"] in {"Asia/Kathmandu", "Asia/Katmandu"}
    assert (by_name["any"], by_name["none"], by_name["paused"]) == ("UTC", "UTC", "UTC")
    fires = {item["name"]: item.get("next_run_ms") for item in document["crons"]}
    assert fires["tokyo"] == instants.from_text("2026-03-28T00:00:00Z")
    assert fires["changes"] == instants.from_text("2026-03-29T01:00:00Z")
    said = {remark.split("'")[1]: remark for remark in made.remarks if "'" in remark}
    assert "berlin" not in said
    assert said["winter"].startswith(
        "Each of the crons 'winter', 'other 0', 'other 1', 'other 2', 'other 3' and 3 more has a time zone that is not "
        "told: Europe/Berlin is taken, and "
    )
    assert said["kathmandu"].endswith(" is taken, and 1 more fit (Asia/Katmandu).")
    assert said["paused"].endswith("cannot be inferred, because nothing tells it: UTC is taken.")
    fits_none = [remark for remark in made.remarks if "'none'" in remark]
    assert [remark.partition("'none' ")[2] for remark in fits_none] == [
        "has a time zone that cannot be inferred, because its next run fits none: UTC is taken.",
        "next fires at 2026-03-28T00:00:00.000Z here, and at 2026-03-28T00:07:00.000Z there.",
    ]


def test_what_is_refused_or_not_understood_is_told_and_the_rest_is_taken() -> None:
    made = built(
        cron("local", "0 9 * * *", timezone="UTC", task="http://10.0.0.1/x"),
        cron("odd", "0 9 * * *", timezone="UTC", overlap_policy="replace", retries=2, timeout_seconds=True),
        cron("wrong", "0 9 * * L", timezone="UTC"),
        cron("once", None, next_run_at="2026-04-01T00:00:00Z", payload={"a": 1}, headers={"X-A": "b"}),
        queues=(
            {"queue": "a", "type": "standard", "dead_letter_queue": "b", "max_retries": -1},
            {"queue": "b", "type": "standard", "dead_letter_queue": "a"},
            {"queue": "c", "type": "standard", "dead_letter_queue": "gone"},
            {"type": "standard"},
        ),
    )
    document = json.loads(made.document)
    assert [(item["name"], item["retry"], item.get("run_at_ms")) for item in document["crons"]] == [
        ("odd", 2, None),
        ("once", document["crons"][1]["retry"], instants.from_text("2026-04-01T00:00:00Z")),
    ]
    assert made.crons == [("cron_000001", "job-odd"), ("cron_000002", "job-once")]
    assert [(item["queue"], item["dead_letter_queue"]) for item in document["queues"]] == [
        ("a", "b"),
        ("b", "a"),
        ("c", None),
    ]
    told = [remark.partition(":")[0].rstrip(".") for remark in made.remarks if remark.startswith(("Cron ", "Queue "))]
    assert told == [
        "Queue 'a' has a max_retries that is not understood, -1",
        "Queue '' is not taken over, because it has no name",
        "Queue 'c' is not taken over as it is",
        "Cron 'local' is not taken over as it is",
        "Cron 'odd' has a timeout_seconds that is not understood, True",
        "Cron 'odd' has a overlap_policy that is not understood, 'replace'",
        "Cron 'wrong' is not taken over as it is",
    ]


def test_what_cannot_be_read_is_one_line_and_nothing_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "account.json"
    with CannedServer({"/v1/scheduling/cron/list": {"items": "no"}}) as server:
        assert main(["pull", "--target", server.url, "--out", str(path)]) == 2
        assert main(["pull", "--target", server.url, "--out", str(path), "--max-usd", "1"]) == 2
        wrong, priceless = capsys.readouterr().err.splitlines()
        url = server.url
    assert wrong == f'sched-emulator pull: {url} answered cron.list with 200, and no list: {{"items": "no"}}'
    assert priceless == f"sched-emulator pull: {url} tells no prices at /v1/discovery, and --max-usd needs them."
    with Emulator.start(keys="ifr_other") as emulator:
        assert main(["pull", "--target", emulator.url, "--out", str(path)]) == 2
        assert "refused the key (401)" in capsys.readouterr().err
    with Emulator.start() as emulator:
        assert main(["pull", "--target", emulator.url, "--out", str(path), "--max-requests", "1"]) == 2
        assert "at queue.list: The budget of 1 request is spent; --max-requests" in capsys.readouterr().err
    monkeypatch.delenv("INFRAI_API_KEY")
    assert main(["pull", "--target", "https://gateway.example", "--out", str(path)]) == 2
    assert main(["pull", "--out", str(path)]) == 2
    assert main(["pull", "--target", "emulator", "--out", str(path)]) == 2
    assert [line.partition("pull: ")[2].partition(";")[0] for line in capsys.readouterr().err.splitlines()] == [
        "there is no key in $INFRAI_API_KEY",
        "--target: expected the URL of a gateway",
        "--target: a fresh emulator has no account to read",
    ]
    assert not path.exists()
