"""Calibrating: what a target answers is recovered, written with its evidence, and loaded by whatever takes a file."""

import json
import os
import random
import re
import socket
import tomllib
from collections.abc import Mapping
from pathlib import Path

import pytest

from sched_emulator import Emulator
from sched_emulator.cli import main
from sched_emulator.contract import reliance
from sched_emulator.contract.calibration import document, finding
from sched_emulator.contract.catalogue import load
from sched_emulator.contract.ledger import Observation
from sched_emulator.contract.plan import make_plan
from sched_emulator.contract.reports import terminal
from sched_emulator.contract.results import Exchange, Warrant
from sched_emulator.contract.settings import Settings
from sched_emulator.spec import assumptions, choices
from sched_emulator.spec.prices import Price
from tests.contract.kill_mutants import copy_of, started
from tests.contract.negations import NEGATIONS
from tests.soak import seeds

KEY = "ifr_calibrated"
NAMES_OF_THE_SUITE = 64
Answers = dict[str, str | int]


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("SCHED_EMULATOR_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("INFRAI_API_KEY", KEY)
    monkeypatch.setenv("COLUMNS", "120")


def calibrated(emulator: Emulator, path: Path, *options: str) -> Answers:
    """Calibrate against an emulator and return what the file says."""
    assert main(["calibrate", "--target", emulator.url, "--out", str(path), "--seed", "1", *options]) == 0
    return assumptions.parse_answers_toml(path.read_text(encoding="utf-8"), path.name)


# --- Every answer that can be probed is recovered.


def at_random(seed: int) -> Answers:
    """Answer every question by dice: numbers within their range, and near enough to be reached by probing."""
    dice = random.Random(seed)  # noqa: S311 - a test's dice
    chosen: Answers = {}
    for name, entry in assumptions.catalogue().items():
        if entry.answers:
            chosen[name] = dice.choice(list(entry.answers))
        else:
            assert isinstance(entry.default, int)
            most = max(2 * entry.default, 10)
            least = max(entry.minimum or 0, NAMES_OF_THE_SUITE if name == "limits.name_chars" else 0)
            number = dice.randint(least, most if entry.maximum is None else min(most, entry.maximum))
            chosen[name] = dice.choice([entry.default, number])
    chosen["page.default_limit"] = min(int(chosen["page.default_limit"]), int(chosen["page.max_limit"]))
    chosen["delivery.backoff_first_seconds"] = max(int(chosen["delivery.backoff_first_seconds"]), 1)
    return chosen


def hidden_by(chosen: Mapping[str, str | int]) -> set[str]:
    """Return the questions to which these answers leave nothing to see."""
    hidden = {name for name, entry in assumptions.catalogue().items() if entry.unprobed}
    if chosen["delivery.backoff"] != "exponential":
        hidden.add("delivery.backoff_first_seconds")
    if chosen["delivery.backoff"] == "immediate":
        hidden.add("queue.nack_delay")
    return hidden | {"cron.jitter_seconds"}  # a bound of it is all that fires show


@pytest.mark.soak
@pytest.mark.parametrize("seed", seeds(2))
def test_answers_set_at_random_are_recovered(emulator: Emulator, tmp_path: Path, seed: int) -> None:
    chosen = at_random(seed)
    with emulator.sandbox(KEY, assumptions=chosen):
        seen = {**assumptions.defaults(), **calibrated(emulator, tmp_path / "seen.toml")}
    probed = chosen.keys() - hidden_by(chosen)
    assert {name: seen[name] for name in sorted(probed)} == {name: chosen[name] for name in sorted(probed)}
    assert int(seen["cron.jitter_seconds"]) <= int(chosen["cron.jitter_seconds"])


# --- What it says, and what it leaves alone.


def test_it_says_beforehand_what_it_will_do_and_afterwards_what_is_other_than_by_default(
    emulator: Emulator, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "seen.toml"
    with emulator.sandbox(KEY, assumptions={"queue.nack_position": "back", "delivery.backoff": "immediate"}) as box:
        calibrated(emulator, path)
        assert box.requests() == []
    lines = capsys.readouterr().out.splitlines()
    choices_made = sum(check.warrant == Warrant.CHOICE for check in load().scenarios.values())
    checks = len(assumptions.catalogue()) + choices_made + len(choices.catalogue())
    assert lines[0].startswith(f"{checks} checks, about ")
    assert lines[1] == "It is an emulator: every check gets a sandbox of its own, nothing of yours is touched."
    start = next(place for place, line in enumerate(lines) if line.endswith("2 otherwise than by default:"))
    assert [line.split() for line in lines[start + 1 : start + 3]] == [
        ["delivery.backoff", "immediate", "observed"],
        ["queue.nack_position", "back", "observed"],
    ]
    assert "  delivery.backoff_first_seconds: undetermined: the backoff is not exponential" in lines
    assert lines[-1] == f"wrote {path}, for `sched-emulator serve --assumptions {path}`"


def test_without_leave_to_write_nothing_is_created(
    emulator: Emulator, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(terminal, "HEARTBEAT_SECONDS", 0)
    path = tmp_path / "seen.toml"
    with emulator.sandbox(KEY) as box:
        seen = calibrated(emulator, path, "--real-time")
        methods = {entry["method"] for entry in box.requests()}
        [summary] = [item for item in emulator.sandboxes() if item["key"].startswith(KEY[:5])]
    assert (seen, methods, summary["crons"], summary["queues"]) == ({"http.envelope": "wrapped"}, {"GET"}, 0, 0)
    assert path.read_text().count("# Undetermined: it writes; --allow-writes lets it.\n") > 50
    assert re.search("^… 1 of [0-9]+ checks done$", capsys.readouterr().out, re.MULTILINE)


def test_the_file_is_loaded_by_the_emulator_and_by_the_contract_suite(
    emulator: Emulator, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, chosen = tmp_path / "seen.toml", {"queue.nack_position": "back", "http.envelope": "bare"}
    with emulator.sandbox(KEY, assumptions=chosen):
        seen = calibrated(emulator, path)
    only = ["--only", "probe/queue.nack_position", "--assumptions", str(path)]
    with Emulator.start(assumptions=path) as same:
        with same.sandbox() as box:
            assert box.assumptions.get() == assumptions.defaults() | seen
        assert main(["contract", "--target", same.url, *only]) == 0
    capsys.readouterr()
    with Emulator.start(assumptions={**chosen, "queue.nack_position": "front"}) as other:
        assert main(["contract", "--target", other.url, *only]) == 1
    assert "the answer observed is front" in capsys.readouterr().out


# --- Only what tests rely on.


def relied_on(folder: Path, **standings: str | None) -> Path:
    """Write a file as `pytest --sched-report` does; names have __ for their dots."""
    items = [{"id": name.replace("__", "."), "standing": standing} for name, standing in standings.items()]
    path = folder / "relied.json"
    path.write_text(json.dumps({"relied": items[:1], "shapes": items[1:]}), encoding="utf-8")
    return path


def test_only_what_is_open_is_asked_with_what_it_depends_on_and_the_rest_of_the_file_stays(
    emulator: Emulator, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "gateway.toml"
    path.write_text(
        '# Observed before.\n\n# By hand.\nqueue.ack_unknown = "accept"\nqueue.nack_delay = "now"\n\n'
        '# Undetermined: it writes.\n# queue.nack_position = "front"\n'
    )
    relied = relied_on(tmp_path, queue__nack_position="open", queue__ack_unknown="measured", cron__dst="contradicted")
    chosen = {"queue.nack_position": "back", "queue.ack_unknown": "reject"}
    with emulator.sandbox(KEY, assumptions=chosen):
        seen = calibrated(emulator, path, "--for", str(relied))
    assert seen == {
        "queue.nack_position": "back",
        "idempotency.required": "optional",
        "queue.nack_delay": "now",
        "queue.ack_unknown": "accept",
    }
    assert path.read_text().endswith(
        'queue.nack_delay = "now"\n\n# Observed before.\n\n# By hand.\nqueue.ack_unknown = "accept"\n'
    )
    out = capsys.readouterr().out
    assert out.startswith("3 checks, about ")
    assert "3 of 3 questions answered, 1 otherwise than by default:" in out


def test_what_is_asked_of_a_gateway_for_tests_is_priced_beforehand(tmp_path: Path) -> None:
    relied = relied_on(tmp_path, queue__nack_position=None, http__envelope="open")
    wanted = reliance.open_questions(relied)
    assert wanted == ["queue.nack_position", "http.envelope"]
    only = tuple(f"probe/{name}" for name in reliance.with_what_they_need(wanted, load()))
    settings = Settings("https://gateway.example", key=KEY, allow_writes=True, only=only)
    plan = make_plan(settings, load(), virtual=False, prices={"queue.create": Price(0.25)})
    assert set(plan.questions) == {"queue.nack_position", "http.envelope", "idempotency.required", "queue.nack_delay"}
    sends = plan.cost.sends["queue.create"]
    assert f"about ${sends * 0.25:.2f}, deleting included" in "\n".join(plan.sentences())
    assert plan.requests < 40


def test_where_nothing_is_open_nothing_is_asked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    relied = relied_on(tmp_path, queue__nack_position="measured")
    out = tmp_path / "gateway.toml"
    assert main(["calibrate", "--target", "http://127.0.0.1:9", "--for", str(relied), "--out", str(out)]) == 0
    assert capsys.readouterr().out == f"{relied} has no open question: nothing was asked, and nothing was written\n"
    assert not out.exists()


def test_a_file_of_tables_or_of_another_version_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "gateway.toml"
    out.write_text('[queue]\nack_unknown = "accept"\n')
    before = out.read_text()
    arguments = ["calibrate", "--target", "http://127.0.0.1:9", "--out", str(out), "--for"]
    assert main([*arguments, str(relied_on(tmp_path, queue__nack_position="open"))]) == 2
    assert main([*arguments, str(relied_on(tmp_path, queue__gone="open"))]) == 2
    told = [line.removeprefix("sched-emulator calibrate: ") for line in capsys.readouterr().err.splitlines()]
    assert told == [
        f"--out: {out} has tables; expected a file that `calibrate` has written, or a new one",
        f"--for: {tmp_path}/relied.json names 'queue.gone', which is no question of this version",
    ]
    assert out.read_text() == before


# --- What no answer sets.


def test_a_target_at_the_defaults_answers_all_that_can_be_probed_and_what_it_chose_otherwise_ends_the_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy_of(tmp_path, *NEGATIONS["http.unknown_parameters"])
    path = tmp_path / "seen.toml"
    with started(tmp_path) as otherwise, otherwise.sandbox(KEY):
        seen = calibrated(otherwise, path)
    unseen = hidden_by(assumptions.defaults())
    assert seen == {name: answer for name, answer in assumptions.defaults().items() if name not in unseen}
    told = path.read_text(encoding="utf-8").rpartition("\n\n")[2]
    does = choices.catalogue()["http.unknown_parameters"].does.rstrip(".")
    assert " ".join(told.replace("#", "").split()).startswith(
        f'Your tests cannot rely on choice/http.unknown_parameters: the emulator goes by "{does}"; came '
    )
    assert "answered 400" in " ".join(told.replace("#", "").split())
    assert "\n1 thing that no answer sets is otherwise" in capsys.readouterr().out


# --- The file.


def exchange(method: str, path: str, body: str | None, status: int | None, response: str, **headers: str) -> Exchange:
    return Exchange(method, f"https://gateway.example{path}", headers, body, status, {}, response)


def test_each_question_stands_in_the_file_with_its_evidence() -> None:
    consumed = exchange("POST", "/v1/scheduling/queue/consume", '{"queue": "q"}', 200, '{"data": "ifr_secret\x00"}')
    moved = exchange("POST", "/_emulator/clock/advance", '{"seconds": 1}', 200, "{}")
    arrived = exchange("ARRIVED", "/hook", "{}", None, "at T", **{"x-infrai-signature": "sha256=00", "accept": "*/*"})
    observations = [
        Observation("queue.nack_position", "back", exchanges=[consumed, consumed, moved, arrived]),
        Observation("queue.nack_delay", None, "the backoff is no time at all"),
        Observation("queue.max_retries", 7),
        Observation("limits.max_messages", 500, bound="at least 500"),
        Observation("limits.batch_messages", 25, bound="at least 25"),
        Observation("cron.timeout_seconds", 3600),
    ]
    text = document(map(finding, observations), target="URL", date="DATE", secret="ifr_secret", requests=9)  # noqa: S106 - no secret
    assert text == (
        "# Observed at URL on DATE by `sched-emulator calibrate`, with 9 requests:\n"
        "# 3 of 6 questions answered; the others are left at their defaults, as comments.\n"
        "# `sched-emulator assumptions explain ID` explains a question;\n"
        "# `sched-emulator serve --assumptions THIS_FILE` answers as below.\n"
        "\n"
        "# Where in a standard queue does a requeued message stand?\n"
        "# Observed, DATE.\n"
        '# Sent (the last of 2): POST /v1/scheduling/queue/consume {"queue": "q"}\n'
        '# Came: 200 {"data": "…\\u0000"}\n'
        "# Arrived at T: {}, x-infrai-signature: sha256=00\n"
        'queue.nack_position = "back"\n'
        "\n"
        "# When is a requeued message available again?\n"
        "# Undetermined: the backoff is no time at all.\n"
        '# queue.nack_delay = "now"\n'
        "\n"
        "# How many nacks does a queue allow that sets no number?\n"
        "# Observed, DATE.\n"
        "queue.max_retries = 7\n"
        "\n"
        "# How many messages may one consume ask for? Beyond it the answer is 400.\n"
        "# A bound: at least 500, DATE.\n"
        "limits.max_messages = 500\n"
        "\n"
        "# How many messages may one batch publish? Beyond it the answer is 400.\n"
        "# A bound: at least 25; the default agrees with it.\n"
        "# limits.batch_messages = 100\n"
        "\n"
        "# After how many seconds does an attempt time out when nothing is set?\n"
        "# Observed 3600, but it is no value that the emulator takes.\n"
        "# cron.timeout_seconds = 300\n"
    )
    assert set(tomllib.loads(text)) == {"queue", "limits"}


def test_every_question_with_its_default_makes_a_file_that_loads(tmp_path: Path) -> None:
    observations = [Observation(name, answer) for name, answer in assumptions.defaults().items()]
    path = tmp_path / "all.toml"
    path.write_text(document(map(finding, observations), target="URL", date="DATE", secret=None, requests=0))
    assert assumptions.parse_answers_toml(path.read_text(encoding="utf-8"), path.name) == assumptions.defaults()


def test_a_long_list_of_deliveries_is_cut() -> None:
    sent = exchange("POST", "/v1/x", None, 200, "")
    arrivals = [exchange("ARRIVED", "/hook", "{}", None, f"at T{number}") for number in range(5)]
    found = finding(Observation("queue.max_retries", 7, exchanges=[sent, *arrivals]))
    lines = document([found], target="URL", date="DATE", secret=None, requests=6).splitlines()
    assert lines[7:] == [
        "# Sent: POST /v1/x",
        "# Came: 200",
        "# Arrived at T0: {}",
        "# Arrived at T1: {}",
        "# Arrived at T2: {}",
        "# … and 2 more",
        "queue.max_retries = 7",
    ]


# --- What is refused.


def test_a_file_to_write_is_asked_for(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["calibrate"]) == 2
    assert main(["calibrate", "--out", str(tmp_path / "none" / "seen.toml")]) == 2
    assert main(["calibrate", "--out", str(tmp_path)]) == 2
    asked, *refused = capsys.readouterr().err.splitlines()
    assert asked == "sched-emulator calibrate: --out: expected the file to write, such as gateway.toml"
    assert [line.rpartition("; ")[2] for line in refused] == ["expected one to write into", "expected a file to write"]


def test_a_target_that_does_not_answer_is_status_2_and_writes_nothing(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    assert main(["calibrate", "--target", url, "--out", str(tmp_path / "seen.toml")]) == 2
    assert capsys.readouterr().err.startswith(f"sched-emulator calibrate: Nothing usable answers at {url}: ")
    assert list(tmp_path.iterdir()) == []
