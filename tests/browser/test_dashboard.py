"""The dashboard as people use it, in a real browser: every panel and button, live, by mouse and by keyboard.

And the reports, which have its look: a browser of their own would cost more than they do.
"""

import json
import re
import socket
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, expect

from sched_emulator import Emulator, Sandbox
from sched_emulator.output.page import page as report
from sched_emulator.output.page import table
from tests.browser.conftest import NARROW, barriers, tasks_ms
from tests.emulated import START
from tests.soak import sized

pytestmark = pytest.mark.xdist_group("browser")
PANELS = (
    *("Overview", "Crons", "Tasks", "Queues", "Runs", "Deliveries", "Requests", "Targets & faults", "Assumptions"),
    *("Cost", "Preview", "Sandboxes"),
)
LONG_MS = 200
DRAWN = "new Promise(done => requestAnimationFrame(() => setTimeout(done)))"
EVIL = "<script>window.stolen = 1</script><img src=x onerror='window.stolen = 1'>"
HOURLY = {"name": "hourly", "schedule": "0 * * * *", "url": "https://api.acme.com/hourly"}


def call(box: Sandbox, path: str, **body: Any) -> Any:
    answer = httpx.post(f"{box.base_url}/{path}", json=body, headers={"Authorization": f"Bearer {box.api_key}"})
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]


@pytest.fixture
def box(emulator: Emulator) -> Sandbox:
    """The one sandbox there is, as new."""
    for other in emulator.sandboxes():
        emulator.sandbox(other["key"]).delete()
    return emulator.sandbox("ifr_look")


def look(page: Page, emulator: Emulator, panel: str = "overview") -> None:
    page.goto(f"{emulator.url}/_emulator/ui/#{panel}")
    expect(page.locator(".status.live")).to_be_visible()


def go(page: Page, panel: str) -> Any:
    page.get_by_role("navigation").get_by_role("link", name=re.compile(f"^{panel}")).click()
    return page.locator("main")


def test_the_address_that_is_printed_leads_a_browser_to_the_dashboard(page: Page, emulator: Emulator) -> None:
    page.goto(f"{emulator.url}/v1/scheduling")
    expect(page).to_have_url(f"{emulator.url}/_emulator/ui/")
    expect(page.get_by_role("heading", name="sched-emulator")).to_be_visible()


def test_an_empty_sandbox_shows_what_to_paste_and_then_what_happens(
    page: Page, emulator: Emulator, box: Sandbox
) -> None:
    box.delete()
    page.goto(f"{emulator.url}/_emulator/ui/")
    for language, text in (("curl", "curl http"), ("Python", "urllib"), ("Node", "await fetch")):
        page.get_by_role("tab", name=language).click()
        expect(page.get_by_role("tabpanel")).to_contain_text(text)
    page.get_by_role("button", name="Make a sandbox for ifr_local").click()
    expect(page.locator(".instant")).to_contain_text("00:00:00")
    call(emulator.sandbox("ifr_local"), "cron/create", **HOURLY)
    expect(page.get_by_role("listbox", name="What happened")).to_contain_text("cron.create")
    expect(page.locator(".coming")).to_contain_text("fire of hourly")
    expect(page.locator(".next")).to_have_text("Next: fire of hourly in 1 h")


def test_each_button_of_the_clock_moves_it(page: Page, emulator: Emulator, box: Sandbox) -> None:
    box.targets.script("*", 200)
    call(box, "cron/create", **HOURLY)
    look(page, emulator)
    time = page.locator(".instant")
    for button, shown in (
        ("Next event", "01:00:00"),
        ("+1 min", "01:01:00"),
        ("+1 h", "02:01:00"),
        ("+1 d", "02:01:00"),
        ("+1 w", "02:01:00"),
    ):
        page.get_by_role("button", name=button, exact=True).click()
        expect(time).to_contain_text(shown)
    expect(time).to_contain_text("Fri, 9 Jan 2026")
    field = page.get_by_label("Duration or instant")
    for typed, shown in (("90m", "03:31:00"), ("2026-02-01T12:00Z", "12:00:00")):
        field.fill(typed)
        page.get_by_role("button", name="Go").click()
        expect(time).to_contain_text(shown)
    field.fill("yesterday")
    field.press("Enter")
    expect(page.locator(".toasts .bad")).to_contain_text("'yesterday' is no duration")
    page.get_by_label("Time zone shown").select_option("America/New_York")
    expect(time).to_contain_text("07:00:00")
    for button, mode in (("60×", "running 60×"), ("Run", "running"), ("Freeze", "frozen")):
        page.get_by_role("button", name=button, exact=True).click()
        expect(page.locator(".mode")).to_have_text(mode)


