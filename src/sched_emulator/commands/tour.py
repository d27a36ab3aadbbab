"""`sched-emulator demo`, the guided tour: the documentation's example, then a month that passes in a moment."""

import argparse
import json
import time
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sched_emulator.client.http import Client
from sched_emulator.client.sandbox import Sandbox

from .options import Commands, Option, add_command
from .terminal import counted, say, styled, table

START = "2026-03-01T00:00:00Z"
ZONE = "America/New_York"
WEEKLY = "https://api.acme.com/weekly"
HANDLER = "https://api.acme.com/order-handler"
REMINDER = "https://api.acme.com/reminder"
API = "/v1/scheduling"

OPTIONS: tuple[Option, ...] = ()
_STYLES = {"delivered": "green", "failed": "red"}


def register(commands: Commands) -> None:
    """Add the command."""
    add_command(
        commands,
        "demo",
        summary="A guided tour: the documentation's example, and a month that passes in a moment.",
        examples="  sched-emulator demo",
        run=run,
        options=OPTIONS,
    )


def run(_values: argparse.Namespace) -> int:
    """Take the tour and return the exit status."""
    from sched_emulator.client.emulator import Emulator  # noqa: PLC0415 - nobody else pays for child processes

    with Emulator.start(now=START, dialect="documented", assume={"http.envelope": "wrapped"}) as emulator:
        box = emulator.sandbox()
        caller = _Caller(box.client)
        _title(f"An emulator runs at {emulator.url}")
        say(f"Its clock stands at {START} and moves only when told to. No request leaves this machine.")
        cron_id = _configure(caller)
        _script(box)
        _let_a_month_pass(box)
        _look_back(caller, cron_id)
    _title("That was all")
    say("`sched-emulator serve` starts an emulator for your own programs; `sched-emulator --help` shows the rest.")
    return 0


class _Caller:
    """Sends API requests and shows them."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def __call__(self, method: str, path: str, body: dict[str, Any] | None = None, *, shown: str = "") -> Any:
        data = self._client.request(method, API + path, body)["data"]
        sent = f" {json.dumps(body)}" if body is not None else ""
        say(f"{styled(method, 'bold')} {API}{path}{sent}")
        say(styled(f"    {shown or json.dumps(data)}", "dim"))
        return data


def _configure(call: _Caller) -> str:
    _title("The documentation's example, request by request")
    created = call("POST", "/cron/create", {"cron_expr": "0 9 * * 1", "task_type": "http_url", "task_url": WEEKLY})
    cron_id: str = created["cron_id"]
    call("GET", "/cron/list")
    call("POST", "/queue/publish", {"queue": "orders", "payload": {"order_id": "o_123"}, "priority": 5})
    call("GET", f"/cron/get/{cron_id}")
    call("PATCH", f"/cron/update/{cron_id}", {})
    call("POST", f"/cron/pause/{cron_id}", {"cron_id": cron_id})
    call("POST", f"/cron/resume/{cron_id}", {"cron_id": cron_id})
    say("(The example deletes the job, too. That comes last here, so that there is something to see.)")
    _title("And a little more, to make the month interesting")
    call("PATCH", f"/cron/update/{cron_id}", {"timezone": ZONE})
    call("POST", "/queue/push_subscribe/orders", {"queue": "orders", "forward_to": HANDLER})
    call("POST", "/task/schedule", {"task": REMINDER, "run_at": "2026-03-20T17:30:00Z"})
    return cron_id


def _script(box: Sandbox) -> None:
    box.targets.script("https://api.acme.com/*", 200)
    box.targets.script(WEEKLY, [503, 200])
    box.targets.script(HANDLER, ["timeout", 200])
    say()
    say("The receivers at api.acme.com are scripted. Two of them fail the first time:")
    say("/weekly answers 503 once, /order-handler does not answer once.")


def _let_a_month_pass(box: Sandbox) -> None:
    _title("31 days pass")
    began = time.perf_counter()
    moved = box.clock.advance(days=31)
    took = time.perf_counter() - began
    zone = ZoneInfo(ZONE)
    rows = [("UTC", f"in {ZONE}", "what", "where", "attempt", "outcome")]
    for entry in box.deliveries():
        at = datetime.fromisoformat(entry["at"])
        outcome = f"{entry['outcome']} {entry.get('status', '')}".rstrip()
        rows.append(
            (
                f"{at:%a %d %b %H:%M:%S}",
                f"{at.astimezone(zone):%a %d %b %H:%M:%S %Z}",
                entry["kind"],
                entry["url"],
                str(entry["attempt"]),
                styled(outcome, _STYLES.get(entry["outcome"], "yellow")),
            )
        )
    table(rows)
    say()
    say(f"It is now {moved['now']}. That took {took * 1000:.0f} ms for {counted(moved['fired'], 'event')}.")
    say("New York's clocks went forward on 8 March: nine o'clock there is 14:00 UTC before and 13:00 UTC after.")


def _look_back(call: _Caller, cron_id: str) -> None:
    _title("What is left of it")
    runs = call(
        "GET", "/run/list", shown="every run, the one made last first (the task's was made when it was scheduled):"
    )["items"]
    table([(f"    {run['run_id']}", run["state"], run.get("started_at", "")) for run in runs])
    call("GET", "/queue/stats/orders")
    call("DELETE", f"/cron/delete/{cron_id}")


def _title(text: str) -> None:
    say()
    say(styled(text, "bold"))
