"""The commands that set what surrounds a sandbox: each does as its handle, lists what is in force, and undoes it."""

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sched_emulator import Emulator, Sandbox
from sched_emulator.cli import main

Told = Callable[..., str]


@pytest.fixture
def box(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    for name in [name for name in os.environ if name.startswith("SCHED_EMULATOR_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("SCHED_EMULATOR_URL", emulator.url)
    monkeypatch.setenv("INFRAI_API_KEY", "ifr_steered")
    with emulator.sandbox("ifr_steered", clock="frozen") as fresh:
        yield fresh


@pytest.fixture
def told(capsys: pytest.CaptureFixture[str]) -> Told:
    def tell(*words: str, status: int = 0) -> str:
        assert main(words) == status
        out, error = capsys.readouterr()
        return str(error if status else out).removesuffix("\n")

    return tell


def test_targets_are_scripted_listed_and_cleared(box: Sandbox, told: Told) -> None:
    answer = told("targets", "add", "*weekly*", "503", "timeout", '{"latency_seconds": 90}', "--then", "cycle")
    assert answer == 'deliveries to *weekly* get 503, timeout, {"latency_seconds": 90.0}'
    [script] = box.targets.list()
    assert (script.then, script.responses) == (
        "cycle",
        [{"status": 503}, {"error": "timeout"}, {"latency_seconds": 90}],
    )
    assert told("targets") == '*weekly*  503, timeout, {"latency_seconds": 90.0}  cycle  used 0x'
    assert json.loads(told("targets", "list", "--json")) == [script]
    assert told("targets", "clear") == "there are no targets any more"
    assert (box.targets.list(), told("targets", "list")) == ([], "nothing is scripted")
    assert told("targets", "add", "x", "soon", status=2) == (
        "sched-emulator targets add: RESPONSE: 'soon' is none; "
        "expected a status, timeout, refused, reset, or a JSON object"
    )


def test_faults_are_added_listed_and_cleared(box: Sandbox, told: Told) -> None:
    answer = told("faults", "add", "--operation", "queue.*", "--status", "503", "--times", "2", "--after")
    assert answer == "requests for queue.* meet: status 503, times 2, after"
    told("faults", "add", "--latency-seconds", "0.5", "--probability", "0.25", "--json")
    assert [dict(fault) for fault in box.faults.list()] == [
        {"operation": "queue.*", "used": 0, "status": 503, "times": 2, "after": True},
        {"operation": "*", "used": 0, "latency_seconds": 0.5, "probability": 0.25},
    ]
    assert [line.split() for line in told("faults").splitlines()] == [
        ["queue.*", "status", "503,", "times", "2,", "after", "used", "0x"],
        ["*", "latency_seconds", "0.5,", "probability", "0.25", "used", "0x"],
    ]
    assert told("faults", "clear") == "there are no faults any more"
    assert told("faults", "list") == "there is no fault"
    assert told("faults", "add", "--times", "2", status=2) == (
        "sched-emulator faults add: say what goes wrong: --status, --latency-seconds or --drop"
    )
    assert told("faults", "add", "--latency-seconds", "soon", status=2) == (
        "sched-emulator faults add: --latency-seconds: 'soon' is no number; expected one such as 0.5"
    )


def test_routes_are_added_to_those_in_force(box: Sandbox, told: Told) -> None:
    box.routes.set({"https://a.example": "http://127.0.0.1:1"})
    answer = told("routes", "add", "https://b.example=http://127.0.0.1:2", "https://a.example=http://127.0.0.1:3")
    assert answer.splitlines() == [
        "https://a.example leads to http://127.0.0.1:3",
        "https://b.example leads to http://127.0.0.1:2",
    ]
    assert told("routes").splitlines() == [
        "https://a.example  http://127.0.0.1:3",
        "https://b.example  http://127.0.0.1:2",
    ]
    assert told("routes", "add", "a=b", status=2).startswith("sched-emulator routes add: FROM=TO: ")
    assert told("routes", "clear") == "there are no routes any more"
    assert (box.routes.get(), told("routes", "list")) == ({}, "there is no route")


def test_a_snapshot_is_saved_and_loaded_and_a_reset_forgets(box: Sandbox, told: Told, tmp_path: Path) -> None:
    box.targets.script("*é", 503)
    start = box.clock.state()["now"]
    now = box.clock.advance("3d")["now"]
    path = tmp_path / "team.json"
    assert told("snapshot", "save", str(path)) == (
        f"wrote {path}, with the secrets of the sandbox, for `snapshot load` and `serve --load`"
    )
    assert json.loads(path.read_text(encoding="utf-8")) == box.snapshot()
    assert told("reset") == f"the sandbox is as new; it is {start}"
    assert box.targets.list() == []
    assert told("snapshot", "load", str(path)) == f"the sandbox goes on from {path}; it is {now}"
    assert [script.url for script in box.targets.list()] == ["*é"]
    path.write_text("[]")
    assert told("snapshot", "load", str(path), status=2) == (
        f"sched-emulator snapshot load: FILE: {path} is no snapshot: expected a JSON object"
    )


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("faults add --status 500 --probability 2", "--probability: must be at most 1, got 2.0"),
        ("faults add --status 500 --operation nope", "--operation: must fit an operation, got 'nope'; "),
        ("faults add --status 500 --code=", '--code: must have at least 1 character, got ""'),
        ("faults add --retry-after-seconds 1", "say what goes wrong: --status, --latency-seconds or --drop"),
        ("targets add x 99", "RESPONSE 1: must be at least 200, got 99"),
        ('targets add x 200 {"status":99}', "RESPONSE 2: `status` must be at least 200, got 99"),
        ('targets add x {"statu":200}', "RESPONSE 1: `statu` is not a documented field, did you mean `status`?"),
        ("snapshot load FILE", "FILE: this is no snapshot of this version: "),
        ("clock advance 52w", "DURATION: must not lead past the year 9999"),
        ("requests --operation nope", "--operation: must fit an operation, got 'nope'; "),
        ("tail --operation nope", "--operation: must fit an operation, got 'nope'; "),
        ("deliveries --to=", '--to: must have at least 1 character, got ""'),
        ("tail --to=", '--to: must have at least 1 character, got ""'),
    ],
)
def test_what_the_emulator_refuses_is_called_as_it_was_typed(
    words: str, sentence: str, box: Sandbox, told: Told, tmp_path: Path
) -> None:
    path = tmp_path / "team.json"
    path.write_text("{}")
    box.clock.set("9999-06-01T00:00:00Z")
    said = told(*words.replace("FILE", str(path)).split(), status=2).partition(": ")[2]
    assert said.startswith(sentence)
    assert "Correct the named parameter" not in said