def test_now_is_dragged_to_the_right_to_let_time_pass(page: Page, emulator: Emulator, box: Sandbox) -> None:
    box.targets.script("*", 200)
    call(box, "cron/create", **HOURLY)
    look(page, emulator)
    handle = page.get_by_role("slider")
    place = handle.bounding_box()
    assert place is not None
    x, y = place["x"], place["y"] + 40
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 150, y, steps=4)
    expect(page.locator(".goal")).to_contain_text("let time pass to")
    page.mouse.move(x + 450, y, steps=4)
    page.mouse.up()
    expect(page.locator(".instant")).to_contain_text(re.compile("0[12]:"))
    assert box.clock.now.hour == 2  # six hours are as wide as the timeline, 1,072 pixels
    assert len(box.deliveries()) == 2
    handle.press("ArrowRight")
    expect(page.locator(".instant")).not_to_contain_text("02:15:00")


def seen(page: Page) -> tuple[datetime, datetime]:
    """Return from when to when the timeline shows."""
    label = page.locator("canvas").get_attribute("aria-label") or ""
    start, end = (
        datetime.strptime(text + "+0000", "%d %b %Y %H:%M:%S%z")
        for text in re.findall(r"\d+ \w{3} \d{4} [\d:]{8}", label.replace("Sept", "Sep"))
    )
    return start, end


def seen_after(page: Page, act: Callable[[], None]) -> tuple[datetime, datetime]:
    """Return what the timeline shows once that has changed it."""
    label = page.locator("canvas").get_attribute("aria-label") or ""
    act()
    expect(page.locator("canvas")).not_to_have_attribute("aria-label", label)
    return seen(page)


def hours(shown: tuple[datetime, datetime]) -> float:
    return (shown[1] - shown[0]).total_seconds() / 3600


@pytest.mark.usefixtures("box")
def test_the_wheel_zooms_the_timeline_from_minutes_to_a_year_where_it_points(page: Page, emulator: Emulator) -> None:
    look(page, emulator)
    page.locator("canvas").hover(position={"x": 804, "y": 40})  # at three quarters of what is seen

    def wheel(x: float, y: float) -> tuple[datetime, datetime]:
        return seen_after(page, lambda: page.mouse.wheel(x, y))

    start, end = wheel(200, 0)
    pointed = start + (end - start) * 0.75
    start, end = shown = wheel(0, -60)
    assert 4.4 < hours(shown) < 4.5  # six hours by exp(-0.3)
    assert abs(start + (end - start) * 0.75 - pointed) < timedelta(seconds=5)
    while hours(shown) > 5 / 60:
        shown = wheel(0, -60)
    while hours(shown) < 366 * 24:
        shown = wheel(0, 60)


def test_a_day_of_a_change_of_the_clocks_is_marked_from_midnight_to_midnight(
    page: Page, emulator: Emulator, box: Sandbox
) -> None:
    look(page, emulator)
    page.get_by_label("Time zone shown").select_option("Europe/Berlin")
    page.get_by_role("button", name="1 w", exact=True).click()
    marked = []
    for now in (datetime(2026, 3, 29, 12, tzinfo=UTC), datetime(2026, 10, 25, 12, tzinfo=UTC)):
        box.clock.set(now)
        expect(page.locator(".second")).to_contain_text(f"{now:%b} 2026 12:00:00 UTC")
        tinted = page.locator("canvas").evaluate(
            """async canvas => {
                await new Promise(done => requestAnimationFrame(() => setTimeout(done)));
                const row = canvas.getContext("2d").getImageData(0, 23, canvas.width, 1).data;
                const found = [...Array(canvas.width).keys()].filter(x => row[4 * x] - row[4 * x + 2] > 60);
                return [found[0] / canvas.width, (found.at(-1) + 1) / canvas.width];
            }"""
        )
        begins, ends = (now + timedelta(days=7) * (x - 0.38) + timedelta(minutes=30) for x in tinted)
        marked.append(f"{begins:%d %H} to {ends:%d %H}")
    assert marked == ["28 23 to 29 22", "24 22 to 25 23"]  # of 23 and of 25 hours


def test_marks_at_the_same_instant_are_listed(page: Page, emulator: Emulator, box: Sandbox) -> None:
    box.targets.script("*", [200, 500])
    for number in (1, 2):
        call(box, "cron/create", name="twin", schedule="0 * * * *", url=f"https://api.acme.com/{number}", retries=0)
    box.clock.advance(hours=1)
    look(page, emulator)
    expect(page.locator(".lanes")).to_have_text("twinrequests")
    page.evaluate(DRAWN)
    handle = page.get_by_role("slider").bounding_box()  # they lie behind that of now
    assert handle is not None
    page.mouse.click(handle["x"], handle["y"] + 37)
    together = page.get_by_role("dialog", name="2 at once")
    expect(together.get_by_role("listitem")).to_have_text([re.compile("twin.*200"), re.compile("twin.*500")])
    together.get_by_role("button").last.click()
    expect(page.get_by_role("dialog", name="cron · /2")).to_contain_text("HTTP 500")


