"""A year of a schedule as an SVG picture: the same calendar that the dashboard draws, by itself in both themes."""

from collections.abc import Sequence
from datetime import date
from html import escape

from sched_emulator.core.preview import LEVELS, Day, level

CELL, STEP, LEFT, TOP = 13, 16, 38, 46
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
STYLE = """\
text { font: 11px system-ui, sans-serif; fill: #586070 } .title { font-size: 14px; font-weight: 600; fill: #171a21 }
.back { fill: #ffffff } .l0 { fill: #e9ecf1 }
.l1 { fill: #cfd4f7 } .l2 { fill: #98a2ec } .l3 { fill: #6672de } .l4 { fill: #3640b8 }
.shift { stroke: #8a5200; stroke-width: 2 }
@media (prefers-color-scheme: dark) { text { fill: #a3abba } .title { fill: #e8eaf0 }
.back { fill: #1a1d24 } .l0 { fill: #22262f }
.l1 { fill: #2b3260 } .l2 { fill: #434ea0 } .l3 { fill: #6f7ce0 } .l4 { fill: #b3bcff } .shift { stroke: #f3b95b } }"""


def draw(days: Sequence[Day], title: str) -> str:
    """Return the picture: a column for each week, from Monday down, darker for more fires; `days` is not empty."""
    first = date.fromisoformat(days[0].date).weekday()
    weeks = (len(days) + first + 6) // 7
    width, height = LEFT + weeks * STEP + 14, TOP + 7 * STEP + 30
    most = max(day.fires for day in days)
    shown = f"{title}: {sum(day.fires for day in days):,} fires in {len(days)} days"
    size = f'width="{width}" height="{height}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} viewBox="0 0 {width} {height}" role="img">',
        f"<title>{escape(shown)}</title><style>{STYLE}</style>",
        f'<rect class="back" {size} rx="8"/><text class="title" x="8" y="20">{escape(shown)}</text>',
        *(f'<text x="8" y="{TOP + row * STEP + 11}">{WEEKDAYS[row]}</text>' for row in (0, 2, 4)),
        *_months(days, first),
        *(_day(day, number + first, most) for number, day in enumerate(days)),
        *_legend(TOP + 7 * STEP + 8),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _months(days: Sequence[Day], first: int) -> list[str]:
    columns = {(number + first) // 7: day for number, day in enumerate(days) if number == 0 or day.date.endswith("-01")}
    later = [*columns][1:]
    return [
        f'<text x="{LEFT + column * STEP}" y="{TOP - 8}">{MONTHS[int(day.date[5:7]) - 1]}</text>'
        for column, day in columns.items()
        if not any(0 < other - column < 3 for other in later)
    ]


def _day(day: Day, place: int, most: int) -> str:
    shift = f", clocks {'forward' if day.shift_seconds > 0 else 'back'}" if day.shift_seconds else ""
    told = f"{day.date}: {day.fires} {'fire' if day.fires == 1 else 'fires'}{shift}"
    kind = f"l{level(day.fires, most)}{' shift' if day.shift_seconds else ''}"
    x, y = LEFT + place // 7 * STEP, TOP + place % 7 * STEP
    return f'<rect class="{kind}" x="{x}" y="{y}" width="{CELL}" height="{CELL}" rx="3"><title>{told}</title></rect>'


def _legend(y: int) -> list[str]:
    boxes = [
        f'<rect class="l{number}" x="{LEFT + 30 + number * STEP}" y="{y}" width="{CELL}" height="{CELL}" rx="3"/>'
        for number in range(LEVELS + 1)
    ]
    clocks = f'<rect class="l0 shift" x="{LEFT + 172}" y="{y}" width="{CELL}" height="{CELL}" rx="3"/>'
    words = [(LEFT, "less"), (LEFT + 114, "more"), (LEFT + 192, "the clocks are set")]
    return [*boxes, clocks, *(f'<text x="{x}" y="{y + 11}">{word}</text>' for x, word in words)]
