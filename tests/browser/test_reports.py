"""The reports for people in a browser: no barrier in either theme, and tables that are read at 400 pixels."""

import pytest
from playwright.sync_api import Page, expect

from sched_emulator.output.page import page as report
from sched_emulator.output.page import table
from tests.browser.conftest import NARROW, barriers

pytestmark = pytest.mark.xdist_group("browser")
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