@pytest.mark.usefixtures("box")
def test_two_fingers_zoom_the_timeline(page: Page, emulator: Emulator) -> None:
    look(page, emulator)
    place = page.locator("canvas").bounding_box()
    assert place is not None
    touch = page.context.new_cdp_session(page)

    def fingers(kind: str, *xs: int) -> None:
        points = [{"x": x, "y": place["y"] + 40, "id": index} for index, x in enumerate(xs)]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    fingers("touchStart", 500, 600)
    for apart in (110, 130, 160, 200):
        shown = seen_after(page, partial(fingers, "touchMove", 550 - apart // 2, 550 + apart // 2))
    fingers("touchEnd")
    assert 2.9 < hours(shown) < 3.1  # twice as far apart
    page.locator("canvas").hover()
    page.keyboard.down("Control")  # so a touchpad tells of two fingers
    shown = seen_after(page, lambda: page.mouse.wheel(0, -35))
    assert 1.4 < hours(shown) < 1.6


def test_what_is_stored_stays_text_wherever_it_is_shown(page: Page, emulator: Emulator, box: Sandbox) -> None:
    box.targets.script("*", [200, {"status": 500, "body": EVIL, "headers": {"X-Evil": EVIL}}])
    call(box, "cron/create", name=EVIL, schedule="0 * * * *", url="https://api.acme.com/x", payload={"x": EVIL})
    call(box, "task/schedule", name=EVIL, run_at="2026-01-02T00:00:00Z", task="https://api.acme.com/y")
    call(box, "queue/publish", queue="q", payload={"x": EVIL})
    box.faults.add(operation="queue.*", code=EVIL)
    box.clock.advance(hours=2)
    look(page, emulator)
    for panel in PANELS:
        go(page, panel)
        expect(page.locator("main")).not_to_be_empty()
    go(page, "Crons")
    expect(page.locator(".card h3")).to_have_text(EVIL)
    go(page, "Queues").get_by_role("button", name="Peek").click()
    expect(page.locator("td.payload")).to_contain_text("<script>")
    go(page, "Deliveries").locator(".row").first.click()
    expect(page.get_by_role("dialog")).to_contain_text("<script>")
    assert page.evaluate("window.stolen") is None
    assert page.evaluate("document.querySelectorAll('main script, main img, aside script, aside img').length") == 0


def test_crons_are_paused_resumed_triggered_and_previewed(page: Page, emulator: Emulator, box: Sandbox) -> None:
    box.targets.script("*", [200, 500, 200])
    call(box, "cron/create", **HOURLY, retries=0)
    box.clock.advance(hours=3)
    look(page, emulator, "crons")
    main = page.locator("main")
    expect(main.locator(".rate")).to_have_text("67 %")
    expect(main.locator(".fires .due")).to_have_count(5)
    main.get_by_role("button", name="Pause hourly").click()
    expect(main.get_by_text("paused")).to_be_visible()
    main.get_by_role("button", name="Resume hourly").click()
    main.get_by_role("button", name="Trigger now hourly").click()
    expect(main.get_by_text("1 under way")).to_be_visible()
    page.get_by_role("button", name="Next event").click()
    expect(main.locator(".fires .good")).to_have_count(3)
    main.get_by_role("button", name="Preview hourly").click()
    expect(main.locator(".year rect")).to_have_count(366)
    expect(main).to_contain_text("8,784 fires in 366 days")


def test_queues_are_peeked_published_redriven_and_purged(page: Page, emulator: Emulator, box: Sandbox) -> None:
    call(box, "queue/create", name="q", type="standard", max_retries=0)
    call(box, "queue/publish", queue="q", payload={"n": 1})
    [taken] = call(box, "queue/consume", queue="q")["messages"]
    call(box, "queue/nack", queue="q", message_id=taken["message_id"], requeue=False)
    look(page, emulator, "queues")
    main = page.locator("main")
    expect(main.get_by_role("img")).to_have_attribute("aria-label", "0 available, 0 delayed, 0 in flight, 1 dead")
    main.get_by_role("button", name="Redrive q").click()
    expect(main.get_by_role("img")).to_have_attribute("aria-label", "1 available, 0 delayed, 0 in flight, 0 dead")
    main.get_by_role("button", name="Publish q").click()
    payload = main.get_by_label("Payload (JSON object)")
    payload.fill("not json")
    main.get_by_role("button", name="Publish", exact=True).click()
    expect(main.locator(".alert")).to_have_text("The payload must be a JSON object.")
    payload.fill('{"n": 2}')
    main.get_by_label("Delay in seconds").fill("60")
    main.get_by_role("button", name="Publish", exact=True).click()
    expect(main.locator(".facts").last).to_contain_text("changes in 1 min")
    main.get_by_role("button", name="Peek q").click()
    expect(main.locator("tbody tr")).to_have_count(2)
    expect(main.locator("tbody")).to_contain_text("in 1 min")
    main.get_by_role("button", name="Purge").click()
    main.get_by_role("button", name="Yes, purge").click()
    expect(main.get_by_role("img")).to_have_attribute("aria-label", "0 available, 0 delayed, 0 in flight, 0 dead")


def test_a_delivery_is_shown_with_its_answer_and_all_attempts(page: Page, emulator: Emulator, box: Sandbox) -> None:
    box.targets.script("*", [{"status": 503, "body": "busy"}, 200])
    call(
        box, "task/schedule", task="https://api.acme.com/once", run_at="2026-01-01T00:30:00Z", secret="whsec_x", retry=1
    )
    box.clock.advance(hours=1)
    look(page, emulator, "deliveries")
    page.locator("main").get_by_role("button", name="Failed").click()
    page.locator(".row").click()
    detail = page.get_by_role("dialog")
    for text in ("503", "busy", "Signed: x-infrai-signature", "#2"):
        expect(detail).to_contain_text(text)
    detail.get_by_role("button", name="Copy as curl").click()
    expect(detail.get_by_role("button", name="Copied")).to_be_visible()
    page.keyboard.press("Escape")
    expect(detail).to_have_count(0)
    go(page, "Runs").locator(".row").click()
    expect(page.get_by_role("dialog")).to_contain_text("https://api.acme.com/once")


WHSEC = "whsec_c2VjcmV0IG9mIHRoZSByZWNlaXZlcg"


def test_a_secret_is_checked_against_the_bytes_that_were_signed_and_goes_nowhere(
    page: Page, emulator: Emulator, box: Sandbox
) -> None:
    sent: list[str] = []
    page.on("request", lambda request: sent.append(f"{request.url} {request.all_headers()} {request.post_data}"))
    payload = '{"10":1.0,"2":9007199254740993,"body":"\\u00fc \\"body\\":","e":1E+2}'
    for scheme in ("x-infrai-signature", "x-infrai-timestamp", "standard-webhooks"):
        box.assumptions.set({"signature.scheme": scheme})
        task = {"task": "https://api.acme.com/x", "secret": WHSEC, "run_at": box.clock.now.isoformat()}
        text = json.dumps({**task, "headers": {"body": "b"}})[:-1] + f', "payload": {payload}}}'
        headers = {"Authorization": f"Bearer {box.api_key}", "Content-Type": "application/json"}
        assert httpx.post(f"{box.base_url}/task/schedule", content=text, headers=headers).status_code == 200
        box.clock.advance(seconds=1)
    call(box, "task/schedule", task="https://api.acme.com/unsigned", run_at=box.clock.now.isoformat())
    box.clock.advance(seconds=1)
    look(page, emulator, "deliveries")
    rows, detail, said = (
        page.locator(".row"),
        page.get_by_role("dialog"),
        page.get_by_role("dialog").get_by_role("status"),
    )
    rows.nth(0).click()
    expect(detail).to_contain_text("No signature header.")
    for number, header in ((1, "webhook-signature"), (2, "x-infrai-signature"), (3, "x-infrai-signature")):
        page.keyboard.press("Escape")
        rows.nth(number).click()
        expect(detail).to_contain_text(f"Signed: {header}.")
        field = detail.get_by_label("The secret that your receiver uses")
        field.fill(WHSEC)
        expect(said).to_have_text("This secret signs it")
        field.fill("whsec_c2VjcmV0")
        expect(said).to_have_text("Another secret was used")
        field.fill("whsec_ü")
        expect(said).to_have_text("No base64 behind whsec_" if number == 1 else "Another secret was used")
        field.fill("")
        expect(said).to_be_empty()
    kept = page.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie])")
    assert [text for text in (*sent, kept) if "c2VjcmV0" in text] == []


