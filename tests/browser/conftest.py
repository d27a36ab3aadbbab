"""One browser and one emulator for the tests of the dashboard. The browser is the machine's own Chromium."""

import json
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright

from sched_emulator import Emulator
from tests.emulated import START
from tests.soak import sized

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
AXE = (Path(__file__).parent / "axe.min.js").read_text(encoding="utf-8")
TELLING = re.compile(r"ifr_|sbx_|^(?!http://127\.0\.0\.1:)")
WIDE, NARROW = ViewportSize(width=1200, height=800), ViewportSize(width=400, height=800)


@pytest.fixture(scope="session")
def chromium() -> str:
    if CHROMIUM is None:
        if os.environ.get("BROWSER_TESTS") == "required":
            pytest.fail("there is no Chromium on this machine, and BROWSER_TESTS says that it is required")
        pytest.skip("there is no Chromium on this machine")
    return CHROMIUM


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield launched
        launched.close()


@pytest.fixture(scope="module")
def emulator() -> Iterator[Emulator]:
    """The one emulator of these tests; in the soak its journal holds all that a test makes."""
    with Emulator.start(now=START, journal=sized(10_000, 220_000)) as started:
        yield started


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page in which nothing may go wrong unseen: a script's error, a break of the policy, or what its requests say.

    None goes elsewhere, and no key or id is in the URL of one.
    """
    opened = browser.new_page(viewport=WIDE, color_scheme="light", reduced_motion="reduce")
    wrong: list[str] = []
    opened.on("pageerror", lambda error: wrong.append(str(error)))
    opened.on("console", lambda message: wrong.append(message.text) if "Content Security" in message.text else None)
    opened.on("request", lambda request: wrong.append(request.url) if TELLING.search(request.url) else None)
    yield opened
    opened.close()
    assert wrong == []


@contextmanager
def tasks_ms(page: Page) -> Iterator[list[float]]:
    """Collect how long each task of the page's thread takes of a processor, which is the same on a busy machine."""
    browser = page.context.browser
    assert browser is not None
    browser.start_tracing(page=page, categories=["toplevel", "__metadata"])
    found: list[float] = []
    yield found
    events = json.loads(browser.stop_tracing())["traceEvents"]
    main = {event["tid"] for event in events if event["args"].get("name") == "CrRendererMain"}
    found += [event["tdur"] / 1000 for event in events if event["tid"] in main and "tdur" in event]


def barriers(page: Page, where: str = "document", only: str | None = None) -> list[str]:
    """Return what axe finds serious in a page as it is, or in a part of it; one rule `only`, or all."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE)
    root = where if where == "document" else json.dumps(where)
    rules = {"runOnly": {"type": "rule", "values": [only]}} if only else {}
    results = page.evaluate(f"axe.run({root}, {json.dumps({'resultTypes': ['violations'], **rules})})")
    return [
        f"{item['id']}: {node['html'][:120]}"
        for item in results["violations"]
        if item["impact"] in {"serious", "critical"}
        for node in item["nodes"][:3]
    ]
