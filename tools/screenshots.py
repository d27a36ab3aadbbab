"""Take the screenshots of README and docs: `python -m tools.screenshots`; with a FOLDER, of all panels into it.

A month of a small shop passes in a fresh emulator, with a receiver that fails now and then. Every picture is taken in
both themes and at both widths; README and docs show some of them. It needs Chromium on the machine.
"""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
from playwright.sync_api import Page, ViewportSize, sync_playwright

from sched_emulator import Emulator, Sandbox

ROOT = Path(__file__).parents[1]
SHOP = "https://shop.example"
WIDE, NARROW = ViewportSize(width=1280, height=820), ViewportSize(width=400, height=820)
SHOWN = ("overview-light-wide", "crons-dark-wide", "preview-light-wide", "overview-dark-narrow")
PANELS = (
    *("overview", "crons", "tasks", "queues", "runs", "deliveries", "requests", "outside", "assumptions"),
    *("cost", "preview", "sandboxes"),
)
USD = {"cron.create": 0.01, "task.schedule": 0.002, "queue.publish": 0.0004, "queue.consume": 0.0004, "queue.nack": 0}


def furnish(box: Sandbox) -> None:
    """Let some of everything happen in a sandbox."""
    api = httpx.Client(base_url=box.base_url, headers={"Authorization": f"Bearer {box.api_key}"})

    def call(path: str, **body: object) -> None:
        api.post(path, json=body).raise_for_status()

    box.targets.script(f"{SHOP}/*", 200)
    box.targets.script(f"{SHOP}/jobs/report", [503, 503, 200, 200, 200, 200, 200], then="cycle")
    box.targets.script(f"{SHOP}/jobs/invoices", [500, 200, 200, 200, 200, 200, 200, 200], then="cycle")
    berlin = {"timezone": "Europe/Berlin"}
    call("/cron/create", name="hourly-sync", schedule="0 * * * *", url=f"{SHOP}/jobs/sync")
    call("/cron/create", name="morning-report", schedule="30 7 * * 1-5", url=f"{SHOP}/jobs/report", retries=1, **berlin)
    call("/cron/create", name="invoices", schedule="0 2 * * *", url=f"{SHOP}/jobs/invoices", retries=0, **berlin)
    box.clock.advance(days=2, hours=21, minutes=10)
    call("/task/schedule", name="send-reminder", run_at="2026-03-29T18:45:00Z", task=f"{SHOP}/tasks/reminder")
    for name in ("dead-orders", "orders"):
        settings = {"dead_letter_queue": "dead-orders", "max_retries": 0} if name == "orders" else {}
        call("/queue/create", name=name, type="standard", **settings)
    for number in range(9):
        delay = 1800 if number > 6 else 0
        call("/queue/publish", queue="orders", payload={"order_id": f"o_{number + 100}"}, delay_seconds=delay)
    taken = api.post("/queue/consume", json={"queue": "orders", "max_messages": 3}).json()["data"]["messages"]
    call("/queue/nack", queue="orders", message_id=taken[0]["message_id"], requeue=False)
    box.clock.advance(minutes=55)
    api.post("/queue/consume", json={"queue": "orders", "max_messages": 2, "visibility_timeout": 600})
    api.post("/cron/create", json={"name": "typo", "schedule": "0 25 * * *", "url": f"{SHOP}/x"})
    box.faults.add(operation="queue.*", status=503, times=2)


@contextmanager
def prices() -> Iterator[Path]:
    """Write a file of prices that is gone afterwards."""
    priced = [{"id": f"scheduling.{name}", "billing": {"price_usd": usd}} for name, usd in USD.items()]
    with TemporaryDirectory() as folder:
        file = Path(folder) / "prices.json"
        file.write_text(json.dumps({"capabilities": priced}))
        yield file


def pictures(page: Page, folder: Path, name: str, wanted: tuple[str, ...]) -> None:
    """Take one picture of each panel that is wanted; of all when none is named."""
    for panel in PANELS:
        if wanted and f"{panel}-{name}" not in wanted:
            continue
        page.evaluate("panel => { location.hash = panel }", panel)
        if panel == "preview":
            page.locator(".year rect").first.wait_for()
        page.wait_for_timeout(400)
        page.screenshot(path=folder / f"{panel}-{name}.png")


def main(folder: Path, wanted: tuple[str, ...] = ()) -> None:
    """Take the pictures that are wanted, or all."""
    folder.mkdir(parents=True, exist_ok=True)
    with (
        prices() as file,
        Emulator.start(now="2026-03-26T20:00:00Z", prices=file) as emulator,
        sync_playwright() as playwright,
    ):
        box = emulator.sandbox("ifr_shop")
        box.account.set(1)
        furnish(box)
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium")
        for theme in ("light", "dark"):
            for size, name in ((WIDE, "wide"), (NARROW, "narrow")):
                page = browser.new_page(viewport=size, color_scheme=theme, device_scale_factor=1)
                page.goto(f"{emulator.url}/_emulator/ui/")
                page.get_by_role("status").filter(has_text="Live").wait_for()
                page.get_by_role("button", name="1 d", exact=True).click()
                pictures(page, folder, f"{theme}-{name}", wanted)
                page.close()
        browser.close()


if __name__ == "__main__":
    if len(sys.argv) > 1:
        main(Path(sys.argv[1]))
    else:
        main(ROOT / "docs" / "images", SHOWN)