def test_a_page_that_cannot_check_signatures_says_where_it_could(page: Page, emulator: Emulator, box: Sandbox) -> None:
    call(box, "task/schedule", task="https://api.acme.com/x", secret="s", run_at=box.clock.now.isoformat())
    box.clock.advance(seconds=1)
    page.add_init_script("Object.defineProperty(crypto, 'subtle', {value: undefined})")
    look(page, emulator, "deliveries")
    page.locator(".row").click()
    expect(page.get_by_role("dialog")).to_contain_text("only for pages from 127.0.0.1, localhost or https")
    expect(page.get_by_role("dialog").get_by_role("textbox")).to_have_count(0)


def test_requests_are_filtered_and_show_what_was_ignored(page: Page, emulator: Emulator, box: Sandbox) -> None:
    call(box, "queue/publish", queue="q", payload={}, message_group_id="x")
    call(box, "queue/publish", queue="other", payload={})
    httpx.get(f"{box.base_url}/queue/stats/nobody", headers={"Authorization": f"Bearer {box.api_key}"})
    look(page, emulator, "requests")
    main = page.locator("main")
    expect(main.locator(".row")).to_have_count(3)
    main.get_by_role("button", name="Failed").click()
    expect(main.locator(".count")).to_have_text("1 of 3")
    main.get_by_role("button", name="All", exact=True).click()
    main.get_by_label("Operation").select_option("scheduling.queue.publish")
    expect(main.locator(".count")).to_have_text("2 of 3")
    main.get_by_label("Filter by text").fill("group")
    expect(main.locator(".count")).to_have_text("1 of 3")
    main.locator(".row").click()
    expect(page.get_by_role("dialog")).to_contain_text("Had no effect: message_group_id")
    met = page.get_by_role("dialog").locator(".plain li")
    expect(met.filter(has_text="queue.publish_unknown")).to_contain_text("create")
    expect(met.filter(has_text="http.unknown_fields")).to_contain_text("ignore")
    assert [name for name in met.locator("code").all_inner_texts() if name.startswith("cron.")] == []


