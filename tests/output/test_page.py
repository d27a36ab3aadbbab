"""A page is whole, its title is text, and a table stands under its heading."""

from sched_emulator.output.page import page, table


def test_a_page_has_its_parts_and_its_style_and_a_title_that_is_text() -> None:
    lines = page("<b> & more", ["<h1>one</h1>", "<p>two</p>"]).splitlines()
    assert lines[-4:] == ["</style></head><body><main>", "<h1>one</h1>", "<p>two</p>", "</main></body></html>"]
    assert lines[:2] == [
        "<!doctype html><html lang=en><head><meta charset=utf-8>",
        "<meta name=viewport content='width=device-width, initial-scale=1'>",
    ]
    assert lines[2].startswith("<title>&lt;b&gt; &amp; more</title><style>")


def test_a_table_stands_under_its_heading() -> None:
    rows = ["<tr><td>1</td></tr>", "<tr><td>2</td></tr>"]
    inside = "<tr><td>1</td></tr><tr><td>2</td></tr></table></div>"
    begins = '<h2>Numbers</h2><div class=wide tabindex=0 role=region aria-label="Numbers">'
    assert table("Numbers", rows) == f"{begins}<table>{inside}"
    assert table("Numbers", iter(rows), "all") == f"{begins}<table class=all>{inside}"
