"""Reports for people: one page, no scripts, nothing loaded from elsewhere, in the look of the dashboard."""

from collections.abc import Iterable
from html import escape
from importlib.resources import files


def page(title: str, parts: Iterable[str]) -> str:
    """Return a page of parts in HTML; the title is text."""
    style = files(__package__).joinpath("page.css").read_text(encoding="utf-8")
    head = (
        "<!doctype html><html lang=en><head><meta charset=utf-8>",
        "<meta name=viewport content='width=device-width, initial-scale=1'>",
        f"<title>{escape(title)}</title><style>{style}</style></head><body><main>",
    )
    return "\n".join([*head, *parts, "</main></body></html>"]) + "\n"


def table(heading: str, rows: Iterable[str], kind: str = "") -> str:
    """Return a table of rows under a heading; a wide one is scrolled within the page."""
    attribute = f" class={kind}" if kind else ""
    begins = f'<h2>{heading}</h2><div class=wide tabindex=0 role=region aria-label="{heading}"><table{attribute}>'
    return f"{begins}{''.join(rows)}</table></div>"