def test_receivers_are_scripted_and_requests_made_to_fail(page: Page, emulator: Emulator, box: Sandbox) -> None:
    call(box, "cron/create", **HOURLY)
    look(page, emulator, "outside")
    main = page.locator("main")
    main.get_by_role("button", name="503 for the next five").click()
    expect(main.get_by_text("5× 503, 200")).to_be_visible()
    main.get_by_label("Answers").fill("timeout 200")
    main.get_by_role("button", name="Script it").click()
    expect(main.get_by_text("timeout, 200")).to_be_visible()
    main.get_by_role("button", name="Add fault").click()
    expect(main.get_by_role("region", name="Never met by anything")).to_contain_text("fault")
    assert [fault["status"] for fault in box.faults.list()] == [503]
    page.get_by_role("button", name="Next event").click()
    expect(main.get_by_text("met once")).to_be_visible()
    for what in ("Scripted receivers", "Faults"):
        main.get_by_role("button", name=f"Clear all: {what}").click()
    expect(main.get_by_text("No faults.")).to_be_visible()


def test_an_assumption_is_proved_and_switched(page: Page, emulator: Emulator, box: Sandbox) -> None:
    call(box, "queue/publish", queue="implicit", payload={})
    look(page, emulator, "assumptions")
    main = page.locator("main")
    main.get_by_role("button", name="Prove it").click()
    expect(main.locator(".proofs")).to_contain_text("queue.publish_unknown")
    main.get_by_label("Search").fill("publish_unknown")
    chosen = main.get_by_role("combobox")
    chosen.select_option(index=1)
    expect(main.get_by_text("switched")).to_be_visible()
    assert box.assumptions.get()["queue.publish_unknown"] == chosen.input_value()


def test_without_prices_the_cost_panel_says_how_to_get_them_and_sets_a_balance(
    page: Page, emulator: Emulator, box: Sandbox
) -> None:
    look(page, emulator, "cost")
    spent = page.get_by_role("region", name="What calls have cost")
    expect(spent.locator("pre")).to_have_text(
        [
            "sched-emulator drift --target https://api.infrai.cc --save prices.json",
            "sched-emulator serve --prices prices.json",
        ]
    )
    balance = page.get_by_role("region", name="Balance")
    figure = balance.locator(".figure")
    expect(figure).to_have_text("No limit")
    balance.get_by_label("Balance in US dollars").fill("0")
    balance.get_by_role("button", name="Set").click()
    expect(figure).to_have_text("$0.00 used up")
    assert box.account.balance_usd == 0
    balance.get_by_role("button", name="No limit").click()
    expect(figure).to_have_text("No limit")


