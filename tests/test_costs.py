"""From what a gateway says of itself to what calls cost in the emulator: `drift --save` and `serve --prices`."""

import json
from pathlib import Path
from typing import Any

import pytest

from sched_emulator import Emulator, EmulatorError
from sched_emulator.cli import main
from tests.gateways import CannedServer, described, served

PUBLISH, LIST = "scheduling.queue.publish", "scheduling.queue.list"


def publish(box: Any, payload: Any) -> None:
    box.client.request("POST", "/v1/scheduling/queue/publish", {"queue": "orders", "payload": {"n": payload}})


@pytest.fixture(scope="module")
def prices(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a gateway says that charges for each message, as it is saved."""
    path = tmp_path_factory.mktemp("prices") / "prices.json"
    copied = described()
    copied[PUBLISH]["billing"] |= {"is_billable": True, "free": False, "price_usd": 0.0004, "unit": "message"}
    with CannedServer(served(copied)) as gateway:
        assert main(["drift", "--target", gateway.url, "--save", str(path)]) == 0
    return path


def test_what_the_gateway_says_is_saved_whole(prices: Path) -> None:
    saved = json.loads(prices.read_text())
    entries = {entry["id"]: entry for entry in saved["capabilities"]}
    assert (saved["version"], saved["target"].partition(":")[0], len(entries)) == ("2", "http", len(described()))
    assert entries[LIST] == described()[LIST]
    assert entries[PUBLISH]["billing"]["price_usd"] == 0.0004


def test_what_was_saved_is_told_but_in_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "free.json"
    with CannedServer(served(described())) as gateway:
        assert main(["drift", "--target", gateway.url, "--save", str(path)]) == 0
        told = capsys.readouterr().out.splitlines()[-1]
        assert told == f"Saved in {path}, with prices of {len(described())} operations, 0 of them above 0."
        assert main(["drift", "--target", gateway.url, "--save", str(path), "--json"]) == 0
        assert json.loads(capsys.readouterr().out)["changes"] == []
        assert main(["drift", "--target", f"{gateway.url}/nowhere", "--save", str(tmp_path / "none")]) == 2
    assert [file.name for file in tmp_path.iterdir()] == ["free.json"]


def test_calls_cost_what_the_gateway_says_and_the_balance_ends(
    prices: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recording = tmp_path / "session.jsonl"
    with Emulator.start(prices=prices, record=recording) as emulator:
        box = emulator.sandbox()
        box.account.balance_usd = 0.001
        publish(box, 1)
        publish(box, 2)
        with pytest.raises(EmulatorError, match=r"^402 INSUFFICIENT_CREDIT: the balance is 0.0002 USD: .* 0.0004 USD"):
            publish(box, 3)
        assert (box.account.spent_usd, box.account.balance_usd) == (0.0008, 0.0002)
        assert box.account.spent() == [{"operation": PUBLISH, "calls": 2, "usd": 0.0008}]
        [first, *_, last] = box.requests()
        assert (first["response"]["metadata"]["cost_usd"], last["response"]["metadata"]["cost_usd"]) == (0.0004, 0)
        box.reset()
        assert (box.account.spent_usd, box.account.spent()) == (0, [])
        publish(box, 4)
    assert main(["replay", str(recording)]) == 0
    assert capsys.readouterr().out.startswith("4 answers and 0 deliveries come out as they were recorded")


def test_without_prices_nobody_is_told_that_nothing_was_spent(emulator: Emulator) -> None:
    with emulator.sandbox() as box:
        publish(box, 1)
        for ask in (lambda: box.account.spent_usd, box.account.spent):
            with pytest.raises(EmulatorError, match=r"^what calls cost is not known: .* without prices"):
                ask()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('{"capabilities": []}', "has no price of an operation; expected what `drift --save` writes"),
        ("[", "is no JSON: Expecting value: line 1 column 2 (char 1)"),
        ("[" * 100_000, "is nested too deeply"),
    ],
)
def test_a_file_without_prices_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, told: str
) -> None:
    path = tmp_path / "prices.json"
    path.write_text(text)
    assert main(["serve", "--port", "0", "--prices", str(path)]) == 2
    assert capsys.readouterr().err == f"sched-emulator serve: --prices: {path} {told}\n"