def test_what_calls_cost_is_added_up_by_operation_as_it_happens(page: Page, tmp_path: Path) -> None:
    usd = {"cron.create": 0.01, "queue.publish": 0.0004, "queue.stats": 0}
    priced = [{"id": f"scheduling.{name}", "billing": {"price_usd": price}} for name, price in usd.items()]
    prices = tmp_path / "prices.json"
    prices.write_text(json.dumps({"capabilities": priced}))
    with Emulator.start(now=START, prices=prices) as emulator:
        box = emulator.sandbox("ifr_look")
        box.account.set(1)
        look(page, emulator, "cost")
        spent = page.get_by_role("region", name="What calls have cost")
        expect(spent).to_contain_text("Nothing yet")
        call(box, "cron/create", **HOURLY)
        for number in range(3):
            call(box, "queue/publish", queue="q", payload={"n": number})
        httpx.get(f"{box.base_url}/queue/stats/q", headers={"Authorization": f"Bearer {box.api_key}"})
        expect(spent.locator(".figure")).to_have_text("$0.0112 for 5 calls")
        expect(spent.locator("tbody tr")).to_have_text(
            ["cron.create1$0.01", "queue.publish3$0.0012", "queue.stats1free"]
        )
        expect(page.get_by_role("region", name="Balance").locator(".figure")).to_have_text("$0.9888")
        schedule = {"schedule": HOURLY["schedule"]}
        look_ahead = {"schedules": [schedule], "from": box.clock.now.isoformat(), "days": 31}
        told = httpx.post(f"{emulator.url}/_emulator/schedules", json=look_ahead).json()
        ahead = page.get_by_role("region", name="What 31 days of these crons would cost")
        expect(ahead.locator("tbody tr")).to_have_text(["hourly744$0.01"] if "cost_usd" in told else [])


def test_a_schedule_is_drawn_before_it_runs(page: Page, emulator: Emulator, box: Sandbox) -> None:
    call(box, "cron/create", **HOURLY)
    call(box, "cron/create", name="daily", schedule="0 9 * * *", url="https://api.acme.com/d")
    look(page, emulator, "preview")
    main = page.locator("main")
    main.get_by_label("Cron expression").fill("30 2 * * *")
    main.get_by_label("Time zone").select_option("Europe/Berlin")
    main.get_by_role("button", name="Show").click()
    expect(main.locator(".year rect.shift")).to_have_count(2)
    expect(main.get_by_role("region", name="Around a change of the clocks")).to_contain_text("clocks forward 1 h")
    main.locator(".year rect", has_text=re.compile("15 Jun 2026")).click()
    expect(main.get_by_role("heading", name="June 2026")).to_be_visible()
    expect(main.get_by_role("region", name="The month").locator("i")).to_have_count(30)
    main.get_by_label("Cron expression").fill("61 * * * *")
    main.get_by_role("button", name="Show").click()
    expect(main.get_by_role("alert")).to_contain_text("minute: '61' is out of range")
    main.get_by_role("button", name="Look for meetings").click()
    expect(main.get_by_text("31 meetings in 31 days")).to_be_visible()


def test_sandboxes_are_emulator_reset_and_forgotten(page: Page, emulator: Emulator, box: Sandbox) -> None:
    call(box, "queue/publish", queue="q", payload={})
    other = emulator.sandbox("ifr_other")
    call(other, "cron/create", **HOURLY)
    page.add_init_script("localStorage.setItem('sched-emulator.key', 'ifr_look')")
    look(page, emulator, "sandboxes")
    main = page.locator("main")
    main.get_by_role("button", name="Look at it: ifr_other").click()
    expect(page.locator(".next")).to_contain_text("hourly")
    row = main.get_by_role("row", name=re.compile("ifr_other"))
    for button in ("Reset", "Forget"):
        row.get_by_role("button", name=button).click()
        row.get_by_role("button", name="Yes").click()
        expect(page.locator(".next") if button == "Reset" else row).to_have_count(1 if button == "Reset" else 0)
    assert [item["key"] for item in emulator.sandboxes()] == ["ifr_look"]


def test_all_is_done_by_keyboard_alone(page: Page, emulator: Emulator, box: Sandbox) -> None:
    box.targets.script("*", 200)
    call(box, "cron/create", **HOURLY)
    look(page, emulator)
    keys = page.keyboard
    keys.press("?")
    expect(page.get_by_role("dialog", name="Keyboard")).to_be_visible()
    keys.press("Escape")
    keys.press("Space")
    expect(page.locator(".instant")).to_contain_text("01:00:00")
    keys.press("Shift+ArrowRight")
    expect(page.locator(".instant")).to_contain_text("02:00:00")
    keys.press("g")
    keys.type("1d")
    keys.press("Enter")
    expect(page.locator(".instant")).to_contain_text("Fri, 2 Jan 2026")
    keys.press("Escape")
    keys.press("6")
    page.get_by_role("listbox", name="Deliveries").focus()
    keys.press("ArrowDown")
    keys.press("Enter")
    expect(page.get_by_role("dialog")).to_contain_text("api.acme.com/hourly")
    keys.press("Escape")
    expect(page.get_by_role("listbox", name="Deliveries")).to_be_focused()
    keys.press("f")
    expect(page.locator(".mode")).to_have_text("running")


@pytest.mark.usefixtures("box")
def test_keys_zoom_and_move_the_timeline(page: Page, emulator: Emulator) -> None:
    look(page, emulator)
    following = page.get_by_role("button", name="Follow now")
    before, moved = seen(page), []
    for key in ("ArrowRight", "ArrowLeft", "ArrowLeft", "0"):
        shown = seen_after(page, partial(page.keyboard.press, key))
        expect(following).to_have_attribute("aria-pressed", str(key == "0").lower())
        moved.append((shown[0] - before[0]) / (before[1] - before[0]))
    assert moved == [0.15, 0, -0.15, 0]
    zoomed = [seen_after(page, partial(page.keyboard.press, key)) for key in ("+", "=", "-", "-", "-")]
    assert [round(hours(shown), 1) for shown in zoomed] == [3.6, 2.2, 3.5, 5.5, 8.8]


def test_five_thousand_deliveries_come_in_without_a_long_task(page: Page, emulator: Emulator, box: Sandbox) -> None:
    box.targets.script("*", 200)
    call(box, "cron/create", name="often", schedule="* * * * *", url="https://api.acme.com/often")
    look(page, emulator)
    with tasks_ms(page) as tasks:
        box.clock.advance(seconds=60 * 5000)
        expect(page.locator("nav a", has_text="Deliveries").locator(".n")).to_have_text("5000")
        go(page, "Deliveries")
        page.get_by_role("listbox").evaluate("list => { list.scrollTop = list.scrollHeight / 2 }")
        expect(page.locator(".row").first).to_be_attached()
        assert page.locator(".row").count() < 60
    assert tasks
    assert [task for task in tasks if task > LONG_MS] == []


def ask_for(emulator: Emulator, box: Sandbox, numbers: range) -> None:
    """Send so many requests in one go, and read their answers."""
    host = emulator.url.removeprefix("http://")
    head = f"POST /v1/scheduling/queue/publish HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {box.api_key}\r\n"
    with socket.create_connection((host.partition(":")[0], int(host.partition(":")[2]))) as connection:
        answers = connection.makefile("rb")
        for number in numbers:
            body = json.dumps({"queue": f"q{number % 7}", "payload": {"text": f"order {number % 1000}"}})
            kind = f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
            connection.sendall((head + kind + body).encode())
            if number % 100 == 99:  # so many are answered at once
                for _ in range(100):
                    lengths = [
                        line for line in iter(answers.readline, b"\r\n") if line.lower().startswith(b"content-length")
                    ]
                    answers.read(int(lengths[0].split()[1]))


@pytest.mark.soak
def test_many_requests_are_browsed_without_a_long_task(page: Page, emulator: Emulator, box: Sandbox) -> None:
    count = sized(1000, 100_000)
    ask_for(emulator, box, range(count // 2))
    look(page, emulator, "requests")
    main = page.locator("main")
    with tasks_ms(page) as tasks:
        ask_for(emulator, box, range(count // 2, count))
        expect(main.locator(".count")).to_have_text(str(count))
        main.get_by_label("Filter by text").press_sequentially("order 77")
        expect(main.locator(".count")).to_have_text(f"{count * 11 // 1000} of {count}")  # 77 and 770 to 779
        ask_for(emulator, box, range(count, count + 1000))
        expect(main.locator(".count")).to_have_text(f"{count * 11 // 1000 + 11} of {count + 1000}")
        main.get_by_role("button", name="Failed").click()
        expect(main.locator(".count")).to_have_text(f"0 of {count + 1000}")
        main.get_by_role("button", name="All", exact=True).click()
        main.get_by_label("Operation").select_option("scheduling.queue.publish")
        main.get_by_label("Filter by text").fill("")
        expect(main.locator(".count")).to_have_text(f"{count + 1000}")
        main.get_by_role("listbox").evaluate("list => { list.scrollTop = list.scrollHeight / 2 }")
        main.locator(".row").nth(9).click()
        expect(page.get_by_role("dialog")).to_contain_text("order")
    assert tasks
    assert [task for task in tasks if task > LONG_MS] == []


def test_no_serious_barrier_is_found_in_any_panel_in_either_theme(page: Page, emulator: Emulator, box: Sandbox) -> None:
    box.targets.script("*", [200, 500])
    call(box, "cron/create", **HOURLY)
    call(box, "task/schedule", task="https://api.acme.com/y", run_at="2026-01-02T00:00:00Z")
    call(box, "queue/publish", queue="q", payload={"n": 1})
    box.clock.advance(hours=5)
    look(page, emulator)
    found = {"Page": [*barriers(page), *barriers_in_the_dark(page, "document")]}
    for panel in PANELS:
        go(page, panel)
        found[panel] = [*barriers(page, "main"), *barriers_in_the_dark(page, "main")]
    go(page, "Deliveries").locator(".row").first.click()
    expect(page.get_by_role("dialog")).to_be_visible()
    found["Detail"] = [*barriers(page, ".detail"), *barriers_in_the_dark(page, ".detail")]
    assert {panel: wrong for panel, wrong in found.items() if wrong} == {}


def barriers_in_the_dark(page: Page, where: str) -> list[str]:
    """Return what is serious in the other theme: its colours."""
    page.emulate_media(color_scheme="dark")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    found = barriers(page, where, only="color-contrast")
    page.emulate_media(color_scheme="light")
    expect(page.locator("html")).to_have_attribute("data-theme", "light")
    return found


def test_four_hundred_pixels_are_wide_enough_for_all_of_it(page: Page, emulator: Emulator, box: Sandbox) -> None:
    call(box, "cron/create", **HOURLY)
    call(box, "queue/publish", queue="q", payload={"n": 1})
    box.targets.script("*", 200)
    box.clock.advance(hours=30)
    page.set_viewport_size(NARROW)
    look(page, emulator)
    for panel in PANELS:
        main = go(page, panel)
        if panel == "Queues":
            main.get_by_role("button", name="Peek q").click()
            expect(main.locator("td.payload")).to_have_text('{"n":1}')
        wider = page.locator("main .wide:not(:has(svg))").evaluate_all(
            "all => all.filter(one => one.scrollWidth > one.clientWidth).length"
        )
        assert (page.evaluate("document.documentElement.scrollWidth") <= 400, wider) == (True, 0), panel
    strip = go(page, "Crons").locator(".fires")
    expect(strip.locator(".good")).to_have_count(30)
    assert strip.evaluate("strip => strip.scrollWidth - strip.clientWidth") == 0  # what is due is seen, too
    page.get_by_role("button", name="+1 min").click()
    expect(page.locator(".instant")).to_contain_text("06:01:00")


def test_the_page_resumes_after_a_restart(page: Page) -> None:
    with Emulator.start(now=START) as first:
        call(first.sandbox("ifr_look"), "queue/publish", queue="q", payload={})
        look(page, first)
        port = int(first.url.rpartition(":")[2])
    expect(page.locator(".status.lost")).to_be_visible()
    with Emulator.start(now="2027-05-05T00:00:00Z", port=port) as second:
        call(second.sandbox("ifr_look"), "cron/create", **HOURLY)
        expect(page.locator(".instant")).to_contain_text("5 May 2027")
        expect(page.get_by_role("listbox", name="What happened").get_by_role("option")).to_have_count(1)


ROW = "<tr><th><code>queue.consume.result_key</code></th><td><b>messages</b></td><td>not items: line 8</td></tr>"
ANSWERS = table("Answers", ["<tr><th>Question</th><th>Answer</th><th>Why</th></tr>", ROW])
MATRIX = table(
    "Aspects", [f"<tr><th></th>{'<th>documented examples</th>' * 6}</tr>", "<tr><th>a</th><td>1</td></tr>"], "matrix"
)
VERDICTS = "".join(f'<p class="verdict {kind}">So it is.</p>' for kind in ("good", "bad", "unsure"))
FINDING = (
    '<section class="failure failed"><h3><code>a</code> b</h3><p>why</p><dl><dt>Came</dt><dd>1</dd></dl></section>'
)


def test_a_report_is_read_in_both_themes_and_at_both_widths(page: Page) -> None:
    page.set_content(report("Report", ["<h1>Report</h1>", VERDICTS, FINDING, ANSWERS, MATRIX]))
    lefts = "[...document.querySelectorAll('tr:last-child :is(code, b)')].map(one => one.getBoundingClientRect().left)"
    [question, answer] = page.evaluate(lefts)
    assert question < answer
    found = [*barriers(page)]
    page.set_viewport_size(NARROW)
    page.emulate_media(color_scheme="dark")
    [question, answer] = page.evaluate(lefts)
    assert question == answer  # one below the other
    assert page.evaluate("document.documentElement.scrollWidth") == 400
    page.get_by_role("region", name="Aspects").focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator(".matrix th", has_text="a").last).to_be_in_viewport()
    assert [*found, *barriers(page)] == []
